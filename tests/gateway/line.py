"""A line between an outbox and a model of the centre, with a clock that jumps to whatever comes next."""

from __future__ import annotations

from collections.abc import Callable

from nattevakt.edge.events import Call, Contact, Event
from nattevakt.edge.wire import CompleteTo, GatewayHealth, Heartbeat, decode_batch
from nattevakt.gateway.inputs import BACKLOG, HttpFailed, HttpReply, HttpSend, Now
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.uplink import Uplink
from tests.gateway.support import Centre, event, now

Interfere = Callable[[HttpSend], HttpReply | HttpFailed | None]


class Line:
    """An uplink, a centre, and a clock that jumps to whatever comes next."""

    def __init__(self, box: Outbox) -> None:
        self.box = box
        self.centre = Centre()
        self.uplink = Uplink(box, self.heartbeat, lambda: 0.5)
        self.ms = 0
        self.sent: list[HttpSend] = []
        self.interfere: Interfere = lambda _send: None

    def heartbeat(self, at: Now) -> Heartbeat:
        held = self.box.held()
        health = GatewayHealth("1", 0, 0, 0, 0, 0, 0, clock_synced=False)
        return Heartbeat(at.moment, self.box.stream, held, CompleteTo(at.moment, {}), health)

    def now(self) -> Now:
        return now(self.ms)

    def batches(self, lane: str = BACKLOG) -> list[HttpSend]:
        return [send for send in self.sent if send.path == "/v1/batches" and send.lane == lane]

    def sizes(self, lane: str = BACKLOG) -> list[int]:
        return [len(decode_batch(send.body).items) for send in self.batches(lane)]

    def step(self) -> bool:
        """Send what may be sent now and answer it; whether there was anything."""
        sends = self.uplink.deliver(self.now())
        self.sent += sends
        for send in sends:
            answer = self.interfere(send)
            if answer is None:
                status, body = self.centre.answer(send.path, send.body)
                answer = HttpReply(send.lane, send.number, status, body)
            if isinstance(answer, HttpReply):
                self.uplink.replied(answer, self.now())
            else:
                self.uplink.failed(answer, self.now())
        return bool(sends)

    def run(self, for_ms: int) -> None:
        """Let time pass from one wish of the uplink to the next."""
        end = self.ms + for_ms
        for _ in range(5_000):
            if not self.step():
                wake_ms = int((self.uplink.wake_at_s(self.now()) - 100.0) * 1000) + 1
                if wake_ms > end:
                    self.ms = end
                    return
                self.ms = max(self.ms + 1, wake_ms)
            else:
                self.ms += 1
        raise AssertionError("the uplink spins")


def doors(line: Line, count: int, name: str = "door") -> list[int]:
    return list(line.box.append([event(Contact(name, open=True), line.ms) for _ in range(count)], {}))


def call(line: Line, name: str = "button") -> int:
    return line.box.append([event(Call(name, "press"), line.ms)], {})[0]


def reply(send: HttpSend, status: int, retry_after_s: float | None = None) -> HttpReply:
    return HttpReply(send.lane, send.number, status, b"{}", retry_after_s)


def poison_device(name: str, status: int = 500) -> Callable[[Event], int]:
    return lambda found: status if getattr(found.body, "device", None) == name else 0
