"""What is armed for each resident of the simulated year, and who answers. Serves the simulator.

Owns the plans: every setting is the rule's own default, every window follows from the resident's hours; and the staff,
who are as studies found them. Must not know the truth of a night.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from random import Random
from types import MappingProxyType

from nattevakt.central.alarms.desk import Answer, Rung
from nattevakt.central.alarms.lifecycle import Move
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.rule import Armed, Entry, Rule
from nattevakt.edge.rules.windows import Window, next_at_ms
from nattevakt.sim.year_people import Person
from nattevakt.sim.year_sensors import devices

MIN_MS = 60_000

LIMIT_MIN = 15
CHECK_MIN = 15
"""What is judged: those of the rule `not_back_in_bed` as they stood when the bars were set."""

NOT_ARMED: Mapping[str, str] = MappingProxyType(
    {
        "out_of_room": "no presence sensor in these homes: mats, PIRs, doors and buttons are what is judged",
        "wet": "no moisture pad in these homes",
    }
)
"""Rules that no plan of the year has, and why."""

EARLY_MINUTE, LATE_MINUTE = 21 * 60 + 30, 8 * 60 + 30
"""Who uses to be in bed by the one, and up by the other, has a plan that asks about it at the rules' own times."""


def _windows(rule: str, person: Person) -> tuple[Window, ...] | None:
    """The windows of a planned rule in a resident's plan, None where it is not in it."""
    night, by_day = (person.night,), (person.day,)
    early = 12 * 60 < person.bed_minute <= EARLY_MINUTE
    wanted: dict[str, tuple[Window, ...] | None] = {
        "not_back_in_bed": night,
        "door_at_night": night,
        "not_returned": night,
        "long_bathroom": night,
        "inactivity": by_day,
        # Told of at once is who falls when up alone; beside them it is only measured on bad mats (`beside`).
        "out_of_bed": night if person.risk or person.mat is not None else None,
        "chair": (Window(8 * 60, 20 * 60),) if person.sits_up else None,
        "unexpected_activity": (Window(60, 5 * 60),) if person.watched else None,
        "in_bed_late": () if early else None,
        "not_up": () if person.up_minute <= LATE_MINUTE else None,
    }
    return wanted.get(rule)


def beside(rule: str, person: Person) -> bool:
    """Whether a rule is measured but in no plan: nobody arms "at once" on a mat that is found bad each morning."""
    return rule == "out_of_bed" and person.mat is not None


def armed(person: Person, rules: Iterable[Rule] = RULES, *, besides: bool = False) -> list[tuple[Rule, Armed]]:
    """A resident's rules with what they are set to. besides: with what is measured and in no plan, too."""
    found = []
    for rule in rules:
        values = {setting.name: setting.default for setting in rule.settings}
        windows: tuple[Window, ...] | None = ()
        if rule.planned:
            windows = _windows(rule.name, person)
        if windows is not None and (besides or not beside(rule.name, person)):
            found.append((rule, Armed((Entry(windows, values),), devices=devices(person))))
    return found


MEAN_MIN = (3.5, 8.0)
"""The mean time from a sound until somebody is there; on one night so long, on another longer."""
SPREAD = 0.7
"""Of the logarithm (ours): with it 4 to 5 of 100 take over a quarter of an hour."""
NOT_ATTENDED, FORGOTTEN = 0.10, 0.03
"""Taken and not attended, and never taken."""
TAKES_MIN = (0.3, 2.0)
STAYS_MIN = (2.0, 6.0)
SHIFT_MINUTE = 7 * 60 + 30
"""Local time at which the day shift ends what still stands."""


class Staff:
    """Night workers who answer what sounds. Each sound is a chance of its own: who did not come is called again."""

    def __init__(self, chance: Random, *, there: bool = True) -> None:
        """there: False for a house without night staff, where only the day shift ends things."""
        self._chance = chance
        self._there = there

    def __call__(self, _alarm: Rung, now_ms: int) -> Iterable[Answer]:
        """What somebody will do about an alarm that sounds now."""
        shift_ms = next_at_ms(SHIFT_MINUTE, now_ms)
        ended = self._visit(shift_ms, shift_ms)
        if not self._there:
            return ended
        chance = self._chance
        dice, mean = chance.random(), chance.uniform(*MEAN_MIN)
        comes_ms = now_ms + round(chance.lognormvariate(_log_mean(mean), SPREAD) * MIN_MS)
        takes_ms = min(comes_ms, now_ms + round(chance.uniform(*TAKES_MIN) * MIN_MS))
        if dice < FORGOTTEN:
            return ended
        if dice < FORGOTTEN + NOT_ATTENDED:
            return (Answer(takes_ms, Move.TAKE), *ended)
        return self._visit(takes_ms, comes_ms)

    def _visit(self, takes_ms: int, comes_ms: int) -> tuple[Answer, ...]:
        left_ms = comes_ms + round(self._chance.uniform(*STAYS_MIN) * MIN_MS)
        return (
            Answer(takes_ms, Move.TAKE),
            Answer(comes_ms, Move.ARRIVE),
            Answer(left_ms, Move.CLOSE, "annet"),
        )


def _log_mean(mean: float) -> float:
    """The location of a lognormal with this mean."""
    return math.log(mean) - SPREAD**2 / 2
