"""Milesight's payloads: the radar in both firmwares, its alarms, and what is not known in the middle of a payload."""

from __future__ import annotations

import pytest

from nattevakt.edge.drivers import chirpstack
from nattevakt.edge.drivers.chirpstack.milesight import decode
from nattevakt.edge.drivers.driver import Device, Finding, Reading, Use, Value
from tests.edge.test_chirpstack import RADAR, begun, feed, up, values


def alarm(kind: int, status: int, number: int = 12, region: int = 0xFF) -> str:
    """A live alarm of the radar."""
    return "06fb" + number.to_bytes(2, "little").hex() + bytes((kind, status, region)).hex()


def kept(at_s: int, kind: int, status: int, number: int = 12) -> str:
    """The same from before."""
    return "20ce" + at_s.to_bytes(4, "little").hex() + alarm(kind, status, number)[4:]


def radar(data: str, use: Use = Use.FALL, f_cnt: int = 1) -> dict[str, Value]:
    state = begun((Device(f"lora:{RADAR}", "VS373", use),))
    return values(up(data, RADAR, f_cnt), state)


OLD, NEW = "03f8{}00000000", "07b0{}000000000000"


@pytest.mark.parametrize("firmware", [OLD, NEW], ids=["1.0.1", "1.0.2"])
@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("0000", {"present": True, "still": False, "fall": "no"}),
        ("0100", {"present": False, "fall": "no"}),
        ("0201", {"present": True, "still": True, "occupied": True, "fall": "no"}),
        ("0300", {"present": True, "still": False, "occupied": False, "fall": "no"}),
        ("0403", {"present": True, "still": True, "fall": "sure"}),
        ("0402", {"present": True, "fall": "sure"}),
        ("0900", {}),
    ],
)
def test_the_room_in_both_firmwares(firmware: str, state: str, said: dict[str, Value]) -> None:
    assert radar(firmware.format(state)) == said


def test_a_room_without_a_bed_is_no_empty_bed() -> None:
    assert "occupied" not in radar(OLD.format("0000"))
    assert radar(OLD.format("0000"), Use.BED)["occupied"] is False
    _, steps = feed([up(OLD.format("0200"), RADAR, 1), up(OLD.format("0100"), RADAR, 2)])
    (last,) = [one for one in steps[1].outputs if isinstance(one, Reading)]
    assert last.values["occupied"] is False
    again = chirpstack.recall({f"lora.bed:{RADAR}": "1"}, begun())
    assert values(up(OLD.format("0000"), RADAR), again)["occupied"] is False


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        (0, 1, {"fall": "sure"}),
        (0, 0, {"fall": "sure"}),
        (0, 2, {"fall": "no"}),
        (0, 3, {"fall": "no"}),
        (0, 4, {"fall": "sure"}),
        (1, 1, {"still": True}),
        (1, 2, {"still": False}),
        (3, 1, {"occupied": False, "present": True}),
        (3, 2, {}),
        (4, 1, {"present": True}),
        (5, 1, {"present": False}),
        (8, 1, {"fall": "possible"}),
        (8, 2, {"fall": "no"}),
    ],
)
def test_alarms(kind: int, status: int, said: dict[str, Value]) -> None:
    assert radar(alarm(kind, status)) == said


@pytest.mark.parametrize("kind", [2, 6, 7, 9, 200])
def test_alarms_without_a_meaning_here_are_a_finding_and_no_value(kind: int) -> None:
    readings, (step,) = feed([up(alarm(kind, 1), RADAR)])
    assert [dict(one.values) for one in readings] == [{}]
    assert [type(one) for one in step.outputs].count(Finding) == 1


def test_a_fall_counts_before_the_rooms_state_in_the_same_payload() -> None:
    for data in (OLD.format("0000") + alarm(0, 1), alarm(0, 1) + OLD.format("0000")):
        assert radar(data)["fall"] == "sure"
    assert radar(alarm(0, 1) + alarm(8, 2))["fall"] == "sure"
    assert radar(alarm(8, 1) + alarm(0, 1))["fall"] == "sure"


def test_a_new_fall_is_told_though_the_end_of_the_last_was_lost() -> None:
    messages = [up(alarm(0, 1, number), RADAR, f_cnt) for f_cnt, number in enumerate((5, 5, 6))]
    assert [one.values["fall"] for one in feed(messages)[0]] == ["sure", "sure", "no", "sure"]


def test_the_old_firmware_calls_an_occupied_region_zero() -> None:
    assert radar("04f900010101") == {"present": True}
    assert radar("04f901010101") == {}
    assert radar("0ab30402000000") == {"present": True}
    assert radar("0ab30100000000") == {}
    assert radar("0ab30102000000") == {}
    assert radar("04f900010101" + OLD.format("0100"))["present"] is False


def test_breathing_is_context_and_only_where_there_is_some() -> None:
    assert radar("08b100a005") == {"breathing_rpm": 14.4}
    assert radar("08b1000000") == {}
    assert radar("08b100ffff") == {}


def test_two_presses_in_one_payload_are_two() -> None:
    readings, _ = feed([up("ff2e01ff2e02")])
    assert sorted(one.values["action"] for one in readings) == ["long", "short"]  # type: ignore[type-var]


def test_a_press_of_a_sort_that_nobody_knows_is_a_press() -> None:
    assert values(up("ff2e09")) == {"pressed": True, "action": "press 9"}


@pytest.mark.parametrize("strange", ["aabb", "aabb0102030405", "ff99", "ff9901", "20ff"])
def test_a_press_behind_an_unknown_channel_is_not_lost(strange: str) -> None:
    readings, (step,) = feed([up("017564" + strange + "ff2e01")])
    (reading,) = readings
    assert dict(reading.values) == {"battery_percent": 100.0, "pressed": True, "action": "short"}
    assert step.counted["unknown_channel"] == 1
    assert any(isinstance(one, Finding) and "ikke er kjent" in one.sentence for one in step.outputs)


def test_what_came_before_a_cut_is_read() -> None:
    told = decode(bytes.fromhex("ff2e010175"), "WS101")
    assert (told.presses, told.counted) == (["short"], {"cut_short": 1})
    assert decode(bytes.fromhex("01"), "WS101").counted == {"cut_short": 1}


def test_nothing_is_made_up_behind_an_unknown_channel() -> None:
    told = decode(bytes.fromhex("aabb" + "ff2e0155"), "WS101")
    assert told.presses == []


def test_impossible_values_are_counted() -> None:
    told = decode(bytes.fromhex("0175ff030007040009"), "WS301")
    assert (told.values, told.counted) == ({}, {"bad_battery": 1, "bad_value": 2})


def test_settings_that_the_device_confirms_say_nothing() -> None:
    for answer in ("fe0310e0", "ff8e001000", "f85101020304050600", "f951010203040506"):
        assert radar(answer + "08b100a005") == {"breathing_rpm": 14.4}
