"""What a resident's chain rests on now: sensors, gateway, tablets, routing. Serves arrows 6 to 9.

Owns the look-up of it and the sum by which one sees that it has changed since a test. Must not know tests. Names are
not part of the sum: what is only called something else is the same chain.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import (
    device_states,
    devices,
    gateways,
    listed_devices,
    placements,
    residents,
    rooms,
    stays,
    tablets,
    wards,
)
from nattevakt.central.tables_duty import routing_versions

_STAYING = (
    select(
        stays.c.id,
        stays.c.resident_id,
        residents.c.name,
        rooms.c.id.label("room_id"),
        rooms.c.number,
        rooms.c.ward_id,
        wards.c.name.label("ward_name"),
    )
    .join(rooms, (rooms.c.tenant_id == stays.c.tenant_id) & (rooms.c.id == stays.c.room_id))
    .join(wards, (wards.c.tenant_id == rooms.c.tenant_id) & (wards.c.id == rooms.c.ward_id))
    .join(residents, (residents.c.tenant_id == stays.c.tenant_id) & (residents.c.id == stays.c.resident_id))
    .where(stays.c.tenant_id == TENANT, in_force(stays, "now_ms"))
)
_HUNG = (
    select(
        placements.c.room_id, placements.c.spot, devices.c.id, devices.c.address, devices.c.name, devices.c.gateway_id
    )
    .join(devices, (devices.c.tenant_id == placements.c.tenant_id) & (devices.c.id == placements.c.device_id))
    .join(rooms, (rooms.c.tenant_id == placements.c.tenant_id) & (rooms.c.id == placements.c.room_id))
    .where(
        placements.c.tenant_id == TENANT,
        rooms.c.ward_id.in_(bindparam("wards", expanding=True)),
        in_force(placements, "now_ms"),
    )
    .order_by(devices.c.id)
)
# By the whole key of a state, one gateway after the other: by the address alone all that was ever heard would be read.
_HEARD = (
    select(device_states.c.gateway_id, device_states.c.address, device_states.c.last_heard_ms)
    .select_from(devices.join(gateways, gateways.c.tenant_id == devices.c.tenant_id))
    .join(
        device_states,
        (device_states.c.tenant_id == gateways.c.tenant_id)
        & (device_states.c.gateway_id == gateways.c.id)
        & (device_states.c.address == devices.c.address),
    )
    .where(
        devices.c.tenant_id == TENANT,
        devices.c.address.in_(bindparam("addresses", expanding=True)),
        device_states.c.last_heard_ms.is_not(None),
    )
)
_LISTED = select(listed_devices.c.gateway_id, listed_devices.c.address).where(
    listed_devices.c.tenant_id == TENANT, listed_devices.c.address.in_(bindparam("addresses", expanding=True))
)
_GATEWAYS = select(gateways.c.id, gateways.c.name, gateways.c.revoked_ms).where(gateways.c.tenant_id == TENANT)
_TABLETS = (
    select(tablets.c.id, tablets.c.name, tablets.c.ward_id)
    .where(
        tablets.c.tenant_id == TENANT,
        tablets.c.ward_id.in_(bindparam("wards", expanding=True)),
        tablets.c.revoked_ms.is_(None),
    )
    .order_by(tablets.c.id)
)
_ROUTING = select(func.max(routing_versions.c.version)).where(routing_versions.c.tenant_id == TENANT)


@dataclass(frozen=True, slots=True)
class Hung:
    """A device in the room. heard_ms: when it was last heard, by whichever gateway; None if never."""

    id: int
    name: str
    spot: str
    heard_ms: int | None


@dataclass(frozen=True, slots=True)
class Setup:
    """A resident's chain as it is now. gateway_id: the one that hears most of the room's devices; None where none does.

    tablets: id and name of those of the ward. routing: the number of the version that holds, 0 for the built-in one.
    """

    resident_id: int
    name: str
    room_id: int
    number: str
    ward_id: int
    ward_name: str
    devices: tuple[Hung, ...]
    gateway_id: int | None
    gateway_name: str
    tablets: tuple[tuple[int, str], ...]
    routing: int

    @property
    def sha(self) -> str:
        """The same for the same chain, another where anything that it rests on is another."""
        rests_on = {
            "devices": sorted(device.id for device in self.devices),
            "gateway": self.gateway_id,
            "tablets": sorted(number for number, _ in self.tablets),
            "routing": self.routing,
        }
        return hashlib.sha256(json.dumps(rests_on, sort_keys=True).encode()).hexdigest()

    @property
    def path(self) -> dict[str, object]:
        """The same in words that stay right: what a certificate names."""
        return {
            "room": self.number,
            "ward": self.ward_name,
            "gateway": self.gateway_name,
            "devices": [{"name": one.name, "spot": one.spot, "heard_ms": one.heard_ms} for one in self.devices],
            "tablets": [name for _, name in self.tablets],
            "routing": self.routing,
        }


def of_wards(s: TenantSession, ward_ids: Iterable[int], now_ms: int) -> list[Setup]:
    """The chains of all who live on these wards now, by ward and room; each resident once, where they came to last."""
    wanted = sorted(set(ward_ids))
    if not wanted:
        return []
    staying = s.execute(_STAYING, {"now_ms": now_ms}).all()
    latest = {row.resident_id: row for row in sorted(staying, key=lambda row: row.id)}
    living = [row for row in latest.values() if row.ward_id in wanted]
    hung = s.execute(_HUNG, {"wards": wanted, "now_ms": now_ms}).all()
    heard = _heard(s, [row.address for row in hung])
    known = {row.id: row for row in s.execute(_GATEWAYS)}
    screens = s.execute(_TABLETS, {"wards": wanted}).all()
    routing = int(s.execute(_ROUTING).scalar() or 0)
    found = []
    for row in sorted(
        living, key=lambda row: (row.ward_name, row.ward_id, len(row.number), row.number, row.resident_id)
    ):
        there = [one for one in hung if one.room_id == row.room_id]
        gateway_id = _serving(there, heard, known)
        devices_there = (Hung(one.id, one.name, one.spot, _last_ms(heard.get(one.address, {}))) for one in there)
        found.append(
            Setup(
                resident_id=row.resident_id,
                name=row.name,
                room_id=row.room_id,
                number=row.number,
                ward_id=row.ward_id,
                ward_name=row.ward_name,
                devices=tuple(devices_there),
                gateway_id=gateway_id,
                gateway_name=known[gateway_id].name if gateway_id is not None else "",
                tablets=tuple((one.id, one.name) for one in screens if one.ward_id == row.ward_id),
                routing=routing,
            )
        )
    return found


def _heard(s: TenantSession, addresses: Iterable[str]) -> dict[str, dict[int, int]]:
    """By address, which gateway heard it last when; 0 where it only has it on its list."""
    found: dict[str, dict[int, int]] = {}
    wanted = sorted(set(addresses))
    for row in s.execute(_LISTED, {"addresses": wanted}) if wanted else ():
        found.setdefault(row.address, {})[row.gateway_id] = 0
    for row in s.execute(_HEARD, {"addresses": wanted}) if wanted else ():
        found.setdefault(row.address, {})[row.gateway_id] = row.last_heard_ms
    return found


def _last_ms(heard: Mapping[int, int]) -> int | None:
    return max(heard.values(), default=0) or None


def _serving(
    there: Iterable[Row[Any]], heard: Mapping[str, Mapping[int, int]], known: Mapping[int, Row[Any]]
) -> int | None:
    """A device belongs to the gateway it was given to; one that was given to none, to the one that heard it last, or at
    least has it on its list: a button that nobody has pressed yet was never heard."""
    counted: Counter[int] = Counter()
    for one in there:
        by = heard.get(one.address, {})
        mine = one.gateway_id if one.gateway_id is not None else max(by, key=lambda gateway: by[gateway], default=None)
        if mine is not None and mine in known and known[mine].revoked_ms is None:
            counted[mine] += 1
    return min(counted, key=lambda gateway: (-counted[gateway], gateway), default=None)
