"""A gateway machine: the real core on a real outbox file, with simulated ports, broker session and clocks. Serves
arrows 1 to 5.

Owns what the agent's threads own in production: when the core is called, with what, and where its outputs go. Must
not decide anything about events, and must not know the centre: a link carries the requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from nattevakt.edge.drivers.enocean.frame import Frame, feed
from nattevakt.edge.drivers.registry import MQTT_DIALECTS, SERIAL_DRIVERS, MqttDialect, SerialDriver
from nattevakt.edge.interpret import interpret
from nattevakt.gateway import inputs as io
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import Core
from nattevakt.gateway.health import Machine
from nattevakt.gateway.identity import mint_stream
from nattevakt.gateway.inputs import Now
from nattevakt.gateway.interpreting import Interpret
from nattevakt.gateway.outbox import Outbox, OutboxLimits
from nattevakt.gateway.siren import Sirens
from nattevakt.gateway.sources import Rooted, Sources
from nattevakt.sim.clock import Appointment, GatewayClock, Timeline
from nattevakt.sim.devices.device import Published, RadioBytes, Said
from nattevakt.sim.devices.siren import SimSiren
from nattevakt.sim.network import Link
from nattevakt.sim.power import Disk, Fuse, survives
from nattevakt.sim.sensors import COMMON_COMMAND, READ_BASE_ID, RESPONSE
from nattevakt.sim.session import Session
from nattevakt.sim.storage import Storage
from nattevakt.sim.ward import PORT, Gateway, Ward

TURN_MS = 10
"""The agent never turns faster than this while nothing comes in."""
IDLE_S = 60.0
"""And it need not turn more often than this where it says that nothing will fall due: time jumps over the rest."""
PULLED = "SerialException"
"""What an agent is told of a line that is out, be it pulled from under it or out when it starts."""
RECONNECT_MS = 400
FREE_MB = 24_000
"""What a card says that it has left, whatever machine plays; a heartbeat's length must not depend on that."""
BOOT_MS = 15_000
"""From a loss of power of a moment to an agent that runs."""
RESTART_MS = 1_500
"""From an agent that a fuse has cut off to the next one that runs; the box and its broker stay up."""
Asks = Callable[[str, str, bytes], None]
"""(gateway, port, bytes that the agent sent there)."""


def _nobody() -> None:
    """Nobody wants to know."""


def no_ears(_gateway: str, _port: str, _asked: bytes) -> None:
    """Nobody answers on any line but the stick."""


@dataclass(frozen=True, slots=True)
class GatewayWorkings:
    """The parts of a gateway that a broken twin may break: its drivers, its dialects, and what it takes for news."""

    drivers: Mapping[str, SerialDriver] = field(default_factory=lambda: SERIAL_DRIVERS)
    dialects: Mapping[str, MqttDialect] = field(default_factory=lambda: MQTT_DIALECTS)
    interpret: Interpret = interpret


@dataclass(frozen=True, slots=True)
class SimMachine(Machine):
    """The machine as a heartbeat tells of it. free_mb: what is left on its disk."""

    free_mb: Callable[[], int] = lambda: FREE_MB

    def disk_free_mb(self) -> int:
        """Free space where the outbox is."""
        return self.free_mb()

    def temperature_c(self) -> float | None:
        """It does not tell."""
        return None


class GatewayHost:
    """One gateway box. It is off until `start`. held: for how many reasons it is kept off, so that of two power cuts
    the later one ends it."""

    def __init__(
        self,
        ward: Ward,
        gateway: Gateway,
        folder: Path,
        line: Timeline,
        clock: GatewayClock,
        link: Link,
        chance: Random,
        limits: OutboxLimits | None = None,
        *,
        workings: GatewayWorkings | None = None,
        asks: Asks | None = None,
    ) -> None:
        """asks: told of bytes that the agent sends on a serial line, for whoever answers there."""
        self.key = gateway.key
        self.clock = clock
        self.link = link
        self.sirens = tuple(SimSiren(siren, gateway.base_topic) for siren in gateway.sirens)
        self._base_topic = gateway.base_topic
        self._disk = Disk(folder, "outbox.sqlite")
        self.fuse = Fuse(self._disk.hold)
        self.storage = Storage(self._disk, self.fuse)
        self.held = 0
        self.booted: Callable[[], None] = _nobody
        """Called when the box has booted by itself, after power that was gone for a moment."""
        self.session = Session(self._put)
        self.lives = 0
        self.turns = 0
        self.card = 0
        """Which card is in it: one more each time that it is changed for another, or for an old copy of itself."""
        self._ward = ward
        self._workings = workings or GatewayWorkings()
        self._asks = asks or no_ears
        self._ports = ward.ports(gateway.key)
        self._line = line
        self._chance = chance
        self.limits = limits or OutboxLimits()
        """The bounds of its outbox, from the next start of its agent on."""
        self._core: Core | None = None
        self._outbox: Outbox | None = None
        self._inbox: list[io.Input] = []
        self._wake = 0
        self._due_ms = -1
        self._appointed: Appointment | None = None
        self._out: set[str] = set()
        """Serial lines that are pulled out."""

    # --- power -----------------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether its agent runs."""
        return self._core is not None

    def start(self, *, boot: bool = True) -> None:
        """Start the agent. boot: the whole box was off, so its kernel and its broker begin anew too."""
        if self.up:
            return
        if boot or not self.clock.boot:
            self.clock.power_on()
        self.lives += 1
        mint = partial(mint_stream, self._chance.randbytes)
        self._outbox = Outbox(self._disk.path, self.limits, mint, connect=self.storage.connect)
        works = self._workings
        drivers = {port: (name, works.drivers[name]) for port, name in self._ports.items()}
        spoken = self._ward.dialects(self.key)
        dialects = {name: Rooted(works.dialects[name], topic) for name, topic in spoken.items()}
        sources = Sources(self._ward.devices(self.key), drivers, dialects)
        here = self._disk.path.parent
        machine = SimMachine(here, here / "none", lambda: FREE_MB if self.storage.well else 0)
        self._core = Core(
            sources,
            self._outbox,
            machine,
            guard,
            self._chance.random,
            probe=self.fuse,
            interpreter=works.interpret,
            sirens=Sirens(tuple(one.siren for one in self.sirens), self._base_topic),
        )
        self._inbox = [io.PortDown(port, PULLED) if port in self._out else io.PortUp(port) for port in self._ports]
        self._turn_at(self._line.now_ms)
        self._line.after(RECONNECT_MS, self._alive(self.session.connect))

    def kill(self, *, box: bool = True) -> None:
        """The agent is gone between two instructions. box: so is its broker, with all that it held."""
        if self._outbox is None:
            if box:
                self.session.forget()
            return
        self._disk.cut()
        self._outbox.close()
        self._core = self._outbox = None
        self._inbox = []
        self._wake += 1
        self.link.reset()
        self.session.disconnect()
        if box:
            self.session.forget()

    def off(self, *, box: bool = True) -> None:
        """One more reason why it is off. box: the whole box is without power, else its agent alone is gone."""
        self.held += 1
        self.kill(box=box)

    def on(self) -> bool:
        """One reason less. Gives whether it boots: a box that was off brings its broker up with it, empty."""
        self.held = max(0, self.held - 1)
        boots = not self.session.remembers
        if self.held or self.up:
            return False
        self.start(boot=boots)
        return boots

    def _again(self) -> None:
        """The supervisor of the box starts the agent anew, if the box has power."""
        if not self.held and not self.up:
            self.start(boot=False)

    def _boots(self) -> None:
        """The power is back, if nobody keeps the box off."""
        if not self.held and not self.up:
            self.start()
            self.booted()

    def replace_card(self, copy: Path | None) -> Path:
        """Another card is put in: an empty one, or a copy of one. Only while it is off. Gives where the one that is
        gone still lies."""
        self.card += 1
        return self._disk.replace(copy)

    def copy_card(self) -> Path:
        """A copy of the card as it is now."""
        return self._disk.copy()

    @property
    def disk_fine(self) -> bool:
        """Whether its disk takes what is written."""
        return self.storage.well

    # --- what it hears ---------------------------------------------------------------------------------------

    def hears(self, said: Said) -> None:
        """A device of this gateway speaks. A radio is heard only while somebody listens; a broker keeps."""
        if isinstance(said, Published):
            if said.kept:
                self.session.hand_out(said.topic, said.payload)
            else:
                self.session.publish(said.topic, said.payload, retained=said.retained)
        elif self.listens(said.port):
            self._put(io.SerialBytes(said.port, said.data, self.clock.boottime_ms()))

    def listens(self, port: str) -> bool:
        """Whether an agent has this serial line open."""
        return self.up and port not in self._out

    def plug(self, *, in_: bool, port: str = PORT) -> None:
        """The radio stick, or what else is on a serial line, is put in or pulled out."""
        if in_ == (port not in self._out):
            return
        (self._out.discard if in_ else self._out.add)(port)
        if self.up:
            self._put(io.PortUp(port) if in_ else io.PortDown(port, PULLED))

    @property
    def ports(self) -> tuple[str, ...]:
        """Its serial lines."""
        return tuple(self._ports)

    def is_out(self, port: str) -> bool:
        """Whether this serial line is pulled out."""
        return port in self._out

    @property
    def disk_life(self) -> int:
        """Which image of its disk this is: one more with each cut and each change of the card."""
        return self._disk.life

    @property
    def disk_path(self) -> Path:
        """Where the outbox's file is: of the life that goes on, or as the last cut left it."""
        return self._disk.path

    @property
    def next_seq(self) -> int:
        """The number that the next row gets; 0 while the file is not open."""
        return self._outbox.next_seq if self._outbox is not None and self._outbox.ready else 0

    def unsent(self) -> int:
        """How many rows the centre has not acknowledged; 0 while it is off."""
        return self._outbox.unsent.total() if self._outbox is not None and self._outbox.ready else 0

    def _put(self, given: io.Input) -> None:
        if self.up:
            self._inbox.append(given)
            self._turn_at(self._line.now_ms)

    # --- the agent's loop ------------------------------------------------------------------------------------

    def _alive(self, action: Callable[[], None]) -> Callable[[], None]:
        """An action that happens only if this life still goes on by then."""
        life = self.lives

        def act() -> None:
            if self.up and self.lives == life:
                action()

        return act

    def _turn_at(self, at_ms: int) -> None:
        """Turn at this moment; an earlier appointment is kept instead, a later one is dropped."""
        if self._line.now_ms <= self._due_ms <= at_ms:
            return
        self._due_ms = at_ms
        self._wake += 1
        wake = self._wake
        if self._appointed is not None:
            self._appointed.drop()

        def act() -> None:
            if wake == self._wake and self.up:
                self._turn()

        self._appointed = self._line.at(at_ms, act)

    def _turn(self) -> None:
        core = self._core
        if core is None:
            return
        self.turns += 1
        given, self._inbox = self._inbox, []
        self._due_ms = -1
        now = Now(self.clock.now(), self.clock.monotonic())
        outputs: list[io.Output] = []
        tears = self.storage.tears
        if not survives(lambda: outputs.extend(core.handle(given, now))):
            # Only the loss of power tears what is being written, and it takes the whole box.
            box = self.storage.tears > tears
            self.kill(box=box)
            self._line.after(BOOT_MS if box else RESTART_MS, self._boots if box else self._again)
            return
        for output in outputs:
            self._do(output)
        if not self._inbox:
            wake_ms = self.clock.true_ms(core.wake_at_s(now, IDLE_S))
            if not now.moment.synced:
                wake_ms = min(wake_ms, self.clock.synced_from_ms)
            self._turn_at(max(wake_ms, self._line.now_ms + TURN_MS))

    def _do(self, output: io.Output) -> None:
        if isinstance(output, io.HttpSend):
            life = self.lives

            def deliver(answer: io.HttpReply | io.HttpFailed) -> None:
                if self.lives == life:
                    self._put(answer)

            self.link.send(output, deliver)
        elif isinstance(output, io.AckMqtt):
            self.session.ack(output)
        elif isinstance(output, io.SerialSend):
            self._asks(self.key, output.port, output.data)
            if output.port == PORT:
                self._answer(output.data)
        elif isinstance(output, io.MqttSend):
            self._tell_sirens(output)
        else:
            self.session.disconnect("reconnecting")
            self._line.after(RECONNECT_MS, self._alive(self.session.connect))

    def _tell_sirens(self, sent: io.MqttSend) -> None:
        """What the agent publishes goes to the sirens, if the broker is there; their own reports come back."""
        if not self.session.connected or self.session.down:
            return
        for siren in self.sirens:
            self._reports(siren, siren.hear(sent.topic, sent.payload, self._line.now_ms))
            if siren.due_ms is not None:
                self._line.at(siren.due_ms, partial(self._ends, siren))

    def _ends(self, siren: SimSiren) -> None:
        self._reports(siren, siren.tick(self._line.now_ms))

    def _reports(self, siren: SimSiren, payload: bytes | None) -> None:
        if payload is not None:
            self.session.publish(siren.topic, payload, retained=False)

    def _answer(self, asked: bytes) -> None:
        """The stick answers the question whether it is there, as a real one does."""
        frames, _, _ = feed(b"", asked)
        for frame in frames:
            if frame.packet_type == COMMON_COMMAND and frame.data[:1] == bytes([READ_BASE_ID]):
                answer = Frame(RESPONSE, b"\x00\xff\x9e\x55\x00", b"\x0a").to_bytes()
                self._line.after(5, self._alive(partial(self.hears, RadioBytes(self.key, answer))))
