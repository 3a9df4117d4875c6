"""When something happened: each way to know it, and no clock that can break it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.central.occurred import Clocks, Pair
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
