"""When evidence could reach the centre: each gateway's road as it truly was, from agent to disk. Serves the judge.

Owns one question, asked after each step: do the agent, its disk, the link both ways and the centre work now, and since
when without a break? A request that got no answer breaks it. Limits are counted in such time only. Must not know rows.
"""

from __future__ import annotations

from collections import deque
from operator import attrgetter
from typing import Any

from nattevakt.sim.centre import Centre
from nattevakt.sim.host import GatewayHost

_SIGNS = attrgetter(
    *("lives", "disk_life", "up", "disk_fine", "link.plain_road", "link.wrong", "link.weather.lost", "link.failures"),
    *("session.connected", "session.remembers"),
)
KEPT_MS = 6 * 3_600_000
LOOK_MS = 100
"""How often it is looked at; deaths and failed requests are noticed at once."""
"""How far back stretches are remembered."""


class Way:
    """The road of one gateway. whole_ms: since when it has been whole, None while it is not. agent_ms: since when the
    agent has run. closed: when it last was not whole (the moment it became whole again, or now)."""

    def __init__(self, host: GatewayHost, centre: Centre, now_ms: int) -> None:
        self.host = host
        self.key = host.key
        self.whole_ms: int | None = None
        self.agent_ms: int | None = None
        self.broken_ms = now_ms
        """Since when it has been broken, while it is."""
        self.disk_ms: int | None = None
        """Since when its disk has taken nothing, None while it is fine."""
        self.fine_ms = 0
        """The last moment at which it took nothing."""
        self.closed_ms = now_ms
        """The last moment at which it was not whole."""
        self.mute_ms = now_ms
        """The last moment at which requests could not be answered, whatever came of them singly."""
        self.passes_ms: int | None = None
        """Since when requests could be answered, single losses apart."""
        self.stopped_ms = now_ms
        """When they could last reach the centre's door, be it up or not."""
        self.broker_ms = 0
        """When its broker was last seen to be away. Serial lines are looked at one by one (invariants_known.py)."""
        self.card_ms = 0
        """When its card was last changed."""
        self.breaks: deque[tuple[int, int]] = deque()
        """Stretches of the last while in which it was not whole: (from, to)."""
        self.absences: deque[tuple[int, int]] = deque()
        """Stretches of the last while in which no agent ran: (from, to)."""
        self._absent_ms: int | None = now_ms
        self._centre = centre
        self._failures = host.link.failures
        self._life = host.lives
        self._card = host.card
        self._look_ms = 0
        self._signs = (-1, -1, -1, False)

    @property
    def signs(self) -> tuple[Any, ...]:
        """What all that is asked of it hangs on: while these are as they were, it is as it was."""
        return _SIGNS(self.host)

    @property
    def steady(self) -> bool:
        """Whether it is whole, so that nothing but time passes until one of its signs changes."""
        return self.whole_ms is not None and self.host.session.connected

    def passes_time(self, now_ms: int) -> None:
        """It is steady still."""
        self.stopped_ms = now_ms

    def look(self, now_ms: int, *, at_once: bool = False) -> bool:
        """See how it is now; whether that has changed. at_once: something of its signs has."""
        host, centre = self.host, self._centre
        signs = (host.lives, host.link.failures, centre.lives, host.up)
        if not at_once and now_ms < self._look_ms and signs == self._signs:
            return False
        self._look_ms, self._signs = now_ms + LOOK_MS, signs
        up = host.up and host.lives == self._life
        if not up:
            self._life = host.lives
            if self.agent_ms is not None or host.up:
                self.agent_ms = now_ms if host.up else None
        elif self.agent_ms is None:
            self.agent_ms = now_ms
        self._note_absence(now_ms)
        self._note_card(now_ms)
        if host.disk_fine:
            self.disk_ms = None
        else:
            self.disk_ms = now_ms if self.disk_ms is None else self.disk_ms
            self.fine_ms = now_ms
        its_own = up and host.disk_fine and host.link.passes
        if up and host.link.arrives:
            self.stopped_ms = now_ms  # a half-open road brings what the gateway says
        if up and not host.session.connected:
            self.broker_ms = now_ms
        passes = its_own and centre.up and centre.writable
        if not passes:
            self.passes_ms, self.mute_ms = None, now_ms
        elif self.passes_ms is None:
            self.passes_ms = now_ms
        whole = passes and host.link.failures == self._failures
        self._failures = host.link.failures
        if whole and self.whole_ms is not None:
            return False
        if whole:
            self.whole_ms = now_ms
            self.breaks.append((self.broken_ms, now_ms))
            while self.breaks and self.breaks[0][1] < now_ms - KEPT_MS:
                self.breaks.popleft()
            return True
        self.closed_ms = now_ms
        if self.whole_ms is not None:
            self.whole_ms, self.broken_ms = None, now_ms
            return True
        return False

    def _note_absence(self, now_ms: int) -> None:
        if self.agent_ms is None:
            self._absent_ms = now_ms if self._absent_ms is None else self._absent_ms
        elif self._absent_ms is not None:
            self.absences.append((self._absent_ms, self.agent_ms))
            self._absent_ms = None
            while self.absences[0][1] < now_ms - KEPT_MS:
                self.absences.popleft()

    def _note_card(self, now_ms: int) -> None:
        if self.host.card != self._card:
            self._card, self.card_ms = self.host.card, now_ms

    def absent_since(self, from_ms: int) -> int:
        """For how long at a stretch no agent ran, counted from this moment at the earliest."""
        return max((end - max(begin, from_ms) for begin, end in self.absences), default=0)

    def whole_for_ms(self, since_ms: int, now_ms: int) -> int:
        """For how long it has been whole without a break, counted from this moment at the earliest; -1 while not."""
        return -1 if self.whole_ms is None else now_ms - max(self.whole_ms, since_ms)

    def broken_within(self, from_ms: int, to_ms: int) -> int:
        """For how long in all it was broken between two moments, as far back as is remembered."""
        spans = [*self.breaks, *([(self.broken_ms, to_ms)] if self.whole_ms is None else [])]
        return sum(max(0, min(end, to_ms) - max(begin, from_ms)) for begin, end in spans)


class Watchman:
    """The centre's own time: since when it has been up and taking rows, None while it is not."""

    def __init__(self, centre: Centre, now_ms: int) -> None:
        self._centre = centre
        self._life = centre.lives
        self.up_ms: int | None = now_ms
        self.away_ms = 0
        """When it was last away."""

    def look(self, now_ms: int) -> None:
        """See how it is now."""
        centre = self._centre
        up = centre.up and centre.writable and centre.lives == self._life
        self._life = centre.lives
        if not up:
            self.up_ms, self.away_ms = None, now_ms
        elif self.up_ms is None:
            self.up_ms = now_ms

    def up_for_ms(self, since_ms: int, now_ms: int) -> int:
        """For how long it has been up without a break, counted from this moment at the earliest; -1 while it is not."""
        return -1 if self.up_ms is None else now_ms - max(self.up_ms, since_ms)
