"""Stories as they are told: the same for the same seed, with every fault over before the calm, and never dull."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from nattevakt.central.seed_file import load_seed
from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.explore.dense import DENSE
from nattevakt.sim.explore.playing import SORTS
from nattevakt.sim.explore.rules_only import live
from nattevakt.sim.explore.story import Story
from nattevakt.sim.explore.telling import CALM_MS, NEEDS, ZONE, cut_short, nights_of, tell
from nattevakt.sim.explore.wards import FEWEST, MOST, SWIFT_S, guests, ward_of

SEEDS = range(1, 121)
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def told() -> list[Story]:
    return [tell(seed, 1 + seed % 3, "hard", SORTS) for seed in SEEDS]


def test_a_seed_tells_one_story(told: list[Story]) -> None:
    assert [tell(story.seed, 1 + story.seed % 3, "hard", SORTS) for story in told[:10]] == told[:10]
    assert len({story.begins_ms for story in told}) > len(told) // 2


def test_faults_are_over_before_the_calm(told: list[Story]) -> None:
    for story in told:
        assert story.ends_ms - story.faults_end_ms == CALM_MS
        for mishap in story.mishaps:
            assert story.begins_ms < mishap.at_ms <= mishap.ends_ms <= story.faults_end_ms
            assert mishap.for_ms > 0 or not SORTS[mishap.what].lasts
        assert all(story.begins_ms <= h.at_ms <= story.faults_end_ms for h in story.happenings)
        assert nights_of(story) == 1 + story.seed % 3


def test_mishaps_meet_what_people_do(told: list[Story]) -> None:
    """A fault is only worth its time where something happens under it."""
    meets = many = 0
    for story in told:
        calls = [h.at_ms for h in story.happenings if h.act in NEEDS]
        for mishap in story.mishaps:
            many += 1
            meets += any(mishap.at_ms - 10_000 <= at_ms <= mishap.ends_ms + 10_000 for at_ms in calls)
    assert meets > many * 0.45, f"{meets} of {many}"


def test_every_mishap_comes_and_none_that_the_level_forbids(told: list[Story]) -> None:
    known = {name for name, sort in SORTS.items() if sort.level != DENSE}
    assert {mishap.what for seed in range(400) for mishap in tell(seed, 1, "hard", SORTS).mishaps} == known
    soft = {mishap.what for seed in range(60) for mishap in tell(seed, 1, "soft", SORTS).mishaps}
    assert soft
    assert {SORTS[what].level for what in soft} == {"soft"}
    assert not tell(1, 2, "none", SORTS).mishaps
    assert 3 < sum(len(story.mishaps) / nights_of(story) for story in told) / len(told) < 14


def test_both_nights_of_the_changing_clock_are_told(told: list[Story]) -> None:
    shifts = set()
    for story in (*told, *(tell(seed, 1, "none", {}) for seed in range(200, 400))):
        begins, ends = (datetime.fromtimestamp(ms / 1000, ZONE) for ms in (story.begins_ms, story.ends_ms))
        shifts.add(ends.utcoffset() - begins.utcoffset())  # type: ignore[operator]  # the zone always has one
    assert len(shifts) == 3


def test_a_story_cut_short_keeps_its_calm(told: list[Story]) -> None:
    story = told[0]
    early = cut_short(story, story.begins_ms + 120 * MINUTE_MS)
    assert nights_of(early) == pytest.approx((120 - 20 + 75) / 600, abs=0.002)
    assert early.ends_ms - early.faults_end_ms == CALM_MS
    assert all(m.ends_ms <= early.faults_end_ms for m in early.mishaps)
    assert all(h.at_ms <= early.faults_end_ms for h in early.happenings)


def test_wards_have_every_use_and_radio_and_can_be_told_apart() -> None:
    uses, radios, shared, changing, swift = Counter[Use](), Counter[str](), 0, 0, 0
    for seed in SEEDS:
        ward = ward_of(seed)
        assert FEWEST <= len(ward.residents) <= MOST
        assert all(resident.sensors for resident in ward.residents)
        addresses = [sensor.address for sensor in ward.sensors]
        assert len(set(addresses)) == len(addresses)
        uses.update(sensor.use for sensor in ward.sensors)
        radios.update(sensor.radio for sensor in ward.sensors)
        shared += len({resident.room for resident in ward.residents}) < len(ward.residents)
        changing += guests(ward) is not None
        swift += any(sensor.interval_s == SWIFT_S for sensor in ward.sensors)
        assert not any(sensor.interval_s == SWIFT_S for sensor in ward.sensors if sensor.use is Use.CALL)
    assert set(uses) == set(Use)
    assert {"enocean", "zigbee2mqtt", "esphome", "shelly", "chirpstack", "tinyframe", "micradar", "ld2410"} <= set(
        radios
    )
    assert 0 < shared < len(SEEDS) // 2
    assert 0 < changing < len(SEEDS) // 2
    assert len(SEEDS) // 2 < swift


@pytest.mark.parametrize("seed", [1, 2, 3, 11])
def test_the_seed_file_of_a_ward_can_be_read_with_anybody_left_out(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "ward.toml"
    whole = ward_of(seed)
    for homes in (None, (whole.residents[0].key,), tuple(r.key for r in whole.residents[1:])):
        ward = ward_of(seed, homes)
        path.write_text(ward.seed_toml(), "utf-8")
        assert len(load_seed(path).resident) == len(ward.residents)
        assert {r.key: r for r in ward.residents}.items() <= {r.key: r for r in whole.residents}.items()


def test_the_lives_hold_through_the_rules_alone() -> None:
    lived = [one for seed in range(1, 40) for one in live(tell(seed, 2, "none", {}))]
    assert [sentence for one in lived for sentence in one.broken] == []
    assert sum(one.alarms for one in lived) > 100
