"""What is known of each device now: last reading, last heard, or unknown and since when. Serves arrow 6.

Owns `device_states`: silence and gaps make a state unknown, never stale; and which mute devices have proved that
they work. Must not know alarms.

readings: contact "open"/"closed", bed "occupied"/"empty", presence "present"/"absent", chair "seated"/"empty", pad
"wet"/"dry", fall "fallen"/"over", leak "wet"/"dry", what a device says of itself (battery_percent, linkquality …), and
`measured`: the last value of each quantity, context and never a state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, select, text

from nattevakt.central import wakes
from nattevakt.central.arrays import upsert_text
from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import device_states, devices, listed_devices, placements, rooms
from nattevakt.edge.events import (
    Bed,
    Body,
    Chair,
    Contact,
    Fall,
    FallOver,
    Foreign,
    Health,
    Leak,
    LeakOver,
    Measurement,
    Presence,
    Wet,
)

STATE_KEYS = frozenset({"contact", "bed", "presence", "chair", "pad"})
LASTING_USES = frozenset({"bed", "door", "presence", "chair", "wet"})
"""What a gateway may have a device for that lasts."""
MEASURED_MAX = 20
"""How many measured quantities of a device are kept: what a hostile gateway makes up cannot grow its row."""
SILENT = "silent"
"""Why a device is unknown that has not been heard for too long, and the end of its rule's name."""
DEVICE_SILENT = "device_silent"
"""The rule under which the silence of a device is kept."""
HEARD_STEP_MS = 2_000
"""A heartbeat that moves a last sign of life by less than this is not written down: an age that is told again every
15 s comes out a little different each time, with the road's delay. Silences are counted in minutes."""
PROOF_MS = 30 * 24 * 3_600_000
"""A mute device that has not been tried for longer than this is due."""
_COLUMNS = (
    "last_heard_ms",
    "readings",
    "changed_ms",
    "unknown_since_ms",
    "unknown_reason",
    "known_after_ms",
    "needs_event",
    "proved_ms",
)


@dataclass(slots=True)
class DeviceState:
    """One device behind one gateway. needs_event: only a reading (not mere life) makes it known again.

    known_after_ms: only what is heard later counts, for its state and for its silence. proved_ms: when it last did
    what it hangs there for. stirred: its silence has to be judged anew. lasts: its gateway has it for something that
    lasts, whatever has been heard of that.
    """

    address: str
    last_heard_ms: int | None = None
    readings: dict[str, object] = field(default_factory=dict)
    changed_ms: int | None = None
    unknown_since_ms: int | None = None
    unknown_reason: str | None = None
    known_after_ms: int | None = None
    needs_event: bool = False
    proved_ms: int | None = None
    stirred: bool = False
    lasts: bool = False

    @property
    def has_state(self) -> bool:
        """Whether it tells of something that lasts (a bed, a door, a presence)."""
        return self.lasts or not STATE_KEYS.isdisjoint(self.readings)

    def heard(self, at_ms: int) -> None:
        """It gave some sign of life at this moment."""
        if self.unknown_reason == SILENT and at_ms > (self.last_heard_ms or 0):
            self.stirred = True
            if self.needs_event:
                self.unknown_reason = "rows_lost"
        if at_ms >= (self.last_heard_ms or 0):
            self.last_heard_ms = at_ms
        if not self.needs_event and self.known_after_ms is not None and at_ms > self.known_after_ms:
            self._known()

    def take(self, body: Body, at_ms: int) -> None:
        """An event of this device that happened at this moment."""
        kind = type(body)
        if kind is Measurement:
            self._measure(at_ms, body)  # type: ignore[arg-type]  # looked at in the line above
            return
        self.told(at_ms, readings_of(body))
        if kind is Health or kind is Foreign:
            return
        self.proved_ms = max(at_ms, self.proved_ms or 0)
        if self.needs_event and not self.has_state and at_ms >= (self.known_after_ms or 0):
            # What has no lasting state says nothing of the time before; that it works is all that can be known of it.
            self._known()

    def _measure(self, at_ms: int, body: Measurement) -> None:
        """A measured value and when it was; that a device measures does not prove that it can ring."""
        self.heard(at_ms)
        kept = self.readings.get("measured")
        known = dict(kept) if isinstance(kept, dict) else {}
        before = known.get(body.quantity)
        if isinstance(before, list) and before[1] > at_ms:
            return
        if before is not None or len(known) < MEASURED_MAX:
            known[body.quantity] = [body.value, at_ms]
            self.readings["measured"] = known

    def told(self, at_ms: int, readings: Mapping[str, object]) -> None:
        """It said something of itself at this moment; an older word never overwrites a newer."""
        self.heard(at_ms)
        if self.changed_ms is not None and at_ms < self.changed_ms:
            return
        self.readings.update(readings)
        if STATE_KEYS.isdisjoint(readings):
            return
        self.changed_ms = at_ms
        if self.known_after_ms is None or at_ms >= self.known_after_ms:
            self._known()

    def unknown(self, since_ms: int, reason: str, known_after_ms: int, *, needs_event: bool = False) -> None:
        """What it says is not known from `since_ms` until it is heard after `known_after_ms`."""
        sign = self.changed_ms if needs_event else self.last_heard_ms
        if sign is not None and sign > known_after_ms:
            return
        if self.unknown_since_ms is None:
            self.unknown_since_ms, self.unknown_reason = since_ms, reason
        self.unknown_since_ms = min(self.unknown_since_ms, since_ms)
        self.known_after_ms = max(known_after_ms, self.known_after_ms or 0)
        self.needs_event = self.needs_event or needs_event

    def source_back(self, at_ms: int) -> None:
        """Its source works again: what tells of a lasting state stays unknown until it is heard."""
        if self.unknown_since_ms is None:
            return
        if self.has_state:
            self.known_after_ms = max(at_ms, self.known_after_ms or 0)
            if self.unknown_reason == "source_lost":
                self.unknown_reason = "source_back"
        elif not self.needs_event and self.unknown_reason != SILENT:
            self._known()
            # It is known again, but it could not be heard until now: its silence counts from here.
            self.known_after_ms = at_ms

    def _known(self) -> None:
        self.unknown_since_ms = self.unknown_reason = self.known_after_ms = None
        self.needs_event = False


def readings_of(body: Body) -> dict[str, object]:
    """What a body says about its device's state."""
    read = _READINGS.get(type(body))
    return read(body) if read is not None else {}


_OF_ITSELF = (
    *("battery_percent", "battery_low", "tamper", "available", "linkquality", "signal_dbm", "supply_v"),
    *("flood", "errors"),
)
_READINGS: Mapping[type[Body], Callable[[Any], dict[str, object]]] = {
    Contact: lambda body: {"contact": "open" if body.open else "closed"},
    Bed: lambda body: {"bed": "occupied" if body.occupied else "empty"},
    Presence: lambda body: {"presence": "present" if body.present else "absent"},
    Chair: lambda body: {"chair": "seated" if body.seated else "empty"},
    Wet: lambda body: {"pad": "wet" if body.wet else "dry"},
    Fall: lambda _: {"fall": "fallen"},
    FallOver: lambda _: {"fall": "over"},
    Leak: lambda _: {"leak": "wet"},
    LeakOver: lambda _: {"leak": "dry"},
    Health: lambda body: {name: value for name in _OF_ITSELF if (value := getattr(body, name)) is not None},
}


_OF_GATEWAY = select(device_states.c.address, *(device_states.c[name] for name in _COLUMNS)).where(
    device_states.c.tenant_id == TENANT, device_states.c.gateway_id == bindparam("gateway_id")
)
_SIGNS = select(
    device_states.c.address,
    device_states.c.last_heard_ms,
    device_states.c.unknown_reason,
    device_states.c.known_after_ms,
    device_states.c.needs_event,
).where(device_states.c.tenant_id == TENANT, device_states.c.gateway_id == bindparam("gateway_id"))
_SOME = _OF_GATEWAY.where(device_states.c.address.in_(bindparam("addresses", expanding=True)))
_LISTED = select(listed_devices.c.address, listed_devices.c.use).where(
    listed_devices.c.tenant_id == TENANT,
    listed_devices.c.gateway_id == bindparam("gateway_id"),
    listed_devices.c.address.in_(bindparam("addresses", expanding=True)),
)
_KEYS = ("gateway_id", "address")
_write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class DeviceStates:
    """The states of one gateway's devices within one transaction: load, change, save."""

    def __init__(self, s: TenantSession, gateway_id: int) -> None:
        self._s = s
        self._gateway_id = gateway_id
        self._states: dict[str, DeviceState] = {}
        self._touched: set[str] = set()

    def load(self, addresses: Iterable[str] | None) -> None:
        """Read these devices, or with None all of the gateway."""
        params: dict[str, object] = {"gateway_id": self._gateway_id}
        statement = _OF_GATEWAY
        if addresses is not None:
            wanted = sorted(set(addresses) - set(self._states))
            if not wanted:
                return
            statement, params = _SOME, {**params, "addresses": wanted}
        for row in self._s.execute(statement, params):
            state = DeviceState(*row)
            self._states.setdefault(state.address, state)
        doubted = sorted(one.address for one in self._states.values() if one.needs_event and not one.has_state)
        if doubted:
            # All that it ever said of its state may be lost: what it is there for, its gateway's list tells.
            listed = self._s.execute(_LISTED, {"gateway_id": self._gateway_id, "addresses": doubted})
            for row in listed:
                self._states[row.address].lasts = row.use in LASTING_USES

    def heard(self, signs: Mapping[str, int]) -> None:
        """Signs of life that a gateway tells again and again, by address: what they change is to be saved."""
        if not signs:
            return
        known = {row.address: row for row in self._s.execute(_SIGNS, {"gateway_id": self._gateway_id})}
        moved = {address: at_ms for address, at_ms in signs.items() if _moves(at_ms, known.get(address))}
        self.load(moved)
        for address, at_ms in moved.items():
            self.get(address).heard(at_ms)

    def all(self) -> tuple[DeviceState, ...]:
        """All that have been loaded; each counts as changed."""
        self._touched.update(self._states)
        return tuple(self._states.values())

    def get(self, address: str) -> DeviceState:
        """One device to change; a new one if it was never heard. It must have been loaded if it exists."""
        self._touched.add(address)
        found = self._states.get(address)
        if found is None:
            found = self._states[address] = DeviceState(address)
        return found

    def save(self, now_ms: int) -> None:
        """Write what was changed, sorted by key; the silence of what is heard again is looked at now."""
        touched = [self._states[address] for address in sorted(self._touched)]
        if touched:
            sql = upsert_text(device_states, _KEYS, (*_KEYS, *_COLUMNS), self._s.tenant_id, self._s.dialect)
            self._s.run_rows(sql, [self._row(state) for state in touched])
        for state in touched:
            if state.stirred:
                wakes.arm(self._s, f"device:{state.address}", DEVICE_SILENT, now_ms)
                self._s.changed()

    def _row(self, state: DeviceState) -> tuple[object, ...]:
        return (
            *(self._gateway_id, state.address, state.last_heard_ms, _write(state.readings), state.changed_ms),
            *(state.unknown_since_ms, state.unknown_reason, state.known_after_ms, state.needs_event, state.proved_ms),
        )


def _moves(at_ms: int, known: Row[Any] | None) -> bool:
    """Whether a sign of life says anything that is not known already. One and the same, told again, must not end a
    silence because it comes out a little later than before."""
    if known is None or known.last_heard_ms is None or at_ms - known.last_heard_ms >= HEARD_STEP_MS:
        return True
    waits_for_life = known.known_after_ms is not None and not known.needs_event and known.unknown_reason != SILENT
    return waits_for_life and at_ms > known.known_after_ms


_FALL_SILENT = text(
    "UPDATE device_states SET unknown_reason = :reason, "
    "unknown_since_ms = coalesce(unknown_since_ms, :since_ms), known_after_ms = coalesce(known_after_ms, :since_ms) "
    "WHERE tenant_id = :tenant AND address = :address AND coalesce(last_heard_ms, 0) <= :since_ms"
)


def fall_silent(s: TenantSession, address: str, since_ms: int) -> None:
    """What a device last said is not known any more, through whichever gateway; unless it was heard just now."""
    s.execute(_FALL_SILENT, {"address": address, "since_ms": since_ms, "reason": SILENT})


@dataclass(frozen=True, slots=True)
class MuteDevice:
    """A device that gives no sign of life. proved_ms: when it was last seen to work, None if never."""

    address: str
    name: str
    room_id: int
    room_number: str
    spot: str
    proved_ms: int | None

    def due(self, now_ms: int) -> bool:
        """Whether it has to be tried."""
        return proof_due(self.proved_ms, now_ms)


def proof_due(proved_ms: int | None, now_ms: int) -> bool:
    """Whether a mute device that was last seen to work then has to be tried."""
    return proved_ms is None or now_ms - proved_ms > PROOF_MS


_MUTE = (
    select(
        devices.c.address,
        devices.c.name,
        rooms.c.id.label("room_id"),
        rooms.c.number,
        placements.c.spot,
        func.max(device_states.c.proved_ms).label("proved_ms"),
    )
    .select_from(devices)
    .join(placements, and_(placements.c.tenant_id == devices.c.tenant_id, placements.c.device_id == devices.c.id))
    .join(rooms, and_(rooms.c.tenant_id == placements.c.tenant_id, rooms.c.id == placements.c.room_id))
    .outerjoin(
        device_states,
        and_(device_states.c.tenant_id == devices.c.tenant_id, device_states.c.address == devices.c.address),
    )
    .where(
        devices.c.tenant_id == TENANT,
        devices.c.mute.is_(True),
        in_force(placements, "now_ms"),
    )
    .group_by(devices.c.address, devices.c.name, rooms.c.id, rooms.c.number, placements.c.spot)
)


def mute_devices(s: TenantSession, now_ms: int) -> tuple[MuteDevice, ...]:
    """All mute devices that hang somewhere, the longest untried first."""
    rows = s.execute(_MUTE, {"now_ms": now_ms})
    found = [MuteDevice(r.address, r.name, r.room_id, r.number, r.spot, r.proved_ms) for r in rows]
    return tuple(sorted(found, key=lambda device: (device.proved_ms or 0, device.room_number, device.address)))
