"""A device that says far too much: when that is so, and how seldom its states then become rows. Serves arrow 3.

Owns the count and the pace. Must not know what a state means. Nothing of class A passes here, and the last state is
never lost: what is withheld lies in the device's memory until it is a row. One faulty contact has sent 5,688 messages
in a day (z2m#22579); a busy ward door makes some sixty changes an hour.
"""

from __future__ import annotations

from nattevakt.edge.events import Moment
from nattevakt.edge.memory import DeviceMemory, age_ms, stamp, whole_stamp

FLOOD_MESSAGES = 120
"""More than so many changes, presses or repeated states within FLOOD_MS are a flood; less than half ends it."""
FLOOD_MS = 3_600_000
FLOOD_ROW_MS = 60_000
"""In a flood a state becomes a row at most so often: no more rows an hour than a device may have that does not."""


def begins(memory: DeviceMemory, now: Moment) -> bool:
    """Count one message of a device; whether its flood begins with it."""
    window = memory.window
    number = window[0] if window and isinstance(window[0], int) else 0
    age = age_ms(window, now)
    if age is None or age >= FLOOD_MS:
        memory.window = [1, *stamp(now)]
        return False
    memory.window = [number + 1, *window[1:]]
    if memory.flood or number < FLOOD_MESSAGES:
        return False
    memory.flood = True
    return True


def ends(memory: DeviceMemory, now: Moment) -> bool:
    """Whether a device that flooded has been calm for a whole period."""
    if not memory.flood:
        return False
    number = memory.window[0] if memory.window and isinstance(memory.window[0], int) else 0
    age = age_ms(memory.window, now)
    if age is None or age < FLOOD_MS or (number > FLOOD_MESSAGES // 2 and age < 2 * FLOOD_MS):
        return False
    memory.flood = False
    return True


def withheld(memory: DeviceMemory, name: str, value: object, now: Moment) -> bool:
    """Whether a state has to wait for its next row; then it is remembered. Otherwise that row is now."""
    if not memory.flood:
        return False
    if due(memory, name, now):
        memory.rows[_key(name)] = stamp(now)
        return False
    held = memory.held.get(name)
    began = held[-4:] if isinstance(held, list) and len(held) > 4 else whole_stamp(now)
    memory.held[name] = [value, *began]
    return True


def due(memory: DeviceMemory, name: str, now: Moment) -> bool:
    """Whether a state may become a row again."""
    age = age_ms(memory.rows.get(_key(name)), now)
    return not memory.flood or age is None or age >= FLOOD_ROW_MS


def all_due(memory: DeviceMemory, now: Moment) -> list[str]:
    """The names of withheld states that may become rows now."""
    return [name for name in memory.held if due(memory, name, now)]


def told(memory: DeviceMemory, name: str, now: Moment) -> None:
    """A withheld state becomes a row now."""
    del memory.held[name]
    if memory.flood:
        memory.rows[_key(name)] = stamp(now)


def _key(name: str) -> str:
    return f"flood:{name}"
