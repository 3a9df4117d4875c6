"""The ground truth of the simulated year: what one resident does, day by day, from noon to noon. Serves the simulator.

Owns when they lie in bed, where they move, what befalls them. Must not know sensors or rules. Every number of chance
comes from the `random.Random` that is passed in; the settings stand in year_people.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

from nattevakt.edge.rules.windows import inside, next_at_ms
from nattevakt.sim.year_people import (
    AWAY_P50_MIN,
    AWAY_P90_MIN,
    BEGINS_DAY,
    DOOR_P50_S,
    DOOR_P99_S,
    FALLS_BY_NIGHT,
    FALLS_SENSED,
    LONGEST_SILENCE_MIN,
    TRIP_PEAKS_H,
    TRIP_SPREAD_H,
    TRIPS,
    Often,
    Person,
)

SEC_MS = 1_000
MIN_MS = 60_000
HOUR_MS = 60 * MIN_MS
NOON = 12 * 60
BEDROOM, BATH, LIVING = "soverom", "bad", "stue"
APART_MS = 25 * MIN_MS
"""Two things that a night holds lie at least so far apart."""
_P90, _P99 = 1.2816, 2.3263


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which something is so. what: which kind of it."""

    from_ms: int
    to_ms: int
    what: str = ""


@dataclass(slots=True)
class Day:
    """What is true of one resident from a noon to the next. Times are service time (Unix ms).

    in_bed: what says how it ended: "rolls" for who fell out without a word, else "". moves: where somebody moves (what
    is the place, with a "~" before it where they hardly do). out: away from home. floor, bath, chair: on the floor, in
    the bathroom, in the chair. doors: open from when to when. calls, leaks: moments. falls: the sensor reports it at
    from_ms and its end at to_ms; what is "false" where there was none. sleeps: whether they spend the night at home.
    """

    number: int
    from_ms: int
    to_ms: int
    in_bed: list[Span] = field(default_factory=list)
    moves: list[Span] = field(default_factory=list)
    out: list[Span] = field(default_factory=list)
    floor: list[Span] = field(default_factory=list)
    bath: list[Span] = field(default_factory=list)
    chair: list[Span] = field(default_factory=list)
    doors: list[Span] = field(default_factory=list)
    falls: list[Span] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    leaks: list[int] = field(default_factory=list)
    sleeps: bool = True


class Life:
    """One resident's year in the making; iterate it once."""

    def __init__(self, person: Person, often: Often, nights: int, chance: Random) -> None:
        self._person = person
        self._often = often
        self._nights = nights
        self._chance = chance
        self._away = 0
        """So many nights more they are elsewhere."""
        self._to_fall = 0
        """Falls by day that found no place yet: a day that is full puts them off."""

    def __iter__(self) -> Iterator[Day]:
        noon_ms = next_at_ms(NOON, round(datetime(*BEGINS_DAY, tzinfo=UTC).timestamp() * 1000))
        for number in range(1, self._nights + 1):
            after_ms = next_at_ms(NOON, noon_ms)
            day = Day(number, noon_ms, after_ms)
            self._fill(day)
            yield day
            noon_ms = after_ms

    def _happens(self, a_year: float) -> bool:
        return self._chance.random() < a_year / 365

    def _fill(self, day: Day) -> None:
        chance, person = self._chance, self._person
        returns = self._away == 1
        if self._away:
            self._away -= 1
        elif self._happens(self._often.journeys):
            self._away = chance.randint(1, 3)
            leaves_ms = day.from_ms + round(chance.uniform(1, 2) * HOUR_MS)
            self._awake(day, day.from_ms, leaves_ms)
            self._opens(day, leaves_ms)
            day.out.append(Span(leaves_ms, day.to_ms, "journey"))
            day.sleeps = False
            return
        if self._away:
            day.out.append(Span(day.from_ms, day.to_ms, "journey"))
            day.sleeps = False
            return
        home_ms = day.from_ms
        if returns:
            home_ms = day.from_ms + round(chance.uniform(2, 3) * HOUR_MS)
            day.out.append(Span(day.from_ms, home_ms, "journey"))
            self._opens(day, home_ms)
        bed_ms = self._clock(day, person.bed_minute, 15)
        up_ms = max(self._clock(day, person.up_minute, 20), bed_ms + 4 * HOUR_MS)
        self._awake(day, home_ms, bed_ms)
        self._night(day, bed_ms, up_ms)
        self._awake(day, up_ms, day.to_ms)
        self._befalls(day, home_ms)
        self._off_the_floor(day)

    def _clock(self, day: Day, minute: int, spread_min: float) -> int:
        usual_ms = next_at_ms(minute, day.from_ms)
        return usual_ms + round(self._chance.gauss(0, spread_min) * MIN_MS)

    def _opens(self, day: Day, at_ms: int) -> None:
        sigma = math.log(DOOR_P99_S / DOOR_P50_S) / _P99
        open_ms = round(self._chance.lognormvariate(math.log(DOOR_P50_S), sigma) * SEC_MS)
        day.doors.append(Span(at_ms, at_ms + max(SEC_MS, open_ms)))

    def _awake(self, day: Day, from_ms: int, to_ms: int) -> None:
        """Hours in which they are up: in one room and the next, still or on their feet; out and back; a nap."""
        chance = self._chance
        at_ms = from_ms + round(chance.uniform(5, 40) * SEC_MS)
        silent = chance.random() < 0.05
        goes_out, naps = chance.random() < 0.3, chance.random() < 0.2
        while at_ms < to_ms - 2 * MIN_MS:
            what, minutes = self._next(silent=silent)
            left_min = (to_ms - at_ms) / MIN_MS
            if goes_out and left_min > 90:
                goes_out, what, minutes = False, "out", chance.uniform(30, 180)
            elif naps and left_min > 150 and at_ms > from_ms + HOUR_MS:
                naps, what, minutes = False, "nap", chance.uniform(30, 120)
            end_ms = min(at_ms + round(minutes * MIN_MS), to_ms - 30 * SEC_MS)
            silent = silent and not what.startswith("~")
            if what == "out":
                day.out.append(Span(at_ms, end_ms))
                self._opens(day, at_ms)
                self._opens(day, end_ms - 10 * SEC_MS)
            elif what == "nap":
                day.in_bed.append(Span(at_ms, end_ms))
            else:
                day.moves.append(Span(at_ms, end_ms, what))
                if what == BATH:
                    day.bath.append(Span(at_ms, end_ms))
                if what == f"~{LIVING}" and self._person.sits_up:
                    day.chair.append(Span(at_ms + 20 * SEC_MS, end_ms - 10 * SEC_MS))
            at_ms = end_ms + round(chance.uniform(5, 20) * SEC_MS)
        day.moves.append(Span(to_ms - 30 * SEC_MS, to_ms, BEDROOM))

    def _next(self, *, silent: bool) -> tuple[str, float]:
        """Where they are next, and for how long (minutes)."""
        chance = self._chance
        dice = chance.random()
        if dice < 0.5:
            return LIVING, min(60.0, chance.lognormvariate(math.log(12), 0.7))
        if dice < 0.68:
            return BATH, min(18.0, chance.lognormvariate(math.log(4.6), 0.5))
        if dice < 0.8:
            return BEDROOM, min(30.0, chance.lognormvariate(math.log(6), 0.7))
        longest = LONGEST_SILENCE_MIN if silent else 120.0
        return f"~{LIVING}", longest if silent else min(longest, chance.lognormvariate(math.log(40), 0.5))

    def _night(self, day: Day, bed_ms: int, up_ms: int) -> None:
        """In bed, with what takes them out of it."""
        wanted = [(kind, self._length_ms(kind)) for kind in self._kinds()]
        held: list[tuple[Span, str]] = []
        for kind, long_ms in wanted:
            placed = self._place(day, bed_ms, up_ms, kind, long_ms, [span for span, _ in held])
            if placed is not None:
                held.append((placed, kind))
        held.sort(key=lambda one: one[0].from_ms)
        edges = [bed_ms, *(edge for span, _ in held for edge in (span.from_ms, span.to_ms)), up_ms]
        ends = [kind for _, kind in held] + [""]
        for begins_ms, ends_ms, kind in zip(edges[::2], edges[1::2], ends, strict=True):
            day.in_bed.append(Span(begins_ms, ends_ms, "rolls" if kind == "silent" else ""))
        for span, kind in held:
            self._leaves(day, span, kind)

    def _kinds(self) -> list[str]:
        """What this night holds, the rarest first, because a full night has no place for the last."""
        chance, often, person = self._chance, self._often, self._person
        kinds = []
        for kind, a_year in (
            ("fall", often.falls * FALLS_BY_NIGHT),
            ("silent", often.silent_falls),
            ("wander", often.wanders if person.wanders else 0.0),
            ("sit", often.sits),
            ("chair", 40.0 if person.sits_up else 0.0),
        ):
            if self._happens(a_year):
                kinds.append(kind)
        if chance.random() < person.doors:
            # Half of them by somebody else, while the resident lies in bed.
            kinds.append("door" if chance.random() < 0.5 else "visit")
        trips = chance.choices([n for n, _ in TRIPS], [weight for _, weight in TRIPS])[0]
        return kinds + ["trip"] * trips

    def _length_ms(self, kind: str) -> int:
        chance = self._chance
        if kind == "trip":
            sigma = math.log(AWAY_P90_MIN / AWAY_P50_MIN) / _P90
            return max(MIN_MS, round(chance.lognormvariate(math.log(AWAY_P50_MIN), sigma) * MIN_MS))
        low, high = {
            "silent": (45.0, 120.0),
            "fall": (30.0, 90.0),
            "wander": (10.0, 60.0),
            "sit": (25.0, 70.0),
            "chair": (90.0, 240.0),
            "door": (3.0, 8.0),
            "visit": (3.0, 8.0),
        }[kind]
        return round(chance.uniform(low, high) * MIN_MS)

    def _place(self, day: Day, bed_ms: int, up_ms: int, kind: str, long_ms: int, held: list[Span]) -> Span | None:
        """Where in the night it can be; None where it has no place for it."""
        chance = self._chance
        first_ms, last_ms = bed_ms + 20 * MIN_MS, up_ms - long_ms - 20 * MIN_MS
        for _ in range(20):
            if last_ms <= first_ms:
                return None
            at_ms = round(chance.uniform(first_ms, last_ms))
            if kind == "trip":
                hour = chance.gauss(chance.choice(TRIP_PEAKS_H), TRIP_SPREAD_H)
                at_ms = next_at_ms(0, day.from_ms) + round(hour * HOUR_MS)
            within = first_ms <= at_ms <= last_ms
            if kind == "silent":
                within = within and inside(self._person.night, at_ms)
            apart = all(at_ms > span.to_ms + APART_MS or at_ms + long_ms + APART_MS < span.from_ms for span in held)
            if within and apart:
                if kind == "visit":
                    self._visited(day, at_ms)
                    return None
                return Span(at_ms, at_ms + long_ms)
        return None

    def _visited(self, day: Day, at_ms: int) -> None:
        """Somebody opens the door, is in the living room for a moment and goes again."""
        self._opens(day, at_ms)
        day.moves.append(Span(at_ms + 5 * SEC_MS, at_ms + round(self._chance.uniform(40, 120) * SEC_MS), LIVING))

    def _leaves(self, day: Day, span: Span, kind: str) -> None:
        """What they do while they are up."""
        chance, begins_ms, ends_ms = self._chance, span.from_ms, span.to_ms
        if kind == "silent":
            day.floor.append(Span(begins_ms, ends_ms - MIN_MS, "silent"))
            day.moves.append(Span(ends_ms - MIN_MS, ends_ms, BEDROOM))
            return
        walked_ms = begins_ms + round(chance.uniform(15, 30) * SEC_MS)
        back_ms = ends_ms - round(chance.uniform(10, 20) * SEC_MS)
        day.moves += [Span(begins_ms + 3 * SEC_MS, walked_ms, BEDROOM), Span(back_ms, ends_ms, BEDROOM)]
        if kind in ("trip", "fall"):
            day.bath.append(Span(walked_ms, back_ms))
            day.moves.append(Span(walked_ms, back_ms, BATH))
            if kind == "fall":
                self._falls(day, walked_ms + MIN_MS, back_ms - MIN_MS)
        elif kind == "chair":
            day.moves.append(Span(walked_ms, walked_ms + MIN_MS, LIVING))
            day.chair.append(Span(walked_ms + MIN_MS, back_ms - 10 * SEC_MS))
            day.moves.append(Span(walked_ms + MIN_MS, back_ms - 10 * SEC_MS, f"~{LIVING}"))
        elif kind == "wander":
            day.moves.append(Span(walked_ms, walked_ms + MIN_MS, LIVING))
            gone_ms = walked_ms + MIN_MS
            day.out.append(Span(gone_ms, back_ms - 30 * SEC_MS, "wander"))
            self._opens(day, gone_ms)
            self._opens(day, back_ms - 40 * SEC_MS)
            day.moves.append(Span(back_ms - 25 * SEC_MS, back_ms, LIVING))
        else:
            day.moves.append(Span(walked_ms, back_ms, LIVING))
            if kind == "door":
                self._opens(day, (walked_ms + back_ms) // 2)

    def _falls(self, day: Day, at_ms: int, found_ms: int) -> None:
        """Somebody falls, is found and helped up; four of five falls the sensor reports, within 90 seconds."""
        sensed = self._chance.random() < FALLS_SENSED
        day.floor.append(Span(at_ms, found_ms, "sensed" if sensed else "unsensed"))
        if sensed:
            reported_ms = at_ms + round(self._chance.uniform(20, 90) * SEC_MS)
            day.falls.append(Span(reported_ms, max(found_ms, reported_ms + MIN_MS)))

    def _befalls(self, day: Day, home_ms: int) -> None:
        """What may come at any hour."""
        chance, often = self._chance, self._often
        whole_ms = day.to_ms - home_ms
        away = [(span.from_ms - MIN_MS, span.to_ms + MIN_MS) for span in day.out]

        def when() -> int | None:
            at_ms = home_ms + round(chance.random() * whole_ms)
            return None if any(begins <= at_ms <= ends for begins, ends in away) else at_ms

        for happens, into in ((often.calls, day.calls), (often.leaks, day.leaks)):
            if self._happens(happens) and (at_ms := when()) is not None:
                into.append(at_ms)
        whole, part = divmod(self._person.false_falls, 1)
        for _ in range(int(whole) + (chance.random() < part)):
            if (at_ms := when()) is not None:
                ends_ms = at_ms + round(chance.uniform(30, 120) * SEC_MS)
                day.falls.append(Span(at_ms, ends_ms, "false"))
        self._to_fall += self._happens(often.falls * (1 - FALLS_BY_NIGHT))
        if self._to_fall:
            self._falls_by_day(day)

    def _falls_by_day(self, day: Day) -> None:
        """A fall in the living room, where they have time to lie until they are found."""
        places = [span for span in day.moves if span.what == LIVING and span.to_ms - span.from_ms > 3 * MIN_MS]
        for place in self._chance.sample(places, len(places)):
            fell_ms = place.from_ms + 2 * MIN_MS
            found_ms = fell_ms + round(self._chance.uniform(15, 60) * MIN_MS)
            if found_ms < day.to_ms - HOUR_MS and not _touched(day, place.from_ms, found_ms):
                self._falls(day, fell_ms, found_ms)
                self._to_fall -= 1
                return

    def _off_the_floor(self, day: Day) -> None:
        """Who lies on the floor does not move."""
        for fallen in day.floor:
            if fallen.what == "silent":
                continue
            kept = []
            for span in day.moves:
                if span.to_ms <= fallen.from_ms or span.from_ms >= fallen.to_ms:
                    kept.append(span)
                    continue
                if span.from_ms < fallen.from_ms:
                    kept.append(Span(span.from_ms, fallen.from_ms, span.what))
                if span.to_ms > fallen.to_ms:
                    kept.append(Span(fallen.to_ms, span.to_ms, span.what))
            day.moves = kept


def _touched(day: Day, from_ms: int, to_ms: int) -> bool:
    """Whether they are somewhere else than on their feet at home in this stretch."""
    spans = [*day.in_bed, *day.out, *day.chair, *day.doors, *day.bath]
    return any(span.from_ms < to_ms and from_ms < span.to_ms for span in spans)


def absences(in_bed: list[Span]) -> list[Span]:
    """The stretches out of bed between the stretches in it; what as the one before ended."""
    return [Span(before.to_ms, after.from_ms, before.what) for before, after in pairwise(in_bed)]
