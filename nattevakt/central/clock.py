"""The centre's two clocks. Serves arrows 6 to 9.

Owns the only reads of the machine's clocks in the centre; everything else gets a clock as argument.
Must not know what the time is used for.
"""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import Protocol

from nattevakt.edge.errors import RejectError
from nattevakt.edge.pace import BYTES, MARK, Follower, Reading


class Clock(Protocol):
    """What the centre asks of a clock."""

    def now_ms(self) -> int:
        """Service time: Unix milliseconds, UTC. Dates events, windows, alarms."""
        ...

    def monotonic(self) -> float:
        """Real monotonic seconds. Drives timeouts and page heartbeats; never scaled."""
        ...

    def real_ms(self) -> int:
        """Unix milliseconds, never scaled: how long people may be away, and wait after wrong PINs."""
        ...

    def pace(self) -> float:
        """The highest speed of service time in the last ten real seconds; 1 outside a demo."""
        ...

    def speed(self) -> float | None:
        """How fast service time runs now; None where this is no demo."""
        ...


class ServiceClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Unix milliseconds as the machine believes them."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never step."""
        return time.monotonic()

    def real_ms(self) -> int:
        """The same as service time."""
        return self.now_ms()

    def pace(self) -> float:
        """Always 1."""
        return 1.0

    def speed(self) -> float | None:
        """None: this is no demo."""
        return None


class DemoClock(ServiceClock):
    """Service time as a demo's pace file says. Raises RejectError where that cannot be read at the start.

    data: a database's file or an outbox's folder; refused unless it lies in the demo's own folder, that of the pace
    file, and that folder is marked as a demo's.
    """

    def __init__(self, pace_file: Path, data: Path) -> None:
        folder = pace_file.resolve().parent
        if not (folder / MARK).is_file():
            raise RejectError("--demo", f"{folder} er ikke en demomappe; en annen fart enn 1 finnes bare i demo")
        # Not absolute is also SQLite's file:/…?uri=true, which resolves here and opens there.
        if not data.is_absolute() or not data.resolve().is_relative_to(folder):
            raise RejectError("--demo", f"{data} ligger ikke i demomappen {folder} og er ikke demodata")
        try:
            file = os.open(pace_file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise RejectError("--demo", f"{pace_file} kan ikke leses: {error.strerror}") from None
        self._lock = threading.Lock()
        try:
            self._follower = Follower(partial(_read, file), time.monotonic_ns())
        except RejectError as error:
            os.close(file)
            raise RejectError("--demo", f"{pace_file}: {error.reason}") from None

    def _now(self) -> Reading:
        # One at a time, so that the moment that is asked for is never older than the last one.
        with self._lock:
            return self._follower.at(time.monotonic_ns())

    def now_ms(self) -> int:
        """The simulated time."""
        return self._now().service_ms

    def real_ms(self) -> int:
        """Unix milliseconds as the machine believes them."""
        return time.time_ns() // 1_000_000

    def pace(self) -> float:
        """The highest speed of the last ten real seconds."""
        return self._now().pace

    def speed(self) -> float | None:
        """The speed now."""
        return self._now().speed


def _read(file: int) -> bytes:
    try:
        return os.pread(file, BYTES + 1, 0)
    except OSError:
        return b""
