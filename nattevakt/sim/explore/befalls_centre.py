"""What befalls the centre: its process, its database, its clock. Serves the explorer.

Owns how each is drawn and undone.
"""

from __future__ import annotations

from functools import partial
from random import Random

from nattevakt.sim.explore.befall import SECOND_MS, Befall, Ending, again_and_again
from nattevakt.sim.explore.befalls_boxes import fills_up, keys_agree
from nattevakt.sim.explore.story import Mishap
from nattevakt.sim.storage import AFTER, BEFORE, TORN
from nattevakt.sim.world import World

POINTS = ("decoded", "stored", "committed")
"""Where the centre lets a probe look on."""


def _without(world: World, ms: int) -> None:
    world.centre_off()
    world.later(ms, world.centre_on)


def _killed(world: World, _mishap: Mishap, chance: Random) -> None:
    _without(world, chance.randint(500, 6_000))


def _away(world: World, _mishap: Mishap, _chance: Random) -> Ending:
    world.centre_off()
    return world.centre_on


def _crashes_on(world: World, _mishap: Mishap, chance: Random) -> Ending:
    pace_ms = chance.choice((6, 20, 70)) * SECOND_MS
    return again_and_again(world, partial(_without, world, 3_000), lambda: 3_500 + round(pace_ms * chance.random()))


def _cut(world: World, _mishap: Mishap, chance: Random, points: tuple[str, ...]) -> Ending:
    centre = world.centre
    centre.storage.chance = Random(chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
    most = chance.choice((3, 15, 80))
    charges = [centre.fuse.set(chance.choice(points), chance.randint(1, most)) for _ in range(chance.choice((1, 1, 4)))]

    def ending() -> None:
        for charge in charges:
            centre.fuse.remove(charge)

    return ending


def _restored(world: World, _mishap: Mishap, _chance: Random) -> Ending:
    """A backup is taken when it begins, and is all that is left when it ends."""
    copy = world.centre.backup()

    def ending() -> None:
        world.centre_restored(copy)
        for gateway in world.hosts:
            # Whoever restores a backup sees to it that the keys of today still count.
            keys_agree(world, gateway)

    return ending


def _slow(world: World, _mishap: Mishap, chance: Random) -> Ending:
    ms = chance.choice((60, 400, 1_500, 4_500))
    world.centre.slow_ms += ms

    def ending() -> None:
        world.centre.slow_ms -= ms

    return ending


def _locked(world: World, _mishap: Mishap, _chance: Random) -> Ending:
    world.centre.locked += 1

    def ending() -> None:
        world.centre.locked -= 1

    return ending


def _full(world: World, _mishap: Mishap, chance: Random) -> Ending:
    return fills_up(world.centre.storage, chance)


def _read_only(world: World, _mishap: Mishap, _chance: Random) -> Ending:
    world.centre.storage.read_only(on=True)
    return partial(world.centre.storage.read_only, on=False)


def _failing(world: World, _mishap: Mishap, chance: Random) -> Ending:
    return world.centre.storage.failing(chance, chance.choice((0.1, 0.4, 0.8)))


def _leaps(world: World, _mishap: Mishap, chance: Random) -> Ending:
    clock, ms = world.centre.clock, chance.choice((-1, 1)) * chance.choice((40, 700, 2_500))
    clock.offset_ms += ms

    def ending() -> None:
        clock.offset_ms -= ms

    return ending


CENTRES = (
    Befall("centre_killed", "sentralen dør og starter igjen", "soft", "centre", _killed, lasts=False),
    Befall("centre_slow", "databasen er treg", "soft", "centre", _slow),
    Befall("centre_away", "sentralen er borte", "hard", "centre", _away),
    Befall("centre_crashes_on", "sentralen dør igjen og igjen", "hard", "centre", _crashes_on),
    Befall("centre_cut_at_commit", "sentralen dør like før eller etter en lagring", "hard", "centre",
           partial(_cut, points=(BEFORE, AFTER))),
    Befall("centre_cut_between", "sentralen dør mellom to lagringer", "hard", "centre", partial(_cut, points=POINTS)),
    Befall("centre_tears_commit", "strømmen går midt i en lagring i sentralen", "hard", "centre",
           partial(_cut, points=(TORN,))),
    Befall("centre_restored", "sentralen gjenopprettes fra en eldre sikkerhetskopi", "hard", "centre", _restored,
           excuses=("acts_gone",)),
    Befall("centre_locked", "et annet program holder databasen", "hard", "centre", _locked),
    Befall("centre_read_only", "databasen kan bare leses", "hard", "centre", _read_only),
    Befall("centre_disk_full", "disken til sentralen er full", "hard", "centre", _full),
    Befall("centre_disk_failing", "disken til sentralen feiler av og til", "hard", "centre", _failing),
    Befall("centre_clock_leaps", "klokka i sentralen hopper, og tilbake", "hard", "centre", _leaps),
)  # fmt: skip
"""By what they befall."""
