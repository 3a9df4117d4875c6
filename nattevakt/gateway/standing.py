"""How the delivery stands: since when the centre answers, since when an urgent event waits for it. Serves arrow 5.

Owns when a silence or a wait becomes a fault, and which of these a heartbeat disproves by arriving. Must not know
lanes, rows or answers. Ages are in service time.
"""

from __future__ import annotations

from nattevakt.edge.pace import stretched
from nattevakt.gateway.inputs import Now

UNREACHABLE_MS = 60_000
UNDELIVERED_MS = 60_000


class Standing:
    """What the uplink knows of the centre by what came back."""

    def __init__(self) -> None:
        self._last_ok_ms: int | None = None
        self._waiting_a_ms: int | None = None
        self._answering_since_ms: int | None = None

    @property
    def last_ok_ms(self) -> int | None:
        """When it last answered well, or when that began to count, on this boot's clock; None before."""
        return self._last_ok_ms

    def begins(self, now: Now) -> bool:
        """Count from now on, and say so; False where that has begun."""
        if self._last_ok_ms is not None:
            return False
        self._last_ok_ms = self._answering_since_ms = now.moment.boottime_ms
        return True

    def waits(self, now: Now, *, urgent: bool) -> None:
        """Take note of whether an urgent event waits now."""
        if not urgent:
            self._waiting_a_ms = None
        elif self._waiting_a_ms is None:
            self._waiting_a_ms = now.moment.boottime_ms

    def answered(self, now: Now) -> None:
        """The centre has answered well."""
        if self._silent(now):
            self._answering_since_ms = now.moment.boottime_ms
        self._last_ok_ms = now.moment.boottime_ms

    def delivered(self) -> None:
        """The centre has taken events: whatever still waits begins to wait now."""
        self._waiting_a_ms = None

    def _silent(self, now: Now) -> bool:
        """Whether the centre has not answered well for longer than it may."""
        limit_ms = stretched(UNREACHABLE_MS, now.pace)
        return self._last_ok_ms is not None and now.moment.boottime_ms - self._last_ok_ms > limit_ms

    def disproved(self, now: Now) -> frozenset[str]:
        """Keys of faults that no longer are when the centre reads of them.

        That it cannot be reached, always. That an urgent event waits for it, unless it has been answering for as long
        as an event may wait: after an outage the event comes with the same contact, but one that is refused again and
        again must be told of. What a lane was answered is told: whether answers come back, no arrival shows, and the
        centre doubts it until the next heartbeat.
        """
        since_ms = self._answering_since_ms
        limit_ms = stretched(UNDELIVERED_MS, now.pace)
        answering = since_ms is not None and now.moment.boottime_ms - since_ms > limit_ms and not self._silent(now)
        return frozenset(("unreachable",) if answering else ("unreachable", "undelivered"))

    def faults(self, now: Now) -> dict[str, str]:
        """What has lasted for too long, by key."""
        found: dict[str, str] = {}
        now_ms = now.moment.boottime_ms
        if self._silent(now):
            found["unreachable"] = "centre: no good answer for more than a minute"
        if self._waiting_a_ms is not None and now_ms - self._waiting_a_ms > stretched(UNDELIVERED_MS, now.pace):
            found["undelivered"] = "undelivered: an urgent event waits for the centre for more than a minute"
        return found
