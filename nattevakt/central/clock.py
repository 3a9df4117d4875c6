"""The centre's two clocks. Serves arrows 6 to 9.

Owns the only reads of the machine's clocks in the centre; everything else gets a clock as argument.
Must not know what the time is used for.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the centre asks of a clock."""

    def now_ms(self) -> int:
        """Service time: Unix milliseconds, UTC. Dates events, windows, alarms."""
        ...

    def monotonic(self) -> float:
        """Real monotonic seconds. Drives timeouts and page heartbeats; never scaled."""
        ...


class ServiceClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Unix milliseconds as the machine believes them."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never step."""
        return time.monotonic()
