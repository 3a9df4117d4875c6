"""A storm after an outage: 200 gateways with 500 stored events each, and a call every 20 ms in the midst of it.

`python -m bench.storm`. The backlog comes in batches of 100, each gateway with one batch under way, from a process of
its own; the calls come one by one in the urgent lane. Figures: the calls' p99 while the backlog drains against their
p50 when nothing else happens, and the drain against the database alone (bench/copying.py).
"""

from __future__ import annotations

import contextlib
import select
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.centre import Centre, Line, Sender, centre, databases
from bench.copying import Copying
from bench.figures import Bar, Figure, quantile, report, say
from tests.support.postgres import Postgres, available, running_cluster
from tests.support.processes import ROOT

_LENGTH = b"content-length:"
BATCH = 100
EVERY_S = 0.02
CONNECTIONS = 4
"""How many connections the floor copies through."""
ROOMS = 1


@dataclass(frozen=True)
class Shape:
    """gateways × batches of stored events; calls: how many are timed before the storm."""

    gateways: int = 200
    batches: int = 5
    calls: int = 150
    floor: int = 40


class Gateway:
    """One gateway with a backlog: a batch under way, and a pause where it is told to come again."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port = port
        self.left = list(reversed(requests))
        self.again_s = 0.0
        self._held = b""
        self.connect()

    def connect(self) -> None:
        """A new connection; the centre closes one whose body it did not read."""
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> None:
        """Send the batch that is next."""
        self._held = b""
        with contextlib.suppress(ConnectionError):  # what reads will find the same
            self.socket.sendall(self.left[-1])

    def read(self, now_s: float) -> bool:
        """Read what came; True when the answer is whole. Who is refused comes again after the second that is asked."""
        try:
            data = self.socket.recv(262_144)
        except ConnectionError:
            data = b""
        self._held += data
        head, end, body = self._held.partition(b"\r\n\r\n")
        if data and not end:
            return False
        if data and len(body) < next(int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == _LENGTH):
            return False
        if head[9:12] == b"200":
            self.left.pop()
            return True
        assert head[9:12] in (b"", b"429"), self._held[:300]
        self.again_s = now_s + 1.0
        return True


def _drain(port: int, batches: int, tokens: Sequence[str]) -> None:
    """The storm's process: make the backlogs, wait for a line, send all of it, say how long it took."""
    senders = [Sender(number, token, ROOMS) for number, token in enumerate(tokens)]
    gateways = [Gateway(port, [sender.batch(BATCH, calls=True) for _ in range(batches)]) for sender in senders]
    by_number = {one.socket.fileno(): one for one in gateways}
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    for one in gateways:
        one.send()
    waiting: list[Gateway] = []
    busy = len(gateways)
    while busy:
        for number, _event in poll.poll(0.02):
            one = by_number[number]
            if not one.read(time.monotonic()):
                continue
            if not one.left:
                busy -= 1
                poll.unregister(number)
            elif one.again_s > time.monotonic():
                waiting.append(one)
                poll.unregister(number)
                one.socket.close()
            else:
                one.send()
        for one in [one for one in waiting if one.again_s <= time.monotonic()]:
            waiting.remove(one)
            one.connect()
            by_number[one.socket.fileno()] = one
            poll.register(one.socket, select.EPOLLIN)
            one.send()
    print(time.monotonic() - began, flush=True)


class Calls:
    """A gateway whose residents call: one call every 20 ms, timed from the moment it is due."""

    def __init__(self, made: Centre) -> None:
        self._sender = made.senders[-1]
        self._line = Line(made.port)

    def times_ms(self, most: int, stop: threading.Event) -> list[float]:
        """So many calls, or until told to stop: how long each took until it was stored and rang."""
        found = []
        due = time.perf_counter()
        for _ in range(most):
            if stop.is_set():
                break
            time.sleep(max(0.0, due - time.perf_counter()))
            status = self._line.post(self._sender.call())
            found.append((time.perf_counter() - due) * 1000)
            assert status == 200, status
            due += EVERY_S
        return found

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def measure(database: str, server: Postgres | None, shape: Shape) -> list[Figure]:
    """One storm on one database."""
    say(f"storm: {database}, {shape.gateways} gateways, {shape.gateways * shape.batches * BATCH} events")
    url, admin = server.fresh_database() if server is not None and database == "PostgreSQL" else ("", "")
    floor = Copying(admin, CONNECTIONS)
    with centre(url, shape.gateways + 1, ROOMS) as made:
        tokens = [sender.token for sender in made.senders[:-1]]
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.storm", "drain", str(made.port), str(shape.batches), *tokens],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        calls = Calls(made)
        never, over = threading.Event(), threading.Event()
        calls.times_ms(20, never)
        floors = [floor.events_per_s(BATCH, shape.floor)]
        idle = calls.times_ms(shape.calls, never)
        ended: list[float] = []

        def wait() -> None:
            try:
                ended.append(float(process.stdout.readline()))  # type: ignore[union-attr]
            finally:
                over.set()

        threading.Thread(target=wait, daemon=True).start()
        process.stdin.write("\n")
        process.stdin.flush()
        during = calls.times_ms(100_000, over)
        idle += calls.times_ms(shape.calls, never)
        floors.append(floor.events_per_s(BATCH, shape.floor))
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            pipe.close()
        calls.close()
    floor.close()
    per_s = shape.gateways * shape.batches * BATCH / ended[0]
    calm, storm = statistics.median(idle), quantile(during, 0.99)
    copy = statistics.mean(floors)
    return [
        Figure("storm", f"{database}, call p99 / idle p50", storm, calm, "ms", storm / calm, Bar(12)),
        Figure("storm", f"{database}, drain", per_s, copy, "events/s", per_s / copy, Bar(0.2, at_most=False)),
    ]


def run(server: Postgres | None, shape: Shape | None = None) -> list[Figure]:
    """A storm on each database; without a server SQLite alone."""
    return [figure for name in databases(server) for figure in measure(name, server, shape or Shape())]


def main() -> None:
    """Measure and show, or be the storm."""
    if sys.argv[1:2] == ["drain"]:
        _drain(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    elif available():
        with running_cluster() as server:
            report(run(server))
    else:
        report(run(None))


if __name__ == "__main__":
    main()
