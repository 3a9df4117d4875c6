"""A centre to measure: seeded, run as a process of its own, and spoken to as gateways do, on bare sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from nattevakt.central.clock import ServiceClock
from nattevakt.central.db import Database
from nattevakt.central.migrate import make_ready
from nattevakt.central.places.plan_lines import Line as PlanLine
from nattevakt.central.places.plan_lines import lacking
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import (
    BasisEntry,
    DeviceEntry,
    GatewayEntry,
    PlanEntry,
    ResidentEntry,
    RoomEntry,
    Seed,
    TenantEntry,
    WardEntry,
    WindowEntry,
)
from nattevakt.edge.events import Bed, Body, Call, Contact, Event, EventId, Health, Moment, Motion, Presence
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.windows import Window
from nattevakt.edge.wire import CONTENT_TYPE, encode_batch, encode_event, event_line
from tests.support.postgres import Postgres
from tests.support.processes import ROOT, free_port
from tests.support.wait import until

BOOT = "6a1f0c1e-9a56-4c8e-bd6b-5a0f5f0f6f01"
SPOTS = ("call", "door", "bed", "presence", "motion")
CALL_EVERY = 100
"""One event in so many is a call, where rules look at them."""


def address(gateway: int, room: int, spot: str) -> str:
    """A device's address; every gateway serves rooms of its own."""
    return f"z2m:0x{gateway:06x}{room:04x}{SPOTS.index(spot):06x}"


def ward(gateways: int, rooms: int) -> Seed:
    """One ward: each gateway with its rooms, each room with a resident, five devices and a door window.

    The windows begin hours from now, whenever the measurement is taken: doors are looked at, and do not ring.
    """
    minute = ServiceClock().now_ms() // 60_000 + 6 * 60
    made = [(g, r) for g in range(gateways) for r in range(rooms)]
    return Seed(
        TenantEntry("bench", "Bench"),
        (WardEntry("w", "Bench"),),
        tuple(RoomEntry(f"{g}-{r}", "w", f"{g}-{r}") for g, r in made),
        tuple(ResidentEntry(f"p{g}-{r}", f"Prøve {g} {r}", f"{g}-{r}") for g, r in made),
        tuple(GatewayEntry(f"gw{g}", f"Gateway {g}", "w") for g in range(gateways)),
        tuple(DeviceEntry(address(g, r, spot), room=f"{g}-{r}", spot=spot) for g, r in made for spot in SPOTS),
        tuple(WindowEntry(f"p{g}-{r}", minute % 1440, (minute + 8 * 60) % 1440) for g, r in made),
    )


AT_ONCE = ("door_at_night", "out_of_bed", "unexpected_activity", "not_returned")
"""Rules that would ring without end at a ward where everything toggles each second; theirs are windows of later."""


def supervised(seed: Seed) -> Seed:
    """The same ward with every rule that its rooms have sensors for in each resident's plan, and a basis.

    What waits is armed now, so that deadlines are made and moved; what rings at once hours from now.
    """
    (window, *_) = seed.door_window
    later = Window(window.from_minute, window.to_minute)
    now = Window((window.from_minute - 12 * 60) % 1440, window.from_minute)
    lines = tuple(
        PlanLine(rule.name, ((later if rule.name in AT_ONCE else now),) if rule.windowed else ())
        for rule in RULES
        if rule.planned and not lacking(rule, frozenset(SPOTS))
    )
    return replace(
        seed,
        door_window=(),
        plan=tuple(PlanEntry(entry.key, lines) for entry in seed.resident),
        basis=tuple(BasisEntry(entry.key, "samtykke", "Bench") for entry in seed.resident),
    )


@dataclass
class Sender:
    """One gateway: it numbers its events and makes batches of them."""

    number: int
    token: str
    rooms: int
    stream: str = ""
    seq: int = 0

    def __post_init__(self) -> None:
        self.stream = self.stream or f"{self.number:032x}"

    def body(self, *, calls: bool) -> Body:
        """The next event: movement, presence, doors, beds and health by turns, a call now and then."""
        turn, room = self.seq, self.seq // 5 % self.rooms
        if calls and turn % CALL_EVERY == 0:
            return Call(address(self.number, room, "call"), "press")
        match turn % 5:
            case 0:
                return Motion(address(self.number, room, "motion"))
            case 1:
                return Presence(address(self.number, room, "presence"), turn // 5 % 2 == 0)
            case 2:
                return Contact(address(self.number, room, "door"), turn // 5 % 2 == 0)
            case 3:
                return Bed(address(self.number, room, "bed"), turn // 5 % 2 == 0)
            case _:
                return Health(address(self.number, room, "call"), battery_percent=80.0, linkquality=turn % 250)

    def line(self, body: Body, at_ms: int) -> bytes:
        """One event as its line."""
        self.seq += 1
        return event_line(EventId(self.stream, self.seq), encode_event(Event(body, moment(at_ms))))

    def batch(self, events: int, *, calls: bool = False, lane: str = "backlog") -> bytes:
        """A whole HTTP request with the next events."""
        now_ms = ServiceClock().now_ms()
        lines = [self.line(self.body(calls=calls), now_ms - 1000) for _ in range(events)]
        return self.request(encode_batch(moment(now_ms), {self.stream: 1}, lines), lane)

    def call(self) -> bytes:
        """A whole HTTP request with one call that happens now."""
        now_ms = ServiceClock().now_ms()
        line = self.line(Call(address(self.number, 0, "call"), "press"), now_ms)
        return self.request(encode_batch(moment(now_ms), {self.stream: 1}, [line]), "urgent")

    def request(self, body: bytes, lane: str) -> bytes:
        """The bytes of one POST."""
        head = (
            f"POST /v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: {CONTENT_TYPE}\r\nNattevakt-Lane: {lane}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def moment(at_ms: int) -> Moment:
    """A gateway's clocks; they are right."""
    return Moment(BOOT, at_ms - 1_790_000_000_000, at_ms, synced=True)


class Line:
    """One kept-alive connection to the centre."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()

    def _connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._held = b""

    def post(self, request: bytes) -> int:
        """Send a request, read its answer whole, give the status."""
        self.socket.sendall(request)
        while b"\r\n\r\n" not in self._held:
            self._more()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(self._held) < length:
            self._more()
        self.answer, self._held = self._held[:length], self._held[length:]
        return int(head[9:12])

    def deliver(self, request: bytes) -> None:
        """Send a batch and come again, as a gateway does, until it is taken."""
        pause_s = 0.0
        while (status := self.post(request)) != 200:
            assert status == 429, (status, self.answer)
            pause_s = min(0.2, pause_s + 0.02)
            time.sleep(pause_s)
            self.close()
            self._connect()

    def _more(self) -> None:
        data = self.socket.recv(262_144)
        assert data, "the centre closed the connection"
        self._held += data

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


class Centre:
    """A running centre with its gateways' keys; `close` ends it."""

    def __init__(self, folder: Path, url: str, seed: Seed, rooms: int, *, rules: bool = True) -> None:
        self.url = url
        self.port = free_port()
        make_ready(url)
        with closing(Database(url)) as db:
            said = apply_seed(db, seed, ServiceClock().now_ms())
            self.tenant_id = db.tenants()[0].id
        tokens = [entry.rpartition(" ")[2] for entry in said if " nv1." in entry]
        self.senders = [Sender(number, token, rooms) for number, token in enumerate(tokens)]
        config = folder / "bench.toml"
        config.write_text(f'[database]\nurl = "{url}"\n[http]\nport = {self.port}\n', encoding="utf-8")
        with (folder / "bench-centre.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bench.serve", str(config), *([] if rules else ["without-rules"])],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        until(self._answers, "the centre listens")

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the centre ended"
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def pipes(self) -> tuple[IO[str], IO[str]]:
        """What the process reads from us, and what it says."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

    def cpu_s(self) -> float:
        """Processor seconds that it has used."""
        found = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(found[11]) + int(found[12])) / 100

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(15)
        for pipe in self.pipes:
            pipe.close()


@contextmanager
def centre(
    url: str, gateways: int = 4, rooms: int = 4, *, rules: bool = True, seed: Seed | None = None
) -> Iterator[Centre]:
    """A seeded, running centre. url "": SQLite in a folder that goes with it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = Centre(
            folder, url or f"sqlite:///{folder / 'bench.sqlite'}", seed or ward(gateways, rooms), rooms, rules=rules
        )
        try:
            yield made
        finally:
            made.close()


def databases(server: Postgres | None) -> Sequence[str]:
    """Which databases there are to measure on."""
    return ("SQLite", "PostgreSQL") if server is not None else ("SQLite",)
