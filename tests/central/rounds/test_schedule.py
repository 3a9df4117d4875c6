"""Rounds fall due once a local day on their weekdays, on both DST nights too, and never crowd in one minute."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.central.rounds.schedule import MINUTE_MS, Due, Person, Time, belongs, due_between, moments, next_ms

OSLO = ZoneInfo("Europe/Oslo")
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
NIGHT = (Time(23 * 60), Time(2 * 60), Time(5 * 60))
TIMES = st.builds(Time, st.integers(0, 1439), st.integers(1, 127))
STARTS = st.integers(1_790_000_000_000, 1_825_000_000_000)
"""From September 2026 on, with three DST nights in reach."""


def ms(text: str) -> int:
    """A local moment, "2026-10-25 02:30"; the first of two."""
    return round(datetime.fromisoformat(text).replace(tzinfo=OSLO).timestamp() * 1000)


def local(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(OSLO).strftime("%d %H:%M")


def people(n: int, *times: Time) -> list[Person]:
    return [Person(number, times) for number in range(1, n + 1)]


def test_an_ordinary_night() -> None:
    found = moments(NIGHT, ms("2026-11-21 20:00"), ms("2026-11-22 08:00"))
    assert [local(at_ms) for at_ms in found] == ["21 23:00", "22 02:00", "22 05:00"]
    assert next_ms(people(2, *NIGHT), ms("2026-11-21 23:00")) == ms("2026-11-22 02:00")
    assert next_ms(people(2), ms("2026-11-21 23:00")) is None


def test_the_spring_night_has_all_its_rounds() -> None:
    found = moments((Time(150), *NIGHT), ms("2026-03-28 20:00"), ms("2026-03-29 08:00"))
    assert [local(at_ms) for at_ms in found] == ["28 23:00", "29 03:00", "29 03:30", "29 05:00"]


def test_the_autumn_night_has_each_round_once() -> None:
    found = moments((Time(150), *NIGHT), ms("2026-10-24 20:00"), ms("2026-10-25 08:00"))
    assert [local(at_ms) for at_ms in found] == ["24 23:00", "25 02:00", "25 02:30", "25 05:00"]
    assert [found[index + 1] - found[index] for index in (0, 2)] == [3 * HOUR_MS, 3 * HOUR_MS + 30 * MINUTE_MS]


def test_two_times_that_spring_makes_one_are_one_round() -> None:
    both = (Time(150), Time(210))
    assert len(moments(both, ms("2026-03-28 20:00"), ms("2026-03-29 08:00"))) == 1
    assert len(due_between(people(1, *both), ms("2026-03-28 20:00"), ms("2026-03-29 08:00"))) == 1


def test_weekdays_are_those_of_the_local_day() -> None:
    saturday_night = Time(30, weekdays=64)
    found = moments((saturday_night,), ms("2026-11-16 12:00"), ms("2026-11-30 12:00"))
    assert [local(at_ms) for at_ms in found] == ["22 00:30", "29 00:30"]


def test_a_ward_is_one_a_minute_in_the_order_of_its_rooms() -> None:
    found = due_between(people(14, *NIGHT), ms("2026-11-21 22:59"), ms("2026-11-21 23:00"))
    assert found[0] == Due(1, ms("2026-11-21 23:00"), ms("2026-11-21 23:00"))
    assert [local(turn.due_ms)[3:] for turn in found] == [f"23:{minute:02}" for minute in range(14)]
    assert [turn.resident_id for turn in found] == list(range(1, 15))


def test_a_time_of_ones_own_finds_a_free_minute() -> None:
    ward = due_between(people(4, *NIGHT), ms("2026-11-21 22:59"), ms("2026-11-21 23:00"))
    own = [Person(9, (Time(23 * 60 + 2),))]
    (turn,) = due_between(own, ms("2026-11-21 23:00"), ms("2026-11-21 23:05"), taken_ms=[one.due_ms for one in ward])
    assert local(turn.due_ms) == "21 23:04"


@pytest.mark.parametrize(("minute", "weekdays"), [(-1, 127), (1440, 127), (0, 0), (0, 128)])
def test_what_is_no_time_is_refused(minute: int, weekdays: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        Time(minute, weekdays)


@given(times=st.lists(TIMES, max_size=4), start_ms=STARTS, cuts=st.lists(st.integers(0, 3 * DAY_MS), max_size=5))
def test_however_time_is_cut_no_round_is_lost_or_made_twice(times: list[Time], start_ms: int, cuts: list[int]) -> None:
    """A sweep that runs now and then, or after a pause, makes what one that never slept would have."""
    ends = [start_ms + cut for cut in sorted({*cuts, 3 * DAY_MS})]
    begins = [start_ms, *ends[:-1]]
    parts = [at for begin, end in zip(begins, ends, strict=True) for at in moments(times, begin, end)]
    assert parts == moments(times, start_ms, ends[-1])
    assert len(set(parts)) == len(parts)


@given(time=TIMES, start_ms=STARTS)
def test_each_time_comes_once_on_each_of_its_days(time: Time, start_ms: int) -> None:
    found = moments((time,), start_ms, start_ms + 14 * DAY_MS)
    days = [datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(OSLO).date() for at_ms in found]
    assert len(set(days)) == len(days)
    assert all(time.weekdays >> day.weekday() & 1 for day in days)
    assert 2 * time.weekdays.bit_count() - 1 <= len(days) <= 2 * time.weekdays.bit_count() + 1


@given(n=st.integers(1, 60), times=st.lists(TIMES, min_size=1, max_size=3), start_ms=STARTS, spread=st.integers(0, 20))
def test_turns_are_spread_and_never_late(n: int, times: list[Time], start_ms: int, spread: int) -> None:
    crowd = people(n, *times)
    found = due_between(crowd, start_ms, start_ms + DAY_MS, spread_min=spread)
    assert found == due_between(crowd, start_ms, start_ms + DAY_MS, spread_min=spread)
    assert all(0 <= turn.due_ms - turn.round_ms <= spread * MINUTE_MS for turn in found)
    assert all(belongs(turn.due_ms, times, spread_min=spread) for turn in found)
    by_round = Counter(turn.round_ms for turn in found)
    assert set(by_round.values()) <= {n}
    apart = all(abs(one - other) > spread * MINUTE_MS for one in by_round for other in by_round if one != other)
    if apart and found:
        assert max(Counter(turn.due_ms for turn in found).values()) == -(-n // (spread + 1))


@given(time=TIMES, at_ms=STARTS)
def test_a_turn_belongs_to_no_other_time(time: Time, at_ms: int) -> None:
    near = moments((time,), at_ms - 15 * MINUTE_MS - 1, at_ms)
    assert belongs(at_ms, (time,)) == bool(near)
