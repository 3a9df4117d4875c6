"""The whole simulated ward: power that fails at any point, roads that double and lose, the same story every time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from nattevakt.central.columns import TENANT
from nattevakt.central.tables import events
from nattevakt.edge.drivers.driver import Use
from nattevakt.sim import people
from nattevakt.sim.acts import Act
from nattevakt.sim.centre import Stock, Workings
from nattevakt.sim.every_kind import EVERY_KIND
from nattevakt.sim.network import Weather
from nattevakt.sim.people import Habits, Happening, flicker
from nattevakt.sim.says import Published, RadioBytes, Voices
from nattevakt.sim.ward import WARD
from nattevakt.sim.world import Plan, World, chance_of

NOON_MS = 1_795_262_400_000
MINUTE_MS = 60_000


def world(folder: Path, stock: Stock, seed: int = 1, workings: Workings | None = None) -> World:
    """A ward at noon, when no window is open."""
    return World(Plan(WARD, NOON_MS, seed, folder, stock, workings or Workings()))


def play(found: World, minutes: int, story: Callable[[World], None]) -> World:
    found.start()
    found.run(NOON_MS + 2 * MINUTE_MS)
    story(found)
    found.run(NOON_MS + minutes * MINUTE_MS)
    return found


def press(found: World, who: str) -> None:
    found.happens(Happening(found.line.now_ms, who, Act.PRESSES))


def calls(found: World) -> list[tuple[str, int]]:
    """Rooms of the calls that rang, and how often each sounded again."""
    return [(seen.room, len(seen.soundings)) for seen in found.watch.seen if seen.kind == "call"]


@pytest.mark.parametrize("point", ["decoded", "stored", "committed"])
def test_a_centre_that_dies_at_any_point_rings_once(point: str, folder: Path, stock: Stock) -> None:
    def story(found: World) -> None:
        found.centre.fuse.set(point)
        press(found, "r204")

    found = play(world(folder, stock), 4, story)
    assert found.centre.lives == 2, "the fuse blew"
    assert calls(found) == [("204", 0)]
    found.close()


@pytest.mark.parametrize("point", ["interpreted", "committed"])
def test_a_gateway_that_dies_at_any_point_rings_what_it_stored(point: str, folder: Path, stock: Stock) -> None:
    """What a radio said and what reached the disk rings; what did not is gone, for a radio says it once."""

    def story(found: World) -> None:
        found.hosts["loftet"].fuse.set(point)
        press(found, "r204")

    found = play(world(folder, stock), 4, story)
    assert found.hosts["loftet"].lives == 2, "the fuse blew"
    assert calls(found) == ([("204", 0)] if point == "committed" else [])
    found.close()


@pytest.mark.parametrize("point", ["interpreted", "committed"])
def test_a_gateway_that_dies_at_any_point_hears_its_broker_again(point: str, folder: Path, stock: Stock) -> None:
    """What was not acknowledged comes again from the broker, rings once, and in the right room."""

    def story(found: World) -> None:
        found.hosts["kjelleren"].fuse.set(point)
        press(found, "r206")

    found = play(world(folder, stock), 4, story)
    lives, redelivered = found.hosts["kjelleren"].lives, found.hosts["kjelleren"].session.redelivered
    found.close()
    assert lives == 2, "the fuse blew"
    assert redelivered
    assert calls(found) == [("206", 0)]


def test_a_road_that_loses_and_doubles_changes_no_alarm(folder: Path, stock: Stock) -> None:
    def story(found: World) -> None:
        for host in found.hosts.values():
            host.link.weather = Weather((20, 900), lost=0.2, doubled=0.3)
        for number, who in enumerate(("r202", "r204", "r206", "r208")):
            found.line.after(number * 20_000, partial(press, found, who))

    found = play(world(folder, stock), 8, story)
    assert sorted(calls(found)) == [("202", 0), ("204", 0), ("206", 0), ("208", 0)]
    with found.centre.db.read(found.centre.tenant.id) as s:
        rows = s.execute(select(events.c.stream_id, events.c.seq).where(events.c.tenant_id == TENANT)).all()
    assert len(rows) == len(set(rows))
    assert all(host.unsent() == 0 for host in found.hosts.values())
    found.close()


@pytest.mark.parametrize("box", [True, False])
def test_who_gets_up_after_a_gateway_was_restarted_has_not_been_up_since_the_mat_spoke(
    box: bool, folder: Path, stock: Stock
) -> None:
    """The mat spoke at one, the gateway listened until half past and was back soon: nobody was up for half an hour."""
    one_ms = NOON_MS - 11 * 60 * MINUTE_MS
    found = World(Plan(WARD, one_ms, 1, folder, stock, Workings()))

    def does(act: Act) -> Callable[[], None]:
        return lambda: found.happens(Happening(found.line.now_ms, "r202", act))

    found.start()
    host = found.hosts["loftet"]
    story: dict[int, Callable[[], None]] = {1: does(Act.IN_BED), 34: does(Act.OUT_OF_BED), 38: does(Act.IN_BED)}
    story |= {30: partial(host.kill, box=box), 32: partial(host.start, boot=box)}
    for minute, part in story.items():
        found.line.after(minute * MINUTE_MS, part)
    found.run(one_ms + 60 * MINUTE_MS)
    found.close()
    assert [seen.kind for seen in found.watch.seen if seen.room == "202"] == []


def test_a_stick_that_is_pulled_hears_nothing(folder: Path, stock: Stock) -> None:
    def story(found: World) -> None:
        found.hosts["loftet"].plug(in_=False)
        press(found, "r204")
        found.line.after(MINUTE_MS, lambda: found.hosts["loftet"].plug(in_=True))
        found.line.after(2 * MINUTE_MS, lambda: press(found, "r202"))

    found = play(world(folder, stock), 6, story)
    assert calls(found) == [("202", 0)]
    found.close()


def test_the_same_seed_tells_the_same_story_in_any_process() -> None:
    """Byte for byte, whatever order Python's sets happen to have."""

    def run(hash_seed: str, seed: str) -> bytes:
        words = [sys.executable, "-m", "nattevakt.sim", "run", "short_outage", "--trace", "--seed", seed]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(words, env=environment, capture_output=True, check=False, timeout=100)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return done.stdout

    first = run("1", "5")
    assert "BESTÅTT" in first.decode()
    assert run("2", "5") == first


# --- people and what their devices say -----------------------------------------------------------------------


def test_trips_follow_the_figures() -> None:
    chance = Random(1)
    nights = [people.trips_of(chance) for _ in range(4_000)]
    for trips, percent in people.TRIPS:
        assert nights.count(trips) / 40 == pytest.approx(percent, abs=2)
    away_min = sorted(people.away_ms(chance) / MINUTE_MS for _ in range(4_000))
    assert away_min[2_000] == pytest.approx(4.6, rel=0.05)
    assert away_min[3_600] == pytest.approx(9.0, rel=0.06)
    assert max(people.away_ms(chance, 11) for _ in range(500)) == 11 * MINUTE_MS
    open_s = sorted(people.door_ms(chance) / 1000 for _ in range(4_000))
    assert open_s[2_000] == pytest.approx(8, rel=0.08)


def test_a_night_is_a_pure_function_of_its_seed() -> None:
    span = people.Night(NOON_MS, NOON_MS + 20 * 60 * MINUTE_MS)
    habits = {
        "r201": Habits(wanders=True, leaves_door_open=True),
        "r203": Habits(falls=True),
        "r206": Habits(calls=True),
        "r208": Habits(bad_mat=True),
    }
    first = people.night(WARD, habits, span, chance_of(3, "people"))
    assert first == people.night(WARD, habits, span, chance_of(3, "people"))
    assert first != people.night(WARD, habits, span, chance_of(4, "people"))
    acts = {(h.resident, h.act) for h in first}
    assert {("r201", Act.OPENS), ("r206", Act.PRESSES), ("r204", Act.IN_BED), ("r204", Act.MOVES)} <= acts
    assert not [h for h in first if h.resident == "r207"], "who has no bed sensor has no night to tell of"
    others = people.night(WARD, {"r208": Habits(bad_mat=True)}, span, chance_of(3, "people"))
    assert [h for h in others if h.resident == "r202"] == [h for h in first if h.resident == "r202"]


def test_a_flicker_goes_out_and_comes_back() -> None:
    found = flicker("r208", 0, 3 * 60 * MINUTE_MS, Random(1), gaps=6, chatter=100)
    assert [h.act for h in found] == [Act.OUT_OF_BED, Act.IN_BED] * (len(found) // 2)
    assert [h.at_ms for h in found] == sorted(h.at_ms for h in found)
    assert max(h.at_ms for h in found) < 3 * 60 * MINUTE_MS


def test_every_act_is_said_by_somebody_and_every_reporting_device_repeats_itself() -> None:
    voices = Voices(WARD)
    every = Voices(EVERY_KIND)
    said = {act for act in Act if any(every.of(Happening(0, r.key, act)) for r in EVERY_KIND.residents)}
    said |= {act for act in Act if any(voices.of(Happening(0, r.key, act)) for r in WARD.residents)}
    silent = set(Act) - said
    assert not silent
    assert voices.of(Happening(0, "nobody", Act.PRESSES)) == ()
    assert all(bool(voices.report(sensor)) is not sensor.mute for sensor in WARD.sensors)
    sos = voices.of(Happening(0, "r206", Act.PRESSES))
    assert [u.said.topic for u in sos if isinstance(u.said, Published)][-1] == "zigbee2mqtt-kjeller/sos-206/action"
    button = voices.of(Happening(0, "r204", Act.PRESSES))
    assert all(isinstance(u.said, RadioBytes) and u.said.gateway == "loftet" for u in button)


def test_the_ward_answers_by_name_key_and_room() -> None:
    astrid = WARD.resident("Astrid")
    assert astrid is not None
    assert WARD.resident("201") is WARD.resident("r201") is astrid
    bed = astrid.sensor(Use.BED)
    assert bed is not None
    assert WARD.sensor(bed.address) is bed
    assert {sensor.gateway for sensor in WARD.sensors} == {gateway.key for gateway in WARD.gateways}
    assert len(WARD.residents) == 8
