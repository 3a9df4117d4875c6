"""Where a device hangs and who lives there, at a given moment. Serves arrow 7.

Owns the look-up by time (guests change, devices move). Must not know rules or alarms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, Row, and_, bindparam, select

from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import devices, placements, rooms, stays, wards

_OTHER_WARDS = (
    select(wards.c.key, wards.c.name)
    .where(wards.c.tenant_id == TENANT, wards.c.id != bindparam("ward_id"))
    .order_by(wards.c.name, wards.c.id)
)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a device hung at some moment. residents: who stayed in that room then."""

    room_id: int
    ward_id: int
    spot: str
    residents: tuple[int, ...]

    @property
    def resident_id(self) -> int | None:
        """The one who lives there, or None where that is nobody or not one."""
        return self.residents[0] if len(self.residents) == 1 else None


_PLACED = (
    select(
        devices.c.address,
        placements.c.room_id,
        placements.c.spot,
        placements.c.from_ms,
        placements.c.to_ms,
        rooms.c.ward_id,
        stays.c.resident_id,
        stays.c.from_ms.label("stay_from_ms"),
        stays.c.to_ms.label("stay_to_ms"),
    )
    .join(placements, and_(placements.c.tenant_id == devices.c.tenant_id, placements.c.device_id == devices.c.id))
    .join(rooms, and_(rooms.c.tenant_id == placements.c.tenant_id, rooms.c.id == placements.c.room_id))
    .outerjoin(stays, and_(stays.c.tenant_id == rooms.c.tenant_id, stays.c.room_id == rooms.c.id))
    .where(devices.c.tenant_id == TENANT, devices.c.address.in_(bindparam("addresses", expanding=True)))
    .order_by(placements.c.from_ms, placements.c.id, stays.c.id)
)
_HANGING = (
    select(placements.c.room_id, placements.c.spot, devices.c.address)
    .join(devices, and_(devices.c.tenant_id == placements.c.tenant_id, devices.c.id == placements.c.device_id))
    .where(
        placements.c.tenant_id == TENANT,
        placements.c.room_id.in_(bindparam("rooms", expanding=True)),
        placements.c.to_ms.is_(None),
    )
)
_ROOMS = (
    select(stays.c.room_id)
    .where(stays.c.tenant_id == TENANT, stays.c.resident_id == bindparam("number"))
    .order_by(stays.c.room_id)
    .distinct()
)
_ROOMS_AT = _ROOMS.where(in_force(stays, "at_ms"))
_STAYING = select(stays.c.room_id, stays.c.resident_id).where(
    stays.c.tenant_id == TENANT,
    stays.c.room_id.in_(bindparam("rooms", expanding=True)),
    in_force(stays, "at_ms"),
)
_LIVING = (
    select(rooms.c.id, rooms.c.ward_id, stays.c.resident_id)
    .outerjoin(
        stays,
        and_(
            stays.c.tenant_id == rooms.c.tenant_id,
            stays.c.room_id == rooms.c.id,
            in_force(stays, "at_ms"),
        ),
    )
    .where(rooms.c.tenant_id == TENANT, rooms.c.id.in_(bindparam("rooms", expanding=True)))
)
_HUNG = (
    select(placements.c.room_id)
    .join(devices, and_(devices.c.tenant_id == placements.c.tenant_id, devices.c.id == placements.c.device_id))
    .where(placements.c.tenant_id == TENANT, devices.c.address == bindparam("address"))
    .order_by(placements.c.room_id)
    .distinct()
)
_HANGS_AT = _HUNG.where(
    in_force(placements, "at_ms"),
)
_EVER = (
    select(devices.c.address)
    .join(placements, and_(placements.c.tenant_id == devices.c.tenant_id, placements.c.device_id == devices.c.id))
    .where(devices.c.tenant_id == TENANT, placements.c.room_id.in_(bindparam("rooms", expanding=True)))
    .distinct()
)


class Places:
    """The placements of some devices, read once for a batch."""

    def __init__(self, rows: Iterable[Row[Any]]) -> None:
        self._rows: dict[str, list[Row[Any]]] = {}
        self._last: dict[str, tuple[int, int, Spot | None]] = {}
        for row in rows:
            self._rows.setdefault(row.address, []).append(row)

    def at(self, address: str, at_ms: int) -> Spot | None:
        """Where a device hung at this moment, None if nowhere that is known."""
        return self.around(address, at_ms)[2]

    def around(self, address: str, at_ms: int) -> tuple[int, int, Spot | None]:
        """The same, and from when (and until before when) it is so."""
        last = self._last.get(address)
        if last is not None and last[0] <= at_ms < last[1]:
            return last
        changes = [ms for row in self._rows.get(address, ()) for ms in _changes(row) if ms is not None]
        begins = max((ms for ms in changes if ms <= at_ms), default=at_ms)
        ends = min((ms for ms in changes if ms > at_ms), default=_NEVER_MS)
        found = self._last[address] = (begins, ends, self._look(address, at_ms))
        return found

    def _look(self, address: str, at_ms: int) -> Spot | None:
        hung = [row for row in self._rows.get(address, ()) if _covers(row.from_ms, row.to_ms, at_ms)]
        if not hung:
            return None
        latest = hung[-1]
        there = (row for row in hung if (row.room_id, row.from_ms) == (latest.room_id, latest.from_ms))
        residents = {
            int(row.resident_id)
            for row in there
            if row.resident_id is not None and _covers(row.stay_from_ms, row.stay_to_ms, at_ms)
        }
        return Spot(int(latest.room_id), int(latest.ward_id), latest.spot, tuple(sorted(residents)))


_NEVER_MS = 2**63


def _changes(row: Row[Any]) -> tuple[int | None, ...]:
    """When what a row says begins to hold, or ends."""
    return (row.from_ms, row.to_ms, row.stay_from_ms, row.stay_to_ms)


def _covers(from_ms: int, to_ms: int | None, at_ms: int) -> bool:
    return from_ms <= at_ms and (to_ms is None or at_ms < to_ms)


def look_up(s: TenantSession, addresses: Iterable[str]) -> Places:
    """All placements of these devices."""
    wanted = sorted(set(addresses))
    return Places(s.execute(_PLACED, {"addresses": wanted}).all() if wanted else ())


def hanging_in(s: TenantSession, room_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """The devices that hang in these rooms now, and the words for their spots."""
    wanted = sorted(set(room_ids))
    found: dict[int, dict[str, str]] = {room_id: {} for room_id in wanted}
    if wanted:
        for row in s.execute(_HANGING, {"rooms": wanted}):
            found[row.room_id][row.address] = row.spot
    return found


def rooms_of(s: TenantSession, subject: str, at_ms: int | None = None) -> tuple[int, ...]:
    """The rooms of a subject (a resident, a room or a bed of it, a device), ever or at a moment.

    A resident who has just been given company is still there, and so is a bed while anybody lives in its room: what
    happens from then on is another subject's, but what has begun is not forgotten.
    """
    kind, _, name = subject.partition(":")
    if kind == "device":
        hung = _HUNG if at_ms is None else _HANGS_AT
        return tuple(
            s.execute(hung, {"address": name} if at_ms is None else {"address": name, "at_ms": at_ms}).scalars()
        )
    if kind not in ("bed", "resident", "room"):
        return ()
    number = int(name.partition("/")[0])
    if kind == "resident":
        found = s.execute(_ROOMS, {"number": number}) if at_ms is None else _rooms_at(s, number, at_ms)
        return tuple(found.scalars())
    return (number,) if at_ms is None or s.execute(_STAYING, {"rooms": [number], "at_ms": at_ms}).first() else ()


def _rooms_at(s: TenantSession, resident_id: int, at_ms: int) -> CursorResult[Any]:
    return s.execute(_ROOMS_AT, {"number": resident_id, "at_ms": at_ms})


def spots_in(s: TenantSession, room_ids: Iterable[int], at_ms: int) -> dict[int, Spot]:
    """These rooms as the places of whatever hangs in them, with those who live there at a moment."""
    wanted = sorted(set(room_ids))
    rows = s.execute(_LIVING, {"rooms": wanted, "at_ms": at_ms}).all() if wanted else []
    living: dict[int, set[int]] = {row.id: set() for row in rows}
    for row in rows:
        if row.resident_id is not None:
            living[row.id].add(int(row.resident_id))
    wards = {row.id: int(row.ward_id) for row in rows}
    return {number: Spot(number, wards[number], "", tuple(sorted(who))) for number, who in living.items()}


def devices_of(s: TenantSession, subject: str) -> tuple[str, ...]:
    """All devices that a subject was ever heard by; whether they hung there at a moment, `look_up` tells."""
    kind, _, name = subject.partition(":")
    if kind == "device":
        return (name.partition("@")[0],)
    rooms_ever = rooms_of(s, subject)
    found = s.execute(_EVER, {"rooms": list(rooms_ever)}).scalars() if rooms_ever else ()
    return tuple(sorted(found))


def other_wards(s: TenantSession, ward_id: int) -> tuple[tuple[str, str], ...]:
    """Keys and names of the tenant's wards without this one, by name."""
    return tuple((row.key, row.name) for row in s.execute(_OTHER_WARDS, {"ward_id": ward_id}))
