"""Stand-ins for the outside of the gateway: time, a tiny radio, and a real small HTTP centre."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nattevakt.edge.drivers.driver import (
    Device,
    Finding,
    Line,
    MqttMessage,
    Product,
    Reading,
    SourceState,
    Stepped,
    Use,
)
from nattevakt.edge.events import Body, Call, Event, Moment
from nattevakt.edge.wire import (
    Batch,
    BatchReply,
    HeartbeatReply,
    ItemReply,
    Outcome,
    Received,
    decode_batch,
    decode_event,
    decode_heartbeat,
    encode_message,
)
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import Core
from nattevakt.gateway.health import Machine
from nattevakt.gateway.inputs import AckMqtt, Input, MqttReceived, Now, Output, Probe, no_probe
from nattevakt.gateway.outbox import Outbox, OutboxLimits
from nattevakt.gateway.sources import Rooted, Sources

BUTTON = "tiny:button"
DOOR = "tiny:door"
CREDENTIAL = "nv1.furutun.gw1.abcdefghijklmnopqrstuvwxyz"


def moment(ms: int = 0, *, boot: str = "boot-1", synced: bool = False) -> Moment:
    """A moment `ms` after some start."""
    return Moment(boot, 1_000 + ms, 1_790_000_000_000 + ms, synced)


def now(ms: int = 0, *, boot: str = "boot-1", synced: bool = False) -> Now:
    """Both clocks, `ms` after some start."""
    return Now(moment(ms, boot=boot, synced=synced), 100.0 + ms / 1000)


def event(body: Body, ms: int = 0) -> Event:
    """An event `ms` after some start."""
    return Event(body, moment(ms))


class Streams:
    """Mints names of streams that a person can tell apart."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def __call__(self) -> str:
        self.count += 1
        return f"{self.count:032x}"


def outbox(path: Path, mint: Streams | None = None, limits: OutboxLimits | None = None, **more: Any) -> Outbox:
    """An outbox that is not open yet."""
    return Outbox(path / "outbox.sqlite", limits or OutboxLimits(), mint or Streams(), **more)


@dataclass(frozen=True)
class TinyState:
    """State of the tiny radio's driver."""

    steps: int = 0


class TinyDriver:
    """A radio whose bytes are lines of JSON: an address and values; "!" breaks the driver."""

    PREFIX = "tiny:"
    BAUD = 57_600
    PER_LINE = False
    PROFILES: Mapping[str, str] = {"X": "everything"}
    PRODUCTS: tuple[Product, ...] = ()

    def canonical(self, name: str) -> str:
        return name

    def start(self, devices: tuple[Device, ...], line: Line) -> TinyState:  # noqa: ARG002
        return TinyState()

    def recall(self, memory: Mapping[str, str], state: TinyState) -> TinyState:  # noqa: ARG002
        return state

    def learning(self, until_ms: int | None, state: TinyState) -> TinyState:  # noqa: ARG002
        return state

    def step(self, given: bytes | None, now_ms: int, state: TinyState) -> Stepped[TinyState]:
        if given is None:
            return Stepped(TinyState(state.steps + 1), (), (b"probe",), now_ms + 60_000)
        if given == b"?":
            return Stepped(state, (Finding("tiny:time", str(now_ms)),))
        if given.startswith(b"!"):
            raise ZeroDivisionError("a bug in the driver")
        found: list[Reading | Finding | SourceState] = []
        for line in given.splitlines():
            value = json.loads(line)
            if "finding" in value:
                found.append(Finding(value["address"], value["finding"]))
            else:
                found.append(Reading(value["address"], value["values"], raw=line.decode()))
        return Stepped(state, tuple(found), (), now_ms + 60_000, {"frames": len(found)})

    def encode(self, reading: Reading, profile: str) -> bytes:  # noqa: ARG002
        return json.dumps({"address": reading.address, "values": dict(reading.values)}).encode() + b"\n"


class TinyDialect:
    """An MQTT dialect: topic home/<name> holds values; home/bridge holds up or down."""

    PREFIX = "z2m:"
    ROOT = "home"
    PROFILES: Mapping[str, str] = {}
    PRODUCTS: tuple[Product, ...] = ()

    def canonical(self, name: str) -> str:
        return name

    def start(self, base_topic: str, devices: tuple[Device, ...]) -> TinyState:  # noqa: ARG002
        return TinyState()

    def subscriptions(self, base_topic: str, devices: tuple[Device, ...]) -> tuple[str, ...]:  # noqa: ARG002
        return (f"{base_topic}/#",)

    def step(self, given: MqttMessage | None, now_ms: int, state: TinyState) -> Stepped[TinyState]:  # noqa: ARG002
        if given is None:
            return Stepped(state)
        name = given.topic.partition("/")[2]
        if name == "bridge":
            return Stepped(state, (SourceState("z2m", given.payload == b"up", "offline"),))
        if given.payload == b"!":
            raise ZeroDivisionError("a bug in the dialect")
        raw = given.payload.decode()
        return Stepped(state, (Reading(f"z2m:{name}", json.loads(raw), raw=raw, replay=given.retained, key=raw),))

    def recall(self, memory: Mapping[str, str], state: TinyState) -> TinyState:  # noqa: ARG002
        return state

    def connected(self, state: TinyState) -> TinyState:
        return state

    def awaits(self, given: MqttMessage, state: TinyState) -> bool:  # noqa: ARG002
        return False

    def encode(self, reading: Reading, base_topic: str, friendly_name: str) -> MqttMessage:
        return MqttMessage(f"{base_topic}/{friendly_name}", json.dumps(dict(reading.values)).encode())


DEVICES = (
    Device(BUTTON, "X", Use.CALL),
    Device(DOOR, "X", Use.DOOR),
    Device("z2m:sos", "", Use.CALL),
    Device("z2m:hall", "", Use.DOOR),
)


def core(
    path: Path, box: Outbox | None = None, *, probe: Probe = no_probe, ports: tuple[str, ...] = ("r0",)
) -> tuple[Core, Outbox]:
    """A core with the tiny radio on its ports and the tiny dialect."""
    box = box or outbox(path)
    serial = {port: ("tiny", TinyDriver()) for port in ports}
    sources = Sources(DEVICES, serial, {"tiny": Rooted(TinyDialect(), "home")})
    machine = Machine(path, thermal=path / "none")
    return Core(sources, box, machine, guard, lambda: 0.5, probe=probe), box


def said(address: str, **values: object) -> bytes:
    """One line of the tiny radio."""
    return json.dumps({"address": address, "values": values}).encode() + b"\n"


def run(machine: Core, ms: int, *inputs: Input, synced: bool = False) -> list[Output]:
    """One round of the core at a time."""
    return machine.handle(inputs, now(ms, synced=synced))


def events(box: Outbox) -> list[Event]:
    return [decode_event(row.body) for row in box.after(0, 100_000)]


def bodies(box: Outbox) -> list[Body]:
    return [found.body for found in events(box)]


def calls(box: Outbox) -> list[Event]:
    return [found for found in events(box) if isinstance(found.body, Call)]


def acks(outputs: list[Output]) -> list[int]:
    return [found.mid for found in outputs if isinstance(found, AckMqtt)]


def message(name: str, mid: int = 0, *, dup: bool = False, retained: bool = False, **values: Any) -> MqttReceived:
    return MqttReceived(f"home/{name}", json.dumps(values).encode(), retained, 1 if mid else 0, mid, dup, 1)


def press(mid: int, *, dup: bool = False) -> MqttReceived:
    return message("sos", mid, dup=dup, action="emergency")


@dataclass
class Centre:
    """What a centre keeps: rows by id, a contiguous mark a stream, and how it shall behave."""

    stored: dict[tuple[str, int], Received] = field(default_factory=dict)
    firsts: dict[str, int] = field(default_factory=dict)
    over: dict[str, set[int]] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    heartbeats: int = 0
    poison: Callable[[Event], int] = lambda _event: 0
    refuse: Callable[[Event], bool] = lambda _event: False

    def mark(self, stream: str) -> int:
        """The contiguous mark."""
        mark = self.firsts.get(stream, 1) - 1
        have = {seq for name, seq in self.stored if name == stream} | self.over.get(stream, set())
        while mark + 1 in have:
            mark += 1
        return mark

    def marks(self) -> Mapping[str, int]:
        """All marks."""
        return {stream: self.mark(stream) for stream in self.firsts}

    def batch(self, body: bytes) -> tuple[int, bytes]:
        """Take a batch as POST /v1/batches would; all or nothing."""
        batch = decode_batch(body)
        self.batches.append(batch)
        items = [item for item in batch.items if isinstance(item, Received)]
        assert len(items) == len(batch.items)
        for item in items:
            if status := self.poison(item.event):
                return status, b'{"error":"bug","field":"events[0].data"}'
        self.firsts.update(batch.firsts)
        outcomes = []
        for item in items:
            key = (item.id.stream, item.id.seq)
            if self.refuse(item.event):
                outcomes.append(ItemReply(Outcome.REFUSED, "not wanted"))
                continue
            outcomes.append(ItemReply(Outcome.DUPLICATE if key in self.stored else Outcome.STORED))
            self.stored[key] = item
            body_ = item.event.body
            if type(body_).__name__ == "Tombstone":
                tomb: Any = body_
                self.over.setdefault(tomb.stream, set()).update(range(tomb.first_seq, tomb.last_seq + 1))
        return 200, encode_message(BatchReply(tuple(outcomes), self.marks()))

    def heartbeat(self, body: bytes) -> tuple[int, bytes]:
        """Take a heartbeat as POST /v1/heartbeats would."""
        found = decode_heartbeat(body)
        self.heartbeats += 1
        marks = {held.stream: self.mark(held.stream) if held.stream in self.firsts else 0 for held in found.streams}
        return 200, encode_message(HeartbeatReply(marks, 0))

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Either of the two routes."""
        return self.batch(body) if path == "/v1/batches" else self.heartbeat(body)

    def bodies(self) -> list[Body]:
        """All stored bodies in order of their sequence numbers."""
        return [item.event.body for _, item in sorted(self.stored.items(), key=lambda pair: pair[0][1])]


class HttpCentre:
    """A Centre behind a real HTTP server on 127.0.0.1; use as a context manager."""

    def __init__(self) -> None:
        self.centre = Centre()
        self.lanes: list[str] = []
        self.authorizations: set[str] = set()
        self.connections = 0
        self.away = False
        """Whoever asks is not answered."""
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.lanes.append(str(self.headers["Nattevakt-Lane"]))
                outer.authorizations.add(str(self.headers["Authorization"]))
                if outer.away:
                    self.close_connection = True
                    return
                with outer.lock:
                    status, answer = outer.centre.answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.05), daemon=True)

    def __enter__(self) -> HttpCentre:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()
