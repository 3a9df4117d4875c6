"""Every mishap: it does what it says, ends, nests, and leaves an installation that is whole and rings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.acts import Act
from nattevakt.sim.broken import repeating
from nattevakt.sim.centre import Stock
from nattevakt.sim.every_kind import EVERY_KIND
from nattevakt.sim.explore.befalls import BEFALLS, EXCUSES, Befall
from nattevakt.sim.explore.dense import DENSE
from nattevakt.sim.explore.story import LEVELS, Mishap
from nattevakt.sim.explore.wholeness import ails
from nattevakt.sim.host import GatewayHost, GatewayWorkings
from nattevakt.sim.network import Road
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import WARD
from nattevakt.sim.world import Plan, World

NOON_MS = 1_795_262_400_000
MINUTE_MS = 60_000
UP = "loftet"
SMALL = replace(WARD, residents=tuple(r for r in WARD.residents if r.key in ("r204", "r206")))
GATEWAYS = [one for one in BEFALLS.values() if one.about == "gateway"]
CENTRES = [one for one in BEFALLS.values() if one.about == "centre"]
DEVICES = [one for one in BEFALLS.values() if one.about == "device"]
Sees = Callable[[World, GatewayHost], bool]


@contextmanager
def small(folder: Path, stock: Stock, told: list[str] | None = None) -> Iterator[World]:
    """Two residents and two gateways, a minute after the beginning."""
    lines = told if told is not None else []

    def trace(at_ms: int, says: str) -> None:
        lines.append(f"{at_ms} {says}")

    world = World(Plan(SMALL, NOON_MS, 1, folder, stock), trace)
    try:
        world.start()
        wait(world, 60)
        yield world
    finally:
        world.close()


def wait(world: World, seconds: float) -> None:
    world.run(world.line.now_ms + round(seconds * 1000))


def press(world: World, who: str = "r204") -> None:
    world.happens(Happening(world.line.now_ms, who, Act.PRESSES))


def rung(world: World, kind: str = "call") -> list[tuple[str, int]]:
    """The rooms of the alarms of a kind, and how often each sounded again."""
    return [(seen.room, len(seen.soundings)) for seen in world.watch.seen if seen.kind == kind]


def mishap_of(befall: Befall, world: World, seconds: int, chance: int = 7) -> Mishap:
    about = {"gateway": UP, "centre": ""}.get(befall.about)
    if about is None:
        about = next(sensor.address for sensor in world.ward.sensors if befall.fits(sensor))
    return Mishap(world.line.now_ms, befall.name, about, seconds * 1000 if befall.lasts else 0, chance)


def ends(befall: Befall, world: World, mishap: Mishap) -> None:
    if befall.end is not None:
        befall.end(world, mishap)


def offset_s(host: GatewayHost) -> float:
    return abs(host.clock.now().wall_ms - host.clock.line.now_ms) / 1000


def always(_world: World, _host: GatewayHost) -> bool:
    """Nothing more is to be seen."""
    return True


DEGRADED = {
    *("link_lossy", "link_late", "link_narrow", "link_slow", "link_doubles", "link_wanders"),
    *("link_reorders", "proxy_502", "proxy_503", "proxy_504", "portal", "portal_redirect", "answers_cut_off"),
    *("answers_shortened", "answers_nonsense"),
}
MIDST: Mapping[str, Sees] = {
    **dict.fromkeys(DEGRADED, lambda _, host: not host.link.clean),
    "link_cut": lambda _, host: host.link.road is Road.CUT,
    "link_flaps": lambda _, host: host.link.failures > 0,
    "link_half_open": lambda _, host: host.link.road is Road.HALF_OPEN,
    "link_deaf": lambda _, host: host.link.road is Road.DEAF,
    "link_refused": lambda _, host: not host.link.passes and host.link.failures > 0,
    "agent_killed": lambda _, host: host.lives == 2 and host.session.remembers,
    "gateway_power": lambda _, host: not host.up and not host.session.remembers,
    "agent_gone": lambda _, host: not host.up and host.session.remembers,
    "agent_crashes_on": lambda _, host: host.lives > 2,
    "agent_cut_at_commit": lambda _, host: host.lives > 1,
    "agent_cut_between": lambda _, host: host.lives > 1,
    "power_tears_commit": lambda _, host: host.storage.tears > 0,
    "bridge_restarts": always,
    "broker_restarts": lambda _, host: host.session.down and not host.session.connected and host.session.remembers,
    "broker_forgets": lambda _, host: host.session.down and not host.session.remembers,
    "stick_unplugged": lambda _, host: not host.listens("enocean"),
    "clock_drifts": lambda _, host: host.clock.drift_ppm != 0,
    "clock_steps": lambda _, host: offset_s(host) > 0.5,
    "clock_unsynced": lambda _, host: not host.clock.now().synced,
    "clock_1970": lambda _, host: not host.clock.now().synced and host.clock.now().wall_ms < 3_600_000,
    "clock_last_saved": lambda _, host: not host.clock.now().synced and offset_s(host) > 10,
    "clock_next_year": lambda _, host: not host.clock.now().synced and offset_s(host) > 364 * 86_400,
    "disk_full": lambda _, host: not host.disk_fine,
    "disk_read_only": lambda _, host: not host.disk_fine,
    "disk_failing": lambda _, host: not host.disk_fine,
    "small_outbox": lambda _, host: host.limits.unsent_rows_max <= 30 and host.lives == 2,
    "card_replaced": lambda _, host: host.card == 1,
    "card_restored": lambda _, host: host.card == 0,
    "card_cloned": lambda world, _: world.clones[UP].up,
    "key_revoked": lambda world, _: world.centre.statuses.get(403, 0) > 0,
    "key_renewed": lambda world, _: world.centre.statuses.get(401, 0) > 0,
    "blackout": lambda world, _: not any(host.up for host in world.hosts.values()),
    "centre_killed": lambda world, _: world.centre.lives == 2,
    "centre_slow": lambda world, _: world.centre.slow_ms > 0,
    "centre_away": lambda world, _: not world.centre.up,
    "centre_crashes_on": lambda world, _: world.centre.lives > 2,
    "centre_cut_at_commit": lambda world, _: world.centre.lives > 1,
    "centre_cut_between": lambda world, _: world.centre.lives > 1,
    "centre_tears_commit": lambda world, _: world.centre.storage.tears > 0,
    "centre_restored": lambda world, _: world.centre.restores == 0,
    "centre_locked": lambda world, _: not world.centre.writable and world.centre.put_off > 0,
    "centre_read_only": lambda world, _: not world.centre.writable and world.centre.put_off > 0,
    "centre_disk_full": lambda world, _: not world.centre.writable,
    "centre_disk_failing": lambda world, _: not world.centre.writable,
    "centre_clock_leaps": lambda world, _: world.centre.now_ms() != world.line.now_ms,
}
"""What is to be seen in the midst of each, some time before it ends."""
AFTER: Mapping[str, Sees] = {
    "card_restored": lambda _, host: host.card == 1,
    "card_cloned": lambda world, _: bool(rung(world, "gateway_cloned")),
    "centre_restored": lambda world, _: world.centre.restores == 1,
}
"""What is to be seen when it has ended."""


STRIKES_SOON = {"centre_cut_between": 3}
"""The chance of a mishap that strikes within its minute, where that of the others would not."""


def test_the_table_says_what_each_is() -> None:
    assert set(MIDST) == {one.name for one in (*GATEWAYS, *CENTRES)}
    for name, one in BEFALLS.items():
        assert one.name == name
        assert one.level in (*LEVELS[1:], DENSE)
        assert one.about in ("gateway", "device", "centre")
        assert one.lasts is (one.end is not None)
        assert one.says.strip() == one.says
        assert set(one.excuses) <= set(EXCUSES)
        assert any(one.fits(sensor) for sensor in EVERY_KIND.sensors)
    assert {excuse for one in BEFALLS.values() for excuse in one.excuses} == set(EXCUSES)


@pytest.mark.judge
@pytest.mark.parametrize("befall", [*GATEWAYS, *CENTRES], ids=lambda one: one.name)
def test_each_does_what_it_says_and_ends(befall: Befall, folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        host = world.hosts[UP]
        mishap = mishap_of(befall, world, 70, STRIKES_SOON.get(befall.name, 7))
        befall.begin(world, mishap)
        for _ in range(4):
            # Something to store, so that there are commits to be cut off.
            wait(world, 10)
            press(world)
        wait(world, 20)
        assert MIDST[befall.name](world, host), "it does what it says"
        wait(world, 10)
        ends(befall, world, mishap)
        # A new key is shown again only after a while, and who was silent is in no hurry.
        wait(world, 330)
        assert ails(world) == ()
        assert AFTER.get(befall.name, always)(world, host)
        before = sum(1 + again for _, again in rung(world))
        press(world)
        wait(world, 15)
        assert sum(1 + again for _, again in rung(world)) == before + 1, "a call rings, once"
        assert [one.unsent() for one in world.hosts.values()] == [0, 0]


LASTING = [one for one in (*GATEWAYS, *CENTRES) if one.lasts]


@pytest.mark.judge
@pytest.mark.parametrize("some", [LASTING[at::6] for at in range(6)], ids=lambda some: some[0].name)
def test_two_of_each_that_overlap_are_over_when_both_are(some: list[Befall], folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        first = [(one, mishap_of(one, world, 60, 3)) for one in some]
        for one, mishap in first:
            one.begin(world, mishap)
            wait(world, 5)
        second = [(one, mishap_of(one, world, 90, 4)) for one in some]
        for one, mishap in second:
            one.begin(world, mishap)
            wait(world, 5)
        for one, mishap in (*first, *second):
            ends(one, world, mishap)
            wait(world, 3)
        wait(world, 130)
        assert ails(world) == ()
        before = sum(1 + again for _, again in rung(world))
        press(world)
        wait(world, 60)
        assert sum(1 + again for _, again in rung(world)) == before + 1


def test_every_fault_of_devices_at_once_begins_and_ends(folder: Path, stock: Stock) -> None:
    world = World(Plan(EVERY_KIND, NOON_MS, 1, folder, stock))
    try:
        world.start()
        wait(world, 60)
        mishaps = [(one, mishap_of(one, world, 60)) for one in DEVICES]
        for one, mishap in mishaps:
            one.begin(world, mishap)
        wait(world, 30)
        has = {name for _, name in world.voices.faults.lasting}
        assert {f"device_{name}" for name in has} == {one.name for one in DEVICES if one.name[7:] in has}
        assert len(has) == len(DEVICES) - 6, "all but those that are no fault of a device"
        assert world.silent
        for one, mishap in mishaps:
            ends(one, world, mishap)
        wait(world, 60)
        assert ails(world) == ()
    finally:
        world.close()


def test_a_stuck_sensor_tells_how_things_are_when_it_is_loose_again(folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        sensor = next(s for r in SMALL.residents for s in r.sensors if s.use is Use.BED)
        who = next(r.key for r in SMALL.residents if sensor in r.sensors)
        stuck = BEFALLS["device_stuck"]
        mishap = Mishap(world.line.now_ms, stuck.name, sensor.address, 60_000)
        for act in (Act.OUT_OF_BED, Act.IN_BED):
            world.happens(Happening(world.line.now_ms, who, act))
            wait(world, 5)
        stuck.begin(world, mishap)
        world.happens(Happening(world.line.now_ms, who, Act.OUT_OF_BED))
        wait(world, 5)
        device = world.voices.devices[sensor.address]
        assert device.state["occupied"] is True
        ends(stuck, world, mishap)
        assert device.state["occupied"] is False


def test_a_device_on_another_s_room_rings_there_and_then_at_home_again(folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        call = next(s for s in SMALL.residents[0].sensors if s.use is Use.CALL)
        moved = BEFALLS["device_moved"]
        mishap = Mishap(world.line.now_ms, moved.name, call.address, 60_000)
        moved.begin(world, mishap)
        press(world)
        wait(world, 10)
        assert [room for room, _ in rung(world)] == ["206"]
        world.centre_off()
        ends(moved, world, mishap)
        wait(world, 10)
        world.centre_on()
        wait(world, 30)
        press(world)
        wait(world, 10)
        assert [room for room, _ in rung(world)] == ["206", "204"], "whoever puts it right waits for the centre"
        assert world.troubles == []


def test_an_older_copy_of_the_centre_is_told_everything_again(folder: Path, stock: Stock) -> None:
    with small(folder, stock) as world:
        restored = BEFALLS["centre_restored"]
        mishap = mishap_of(restored, world, 60)
        restored.begin(world, mishap)
        press(world)
        wait(world, 30)
        assert rung(world) == [("204", 0)]
        ends(restored, world, mishap)
        wait(world, 60)
        assert [(s.room, s.ended_as) for s in world.watch.seen if s.kind == "call"] == [("204", "tapt"), ("204", "")]


@pytest.mark.parametrize("broken", [False, True])
def test_a_press_that_the_broker_keeps_is_handed_out_again_and_rings_once(
    folder: Path, stock: Stock, *, broken: bool
) -> None:
    workings = GatewayWorkings(interpret=repeating) if broken else GatewayWorkings()
    world = World(Plan(SMALL, NOON_MS, 1, folder, stock, gateways=workings))
    try:
        world.start()
        wait(world, 60)
        kept, away = BEFALLS["device_retained_press"], BEFALLS["broker_restarts"]
        call = next(s for r in SMALL.residents for s in r.sensors if kept.fits(s))
        who = next(r for r in SMALL.residents if call in r.sensors)
        kept.begin(world, Mishap(world.line.now_ms, kept.name, call.address, 600_000))
        press(world, who.key)
        wait(world, 20)
        assert rung(world) == [(who.room, 0)]
        mishap = Mishap(world.line.now_ms, away.name, call.gateway, 20_000)
        away.begin(world, mishap)
        wait(world, 20)
        ends(away, world, mishap)
        wait(world, 20)
        # A gateway that does not know what it has heard takes the copy for a new press.
        assert rung(world) == [(who.room, int(broken))]
    finally:
        world.close()


PROGRAM = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from nattevakt.sim.centre import Stock
from tests.sim.explore.test_befalls import storm
with TemporaryDirectory(dir=sys.argv[1]) as made:
    for line in storm(Path(made) / "world", Stock(Path(made) / "stock")):
        print(line)
"""


def storm(folder: Path, stock: Stock) -> list[str]:
    """Nearly everything in a quarter of an hour, each on the heels of the other; gives the trace."""
    told: list[str] = []
    with small(folder, stock, told) as world:
        for number, befall in enumerate((*GATEWAYS, *CENTRES, *DEVICES)):
            if any(befall.fits(sensor) for sensor in SMALL.sensors):
                mishap = replace(mishap_of(befall, world, 40, number), about=_about(befall, number))
                befall.begin(world, mishap)
                world.later(40_000 + number, partial(ends, befall, world, mishap))
            if number % 5 == 0:
                press(world, ("r204", "r206")[number % 2])
            wait(world, 7)
        wait(world, 200)
        told += [f"{key}: {host.lives} {host.turns} {host.unsent()}" for key, host in world.hosts.items()]
        told += [f"{world.centre.statuses} {world.line.steps} {ails(world)}", *world.troubles]
        with world.centre.db.engine.connect() as con:
            rows = con.exec_driver_sql("SELECT seq, kind, occurred_from_ms, sha256 FROM events ORDER BY 1, 2, 3, 4")
            told += [f"{row.seq} {row.kind} {row.occurred_from_ms} {bytes(row.sha256).hex()}" for row in rows]
    return told


def _about(befall: Befall, number: int) -> str:
    if befall.about == "device":
        return next(sensor.address for sensor in SMALL.sensors if befall.fits(sensor))
    return "" if befall.about == "centre" else (UP, "kjelleren")[number % 2]


def test_the_same_seed_gives_the_same_trace_under_any_hash_seed(memory: Path) -> None:
    def run(hash_seed: str) -> str:
        words = [sys.executable, "-c", PROGRAM, str(memory)]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=110)
        assert done.returncode == 0, done.stderr[-3_000:]
        # The centre's own log has the machine's time in it.
        return "\n".join(line for line in done.stdout.splitlines() if "[" not in line[20:40])

    first = run("1")
    assert "ALARM call" in first
    assert len(first.splitlines()) > 100
    assert run("2") == first
