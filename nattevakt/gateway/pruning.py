"""When acknowledged rows may leave the outbox. Serves arrow 4 by keeping the file small.

Owns the hours that the agent has run and what was the newest row then. Must not know what a row holds.
"""

from __future__ import annotations

import json

from nattevakt.gateway.inputs import Now
from nattevakt.gateway.outbox import Outbox

PRUNE_EVERY_S = 10.0
PRUNE_ROWS = 5_000
HOUR_S = 3_600.0
_HOURS = "core.hours"


class Pruning:
    """Hours are counted while running, so that no wrong wall clock deletes anything."""

    def __init__(self, outbox: Outbox, acked_keep_h: int) -> None:
        self._outbox = outbox
        self._acked_keep_h = acked_keep_h
        self._prune_at_s = 0.0
        self._hour_at_s: float | None = None

    def care(self, now: Now) -> None:
        """Delete what has been kept long enough. Raises StoreError."""
        if self._hour_at_s is None:
            self._hour_at_s = now.mono_s + HOUR_S
        if now.mono_s < self._prune_at_s:
            return
        self._prune_at_s = now.mono_s + PRUNE_EVERY_S
        hours = json.loads(self._outbox.memory.get(_HOURS, "[]"))
        if now.mono_s >= self._hour_at_s:
            self._hour_at_s = now.mono_s + HOUR_S
            hours = [*hours, self._outbox.next_seq][-self._acked_keep_h :]
            self._outbox.stamp(now.moment, {_HOURS: json.dumps(hours)})
        if self._outbox.acked_rows:
            self._outbox.prune(hours[0] if len(hours) == self._acked_keep_h else 0, PRUNE_ROWS)
