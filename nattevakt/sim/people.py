"""How residents behave at night: plain, seeded, with the figures of real homes. Serves the simulator.

Owns what people do and when. Must not know devices' bytes, gateways or the centre. Every number of chance comes from
the `random.Random` that is passed in, so a seed names a night.

The figures are from recordings and studies: one to four trips to the toilet a night, away 4.6 minutes at the median
and 9 at the ninetieth percentile; a good mat never loses a sleeper, a bad one does so several times a night.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.rules.windows import NORWAY, Window, inside
from nattevakt.sim.acts import Act
from nattevakt.sim.ward import Resident, Ward

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
TRIPS = ((1, 25), (2, 50), (3, 20), (4, 5))
"""How many trips to the toilet on how many nights of a hundred."""
AWAY_P50_MIN, AWAY_P90_MIN = 4.6, 9.0
_P90 = 1.2816
"""Standard deviations to the ninetieth percentile."""
DOOR_P50_S, DOOR_P99_S = 8.0, 120.0
_P99 = 2.3263
APART_MS = 40 * MINUTE_MS
"""Two trips of one night begin at least this far apart."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One act of one resident. at_ms: service time, Unix ms. spot: where, "" for the only place there is."""

    at_ms: int
    resident: str
    act: Act
    spot: str = ""


@dataclass(frozen=True, slots=True)
class Habits:
    """What is particular about one resident. longest_min: no trip is longer (minutes), None for as chance has it."""

    trips: bool = True
    wanders: bool = False
    falls: bool = False
    calls: bool = False
    bad_mat: bool = False
    leaves_door_open: bool = False
    longest_min: float | None = None


@dataclass(frozen=True, slots=True)
class Night:
    """A span of service time, [from_ms, to_ms), in a time zone."""

    from_ms: int
    to_ms: int
    time_zone: str = NORWAY


def night(ward: Ward, habits: dict[str, Habits], span: Night, chance: Random) -> list[Happening]:
    """Everything that the residents do in a span, in order. habits: by resident key; who is not named sleeps soundly
    but for trips to the toilet. Each resident has chances of their own, so that a change to one changes no other."""
    found: list[Happening] = []
    for resident in ward.residents:
        own = Random(chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
        found += _Life(resident, habits.get(resident.key, Habits()), span, own).run()
    return sorted(found, key=lambda h: (h.at_ms, h.resident, h.act.value, h.spot))


def away_ms(chance: Random, longest_min: float | None = None) -> int:
    """How long a trip to the toilet takes, in ms."""
    sigma = math.log(AWAY_P90_MIN / AWAY_P50_MIN) / _P90
    minutes = chance.lognormvariate(math.log(AWAY_P50_MIN), sigma)
    return round((minutes if longest_min is None else min(minutes, longest_min)) * MINUTE_MS)


def door_ms(chance: Random) -> int:
    """How long a door stands open, in ms."""
    sigma = math.log(DOOR_P99_S / DOOR_P50_S) / _P99
    return round(chance.lognormvariate(math.log(DOOR_P50_S), sigma) * 1000)


def trips_of(chance: Random) -> int:
    """How many trips to the toilet this night has."""
    return chance.choices([n for n, _ in TRIPS], [weight for _, weight in TRIPS])[0]


def flicker(resident: str, from_ms: int, to_ms: int, chance: Random, *, gaps: int, chatter: int) -> list[Happening]:
    """A bad mat under a person who lies still: `gaps` drop-outs of 1 to 12 minutes and `chatter` of 1 to 3 s each."""
    spans: list[tuple[int, int]] = []
    for many, low_s, high_s in ((gaps, 60.0, 720.0), (chatter, 1.0, 3.0)):
        for _ in range(many):
            begin = round(chance.uniform(from_ms, to_ms))
            spans.append((begin, begin + round(chance.uniform(low_s, high_s) * 1000)))
    return [
        Happening(at_ms, resident, act)
        for begin, end in _apart(spans, to_ms)
        for at_ms, act in ((begin, Act.OUT_OF_BED), (end, Act.IN_BED))
    ]


def _apart(spans: Iterable[tuple[int, int]], to_ms: int) -> list[tuple[int, int]]:
    """Spans in order, those that would run into the one before or past the end left out."""
    kept: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if end < to_ms and (not kept or begin > kept[-1][1] + 1_000):
            kept.append((begin, end))
    return kept


@dataclass(slots=True)
class _Life:
    """One resident's night in the making."""

    resident: Resident
    habits: Habits
    span: Night
    chance: Random
    found: list[Happening] = field(default_factory=list)

    def run(self) -> list[Happening]:
        lies = self._in_bed()
        if lies is None:
            return self.found
        begin, end = lies
        self._add(begin, Act.IN_BED)
        busy = [begin]
        if self.habits.trips:
            for _ in range(trips_of(self.chance)):
                self._place(busy, begin, end, self._trip)
        for wanted, what in (
            (self.habits.wanders, self._wander),
            (self.habits.falls, self._fall),
            (self.habits.calls, self._call),
            (self.habits.leaves_door_open, self._leave_door),
        ):
            if wanted:
                self._place(busy, begin, end, what)
        if self.habits.bad_mat:
            # Only while they lie there: the stretch between two trips is a mat's own.
            edges = [*sorted(busy), end]
            for left, right in pairwise(edges):
                if right - left > APART_MS:
                    gaps, chatter = self.chance.randint(1, 4), self.chance.randint(5, 20)
                    inner = left + 20 * MINUTE_MS, right - 20 * MINUTE_MS
                    self.found += flicker(
                        self.resident.key, inner[0], inner[1], self.chance, gaps=gaps, chatter=chatter
                    )
        if end < self.span.to_ms:
            self._add(end, Act.OUT_OF_BED)
            self._moves(end + 30_000)
        return self.found

    def _in_bed(self) -> tuple[int, int] | None:
        """From when to when they lie in bed: soon after their window begins until a little after it ends."""
        if self.resident.bed_window is None:
            return None
        window = Window(*(int(t[:2]) * 60 + int(t[3:]) for t in self.resident.bed_window))
        step = 5 * MINUTE_MS
        times = range(self.span.from_ms, self.span.to_ms, step)
        asleep = [at for at in times if inside(window, at, self.span.time_zone)]
        if not asleep:
            return None
        begin = end = asleep[0]
        while inside(window, end, self.span.time_zone) and end < self.span.to_ms:
            end += step
        late_ms = round(self.chance.uniform(1, 40) * MINUTE_MS)
        rises_ms = round(self.chance.uniform(1, 40) * MINUTE_MS)
        # Who should be in bed when the span begins is there already.
        begin = begin + (late_ms if begin > self.span.from_ms else round(self.chance.uniform(1, 20) * 1000))
        return begin, min(end + rises_ms, self.span.to_ms)

    def _place(self, busy: list[int], begin: int, end: int, what: Callable[[int], None]) -> None:
        """Let something happen at a time that is far enough from everything else; nothing where the night is full."""
        for _ in range(20):
            at_ms = round(self.chance.uniform(begin + 10 * MINUTE_MS, end - APART_MS))
            if at_ms > begin and all(abs(at_ms - other) >= APART_MS for other in busy):
                busy.append(at_ms)
                what(at_ms)
                return

    def _add(self, at_ms: int, act: Act, spot: str = "") -> None:
        self.found.append(Happening(at_ms, self.resident.key, act, spot))

    def _moves(self, at_ms: int) -> None:
        sensor = self.resident.sensor(Use.MOTION)
        if sensor is not None:
            self._add(at_ms, Act.MOVES, sensor.spot)

    def _trip(self, at_ms: int) -> None:
        back_ms = at_ms + max(MINUTE_MS, away_ms(self.chance, self.habits.longest_min))
        self._add(at_ms, Act.OUT_OF_BED)
        walk_ms = round(self.chance.uniform(10, 40) * 1000)
        self._moves(at_ms + walk_ms)
        for later in range(at_ms + walk_ms + 45_000, back_ms - 5_000, 45_000):
            if self.chance.random() < 0.6:
                self._moves(later)
        self._add(back_ms, Act.IN_BED)

    def _wander(self, at_ms: int) -> None:
        """Up, out through the door, and not back."""
        self._add(at_ms, Act.OUT_OF_BED)
        self._moves(at_ms + 20_000)
        self._opens(at_ms + 70_000)

    def _opens(self, at_ms: int) -> None:
        if self.resident.sensor(Use.DOOR) is not None:
            self._add(at_ms, Act.OPENS)
            self._add(at_ms + door_ms(self.chance), Act.CLOSES)

    def _leave_door(self, at_ms: int) -> None:
        if self.resident.sensor(Use.DOOR) is not None:
            self._add(at_ms, Act.OPENS)

    def _fall(self, at_ms: int) -> None:
        """A fall beside the bed; the fall sensor, where there is one, sees four of five."""
        self._add(at_ms, Act.OUT_OF_BED)
        if self.resident.sensor(Use.FALL) is not None and self.chance.random() < 0.8:
            self._add(at_ms + 4_000, Act.FALLS)

    def _call(self, at_ms: int) -> None:
        if self.resident.sensor(Use.CALL) is not None:
            self._add(at_ms, Act.PRESSES)
