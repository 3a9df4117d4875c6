"""What a radar is asked, and when again. Serves arrow 2.

Owns the open questions and their back-off. Must not know frames, readings or devices.

A radar tells its states only when they change, so whatever may have been missed must be asked for: after the line was
opened, after the radar started, after silence, after damaged bytes. An answer may be lost too, so a question is asked
until it is answered, ever more slowly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

BACKOFF_MS = (1_000, 2_000, 4_000, 8_000, 16_000, 30_000)
SPACING_MS = 1_000
"""A noisy line asks no more often than this."""
PACE_MS = 40
"""Questions asked again come one by one: a radar that hears only the first of a handful gets them all in time."""
FACT_TRIES = 5
"""What a radar is asked about itself is given up then: not every firmware knows every question."""
UNANSWERED_TRIES = 4
"""A state that was asked for so often in vain is a finding."""


@dataclass(frozen=True, slots=True)
class Open:
    """One question. due_ms: when to ask (again), None when answered or given up. tries: asked in vain so far.

    asked_ms: when it was last asked.
    """

    due_ms: int | None
    tries: int = 0
    asked_ms: int | None = None


class Questions:
    """The questions of one step in the making; `open` is what to remember."""

    def __init__(self, open_: Mapping[str, Open], now_ms: int) -> None:
        self.open = open_
        self._now_ms = now_ms

    def want(self, names: Iterable[str], *, anew: bool) -> None:
        """These must be asked. anew: forget the back-off, for the radar has just shown that it listens again."""
        wanted: dict[str, Open] = {}
        for name in names:
            known = self.open.get(name, Open(None))
            if anew or known.asked_ms is None:
                wanted[name] = Open(self._now_ms)
            elif known.due_ms is None:
                wanted[name] = Open(max(self._now_ms, known.asked_ms + SPACING_MS), 0, known.asked_ms)
        if wanted:
            self.open = {**self.open, **wanted}

    def hurry(self, names: Iterable[str]) -> None:
        """The radar speaks again after silence: of these, what was asked in vain need not wait for its turn."""
        late = {name: Open(self._now_ms) for name in names if name in self.open and self.open[name].tries > 1}
        if late:
            self.open = {**self.open, **late}

    def answered(self, name: str) -> None:
        """The radar has said this, asked or not."""
        known = self.open.get(name)
        if known is not None and (known.due_ms is not None or known.tries):
            self.open = {**self.open, name: Open(None, 0, known.asked_ms)}

    def forget(self, names: Iterable[str]) -> None:
        """These are no longer asked."""
        gone = set(names)
        if not gone.isdisjoint(self.open):
            self.open = {name: one for name, one in self.open.items() if name not in gone}

    def waits_for(self, names: Iterable[str]) -> bool:
        """Whether any of these has not been answered."""
        for name in names:
            one = self.open.get(name)
            if one is not None and one.due_ms is not None:
                return True
        return False

    def waits_for_all(self, names: Iterable[str]) -> bool:
        """Whether none of these has been answered since it was last asked for."""
        return all(name in self.open and self.open[name].due_ms is not None for name in names)

    def due(self, facts: Iterable[str]) -> list[str]:
        """The questions to ask now; they count as asked. facts: those that may be given up."""
        patient = set(facts)
        now: list[str] = []
        after = dict(self.open)
        for name, one in self.open.items():
            if one.due_ms is None or one.due_ms > self._now_ms:
                continue
            if name in patient and one.tries >= FACT_TRIES:
                after[name] = Open(None, one.tries, one.asked_ms)
                continue
            wait_ms = BACKOFF_MS[min(one.tries, len(BACKOFF_MS) - 1)] + PACE_MS * len(now)
            now.append(name)
            after[name] = Open(self._now_ms + wait_ms, one.tries + 1, self._now_ms)
        self.open = after
        return now

    def unanswered(self, names: Iterable[str]) -> list[str]:
        """Of these, the ones that were asked for often and in vain."""
        return [name for name in names if name in self.open and self.open[name].tries > UNANSWERED_TRIES]

    def next_ms(self) -> int | None:
        """When the next question is due."""
        next_ms: int | None = None
        for one in self.open.values():
            if one.due_ms is not None and (next_ms is None or one.due_ms < next_ms):
                next_ms = one.due_ms
        return next_ms
