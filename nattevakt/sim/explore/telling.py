"""From a seed to a story: whole nights of a ward, with what people do and what goes wrong. Serves the explorer.

Pure. Owns how lives and mishaps are drawn, and that they meet: a fault is only worth its time where something happens
under it, so mishaps gather about moments at which somebody calls, falls or leaves. Faults end before the story does;
the calm that follows is for the judge. Must not know how a mishap is carried out, or what is demanded of anybody. Every
choice comes from the seed.

Nights are from 21:00 to 07:00 local; days between them are lived plainly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Protocol
from zoneinfo import ZoneInfo

from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.rules.windows import NORWAY
from nattevakt.sim import people
from nattevakt.sim.acts import Act
from nattevakt.sim.explore.story import Manner, Mishap, Story
from nattevakt.sim.explore.wards import ward_of
from nattevakt.sim.people import MINUTE_MS, Habits, Happening
from nattevakt.sim.ward import Resident, Sensor, Ward
from nattevakt.sim.world import chance_of

BEGINS, NIGHT_BEGINS, NIGHT_ENDS = time(20, 40), time(21, 0), time(7, 0)
FAULTS_END = time(6, 0)
CALM_MS = 75 * MINUTE_MS
"""So long after the last fault has ended the ward must be quiet; nothing begins in it that anybody must come for."""
FIRST_DAY, DAYS = date(2026, 1, 2), 720
CLOCKS_CHANGE = (date(2026, 3, 28), date(2026, 10, 24), date(2027, 3, 27), date(2027, 10, 30))
"""Evenings before a change of clocks."""
ZONE = ZoneInfo(NORWAY)
LASTS_S = (5, 20, 70, 200, 900, 2_400, 7_200)
"""Typical lengths of a mishap; each is drawn from about one of these: shorter and longer than every limit."""
SETTLED_MS = 20 * MINUTE_MS
"""The first mishap comes no earlier after the beginning: everything has been heard once."""


class Sort(Protocol):
    """What must be known of a mishap to draw one: a row of befalls.BEFALLS, or of staffing.LAPSES."""

    @property
    def says(self) -> str:
        """What it is, in Norwegian."""
        ...

    @property
    def about(self) -> str:
        """ "gateway", "device", "centre" or "staff"."""
        ...

    @property
    def level(self) -> str:
        """From which level on it may happen."""
        ...

    @property
    def lasts(self) -> bool:
        """Whether it has an end of its own."""
        ...

    def fits(self, sensor: Sensor) -> bool:
        """Whether it can befall this device."""
        ...


Sorts = Mapping[str, Sort]


@dataclass(frozen=True, slots=True)
class Mood:
    """How much happens on a level, a night. moments: at which mishaps gather; of each so many; stray: elsewhere."""

    moments: tuple[int, int]
    gathered: tuple[int, int]
    stray: tuple[int, int]


MOODS: Mapping[str, Mood] = {
    "none": Mood((0, 0), (0, 0), (0, 0)),
    "soft": Mood((1, 2), (1, 2), (0, 2)),
    "hard": Mood((2, 4), (2, 4), (1, 4)),
}


def tell(seed: int, nights: int, level: str, sorts: Sorts) -> Story:
    """The story of a seed. sorts: what can go wrong, by name. The same for the same seed on any machine."""
    ward = ward_of(seed)
    days = days_of(chance_of(seed, "date"), nights)
    begins_ms = local_ms(days[0], BEGINS)
    faults_end_ms = local_ms(days[-1] + timedelta(days=1), FAULTS_END)
    life = up_first(ward, begins_ms, chance_of(seed, "evening"))
    for number, day in enumerate(days):
        to_ms = faults_end_ms if number == nights - 1 else local_ms(day + timedelta(days=1), BEGINS)
        span = people.Night(local_ms(day, BEGINS), to_ms)
        life += _Night(ward, span, chance_of(seed, f"night {number}")).lived()
    told = tuple(sorted(life, key=lambda h: (h.at_ms, h.resident, h.act.value, h.spot)))
    drawn = Drawn(ward, level, sorts, chance_of(seed, "mishaps"))
    for day in days:
        drawn.night(
            local_ms(day, BEGINS) + SETTLED_MS, min(local_ms(day + timedelta(days=1), NIGHT_ENDS), faults_end_ms), told
        )
    return Story(
        seed,
        level,
        begins_ms,
        faults_end_ms,
        faults_end_ms + CALM_MS,
        tuple(resident.key for resident in ward.residents),
        told,
        tuple(sorted(drawn.found, key=lambda m: (m.at_ms, m.what, m.about))),
        staff_of(ward, level, chance_of(seed, "manners")),
    )


def up_first(ward: Ward, begins_ms: int, chance: Random) -> list[Happening]:
    """When a story begins, whoever has a mat is up, and it says so: one that has never said anything is a fault."""
    delays = [(resident, chance.randint(200, 900)) for resident in ward.residents]
    return [
        Happening(begins_ms + delay_ms, resident.key, Act.OUT_OF_BED)
        for resident, delay_ms in delays
        if resident.sensor(Use.BED) is not None
    ]


def nights_of(story: Story) -> float:
    """How many nights, 21:00 to 07:00, lie in a story; of one that is cut short only the part that is played."""
    day, found = datetime.fromtimestamp(story.begins_ms / 1000, ZONE).date() - timedelta(days=1), 0.0
    while (from_ms := local_ms(day, NIGHT_BEGINS)) < story.ends_ms:
        day += timedelta(days=1)
        to_ms = local_ms(day, NIGHT_ENDS)
        played_ms = min(to_ms, story.ends_ms) - max(from_ms, story.begins_ms)
        found += max(0, played_ms) / (to_ms - from_ms)
    return found


def days_of(chance: Random, nights: int) -> list[date]:
    """The dates of the nights: any time of the year, and now and then one on which the clocks change."""
    first = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
    if chance.random() < 0.12:
        first = chance.choice(CLOCKS_CHANGE) - timedelta(days=chance.randrange(nights))
    return [first + timedelta(days=number) for number in range(nights)]


def local_ms(day: date, at: time) -> int:
    """A time of day on a date, as Unix ms."""
    return round(datetime.combine(day, at, ZONE).astimezone(UTC).timestamp() * 1000)


def staff_of(ward: Ward, level: str, chance: Random) -> tuple[Manner, ...]:
    """The first of them is never careless: somebody comes in the end, also on the worst night."""
    found = []
    for number, worker in enumerate(ward.staff):
        careful = number == 0 or level == "none"
        found.append(
            Manner(
                worker.key,
                answers_s=chance.choice((20, 45, 90)),
                walks_s=chance.choice((30, 60, 120)),
                stays_s=chance.choice((60, 180, 300)),
                ignores=chance.choice((0, 30)) if careful else chance.choice((0, 100, 400)),
                forgets=0 if careful else chance.choice((0, 30, 100)),
                doubles=chance.choice((0, 50, 150)),
                rounds_every_min=chance.choice((10, 15, 20)) if careful else chance.choice((0, 20)),
                chance=(own := chance.getrandbits(32)),
                declines=0 if careful else Random(f"{own}:declines").choice((0, 0, 80)),  # noqa: S311 - no secret
                transfers=0 if careful else Random(f"{own}:transfers").choice((0, 0, 40)),  # noqa: S311 - no secret
            )
        )
    return tuple(found)


@dataclass(slots=True)
class _Night:
    """What everybody does from one evening to the next, or to the end."""

    ward: Ward
    span: people.Night
    chance: Random

    def lived(self) -> list[Happening]:
        habits, more = {}, []
        for resident in self.ward.residents:
            own = Random(self.chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
            habits[resident.key] = Habits(
                trips=own.random() < 0.9,
                wanders=own.random() < 0.12,
                falls=own.random() < 0.12,
                calls=own.random() < 0.5,
                bad_mat=own.random() < 0.1,
                leaves_door_open=own.random() < 0.06,
                longest_min=own.choice((None, 11.0)),
            )
            more += self._more(resident, own)
        return people.night(self.ward, habits, self.span, self.chance) + [h for h in more if self._within(h)]

    def _within(self, happening: Happening) -> bool:
        return self.span.from_ms < happening.at_ms < self.span.to_ms

    def _more(self, resident: Resident, chance: Random) -> list[Happening]:
        """What habits do not tell of, for those who have a sensor that can know."""
        found: list[Happening] = []
        for use, often, what in MORE:
            sensor = resident.sensor(use)
            wanted, at_ms = chance.random() < often, round(chance.uniform(self.span.from_ms, self.span.to_ms))
            own = Random(chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
            if sensor is not None and wanted:
                told = [(ms, act) for ms, act in what(own) if can_tell(sensor, act)]
                found += [Happening(at_ms + ms, resident.key, act, sensor.spot) for ms, act in told]
        motion = resident.sensor(Use.MOTION)
        if motion is not None:
            found += self._day(resident, motion, chance)
        return found

    def _day(self, resident: Resident, motion: Sensor, chance: Random) -> list[Happening]:
        """Who is up by day is seen now and then, and calls as often as by night."""
        local = datetime.fromtimestamp(self.span.from_ms / 1000, ZONE).date() + timedelta(days=1)
        at_ms, to_ms = local_ms(local, time(9, 0)), local_ms(local, time(20, 0))
        found = []
        while (at_ms := at_ms + round(chance.expovariate(1 / 35) * MINUTE_MS)) < to_ms:
            found.append(Happening(at_ms, resident.key, Act.MOVES, motion.spot))
        return found


def can_tell(sensor: Sensor, act: Act) -> bool:
    """Whether a sensor says such a thing: one radar is always sure of a fall, another's "low" is none."""
    return act is not Act.FALLS_PERHAPS or (sensor.profile != "MR60FDA2" and sensor.model != "FDS315")


def _twice(chance: Random) -> list[tuple[int, Act]]:
    """Two or three presses; the later ones while somebody is perhaps on the way."""
    gaps = [round(chance.choice((1.2, 4.0, 20.0, 90.0)) * chance.uniform(0.7, 1.5) * 1000) for _ in range(2)]
    return [(0, Act.PRESSES), (gaps[0], Act.PRESSES)] + [(sum(gaps), Act.PRESSES)] * (chance.random() < 0.5)


def _later(chance: Random, first: Act, then: Act, mean_min: float) -> list[tuple[int, Act]]:
    return [(0, first), (round(chance.uniform(0.2, 2) * mean_min * MINUTE_MS), then)]


MORE: Sequence[tuple[Use, float, Callable[[Random], list[tuple[int, Act]]]]] = (
    (Use.CALL, 0.25, _twice),
    (Use.CALL, 0.3, lambda _: [(0, Act.PRESSES)]),
    (Use.FALL, 0.12, lambda c: _later(c, Act.FALLS, Act.GETS_UP_FROM_FLOOR, 8)),
    (Use.FALL, 0.06, lambda c: _later(c, Act.FALLS_PERHAPS, Act.GETS_UP_FROM_FLOOR, 4)),
    (Use.LEAK, 0.15, lambda _: [(0, Act.FLOODS)]),
    (Use.DOOR, 0.3, lambda c: _later(c, Act.OPENS, Act.CLOSES, 0.3)),
    (Use.WET, 0.4, lambda c: _later(c, Act.WETS, Act.CHANGED, 40)),
    (Use.CHAIR, 0.4, lambda c: _later(c, Act.SITS, Act.RISES, 60)),
    (Use.PRESENCE, 0.5, lambda c: _later(c, Act.ENTERS, Act.LEAVES, 15)),
    # A fall that nobody hears of: out of bed, and nothing more.
    (Use.BED, 0.06, lambda _: [(0, Act.OUT_OF_BED)]),
)


@dataclass(slots=True)
class Drawn:
    """Mishaps as they are drawn."""

    ward: Ward
    level: str
    sorts: Sorts
    chance: Random
    found: list[Mishap] = field(default_factory=list)

    def night(self, from_ms: int, to_ms: int, life: Sequence[Happening]) -> None:
        """The mishaps of one night: some about moments at which somebody needs help, some anywhere."""
        mood = MOODS[self.level]
        names = [name for name, sort in self.sorts.items() if self.may(sort)]
        if not names:
            return
        calls = [h for h in life if h.act in NEEDS and from_ms < h.at_ms < to_ms]
        for _ in range(self.chance.randint(*mood.moments)):
            moment = self.chance.choice(calls) if calls and self.chance.random() < 0.85 else None
            at_ms = moment.at_ms if moment else round(self.chance.uniform(from_ms, to_ms))
            for _ in range(self.chance.randint(*mood.gathered)):
                self._draw(names, from_ms, to_ms, at_ms, moment)
        for _ in range(self.chance.randint(*mood.stray)):
            self._draw(names, from_ms, to_ms, round(self.chance.uniform(from_ms, to_ms)), None)

    def may(self, sort: Sort) -> bool:
        """Whether a sort may be drawn on this level."""
        return sort.level in ((self.level,) if self.level != "hard" else ("soft", "hard"))

    def _draw(self, names: list[str], from_ms: int, to_ms: int, near_ms: int, moment: Happening | None) -> None:
        chance = Random(self.chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
        name = chance.choice(names)
        sort = self.sorts[name]
        about = self._about(sort, chance, moment)
        lasts_ms = round(chance.choice(LASTS_S) * chance.uniform(0.6, 1.6) * 1000) if sort.lasts else 0
        # What lasts has mostly begun by then; what strikes once strikes a breath before or after.
        spread_ms = min(lasts_ms, 10 * MINUTE_MS) if sort.lasts else 5_000
        at_ms = near_ms - round(chance.uniform(-0.2, 1.0) * spread_ms) + chance.randint(-3_000, 3_000)
        at_ms = min(max(at_ms, from_ms), to_ms - 1_000)
        lasts_ms = min(lasts_ms, to_ms - at_ms)
        if about is None or self._taken(name, about, at_ms, at_ms + lasts_ms):
            return
        self.found.append(Mishap(at_ms, name, about, lasts_ms, chance.getrandbits(32)))

    def _about(self, sort: Sort, chance: Random, moment: Happening | None) -> str | None:
        """Whom it befalls: rather those who belong to the moment."""
        if sort.about == "centre":
            return ""
        if sort.about == "staff":
            return chance.choice(self.ward.staff).key
        near = next((r for r in self.ward.residents if moment is not None and r.key == moment.resident), None)
        mine = near.sensors if near is not None and chance.random() < 0.75 else self.ward.sensors
        if sort.about == "gateway":
            return chance.choice(sorted({sensor.gateway for sensor in mine}) or [g.key for g in self.ward.gateways])
        fitting = [s for s in mine if sort.fits(s)] or [s for s in self.ward.sensors if sort.fits(s)]
        return chance.choice(fitting).address if fitting else None

    def _taken(self, name: str, about: str, from_ms: int, to_ms: int) -> bool:
        """Whether it would run into one like it."""
        same = (m for m in self.found if (m.what, m.about) == (name, about))
        return any(m.at_ms <= to_ms + 1_000 and from_ms <= m.ends_ms + 1_000 for m in same)


NEEDS = (Act.PRESSES, Act.FALLS, Act.FLOODS, Act.OPENS, Act.OUT_OF_BED, Act.FALLS_PERHAPS)
"""What somebody must perhaps come for."""


def cut_short(story: Story, faults_end_ms: int) -> Story:
    """The same story as far as this moment, with the calm after it."""
    early = (m for m in story.mishaps if m.at_ms < faults_end_ms)
    return replace(
        story,
        faults_end_ms=faults_end_ms,
        ends_ms=faults_end_ms + (story.ends_ms - story.faults_end_ms),
        happenings=tuple(h for h in story.happenings if h.at_ms <= faults_end_ms),
        mishaps=tuple(replace(m, for_ms=min(m.for_ms, faults_end_ms - m.at_ms)) for m in early),
    )
