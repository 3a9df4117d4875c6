"""When something happened: each way to know it, and no clock that can break it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.central.occurred import ORDER_MS, Clocks, Dated, Pair
from nattevakt.edge.events import Moment
from nattevakt.edge.rules.rule import Occurred

RECEIVED_MS = 1_795_212_000_000
HOUR_MS = 3_600_000
SENT = Moment("b1", 10 * HOUR_MS, RECEIVED_MS, synced=True)


def at(boottime_ms: int, wall_ms: int, *, boot: str = "b1", synced: bool = True) -> Moment:
    return Moment(boot, boottime_ms, wall_ms, synced)


EXACT = {
    "same boot, wall agrees: the wall": (at(9 * HOUR_MS, RECEIVED_MS - HOUR_MS + 9_000), RECEIVED_MS - HOUR_MS + 9_000),
    "same boot, wall far off: counted": (at(9 * HOUR_MS, 5), RECEIVED_MS - HOUR_MS),
    "same boot, wall not synchronised: counted": (
        at(9 * HOUR_MS, RECEIVED_MS - HOUR_MS + 5, synced=False),
        RECEIVED_MS - HOUR_MS,
    ),
    "same boot, after it was sent: now": (at(11 * HOUR_MS, 5), RECEIVED_MS),
    "other boot with a pair": (at(500, 7, boot="old", synced=False), RECEIVED_MS - 2 * HOUR_MS - 500),
    "other boot, synchronised wall": (at(500, RECEIVED_MS - 5 * HOUR_MS, boot="older"), RECEIVED_MS - 5 * HOUR_MS),
    "other boot, wall in the future: now": (at(500, RECEIVED_MS + HOUR_MS, boot="older"), RECEIVED_MS),
}
CLOCKS = Clocks(SENT, RECEIVED_MS, {"old": Pair(1000, RECEIVED_MS - 2 * HOUR_MS)})


@pytest.mark.parametrize("case", EXACT)
def test_a_known_moment_is_exact(case: str) -> None:
    moment, wanted = EXACT[case]
    assert CLOCKS.occurred(moment) == Occurred(wanted, wanted)


def test_an_unknown_boot_gives_an_interval_from_the_last_known_moment() -> None:
    lost = at(500, 7, boot="older", synced=False)
    assert CLOCKS.occurred(lost, floor_ms=RECEIVED_MS - 60_000) == Occurred(RECEIVED_MS - 60_000, RECEIVED_MS)
    assert CLOCKS.occurred(lost).uncertain


def test_since_makes_an_interval() -> None:
    found = CLOCKS.occurred(at(9 * HOUR_MS, 5), at(8 * HOUR_MS, 5))
    assert found == Occurred(RECEIVED_MS - 2 * HOUR_MS, RECEIVED_MS - HOUR_MS)


numbers = st.integers(min_value=0, max_value=2**63 - 1)
moments = st.builds(Moment, st.sampled_from(["a", "b", "c"]), numbers, numbers, st.booleans())


@given(
    moments,
    numbers,
    moments,
    st.none() | moments,
    st.none() | st.integers(-(2**63), 2**63),
    st.dictionaries(st.sampled_from("abc"), st.builds(Pair, numbers, numbers)),
)
def test_hostile_clocks_neither_raise_nor_tell_the_future(
    sent: Moment, received_ms: int, moment: Moment, since: Moment | None, floor_ms: int | None, boots: dict[str, Pair]
) -> None:
    found = Clocks(sent, received_ms, boots).occurred(moment, since, floor_ms)
    assert 0 <= found.from_ms <= found.to_ms <= received_ms


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_true_moment_is_found_whatever_the_wall_says(age_ms: int, boottime_ms: int, wall_ms: int) -> None:
    sent = Moment("a", boottime_ms + age_ms, wall_ms, synced=False)
    found = Clocks(sent, RECEIVED_MS).occurred(Moment("a", boottime_ms, wall_ms, synced=False))
    assert found.from_ms == found.to_ms == RECEIVED_MS - age_ms


# --- the order of one stream --------------------------------------------------------------------------------------

KNOWN = Dated(7, RECEIVED_MS - 10_000, "b1", 5_000)


def exact(at_ms: int) -> Occurred:
    return Occurred(at_ms, at_ms)


@pytest.mark.parametrize(
    ("moment", "found", "wanted"),
    [
        (at(5_001, 0), exact(RECEIVED_MS - 12_000), exact(RECEIVED_MS - 10_000)),
        (at(5_000, 0), exact(RECEIVED_MS - 12_000), exact(RECEIVED_MS - 10_000)),
        (at(4_999, 0), exact(RECEIVED_MS - 7_000), exact(RECEIVED_MS - 10_001)),
        (at(4_999, 0), exact(RECEIVED_MS - 10_000), exact(RECEIVED_MS - 10_001)),
        (at(5_000, 0), exact(RECEIVED_MS - 7_000), exact(RECEIVED_MS - 10_000)),
        (at(5_001, 0), exact(RECEIVED_MS - 7_000), exact(RECEIVED_MS - 7_000)),
        (at(2_000, 0), exact(RECEIVED_MS - 12_000), exact(RECEIVED_MS - 12_000)),
        (at(5_001, 0, boot="b2"), exact(RECEIVED_MS - 12_000), exact(RECEIVED_MS - 12_000)),
        (at(5_001, 0), exact(RECEIVED_MS - 10_001 - ORDER_MS), exact(RECEIVED_MS - 10_001 - ORDER_MS)),
        (at(5_001, 0), Occurred(5, RECEIVED_MS - 12_000), Occurred(5, RECEIVED_MS - 10_000)),
        (at(4_999, 0), Occurred(RECEIVED_MS - 8_000, RECEIVED_MS - 7_000), exact(RECEIVED_MS - 10_001)),
    ],
    ids=[
        *(
            "not before",
            "the same moment",
            "before",
            "before, not beside",
            "still the same moment",
            "in order",
            "history keeps its time",
            "another boot",
        ),
        *("a clock was set", "an interval ends in order", "an interval of before"),
    ],
)
def test_a_moment_is_on_its_side_of_the_newest_that_is_known(moment: Moment, found: Occurred, wanted: Occurred) -> None:
    assert KNOWN.in_order(moment, found, RECEIVED_MS) == wanted


def test_order_never_tells_the_future_and_a_stream_of_old_knows_none() -> None:
    ahead = Dated(7, RECEIVED_MS + 3_000, "b1", 5_000)
    assert ahead.in_order(at(5_001, 0), exact(RECEIVED_MS - 12_000), RECEIVED_MS) == exact(RECEIVED_MS)
    for known in (Dated(), Dated(7, RECEIVED_MS)):
        assert known.in_order(at(5_001, 0), exact(RECEIVED_MS - 12_000), RECEIVED_MS) == exact(RECEIVED_MS - 12_000)


def test_history_moves_the_newest_moment_neither_back_nor_to_itself() -> None:
    known = Dated()
    known.take(1, at(5_000, 0), 100_000)
    known.take(2, at(3_000, 0), 98_000)
    known.take(3, at(3_000, 0), 100_000)
    assert known == Dated(3, 100_000, "b1", 5_000)
    known.take(4, at(6_000, 0), 100_000)
    assert known == Dated(4, 100_000, "b1", 6_000)


@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, ORDER_MS // 2), st.booleans()), min_size=2, max_size=20)
)
def test_whatever_each_batch_takes_on_its_way_the_events_of_a_stream_stay_in_order(
    batches: list[tuple[int, int, bool]],
) -> None:
    """One event a batch: how long after the one before, how long on its way, and whether the clock is right."""
    true_ms, received_ms, known, dated = RECEIVED_MS, 0, Dated(), []
    for seq, (later_ms, way_ms, synced) in enumerate(batches):
        true_ms += later_ms
        moment = at(true_ms - RECEIVED_MS, true_ms, synced=synced)
        received_ms = max(received_ms, true_ms + way_ms)
        sent = Moment("b1", max(received_ms - way_ms, true_ms) - RECEIVED_MS, 0, synced=False)
        found = known.in_order(moment, Clocks(sent, received_ms).occurred(moment, None, known.at_ms), received_ms)
        known.take(seq, moment, found.from_ms)
        dated.append(found.to_ms)
        assert true_ms <= found.from_ms == found.to_ms <= received_ms
    assert dated == sorted(dated)
