"""Traps of Zigbee2MQTT and MQTT in the field that no other file of this folder has, each named after itself.

Numbers in brackets name threads of Koenkk/zigbee2mqtt (z2m) and zigbee-herdsman-converters (zhc).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.events import Call, Contact, Health, Motion, Presence, Urgency
from tests.edge.test_traps import SOS, Home

GATEWAY = Path(__file__).parents[2] / "nattevakt/gateway"
DOOR = Device("z2m:inngang", use=Use.DOOR)
PRESENT = Device("z2m:stue", use=Use.PRESENCE)


def test_trap_16_a_restart_of_zigbee2mqtt_replays_a_cached_open_door() -> None:
    """[z2m#4225, #3496] Equal to what is stored: no news, however late it comes, and no sign that anybody came."""
    home = Home("E2013", DOOR)
    assert home.publish(0, "inngang", {"contact": False}) == [Contact(DOOR.address, open=True)]
    for at_ms in (60_000, 3_600_000):
        home.publish(at_ms - 10, "bridge/state", {"state": "online"})
        home.house.unsettled.add(DOOR.address)
        assert home.publish(at_ms, "inngang", {"contact": False, "battery": 90}) == []


def test_trap_16_a_cached_door_that_differs_is_news_of_an_uncertain_time() -> None:
    home = Home("E2013", DOOR)
    home.publish(1_000, "inngang", {"contact": True})
    home.house.unsettled.add(DOOR.address)
    assert home.publish(60_000, "inngang", {"contact": False}) == [Contact(DOOR.address, open=True)]
    (event,) = [found for found in home.house.last.events if isinstance(found.body, Contact)]
    assert event.since is not None
    assert event.since.boottime_ms < 60_000


@pytest.mark.parametrize("action", ["", None, "off"])
def test_trap_17_an_action_of_nothing_is_no_press(action: str | None) -> None:
    home = Home()
    assert home.publish(0, "rom 3/sos", {"action": action, "battery": 100}) == []
    assert home.publish(10, "rom 3/sos", {"action": "emergency"}) == [Call(SOS, "emergency")]


def test_trap_18_a_press_that_hs1eb_s_converter_lost_is_warned_of_by_its_battery() -> None:
    """[z2m#19636] With the low-battery bit set the press arrives as an empty object: nothing can ring."""
    home = Home("HS1EB")
    assert home.publish(0, "rom 3/sos", {"battery_low": True}) == []
    assert any(isinstance(e.body, Health) and e.body.battery_low for e in home.house.last.events)
    assert home.publish(10, "rom 3/sos", {}) == []
    assert home.publish(20, "rom 3/sos", {"action": "hold"}) == [Call(SOS, "hold")]


def test_trap_field_a_false_emergency_rings_as_any_other() -> None:
    """[z2m#31821] Nobody can tell it from a true one, so nothing here tries."""
    home = Home()
    said = [home.publish(at, "rom 3/sos", {"action": "emergency"}) for at in (0, 600_000, 1_200_000)]
    assert said == [[Call(SOS, "emergency")]] * 3


def test_trap_field_availability_lost_at_start_leaves_the_device_heard() -> None:
    """[z2m#3625] Availability that never comes is no offline; what the device says counts."""
    home = Home("E2013", DOOR)
    assert home.publish(0, "inngang", {"contact": True}) == [Contact(DOOR.address, open=False)]
    assert not any(isinstance(e.body, Health) and e.body.available is False for e in home.house.last.events)
    home.publish(10, "inngang/availability", {"state": "offline"})
    assert any(isinstance(e.body, Health) and e.body.available is False for e in home.house.last.events)


@pytest.mark.parametrize("word", [b"offline", b'{"state":"offline"}', {"state": "offline"}])
def test_trap_field_the_bridge_s_state_is_a_word_or_an_object(word: object) -> None:
    home = Home()
    home.publish(0, "bridge/state", b"online")
    assert home.mqtt.bridge_up is True
    home.publish(10, "bridge/state", word)
    assert home.mqtt.bridge_up is False


def test_trap_field_a_bouncing_door_that_says_open_for_ever_is_one_opening() -> None:
    """[z2m#1511]"""
    home = Home("E2013", DOOR)
    said = [body for at in range(0, 3_600_000, 60_000) for body in home.publish(at, "inngang", {"contact": False})]
    assert said == [Contact(DOOR.address, open=True)]


def test_trap_field_thousands_of_messages_a_day_from_one_sensor_cost_no_call() -> None:
    """[z2m#22579] 11,712 messages a day, here at twice that pace, and a press in their midst."""
    home = Home("TS0601_sos", DOOR)
    rows, calls = 0, 0
    for number in range(1_000):
        at_ms = number * 3_700
        for body in home.publish(at_ms, "inngang", {"contact": number % 2 == 0}):
            rows += body.urgency is Urgency.B
        if number == 500:
            calls += home.publish(at_ms + 1, "rom 3/sos", {"action": "emergency"}) == [Call(SOS, "emergency")]
    assert calls == 1
    assert 0 < rows < 700


def test_trap_field_motion_seen_only_as_not_occupied_is_no_movement_and_no_empty_room() -> None:
    """[z2m#2274] occupancy:false with linkquality 0 says that a radio spoke, and nothing of people."""
    home = Home("SNZB-03", PRESENT)
    assert home.publish(0, "gang", {"occupancy": False, "linkquality": 0}) == []
    assert home.publish(10, "gang", {"occupancy": True, "linkquality": 0}) == [Motion("z2m:gang")]
    assert not any(isinstance(e.body, Presence) for e in home.house.last.events)


def test_trap_field_the_gateway_publishes_nothing_that_memory_alone_would_hold() -> None:
    """A publish while offline is queued in memory only: so the gateway publishes nothing but orders to sirens, only
    where the broker is there, and gives each again until the siren has said itself that it does so."""
    found = {path.name: path.read_text("utf-8").count(".publish(") for path in sorted(GATEWAY.rglob("*.py"))}
    assert {name for name, count in found.items() if count} == {"ports.py"}
    assert found["ports.py"] == 1
    ports = (GATEWAY / "ports.py").read_text("utf-8")
    assert re.search(r"if self\._client\.is_connected\(\):\n +self\._client\.publish\(", ports)
