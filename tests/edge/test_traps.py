"""How real sensors misbehave, from bytes to events: each test is a published trap.

Numbers in brackets name threads of Koenkk/zigbee2mqtt (z2m), zigbee-herdsman-converters (zhc) and
home-assistant/core (HA).
"""

from __future__ import annotations

import json

from nattevakt.edge.drivers import zigbee2mqtt
from nattevakt.edge.drivers.driver import Device, MqttMessage, Reading, Use
from nattevakt.edge.drivers.enocean import driver as enocean
from nattevakt.edge.drivers.enocean.decode import Telegram
from nattevakt.edge.events import Body, Call, Contact, Health, Measurement, Motion, Urgency
from tests.edge.interpreting import House

BASE = "zigbee2mqtt"
IEEE = "0xa4c13899607febd1"
SOS = f"z2m:{IEEE}"
CORD = Device("enocean:002E79FB", "F6-02-01", Use.CALL)
FRONT_DOOR = Device("enocean:01825DAB", "D5-00-01", Use.DOOR)


class Home:
    """A gateway from the wire to events: both drivers and one interpreter."""

    def __init__(self, model: str = "TS0601_sos", *devices: Device) -> None:
        self.house = House(*devices)
        self.mqtt = zigbee2mqtt.start(BASE, devices)
        self.serial = enocean.start(devices)
        entry = {"ieee_address": IEEE, "friendly_name": "rom 3/sos", "definition": {"model": model, "exposes": []}}
        self.publish(0, "bridge/devices", [entry])

    def take(self, at_ms: int, outputs: tuple[object, ...]) -> list[Body]:
        said: list[Body] = []
        for reading in (o for o in outputs if isinstance(o, Reading)):
            more = {"replay": reading.replay, "key": reading.key, "raw": reading.raw}
            said += self.house.bodies(at_ms, dict(reading.values), reading.address, **more)
        return said

    def publish(self, at_ms: int, name: str, payload: object, *, retained: bool = False) -> list[Body]:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        stepped = zigbee2mqtt.step(MqttMessage(f"{BASE}/{name}", raw, retained), at_ms, self.mqtt)
        self.mqtt = stepped.state
        return self.take(at_ms, stepped.outputs)

    def air(self, at_ms: int, raw: bytes) -> list[Body]:
        stepped = enocean.step(raw, at_ms, self.serial)
        self.serial = stepped.state
        return self.take(at_ms, stepped.outputs)


def test_one_press_arrives_as_object_then_empty_then_plain_and_rings_once() -> None:
    """[zhc#2797]"""
    home = Home()
    said = home.publish(1000, "rom 3/sos", {"action": "emergency", "battery": None, "linkquality": 90})
    said += home.publish(1010, "rom 3/sos", {"action": "", "battery": None, "linkquality": 90})
    said += home.publish(1020, "rom 3/sos/action", b"emergency")
    assert said == [Call(SOS, "emergency"), Call(SOS, "emergency", repeat_of=101)]
    assert [body.urgency for body in said] == [Urgency.A, Urgency.C]


def test_the_plain_topic_alone_rings_too() -> None:
    assert Home().publish(0, "rom 3/sos/action", b"emergency") == [Call(SOS, "emergency")]


def test_the_same_message_four_times_in_two_seconds() -> None:
    """[z2m#21734]"""
    home = Home()
    said = [b for at in (0, 500, 1000, 1900) for b in home.publish(at, "rom 3/sos", {"action": "emergency"})]
    assert [body.urgency for body in said] == [Urgency.A, Urgency.C, Urgency.C, Urgency.C]


def test_a_restart_of_the_bridge_replays_cached_state_without_news() -> None:
    """[z2m#4225, #3496]"""
    home = Home("E2013", Device("z2m:inngang", use=Use.DOOR))
    home.publish(0, "inngang", {"contact": False, "battery": 90})
    home.house.unsettled.add("z2m:inngang")
    assert home.publish(60_000, "inngang", {"contact": False, "battery": 90}) == []
    assert home.publish(90_000, "inngang", {"contact": False, "battery": 89}) == []


def test_a_door_that_closes_publishes_its_old_state_first() -> None:
    """[z2m#9846, #9519]"""
    home = Home()
    home.publish(0, "a", {"contact": False})
    assert home.publish(5000, "a", {"contact": False}) == []
    assert home.publish(5040, "a", {"contact": True}) == [Contact("z2m:a", open=False)]


def test_a_contact_that_bounces_within_milliseconds_rings_once_and_keeps_its_last_word() -> None:
    """[z2m#10871] The first change is told at once; the leaps after it are none; where it comes to rest is told."""
    home = Home()
    home.publish(0, "a", {"contact": True})
    said = [b for at in range(6) for b in home.publish(60_000 + at, "a", {"contact": at % 2 == 1})]
    assert said == [Contact("z2m:a", open=True)]
    assert [e.body for e in home.house.release(62_000, "z2m:a")] == [Contact("z2m:a", open=False)]
    assert [b for at in range(5) for b in home.publish(90_000 + at, "a", {"contact": at % 2 == 1})] == [
        Contact("z2m:a", open=True)
    ]
    assert home.house.release(92_000, "z2m:a") == []


def test_an_action_of_null_or_nothing_is_no_event() -> None:
    """[z2m#31727]"""
    home = Home()
    payloads: list[object] = [{"action": None, "battery": 100}, {"action": ""}, {"action": "off"}, {}]
    assert [home.publish(at, "rom 3/sos", payload) for at, payload in enumerate(payloads)] == [[], [], [], []]


def test_a_press_that_the_converter_lost_is_silent_and_its_low_battery_is_not() -> None:
    """[z2m#19636] Nothing of such a press arrives: only the battery can warn of it."""
    home = Home("HS1EB")
    assert home.publish(0, "rom 3/sos", {}) == []
    assert home.publish(10, "rom 3/sos", {"action": "single"}) == [Call(SOS, "single")]
    home.publish(20_000, "rom 3/sos", {"battery_low": True})
    assert [e.body for e in home.house.last.events] == [Health(SOS, battery_low=True)]


def test_motion_repeated_with_every_light_report_is_one_row() -> None:
    """[z2m#270]"""
    home = Home()
    said = [b for at in range(0, 20_000, 2000) for b in home.publish(at, "a", {"occupancy": True, "illuminance": at})]
    assert [body for body in said if not isinstance(body, Measurement)] == [Motion("z2m:a")]
    # The light itself is context, and as seldom as any measured value.
    assert [body for body in said if isinstance(body, Measurement)] == [Measurement("z2m:a", "light_lx", 0.0)]


def test_a_retained_press_rings_once_over_many_reconnects() -> None:
    home = Home()
    said = [home.publish(at, "rom 3/sos", {"action": "emergency"}, retained=True) for at in (0, 60_000, 120_000)]
    assert said == [[Call(SOS, "emergency")], [], []]


def test_repeated_radio_telegrams_are_one_press() -> None:
    """[HA#100475]"""
    home = Home("", CORD)
    said: list[Body] = []
    for at, repeats in ((0, 0), (40, 1), (80, 2)):
        press = Telegram(0xF6, b"\x70", "002E79FB", 0x30 | repeats)
        said += home.air(at, press.to_frame().to_bytes())
    assert said == [Call(CORD.address, "BO")]


def test_press_release_press_over_radio_is_a_call_and_its_repeat() -> None:
    home = Home("", CORD)
    press = Telegram(0xF6, b"\x70", "002E79FB", 0x30).to_frame().to_bytes()
    release = Telegram(0xF6, b"\x00", "002E79FB", 0x20).to_frame().to_bytes()
    said = home.air(0, press) + home.air(300, release) + home.air(600, press)
    assert said == [Call(CORD.address, "BO"), Call(CORD.address, "BO", repeat_of=101)]
    assert home.air(900, release) + home.air(5000, press) == [Call(CORD.address, "BO")]


def test_one_in_nine_packets_damaged_costs_only_itself() -> None:
    home = Home("", FRONT_DOOR)
    opened = bytes.fromhex("55000707017ad50801825dab0001ffffffff360053")
    closed = bytes.fromhex("55000707017ad50901825dab0001ffffffff3600c7")
    bad_header = closed[:5] + b"\x00" + closed[6:]
    cut_short = closed[:12]
    said = home.air(0, opened + bad_header + b"\xff\xff" + cut_short)
    said += home.air(400, closed)
    assert said == [Contact(FRONT_DOOR.address, open=True), Contact(FRONT_DOOR.address, open=False)]


def test_a_learn_button_on_the_front_door_opens_nothing() -> None:
    home = Home("", FRONT_DOOR)
    learn = Telegram(0xD5, b"\x00", "01825DAB", 0x80).to_frame().to_bytes()
    assert home.air(0, learn) == []


def test_a_profile_with_the_opposite_polarity_is_not_taken_for_this_one() -> None:
    """A5-14-01 says 0 for closed where D5-00-01 says 1."""
    home = Home("", Device(FRONT_DOOR.address, "A5-14-01", Use.DOOR))
    telegram = Telegram(0xA5, b"\x00\x00\x00\x08", "01825DAB").to_frame().to_bytes()
    assert home.air(0, telegram) == [Contact(FRONT_DOOR.address, open=False)]
