"""What each sensor of a ward's rooms last said, and whether that is still known. Serves arrows 7 and 9.

Owns the reading of sensors by room. Must not know what a room shows, or what anybody does about it. What is in doubt
is unknown: a sensor that has fallen silent or has never been heard, and one whose gateway is not heard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, bindparam, select

from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.completeness import GATEWAY_SILENT, Outage, outages
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import device_states, devices, placements, rooms

_HEARD = (
    device_states.c.last_heard_ms,
    device_states.c.readings,
    device_states.c.unknown_since_ms,
    device_states.c.unknown_reason,
    device_states.c.proved_ms,
)
_SENSORS = (
    select(
        placements.c.room_id,
        placements.c.spot,
        devices.c.id.label("device_id"),
        devices.c.address,
        devices.c.mute,
        devices.c.gateway_id,
        *_HEARD,
    )
    .select_from(placements)
    .join(rooms, (rooms.c.tenant_id == placements.c.tenant_id) & (rooms.c.id == placements.c.room_id))
    .join(devices, (devices.c.tenant_id == placements.c.tenant_id) & (devices.c.id == placements.c.device_id))
    .outerjoin(
        device_states,
        (device_states.c.tenant_id == devices.c.tenant_id)
        # By the whole key: without the gateway, each device would look through all that any gateway has ever heard.
        & (device_states.c.gateway_id == devices.c.gateway_id)
        & (device_states.c.address == devices.c.address),
    )
    .where(
        placements.c.tenant_id == TENANT,
        rooms.c.ward_id == bindparam("ward_id"),
        in_force(placements, "now_ms"),
    )
)


# Of devices that were given to no gateway: what all have heard is read through once, not once for each device.
_OF_ANY = select(device_states.c.address, device_states.c.gateway_id, *_HEARD).where(
    device_states.c.tenant_id == TENANT, device_states.c.address.in_(bindparam("addresses", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor of a room as last heard. Unknown: since when (0: never heard) and why. outage: the gateway that it
    speaks through is not heard. proved_ms: when it was last seen to work (told of mute ones only)."""

    mute: bool
    spot: str = ""
    last_heard_ms: int | None = None
    readings: Mapping[str, object] = field(default_factory=dict)
    unknown_since_ms: int | None = None
    unknown_reason: str | None = None
    outage: Outage | None = None
    proved_ms: int | None = None
    address: str = ""

    @property
    def unknown(self) -> bool:
        """True where it is not known to be well: a mute one only where nobody would hear it."""
        if self.outage is not None:
            return True
        return not self.mute and (self.unknown_since_ms is not None or self.last_heard_ms is None)


def in_ward(s: TenantSession, ward_id: int, now_ms: int) -> dict[int, list[Sensor]]:
    """The sensors of a ward by room id, as last heard; a room without any is not in the answer."""
    hung = {(row.room_id, row.device_id): row for row in s.execute(_SENSORS, {"ward_id": ward_id, "now_ms": now_ms})}
    of_any: dict[str, list[Row[Any]]] = defaultdict(list)
    if loose := sorted({row.address for row in hung.values() if row.gateway_id is None}):
        for row in s.execute(_OF_ANY, {"addresses": loose}):
            of_any[row.address].append(row)
    heard = {key: of_any.get(row.address) or [row] for key, row in hung.items()}
    out = outages(s, {row.gateway_id for rows in heard.values() for row in rows if row.gateway_id is not None})
    found: dict[int, list[Sensor]] = defaultdict(list)
    for (room_id, device_id), rows in sorted(heard.items()):
        # A sensor that several gateways hear counts once, by whoever heard it last.
        best = max(rows, key=lambda row: (row.last_heard_ms or 0, row.gateway_id or 0))
        there = hung[room_id, device_id]
        found[room_id].append(
            Sensor(
                there.mute,
                there.spot,
                best.last_heard_ms,
                best.readings or {},
                best.unknown_since_ms,
                best.unknown_reason,
                _outage([out.get(row.gateway_id) for row in rows if row.gateway_id is not None]),
                max((row.proved_ms for row in rows if row.proved_ms is not None), default=None),
                best.address,
            )
        )
    return found


def _outage(through: Sequence[Outage | None]) -> Outage | None:
    """What a sensor's gateways together keep from us: a silent one may have heard what the others did not."""
    silent = [one for one in through if one is not None and one.reason == GATEWAY_SILENT]
    if silent:
        return min(silent, key=lambda one: one.since_ms)
    revoked = [one for one in through if one is not None]
    if revoked and len(revoked) == len(through):
        return max(revoked, key=lambda one: one.since_ms)
    return None


def known(there: Sequence[Sensor]) -> bool:
    """Whether a room's sensors show how it is: one of them can be supervised, and none of them is in doubt."""
    return any(not sensor.mute for sensor in there) and not any(sensor.unknown for sensor in there)
