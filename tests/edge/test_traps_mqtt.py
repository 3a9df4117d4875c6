"""How nodes on MQTT misbehave, from the message to events: traps 19, 22 and 23 by name.

Traps 16, 17 and 18 are Zigbee2MQTT's (test_traps.py). Traps 24 (an exception in a callback) and 25 (a restart of the
broker) need a real broker: tests/gateway/test_dialects_broker.py.
"""

from __future__ import annotations

import pytest

from nattevakt.edge.drivers import esphome
from nattevakt.edge.drivers.driver import Device, SourceState, Use
from nattevakt.edge.events import Bed, Call, Contact
from tests.edge.mqtt_homes import BUTTON, CORD, TS, EspHome, ShellyHome, esphome_online

SENG = Device("esphome:rom3/seng", "bed", Use.BED)
SENG_TOPIC = "rom3/binary_sensor/seng/state"


def test_trap_19_retained_esphome_off_after_reconnect_is_no_news() -> None:
    home = esphome_online(SENG)
    home.hear(10, SENG_TOPIC, b"ON")
    assert home.hear(20, SENG_TOPIC, b"OFF") == [Bed(SENG.address, occupied=False)]
    for at_ms in (60_000, 120_000, 180_000):
        home.state = esphome.connected(home.state)
        home.house.unsettled.add(SENG.address)
        home.hear(at_ms, "rom3/status", b"online", retained=True)
        assert home.hear(at_ms + 10, SENG_TOPIC, b"OFF", retained=True) == []
        assert home.house.last.events == ()


def test_trap_19_retained_esphome_that_differs_has_an_interval_for_its_time() -> None:
    home = esphome_online(SENG)
    home.hear(10_000, SENG_TOPIC, b"ON")
    home.state = esphome.connected(home.state)
    home.house.unsettled.add(SENG.address)
    home.hear(600_000, "rom3/status", b"online", retained=True)
    assert home.hear(600_010, SENG_TOPIC, b"OFF", retained=True) == [Bed(SENG.address, occupied=False)]
    (event,) = (one for one in home.house.last.events if isinstance(one.body, Bed))
    assert event.since is not None
    assert (event.since.boottime_ms, event.at.boottime_ms) == (10_000, 600_010)


def test_trap_19_retained_esphome_of_a_node_that_is_gone_says_nothing() -> None:
    home = EspHome(SENG)
    home.hear(0, "rom3/status", b"offline", retained=True)
    assert home.outputs == (SourceState("esphome:rom3", up=False, reason="the node says offline"),)
    assert home.hear(10, SENG_TOPIC, b"OFF", retained=True) == []
    assert home.house.seq == 100, "the bed stays unknown"


@pytest.mark.parametrize("told", ["packet_id", "last_updated_ts"])
def test_trap_22_bthome_repeated_packet_id(told: str) -> None:
    """A BLU sensor sends each message many times; its Shelly tells it on two topics and in every full status."""
    button = Device("shelly:bad3/bthomesensor:203", "button", Use.CALL)
    home = ShellyHome(button)

    def part(number: int) -> dict[str, int]:
        return {"id": 203, "value": 1, told: number if told == "packet_id" else int(TS) + number}

    assert home.status(1000, TS + 1, bthomesensor_203=part(1)) == [Call(button.address, "single_push")]
    for at_ms in (1020, 1040, 3500, 60_000):
        assert home.status(at_ms, TS + at_ms / 1000, bthomesensor_203=part(1)) == []
        assert home.hear(at_ms, "bad3/status/bthomesensor:203", part(1)) == []
    assert home.status(90_000, TS + 90, bthomesensor_203=part(89)) == [Call(button.address, "single_push")]


def test_trap_22_a_repeated_packet_of_a_dead_sensor_is_no_sign_of_life() -> None:
    health = Device("shelly:bad3/bthomedevice:200", "blu")
    home = ShellyHome(health)
    last: dict[str, int] = {"rssi": -70, "battery": 3, "packet_id": 17, "last_updated_ts": int(TS)}
    home.status(0, TS, bthomedevice_200=last)
    heard = [home.readings[0].replay]
    for at_ms in (3_600_000, 7_200_000):
        home.status(at_ms, TS + at_ms / 1000, full=True, bthomedevice_200=last)
        heard += [one.replay for one in home.readings]
    assert heard == [False, True, True]


@pytest.mark.parametrize("event", ["config_changed", "component_added", "ota_begin", "new_objects", "", "single_push "])
def test_trap_23_shelly_config_changed_is_no_press(event: str) -> None:
    home = ShellyHome(CORD, BUTTON)
    assert home.event(0, TS, event) == []
    assert (home.outputs, home.counted) == ((), {"other_events": 1})
    assert home.event(10, TS, event, "bthomedevice:200") == []
    assert home.event(20, TS + 1, "single_push") == [Call(CORD.address, "single_push")]


def test_trap_23_a_press_in_the_same_frame_as_config_changed_is_heard() -> None:
    home = ShellyHome(CORD)
    events: list[object] = [
        {"component": "sys", "event": "config_changed", "ts": TS, "cfg_rev": 11},
        None,
        {"component": "input:0", "id": 0, "event": "single_push", "ts": TS},
    ]
    frame = {"method": "NotifyEvent", "params": {"ts": TS, "events": events}}
    assert home.hear(0, "bad3/events/rpc", frame) == [Call(CORD.address, "single_push")]


def test_an_old_state_first_and_the_new_one_at_once_is_one_change() -> None:
    """The phantom "open" as a door closes (field traps, section 1), told by a node."""
    door = Device("esphome:rom3/dor", "contact", Use.DOOR)
    home = esphome_online(door)
    home.hear(0, "rom3/binary_sensor/dor/state", b"ON")
    assert home.hear(5000, "rom3/binary_sensor/dor/state", b"ON") == []
    assert home.hear(5040, "rom3/binary_sensor/dor/state", b"OFF") == [Contact(door.address, open=False)]
