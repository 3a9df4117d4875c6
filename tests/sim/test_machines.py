"""What befalls clocks, brokers, boxes and the centre of a simulated ward can be undone, in any order."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act as Wish
from nattevakt.edge.errors import RetryError
from nattevakt.gateway.inputs import Input, MqttDown, MqttReceived, MqttUp
from nattevakt.sim import changes
from nattevakt.sim.acts import Act
from nattevakt.sim.centre import Centre, Stock
from nattevakt.sim.clock import GatewayClock, Timeline
from nattevakt.sim.host import FREE_MB, GatewayHost
from nattevakt.sim.people import Happening
from nattevakt.sim.session import Session
from nattevakt.sim.storage import AFTER, BEFORE, TORN
from tests.sim.explore.test_befalls import press, rung, small, wait

T0 = 1_795_000_000_000
HOUR_MS = 3_600_000


def runs(one: GatewayHost | Centre) -> bool:
    """Whether it is up now."""
    return one.up


def synchronised(clock: GatewayClock) -> bool:
    """Whether the clock is, now."""
    return clock.synced


def test_a_quartz_changes_its_speed_without_a_step_and_back() -> None:
    line = Timeline(T0)
    clock = GatewayClock(line, Random(1))
    clock.power_on()
    booted_ms = clock.booted_ms
    line.run(T0 + HOUR_MS)
    before = clock.boottime_ms()
    clock.drifts(500)
    assert clock.boottime_ms() == before == HOUR_MS + 20_000
    line.run(T0 + 2 * HOUR_MS)
    assert clock.boottime_ms() == before + HOUR_MS + 1_800
    clock.drifts(-500)
    line.run(T0 + 3 * HOUR_MS)
    assert clock.boottime_ms() == before + 2 * HOUR_MS + 1_800
    assert (clock.drift_ppm, clock.booted_ms) == (0, booted_ms)
    assert clock.true_ms(clock.monotonic() + 1) == line.now_ms + 1_000


def test_steps_add_up_and_an_unsynchronised_clock_is_so_until_the_latest_moment() -> None:
    line = Timeline(T0)
    clock = GatewayClock(line, Random(1))
    clock.power_on()
    clock.steps(5_000)
    clock.steps(-700)
    assert clock.now().wall_ms == T0 + 4_300
    clock.steps(-5_000)
    clock.steps(700)
    assert clock.now().wall_ms == T0
    clock.unsynchronised(T0 + 60_000, T0 + HOUR_MS)
    clock.unsynchronised(T0 + 30_000)
    line.run(T0 + 40_000)
    assert not synchronised(clock)
    assert clock.now().wall_ms == T0 + HOUR_MS + 60_000
    line.run(T0 + 60_000)
    assert synchronised(clock)
    assert clock.now().wall_ms == line.now_ms


def test_a_broker_that_is_away_takes_nothing_and_keeps_what_it_had() -> None:
    got: list[Input] = []
    session = Session(got.append)
    session.connect()
    session.publish("a", b"1", retained=False)
    session.disconnect("gone")
    session.down = True
    assert not session.keeps
    session.publish("a", b"lost", retained=True)
    session.connect()
    assert isinstance(got[-1], MqttDown)
    assert not session.connected
    session.down = False
    session.connect()
    assert isinstance(got[-2], MqttUp)
    assert [m.payload for m in got if isinstance(m, MqttReceived)] == [b"1", b"1"], "again, and nothing else"
    assert session.keeps


def test_of_two_power_cuts_the_later_one_ends_it(folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        host = world.hosts["loftet"]
        world.gateway_off("loftet", box=False)
        world.gateway_off("loftet")
        assert not host.session.remembers, "the box took its broker along, though the agent was gone already"
        world.gateway_on("loftet")
        assert (host.up, host.held) == (False, 1)
        world.gateway_on("loftet")
        wait(world, 30)
        assert (host.up, host.held, host.lives) == (True, 0, 2)
        press(world)
        wait(world, 10)
        assert rung(world) == [("204", 0)]
        world.centre_off()
        world.centre_off()
        world.centre_on()
        assert not runs(world.centre)
        world.centre_on()
        assert runs(world.centre)


def test_who_is_cut_off_by_a_fuse_stays_off_while_somebody_keeps_it_off(folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        host = world.hosts["loftet"]
        host.fuse.set(TORN)
        boot = host.clock.boot
        wait(world, 16)
        assert not runs(host), "a heartbeat's commit was torn"
        world.gateway_off("loftet")
        wait(world, 60)
        assert not runs(host)
        world.gateway_on("loftet")
        wait(world, 5)
        assert runs(host)
        assert host.clock.boot != boot


@pytest.mark.parametrize(("moment", "done"), [(BEFORE, False), (AFTER, True)])
def test_who_acts_while_the_centre_dies_gets_no_answer(moment: str, done: bool, folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        press(world)
        wait(world, 5)
        (seen,) = world.watch.seen
        with world.centre.db.read(world.centre.tenant.id) as s:
            kari = changes.staff_id(s, "kari")
        wish = Wish(seen.alarm_id, State.TAKEN, kari, None, "once", "", "")
        world.centre.fuse.set(moment)
        with pytest.raises(RetryError, match="died over it"):
            world.centre.act(wish)
        with pytest.raises(RetryError, match="gives no answer"):
            world.centre.act(wish)
        wait(world, 10)
        assert (seen.state == State.TAKEN.value) is done
        world.centre.act(wish)
        wait(world, 5)
        assert seen.state == State.TAKEN.value
        assert world.centre.lives == 2


def test_a_heartbeat_says_the_same_of_the_disk_on_any_machine(folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        with world.centre.db.engine.connect() as con:
            found = con.exec_driver_sql("SELECT json_extract(health, '$.disk_free_mb') FROM gateways").scalars().all()
        assert found == [FREE_MB] * 2


def test_what_a_device_did_not_notice_is_no_second_press(folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        call = next(s.address for s in world.ward.sensors if s.address.endswith("0029E204"))
        world.dies(call)
        world.dies(call)
        press(world)
        wait(world, 5)
        world.lives(call)
        assert list(world.silent) == [call]
        world.lives(call)
        world.again(call)
        wait(world, 5)
        assert not list(world.silent)
        assert rung(world) == []
        world.happens(Happening(world.line.now_ms, "r204", Act.PRESSES))
        wait(world, 5)
        assert rung(world) == [("204", 0)]
