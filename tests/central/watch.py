"""A night in which gateways and devices speak or are silent, for the tests of whoever watches them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update

from nattevakt.central import sweep, watching
from nattevakt.central.alarms import overdue, register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.columns import TENANT
from nattevakt.central.tables import (
    device_states,
    devices,
    staff,
)
from nattevakt.edge.wire import CompleteTo
from tests.central.house import BED, BUTTON, DOOR, LEAK, S1, Gate, House, moment

S, MIN = 1_000, 60_000
LONG_MS = overdue.LIMIT_MOST_MS
"""So long at most may somebody have an alarm before it rings again."""
"""A limit for tests of alarms that somebody has for long and nobody has come to."""
ALL = (BUTTON, DOOR, BED, LEAK)


def cycle(house: House, pace: float = 1.0) -> None:
    assert sweep.cycle(house.db, house.tenant, house.clock.at_ms, pace)


def well(
    gate: Gate, stream: str = S1, marks: Mapping[str, int] | None = None, heard: Mapping[str, int] | None = None
) -> None:
    """A heartbeat of a gateway that has delivered all that it has."""
    complete = CompleteTo(moment(gate.clock.at_ms), dict(marks or {}))
    gate.beat(stream, complete_to=complete, heard=dict(heard or {}))


def live(house: House, ms: int, *gates: Gate, heard: Mapping[str, int] | None = None, step_ms: int = 15 * S) -> None:
    """Let time pass: these gateways beat and the sweep runs, every step. Beyond 30 s the centre would be away."""
    end_ms = house.clock.at_ms + ms
    while house.clock.at_ms < end_ms:
        house.clock.at_ms = min(end_ms, house.clock.at_ms + step_ms)
        for gate in gates:
            well(gate, heard=heard)
        cycle(house)


def begun(house: House) -> House:
    """Both gateways are in contact; the first hears all devices."""
    well(house.gates[0], heard=dict.fromkeys(ALL, 0))
    well(house.gates[1])
    cycle(house)
    return house


def take(house: House, alarm_id: int, limit_ms: int = overdue.LIMIT_MS) -> None:
    """Kari takes an alarm. limit_ms: after which it rings again."""
    wish = Act(alarm_id, State.TAKEN, house.id_of(staff, "kari"), None, f"take-{alarm_id:08}")
    house.db.transact(house.tenant.id, lambda s: register.act(s, wish, house.clock.at_ms, limit_ms))


def promise(house: House, alarm_id: int) -> None:
    """Kari, who has it, says once more that she comes: half an hour."""
    wish = Act(alarm_id, State.TAKEN, house.id_of(staff, "kari"), None, f"come-{house.clock.at_ms:013}", promise_min=30)
    house.db.transact(house.tenant.id, lambda s: register.act(s, wish, house.clock.at_ms))


def end(house: House, alarm_id: int) -> None:
    """Kari takes it, looks, and says that it is mended."""
    take(house, alarm_id)
    for to in (State.ON_SITE, State.CLOSED):
        key = f"{to.value}-{alarm_id:08}"
        wish = Act(alarm_id, to, house.id_of(staff, "kari"), None, key, "teknisk", "teknisk_rettet")
        with house.db.write(house.tenant.id) as s:
            register.act(s, wish, house.clock.at_ms)


def reports(house: House, address: str, interval_s: int | None, *, mute: bool = False) -> None:
    """This device tells of itself every so often."""
    with house.db.write(house.tenant.id) as s:
        change = update(devices).where(devices.c.tenant_id == TENANT, devices.c.address == address)
        s.execute(change.values(interval_s=interval_s, mute=mute))
        watching.expect_device(s, address, house.clock.at_ms)


def silent(house: House) -> list[Any]:
    return house.alarms("gateway_silent")


def standing(alarm: Any) -> str:
    """Its state, where it makes no difference whether whoever was asked first has been passed over meanwhile."""
    return State.REPORTED.value if alarm.state == State.ESCALATED else str(alarm.state)


def state_of(house: House, address: str, gateway: int = 0) -> Any:
    gateway_id = house.gates[gateway].sender.gateway_id
    return next(r for r in house.rows(device_states) if (r.address, r.gateway_id) == (address, gateway_id))
