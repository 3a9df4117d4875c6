"""What the story of an alarm asks of the database. Serves no arrow; it only reads.

Owns the statements, and that none of them gives more than a bounded number of rows. Must not know what is told of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, and_, bindparam, select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import (
    access_log,
    alarm_events,
    alarms,
    devices,
    events,
    gateways,
    notices,
    residents,
    rooms,
    staff,
    streams,
    tablets,
    transitions,
    wards,
)
from nattevakt.central.tables_plans import plan_versions

ROWS_MAX = 2_000
"""So many events, changes, notices and readings of one alarm are told; where there are more, that is said."""
_KEY = ("gateway_id", "stream_id", "seq", "variant")


def _own(table: Table, other: Table, column: str) -> ColumnElement[bool]:
    """A row of another table of the same tenant, by its id."""
    return and_(table.c.tenant_id == other.c.tenant_id, table.c.id == other.c[column])


_ALARM = (
    select(
        alarms,
        wards.c.name.label("ward_name"),
        rooms.c.number.label("room_number"),
        residents.c.name.label("resident_name"),
        plan_versions.c.version.label("plan_version"),
        plan_versions.c.at_ms.label("plan_at_ms"),
        plan_versions.c.by_name.label("plan_by"),
    )
    .join(wards, _own(wards, alarms, "ward_id"))
    .outerjoin(rooms, _own(rooms, alarms, "room_id"))
    .outerjoin(residents, _own(residents, alarms, "resident_id"))
    .outerjoin(plan_versions, _own(plan_versions, alarms, "plan_version_id"))
    .where(alarms.c.tenant_id == TENANT, alarms.c.id == bindparam("alarm_id"))
)
_SAID = (
    select(
        *(events.c[name] for name in _KEY),
        *(events.c[name] for name in ("kind", "urgency", "device", "occurred_from_ms", "occurred_to_ms")),
        *(events.c[name] for name in ("received_ms", "raw", "outcome_reason", "twin_of")),
        gateways.c.name.label("gateway_name"),
        streams.c.stream,
        devices.c.name.label("device_name"),
    )
    .join(gateways, _own(gateways, events, "gateway_id"))
    .join(streams, _own(streams, events, "stream_id"))
    .outerjoin(devices, and_(devices.c.tenant_id == events.c.tenant_id, devices.c.address == events.c.device))
)
_HELD = (
    _SAID.join(
        alarm_events,
        and_(alarm_events.c.tenant_id == events.c.tenant_id, *(alarm_events.c[n] == events.c[n] for n in _KEY)),
    )
    .where(events.c.tenant_id == TENANT, alarm_events.c.alarm_id == bindparam("alarm_id"))
    .order_by(events.c.occurred_to_ms, events.c.received_ms, *(events.c[name] for name in _KEY))
    .limit(ROWS_MAX + 1)
)
_ONE = _SAID.where(events.c.tenant_id == TENANT, *(events.c[name] == bindparam(name) for name in _KEY))


def _of_alarm(table: Table, *more: Any) -> Select[Any]:
    return (
        select(table, *more, tablets.c.name.label("tablet_name"))
        .outerjoin(tablets, _own(tablets, table, "tablet_id"))
        .where(table.c.tenant_id == TENANT)
        .order_by(table.c.id)
        .limit(ROWS_MAX + 1)
    )


_STAFF = (staff.c.name.label("staff_name"), staff.c.initials.label("staff_initials"))
_CHANGES = (
    _of_alarm(transitions, *_STAFF)
    .outerjoin(staff, _own(staff, transitions, "staff_id"))
    .where(transitions.c.alarm_id == bindparam("alarm_id"))
)
_NOTICES = _of_alarm(notices).where(notices.c.alarm_id == bindparam("alarm_id"))
_LOOKS = (
    _of_alarm(access_log, *_STAFF)
    .outerjoin(staff, _own(staff, access_log, "staff_id"))
    .where(access_log.c.what.in_(bindparam("whats", expanding=True)), access_log.c.at_ms >= bindparam("from_ms"))
)
_LATEST = (
    select(
        *(alarms.c[name] for name in ("id", "kind", "priority", "ward_id", "resident_id", "place", "state")),
        *(alarms.c[name] for name in ("raised_ms", "taken_ms", "on_site_ms", "closed_ms", "cause", "action")),
        rooms.c.number.label("room_number"),
        residents.c.name.label("resident_name"),
    )
    .outerjoin(rooms, _own(rooms, alarms, "room_id"))
    .outerjoin(residents, _own(residents, alarms, "resident_id"))
    .where(
        alarms.c.tenant_id == TENANT,
        alarms.c.ward_id.in_(bindparam("wards", expanding=True)),
        alarms.c.id < bindparam("before"),
    )
    .order_by(alarms.c.id.desc())
    .limit(bindparam("most"))
)
_LATEST_OF = _LATEST.where(alarms.c.resident_id == bindparam("resident_id"))


def alarm(s: TenantSession, alarm_id: int) -> Row[Any] | None:
    """One alarm with where it is, whose, and by which plan."""
    return s.execute(_ALARM, {"alarm_id": alarm_id}).one_or_none()


def held(s: TenantSession, alarm_id: int) -> Sequence[Row[Any]]:
    """The events that it holds, in the order in which they happened."""
    return s.execute(_HELD, {"alarm_id": alarm_id}).all()


def named(s: TenantSession, keys: Iterable[tuple[int, ...]]) -> list[Row[Any]]:
    """Events by their keys; a key that is nobody's is passed over."""
    found = (s.execute(_ONE, dict(zip(_KEY, key, strict=True))).one_or_none() for key in keys)
    return [row for row in found if row is not None]


def changes(s: TenantSession, alarm_id: int) -> Sequence[Row[Any]]:
    """All its history, in order."""
    return s.execute(_CHANGES, {"alarm_id": alarm_id}).all()


def told(s: TenantSession, alarm_id: int) -> Sequence[Row[Any]]:
    """Its notices, in the order in which they were made."""
    return s.execute(_NOTICES, {"alarm_id": alarm_id}).all()


def looks(s: TenantSession, alarm_id: int, from_ms: int) -> Sequence[Row[Any]]:
    """Who has read the name that stands by it: on a tablet's board, or in its story."""
    return s.execute(_LOOKS, {"whats": [f"alarm:{alarm_id}", f"story:{alarm_id}"], "from_ms": from_ms}).all()


def latest(
    s: TenantSession, ward_ids: Iterable[int], before: int, most: int, resident_id: int | None = None
) -> Sequence[Row[Any]]:
    """The newest alarms of some wards, of those raised before the one of this id."""
    wanted = {"wards": sorted(ward_ids), "before": before, "most": most}
    if resident_id is None:
        return s.execute(_LATEST, wanted).all()
    return s.execute(_LATEST_OF, {**wanted, "resident_id": resident_id}).all()
