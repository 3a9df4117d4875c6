"""A scenario played in one process under virtual time. Serves `nattevakt-sim run` and the tests.

Owns the way from a story to its verdict: the world, who lies in bed when it begins, when each deed is played, what is
looked at. Must not know what the deeds mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nattevakt.central.findings import Found, recent
from nattevakt.central.tablet.i18n import words
from nattevakt.edge.drivers.driver import Use
from nattevakt.sim import people
from nattevakt.sim.acts import Act
from nattevakt.sim.centre import Centre, Stock
from nattevakt.sim.check import Verdict, judge
from nattevakt.sim.people import Habits, Happening
from nattevakt.sim.scenario import Broken, Entry, Night, Shown
from nattevakt.sim.stage import Scene, Stage
from nattevakt.sim.watch import Seen, room_shown
from nattevakt.sim.world import Plan, Trace, World, chance_of, no_trace

LONGEST_MIN = 11.0
"""In a plain life nobody is away long enough to be looked for; who is, is a story of its own."""
Progress = Callable[[int, int, int], None]
"""(begins_ms, now_ms, ends_ms) of a run that goes on."""


@dataclass(slots=True)
class Played:
    """A night that was played."""

    night: Night
    seed: int
    verdict: Verdict
    seen: list[Seen]
    steps: int = 0
    broken: Broken | None = None
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its name, with what was broken."""
        return self.night.name + (f" (ødelagt: {self.broken.says})" if self.broken is not None else "")


def play(
    night: Night,
    seed: int,
    folder: Path,
    stock: Stock,
    *,
    broken: Broken | None = None,
    trace: Trace = no_trace,
    progress: Progress | None = None,
    centre: type[Centre] = Centre,
) -> Played:
    """Play a story once. folder: a fresh one. centre: how it is reached. The same seed gives the same night,
    whatever machine plays it."""
    folder.mkdir(parents=True, exist_ok=True)
    twin = broken or Broken("", night.workings)
    plan = Plan(
        twin.ward or night.ward,
        night.begins_ms,
        seed,
        folder,
        stock,
        twin.workings,
        twin.renames_guests,
        twin.clocks_lie,
        twin.gateways,
        centre,
    )
    world = World(plan, trace)
    shown: dict[Shown, str] = {}
    try:
        world.start()
        set_the_scene(night, world, seed)
        for number, entry in enumerate(night.entries):
            world.line.at(entry.at_ms, partial(_happen, night, world, entry, seed, number))
        for tile in night.shown:
            world.line.at(tile.at_ms, partial(_look, world, tile, shown, night))
        world.run(twin.ends_ms or night.ends_ms, _reporter(night, world, progress) if progress is not None else None)
        verdict = judge(night, world.watch.seen, shown, world.troubles, findings=_found(world))
        return Played(night, seed, verdict, world.watch.seen, world.line.steps, broken, dict(world.centre.statuses))
    finally:
        world.close()


def _reporter(night: Night, world: World, progress: Progress) -> Callable[[], None]:
    def report() -> None:
        if world.line.steps % 500 == 0:
            progress(night.begins_ms, world.line.now_ms, night.ends_ms)

    return report


def set_the_scene(night: Night, stage: Stage, seed: int) -> None:
    """Who is not up lies in bed; and who is in no story lives a plain night, if the scenario wants that."""
    chance = chance_of(seed, "beds")
    moved = {name for entry in night.entries for name in entry.deed.about}
    for resident in night.ward.residents:
        delay_ms = chance.randint(1_000, 20_000)
        if resident.sensor(Use.BED) is not None and not {resident.first_name, resident.key} & set(night.up):
            stage.happens(Happening(night.begins_ms + delay_ms, resident.key, Act.IN_BED))
    if not night.plain_life:
        return
    habits = {r.key: night.habits.get(r.key, Habits(longest_min=LONGEST_MIN)) for r in night.ward.residents}
    span = people.Night(night.begins_ms, night.ends_ms)
    for happening in people.night(night.ward, habits, span, chance_of(seed, "people")):
        who = night.ward.resident(happening.resident)
        if who is not None and not {who.first_name, who.key, who.room} & moved:
            stage.happens(happening)


def _happen(night: Night, world: World, entry: Entry, seed: int, number: int) -> None:
    world.told(entry.deed.says)
    scene = Scene(world.line.now_ms, chance_of(seed, f"deed {number}"), night.moment)
    entry.deed.play(world, scene)


def _found(world: World) -> tuple[Found, ...]:
    if not world.centre.up:
        return ()
    with world.centre.db.read(world.centre.tenant.id) as s:
        return recent(s, world.line.now_ms)


def _look(world: World, tile: Shown, shown: dict[Shown, str], night: Night) -> None:
    if not world.centre.up:
        shown[tile] = "sentralen er nede"
        return
    with world.centre.db.read(world.centre.tenant.id) as s:
        view = room_shown(s, tile.room, words("nb"), night.zone, world.line.now_ms)
    shown[tile] = view.seen if view is not None else "ikke noe slikt rom"
