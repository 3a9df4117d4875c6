"""MQTT topic filters: which topics one matches, and whether two can match the same. Serves arrow 1.

Owns the rules of MQTT 3.1.1 chapter 4.7. Must not know dialects or the broker. A broker may deliver a message once for
each filter that it matches, so filters that overlap are refused before anybody subscribes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic is one of those that a filter asks for."""
    wanted, given = pattern.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for level, want in enumerate(wanted):
        if want == "#":
            return True
        if level >= len(given) or want not in ("+", given[level]):
            return False
    return len(wanted) == len(given)


def overlap(one: str, other: str) -> bool:
    """Whether there is a topic that both filters match."""
    left, right = one.split("/"), other.split("/")
    for level in range(max(len(left), len(right))):
        a = left[level] if level < len(left) else None
        b = right[level] if level < len(right) else None
        if a == "#" or b == "#":
            # "x/#" matches "x" itself too, so it is enough that the other has come this far.
            return True
        if a is None or b is None or (a != b and "+" not in (a, b)):
            return False
    return True


def clash(entries: Sequence[tuple[str, T]]) -> tuple[tuple[str, T], tuple[str, T]] | None:
    """The first entry (filter, owner) that overlaps one before it, with that one; None if none does."""
    by_first: dict[str, list[tuple[str, T]]] = {}
    for number, entry in enumerate(entries):
        first = entry[0].partition("/")[0]
        near = [*by_first.get(first, ()), *by_first.get("+", ()), *by_first.get("#", ())]
        for other in entries[:number] if first in ("+", "#") else near:
            if overlap(entry[0], other[0]):
                return entry, other
        by_first.setdefault(first, []).append(entry)
    return None


class Routes(Generic[T]):
    """Whose message this is, by its topic; whoever was added first comes first."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._by_first: dict[str, list[tuple[str, T]]] = {}
        self._any: list[tuple[str, T]] = []
        for pattern, owner in entries:
            first = pattern.partition("/")[0]
            if first in ("+", "#"):
                self._any.append((pattern, owner))
            else:
                self._by_first.setdefault(first, []).append((pattern, owner))

    def owner(self, topic: str) -> T | None:
        """The one whose filter matches, None if nobody asked for this topic."""
        entries: tuple[tuple[str, T], ...] = (*self._by_first.get(topic.partition("/")[0], ()), *self._any)
        for pattern, owner in entries:
            if matches(pattern, topic):
                return owner
        return None
