"""LoRaWAN: every published vector, addresses, repeats, and hostile messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers import chirpstack, milesight
from nattevakt.edge.drivers.chirpstack.driver import NO_PROFILE, State
from nattevakt.edge.drivers.chirpstack.milesight import PAYLOAD_MAX, decode
from nattevakt.edge.drivers.chirpstack.recalled import KEPT
from nattevakt.edge.drivers.driver import VALUES, Device, Finding, MqttMessage, Reading, Remember, Stepped, Use, Value
from nattevakt.edge.errors import RejectError

EUI = "24e124535d387374"
FRAMES = Path(__file__).parents[1] / "frames" / "chirpstack.jsonl"
VECTORS: list[dict[str, Any]] = [json.loads(line) for line in FRAMES.read_text(encoding="utf-8").splitlines()]
DEVICES = (
    Device(f"lora:{EUI}", "WS101", Use.CALL),
    Device("lora:24e124141c141555", "WS301", Use.DOOR),
    Device("lora:24e124600c123456", "VS373", Use.FALL),
)
BUTTON, DOOR, RADAR = (device.address.removeprefix("lora:") for device in DEVICES)


def expected(said: Mapping[str, Any]) -> dict[str, Value]:
    """What a vector's `expect` says, in our values; a key that nobody thought of is an error."""
    found: dict[str, Value] = {}
    for key, value in said.items():
        if key == "press":
            found |= {"pressed": True, "action": value}
        elif key == "battery":
            found["battery_percent"] = float(value)
        elif key == "magnet":
            found["closed"] = {"open": False, "closed": True}[value]
        elif key == "tamper":
            found["tamper"] = {"installed": False, "uninstalled": True}[value]
        else:
            # A serial number is no reading; the product is known from settings.
            assert key == "serial", key
    return found


def up(
    data: str, eui: str = BUTTON, f_cnt: int | None = 1, *, event: str = "up", retained: bool = False, **more: object
) -> MqttMessage:
    """An uplink as ChirpStack tells it. data: hex."""
    said: dict[str, object] = {"deviceInfo": {"devEui": eui}, "devAddr": "00754d8f", "fPort": 85, **more}
    if f_cnt is not None:
        said["fCnt"] = f_cnt
    if data:
        said["data"] = base64.b64encode(bytes.fromhex(data)).decode()
    topic = f"application/268a028f/device/{eui}/event/{event}"
    return MqttMessage(topic, json.dumps(said).encode(), retained)


def begun(devices: tuple[Device, ...] = DEVICES) -> State:
    return chirpstack.recall({}, chirpstack.start("application", devices))


def feed(messages: list[MqttMessage], state: State | None = None) -> tuple[list[Reading], list[Stepped[State]]]:
    """All readings, and every step."""
    state = begun() if state is None else state
    steps = []
    for message in messages:
        steps.append(chirpstack.step(message, 0, state))
        state = steps[-1].state
    return [one for step in steps for one in step.outputs if isinstance(one, Reading)], steps


def values(message: MqttMessage, state: State | None = None) -> dict[str, Value]:
    """What one message says, all its readings together."""
    found: dict[str, Value] = {}
    for reading in feed([message], state)[0]:
        found |= reading.values
    return found


@pytest.mark.parametrize("vector", [v for v in VECTORS if "hex" in v], ids=lambda v: v["hex"])
def test_every_payload_says_what_its_vector_expects(vector: dict[str, Any]) -> None:
    assert vector["valid"]
    eui = {"milesight-ws101": BUTTON, "milesight-ws301": DOOR}[vector["protocol"]]
    ((reading,), (step,)) = feed([up(vector["hex"], eui)])
    assert dict(reading.values) == expected(vector["expect"])
    assert set(step.counted) == {"event_up", "readings"}


def test_the_captured_event_of_chirpstack_is_a_press() -> None:
    (vector,) = [v for v in VECTORS if v["protocol"] == "chirpstack-v4"]
    ((reading,), _) = feed([MqttMessage(vector["topic"], vector["payload"].encode())])
    said = {"pressed": True, "action": "short", "signal_dbm": -49, "last_seen_ms": 1_713_958_415_370}
    assert (reading.address, dict(reading.values), reading.raw) == (f"lora:{EUI}", said, "ff2e01")


def test_the_captured_event_of_a_milesight_gateway_is_a_press() -> None:
    (vector,) = [v for v in VECTORS if v["protocol"] == "milesight-gateway"]
    state = milesight.start(vector["topic"], DEVICES)
    stepped = milesight.step(MqttMessage(vector["topic"], vector["payload"].encode()), 0, state)
    (reading,) = [one for one in stepped.outputs if isinstance(one, Reading)]
    assert dict(reading.values) == {"pressed": True, "action": "short", "signal_dbm": -52}


def test_a_radar_on_wifi_tells_that_the_bed_was_left() -> None:
    (vector,) = [v for v in VECTORS if v["protocol"] == "milesight-vs373-json"]
    state = milesight.start("radars", (Device("lora:6806e41970333123", "VS373", Use.BED),))
    message = MqttMessage("radars/room-4", vector["payload"].encode())
    stepped = milesight.step(message, 0, state)
    (reading,) = [one for one in stepped.outputs if isinstance(one, Reading)]
    assert dict(reading.values) == {"occupied": False, "present": True}
    assert milesight.step(message, 0, stepped.state).counted["duplicates"] == 1


def test_the_codecs_own_reading_is_never_looked_at() -> None:
    said = values(up("ff2e02", object={"press": "short", "button_event": {"status": "short press", "msgid": 7}}))
    assert said == {"pressed": True, "action": "long"}


def test_every_value_is_in_the_vocabulary() -> None:
    for product in chirpstack.PRODUCTS:
        assert product.profile in chirpstack.PROFILES
        assert set(product.reports) <= set(VALUES)
        assert product.source
        assert product.faults


# --- repeats ---------------------------------------------------------------------------------------------


def test_what_the_broker_delivers_again_is_one_press() -> None:
    readings, steps = feed([up("ff2e01", deduplicationId="a")] * 3)
    assert len(readings) == 1
    assert steps[2].counted["duplicates"] == 1


def test_another_press_with_the_next_number_is_another_press() -> None:
    assert len(feed([up("ff2e01", f_cnt=n) for n in range(5)])[0]) == 5


def test_another_payload_under_the_same_number_is_no_repeat() -> None:
    assert len(feed([up("017564"), up("ff2e01")])[0]) == 2


def test_the_counter_begins_again_with_a_join() -> None:
    messages = [up("ff2e01", f_cnt=0), up("", event="join", f_cnt=None), up("ff2e01", f_cnt=0)]
    readings, steps = feed(messages)
    assert [dict(one.values).get("action") for one in readings] == ["short", None, "short"]
    assert Remember(f"lora.seen:{BUTTON}", "[]") in steps[1].outputs


def test_a_join_that_was_lost_shows_by_the_new_session() -> None:
    assert len(feed([up("ff2e01", f_cnt=0), up("ff2e01", f_cnt=0, devAddr="01020304")])[0]) == 2


def test_a_counter_that_begins_again_without_a_join_costs_no_press() -> None:
    early, late = "2026-11-20T10:00:00+00:00", "2026-11-20T10:05:00+00:00"
    assert len(feed([up("ff2e01", f_cnt=0, time=early), up("ff2e01", f_cnt=0, time=late)])[0]) == 2
    assert len(feed([up("ff2e01", f_cnt=0, time=early), up("ff2e01", f_cnt=0, time="2026-11-20T10:00:20Z")])[0]) == 1


def test_without_a_number_and_a_name_nothing_is_a_repeat() -> None:
    assert len(feed([up("ff2e01", f_cnt=None)] * 2)[0]) == 2


def test_repeats_are_known_after_a_restart() -> None:
    message = up("ff2e01", f_cnt=7)
    _, (step,) = feed([message])
    memory = {one.key: one.text for one in step.outputs if isinstance(one, Remember)}
    fresh = chirpstack.start("application", DEVICES)
    assert chirpstack.awaits(message, fresh)
    again = chirpstack.recall(memory, fresh)
    assert not chirpstack.awaits(message, again)
    assert feed([message], again)[0] == []
    for broken in ("", "{", "[1]", "7", '[["a"]]'):
        assert len(feed([message], chirpstack.recall({f"lora.seen:{BUTTON}": broken}, fresh))[0]) == 1


def test_what_is_remembered_of_repeats_is_bounded() -> None:
    _, steps = feed([up("ff2e01", f_cnt=n) for n in range(50)])
    assert [len(kept) for kept in steps[-1].state.seen.values()] == [KEPT]


# --- what else the network says --------------------------------------------------------------------------


def test_the_best_gateway_gives_the_signal() -> None:
    rows = [{"rssi": -110, "snr": -7}, {"rssi": -71}, {"rssi": 0}, {"rssi": "x"}, 7]
    assert values(up("", rxInfo=rows)) == {"signal_dbm": -71}


def test_a_status_tells_the_battery_and_an_answer_is_a_sign_of_life() -> None:
    assert values(up("", event="status", batteryLevel=61.5)) == {"battery_percent": 61.5}
    assert values(up("", event="status", batteryLevel=0, batteryLevelUnavailable=True)) == {}
    assert len(feed([up("", event="ack", acknowledged=True)])[0]) == 1
    assert feed([up("", event="ack", acknowledged=False), up("", event="txack")])[0] == []


def test_lost_messages_are_a_finding_and_codec_errors_a_count() -> None:
    codec = up("", event="log", level="ERROR", code="UPLINK_CODEC")
    wrong_key = up("", event="log", level="ERROR", code="UPLINK_MIC")
    readings, steps = feed([codec, wrong_key, wrong_key, up("", event="log", code="X" * 500)])
    assert readings == []
    assert [dict(step.counted) for step in steps] == [
        {"event_log": 1, "log_uplink_codec": 1},
        {"event_log": 1, "log_uplink_mic": 1},
        {"event_log": 1, "log_uplink_mic": 1},
        {"event_log": 1, "log_other": 1},
    ]
    assert [len(step.outputs) for step in steps] == [0, 1, 0, 0]


def test_a_device_that_is_not_set_up_is_told_of_once_and_never_read() -> None:
    readings, steps = feed([up("ff2e01", eui="0102030405060708", f_cnt=n) for n in range(3)])
    assert readings == []
    assert [step.outputs for step in steps] == [(Finding("lora:0102030405060708", NO_PROFILE),), (), ()]


def test_another_product_than_the_settings_say_is_told_of_once() -> None:
    readings, steps = feed([up("017564ff2e01", DOOR, f_cnt=n) for n in range(2)])
    assert [dict(one.values) for one in readings] == [{"battery_percent": 100.0}] * 2
    found = [one for step in steps for one in step.outputs if isinstance(one, Finding)]
    assert found == [Finding(f"lora:{DOOR}", "er satt opp som WS301, men sender som WS101")]


def test_what_is_encrypted_for_somebody_else_is_not_read() -> None:
    readings, (step,) = feed([up("ff2e01", joinServerContext={"sessionKeyId": "a"})])
    assert [dict(one.values) for one in readings] == [{}]
    assert any(isinstance(one, Finding) for one in step.outputs)


def test_a_retained_uplink_says_that_it_is_one() -> None:
    ((reading,), _) = feed([up("ff2e01", retained=True)])
    assert reading.replay


def test_addresses_are_sixteen_digits_in_small_letters() -> None:
    assert chirpstack.canonical(" 24E124535D387374 ") == EUI
    for wrong in ("", "24e1", EUI + "0", "zz" * 8, "24-e1-24-53-5d-38-73-74"):
        with pytest.raises(RejectError):
            chirpstack.canonical(wrong)


def test_the_filters_ask_for_what_is_read() -> None:
    assert chirpstack.subscriptions("application/", ()) == ("application/+/device/+/event/+",)
    assert milesight.subscriptions("milesight/uplink", ()) == ("milesight/uplink/#",)


# --- there and back --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("eui", "profile", "said"),
    [
        (BUTTON, "WS101", {"pressed": True, "action": "double", "battery_percent": 16.0, "signal_dbm": -99}),
        (DOOR, "WS301", {"closed": False, "tamper": True}),
        (DOOR, "WS301", {"closed": True, "tamper": False, "battery_percent": 3.0}),
        (RADAR, "VS373", {"present": True, "occupied": True, "still": True, "fall": "no"}),
        (RADAR, "VS373", {"breathing_rpm": 14.5}),
        (RADAR, "VS373", {"fall": "sure"}),
        (RADAR, "VS373", {"fall": "possible"}),
    ],
)
def test_what_is_encoded_is_decoded(eui: str, profile: str, said: dict[str, Value]) -> None:
    reading = Reading(f"lora:{eui}", said, key="41", model=profile)
    assert values(chirpstack.encode(reading, "application", eui)) == said
    state = milesight.start("m", DEVICES)
    stepped = milesight.step(milesight.encode(reading, "m", eui), 0, state)
    assert [dict(one.values) for one in stepped.outputs if isinstance(one, Reading)] == [said]


# --- whatever comes --------------------------------------------------------------------------------------

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("deviceInfo", "devAddr", "fCnt", "data", "deduplicationId", "rxInfo", "time", "batteryLevel", "code", "obj")
SHAPED = st.dictionaries(st.sampled_from((*FIELDS, "device_info", "trigger_data", "devEUI")), JUNK, max_size=6)
TOPICS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["application/a/device/x/event/up", "application//device//event/up", "milesight/uplink"]),
    st.sampled_from(sorted({f"application/a/device/{EUI}/event/{kind}" for kind in ("up", "join", "log", "status")})),
)
PAYLOADS = st.binary(max_size=60) | SHAPED.map(lambda said: json.dumps(said).encode())
GOOD = up("ff2e01", f_cnt=4_000_000)


@given(st.lists(st.tuples(TOPICS, PAYLOADS, st.booleans()), max_size=6), st.booleans())
def test_no_topic_and_no_payload_raises_or_costs_the_next_press(
    given_messages: list[tuple[str, bytes, bool]], served: bool
) -> None:
    dialect = chirpstack if served else milesight
    state = dialect.start("application" if served else "milesight/uplink", DEVICES)
    for topic, payload, retained in given_messages:
        stepped = dialect.step(MqttMessage(topic, payload, retained), 0, state)
        assert stepped.counted
        for reading in (one for one in stepped.outputs if isinstance(one, Reading)):
            assert set(reading.values) <= set(VALUES)
            assert len(reading.raw) <= 400
        state = stepped.state
        assert len(state.told) <= 500
    if served:
        assert [one.values["action"] for one in feed([GOOD], state)[0]] == ["short"]


@given(st.binary(max_size=2 * PAYLOAD_MAX), st.sampled_from(sorted(chirpstack.PROFILES)))
def test_no_payload_of_any_product_raises(data: bytes, profile: str) -> None:
    told = decode(data, profile)
    assert set(told.values) <= set(VALUES)
    eui = {"WS101": BUTTON, "WS301": DOOR, "VS373": RADAR}[profile]
    for reading in feed([up(data.hex(), eui)])[0]:
        assert set(reading.values) <= set(VALUES)


def test_a_press_from_before_a_join_that_is_delivered_again_rings_no_second_time() -> None:
    device = Device("lora:24e124535d387374", "WS101", Use.CALL)
    state = chirpstack.recall({}, chirpstack.start("application", (device,)))
    press = {"fCnt": 1, "devAddr": "01", "deduplicationId": "one", "data": "/y4B"}
    anew = {**press, "deduplicationId": "two"}
    heard = []
    for event, said in [("up", press), ("join", {}), ("up", press), ("up", anew), ("up", anew)]:
        body = json.dumps({"deviceInfo": {"devEui": "24e124535d387374"}, **said}).encode()
        stepped = chirpstack.step(MqttMessage(f"application/1/device/24e124535d387374/event/{event}", body), 0, state)
        state = stepped.state
        heard.append([one.values.get("pressed") for one in stepped.outputs if isinstance(one, Reading)])
    assert heard == [[True], [None], [], [True], []]
