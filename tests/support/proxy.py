"""Small TCP proxies: the simulator's, which can cut, swallow (half-open) and slow a line, and one that also delays.

`Line` is what the kill suite breaks. A connection that has swallowed anything never works again: no real network
loses bytes in the midst of a TCP stream and then goes on with it.
"""

from __future__ import annotations

import socket
import threading

from nattevakt.sim.line import Proxy

__all__ = ["Line", "Proxy"]


class Line(Proxy):
    """The simulator's proxy with one more mode, "delay": every piece is held for `delay_s` before it goes on."""

    def __init__(self, target_port: int, delay_s: float = 0.3) -> None:
        self.delay_s = delay_s
        self._swallowed: set[socket.socket] = set()
        self._waiting = threading.Event()
        super().__init__(target_port)

    def close(self) -> None:
        """End all threads and close all sockets, also of what is held."""
        self._waiting.set()
        super().close()

    def _move(self, source: socket.socket, target: socket.socket) -> bool:
        mode = self.mode
        if mode == "half_open":
            self._swallowed.update((source, target))
        elif source in self._swallowed:
            return False
        elif mode == "delay":
            self._waiting.wait(self.delay_s)
        goes_on = super()._move(source, target)
        if self.mode == "half_open":  # it may have become so meanwhile
            self._swallowed.update((source, target))
        return goes_on
