"""A door contact that bounces: which edge waits until it has settled, and when it is told. Serves arrow 3.

Owns the two times, the mark of a door's last edge and what is kept back. Must not know readings, radios or floods. A
contact that closes or opens has been seen to say the opposite and take it back within milliseconds (z2m#10871): read
plainly, a door that is shut at night is an opening. So an edge that comes right after the opposite one waits; if that
comes back, neither has been. One that stays is told as of when it was said. An edge after any calm waits for nothing.
"""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.events import Contact, Event, Moment
from nattevakt.edge.memory import FACTS_KEPT, DeviceMemory, age_ms, moment_of, stamp, whole_stamp

BOUNCE_MS = 300
"""An edge this soon after the opposite one may be a leap of the contact. The leaps in z2m#10871 are milliseconds apart;
the rest is for the radio, which may send the second telegram more than once. Nobody shuts a door and is through it
again within this time."""
SETTLE_MS = 500
"""So long such an edge waits to be taken back. What an opening may lose at most: the alarm is later by so much."""
LEAPS_MS = 2_000
"""A contact that still leaps so long after the row that it began with is loose: its next change is a row again."""
CLOCK_MS = 1_000
"""The network's own clock may count in whole seconds."""
_EDGE = f"edge:{Use.DOOR.value}"


def mark(memory: DeviceMemory, now: Moment, seen_ms: int | None) -> None:
    """The contact changed now and that is a row. seen_ms: the same moment by the network's own clock."""
    memory.rows[_EDGE] = [now.boottime_ms, seen_ms, *stamp(now)]


def unmark(memory: DeviceMemory) -> None:
    """Nobody knows when the contact changed last: what comes next is no leap of that."""
    memory.rows.pop(_EDGE, None)


def keeps(memory: DeviceMemory, closed: bool, now: Moment, seen_ms: int | None) -> bool:
    """Keep back an edge that may be a leap; whether it is."""
    if not _follows(memory.rows.get(_EDGE), now, seen_ms, BOUNCE_MS):
        return False
    _moved(memory, now, seen_ms)
    memory.bounce = [closed, seen_ms, *whole_stamp(now)]
    return True


def takes_back(memory: DeviceMemory, now: Moment, seen_ms: int | None) -> bool:
    """The opposite of what is kept back was said: whether it was a leap, and neither has been."""
    if not _follows(memory.rows.get(_EDGE), now, seen_ms, SETTLE_MS):
        return False
    _moved(memory, now, seen_ms)
    memory.bounce = []
    return True


def _moved(memory: DeviceMemory, now: Moment, seen_ms: int | None) -> None:
    """The contact changed now, and that is no row; from when the leaps are counted stays as it is."""
    last = memory.rows[_EDGE]
    memory.rows[_EDGE] = [last[0] if isinstance(last, list) else None, seen_ms, *stamp(now)]


def _follows(last: object, now: Moment, seen_ms: int | None, limit_ms: int) -> bool:
    """Whether the contact's last change was less than so long ago, by every clock that can tell."""
    age = age_ms(last, now)
    if age is None or age >= limit_ms or not isinstance(last, list) or len(last) != 4:
        return False
    began_ms, before_ms = last[:2]
    if not isinstance(began_ms, int) or now.boottime_ms - began_ms >= LEAPS_MS:
        return False
    # Messages that were kept back on their way come together; when they were sent, they were far apart.
    return not isinstance(before_ms, int) or seen_ms is None or abs(seen_ms - before_ms) < limit_ms + CLOCK_MS


def settles_ms(memory: DeviceMemory, now: Moment) -> int | None:
    """When what is kept back has settled, as boottime of this boot; None where nothing is kept back."""
    if not memory.bounce:
        return None
    began = moment_of(memory.bounce)
    # From another boot, or from later than now: whoever cannot tell does not wait.
    if began is None or began.boot != now.boot or began.boottime_ms > now.boottime_ms:
        return now.boottime_ms
    return began.boottime_ms + SETTLE_MS


def has_settled(memory: DeviceMemory, now: Moment) -> bool:
    """Whether something is kept back that must be told now."""
    at_ms = settles_ms(memory, now)
    return at_ms is not None and at_ms <= now.boottime_ms


def told(memory: DeviceMemory, address: str, now: Moment) -> tuple[Event, ...]:
    """What was kept back is told, as of when it was said."""
    kept, memory.bounce = memory.bounce, []
    if not kept or not isinstance(kept[0], bool):
        return ()
    closed, at = kept[0], moment_of(kept) or now
    memory.states[Use.DOOR] = closed
    if at.synced:
        memory.facts = [*memory.facts, [Use.DOOR.value, closed, at.wall_ms, False]][-FACTS_KEPT:]
    return (Event(Contact(address, not closed), at),)
