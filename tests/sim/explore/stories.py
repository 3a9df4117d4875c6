"""Stories for the explorer's tests, and work for its crew: what a spawned worker is given must be found in a module."""

from __future__ import annotations

import os
import threading

from nattevakt.sim.acts import Act
from nattevakt.sim.explore.exploring import Fault, Job, Played
from nattevakt.sim.explore.story import Manner, Mishap, Story
from nattevakt.sim.people import Happening

BEGINS_MS = 1_795_293_600_000
MINUTE_MS = 60_000
HUNG, DEAD, BROKEN = 2, 3, 4


def story(*, happenings: int = 3, mishaps: int = 2, homes: int = 3) -> Story:
    """A small story; nobody has to be able to play it."""
    keys = tuple(f"r{number + 1}" for number in range(homes))
    return Story(
        7,
        "hard",
        BEGINS_MS,
        BEGINS_MS + 600 * MINUTE_MS,
        BEGINS_MS + 660 * MINUTE_MS,
        keys,
        tuple(Happening(BEGINS_MS + n * MINUTE_MS, keys[n % homes], Act.PRESSES, "seng") for n in range(happenings)),
        tuple(Mishap(BEGINS_MS + n * MINUTE_MS, f"what-{n}", "gw-a", 40_000 * n, n) for n in range(mishaps)),
        (Manner("kari", ignores=10), Manner("per", doubles=5, chance=9)),
    )


def work(job: Job) -> Played:
    """A worker's work by seed: one hangs, one dies, one breaks an invariant, the others are well."""
    if job.seed == HUNG:
        threading.Event().wait()
    if job.seed == DEAD:
        os.write(2, b"siste ord\n")
        os._exit(9)
    faults = (Fault(3, BEGINS_MS, "ingen skjerm viste den", "alarm 1"),) if job.seed == BROKEN else ()
    if job.invariant is not None:
        return Played(faults, {}, 0.0, 0, shrunk=story(happenings=1, mishaps=0), plays=5)
    return Played(faults, {"alarms": 2}, 1.5, 2)
