"""Many seeds played on all cores, and what is made of those that fail. Serves the explorer.

Owns the run: which jobs there are, what counts as a failure, which failures are shrunk, how fast it went. A worker that
crashes or hangs is a failure of its seed and of nothing else. Must not know how a story is played or what a process is,
nor how anything is shown.
"""

from __future__ import annotations

import gc
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from nattevakt.sim.centre import Stock
from nattevakt.sim.commands import MEMORY
from nattevakt.sim.explore.crew import Crew, Lost
from nattevakt.sim.explore.dense import tell_dense
from nattevakt.sim.explore.judge import Judge
from nattevakt.sim.explore.playing import ANY, SORTS, Outcome, Refereeing, play_story
from nattevakt.sim.explore.shrinking import shrink
from nattevakt.sim.explore.story import Story
from nattevakt.sim.explore.telling import nights_of, tell
from nattevakt.sim.world import Trace, no_trace

SHRUNK_MOST = 6
"""So many failures are shrunk in a run, each of another invariant than those before while there are such."""
PLAYS_MOST = 120
CRASH, HANG = -1, -2
"""In place of an invariant: the worker died, or took longer than allowed."""


class _Found(Exception):  # noqa: N818 - no error: what was looked for has been found
    pass


def story_of(seed: int, nights: int, level: str, hours: float | None = None) -> Story:
    """The story of a seed: of whole nights, or, where hours are given, a dense one of so many."""
    return tell(seed, nights, level, SORTS) if hours is None else tell_dense(seed, hours, level, SORTS)


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is asked for: play the story of a seed, or find the shortest one that breaks this invariant.
    limit_s: real seconds after which a shrinking is content with what it has. home: a folder for all workers. hours: a
    dense story of so many instead of whole nights. enough: stop where this is broken, ANY for anything."""

    home: Path
    seed: int
    nights: int
    level: str
    story: Story | None = None
    invariant: int | None = None
    broke_ms: int | None = None
    limit_s: float = 0.0
    hours: float | None = None
    enough: int | None = None

    @property
    def told(self) -> Story:
        """The story of the seed."""
        return story_of(self.seed, self.nights, self.level, self.hours)


@dataclass(frozen=True, slots=True)
class Fault:
    """One invariant that a seed broke, for the first time in it."""

    invariant: int
    at_ms: int
    says: str
    about: str


@dataclass(frozen=True, slots=True)
class Played:
    """What a worker answers. cpu_s: what it cost, seconds of a core. gateway_nights: how many were played. shrunk: the
    shortest story, where one was asked for; plays: what it took."""

    faults: tuple[Fault, ...]
    counts: dict[str, int]
    cpu_s: float
    gateway_nights: float
    steps: int = 0
    shrunk: Story | None = None
    plays: int = 0


@dataclass(slots=True)
class Failure:
    """A seed that failed, and how. story: the shortest found, the whole one where nobody looked for a shorter."""

    seed: int
    fault: Fault
    story: Story
    plays: int = 0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is explored. limit_s: real seconds that a seed may take. hours: dense stories of so many, None for whole
    nights. stops: the first seed that fails is the last."""

    seeds: tuple[int, ...]
    nights: int = 1
    level: str = "hard"
    jobs: int = 1
    limit_s: float = 300.0
    shrinks: bool = True
    plays_most: int = PLAYS_MOST
    hours: float | None = None
    stops: bool = False


@dataclass(slots=True)
class Explored:
    """What a run came to so far."""

    wishes: Wishes
    done: int = 0
    gateway_nights: float = 0.0
    cpu_s: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def failed(self) -> list[int]:
        """The seeds that failed, in order."""
        return sorted({failure.seed for failure in self.failures})

    @property
    def speed(self) -> float:
        """Gateway-nights a core-minute."""
        return self.gateway_nights / (self.cpu_s / 60) if self.cpu_s else 0.0

    def take(self, job: Job, found: Played | Lost) -> Iterable[Job]:
        """An answer; gives what must be asked because of it."""
        if job.invariant is not None:
            self._take_shrunk(job, found)
            return ()
        self.done += 1
        story = job.told
        if isinstance(found, Lost):
            self.failures.append(Failure(job.seed, _lost(found, story), story))
            return self._enough()
        self.gateway_nights += found.gateway_nights
        self.cpu_s += found.cpu_s
        for name, many in found.counts.items():
            self.counts[name] = self.counts.get(name, 0) + many
        self.failures += [Failure(job.seed, fault, story) for fault in found.faults]
        return self._enough() or self._to_shrink(job, found, story)

    def _enough(self) -> Iterable[Job]:
        if self.wishes.stops and self.failures:
            raise _Found
        return ()

    def _to_shrink(self, job: Job, found: Played, story: Story) -> Iterable[Job]:
        known = [failure.fault.invariant for failure in self.failures if failure.seed != job.seed]
        fresh = [fault for fault in found.faults if fault.invariant not in known]
        if not self.wishes.shrinks or len(set(known)) >= SHRUNK_MOST:
            return ()
        half_s = self.wishes.limit_s * 0.8
        return [
            Job(job.home, job.seed, job.nights, job.level, story, fault.invariant, fault.at_ms, half_s)
            for fault in fresh
        ]

    def _take_shrunk(self, job: Job, found: Played | Lost) -> None:
        if isinstance(found, Lost) or found.shrunk is None:
            return
        for failure in self.failures:
            if (failure.seed, failure.fault.invariant) == (job.seed, job.invariant):
                failure.story, failure.plays = found.shrunk, found.plays
                failure.fault = next((f for f in found.faults if f.invariant == job.invariant), failure.fault)


def _lost(found: Lost, story: Story) -> Fault:
    first = found.says.splitlines()[-1] if not found.hung else "spilleren ble ikke ferdig"
    what = "henger" if found.hung else "krasjet"
    return Fault(HANG if found.hung else CRASH, story.begins_ms, f"{what}: {first}\n{found.says}", f"frø {story.seed}")


def explore(
    wishes: Wishes,
    told: Callable[[Explored], None],
    monotonic: Callable[[], float],
    work: Callable[[Job], Played] | None = None,
) -> Explored:
    """Play all seeds. told: called as it goes on. work: what a worker does, a function of a module."""
    explored = Explored(wishes)
    with home() as folder:
        crew: Crew[Job, Played] = Crew(work or work_of, wishes.jobs, wishes.limit_s, folder, monotonic)
        enough = ANY if wishes.stops else None
        jobs = [
            Job(folder, seed, wishes.nights, wishes.level, hours=wishes.hours, enough=enough) for seed in wishes.seeds
        ]
        with suppress(_Found):
            crew.run(jobs, explored.take, lambda: told(explored))
    explored.failures.sort(key=lambda failure: (failure.seed, failure.fault.at_ms, failure.fault.invariant))
    return explored


@contextmanager
def home() -> Iterator[Path]:
    """A folder for stories, on memory where the machine has some, with an empty database to copy; gone when left."""
    with tempfile.TemporaryDirectory(prefix="nattevakt-explore-", dir=MEMORY if MEMORY.is_dir() else None) as made:
        folder = Path(made)
        Stock(folder / "stock").fresh(folder / "unused.sqlite")
        yield folder


def work_of(job: Job) -> Played:
    """What a worker does with a job."""
    quiet()
    bench = Bench(job.home)
    if job.invariant is None:
        return bench.plays(job.told, job.enough)
    return bench.shrinks(job)


def quiet() -> None:
    """Log lines of the product are for a machine that runs it, and what was imported will never be rubbish."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("nattevakt").setLevel(logging.CRITICAL)
    gc.freeze()
    # Thousands of short-lived rows a second: the usual threshold would look for circles all the time.
    gc.set_threshold(100_000, 20, 100)


class Bench:
    """Where stories are played. home: as `home` gives it."""

    def __init__(self, folder: Path, refereeing: Refereeing = Judge) -> None:
        self._folder = folder
        self._stock = Stock(folder / "stock")
        self._refereeing = refereeing

    def outcome(self, story: Story, trace: Trace = no_trace, enough: int | None = None) -> Outcome:
        """Play a story in a fresh folder of its own."""
        folder = Path(tempfile.mkdtemp(prefix=f"story-{story.seed}-", dir=self._folder))
        try:
            return play_story(story, folder, self._stock, self._refereeing, trace=trace, enough=enough)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            # A world is full of circles; nothing of the last one is wanted.
            gc.collect()

    def plays(self, story: Story, enough: int | None = None) -> Played:
        """Play a story and say what came of it. enough: as `outcome` has it."""
        began_s = time.process_time()
        outcome = self.outcome(story, enough=enough)
        cpu_s = time.process_time() - began_s
        return Played(faults_of(outcome), outcome.counts, cpu_s, 2 * nights_of(story), outcome.steps)

    def shrinks(self, job: Job) -> Played:
        """Look for a shorter story, within the job's limit."""
        assert job.story is not None  # noqa: S101 - see work_of
        assert job.invariant is not None  # noqa: S101 - see work_of
        invariant, until_s = job.invariant, time.monotonic() + job.limit_s
        last: list[tuple[Fault, ...]] = [()]
        plays = 0

        def fails(story: Story) -> bool:
            nonlocal plays
            if time.monotonic() > until_s:
                return False
            plays += 1
            faults = faults_of(self.outcome(story, enough=invariant))
            broken = any(fault.invariant == invariant for fault in faults)
            if broken:
                last[0] = faults
            return broken

        shrunk = shrink(job.story, fails, PLAYS_MOST, job.broke_ms)
        return Played(last[0], {}, 0.0, 0, shrunk=shrunk.story, plays=plays)


def faults_of(outcome: Outcome) -> tuple[Fault, ...]:
    """The first violation of each invariant, in the order in which they were noticed."""
    found: dict[int, Fault] = {}
    for broken in outcome.violations:
        found.setdefault(broken.invariant, Fault(broken.invariant, broken.at_ms, broken.says, broken.about))
    return tuple(found.values())
