"""What a ward's lead reads where something cannot be saved: what is wrong, and what to do. Serves arrow 9.

Owns the only table from codes and fields to those sentences. Must not know forms, HTML or HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.central import duty_words
from nattevakt.central.admin import rule_words
from nattevakt.central.admin.drafts import Wrong
from nattevakt.central.places.plan_lines import PlanError
from nattevakt.central.rounds.limits import BOUNDS
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.errors import RejectError

PERIOD_TOO_FULL = N_("Perioden har for mange alarmer. Velg en kortere periode eller én avdeling.")
CODES: Mapping[str, str] = {
    "too_many_lines": N_("En plan har høyst {most} linjer. Slå noen av dem sammen."),
    "rule_not_planned": N_("Denne er alltid på og kan ikke settes i en plan. Fjern linjen."),
    "unknown_rule": N_("Denne finnes ikke. Fjern linjen og velg en fra listen."),
    "line_twice": N_("Denne linjen står to ganger med samme tidsrom. Fjern den ene."),
    "window_not_wanted": N_("Denne har ikke tidsrom. Fjern dem."),
    "too_many_windows": N_("Høyst {most} tidsrom. Slå noen av dem sammen."),
    "window_twice": N_("Samme tidsrom står to ganger. Fjern det ene."),
    "unknown_setting": N_("Denne innstillingen finnes ikke lenger. Fjern linjen og legg den til på nytt."),
    "out_of_range": N_("Skriv et helt tall fra {least} til {most}."),
    "not_whole": N_("Skriv et helt tall."),
    "missing_sensor": N_("Rommet mangler sensor for {needs}. Monter en, eller fjern linjen."),
    "bad_form": N_("Skjemaet kunne ikke leses. Last siden på nytt."),
    "window_impossible": N_("Skriv et klokkeslett fra 00:00 til 23:59."),
    "time_unreadable": N_("Skriv et klokkeslett, for eksempel 22:00."),
    "window_half": N_("Skriv klokkeslettet som mangler, eller tøm begge feltene."),
    "no_weekday": N_("Velg minst én ukedag."),
    "basis_needed": N_(
        "Planen overvåker ingen uten rettslig grunnlag. Velg samtykke eller vedtak, hvem som er ansvarlig, og når det "
        "skal vurderes på nytt."
    ),
    "date_unreadable": N_("Velg en dato."),
    "stale": N_(
        "{name} lagret kl. {at} mens du skrev. Se endringen under Historikk. Begynn på nytt fra den, eller kryss av "
        "for å lagre din i stedet."
    ),
    "busy": N_("Noen andre prøver en plan eller henter tall akkurat nå. Vent litt og prøv igjen."),
    "nights": N_("Velg fra 1 til 60 netter."),
    "too_long": N_("Teksten er for lang. Kort den ned."),
    "too_many_times": N_("Skriv høyst 24 klokkeslett. Fjern noen av dem."),
    "period": N_("Velg en periode på høyst 400 dager som begynner før den slutter."),
    "period_too_full": PERIOD_TOO_FULL,
}
"""What is wrong with a plan that is typed."""

FIELDS: Mapping[str, str] = {
    "plan.why": N_("Skriv hvorfor planen endres, med noen få ord."),
    "plan.dense_rounds_min": N_("Skriv et helt tall fra 15 til 720, eller la feltet stå tomt."),
    "plan.resident_id": N_("Beboeren har ingen plan. Lagre en først."),
    "plan.startup_to_ms": N_("Oppstarten må vare fra 1 til 60 dager fra nå."),
    "basis.basis": CODES["basis_needed"],
    "basis.kind": N_("Velg samtykke eller vedtak."),
    "basis.responsible": N_("Skriv hvem som er ansvarlig for å vurdere grunnlaget på nytt."),
    "basis.review_ms": N_("Velg en dato fram i tid, høyst ett år."),
    "basis.from_ms": N_("Velg datoen grunnlaget gjelder fra."),
    "pause.rule": N_("Velg en linje som står i planen."),
    "pause.reason": N_("Skriv hvorfor det settes på pause, med noen få ord."),
    "pause.to_ms": N_("Velg et klokkeslett før neste vaktskifte. Den som kommer på vakt, kan ta en ny pause."),
    "pause.resident_id": N_("Beboeren har ingen plan å sette på pause."),
    "rounds.times": CODES["too_many_times"],
    "rounds.rounds": CODES["too_many_times"],
    "rounds.minute": CODES["window_impossible"],
    "rounds.weekdays": CODES["no_weekday"],
    "rounds.since_ms": CODES["period"],
    "rounds.before_ms": CODES["period"],
    "backtest.nights": CODES["nights"],
    "backtest.events": N_("Det er for mange hendelser i disse nettene. Prøv færre."),
}
"""What is wrong at a field of what is asked for."""
OTHER = N_("Dette kunne ikke lagres: {reason}.")

ERRORS: Mapping[str, str] = {
    **sentences.ERRORS,
    "lead_needed": N_("Bare avdelingsledere kan se og endre planer. Den som er logget inn, er ikke avdelingsleder."),
    "other_ward": N_("Beboeren bor på en avdeling som ikke er din."),
    "unknown_ward": N_("Avdelingen finnes ikke, eller er ikke din."),
    "period_too_full": PERIOD_TOO_FULL,
    "unknown_alarm": N_("Alarmen finnes ikke, eller er på en avdeling som ikke er din."),
    "unknown_chain_test": N_("Prøven finnes ikke, eller er på en avdeling som ikke er din."),
    "unknown_resident": N_("Beboeren finnes ikke, eller bor ikke på noen avdeling nå."),
    "tablet_needed": N_("Denne nettleseren er ikke registrert."),
    "person_needed": N_("Logg inn på tavlen med navn og PIN, og kom tilbake hit. Gå bakover for å finne det du skrev."),
    "busy": CODES["busy"],
    "stale": N_("{name} lagret kl. {at}; se endringen."),
}
"""Refusals of a whole page or request."""


def said(words: Words, wrong: Wrong) -> str:
    """What to do about what is wrong with a draft."""
    params: dict[str, object] = dict(wrong.params)
    if "needs" in params:
        params["needs"] = rule_words.needs(words, str(params["needs"]))
    return words(CODES[wrong.code], params)


def refused(words: Words, area: str, error: RejectError) -> str:
    """What to do about what was refused. area: "plan", "basis", "pause", "backtest", "rounds"."""
    if isinstance(error, PlanError):
        return said(words, Wrong(error.code, error.params))
    if duty_words.coded(error):
        return duty_words.refused(words, error)
    if error.reason.startswith("longer than"):
        return words(CODES["too_long"])
    if area == "rounds":
        return _of_rounds(words, error)
    field = "events" if area == "backtest" and error.reason.startswith("more than") else error.field
    known = FIELDS.get(f"{area}.{field}")
    return words(known) if known is not None else words(OTHER, {"reason": error.reason})


def _of_rounds(words: Words, error: RejectError) -> str:
    """The same for the times and limits of rounds; "times[2].minute" is a minute."""
    field = error.field.rpartition(".")[2].partition("[")[0]
    if field in BOUNDS and not error.reason.startswith("unknown"):
        least, most = BOUNDS[field]
        return words(CODES["out_of_range"], {"least": least, "most": most})
    if field == "times" and not error.reason.startswith("at most"):
        return words(OTHER, {"reason": error.reason})
    known = FIELDS.get(f"rounds.{field}")
    return words(known) if known is not None else words(OTHER, {"reason": error.reason})
