"""A scenario played with real processes, faster than life: broker, centre and gateways as installed. Serves
`nattevakt-sim run --real` and the acceptance tests.

Owns the order of things and the pace; devices speak on real pseudo-terminals and a real broker, and what rang is read
from the centre's own database. Must not know what the deeds mean. Real processes are not to the millisecond: what is
expected may come `tolerance_s` real seconds later or earlier, which is stated in every report.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nattevakt.central.db import Database
from nattevakt.central.findings import recent
from nattevakt.central.tablet.i18n import words
from nattevakt.edge.errors import RetryError
from nattevakt.sim.check import judge
from nattevakt.sim.pacing import Pacer
from nattevakt.sim.play import Played, set_the_scene
from nattevakt.sim.programs import Programs, free_port
from nattevakt.sim.scenario import Entry, Night, ScenarioError, Shown
from nattevakt.sim.stage import Scene
from nattevakt.sim.street import Street
from nattevakt.sim.watch import Seen, Watch, room_shown
from nattevakt.sim.world import Trace, chance_of, no_trace

SPEED_MAX = 20.0
TOLERANCE_S = 5.0
"""While time is sped up no limit is shorter than five real seconds; so much later may what rests on one come."""
TURN_S = 0.02
LOOK_S = 0.1
SETTLED_MS = 24 * 3_600_000
BEFORE_MS = 20_000
"""The clocks start so long before the story, at life's own speed, while the programs come up."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a real run goes. speed: at most 20. tolerance_s: real seconds."""

    speed: float = SPEED_MAX
    tolerance_s: float = TOLERANCE_S

    @property
    def slack_ms(self) -> int:
        """The tolerance in simulated milliseconds."""
        return round(self.tolerance_s * self.speed * 1000)


def play_real(night: Night, seed: int, data: Path, pacing: Pacing, trace: Trace = no_trace) -> Played:
    """Play a story once with real processes. data: an empty folder, or one of an earlier demo.

    Raises ScenarioError for a speed that is not allowed, DemoError where a program does not come up, StageError for a
    deed that has no real counterpart here.
    """
    if not 1 <= pacing.speed <= SPEED_MAX:
        raise ScenarioError(f"med virkelige prosesser er farten fra 1 til {SPEED_MAX:g}")
    with contextlib.ExitStack() as stack:
        return _Run(night, seed, data, pacing, trace).play(stack)


class _Run:
    """One run."""

    def __init__(self, night: Night, seed: int, data: Path, pacing: Pacing, trace: Trace) -> None:
        self._night = night
        self._seed = seed
        self._data = data.absolute()
        self._pacing = pacing
        self._trace = trace
        self._now_ms: Callable[[], int] = lambda: night.begins_ms
        self._watch = Watch(self._told)
        self._shown: dict[Shown, str] = {}

    def play(self, stack: contextlib.ExitStack) -> Played:
        night, stop = self._night, threading.Event()
        programs = Programs(night.ward, self._data, free_port(), stop)
        stack.callback(programs.stop)
        programs.prepare("", night.begins_ms - SETTLED_MS)
        programs.start_broker()
        pacer = Pacer(self._data, night.begins_ms - BEFORE_MS)
        stack.callback(pacer.close)
        self._now_ms = pacer.now_ms
        programs.start_central()
        chance = chance_of(self._seed, "street")
        street = Street(night.ward, self._data, ("127.0.0.1", programs.broker_port), pacer.now_ms(), chance)
        street.lines = programs.lines
        stack.callback(street.stop)
        street.start()
        for gateway in night.ward.gateways:
            programs.start_gateway(gateway.key)
        programs.wait("gatewayene", lambda: all(stick.probed.is_set() for stick in street.sticks.values()))
        database = Database(f"sqlite:///{programs.database}")
        stack.callback(database.close)
        street.report_all()
        set_the_scene(night, street, self._seed)
        for number, entry in enumerate(night.entries):
            street.line.at(entry.at_ms, partial(self._happen, street, entry, number))
        for tile in night.shown:
            street.line.at(tile.at_ms, partial(self._look_at, database, tile))
        pacer.set(self._pacing.speed)
        self._turn(street, database, stop, programs.check_alive)
        (tenant,) = database.tenants()
        with database.read(tenant.id) as s:
            found = recent(s, self._now_ms())
        verdict = judge(night, self._watch.seen, self._shown, findings=found, slack_ms=self._pacing.slack_ms)
        return Played(night, self._seed, verdict, self._watch.seen, street.line.steps)

    def _turn(self, street: Street, database: Database, stop: threading.Event, check: Callable[[], None]) -> None:
        """Go on until the night is over."""
        look_at_s = 0.0
        while self._now_ms() < self._night.ends_ms and not stop.wait(TURN_S):
            street.turn(self._now_ms())
            if time.monotonic() >= look_at_s:
                look_at_s = time.monotonic() + LOOK_S
                check()
                self._look(database)
        self._look(database)

    def _happen(self, street: Street, entry: Entry, number: int) -> None:
        self._trace(self._now_ms(), entry.deed.says)
        scene = Scene(street.line.now_ms, chance_of(self._seed, f"deed {number}"), self._night.moment)
        entry.deed.play(street, scene)

    def _look(self, database: Database) -> None:
        with contextlib.suppress(RetryError):
            (tenant,) = database.tenants()
            with database.read(tenant.id) as s:
                self._watch.look(s, self._now_ms())

    def _look_at(self, database: Database, tile: Shown) -> None:
        (tenant,) = database.tenants()
        with database.read(tenant.id) as s:
            view = room_shown(s, tile.room, words("nb"), self._night.zone, self._now_ms())
        self._shown[tile] = view.seen if view is not None else "ikke noe slikt rom"

    def _told(self, seen: Seen) -> None:
        how = f"slutter ({seen.ended_as})" if seen.ended_ms is not None else f"ringer: {seen.reason}"
        self._trace(self._now_ms(), f"ALARM {seen.kind} {seen.room or seen.about} {how}")
