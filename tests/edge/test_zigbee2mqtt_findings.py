"""Zigbee2MQTT: what an installer is told once of a device, and what nobody would otherwise hear."""

from __future__ import annotations

import json

import pytest

from nattevakt.edge.drivers.driver import Finding, MqttMessage, Reading
from nattevakt.edge.drivers.zigbee2mqtt import State, start, step
from nattevakt.edge.drivers.zigbee2mqtt.decode import READERS
from nattevakt.edge.drivers.zigbee2mqtt.driver import TOLD_MAX
from tests.edge.test_zigbee2mqtt import BASE, IEEE, bridge, entry, say, told


def findings(state: State, **values: object) -> tuple[list[str], State]:
    """What is found in one message of device a."""
    said = step(MqttMessage(f"{BASE}/a", json.dumps(values).encode()), 0, state)
    return [one.sentence for one in said.outputs if isinstance(one, Finding)], said.state


def test_smoke_is_a_finding_because_nobody_would_hear_it() -> None:
    said = step(MqttMessage(f"{BASE}/a", b'{"smoke":true}'), 0, told(entry("a")))
    assert [type(o) for o in said.outputs] == [Reading, Finding]
    again = step(MqttMessage(f"{BASE}/a", b'{"smoke":true}'), 0, said.state)
    assert [type(o) for o in again.outputs] == [Reading]


def test_an_hs1eb_is_an_sos_button_by_the_name_that_the_bridge_gives_it_and_warned_of_once() -> None:
    listed = bridge(entry("a", "HS1EB/HS1EB-E"))
    said = step(listed, 0, start(BASE, ()))
    findings = [one for one in said.outputs if isinstance(one, Finding)]
    assert [(one.address, "batteriet er lavt" in one.sentence) for one in findings] == [(f"z2m:{IEEE}", True)]
    assert not [one for one in step(listed, 0, said.state).outputs if isinstance(one, Finding)]
    assert say(said.state, "a", {"action": "single"}).values == {"pressed": True, "action": "single"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("static_dwell_alarm", True),
        ("alarm", True),
        ("gas", True),
        ("carbon_monoxide", True),
        ("alarm_1", "ON"),
        ("fall_alarm", "true"),
        ("siren", True),
        ("person-fell", True),
    ],
)
def test_whatever_sounds_like_an_alarm_and_means_nothing_to_us_is_said_once(name: str, value: object) -> None:
    assert name not in READERS
    found, state = findings(told(entry("a")), **{name: value, "contact": True})
    assert found == [f"melder {name}, som Nattevakt ikke varsler om"]
    assert findings(state, **{name: value}) == ([], state)
    assert findings(state, **{name: False})[0] == []


def test_an_alarm_is_on_by_what_its_expose_calls_on() -> None:
    exposes = [{"type": "binary", "name": "alarm", "property": "alarm", "value_on": "ALERT", "value_off": "CLEAR"}]
    device = {**entry("a"), "definition": {"model": "X", "exposes": exposes}}
    assert findings(told(device), alarm="CLEAR")[0] == []
    assert findings(told(device), alarm="ALERT")[0] == ["melder alarm, som Nattevakt ikke varsler om"]


@pytest.mark.parametrize(
    "values",
    [
        {"static_dwell_alarm": False, "alarm": "off", "smoke": None},
        {
            "alarm_switch": True,
            "fall_alarm_enable": True,
            "alarm_mode": "on",
            "gas_sensitivity": "1",
            "smoke_test": True,
        },
        {"gas": 12, "smoke_density": 0.3},
        {"battery_low": True, "water_leak": True, "sos": True, "tamper": True},
        {"balarm": True, "installed": True},
    ],
)
def test_what_is_off_a_setting_a_number_or_understood_is_no_finding(values: dict[str, object]) -> None:
    assert findings(told(entry("a")), **values)[0] == []


def test_a_device_that_makes_up_names_cannot_fill_the_memory_nor_say_more_than_once() -> None:
    made_up = {f"alarm_{number}": True for number in range(2 * TOLD_MAX)}
    found, state = findings(told(entry("a")), **made_up)
    assert len(found) == TOLD_MAX == len(state.told)
    assert findings(state, **made_up)[0] == []
    assert findings(told(entry("a")), **{"alarm_" + "\x00\ud800" * 300: True})[0][0].isprintable()
