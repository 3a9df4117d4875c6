"""View model of a ward's rounds: whom to look to now, what is known of them, and who was last. Serves arrow 9.

Owns the queries, the order and the words. Must not know HTML or HTTP. The order is that of the rooms and never
changes while one works through it: a resident who has just been looked to stays in place for a while, so that no tap
that was meant for one lands on the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.places import sensors
from nattevakt.central.places.sensors import Sensor
from nattevakt.central.rounds import degraded, tasks, times
from nattevakt.central.rounds.schedule import next_ms
from nattevakt.central.rounds.tasks import DEGRADED, Kind, State, Task
from nattevakt.central.rounds.times import Resident
from nattevakt.central.tables import staff
from nattevakt.central.tables_plans import round_tasks
from nattevakt.central.tablet import rooms as room_views
from nattevakt.central.tablet import sentences, when
from nattevakt.central.tablet.i18n import N_, Words

STAYS_MS = 20 * 60_000
"""So long a resident who has been looked to stays in the list."""
LOOKED_BACK_MS = 12 * 3_600_000

DUE_AT = N_("Kl. {at}")
LATE = N_("Kl. {at}, {min} min over tiden")
LATE_HOURS = N_("Kl. {at}, {h} t {min} min over tiden")
SOON = N_("Fra kl. {at}")
ALSO = N_("også kl. {at}")
SECOND_TRY = N_("Noen var usikker. Se en gang til.")
GO_IN = N_("Usikkert to ganger. Gå inn og se.")
NOT_SEEN = N_("Ukjent. Gå inn og se.")
NOTHING_TO_SEE = N_("Ingen sensor viser hvordan det går. Gå inn og se.")
DONE_DIGITAL = N_("Sett til kl. {at} fra nettbrettet, {name}")
DONE_PHYSICAL = N_("Vært inne kl. {at}, {name}")
NONE_NOW = N_("Ingen skal ses til nå.")
NEXT_AT = N_("Neste runde kl. {at}")
NO_TIMES = N_("Ingen runder er satt opp for avdelingen.")
TO_DO = N_("{n} skal ses til")

BED_EMPTY = N_("Seng tom")
DOOR_CLOSED = N_("Dør lukket")
PRESENT = N_("Noen i rommet")
ABSENT = N_("Ingen i rommet")
SEATED = N_("I stolen")
CHAIR_EMPTY = N_("Stol tom")
_SAYS: Mapping[tuple[str, object], str] = {
    ("bed", "occupied"): room_views.IN_BED,
    ("bed", "empty"): BED_EMPTY,
    ("contact", "open"): room_views.DOOR_OPEN,
    ("contact", "closed"): DOOR_CLOSED,
    ("presence", "present"): PRESENT,
    ("presence", "absent"): ABSENT,
    ("chair", "seated"): SEATED,
    ("chair", "empty"): CHAIR_EMPTY,
}

_LOOKS = (
    select(round_tasks.c.id, round_tasks.c.resident_id, round_tasks.c.done_ms, round_tasks.c.how, staff.c.name)
    .join(staff, (staff.c.tenant_id == round_tasks.c.tenant_id) & (staff.c.id == round_tasks.c.staff_id))
    .where(
        round_tasks.c.tenant_id == TENANT,
        round_tasks.c.ward_id == bindparam("ward_id"),
        round_tasks.c.due_ms >= bindparam("since_ms"),
        round_tasks.c.state == State.DONE.value,
    )
    .order_by(round_tasks.c.done_ms, round_tasks.c.id)
)


@dataclass(frozen=True, slots=True)
class SensorLine:
    """One sensor's last proof of life. unknown: that nothing is known of it, which is said in `says`."""

    spot: str
    says: str
    heard_ms: int | None
    unknown: bool


@dataclass(frozen=True, slots=True)
class TurnView:
    """One resident in the list. task_id: of the turn that an act is for, 0 where all are done. The name is filled in
    only where a person may read it and the reading is logged. well: whether one tap may say so."""

    task_id: int
    resident_id: int
    number: str
    seen: str
    icon: str
    words: str
    sensors: tuple[SensorLine, ...]
    when: str
    overdue: bool
    why: str
    dense: str
    well: bool
    unsure: bool
    last: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class RoundsView:
    """A ward's rounds at one moment. head: how many are to be looked to; after: when the next round is."""

    head: str
    after: str
    turns: tuple[TurnView, ...]
    person: Person | None


def rounds(s: TenantSession, tablet: Tablet, person: Person | None, words: Words, now_ms: int) -> RoundsView:
    """A ward's rounds. Names are in it only with a person; log the reading before showing it."""
    zone = ZoneInfo(tablet.tenant.time_zone)
    people = times.people_of(s, tablet.ward_id, now_ms)
    open_tasks = tasks.open_of(s, tablet.ward_id)
    looks = {row.resident_id: row for row in _looks(s, tablet.ward_id, now_ms)}
    there = sensors.in_ward(s, tablet.ward_id, now_ms)
    thin = {one.resident_id: one for one in degraded.now(s, tablet.ward_id)}
    found = []
    for one in people:
        mine = [task for task in open_tasks if task.resident_id == one.id]
        look = looks.get(one.id)
        just = look is not None and now_ms - look.done_ms < STAYS_MS
        if mine or just:
            dense = room_views.dense(thin[one.id], words, zone) if one.id in thin else ""
            hung = there.get(one.room_id, [])
            found.append(_turn(one, mine, look, hung, dense, person is not None, words, zone, now_ms))
    due = {task.resident_id for task in open_tasks if task.due_ms <= now_ms}
    head = words(TO_DO, {"n": len(due)}) if due else words(NONE_NOW)
    ahead_ms = next_ms([one.person for one in people], now_ms, tablet.tenant.time_zone)
    after = words(NEXT_AT, {"at": when.clock(ahead_ms, zone)}) if ahead_ms is not None else words(NO_TIMES)
    return RoundsView(head, after, tuple(found), person)


def _looks(s: TenantSession, ward_id: int, now_ms: int) -> Sequence[Row[Any]]:
    return s.execute(_LOOKS, {"ward_id": ward_id, "since_ms": now_ms - LOOKED_BACK_MS}).all()


def _chosen(mine: Sequence[Task]) -> Task | None:
    """Of a resident's open turns the one that an act is for: what wants a look into the room before what does not."""
    wanted = sorted(mine, key=lambda task: (task.kind is not Kind.PHYSICAL, -task.due_ms, -task.id))
    return wanted[0] if wanted else None


def _turn(
    one: Resident,
    mine: Sequence[Task],
    look: Row[Any] | None,
    hung: Sequence[Sensor],
    dense: str,
    named: bool,
    words: Words,
    zone: ZoneInfo,
    now_ms: int,
) -> TurnView:
    task = _chosen(mine)
    tile = room_views.view(one.number, "", hung, words, zone, now_ms)
    seen = sensors.known(hung)
    digital = task is not None and task.kind is Kind.DIGITAL
    said = DONE_DIGITAL if look is not None and look.how == Kind.DIGITAL.value else DONE_PHYSICAL
    last = words(said, {"at": when.clock(look.done_ms, zone), "name": look.name}) if look is not None else ""
    return TurnView(
        task_id=task.id if task is not None else 0,
        resident_id=one.id,
        number=one.number,
        seen=tile.seen,
        icon=tile.icon,
        words=tile.words,
        sensors=tuple(_sensor(sensor, words, zone) for sensor in hung),
        when=_when(task, mine, words, zone, now_ms) if task is not None else "",
        overdue=any(other.state is State.OVERDUE for other in mine),
        why=_why(task, tile.seen, words) if task is not None else "",
        dense=dense,
        well=digital and seen,
        unsure=digital,
        last=last,
        name=one.name if named else "",
    )


def _when(task: Task, mine: Sequence[Task], words: Words, zone: ZoneInfo, now_ms: int) -> str:
    first_ms = min(other.due_ms for other in mine)
    others = sorted({other.due_ms for other in mine} - {first_ms})
    at, min_ = when.clock(first_ms, zone), (now_ms - first_ms) // 60_000
    if min_ < 0:
        said = words(SOON, {"at": at})
    elif not any(other.state is State.OVERDUE for other in mine):
        said = words(DUE_AT, {"at": at})
    elif min_ < 60:
        said = words(LATE, {"at": at, "min": min_})
    else:
        said = words(LATE_HOURS, {"at": at, "h": min_ // 60, "min": min_ % 60})
    if others and task.why != DEGRADED:
        return f"{said}, {words(ALSO, {'at': ', '.join(when.clock(ms, zone) for ms in others)})}"
    return said


def _why(task: Task, seen: str, words: Words) -> str:
    """What the person should know before they answer."""
    if task.kind is Kind.PHYSICAL and task.why != DEGRADED:
        return words(GO_IN)
    if seen == "unknown":
        return words(NOT_SEEN)
    if seen == "mute":
        return words(NOTHING_TO_SEE)
    return words(SECOND_TRY) if task.attempt == 2 else ""


def _sensor(sensor: Sensor, words: Words, zone: ZoneInfo) -> SensorLine:
    spot = sensor.spot or words(room_views.A_SENSOR)
    if sensor.unknown:
        since_ms = sensor.outage.since_ms if sensor.outage is not None else sensor.unknown_since_ms
        if since_ms is None:
            return SensorLine(spot, words(room_views.NEVER_HEARD), None, unknown=True)
        reason = sensor.outage.reason if sensor.outage is not None else sensor.unknown_reason
        said = words(room_views.UNKNOWN_SINCE, {"at": when.clock(since_ms, zone)})
        return SensorLine(spot, f"{said}, {sentences.unknown(words, reason)}", None, unknown=True)
    if sensor.mute:
        return SensorLine(spot, words(room_views.MUTE), None, unknown=False)
    says = [message for (key, value), message in _SAYS.items() if sensor.readings.get(key) == value]
    said = words(says[0] if says else room_views.IN_CONTACT)
    return SensorLine(spot, said, sensor.last_heard_ms, unknown=False)
