"""The judge of a simulated night: looks on after every step, and says what was broken. Serves the explorer.

Owns which invariants there are and when they are asked: what has changed at once, what waits for a limit every second
of virtual time. It changes nothing in the world that it looks at. Must not know any single invariant.

1 what rings has one alarm in time; 2 nothing rings twice or for nothing; 3 what rings is on a tablet, and goes on where
nobody takes it; 4 what was promised is there; 5 who cannot do its job is known; 6 histories are legal paths, and what
is taken is not forgotten; 7 after the faults all is quiet; 8 nothing that no world may cause: an exception, a rule that
failed, a row that the centre refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nattevakt.sim.explore.invariants import Court, Invariant, Quiet, Tablet, Violation, no_tablets
from nattevakt.sim.explore.invariants_absence import Absences
from nattevakt.sim.explore.invariants_calm import Calm
from nattevakt.sim.explore.invariants_complete import Complete
from nattevakt.sim.explore.invariants_doors import Doors
from nattevakt.sim.explore.invariants_known import Known, Shown
from nattevakt.sim.explore.invariants_onward import Onward
from nattevakt.sim.explore.invariants_paths import Paths
from nattevakt.sim.explore.invariants_reach import Reach
from nattevakt.sim.explore.invariants_rings import Rings
from nattevakt.sim.explore.invariants_rows import Rows
from nattevakt.sim.explore.invariants_taken import Taken
from nattevakt.sim.explore.invariants_technical import Technical
from nattevakt.sim.explore.story import Story
from nattevakt.sim.explore.truth import Truth
from nattevakt.sim.world import World

__all__ = ["Judge", "Violation"]

TICK_MS = 1_000
MAKERS: tuple[Callable[[Court], Invariant], ...] = (
    Rows,
    Complete,
    Rings,
    Doors,
    Absences,
    Shown,
    Onward,
    Known,
    Reach,
    Technical,
    Paths,
    Taken,
    Calm,
)


class Judge:
    """Looks on while a story is played. To be made before the world is started."""

    def __init__(self, world: World, story: Story, tablets: Callable[[], Sequence[Tablet]] = no_tablets) -> None:
        """tablets: the ward's tablets as their simulation knows them."""
        self.truth = Truth(world)
        self.court = Court(self.truth, story, tablets)
        self._invariants = [make(self.court) for make in MAKERS]
        self._ticks = [one.tick for one in self._invariants if getattr(type(one), "tick", None) is not Quiet.tick]
        self._tick_ms = 0

    @property
    def violations(self) -> list[Violation]:
        """What was broken, in the order in which it was found."""
        return self.court.violations

    @property
    def counts(self) -> dict[str, int]:
        """What was counted, for the summary."""
        return self.court.counts

    def look(self) -> None:
        """Something has happened."""
        step = self.truth.look()
        if not step.empty:
            for invariant in self._invariants:
                invariant.step(step)
        if step.now_ms >= self._tick_ms:
            self._tick_ms = step.now_ms + TICK_MS
            for tick in self._ticks:
                tick(step.now_ms)

    def end(self) -> None:
        """The story is over."""
        self.look()
        now_ms = self.truth.line.now_ms
        for invariant in self._invariants:
            invariant.end(now_ms)
        said = self.truth.said
        self.court.count("said", sum(cry.heard_ms is not None for cry in said.cries))
        self.truth.close()
