"""How fast people came: time to shown, taken, on site and closed; which alarms were missed or late. Serves no arrow.

Pure. Owns what counts as in time, the percentiles, the shifts, and which alarms are named. Must not know storage,
words or pages.

All times count from when the alarm began to ring. Percentiles are by nearest rank, over the alarms that have the
time: a figure is always one that an alarm really took. An alarm that has no such time is counted apart, by why, and is
in every share that it belongs in; each alarm is in exactly one of the five outcomes of each stage.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from nattevakt.central.places.pauses import SHIFT_MINUTES
from nattevakt.edge.rules.windows import NORWAY, local_minute


class Stage(StrEnum):
    """What is waited for, in its order."""

    SHOWN = "shown"
    TAKEN = "taken"
    ON_SITE = "on_site"
    CLOSED = "closed"


LIMITS_MS: Mapping[Stage, int] = MappingProxyType({Stage.SHOWN: 15_000, Stage.TAKEN: 90_000, Stage.ON_SITE: 600_000})
"""From here on it is late. Closing has no limit: who is with a resident stays as long as it takes."""


class Shift(StrEnum):
    """Which shift an alarm rang in."""

    DAY = "dag"
    EVENING = "kveld"
    NIGHT = "natt"


class Outcome(StrEnum):
    """What became of one stage of one alarm.

    NEVER: not within the limit and not since. ENDED: a later stage, or later evidence, ended the wait within the limit.
    WAITING: the limit has not passed. Of closing, which has none: IN_TIME, ENDED (cleared itself) or WAITING.
    """

    IN_TIME = "in_time"
    LATE = "late"
    NEVER = "never"
    ENDED = "ended"
    WAITING = "waiting"


class Miss(StrEnum):
    """Why an alarm is named, the gravest first."""

    NEVER_SHOWN = "never_shown"
    NEVER_TAKEN = "never_taken"
    NEVER_ON_SITE = "never_on_site"
    LATE_TAKEN = "late_taken"
    LATE_ON_SITE = "late_on_site"
    LATE_SHOWN = "late_shown"
    SHOWN_UNCONFIRMED = "shown_unconfirmed"


@dataclass(frozen=True, slots=True)
class Life:
    """One alarm, by what its rows tell; None is what has not happened.

    rang_ms: when it began to ring. closed_ms: by a person; cleared_ms: by itself. rang_again: how many times it rang
    again because whoever had taken it was not there in time. technical: about the installation.
    """

    alarm_id: int
    kind: str
    ward_id: int
    rang_ms: int
    shown_ms: int | None = None
    taken_ms: int | None = None
    on_site_ms: int | None = None
    closed_ms: int | None = None
    cleared_ms: int | None = None
    rang_again: int = 0
    technical: bool = False
    state: str = ""
    room: str = ""
    resident_id: int | None = None

    def at_ms(self, stage: Stage) -> int | None:
        """When a stage was reached."""
        match stage:
            case Stage.SHOWN:
                return self.shown_ms
            case Stage.TAKEN:
                return self.taken_ms
            case Stage.ON_SITE:
                return self.on_site_ms
        return self.closed_ms

    def after_ms(self, stage: Stage) -> int | None:
        """How long after it began to ring that was."""
        at_ms = self.at_ms(stage)
        return None if at_ms is None else max(0, at_ms - self.rang_ms)


@dataclass(frozen=True, slots=True)
class Figures:
    """One stage of a group of alarms. The five outcomes together are all of its alarms."""

    median_ms: int | None
    p90_ms: int | None
    worst_ms: int | None
    in_time: int
    late: int
    never: int
    ended: int
    waiting: int

    @property
    def timed(self) -> int:
        """How many alarms the percentiles are of."""
        return self.in_time + self.late

    @property
    def judged(self) -> int:
        """How many alarms the share is of: in time, late or never."""
        return self.in_time + self.late + self.never

    @property
    def share(self) -> float | None:
        """The share in time, 0 to 1; None where there is nothing to judge."""
        return self.in_time / self.judged if self.judged else None


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What the alarms of a group have in common; "" and 0 stand for all."""

    technical: bool
    ward_id: int = 0
    shift: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Some alarms together. rang_again: how many of them rang again."""

    key: Key
    alarms: int
    rang_again: int
    stages: Mapping[Stage, Figures]


@dataclass(frozen=True, slots=True)
class Missed:
    """One alarm that was missed or late, and in what, the gravest first."""

    life: Life
    why: tuple[Miss, ...]


_SHIFTS = tuple(zip(SHIFT_MINUTES, Shift, strict=True))


def shift_of(at_ms: int, time_zone: str = NORWAY) -> Shift:
    """The shift at a moment, by the local clock: day from 07, evening from 15, night from 22."""
    minute = local_minute(at_ms, time_zone)
    begun = [shift for begins, shift in _SHIFTS if begins <= minute]
    return begun[-1] if begun else Shift.NIGHT


def nearest_rank(values: Sequence[int], percent: int) -> int | None:
    """The least of these values that at least so many per cent of them do not exceed; None of no values."""
    if not values:
        return None
    return sorted(values)[max(1, -(-percent * len(values) // 100)) - 1]


_LATER = {stage: tuple(Stage)[place:] for place, stage in enumerate(Stage, start=1)}


def outcome(life: Life, stage: Stage, now_ms: int) -> Outcome:
    """What became of one stage of one alarm, as known now."""
    at_ms, limit_ms = life.at_ms(stage), LIMITS_MS.get(stage)
    if limit_ms is None:
        if at_ms is not None:
            return Outcome.IN_TIME
        return Outcome.ENDED if life.cleared_ms is not None else Outcome.WAITING
    due_ms = life.rang_ms + limit_ms
    if at_ms is not None:
        return Outcome.IN_TIME if at_ms <= due_ms else Outcome.LATE
    later = (*(life.at_ms(one) for one in _LATER[stage]), life.cleared_ms)
    if any(ms is not None and ms <= due_ms for ms in later):
        return Outcome.ENDED
    return Outcome.WAITING if now_ms <= due_ms else Outcome.NEVER


def figures(lives: Iterable[Life], stage: Stage, now_ms: int) -> Figures:
    """One stage of some alarms."""
    found = _Tally()
    for life in lives:
        found.add(outcome(life, stage, now_ms), life.after_ms(stage))
    return found.figures


@dataclass(slots=True)
class _Tally:
    """One stage of a group while it is counted."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    times: list[int] = field(default_factory=list)

    def add(self, said: Outcome, after_ms: int | None) -> None:
        self.outcomes[said] += 1
        if after_ms is not None:
            self.times.append(after_ms)

    @property
    def figures(self) -> Figures:
        times = sorted(self.times)
        worst = times[-1] if times else None
        return Figures(
            nearest_rank(times, 50), nearest_rank(times, 90), worst, *(self.outcomes[one] for one in Outcome)
        )


def groups(lives: Iterable[Life], now_ms: int, time_zone: str = NORWAY) -> list[Group]:
    """Every group that has an alarm: by ward, shift and kind, each alone, together and for all, in order.

    Alarms about the installation are never among those about residents.
    """
    found: dict[Key, tuple[list[bool], dict[Stage, _Tally]]] = {}
    for life in lives:
        said = [(stage, outcome(life, stage, now_ms), life.after_ms(stage)) for stage in Stage]
        wide = ((0, life.ward_id), ("", shift_of(life.rang_ms, time_zone).value), ("", life.kind))
        for ward_id, shift, kind in itertools.product(*wide):
            key = Key(life.technical, int(ward_id), str(shift), str(kind))
            if key not in found:
                found[key] = ([], {stage: _Tally() for stage in Stage})
            again, tallies = found[key]
            again.append(life.rang_again > 0)
            for stage, what, after_ms in said:
                tallies[stage].add(what, after_ms)
    return [
        Group(key, len(again), sum(again), MappingProxyType({stage: one.figures for stage, one in tallies.items()}))
        for key, (again, tallies) in sorted(found.items(), key=lambda item: _order(item[0]))
    ]


def _order(key: Key) -> tuple[bool, int, int, str]:
    shifts = ["", *(shift.value for shift in Shift)]
    return key.technical, key.ward_id, shifts.index(key.shift), key.kind


def missed(lives: Iterable[Life], now_ms: int) -> list[Missed]:
    """Every alarm that was missed or late in anything: about residents first, then the gravest, then by time."""
    order = list(Miss)
    found = [Missed(life, why) for life in lives if (why := whys(life, now_ms))]
    return sorted(
        found, key=lambda one: (one.life.technical, order.index(one.why[0]), one.life.rang_ms, one.life.alarm_id)
    )


def whys(life: Life, now_ms: int) -> tuple[Miss, ...]:
    """In what one alarm was missed or late, the gravest first. Whoever was never taken is not named for more."""
    said = {stage: outcome(life, stage, now_ms) for stage in LIMITS_MS}
    found = []
    if said[Stage.SHOWN] is Outcome.NEVER:
        # Who took it had it before their eyes, whatever the screen has failed to confirm.
        found.append(Miss.NEVER_SHOWN if life.taken_ms is None else Miss.SHOWN_UNCONFIRMED)
    elif said[Stage.SHOWN] is Outcome.LATE:
        found.append(Miss.LATE_SHOWN)
    if said[Stage.TAKEN] is Outcome.NEVER:
        found.append(Miss.NEVER_TAKEN)
    else:
        found += [Miss.LATE_TAKEN] if said[Stage.TAKEN] is Outcome.LATE else []
        found += [Miss.NEVER_ON_SITE] if said[Stage.ON_SITE] is Outcome.NEVER else []
        found += [Miss.LATE_ON_SITE] if said[Stage.ON_SITE] is Outcome.LATE else []
    return tuple(sorted(found, key=list(Miss).index))
