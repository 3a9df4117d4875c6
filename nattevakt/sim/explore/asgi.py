"""The centre behind its real application: each request as HTTP through FastAPI, in virtual time. Arrows 6 and 9.

Owns the way of a request through the ASGI application in this process: the scope that a server would make of it, the
one thread at a time that works at the database, how long that takes by simulated time, and the death of the process in
the middle. Routes, authentication, limits, permits and statuses are the application's. Must not decide any of that.

Not played: the sockets, HTTP's own parser, and the application's lifespan (its sweep is the timeline's, its live
stream is the hint that the world gives).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from anyio import CancelScope, CapacityLimiter
from fastapi import FastAPI

from nattevakt.central.app import create_app, equip
from nattevakt.central.config import CentralConfig, DatabaseConfig
from nattevakt.central.tablet.live import Hub
from nattevakt.gateway.inputs import HttpSend
from nattevakt.gateway.uplink import HEARTBEATS
from nattevakt.sim.centre import LOCKED_MS, Centre, Stock, Workings
from nattevakt.sim.clock import CentreClock, Timeline
from nattevakt.sim.explore.loop import LineLoop
from nattevakt.sim.network import Answer, Answered
from nattevakt.sim.power import PowerCut

CHUNK_BYTES = 65_536
"""A server hands a body over in pieces of this size."""
HOST = "centre.test"
OK = 200


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. headers: as they are sent."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def scope(self) -> dict[str, Any]:
        """What a server tells an ASGI application of it."""
        named = (("host", HOST), ("accept-encoding", "identity"), ("content-length", str(len(self.body))))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode("ascii"),
            "query_string": b"",
            "root_path": "",
            "headers": [(key.lower().encode("latin-1"), text.encode("latin-1")) for key, text in named + self.headers],
            "client": ("127.0.0.1", 40_000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }


@dataclass(slots=True)
class Response:
    """What came back. headers: names in small letters; cookies: those that were set, "" for one that was taken away."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes


Came = Callable[[Response], None]


@dataclass(eq=False, slots=True)
class _Trip:
    """One request in the application. read: its body was read. scope: what ends once it is answered, if anything."""

    request: Request
    came: Came
    at: int = 0
    read: bool = False
    ends: asyncio.Event = field(default_factory=asyncio.Event)
    scope: CancelScope | None = None
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def receive(self) -> dict[str, Any]:
        """The body, piece by piece; then nothing until somebody leaves."""
        if self.read:
            await self.ends.wait()
            return {"type": "http.disconnect"}
        piece = self.request.body[self.at : self.at + CHUNK_BYTES]
        self.at += CHUNK_BYTES
        self.read = self.at >= len(self.request.body)
        return {"type": "http.request", "body": piece, "more_body": not self.read}

    async def send(self, message: Mapping[str, Any]) -> None:
        """A piece of the answer."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
            return
        self.body += message.get("body", b"")
        if message.get("more_body", False):
            return
        self.came(self._response())
        self.ends.set()
        if self.scope is not None:
            # A gateway has its answer. What the application does behind it is a probe's "replied" and no more, and
            # would be a second thread.
            self.scope.cancel()

    def _response(self) -> Response:
        plain: dict[str, str] = {}
        cookies: dict[str, str] = {}
        for key, found in self.headers:
            name, text = key.decode("latin-1").lower(), found.decode("latin-1")
            if name == "set-cookie":
                cookie, _, value = text.partition(";")[0].partition("=")
                cookies[cookie] = value.strip('"')
            else:
                plain[name] = text
        if plain.get("content-length", str(len(self.body))) != str(len(self.body)):
            raise ValueError(f"{self.request.path}: content-length is not the body's")
        return Response(self.status, plain, cookies, bytes(self.body))


class Served:
    """One life of the application: from its start until it is stopped or dies. busy_ms: (bytes, whether it writes) ->
    how long one piece of a gateway's work keeps the database. turned: called when all of a moment has happened.
    stored: called when what a gateway sent is stored, some time before it is answered."""

    def __init__(
        self,
        app: FastAPI,
        line: Timeline,
        equipped: Callable[[], None],
        busy_ms: Callable[[int, bool], int],
        turned: Callable[[], None],
        stored: Callable[[], None],
    ) -> None:
        self.died = False
        """Whether the power was cut in the middle of a request."""
        self._app = app
        self._equipped = equipped
        self._busy_ms = busy_ms
        self._stored = stored
        self.turned = turned
        self.loop = LineLoop(line, self)
        self._coming: asyncio.Queue[tuple[_Trip, bool]] = asyncio.Queue()
        self._gateways: CapacityLimiter | None = None
        self._others: CapacityLimiter | None = None
        self._trips: dict[object, _Trip] = {}
        self._root = self.loop.create_task(self._serve())
        self.loop.turn()

    async def _serve(self) -> None:
        self._equipped()
        # SQLite has one writer. Whoever comes next waits for it here, by simulated time, instead of in a thread.
        self._gateways = CapacityLimiter(1)
        self._app.state.intake.threads = self._gateways
        self._others = anyio.to_thread.current_default_thread_limiter()
        async with anyio.create_task_group() as group:
            while True:
                group.start_soon(self._one, *await self._coming.get())

    def send(self, request: Request, came: Came) -> None:
        """Take a gateway's request; `came` is called when its answer is there, never where the process dies."""
        self._begin(_Trip(request, came), gone=True)
        self.loop.turn()

    def ask(self, request: Request) -> Response | None:
        """A page's request, answered and done within this moment; None where the process died over it."""
        came: list[Response] = []
        self._begin(_Trip(request, came.append), gone=False)
        self.loop.turn()
        return came[0] if came and not self.died else None

    def _begin(self, trip: _Trip, *, gone: bool) -> None:
        """gone: whoever asked waits for the answer only, and not for what is done behind it."""
        self.fault()
        self._coming.put_nowait((trip, gone))

    async def _one(self, trip: _Trip, gone: bool) -> None:
        task = asyncio.current_task()
        self._trips[task] = trip
        try:
            with CancelScope() as scope:
                trip.scope = scope if gone else None
                await self._app(trip.request.scope(), trip.receive, trip.send)
        except PowerCut:
            self.died = True
        finally:
            del self._trips[task]

    def stop(self) -> None:
        """Nothing of it goes on. Raises what failed in it."""
        if self.loop.is_closed():
            return
        self._root.cancel()
        self.loop.turn()
        # Whoever waits for a thread is not let go before the thread has reported.
        self.loop.hurry()
        self.loop.turn()
        self.loop.close()
        if not self._root.cancelled():
            self._root.result()

    def fault(self) -> None:
        """Raises where a request failed in a way that the application has no answer for."""
        if self._root.done():
            self._root.result()

    # --- as its loop asks -------------------------------------------------------------------------------------

    def _with_gateways(self) -> bool:
        return self._gateways is not None and self._gateways.borrowed_tokens > self.loop.held

    def working(self) -> bool:
        """Whether a thread works at a request."""
        return self._with_gateways() or (self._others is not None and self._others.borrowed_tokens > 0)

    def lasts_ms(self, told: tuple[object, ...]) -> int:
        """As long as the database needs for what a gateway sent. A page's request, and a death, are known at once."""
        if not self._with_gateways() or any(isinstance(one, PowerCut) for one in told):
            return 0
        assert self._gateways is not None  # noqa: S101 - somebody has borrowed from it
        (task,) = self._gateways.statistics().borrowers
        trip = self._trips[task]
        if trip.read and told[-1] is None:
            self._stored()
        return self._busy_ms(len(trip.request.body) if trip.read else 0, trip.read)


class AsgiCentre(Centre):
    """A centre that is reached through its application. `Workings.urgent_first` has no meaning here: lanes and permits
    are the application's."""

    def __init__(
        self,
        folder: Path,
        stock: Stock,
        line: Timeline,
        clock: CentreClock,
        workings: Workings,
        changed: Callable[[], None],
    ) -> None:
        super().__init__(folder, stock, line, clock, workings, changed)
        # What is in the settings is not used: this life's database is handed over by `equip`.
        config = CentralConfig(DatabaseConfig(url=f"sqlite:///{self.path}"))
        self._rules = tuple(workings.rules)
        self._app = create_app(config, clock, self.fuse, self._rules)
        self._served: Served | None = None
        self._answers: list[tuple[Answered, Answer]] = []
        self.asked = 0
        """How many requests it has answered."""

    def start(self) -> None:
        """As ever; the application's life begins with the database's."""
        if self.up:
            return
        super().start()
        self.storage.held = lambda: self.locked > 0
        self._served = Served(self._app, self._line, self._equip, self._busy_ms, self._turned, self._stored)

    def kill(self) -> None:
        """As ever; what the application was at is over."""
        served, self._served = self._served, None
        super().kill()
        if served is not None:
            served.stop()
        self._answers.clear()

    def serve(self, credential: str, request: HttpSend, answered: Answered) -> None:
        """One gateway's request, as its lane sends it."""
        assert self._served is not None  # noqa: S101 - asked only while it takes connections
        if request.path != HEARTBEATS:
            self._judged = False
        self._pending.append(answered)
        headers = (
            ("Authorization", f"Bearer {credential}"),
            ("Content-Type", request.content_type),
            ("Nattevakt-Lane", request.lane),
        )
        sent = Request("POST", request.path, headers, request.body)
        self._served.send(sent, partial(self._came, answered))
        self._turned()

    def ask(self, request: Request) -> Response | None:
        """A page's request; None where there is no answer."""
        if self._served is None:
            return None
        self._judged = self._judged and request.method == "GET"
        found = self._served.ask(request)
        self._turned()
        return found

    def _equip(self) -> None:
        equip(self._app, self.db, Hub(self.clock), self._rules)

    def _busy_ms(self, size: int, writes: bool) -> int:
        waits_ms = max(0, self._free_ms - self._line.now_ms)
        took_ms = self.workings.busy_ms + round(size / 1000 * self.workings.busy_per_kb_ms)
        return waits_ms + took_ms + self.slow_ms + (LOCKED_MS if self.locked and writes else 0)

    def _stored(self) -> None:
        # Whoever looks on reads what is new when this count rises; the answer is some simulated time away yet.
        self._count(OK)

    def _came(self, answered: Answered, response: Response) -> None:
        wait = response.headers.get("retry-after", "")
        self._answers.append(
            (answered, Answer(response.status, response.body, float(wait) if wait.isdigit() else None))
        )

    def _turned(self) -> None:
        """A moment of the application is over: who was answered hears it, who sees a change is told."""
        served = self._served
        if served is None:
            return
        answers, self._answers = self._answers, []
        for answered, answer in answers:
            self.asked += 1
            if answer.status != OK:
                self._count(answer.status)
            if answered in self._pending:
                self._pending.remove(answered)
                answered(answer)
        served.fault()
        if served.died:
            self._blown()
        elif served.loop.worked:
            served.loop.worked = False
            self._tell()
