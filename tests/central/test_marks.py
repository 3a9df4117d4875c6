"""Marks and ranges against a plain set of numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nattevakt.central.marks import Held

EMPTY = Held(None, 0, ())
ranges = st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def plain(parts: list[tuple[int, int]]) -> set[int]:
    return {seq for low, high in parts for seq in range(low, high + 1)}


@given(st.lists(st.lists(ranges, max_size=4), max_size=6), st.integers(1, 60), st.integers(0, 6))
def test_same_as_a_set_in_whatever_order_it_comes(steps: list[list[tuple[int, int]]], first: int, told_at: int) -> None:
    held, known, told = EMPTY, set[int](), False
    for index, step in enumerate([*steps, []]):
        if index == min(told_at, len(steps)):
            held, told = held.begins_at(first), True
        held = held.with_ranges(step)
        known |= plain(step)
        assert {seq for seq in range(1, 80) if held.covers(seq)} == known
        assert all(low > held.mark + 1 for low, _ in held.ranges) or not told
    begin = min([first, *known])
    mark = begin - 1
    while mark + 1 in known:
        mark += 1
    assert held.first is not None
    assert held.mark == mark
    assert plain(list(held.missing_to(70))) == {seq for seq in range(mark + 1, 71) if seq not in known}


def test_nothing_is_contiguous_before_the_beginning_is_known() -> None:
    assert EMPTY.with_seqs([1, 2, 3]).reply == 0
    assert EMPTY.with_seqs([5, 6]).begins_at(5).reply == 6


def test_a_later_beginning_is_not_believed() -> None:
    held = EMPTY.begins_at(1).with_seqs([1, 2])
    assert held.begins_at(50) == held


def test_huge_tombstones_cost_nothing() -> None:
    assert EMPTY.begins_at(1).with_ranges([(1, 2**63 - 1)]).mark == 2**63 - 1
