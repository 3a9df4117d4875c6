"""Which rounds fall due when: local times, weekdays, both DST nights, and no crowd in one minute. Serves arrow 7.

Pure. Owns the arithmetic from a ward's times to one moment for each resident. Must not know storage, or what becomes
of a round. A round has a moment of its own (23:00) that all its residents share; when each of them is due is spread
over the minutes after it, because one person can look at one resident at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nattevakt.edge.rules.windows import DAY_MINUTES, EVERY_DAY, NORWAY, next_at_ms

MINUTE_MS = 60_000
SPREAD_MIN = 15
"""No resident of a round is due later than this after its moment."""


@dataclass(frozen=True, slots=True, order=True)
class Time:
    """A minute since local midnight, 0 to 1439, on some weekdays (Monday 1 to Sunday 64, 127 every day)."""

    minute: int
    weekdays: int = EVERY_DAY

    def __post_init__(self) -> None:
        if not 0 <= self.minute < DAY_MINUTES:
            raise ValueError(f"the minute of a round must be 0 to 1439, not {self.minute}")
        if not 0 < self.weekdays <= EVERY_DAY:
            raise ValueError(f"weekdays of a round must be 1 to {EVERY_DAY}, not {self.weekdays}")


@dataclass(frozen=True, slots=True)
class Person:
    """A resident and the times that hold for them: their own, or their ward's."""

    resident_id: int
    times: tuple[Time, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """One resident's turn. round_ms: the moment of the round; due_ms: when this resident is due, in whole minutes."""

    resident_id: int
    round_ms: int
    due_ms: int


def moments(times: Iterable[Time], after_ms: int, to_ms: int, tz: str = NORWAY) -> list[int]:
    """The moments of these times later than `after_ms` and not later than `to_ms`, each once, in order.

    A time that the clock skips in spring is the same number of minutes after the skip; one that comes twice in
    autumn is the first. Two times that so become one moment are one round.
    """
    found: set[int] = set()
    for each in times:
        at_ms = next_at_ms(each.minute, after_ms, tz, each.weekdays)
        while at_ms <= to_ms:
            found.add(at_ms)
            at_ms = next_at_ms(each.minute, at_ms, tz, each.weekdays)
    return sorted(found)


def next_ms(people: Iterable[Person], after_ms: int, tz: str = NORWAY) -> int | None:
    """The moment of the next round of any of these, None where none has times."""
    times = {each for person in people for each in person.times}
    return min((next_at_ms(each.minute, after_ms, tz, each.weekdays) for each in times), default=None)


def due_between(
    people: Sequence[Person],
    after_ms: int,
    to_ms: int,
    tz: str = NORWAY,
    *,
    spread_min: int = SPREAD_MIN,
    taken_ms: Iterable[int] = (),
) -> list[Due]:
    """Everybody's turns in the rounds later than `after_ms` and not later than `to_ms`, by round.

    people: in the order in which one walks past their rooms. taken_ms: when others of the ward are due already. Each
    gets the first minute of those after the round's moment in which the fewest are due.
    """
    wanted = sorted(
        (at_ms, place, person.resident_id)
        for place, person in enumerate(people)
        for at_ms in moments(person.times, after_ms, to_ms, tz)
    )
    taken = Counter(at_ms // MINUTE_MS for at_ms in taken_ms)
    found = []
    for round_ms, _, resident_id in wanted:
        due_ms = place_in(taken, round_ms, spread_min)
        found.append(Due(resident_id, round_ms, due_ms))
    return found


def place_in(taken: Counter[int], from_ms: int, spread_min: int = SPREAD_MIN) -> int:
    """A minute not later than `spread_min` after this moment, the first in which the fewest are due; it is taken."""
    first = from_ms // MINUTE_MS
    minute = min(range(first, first + spread_min + 1), key=lambda one: (taken[one], one))
    taken[minute] += 1
    return from_ms + (minute - first) * MINUTE_MS


def belongs(due_ms: int, times: Iterable[Time], tz: str = NORWAY, *, spread_min: int = SPREAD_MIN) -> bool:
    """Whether a turn at this moment can be one of a round at these times."""
    return bool(moments(times, due_ms - spread_min * MINUTE_MS - 1, due_ms, tz))
