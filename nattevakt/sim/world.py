"""A whole ward in one process under virtual time: gateways, centre, the roads between, and those who watch.

Owns how the parts are joined and the verbs by which a story moves them; time jumps to the next moment at which
something happens. Every part runs the product's own code. Must not know scenarios or what is expected. Each source of
chance is a `Random` of its own, made from the seed and a purpose, so that one more question in one place changes
nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.seed_file import load_seed
from nattevakt.edge.errors import NattevaktError, RejectError
from nattevakt.sim import changes
from nattevakt.sim.centre import Centre, Stock, Workings
from nattevakt.sim.clock import CentreClock, GatewayClock, Timeline
from nattevakt.sim.host import GatewayHost, GatewayWorkings
from nattevakt.sim.network import Link, Road
from nattevakt.sim.people import Happening
from nattevakt.sim.says import Utterance, Voices
from nattevakt.sim.stage import Change
from nattevakt.sim.ward import Sensor, Ward
from nattevakt.sim.watch import Seen, Watch

Trace = Callable[[int, str], None]
"""Told of everything worth a line: (true Unix ms, a sentence)."""
FIRST_REPORT_MS = 40_000
"""Within so long after the beginning every device has been heard once."""


def no_trace(_at_ms: int, _sentence: str) -> None:
    """The trace of a run that nobody looks into."""


def chance_of(seed: int, purpose: str) -> Random:
    """A source of chance of its own: the same for the same seed and purpose, in any process."""
    return Random(f"{seed}:{purpose}")  # noqa: S311 - a simulation, not a secret


@dataclass(slots=True)
class Plan:
    """What a world is made from. folder: an empty one for its files, best on memory-backed storage. stock: shared by
    worlds of one program, so that the database is migrated once."""

    ward: Ward
    begins_ms: int
    seed: int
    folder: Path
    stock: Stock
    workings: Workings = field(default_factory=Workings)
    renames_guests: bool = False
    """The ward's clerk writes a change of guest carelessly (a broken twin)."""
    clocks_lie: bool = False
    """Gateways say that their clocks are synchronised when they are not (a broken twin)."""
    gateways: GatewayWorkings = field(default_factory=GatewayWorkings)


class World:
    """One simulated night in the making: `start`, tell it what happens, `run`."""

    def __init__(self, plan: Plan, trace: Trace = no_trace) -> None:
        self.plan = plan
        self.line = Timeline(plan.begins_ms)
        self.watch = Watch(self._seen)
        self.voices = Voices(plan.ward)
        self.hosts: dict[str, GatewayHost] = {}
        self._trace = trace
        self.troubles: list[str] = []
        """What the story wanted and could not have."""
        self._dead: set[str] = set()
        self._acts = 0
        clock = CentreClock(self.line)
        self.centre = Centre(plan.folder / "centre", plan.stock, self.line, clock, plan.workings, self._look)

    @property
    def ward(self) -> Ward:
        """The ward that lives here."""
        return self.plan.ward

    def later(self, after_ms: int, action: Callable[[], None]) -> None:
        """Do something so much later."""
        self.line.after(after_ms, action)

    def start(self) -> None:
        """Bring everything up: the centre with its ward, then each gateway and its devices."""
        self.centre.start()
        seed_file = self.plan.folder / "ward.toml"
        seed_file.write_text(self.ward.seed_toml(), encoding="utf-8")
        tokens = self.centre.seed(load_seed(seed_file))
        for gateway in self.ward.gateways:
            chance = chance_of(self.plan.seed, f"gateway {gateway.key}")
            link = Link(self.line, chance_of(self.plan.seed, f"link {gateway.key}"), self.centre, tokens[gateway.key])
            clock = GatewayClock(self.line, chance_of(self.plan.seed, f"clock {gateway.key}"))
            clock.lies = self.plan.clocks_lie
            folder = self.plan.folder / gateway.key
            host = GatewayHost(
                self.ward,
                gateway,
                folder,
                self.line,
                clock,
                link,
                chance,
                workings=self.plan.gateways,
                asks=lambda key, port, asked: self._say(self.voices.hears(key, port, asked)),
            )
            self.hosts[gateway.key] = host
            self._say(self.voices.bridge(gateway.key))
            host.start()
        self._report_all()

    def run(self, until_ms: int, each: Callable[[], None] | None = None) -> None:
        """Let time go on until this moment. each: called after each thing that happens."""
        self.line.run(until_ms, each)
        if self.centre.up:
            # What was stored without a word to the tablets is no less there.
            self._look()

    def close(self) -> None:
        """Give everything back."""
        for host in self.hosts.values():
            host.kill()
        self.centre.kill()

    def told(self, sentence: str) -> None:
        """Put a sentence in the trace, at this moment."""
        self._trace(self.line.now_ms, sentence)

    # --- what people and devices do --------------------------------------------------------------------------

    def happens(self, happening: Happening) -> None:
        """Something happens to a resident, at its own moment."""
        self.line.at(happening.at_ms, lambda: self._say(self.voices.of(happening)))

    def dies(self, address: str) -> None:
        """A device says nothing any more."""
        self._dead.add(address)

    def lives(self, address: str) -> None:
        """A device speaks again, and says at once how things are."""
        self._dead.discard(address)
        sensor = self.ward.sensor(address)
        if sensor is not None:
            self._say(self.voices.starts(sensor))

    def fault(self, name: str, address: str, chance: Random, *, on: bool = True) -> None:
        """A device gets this fault, or is rid of it."""
        self._say(self.voices.fault(name, address, chance, self.line.now_ms, on=on))

    def bridge_restarts(self, gateway: str, away_ms: int) -> None:
        """A gateway's Zigbee2MQTT goes, comes back so much later, and says again all that it has cached."""
        self.told(f"broen til {gateway} starter på nytt")
        self._say(self.voices.bridge_restarts(gateway, away_ms))

    def _say(self, utterances: tuple[Utterance, ...]) -> None:
        for utterance in utterances:
            self.line.after(utterance.after_ms, partial(self._carry, utterance))

    def _carry(self, utterance: Utterance) -> None:
        host = self.hosts.get(utterance.said.gateway)
        if host is not None and utterance.address not in self._dead:
            host.hears(utterance.said)

    def _report_all(self) -> None:
        chance = chance_of(self.plan.seed, "reports")
        for sensor in self.ward.sensors:
            if sensor.interval_s is not None:
                own = Random(chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
                self.line.after(own.randint(2_000, FIRST_REPORT_MS), partial(self._report, sensor, own))

    def _report(self, sensor: Sensor, chance: Random) -> None:
        self._say(self.voices.report(sensor))
        every_ms = (sensor.speaks_every_s or 0) * 1000
        self.line.after(round(every_ms * chance.uniform(0.9, 1.0)), lambda: self._report(sensor, chance))

    # --- what befalls the installation -----------------------------------------------------------------------

    def road(self, gateway: str, road: Road) -> None:
        """A link is cut, half open, or whole again."""
        self.hosts[gateway].link.road = road
        self.told(f"lenken til {gateway}: {road.value}")

    def gateway_off(self, gateway: str, *, box: bool = True) -> None:
        """A gateway loses its power, or (box False) only its agent stops."""
        self.told(f"gateway {gateway} dør")
        self.hosts[gateway].kill(box=box)

    def gateway_on(self, gateway: str) -> None:
        """A gateway comes back; a box that was off brings its broker and bridge up with it."""
        self.told(f"gateway {gateway} starter")
        host = self.hosts[gateway]
        boots = not host.session.remembers
        host.start(boot=boots)
        if boots:
            self._say(self.voices.bridge(gateway))

    def clock_lost(self, gateway: str, until_ms: int) -> None:
        """From its next boot on, a gateway believes in 1970 until this moment."""
        clock = self.hosts[gateway].clock
        clock.synced_from_ms, clock.lost_ms = until_ms, 0

    def centre_off(self) -> None:
        """The centre dies."""
        self.told("sentralen dør")
        self.centre.kill()

    def centre_on(self) -> None:
        """The centre starts again on what its disk holds."""
        self.told("sentralen starter")
        self.centre.start()

    def guest_changes(self, room: str, key: str, name: str) -> None:
        """Somebody else lives in a room from now on."""
        renames = self.plan.renames_guests
        self.centre.change(lambda s, now_ms: changes.guest(s, self.ward, room, key, name, now_ms, renames=renames))

    def change(self, says: str, work: Change) -> None:
        """Somebody changes something in the centre; where that cannot be, the night is troubled."""
        if not self.centre.up:
            self.troubles.append(f"{says}: sentralen er nede")
            return
        try:
            self.centre.change(work)
        except NattevaktError as error:
            self.troubles.append(f"{says}: {error}")

    # --- people at tablets -----------------------------------------------------------------------------------

    def moves(self, worker: str, kind: str, room: str, to: State, cause: str = "", action: str = "") -> None:
        """A member of staff moves the open alarm of this kind in this room; where that cannot be, the night is
        troubled."""
        seen = self.watch.open(kind, room)
        if seen is None or not self.centre.up:
            self.troubles.append(f"{worker} fant ingen åpen {kind} på {room} å flytte til {to.value}")
            return
        try:
            self._act(seen, worker, to, cause, action)
        except RejectError as error:
            self.troubles.append(f"{worker} fikk ikke flyttet {kind} på {room} til {to.value}: {error}")

    def _act(self, seen: Seen, worker: str, to: State, cause: str, action: str) -> None:
        self._acts += 1
        with self.centre.db.read(self.centre.tenant.id) as s:
            staff_id = changes.staff_id(s, worker)
        self.centre.act(Act(seen.alarm_id, to, staff_id, None, f"act-{self._acts}", cause, action))
        self.told(f"{worker}: {seen.kind} {seen.room} → {to.value}")

    def _look(self) -> None:
        with self.centre.db.read(self.centre.tenant.id) as s:
            self.watch.look(s, self.line.now_ms)

    def _seen(self, seen: Seen) -> None:
        how = f"slutter ({seen.ended_as})" if seen.ended_ms is not None else f"ringer: {seen.reason}"
        self.told(f"ALARM {seen.kind} {seen.room or seen.about} {how}")
