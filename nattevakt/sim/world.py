"""A whole ward in one process under virtual time: gateways, centre, the roads between, and those who watch.

Owns how the parts are joined and the verbs by which a story moves them; time jumps to the next moment at which
something happens. Every part runs the product's own code. Must not know scenarios or what is expected. Each source of
chance is a `Random` of its own, made from the seed and a purpose, so that one more question in one place changes
nothing elsewhere.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.db import TenantSession
from nattevakt.central.seed_file import load_seed
from nattevakt.edge.errors import NattevaktError, RetryError
from nattevakt.sim import changes
from nattevakt.sim.acts import Act as Deed
from nattevakt.sim.centre import Centre, Stock, Workings
from nattevakt.sim.clock import CentreClock, GatewayClock, Timeline
from nattevakt.sim.devices.device import MEANS
from nattevakt.sim.host import GatewayHost, GatewayWorkings
from nattevakt.sim.network import Link, Road
from nattevakt.sim.people import Happening
from nattevakt.sim.says import RadioBytes, Utterance, Voices
from nattevakt.sim.stage import Change
from nattevakt.sim.ward import Gateway, Sensor, Ward
from nattevakt.sim.watch import Seen, Watch
from nattevakt.sim.witness import Nobody, Witness

Trace = Callable[[int, str], None]
"""Told of everything worth a line: (true Unix ms, a sentence)."""
STATES = frozenset(
    (Deed.IN_BED, Deed.OUT_OF_BED, Deed.SITS, Deed.RISES, Deed.ENTERS, Deed.LEAVES, Deed.OPENS, Deed.CLOSES)
)
"""What leaves something as it is until the next of its kind."""
AGAIN_MS = 1_000
"""Somebody who must have something changed in the centre tries again so much later."""
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
    centre: type[Centre] = Centre
    """How the centre is reached: its functions called, or (explore/asgi.py) requests to its application."""


class World:
    """One simulated night in the making: `start`, tell it what happens, `run`."""

    def __init__(self, plan: Plan, trace: Trace = no_trace) -> None:
        self.plan = plan
        self.line = Timeline(plan.begins_ms)
        self.watch = Watch(self._seen)
        self.witness: Witness = Nobody()
        self.voices = Voices(plan.ward)
        self.hosts: dict[str, GatewayHost] = {}
        self._trace = trace
        self.troubles: list[str] = []
        self._wanted: deque[tuple[str, Change]] = deque()
        """What the story wanted and could not have."""
        self.pages: list[Callable[[], None]] = []
        """Whoever has a page open: called when the centre says that something on it has changed."""
        self.clones: dict[str, GatewayHost] = {}
        """Second boxes that run on a copy of a gateway's card, by the gateway's key."""
        self.ills: Counter[tuple[str, str]] = Counter()
        """What befalls whom now, and how often at once: (name, about)."""
        self.acts: dict[str, Deed] = {}
        """The last thing that happened before each device, whatever it made of it."""
        self._dead: Counter[str] = Counter()
        self._acts = 0
        self._old = False
        """The centre has gone on from an older copy, and nobody has looked since."""
        clock = CentreClock(self.line)
        self.centre = plan.centre(plan.folder / "centre", plan.stock, self.line, clock, plan.workings, self._look)

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
            host = self.hosts[gateway.key] = self._box(gateway, gateway.key, clock, link, chance)
            host.booted = partial(self.bridge_up, gateway.key)
            self.bridge_up(gateway.key)
            host.start()
        self._report_all()

    def _box(self, gateway: Gateway, folder: str, clock: GatewayClock, link: Link, chance: Random) -> GatewayHost:
        return GatewayHost(
            self.ward,
            gateway,
            self.plan.folder / folder,
            self.line,
            clock,
            link,
            chance,
            workings=self.plan.gateways,
            asks=lambda key, port, asked: self._say(self.voices.hears(key, port, asked)),
        )

    def run(self, until_ms: int, each: Callable[[], None] | None = None) -> None:
        """Let time go on until this moment. each: called after each thing that happens."""
        self.line.run(until_ms, each)
        if self.centre.up:
            # What was stored without a word to the tablets is no less there.
            self._look()

    def close(self) -> None:
        """Give everything back."""
        for host in (*self.hosts.values(), *self.clones.values()):
            host.kill()
        self.centre.kill()

    def told(self, sentence: str) -> None:
        """Put a sentence in the trace, at this moment."""
        self._trace(self.line.now_ms, sentence)

    # --- what people and devices do --------------------------------------------------------------------------

    def happens(self, happening: Happening) -> None:
        """Something happens to a resident, at its own moment."""

        def happen() -> None:
            told = self.voices.of(happening)
            self.witness.happened(happening, told)
            self._note(happening)
            self._say(told)

        self.line.at(happening.at_ms, happen)

    @property
    def silent(self) -> tuple[str, ...]:
        """The devices that say nothing now."""
        return tuple(sorted(address for address, times in self._dead.items() if times))

    def _note(self, happening: Happening) -> None:
        resident = self.ward.resident(happening.resident)
        sensor = resident.sensor(MEANS[happening.act][0], happening.spot) if resident is not None else None
        if sensor is not None:
            self.acts[sensor.address] = happening.act

    def again(self, address: str) -> None:
        """A device that did not notice what happened notices how things are."""
        act = self.acts.get(address)
        if act in STATES:
            self._say(self.voices.does(address, act))

    def dies(self, address: str) -> None:
        """A device says nothing any more, until it has been given back its life as often."""
        self._dead[address] += 1

    def lives(self, address: str) -> None:
        """A device speaks again, and says at once how things are."""
        self._dead[address] = max(0, self._dead[address] - 1)
        if self._dead[address]:
            return
        sensor = self.ward.sensor(address)
        if sensor is not None:
            self._say(self.voices.starts(sensor))

    def fault(self, name: str, address: str, chance: Random, *, on: bool = True) -> None:
        """A device gets this fault, or is rid of it."""
        told = self.voices.fault(name, address, chance, self.line.now_ms, on=on)
        self.witness.faulted(name, address, told, on=on)
        self._say(told)

    def bridge_restarts(self, gateway: str, away_ms: int) -> None:
        """A gateway's Zigbee2MQTT goes, comes back so much later, and says again all that it has cached."""
        self.told(f"broen til {gateway} starter på nytt")
        self._say(self.voices.bridge_restarts(gateway, away_ms))

    def _say(self, utterances: tuple[Utterance, ...]) -> None:
        for utterance in utterances:
            self.line.after(utterance.after_ms, partial(self._carry, utterance))

    def _carry(self, utterance: Utterance) -> None:
        host = self.hosts.get(utterance.said.gateway)
        if host is not None and not self._dead[utterance.address]:
            said = utterance.said
            reached = host.listens(said.port) if isinstance(said, RadioBytes) else host.session.keeps
            self.witness.carried(utterance, reached=reached)
            host.hears(said)

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

    def falls_ill(self, name: str, about: str) -> bool:
        """Something begins to befall somebody. Gives whether it is not so already."""
        self.ills[name, about] += 1
        return self.ills[name, about] == 1

    def recovers(self, name: str, about: str) -> bool:
        """Something is over. Gives whether it is so no more, for another of its kind may last."""
        self.ills[name, about] = max(0, self.ills[name, about] - 1)
        return not self.ills[name, about]

    def bridge_up(self, gateway: str) -> None:
        """A gateway's Zigbee2MQTT says that it is there, and whom it knows."""
        self._say(self.voices.bridge(gateway))

    def speaks_up(self, gateway: str) -> None:
        """All of a gateway's devices on the broker, but those of its bridge, connect anew and say how things are."""
        self.bridge_up(gateway)
        for sensor in self.ward.of_gateway(gateway):
            if not sensor.is_serial and not sensor.is_zigbee:
                self._say(self.voices.report(sensor))

    def clone(self, gateway: str, copy: Path, chance: Random) -> GatewayHost:
        """A second box runs on a copy of a gateway's card, somewhere else: no radio, no device, an empty broker."""
        named = next(one for one in self.ward.gateways if one.key == gateway)
        own = [Random(chance.getrandbits(64)) for _ in range(3)]  # noqa: S311 - a simulation, not a secret
        link = Link(self.line, own[0], self.centre, self.hosts[gateway].link.credential)
        folder = f"{gateway}-clone-{sum(self.ills.values())}-{self.line.now_ms}"
        host = self.clones[gateway] = self._box(named, folder, GatewayClock(self.line, own[1]), link, own[2])
        for port in host.ports:
            host.plug(in_=False, port=port)
        host.replace_card(copy)
        host.start()
        return host

    def insist(self, says: str, work: Change) -> None:
        """Somebody has something changed in the centre, as soon as it can be; what was wanted first is done first.

        work may be done twice: a centre that died over it may have done it, and whoever waits does not know.
        """
        self._wanted.append((says, work))
        if len(self._wanted) == 1:
            self._try_wanted()

    def _try_wanted(self) -> None:
        while self._wanted:
            says, work = self._wanted[0]
            try:
                self.centre.by_people(work)
            except RetryError:
                self.later(AGAIN_MS, self._try_wanted)
                return
            except NattevaktError as error:
                self.troubles.append(f"{says}: {error}")
            self._wanted.popleft()

    def road(self, gateway: str, road: Road) -> None:
        """A link is cut, half open, or whole again."""
        self.hosts[gateway].link.road = road
        self.told(f"lenken til {gateway}: {road.value}")

    def gateway_off(self, gateway: str, *, box: bool = True) -> None:
        """A gateway loses its power, or (box False) only its agent stops; until as many `gateway_on` have come."""
        self.told(f"gateway {gateway} dør")
        self.hosts[gateway].off(box=box)

    def gateway_on(self, gateway: str) -> None:
        """A gateway comes back; a box that was off brings its broker and bridge up with it."""
        self.told(f"gateway {gateway} starter")
        if self.hosts[gateway].on():
            self.bridge_up(gateway)

    def card_gone(self, gateway: str) -> None:
        """A gateway that is off gets an empty card."""
        self.hosts[gateway].replace_card(None)

    def clock_lost(self, gateway: str, until_ms: int) -> None:
        """From its next boot on, a gateway believes in 1970 until this moment."""
        clock = self.hosts[gateway].clock
        clock.synced_from_ms, clock.lost_ms = until_ms, 0

    def centre_off(self) -> None:
        """The centre dies, until as many `centre_on` have come."""
        self.told("sentralen dør")
        self.centre.off()

    def centre_on(self) -> None:
        """The centre starts again on what its disk holds."""
        self.told("sentralen starter")
        self.centre.on()

    def centre_restored(self, copy: Path) -> None:
        """The centre's disk is gone; it goes on from this older copy, and so do those who watch."""
        self.told("sentralen gjenopprettes fra en sikkerhetskopi")
        self.centre.restore(copy)
        self._old = True

    def guest_changes(self, room: str, key: str, name: str) -> None:
        """Somebody else lives in a room from now on, or as soon as the centre can be told."""
        renames = self.plan.renames_guests

        def work(s: TenantSession, now_ms: int) -> None:
            changes.guest(s, self.ward, room, key, name, now_ms, renames=renames)

        self.insist(f"{name} flytter inn på {room}", work)

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
        except NattevaktError as error:
            self.troubles.append(f"{worker} fikk ikke flyttet {kind} på {room} til {to.value}: {error}")

    def _act(self, seen: Seen, worker: str, to: State, cause: str, action: str) -> None:
        self._acts += 1
        with self.centre.db.read(self.centre.tenant.id) as s:
            staff_id = changes.staff_id(s, worker)
        self.centre.act(Act(seen.alarm_id, to, staff_id, None, f"act-{self._acts}", cause, action))
        self.told(f"{worker}: {seen.kind} {seen.room} → {to.value}")

    def _look(self) -> None:
        for hint in self.pages:
            hint()
        if not self.centre.up:
            return
        try:
            with self.centre.db.read(self.centre.tenant.id) as s:
                if self._old:
                    self.watch.restored(s, self.line.now_ms)
                self._old = False
                self.watch.look(s, self.line.now_ms)
        except RetryError:
            # No database to read; whoever watches looks again.
            self.later(AGAIN_MS, self._look)

    def _seen(self, seen: Seen) -> None:
        how = f"slutter ({seen.ended_as})" if seen.ended_ms is not None else f"ringer: {seen.reason}"
        self.told(f"ALARM {seen.kind} {seen.room or seen.about} {how}")
