"""The road between a gateway and the centre: slow, lossy, cut, half open, or delivering twice. Serves arrow 5.

Owns what becomes of one HTTP request and when its answer (or the lack of one) is known at the gateway: the same
deadlines, the same one request a lane, the same two ways to fail as the real lane. Must not know what is sent.
Every number of chance comes from the Random that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Protocol

from nattevakt.gateway.inputs import HttpFailed, HttpReply, HttpSend
from nattevakt.sim.clock import Timeline

CONNECT_MS = 3_000
REPLY_MS = 5_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the centre answers."""

    status: int
    body: bytes
    retry_after_s: float | None = None


Answered = Callable[[Answer | None], None]
"""Called with the answer, or with None where the centre died over the request."""


class Service(Protocol):
    """What stands at the other end."""

    @property
    def up(self) -> bool:
        """Whether somebody accepts connections."""
        ...

    def serve(self, credential: str, request: HttpSend, answered: Answered) -> None:
        """Take one request; the answer comes later or at once."""
        ...


class Road(StrEnum):
    """What a link is like."""

    UP = "up"
    CUT = "cut"
    HALF_OPEN = "half_open"
    """Requests arrive, answers do not."""


@dataclass(slots=True)
class Weather:
    """How a link behaves while it is up. Latencies in ms one way; lost, doubled: chances of a request, 0 to 1."""

    latency_ms: tuple[int, int] = (5, 40)
    lost: float = 0.0
    doubled: float = 0.0


@dataclass(slots=True)
class Link:
    """One gateway's two lanes to the centre."""

    line: Timeline
    chance: Random
    service: Service
    credential: str
    weather: Weather = field(default_factory=Weather)
    road: Road = Road.UP
    requests: int = 0
    _kept: set[str] = field(default_factory=set)
    """Lanes with a connection: these notice a cut by waiting for an answer, the others by not getting through."""
    _busy: dict[str, _Trip] = field(default_factory=dict)

    def send(self, request: HttpSend, deliver: Callable[[HttpReply | HttpFailed], None]) -> None:
        """Carry one request; `deliver` is called exactly once. Raises RuntimeError where the lane has one already."""
        if request.lane in self._busy:
            raise RuntimeError(f"two requests at once on lane {request.lane}")
        self.requests += 1
        trip = self._busy[request.lane] = _Trip(self, request, deliver, self.line.now_ms + REPLY_MS)
        if self.road is Road.CUT:
            if request.lane in self._kept:
                trip.times_out()
            else:
                self.line.after(CONNECT_MS, lambda: trip.fails("connection", "cannot connect"))
            return
        if self.chance.random() < self.weather.lost:
            trip.times_out()
            return
        self.line.after(self.latency_ms(), trip.arrives)
        if self.chance.random() < self.weather.doubled:
            trip.doubled = True

    def latency_ms(self) -> int:
        """One way, this time."""
        return self.chance.randint(*self.weather.latency_ms)

    def ended(self, trip: _Trip, *, kept: bool) -> None:
        """A request is over. kept: its connection stays open."""
        lane = trip.request.lane
        if self._busy.get(lane) is trip:
            del self._busy[lane]
            (self._kept.add if kept else self._kept.discard)(lane)

    def reset(self) -> None:
        """The gateway's program is gone, and its connections with it."""
        self._busy.clear()
        self._kept.clear()


@dataclass(slots=True)
class _Trip:
    """One request on its way. limit_ms: when the gateway stops waiting."""

    link: Link
    request: HttpSend
    deliver: Callable[[HttpReply | HttpFailed], None]
    limit_ms: int
    doubled: bool = False
    done: bool = False

    def arrives(self) -> None:
        link = self.link
        if link.road is Road.CUT:
            self.times_out()
        elif not link.service.up:
            self.fails("connection", "refused")
        elif self.doubled:
            # The answer to the first is lost with its connection; the lane sends the request once more.
            self.doubled = False
            link.service.serve(
                link.credential, self.request, lambda _: link.line.after(link.latency_ms(), self.arrives)
            )
        else:
            link.service.serve(link.credential, self.request, self._answered)

    def _answered(self, answer: Answer | None) -> None:
        if answer is None:
            self.fails("connection", "closed without an answer")
        else:
            self.link.line.after(self.link.latency_ms(), lambda: self._returns(answer))

    def _returns(self, answer: Answer) -> None:
        if self.link.road is not Road.UP or self.link.line.now_ms > self.limit_ms:
            self.times_out()
        elif not self.done:
            self.done = True
            self.link.ended(self, kept=True)
            lane, number = self.request.lane, self.request.number
            self.deliver(HttpReply(lane, number, answer.status, answer.body, answer.retry_after_s))

    def times_out(self) -> None:
        """Nothing more will be heard of it."""
        self.link.line.at(self.limit_ms, lambda: self.fails("timeout", "deadline passed"))

    def fails(self, why: str, detail: str) -> None:
        """The gateway learns that no answer came."""
        if not self.done:
            self.done = True
            self.link.ended(self, kept=False)
            self.deliver(HttpFailed(self.request.lane, self.request.number, why, detail))
