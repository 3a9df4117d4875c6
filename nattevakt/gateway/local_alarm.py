"""The siren beside the gateway: a command that is run when a fault begins. Serves arrows 4 and 5 where they fail.

Owns the running of that command: without a shell, one at a time, bounded. Must not know what a fault is about.
"""

from __future__ import annotations

import logging
import queue
import subprocess
from collections.abc import Mapping

from nattevakt.gateway.logs import clean, kv

LOG = logging.getLogger("nattevakt.alarm")
RUN_S = 30.0
QUEUE_MAX = 20
AGAIN_S = 600.0
"""A fault that comes and goes sounds at most this often."""


class LocalAlarm:
    """Notices faults that begin, and runs the command for each in `run`, a loop for a thread of its own."""

    def __init__(self, command: tuple[str, ...] | None) -> None:
        self._command = command
        self._queue: queue.Queue[str | None] = queue.Queue(QUEUE_MAX)
        self._current: dict[str, str] = {}
        self._sounded_s: dict[str, float] = {}

    def update(self, faults: Mapping[str, str], now_s: float) -> None:
        """Compare with what was wrong before: log what began and ended, sound for what began."""
        for key in self._current.keys() - faults.keys():
            LOG.info(kv("fault_ended", key=key))
        for key in faults.keys() - self._current.keys():
            LOG.error(kv("fault", key=key, text=faults[key]))
            last_s = self._sounded_s.get(key)
            if self._command and (last_s is None or now_s - last_s >= AGAIN_S):
                self._sounded_s[key] = now_s
                try:
                    self._queue.put_nowait(clean(faults[key]))
                except queue.Full:
                    LOG.error(kv("local_alarm_queue_full", text=faults[key]))
        self._sounded_s = {key: at for key, at in self._sounded_s.items() if now_s - at < AGAIN_S}
        self._current = dict(faults)

    def close(self) -> None:
        """Let `run` return once it has sounded what is queued."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            LOG.error(kv("local_alarm_dropped", count=self._queue.qsize()))
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(None)

    def run(self) -> None:
        """Run the command for each fault that begins, until `close`."""
        while (fault := self._queue.get()) is not None:
            if self._command:
                sound((*self._command, fault))


def sound(command: tuple[str, ...], within_s: float = RUN_S) -> bool:
    """Run one command to its end or kill it; gives whether it went well."""
    try:
        done = subprocess.run(  # noqa: S603 - the installer's own command, never a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=within_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        LOG.error(kv("local_alarm_failed", error=type(error).__name__))
        return False
    if done.returncode != 0:
        LOG.error(kv("local_alarm_failed", exit_code=done.returncode))
    return done.returncode == 0
