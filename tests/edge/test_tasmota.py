"""Tasmota: every published payload, both orders of topics, and hostile messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers import tasmota
from nattevakt.edge.drivers.driver import Device, Finding, MqttMessage, Reading, Said, SourceState, Use, Value
from nattevakt.edge.drivers.telling import TOLD_MAX
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import Body, Call, Contact
from tests.edge.interpreting import House

FRAMES = Path(__file__).parents[1] / "frames" / "tasmota.jsonl"
VECTORS = [json.loads(line) for line in FRAMES.read_text(encoding="utf-8").splitlines()]
DOOR = Device("tasmota:door1/Switch1", "switch_contact", Use.DOOR)
CORD = Device("tasmota:bad/Switch2", "switch_button", Use.CALL)
KEY = Device("tasmota:bad/Button1", "key_button", Use.CALL)
CLIMATE = Device("tasmota:bad/AM2301", "climate")
DEVICES = (DOOR, CORD, KEY, CLIMATE)

FACTS: dict[tuple[str, str], Said] = {
    ("tele/door1/LWT", "Online"): SourceState("tasmota:door1", up=True),
    ("tele/door1/LWT", "Offline"): SourceState("tasmota:door1", up=False, reason="the node says offline"),
}
"""What the vectors that are no reading must say; the others say what SWITCHED says."""
SWITCHED: dict[str, dict[str, Value]] = {
    "stat/door1/RESULT": {"closed": True},
    "tele/door1/SENSOR": {"closed": True},
}


class Line:
    """A driver with its state, and the interpreter behind it."""

    def __init__(self, *devices: Device, root: str = "") -> None:
        self.devices = devices or DEVICES
        self.state = tasmota.start(root, self.devices)
        self.house = House(*self.devices)
        self.counted: dict[str, int] = {}

    def hear(self, topic: str, payload: object, *, retained: bool = False) -> tuple[Said, ...]:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        stepped = tasmota.step(MqttMessage(topic, raw, retained), 0, self.state)
        self.state = stepped.state
        for name, number in stepped.counted.items():
            self.counted[name] = self.counted.get(name, 0) + number
        return stepped.outputs

    def events(self, at_ms: int, topic: str, payload: object, *, retained: bool = False) -> list[Body]:
        said: list[Body] = []
        for one in self.hear(topic, payload, retained=retained):
            if isinstance(one, Reading):
                more = {"replay": one.replay, "key": one.key, "raw": one.raw}
                said += self.house.bodies(at_ms, dict(one.values), one.address, **more)
        return [body for body in said if isinstance(body, Call | Contact)]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['topic']} {vector['payload'][:20]}")
def test_every_vector_says_what_it_means(vector: dict[str, str]) -> None:
    (said,) = Line().hear(vector["topic"], vector["payload"].encode())
    expected = FACTS.get((vector["topic"], vector["payload"]))
    if expected is not None:
        assert said == expected
    else:
        assert isinstance(said, Reading)
        assert (said.address, said.values) == (DOOR.address, SWITCHED[vector["topic"]])


def test_both_orders_of_a_topic_and_a_root_are_heard() -> None:
    for root in ("", "hus/1"):
        line, start = Line(root=root), f"{root}/" if root else ""
        for topic in ("stat/door1/RESULT", "door1/stat/RESULT"):
            assert f"{start}{topic}" in tasmota.subscriptions(root, DEVICES)
            (said,) = line.hear(f"{start}{topic}", {"Switch1": {"Action": "OFF"}})
            assert isinstance(said, Reading)
            assert said.values == {"closed": False}


def test_a_press_rings_each_time_and_a_held_cord_once() -> None:
    line = Line()
    on, off = {"Switch2": {"Action": "ON"}}, {"Switch2": {"Action": "OFF"}}
    assert line.events(1_000, "stat/bad/RESULT", on) == [Call(CORD.address, "sos")]
    assert line.events(200_000, "tele/bad/SENSOR", {"Time": "1970-01-01T00:00:00", "Switch2": "ON"}) == []
    assert line.events(300_000, "stat/bad/RESULT", off) == []
    assert line.events(400_000, "stat/bad/RESULT", on) == [Call(CORD.address, "sos")]
    # The OFF in between was lost: the change can only be another press.
    assert line.events(500_000, "stat/bad/RESULT", on) == [Call(CORD.address, "sos")]
    assert line.events(600_000, "stat/bad/RESULT", {"Button1": {"Action": "HOLD"}}) == [Call(KEY.address, "HOLD")]
    assert line.events(700_000, "stat/bad/RESULT", {"Button1": {"Action": "CLEAR"}}) == []


def test_the_fixed_state_tells_what_was_lost_on_the_way() -> None:
    line = Line()
    assert line.events(0, "stat/door1/RESULT", {"Switch1": {"Action": "ON"}}) == [Contact(DOOR.address, open=False)]
    assert line.events(9_000, "tele/door1/SENSOR", {"Switch1": "OFF"}) == [Contact(DOOR.address, open=True)]
    assert line.events(9_500, "tele/door1/SENSOR", {"Switch1": "OFF"}) == []


def test_a_retained_state_waits_for_its_node_and_a_call_does_not() -> None:
    line = Line()
    kept = MqttMessage("tele/door1/SENSOR", b'{"Switch1":"OFF"}', retained=True)
    assert tasmota.awaits(kept, line.state)
    assert line.hear(kept.topic, kept.payload, retained=True) == ()
    assert line.counted["untrusted"] == 1
    (call,) = line.hear("tele/bad/SENSOR", {"Switch2": "ON"}, retained=True)
    assert isinstance(call, Reading)
    assert call.replay
    line.hear("tele/door1/LWT", b"Online", retained=True)
    assert not tasmota.awaits(kept, line.state)
    assert len(line.hear(kept.topic, kept.payload, retained=True)) == 1
    assert tasmota.awaits(kept, tasmota.connected(line.state))


def test_what_does_not_fit_the_profile_is_a_finding_once() -> None:
    wrong = Device("tasmota:bad/Button1", "switch_contact", Use.DOOR)
    line = Line(wrong)
    said = [*line.hear("stat/bad/RESULT", {"Button1": {"Action": "SINGLE"}})]
    said += line.hear("stat/bad/RESULT", {"Button1": {"Action": "SINGLE"}})
    assert said == [Finding(wrong.address, "heter Button1, som profilen switch_contact ikke passer for")]
    (stranger,) = line.hear("stat/loft/RESULT", {"Switch1": {"Action": "ON"}})
    assert stranger == Finding("tasmota:loft", "høres, men ingenting på den er satt opp")
    assert Line(Device("tasmota:bad/Switch1")).counted == {}
    assert isinstance(Line(Device("tasmota:bad/Switch1")).hear("stat/bad/RESULT", {"Switch1": "ON"})[0], Finding)


def test_a_press_under_a_door_profile_is_still_told() -> None:
    door = Device("tasmota:bad/Switch1", "switch_contact", Use.CALL)
    said = Line(door).hear("stat/bad/RESULT", {"Switch1": {"Action": "TOGGLE"}})
    assert isinstance(said[0], Finding)
    assert isinstance(said[1], Reading)
    assert said[1].values == {"pressed": True, "action": "TOGGLE"}


def test_measurements_and_signal() -> None:
    line = Line()
    (climate,) = line.hear("tele/bad/SENSOR", {"AM2301": {"Temperature": 21.5, "Humidity": 40}})
    assert isinstance(climate, Reading)
    assert climate.values == {"temperature_c": 21.5, "humidity_percent": 40.0}
    (loose,) = line.hear("tele/bad/SENSOR", {"AM2301": {"Temperature": None}})
    assert isinstance(loose, Finding)
    alive = line.hear("tele/bad/STATE", {"Wifi": {"RSSI": 74, "Signal": -63}})
    assert [one.values for one in alive if isinstance(one, Reading)] == [{"signal_dbm": -63}] * 3


def test_what_is_inverted_and_is_no_plain_input_is_inverted_here() -> None:
    leak = Device("tasmota:bad/Switch1", "switch_leak", Use.LEAK, invert=True)
    (said,) = Line(leak).hear("stat/bad/RESULT", {"Switch1": {"Action": "OFF"}})
    assert isinstance(said, Reading)
    assert said.values == {"wet": True}


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.profile)
def test_what_is_encoded_is_heard(device: Device) -> None:
    values: dict[str, dict[str, Value]] = {
        "switch_contact": {"closed": True},
        "switch_button": {"sos": True},
        "key_button": {"pressed": True, "action": "DOUBLE"},
        "climate": {"temperature_c": 20.5, "humidity_percent": 31.0},
    }
    reading = Reading(device.address, values[device.profile])
    for root in ("", "hus"):
        message = tasmota.encode(reading, root, device.address.removeprefix(tasmota.PREFIX))
        (said,) = Line(root=root).hear(message.topic, message.payload)
        assert isinstance(said, Reading)
        assert said.values == values[device.profile]
    gone = tasmota.encode(Reading(device.address, {"available": False}), "", "bad/x")
    assert isinstance(Line().hear(gone.topic, gone.payload)[0], SourceState)


@pytest.mark.parametrize(
    "name",
    [
        *("", "Switch1", "/Switch1", "a/", "tele/a/Switch1", "a+/Switch1", "a#/x", "a/b/stat/x", " a/Switch1"),
        *("a/switch1", "a/SWITCH1", "a/Switch0", "a/Switch123", "a/button1", "a/Switch"),
    ],
)
def test_what_is_no_address_is_refused(name: str) -> None:
    with pytest.raises(RejectError):
        tasmota.canonical(name)
    assert tasmota.canonical("hus/1/Switch1") == "hus/1/Switch1"


topics = st.one_of(
    st.text(max_size=30),
    st.sampled_from(("tele/bad/SENSOR", "stat/bad/RESULT", "bad/tele/STATE", "tele/bad/LWT", "stat/x/RESULT")),
)
words = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9))
payloads = st.one_of(
    st.binary(max_size=60),
    st.dictionaries(
        st.sampled_from(("Switch1", "Switch2", "Button1", "AM2301", "Wifi")),
        st.one_of(words, st.dictionaries(st.sampled_from(("Action", "Temperature", "Signal")), words), st.lists(words)),
    ).map(lambda value: json.dumps(value).encode()),
)


@given(st.lists(st.tuples(topics, payloads, st.booleans()), max_size=12))
def test_nothing_that_is_published_raises(messages: list[tuple[str, bytes, bool]]) -> None:
    line = Line()
    for topic, payload, retained in messages:
        line.hear(topic, payload, retained=retained)
        tasmota.awaits(MqttMessage(topic, payload, retained), line.state)
    assert line.events(0, "stat/bad/RESULT", {"Button1": {"Action": "SINGLE"}}) == [Call(KEY.address, "SINGLE")]


def test_what_is_said_to_installers_is_bounded() -> None:
    line = Line()
    for number in range(TOLD_MAX + 50):
        line.hear(f"stat/n{number}/RESULT", {})
    assert len(line.state.told) == TOLD_MAX


def test_a_press_is_heard_though_the_last_one_ended_while_the_gateway_was_away() -> None:
    line = Line()
    on = {"Switch2": {"Action": "ON"}}
    line.state = tasmota.connected(line.state)
    assert line.events(1_000, "stat/bad/RESULT", on) == [Call(CORD.address, "sos")]
    line.state = tasmota.connected(line.state)
    assert line.events(60_000, "stat/bad/RESULT", on) == [Call(CORD.address, "sos")]
    line.state = tasmota.connected(line.state)
    assert line.events(70_000, "tele/bad/SENSOR", {"Switch2": "ON"}) == [], "held all the time"
    line.state = tasmota.connected(line.state)
    line.hear("tele/bad/LWT", b"Online")
    assert line.events(80_000, "stat/bad/RESULT", on) == [], "its node tells what is"
