"""A recorded night in plain Norwegian: who, what, when, and how an alarm ended. Serves timeline.

Pure. Owns the words for people who were not there. Must not know how anything is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import words
from nattevakt.central.tablet.when import spoken
from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.acts import Act
from nattevakt.sim.explore.playing import SAYS
from nattevakt.sim.explore.recording import Night, Span
from nattevakt.sim.explore.staffing import LAPSES
from nattevakt.sim.explore.story import Mishap
from nattevakt.sim.explore.wording import DOES, ZONE, lasts
from nattevakt.sim.ward import Resident, Sensor, Worker
from nattevakt.sim.watch import LOST, Seen

DEVICES: Mapping[Use, str] = {
    Use.BED: "sengematte",
    Use.CALL: "alarmknapp",
    Use.MOTION: "bevegelsessensor",
    Use.DOOR: "dørsensor",
    Use.FALL: "fallsensor",
    Use.LEAK: "vannsensor",
    Use.PRESENCE: "tilstedesensor",
    Use.CHAIR: "stolmatte",
    Use.WET: "fuktsensor",
    Use.AUTO: "klimasensor",
}
SHORT: Mapping[Use, str] = {
    Use.BED: "seng",
    Use.CALL: "knapp",
    Use.MOTION: "bevegelse",
    Use.DOOR: "dør",
    Use.FALL: "fall",
    Use.LEAK: "vann",
    Use.PRESENCE: "til stede",
    Use.CHAIR: "stol",
    Use.WET: "fukt",
    Use.AUTO: "klima",
}
HAPPENS: Mapping[Act, str] = {
    Act.PRESSES: "trykker på knappen",
    Act.FALLS: "faller",
    Act.FALLS_PERHAPS: "faller kanskje",
    Act.GETS_UP_FROM_FLOOR: "kommer opp",
    Act.FLOODS: "vann på gulvet",
    Act.WETS: "våt i senga",
    Act.CHANGED: "får tørt",
    Act.ENTERS: "inne på rommet",
    Act.OPENS: "dør åpen",
    Act.SITS: "i stolen",
}
"""What stands beside a mark."""
LEVELS: Mapping[str, str] = {
    "none": "ingenting går galt",
    "soft": "det enhver uke byr på, går galt",
    "hard": "alt som kan gå galt, går galt",
}
AWAY: Mapping[str, str] = {
    "box": "boksen går ikke",
    "line": "linja slipper ingenting gjennom",
    "slow": "linja er dårlig",
    "radio": "ingen lytter på radioen",
    "broker": "megleren er borte",
    "disk": "kortet tar ikke imot",
    "clock": "klokka går feil",
}
CENTRE_AWAY: Mapping[str, str] = {"centre": "sentralen er nede", "disk": "databasen tar ikke imot"}
TABLET_AWAY: Mapping[str, str] = {
    "off": "nettbrettet er av",
    "mute": "nettbrettet er lydløst",
    "nobody": "ingen er logget inn",
}
ENDS: Mapping[str, str] = {
    State.CLOSED.value: "avsluttet",
    State.CLEARED.value: "klarnet av seg selv",
    State.REJECTED.value: "avvist",
    LOST: "borte: sentralen gikk tilbake til en eldre kopi",
}
DONE: Mapping[str, str] = {
    State.TAKEN.value: "tar alarmen",
    State.ON_THE_WAY.value: "er på vei",
    State.ON_SITE.value: "er framme",
    State.CLOSED.value: "avslutter",
    State.REJECTED.value: "avviser",
    State.ESCALATED.value: "eskalerer",
    State.TRANSFERRED.value: "overfører",
    State.REOPENED.value: "åpner den igjen",
}
_DAYS = ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag")
_MONTHS = ("januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november",
           "desember")  # fmt: skip
_TAKEN = re.compile(r"^(\w+): alarm (\d+) → (\w+)(.*)$")
_LONG = "|".join(rf"{code}(?::\w+)?" for code in sentences.KINDS if "_" in code)
_SHORT = "|".join(code for code in sentences.KINDS if "_" not in code)
_CODES = re.compile(rf"\b(?:{_LONG})\b|(?<=\()(?:{_SHORT})(?=[),])|^(?:{_SHORT})(?= om | \()")
"""Codes of alarms in what the judge says. Short ones are Norwegian words too, so only where a code stands."""
_SAID = {"call": "et trykk", "fall": "et fall", "leak": "vann"}
_NB = words("nb")


def local(at_ms: int) -> datetime:
    """A moment as the wall shows it."""
    return datetime.fromtimestamp(at_ms / 1000, ZONE)


def at(at_ms: int, *, seconds: bool = True) -> str:
    """Hours, minutes and seconds; where the wall shows a time twice, the second time says so."""
    when = local(at_ms)
    return when.strftime("%H:%M:%S" if seconds else "%H:%M") + (" igjen" if when.fold else "")


def day(at_ms: int) -> str:
    """A date with its day of the week."""
    when = local(at_ms)
    return f"{_DAYS[when.weekday()]} {when.day}. {_MONTHS[when.month - 1]}"


def date(at_ms: int) -> str:
    """A date in short."""
    when = local(at_ms)
    return f"{when.day}.{when.month}."


def midnight(at_ms: int) -> bool:
    """Whether a day begins."""
    when = local(at_ms)
    return (when.hour, when.minute) == (0, 0)


def nights(night: Night) -> str:
    """Which nights these are."""
    first, last = local(night.story.begins_ms), local(night.ends_ms)
    if first.date() == last.date():
        return f"{day(night.story.begins_ms)} {first.year}"
    return f"{day(night.story.begins_ms)} til {day(night.ends_ms)} {last.year}"


def kind(code: str) -> str:
    """An alarm's heading."""
    return sentences.kind(_NB, code)


def why(seen: Seen) -> str:
    """Why an alarm rang, as the tablet said it."""
    return sentences.reason(_NB, seen.reason, spoken(seen.params, ZONE))


def home(resident: Resident) -> str:
    """A resident and the room."""
    return f"{resident.first_name} på {resident.room}"


def owner(night: Night, address: str) -> tuple[Resident, Sensor] | None:
    """Whose device this is."""
    found = ((r, sensor) for r in night.ward.residents for sensor in r.sensors if sensor.address == address)
    return next(found, None)


def worker(night: Night, key: str) -> Worker | None:
    """A member of the staff."""
    return next((one for one in night.ward.staff if one.key == key), None)


def first(night: Night, key: str) -> str:
    """What colleagues call a worker."""
    found = worker(night, key)
    return found.name.split()[0] if found is not None else key


def about(night: Night, key: str) -> str:
    """Whom or what something befell."""
    gateway = night.ward.gateway(key)
    if gateway is not None:
        return gateway.name
    found = owner(night, key)
    if found is not None:
        return f"{DEVICES[found[1].use]} hos {home(found[0])}"
    return first(night, key) if key else "sentralen"


def where(night: Night, seen: Seen) -> str:
    """What an alarm is about: a resident, or a part of the installation."""
    resident = whose(night, seen)
    if resident is not None and resident.name == seen.about:
        return home(resident)
    if seen.room:
        return f"{seen.room} ({about(night, seen.about)})" if seen.about not in ("", seen.room) else seen.room
    return about(night, seen.about)


def whose(night: Night, seen: Seen) -> Resident | None:
    """In whose row an alarm belongs; None where it is about the installation."""
    found = owner(night, seen.about)
    if found is not None:
        return found[0]
    named = next((r for r in night.ward.residents if r.name == seen.about), None)
    return named or next((r for r in night.ward.residents if seen.room and r.room == seen.room), None)


def ended(seen: Seen) -> str:
    """What came of an alarm."""
    if seen.ended_ms is None:
        return "fortsatt åpen da historien tok slutt"
    return ENDS.get(seen.ended_as) or f"ble til «{kind(seen.ended_as)}»"


def mishap(night: Night, one: Mishap) -> str:
    """What went wrong, with whom."""
    says = SAYS.get(one.what, one.what)
    who, gap = about(night, one.about), " " if one.what in LAPSES else ": "
    return f"{who}{gap}{says}" if one.about else says


def span(night: Night, one: Span) -> str:
    """What was away."""
    if not one.about:
        return CENTRE_AWAY.get(one.what, one.what)
    if worker(night, one.about) is not None:
        return f"{first(night, one.about)}: {TABLET_AWAY.get(one.what, one.what)}"
    return f"{about(night, one.about)}: {AWAY.get(one.what, one.what)}"


def lasted(from_ms: int, to_ms: int) -> str:
    """A length of time."""
    return lasts(to_ms - from_ms)


def does(night: Night, resident: str, act: Act) -> str:
    """What somebody did."""
    found = night.ward.resident(resident)
    return f"{home(found) if found is not None else resident} {DOES[act]}"


def told(night: Night) -> Iterator[tuple[int, str]]:
    """What of the trace is told nowhere else: what staff forget and cannot, what starts and stops."""
    lapses = tuple(lapse.says for lapse in LAPSES.values())
    for at_ms, sentence in night.told:
        if sentence.startswith(("UHELL ", "ALARM ", "BRUDD ")) or sentence.endswith(lapses):
            continue
        tap = _TAKEN.match(sentence)
        if tap is None:
            yield at_ms, _named(night, sentence.partition(" (")[0] if " får hjelp (" in sentence else sentence)
        elif tap[4]:
            yield at_ms, f"{first(night, tap[1])} {DONE.get(tap[3], tap[3])} (alarm {tap[2]}){tap[4]}"


def plain(night: Night, sentence: str) -> str:
    """A sentence of the judge, with words for what it names by code."""
    for gateway in night.ward.gateways:
        sentence = gateway.name.join(re.split(rf"\b{re.escape(gateway.key)}\b", sentence))
    for sensor in night.ward.sensors:
        address, name = re.escape(sensor.address), about(night, sensor.address)
        sentence = name.join(re.split(rf"\w+ på \S+ \({address}\)|{address}", sentence))
    head, gap, rest = sentence.partition(" fra ")
    sentence = f"{_SAID.get(head, head)}{gap}{rest}"
    return _CODES.sub(lambda found: f"«{kind(found[0].partition(':')[0])}»", sentence)


def _named(night: Night, sentence: str) -> str:
    """Keys of workers and gateways as names."""
    for gateway in night.ward.gateways:
        sentence = sentence.replace(gateway.key, gateway.name)
    head, _, rest = sentence.partition(" ")
    return f"{first(night, head)} {rest}" if worker(night, head) is not None else sentence
