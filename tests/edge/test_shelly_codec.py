"""Shelly's messages: every public capture, every profile both ways, and hostile topics and payloads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers import shelly
from nattevakt.edge.drivers.driver import VALUES, Device, Finding, MqttMessage, Reading, SourceState, Use, Value
from nattevakt.edge.drivers.shelly.components import BLU_ERRORS, PRESSES
from nattevakt.edge.drivers.telling import TOLD_MAX
from tests.edge.mqtt_homes import BUTTON, CORD, MOTION, TS, WINDOW, ShellyHome, on

FRAMES = Path(__file__).parents[1] / "frames"
VECTORS = [json.loads(line) for line in (FRAMES / "shelly-gen2.jsonl").read_text(encoding="utf-8").splitlines()]
BTHOME = [json.loads(line) for line in (FRAMES / "bthome-v2.jsonl").read_text(encoding="utf-8").splitlines()]

EXPECTED: dict[str, tuple[str, str, dict[str, Value]]] = {
    "button double push": (
        "shellyplus1-a8032abc7158",
        "input_button",
        {"pressed": True, "action": "double_push", "last_seen_ms": 1_646_945_882_470},
    ),
    "button single push (topic formed from dst)": (
        "shellyplus1pm-b22864",
        "input_button",
        {"pressed": True, "action": "single_push", "last_seen_ms": 1_643_540_082_660},
    ),
    "switch-mode input: state false (params are real, envelope and id added)": (
        "shellyplus1-x",
        "input_contact",
        {"closed": False, "last_seen_ms": 1_656_519_645_480},
    ),
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["meaning"])[:30])
def test_every_public_capture(vector: dict[str, str]) -> None:
    message = MqttMessage(vector["topic"], vector["payload"].encode())
    if vector["meaning"] == "LWT":
        node = vector["topic"].removesuffix("/online")
        state = shelly.start("", (Device(f"shelly:{node}/input:0", "input_button"),))
        assert shelly.step(message, 0, state).outputs == (SourceState(f"shelly:{node}", up=False, reason=GONE),)
        return
    node, profile, values = EXPECTED[vector["meaning"]]
    device = Device(f"shelly:{node}/input:0", profile)
    (heard,) = shelly.step(message, 0, shelly.start("", (device,))).outputs
    assert isinstance(heard, Reading)
    assert (heard.address, heard.values, heard.replay) == (device.address, values, False)


GONE = "the node says offline"
PUSHES = {
    "Shelly BLU Button1 press": "single_push",
    "double press": "double_push",
    "triple press": "triple_push",
    "long press": "long_push",
    "hold (FE)": "long_push",
}
SIZES = {0x00: 1, 0x01: 1, 0x05: 3, 0x21: 1, 0x2D: 1, 0x3A: 1, 0x3F: 2}


def bthome_objects(raw: bytes) -> dict[int, int]:
    """What a BLU sensor put on the air, for telling it as its Shelly would: nothing of it is decoded by us."""
    found, at = {}, 1
    while at < len(raw):
        size = SIZES[raw[at]]
        found[raw[at]] = int.from_bytes(raw[at + 1 : at + 1 + size], "little")
        at += 1 + size
    return found


@pytest.mark.parametrize("vector", BTHOME, ids=lambda vector: str(vector["hex"]))
def test_every_public_blu_capture_as_its_shelly_relays_it(vector: dict[str, str]) -> None:
    raw = bytes.fromhex(vector["hex"])
    home = ShellyHome(WINDOW, MOTION, on("bthomesensor:203", "button", Use.CALL), on("bthomedevice:200", "blu"))
    if raw[0] & 1:
        home.status(0, TS, bthomedevice_200={"id": 200, "errors": ["key_missing_or_bad"]})
        (finding, *rest) = home.outputs
        assert finding == Finding("shelly:bad3/bthomedevice:200", BLU_ERRORS["key_missing_or_bad"])
        assert not any(dict(reading.values) for reading in rest), "encrypted without its key: never a state"
        return
    said = bthome_objects(raw)
    parts: dict[str, dict[str, Any]] = {
        "bthomedevice:200": {"id": 200, "packet_id": said[0x00], "battery": said[0x01], "rssi": -70}
    }
    for object_id, sensor in ((0x2D, 201), (0x21, 202), (0x3A, 203)):
        if object_id in said:
            value = said[object_id] if object_id == 0x3A else bool(said[object_id])
            parts[f"bthomesensor:{sensor}"] = {"id": sensor, "value": value, "last_updated_ts": int(TS)}
    home.hear(0, "bad3/events/rpc", {"method": "NotifyStatus", "params": {"ts": TS, **parts}})
    heard = {reading.address.rpartition("/")[2]: dict(reading.values) for reading in home.readings}
    assert heard.pop("bthomedevice:200") == {"battery_percent": 100.0, "signal_dbm": -70}
    seen = {"last_seen_ms": int(TS) * 1000}
    meaning = vector["meaning"]
    if "OPEN" in meaning or "CLOSED" in meaning:
        assert heard == {"bthomesensor:201": {"closed": "CLOSED" in meaning, **seen}}
    elif "otion" in meaning:
        assert heard == {"bthomesensor:202": {"motion": "motion=1" in meaning, **seen}}
    else:
        action = next(push for word, push in PUSHES.items() if meaning.startswith(word))
        assert heard == {"bthomesensor:203": {"pressed": True, "action": action, **seen}}


ENCODED: tuple[tuple[Device, dict[str, Value]], ...] = (
    (CORD, {"pressed": True, "action": "double_push"}),
    (CORD, {"pressed": False}),
    (BUTTON, {"pressed": True, "action": "long_push"}),
    (on("input:0", "input_contact"), {"closed": False}),
    (WINDOW, {"closed": True}),
    (WINDOW, {"closed": False}),
    (MOTION, {"motion": True}),
    (on("bthomesensor:204", "leak"), {"wet": True}),
    (on("bthomesensor:205", "temperature"), {"temperature_c": 20.5}),
    (on("flood:0", "flood"), {"wet": True}),
    (on("temperature:0", "temperature"), {"temperature_c": 20.5}),
    (on("bthomedevice:200", "blu"), {"battery_percent": 80.0, "signal_dbm": -71}),
    (on("devicepower:0", "battery"), {"battery_percent": 80.0, "supply_v": 5.5}),
)


@pytest.mark.parametrize(("device", "values"), ENCODED, ids=lambda one: str(one)[:60])
@pytest.mark.parametrize("root", ["", "hus"])
def test_what_is_encoded_is_heard_as_it_was(device: Device, values: dict[str, Value], root: str) -> None:
    said = {**values, "last_seen_ms": 1_790_000_000_000}
    message = shelly.encode(Reading(device.address, said), root, device.address.removeprefix("shelly:"))
    (heard,) = shelly.step(message, 0, shelly.start(root, (device,))).outputs
    assert isinstance(heard, Reading)
    assert (heard.address, dict(heard.values), heard.replay) == (device.address, said, False)


def test_an_action_alone_is_a_press() -> None:
    message = shelly.encode(Reading(CORD.address, {"action": "long_push"}), "", "bad3/input:0")
    (heard,) = shelly.step(message, 0, shelly.start("", (CORD,))).outputs
    assert isinstance(heard, Reading)
    assert heard.values == {"pressed": True, "action": "long_push"}


def test_a_node_is_encoded_too() -> None:
    message = shelly.encode(Reading("shelly:bad3", {"available": True}, replay=True), "", "bad3/input:0")
    assert message == MqttMessage("bad3/online", b"true", retained=True)
    assert shelly.step(None, 0, shelly.start("", ())).outputs == ()


WORDS = ("ts", "events", "component", "event", "value", "state", "last_updated_ts", "packet_id", "errors", "sys")
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.sampled_from(sorted(PRESSES))
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from([*WORDS, *(one.address.rpartition("/")[2] for one, _ in ENCODED)]),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=8,
)
RPC = st.builds(
    lambda method, params: json.dumps({"method": method, "params": params}).encode(),
    st.sampled_from(["NotifyStatus", "NotifyFullStatus", "NotifyEvent", "x"]),
    JSON,
)
PAYLOADS = st.one_of(st.binary(max_size=60), RPC, JSON.map(lambda value: json.dumps(value).encode()))
PIECES = st.sampled_from(
    ["bad3", "online", "events", "rpc", "status", "input:0", "flood:0", "bthomesensor:201", "", "\ud800"]
)
TOPICS = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=5).map("/".join))
DEVICES = tuple({one.address: one for one, _ in reversed(ENCODED)}.values())


@given(st.sampled_from(["", "hus"]), st.lists(st.tuples(TOPICS, PAYLOADS, st.booleans()), max_size=8))
def test_any_topic_and_payload_is_counted_or_read(root: str, messages: list[tuple[str, bytes, bool]]) -> None:
    state = shelly.start(root, DEVICES)
    for topic, payload, retained in messages:
        for tail in (topic, "bad3/events/rpc", "bad3/status/bthomesensor:201"):
            message = MqttMessage(f"{root}/{tail}" if root else tail, payload, retained)
            shelly.awaits(message, state)
            stepped = shelly.step(message, 0, state)
            state = stepped.state
            for one in stepped.outputs:
                assert not isinstance(one, Reading) or (set(one.values) <= set(VALUES) and len(one.raw) <= 400)
    assert len(state.stamps) <= 2 * len(DEVICES)
    assert len(state.told) <= TOLD_MAX
    press = shelly.encode(Reading(CORD.address, {"pressed": True}), root, "bad3/input:0")
    assert any(isinstance(one, Reading) for one in shelly.step(press, 0, state).outputs)
