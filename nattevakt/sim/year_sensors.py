"""What mats, movement sensors, doors and buttons say of a resident's day. Serves the simulator.

Owns how each sensor errs: a good mat never, a bad one as such mats do; a PIR is blind for half a minute, and misses
some. Must not know rules, or what is made of the facts. What is outside the rules is left out: every fact is heard the
moment it happens. The settings stand in year_people.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from nattevakt.edge.events import Bed, Body, Call, Chair, Contact, Fall, FallOver, Health, Leak, LeakOver, Motion
from nattevakt.edge.rules.rule import Fact, Occurred
from nattevakt.edge.rules.windows import Window, inside
from nattevakt.sim.year_life import BATH, BEDROOM, HOUR_MS, LIVING, MIN_MS, SEC_MS, Day, Span
from nattevakt.sim.year_people import (
    CHATTER_S,
    GAP_LONG_MIN,
    GAP_LONGER,
    GAP_LONGER_MIN,
    GAP_LONGEST_MIN,
    GAPS_LEAST,
    GAPS_MOST,
    PIR_BLIND_S,
    PIR_SEES,
    SITS_UP_S,
    STRAYS_A_DAY,
    TOGGLES_LEAST,
    TOGGLES_MOST,
    TURNS_AN_HOUR,
    BadMat,
    Person,
)

DOOR_SPOT, CHAIR_SPOT = "ytterdør", "stol"
EMPTY_FROM, CHANGED_ON = 150, 155
"""On which night a battery that runs out reads 15 percent, and on which it is changed."""


def devices(person: Person) -> dict[str, str]:
    """The addresses in a resident's home and the words for their spots."""
    spots = {
        "mat": BEDROOM,
        "pir-soverom": BEDROOM,
        "pir-bad": BATH,
        "pir-stue": LIVING,
        "door": DOOR_SPOT,
        "call": "seng",
        "fall": LIVING,
        "leak": BATH,
    }
    if person.sits_up:
        spots["chair"] = CHAIR_SPOT
    return {_address(person, name): spot for name, spot in spots.items()}


def _address(person: Person, name: str) -> str:
    return f"year:{person.key.lower()}-{name}"


class Sensors:
    """The sensors of one resident's home."""

    def __init__(self, person: Person, chance: Random) -> None:
        self._person = person
        self._chance = chance
        self._spots = devices(person)
        self._seq = 0
        self._later: list[tuple[int, Body]] = []
        """What a day says of the time after its noon."""
        self.blind: set[int] = set()
        """When somebody rolled out of a bed whose mat read empty already."""

    def day(self, day: Day) -> list[Fact]:
        """The facts of a day, in the order in which they happen; days are asked for in order."""
        told = self._later
        told += self._bed(day)
        told += self._movement(day)
        told += self._acts(day)
        told += self._health(day)
        told.sort(key=lambda one: one[0])
        self._later = [one for one in told if one[0] >= day.to_ms]
        facts = []
        for at_ms, body in told[: len(told) - len(self._later)]:
            self._seq += 1
            spot = self._spots[body.device]  # type: ignore[attr-defined]  # all of these have one
            facts.append(Fact(body, Occurred(at_ms, at_ms), at_ms, spot, (1, 1, self._seq, 0)))
        return facts

    def _bed(self, day: Day) -> Iterable[tuple[int, Body]]:
        occupied, empty = (Bed(_address(self._person, "mat"), occupied=on) for on in (True, False))
        mat = self._person.mat
        holes = [[] for _ in day.in_bed] if mat is None else _Holes(day.in_bed, mat, self._person, self._chance).made()
        for lies, mine in zip(day.in_bed, holes, strict=True):
            yield lies.from_ms, occupied
            for hole in mine:
                yield hole.from_ms, empty
                if hole.to_ms < lies.to_ms:
                    yield hole.to_ms, occupied
            if not mine or mine[-1].to_ms < lies.to_ms:
                yield lies.to_ms, empty
            else:
                self.blind.add(lies.to_ms)

    def _movement(self, day: Day) -> Iterable[tuple[int, Body]]:
        chance = self._chance
        pirs = {place: Motion(_address(self._person, f"pir-{place}")) for place in (BEDROOM, BATH, LIVING)}
        for span in day.moves:
            still = span.what.startswith("~")
            pir = pirs[span.what.lstrip("~")]
            # Whoever sits on a toilet moves little, whoever reads or sleeps in a chair hardly at all.
            mean_s = 2400.0 if still else 45.0 if span.what == BATH else 20.0
            at_ms = span.from_ms + chance.expovariate(1 / (mean_s if still else 4.0)) * SEC_MS
            while at_ms < span.to_ms:
                if chance.random() < PIR_SEES:
                    yield round(at_ms), pir
                at_ms += (PIR_BLIND_S + chance.expovariate(1 / mean_s)) * SEC_MS
        for lies in day.in_bed:
            at_ms = lies.from_ms + chance.expovariate(TURNS_AN_HOUR) * HOUR_MS
            while at_ms < lies.to_ms:
                yield round(at_ms), pirs[BEDROOM]
                at_ms += chance.expovariate(TURNS_AN_HOUR) * HOUR_MS
        if chance.random() < STRAYS_A_DAY:
            yield round(chance.uniform(day.from_ms, day.to_ms)), chance.choice(list(pirs.values()))

    def _acts(self, day: Day) -> Iterable[tuple[int, Body]]:
        door, fall, leak, call = (_address(self._person, name) for name in ("door", "fall", "leak", "call"))
        for span in day.doors:
            yield span.from_ms, Contact(door, open=True)
            yield span.to_ms, Contact(door, open=False)
        for span in day.falls:
            yield span.from_ms, Fall(fall)
            yield span.to_ms, FallOver(fall)
        for span in day.chair:
            yield span.from_ms, Chair(_address(self._person, "chair"), seated=True)
            yield span.to_ms, Chair(_address(self._person, "chair"), seated=False)
        for at_ms in day.calls:
            yield at_ms, Call(call, "press")
            if self._chance.random() < 0.3:
                yield at_ms + 400, Call(call, "press", repeat_of=1)
        for at_ms in day.leaks:
            yield at_ms, Leak(leak)
            yield at_ms + HOUR_MS // 2, LeakOver(leak)

    def _health(self, day: Day) -> Iterable[tuple[int, Body]]:
        for number, address in enumerate(self._spots):
            percent = 95.0 - day.number / 20
            if self._person.empties and address.endswith("-call"):
                percent = 100.0 - 85 * day.number / EMPTY_FROM if day.number < CHANGED_ON else 100.0
            at_ms = day.from_ms + number * MIN_MS + round(self._chance.uniform(0, 50) * SEC_MS)
            for again_ms in (0, 8 * HOUR_MS):
                yield at_ms + again_ms, Health(address, battery_percent=round(max(3.0, percent)), linkquality=90)


class _Holes:
    """Where a bad mat reads empty while somebody lies on it, for each stretch in bed of a night."""

    def __init__(self, in_bed: list[Span], mat: BadMat, person: Person, chance: Random) -> None:
        self._in_bed = in_bed
        self._mat = mat
        self._window = person.night
        self._chance = chance
        self._made: list[list[Span]] = [[] for _ in in_bed]

    def made(self) -> list[list[Span]]:
        """In order, none touching another."""
        if not self._in_bed:
            return self._made
        chance = self._chance
        many = min(GAPS_MOST, max(GAPS_LEAST, round(chance.gauss(self._mat.gaps, self._mat.gaps / 4))))
        whole, part = divmod(self._mat.long_gaps, 1)
        long = int(whole) + (chance.random() < part)
        for number in range(max(many, long)):
            if number < long:
                # What is known of these is known of the hours in which an alarm is asked for.
                self._gap(self._minutes(), GAP_LONG_MIN, self._window)
            else:
                self._gap(chance.uniform(1.0, GAP_LONG_MIN - 1), 1.0)
        toggles = chance.lognormvariate(0.0, 0.4) * self._mat.toggles
        for _ in range(round(min(TOGGLES_MOST, max(TOGGLES_LEAST, toggles)) / 2)):
            self._chatter()
        for holes in self._made:
            holes.sort(key=lambda hole: hole.from_ms)
        return [_apart(holes) for holes in self._made]

    def _minutes(self) -> float:
        longer = self._chance.random() < GAP_LONGER
        low, high = (GAP_LONGER_MIN, GAP_LONGEST_MIN) if longer else (GAP_LONG_MIN + 0.5, GAP_LONGER_MIN)
        return self._chance.uniform(low, high)

    def _somewhere(self) -> tuple[int, int]:
        """Which stretch in bed, and when in it, each moment being as likely as the next."""
        lengths = [span.to_ms - span.from_ms for span in self._in_bed]
        number = self._chance.choices(range(len(lengths)), lengths)[0]
        span = self._in_bed[number]
        return number, round(self._chance.uniform(span.from_ms + MIN_MS, span.to_ms))

    def _gap(self, minutes: float, least_min: float, window: Window | None = None) -> None:
        """One gap, where there is room for it; least_min: no shorter where getting up cuts it short."""
        for _ in range(60):
            number, from_ms = self._somewhere()
            if window is not None and not inside(window, from_ms):
                continue
            lies = self._in_bed[number]
            to_ms = from_ms + round(minutes * MIN_MS)
            if to_ms >= lies.to_ms:
                # Who rolls out is not felt: the mat reads empty on.
                sat_ms = round(self._chance.uniform(*SITS_UP_S) * SEC_MS)
                to_ms = lies.to_ms if lies.what == "rolls" else lies.to_ms - sat_ms
            near = any(hole.from_ms - MIN_MS < to_ms and from_ms < hole.to_ms + MIN_MS for hole in self._made[number])
            if not near and to_ms - from_ms > least_min * MIN_MS:
                self._made[number].append(Span(from_ms, to_ms))
                return

    def _chatter(self) -> None:
        number, from_ms = self._somewhere()
        to_ms = from_ms + round(self._chance.uniform(*CHATTER_S) * SEC_MS)
        if to_ms < self._in_bed[number].to_ms - SEC_MS:
            self._made[number].append(Span(from_ms, to_ms))


def _apart(holes: list[Span]) -> list[Span]:
    """Those that do not run into a longer one or the one before; long ones are kept before short ones."""
    long = [hole for hole in holes if hole.to_ms - hole.from_ms >= MIN_MS]
    kept: list[Span] = []
    at = 0
    for hole in holes:
        while at < len(long) and long[at].to_ms + SEC_MS < hole.from_ms:
            at += 1
        is_long = hole.to_ms - hole.from_ms >= MIN_MS
        hits_long = not is_long and at < len(long) and hole.to_ms + SEC_MS > long[at].from_ms
        if not hits_long and (not kept or hole.from_ms > kept[-1].to_ms + SEC_MS):
            kept.append(hole)
    return kept
