"""The twelve residents of the simulated year and every number of their lives and sensors. Serves the simulator.

Owns the settings, fixed before any rule was tuned: none may be changed to make a rule look better, only because a
source says otherwise. Must not know rules or how a life is played. Source of all that does not name another:
published recordings of real homes, wards and sensors; what no source says is marked "ours".
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.edge.rules.windows import DAY_MINUTES, Window

BEGINS_DAY = (2026, 3, 20)
"""Local date of the first night. The spring's change of clocks comes nine nights later, the autumn's 219."""

TRIPS = ((1, 25), (2, 50), (3, 20), (4, 5))
"""Trips to the toilet on how many nights of a hundred."""
TRIP_PEAKS_H = (1.0, 4.0, 6.0)
TRIP_SPREAD_H = 0.8
"""How far about a peak they lie, one standard deviation (ours)."""
AWAY_P50_MIN, AWAY_P90_MIN = 4.6, 9.0
DOOR_P50_S, DOOR_P99_S = 8.0, 105.0
"""p99 is 1 to 2.5 minutes."""
FALLS_A_YEAR = 1.6
FALLS_BY_NIGHT = 0.16
"""The share of falls between 23 and 07."""
FALLS_SENSED = 0.8
LONGEST_SILENCE_MIN = 326
"""A well person's sensors were once silent for so long by day."""
TURNS_AN_HOUR = 0.45
"""A sleeper is seen by the bedroom's PIR so often: with the trips, half of all hours from 00 to 05 show nothing."""
STRAYS_A_DAY = 0.05
"""A PIR that fires where nobody is: the sun, a curtain, a heater (ours)."""

PIR_BLIND_S = 30.0
PIR_SEES = 0.85
"""After a movement a PIR is blind for so long, and of what moves before it next it sees so much (ours)."""

GAP_LONG_MIN, GAP_LONGER_MIN, GAP_LONGEST_MIN = 15.0, 30.0, 75.0
GAP_LONGER = 0.55
"""Of the gaps over 15 minutes so many last over 30; the longest is ours."""
GAPS_LEAST, GAPS_MOST = 3, 20
TOGGLES_LEAST, TOGGLES_MOST = 100, 2_000
CHATTER_S = (1.0, 3.0)
SITS_UP_S = (10.0, 60.0)
"""Whoever gets up sits on the edge of the bed first, and so much weight in one place a bad mat feels too. Whoever rolls
out does not (ours)."""


@dataclass(frozen=True, slots=True)
class Often:
    """How often the rarer things happen, a year and resident.

    silent_falls: from bed with no word of any sensor; life has far fewer, but the bar is on them. leaks, sits (in the
    kitchen by night), wanders (of who wanders), journeys (days away), calls: ours.
    """

    falls: float = FALLS_A_YEAR
    silent_falls: float = 6.0
    calls: float = 180.0
    leaks: float = 3.0
    sits: float = 12.0
    wanders: float = 16.0
    journeys: float = 3.0


@dataclass(frozen=True, slots=True)
class BadMat:
    """What is wrong with a mat, a night. gaps: over 60 s. long_gaps: of them over 15 minutes. toggles: raw changes."""

    gaps: float
    long_gaps: float
    toggles: float


@dataclass(frozen=True, slots=True)
class Person:
    """One resident.

    bed_minute, up_minute: their usual local times. doors: openings a night. false_falls: what their fall sensor makes
    up, a day. risk: falls when up alone. sits_up: sleeps in the chair on some nights, and has a pad in it. empties: the
    button's battery runs out in the year. watched: nobody is expected to be up between 01 and 05.
    """

    number: int
    bed_minute: int
    up_minute: int
    doors: float
    false_falls: float
    mat: BadMat | None = None
    wanders: bool = False
    risk: bool = False
    sits_up: bool = False
    empties: bool = False
    watched: bool = False

    @property
    def key(self) -> str:
        """How the table names them."""
        return f"B{self.number:02d}"

    @property
    def night(self) -> Window:
        """The window of their plan: half an hour after they usually lie down until an hour before they get up."""
        return Window((self.bed_minute + 30) % DAY_MINUTES, self.up_minute - 60)

    @property
    def day(self) -> Window:
        """The hours in which they are up."""
        return Window(self.up_minute, self.bed_minute)


# Bad mats: the ends and the middle of what is known (1.4 to 3 long gaps, 3 to 20 gaps, 100 to 2,000 toggles a night).
# False falls: 0.02 to 1.2 a day. Doors: 0.05 to 0.5 openings a night. Beds: from 20-08 to 01-09.
PEOPLE = (
    Person(1, 21 * 60 + 30, 7 * 60, doors=0.5, false_falls=0.02, wanders=True),
    Person(2, 21 * 60, 7 * 60 + 30, doors=0.2, false_falls=0.03, mat=BadMat(7, 1.4, 150)),
    Person(3, 20 * 60, 8 * 60, doors=0.05, false_falls=0.05, risk=True),
    Person(4, 20 * 60 + 30, 7 * 60, doors=0.1, false_falls=0.07, empties=True),
    Person(5, 22 * 60, 8 * 60, doors=0.3, false_falls=0.1, risk=True),
    Person(6, 22 * 60 + 30, 8 * 60, doors=0.1, false_falls=0.15, mat=BadMat(12, 2.2, 600)),
    Person(7, 22 * 60, 7 * 60, doors=0.4, false_falls=0.2, wanders=True),
    Person(8, 23 * 60, 8 * 60 + 30, doors=0.05, false_falls=0.3, sits_up=True),
    Person(9, 23 * 60 + 30, 8 * 60, doors=0.1, false_falls=0.4, watched=True),
    Person(10, 30, 9 * 60, doors=0.2, false_falls=0.6, mat=BadMat(17, 3.0, 1_600)),
    Person(11, 0, 8 * 60 + 30, doors=0.15, false_falls=0.8, empties=True),
    Person(12, 60, 9 * 60, doors=0.3, false_falls=1.2),
)
