"""Tests of the whole way in words: how each chain stands, and one test's certificate. Serves arrow 9.

Owns these sentences, and the legs that the way is timed by. Must not know HTTP, HTML, or when a test counts
(chain/certificates.py). A leg whose ends were dated by two clocks is never below nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from nattevakt.central.admin.moments import clock, day, day_clock
from nattevakt.central.admin.story_words import span
from nattevakt.central.admin.who import Lead, Ward
from nattevakt.central.chain.certificates import RED, Line, Standing
from nattevakt.central.chain.setup import Setup
from nattevakt.central.response_times import Shift
from nattevakt.central.response_words import SHIFTS
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.when import clock_seconds

SAYS: Mapping[Standing, str] = {
    Standing.GOOD: N_("Prøvd"),
    Standing.OLD: N_("Eldre enn {days} dager"),
    Standing.CHANGED: N_("Oppsettet er endret siden"),
    Standing.FAILED: N_("Kom ikke fram"),
    Standing.NEVER: N_("Aldri prøvd"),
    Standing.NO_SENSOR: N_("Ingen sensor i rommet"),
}
STOPPED: Mapping[str, str] = {
    "no_gateway": N_("Ingen mottaker hører sensorene i rommet."),
    "not_given": N_("Mottakeren hentet ikke prøven."),
    "not_received": N_("Prøven kom ikke fra mottakeren til sentralen."),
    "not_shown": N_("Prøven ble ikke vist på noe nettbrett."),
    "not_sounded": N_("Prøven ble vist, men uten lyd, og ingen bekreftet den."),
    "not_tapped": N_("Prøven ble vist og hørt, men ingen bekreftet den."),
}
"""Where it stopped, in a sentence."""
TO_SCREEN = N_("{span} fra mottaker til skjerm")
UNDER_WAY = N_("Prøve pågår siden kl. {at}")
NO_TIME = N_("ikke målt")
ASKED = N_("Spurt {span} før mottakeren hentet den")
ON_DISK = N_("Lagret i mottakeren etter {span}")
IN_CENTRE = N_("I sentralen etter {span}")
ON_SCREEN = N_("På skjermen etter {span}")
SOUND = N_("lyd kl. {at}")
NO_SOUND = N_("lyden er ikke bekreftet")
TAPPED = N_("Bekreftet etter {span}")
HEARD = N_("sist hørt {at}")
HEARD_NEVER = N_("aldri hørt")
SENSOR, GATEWAY, CENTRE, TABLET, TAP = N_("Sensor"), N_("Mottaker"), N_("Sentral"), N_("Nettbrett"), N_("Trykk")
NOT_TRIED = N_("Ikke del av prøven: trykk på knappen for å prøve den.")
NOBODY = N_("en tidsstyrt bestilling")


@dataclass(frozen=True, slots=True)
class CellView:
    """A chain in one shift. href: its certificate, or of the test that failed; "" where there is none."""

    shift: str
    code: str
    says: str
    at: str
    took: str
    href: str
    under_way: str

    @property
    def red(self) -> bool:
        """Whether somebody has to do something."""
        return self.code in RED


@dataclass(frozen=True, slots=True)
class ResidentView:
    """One resident's chain in each shift."""

    id: int
    number: str
    name: str
    cells: tuple[CellView, ...]
    testable: bool


@dataclass(frozen=True, slots=True)
class WardView:
    """A ward's chains. good, red, never: how many of its chains and shifts stand so."""

    id: int
    name: str
    rows: tuple[ResidentView, ...]
    good: int
    red: int
    never: int


@dataclass(frozen=True, slots=True)
class StationView:
    """A station of the way. leg: how the test came here, "" at the first. reached: "yes", "no", or "apart" where it is
    no part of the test."""

    name: str
    what: str
    more: tuple[str, ...]
    leg: str
    at: str
    reached: str


@dataclass(frozen=True, slots=True)
class CertificateView:
    """One test, ready to be printed. facts: what it was, by name."""

    id: int
    title: str
    done: bool
    verdict: str
    stations: tuple[StationView, ...]
    facts: tuple[tuple[str, str], ...]


def wards(lead: Lead, there: Sequence[Ward], lines: Iterable[Line], valid_days: int) -> list[WardView]:
    """The page's wards, each with its residents by room."""
    by_ward: dict[int, dict[int, tuple[Setup, list[Line]]]] = {ward.id: {} for ward in there}
    for line in lines:
        one = line.setup
        by_ward[one.ward_id].setdefault(one.resident_id, (one, []))[1].append(line)
    found = []
    for ward in there:
        chains = [line for _, mine in by_ward[ward.id].values() for line in mine]
        rows = tuple(
            ResidentView(
                one.resident_id,
                one.number,
                one.name,
                tuple(_cell(lead, line, valid_days) for line in mine),
                testable=bool(one.devices),
            )
            for one, mine in by_ward[ward.id].values()
        )
        good = sum(line.standing is Standing.GOOD for line in chains)
        red = sum(line.standing in RED for line in chains)
        never = sum(line.standing is Standing.NEVER for line in chains)
        found.append(WardView(ward.id, ward.name, rows, good, red, never))
    return found


def _cell(lead: Lead, line: Line, valid_days: int) -> CellView:
    words, row = lead.words, line.failed or line.done
    at = took = under_way = ""
    if row is not None:
        at = day_clock(words, row.failed_ms if row is line.failed else row.tapped_ms, lead.zone)
    if row is not None and row is line.done and row.given_ms is not None and row.shown_ms is not None:
        took = words(TO_SCREEN, {"span": span(words, max(0, row.shown_ms - row.given_ms))})
    elif row is not None and row is line.failed:
        took = words(STOPPED.get(row.reason or "", ""))
    if line.under_way is not None:
        under_way = words(UNDER_WAY, {"at": clock(line.under_way.asked_ms, lead.zone)})
    return CellView(
        shift=words(SHIFTS[line.shift]),
        code=line.standing.value,
        says=words(SAYS[line.standing], {"days": valid_days}),
        at=at,
        took=took,
        href=f"/admin/chain-tests/{row.id}" if row is not None else "",
        under_way=under_way,
    )


TITLE = N_("Prøve av varslingskjeden, rom {room}")
DONE = N_("Kom fram og ble bekreftet.")
OPEN = N_("Pågår.")
FACTS = {
    "resident": N_("Beboer"),
    "ward": N_("Avdeling"),
    "shift": N_("Vakt"),
    "asked": N_("Bestilt"),
    "tapped": N_("Bekreftet av"),
    "tablet": N_("På nettbrettet"),
    "tablets": N_("Nettbrett på avdelingen da"),
    "routing": N_("Varslingsplan"),
    "setup": N_("Oppsettets sum"),
}
ROUTING = N_("versjon {n}")
ROUTING_NONE = N_("den innebygde")


def certificate(lead: Lead, row: Row[Any], resident: str, staff: Mapping[int, str], tablet: str) -> CertificateView:
    """One test's certificate. staff: names by id; tablet: the name of the one it was answered on."""
    words, path = lead.words, row.path
    by = staff.get(row.asked_by, "") if row.asked_by is not None else words(NOBODY)
    # A paper is read years later: with the year.
    asked = f"{day(words, row.asked_ms, lead.zone)} kl. {clock(row.asked_ms, lead.zone)}, {by}"
    facts = {
        "resident": f"{path['room']} {resident}",
        "ward": path["ward"],
        "shift": words(SHIFTS[Shift(row.shift)]),
        "asked": asked,
        "tapped": staff.get(row.tapped_by, "") if row.tapped_by is not None else "",
        "tablet": tablet,
        "tablets": ", ".join(path["tablets"]) or "–",
        "routing": words(ROUTING, {"n": path["routing"]}) if path["routing"] else words(ROUTING_NONE),
        "setup": row.config_sha[:12],
    }
    verdict = {"done": words(DONE), "failed": words(STOPPED.get(row.reason or "", ""))}.get(row.state, words(OPEN))
    return CertificateView(
        id=row.id,
        title=words(TITLE, {"room": path["room"]}),
        done=row.state == "done",
        verdict=verdict,
        stations=tuple(_stations(lead, row, facts["tapped"], tablet)),
        facts=tuple((words(FACTS[key]), str(value)) for key, value in facts.items() if value),
    )


def _stations(lead: Lead, row: Row[Any], tapped_by: str, tablet: str) -> Iterable[StationView]:
    words, path = lead.words, row.path
    yield StationView(words(SENSOR), words(NOT_TRIED), tuple(_sensors(lead, row)), "", "", "apart")

    def at(ms: int | None) -> str:
        return "" if ms is None else clock_seconds(ms, lead.zone)

    def leg(said: str, from_ms: int | None, to_ms: int | None) -> str:
        known = from_ms is not None and to_ms is not None
        return words(said, {"span": span(words, max(0, to_ms - from_ms)) if known else words(NO_TIME)})  # type: ignore[operator]

    def station(name: str, what: str, said: str, from_ms: int | None, to_ms: int | None, *more: str) -> StationView:
        told = tuple(one for one in more if one)
        if to_ms is None:
            return StationView(words(name), what, told, "", "", "no")
        return StationView(words(name), what, told, leg(said, from_ms, to_ms), at(to_ms), "yes")

    fetched = leg(ASKED, row.asked_ms, row.given_ms) if row.given_ms is not None else ""
    gateway = str(path["gateway"]) or "–"
    if row.appended_ms is None and row.given_ms is not None:
        # It has fetched it; whether it has stored it nobody can know.
        yield StationView(words(GATEWAY), gateway, (fetched,), "", at(row.given_ms), "yes")
    else:
        yield station(GATEWAY, gateway, ON_DISK, row.given_ms, row.appended_ms, fetched)
    yield station(CENTRE, "Nattevakt", IN_CENTRE, row.appended_ms, row.received_ms)
    sound = words(NO_SOUND) if row.sounded_ms is None else words(SOUND, {"at": at(row.sounded_ms)})
    sound = sound if row.shown_ms is not None else ""
    yield station(TABLET, tablet or str(path["ward"]), ON_SCREEN, row.received_ms, row.shown_ms, sound)
    yield station(TAP, tapped_by, TAPPED, row.shown_ms, row.tapped_ms)


def _sensors(lead: Lead, row: Row[Any]) -> Iterable[str]:
    """The room's sensors as they were known when the test was asked for."""
    words: Words = lead.words
    for one in row.path["devices"]:
        name = one["spot"] or one["name"]
        if one["heard_ms"] is None:
            yield f"{name}: {words(HEARD_NEVER)}"
        else:
            yield f"{name}: {words(HEARD, {'at': day_clock(words, one['heard_ms'], lead.zone)})}"


FIELDS = ("id", "resident_id", "ward_id", "gateway_id", "shift", "state", "config_sha", "reason", "path")
TIMES = ("asked", "given", "appended", "received", "shown", "sounded", "tapped", "failed")
PEOPLE = ("asked_by", "tapped_by", "tablet_id")


def plain(row: Row[Any]) -> dict[str, object]:
    """One test as JSON can hold it; without its nonce."""
    names = (*FIELDS, *(f"{name}_ms" for name in TIMES), *PEOPLE)
    return {name: getattr(row, name) for name in names}


def plain_line(line: Line) -> dict[str, object]:
    """One chain in one shift."""
    tests = {name: None if row is None else plain(row) for name, row in _tests(line)}
    return {
        "resident_id": line.setup.resident_id,
        "room": line.setup.number,
        "ward_id": line.setup.ward_id,
        "shift": line.shift.value,
        "standing": line.standing.value,
        **tests,
    }


def _tests(line: Line) -> tuple[tuple[str, Row[Any] | None], ...]:
    return (("done", line.done), ("failed", line.failed), ("under_way", line.under_way))
