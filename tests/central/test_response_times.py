"""How fast people came: outcomes, percentiles, shifts, groups, who is named. Pure; random lives with printed seeds."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nattevakt.central import response_times
from nattevakt.central.response_times import (
    LIMITS_MS,
    Figures,
    Key,
    Life,
    Miss,
    Outcome,
    Shift,
    Stage,
    figures,
    groups,
    missed,
    nearest_rank,
    outcome,
    shift_of,
    whys,
)

S, MIN, HOUR = 1_000, 60_000, 3_600_000
OSLO = ZoneInfo("Europe/Oslo")
RANG_MS = 1_795_345_200_000
LATER_MS = RANG_MS + 24 * HOUR


def life(**after_s: float) -> Life:
    """An alarm that rang at noon; the rest in seconds after that: `taken=40`."""
    times = {f"{name}_ms": RANG_MS + round(s * S) for name, s in after_s.items()}
    return Life(1, "call", 1, RANG_MS, **times)  # type: ignore[arg-type]


def some(rng: random.Random, n: int) -> list[Life]:
    """Alarms of any kind, some of them open, cleared, never shown, never taken."""
    found = []
    for number in range(n):
        rang_ms = RANG_MS + rng.randrange(0, 40 * 24 * HOUR)
        step_ms = rang_ms
        times: dict[str, Any] = {}
        for name in ("shown", "taken", "on_site", "closed"):
            step_ms += rng.choice((0, 1, 900, 15_000, 60_000, 90_000, 700_000))
            if name == "shown" and rng.random() < 0.2:
                continue
            if rng.random() < 0.2:
                break
            times[f"{name}_ms"] = step_ms
        if "taken_ms" not in times and rng.random() < 0.4:
            times["cleared_ms"] = step_ms
        kind, technical = rng.choice((("call", False), ("fall", False), ("battery_low", True)))
        again = rng.choice((0, 0, 1, 2))
        found.append(Life(number, kind, rng.choice((1, 2)), rang_ms, **times, rang_again=again, technical=technical))
    return found


@pytest.mark.parametrize("seed", range(30))
def test_every_alarm_is_in_exactly_one_outcome_of_each_stage(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    lives = some(rng, rng.randrange(0, 60))
    now_ms = RANG_MS + rng.randrange(0, 45 * 24 * HOUR)
    for stage in Stage:
        found = figures(lives, stage, now_ms)
        assert found.in_time + found.late + found.never + found.ended + found.waiting == len(lives)
        assert found.timed == sum(1 for one in lives if one.at_ms(stage) is not None)
        times = sorted(after for one in lives if (after := one.after_ms(stage)) is not None)
        if times:
            assert found.worst_ms == times[-1]
            for percent, said in ((50, found.median_ms), (90, found.p90_ms)):
                assert said in times
                within = sum(1 for one in times if one <= said)
                assert within * 100 >= percent * len(times)
                assert sum(1 for one in times if one < said) * 100 < percent * len(times)
        else:
            assert (found.median_ms, found.p90_ms, found.worst_ms) == (None, None, None)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_rows_is_irrelevant_and_groups_add_up(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    lives = some(rng, 50)
    shuffled = rng.sample(lives, len(lives))
    assert groups(lives, LATER_MS) == groups(shuffled, LATER_MS)
    assert missed(lives, LATER_MS) == missed(shuffled, LATER_MS)
    found = {group.key: group for group in groups(lives, LATER_MS)}
    for technical in (False, True):
        mine = [one for one in lives if one.technical is technical]
        for name in ("ward_id", "shift", "kind"):
            alone = [group for key, group in found.items() if key == _only(key, name, technical)]
            assert sum(group.alarms for group in alone) == len(mine)
            assert sum(group.rang_again for group in alone) == sum(1 for one in mine if one.rang_again)
            for stage in Stage:
                assert sum(group.stages[stage].never for group in alone) == (
                    found[Key(technical)].stages[stage].never if mine else 0
                )


def _only(key: Key, name: str, technical: bool) -> Key | None:
    """The key with nothing but this, where it has that."""
    value = getattr(key, name)
    return Key(technical, **{name: value}) if value else None


def test_nearest_rank_is_a_figure_that_was_and_no_mean() -> None:
    assert nearest_rank([], 50) is None
    assert [nearest_rank([7], percent) for percent in (1, 50, 90, 100)] == [7, 7, 7, 7]
    assert nearest_rank([40, 10, 30, 20], 50) == 20
    ten = list(range(10, 110, 10))
    assert (nearest_rank(ten, 50), nearest_rank(ten, 90), nearest_rank(ten, 91)) == (50, 90, 100)


TAKEN_CASES = [
    (life(taken=90), Outcome.IN_TIME),
    (life(taken=90.001), Outcome.LATE),
    (life(), Outcome.NEVER),
    (life(cleared=90), Outcome.ENDED),
    (life(cleared=91), Outcome.NEVER),
]


@pytest.mark.parametrize(("one", "said"), TAKEN_CASES)
def test_what_became_of_taking(one: Life, said: Outcome) -> None:
    assert outcome(one, Stage.TAKEN, LATER_MS) is said


def test_an_alarm_that_nobody_took_is_no_time_but_counts_in_the_share() -> None:
    lives = [life(shown=1, taken=30), life(shown=1), life(shown=1, taken=200), life(shown=1, cleared=20)]
    found = figures(lives, Stage.TAKEN, LATER_MS)
    assert found == Figures(30_000, 200_000, 200_000, in_time=1, late=1, never=1, ended=1, waiting=0)
    assert found.share == pytest.approx(1 / 3)
    assert figures([life(cleared=5)], Stage.TAKEN, LATER_MS).share is None


def test_before_the_limit_nothing_is_late() -> None:
    one = life()
    for stage, limit_ms in LIMITS_MS.items():
        assert outcome(one, stage, RANG_MS + limit_ms) is Outcome.WAITING
        assert outcome(one, stage, RANG_MS + limit_ms + 1) is Outcome.NEVER
    assert whys(one, RANG_MS + 10 * S) == ()
    assert whys(one, RANG_MS + 20 * S) == (Miss.NEVER_SHOWN,)
    assert whys(one, LATER_MS) == (Miss.NEVER_SHOWN, Miss.NEVER_TAKEN)


MISS_CASES = [
    (life(shown=15, taken=90, on_site=600, closed=5_000), ()),
    (life(shown=16, taken=20, on_site=300), (Miss.LATE_SHOWN,)),
    (life(taken=14, on_site=300), ()),
    (life(taken=60, on_site=300), (Miss.SHOWN_UNCONFIRMED,)),
    (life(shown=1, taken=91, on_site=601), (Miss.LATE_TAKEN, Miss.LATE_ON_SITE)),
    (life(shown=1, taken=30), (Miss.NEVER_ON_SITE,)),
    (life(shown=1, taken=30, closed=500), ()),
    (life(shown=1, taken=30, closed=700), (Miss.NEVER_ON_SITE,)),
    (life(shown=1), (Miss.NEVER_TAKEN,)),
    (life(shown=1, cleared=300), (Miss.NEVER_TAKEN,)),
    (life(cleared=3), ()),
    (life(cleared=60), (Miss.NEVER_SHOWN,)),
]


@pytest.mark.parametrize(("one", "said"), MISS_CASES)
def test_who_is_named_and_for_what(one: Life, said: tuple[Miss, ...]) -> None:
    assert whys(one, LATER_MS) == said
    assert [found.why for found in missed([one], LATER_MS)] == ([said] if said else [])


def test_the_gravest_is_named_first_and_what_is_technical_last() -> None:
    slow, unseen, unit = life(shown=1, taken=95, on_site=120), life(), life()
    lives = [replace(unit, alarm_id=1, technical=True), replace(slow, alarm_id=2), replace(unseen, alarm_id=3)]
    assert [one.life.alarm_id for one in missed(lives, LATER_MS)] == [3, 2, 1]


def test_closing_has_no_limit() -> None:
    assert Stage.CLOSED not in LIMITS_MS
    lives = [life(closed=50_000), life(cleared=5), life(taken=3)]
    found = figures(lives, Stage.CLOSED, LATER_MS)
    assert (found.in_time, found.late, found.never, found.ended, found.waiting) == (1, 0, 0, 1, 1)


def test_a_clock_that_went_back_makes_no_time_below_nothing() -> None:
    assert replace(life(), shown_ms=RANG_MS - 400).after_ms(Stage.SHOWN) == 0


@pytest.mark.parametrize(
    ("clock", "shift"),
    [("06:59", "natt"), ("07:00", "dag"), ("14:59", "dag"), ("15:00", "kveld"), ("21:59", "kveld"), ("22:00", "natt")],
)
def test_shifts_by_the_local_clock_summer_and_winter(clock: str, shift: str) -> None:
    hours, minutes = map(int, clock.split(":"))
    for month in (1, 7):
        at = datetime(2026, month, 14, hours, minutes, 30, tzinfo=OSLO)
        assert shift_of(round(at.timestamp() * 1000)) == shift
    assert shift_of(RANG_MS, "UTC") is Shift.DAY


@pytest.mark.parametrize(
    ("day", "hours"), [(datetime(2026, 3, 28, tzinfo=OSLO), 8), (datetime(2026, 10, 24, tzinfo=OSLO), 10)]
)
def test_both_dst_nights_are_one_night_shift(day: datetime, hours: int) -> None:
    """From 22 to 07: eight hours in spring, ten in autumn, and the day shift begins at the seventh local hour."""
    begins = day.replace(hour=22)
    ends = datetime(day.year, day.month, day.day + 1, 7, tzinfo=OSLO)
    from_ms, to_ms = (round(at.astimezone(UTC).timestamp() * 1000) for at in (begins, ends))
    assert to_ms - from_ms == hours * HOUR
    assert {shift_of(ms) for ms in range(from_ms, to_ms, MIN)} == {Shift.NIGHT}
    assert (shift_of(from_ms - 1), shift_of(to_ms)) == (Shift.EVENING, Shift.DAY)


def test_the_limits_are_those_that_are_promised() -> None:
    assert dict(response_times.LIMITS_MS) == {Stage.SHOWN: 15 * S, Stage.TAKEN: 90 * S, Stage.ON_SITE: 10 * MIN}
