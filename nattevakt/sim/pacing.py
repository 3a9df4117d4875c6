"""The demo's hand on time: writes the pace file that centre and gateways follow. Serves the demo, no arrow.

Owns the file and the lead with which a change is written. Must not know why the speed changes. Real programs read the
file only where they were started with `--demo` in a folder that is marked as a demo's.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from nattevakt.edge.pace import LEAD_MS, Pace

NAME = "pace"


class Pacer:
    """Service time of one demo: begins at `service_ms` at speed 1. For any thread."""

    def __init__(self, folder: Path, service_ms: int) -> None:
        self.file = folder / NAME
        self._lock = threading.Lock()
        self._pause = threading.Event()
        self._pace = Pace(service_ms, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000, time.monotonic_ns())
        fresh = self.file.with_suffix(".new")
        fresh.write_bytes(self._pace.to_bytes())
        fresh.replace(self.file)
        self._open = os.open(self.file, os.O_WRONLY | os.O_CLOEXEC)

    def now_ms(self) -> int:
        """Service time now."""
        return self._pace.service_ms + self._pace.passed_ms(time.monotonic_ns())

    @property
    def speed(self) -> float:
        """How fast it runs, or will within a moment."""
        return self._pace.speed

    def set(self, speed: float) -> None:
        """Another speed, a moment from now; waits for the change before it if that has not come yet."""
        with self._lock:
            if speed == self._pace.speed:
                return
            while (left_ns := self._pace.real_ns - time.monotonic_ns()) > 0:
                self._pause.wait(left_ns / 1e9)
            after = self._pace.changed(speed, time.monotonic_ns() + LEAD_MS * 1_000_000)
            os.pwrite(self._open, after.to_bytes(), 0)
            self._pace = after

    def close(self) -> None:
        """Let go of the file; whoever follows it goes on at the last speed."""
        os.close(self._open)
