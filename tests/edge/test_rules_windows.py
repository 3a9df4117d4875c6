"""Local wall-time windows, over midnight and on both nights when the clock changes."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.rules.windows import Window, inside, next_start_ms, touches

OSLO = ZoneInfo("Europe/Oslo")
NIGHT = Window(23 * 60, 7 * 60)
EVENING = Window(18 * 60, 22 * 60)
SMALL_HOURS = Window(2 * 60, 3 * 60)
HOUR_MS = 3_600_000


def at(text: str, fold: int = 0) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=OSLO, fold=fold).timestamp() * 1000)


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text + "+00:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("window", "when", "expected"),
    [
        (NIGHT, "2026-11-21T22:59:59", False),
        (NIGHT, "2026-11-21T23:00:00", True),
        (NIGHT, "2026-11-22T00:00:00", True),
        (NIGHT, "2026-11-22T06:59:59", True),
        (NIGHT, "2026-11-22T07:00:00", False),
        (NIGHT, "2026-06-21T23:00:00", True),
        (EVENING, "2026-11-21T18:00:00", True),
        (EVENING, "2026-11-21T22:00:00", False),
        (Window(0, 0), "2026-11-21T12:00:00", True),
    ],
)
def test_inside(window: Window, when: str, *, expected: bool) -> None:
    assert inside(window, at(when)) is expected


def test_another_zone() -> None:
    assert inside(NIGHT, utc("2026-11-21T23:30:00"), "UTC")
    assert not inside(NIGHT, utc("2026-11-21T22:30:00"), "UTC")


def test_the_spring_night_has_no_hour_between_two_and_three() -> None:
    before, after = utc("2026-03-29T00:59:59"), utc("2026-03-29T01:00:00")
    assert (inside(NIGHT, before), inside(NIGHT, after)) == (True, True)
    assert (inside(SMALL_HOURS, before), inside(SMALL_HOURS, after)) == (False, False)
    minutes = range(utc("2026-03-28T22:00:00"), utc("2026-03-29T05:00:00"), 60_000)
    assert all(inside(NIGHT, minute) for minute in minutes)
    assert not inside(NIGHT, utc("2026-03-29T05:00:00"))


def test_the_autumn_night_has_the_hour_between_two_and_three_twice() -> None:
    assert inside(SMALL_HOURS, at("2026-10-25T02:30:00", fold=0))
    assert inside(SMALL_HOURS, at("2026-10-25T02:30:00", fold=1))
    minutes = range(utc("2026-10-24T21:00:00"), utc("2026-10-25T06:00:00"), 60_000)
    assert all(inside(NIGHT, minute) for minute in minutes)
    assert len(minutes) == 9 * 60
    assert not inside(NIGHT, utc("2026-10-25T06:00:00"))


def test_next_start() -> None:
    assert next_start_ms(NIGHT, at("2026-11-21T12:00:00")) == at("2026-11-21T23:00:00")
    assert next_start_ms(NIGHT, at("2026-11-21T23:00:00")) == at("2026-11-22T23:00:00")
    assert next_start_ms(NIGHT, at("2026-03-28T23:30:00")) == at("2026-03-29T23:00:00")
    assert next_start_ms(SMALL_HOURS, at("2026-10-25T01:00:00")) == at("2026-10-25T02:00:00", fold=0)
    assert next_start_ms(SMALL_HOURS, at("2026-03-29T01:00:00")) == utc("2026-03-29T01:00:00")


def test_an_uncertain_time_touches_a_window_that_it_may_lie_in() -> None:
    noon, evening, late = at("2026-11-21T12:00:00"), at("2026-11-21T22:00:00"), at("2026-11-21T23:30:00")
    assert not touches([NIGHT], noon, evening)
    assert touches([NIGHT], noon, late)
    assert touches([NIGHT], noon, noon + 24 * HOUR_MS)
    assert touches([EVENING, NIGHT], noon, evening)
    assert not touches([], noon, late)


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (0, 1440), (1440, 5)])
def test_impossible_windows_are_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="0 to 1439"):
        Window(start, end)


windows = st.builds(Window, st.integers(0, 1439), st.integers(0, 1439))


@given(windows, st.integers(utc("2026-03-25T00:00:00"), utc("2026-11-05T00:00:00")))
def test_a_window_and_the_rest_of_the_day_share_no_instant(window: Window, when: int) -> None:
    if window.from_minute != window.to_minute:
        rest = Window(window.to_minute, window.from_minute)
        assert inside(window, when) is not inside(rest, when)


@given(windows, st.integers(utc("2026-03-25T00:00:00"), utc("2026-11-05T00:00:00")))
def test_the_next_start_is_within_two_days_and_begins_the_window(window: Window, when: int) -> None:
    start = next_start_ms(window, when)
    assert when < start <= when + 50 * HOUR_MS
    skipped = utc("2026-03-29T01:00:00") <= start < utc("2026-03-29T02:00:00")
    assert inside(window, start) or skipped
