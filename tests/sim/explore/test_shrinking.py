"""Shrinking: what comes back fails as the first story did, is no longer than it, and is found within the tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.sim.acts import Act
from nattevakt.sim.explore.shrinking import begun_at, fewer, shrink
from nattevakt.sim.explore.story import Story
from nattevakt.sim.people import Happening
from tests.sim.explore.stories import BEGINS_MS, MINUTE_MS, story


def needs(mishaps: frozenset[int], happenings: frozenset[int], homes: frozenset[str]) -> Callable[[Story], bool]:
    """A failure that takes these of everything: mishaps by chance, happenings by minute, homes by key."""

    def fails(told: Story) -> bool:
        chances = {mishap.chance for mishap in told.mishaps}
        minutes = {(happening.at_ms - BEGINS_MS) // MINUTE_MS for happening in told.happenings}
        return mishaps <= chances and happenings <= minutes and homes <= set(told.homes)

    return fails


@settings(max_examples=80, derandomize=True, deadline=None)
@given(
    st.frozensets(st.integers(0, 9), max_size=3),
    st.frozensets(st.integers(0, 19), max_size=3),
    st.integers(1, 400),
)
def test_the_shortest_story_still_fails_and_is_no_longer(
    mishaps: frozenset[int], happenings: frozenset[int], plays: int
) -> None:
    first = story(happenings=20, mishaps=10, homes=5)
    homes = frozenset(h.resident for n, h in enumerate(first.happenings) if n in happenings)
    fails, asked = needs(mishaps, happenings, homes), list[Story]()

    def asks(told: Story) -> bool:
        asked.append(told)
        return fails(told)

    found = shrink(first, asks, plays)
    assert fails(found.story)
    assert found.plays == len(asked) <= plays
    assert set(found.story.mishaps) <= set(first.mishaps) or len(found.story.mishaps) <= len(first.mishaps)
    assert len(found.story.happenings) <= len(first.happenings)
    assert first.begins_ms <= found.story.begins_ms < found.story.ends_ms <= first.ends_ms
    assert found.story.ends_ms - found.story.faults_end_ms == first.ends_ms - first.faults_end_ms


def test_with_tries_enough_only_what_matters_is_left() -> None:
    first = story(happenings=20, mishaps=10, homes=5)
    found = shrink(first, needs(frozenset({3, 7}), frozenset({4}), frozenset({"r5"})), 2_000)
    assert [mishap.chance for mishap in found.story.mishaps] == [3, 7]
    assert [h.at_ms for h in found.story.happenings] == [BEGINS_MS + 4 * MINUTE_MS]
    assert found.story.homes == ("r5",)
    assert found.story.faults_end_ms < first.faults_end_ms
    assert all(manner.ignores == manner.doubles == 0 for manner in found.story.staff)
    assert all(mishap.for_ms < 40_000 * mishap.chance for mishap in found.story.mishaps)


def test_a_story_that_needs_all_of_itself_stays() -> None:
    first = story()
    found = shrink(first, lambda told: told == first, 300)
    assert found.story == first
    assert found.plays > 0


@settings(max_examples=200, derandomize=True)
@given(st.lists(st.integers(0, 40), unique=True, max_size=14), st.data())
def test_fewer_finds_exactly_what_is_needed(items: list[int], data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.sampled_from(items), max_size=4)) if items else set()
    assert set(fewer(items, lambda kept: needed <= set(kept))) == needed


def test_a_story_that_begins_later_has_everybody_where_they_were() -> None:
    first = story(happenings=0, mishaps=2)
    acts = ((1, "r1", Act.IN_BED), (2, "r2", Act.IN_BED), (3, "r2", Act.OUT_OF_BED), (50, "r1", Act.PRESSES))
    told = tuple(Happening(BEGINS_MS + minute * MINUTE_MS, who, act) for minute, who, act in acts)
    later = begun_at(replace(first, happenings=told), BEGINS_MS + 40 * MINUTE_MS)
    lie = [("r1", Act.IN_BED), ("r2", Act.OUT_OF_BED)]
    assert [(h.resident, h.act) for h in later.happenings] == [*lie, ("r1", Act.PRESSES)]
    assert later.mishaps == ()
    assert later.begins_ms < later.happenings[0].at_ms < BEGINS_MS + 41 * MINUTE_MS


def test_what_breaks_late_begins_late() -> None:
    first = story(happenings=0, mishaps=0)
    late_ms = first.faults_end_ms - 10 * MINUTE_MS
    found = shrink(first, lambda told: told.begins_ms < late_ms < told.faults_end_ms, 100, late_ms)
    assert found.story.begins_ms == late_ms - 60 * MINUTE_MS
    assert found.story.faults_end_ms == late_ms + MINUTE_MS
