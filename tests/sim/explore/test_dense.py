"""Dense stories: the same for the same seed, short, over before their calm, and full of what belongs together."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from nattevakt.sim.acts import Act
from nattevakt.sim.explore.dense import (
    CALM_MS,
    CRIES,
    CUT,
    DENSE,
    DIES,
    DISK,
    QUIET_START_MS,
    RECIPES,
    SHARE,
    hand_of,
    tell_dense,
)
from nattevakt.sim.explore.invariants import CALM_MS as JUDGED_MS
from nattevakt.sim.explore.playing import SORTS
from nattevakt.sim.explore.story import Story
from nattevakt.sim.explore.telling import NEEDS, tell
from nattevakt.sim.explore.wards import SWIFT_S, ward_of

HOURS = 1.5
HOUR_MS = 3_600_000
SEEDS = range(1, 81)


def mishaps(story: Story) -> int:
    return len(story.mishaps)


def needs(story: Story) -> int:
    return sum(happening.act in NEEDS for happening in story.happenings)


@pytest.fixture(scope="module")
def told() -> list[Story]:
    return [tell_dense(seed, HOURS, "hard", SORTS) for seed in SEEDS]


def test_a_seed_tells_one_story_and_not_that_of_whole_nights(told: list[Story]) -> None:
    assert [tell_dense(story.seed, HOURS, "hard", SORTS) for story in told[:5]] == told[:5]
    assert len({story.begins_ms for story in told}) > len(told) // 2
    night = tell(1, 1, "hard", SORTS)
    assert told[0].homes == night.homes
    assert told[0].happenings != night.happenings


def test_all_is_over_before_a_calm_that_is_long_enough_to_be_judged(told: list[Story]) -> None:
    assert CALM_MS > JUDGED_MS
    for story in told:
        assert story.faults_end_ms - story.begins_ms == round(HOURS * HOUR_MS)
        assert story.ends_ms - story.faults_end_ms == CALM_MS
        for mishap in story.mishaps:
            assert story.begins_ms < mishap.at_ms <= mishap.ends_ms <= story.faults_end_ms
            assert mishap.for_ms > 0 or not SORTS[mishap.what].lasts
        assert all(story.begins_ms <= h.at_ms < story.faults_end_ms for h in story.happenings)


def test_more_happens_in_an_hour_than_in_a_whole_night_s(told: list[Story]) -> None:
    nights = [tell(story.seed, 1, "hard", SORTS) for story in told]
    for count in (mishaps, needs):
        an_hour = sum(count(story) for story in told) / HOURS
        assert an_hour > 4 * sum(count(night) for night in nights) / 10


def test_presses_come_close_together_and_after_somebody_has_come(told: list[Story]) -> None:
    gaps: Counter[str] = Counter()
    for story in told:
        pressed = [h for h in story.happenings if h.act is Act.PRESSES]
        for who in story.homes:
            mine = [h.at_ms for h in pressed if h.resident == who]
            for before, after in itertools.pairwise(mine):
                gaps["repeat" if after - before < 2_000 else "soon" if after - before < 3_000 else "later"] += 1
    assert min(gaps["repeat"], gaps["soon"], gaps["later"]) > 100, gaps


def test_what_is_drawn_together_exists_and_comes(told: list[Story]) -> None:
    named = {name for recipe in RECIPES for step in recipe.steps for name in step.names}
    assert named <= set(SORTS)
    assert {name for name, sort in SORTS.items() if sort.level == DENSE} <= named
    more = [tell_dense(seed, HOURS, "hard", SORTS) for seed in range(100, 500)]
    assert named <= {mishap.what for story in (*told, *more) for mishap in story.mishaps}
    assert not any(m.what in named for m in tell_dense(3, HOURS, "none", SORTS).mishaps)
    soft = {m.what for seed in range(30) for m in tell_dense(seed, HOURS, "soft", SORTS).mishaps}
    assert soft & set(CUT)
    assert {SORTS[what].level for what in soft} == {"soft"}


def test_the_recipes_are_dealt_so_that_none_is_long_in_coming() -> None:
    for first in (0, 8, 400):
        hands = [hand_of(seed) for seed in range(first, first + SHARE)]
        dealt = [recipe for hand in hands for recipe in hand]
        assert sorted(map(RECIPES.index, dealt)) == list(range(len(RECIPES)))
        assert max(map(len, hands)) - min(map(len, hands)) <= 1
    assert [hand_of(3), hand_of(3)] != [hand_of(3), hand_of(3 + SHARE)]


def test_some_begin_calmly_with_one_device_that_is_dead_for_longer_than_its_silence_may_last(told: list[Story]) -> None:
    many = 0
    for story in told:
        early = [m for m in story.mishaps if m.at_ms < story.begins_ms + 8 * 60_000]
        if not early:
            continue
        many += 1
        dead = early[0]
        assert dead.what == DIES
        assert {m.what for m in early[1:]} <= {"stick_unplugged", "broker_restarts"}
        sensor = next(s for s in ward_of(story.seed).sensors if s.address == dead.about)
        assert sensor.interval_s == SWIFT_S
        assert dead.for_ms > (3 * SWIFT_S + 180) * 1000
        later = [m for m in story.mishaps if m not in early]
        assert all(m.at_ms >= story.begins_ms + QUIET_START_MS for m in later)
    assert len(told) // 5 < many < len(told) // 2


def test_what_a_broker_keeps_meets_a_disk_that_takes_nothing_and_an_agent_that_dies(told: list[Story]) -> None:
    """The rarest of what must come together, counted: a press, a disk, a death; a press, a cut, a new guest."""
    lost = moved = 0
    for story in told:
        sensors = {s.address: s for s in ward_of(story.seed).sensors}
        for happening in story.happenings:
            at_ms = happening.at_ms
            if happening.act not in CRIES:
                continue
            now = [m for m in story.mishaps if m.at_ms < at_ms < m.ends_ms]
            soon = [m for m in story.mishaps if at_ms < m.at_ms < at_ms + 170_000]
            lost += any(
                disk.what in DISK and m.what == "agent_killed" and m.about == disk.about and m.at_ms < disk.ends_ms
                for disk in now
                for m in soon
            )
            guests = {sensors[m.about].gateway for m in soon if m.what == "guest_moves_in"}
            moved += any(m.what in CUT and m.about in guests for m in now)
    assert min(lost, moved) > len(told) // 8, (lost, moved)
