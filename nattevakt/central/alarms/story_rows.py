"""What the story of an alarm asks of the database. Serves no arrow; it only reads.

Owns the statements, and that none of them gives more than a bounded number of rows. Must not know what is told of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, and_, bindparam, not_, or_, select

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
from nattevakt.central.tables_duty import sendings
from nattevakt.central.tables_plans import plan_versions

ROWS_MAX = 2_000
"""So many events, notices, sendings and readings of one alarm are told, so many moves and so many other changes; where
there are more, that is said. Of moves, other changes, notices and sendings the first and the last."""
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
# What took it from state to state, and what people did: few, however often it was said again.
_MOVES = or_(
    transitions.c.from_state.is_(None),
    transitions.c.from_state != transitions.c.to_state,
    transitions.c.staff_id.is_not(None),
)
_NOTICES = (
    _of_alarm(notices, wards.c.name.label("ward_name"), wards.c.id.label("ward_id"))
    .outerjoin(wards, _own(wards, tablets, "ward_id"))
    .where(notices.c.alarm_id == bindparam("alarm_id"))
)
_LOOKS = (
    _of_alarm(access_log, *_STAFF)
    .outerjoin(staff, _own(staff, access_log, "staff_id"))
    .where(access_log.c.what.in_(bindparam("whats", expanding=True)), access_log.c.at_ms >= bindparam("from_ms"))
)


@dataclass(frozen=True, slots=True)
class Ends:
    """A query whose rows have an order; where there are too many only those at its ends are wanted."""

    first: Select[Any]
    last: Select[Any]

    @classmethod
    def of(cls, wanted: Select[Any], *order: ColumnElement[Any]) -> Ends:
        """The same rows from each end."""
        last = wanted.order_by(None).order_by(*(column.desc() for column in order)).limit(ROWS_MAX // 2)
        return cls(wanted.order_by(None).order_by(*order), last)

    def read(self, s: TenantSession, alarm_id: int) -> tuple[list[Row[Any]], int | None]:
        """The rows, and where in them some are left off: before the one at that index."""
        found = list(s.execute(self.first, {"alarm_id": alarm_id}))
        if len(found) <= ROWS_MAX:
            return found, None
        half = ROWS_MAX // 2
        return [*found[:half], *reversed(s.execute(self.last, {"alarm_id": alarm_id}).all())], half


_MADE = Ends.of(_CHANGES.where(_MOVES), transitions.c.id)
_SAID_AGAIN = Ends.of(_CHANGES.where(not_(_MOVES)), transitions.c.id)
_TOLD = Ends.of(_NOTICES, notices.c.sound_seq, notices.c.id)
# What is not for a reader is not asked for: the key of a sending, and how it is leased.
_SENDING = ("id", "sound_seq", "step", "channel", "target", "state", "attempts", "reason", "provider_ref")
_SENT = Ends.of(
    select(*(sendings.c[name] for name in (*_SENDING, "made_ms", "sent_ms", "confirmed_ms", "failed_ms")))
    .where(sendings.c.tenant_id == TENANT, sendings.c.alarm_id == bindparam("alarm_id"))
    .limit(ROWS_MAX + 1),
    sendings.c.id,
)
_WARDS = select(wards.c.id, wards.c.key, wards.c.name).where(wards.c.tenant_id == TENANT)
_STAFF_NAMES, _GATEWAY_NAMES = (
    select(table.c.id, table.c.name).where(
        table.c.tenant_id == TENANT, table.c.id.in_(bindparam("ids", expanding=True))
    )
    for table in (staff, gateways)
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


@dataclass(frozen=True, slots=True)
class History:
    """The changes of an alarm, in order. moves_cut: some are left off that took it from state to state, or were made by
    people. others_cut: some of the rest are."""

    rows: tuple[Row[Any], ...]
    moves_cut: bool
    others_cut: bool


def changes(s: TenantSession, alarm_id: int) -> History:
    """Its history."""
    moves, moves_gap = _MADE.read(s, alarm_id)
    others, others_gap = _SAID_AGAIN.read(s, alarm_id)
    rows = tuple(sorted([*moves, *others], key=lambda row: int(row.id)))
    return History(rows, moves_gap is not None, others_gap is not None)


def told(s: TenantSession, alarm_id: int) -> tuple[list[Row[Any]], range | None]:
    """Its notices, in the order of what they tell of; and of which soundings some are left off."""
    rows, gap = _TOLD.read(s, alarm_id)
    return rows, None if gap is None else range(rows[gap - 1].sound_seq, rows[gap].sound_seq + 1)


def sent(s: TenantSession, alarm_id: int) -> tuple[list[Row[Any]], int | None]:
    """Its sendings, in the order in which they were asked for; and where in them some are left off."""
    return _SENT.read(s, alarm_id)


def ward_names(s: TenantSession) -> Sequence[Row[Any]]:
    """All wards by id, key and name."""
    return s.execute(_WARDS).all()


def staff_names(s: TenantSession, ids: Iterable[int]) -> Sequence[Row[Any]]:
    """People by id and name."""
    return s.execute(_STAFF_NAMES, {"ids": sorted(ids)}).all()


def gateway_names(s: TenantSession, ids: Iterable[int]) -> Sequence[Row[Any]]:
    """Gateways by id and name."""
    return s.execute(_GATEWAY_NAMES, {"ids": sorted(ids)}).all()


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
