"""The live link to the tablets: a hint that something changed, and a heartbeat. Serves arrow 9.

Owns the streams of server-sent events: one mailbox per open page, one heartbeat reading per tenant, and their end
at shutdown. A push is only a hint; the snapshot is the truth. Must not know what an alarm is or what a page shows.

A hint goes from the committing thread to the event loop and out of the socket without a thread pool between, so
that a page hears of an alarm also while the pool is busy. The heartbeat says what was read from the database at
that beat; where nothing could be read nothing is sent, and the page itself says that it has no contact.
Looked at before writing: FastAPI's own event streams hold up the shutdown, sse-starlette costs twice as much.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from types import FrameType

import psycopg
import structlog
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nattevakt.central.clock import Clock

log = structlog.get_logger("nattevakt.live")

CHANNEL = "nattevakt_live"
BEAT_S = 5.0
STREAMS_PER_TABLET_MAX = 8
"""A tablet has one page; more open streams than this is a fault of the page, and the oldest go."""
BEAT_THREADS = 4
SPEED_LOOK_S = 0.1
LISTEN_CHECK_S = 5.0
"""How often the listening connection is proved alive, and the longest wait between tries to get it back."""


@dataclass(frozen=True, slots=True)
class Vital:
    """One reading of the database: what a heartbeat says.

    seq: the tenant's live sequence. sweep_age_s: seconds since the last sweep, None if there never was one.
    tablets: those of the asked tablets whose enrolment still holds. sweep_late_s: the age at which a sweep is late.
    speed: how fast service time runs, None outside a demo.
    """

    seq: int
    now_ms: int
    sweep_age_s: float | None
    tablets: frozenset[int]
    sweep_late_s: float = 30.0
    speed: float | None = None


Vitals = Callable[[int, frozenset[int]], Vital]
"""Reads a tenant's vital signs, given the tablets that listen. Called in a thread; may raise."""


@dataclass(eq=False, slots=True)
class Mailbox:
    """What one open page has not been told yet: only the newest of each kind, so it never grows."""

    tenant_id: int
    tablet_id: int
    waiting: asyncio.Future[None] | None = None
    hint: int | None = None
    vital: Vital | None = None
    greeted: bool = False
    closed: bool = False

    def shut(self) -> None:
        """End this page's stream."""
        self.closed = True
        self.wake()

    def wake(self) -> None:
        """There is something in it. A bare future: an event object costs a third of telling a page."""
        if self.waiting is not None:
            if not self.waiting.done():
                self.waiting.set_result(None)
            self.waiting = None


class Hub:
    """Fans changes and heartbeats out to the open pages of this process."""

    def __init__(self, clock: Clock, *, beat_s: float = BEAT_S) -> None:
        self.epoch = secrets.token_hex(8)
        """New at every start of the process; a page that sees another one fetches everything anew."""
        self.beat_s = beat_s
        self.beats_failed = 0
        self._clock = clock
        self._boxes: dict[int, list[Mailbox]] = defaultdict(list)
        self._beats: dict[int, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._vitals: Vitals | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._closing = False

    def publish(self, tenant_id: int, seq: int) -> None:
        """Tell the pages of a tenant that there is something new. From any thread; never blocks or raises."""
        loop = self._loop
        if loop is not None:
            # The loop may close between the check and the call; then there is no page left to tell.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._deliver, tenant_id, seq)

    def refresh(self) -> None:
        """Read the vital signs of every tenant now: hints may have been lost on the way. From any thread."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._refresh)

    def close(self) -> None:
        """End every stream and refuse new ones. On the event loop only."""
        self._closing = True
        for boxes in self._boxes.values():
            for box in boxes:
                box.shut()

    def streams(self) -> int:
        """How many pages are connected to this process."""
        return sum(len(boxes) for boxes in self._boxes.values())

    @asynccontextmanager
    async def running(self, vitals: Vitals) -> AsyncIterator[None]:
        """Serve streams on the running loop until left; ends them as soon as the process is told to stop."""
        self._loop = asyncio.get_running_loop()
        self._vitals = vitals
        self._pool = ThreadPoolExecutor(BEAT_THREADS, thread_name_prefix="beat")
        try:
            with self._leaving_on_signal(self._loop):
                yield
        finally:
            self.close()
            self._loop = None
            for task, _ in list(self._beats.values()):
                task.cancel()
            self._pool.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _leaving_on_signal(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """The server waits for open responses before it tells the application to stop, so we listen ourselves."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def leave(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.close)
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        for number in before:
            signal.signal(number, leave)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def open(self, tenant_id: int, tablet_id: int) -> Mailbox:
        """A mailbox for a page that has come; on the event loop only. Give it back with `leave`."""
        boxes = self._boxes[tenant_id]
        same = [other for other in boxes if other.tablet_id == tablet_id]
        for other in same[: max(0, len(same) + 1 - STREAMS_PER_TABLET_MAX)]:
            other.shut()
        box = Mailbox(tenant_id, tablet_id, closed=self._closing)
        boxes.append(box)
        self._ask(tenant_id)
        return box

    def leave(self, box: Mailbox) -> None:
        """The page has gone."""
        box.shut()
        if box in self._boxes[box.tenant_id]:
            self._boxes[box.tenant_id].remove(box)

    async def stream(self, box: Mailbox) -> AsyncIterator[bytes]:
        """What a page is told, as bytes, until it leaves, its enrolment ends, or the process stops."""
        loop = asyncio.get_running_loop()
        while not box.closed:
            if said := self._take(box):
                yield said
            else:
                box.waiting = loop.create_future()
                await box.waiting

    def _take(self, box: Mailbox) -> bytes:
        hint, vital, greeted = box.hint, box.vital, box.greeted
        box.hint = box.vital = None
        said = _told(self.epoch, hint) if hint is not None else b""
        if vital is not None:
            said += _beat(self.epoch, vital)
            if not greeted:
                box.greeted = True
                said = _hello(self.epoch, vital, self.beat_s) + said
        return said

    def _deliver(self, tenant_id: int, seq: int) -> None:
        for box in self._boxes.get(tenant_id, ()):
            box.hint = seq
            box.wake()

    def _refresh(self) -> None:
        for tenant_id, boxes in self._boxes.items():
            for box in boxes:
                box.greeted = False
            if boxes:
                self._ask(tenant_id)

    def _ask(self, tenant_id: int) -> None:
        """Have the vital signs read now for whoever was not greeted; starts the tenant's beat if it stands still."""
        found = self._beats.get(tenant_id)
        if found is None or found[0].done():
            asked = asyncio.Event()
            self._beats[tenant_id] = (asyncio.create_task(self._beat(tenant_id, asked)), asked)
        else:
            found[1].set()

    async def _beat(self, tenant_id: int, asked: asyncio.Event) -> None:
        """Read and send a tenant's heartbeat for as long as it has an open page."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        speed = self._clock.speed()
        while boxes := self._boxes[tenant_id]:
            before, speed = speed, self._clock.speed()
            regular = loop.time() >= due or speed != before
            if regular:
                due = loop.time() + self.beat_s
            listeners = list(boxes)
            vital = await self._read(tenant_id, frozenset(box.tablet_id for box in listeners))
            for box in listeners:
                if vital is not None and box.tablet_id not in vital.tablets:
                    box.shut()
                elif vital is not None and (regular or not box.greeted):
                    box.vital = vital
                    box.wake()
            while self._clock.speed() == speed and not asked.is_set() and (left_s := due - loop.time()) > 0:
                # In a demo the page hears of another speed at once, lest its clock run ahead.
                with suppress(TimeoutError):
                    await asyncio.wait_for(asked.wait(), left_s if speed is None else min(left_s, SPEED_LOOK_S))
            asked.clear()

    async def _read(self, tenant_id: int, tablets: frozenset[int]) -> Vital | None:
        loop = asyncio.get_running_loop()
        if self._vitals is None or self._pool is None:
            return None
        try:
            return await loop.run_in_executor(self._pool, self._vitals, tenant_id, tablets)
        except Exception as error:  # noqa: BLE001 - whatever it was: no reading, no heartbeat; the next beat tries again
            self.beats_failed += 1
            log.warning("beat_failed", tenant_id=tenant_id, error=type(error).__name__, detail=str(error)[:200])
            return None


def _event(epoch: str, name: str, seq: int, data: Mapping[str, object]) -> bytes:
    body = json.dumps(data, separators=(",", ":"))
    return f"id: {epoch}:{seq}\nevent: {name}\ndata: {body}\n\n".encode()


def _time(vital: Vital) -> dict[str, object]:
    return {"now_ms": vital.now_ms, "speed": vital.speed or 1}


# A thousand pages are told the same: what is said is put into bytes once.


def _hello(epoch: str, vital: Vital, beat_s: float) -> bytes:
    return _event(epoch, "hello", vital.seq, {"epoch": epoch, "seq": vital.seq, "hb_s": beat_s, **_time(vital)})


@lru_cache(maxsize=64)
def _told(epoch: str, seq: int) -> bytes:
    return _event(epoch, "changed", seq, {"seq": seq})


@lru_cache(maxsize=64)
def _beat(epoch: str, vital: Vital) -> bytes:
    swept = {"sweep_age_s": vital.sweep_age_s, "sweep_late_s": vital.sweep_late_s}
    return _event(epoch, "hb", vital.seq, {"seq": vital.seq, **_time(vital), **swept})


class EventStream(Response):
    """The answer to a page that listens: open until the page or the process leaves."""

    def __init__(self, hub: Hub, tenant_id: int, tablet_id: int) -> None:
        super().__init__(media_type="text/event-stream")
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"
        del self.headers["Content-Length"]
        self._hub = hub
        self._whose = (tenant_id, tablet_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the ASGI contract
        """Send what the hub says until either side has had enough."""
        box = self._hub.open(*self._whose)
        gone = asyncio.create_task(_until_gone(receive, box))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            # The page's browser calls a stream open once it has seen some of the body.
            await send({"type": "http.response.body", "body": b": nattevakt\n\n", "more_body": True})
            async for said in self._hub.stream(box):
                await send({"type": "http.response.body", "body": said, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            log.debug("page_gone", tablet_id=box.tablet_id)
        finally:
            self._hub.leave(box)
            gone.cancel()


async def _until_gone(receive: Receive, box: Mailbox) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    box.shut()


class PgListener:
    """A thread that hears of changes made by any process on the same PostgreSQL, and passes them to a hub."""

    def __init__(self, url: str, hub: Hub) -> None:
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._hub = hub
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pg-listen", daemon=True)
        self.connected = threading.Event()
        self.reconnects = 0

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended or after twice its longest wait."""
        self._stop.set()
        self._thread.join(2 * LISTEN_CHECK_S)

    def _run(self) -> None:
        wait_s = 0.5
        while not self._stop.is_set():
            try:
                self._listen()
                wait_s = 0.5
            except Exception as error:  # noqa: BLE001 - a dead listener would leave the pages to their heartbeat for good
                held = self.connected.is_set()
                self.connected.clear()
                self.reconnects += 1
                wait_s = 0.5 if held else min(wait_s * 2, LISTEN_CHECK_S)
                log.warning("listen_failed", error=type(error).__name__, detail=str(error)[:200], wait_s=wait_s)
                self._stop.wait(wait_s)

    def _listen(self) -> None:
        # A server that has gone without a word is noticed within some ten seconds.
        dsn = make_conninfo(
            self._dsn,
            connect_timeout=3,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=10_000,
        )
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self.connected.set()
            self._hub.refresh()
            while not self._stop.is_set():
                for notice in connection.notifies(timeout=LISTEN_CHECK_S / 5):
                    tenant_id, _, seq = notice.payload.partition(":")
                    if tenant_id.isdecimal() and seq.isdecimal():
                        self._hub.publish(int(tenant_id), int(seq))
                    else:
                        log.warning("notice_unreadable", payload=notice.payload[:80])
                    if self._stop.is_set():
                        return
                connection.execute("SELECT 1")
