"""A week's duties for the page: who is on duty where, as what, and when nobody is. Serves arrow 9.

Owns which places and roles are shown, and what counts as a hole: a time in which nobody is on duty who would be asked,
be it for the ward, its zone or the whole municipality. Must not know HTML, HTTP, or how a duty is kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select

from nattevakt.central import duty_words
from nattevakt.central.admin import moments
from nattevakt.central.admin.who import Lead, wards_of
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import routing_rows
from nattevakt.central.notify.routing import ANY_ROLE, ROLES, SHIFTS, Routing, chain_of
from nattevakt.central.notify.shifts import shift_of
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Duty
from nattevakt.central.people.duty_times import typed_of
from nattevakt.central.places.pauses import SHIFT_MINUTES
from nattevakt.central.tables import staff, wards
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.rules.windows import next_at_ms

SOMEBODY = N_("Noen på vakt")
HOLE = N_("Ingen på vakt: {time}")
ROLE_HOLE = N_("Ingen på vakt som {role}: {time}")
NO_END = N_("{start} og videre")
DAYS = 7
AHEAD_MS = DAYS * 24 * 3_600_000
"""So far beyond a week is looked for the end of a hole that begins in it: a night is not over at midnight."""
HOUR_MS = 3_600_000
FIRST_MINUTE, LAST_MINUTE = 22 * 60, 7 * 60
"""What an empty form suggests: the coming night."""

Span = tuple[int, int]
_NOBODY: Mapping[str, frozenset[str]] = {}


@dataclass(frozen=True, slots=True)
class Bar:
    """One duty in the drawing."""

    from_ms: int
    to_ms: int
    name: str
    initials: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One role of a place. holes: when, from now on, nobody is on duty as that who would be asked."""

    label: str
    bars: tuple[Bar, ...]
    holes: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty in the list. begun: it can be ended; else it can be taken away. over: neither."""

    id: int
    name: str
    role: str
    when: str
    reachable: bool
    begun: bool
    over: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A ward, a zone or all. key: "ward:3", "zone:nord", "all"; holes: in words."""

    key: str
    name: str
    lanes: tuple[Lane, ...]
    holes: tuple[str, ...]
    lines: tuple[DutyLine, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose in a form."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Week:
    """The whole page. days: the moments at which its days begin, and the end. typed: the form as it was sent."""

    from_ms: int
    to_ms: int
    days: tuple[int, ...]
    first: str
    before: str
    after: str
    title: str
    places: tuple[Place, ...]
    people: tuple[Choice, ...]
    roles: tuple[Choice, ...]
    choices: tuple[Choice, ...]
    typed: Mapping[str, str]
    wrong: Mapping[str, str]
    told: str


def week(
    s: TenantSession,
    lead: Lead,
    first: date | None,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    told: str = "",
) -> Week:
    """The week that this day is in, None: today."""
    today = datetime.fromtimestamp(lead.now_ms / 1000, UTC).astimezone(lead.zone).date()
    shown = first or today
    monday = shown - timedelta(days=shown.weekday())
    days = tuple(_midnight_ms(lead, monday + timedelta(days=n)) for n in range(DAYS + 1))
    routing = routing_rows.current(s)
    found = duties.between(s, days[0], days[-1] + AHEAD_MS)
    places = _places(s, lead, routing, found, (days[0], days[-1]))
    people = s.execute(_STAFF).all()
    return Week(
        from_ms=days[0],
        to_ms=days[-1],
        days=days,
        first=monday.isoformat(),
        before=(monday - timedelta(days=DAYS)).isoformat(),
        after=(monday + timedelta(days=DAYS)).isoformat(),
        title=lead.words(N_("Uke {n}"), {"n": monday.isocalendar().week}),
        places=places,
        people=tuple(Choice(str(row.id), row.name) for row in people if row.active),
        roles=tuple(Choice(role, lead.words(duty_words.ROLES[role])) for role in ROLES),
        choices=tuple(Choice(place.key, place.name) for place in places),
        typed={**_suggested(lead, places), **(typed or {})},
        wrong=wrong or {},
        told=told,
    )


def _midnight_ms(lead: Lead, day: date) -> int:
    return round(datetime.combine(day, time(0), lead.zone).timestamp() * 1000)


def _suggested(lead: Lead, places: Sequence[Place]) -> dict[str, str]:
    begins_ms = next_at_ms(FIRST_MINUTE, lead.now_ms, lead.zone.key)
    ends_ms = next_at_ms(LAST_MINUTE, begins_ms, lead.zone.key)
    times = {"from": typed_of(begins_ms, lead.zone), "to": typed_of(ends_ms, lead.zone)}
    return {"staff": "", "role": ROLES[0], "place": places[0].key, **times}


_STAFF = select(staff.c.id, staff.c.name, staff.c.initials, staff.c.active).where(staff.c.tenant_id == TENANT)
_STAFF = _STAFF.order_by(staff.c.name, staff.c.id)
_KEYS = select(wards.c.id, wards.c.key).where(wards.c.tenant_id == TENANT)


def _places(s: TenantSession, lead: Lead, routing: Routing, found: Sequence[Duty], within: Span) -> tuple[Place, ...]:
    keys = {int(row.id): str(row.key) for row in s.execute(_KEYS)}
    initials = {int(row.id): str(row.initials) for row in s.execute(_STAFF)}
    drawn = _Drawn(lead, initials, within)
    shown: list[Place] = []
    mine = wards_of(s, lead)
    for ward in mine:
        zone = routing.zone_of(keys[ward.id])
        asked = [one for one in found if _covers(one, ward.id, zone.key if zone is not None else None)]
        own = [one for one in drawn.of_week(found) if one.ward_id == ward.id]
        shown.append(drawn.place(f"ward:{ward.id}", ward.name, own, asked, needed_roles(routing, keys[ward.id])))
    for group in routing.zones:
        if any(keys[ward.id] in group.wards for ward in mine):
            name = lead.words(duty_words.ZONE, {"name": group.name})
            own = [one for one in drawn.of_week(found) if one.zone == group.key]
            shown.append(drawn.place(f"zone:{group.key}", name, own))
    whole = [one for one in drawn.of_week(found) if one.ward_id is None and one.zone is None]
    return (*shown, drawn.place("all", lead.words(duty_words.EVERYWHERE), whole))


def _covers(one: Duty, ward_id: int, zone: str | None) -> bool:
    if one.ward_id is None and one.zone is None:
        return True
    return one.ward_id == ward_id or (one.zone is not None and one.zone == zone)


def needed_roles(routing: Routing, ward: str) -> dict[str, frozenset[str]]:
    """The roles that the chains of this ward's alarms ask for, and in which shifts; ANY_ROLE where one asks for whoever
    is on duty. Low priority is left out: it waits."""
    found: dict[str, set[str]] = {}
    for shift, kind in itertools.product(SHIFTS, KINDS.values()):
        if kind.priority < Priority.LOW:
            chain = chain_of(routing, kind.key, kind.priority, ward, shift)
            for target in (target for step in chain.steps for target in step.to if target.startswith("duty:")):
                found.setdefault(target.removeprefix("duty:"), set()).add(shift)
    return {role: frozenset(shifts) for role, shifts in found.items()}


def shifts_of(within: Span, time_zone: str) -> tuple[tuple[int, int, str], ...]:
    """The shifts of a time, each with its beginning and end within it."""
    found: list[tuple[int, int, str]] = []
    at_ms = within[0]
    while at_ms < within[1]:
        ends_ms = min(*(next_at_ms(minute, at_ms, time_zone) for minute in SHIFT_MINUTES), within[1])
        found.append((at_ms, ends_ms, shift_of(at_ms, time_zone)))
        at_ms = ends_ms
    return tuple(found)


def gaps(spans: Iterable[Span], within: Span) -> tuple[Span, ...]:
    """The parts of a time that no span covers."""
    found: list[Span] = []
    reached = within[0]
    for begins, ends in sorted(spans):
        if begins > reached:
            found.append((reached, min(begins, within[1])))
        reached = max(reached, ends)
        if reached >= within[1]:
            break
    if reached < within[1]:
        found.append((reached, within[1]))
    return tuple(found)


class _Drawn:
    """How a lead sees the places of a week."""

    def __init__(self, lead: Lead, initials: Mapping[int, str], within: Span) -> None:
        self.lead, self.initials, self.within = lead, initials, within

    def of_week(self, found: Sequence[Duty]) -> list[Duty]:
        """Those that begin before the week is over."""
        return [one for one in found if one.from_ms < self.within[1]]

    def place(
        self,
        key: str,
        name: str,
        own: Sequence[Duty],
        asked: Sequence[Duty] = (),
        needed: Mapping[str, frozenset[str]] = _NOBODY,
    ) -> Place:
        """One place with its own duties. asked: all who would be; needed: the roles that must not be missing, and
        when."""
        lanes: list[Lane] = []
        holes: list[str] = []
        for role in (ANY_ROLE, *ROLES):
            bars = tuple(self._bar(one) for one in own if one.role == role)
            if role not in needed and not bars:
                continue
            there = [(one.from_ms, one.to_ms) for one in asked if role in (ANY_ROLE, one.role)]
            missing = self._missing(there, needed.get(role, frozenset()))
            label = self.lead.words(SOMEBODY if role == ANY_ROLE else duty_words.ROLES[role])
            lanes.append(Lane(label, bars, missing))
            holes += [self._hole(role, label, one) for one in missing]
        return Place(key, name, tuple(lanes), tuple(holes), tuple(self._line(one) for one in own))

    def _missing(self, there: Sequence[Span], shifts: frozenset[str]) -> tuple[Span, ...]:
        """What is not covered of these shifts, where that begins within the week. What is over cannot be mended: from
        now on."""
        ahead = (max(self.within[0], self.lead.now_ms), self.within[1] + AHEAD_MS)
        found: list[Span] = []
        for begins, ends, shift in shifts_of(ahead, self.lead.zone.key):
            for one in gaps(there, (begins, ends)) if shift in shifts else ():
                joins = bool(found) and found[-1][1] == one[0]
                found.append((found.pop()[0], one[1]) if joins else one)
        return tuple(one for one in found if one[0] < self.within[1])

    def _bar(self, one: Duty) -> Bar:
        return Bar(one.from_ms, one.to_ms, one.name, self.initials.get(one.staff_id, ""))

    def _hole(self, role: str, label: str, span: Span) -> str:
        lasts = when(self.lead.words, *span, self.lead)
        if span[1] >= self.within[1] + AHEAD_MS:
            begins = moments.day_clock(self.lead.words, span[0], self.lead.zone)
            lasts = self.lead.words(NO_END, {"start": begins})
        values = {"role": label.lower(), "time": lasts}
        return self.lead.words(HOLE if role == ANY_ROLE else ROLE_HOLE, values)

    def _line(self, one: Duty) -> DutyLine:
        return DutyLine(
            one.id,
            one.name,
            self.lead.words(duty_words.ROLES.get(one.role, one.role)),
            when(self.lead.words, one.from_ms, one.to_ms, self.lead),
            one.phone is not None,
            one.from_ms <= self.lead.now_ms,
            one.to_ms <= self.lead.now_ms,
        )


def when(words: Words, from_ms: int, to_ms: int, lead: Lead) -> str:
    """A time: "tor 26.11. kl. 22:00 til 07:00"; the end with its day where it is not the same night."""
    begins = moments.day_clock(words, from_ms, lead.zone)
    ends = moments.clock(to_ms, lead.zone)
    if to_ms - from_ms > 12 * HOUR_MS:
        ends = moments.day_clock(words, to_ms, lead.zone)
    return words(N_("{start} til {end}"), {"start": begins, "end": ends})
