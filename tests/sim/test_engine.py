"""The parts of the simulated world: time, clocks, roads, broker sessions, power."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

import pytest

from nattevakt.gateway.inputs import AckMqtt, HttpFailed, HttpReply, HttpSend, Input, MqttDown, MqttReceived, MqttUp
from nattevakt.sim.clock import CentreClock, GatewayClock, Timeline
from nattevakt.sim.network import Answer, Answered, Link, Road, Weather
from nattevakt.sim.power import Disk, Fuse, PowerCut, survives
from nattevakt.sim.session import INFLIGHT_MAX, Session

T0 = 1_795_000_000_000

# --- time ----------------------------------------------------------------------------------------------------


def test_time_jumps_to_what_happens_next_and_keeps_the_order_of_one_moment() -> None:
    line, heard = Timeline(T0), list[tuple[int, str]]()
    for name, after_ms in (("b", 5), ("a", 3), ("c", 5)):
        line.after(after_ms, partial(lambda name: heard.append((line.now_ms - T0, name)), name))
    line.at(T0 - 1_000, lambda: heard.append((line.now_ms - T0, "late")))
    line.run(T0 + 4)
    assert heard == [(0, "late"), (3, "a")]
    assert line.now_ms == T0 + 4
    line.run(T0 + HOUR_MS)
    assert heard[2:] == [(5, "b"), (5, "c")]
    assert line.steps == 4
    clock = CentreClock(line, offset_ms=7)
    assert (clock.now_ms(), clock.real_ms(), clock.pace(), clock.speed()) == (T0 + HOUR_MS + 7,) * 2 + (1.0, None)
    assert clock.monotonic() == (T0 + HOUR_MS) / 1000


HOUR_MS = 3_600_000


def test_a_gateways_clock_drifts_lies_and_comes_back_from_1970() -> None:
    line = Timeline(T0)
    clock = GatewayClock(line, Random(1), drift_ppm=100, synced_from_ms=T0 + HOUR_MS, lost_ms=0)
    clock.power_on()
    boot = clock.boot
    line.run(T0 + HOUR_MS - 1)
    before = clock.now()
    assert not before.synced
    assert before.wall_ms == before.boottime_ms == pytest.approx(HOUR_MS + 20_000, abs=400)
    assert before.boottime_ms > HOUR_MS + 20_000, "the quartz runs ahead"
    line.run(T0 + HOUR_MS)
    assert clock.now().synced
    assert clock.now().wall_ms == T0 + HOUR_MS
    assert clock.true_ms(clock.monotonic() + 10) == pytest.approx(line.now_ms + 10_000, abs=2)
    assert clock.true_ms(clock.monotonic() - 10) == line.now_ms
    clock.power_on()
    assert clock.boot != boot
    liar = GatewayClock(line, Random(1), synced_from_ms=T0 + 2 * HOUR_MS, lost_ms=0, lies=True)
    liar.power_on()
    assert liar.now().synced
    assert liar.now().wall_ms < HOUR_MS


# --- the road ------------------------------------------------------------------------------------------------


class Recorder:
    """Something that answers 200 to everything, after so many ms."""

    def __init__(self, line: Timeline, took_ms: int = 0) -> None:
        self.up = True
        self.line = line
        self.took_ms = took_ms
        self.got: list[int] = []

    def serve(self, credential: str, request: HttpSend, answered: Answered) -> None:
        assert credential == "key"
        self.got.append(request.number)
        self.line.after(self.took_ms, lambda: answered(Answer(200, b"{}") if self.up else None))


class Road1:
    """One link and what came back over it, each with the ms after the beginning."""

    def __init__(self, took_ms: int = 0, **weather: float) -> None:
        self.line = Timeline(T0)
        self.service = Recorder(self.line, took_ms)
        self.link = Link(self.line, Random(1), self.service, "key", Weather((10, 10), **weather))
        self.came: list[tuple[int, str]] = []

    def send(self, number: int) -> None:
        self.link.send(HttpSend("urgent", number, "/v1/batches", "text", b""), self.take)

    def take(self, answer: HttpReply | HttpFailed) -> None:
        said = answer.why if isinstance(answer, HttpFailed) else str(answer.status)
        self.came.append((self.line.now_ms - T0, said))


def test_an_answer_takes_two_ways_and_the_service() -> None:
    road = Road1(took_ms=7)
    road.send(1)
    road.line.run(T0 + 60_000)
    assert road.came == [(27, "200")]


def test_a_cut_is_first_noticed_by_waiting_and_then_by_not_getting_through() -> None:
    road = Road1()
    road.send(1)
    road.line.run(T0 + 100)
    road.link.road = Road.CUT
    road.send(2)
    road.line.run(T0 + 10_000)
    road.send(3)
    road.line.run(T0 + 60_000)
    assert road.came == [(20, "200"), (5_100, "timeout"), (13_000, "connection")]
    assert road.service.got == [1]


def test_half_open_requests_arrive_and_answers_do_not() -> None:
    road = Road1()
    road.link.road = Road.HALF_OPEN
    road.send(1)
    road.line.run(T0 + 60_000)
    assert road.service.got == [1]
    assert road.came == [(5_000, "timeout")]


def test_an_answer_that_comes_after_the_deadline_is_none() -> None:
    road = Road1(took_ms=5_000)
    road.send(1)
    road.line.run(T0 + 60_000)
    assert [said for _, said in road.came] == ["timeout"]


def test_a_doubled_request_arrives_twice_and_is_answered_once() -> None:
    road = Road1(doubled=1.0)
    road.send(1)
    road.line.run(T0 + 60_000)
    assert road.service.got == [1, 1]
    assert [said for _, said in road.came] == ["200"]


def test_lost_requests_and_a_dead_centre() -> None:
    lossy = Road1(lost=1.0)
    lossy.send(1)
    lossy.line.run(T0 + 60_000)
    assert (lossy.service.got, lossy.came) == ([], [(5_000, "timeout")])
    down = Road1()
    down.service.up = False
    down.send(1)
    down.line.run(T0 + 60_000)
    assert down.came == [(10, "connection")]
    dies = Road1(took_ms=100)
    dies.send(1)
    dies.line.run(T0 + 50)
    dies.service.up = False
    dies.line.run(T0 + 60_000)
    assert dies.came == [(110, "connection")]


def test_a_lane_carries_one_request_at_a_time_until_its_program_is_gone() -> None:
    road = Road1()
    road.send(1)
    with pytest.raises(RuntimeError, match="two requests at once on lane urgent"):
        road.send(2)
    road.link.reset()
    road.send(3)
    road.line.run(T0 + 60_000)
    assert road.service.got == [1, 3]
    road.send(4)
    road.line.run(T0 + 120_000)
    assert road.service.got == [1, 3, 4]


# --- the broker's session ------------------------------------------------------------------------------------


def test_what_is_not_acknowledged_comes_again_and_what_waits_comes_after() -> None:
    got: list[Input] = []
    session = Session(got.append)
    session.publish("a", b"lost", retained=False)
    session.publish("bridge", b"up", retained=True)
    session.connect()
    assert got[0] == MqttUp(1, session_present=False)
    assert [m.payload for m in got[1:] if isinstance(m, MqttReceived)] == [b"up"]
    first = got[1]
    assert isinstance(first, MqttReceived)
    session.ack(AckMqtt(first.mid, 1, 1))
    session.publish("a", b"1", retained=False)
    session.disconnect("gone")
    session.publish("a", b"2", retained=False)
    assert got[-1] == MqttDown("gone")
    del got[:]
    session.connect()
    again = [m for m in got if isinstance(m, MqttReceived)]
    assert [(m.payload, m.dup, m.retained) for m in again] == [
        (b"1", True, False),
        (b"2", False, False),
        (b"up", False, True),
    ]
    assert session.redelivered == 1
    session.ack(AckMqtt(again[0].mid, 1, 1))
    assert session.unacknowledged == 3, "an acknowledgement of an earlier connection counts for nothing"
    session.forget()
    assert not session.remembers
    del got[:]
    session.connect()
    assert got == [MqttUp(3, session_present=False)]


def test_only_so_many_messages_are_under_way() -> None:
    got: list[Input] = []
    session = Session(got.append)
    session.connect()
    for number in range(INFLIGHT_MAX + 5):
        session.publish("a", str(number).encode(), retained=False)
    received = [m for m in got if isinstance(m, MqttReceived)]
    assert len(received) == INFLIGHT_MAX
    session.ack(AckMqtt(received[3].mid, 1, 1))
    assert len([m for m in got if isinstance(m, MqttReceived)]) == INFLIGHT_MAX + 1
    assert session.unacknowledged == INFLIGHT_MAX + 4


# --- power ---------------------------------------------------------------------------------------------------


def test_an_image_holds_what_was_committed_and_nothing_that_was_not(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "x.sqlite")
    with closing(sqlite3.connect(disk.path, isolation_level=None)) as con:
        con.execute("PRAGMA journal_mode=WAL")
        con.execute("CREATE TABLE t(n)")
        con.execute("INSERT INTO t VALUES(1)")
        con.execute("BEGIN")
        con.execute("INSERT INTO t VALUES(2)")
        before = disk.path
        disk.cut()
    assert disk.path != before
    with closing(sqlite3.connect(disk.path)) as con:
        assert con.execute("SELECT n FROM t").fetchall() == [(1,)]


def test_a_fuse_blows_at_its_point_and_only_there() -> None:
    fuse = Fuse()
    passed: list[str] = []

    def work() -> None:
        for point in ("a", "b", "a", "b", "a"):
            fuse(point, {})
            passed.append(point)

    assert survives(work)
    del passed[:]
    fuse.set("b", passes=2)
    assert not survives(work)
    assert passed == ["a", "b", "a"]
    assert survives(work), "it blows once"
    fuse.set("a")
    with pytest.raises(PowerCut):
        work()
