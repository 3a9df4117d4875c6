"""The gateway's clocks. Serves arrows 3 to 5: every moment and every wait begins here.

Owns the reading of the kernel's clocks; nobody else in the gateway may. Must not know what time is used for.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
import uuid
from functools import partial
from pathlib import Path

from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import Moment
from nattevakt.edge.pace import BYTES, MARK, Follower, Reading

TIME_ERROR = 5
"""What adjtimex(2) returns while the kernel's clock is not synchronised."""
_TIMEX_BYTES = 512
"""More than sizeof(struct timex) on every Linux; all zero means "only read"."""


class GatewayClock:
    """The real clocks. Tests pass a subclass."""

    def __init__(
        self,
        boot_file: Path = Path("/proc/sys/kernel/random/boot_id"),
        synced_file: Path = Path("/run/systemd/timesync/synchronized"),
    ) -> None:
        try:
            self._boot = boot_file.read_text("ascii").strip()[:64]
        except (OSError, ValueError):
            # Hidden by a sandbox: a boot of our own only makes times from before a restart uncertain.
            self._boot = str(uuid.uuid4())
        self._synced_file = synced_file
        self._libc = ctypes.CDLL(None)

    def now(self) -> Moment:
        """All four clock values of this moment."""
        return Moment(self._boot, self.boottime_ms(), time.time_ns() // 1_000_000, self._synced())

    def boottime_ms(self) -> int:
        """Milliseconds since the kernel started, sleep included; never steps."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def monotonic(self) -> float:
        """Real seconds for waits, deadlines and backoff."""
        return time.monotonic()

    def pace(self) -> float:
        """The highest speed of service time in the last ten real seconds; 1 outside a demo."""
        return 1.0

    def _synced(self) -> bool:
        if self._synced_file.exists():
            return True
        buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
        return int(self._libc.adjtimex(buffer)) not in (-1, TIME_ERROR)


class DemoClock(GatewayClock):
    """Service time as a demo's pace file says. Raises RejectError where that cannot be read at the start.

    data: the folder of the outbox; refused unless it lies in the demo's own folder, that of the pace file, and that
    folder is marked as a demo's.
    """

    def __init__(self, pace_file: Path, data: Path) -> None:
        super().__init__()
        folder = pace_file.resolve().parent
        if not (folder / MARK).is_file():
            raise RejectError("--demo", f"{folder} er ikke en demomappe; en annen fart enn 1 finnes bare i demo")
        if not data.resolve().is_relative_to(folder):
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
        with self._lock:
            return self._follower.at(time.monotonic_ns())

    def now(self) -> Moment:
        """All four values; synchronised, because centre and gateway read the same file."""
        now = self._now()
        return Moment(self._boot, now.boottime_ms, now.service_ms, synced=True)

    def boottime_ms(self) -> int:
        """The simulated boot time."""
        return self._now().boottime_ms

    def pace(self) -> float:
        """The highest speed of the last ten real seconds."""
        return self._now().pace


def _read(file: int) -> bytes:
    try:
        return os.pread(file, BYTES + 1, 0)
    except OSError:
        return b""
