"""What the interpreter remembers of one device: one row of JSON text. Serves arrow 3.

Owns the row's shape and its bounds. Must not know what the memory means or where the row is stored. A row that
cannot be read is an empty one: then everything is heard for the first time, and nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

ACTS_KEPT = 8
"""Keys of a device's latest acts, so that a retained copy of one rings only once."""


_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def memory_key(address: str) -> str:
    """The key of a device's row of memory."""
    return f"device:{address}"


class DeviceMemory:
    """A device's row: `states` last stored, `acts` last rung, `first` of each urgent kind, `rows` last written."""

    def __init__(self, text: str | None) -> None:
        try:
            value = json.loads(text) if text is not None else {}
        except (ValueError, RecursionError):
            value = {}
        row = value if isinstance(value, dict) else {}
        self.states: dict[str, object] = _object(row.get("states"))
        self.first: dict[str, object] = _object(row.get("first"))
        self.rows: dict[str, object] = _object(row.get("rows"))
        self.health: dict[str, object] = _object(row.get("health"))
        acts = row.get("acts")
        self.acts: list[object] = list(acts) if isinstance(acts, list) else []
        seen = row.get("seen")
        self.seen: int | None = seen if isinstance(seen, int) else None

    def substance(self) -> str:
        """All but `seen`: a message that changes nothing else is not worth a write."""
        return _text(self._row())

    def text(self) -> str:
        """The row to store."""
        return _text({**self._row(), "seen": self.seen})

    def _row(self) -> dict[str, object]:
        return {
            "states": self.states,
            "acts": self.acts[-ACTS_KEPT:],
            "first": self.first,
            "rows": self.rows,
            "health": self.health,
        }


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
    return dict(value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return _encode(value)
