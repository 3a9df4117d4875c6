"""The times of rounds, of a ward or of one resident, and who walks past whom. Serves arrow 7.

Owns `round_times`. Must not know what is made of them. A resident's own times replace the ward's for that resident.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from nattevakt.central import wakes
from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.db import TenantSession
from nattevakt.central.rounds import tasks
from nattevakt.central.rounds.limits import limits_of
from nattevakt.central.rounds.schedule import Person, Time, belongs
from nattevakt.central.tables import residents, rooms, stays
from nattevakt.central.tables_plans import round_times
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.windows import DAY_MINUTES, EVERY_DAY

TIMES_MAX = 24
"""Most times of one ward or resident."""
PLAN_CHANGED = "plan_changed"

_STAYING = (
    select(
        stays.c.resident_id, rooms.c.id.label("room_id"), rooms.c.ward_id, rooms.c.number, residents.c.name, stays.c.id
    )
    .join(rooms, (rooms.c.tenant_id == stays.c.tenant_id) & (rooms.c.id == stays.c.room_id))
    .join(residents, (residents.c.tenant_id == stays.c.tenant_id) & (residents.c.id == stays.c.resident_id))
    .where(
        stays.c.tenant_id == TENANT,
        in_force(stays, "now_ms"),
    )
)
_IN_WARD = _STAYING.where(rooms.c.ward_id == bindparam("ward_id"))
_WARDS_OF = _STAYING.where(stays.c.resident_id == bindparam("resident_id"))
_T = round_times.c
_OF_WARD = select(_T.minute, _T.weekdays).where(_T.tenant_id == TENANT, _T.ward_id == bindparam("ward_id"))
_OWN = select(_T.resident_id, _T.minute, _T.weekdays).where(
    _T.tenant_id == TENANT, _T.resident_id.in_(bindparam("residents", expanding=True))
)
_FORGET_WARD = delete(round_times).where(_T.tenant_id == TENANT, _T.ward_id == bindparam("ward_id"))
_FORGET_OWN = delete(round_times).where(_T.tenant_id == TENANT, _T.resident_id == bindparam("resident_id"))


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody who lives on a ward now. person: with the times that hold for them."""

    person: Person
    room_id: int
    number: str
    name: str

    @property
    def id(self) -> int:
        """The resident's id."""
        return self.person.resident_id


def of_ward(s: TenantSession, ward_id: int) -> tuple[Time, ...]:
    """A ward's times."""
    rows = s.execute(_OF_WARD, {"ward_id": ward_id})
    return tuple(sorted({Time(int(row.minute), int(row.weekdays)) for row in rows}))


def of_residents(s: TenantSession, resident_ids: Iterable[int]) -> dict[int, tuple[Time, ...]]:
    """The own times of these residents; who has none is not in the answer."""
    found: dict[int, set[Time]] = defaultdict(set)
    wanted = sorted(set(resident_ids))
    for row in s.execute(_OWN, {"residents": wanted}) if wanted else ():
        found[row.resident_id].add(Time(int(row.minute), int(row.weekdays)))
    return {resident_id: tuple(sorted(times)) for resident_id, times in found.items()}


def people_of(s: TenantSession, ward_id: int, now_ms: int) -> list[Resident]:
    """Who lives on a ward now, in the order of the rooms; each once, in the room they came to last."""
    rows = sorted(
        s.execute(_IN_WARD, {"ward_id": ward_id, "now_ms": now_ms}),
        key=lambda row: (len(row.number), row.number, row.room_id, row.resident_id, row.id),
    )
    latest = {row.resident_id: row.id for row in sorted(rows, key=lambda row: row.id)}
    own = of_residents(s, latest)
    ward = of_ward(s, ward_id)
    return [
        Resident(Person(row.resident_id, own.get(row.resident_id, ward)), row.room_id, row.number, row.name)
        for row in rows
        if row.id == latest[row.resident_id]
    ]


def check(times: Sequence[tuple[int, int]]) -> tuple[Time, ...]:
    """Minutes and weekdays as times. Raises RejectError naming what is wrong with them."""
    if len(times) > TIMES_MAX:
        raise RejectError("rounds", f"at most {TIMES_MAX} times")
    for minute, weekdays in times:
        if not 0 <= minute < DAY_MINUTES:
            raise RejectError("minute", f"must be 0 to {DAY_MINUTES - 1}, minutes since local midnight")
        if not 0 < weekdays <= EVERY_DAY:
            raise RejectError("weekdays", f"must be 1 to {EVERY_DAY}, Monday 1 to Sunday 64")
    return tuple(sorted({Time(minute, weekdays) for minute, weekdays in times}))


def set_ward(s: TenantSession, ward_id: int, times: Sequence[tuple[int, int]], tz: str, now_ms: int) -> None:
    """Give a ward its times, in place of those before. Raises RejectError."""
    wanted = check(times)
    wakes.arm(s, f"ward:{ward_id}", tasks.RULE, now_ms)
    s.execute(_FORGET_WARD, {"ward_id": ward_id})
    for each in wanted:
        s.insert(round_times, ward_id=ward_id, resident_id=None, minute=each.minute, weekdays=each.weekdays)
    _let_go(s, ward_id, tz, now_ms)


def set_resident(s: TenantSession, resident_id: int, times: Sequence[tuple[int, int]], tz: str, now_ms: int) -> None:
    """Give a resident times of their own, or with none leave them to their ward's. Raises RejectError."""
    wanted = check(times)
    rows = s.execute(_WARDS_OF, {"resident_id": resident_id, "now_ms": now_ms})
    ward_ids = sorted({int(row.ward_id) for row in rows})
    for ward_id in ward_ids:
        wakes.arm(s, f"ward:{ward_id}", tasks.RULE, now_ms)
    s.execute(_FORGET_OWN, {"resident_id": resident_id})
    for each in wanted:
        s.insert(round_times, ward_id=None, resident_id=resident_id, minute=each.minute, weekdays=each.weekdays)
    for ward_id in ward_ids:
        _let_go(s, ward_id, tz, now_ms)


def _let_go(s: TenantSession, ward_id: int, tz: str, now_ms: int) -> None:
    """Turns of rounds that are not held any more are not asked for."""
    spread_min = limits_of(s, ward_id).spread_min
    held = {one.id: one.person.times for one in people_of(s, ward_id, now_ms)}
    gone = [
        task
        for task in tasks.open_of(s, ward_id)
        if task.why == tasks.PLANNED
        and not belongs(task.due_ms, held.get(task.resident_id, ()), tz, spread_min=spread_min)
    ]
    tasks.cancel(s, gone, PLAN_CHANGED, now_ms)
    s.changed()
