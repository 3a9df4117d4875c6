"""Who is told when, for the page: the chains as steps in time, the routes in words, and who it would be now. Serves
arrow 9.

Owns how a document reads. Must not know HTML, HTTP, or how a step is taken.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from nattevakt.central import duty_words
from nattevakt.central.admin import moments
from nattevakt.central.admin.duty_view import Choice
from nattevakt.central.admin.who import Lead, Ward, staff_names, wards_of
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import routing_rows
from nattevakt.central.notify.routing import (
    ANY_ROLE,
    QUIET,
    SHIFTS,
    STANDARD,
    Chain,
    Route,
    Routing,
    chain_of,
)
from nattevakt.central.notify.shifts import shift_of
from nattevakt.central.people import duties
from nattevakt.central.tables import staff, wards
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_, Words

AFTER = N_("etter {time}")
NOBODY = N_("ingen er på vakt nå")
WITHOUT_PHONE = N_("{name} (uten telefonnummer)")
ALL = N_("Alle alarmer")
REST = N_("Alle andre alarmer")
REST_LOW = N_("Andre alarmer med lav prioritet")
_BUILT_IN: Mapping[str, str] = {STANDARD.key: N_("Standard"), QUIET.key: N_("Stille")}
_PARTS: Mapping[str, str] = {
    "kinds": N_("type: {values}"),
    "priorities": N_("prioritet: {values}"),
    "wards": N_("avdeling: {values}"),
    "zones": N_("sone: {values}"),
    "shifts": N_("tid: {values}"),
}


@dataclass(frozen=True, slots=True)
class StepView:
    """One step in time. at: since the alarm began to ring, "straks", "etter 90 s". who: those it would be now."""

    at: str
    told: tuple[str, ...]
    who: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainView:
    """A chain. again: how often the last step is taken again, "" for never."""

    name: str
    steps: tuple[StepView, ...]
    again: str


@dataclass(frozen=True, slots=True)
class RouteView:
    """Which alarms go which way."""

    says: str
    chain: ChainView


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version: who, when, why. readable: this program knows its form."""

    version: int
    by: str
    at: str
    why: str
    readable: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """Who would get it now. ward, kind, shift: what was asked."""

    ward: str
    kind: str
    shift: str
    chain: ChainView


@dataclass(frozen=True, slots=True)
class RoutingView:
    """The whole page. text: the document as it is typed; version: the one it was read from."""

    routes: tuple[RouteView, ...]
    zones: tuple[tuple[str, str], ...]
    teams: tuple[tuple[str, str], ...]
    versions: tuple[VersionView, ...]
    version: int
    unreadable: bool
    text: str
    why: str
    preview: Preview
    wards: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    shifts: tuple[Choice, ...]
    wrong: str
    told: str


def view(
    s: TenantSession,
    lead: Lead,
    asked: Mapping[str, str],
    *,
    typed: Mapping[str, str] | None = None,
    wrong: str = "",
    told: str = "",
) -> RoutingView:
    """The page with what holds, or with what was typed and what is wrong with it."""
    history = routing_rows.history(s)
    routing = routing_rows.current(s)
    version = history[0].version if history else 0
    reader = _Reader(s, lead, routing)
    names = staff_names(s)
    mine = wards_of(s, lead)
    choices = _choices(lead.words)
    return RoutingView(
        routes=reader.routes(),
        zones=tuple((zone.name, ", ".join(map(reader.ward, zone.wards))) for zone in routing.zones),
        teams=tuple((team.name, ", ".join(map(reader.person, team.staff))) for team in routing.teams),
        versions=tuple(
            VersionView(
                one.version,
                one.by_name or names.get(one.staff_id or 0, ""),
                moments.day_clock(lead.words, one.at_ms, lead.zone),
                one.why,
                one.routing is not None,
            )
            for one in history
        ),
        version=_number(typed["version"], version) if typed is not None else version,
        unreadable=bool(history) and history[0].routing is None,
        text=typed["text"] if typed is not None else written(routing),
        why=typed["why"] if typed is not None else "",
        preview=reader.preview(mine, asked),
        wards=tuple(Choice(str(ward.id), ward.name) for ward in mine),
        **choices,
        wrong=wrong,
        told=told,
    )


def _number(typed: str, otherwise: int) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 10 else otherwise


def written(routing: Routing) -> str:
    """A document as somebody edits it: JSON with a line for each thing; what a route leaves open is left out."""
    plain = routing.plain
    parts = {name: [_line(one) for one in plain[name]] for name in ("zones", "teams", "routes")}
    parts["chains"] = [
        f'{{"key": {_line(one["key"])}, "name": {_line(one["name"])}, "repeat_s": {one["repeat_s"]}, "steps": '
        + _listed([_line(step) for step in one["steps"]], "      ")
        + "}"
        for one in plain["chains"]
    ]
    return "{\n" + ",\n".join(f'  "{name}": {_listed(parts[name], "    ")}' for name in plain) + "\n}\n"


def _line(value: object) -> str:
    if isinstance(value, dict):
        value = {name: one for name, one in value.items() if one != []}
    return json.dumps(value, ensure_ascii=False)


def _listed(lines: Sequence[str], indent: str) -> str:
    inside = ",\n".join(f"{indent}{line}" for line in lines)
    return f"[\n{inside}\n{indent[:-2]}]" if lines else "[]"


def _choices(words: Words) -> dict[str, tuple[Choice, ...]]:
    titles = sorted((words(sentences.KINDS[key]), key) for key in KINDS)
    return {
        "kinds": tuple(Choice(key, title) for title, key in titles),
        "shifts": tuple(Choice(shift, words(duty_words.SHIFTS[shift])) for shift in SHIFTS),
    }


class _Reader:
    """A document in words."""

    def __init__(self, s: TenantSession, lead: Lead, routing: Routing) -> None:
        self.s, self.lead, self.words, self.routing = s, lead, lead.words, routing
        rows = s.execute(_WARDS).all()
        self.ward_names = {row.key: str(row.name) for row in rows}
        self.ward_keys = {int(row.id): str(row.key) for row in rows}
        self.people = {row.key: str(row.name) for row in s.execute(_STAFF)}

    def ward(self, key: str) -> str:
        """A ward's name."""
        return self.ward_names.get(key, key)

    def person(self, key: str) -> str:
        """Somebody's name."""
        return self.people.get(key, key)

    def routes(self) -> tuple[RouteView, ...]:
        """Every route with its chain, and the built-in ones for what none of them takes."""
        chains = {chain.key: chain for chain in self.routing.chains}
        found = [RouteView(self.route(one), self.chain(chains[one.chain])) for one in self.routing.routes]
        if any(_takes_all(one) for one in self.routing.routes):
            return tuple(found)
        low, rest = (REST_LOW, REST) if found else (REST_LOW, ALL)
        return (
            *found,
            RouteView(self.words(low), self.chain(QUIET)),
            RouteView(self.words(rest), self.chain(STANDARD)),
        )

    def route(self, one: Route) -> str:
        """Which alarms a route takes: "type: Fall; tid: Natt, 22 til 07"."""
        zones = {zone.key: zone.name for zone in self.routing.zones}
        said = {
            "kinds": [self.words(sentences.KINDS.get(kind, kind)) for kind in one.kinds],
            "priorities": [self.words(duty_words.PRIORITIES.get(each, str(each))).lower() for each in one.priorities],
            "wards": [self.ward(key) for key in one.wards],
            "zones": [zones.get(key, key) for key in one.zones],
            "shifts": [self.words(duty_words.SHIFTS.get(shift, shift)) for shift in one.shifts],
        }
        parts = [self.words(_PARTS[name], {"values": " / ".join(values)}) for name, values in said.items() if values]
        if parts:
            said_so = "; ".join(parts)
            return said_so[:1].upper() + said_so[1:]
        return self.words(ALL if one is self.routing.routes[0] else REST)

    def chain(self, one: Chain, ward_id: int | None = None) -> ChainView:
        """A chain's steps in time; with a ward, who it would be now."""
        sums = itertools.accumulate(0 if n == 0 else step.after_s for n, step in enumerate(one.steps))
        steps = tuple(
            StepView(
                self.words(AFTER, {"time": duty_words.span(self.words, seconds)})
                if seconds
                else self.words(duty_words.AT_ONCE),
                tuple(duty_words.target(self.words, target, self.routing) for target in step.to),
                self.who(step.to, ward_id) if ward_id is not None else (),
            )
            for seconds, step in zip(sums, one.steps, strict=True)
        )
        every = {"time": duty_words.span(self.words, one.repeat_s)}
        name = self.words(_BUILT_IN[one.key]) if one in (STANDARD, QUIET) else one.name
        return ChainView(name, steps, self.words(duty_words.EVERY, every) if one.repeat_s else "")

    def who(self, targets: Sequence[str], ward_id: int) -> tuple[str, ...]:
        """Names of the people that a step would tell at this moment."""
        zone = self.routing.zone_of(self.ward_keys[ward_id])
        found: dict[str, None] = {}
        asks = False
        for target in targets:
            road, _, rest = target.partition(":")
            if road == "duty":
                asks = True
                on = duties.on_duty(self.s, ward_id, zone.key if zone else None, self.lead.now_ms, rest or ANY_ROLE)
                for one in on:
                    said = one.name if one.phone else self.words(WITHOUT_PHONE, {"name": one.name})
                    found[said] = None
            elif road == "team":
                team = next((one for one in self.routing.teams if one.key == rest), None)
                found.update(dict.fromkeys(map(self.person, team.staff if team else ())))
        return tuple(found) or ((self.words(NOBODY),) if asks else ())

    def preview(self, mine: Sequence[Ward], asked: Mapping[str, str]) -> Preview:
        """Who would get an alarm of this kind, on this ward, in this shift."""
        wanted = asked.get("ward", "")
        ward = next((one for one in mine if str(one.id) == wanted), mine[0])
        kind = asked.get("kind", "") if asked.get("kind", "") in KINDS else "call"
        now = shift_of(self.lead.now_ms, self.lead.zone.key)
        shift = asked.get("shift", "") if asked.get("shift", "") in SHIFTS else now
        chain = chain_of(self.routing, kind, int(KINDS[kind].priority), self.ward_keys[ward.id], shift)
        return Preview(str(ward.id), kind, shift, self.chain(chain, ward.id))


_WARDS = select(wards.c.id, wards.c.key, wards.c.name).where(wards.c.tenant_id == TENANT)
_STAFF = select(staff.c.key, staff.c.name).where(staff.c.tenant_id == TENANT)


def _takes_all(one: Route) -> bool:
    return not (one.kinds or one.priorities or one.wards or one.zones or one.shifts)
