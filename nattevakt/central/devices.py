"""What is known of each device now: last reading, last heard, or unknown and since when. Serves arrow 6.

Owns `device_states`: silence and gaps make a state unknown, never stale. Must not know alarms.

readings: contact "open"/"closed", bed "occupied"/"empty", presence "present"/"absent", fall "fallen"/"over",
leak "wet"/"dry", and what a device says of itself (battery_percent, linkquality …).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import device_states
from nattevakt.edge.events import Bed, Body, Call, Contact, Fall, FallOver, Health, Leak, LeakOver, Motion, Presence

STATE_KEYS = frozenset({"contact", "bed", "presence"})
_COLUMNS = (
    "last_heard_ms",
    "readings",
    "changed_ms",
    "unknown_since_ms",
    "unknown_reason",
    "known_after_ms",
    "needs_event",
)


@dataclass(slots=True)
class DeviceState:
    """One device behind one gateway. needs_event: only a reading (not mere life) makes it known again."""

    address: str
    last_heard_ms: int | None = None
    readings: dict[str, object] = field(default_factory=dict)
    changed_ms: int | None = None
    unknown_since_ms: int | None = None
    unknown_reason: str | None = None
    known_after_ms: int | None = None
    needs_event: bool = False

    @property
    def has_state(self) -> bool:
        """Whether it tells of something that lasts (a bed, a door, a presence)."""
        return not STATE_KEYS.isdisjoint(self.readings)

    def heard(self, at_ms: int) -> None:
        """It gave some sign of life at this moment."""
        self.last_heard_ms = max(at_ms, self.last_heard_ms or 0)
        if not self.needs_event and self.known_after_ms is not None and at_ms > self.known_after_ms:
            self._known()

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
        elif not self.needs_event:
            self._known()

    def _known(self) -> None:
        self.unknown_since_ms = self.unknown_reason = self.known_after_ms = None
        self.needs_event = False


def readings_of(body: Body) -> dict[str, object]:
    """What a body says about its device's state."""
    match body:
        case Contact():
            return {"contact": "open" if body.open else "closed"}
        case Bed():
            return {"bed": "occupied" if body.occupied else "empty"}
        case Presence():
            return {"presence": "present" if body.present else "absent"}
        case Fall():
            return {"fall": "fallen"}
        case FallOver():
            return {"fall": "over"}
        case Leak():
            return {"leak": "wet"}
        case LeakOver():
            return {"leak": "dry"}
        case Health():
            names = ("battery_percent", "battery_low", "tamper", "available", "linkquality", "signal_dbm", "supply_v")
            return {name: getattr(body, name) for name in names if getattr(body, name) is not None}
        case Call() | Motion():
            return {}
        case _:
            return {}


_OF_GATEWAY = select(device_states).where(
    device_states.c.tenant_id == TENANT, device_states.c.gateway_id == bindparam("gateway_id")
)
_SOME = _OF_GATEWAY.where(device_states.c.address.in_(bindparam("addresses", expanding=True)))


def _upsert(make: Any) -> Any:
    statement = make(device_states)
    changes = {name: statement.excluded[name] for name in _COLUMNS}
    return statement.on_conflict_do_update(index_elements=["tenant_id", "gateway_id", "address"], set_=changes)


_UPSERT = {"sqlite": _upsert(sqlite.insert), "postgresql": _upsert(postgresql.insert)}


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
            values = {name: getattr(row, name) for name in _COLUMNS}
            self._states.setdefault(row.address, DeviceState(row.address, **values))

    def all(self) -> tuple[DeviceState, ...]:
        """All that have been loaded; each counts as changed."""
        self._touched.update(self._states)
        return tuple(self._states.values())

    def get(self, address: str) -> DeviceState:
        """One device to change; a new one if it was never heard. It must have been loaded if it exists."""
        self._touched.add(address)
        return self._states.setdefault(address, DeviceState(address))

    def save(self) -> None:
        """Write what was changed, sorted by key."""
        rows = [self._row(self._states[address]) for address in sorted(self._touched)]
        if rows:
            self._s.execute_many(_UPSERT[self._s.dialect], rows)

    def _row(self, state: DeviceState) -> dict[str, object]:
        values = {name: getattr(state, name) for name in _COLUMNS}
        return {"gateway_id": self._gateway_id, "address": state.address, **values}
