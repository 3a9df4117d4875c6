"""Shelly Gen2+ and BLU: presses, what is told twice, what is trusted when, and what nodes say of themselves."""

from __future__ import annotations

import pytest

from nattevakt.edge.drivers import shelly
from nattevakt.edge.drivers.driver import (
    VALUES,
    Finding,
    MqttMessage,
    Remember,
    SourceState,
    Use,
    Value,
)
from nattevakt.edge.drivers.shelly.components import CODES, PRESSES
from nattevakt.edge.drivers.shelly.driver import KEY
from nattevakt.edge.drivers.telling import TOLD_MAX
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import Call, Contact, Leak, Motion
from tests.edge.mqtt_homes import BUTTON, CORD, MOTION, TS, WINDOW, ShellyHome, on


@pytest.mark.parametrize("event", sorted(PRESSES))
def test_every_press_calls(event: str) -> None:
    assert ShellyHome(CORD).event(0, TS, event) == [Call(CORD.address, event)]
    assert ShellyHome(BUTTON).event(0, TS, f"bthomedevice.{event}", "bthomedevice:200") == [Call(BUTTON.address, event)]


def test_one_press_of_a_cord_is_one_call_and_repeats() -> None:
    home = ShellyHome(CORD)
    said = [
        body
        for at, event in ((0, "btn_down"), (200, "btn_up"), (700, "single_push"))
        for body in home.event(at, TS + at / 1000, event)
    ]
    assert said == [Call(CORD.address, "btn_down"), Call(CORD.address, "single_push", repeat_of=101)]


def test_a_press_without_a_sane_time_rings_every_time() -> None:
    for ts in (None, 0, 12.5, 9e12):
        home = ShellyHome(CORD)
        assert home.event(0, ts, "single_push") == [Call(CORD.address, "single_push")]
        assert "last_seen_ms" not in home.readings[0].values
        assert home.event(60_000, ts, "single_push") == [Call(CORD.address, "single_push")]


def test_a_press_told_again_later_is_the_same_press() -> None:
    """A Shelly sends again (QoS 1) what it had no acknowledgement of when its connection broke."""
    home = ShellyHome(CORD)
    assert home.event(0, TS, "single_push") == [Call(CORD.address, "single_push")]
    assert home.event(30_000, TS, "single_push") == []
    assert home.event(60_000, TS + 60, "single_push") == [Call(CORD.address, "single_push")]


def test_a_press_told_again_after_a_status_is_the_same_press() -> None:
    home = ShellyHome(BUTTON)
    home.event(0, TS, "single_push", "bthomedevice:200")
    home.status(10, TS, bthomedevice_200={"battery": 90, "packet_id": 4, "last_updated_ts": int(TS)})
    assert home.event(30_000, TS, "single_push", "bthomedevice:200") == []
    assert home.replays == [True]


def test_a_press_of_something_that_is_not_set_up_is_a_finding() -> None:
    home = ShellyHome(CORD)
    home.event(0, TS, "single_push", "input:3")
    assert home.outputs == (Finding("shelly:bad3/input:3", "sender trykk, men er ikke satt opp"),)
    assert home.counted == {"not_configured": 1, "no_profile": 1}


def test_a_cord_in_switch_mode_calls_all_the_same_and_says_what_is_wrong() -> None:
    home = ShellyHome(CORD)
    said = home.status(0, TS, input_0={"id": 0, "state": True})
    assert said == [Call(CORD.address, "sos")]
    assert [one.sentence for one in home.outputs if isinstance(one, Finding)]
    assert home.status(5000, TS + 5, full=True, input_0={"id": 0, "state": True}) == []
    assert home.status(6000, TS + 6, input_0={"id": 0, "state": False}) == []
    assert home.status(9000, TS + 9, input_0={"id": 0, "state": None}) == []


def test_a_cord_that_is_set_up_as_a_contact_calls_only_where_somebody_would() -> None:
    home = ShellyHome(on("input:0", "input_contact", Use.CALL))
    assert home.event(0, TS, "single_push") == [Call(CORD.address, "single_push")]
    home = ShellyHome(on("input:0", "input_contact", Use.DOOR))
    assert home.event(0, TS, "single_push") == []
    assert [type(one) for one in home.outputs] == [Finding]


def test_a_contact_on_an_input() -> None:
    door = on("input:0", "input_contact", Use.DOOR)
    home = ShellyHome(door)
    assert home.status(0, TS, input_0={"id": 0, "state": False}) == [Contact(door.address, open=True)]
    assert home.hear(10, "bad3/status/input:0", {"id": 0, "state": False}) == []
    assert home.hear(20, "bad3/status/input:0", {"id": 0, "state": True}) == [Contact(door.address, open=False)]
    assert home.status(30, TS, input_0={"id": 0, "state": None}) == []


def test_water() -> None:
    flood, leak = on("flood:0", "flood"), on("bthomesensor:204", "leak")
    home = ShellyHome(flood, leak)
    assert home.status(0, TS, flood_0={"id": 0, "alarm": True, "mute": False}) == [Leak(flood.address)]
    wet = {"id": 204, "value": True, "last_updated_ts": int(TS)}
    assert home.status(0, TS, bthomesensor_204=wet) == [Leak(leak.address)]


def test_the_same_word_on_two_topics_and_in_a_full_status_is_heard_once() -> None:
    home = ShellyHome(WINDOW, MOTION)
    part = {"id": 201, "value": True, "last_updated_ts": int(TS)}
    assert home.status(0, TS + 0.4, bthomesensor_201=part) == [Contact(WINDOW.address, open=True)]
    assert home.replays == [False]
    assert home.hear(10, "bad3/status/bthomesensor:201", part) == []
    assert home.replays == [True]
    assert home.status(600_000, TS + 600, full=True, bthomesensor_201=part) == []
    assert home.replays == [True], "a sensor that has died is not heard because its Shelly speaks"


def test_a_button_told_as_a_value_rings_once_however_often_it_is_told() -> None:
    button = on("bthomesensor:203", "button", Use.CALL)
    home = ShellyHome(button)
    part = {"id": 203, "value": 1, "last_updated_ts": int(TS)}
    assert home.status(0, TS, bthomesensor_203=part) == [Call(button.address, "single_push")]
    assert home.hear(10, "bad3/status/bthomesensor:203", part) == []
    assert home.status(90_000, TS + 90, full=True, bthomesensor_203=part) == []
    again = {**part, "last_updated_ts": int(TS) + 120}
    assert home.status(120_000, TS + 120, bthomesensor_203=again) == [Call(button.address, "single_push")]


def test_after_a_restart_the_last_press_is_known_and_a_newer_one_rings() -> None:
    button = on("bthomesensor:203", "button", Use.CALL)
    home = ShellyHome(button)
    part = {"id": 203, "value": 1, "last_updated_ts": int(TS)}
    home.status(0, TS, bthomesensor_203=part)
    home.state = shelly.start("", (button,))
    assert home.hear(100_000, "bad3/status/bthomesensor:203", part) == []
    missed = {**part, "last_updated_ts": int(TS) + 50}
    assert home.status(200_000, TS + 200, full=True, bthomesensor_203=missed) == [Call(button.address, "single_push")]
    assert home.replays == [True], "heard now, but not pressed now"


def test_an_old_word_that_differs_is_news_of_uncertain_time() -> None:
    home = ShellyHome(WINDOW)
    home.status(0, TS, bthomesensor_201={"value": False, "last_updated_ts": int(TS)})
    said = home.house.seq
    opened = {"value": True, "last_updated_ts": int(TS) + 100}
    assert home.status(900_000, TS + 900, full=True, bthomesensor_201=opened) == [Contact(WINDOW.address, open=True)]
    assert home.house.seq > said
    contact = next(event for event in home.house.last.events if isinstance(event.body, Contact))
    assert contact.since is not None


def test_a_sensor_that_only_says_that_it_lives_is_heard() -> None:
    home = ShellyHome(MOTION)
    home.status(0, TS, bthomesensor_202={"id": 202, "value": True, "last_updated_ts": int(TS)})
    home.status(60_000, TS + 60, bthomesensor_202={"id": 202, "last_updated_ts": int(TS) + 60})
    (heard,) = home.readings
    assert (dict(heard.values), heard.replay) == ({"last_seen_ms": (int(TS) + 60) * 1000}, False)
    home.status(70_000, TS + 70, bthomesensor_202={"id": 202, "last_updated_ts": int(TS) + 60})
    assert home.readings == []


def test_before_the_time_server_what_is_new_is_still_told_from_what_is_not() -> None:
    home = ShellyHome(MOTION, on("bthomedevice:200", "blu"))
    first = {"value": True, "last_updated_ts": 3}
    assert home.status(0, 4.0, bthomesensor_202=first) == [Motion(MOTION.address, "pir")]
    assert home.replays == [True], "nobody knows how old it is"
    home.status(1000, 5.0, bthomesensor_202={"value": False, "last_updated_ts": 5})
    assert home.replays == [False]
    assert home.counted["no_time"] >= 1


def test_a_clock_that_runs_ahead_does_not_make_later_words_old() -> None:
    home = ShellyHome(on("input:0", "input_contact", Use.DOOR))
    years_ahead = TS + 10 * 365 * 86_400
    home.status(0, years_ahead, input_0={"id": 0, "state": True})
    home.status(60_000, TS + 60, input_0={"id": 0, "state": False})
    (contact,) = (event for event in home.house.last.events if isinstance(event.body, Contact))
    assert contact.since is None


def test_battery_and_signal() -> None:
    home = ShellyHome(on("bthomedevice:200", "blu"), on("devicepower:0", "battery"))
    home.status(0, TS, bthomedevice_200={"rssi": -70, "battery": 100, "packet_id": 1, "last_updated_ts": int(TS)})
    assert dict(home.readings[0].values) == {
        "battery_percent": 100.0,
        "signal_dbm": -70,
        "last_seen_ms": int(TS) * 1000,
    }
    home.status(0, TS, devicepower_0={"id": 0, "battery": {"V": 5.9, "percent": 88}, "external": {"present": False}})
    assert {"battery_percent": 88.0, "supply_v": 5.9}.items() <= home.readings[0].values.items()


@pytest.mark.parametrize(
    ("component", "profile", "status", "values"),
    [
        ("temperature:0", "temperature", {"tC": 19.8, "tF": 67.6}, {"temperature_c": 19.8}),
        ("humidity:0", "humidity", {"rh": 42.2}, {"humidity_percent": 42.2}),
        ("illuminance:0", "light", {"lux": 12, "illumination": "dark"}, {"light_lx": 12.0}),
        ("bthomesensor:205", "temperature", {"value": 21.5}, {"temperature_c": 21.5}),
        ("bthomesensor:206", "presence", {"value": True}, {"present": True}),
        ("bthomesensor:207", "vibration", {"value": 1}, {"vibration": True}),
        ("bthomesensor:208", "tamper", {"value": False}, {"tamper": False}),
        ("temperature:0", "temperature", {"tC": None, "errors": ["read"]}, None),
        ("temperature:0", "temperature", {"tC": 900}, None),
        ("input:0", "input_contact", {"state": "yes"}, None),
        ("bthomesensor:205", "temperature", {"value": "21"}, {}),
        ("bthomesensor:206", "presence", {"value": 7}, {}),
    ],
)
def test_components(component: str, profile: str, status: object, values: dict[str, Value] | None) -> None:
    home = ShellyHome(on(component, profile))
    home.hear(0, f"bad3/status/{component}", status)
    assert [dict(one.values) for one in home.readings] == ([] if values is None else [values])


def test_a_profile_on_the_wrong_component_is_a_finding_once() -> None:
    home = ShellyHome(on("input:0", "window"))
    home.status(0, TS, input_0={"id": 0, "state": True})
    assert home.readings == []
    assert [type(one) for one in home.outputs] == [Finding]
    home.status(1, TS, input_0={"id": 0, "state": True})
    assert home.outputs == ()


def test_a_node_speaks_of_itself_once_a_connection() -> None:
    home = ShellyHome(CORD)
    steps: list[tuple[bytes, list[bool]]] = [(b"true", [True]), (b"true", []), (b"false", [False]), (b"false", [])]
    for payload, said in [*steps, (b"?", [])]:
        home.hear(0, "bad3/online", payload)
        assert [one.up for one in home.outputs] == said
    home.state = shelly.connected(home.state)
    home.hear(0, "bad3/online", b"false", retained=True)
    assert [one.up for one in home.outputs] == [False]


def test_a_node_on_batteries_is_not_missed_between_two_words() -> None:
    flood = on("flood:0", "flood")
    home = ShellyHome(flood)
    home.hear(0, "bad3/online", b"false", retained=True)
    assert [one.up for one in home.outputs] == [False], "nobody knows yet that it sleeps"
    home.status(10, TS, full=True, sys={"wakeup_period": 7200, "unixtime": None})
    assert [type(one) for one in home.outputs] == [Remember, SourceState]
    row = home.outputs[0]
    home.hear(20, "bad3/online", b"false")
    assert home.outputs == ()
    later = shelly.recall({KEY: row.text}, shelly.start("", (flood,)))
    assert shelly.step(MqttMessage("bad3/online", b"false"), 0, later).outputs == ()
    for text in ("[", "{}", "7", "[1, null]", "[" * 100_000):
        assert shelly.recall({KEY: text}, shelly.start("", (flood,))).sleepers == frozenset()


def test_retained_waits_for_its_node_and_is_trusted_while_it_is_online() -> None:
    door = on("input:0", "input_contact", Use.DOOR)
    home, topic = ShellyHome(door), "bad3/status/input:0"
    assert shelly.awaits(MqttMessage(topic, b"", retained=True), home.state)
    assert not shelly.awaits(MqttMessage(topic, b""), home.state)
    home.hear(0, "bad3/online", b"false", retained=True)
    assert not shelly.awaits(MqttMessage(topic, b"", retained=True), home.state)
    assert home.hear(10, topic, {"state": False}, retained=True) == []
    assert home.counted == {"untrusted": 1}
    home.hear(20, "bad3/online", b"true")
    assert home.hear(30, topic, {"state": False}, retained=True) == [Contact(door.address, open=True)]


def test_somebody_in_need_is_heard_though_the_node_has_died() -> None:
    flood = on("flood:0", "flood")
    home = ShellyHome(flood)
    home.hear(0, "bad3/online", b"false", retained=True)
    assert home.hear(10, "bad3/status/flood:0", {"alarm": True}, retained=True) == [Leak(flood.address)]
    assert home.hear(20, "bad3/status/flood:0", {"alarm": False}, retained=True) == []


def test_strangers_below_a_root_are_named_once() -> None:
    home = ShellyHome(CORD, root="shelly")
    home.hear(0, "shelly/ny/online", b"true")
    assert [one.address for one in home.outputs] == ["shelly:ny"]
    home.hear(0, "shelly/ny/events/rpc", {"method": "NotifyStatus", "params": {}})
    assert home.outputs == ()
    for number in range(TOLD_MAX + 100):
        home.hear(0, f"shelly/n{number}/online", b"true")
    assert len(home.state.told) == TOLD_MAX


@pytest.mark.parametrize(
    "name",
    [
        *("bad3", "bad3/", "/input:0", "bad3/input", "bad3/input:x", "bad3/Input:0", "a/b/+:0"),
        *("bad3/input:00", "bad3/input:01", " bad3/input:0"),
    ],
)
def test_addresses_that_are_none(name: str) -> None:
    with pytest.raises(RejectError):
        shelly.canonical(name)


def test_products_and_profiles_fit() -> None:
    assert set(CODES.values()) <= PRESSES
    for product in shelly.PRODUCTS:
        assert product.profile in shelly.PROFILES
        assert set(product.reports) <= set(VALUES)
        assert product.source.startswith("https://")
        assert product.faults


@pytest.mark.parametrize("full", [False, True])
def test_a_relay_calls_though_the_last_call_ended_while_the_gateway_was_away(full: bool) -> None:
    relay = on("input:0", "input_contact", Use.CALL)
    home = ShellyHome(relay)
    home.state = shelly.connected(home.state)
    assert home.status(0, TS, input_0={"id": 0, "state": True}) == [Call(relay.address, "input")]
    home.state = shelly.connected(home.state)
    said = home.status(60_000, TS + 60, full=full, input_0={"id": 0, "state": True})
    assert said == ([] if full else [Call(relay.address, "input")]), "a full status tells what is, not what changed"
    assert home.hear(60_010, "bad3/status/input:0", {"id": 0, "state": True}) == [], "the same on the other topic"


def test_an_input_that_is_held_when_its_shelly_comes_back_does_not_call() -> None:
    home = ShellyHome(CORD)
    home.state = shelly.connected(home.state)
    home.status(0, TS, input_0={"id": 0, "state": True})
    home.state = shelly.connected(home.state)
    home.hear(50_000, "bad3/online", b"true")
    assert home.status(50_010, TS + 50, input_0={"id": 0, "state": True}) == []
