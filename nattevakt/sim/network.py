"""The road between a gateway and the centre: slow, lossy, cut, half open, or delivering twice. Serves arrow 5.

Owns what becomes of one HTTP request and when its answer (or the lack of one) is known at the gateway: the same
deadlines, the same one request a lane, the same two ways to fail as the real lane. Must not know what is sent.
Every number of chance comes from the Random that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol

from nattevakt.gateway.inputs import HttpFailed, HttpReply, HttpSend
from nattevakt.sim.clock import Appointment, Timeline
from nattevakt.sim.trouble import BEFORE, Answer, Answered, Trouble

__all__ = ["Answer", "Answered", "Link", "Road", "Service", "Trouble", "Weather"]

CONNECT_MS = 3_000
REPLY_MS = 5_000


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
    DEAF = "deaf"
    """Requests do not arrive; what was answered before still does."""


@dataclass(slots=True)
class Weather:
    """How a link behaves while it is up. Latencies in ms one way; lost, doubled: chances of a request, 0 to 1."""

    latency_ms: tuple[int, int] = (5, 40)
    lost: float = 0.0
    doubled: float = 0.0


class Link:
    """One gateway's two lanes to the centre.

    `road` reads as what the link is like now, with all its troubles; set, it is what a story wants of it.
    """

    def __init__(
        self,
        line: Timeline,
        chance: Random,
        service: Service,
        credential: str,
        weather: Weather | None = None,
    ) -> None:
        self.line = line
        self.chance = chance
        self.service = service
        self.credential = credential
        self.weather = weather or Weather()
        self.requests = 0
        self.failures = 0
        """How many requests got no good answer: none at all, or one that says neither yes nor "later"."""
        self.troubles: list[Trouble] = []
        self._road = Road.UP
        self._kept: set[str] = set()
        """Lanes with a connection: these notice a cut by waiting for an answer, the others by not getting through."""
        self._busy: dict[str, _Trip] = {}

    # --- what it is like -------------------------------------------------------------------------------------

    @property
    def plain_road(self) -> Road:
        """What a story wants of it, without its troubles."""
        return self._road

    @property
    def wrong(self) -> int:
        """How many troubles it has."""
        return len(self.troubles)

    @property
    def road(self) -> Road:
        """What it is like now."""
        if not self.troubles:
            return self._road
        deaf = self._road in (Road.CUT, Road.DEAF) or any(t.no_requests for t in self.troubles)
        mute = self._road in (Road.CUT, Road.HALF_OPEN) or any(t.no_answers for t in self.troubles)
        if deaf:
            return Road.CUT if mute else Road.DEAF
        return Road.HALF_OPEN if mute else Road.UP

    @road.setter
    def road(self, road: Road) -> None:
        self._road = road

    @property
    def passes(self) -> bool:
        """Whether a request can reach the centre now and its answer can come back, be it slowly or with luck."""
        if self.road is not Road.UP or self.weather.lost >= 1:
            return False
        return not any(t.refuses or t.lost >= 1 or t.lost_answers >= 1 or _meddles(t) for t in self.troubles)

    @property
    def arrives(self) -> bool:
        """Whether a request can reach the centre now, whatever becomes of its answer."""
        if self.road not in (Road.UP, Road.HALF_OPEN) or self.weather.lost >= 1:
            return False
        return not any(t.refuses or t.lost >= 1 or (t.proxy in BEFORE and t.meddles >= 1) for t in self.troubles)

    @property
    def clean(self) -> bool:
        """Whether nothing at all is wrong with it."""
        return self.road is Road.UP and not self.troubles and not self.weather.lost and not self.weather.doubled

    def begin(self, trouble: Trouble) -> None:
        """One more thing is wrong with it."""
        self.troubles.append(trouble)

    def end(self, trouble: Trouble) -> None:
        """This is over; what else is wrong stays so. Does nothing where it was over already."""
        self.troubles = [one for one in self.troubles if one is not trouble]

    # --- carrying --------------------------------------------------------------------------------------------

    def send(self, request: HttpSend, deliver: Callable[[HttpReply | HttpFailed], None]) -> None:
        """Carry one request; `deliver` is called exactly once. Raises RuntimeError where the lane has one already."""
        if request.lane in self._busy:
            raise RuntimeError(f"two requests at once on lane {request.lane}")
        self.requests += 1
        trip = self._busy[request.lane] = _Trip(self, request, deliver, self.line.now_ms + REPLY_MS)
        if self.road in (Road.CUT, Road.DEAF):
            if request.lane in self._kept:
                trip.times_out()
            else:
                self.line.after(CONNECT_MS, lambda: trip.fails("connection", "cannot connect"))
            return
        if any(trouble.refuses for trouble in self.troubles):
            self.line.after(self.latency_ms(), lambda: trip.fails("connection", "refused"))
            return
        if self.chance.random() < self.weather.lost or [t for t in self.troubles if t.happens(t.lost)]:
            trip.times_out()
            return
        way_ms = self.way_ms(len(request.body))
        self.line.after(way_ms, trip.arrives)
        if way_ms > REPLY_MS:
            # It arrives all the same, but by then nobody waits for it.
            trip.times_out()
        if self.chance.random() < self.weather.doubled or [t for t in self.troubles if t.happens(t.doubled)]:
            trip.doubled = True
        for trouble in self.troubles:
            if trouble.happens(trouble.wanders):
                self._wanders(request, trouble.chance.randint(*trouble.wanders_ms))

    def _wanders(self, request: HttpSend, late_ms: int) -> None:
        """A copy of a request comes so much later, when nobody waits for its answer."""
        credential = self.credential

        def comes() -> None:
            if self.service.up:
                self.service.serve(credential, request, _nobody)

        self.line.after(late_ms, comes)

    def latency_ms(self) -> int:
        """One way, this time, without troubles."""
        return self.chance.randint(*self.weather.latency_ms)

    def way_ms(self, size: int) -> int:
        """One way, this time, for so many bytes."""
        return self.latency_ms() + sum(trouble.takes_ms(size) for trouble in self.troubles)

    def instead(self) -> Answer | None:
        """What a proxy or portal answers in the centre's place now."""
        found = [answer for t in self.troubles if (answer := t.instead()) is not None]
        return found[0] if found else None

    def spoiled(self, answer: Answer) -> Answer | None:
        """What becomes of an answer on its way; None where the connection ends in the middle of it."""
        spoiled: Answer | None = answer
        for trouble in self.troubles:
            spoiled = trouble.spoiled(spoiled) if spoiled is not None else None
        return spoiled

    def loses_answer(self) -> bool:
        """Whether the answer that is to come back now is lost."""
        return bool([t for t in self.troubles if t.happens(t.lost_answers)])

    def breaks(self, lane: str) -> bool:
        """A lane's connection is gone. Gives whether it was one that an earlier request had left open."""
        was_old = lane in self._kept
        self._kept.discard(lane)
        return was_old

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


def _meddles(trouble: Trouble) -> bool:
    return bool(trouble.proxy) and trouble.meddles >= 1


def _nobody(_answer: Answer | None) -> None:
    """Nobody waits for this answer any more."""


@dataclass(slots=True)
class _Trip:
    """One request on its way. limit_ms: when the gateway stops waiting."""

    link: Link
    request: HttpSend
    deliver: Callable[[HttpReply | HttpFailed], None]
    limit_ms: int
    doubled: bool = False
    done: bool = False
    limit: Appointment | None = None

    def arrives(self) -> None:
        link = self.link
        if link.road in (Road.CUT, Road.DEAF):
            self.times_out()
        elif (answer := link.instead()) is not None:
            link.failures += 1
            self._back(answer, spoiled=True)
        elif not link.service.up:
            self.fails("connection", "refused")
        elif self.doubled:
            # The answer to the first is lost with its connection; the lane sends the request once more.
            self.doubled = False
            link.service.serve(link.credential, self.request, self._comes_again)
        else:
            # Whoever serves may need longer than the gateway waits.
            self.times_out()
            link.service.serve(link.credential, self.request, self._answered)

    def _comes_again(self, _answer: Answer | None) -> None:
        self.link.line.after(self.link.latency_ms(), self.arrives)

    def _answered(self, answer: Answer | None) -> None:
        if answer is None:
            self.fails("connection", "closed without an answer")
            return
        spoiled = self.link.spoiled(answer)
        if spoiled is not None:
            self._back(spoiled, spoiled=spoiled is not answer)
        elif self.link.breaks(self.request.lane) and not self.done:
            # An old connection that breaks says nothing of the centre: the lane sends the request once more.
            self.link.line.after(self.link.latency_ms(), self.arrives)
        else:
            self.link.line.after(self.link.latency_ms(), lambda: self.fails("connection", "incomplete answer"))

    def _back(self, answer: Answer, *, spoiled: bool) -> None:
        self.link.line.after(self.link.way_ms(len(answer.body)), lambda: self._returns(answer, spoiled=spoiled))

    def _returns(self, answer: Answer, *, spoiled: bool) -> None:
        link = self.link
        if link.road in (Road.CUT, Road.HALF_OPEN) or link.line.now_ms > self.limit_ms or link.loses_answer():
            self.times_out()
        elif not self.done:
            self._is_done()
            link.failures += spoiled or answer.status not in (200, 429)
            link.ended(self, kept=True)
            lane, number = self.request.lane, self.request.number
            self.deliver(HttpReply(lane, number, answer.status, answer.body, answer.retry_after_s))

    def times_out(self) -> None:
        """Nothing more will be heard of it."""
        if not self.done and self.limit is None:
            self.limit = self.link.line.at(self.limit_ms, lambda: self.fails("timeout", "deadline passed"))

    def fails(self, why: str, detail: str) -> None:
        """The gateway learns that no answer came."""
        if not self.done:
            self._is_done()
            self.link.failures += 1
            self.link.ended(self, kept=False)
            self.deliver(HttpFailed(self.request.lane, self.request.number, why, detail))

    def _is_done(self) -> None:
        self.done = True
        if self.limit is not None:
            self.limit.drop()
