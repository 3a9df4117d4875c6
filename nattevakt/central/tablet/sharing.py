"""Tablets that ask for the same board at the same time are given one that was read once. Serves arrow 9.

Owns who reads and who waits. Must not know what is read. After a power cut every tablet of a ward asks again and again
while alarms pour in, and all of them want the same rows: whoever asks while somebody reads waits for the reading after
that one, together with all who have asked meanwhile. So what anybody is given was read after they had asked, and a
single tablet reads at once, as if there were nobody else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any

from nattevakt.edge.errors import NattevaktError, RetryError

WAIT_S = 10.0
"""Longer than a page waits: whoever reads for so long will not be waited for."""


class _Reading:
    """One reading, for all who hold it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.found: Any = None
        self.error: NattevaktError | None = None


class Readings:
    """The readings under way, and those that wait for their turn, by what is read. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: dict[Hashable, _Reading] = {}
        self._next: dict[Hashable, _Reading] = {}

    def begin(self, what: Hashable) -> bool:
        """Whether nobody reads this or waits for it: then the caller does, for itself, and says when it has ended."""
        with self._lock:
            if what in self._now or what in self._next:
                return False
            self._now[what] = _Reading()
            return True

    def end(self, what: Hashable) -> None:
        """The reading that began has ended, well or not."""
        with self._lock:
            reading = self._now.pop(what)
        reading.done.set()

    def shared(self, what: Hashable, read: Callable[[], Any]) -> Any:
        """What one of all that wait has read for all of them, after this call; raises what its `read` raised.

        Hold no connection meanwhile: whoever reads needs one.
        """
        with self._lock:
            reading = self._next.get(what)
            reads = reading is None
            if reading is None:
                reading = self._next[what] = _Reading()
        if reads:
            return self._read(what, reading, read)
        if not reading.done.wait(2 * WAIT_S):
            raise RetryError("another request reads the same for too long")
        if reading.error is not None:
            raise reading.error
        return reading.found

    def _read(self, what: Hashable, reading: _Reading, read: Callable[[], Any]) -> Any:
        reading.error = RetryError("another request did not end well")  # until it has
        try:
            self._turn(what)
        except NattevaktError as error:
            reading.error = error
            reading.done.set()
            raise
        try:
            reading.found = read()
            reading.error = None
        except NattevaktError as error:
            reading.error = error
            raise
        finally:
            self.end(what)
        return reading.found

    def _turn(self, what: Hashable) -> None:
        """Wait until nobody reads it; from then on nobody joins this reading."""
        while True:
            with self._lock:
                before = self._now.get(what)
                if before is None:
                    self._now[what] = self._next.pop(what)
                    return
            if not before.done.wait(WAIT_S):
                with self._lock:
                    self._next.pop(what)
                raise RetryError("another request reads the same for too long")
