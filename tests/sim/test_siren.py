"""A press that nobody answers, all the way to a siren that sounds in the corridor, and to its silence again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act as Wish
from nattevakt.central.columns import TENANT
from nattevakt.central.tables_duty import sendings
from nattevakt.gateway.siren import Siren
from nattevakt.sim.centre import Stock
from nattevakt.sim.devices.siren import SimSiren
from nattevakt.sim.world import Plan, World
from tests.sim.explore.test_befalls import NOON_MS, SMALL, UP, press, wait

HORN = Siren("z2m:gang/sirene")
LAMP = Siren("z2m:vaktrom/lampe", "state")
FROM_ALARM_S = 35
"""The chain's last step where no tablet has shown the alarm: twice 15 s, seen by a sweep each five."""
BEAT_S = 15
WARD = replace(SMALL, gateways=tuple(replace(g, sirens=(HORN, LAMP)) if g.key == UP else g for g in SMALL.gateways))


@pytest.fixture
def world(tmp_path: Path, stock: Stock) -> Iterator[World]:
    """Two residents, and a gateway with a horn and a lamp, a minute after the beginning."""
    made = World(Plan(WARD, NOON_MS, 1, tmp_path, stock))
    try:
        made.start()
        wait(made, 60)
        yield made
    finally:
        made.close()


def horn(world: World) -> SimSiren:
    return world.hosts[UP].sirens[0]


def sounding(world: World) -> list[bool]:
    return [siren.sounds(world.line.now_ms) for siren in world.hosts[UP].sirens]


def take(world: World) -> None:
    """Somebody takes the call."""
    (seen,) = (one for one in world.watch.seen if one.kind == "call")
    world.centre.act(Wish(seen.alarm_id, State.TAKEN, 1, None, "tap"))


def ledger(world: World) -> list[str]:
    with world.centre.db.read(world.centre.tenant.id) as s:
        mine = select(sendings.c.state).where(sendings.c.tenant_id == TENANT, sendings.c.channel == "siren")
        return list(s.execute(mine.order_by(sendings.c.id)).scalars())


def test_it_sounds_when_nobody_comes_and_is_silent_when_somebody_has_it(world: World) -> None:
    press(world)
    wait(world, FROM_ALARM_S - 5)
    assert (sounding(world), ledger(world)) == ([False, False], [])
    wait(world, 5 + BEAT_S)
    assert sounding(world) == [True, True]
    wait(world, BEAT_S)
    assert ledger(world) == ["confirmed"]
    wait(world, 120)
    assert sounding(world) == [True, True]
    take(world)
    wait(world, 6)
    assert sounding(world) == [False, False]


def test_without_its_gateway_the_horn_ends_by_itself_and_the_agent_s_start_ends_the_lamp(world: World) -> None:
    press(world)
    wait(world, FROM_ALARM_S + BEAT_S)
    assert sounding(world) == [True, True]
    world.hosts[UP].off()
    wait(world, 60)
    assert sounding(world) == [False, True]
    take(world)
    world.hosts[UP].on()
    wait(world, 30)
    assert sounding(world) == [False, False]


def test_a_horn_that_the_radio_does_not_reach_is_told_of_and_has_failed(world: World) -> None:
    horn(world).reachable = False
    world.hosts[UP].sirens[1].reachable = False
    press(world)
    wait(world, FROM_ALARM_S + 90)
    assert ledger(world) == ["failed"]
    assert "gateway_fault" in {seen.kind for seen in world.watch.seen}
    horn(world).reachable = True
    wait(world, 30)
    assert sounding(world) == [True, False]
    assert ledger(world) == ["confirmed"]
