"""What the interpreter remembers of one device: one row of JSON text. Serves arrow 3.

Owns the row's shape and its bounds. Must not know what the memory means or where the row is stored. A row that
cannot be read is an empty one: then everything is heard for the first time, and nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from nattevakt.edge.events import Moment

ACTS_KEPT = 8
"""Keys of a device's latest acts, so that a retained copy of one rings only once."""
FACTS_KEPT = 16
"""A device's latest stored facts, so that its own history of them is known as the same."""
TOLD_KEPT = 200
"""Keys of stored history already taken in: a device tells an outage's whole history again when asked."""


_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def memory_key(address: str) -> str:
    """The key of a device's row of memory."""
    return f"device:{address}"


class DeviceMemory:
    """A device's row. Its values are replaced, never changed in place, so that a copy of it is a shallow one.

    states: last stored. acts: keys last rung. first: of each urgent kind, its latest row. rows: when each kind of row
    was last written. health: as last stored. facts: [name, value, Unix ms, matched] of what was stored lately. told:
    keys of stored history. held: states withheld in a flood. bounce: an edge of a door that has not settled.
    measured: values last stored. flood: whether it floods.
    Not worth a write by themselves: seen, said (when each state was last said), window (messages counted), errors.
    """

    __slots__ = (
        "acts",
        "bounce",
        "errors",
        "facts",
        "first",
        "flood",
        "health",
        "held",
        "measured",
        "rows",
        "said",
        "seen",
        "states",
        "told",
        "window",
    )

    def __init__(self, text: str | None) -> None:
        row: dict[str, object] = {}
        if text is not None:
            try:
                row = _object(json.loads(text))
            except (ValueError, RecursionError):
                row = {}
        self.states = _object(row.get("states"))
        self.first = _object(row.get("first"))
        self.rows = _object(row.get("rows"))
        self.health = _object(row.get("health"))
        self.held = _object(row.get("held"))
        self.measured = _object(row.get("measured"))
        self.said = _object(row.get("said"))
        self.acts = _list(row.get("acts"))
        self.facts = _list(row.get("facts"))
        self.told = _list(row.get("told"))
        self.window = _list(row.get("window"))
        self.bounce = _list(row.get("bounce"))
        self.flood = row.get("flood") is True
        self.seen = _whole(row.get("seen"))
        self.errors = _whole(row.get("errors")) or 0

    def copy(self) -> DeviceMemory:
        """Another one of the same content; what is put into one does not show in the other."""
        made = DeviceMemory.__new__(DeviceMemory)
        made.states = self.states.copy()
        made.first = self.first.copy()
        made.rows = self.rows.copy()
        made.health = self.health.copy()
        made.held = self.held.copy()
        made.measured = self.measured.copy()
        made.said = self.said.copy()
        # These are replaced whole.
        made.acts, made.facts, made.told, made.window = self.acts, self.facts, self.told, self.window
        made.bounce = self.bounce
        made.flood, made.seen, made.errors = self.flood, self.seen, self.errors
        return made

    def differs(self, other: DeviceMemory) -> bool:
        """Whether there is more between them than what is not worth a write."""
        return not (
            self.states == other.states
            and self.rows == other.rows
            and self.first == other.first
            and self.health == other.health
            and self.acts == other.acts
            and self.facts == other.facts
            and self.told == other.told
            and self.held == other.held
            and self.bounce == other.bounce
            and self.measured == other.measured
            and self.flood == other.flood
        )

    def text(self) -> str:
        """The row to store."""
        row = {
            "states": self.states,
            "acts": self.acts[-ACTS_KEPT:],
            "first": self.first,
            "rows": self.rows,
            "health": self.health,
            "facts": self.facts[-FACTS_KEPT:],
            "told": self.told[-TOLD_KEPT:],
            "held": self.held,
            "bounce": self.bounce,
            "measured": self.measured,
            "said": self.said,
            "window": self.window,
            "flood": self.flood,
            "seen": self.seen,
            "errors": self.errors,
        }
        return _encode({name: value for name, value in row.items() if value})


def stamp(now: Moment) -> list[object]:
    """A moment as `rows`, `first` and `window` keep it, at their end: enough to tell an age within one boot."""
    return [now.boot, now.boottime_ms]


def age_ms(mark: object, now: Moment) -> int | None:
    """How long ago a stored [.., boot, boottime] was, None if in another boot or never."""
    if not isinstance(mark, list) or len(mark) < 2 or mark[-2] != now.boot:
        return None
    age = now.boottime_ms - mark[-1] if isinstance(mark[-1], int) else -1
    return age if age >= 0 else None


def whole_stamp(now: Moment) -> list[object]:
    """A whole moment as `said` and `held` keep it."""
    return [now.boot, now.boottime_ms, now.wall_ms, now.synced]


def moment_of(mark: object) -> Moment | None:
    """The moment at the end of what `whole_stamp` began, None where it cannot be read."""
    if not isinstance(mark, list) or len(mark) < 4:
        return None
    boot, boottime_ms, wall_ms, synced = mark[-4:]
    if not (isinstance(boot, str) and isinstance(boottime_ms, int) and isinstance(wall_ms, int)):
        return None
    return Moment(boot, max(0, boottime_ms), max(0, wall_ms), synced is True)


def holds(text: str) -> bool:
    """Whether a row may hold back a state: quick, and right wherever it says no."""
    return '"held":{' in text or '"bounce":[' in text


def without_firsts(memory: Mapping[str, str]) -> dict[str, str]:
    """The devices' rows where the rows they name as "the first" are lost: the next press is no repeat of those."""
    found: dict[str, str] = {}
    for key, text in memory.items():
        if key.startswith(memory_key("")):
            row = DeviceMemory(text)
            row.first = {}
            found[key] = row.text()
    return found


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
