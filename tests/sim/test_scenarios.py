"""Every scenario passes, and each of its broken twins fails: the story notices what was broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.sim import scenario
from nattevakt.sim.centre import Stock
from nattevakt.sim.play import play
from nattevakt.sim.report import story

SEED = 1
NIGHTS = {name: scenario.load(scenario.find(name)) for name in scenario.names()}
SLOW = (
    *("centre_restart-1", "quiet_night-1", "storm-1", "flickering_mat-1", "device_silent-1", "mat_implausible-1"),
    *("every_sensor-1", "every_sensor-2", "every_sensor-3", "every_sensor-4", "dst_autumn-2", "dst_spring-1"),
)
"""Twins that play for many seconds, and whose stories change seldom: under `make judge`."""
TWINS = [
    pytest.param(name, number, id=told, marks=[pytest.mark.judge] * (told in SLOW))
    for name, night in NIGHTS.items()
    for number in range(len(night.twins))
    for told in [f"{name}-{number + 1}"]
]
WANTED = {
    "quiet_night",
    "wandering",
    "fall_unseen",
    "link_dead_back_inside",
    "link_dead_not_back",
    "gateway_dead",
    "button_mute",
    "card_changed",
    "centre_restart",
    "clock_1970",
    "guest_changed",
    "storm",
    "device_silent",
    "every_sensor",
    "nobody_walks",
    "plan_paused",
    "basis_ends_at_night",
    "basis_ended",
    "check_answered",
    "not_returned",
    "long_bathroom",
    "mat_implausible",
}


def test_the_stories_that_must_be_told_are_there_and_each_has_a_twin() -> None:
    assert set(NIGHTS) >= WANTED
    assert not [name for name, night in NIGHTS.items() if not night.twins]
    assert not [name for name, night in NIGHTS.items() if night.name != name]
    assert all(twin.notices for night in NIGHTS.values() for twin in night.twins)


@pytest.mark.parametrize("name", sorted(NIGHTS))
def test_what_is_expected_comes_and_nothing_else(name: str, folder: Path, stock: Stock) -> None:
    played = play(NIGHTS[name], SEED, folder, stock)
    assert played.verdict.passed, story(played)


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_a_broken_twin_is_noticed(name: str, twin: int, folder: Path, stock: Stock) -> None:
    night = NIGHTS[name]
    played = play(night, SEED, folder, stock, broken=night.twins[twin])
    noticed = [failure for failure in played.verdict.failures if night.twins[twin].notices in failure]
    assert noticed, story(played)
