"""Who is on duty: for which ward, zone or for all of it, as what, from when to when. Serves arrow 9.

Owns the rows of `duties`. A row is never changed: what is put right is ended and written anew, so that it can be said
afterwards who was to be asked at any moment. Must not know alarms, or how anybody is reached.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, func, or_, select, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify.routing import ANY_ROLE, ROLES
from nattevakt.central.tables import staff, staff_wards, wards
from nattevakt.central.tables_duty import duties
from nattevakt.edge.errors import RejectError

AFAR = frozenset({"teknisk"})
"""Roles that are told by telephone and need no tablet. Whoever is on duty as anything else must be allowed to take the
alarms that they are asked for."""
LONGEST_MS = 25 * 3_600_000
"""The longest duty: a day by the clock, also the one on which clocks are put back. Whoever is down for longer was meant
to go home, and nobody noticed."""


class DutyError(RejectError):
    """A duty that cannot be. code: what is wrong, for a page to say; named: what the sentence names."""

    def __init__(self, field: str, reason: str, code: str, named: str = "") -> None:
        super().__init__(field, reason)
        self.code = code
        self.named = named


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who is on duty. phone: "+4790000000", None where none is known."""

    staff_id: int
    name: str
    role: str
    phone: str | None
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Duty:
    """One row. ward_id: the ward that is covered; zone: the zone by its key; with neither, the whole tenant.

    to_ms: until when it holds: up to there and no longer; where it was ended before its time, until that.
    """

    id: int
    staff_id: int
    name: str
    ward_id: int | None
    zone: str | None
    role: str
    from_ms: int
    to_ms: int
    made_ms: int
    made_by: int | None
    ended_ms: int | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A duty as somebody wants it. role: one of routing.ROLES."""

    staff_id: int
    role: str
    from_ms: int
    to_ms: int
    ward_id: int | None = None
    zone: str | None = None


_ENDS: ColumnElement[int] = case(
    (and_(duties.c.ended_ms.is_not(None), duties.c.ended_ms < duties.c.to_ms), duties.c.ended_ms), else_=duties.c.to_ms
)
"""Until when a duty holds; not later than `to_ms`, which an index knows."""
_ROWS = select(
    duties.c.id,
    duties.c.staff_id,
    staff.c.name,
    staff.c.phone,
    duties.c.ward_id,
    duties.c.zone,
    duties.c.role,
    duties.c.from_ms,
    _ENDS.label("ends_ms"),
    duties.c.made_ms,
    duties.c.made_by,
    duties.c.ended_ms,
).join(staff, (staff.c.tenant_id == duties.c.tenant_id) & (staff.c.id == duties.c.staff_id))
_ON_DUTY = (
    _ROWS.where(
        duties.c.tenant_id == TENANT,
        duties.c.to_ms > bindparam("now_ms"),
        duties.c.from_ms <= bindparam("now_ms"),
        or_(duties.c.ended_ms.is_(None), duties.c.ended_ms > bindparam("now_ms")),
        or_(
            duties.c.ward_id == bindparam("ward_id"),
            duties.c.zone == bindparam("zone"),
            and_(duties.c.ward_id.is_(None), duties.c.zone.is_(None)),
        ),
        staff.c.active,
    )
    # Whoever is nearest first: of the ward, of its zone, of all.
    .order_by(duties.c.ward_id.is_(None), duties.c.zone.is_(None), staff.c.name, duties.c.id)
)
_BETWEEN = _ROWS.where(
    duties.c.tenant_id == TENANT,
    duties.c.to_ms > bindparam("from_ms"),
    duties.c.from_ms < bindparam("to_ms"),
    bindparam("from_ms") < _ENDS,
    # Ended before it began: it never was.
    duties.c.from_ms < _ENDS,
).order_by(duties.c.from_ms, staff.c.name, duties.c.id)
_ONE = _ROWS.where(duties.c.tenant_id == TENANT, duties.c.id == bindparam("duty_id"))
_SAME = (
    select(duties.c.id, duties.c.from_ms, _ENDS.label("ends_ms"))
    .where(
        duties.c.tenant_id == TENANT,
        duties.c.staff_id == bindparam("staff_id"),
        duties.c.role == bindparam("role"),
        duties.c.to_ms > bindparam("from_ms"),
        duties.c.from_ms < bindparam("to_ms"),
        bindparam("from_ms") < _ENDS,
        duties.c.from_ms < _ENDS,
        func.coalesce(duties.c.ward_id, 0) == bindparam("ward_id"),
        func.coalesce(duties.c.zone, "") == bindparam("zone"),
    )
    .limit(1)
)
_END = update(duties).where(
    duties.c.tenant_id == TENANT, duties.c.id == bindparam("duty_id"), duties.c.ended_ms.is_(None)
)
_ZONES = (
    select(duties.c.zone)
    .where(
        duties.c.tenant_id == TENANT,
        duties.c.zone.is_not(None),
        duties.c.to_ms > bindparam("now_ms"),
        duties.c.ended_ms.is_(None),
    )
    .distinct()
)
_STAFF = select(staff.c.id).where(staff.c.tenant_id == TENANT, staff.c.id == bindparam("staff_id"), staff.c.active)
_THEIRS = select(staff_wards.c.ward_id).where(
    staff_wards.c.tenant_id == TENANT, staff_wards.c.staff_id == bindparam("staff_id")
)
_WARD = select(wards.c.id).where(wards.c.tenant_id == TENANT, wards.c.id == bindparam("ward_id"))


def on_duty(
    s: TenantSession, ward_id: int, zone_key: str | None, now_ms: int, role: str = ANY_ROLE
) -> tuple[OnDuty, ...]:
    """Who is on duty for a ward at this moment: for the ward itself, for its zone (None: it is in none), or for the
    whole tenant; the nearest first. Somebody who is down twice is in it twice.

    role: only these; ANY_ROLE for all.
    """
    rows = s.execute(_ON_DUTY, {"ward_id": ward_id, "zone": zone_key, "now_ms": now_ms})
    return tuple(
        OnDuty(int(row.staff_id), row.name, row.role, row.phone, int(row.from_ms), int(row.ends_ms))
        for row in rows
        if role in (ANY_ROLE, row.role)
    )


def between(s: TenantSession, from_ms: int, to_ms: int) -> list[Duty]:
    """All duties that hold at any moment from `from_ms` up to and without `to_ms`, the earliest first."""
    return [_duty(row) for row in s.execute(_BETWEEN, {"from_ms": from_ms, "to_ms": to_ms})]


def one(s: TenantSession, duty_id: int) -> Duty | None:
    """The duty with this id, ended ones too."""
    row = s.execute(_ONE, {"duty_id": duty_id}).one_or_none()
    return _duty(row) if row is not None else None


def _duty(row: Row[Any]) -> Duty:
    return Duty(
        int(row.id),
        int(row.staff_id),
        row.name,
        row.ward_id,
        row.zone,
        row.role,
        int(row.from_ms),
        int(row.ends_ms),
        int(row.made_ms),
        row.made_by,
        row.ended_ms,
        row.phone,
    )


def zones_used(s: TenantSession, now_ms: int) -> frozenset[str]:
    """The zones that somebody is on duty for now, or will be."""
    return frozenset(str(key) for key in s.execute(_ZONES, {"now_ms": now_ms}).scalars())


def add(s: TenantSession, asked: Asked, *, zones: Collection[str], made_by: int | None, now_ms: int) -> int:
    """Put somebody on duty; gives the duty's id. zones: the keys that there are in the routing.

    Raises DutyError for what cannot be.
    """
    _check(s, asked, zones, now_ms)
    same = _same(s, asked)
    if same is not None:
        raise DutyError("from_ms", "is on duty there already, as the same", "overlap")
    number = s.insert(
        duties,
        staff_id=asked.staff_id,
        ward_id=asked.ward_id,
        zone=asked.zone,
        role=asked.role,
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        made_ms=now_ms,
        made_by=made_by,
        ended_ms=None,
    )
    s.changed()
    return number


def is_there(s: TenantSession, asked: Asked) -> bool:
    """Whether this very duty is written already: the same person, place, role and times."""
    same = _same(s, asked)
    return same is not None and (same.from_ms, same.ends_ms) == (asked.from_ms, asked.to_ms)


def is_covered(s: TenantSession, asked: Asked) -> bool:
    """Whether the same person is on duty there, as the same, for any part of this time."""
    return _same(s, asked) is not None


def _same(s: TenantSession, asked: Asked) -> Row[Any] | None:
    place = {"ward_id": asked.ward_id or 0, "zone": asked.zone or ""}
    span = {"from_ms": asked.from_ms, "to_ms": asked.to_ms}
    return s.execute(_SAME, {"staff_id": asked.staff_id, "role": asked.role, **place, **span}).one_or_none()


def _check(s: TenantSession, asked: Asked, zones: Collection[str], now_ms: int) -> None:
    if asked.role not in ROLES:
        raise DutyError("role", f"unknown: {asked.role}", "unknown_role", asked.role)
    if asked.to_ms <= asked.from_ms:
        raise DutyError("to_ms", "must lie after the beginning", "order")
    if asked.to_ms - asked.from_ms > LONGEST_MS:
        raise DutyError("to_ms", "must be at most a day after the beginning", "long")
    if asked.to_ms <= now_ms:
        # Who was asked last night is history: it is not written afterwards.
        raise DutyError("to_ms", "is over already", "over")
    if asked.ward_id is not None and asked.zone is not None:
        raise DutyError("zone", "a duty is for a ward or for a zone", "two_places")
    if s.execute(_STAFF, {"staff_id": asked.staff_id}).scalar() is None:
        raise DutyError("staff_id", "nobody who works here", "unknown_staff")
    if asked.ward_id is not None and s.execute(_WARD, {"ward_id": asked.ward_id}).scalar() is None:
        raise DutyError("ward_id", "unknown", "unknown_ward")
    if asked.zone is not None and asked.zone not in zones:
        raise DutyError("zone", f"unknown: {asked.zone}", "unknown_zone", asked.zone)
    if asked.role not in AFAR:
        theirs = set(s.execute(_THEIRS, {"staff_id": asked.staff_id}).scalars())
        if not theirs or asked.ward_id not in (None, *theirs):
            raise DutyError("staff_id", "may not take alarms there", "not_of_ward")


def end(s: TenantSession, duty_id: int, now_ms: int) -> None:
    """End a duty now; one that has not begun never begins. Ended or over already: nothing happens.

    Raises DutyError where there is none.
    """
    found = one(s, duty_id)
    if found is None:
        raise DutyError("duty_id", "unknown", "unknown_duty")
    if found.to_ms > now_ms and s.execute(_END, {"duty_id": duty_id, "ended_ms": now_ms}).rowcount:
        s.changed()


def change(
    s: TenantSession,
    duty_id: int,
    *,
    from_ms: int,
    to_ms: int,
    role: str,
    zones: Collection[str],
    made_by: int | None,
    now_ms: int,
) -> int:
    """Give a duty other times or another role; gives the id of the one that holds from now on.

    What has been so far stays as it was: of a duty that has begun, the rest of it is written anew. Raises DutyError
    for what cannot be.
    """
    found = one(s, duty_id)
    if found is None:
        raise DutyError("duty_id", "unknown", "unknown_duty")
    if found.to_ms <= now_ms or found.ended_ms is not None:
        raise DutyError("duty_id", "is over already", "over")
    end(s, duty_id, now_ms)
    begins_ms = max(from_ms, now_ms) if found.from_ms < now_ms else from_ms
    asked = Asked(found.staff_id, role, begins_ms, to_ms, found.ward_id, found.zone)
    return add(s, asked, zones=zones, made_by=made_by, now_ms=now_ms)
