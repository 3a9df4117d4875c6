"""A line between a gateway and the centre that can be cut, swallow (half open) or be slow: a small TCP proxy.

Owns its sockets and threads. Must not know what is sent. Serves arrow 5 from the outside, in the demo and in tests.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading


class Proxy:
    """Forwards 127.0.0.1:port to a target port until told otherwise.

    mode "open": forward. "cut": refuse and reset everything. "half_open": accept and swallow, answer nothing.
    "slow": forward 20 bytes every 50 ms.
    """

    def __init__(self, target_port: int) -> None:
        self.mode = "open"
        self._target = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def set(self, mode: str) -> None:
        """Change the line; "cut" also resets what is open."""
        self.mode = mode
        if mode == "cut":
            for pair in self._pairs:
                for end in pair:
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all threads and close all sockets."""
        self._ending.set()
        self.set("cut")
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                inner, _address = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if self.mode == "cut":
                inner.close()
                continue
            try:
                outer = socket.create_connection(("127.0.0.1", self._target), timeout=2)
            except OSError:
                inner.close()
                continue
            for end in (inner, outer):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.append((inner, outer))
            thread = threading.Thread(target=self._pump, args=(inner, outer), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _pump(self, inner: socket.socket, outer: socket.socket) -> None:
        with selectors.DefaultSelector() as ready, inner, outer:
            ready.register(inner, selectors.EVENT_READ, (inner, outer))
            ready.register(outer, selectors.EVENT_READ, (outer, inner))
            while not self._ending.is_set():
                for key, _mask in ready.select(0.1):
                    if not self._move(*key.data):
                        return

    def _move(self, source: socket.socket, target: socket.socket) -> bool:
        slow = self.mode == "slow"
        try:
            data = source.recv(20 if slow else 65536)
            if not data:
                return False
            if self.mode == "half_open":
                return True
            target.settimeout(5)
            target.sendall(data)
        except OSError:
            return False
        if slow:
            self._ending.wait(0.05)
        return True
