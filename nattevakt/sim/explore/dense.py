"""From a seed to a short story in which much meets: some hours of a night instead of all of it. Serves the explorer.

Pure. Owns which troubles are drawn together: most faults of a program show only where two things meet (a call that is
appended and a centre that dies over it, a disk that takes nothing and a box that is switched off), and a whole night
brings that seldom. Must not know how a mishap is carried out, or what is demanded of anybody. Every choice comes from
the seed; none is shared with the stories of whole nights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from random import Random

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.acts import Act
from nattevakt.sim.explore.story import Mishap, Story
from nattevakt.sim.explore.telling import (
    BEGINS,
    MORE,
    NEEDS,
    Drawn,
    Sort,
    Sorts,
    can_tell,
    days_of,
    local_ms,
    staff_of,
    up_first,
)
from nattevakt.sim.explore.wards import SWIFT_S, ward_of
from nattevakt.sim.people import MINUTE_MS, Happening
from nattevakt.sim.ward import Resident, Sensor
from nattevakt.sim.world import chance_of

DENSE = "dense"
"""The level of a mishap that only these stories have."""
CALM_MS = 52 * MINUTE_MS
"""Shorter than after whole nights, and still longer than all that is judged in it."""
SETTLED_MS = 8 * MINUTE_MS
QUIET_MS = 6 * MINUTE_MS
"""Nobody begins anything so shortly before the faults end."""
A_DAY_MIN = 420
"""From the earliest beginning to the latest, in minutes."""
EDGES = 0.35
"""So many of them lie about the beginning of somebody's window."""
RECIPES_AN_HOUR, STRAY_AN_HOUR = (4, 6), (1, 2)
SHARE = 4
"""Among so many seeds that follow each other the recipes are dealt like cards: none of them is long in coming."""
DIES = "device_dies"
QUIET_START, QUIET_START_MS, DEAD_MS = 0.4, 20 * MINUTE_MS, (16 * MINUTE_MS, 18 * MINUTE_MS)
"""So many stories begin calmly for so long, but for one device that is dead: nothing else hides its silence."""
KNOCKED, KNOCKED_S, AWAY_S = 0.5, (10, 60), (20, 40)
"""In so many of these what it is heard through is away too, soon after it has died and for a moment."""
BURSTS_S = (2.3, 2.7, 6.0, 20.0, 90.0, 200.0)
"""Between one press and the next: no repeat any more, at once, while somebody comes, after somebody has come."""
REPEAT_S = 1.3


@dataclass(frozen=True, slots=True)
class Step:
    """One of several troubles that are drawn together. names: one of these. before_s: so long before somebody needs
    help it begins (below zero: after that). lasts_s: about so long. other: it befalls another gateway."""

    names: tuple[str, ...]
    before_s: tuple[float, float]
    lasts_s: tuple[int, ...] = (20,)
    other: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """Troubles that are drawn together. acts: about moments of this kind. kept: what is said then, a broker keeps."""

    steps: tuple[Step, ...]
    acts: tuple[Act, ...] = NEEDS
    kept: bool = False


def _of(*steps: Step, acts: tuple[Act, ...] = NEEDS, kept: bool = False) -> Recipe:
    return Recipe(steps, acts, kept)


CUT = ("link_cut", "link_cut", "link_refused", "link_deaf", "link_half_open", "proxy_502", "proxy_503", "portal")
DEATHS = ("agent_killed", "gateway_power", "agent_killed", "agent_gone")
DISK = ("disk_full", "disk_read_only", "disk_failing")
CRIES = (Act.PRESSES, Act.FALLS, Act.FALLS_PERHAPS, Act.FLOODS)
"""What rings by itself."""
RECIPES: Sequence[Recipe] = (
    # What is said while nothing gets through comes late.
    _of(Step(CUT, (10, 500), (200, 900, 2_400))),
    _of(Step(CUT, (10, 500), (900, 2_400)), Step(("link_narrow", "link_slow", "centre_slow"), (10, 500), (2_400,))),
    # Somebody moves in before it is known what happened.
    _of(Step(CUT, (20, 120), (400, 900)), Step(("guest_moves_in",), (-170, -35)), acts=CRIES),
    # The box dies with what it has not delivered, or with what its disk would not take.
    _of(Step(CUT, (10, 120), (200, 900)), Step(DEATHS, (-60, -1), (5, 70))),
    _of(Step(DISK, (2, 60), (70, 200)), Step(DEATHS, (-12, -1), (5, 20))),
    _of(Step(DISK, (2, 60), (70, 200)), Step(("agent_killed", "agent_gone"), (-6, -1), (5, 20)), acts=CRIES, kept=True),
    _of(Step(DISK, (2, 120), (70, 200, 900))),
    _of(Step(("disk_full", "disk_read_only"), (10, 300), (400, 900))),
    _of(Step(("disk_failing",), (100, 600), (900,))),
    _of(Step(("agent_cut_at_commit", "agent_cut_between", "power_tears_commit"), (2, 60), (200,))),
    _of(Step(("agent_crashes_on",), (2, 60), (70, 200))),
    _of(Step(("card_restored",), (20, 400), (500, 900)), Step(CUT, (0, 100), (200,))),
    # The centre dies over it, or goes back to before it.
    _of(Step(("centre_cut_at_commit", "centre_cut_between", "centre_tears_commit"), (2, 60), (200,))),
    _of(Step(("centre_restored",), (20, 200), (200, 500))),
    _of(Step(("centre_killed", "centre_away", "centre_crashes_on"), (0, 60), (20, 70, 200))),
    _of(Step(("centre_away",), (20, 900), (70, 900, 2_400))),
    _of(Step(("centre_locked", "centre_read_only", "centre_disk_failing"), (2, 60), (70, 200))),
    # All come back at once, and the centre is slow.
    _of(
        Step(("link_cut",), (300, 900), (900,)),
        Step(("link_cut",), (300, 900), (900,), other=True),
        Step(("centre_slow",), (100, 300), (2_400,)),
    ),
    # More than the box has room for; and a new stream that begins over what is not delivered yet.
    _of(Step(("small_outbox",), (600, 2_000), (3_600,)), Step(CUT, (300, 1_500), (2_400,))),
    _of(
        Step(("small_outbox",), (900, 2_000), (3_600,)),
        Step(("link_cut",), (900, 1_500), (1_500,)),
        Step(("agent_killed",), (-200, 300)),
        Step(("link_narrow",), (300, 600), (2_400,)),
    ),
    # What is old comes as if it were new.
    _of(Step(DEATHS, (-200, -20), (5,)), Step(("bridge_restarts", "broker_restarts"), (-400, -210), (20,))),
    _of(Step(("device_cached_replay", "device_retained_stale", "device_history_again"), (5, 200), (900,))),
    _of(
        Step(("device_retained_press",), (30, 300), (2_400,)),
        Step(("broker_restarts",), (-900, -20), (5, 20, 70)),
        acts=(Act.PRESSES,),
    ),
    _of(Step(("device_quadruple", "device_repeater_copies"), (5, 200), (900,))),
    _of(Step(("link_wanders", "link_doubles", "link_reorders"), (5, 300), (900,)), Step(DEATHS, (-60, -1), (5,))),
    # Clocks.
    _of(Step(("clock_steps",), (5, 300), (200, 900))),
    _of(Step(("clock_unsynced", "clock_1970", "clock_last_saved"), (30, 300), (200, 900)), Step(CUT, (0, 60), (200,))),
    # What cannot do its job.
    _of(Step(("device_dies",), (5, 900), (3_600,))),
    _of(Step(("agent_gone", "stick_unplugged", "key_revoked"), (5, 300), (200, 900))),
    _of(Step(("stick_unplugged", "broker_restarts"), (5, 300), (70, 200)), Step(("device_dies",), (5, 60), (2_400,))),
    _of(Step(("same_second", "logs_out", "tablet_dies", "away"), (-40, 20), (200, 900))),
)
"""What is drawn together; a sort that does not fit anybody is left out."""


def tell_dense(seed: int, hours: float, level: str, sorts: Sorts) -> Story:
    """The dense story of a seed: so many hours in which things go wrong, and a calm. Another one than `tell` tells."""
    ward = ward_of(seed)
    chance = chance_of(seed, "dense date")
    (day,) = days_of(chance, 1)
    begins_ms = local_ms(day, BEGINS) + chance.randrange(A_DAY_MIN) * MINUTE_MS
    edges = [window[0] for r in ward.residents for window in (r.bed_window, r.door_window) if window is not None]
    if edges and chance.random() < EDGES:
        # Where a window begins, the time of day decides what rings.
        hour, minute = map(int, chance.choice(sorted(edges)).split(":"))
        at_ms = local_ms(day if hour > 12 else day + timedelta(days=1), time(hour, minute))
        begins_ms = at_ms - round(chance.uniform(0.3, 0.9) * hours * 60) * MINUTE_MS
    faults_end_ms = begins_ms + round(hours * 60) * MINUTE_MS
    life = up_first(ward, begins_ms, chance_of(seed, "dense evening"))
    for resident in ward.residents:
        own = chance_of(seed, f"dense life {resident.key}")
        life += _lives(resident, begins_ms + MINUTE_MS, faults_end_ms - QUIET_MS, own)
    told = tuple(sorted(life, key=lambda h: (h.at_ms, h.resident, h.act.value, h.spot)))
    drawn = _Dense(ward, level, sorts, chance_of(seed, "dense mishaps"))
    from_ms = begins_ms + (QUIET_START_MS if drawn.begins_quietly(begins_ms) else SETTLED_MS)
    drawn.hours(from_ms, faults_end_ms, told, hours, hand_of(seed))
    return Story(
        seed,
        level,
        begins_ms,
        faults_end_ms,
        faults_end_ms + CALM_MS,
        tuple(resident.key for resident in ward.residents),
        told,
        tuple(sorted(drawn.found, key=lambda m: (m.at_ms, m.what, m.about))),
        staff_of(ward, level, chance_of(seed, "dense manners")),
    )


# --- what people do ----------------------------------------------------------------------------------------------


def _lives(resident: Resident, from_ms: int, to_ms: int, chance: Random) -> list[Happening]:
    """Restless people: up and to bed again, calling more than once."""
    found: list[Happening] = []

    def add(at_ms: float, act: Act, spot: str = "") -> None:
        if from_ms <= at_ms < to_ms:
            found.append(Happening(round(at_ms), resident.key, act, spot))

    if resident.sensor(Use.BED) is not None:
        for at_ms, act in _bed(resident, from_ms, to_ms, chance):
            add(at_ms, act, resident.sensor(Use.MOTION).spot if act is Act.MOVES else "")  # type: ignore[union-attr]
    call = resident.sensor(Use.CALL)
    for at_ms in _presses(from_ms, to_ms, chance) if call is not None else ():
        add(at_ms, Act.PRESSES, call.spot if call is not None else "")
    for use, often, what in (*MORE, *MORE):
        sensor = resident.sensor(use)
        at_ms, wanted = chance.uniform(from_ms, to_ms), chance.random() < min(0.8, often * 2)
        own = Random(chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
        if sensor is not None and wanted and use is not Use.BED:
            for ms, act in what(own):
                if can_tell(sensor, act):
                    add(at_ms + ms, act, sensor.spot)
    return found


def _bed(resident: Resident, from_ms: int, to_ms: int, chance: Random) -> Iterator[tuple[float, Act]]:
    """To bed, up for a moment, for a while or for too long, and to bed again."""
    at_ms, moves = from_ms + chance.uniform(0, 5) * MINUTE_MS, resident.sensor(Use.MOTION) is not None
    while at_ms < to_ms - 2 * MINUTE_MS:
        yield at_ms, Act.IN_BED
        at_ms += chance.choice((2.0, 5.0, 12.0)) * chance.uniform(0.7, 1.5) * MINUTE_MS
        yield at_ms, Act.OUT_OF_BED
        # Around the limit is where what is known decides.
        away_min = chance.choice((0.04, 3.0, 6.0, resident.limit_min - 1.0, resident.limit_min + 4.0, 45.0))
        back_ms = at_ms + away_min * chance.uniform(0.9, 1.1) * MINUTE_MS
        if moves and away_min > 1 and chance.random() < 0.6:
            yield at_ms + 20_000, Act.MOVES
        at_ms = back_ms


def _presses(from_ms: int, to_ms: int, chance: Random) -> Iterator[float]:
    for _ in range(chance.randint(2, 4)):
        at_ms = chance.uniform(from_ms, to_ms)
        yield at_ms
        for _ in range(chance.randint(0, 3)):
            at_ms += (REPEAT_S if chance.random() < 0.25 else chance.choice(BURSTS_S)) * chance.uniform(0.9, 1.1) * 1000
            yield at_ms


# --- what goes wrong ---------------------------------------------------------------------------------------------


class _Dense(Drawn):
    """Mishaps as they are drawn, several at a time."""

    def begins_quietly(self, begins_ms: int) -> bool:
        """Whether nothing goes wrong for a while, but that one device is dead which should be heard often."""
        own = Random(self.chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
        quiet, sort = own.random() < QUIET_START, self.sorts.get(DIES)
        swift = [s for s in self.ward.sensors if s.interval_s == SWIFT_S and s.speaks_every_s == SWIFT_S]
        if not quiet or not swift or sort is None or not self.may(sort):
            return False
        at_ms, sensor = begins_ms + round(own.uniform(1.5, 3) * MINUTE_MS), own.choice(swift)
        self.found.append(Mishap(at_ms, DIES, sensor.address, own.randint(*DEAD_MS), own.getrandbits(32)))
        source = "stick_unplugged" if sensor.is_serial else "broker_restarts"
        if own.random() < KNOCKED and source in self.sorts:
            lasts_ms, later_ms = round(own.uniform(*AWAY_S) * 1000), round(own.uniform(*KNOCKED_S) * 1000)
            self.found.append(Mishap(at_ms + later_ms, source, sensor.gateway, lasts_ms, own.getrandbits(32)))
        return True

    def hours(
        self, from_ms: int, to_ms: int, life: Sequence[Happening], hours: float, hand: Sequence[Recipe] = RECIPES
    ) -> None:
        """Troubles about moments at which somebody needs help, of those that were dealt, and some anywhere."""
        names = [name for name, sort in self.sorts.items() if self.may(sort)]
        if not names:
            return
        calls = [h for h in life if h.act in NEEDS and from_ms < h.at_ms < to_ms]
        # Level "soft" takes of each recipe what it may have.
        for number in range(round(self.chance.randint(*RECIPES_AN_HOUR) * hours) if calls else 0):
            recipe = hand[number] if number < len(hand) else self.chance.choice(RECIPES)
            self._cook(recipe, from_ms, to_ms, self.chance.choice(self._moments(recipe, calls)))
        for _ in range(round(self.chance.randint(*STRAY_AN_HOUR) * hours)):
            self._draw(names, from_ms, to_ms, round(self.chance.uniform(from_ms, to_ms)), None)

    def _moments(self, recipe: Recipe, calls: Sequence[Happening]) -> Sequence[Happening]:
        """Those that a recipe is about; all where there is none."""
        about = [step for step in recipe.steps if all(self.sorts[name].about == "device" for name in step.names)]

        def suits(moment: Happening) -> bool:
            resident = self.ward.resident(moment.resident)
            sensor = _asked(resident, moment) if resident is not None else None
            if sensor is None or moment.act not in recipe.acts or (recipe.kept and sensor.is_serial):
                return False
            return all(any(self.sorts[name].fits(sensor) for name in step.names) for step in about)

        return [moment for moment in calls if suits(moment)] or calls

    def _cook(self, recipe: Recipe, from_ms: int, to_ms: int, moment: Happening) -> None:
        own = Random(self.chance.getrandbits(64))  # noqa: S311 - a simulation, not a secret
        resident = self.ward.resident(moment.resident)
        sensor = _asked(resident, moment) if resident is not None else None
        if sensor is None:
            return
        for step in recipe.steps:
            names = [name for name in step.names if name in self.sorts and self.may(self.sorts[name])]
            fitting = [name for name in names if self.sorts[name].about != "device" or self.sorts[name].fits(sensor)]
            name, spread, lasts_s = own.choice(fitting or [""]), own.uniform(0.7, 1.4), own.choice(step.lasts_s)
            at_ms = moment.at_ms - round(own.uniform(*step.before_s) * 1000)
            chance = own.getrandbits(32)
            if not name:
                continue
            sort, about = self.sorts[name], sensor.gateway
            if sort.about == "centre":
                about = ""
            elif sort.about == "staff":
                about = own.choice(self.ward.staff).key
            elif sort.about == "device":
                about = sensor.address
            elif step.other:
                about = next(gateway.key for gateway in self.ward.gateways if gateway.key != about)
            at_ms = min(max(at_ms, from_ms), to_ms - 1_000)
            lasts_ms = min(round(lasts_s * spread * 1000), to_ms - at_ms) if sort.lasts else 0
            if not self._taken(name, about, at_ms, at_ms + lasts_ms):
                self.found.append(Mishap(at_ms, name, about, lasts_ms, chance))

    def may(self, sort: Sort) -> bool:
        """Whether a sort may be drawn here: also what whole nights do not have."""
        return super().may(sort) or (sort.level == DENSE and self.level == "hard")


MEANT = {
    Act.PRESSES: Use.CALL,
    Act.FALLS: Use.FALL,
    Act.FALLS_PERHAPS: Use.FALL,
    Act.FLOODS: Use.LEAK,
    Act.OPENS: Use.DOOR,
    Act.OUT_OF_BED: Use.BED,
}


def hand_of(seed: int) -> Sequence[Recipe]:
    """What is dealt to a seed of all recipes, in an order of its own."""
    deck = list(RECIPES)
    chance_of(seed // SHARE, "dense deck").shuffle(deck)
    return deck[seed % SHARE :: SHARE]


def _asked(resident: Resident, moment: Happening) -> Sensor | None:
    """The device that tells of it."""
    return resident.sensor(MEANT[moment.act], moment.spot) or resident.sensor(MEANT[moment.act])
