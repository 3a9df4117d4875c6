"""The night list of a ward for paper: who lives where, what is watched, what to do, and what is not known. Serves
arrow 9.

Owns what stands on it and in which order. Must not know HTTP, HTML, or who may read it. What is in doubt is said to be
unknown, with since when; nothing is left out because it is unknown. Without names the list holds rooms only, and the
names are taken out of whatever people have written too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, select

from nattevakt.central import sweep
from nattevakt.central.admin import moments, off_view
from nattevakt.central.admin import night_list_words as say
from nattevakt.central.admin.resident_view import line_said
from nattevakt.central.admin.rounds_view import said as times_said
from nattevakt.central.alarms.kinds import is_technical
from nattevakt.central.alarms.lifecycle import HELD, State
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.places import off_list, plans, sensors
from nattevakt.central.places.off_list import Off
from nattevakt.central.places.plans import Plan
from nattevakt.central.places.sensors import Sensor
from nattevakt.central.rounds import degraded, schedule, tasks, times
from nattevakt.central.rounds.limits import Limits, limits_of
from nattevakt.central.rounds.times import Resident
from nattevakt.central.tables import alarms, rooms, staff, wards
from nattevakt.central.tables_plans import round_tasks
from nattevakt.central.tablet import beside, sentences, when
from nattevakt.central.tablet.i18n import Words
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Occurred
from nattevakt.edge.rules.windows import DAY_MS, next_at_ms

_WARD = select(wards).where(wards.c.tenant_id == TENANT, wards.c.id == bindparam("ward_id"))
_ROOMS = select(rooms.c.id, rooms.c.number, rooms.c.name).where(
    rooms.c.tenant_id == TENANT, rooms.c.ward_id == bindparam("ward_id")
)
_OPEN = (
    select(alarms, staff.c.name.label("holder_name"), rooms.c.number.label("room_number"))
    .outerjoin(staff, (staff.c.tenant_id == alarms.c.tenant_id) & (staff.c.id == alarms.c.taken_by))
    .outerjoin(rooms, (rooms.c.tenant_id == alarms.c.tenant_id) & (rooms.c.id == alarms.c.room_id))
    .where(alarms.c.tenant_id == TENANT, alarms.c.ward_id == bindparam("ward_id"), alarms.c.closed_ms.is_(None))
    .order_by(alarms.c.priority, alarms.c.raised_ms, alarms.c.id)
)
_LOOKED = select(*(round_tasks.c[name] for name in ("resident_id", "due_ms", "done_ms", "why"))).where(
    round_tasks.c.tenant_id == TENANT,
    round_tasks.c.ward_id == bindparam("ward_id"),
    round_tasks.c.due_ms >= bindparam("from_ms"),
    round_tasks.c.state == tasks.State.DONE.value,
    round_tasks.c.why.in_((tasks.PLANNED, tasks.RETRY)),
)
MINUTE_MS = 60_000
_OF_PLAN = ("plan", "rule", "basis")
STALE_S = 30.0
"""As old as this the last sweep means that nobody watches, in seconds."""


@dataclass(frozen=True, slots=True)
class Box:
    """One planned look. at: "23:00"; done: "gjort 23:07", "" where it is to be ticked by hand."""

    at: str
    done: str


@dataclass(frozen=True, slots=True)
class OffLine:
    """One thing that does not ring. grave: what should ring does not."""

    says: str
    grave: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One resident on the list. name: "" on a list without names. first: to be looked to first."""

    resident_id: int
    number: str
    room: str
    name: str
    shared: str
    first: bool
    watched: tuple[str, ...]
    startup: str
    handling: str
    responsible: str
    offs: tuple[OffLine, ...]
    sensors: tuple[str, ...]
    doubtful: bool
    alarms: tuple[str, ...]
    dense: str
    boxes: tuple[Box, ...]
    no_rounds: str


@dataclass(frozen=True, slots=True)
class NightList:
    """A ward's whole list, in words. troubles: what the ward should know that is no resident's. named: with names."""

    ward: str
    municipality: str
    printed: str
    night: str
    night_short: str
    named: bool
    down: tuple[str, ...]
    troubles: tuple[str, ...]
    first: tuple[str, ...]
    rounds: str
    entries: tuple[Entry, ...]
    empty: str

    @property
    def residents(self) -> tuple[int, ...]:
        """Whom it is about, for the access log."""
        return tuple(entry.resident_id for entry in self.entries)


@dataclass(frozen=True, slots=True)
class _Night:
    """What is read once for a whole list."""

    words: Words
    zone: ZoneInfo
    now_ms: int
    from_ms: int
    to_ms: int
    named: bool
    stale: bool
    limits: Limits
    plans: Mapping[int, Plan]
    offs: Sequence[Off]
    sensors: Mapping[int, Sequence[Sensor]]
    thin: frozenset[int]
    open: Sequence[Row[Any]]
    looked: Mapping[int, Sequence[Row[Any]]]
    overdue: Mapping[int, Sequence[int]]
    in_room: Mapping[int, Sequence[Resident]]

    def clean(self, told: str, room_id: int | None = None) -> str:
        """What people have written, also as the name of a room, a spot or a box, without names on a list that has none:
        of all who live on the ward, or of those in one room only, where the names of others are what must be read."""
        if self.named:
            return told
        people = (
            self.in_room[room_id] if room_id is not None else [one for some in self.in_room.values() for one in some]
        )
        return beside.unnamed(self.words, told, *(one.name for one in people))

    def at(self, ms: int) -> str:
        """A moment with its day: paper is read on another one."""
        return moments.day_clock(self.words, ms, self.zone)


def night_ms(from_minute: int, to_minute: int, now_ms: int, time_zone: str) -> tuple[int, int]:
    """The night that is now, or the next that comes, by a ward's own hours."""
    to_ms = next_at_ms(to_minute, now_ms, time_zone)
    begins = [next_at_ms(from_minute, to_ms - back_ms, time_zone) for back_ms in (DAY_MS + DAY_MS // 8, DAY_MS)]
    return max((ms for ms in begins if ms < to_ms), default=to_ms - DAY_MS), to_ms


def of_ward(
    s: TenantSession, tenant: Tenant, ward_id: int, words: Words, now_ms: int, *, named: bool, stale_s: float = STALE_S
) -> NightList:
    """A ward's list as it is now. Raises RejectError where there is no such ward."""
    ward = s.execute(_WARD, {"ward_id": ward_id}).one_or_none()
    if ward is None:
        raise RejectError("ward", "unknown")
    zone = ZoneInfo(tenant.time_zone)
    swept_ms = sweep.last_run_ms(s)
    people = times.people_of(s, ward_id, now_ms)
    night = _read(s, ward, people, words, zone, now_ms, named=named, stale=_stale(swept_ms, now_ms, stale_s))
    known = sorted(s.execute(_ROOMS, {"ward_id": ward_id}), key=lambda row: (len(row.number), row.number, row.id))
    names = {row.id: row.name for row in known}
    entries = tuple(_entry(night, one, names.get(one.room_id, "")) for one in people)
    living = {one.room_id for one in people}
    empty = ", ".join(row.number for row in known if row.id not in living)
    spoken = {
        "day": moments.day(words, night.to_ms, zone),
        "begins": when.clock(night.from_ms, zone),
        "ends": when.clock(night.to_ms, zone),
    }
    printed = {"day": moments.day(words, now_ms, zone), "at": when.clock(now_ms, zone)}
    return NightList(
        ward=ward.name,
        municipality=tenant.name,
        printed=words(say.PRINTED, printed),
        night=words(say.NIGHT, spoken),
        night_short=words(say.NIGHT_SHORT, spoken),
        named=named,
        down=tuple(words(sentence, {"min": night.limits.dense_min}) for sentence in say.DOWN),
        troubles=tuple(_troubles(night, swept_ms, people)),
        first=tuple(dict.fromkeys(entry.number for entry in entries if entry.first)),
        rounds=times_said(words, times.of_ward(s, ward_id)),
        entries=entries,
        empty=words(say.EMPTY, {"rooms": empty}) if empty else "",
    )


def _stale(swept_ms: int | None, now_ms: int, stale_s: float) -> bool:
    return swept_ms is None or now_ms - swept_ms > stale_s * 1000


def _read(
    s: TenantSession,
    ward: Row[Any],
    people: Sequence[Resident],
    words: Words,
    zone: ZoneInfo,
    now_ms: int,
    *,
    named: bool,
    stale: bool,
) -> _Night:
    from_ms, to_ms = night_ms(ward.night_from_minute, ward.night_to_minute, now_ms, zone.key)
    in_room: dict[int, list[Resident]] = defaultdict(list)
    for one in people:
        in_room[one.room_id].append(one)
    overdue: dict[int, list[int]] = defaultdict(list)
    for task in tasks.open_of(s, ward.id):
        if task.state is tasks.State.OVERDUE:
            overdue[task.resident_id].append(task.due_ms)
    looked: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in s.execute(_LOOKED, {"ward_id": ward.id, "from_ms": from_ms}):
        looked[row.resident_id].append(row)
    return _Night(
        words,
        zone,
        now_ms,
        from_ms,
        to_ms,
        named,
        stale,
        limits_of(s, ward.id),
        plans.of_residents(s, [one.id for one in people]),
        off_list.off_now(s, now_ms, ward.id),
        sensors.in_ward(s, ward.id, now_ms),
        frozenset(thin.resident_id for thin in degraded.now(s, ward.id)),
        s.execute(_OPEN, {"ward_id": ward.id}).all(),
        looked,
        overdue,
        in_room,
    )


def _entry(night: _Night, one: Resident, room: str) -> Entry:
    words, plan = night.words, night.plans.get(one.id)
    lines = plan.lines if plan is not None and plan.ended_ms is None else ()
    there = night.sensors.get(one.room_id, ())
    unknown = any(sensor.unknown for sensor in there)
    open_now = [row for row in night.open if _about(row, one)]
    overdue = night.overdue.get(one.id, ())
    # What is about a sensor is seen to by day; what may be about a person is not.
    pressing = any(not is_technical(row.kind) for row in open_now)
    every_min = (plan.dense_rounds_min if plan is not None else None) or night.limits.dense_min
    boxes = tuple(_boxes(night, one))
    startup_ms = plan.startup_to_ms if plan is not None and plan.ended_ms is None else None
    return Entry(
        resident_id=one.id,
        number=one.number,
        room=night.clean(room),
        name=one.name if night.named else "",
        shared=words(say.SHARED) if len(night.in_room[one.room_id]) > 1 else "",
        first=pressing or bool(overdue) or unknown or one.id in night.thin,
        watched=tuple(line_said(words, line) for line in lines),
        startup=words(beside.MARKS["startup"]) if startup_ms is not None and night.now_ms < startup_ms else "",
        handling=night.clean(plan.handling if plan else "") or words(say.NO_HANDLING),
        responsible=night.clean(plan.responsible if plan else "", one.room_id) or words(say.NO_RESPONSIBLE),
        offs=tuple(_off(night, off) for off in night.offs if off.resident_id == one.id and off.what in _OF_PLAN),
        sensors=tuple(_sensors(night, there)),
        doubtful=unknown or night.stale,
        alarms=(
            *(_alarm(night, row) for row in open_now),
            *(words(say.OVERDUE, {"at": when.clock(ms, night.zone)}) for ms in overdue),
        ),
        dense=words(say.DENSE, {"min": every_min}) if one.id in night.thin else "",
        boxes=boxes,
        no_rounds="" if boxes else words(say.NO_ROUNDS),
    )


def _about(row: Row[Any], one: Resident) -> bool:
    """Whether an alarm is to stand at a resident: theirs, or of their room and of nobody in it."""
    return bool(row.resident_id == one.id or (row.resident_id is None and row.room_id == one.room_id))


def _off(night: _Night, off: Off) -> OffLine:
    what, why, after = off_view.said(night.words, off, night.zone)
    what, why = night.clean(what), night.clean(why)
    reason = f"«{night.clean(off.reason)}»" if off.reason else ""
    told = ", ".join(part for part in (f"{what}: {why}" if what else why, reason, after) if part)
    return OffLine(f"{told}.", off_view.WEIGHTS.get(off.why, 0) == 0)


def _sensors(night: _Night, there: Sequence[Sensor]) -> Iterable[str]:
    """How a room's sensors are, those that are in doubt first and together where one thing keeps them from us."""
    words = night.words
    if not there:
        return [words(say.NO_SENSOR)]
    lost: dict[tuple[int, str], list[str]] = defaultdict(list)
    for sensor in there:
        spot = night.clean(sensor.spot) or words(say.A_SENSOR)
        if sensor.outage is not None:
            lost[sensor.outage.since_ms, sentences.unknown(words, sensor.outage.reason)].append(spot)
        elif sensor.unknown:
            lost[sensor.unknown_since_ms or 0, sentences.unknown(words, sensor.unknown_reason)].append(spot)
    found = [
        words(say.UNKNOWN, {"at": night.at(since_ms), "spots": _listed(spots), "why": why})
        if since_ms
        else words(say.UNKNOWN_EVER, {"spots": _listed(spots)})
        for (since_ms, why), spots in sorted(lost.items())
    ]
    mute = [night.clean(sensor.spot) or words(say.A_SENSOR) for sensor in there if sensor.mute and not sensor.unknown]
    if mute:
        found.append(words(say.MUTE, {"spots": _listed(mute)}))
    if night.stale:
        return [words(say.NOT_KNOWN), *found]
    return found if lost or len(mute) == len(there) else [words(say.ALL_HEARD), *found]


def _listed(spots: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(spots))


def _alarm(night: _Night, row: Row[Any]) -> str:
    words, state = night.words, State(row.state)
    at, _ = when.occurred(
        words, Occurred(row.occurred_from_ms, row.occurred_to_ms), row.raised_ms, night.now_ms, night.zone
    )
    held = state in HELD and row.holder_name
    why = sentences.reason(words, row.reason_code, when.spoken(row.reason_params or {}, night.zone))
    said = {
        "kind": sentences.kind(words, row.kind),
        "at": at[:1].lower() + at[1:],
        "why": night.clean(why),
        "state": words(say.HELD, {"name": row.holder_name, "does": words(sentences.STATES[state])})
        if held
        else words(say.NOBODY),
    }
    return words(say.ALARM, said)


def _boxes(night: _Night, one: Resident) -> Iterable[Box]:
    """One box for each planned round of the night; what was done before the list was made is said."""
    due = schedule.moments(one.person.times, night.from_ms - 1, night.to_ms, night.zone.key)
    for moment in due:
        done = [row.done_ms for row in night.looked.get(one.id, ()) if _rounds(night, row, due) == [moment]]
        said = night.words(say.DONE, {"at": when.clock(min(done), night.zone)}) if done else ""
        yield Box(when.clock(moment, night.zone), said)


def _rounds(night: _Night, row: Row[Any], moments_ms: Iterable[int]) -> list[int]:
    """Of which rounds a turn may be: it falls due some minutes after its round, a second try later still. Where rounds
    lie so close that it fits two, no box is ticked for it: better one look too many."""
    back_min = night.limits.spread_min
    if row.why != tasks.PLANNED:
        back_min += night.limits.overdue_min + night.limits.retry_min
    return [ms for ms in moments_ms if ms <= row.due_ms <= ms + back_min * MINUTE_MS]


def _troubles(night: _Night, swept_ms: int | None, people: Sequence[Resident]) -> Iterable[str]:
    """What the ward should know that stands at no resident: nobody watches, a gateway is away, alarms of no room."""
    words = night.words
    if night.stale:
        yield words(say.WATCH_NEVER) if swept_ms is None else words(say.WATCH_LATE, {"at": night.at(swept_ms)})
    for off in night.offs:
        if off.what == "gateway":
            yield _off(night, off).says
    for row in night.open:
        if not any(_about(row, one) for one in people):
            where = row.room_number or night.clean(row.place) or words(say.UNPLACED)
            yield f"{where}: {_alarm(night, row)}"
