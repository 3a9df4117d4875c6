"""The simulated year: residents' lives through the rules alone, judged against the truth. Serves rule writers and CI.

Owns how a year is played: one resident after the other, each from the seed alone, so that any of them can be played by
themselves. Must not know how a rule decides (replay.py drives them), what is true (year_life.py), what counts
(year_judge.py) or how it is shown (year_report.py).
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from ctypes import c_int
from dataclasses import dataclass, field
from random import Random
from typing import Any

from nattevakt.central.alarms.desk import Desk
from nattevakt.edge.events import Bed
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.replay import Driver
from nattevakt.edge.rules.rule import Fact, Rule
from nattevakt.edge.rules.windows import inside
from nattevakt.sim.year_judge import Case, Heard, Truth, judge
from nattevakt.sim.year_life import Day, Life
from nattevakt.sim.year_people import PEOPLE, Often, Person
from nattevakt.sim.year_plan import LIMIT_MIN, Staff, armed
from nattevakt.sim.year_sensors import Sensors

LIMIT_MS = LIMIT_MIN * 60_000
NIGHTS = 365


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is played. residents: so many of the twelve, from the first. rules: the catalogue's, or others in a test."""

    seed: int = 1
    residents: int = len(PEOPLE)
    nights: int = NIGHTS
    jobs: int = 1
    often: Often = field(default_factory=Often)
    rules: tuple[Rule, ...] = RULES

    @property
    def people(self) -> tuple[Person, ...]:
        """Who lives there."""
        return PEOPLE[: self.residents]


@dataclass(slots=True)
class Plain:
    """A plain timer on the mat: an alarm where it has read empty for the limit, left inside the window.

    alarms: when, and whether nothing else had moved since the bed was left.
    """

    person: Person
    alarms: list[tuple[int, bool]] = field(default_factory=list)
    _left_ms: int | None = None
    _moved_ms: int = 0

    def hear(self, fact: Fact) -> None:
        """The next fact, whichever it is."""
        at_ms = fact.occurred.to_ms
        left_ms = self._left_ms
        if left_ms is not None and at_ms - left_ms >= LIMIT_MS:
            self.alarms.append((left_ms + LIMIT_MS, self._moved_ms < left_ms))
            self._left_ms = None
        if not isinstance(fact.body, Bed):
            self._moved_ms = at_ms
        elif fact.body.occupied:
            self._left_ms = None
        elif left_ms is None and inside(self.person.night, at_ms):
            self._left_ms = at_ms


@dataclass(slots=True)
class Outcome:
    """One resident's year: what was heard with staff and without, and what a plain timer would have made of it.

    total: how much of what must be caught there was. plain_false: how often the timer was wrong, and plain_still: of
    these how often nothing else had moved. slept: nights at home.
    """

    person: Person
    nights: int
    slept: int
    events: int
    total: dict[str, int]
    staffed: Heard
    alone: Heard
    plain_false: int
    plain_still: int
    plain_missed: int


def chance_of(seed: int, person: Person, purpose: str) -> Random:
    """The chances of one resident's life, sensors or staff: each from the seed and its purpose alone."""
    return Random(f"{seed} {person.key} {purpose}")  # noqa: S311 - a simulation, not a secret


class Play:
    """One resident's year, night by night."""

    def __init__(self, person: Person, wishes: Wishes) -> None:
        chance = chance_of(wishes.seed, person, "life")
        self.person = person
        self.days: list[Day] = []
        self.events = 0
        self.sensors = Sensors(person, chance_of(wishes.seed, person, "sensors"))
        self.staffed = Desk(Staff(chance_of(wishes.seed, person, "staff")))
        self.alone = Desk(Staff(chance_of(wishes.seed, person, "shift"), there=False))
        self.plain = Plain(person)
        self._life = Life(person, wishes.often, wishes.nights, chance)
        self._drivers = [
            Driver(armed(person, wishes.rules, besides=True), desk.ear(person.key), answered=desk.asked(person.key))
            for desk in (self.staffed, self.alone)
        ]

    def nights(self) -> Iterator[list[Fact]]:
        """Play on, a night at a time; gives its facts."""
        first, second = (driver.feed for driver in self._drivers)
        plain = self.plain.hear
        for day in self._life:
            self.days.append(day)
            facts = self.sensors.day(day)
            for fact in facts:
                first(fact)
                second(fact)
                plain(fact)
            self.events += len(facts)
            yield facts
        ends_ms = self.days[-1].to_ms
        for driver, desk in zip(self._drivers, (self.staffed, self.alone), strict=True):
            driver.until(ends_ms)
            desk.until(ends_ms)

    def outcome(self) -> Outcome:
        """What it came to, once all nights are played."""
        truth = Truth(self.person, self.days)
        blind = frozenset(self.sensors.blind)
        total: dict[str, int] = {}
        for case in truth.cases:
            what = "blind" if case.what == "silent" and case.at_ms in blind else case.what
            total[what] = total.get(what, 0) + 1
        wrong = [still for at_ms, still in self.plain.alarms if not truth.long_out_of_bed(at_ms)]
        rang = [at_ms for at_ms, _ in self.plain.alarms]
        missed = sum(
            1
            for case in truth.cases
            if case.what == "absence" and not any(case.at_ms <= at <= case.at_ms + LIMIT_MS for at in rang)
        )
        return Outcome(
            self.person,
            len(self.days),
            truth.slept,
            self.events,
            total,
            judge(truth, self.staffed, blind),
            judge(truth, self.alone, blind),
            len(wrong),
            sum(wrong),
            missed,
        )


def live(person: Person, wishes: Wishes, tell: Callable[[int], None]) -> Outcome:
    """Play and judge one resident's year. tell: is given how many nights are done."""
    play = Play(person, wishes)
    for done, _ in enumerate(play.nights(), 1):
        tell(done)
    return play.outcome()


_done: Any = None
"""In a worker: the nights that each resident has come to, shared with who shows it."""


def _begin(done: Any) -> None:
    global _done
    _done = done


def _live(number: int, wishes: Wishes) -> Outcome:
    def tell(nights: int) -> None:
        _done[number] = nights

    return live(wishes.people[number], wishes, tell)


def play_year(wishes: Wishes, tell: Callable[[int], None]) -> list[Outcome]:
    """Every resident's year, in as many processes as wished for; the same whichever. tell: nights done by all."""
    people = wishes.people
    if wishes.jobs <= 1:
        found = []
        for number, person in enumerate(people):
            before = number * wishes.nights
            found.append(live(person, wishes, lambda nights, before=before: tell(before + nights)))  # type: ignore[misc]
        return found
    spawn = multiprocessing.get_context("spawn")
    done = spawn.Array(c_int, len(people), lock=False)
    with ProcessPoolExecutor(wishes.jobs, spawn, _begin, (done,)) as pool:
        # Those with the most to say first, so that no process is left with one of them at the end.
        order = sorted(range(len(people)), key=lambda number: people[number].mat is None)
        running: dict[int, Future[Outcome]] = {number: pool.submit(_live, number, wishes) for number in order}
        waiting: set[Future[Outcome]] = set(running.values())
        while waiting:
            ended, waiting = wait(waiting, 0.25, FIRST_EXCEPTION)
            for future in ended:
                future.result()
            tell(sum(done[number] for number in range(len(people))))
        return [running[number].result() for number in range(len(people))]


def cases_of(outcomes: Sequence[Outcome]) -> list[Case]:
    """What was missed, with staff or without, each once."""
    missed = [case for outcome in outcomes for heard in (outcome.staffed, outcome.alone) for case in heard.missed]
    return list(dict.fromkeys(missed))
