"""A story played in a fresh world with a judge looking on. Serves the explorer.

Owns the way from a story to what came of it: the ward, its people, its staff, when each mishap begins and ends, and the
calm at the end. Must not know what a mishap does, or what the judge demands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from nattevakt.sim.centre import Centre, Stock, Workings
from nattevakt.sim.explore.asgi import AsgiCentre
from nattevakt.sim.explore.befall import Befall
from nattevakt.sim.explore.befalls import BEFALLS
from nattevakt.sim.explore.pages import Page
from nattevakt.sim.explore.staffing import LAPSES, Staffing
from nattevakt.sim.explore.story import Mishap, Story
from nattevakt.sim.explore.telling import Sort
from nattevakt.sim.explore.wards import ward_of
from nattevakt.sim.watch import Seen
from nattevakt.sim.world import Plan, Trace, World, no_trace


class Broken(Protocol):
    """One invariant that did not hold."""

    @property
    def invariant(self) -> int:
        """Its number, 1 to 7."""
        ...

    @property
    def at_ms(self) -> int:
        """When it was noticed, true Unix ms."""
        ...

    @property
    def says(self) -> str:
        """What was not as it must be, one Norwegian sentence."""
        ...

    @property
    def about(self) -> str:
        """What it is about: an alarm, a row, a resident, a gateway."""
        ...


class Referee(Protocol):
    """Whoever looks on."""

    @property
    def violations(self) -> Sequence[Broken]:
        """What did not hold, in the order in which it was noticed."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """What was counted."""
        ...

    def look(self) -> None:
        """Something has happened."""
        ...

    def end(self) -> None:
        """The story is over."""
        ...


Refereeing = Callable[[World, Story, Callable[[], Sequence[Page]]], Referee]
"""Makes the judge of a story, before its world is started; is given the staff's tablets too."""


class NoReferee:
    """Nobody looks on, and nothing is broken."""

    def __init__(self, _world: World, _story: Story, _tablets: Callable[[], Sequence[Page]]) -> None:
        self.violations: Sequence[Broken] = ()
        self.counts: dict[str, int] = {}

    def look(self) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


@dataclass(slots=True)
class Outcome:
    """What came of a story. seen: every alarm. steps: how many things happened."""

    story: Story
    violations: tuple[Broken, ...]
    counts: dict[str, int] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    steps: int = 0
    statuses: dict[int, int] = field(default_factory=dict)


ANY = 0
"""In place of an invariant: whichever is broken first."""


class _Enough(Exception):  # noqa: N818 - no error: what was looked for has been found
    pass


WHOLE_EVERY = 20
"""Of so many seeds one is played through the whole application: routes, authentication, admission. It costs more."""
SORTS: Mapping[str, Sort] = {**BEFALLS, **LAPSES}
"""Everything that can go wrong in a story, by name."""
SAYS: Mapping[str, str] = {name: sort.says for name, sort in SORTS.items()}
"""The same in Norwegian."""


def play_story(
    story: Story,
    folder: Path,
    stock: Stock,
    refereeing: Refereeing,
    *,
    trace: Trace = no_trace,
    workings: Workings | None = None,
    enough: int | None = None,
) -> Outcome:
    """Play a story once. folder: a fresh one. enough: stop where this invariant has been broken, ANY for whichever."""
    folder.mkdir(parents=True, exist_ok=True)
    ward = ward_of(story.seed, story.homes)
    plan = Plan(ward, story.begins_ms, story.seed, folder, stock, workings or Workings(idle_sweeps=False))
    plan.centre = AsgiCentre if story.seed % WHOLE_EVERY == 0 else Centre
    world = World(plan, trace)
    staffing = Staffing(world, story)
    referee = refereeing(world, story, lambda: staffing.pages)
    noticed = 0

    def look() -> None:
        nonlocal noticed
        referee.look()
        if len(referee.violations) > noticed:
            fresh, noticed = referee.violations[noticed:], len(referee.violations)
            for broken in fresh:
                world.told(f"BRUDD på invariant {broken.invariant}: {broken.says}")
            if any(enough in (ANY, broken.invariant) for broken in fresh):
                raise _Enough

    try:
        world.start()
        staffing.start()
        _schedule(story, world, staffing)
        try:
            world.run(story.ends_ms, look)
            referee.end()
            look()
        except _Enough:
            pass
        broken, counts = tuple(referee.violations), dict(referee.counts)
        return Outcome(story, broken, counts, world.watch.seen, world.line.steps, dict(world.centre.statuses))
    finally:
        world.close()


def _schedule(story: Story, world: World, staffing: Staffing) -> None:
    """Everything of the story at its moment; what is about somebody who does not live there is left out."""
    for happening in story.happenings:
        if happening.resident in story.homes:
            world.line.at(happening.at_ms, partial(staffing.lives.happened, happening))
            world.happens(happening)
    for mishap in story.mishaps:
        if mishap.what in LAPSES:
            world.line.at(mishap.at_ms, partial(staffing.lapse, mishap))
            world.line.at(mishap.ends_ms, partial(staffing.over, mishap))
        elif can_be(mishap, world):
            befall = BEFALLS[mishap.what]
            world.line.at(mishap.at_ms, partial(_begin, world, befall, mishap))
            if befall.end is not None and mishap.for_ms:
                world.line.at(mishap.ends_ms, partial(befall.end, world, mishap))


def can_be(mishap: Mishap, world: World) -> bool:
    """Whether what a mishap is about exists in this ward."""
    about = BEFALLS[mishap.what].about
    if about == "device":
        return world.ward.sensor(mishap.about) is not None
    return about != "gateway" or world.ward.gateway(mishap.about) is not None


def _begin(world: World, befall: Befall, mishap: Mishap) -> None:
    lasts = f" i {mishap.for_ms / 60_000:.1f} min" if mishap.for_ms else ""
    world.told(f"UHELL {mishap.about or 'sentralen'}: {befall.says}{lasts}")
    befall.begin(world, mishap)
