"""The gateway's clocks. Serves arrows 3 to 5: every moment and every wait begins here.

Owns the reading of the kernel's clocks; nobody else in the gateway may. Must not know what time is used for.
"""

from __future__ import annotations

import ctypes
import time
import uuid
from pathlib import Path

from nattevakt.edge.events import Moment

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

    def _synced(self) -> bool:
        if self._synced_file.exists():
            return True
        buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
        return int(self._libc.adjtimex(buffer)) not in (-1, TIME_ERROR)
