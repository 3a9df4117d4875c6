"""Invariant 4 for what silence is judged by: the centre never calls itself complete over a row that it has not.

Owns one comparison, each second: how far the centre holds a gateway's data for complete, against the oldest row that
still waits on that gateway's disk. Must not know claims, marks or what is judged by them.
"""

from __future__ import annotations

from nattevakt.sim.explore.invariants import MINUTE_MS, Quiet

NEAR_MS = 20_000
"""The moment is a gateway's own, turned into central time when a heartbeat comes: later by as long as that was on its
way (5 s and a connection), and by what a clock drifts."""
LEAPT_MS = 180 * MINUTE_MS
"""So long after the centre's own clock was set back what it dated before may lie ahead."""


class Complete(Quiet):
    """What is called complete is."""

    def tick(self, now_ms: int) -> None:
        """Compare."""
        oldest = {
            key: row
            for key, box in self.truth.boxes.items()
            if box.waiting and now_ms - (row := next(iter(box.waiting.values()))).at_ms > NEAR_MS
        }
        books = self.truth.books
        if not oldest or not books.readable or self.truth.set_back(now_ms - LEAPT_MS, now_ms):
            return
        for key, complete_ms in books.ask("SELECT key, complete_to_ms FROM gateways WHERE complete_to_ms IS NOT NULL"):
            if key not in oldest or key in self.truth.cloned:
                continue
            row = oldest[key]
            to_ms = complete_ms - self.court.offset_ms
            if to_ms > row.at_ms + NEAR_MS:
                says = (
                    f"sentralen regner {key} for komplett til {self.court.clock(to_ms)}, men rad {row.seq} ({row.kind},"
                    f" {self.court.place(row.device)}), skrevet {self.court.clock(row.at_ms)}, har den ikke"
                )
                self.court.accuse(4, key, f"complete {row.id}", says)
