"""A small world with the judge looking on, for tests that break one thing in it on purpose."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.acts import Act
from nattevakt.sim.centre import Stock, Workings
from nattevakt.sim.explore.invariants import Tablet, no_tablets
from nattevakt.sim.explore.judge import Judge
from nattevakt.sim.explore.story import Story
from nattevakt.sim.host import GatewayWorkings
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import WARD, Ward
from nattevakt.sim.world import Plan, World

MIN_MS = 60_000
OSLO = ZoneInfo("Europe/Oslo")
NIGHT_MS = round(datetime(2026, 11, 10, 23, 30, tzinfo=OSLO).timestamp() * 1000)
DAY_MS = round(datetime(2026, 11, 10, 14, 0, tzinfo=OSLO).timestamp() * 1000)
UP, DOWN = "loftet", "kjelleren"


@dataclass(slots=True)
class FakeTablet:
    """A tablet that shows what the test says."""

    on: bool = True
    sounds: bool = True
    shown: dict[int, int] = field(default_factory=dict)
    number: int | None = None
    given: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Looked:
    """A world that runs, and its judge."""

    world: World
    judge: Judge

    def happens(self, who: str, *acts: tuple[float, Act], spot: str = "") -> None:
        """Acts of a resident, each so many minutes from now."""
        now_ms = self.world.line.now_ms
        for after_min, act in acts:
            self.world.happens(Happening(now_ms + round(after_min * MIN_MS), who, act, spot))

    def run(self, minutes: float) -> None:
        """Let time pass, the judge looking on."""
        self.world.run(self.world.line.now_ms + round(minutes * MIN_MS), self.judge.look)
        self.judge.look()

    def writes(self, *statements: str) -> None:
        """Somebody's hand in the centre's database, behind the product's back."""
        with closing(sqlite3.connect(self.world.centre.path)) as con, con:
            for statement in statements:
                con.execute(statement)
        self.world.centre.works += 1

    @property
    def broken(self) -> list[int]:
        """The numbers of the invariants that were broken."""
        return sorted({one.invariant for one in self.judge.violations})

    def said(self, words: str) -> bool:
        """Whether any accusation has these words."""
        return any(words in one.says for one in self.judge.violations)


@contextmanager
def looked(
    folder: Path,
    stock: Stock,
    *,
    workings: Workings | None = None,
    gateways: GatewayWorkings | None = None,
    begins_ms: int = NIGHT_MS,
    ward: Ward = WARD,
    faults_end_ms: int | None = None,
    tablets: Callable[[], Sequence[Tablet]] = no_tablets,
) -> Iterator[Looked]:
    """A ward in which everybody with a bed lies in it, two minutes after all was started."""
    plan = Plan(ward, begins_ms, 7, folder, stock, workings or Workings(), gateways=gateways or GatewayWorkings())
    world = World(plan)
    keys = tuple(resident.key for resident in ward.residents)
    ends_ms = begins_ms + 600 * MIN_MS
    story = Story(7, "none", begins_ms, faults_end_ms or ends_ms, ends_ms, keys, (), (), ())
    found = Looked(world, Judge(world, story, tablets))
    try:
        world.start()
        for number, resident in enumerate(ward.residents):
            if resident.sensor(Use.BED) is not None:
                world.happens(Happening(begins_ms + 1_000 * (number + 1), resident.key, Act.IN_BED))
        found.run(2)
        yield found
    finally:
        world.close()
