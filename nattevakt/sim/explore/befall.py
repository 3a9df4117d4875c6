"""What a mishap is to a world: how it begins and what ends it. Serves the explorer.

Owns the form of a row of the table in befalls.py, and that mishaps nest: two of one kind about the same are over when
both are. Must not know any mishap. All that is drawn comes from a Random of the mishap's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from weakref import WeakKeyDictionary

from nattevakt.sim.explore.story import Mishap
from nattevakt.sim.ward import Sensor
from nattevakt.sim.world import World

Ending = Callable[[], None]
Plays = Callable[[World, Mishap, Random], Ending | None]
"""(world, mishap, chance): lets it begin, and gives what ends it, None for what is over at once."""
SECOND_MS = 1_000
MINUTE_MS = 60_000


def any_sensor(_sensor: Sensor) -> bool:
    """Fits every device."""
    return True


@dataclass(frozen=True, slots=True)
class Befall:
    """One thing that can go wrong. says: in Norwegian. level: from which on it may happen, "soft" or "hard",
    or "dense": only in short stories (dense.py). about:
    "gateway", "device" (by address) or "centre". plays: how. lasts: it has an end, `Mishap.for_ms` after its beginning;
    the others need none. of: which devices it can befall. excuses: what it may truly cost although nothing of the
    product is at fault, in words of EXCUSES.
    """

    name: str
    says: str
    level: str
    about: str
    plays: Plays
    lasts: bool = True
    of: Callable[[Sensor], bool] = any_sensor
    excuses: tuple[str, ...] = ()

    def fits(self, sensor: Sensor) -> bool:
        """Whether it can befall this device; of what befalls no device, whether it can befall its gateway."""
        return self.of(sensor)

    def begin(self, world: World, mishap: Mishap) -> None:
        """It begins."""
        chance = Random(f"{mishap.chance}:{self.name}")  # noqa: S311 - a simulation, not a secret
        ending = self.plays(world, mishap, chance)
        if ending is not None:
            _ENDINGS.setdefault(world, {}).setdefault(mishap, []).append(ending)

    @property
    def end(self) -> Callable[[World, Mishap], None] | None:
        """What ends it; None for what needs no end."""
        return _end if self.lasts else None


EXCUSES = {
    "unheard": "what radios and brokers said while it lasted may never have reached an agent",
    "rows_gone": "rows that stood on a disk are gone with it",
    "acts_gone": "what the centre had stored since the copy is gone, also what staff did",
    "clock": "times that the gateway tells may be wrong until it is synchronised",
    "place": "the centre believes that a device hangs elsewhere",
    "unwatched": "somebody wrote down that a resident is not watched",
    "moved_out": "somebody else lives there from then on",
}
"""What a mishap may cost."""

_ENDINGS: WeakKeyDictionary[World, dict[Mishap, list[Ending]]] = WeakKeyDictionary()
"""What ends the mishaps that last now."""


def _end(world: World, mishap: Mishap) -> None:
    endings = _ENDINGS.get(world, {}).get(mishap)
    if endings:
        endings.pop()()


def once(world: World, name: str, about: str, begins: Callable[[], None], ends: Callable[[], None]) -> Ending:
    """Something that is so or not: the first begins it and the last ends it. Gives the ending of this one."""
    if world.falls_ill(name, about):
        begins()

    def ending() -> None:
        if world.recovers(name, about):
            ends()

    return ending


def again_and_again(world: World, act: Callable[[], None], pause_ms: Callable[[], int]) -> Ending:
    """Something that happens now, and after each pause anew, until it ends."""
    over = False

    def turn() -> None:
        if not over:
            act()
            world.later(pause_ms(), turn)

    def ending() -> None:
        nonlocal over
        over = True

    turn()
    return ending


def all_of(*endings: Ending) -> Ending:
    """What ends several, in this order."""

    def ending() -> None:
        for one in endings:
            one()

    return ending
