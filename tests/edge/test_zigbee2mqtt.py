"""Zigbee2MQTT: every published payload, addresses, and hostile messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Device, MqttMessage, Reading, SourceState, Use, Value
from nattevakt.edge.drivers.zigbee2mqtt import State, encode, start, step, subscriptions
from nattevakt.edge.drivers.zigbee2mqtt.definitions import DEVICES_MAX, NAME_MAX

BASE = "zigbee2mqtt"
FRAMES = Path(__file__).parents[1] / "frames" / "zigbee2mqtt.jsonl"
VECTORS = [json.loads(line) for line in FRAMES.read_text(encoding="utf-8").splitlines()]
IEEE = "0x00158d0002b435ed"

MODELS = {
    "0xa4c13899607febd1": "TS0601_sos",
    "sos": "TS0215A_sos",
    "button": "WXKG11LM",
    "TS0601_bed": "TS0601_bed_presence_sensor",
}
"""Models of devices whose topic is not the model's name."""

FACTS: dict[str, dict[str, Value]] = {
    "window-a": {"closed": False},
    "door": {"closed": False, "supply_v": 3.015},
    "VibrationSensor": {"vibration": True},
    "0xa4c13899607febd1": {"pressed": True, "action": "emergency", "last_seen_ms": 1776440002000},
    "sos": {"pressed": True, "action": "emergency"},
    "button": {"action": "single"},
    "Sen Mov Sala ZG": {"motion": True, "tamper": False, "last_seen_ms": 1685218235000},
    "heiman": {"tamper": True},
    "remote": {"sos": False, "battery_percent": 59.5},
    "MOTION-OSRAM": {"motion": True, "tamper": True},
    IEEE: {"vibration": True, "battery_percent": 100.0},
    "SNZB-03": {"motion": True},
    "MOSZB-140": {"motion": True},
    "FLSZB-110": {"wet": True},
    "WISZB-120": {"closed": False},
    "WISZB-137": {"vibration": True},
    "E2013": {"closed": False},
    "E2202": {"wet": True},
    "3RDS17BZ": {"closed": False},
    "3RVS01031Z": {"vibration": True},
    "PB206": {"sos": True},
    "SEB01ZB": {"sos": True},
    "TS0215A_sos": {"pressed": True, "action": "emergency"},
    "SJCGQ11LM": {"wet": True},
    "SPM915": {"occupied": True},
}
"""What the (first) payload of each topic must say."""
BY_PAYLOAD: dict[str, dict[str, Value]] = {
    '"fall_status":"normal"': {"fall": "no", "motion": True},
    '"fall_status":"fall_alarm"': {"fall": "sure"},
    '"fall_status":"fall_warning"': {"fall": "possible"},
    '"fall_down_status":"fall"': {"fall": "sure"},
    '"fall_down_status":"maybe_fall"': {"fall": "possible"},
    '"status":"falling"': {"fall": "sure", "present": True, "occupied": False},
    '"status":"on_the_bed"': {"fall": "no", "present": True, "occupied": True},
    '{"presence":true}': {"present": True},
    '{"battery":87}': {"battery_percent": 87.0},
    '{"contact":true,"battery_low":true}': {"closed": True, "battery_low": True},
    '{"contact":false,"battery_low":false}': {"closed": False, "battery_low": False},
    '{"action":"single"}': {"pressed": True, "action": "single"},
    '{"battery":51.5': {"pressed": True, "action": "single", "battery_percent": 51.5},
}
NO_EVENT = ('"action":""', '"action":null', '{"action":"off"}', '"static_dwell', '"target_dist', '"movement"', "{}")


def bridge(*entries: dict[str, object]) -> MqttMessage:
    return MqttMessage(f"{BASE}/bridge/devices", json.dumps(entries).encode(), retained=True)


def entry(name: str, model: str = "", exposes: object = (), ieee: str = IEEE, **more: object) -> dict[str, object]:
    about: dict[str, object] = {"model": model, "exposes": exposes, **more}
    return {"ieee_address": ieee, "friendly_name": name, "type": "EndDevice", "definition": about}


def told(*entries: dict[str, object], devices: tuple[Device, ...] = ()) -> State:
    return step(bridge(*entries), 0, start(BASE, devices)).state


def say(state: State, name: str, payload: object, *, retained: bool = False) -> Reading:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    readings = [
        o for o in step(MqttMessage(f"{BASE}/{name}", raw, retained), 0, state).outputs if isinstance(o, Reading)
    ]
    assert len(readings) == 1
    return readings[0]


def expected_of(name: str, payload: str) -> dict[str, Value] | None:
    for part, values in BY_PAYLOAD.items():
        if payload.startswith(part) or (not part.startswith("{") and part in payload):
            return values
    return FACTS.get(name)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['topic']} {v['payload'][:60]}")
def test_every_vector_says_what_it_means(vector: dict[str, str]) -> None:
    name = vector["topic"].removeprefix(f"{BASE}/")
    device = name.removesuffix("/availability")
    state = told(entry(device, MODELS.get(name, name)))
    outputs = step(MqttMessage(vector["topic"], vector["payload"].encode()), 0, state).outputs
    if name == "bridge/state":
        assert [o.up for o in outputs if isinstance(o, SourceState)] == ["online" in vector["payload"]]
        return
    (reading,) = outputs
    assert isinstance(reading, Reading)
    if name == "door/availability":
        assert reading.values == {"available": False}
    elif name == "TS0601_bed" and "occupancy" in vector["payload"]:
        assert reading.values == {"occupied": "true" in vector["payload"]}
    elif any(part in vector["payload"] if part != "{}" else vector["payload"] == part for part in NO_EVENT):
        assert not set(reading.values) - {"battery_percent", "supply_v", "linkquality", "last_seen_ms", "temperature_c"}
    else:
        expected = expected_of(name, vector["payload"])
        assert expected is not None
        assert expected.items() <= reading.values.items()


def test_subscriptions_reach_names_with_slashes() -> None:
    assert subscriptions("zigbee2mqtt/", ()) == ("zigbee2mqtt/#",)
    assert say(told(), "2. etasje/rom 14/dør", {"contact": True}).address == "z2m:2. etasje/rom 14/dør"


def test_the_configured_name_is_the_address() -> None:
    known = entry("Bad 14", "HS1EB")
    by_ieee, by_name = Device(f"z2m:{IEEE}", use=Use.CALL), Device("z2m:Bad 14", use=Use.CALL)
    for device in (by_ieee, by_name):
        assert say(told(known, devices=(device,)), "Bad 14", {"action": "single"}).address == device.address
    assert say(told(known), "Bad 14", {"action": "single"}).address == f"z2m:{IEEE}"
    assert say(told(), "Bad 14", {"action": "sos"}).address == "z2m:Bad 14"


def test_exposes_say_what_a_value_means() -> None:
    exposes = [
        {"type": "binary", "name": "occupancy", "property": "occupancy", "value_on": "SEEN", "value_off": "CLEAR"},
        {"type": "binary", "name": "water_leak", "property": "water_leak", "value_on": False, "value_off": True},
        {"features": [{"type": "binary", "property": "sos", "value_on": 1, "value_off": 0}]},
        {"type": "enum", "property": "action", "values": ["single"]},
    ]
    said = say(told(entry("a", "X", exposes)), "a", {"occupancy": "SEEN", "water_leak": False, "sos": 1}).values
    assert said == {"motion": True, "wet": True, "sos": True}


def test_a_closed_contact_is_true_although_its_expose_calls_open_on() -> None:
    exposes = [{"type": "binary", "property": "contact", "value_on": False, "value_off": True}]
    state = told(entry("a", "E2013", exposes))
    assert say(state, "a", {"contact": True}).values == {"closed": True}
    assert say(state, "a", {"contact": "open"}).values == {"closed": False}
    words = [{"type": "binary", "property": "contact", "value_on": "apen", "value_off": "lukket"}]
    assert say(told(entry("a", "", words)), "a", {"contact": "lukket"}).values == {"closed": True}


def test_sos_models_ring_on_plain_actions_and_other_remotes_do_not() -> None:
    for model in ("HS1EB", "SBTZB-110", "PBTZB-110", "TS0215A_sos", "TS0601_sos"):
        assert say(told(entry("a", model)), "a", {"action": "hold"}).values == {"pressed": True, "action": "hold"}
    assert say(told(entry("a", "WXKG11LM")), "a", {"action": "single"}).values == {"action": "single"}


def test_before_the_bridge_has_told_its_models_a_plain_action_rings() -> None:
    assert say(start(BASE, ()), "a", {"action": "single"}).values == {"pressed": True, "action": "single"}


@pytest.mark.parametrize("action", [None, "", "off", [], {}, 7])
def test_no_action_is_no_event(action: object) -> None:
    assert say(told(entry("a", "HS1EB")), "a", {"action": action}).values == {}


def test_the_plain_action_topic_says_the_same_as_the_object() -> None:
    state = told(entry("rom 3/sos", "TS0601_sos"))
    plain = say(state, "rom 3/sos/action", b"emergency")
    assert plain.address == f"z2m:{IEEE}"
    assert plain.values == {"pressed": True, "action": "emergency"}
    assert say(state, "rom 3/sos/contact", b"false").values == {"closed": False}
    assert say(state, "rom 3/sos/action", b"").values == {}


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (100, 100.0),
        (51.5, 51.5),
        ("100.00", 100.0),
        (None, None),
        ("full", None),
        (-1, None),
        (True, None),
        (1e400, None),
    ],
)
def test_battery_comes_in_many_shapes(battery: object, expected: float | None) -> None:
    values = say(told(entry("a")), "a", {"battery": battery, "linkquality": 1}).values
    assert values.get("battery_percent") == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("2026-04-17T23:33:22+08:00", 1776440002000),
        ("2026-04-17T15:33:22.500Z", 1776440002500),
        (1776440002000, 1776440002000),
        ("2026-04-17T23:33:22", None),
        ("i går", None),
        (-5, None),
        (1e300, None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_last_seen(seen: object, expected: int | None) -> None:
    assert say(told(entry("a")), "a", {"last_seen": seen}).values.get("last_seen_ms") == expected


def test_use_decides_what_occupancy_means() -> None:
    for use, expected in ((Use.BED, "occupied"), (Use.PRESENCE, "present"), (Use.AUTO, "motion"), (Use.FALL, "motion")):
        state = told(entry("a"), devices=(Device("z2m:a", use=use),))
        assert say(state, "a", {"occupancy": True}).values == {expected: True}
    both = told(entry("a"), devices=(Device("z2m:a", use=Use.PRESENCE),))
    assert say(both, "a", {"occupancy": True, "presence": False}).values == {"present": False}


def test_chairs_and_pads() -> None:
    assert say(told(entry("a", "ZG-210Z")), "a", {"pressure_state": "sit"}).values == {"seated": True}
    bed = told(entry("a", "C3007"), devices=(Device("z2m:a", use=Use.BED),))
    assert say(bed, "a", {"pressure": False}).values == {"occupied": False}
    assert say(told(entry("a")), "a", {"pressure": 1013.2}).values == {}


def test_radar_states_ring_only_from_radars() -> None:
    assert say(told(entry("a", "FDS315")), "a", {"status": "low_posture"}).values == {
        "present": True,
        "occupied": False,
    }
    assert say(told(entry("a", "Lamp")), "a", {"status": "occupied"}).values == {}
    assert say(told(entry("a", "HS2FD")), "a", {"fall_status": "unknown"}).values == {}
    assert say(told(entry("a", "HS2FD")), "a", {"fall_status": "fall_suspected"}).values == {"fall": "possible"}


def test_a_falling_object_is_no_person() -> None:
    assert say(told(entry("a", "DWZTCGQ11LM")), "a", {"action": "fall"}).values == {"action": "fall"}


def test_retained_messages_are_marked() -> None:
    assert say(told(), "a", {"contact": True}, retained=True).replay
    assert not say(told(), "a", {"contact": True}).replay


def test_the_bridge_speaks_of_itself_once_a_change() -> None:
    state = start(BASE, ())
    ups: list[bool] = []
    for payload in (b"online", b'{"state":"online"}', b'{"state":"offline"}', b"offline"):
        said = step(MqttMessage(f"{BASE}/bridge/state", payload), 0, state)
        state = said.state
        ups += [o.up for o in said.outputs if isinstance(o, SourceState)]
    assert ups == [True, False]


def test_a_name_no_receiver_would_accept_still_rings() -> None:
    for name in ("x" * 1000, "bad\x07rom", "\ud800"):
        reading = say(told(), name, {"action": "sos\x00\ud800"})
        assert len(reading.address) < NAME_MAX + 20
        reading.address.encode()
        assert reading.values["action"] == "sos??"


HOSTILE = [
    b"[" * 100_000,
    b"{" * 100_000,
    b'{"a":' * 30_000,
    b"\xff\xfe\x00",
    b"[]",
    b"7",
    b"null",
    b'"text"',
    b"",
    b'{"action":"' + b"x" * 70_000 + b'"}',
    b'{"battery":1e999,"linkquality":NaN}',
    b'{"battery":' + b"9" * 5000 + b"}",
    b'{"contact":[],"occupancy":{},"action":[[]],"status":{},"fall_status":[],"last_seen":{},"pressure_state":[1]}',
]
TOPICS = ["a", "a/action", "a/availability", "bridge/state", "bridge/devices", "bridge/x", "", "a/set", "//", "bridge"]


@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("topic", TOPICS)
def test_hostile_messages_are_counted_and_never_raise(topic: str, payload: bytes) -> None:
    for state in (start(BASE, ()), told(entry("a", "HS1EB"))):
        said = step(MqttMessage(f"{BASE}/{topic}", payload), 0, state)
        assert sum(said.counted.values()) == 1


def test_messages_of_others_are_counted() -> None:
    assert step(MqttMessage("homeassistant/x", b"{}"), 0, start(BASE, ())).counted == {"foreign_topic": 1}
    assert step(None, 0, start(BASE, ())).outputs == ()


@pytest.mark.parametrize(
    "entries",
    [
        [1, None, {}, {"ieee_address": 5, "friendly_name": []}, {"ieee_address": "0x1", "friendly_name": "b"}],
        [{"ieee_address": "0x1", "friendly_name": "b", "definition": [], "type": {}}],
        [{"ieee_address": "0x1", "friendly_name": "b", "definition": {"exposes": {"a": 1}, "model": 7}}],
        [
            {
                "ieee_address": "0x1",
                "friendly_name": "b",
                "definition": {"exposes": [1, {"features": [[]]}, {"name": []}]},
            }
        ],
    ],
)
def test_odd_device_lists_lose_only_the_odd_entries(entries: list[object]) -> None:
    said = step(MqttMessage(f"{BASE}/bridge/devices", json.dumps(entries).encode()), 0, start(BASE, ()))
    assert set(said.state.definitions) == {"b"}


def test_the_memory_of_devices_is_bounded() -> None:
    many = [entry(f"d{i}") for i in range(DEVICES_MAX + 50)]
    assert len(told(*many).definitions) == DEVICES_MAX


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = [
    "contact",
    "occupancy",
    "presence",
    "action",
    "sos",
    "status",
    "fall_status",
    "battery",
    "last_seen",
    "voltage",
]


@given(st.dictionaries(st.sampled_from(NAMES), json_values, max_size=8), st.sampled_from(["HS1EB", "FDS315", "X"]))
def test_any_value_under_any_known_name_is_read_or_passed_over(payload: dict[str, object], model: str) -> None:
    say(told(entry("a", model)), "a", payload)


@given(st.text(max_size=40), st.binary(max_size=80))
def test_random_messages_never_raise(topic: str, payload: bytes) -> None:
    step(MqttMessage(f"{BASE}/{topic}", payload), 0, start(BASE, ()))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "closed": st.booleans(),
            "motion": st.booleans(),
            "present": st.booleans(),
            "wet": st.booleans(),
            "sos": st.booleans(),
            "vibration": st.booleans(),
            "fall": st.sampled_from(["no", "possible", "sure"]),
            "battery_percent": st.integers(0, 100).map(float),
            "battery_low": st.booleans(),
            "tamper": st.booleans(),
            "linkquality": st.integers(0, 255),
            "supply_v": st.sampled_from([2.9, 3.0]),
            "last_seen_ms": st.integers(10**12, 2 * 10**12),
        },
    ),
    st.booleans(),
)
def test_readings_round_trip(values: dict[str, Value], replay: bool) -> None:
    message = encode(Reading("z2m:a", values, replay=replay), BASE, "a")
    (reading,) = step(message, 0, told(entry("a", ieee="a"))).outputs
    assert isinstance(reading, Reading)
    assert (reading.values, reading.replay, reading.address) == (values, replay, "z2m:a")


def test_availability_and_actions_round_trip() -> None:
    said = encode(Reading("z2m:a", {"available": False}), BASE, "a")
    assert say(told(entry("a")), "a/availability", said.payload).values == {"available": False}
    said = encode(Reading("z2m:a", {"action": "emergency"}), BASE, "a")
    assert say(told(entry("a")), "a", said.payload).values == {"pressed": True, "action": "emergency"}


def test_names_without_meaning_stay_in_the_raw_text_and_are_counted() -> None:
    said = step(MqttMessage(f"{BASE}/a", b'{"contact":true,"angle":7}'), 0, told(entry("a")))
    assert said.counted == {"readings": 1, "attributes_without_meaning": 1}
    assert isinstance(said.outputs[0], Reading)
    assert '"angle":7' in said.outputs[0].raw
