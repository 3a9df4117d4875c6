"""Handover (vaktskifte): what whoever comes on duty must know, and that they have taken it over. Serves arrow 9.

Owns the rows of `handovers`, what is shown at one, and what becomes of the alarms that the person who leaves has in
hand: each is passed on to the one who takes over, in the same transaction. Must not know pages or who may log in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from nattevakt.central.alarms import register
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import cover
from nattevakt.central.places import off_list
from nattevakt.central.places.off_list import Off
from nattevakt.central.rounds import degraded
from nattevakt.central.rounds.degraded import Thin
from nattevakt.central.tables import alarms, rooms, staff, staff_wards, wards
from nattevakt.central.tables_duty import alarm_wards, handovers
from nattevakt.edge.errors import RejectError

NOTE_MAX = 2_000

_OPEN = (
    select(
        alarms.c.id,
        alarms.c.kind,
        alarms.c.priority,
        alarms.c.state,
        alarms.c.place,
        alarms.c.raised_ms,
        alarms.c.taken_by,
        alarms.c.ward_id,
        wards.c.name.label("ward"),
        rooms.c.number.label("room"),
        staff.c.name.label("holder"),
    )
    .join(wards, (wards.c.tenant_id == alarms.c.tenant_id) & (wards.c.id == alarms.c.ward_id))
    .outerjoin(rooms, (rooms.c.tenant_id == alarms.c.tenant_id) & (rooms.c.id == alarms.c.room_id))
    .outerjoin(staff, (staff.c.tenant_id == alarms.c.tenant_id) & (staff.c.id == alarms.c.taken_by))
    .where(
        alarms.c.tenant_id == TENANT,
        alarms.c.closed_ms.is_(None),
        (alarms.c.ward_id == bindparam("ward_id"))
        | alarms.c.id.in_(
            select(alarm_wards.c.alarm_id).where(
                alarm_wards.c.tenant_id == TENANT, alarm_wards.c.ward_id == bindparam("ward_id")
            )
        ),
    )
    .order_by(alarms.c.priority, alarms.c.raised_ms, alarms.c.id)
)
_LAST = (
    select(handovers, staff.c.name)
    .join(staff, (staff.c.tenant_id == handovers.c.tenant_id) & (staff.c.id == handovers.c.to_staff))
    .where(handovers.c.tenant_id == TENANT, handovers.c.ward_id == bindparam("ward_id"))
    .order_by(handovers.c.at_ms.desc(), handovers.c.id.desc())
    .limit(1)
)
_NUMBERS = (
    select(rooms.c.id, rooms.c.number)
    .where(rooms.c.tenant_id == TENANT, rooms.c.ward_id == bindparam("ward_id"))
    .order_by(rooms.c.number, rooms.c.id)
)
_OF_WARD = (
    select(staff.c.id)
    .join(staff_wards, (staff_wards.c.tenant_id == staff.c.tenant_id) & (staff_wards.c.staff_id == staff.c.id))
    .where(
        staff.c.tenant_id == TENANT,
        staff.c.active,
        staff.c.key == bindparam("key"),
        staff_wards.c.ward_id == bindparam("ward_id"),
    )
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A ward at the change of shift. last: the handover before with the `name` of who took over, None for none.
    rooms: the ward's, number by id."""

    alarms: tuple[Row[Any], ...]
    off: tuple[Off, ...]
    thin: tuple[Thin, ...]
    last: Row[Any] | None
    rooms: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What was done. alarms: those that have another holder now."""

    id: int
    alarms: tuple[int, ...]


def standing(s: TenantSession, ward_id: int, now_ms: int) -> Standing:
    """What is open, off and looked at more often in a ward now."""
    return Standing(
        tuple(s.execute(_OPEN, {"ward_id": ward_id})),
        tuple(off_list.off_now(s, now_ms, ward_id)),
        degraded.now(s, ward_id),
        s.execute(_LAST, {"ward_id": ward_id}).one_or_none(),
        {int(row.id): str(row.number) for row in s.execute(_NUMBERS, {"ward_id": ward_id})},
    )


def take_over(
    s: TenantSession,
    ward_id: int,
    to_staff: int,
    *,
    leaves: str,
    note: str,
    tablet_id: int | None,
    now_ms: int,
    limit_ms: int,
    pace: float = 1.0,
) -> TakenOver:
    """A named person has the ward from now on, and the alarms of whoever leaves. leaves: their key, "" for nobody.

    What somebody is on site for stays theirs until they are done. limit_ms: the time of whoever takes an alarm.
    Raises RejectError for an unknown person, oneself, or a note that is too long.
    """
    if len(note) > NOTE_MAX:
        raise RejectError("note", f"longer than {NOTE_MAX} characters")
    from_staff: int | None = None
    if leaves:
        from_staff = s.execute(_OF_WARD, {"key": leaves, "ward_id": ward_id}).scalar()
        if from_staff is None:
            raise RejectError("from", "unknown on this ward")
        if from_staff == to_staff:
            raise RejectError("from", "nobody hands over to themselves")
    now = standing(s, ward_id, now_ms)
    number = s.insert(
        handovers,
        ward_id=ward_id,
        at_ms=now_ms,
        from_staff=from_staff,
        to_staff=to_staff,
        tablet_id=tablet_id,
        body=_plain(now),
        note=note,
    )
    mine = register.awaited_of(s, from_staff) if from_staff is not None else ()
    here = {row.id for row in now.alarms}
    moved = [alarm_id for alarm_id, _ in mine if alarm_id in here]
    for alarm_id in moved:
        register.hand_over(s, alarm_id, from_staff or 0, to_staff, tablet_id, now_ms, limit_ms, pace)
    cover.hurry(s, now_ms)
    s.changed()
    return TakenOver(number, tuple(moved))


def _plain(now: Standing) -> dict[str, object]:
    """As it is kept: by numbers, without anybody's name."""
    return {
        "alarms": [{"id": row.id, "state": row.state, "taken_by": row.taken_by} for row in now.alarms],
        "off": [
            {"what": off.what, "why": off.why, "resident_id": off.resident_id, "rule": off.rule, "device": off.device}
            for off in now.off
        ],
        "thin": _thin(now.thin),
    }


def _thin(thin: Sequence[Thin]) -> list[dict[str, object]]:
    return [{"resident_id": one.resident_id, "since_ms": one.since_ms} for one in thin]
