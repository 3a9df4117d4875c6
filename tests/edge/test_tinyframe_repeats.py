"""How often a Hi-Link radar tells of the same fall is learned: which report is a new fall, and which is not."""

from __future__ import annotations

import pytest

from tests.edge.test_tinyframe_driver import FALL, FALL_RADAR, NEW, NO_FALL, Wired


@pytest.mark.parametrize("period_ms", [10_001, 15_000, 30_000, 60_000])
def test_a_radar_that_tells_slowly_of_the_same_fall_is_learned_by_the_third_time(period_ms: int) -> None:
    radar = Wired(FALL_RADAR)
    ends = [n for n in range(10) if {"fall": "no"} in radar.say(1000 + n * period_ms, FALL)]
    assert ends == [1, 2]
    assert radar.memory == {"radar.tinyframe:bad": f"sure once {period_ms}"}
    late_ms = 1000 + 9 * period_ms + period_ms * 3 // 2
    assert {"fall": "no"} not in radar.say(late_ms, FALL)
    assert radar.say(late_ms + period_ms * 3 // 2 + 1_001, FALL)[-2:] == NEW, "later than this radar says it again"


def test_what_was_learned_is_kept_over_a_restart_and_a_fall_after_it_still_rings() -> None:
    memory = {"radar.tinyframe:bad": "sure once 15000"}
    radar = Wired(FALL_RADAR, memory=memory)
    assert radar.say(5, FALL) == NEW, "nobody knows how long it was away"
    assert not [at for at in range(15_000, 61_000, 15_000) if {"fall": "no"} in radar.say(at, FALL)]
    assert radar.say(61_000, NO_FALL) == [{"fall": "no"}]
    assert radar.say(62_000, FALL) == [{"fall": "sure"}], "a second fall is one, however soon"
    assert radar.say(63_000, NO_FALL) == [{"fall": "no"}]
    assert memory == {"radar.tinyframe:bad": "no once 15000"}


@pytest.mark.parametrize("period", ["", "x", "-15000", "9999", "72001", "150000", "²", "15000 1"])
def test_a_period_that_cannot_be_is_none(period: str) -> None:
    radar = Wired(FALL_RADAR, memory={"radar.tinyframe:bad": f"sure once {period}"})
    assert [{"fall": "no"} in radar.say(at, FALL) for at in (0, 15_000)] == [True, True]


def test_two_gaps_that_are_not_alike_are_no_period_and_another_period_is_learned_anew() -> None:
    radar = Wired(FALL_RADAR)
    ends = [at for at in (0, 12_000, 35_000, 48_000, 108_000, 200_000) if {"fall": "no"} in radar.say(at, FALL)]
    assert ends == [12_000, 35_000, 48_000, 108_000, 200_000]
    assert radar.memory == {"radar.tinyframe:bad": "sure once"}
    for period_ms, row in ((50_000, "50000"), (14_000, "14000"), (40_000, "40000")):
        for _ in range(3):
            radar.say(now_ms := (radar.state.falls.at_ms or 0) + period_ms, FALL)
        assert radar.memory == {"radar.tinyframe:bad": f"sure once {row}"}, now_ms


def test_what_comes_less_often_than_once_a_minute_is_no_repetition() -> None:
    radar = Wired(FALL_RADAR)
    assert [{"fall": "no"} in radar.say(n * 75_000, FALL) for n in range(6)] == [False] + [True] * 5


def test_a_radar_that_says_each_report_several_times_has_the_period_of_the_bursts() -> None:
    radar = Wired(FALL_RADAR)
    times = [at + by for at in range(0, 120_000, 15_000) for by in (0, 500, 1_100, 1_900)]
    assert [at for at in times if {"fall": "no"} in radar.say(at, FALL)] == [15_000, 30_000]
