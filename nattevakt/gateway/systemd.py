"""What systemd is told: ready, alive, stopping. Serves arrows 1 to 5 by having a stuck gateway restarted.

Owns the notification socket and the bookkeeping of every thread's progress. Must not know what the threads do.
The watchdog is fed only when every one of them has reported within its own limit: a heart that beats by itself
would hide the very thing that it is there to find.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping


class Notifier:
    """Datagrams to systemd; does nothing where there is no systemd."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._path = "\0" + path[1:] if path.startswith("@") else path
        micros = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s: float | None = int(micros) / 1e6 if micros.isdigit() and int(micros) > 0 else None

    def send(self, message: str) -> bool:
        """Send one message; gives whether it went out."""
        if not self._path:
            return False
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0)
            sock.sendto(message.encode(), self._path)
            return True
        return False


class Progress:
    """When each thread last reported progress, and within how many seconds it must again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._beats: dict[str, tuple[float, float]] = {}

    def expect(self, name: str, limit_s: float, now_s: float) -> None:
        """From now on a thread must report."""
        with self._lock:
            self._beats[name] = (now_s, limit_s)

    def beat(self, name: str, now_s: float) -> None:
        """A thread has come round once more."""
        with self._lock:
            if name in self._beats:
                self._beats[name] = (now_s, self._beats[name][1])

    def stuck(self, now_s: float) -> list[str]:
        """Threads that are over their limit."""
        with self._lock:
            return [name for name, (last_s, limit_s) in self._beats.items() if now_s - last_s > limit_s]


class Watchdog:
    """Feeds systemd's watchdog as long as nothing is stuck."""

    def __init__(self, notifier: Notifier, progress: Progress) -> None:
        self._notifier = notifier
        self._progress = progress
        self._next_s = 0.0

    def tick(self, now_s: float) -> list[str]:
        """Feed the watchdog if it is time and all is well; gives the threads that are stuck."""
        stuck = self._progress.stuck(now_s)
        every_s = self._notifier.watchdog_s
        if every_s is not None and not stuck and now_s >= self._next_s:
            self._next_s = now_s + every_s / 4
            self._notifier.send("WATCHDOG=1")
        return stuck
