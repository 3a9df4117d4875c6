"""What the bridge told of its devices, found again after a restart: whole or not at all, bounded, and up to date."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Device, Finding, MqttMessage, Reading, Remember, Use
from nattevakt.edge.drivers.zigbee2mqtt import State, awaits, connected, recall, start, step
from nattevakt.edge.drivers.zigbee2mqtt.definitions import DEVICES_MAX, NAME_MAX, Definition, OnOff
from nattevakt.edge.drivers.zigbee2mqtt.recalled import KEY, ROW_CHARS_MAX, definitions_of, row_of

BASE = "zigbee2mqtt"
SOS, MAT = "0xa4c1389960700206", "0xa4c1389960700207"
CALL = Device(f"z2m:{SOS}", use=Use.CALL)
BED = Device(f"z2m:{MAT}", use=Use.BED)
CONTACT = {"type": "binary", "name": "contact", "property": "contact", "value_on": "OPEN", "value_off": "CLOSE"}


def entry(name: object, ieee: object, model: str = "", *exposes: object) -> dict[str, object]:
    return {"ieee_address": ieee, "friendly_name": name, "definition": {"model": model, "exposes": list(exposes)}}


def message(name: str, payload: object, *, retained: bool = False) -> MqttMessage:
    return MqttMessage(f"{BASE}/{name}", json.dumps(payload).encode(), retained)


def told(state: State, *entries: dict[str, object]) -> tuple[State, str]:
    """The state after `bridge/devices`, and the row that it asks to have remembered."""
    stepped = step(message("bridge/devices", entries, retained=True), 0, state)
    (row,) = [found for found in stepped.outputs if isinstance(found, Remember)]
    assert row.key == KEY
    return stepped.state, row.text


def restarted(row: str | None, *devices: Device, base: str = BASE) -> State:
    return recall({} if row is None else {KEY: row}, start(base, devices or (CALL, BED)))


def reading(state: State, name: str, payload: object) -> Reading:
    (found,) = [one for one in step(message(name, payload), 0, state).outputs if isinstance(one, Reading)]
    return found


def test_after_a_restart_a_device_is_known_by_its_friendly_name_and_read_as_before() -> None:
    before, row = told(start(BASE, (CALL, BED)), entry("rom 6/sos", SOS, "HS1EB"), entry("matte", MAT, "", CONTACT))
    state = restarted(row)
    assert reading(state, "rom 6/sos", {"action": "single"}) == reading(before, "rom 6/sos", {"action": "single"})
    assert reading(state, "rom 6/sos", {"action": "single"}).address == CALL.address
    assert reading(state, "rom 6/sos/action", "single").address == CALL.address
    assert reading(state, "matte", {"contact": "CLOSE"}).values == {"closed": True}
    assert not awaits(message("rom 6/sos", {}), state)
    assert not awaits(message("rom 6/sos/availability", "online"), state)


def test_what_only_the_bridge_can_explain_waits_for_it_and_nothing_else_does() -> None:
    by_name = Device("z2m:stue", use=Use.CALL)
    state = restarted(None, CALL, by_name)
    waiting = ["rom 6/sos", "rom 6/sos/action", "rom 6/sos/availability"]
    assert [name for name in waiting if awaits(message(name, "x"), state)] == waiting
    for name in ("stue", "stue/action", "stue/availability", "bridge/state", "bridge/devices", "rom 6/sos/set", ""):
        assert not awaits(message(name, "x"), state), name
    assert not awaits(MqttMessage("homeassistant/a", b"{}"), state)
    state, _ = told(state, entry("annen", MAT))
    assert not awaits(message("rom 6/sos", "x"), state), "the bridge has told: nobody will ever know more"
    state = connected(state)
    assert awaits(message("rom 6/sos", "x"), state), "it may have come while there was no connection"
    assert not awaits(message("annen", "x"), state)


def test_a_renamed_device_and_one_that_left() -> None:
    _, row = told(start(BASE, (CALL, BED)), entry("gammelt", SOS), entry("matte", MAT))
    state, row = told(restarted(row), entry("nytt", SOS))
    for found in (state, restarted(row)):
        assert set(found.definitions) == {"nytt"}
        assert reading(found, "nytt", {"action": "sos"}).address == CALL.address
        assert reading(found, "gammelt", {"action": "sos"}).address == "z2m:gammelt"


def test_memory_does_not_outlive_what_the_bridge_has_told_since() -> None:
    _, old = told(start(BASE, (CALL,)), entry("sos", SOS))
    state, _ = told(start(BASE, (CALL,)), entry("sos", MAT))
    assert recall({KEY: old}, state) is state


@pytest.mark.parametrize("first", [SOS, MAT])
def test_of_two_devices_with_one_name_the_configured_one_speaks(first: str) -> None:
    entries = [entry("sos", SOS), entry("sos", MAT)]
    stepped = step(message("bridge/devices", entries if first == SOS else entries[::-1]), 0, start(BASE, (CALL,)))
    assert stepped.state.definitions["sos"].ieee == SOS
    findings = [found for found in stepped.outputs if isinstance(found, Finding)]
    assert findings == [Finding(f"z2m:{MAT}", f"heter det samme som {SOS} i Zigbee2MQTT")]
    again = step(message("bridge/devices", entries), 0, stepped.state)
    assert not [found for found in again.outputs if isinstance(found, Finding)]


def test_among_thousands_the_configured_are_kept() -> None:
    crowd = [entry(f"d{number}" + "x" * 150, f"0x{number:016x}", "m" * 190) for number in range(4_000)]
    state, row = told(start(BASE, (CALL, BED)), *crowd, entry("matte", MAT), entry("sos", SOS))
    assert len(state.definitions) == DEVICES_MAX
    assert len(row) < ROW_CHARS_MAX + 1_000
    after = restarted(row)
    assert {"matte", "sos"} <= set(after.definitions) <= set(state.definitions)


def test_the_row_is_of_one_bridge_only() -> None:
    _, row = told(start(BASE, ()), entry("sos", SOS))
    assert restarted(row).definitions
    assert restarted(row, base="annet").definitions == {}


GOOD = row_of(BASE, [Definition("sos", SOS, "HS1EB", "", {"sos": OnOff(on=True, off=False)})])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "[" * 100_000,
        GOOD[:-1],
        GOOD.replace('"v":1', '"v":2'),
        GOOD.replace('"v":1,', ""),
        GOOD.replace('"HS1EB"', "5"),
        GOOD.replace('"sos",', '"",'),
        GOOD.replace("[true,false]", "[true]"),
        GOOD.replace("[true,false]", "[[],{}]"),
        GOOD.replace("[true,false]", "5"),
        GOOD.replace('{"sos":', '{"foreign":'),
        GOOD.replace('"HS1EB"', f'"{"x" * (NAME_MAX + 1)}"'),
        GOOD.replace("]]", "],[]]"),
        GOOD.replace("]}", "," * 3 + "]}"),
    ],
    ids=range(16),
)
def test_a_row_that_is_not_wholly_right_is_no_row(text: str) -> None:
    assert set(definitions_of(GOOD, BASE)) == {"sos"}
    assert text != GOOD
    assert definitions_of(text, BASE) == {}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
exposes = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("binary"), "name": st.sampled_from(["contact", "sos", "x"])},
        optional={"value_on": anything, "value_off": anything},
    )
    | anything,
    max_size=4,
)
devices = st.lists(
    st.builds(lambda name, ieee, model, about: entry(name, ieee, model, *about), anything, anything, st.text(), exposes)
    | anything,
    max_size=6,
)


@given(devices)
def test_whatever_the_bridge_tells_is_found_again_or_left_out(entries: list[object]) -> None:
    stepped = step(message("bridge/devices", entries), 0, start(BASE, ()))
    (row,) = [found for found in stepped.outputs if isinstance(found, Remember)] or [Remember(KEY, "")]
    after = definitions_of(row.text, BASE)
    known = stepped.state.definitions
    assert {name for name in known if len(name) <= NAME_MAX and len(known[name].ieee) <= NAME_MAX} == set(after)
    assert all((after[name].ieee, after[name].model) == (known[name].ieee, known[name].model) for name in after)
