"""What a device says beside its acts and states: movement, its own health, measured values. Serves arrow 3.

Owns how seldom these become rows. Must not know any radio, the outbox or the centre. A measured value is context for
people and never an alarm, and it never rings.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from nattevakt.edge import flooding
from nattevakt.edge.drivers.driver import Value
from nattevakt.edge.events import Health, Measurement
from nattevakt.edge.meaning import Work
from nattevakt.edge.memory import stamp

LIFE_SIGN_MS = 3_600_000
BATTERY_STEP = 5.0
MEASUREMENT_ROW_MS = 600_000
"""A quantity of a device becomes a row at most so often."""
MEASUREMENT_SAME_MS = 3_600_000
"""As often when it has not changed at all."""
MEASUREMENT_BIG_MS = 60_000
"""Also a big change is no row sooner than this: a radar that guesses at a pulse jumps every second."""
VALUE_MAX = 1e9

BIG: Mapping[str, float | None] = {
    # How much a radar sees moving swings from 0 to 100 with every step: movement has its own rows.
    "movement_percent": None,
    # A person at rest varies by two or three breaths; six more or fewer is another state.
    "breathing_rpm": 6.0,
    # Turning over in bed costs some ten beats for a minute.
    "heart_bpm": 20.0,
    # Less than a child; a pillow or a bag weighs less.
    "weight_kg": 10.0,
    # A window left open, a heater gone: not a radiator's own cycle.
    "temperature_c": 3.0,
    # A shower is 20 points and more.
    "humidity_percent": 15.0,
    # A lamp is switched; the sun goes behind a cloud.
    "light_lx": None,
    # Who sleeps turns: still and not still by turns all night.
    "still": None,
    # It decides how late a fall is told, so that any change is news.
    "sensitivity": 1.0,
    "tilted": 1.0,
}
"""Every measured quantity, and by how much it must change to be a row before its time (None: never is)."""
AT_ONCE = frozenset(("sensitivity", "tilted"))
"""Settings and positions: they do not flutter, and their change is a row at once."""


def movement(work: Work) -> None:
    """Movement seen; a replayed or first report only if it was not known already."""
    for name, how in (("motion", "pir"), ("vibration", "vibration")):
        seen = work.values.get(name)
        if not isinstance(seen, bool):
            continue
        changed = work.changed(name, seen)
        if seen and (work.settled or changed):
            work.moved(name, how)


def measured(value: Value) -> float | None:
    """A value that can be told, None for nonsense (radars send NaN with a correct checksum)."""
    if isinstance(value, bool):
        return float(value)
    if not isinstance(value, int | float) or not isfinite(value) or abs(value) > VALUE_MAX:
        return None
    return float(value)


def measurements(work: Work) -> None:
    """Measured values: seldom, or when they changed by much. A retained or cached copy is of no known time."""
    for name in BIG.keys() & work.values.keys():
        said = work.values[name]
        value = measured(said)
        if value is None:
            if said is not None:
                work.count("nonsense")
        elif work.replayed:
            work.count("no_news")
        elif _is_row(work, name, value):
            work.memory.measured[name] = [value, *stamp(work.now)]
            work.add(Measurement(work.address, name, value), None)


def _is_row(work: Work, name: str, value: float) -> bool:
    stored = work.memory.measured.get(name)
    age = work.age_ms(stored)
    if age is None or not isinstance(stored, list) or not isinstance(stored[0], float):
        return True
    step, big = abs(value - stored[0]), BIG[name]
    if big is not None and step >= big and (name in AT_ONCE or age >= MEASUREMENT_BIG_MS):
        return True
    return age >= (MEASUREMENT_ROW_MS if step else MEASUREMENT_SAME_MS)


def health(work: Work) -> None:
    """What the device says of itself, when that changed, and once an hour as a sign of life."""
    values, memory = work.values, work.memory
    said = {
        name: values[name]
        for name in ("battery_percent", "battery_low", "tamper", "available")
        if values.get(name) is not None
    }
    known = memory.health
    resting: Mapping[str, object] = {"battery_low": False, "tamper": False, "available": True}
    news = any(said[name] != known.get(name, rest) for name, rest in resting.items() if name in said)
    held = _held(work)
    if news and flooding.withheld(memory, "health", None, work.now):
        work.count("withheld")
        memory.held["health"] = [{**held, **said}, *_began(memory.held["health"])]
        return
    alive = not work.replayed and "available" not in said
    if alive:
        battery, before = said.get("battery_percent"), known.get("battery_percent")
        if isinstance(battery, int | float) and isinstance(before, int | float):
            news = news or abs(battery - before) >= BATTERY_STEP
        age = work.age_ms(memory.rows.get("health"))
        news = news or age is None or age >= LIFE_SIGN_MS
    if not news:
        if held and held.keys() <= said.keys():
            # What was withheld is no longer so.
            del memory.held["health"]
        return
    memory.held.pop("health", None)
    known.update({**held, **said})
    if alive:
        memory.rows["health"] = stamp(work.now)
    work.add(health_of(work.address, {**held, **values}, memory.errors), None)


def _held(work: Work) -> dict[str, Value]:
    """What the device said of itself in a flood that is no row yet."""
    held = work.memory.held.get("health")
    return held[0] if isinstance(held, list) and held and isinstance(held[0], dict) else {}


def _began(held: object) -> list[object]:
    return held[-4:] if isinstance(held, list) else []


def health_of(address: str, values: Mapping[str, Value], errors: int = 0) -> Health:
    """The event of what a device says of itself. errors: how many of its messages meant nothing so far."""

    def flag(name: str) -> bool | None:
        value = values.get(name)
        return value if isinstance(value, bool) else None

    def measure(name: str) -> float | None:
        value = values.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def whole(name: str) -> int | None:
        value = measure(name)
        return None if value is None else int(value)

    return Health(
        address,
        battery_percent=measure("battery_percent"),
        battery_low=flag("battery_low"),
        tamper=flag("tamper"),
        available=flag("available"),
        linkquality=whole("linkquality"),
        signal_dbm=whole("signal_dbm"),
        supply_v=measure("supply_v"),
        errors=errors or None,
    )
