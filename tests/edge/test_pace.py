"""The arithmetic of two clocks: continuous, never back, hostile bytes passed over, limits never under five seconds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.errors import RejectError
from nattevakt.edge.pace import BYTES, RECENT_MS, SPEED_MAX, Follower, Pace, stretched

START = Pace(1_795_212_000_000, 50_000_000, 7_000_000_000)
SECOND = 1_000_000_000
speeds = st.floats(1, SPEED_MAX)


class File:
    """What a pace file holds; a test writes into it as it likes."""

    def __init__(self, pace: Pace = START) -> None:
        self.raw = pace.to_bytes()
        self.torn: list[bytes] = []

    def read(self) -> bytes:
        """Halves of a record first, where the test has put any."""
        return self.torn.pop() if self.torn else self.raw


@given(st.lists(st.tuples(st.integers(0, 40 * SECOND), speeds), max_size=8), st.integers(SECOND // 10, 3 * SECOND))
def test_every_reader_sees_one_line_that_only_rises(changes: list[tuple[int, float]], step_ns: int) -> None:
    """Whoever reads before or after a change has the same time on both sides of it."""
    paces = [START]
    for after_ns, speed in changes:
        paces.append(paces[-1].changed(speed, paces[-1].real_ns + after_ns))
    file = File()
    late, quick = Follower(file.read, START.real_ns), Follower(file.read, START.real_ns)
    seen = []
    for before, pace in pairwise(paces):
        assert abs(before.service_ms + before.passed_ms(pace.real_ns) - pace.service_ms) <= 1
        file.raw = pace.to_bytes()
        for real_ns in range(max(before.real_ns, pace.real_ns - 20 * SECOND), pace.real_ns, step_ns):
            # The record is already the next one, the moment is still before its change.
            here = quick.at(real_ns)
            elapsed = (real_ns - before.real_ns) / 1e6 * before.speed
            assert abs(here.service_ms - before.service_ms - elapsed) <= 2
            assert here.speed == before.speed
            seen.append(here)
    end_ns = paces[-1].real_ns + SECOND
    seen.append(quick.at(end_ns))
    assert all(one.service_ms <= other.service_ms for one, other in pairwise(seen))
    assert all(one.boottime_ms <= other.boottime_ms for one, other in pairwise(seen))
    assert abs(late.at(end_ns).service_ms - seen[-1].service_ms) <= 1, "one who slept through all of it agrees"


@given(speeds, speeds, st.integers(0, 60 * SECOND))
def test_a_speed_counts_for_limits_ten_real_seconds_after_it_ended(one: float, other: float, after_ns: int) -> None:
    pace = START.changed(one, START.real_ns + 20 * SECOND)
    pace = pace.changed(other, pace.real_ns + 20 * SECOND)
    found = pace.pace_at(pace.real_ns + after_ns)
    assert found == (max(one, other) if after_ns < RECENT_MS * 1_000_000 else other)
    assert pace.pace_at(pace.real_ns - 1) == max(one, other), "what is about to come counts already"


def test_a_short_slow_spell_does_not_hide_the_fast_one_before_it() -> None:
    pace = START.changed(60, START.real_ns + SECOND).changed(1, START.real_ns + 30 * SECOND)
    again = pace.changed(2, pace.real_ns + 3 * SECOND)
    assert again.pace_at(again.real_ns + SECOND) == 60


@given(st.integers(5_000, 10**9), speeds, speeds)
def test_a_stretched_limit_is_never_shorter_than_five_real_seconds(limit_ms: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert limit_ms <= stretched(limit_ms, low) <= stretched(limit_ms, high)
    assert stretched(limit_ms, high) / high >= 5_000 - 1
    assert stretched(limit_ms, 1.0) == limit_ms


def test_outside_a_demo_a_short_limit_stays_as_it_is() -> None:
    assert stretched(300, 1.0) == 300


@given(st.binary(max_size=2 * BYTES))
def test_hostile_bytes_are_refused_at_the_start_and_passed_over_later(raw: bytes) -> None:
    file = File(START.changed(60, START.real_ns + SECOND))
    follower = Follower(file.read, START.real_ns + 2 * SECOND)
    before = follower.at(START.real_ns + 3 * SECOND)
    file.raw = raw
    with pytest.raises(RejectError, match="pace"):
        Follower(file.read, START.real_ns)
    after = follower.at(START.real_ns + 4 * SECOND)
    assert after.service_ms - before.service_ms == 60_000


@given(st.integers(0, BYTES - 1), st.integers(1, 255))
def test_one_changed_byte_is_seen(place: int, by: int) -> None:
    raw = bytearray(START.to_bytes())
    raw[place] ^= by
    with pytest.raises(RejectError):
        Pace.from_bytes(bytes(raw))


@pytest.mark.parametrize("speed", [0.0, 0.5, -1.0, 121.0, float("nan"), float("inf")])
def test_impossible_speeds_are_refused(speed: float) -> None:
    with pytest.raises(RejectError, match=r"pace\.speed"):
        START.changed(speed, START.real_ns + 1)
    raw = Pace(1, 1, 1, speed).to_bytes()
    with pytest.raises(RejectError, match=r"pace\.speed"):
        Pace.from_bytes(raw)


@given(st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1), speeds)
def test_a_valid_record_that_would_make_time_leap_is_not_believed(service_ms: int, boottime_ms: int, s: float) -> None:
    file = File()
    follower = Follower(file.read, START.real_ns)
    file.raw = Pace(service_ms, boottime_ms, START.real_ns, s).to_bytes()
    then = follower.at(START.real_ns + SECOND)
    assert 0 <= then.service_ms - START.service_ms <= SPEED_MAX * 1_000 + 2_000
    assert 0 <= then.boottime_ms - START.boottime_ms <= SPEED_MAX * 1_000 + 2_000


def test_a_torn_record_is_read_again() -> None:
    file = File()
    follower = Follower(file.read, START.real_ns)
    fresh = START.changed(60, START.real_ns + SECOND).to_bytes()
    file.raw = fresh
    file.torn = [fresh[:30] + START.to_bytes()[30:]] * 3
    assert follower.at(START.real_ns + 2 * SECOND).service_ms == START.service_ms + 61_000


def test_a_change_may_not_come_before_the_last_one() -> None:
    with pytest.raises(RejectError):
        START.changed(2, START.real_ns - 1)
