"""How MicRadar radars misbehave in the field, from bytes to events: each test is a published trap.

Numbers are those of the list of traps; lines of the field notes are named by what they say.
"""

from __future__ import annotations

import pytest

from nattevakt.edge.drivers.driver import Device, Reading, Said, Use, Value
from nattevakt.edge.drivers.micradar.frame import Frame
from nattevakt.edge.drivers.micradar.words import fields, question
from nattevakt.edge.events import Bed, Body, Event, Fall, FallOver, Health, Measurement, Presence, Urgency
from tests.edge.interpreting import House
from tests.edge.micradar_line import BED, FLOOR, Served, says, sources, values

QUIET: dict[str, Value] = {"fall": "no", "present": True, "still": False}
HEARTBEAT = question("heartbeat").to_bytes()


class Room:
    """One radar on its line and the gateway that interprets it."""

    def __init__(self, device: Device = FLOOR, *, radar: dict[str, Value] | None = None) -> None:
        self.house = House(device)
        self.line = Served(device, radar=radar)
        self.take(self.line.opening)
        self.line.radar = None

    def take(self, said: list[Said]) -> list[Event]:
        readings = [one for one in said if isinstance(one, Reading)]
        return [e for one in readings for e in self.house.hear(self.line.now_ms, dict(one.values), one.address)]

    def hear(self, at_ms: int, raw: bytes) -> list[Event]:
        return self.take(self.line.hear(at_ms, raw))

    def until(self, at_ms: int) -> list[Event]:
        return self.take(self.line.until(at_ms))


def bodies(events: list[Event]) -> list[Body]:
    """What happened, without signs of life and measurements."""
    return [event.body for event in events if not isinstance(event.body, Health | Measurement)]


@pytest.mark.parametrize("false", ["5359ffffffff", "535980010041", "535980012000"])
def test_trap_07_length_ffff_does_not_stall(false: str) -> None:
    room = Room(radar=QUIET)
    said = room.hear(1_000, bytes.fromhex(false) + says("fall", 1))
    assert bodies(said) == [Fall("micradar:bad", "sure")]
    assert room.line.now_ms == 1_000
    assert len(room.line.state.kept.data) == 0


def test_trap_07_the_longest_length_that_may_be_stalls_for_less_than_200_ms() -> None:
    room = Room(radar=QUIET)
    assert room.hear(1_000, bytes.fromhex("535983010040") + says("fall", 1)) == []
    assert bodies(room.until(1_200)) == [Fall("micradar:bad", "sure")]


def test_trap_07_a_line_that_talks_on_does_not_keep_a_false_length_alive() -> None:
    room = Room(radar=QUIET)
    said = bodies(room.hear(1_000, bytes.fromhex("535983010040") + says("fall", 1)))
    for at in (1_090, 1_180):
        said += bodies(room.hear(at, b"\x27"))
    assert said == [Fall("micradar:bad", "sure")]


@pytest.mark.parametrize("text", ["53598502000141005443", "53598102000116b95443", "53598301000101335443"])
def test_trap_08_a_wrong_sum_is_rejected(text: str) -> None:
    room = Room(Device("micradar:bad", "C1001", Use.FALL), radar={**QUIET, "occupied": None})
    assert room.hear(1_000, bytes.fromhex(text)) == []
    assert room.line.counted["sum_bad"] == 1
    assert "8381" in room.line.asked(1_000)


def test_trap_09_a_fall_that_is_active_at_connect_comes_as_an_answer_and_rings() -> None:
    room = Room()
    assert "8381" in room.line.asked()
    (event,) = [e for e in room.hear(30, says("fall", 1, answering=True)) if isinstance(e.body, Fall)]
    assert event.body == Fall("micradar:bad", "sure")
    assert event.body.urgency is Urgency.A


def test_trap_09_a_fall_while_the_line_was_away_rings_once_with_its_time_uncertain() -> None:
    room = Room(radar=QUIET)
    assert bodies(room.hear(5_000, says("movement", 3))) == []
    again = Served(FLOOR, opened_ms=900_000, radar={**QUIET, "fall": "sure"})
    room.house.unsettled.add("micradar:bad")
    room.line.now_ms = 900_000
    (event,) = [e for e in room.take(again.opening) if isinstance(e.body, Fall)]
    assert event.since is not None
    assert event.since.boottime_ms <= 5_000
    room.line.now_ms = 910_000
    assert bodies(room.take(again.hear(910_000, says("fall", 1, answering=True)))) == []
    assert bodies(room.take(again.hear(920_000, says("fall", 0)))) == [FallOver("micradar:bad")]


def test_trap_10_heart_rate_zero_is_no_value() -> None:
    room = Room(BED, radar={"present": True, "occupied": True})
    assert room.hear(1_000, says("heart_rate", 0)) == []
    (event,) = room.hear(2_000, says("heart_rate", 71))
    assert isinstance(event.body, Measurement)


def test_trap_11_coordinates_are_sign_and_size() -> None:
    frame = Frame.from_bytes(bytes.fromhex("535980050006801f00320000085443"))
    assert fields(frame) == {"x": -31, "y": 50, "z": 0}


@pytest.mark.parametrize("stray", [b"\x00", b"\x27", b"\x6a", b"\x00\x27\x6a\x27\x00"])
def test_field_radar_lines_carry_stray_00_27_6a_bytes(stray: bytes) -> None:
    room = Room(radar=QUIET)
    raw = stray + says("movement", 5) + stray + says("fall", 1) + stray + says("fall", 0) + stray
    assert bodies(room.hear(1_000, raw)) == [Fall("micradar:bad", "sure"), FallOver("micradar:bad")]
    assert room.line.counted["skipped"] == 4 * len(stray)


def test_field_no_target_beside_distances_that_are_not_zero_is_nobody() -> None:
    room = Room(Device("micradar:bad", "R60ABD1", Use.PRESENCE), radar={"present": True, "occupied": False})
    raw = says("presence", 0) + says("distance_cm", 120) + says("x", -31, 50, 0) + says("movement", 4)
    assert bodies(room.hear(1_000, raw)) == [Presence("micradar:bad", present=False)]
    assert bodies(room.hear(2_000, says("distance_cm", 90) + says("x", 10, 20, 30))) == []


def test_heartbeats_alone_never_become_absent() -> None:
    room = Room(Device("micradar:bad", "MR24HPC1", Use.PRESENCE), radar={"present": True})
    assert [b for at in range(1, 600) for b in bodies(room.hear(at * 1_000, HEARTBEAT))] == []


def test_silence_is_a_lost_radar_and_never_absent() -> None:
    room = Room(Device("micradar:bad", "MR24HPC1", Use.PRESENCE), radar={"present": True})
    said = room.line.until(7_200_000)
    assert sources(said) == [False]
    assert values(said) == []


def test_a_bed_that_the_radar_does_not_know_is_neither_left_nor_entered() -> None:
    room = Room(BED, radar={"present": True, "occupied": True})
    assert bodies(room.hear(1_000, says("bed", "none"))) == []
    assert bodies(room.hear(2_000, says("bed", "out"))) == [Bed("micradar:bad", occupied=False)]


def test_who_left_the_bed_while_the_radar_was_lost_did_so_at_some_time_since_it_was_heard() -> None:
    room = Room(BED, radar={"present": True, "occupied": True})
    assert sources(room.line.until(100_000)) == [False]
    room.house.unsettled.add("micradar:bad")  # as the gateway does when a source is lost
    room.hear(500_000, says("movement", 9))
    (event,) = [
        e
        for e in room.hear(500_020, says("presence", 0, answering=True) + says("bed", "out", answering=True))
        if isinstance(e.body, Bed)
    ]
    assert event.body == Bed("micradar:bad", occupied=False)
    assert event.since is not None
    assert event.since.boottime_ms == 0


def test_a_value_a_second_is_a_few_rows_an_hour() -> None:
    room = Room(BED, radar={"present": True, "occupied": True})
    rows = 0
    for at in range(1, 3_600):
        raw = says("movement", at * 7 % 30) + says("heart_rate", 60 + at % 5) + says("breath_rate", 14)
        rows += sum(isinstance(e.body, Measurement) for e in room.hear(at * 1_000, raw))
    assert 3 <= rows <= 20


def test_half_a_frame_from_before_the_plug_was_pulled_is_forgotten() -> None:
    room = Room(radar=QUIET)
    room.hear(1_000, says("fall", 1)[:7])
    again = Served(FLOOR, opened_ms=1_050)
    assert values(again.hear(1_060, says("fall", 1)[7:])) == []
    assert values(again.hear(1_070, says("fall", 1, answering=True))) == [{"fall": "sure"}]
