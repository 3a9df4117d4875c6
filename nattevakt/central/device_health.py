"""How each device is, as the centre knows it: heard when, battery, signal, tamper, errors, flood. Serves no arrow.

Owns what stands in the list of devices that an installer reads, and its plain words in Norwegian. Must not know alarms,
or decide anything: whether a silence rings is watching.py's.

A device is of one of three classes: "reporting" gives a sign of life by itself within its interval and its silence
rings; "mute" gives none, and has to be tried; of "unwatched" nobody has said how often it speaks, so its silence is
never told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Row, and_, select

from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.db import TenantSession
from nattevakt.central.devices import proof_due
from nattevakt.central.model_faults import fault_of
from nattevakt.central.tables import device_states, devices, gateways, placements, rooms

REPORTING, MUTE, UNWATCHED = "reporting", "mute", "unwatched"
OF_ITSELF = (
    *("battery_percent", "battery_low", "supply_v", "signal_dbm", "linkquality"),
    *("tamper", "available", "errors", "flood"),
)
"""What a device says of itself, in the order in which it is shown."""

_DEVICES = (
    select(
        devices.c.address,
        devices.c.name,
        devices.c.mute,
        devices.c.interval_s,
        devices.c.model,
        rooms.c.number,
        placements.c.spot,
        gateways.c.key.label("gateway"),
        device_states.c.last_heard_ms,
        device_states.c.readings,
        device_states.c.unknown_since_ms,
        device_states.c.unknown_reason,
        device_states.c.proved_ms,
    )
    .select_from(devices)
    .outerjoin(
        placements,
        and_(
            placements.c.tenant_id == devices.c.tenant_id,
            placements.c.device_id == devices.c.id,
            in_force(placements, "now_ms"),
        ),
    )
    .outerjoin(rooms, and_(rooms.c.tenant_id == placements.c.tenant_id, rooms.c.id == placements.c.room_id))
    .outerjoin(
        device_states,
        and_(device_states.c.tenant_id == devices.c.tenant_id, device_states.c.address == devices.c.address),
    )
    .outerjoin(
        gateways, and_(gateways.c.tenant_id == device_states.c.tenant_id, gateways.c.id == device_states.c.gateway_id)
    )
    .where(devices.c.tenant_id == TENANT)
)


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """One device. gateway: through which it was heard last. said: what it said of itself, by the names of OF_ITSELF.
    proof_due: it is mute, and nobody has seen it work for too long."""

    address: str
    name: str
    kind: str
    interval_s: int | None
    room: str | None
    spot: str | None
    gateway: str | None
    last_heard_ms: int | None
    unknown_since_ms: int | None
    unknown_reason: str | None
    proved_ms: int | None
    proof_due: bool
    model: str | None = None
    said: Mapping[str, object] = field(default_factory=dict)

    def as_json(self, now_ms: int) -> dict[str, object]:
        """All of it, with ages beside the moments."""
        age = None if self.last_heard_ms is None else max(0, now_ms - self.last_heard_ms) // 1000
        return {**asdict(self), "said": dict(self.said), "last_heard_age_s": age}


def class_of(*, mute: bool, interval_s: int | None) -> str:
    """The class of a device by what is registered of it."""
    if mute:
        return MUTE
    return UNWATCHED if interval_s is None else REPORTING


def of_tenant(s: TenantSession, now_ms: int) -> tuple[DeviceHealth, ...]:
    """All devices of a tenant by address; one that several gateways hear is as the last of them heard it."""
    best: dict[str, Row[Any]] = {}
    proved: dict[str, int] = {}
    for row in s.execute(_DEVICES, {"now_ms": now_ms}):
        known = best.get(row.address)
        if known is None or (row.last_heard_ms or 0) > (known.last_heard_ms or 0):
            best[row.address] = row
        proved[row.address] = max(proved.get(row.address, 0), row.proved_ms or 0)
    return tuple(_health(best[address], proved[address] or None, now_ms) for address in sorted(best))


def _health(row: Row[Any], proved_ms: int | None, now_ms: int) -> DeviceHealth:
    readings = row.readings or {}
    return DeviceHealth(
        address=row.address,
        name=row.name,
        kind=class_of(mute=row.mute, interval_s=row.interval_s),
        interval_s=row.interval_s,
        room=row.number,
        spot=row.spot,
        gateway=row.gateway,
        last_heard_ms=row.last_heard_ms,
        unknown_since_ms=row.unknown_since_ms,
        unknown_reason=row.unknown_reason,
        proved_ms=proved_ms,
        proof_due=bool(row.mute) and proof_due(proved_ms, now_ms),
        model=row.model,
        said={name: readings[name] for name in OF_ITSELF if readings.get(name) is not None},
    )


_KIND_WORDS = {REPORTING: "melder seg selv", MUTE: "melder seg ikke selv", UNWATCHED: "intervall ikke satt"}
_FLAGS = {
    "battery_low": "LAVT BATTERI",
    "tamper": "SABOTASJE",
    "flood": "SENDER FOR MYE",
}
_MEASURES = {
    "battery_percent": "batteri {:.0f} %",
    "supply_v": "{:.2f} V",
    "signal_dbm": "signal {:.0f} dBm",
    "linkquality": "signal {:.0f} av 255",
    "errors": "{:.0f} meldinger uten mening",
}


def line(device: DeviceHealth, now_ms: int) -> str:
    """One device for people."""
    where = f"rom {device.room} {device.spot or ''}".rstrip() if device.room else "ikke plassert"
    every = f", hver {_span(device.interval_s)}" if device.interval_s is not None and device.kind == REPORTING else ""
    parts = [f"{_KIND_WORDS[device.kind]}{every}", f"hørt {_ago(device.last_heard_ms, now_ms)}"]
    if device.kind == MUTE:
        tried = "aldri prøvd" if device.proved_ms is None else f"virket sist {_ago(device.proved_ms, now_ms)}"
        parts.append(tried + (", MÅ PRØVES" if device.proof_due else ""))
    if device.unknown_since_ms is not None:
        parts.append(f"UKJENT ({device.unknown_reason})")
    fault = fault_of(device.model)
    warned = f"\n\tMERK: {fault}" if fault is not None else ""
    return f"{device.address}\t{where}\t" + ", ".join([*parts, *_said(device.said)]) + warned


def _said(said: Mapping[str, object]) -> Sequence[str]:
    found = []
    for name, value in said.items():
        if name in _MEASURES and isinstance(value, int | float) and not isinstance(value, bool):
            found.append(_MEASURES[name].format(value))
        elif name in _FLAGS and value is True:
            found.append(_FLAGS[name])
    return [*found, "UTILGJENGELIG"] if said.get("available") is False else found


def _span(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


def _ago(then_ms: int | None, now_ms: int) -> str:
    return "aldri" if then_ms is None else f"for {_span(max(0, now_ms - then_ms) // 1000)} siden"
