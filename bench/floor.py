"""The chain stripped bare: three loopback hops and two fdatasync, nothing else.

It is what the way from a broker to a tablet costs on this machine if no program in between did anything: client →
first process (append, fdatasync) → second process (append, fdatasync) → client.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path


def _hop(file: str, next_port: int) -> None:
    """One process of the bare chain: take 200 bytes, make them durable, pass them on."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    inner, _address = listener.accept()
    outer = socket.create_connection(("127.0.0.1", next_port))
    for end in (inner, outer):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with inner, outer, Path(file).open("ab", buffering=0) as store:
        while data := inner.recv(4096):
            store.write(data)
            os.fdatasync(store.fileno())
            outer.sendall(data)
    listener.close()


class Floor:
    """The bare chain, kept running so that its rounds can be taken between the product's."""

    def __init__(self, folder: Path) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self._hops: list[subprocess.Popen[str]] = []
        port = int(listener.getsockname()[1])
        for number in (2, 1):
            hop = subprocess.Popen(
                [sys.executable, "-m", "bench.floor", str(folder / f"floor-{number}"), str(port)],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert hop.stdout is not None
            port = int(hop.stdout.readline())
            self._hops.append(hop)
        self._out = socket.create_connection(("127.0.0.1", port))
        self._in, _address = listener.accept()
        listener.close()
        for end in (self._out, self._in):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def round_ms(self) -> float:
        """One message through the bare chain, in milliseconds."""
        began = time.perf_counter()
        self._out.sendall(b"x" * 200)
        got = 0
        while got < 200:
            got += len(self._in.recv(4096))
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """End the two processes."""
        self._out.close()
        self._in.close()
        for hop in self._hops:
            hop.wait(10)
            assert hop.stdout is not None
            hop.stdout.close()


if __name__ == "__main__":
    _hop(sys.argv[1], int(sys.argv[2]))
