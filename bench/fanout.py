"""Live fan-out: a change published → the last of 200 and 1,000 open streams has it, beside a bare loop over sockets.

`python -m bench.fanout`. The floor is one uvloop process that writes the same bytes to as many plain connections;
one reader counts for both. Both are told to publish by a line on their standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import IO, cast

import uvloop

from bench.centre import Centre, centre
from bench.figures import Bar, Figure, interleaved, report, say
from nattevakt.central.clock import ServiceClock
from nattevakt.central.db import Database
from nattevakt.central.people import tablets
from nattevakt.central.tablet.live import STREAMS_PER_TABLET_MAX
from nattevakt.central.tablet.web import TABLET_COOKIE
from tests.support.processes import ROOT

SAID = b'id: 0123456789abcdef:7\nevent: changed\ndata: {"seq":7}\n\n'
HELLO = b"event: hello\n\n"
SIZES = (200, 1000)


async def _bare() -> None:
    """The floor's process: connections, and a write to each of them for every line read."""
    open_ends: list[asyncio.Transport] = []

    class End(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            open_ends.append(cast("asyncio.Transport", transport))  # uvloop's own is no subclass
            open_ends[-1].write(HELLO)

        def connection_lost(self, _error: Exception | None) -> None:
            open_ends.clear()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(End, "127.0.0.1", 0, backlog=2000)
    print(server.sockets[0].getsockname()[1], flush=True)

    def publish() -> None:
        for end in open_ends:
            end.write(SAID)

    def read() -> None:
        for _line in sys.stdin:
            print(time.perf_counter(), flush=True)
            loop.call_soon_threadsafe(publish)
        loop.call_soon_threadsafe(ended.set)

    ended = asyncio.Event()
    threading.Thread(target=read, daemon=True).start()
    await ended.wait()


class Listeners:
    """Many open connections to one publisher, read by one thread."""

    def __init__(self, sockets: Sequence[socket.socket], pipes: tuple[IO[str], IO[str]], line: str) -> None:
        self._sockets = {one.fileno(): one for one in sockets}
        self._pipes = pipes
        self._line = line
        self._poll = select.epoll()
        for number in self._sockets:
            self._poll.register(number, select.EPOLLIN)

    def quiet(self) -> None:
        """Read away whatever is under way."""
        while found := self._poll.poll(0.3):
            for number, _event in found:
                self._sockets[number].recv(65536)

    def round_ms(self) -> float:
        """From the publisher's word that it publishes until the last connection has it, in milliseconds."""
        waiting = set(self._sockets)
        self._pipes[0].write(self._line + "\n")
        self._pipes[0].flush()
        while waiting:
            found = self._poll.poll(10)
            assert found, f"{len(waiting)} connections heard nothing"
            for number, _event in found:
                data = self._sockets[number].recv(65536)
                assert data, "a connection was closed"
                if b"event: changed" in data:
                    waiting.discard(number)
        ended = time.perf_counter()
        return (ended - float(self._pipes[1].readline())) * 1000

    def close(self) -> None:
        """Hang up everywhere."""
        self._poll.close()
        for one in self._sockets.values():
            one.close()


def _greeted(one: socket.socket) -> socket.socket:
    """The connection, once its publisher knows it: before that it would miss what is published."""
    said = b""
    one.settimeout(30)
    while b"event: hello" not in said:
        data = one.recv(65536)
        assert data, said
        said += data
    one.settimeout(0)
    return one


@contextmanager
def bare_listeners(count: int) -> Iterator[Listeners]:
    """Connections to the floor."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.fanout", "bare"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(process.stdout.readline())
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    listeners = Listeners([_greeted(one) for one in sockets], (process.stdin, process.stdout), "1 1")
    try:
        yield listeners
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
        listeners.close()


def _cookies(made: Centre, count: int) -> list[str]:
    """Enrol as many tablets as so many streams need."""
    found = []
    with closing(Database(made.url)) as db:
        for _ in range(-(-count // STREAMS_PER_TABLET_MAX)):
            now_ms = ServiceClock().now_ms()
            code = db.transact(made.tenant_id, lambda s: tablets.new_code(s, "w", "Bench", now_ms))  # noqa: B023
            cookie = tablets.redeem(db, code, now_ms)
            assert cookie is not None
            found.append(cookie.text())
    return found


@contextmanager
def live_listeners(made: Centre, cookies: Sequence[str], count: int) -> Iterator[Listeners]:
    """Open live streams of the centre, all of them greeted."""
    sockets = []
    for number in range(count):
        one = socket.create_connection(("127.0.0.1", made.port))
        cookie = f"{TABLET_COOKIE}={cookies[number // STREAMS_PER_TABLET_MAX]}"
        one.sendall(f"GET /tablet/events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
        sockets.append(one)
    listeners = Listeners([_greeted(one) for one in sockets], made.pipes, f"{made.tenant_id} 7")
    listeners.quiet()
    try:
        yield listeners
    finally:
        listeners.close()


def run(sizes: Sequence[int] = SIZES, turns: int = 25) -> list[Figure]:
    """The figures; SQLite, because the database has no part in it."""
    figures = []
    for count in sizes:
        say(f"fanout: {count} streams")
        with centre("", 1, 1) as made, contextlib.ExitStack() as stack:
            live = stack.enter_context(live_listeners(made, _cookies(made, count), count))
            bare = stack.enter_context(bare_listeners(count))
            for listeners in (live, bare):
                listeners.round_ms()
            found = interleaved(live.round_ms, bare.round_ms, turns)
        bar = Bar(3) if count == 1000 else None
        what = f"last of {count} streams, p50"
        figures.append(Figure("fanout", what, found.measured, found.floor, "ms", found.ratio, bar))
    return figures


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        uvloop.run(_bare())
    else:
        report(run())
