"""Duty and routing in words: roles, shifts, who is told, and what cannot be. Serves arrow 9.

Owns the only table from these codes to sentences, for the pages and the command line. Must not know HTML or HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nattevakt.central.notify.routing import (
    REPEAT_LEAST_S,
    REPEAT_MOST_S,
    STEP_LEAST_S,
    STEP_MOST_S,
    STEPS_MAX,
    Routing,
    RoutingError,
)
from nattevakt.central.people.duties import DutyError
from nattevakt.central.people.duty_times import TimeError
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.errors import RejectError

ROLES: Mapping[str, str] = {
    "vakt": N_("Vakthavende"),
    "sykepleier": N_("Sykepleier"),
    "ansvarlig": N_("Ansvarlig"),
    "teknisk": N_("Teknisk vakt"),
}
SHIFTS: Mapping[str, str] = {
    "day": N_("Dag, 07 til 15"),
    "evening": N_("Kveld, 15 til 22"),
    "night": N_("Natt, 22 til 07"),
}
PRIORITIES: Mapping[int, str] = {1: N_("Høy"), 2: N_("Middels"), 3: N_("Lav")}
EVERYWHERE = N_("Hele kommunen")
ZONE = N_("Sone {name}")
_TARGETS: Mapping[str, str] = {
    "tablets:ward": N_("nettbrettene på avdelingen"),
    "tablets:zone": N_("nettbrettene i sonen"),
    "tablets:all": N_("alle nettbrett"),
    "duty:*": N_("alle som er på vakt"),
    "siren": N_("sirenen"),
}
_DUTY = N_("den som er på vakt som {role}")
_TEAM = N_("gruppen {name}")
_PHONE = N_("SMS til {number}")
_WEBHOOK = N_("varsling til {name}")
AT_ONCE = N_("straks")
EVERY = N_("hver {time}")
SECONDS, MINUTES, BOTH = N_("{s} s"), N_("{min} min"), N_("{min} min {s} s")

CODES: Mapping[str, str] = {
    "order": N_("Vakten må slutte etter at den begynner. Slutter den neste dag, velg datoen dagen etter."),
    "long": N_("En vakt varer høyst ett døgn. Del den i to."),
    "over": N_("Vakten er over. Det som har vært, kan ikke endres."),
    "two_places": N_("Velg en avdeling eller en sone, ikke begge."),
    "unknown_role": N_("Velg en rolle: vakt, sykepleier, ansvarlig eller teknisk."),
    "unknown_staff": N_("Ingen ansatt heter {named}. Se hvem som finnes, og skriv nøkkelen slik den står der."),
    "unknown_ward": N_("Avdelingen {named} finnes ikke."),
    "unknown_zone": N_("Sonen {named} finnes ikke i varslingsplanen."),
    "overlap": N_(
        "Den ansatte er allerede på vakt der i deler av denne tiden. Avslutt den vakten, eller velg en annen tid."
    ),
    "not_of_ward": N_("Den ansatte har ikke tilgang til avdelingen og kan ikke ta alarmene der. Gi tilgang først."),
    "unknown_duty": N_("Vakten finnes ikke. Last siden på nytt."),
    "time_unreadable": N_("Skriv dato og klokkeslett, for eksempel 26.11.2026 22:00."),
    "time_skipped": N_("Klokken stilles fram den natten, så det klokkeslettet finnes ikke. Velg et annet."),
    "twice": N_("{named} står to ganger. Gi den ene en annen nøkkel, eller fjern den."),
    "key": N_("Nøkkelen {named} må være små bokstaver, tall, - og _."),
    "ward_in_two_zones": N_("Avdelingen {named} er i to soner. La den stå i én."),
    "steps": N_("Kjeden {named} må ha fra 1 til {steps} trinn."),
    "repeat": N_(
        "Kjeden {named}: skriv fra {repeat_least} til {repeat_most} sekunder mellom gjentakelsene, eller 0 for ingen."
    ),
    "delay": N_("Kjeden {named}: et trinn kommer fra {least} til {most} sekunder etter det forrige."),
    "empty_step": N_("Kjeden {named} har et trinn som ikke varsler noen. Velg hvem, eller fjern trinnet."),
    "unknown_target": N_("{named} er ingen som kan varsles. Rett det, eller fjern det fra trinnet."),
    "unknown_chain": N_("Kjeden {named} finnes ikke."),
    "unknown_kind": N_("Alarmtypen {named} finnes ikke."),
    "unknown_priority": N_("Prioriteten {named} finnes ikke. Bruk 1, 2 eller 3."),
    "unknown_shift": N_("Vakttypen {named} finnes ikke. Bruk day, evening eller night."),
    "ends": N_(
        "Kjeden {named} gjentas ikke, så en alarm som ingen tar, ville bli stille. La siste trinn gjentas, eller bruk "
        "kjeden bare for lav prioritet."
    ),
    "zone_on_duty": N_("Noen er på vakt for sonen {named}. Avslutt vaktene først, eller behold sonen."),
    "routing_stale": N_(
        "Noen andre lagret varslingsplanen mens du skrev. Se den nyeste versjonen, og gjør endringen din i den."
    ),
    "why": N_("Skriv hvorfor varslingsplanen endres, med noen få ord."),
    "period": N_("Velg en periode på høyst 62 dager som begynner før den slutter."),
    "not_json": N_("Planen er ikke gyldig JSON. Se etter et tegn for mye eller for lite, ved linje {named}."),
    "bad_request": N_("Dette kunne ikke leses: {named}. Rett det, og prøv igjen."),
}
"""What is wrong with a duty or a routing document, and what to do."""
_NOT_JSON = re.compile("^not JSON: .* line ([0-9]+)")
_UNNAMED: Mapping[str, str] = {
    "unknown_staff": N_("Velg en ansatt."),
    "unknown_ward": N_("Velg en avdeling."),
}
"""The same where there is no name to say."""
_BOUNDS = {
    "steps": STEPS_MAX,
    "least": STEP_LEAST_S,
    "most": STEP_MOST_S,
    "repeat_least": REPEAT_LEAST_S,
    "repeat_most": REPEAT_MOST_S,
}


def coded(error: RejectError) -> bool:
    """Whether this says by a code of the table what is wrong."""
    return isinstance(error, DutyError | TimeError | RoutingError)


def refused(words: Words, error: RejectError) -> str:
    """What to do about what was refused."""
    if isinstance(error, DutyError | RoutingError):
        return said(words, error.code, error.named)
    if isinstance(error, TimeError):
        return said(words, error.code)
    line = _NOT_JSON.search(error.reason)
    if line or error.field == "JSON":
        return said(words, "not_json", line[1] if line else "1")
    if error.field == "why":
        return words(CODES["why"])
    return said(words, "bad_request", f"{error.field}: {error.reason}")


def said(words: Words, code: str, named: str = "") -> str:
    """The sentence of a code. named: what it is about."""
    sentence = _UNNAMED.get(code, CODES[code]) if not named else CODES[code]
    return words(sentence, {"named": named, **_BOUNDS})


def target(words: Words, code: str, routing: Routing) -> str:
    """Who a step tells: "alle nettbrett"."""
    if code in _TARGETS:
        return words(_TARGETS[code])
    road, _, rest = code.partition(":")
    if road == "duty":
        return words(_DUTY, {"role": words(ROLES.get(rest, rest)).lower()})
    if road == "team":
        return words(_TEAM, {"name": next((team.name for team in routing.teams if team.key == rest), rest)})
    if road == "phone":
        return words(_PHONE, {"number": rest})
    return words(_WEBHOOK, {"name": rest})


def span(words: Words, seconds: int) -> str:
    """A time that is waited: "90 s", "5 min"."""
    minutes, rest = divmod(seconds, 60)
    if seconds <= 90 and rest:
        return words(SECONDS, {"s": seconds})
    return words(BOTH if rest else MINUTES, {"min": minutes, "s": rest})
