"""Gateways that come and go, and gateways that were gone while nobody could see it, in the whole product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nattevakt.sim.centre import Stock
from nattevakt.sim.explore.befalls import BEFALLS
from nattevakt.sim.network import Road
from nattevakt.sim.world import World
from tests.sim.explore.test_befalls import UP, ends, mishap_of, press, rung, small, wait


@pytest.fixture
def world(folder: Path, stock: Stock) -> Iterator[World]:
    with small(folder, stock) as made:
        yield made


def silences(world: World) -> list[str]:
    return [seen.ended_as for seen in world.watch.seen if seen.kind == "gateway_silent"]


def test_a_line_that_comes_and_goes_for_an_hour_is_not_eight_alarms(world: World) -> None:
    """Hard seed 7: it rang eight times in 35 minutes, and ended each time before anybody could come."""
    link = world.hosts[UP].link
    for _ in range(24):
        link.road = Road.CUT
        wait(world, 100)
        link.road = Road.UP
        wait(world, 50)
    assert silences(world) == ["auto_avklart", ""]
    press(world)
    wait(world, 9 * 60)
    assert rung(world) == [("204", 0)]
    assert silences(world) == ["auto_avklart", ""]
    wait(world, 2 * 60)
    assert silences(world) == ["auto_avklart", "auto_avklart"]


def test_an_older_copy_of_a_card_that_is_put_in_while_the_centre_is_away_is_told_of(world: World) -> None:
    """Dense seed 9: a call was stored on the card that was taken out, and nobody heard that it may be lost."""
    befall = BEFALLS["card_restored"]
    world.centre_off()
    wait(world, 60)
    mishap = mishap_of(befall, world, 300)
    befall.begin(world, mishap)
    wait(world, 30)
    press(world)
    wait(world, 270)
    ends(befall, world, mishap)
    wait(world, 300)
    assert world.watch.seen == []
    world.centre_on()
    wait(world, 60)
    assert rung(world) == [], "it died with the card"
    assert [(seen.kind, seen.reason) for seen in world.watch.seen] == [("gateway_gap", "gateway_gap")]


@pytest.mark.parametrize(("seconds", "told"), [(20, 0), (150, 1)])
def test_a_box_that_was_off_while_the_centre_was_away_is_told_of_when_it_was_off_for_long(
    world: World, seconds: int, told: int
) -> None:
    world.centre_off()
    wait(world, 600)
    world.gateway_off(UP)
    wait(world, seconds)
    world.gateway_on(UP)
    wait(world, 200)
    world.centre_on()
    wait(world, 120)
    assert [seen.kind for seen in world.watch.seen] == ["gateway_gap"] * told
