"""A power cut: 200 alarms within one second on 20 connected tablets; until every tablet shows all, in the right order.

`python -m bench.burst`. A centre's real process, gateways that send what happens as it happens, and tablets that behave
as the page does: a live stream, a snapshot fetched at each hint (one at a time, once more where hints came meanwhile),
and a word back of what is on the screen. Counted from the first event that is sent. The floor is the same second, and
the same tablets that fetch the last snapshot's bytes once from a process that has nothing to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import select
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from sqlalchemy import func
from sqlalchemy import select as query

from bench.centre import Centre, Line, Sender, address, centre, databases, moment
from bench.figures import Bar, Figure, report, say
from nattevakt.central.clock import ServiceClock
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.people import tablets
from nattevakt.central.tables import alarms, notices
from nattevakt.central.tablet.web import TABLET_COOKIE
from nattevakt.edge.events import Body, Call, Fall, Health, Leak
from nattevakt.edge.wire import encode_batch
from tests.support.postgres import Postgres, available, running_cluster
from tests.support.processes import ROOT

SECOND_S = 1.0
RECEIPTS_MOST = 100
"""How many notices the page confirms in one message."""
AGAIN_S = 1.0
"""After so long whoever was told that there is no database now comes again."""
WAIT_S = 60.0


@dataclass(frozen=True)
class Shape:
    """gateways × rooms × four alarms each (a call, a fall, a leak, a sensor taken down), on so many tablets."""

    gateways: int = 10
    rooms: int = 5
    tablets: int = 20
    turns: int = 3

    @property
    def alarms(self) -> int:
        """How many alarms there are to be."""
        return self.gateways * self.rooms * 4


def _bodies(gateway: int, rooms: int) -> list[Body]:
    """What one gateway hears in that second, least urgent first, so that the order must be made."""
    found: list[Body] = []
    for kind in ("tamper", "leak", "fall", "call"):
        for room in range(rooms):
            match kind:
                case "tamper":
                    found.append(Health(address(gateway, room, "motion"), tamper=True))
                case "leak":
                    found.append(Leak(address(gateway, room, "door")))
                case "fall":
                    found.append(Fall(address(gateway, room, "presence")))
                case _:
                    found.append(Call(address(gateway, room, "call"), "press"))
    return found


class Gateway:
    """One gateway: what has become due since its last batch was answered goes in the next one."""

    def __init__(self, port: int, sender: Sender, rooms: int) -> None:
        self._line = Line(port)
        self._sender = sender
        self._left = _bodies(sender.number, rooms)
        self._every_s = SECOND_S * 0.95 / len(self._left)
        self.fetched = self.refused = 0

    def run(self, began: float) -> None:
        """Send all of it, each when it is due."""
        due = began
        while self._left:
            time.sleep(max(0.0, due - time.perf_counter()))
            now = time.perf_counter()
            ready = 1 + int((now - due) / self._every_s) if now >= due else 1
            bodies, self._left = self._left[:ready], self._left[ready:]
            due += self._every_s * len(bodies)
            now_ms = ServiceClock().now_ms()
            lines = [self._sender.line(body, now_ms) for body in bodies]
            batch = encode_batch(moment(now_ms), {self._sender.stream: 1}, lines)
            request = self._sender.request(batch, "urgent")
            while (status := self._line.post(request)) != 200:
                assert status == 503, (status, self._line.answer)
                self.refused += 1
                time.sleep(AGAIN_S)

    def close(self) -> None:
        """Hang up."""
        self._line.close()


@dataclass
class Tablet:
    """One page. wanted: so many alarms make it whole."""

    port: int
    cookie: str
    wanted: int
    fetched: int = 0
    refused: int = 0
    whole: float = 0.0
    """When a snapshot with all alarms had been read."""
    confirmed: float = 0.0
    """When the centre had answered the last confirmation."""
    order: list[int] = field(default_factory=list)
    body: bytes = b""

    def start(self) -> None:
        """Open the stream and greet; returns when the centre knows the page."""
        self._lines = [Line(self.port), Line(self.port)]
        self._stream = socket.create_connection(("127.0.0.1", self.port))
        self._stream.sendall(self._head("GET", "/tablet/events").encode())
        said = b""
        while b"event: hello" not in said:
            said += self._stream.recv(65536)
        self.ready = threading.Event()
        self._queue: queue.Queue[list[int] | None] = queue.Queue()
        self._threads = [threading.Thread(target=self._watch, daemon=True)]
        self._threads.append(threading.Thread(target=self._confirm, daemon=True))
        for thread in self._threads:
            thread.start()

    def _head(self, method: str, path: str, more: str = "") -> str:
        return (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {TABLET_COOKIE}={self.cookie}\r\n"
            f"Sec-Fetch-Site: same-origin\r\n{more}\r\n"
        )

    def fetch(self) -> dict[str, Any]:
        """One snapshot."""
        while (status := self._lines[0].post(self._head("GET", "/tablet/snapshot").encode())) != 200:
            assert status == 503, (status, self._lines[0].answer[:200])
            self.refused += 1
            time.sleep(AGAIN_S)
        self.fetched += 1
        found: dict[str, Any] = json.loads(self._lines[0].answer)
        return found

    def _watch(self) -> None:
        """Hints in, snapshots out, until all is there and said."""
        known: set[int] = set()
        seq = heard = self.fetch()["seq"]
        self.fetched = 0
        self.ready.set()
        while True:
            if heard <= seq:
                select.select([self._stream], [], [])
            while select.select([self._stream], [], [], 0)[0]:
                data = self._stream.recv(65536)
                if not data:
                    return
                for part in data.split(b'data: {"seq":')[1:]:
                    heard = int(part.partition(b"}")[0].partition(b",")[0])
            if heard <= seq:
                continue
            snapshot = self.fetch()
            at = time.perf_counter()
            seq = snapshot["seq"]
            rows = snapshot["alarms"]
            if len(rows) == self.wanted and not self.whole:
                self.whole, self.order, self.body = at, [row["id"] for row in rows], self._lines[0].answer
            new = [row["notice_id"] for row in rows if row["notice_id"] is not None and row["notice_id"] not in known]
            known.update(new)
            for first in range(0, len(new), RECEIPTS_MOST):
                self._queue.put(new[first : first + RECEIPTS_MOST])

    def _confirm(self) -> None:
        """Say what is on the screen."""
        told = 0
        while (ids := self._queue.get()) is not None:
            while len(ids) < RECEIPTS_MOST and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    return
                ids += more
            body = json.dumps({"notices": [{"id": one, "shown_ms": 0} for one in ids]}).encode()
            head = self._head(
                "POST", "/tablet/shown", f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            )
            while (status := self._lines[1].post(head.encode() + body)) != 200:
                assert status == 503, (status, self._lines[1].answer)
                self.refused += 1
                time.sleep(AGAIN_S)
            told += len(ids)
            if told >= self.wanted:
                self.confirmed = time.perf_counter()

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)
        self._queue.put(None)
        for thread in self._threads:
            thread.join(10)
        self._stream.close()
        for line in self._lines:
            line.close()


@dataclass(frozen=True)
class Run:
    """One power cut, in seconds from the first event. sent_s: until the last batch was answered."""

    sent_s: float
    listed_s: float
    shown_s: float
    fetched: int
    refused: int
    body: bytes
    cpu_s: float


def cut(made: Centre, shape: Shape) -> Run:
    """All of it once; the database is asked afterwards whether it is true."""
    pages = [Tablet(made.port, cookie, shape.alarms) for cookie in _cookies(made, shape.tablets)]
    gateways = [Gateway(made.port, sender, shape.rooms) for sender in made.senders]
    for page in pages:
        page.start()
    try:
        for page in pages:
            assert page.ready.wait(WAIT_S), "a page got no first snapshot"
        before_s = made.cpu_s()
        began = time.perf_counter()
        threads = [threading.Thread(target=one.run, args=(began,), daemon=True) for one in gateways]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)
        sent_s = time.perf_counter() - began
        while not all(page.whole and page.confirmed for page in pages):
            assert time.perf_counter() - began < WAIT_S, [(page.fetched, bool(page.whole)) for page in pages]
            time.sleep(0.005)
        cpu_s = made.cpu_s() - before_s
        _true(made, shape, pages)
        listed, shown = (max(getattr(page, name) for page in pages) - began for name in ("whole", "confirmed"))
        fetched, refused = (sum(getattr(one, name) for one in (*pages, *gateways)) for name in ("fetched", "refused"))
        return Run(sent_s, listed, shown, fetched, refused, pages[0].body, cpu_s)
    finally:
        for page in pages:
            page.close()
        for gateway in gateways:
            gateway.close()


def _cookies(made: Centre, count: int) -> list[str]:
    with closing(Database(made.url)) as db:
        now_ms = ServiceClock().now_ms()
        codes = [db.transact(made.tenant_id, lambda s: tablets.new_code(s, "w", "Bench", now_ms)) for _ in range(count)]
        found = [tablets.redeem(db, code, now_ms) for code in codes]
    return [cookie.text() for cookie in found if cookie is not None]


def _true(made: Centre, shape: Shape, pages: Sequence[Tablet]) -> None:
    """Every page had every alarm, the most urgent first; every notice is written down as shown."""
    with closing(Database(made.url)) as db, db.read(made.tenant_id) as s:
        rows = s.execute(
            query(alarms.c.id)
            .where(alarms.c.tenant_id == TENANT)
            .order_by(alarms.c.priority, alarms.c.raised_ms, alarms.c.id)
        )
        order = list(rows.scalars())
        shown = s.execute(
            query(func.count()).where(notices.c.tenant_id == TENANT, notices.c.shown_ms.is_not(None))
        ).scalar_one()
    assert len(order) == shape.alarms, f"{len(order)} alarms"
    assert all(page.order == order for page in pages), "a page had another order"
    assert shown == shape.alarms * shape.tablets, f"{shown} notices shown"


# --- the floor ------------------------------------------------------------------------------------------------


async def _bare(file: str) -> None:
    """The floor's process: whatever is asked, the same bytes."""
    body = Path(file).read_bytes()
    said = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\ncontent-type: application/json\r\n\r\n" % len(body) + body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(said)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextmanager
def bare(body: bytes) -> Iterator[int]:
    """The floor's port."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "snapshot"
        file.write_bytes(body)
        command = [sys.executable, "-m", "bench.burst", "bare", str(file)]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()


def floor_s(body: bytes, count: int) -> float:
    """The second of the events, and so many pages that fetch and read such a snapshot once, all at once."""

    def read(line: Line) -> None:
        assert line.post(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") == 200
        json.loads(line.answer)

    with bare(body) as port:
        lines = [Line(port) for _ in range(count)]
        threads = [threading.Thread(target=read, args=(line,)) for line in lines]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)
        took_s = time.perf_counter() - began
        for line in lines:
            line.close()
    return SECOND_S * 0.95 + took_s


def measure(database: str, server: Postgres | None, shape: Shape) -> list[Figure]:
    """Some power cuts on one database, each on a centre of its own, with the floor between them."""
    runs, floors = [], []
    for _ in range(shape.turns):
        say(f"burst: {database}, {shape.alarms} alarms on {shape.tablets} tablets")
        url = server.fresh_database()[0] if server is not None and database == "PostgreSQL" else ""
        with centre(url, shape.gateways, shape.rooms) as made:
            runs.append(cut(made, shape))
        floors.append(floor_s(runs[-1].body, shape.tablets))
    low = statistics.median(floors)
    listed, shown = (statistics.median(getattr(run, name) for run in runs) for name in ("listed_s", "shown_s"))
    one = runs[-1]
    worst_s, size_kb = max(run.shown_s for run in runs), len(one.body) // 1000
    note = (
        f"{database}: worst of {len(runs)} {worst_s:.1f} s; events taken in {one.sent_s:.1f} s, {one.refused} requests "
        f"refused; {one.fetched} snapshots of up to {size_kb} kB; {one.cpu_s:.1f} s of the centre's processor"
    )
    named = f"{database}, {shape.alarms} alarms on {shape.tablets} tablets"
    return [
        Figure("burst", f"{named}, all have all in order", listed, low, "s", listed, Bar(5, "s"), note),
        Figure("burst", f"{named}, all confirmed as shown", shown, low, "s", shown, Bar(5, "s")),
    ]


def run(server: Postgres | None, shape: Shape | None = None) -> list[Figure]:
    """Power cuts on each database; without a server SQLite alone."""
    return [figure for name in databases(server) for figure in measure(name, server, shape or Shape())]


def main() -> None:
    """Measure and show, or be the floor."""
    if sys.argv[1:2] == ["bare"]:
        uvloop.run(_bare(sys.argv[2]))
    elif available():
        with running_cluster() as server:
            report(run(server))
    else:
        report(run(None))


if __name__ == "__main__":
    main()
