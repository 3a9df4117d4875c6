"""A ward's devices on real interfaces: EnOcean bytes on pseudo-terminals, Zigbee2MQTT JSON on a broker. Serves arrows
1 and 2 from the outside.

Owns one stick and one bridge for each gateway, what the devices are about to say, and the lines to the centre. Time
is a function: service time, at whatever speed. A stage for stories, as far as devices and lines go. Must not know what
is expected of a night, nor the programs that listen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random

from nattevakt.central.alarms.lifecycle import State
from nattevakt.edge.errors import NattevaktError
from nattevakt.sim.clock import Timeline
from nattevakt.sim.line import Proxy
from nattevakt.sim.network import Road
from nattevakt.sim.people import Happening
from nattevakt.sim.says import Published, RadioBytes, Utterance, Voices
from nattevakt.sim.sensors import Bridge, Stick
from nattevakt.sim.stage import Change
from nattevakt.sim.ward import Sensor, Ward

FIRST_REPORT_MS = 6_000
"""Within so long after the beginning every device has been heard once."""
STICK = "enocean-stick"
MODES = {Road.UP: "open", Road.CUT: "cut", Road.HALF_OPEN: "half_open"}


class StageError(NattevaktError):
    """A story asks for something that this stage cannot do."""


class Street:
    """The devices of a ward. Everything is said from the thread that calls `turn`; other threads may use `order`."""

    def __init__(self, ward: Ward, folder: Path, broker: tuple[str, int], begins_ms: int, chance: Random) -> None:
        """folder: each gateway has a folder of its own in it, where its stick appears. broker: host and port."""
        self._ward = ward
        self.line = Timeline(begins_ms)
        self.voices = Voices(ward)
        self.sticks = {g.key: Stick(folder / g.key / STICK) for g in ward.gateways}
        self.lines: Mapping[str, Proxy] = {}
        self._broker = broker
        self._bridges: dict[str, Bridge] = {}
        self._chance = chance
        self._dead: set[str] = set()
        self._lock = threading.Lock()
        self._orders: list[Callable[[], None]] = []

    @property
    def ward(self) -> Ward:
        """The ward whose devices these are."""
        return self._ward

    def start(self) -> None:
        """Plug in the sticks and bring the bridges up. Raises TimeoutError where the broker does not answer."""
        for gateway in self._ward.gateways:
            self.sticks[gateway.key].link.parent.mkdir(parents=True, exist_ok=True)
            self.sticks[gateway.key].plug()
            bridge = self._bridges[gateway.key] = Bridge(*self._broker, gateway.base_topic)
            bridge.ready()
            for utterance in self.voices.bridge(gateway.key):
                self._carry(utterance)

    def report_all(self) -> None:
        """From now on every device that gives signs of life gives them."""
        for sensor in self._ward.sensors:
            if sensor.interval_s is not None:
                own = Random(self._chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
                self.line.after(own.randint(1_000, FIRST_REPORT_MS), partial(self._report, sensor, own))

    def turn(self, now_ms: int) -> None:
        """Let all be said that is due by now, and take the orders of other threads."""
        with self._lock:
            orders, self._orders = self._orders, []
        self.line.run(max(now_ms, self.line.now_ms))
        for order in orders:
            order()

    def order(self, action: Callable[[], None]) -> None:
        """Do something at the next turn; from any thread."""
        with self._lock:
            self._orders.append(action)

    def stop(self) -> None:
        """Pull everything out."""
        for stick in self.sticks.values():
            stick.pull()
        for bridge in self._bridges.values():
            bridge.stop()

    # --- what stories ask for --------------------------------------------------------------------------------

    def later(self, after_ms: int, action: Callable[[], None]) -> None:
        """Do something so much later, in service time."""
        self.line.after(after_ms, action)

    def happens(self, happening: Happening) -> None:
        """Something happens to a resident, at its own moment."""
        self.line.at(happening.at_ms, lambda: self._say(self.voices.of(happening)))

    def road(self, gateway: str, road: Road) -> None:
        """The line between a gateway and the centre changes."""
        if gateway in self.lines:
            self.lines[gateway].set(MODES[road])

    def is_cut(self, gateway: str) -> bool:
        """Whether the line is cut now."""
        return gateway in self.lines and self.lines[gateway].mode == "cut"

    def dies(self, address: str) -> None:
        """A device says nothing any more."""
        self._dead.add(address)

    def lives(self, address: str) -> None:
        """A device speaks again, and says at once how things are."""
        self._dead.discard(address)
        if (sensor := self._ward.sensor(address)) is not None:
            self._say(self.voices.starts(sensor))

    def fault(self, name: str, address: str, chance: Random, *, on: bool = True) -> None:
        """A device gets this fault, or is rid of it."""
        self._say(self.voices.fault(name, address, chance, self.line.now_ms, on=on))

    def bridge_restarts(self, gateway: str, away_ms: int) -> None:
        """A gateway's Zigbee2MQTT goes, comes back so much later, and says again all that it has cached."""
        self._say(self.voices.bridge_restarts(gateway, away_ms))

    # --- what this stage has no hand on; a subclass that has programs or people may ------------------------------

    def gateway_off(self, gateway: str, *, box: bool = True) -> None:
        """A gateway dies: not here."""
        raise StageError(f"gatewayen {gateway} ({box=}) kan ikke stoppes herfra")

    def gateway_on(self, gateway: str) -> None:
        """A gateway comes back: not here."""
        raise StageError(f"gatewayen {gateway} kan ikke startes herfra")

    def card_gone(self, gateway: str) -> None:
        """A gateway gets an empty card: not here."""
        raise StageError(f"kortet i {gateway} kan ikke byttes herfra")

    def clock_lost(self, gateway: str, until_ms: int) -> None:
        """A gateway believes in 1970: not here."""
        raise StageError(f"klokka til {gateway} kan ikke stilles herfra (til {until_ms})")

    def centre_off(self) -> None:
        """The centre dies: not here."""
        raise StageError("sentralen kan ikke stoppes herfra")

    def centre_on(self) -> None:
        """The centre comes back: not here."""
        raise StageError("sentralen kan ikke startes herfra")

    def guest_changes(self, room: str, key: str, name: str) -> None:
        """Somebody else lives in a room: not here."""
        raise StageError(f"{name} ({key}) kan ikke flytte inn på {room} herfra")

    def change(self, says: str, work: Change) -> None:  # noqa: ARG002 - one form for all stages
        """Somebody changes something in the centre: not here."""
        raise StageError(f"dette kan ikke gjøres herfra: {says}")

    def moves(self, worker: str, kind: str, room: str, to: State, cause: str = "", action: str = "") -> None:
        """A member of staff moves an alarm: not here."""
        raise StageError(f"{worker} kan ikke flytte {kind} på {room} til {to.value} herfra {cause}{action}")

    # --- saying ----------------------------------------------------------------------------------------------

    def _report(self, sensor: Sensor, chance: Random) -> None:
        self._say(self.voices.report(sensor))
        every_ms = (sensor.speaks_every_s or 0) * 1000
        self.line.after(round(every_ms * chance.uniform(0.9, 1.0)), lambda: self._report(sensor, chance))

    def _say(self, utterances: tuple[Utterance, ...]) -> None:
        for utterance in utterances:
            self.line.after(utterance.after_ms, partial(self._carry, utterance))

    def _carry(self, utterance: Utterance) -> None:
        said = utterance.said
        if utterance.address in self._dead:
            return
        if isinstance(said, RadioBytes):
            self.sticks[said.gateway].write(said.data)
        elif isinstance(said, Published):
            self._bridges[said.gateway].send(said.topic, said.payload, retain=said.retained)
