"""ESPHome: every profile both ways, what is trusted when, load cells, and hostile messages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers import esphome
from nattevakt.edge.drivers.driver import VALUES, Device, Finding, MqttMessage, Reading, SourceState, Use, Value
from nattevakt.edge.drivers.esphome.entities import BINARIES, NUMBERS
from nattevakt.edge.drivers.telling import TOLD_MAX
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import Bed, Body, Call, Contact, Fall, FallOver, Leak
from tests.edge.mqtt_homes import EspHome, esphome_online

NODE = "esphome:rom3"
WEIGHED = Device(f"{NODE}/seng", "bed_weight", Use.BED, threshold_kg=30.0)


def entity(profile: str, use: Use = Use.AUTO, **more: Any) -> Device:
    return Device(f"{NODE}/x", profile, use, **more)


@pytest.mark.parametrize(
    ("profile", "on"),
    [
        ("contact", {"closed": False}),
        ("input", {"closed": True}),
        ("bed", {"occupied": True}),
        ("chair", {"seated": True}),
        ("presence", {"present": True}),
        ("occupancy", {"present": True}),
        ("motion", {"motion": True}),
        ("vibration", {"vibration": True}),
        ("still", {"still": True}),
        ("fall", {"fall": "sure"}),
        ("leak", {"wet": True}),
        ("button", {"sos": True}),
        ("sos", {"sos": True}),
        ("tamper", {"tamper": True}),
        ("battery_low", {"battery_low": True}),
    ],
)
def test_what_on_and_off_mean(profile: str, on: dict[str, Value]) -> None:
    home = EspHome(entity(profile))
    assert home.values("rom3/binary_sensor/x/state", b"ON") == [on]
    ((name, value),) = on.items()
    off = "no" if name == "fall" else not value
    assert home.values("rom3/binary_sensor/x/state", b" off\n") == [{name: off}]
    assert profile in BINARIES


def test_every_profile_is_one_of_both_tables_and_speaks_known_values() -> None:
    assert {one.value for one in BINARIES.values()} | {one.value for one in NUMBERS.values()} <= set(VALUES)
    assert set(esphome.PROFILES) == set(BINARIES) | set(NUMBERS)
    assert not set(BINARIES) & set(NUMBERS)
    assert {"bed_weight", "chair_weight"} == esphome.WEIGHED_PROFILES
    for product in esphome.PRODUCTS:
        assert product.profile in esphome.PROFILES
        assert set(product.reports) <= set(VALUES)
        assert product.source.startswith("https://")
        assert product.faults


@pytest.mark.parametrize(
    ("profile", "payload", "values"),
    [
        ("temperature", b"21.5", {"temperature_c": 21.5}),
        ("temperature", b"-7", {"temperature_c": -7.0}),
        ("humidity", b"40", {"humidity_percent": 40.0}),
        ("light", b"1e2", {"light_lx": 100.0}),
        ("breathing", b"14", {"breathing_rpm": 14.0}),
        ("heart", b"61.0", {"heart_bpm": 61.0}),
        ("movement", b"7", {"movement_percent": 7.0}),
        ("battery", b"55", {"battery_percent": 55.0}),
        ("supply", b"3.3", {"supply_v": 3.3}),
        ("signal", b"-61.0", {"signal_dbm": -61}),
        ("weight", b"12.25", {"weight_kg": 12.25}),
    ],
)
def test_numbers(profile: str, payload: bytes, values: dict[str, Value]) -> None:
    assert EspHome(entity(profile)).values("rom3/sensor/x/state", payload) == [values]


@pytest.mark.parametrize(
    ("profile", "payload", "counter"),
    [
        ("temperature", b"nan", "nan"),
        ("temperature", b"NaN", "nan"),
        ("temperature", b"-inf", "nan"),
        ("heart", b"0", "nan"),
        ("breathing", b"0.0", "nan"),
        ("temperature", b"500", "unreadable"),
        ("humidity", b"-1", "unreadable"),
        ("temperature", b"", "unreadable"),
        ("temperature", b"ON", "unreadable"),
        ("temperature", b"1_0", "unreadable"),
        ("temperature", "٣".encode(), "unreadable"),
        ("temperature", b"0x10", "unreadable"),
        ("temperature", b"1e999", "unreadable"),
        ("temperature", b"1" * 400, "unreadable"),
        ("temperature", b"\xff\xfe", "unreadable"),
    ],
)
def test_what_is_no_number_is_no_reading(profile: str, payload: bytes, counter: str) -> None:
    home = EspHome(entity(profile))
    assert home.values("rom3/sensor/x/state", payload) == []
    assert home.counted == {counter: 1}


def test_a_number_that_is_none_is_a_finding_once() -> None:
    home = EspHome(entity("temperature"))
    home.hear(0, "rom3/sensor/x/state", b"nan")
    assert [type(one) for one in home.outputs] == [Finding]
    home.hear(1, "rom3/sensor/x/state", b"nan")
    assert home.outputs == ()


@pytest.mark.parametrize("profile", sorted(BINARIES))
def test_invert_turns_each_plain_input_around_exactly_once(profile: str) -> None:
    """What is plain is inverted where events are made, the rest here."""
    straight, turned = EspHome(entity(profile)), EspHome(entity(profile, invert=True))
    topic = "rom3/binary_sensor/x/state"
    same = straight.values(topic, b"ON") == turned.values(topic, b"ON")
    assert same is BINARIES[profile].plain
    if not BINARIES[profile].plain:
        assert turned.values(topic, b"OFF")[-1] == straight.values(topic, b"ON")[-1]


def test_a_contact_as_a_door_and_its_inverse() -> None:
    home = EspHome(entity("contact", Use.DOOR))
    assert home.hear(0, "rom3/binary_sensor/x/state", b"ON") == [Contact(f"{NODE}/x", open=True)]
    home = EspHome(entity("contact", Use.DOOR, invert=True))
    assert home.hear(0, "rom3/binary_sensor/x/state", b"ON") == [Contact(f"{NODE}/x", open=False)]


def test_a_bed_on_load_cells_is_left_well_below_its_threshold() -> None:
    home = EspHome(WEIGHED)
    said = [
        home.hear(at, "rom3/sensor/seng/state", f"{kg}".encode()) for at, kg in enumerate((2, 71.4, 29, 22, 20.9, 25))
    ]
    beds = [[body for body in some if isinstance(body, Bed)] for some in said]
    assert beds == [
        [Bed(WEIGHED.address, occupied=False)],
        [Bed(WEIGHED.address, occupied=True)],
        [],
        [],
        [Bed(WEIGHED.address, occupied=False)],
        [],
    ]


def test_a_bed_between_its_limits_is_not_guessed_at() -> None:
    home = esphome_online(WEIGHED)
    assert home.values("rom3/sensor/seng/state", b"25") == [{"weight_kg": 25.0}]
    assert home.values("rom3/sensor/seng/state", b"80") == [{"weight_kg": 80.0, "occupied": True}]
    home.state = esphome.connected(home.state)
    assert home.values("rom3/sensor/seng/state", b"25") == [{"weight_kg": 25.0}], "it may have been empty meanwhile"


def test_a_loose_wire_of_a_load_cell_does_not_empty_the_bed() -> None:
    home = EspHome(WEIGHED)
    home.hear(0, "rom3/sensor/seng/state", b"80")
    assert home.hear(1000, "rom3/sensor/seng/state", b"nan") == []
    assert home.counted == {"nan": 1}


def test_retained_is_trusted_while_the_node_is_esphome_online() -> None:
    door = entity("contact", Use.DOOR)
    home = esphome_online(door)
    assert home.hear(10, "rom3/binary_sensor/x/state", b"ON", retained=True) == [Contact(door.address, open=True)]
    home.hear(20, "rom3/status", b"offline")
    assert home.outputs == (SourceState(NODE, up=False, reason="the node says offline"),)
    assert home.hear(30, "rom3/binary_sensor/x/state", b"OFF", retained=True) == []
    assert home.counted == {"untrusted": 1}
    assert home.hear(40, "rom3/binary_sensor/x/state", b"OFF") == [Contact(door.address, open=False)], "it spoke itself"


def test_retained_of_a_node_that_never_says_whether_it_is_there_is_not_trusted() -> None:
    home = EspHome(entity("contact", Use.DOOR))
    assert home.hear(10, "rom3/binary_sensor/x/state", b"ON", retained=True) == []
    assert home.counted == {"untrusted": 1}


@pytest.mark.parametrize(
    ("device", "payload", "body"),
    [
        (entity("fall"), b"ON", Fall(f"{NODE}/x", "sure")),
        (entity("leak"), b"ON", Leak(f"{NODE}/x")),
        (entity("button"), b"ON", Call(f"{NODE}/x", "sos")),
        (entity("input", Use.CALL), b"ON", Call(f"{NODE}/x", "input")),
        (entity("input", Use.CALL, invert=True), b"OFF", Call(f"{NODE}/x", "input")),
        (entity("contact", Use.LEAK), b"OFF", Leak(f"{NODE}/x")),
    ],
)
def test_somebody_in_need_is_heard_though_the_node_has_died(device: Device, payload: bytes, body: Body) -> None:
    home = EspHome(device)
    home.hear(0, "rom3/status", b"offline", retained=True)
    assert home.hear(10, "rom3/binary_sensor/x/state", payload, retained=True) == [body]
    assert home.hear(20, "rom3/binary_sensor/x/state", payload, retained=True) == [], "told once"
    calm = b"OFF" if payload == b"ON" else b"ON"
    assert home.hear(30, "rom3/binary_sensor/x/state", calm, retained=True) == [], "an old all-clear clears nothing"


@pytest.mark.parametrize(("profile", "first"), [("button", Call(f"{NODE}/x", "sos")), ("leak", Leak(f"{NODE}/x"))])
def test_a_second_press_is_heard_though_the_release_was_lost(profile: str, first: Body) -> None:
    home = esphome_online(entity(profile))
    assert home.hear(10, "rom3/binary_sensor/x/state", b"ON") == [first]
    assert first in home.hear(60_000, "rom3/binary_sensor/x/state", b"ON")
    home = esphome_online(entity("fall"))
    home.hear(10, "rom3/binary_sensor/x/state", b"ON")
    again = home.hear(60_000, "rom3/binary_sensor/x/state", b"ON")
    assert again == [FallOver(f"{NODE}/x"), Fall(f"{NODE}/x", "sure")]


def test_a_held_button_does_not_ring_again_when_its_node_comes_back() -> None:
    home = esphome_online(entity("button"))
    home.hear(10, "rom3/binary_sensor/x/state", b"ON")
    home.hear(20_000, "rom3/status", b"offline")
    home.hear(30_000, "rom3/status", b"online")
    assert home.hear(30_010, "rom3/binary_sensor/x/state", b"ON") == []


def test_a_node_speaks_of_itself_once_a_connection() -> None:
    home = EspHome(entity("motion"))
    steps: list[tuple[bytes, list[bool]]] = [(b"online", [True]), (b"online", []), (b"offline", [False])]
    for payload, said in [*steps, (b"offline", []), (b"?", [])]:
        home.hear(0, "rom3/status", payload)
        assert [one.up for one in home.outputs] == said
    home.state = esphome.connected(home.state)
    home.hear(0, "rom3/status", b"offline", retained=True)
    assert [one.up for one in home.outputs] == [False]


def test_strangers_are_counted_and_named_once() -> None:
    home = EspHome(entity("motion"), root="hus")
    home.hear(0, "rom3/sensor/uptime/state", b"17")
    assert (home.outputs, home.counted) == ((), {"not_configured": 1})
    home.hear(0, "rom9/binary_sensor/dor/state", b"ON")
    (finding,) = home.outputs
    assert isinstance(finding, Finding)
    assert finding.address == "esphome:rom9"
    home.hear(0, "rom9/sensor/vekt/state", b"1")
    assert (len(home.outputs), home.counted) == (0, {"no_profile": 1})
    home.hear(0, "rom9/status", b"offline")
    assert len(home.outputs) == 0, "who is not set up is not missed"
    home.hear(0, "rom3/sensor/x/state", b"17")
    assert home.counted == {"profile_mismatch": 1}
    assert len(home.outputs) == 1


def test_findings_are_bounded() -> None:
    home = EspHome(entity("motion"), root="hus")
    for number in range(TOLD_MAX + 100):
        home.hear(0, f"rom{number + 100}/binary_sensor/x/state", b"ON")
    assert len(home.state.told) == TOLD_MAX


@pytest.mark.parametrize(
    "name", ["seng", "/seng", "rom3/", "rom 3\n/seng", "rom3/#", "+/seng", "a/" + "b" * 300, "$SYS/x"]
)
def test_addresses_that_are_none(name: str) -> None:
    with pytest.raises(RejectError):
        esphome.canonical(name)


def test_addresses_with_several_levels() -> None:
    device = Device("esphome:hus/2. etasje/rom 3/seng", "bed", Use.BED)
    assert esphome.canonical("hus/2. etasje/rom 3/seng") == "hus/2. etasje/rom 3/seng"
    home = EspHome(device)
    said = home.hear(0, "hus/2. etasje/rom 3/binary_sensor/seng/state", b"ON")
    assert said == [Bed(device.address, occupied=True)]
    assert esphome.subscriptions("", (device,))[0] == "hus/2. etasje/rom 3/status"


VALUE_OF = {**{n: b.value for n, b in BINARIES.items()}, **{n: b.value for n, b in NUMBERS.items()}}


@pytest.mark.parametrize("profile", sorted(set(esphome.PROFILES) - {"input"}))
def test_what_is_encoded_is_heard_as_it_was(profile: str) -> None:
    device = entity(profile, threshold_kg=30.0 if profile in esphome.WEIGHED_PROFILES else None)
    name = VALUE_OF[profile]
    options: tuple[Value, ...] = (True, False) if profile in BINARIES else (42.0,)
    options = ("sure", "no") if name == "fall" else (-42,) if name == "signal_dbm" else options
    for value in options:
        for root in ("", "hus"):
            home = EspHome(device, root=root)
            message = esphome.encode(Reading(device.address, {name: value}, replay=True), root, "rom3/x")
            assert message.retained
            (heard,) = esphome.step(MqttMessage(message.topic, message.payload), 0, home.state).outputs
            assert isinstance(heard, Reading)
            assert heard.values[name] == value


def test_a_node_is_encoded_too() -> None:
    message = esphome.encode(Reading(NODE, {"available": False}, replay=True), "hus", "rom3/x")
    assert message == MqttMessage("hus/rom3/status", b"offline", retained=True)
    assert esphome.recall({"x": "y"}, esphome.start("", ())) == esphome.start("", ())
    assert esphome.step(None, 0, esphome.start("", ())).outputs == ()


PIECES = st.sampled_from(["rom3", "x", "status", "binary_sensor", "sensor", "state", "", "hus", "#", "é\x00", "\ud800"])
TOPICS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=7).map("/".join))
PAYLOADS = st.one_of(st.binary(max_size=80), st.sampled_from([b"ON", b"OFF", b"nan", b"online", b"offline", b"1e308"]))
DEVICES = (
    *(Device(f"esphome:rom3/{profile}", profile, threshold_kg=30.0) for profile in sorted(esphome.PROFILES)),
    entity("motion"),
    Device("esphome:hus/rom4/x", "fall"),
)


@given(st.sampled_from(["", "hus"]), st.lists(st.tuples(TOPICS, PAYLOADS, st.booleans()), max_size=12))
def test_any_topic_and_payload_is_counted_or_read(root: str, messages: list[tuple[str, bytes, bool]]) -> None:
    state = esphome.start(root, DEVICES)
    for topic, payload, retained in messages:
        for path in (topic, f"{root}/{topic}" if root else topic):
            message = MqttMessage(path, payload, retained)
            esphome.awaits(message, state)
            stepped = esphome.step(message, 0, state)
            state = stepped.state
            assert sum(stepped.counted.values()) >= 1
            for one in stepped.outputs:
                assert not isinstance(one, Reading) or (set(one.values) <= set(VALUES) and len(one.raw) <= 400)
    assert len(state.active) <= len(DEVICES)
    assert len(state.told) <= TOLD_MAX
    last = MqttMessage(f"{root}/rom3/binary_sensor/x/state".lstrip("/"), b"ON")
    assert any(isinstance(one, Reading) for one in esphome.step(last, 0, state).outputs)


@pytest.mark.parametrize("kept", [None, b"OFF"])
def test_a_press_is_heard_though_the_last_one_ended_while_the_gateway_was_away(kept: bytes | None) -> None:
    home = EspHome(entity("button"))
    home.state = esphome.connected(home.state)
    assert home.hear(0, "rom3/binary_sensor/x/state", b"ON") == [Call(f"{NODE}/x", "sos")]
    home.state = esphome.connected(home.state)
    if kept is not None:
        # Its node does not say whether it is there, so that this is taken for nothing.
        assert home.hear(50_000, "rom3/binary_sensor/x/state", kept, retained=True) == []
    assert home.hear(60_000, "rom3/binary_sensor/x/state", b"ON") == [Call(f"{NODE}/x", "sos")]


def test_a_button_that_is_held_when_its_node_and_the_broker_come_back_does_not_ring() -> None:
    home = EspHome(entity("button"))
    home.state = esphome.connected(home.state)
    home.hear(0, "rom3/binary_sensor/x/state", b"ON")
    home.state = esphome.connected(home.state)
    home.hear(50_000, "rom3/status", b"online")
    assert home.hear(50_010, "rom3/binary_sensor/x/state", b"ON") == []
