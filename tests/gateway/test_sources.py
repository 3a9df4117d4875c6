"""Several drivers and dialects in one gateway: whose message it is, and who is gone when a source is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.edge.drivers import esphome, shelly, zigbee2mqtt
from nattevakt.edge.drivers.driver import Device, Finding, MqttMessage, Reading, Remember, SourceState, Stepped, Use
from nattevakt.edge.drivers.registry import MQTT_DIALECTS
from nattevakt.gateway.sources import MQTT, RAISED_MS, Rooted, Sources
from tests.gateway.support import TinyDriver, TinyState

BED = Device("esphome:rom3/seng", "bed", Use.BED)
DOOR = Device("esphome:hus/gang/dor", "contact", Use.DOOR)
CORD = Device("shelly:bad3/input:0", "input_button", Use.CALL)
SOS = Device("z2m:rom 3/sos", use=Use.CALL)
DEVICES = (BED, DOOR, CORD, SOS)


class TinyRadar(TinyDriver):
    """A radio that has no address of its own."""

    PREFIX = "radar:"
    PER_LINE = True


class Rolling(TinyDriver):
    """A radio that asks to have its last bytes remembered, and tells what it remembers."""

    def recall(self, memory: object, state: TinyState) -> TinyState:  # noqa: ARG002
        return TinyState(len(dict(memory)))  # type: ignore[call-overload]

    def step(self, given: bytes | None, now_ms: int, state: TinyState) -> Stepped[TinyState]:  # noqa: ARG002
        if given is None:
            return Stepped(state, (Finding("rows", str(state.steps)),))
        return Stepped(state, (Remember(f"rolling.{given.decode()}", "1"),))


def three(root: str = "esphome") -> Sources:
    return Sources(
        DEVICES,
        {},
        {
            "zigbee2mqtt": Rooted(zigbee2mqtt, "zigbee2mqtt"),
            "esphome": Rooted(esphome, root),
            "shelly": Rooted(shelly, ""),
        },
    )


def addresses(sources: Sources, topic: str, payload: bytes, *, retained: bool = False) -> list[str]:
    taken = sources.mqtt(MqttMessage(topic, payload, retained), 0)
    return [one.address for one in taken.outputs if isinstance(one, Reading)]


def test_each_message_reaches_its_own_dialect_and_no_other() -> None:
    sources = three()
    press = b'{"method":"NotifyEvent","params":{"events":[{"component":"input:0","event":"single_push"}]}}'
    assert addresses(sources, "zigbee2mqtt/rom 3/sos", b'{"action":"emergency"}') == [SOS.address]
    assert addresses(sources, "esphome/rom3/binary_sensor/seng/state", b"ON") == [BED.address]
    assert addresses(sources, "esphome/hus/gang/binary_sensor/dor/state", b"ON") == [DOOR.address]
    assert addresses(sources, "bad3/events/rpc", press) == [CORD.address]
    assert addresses(sources, "zigbee2mqtt/bad3/events/rpc", press) == []
    taken = sources.mqtt(MqttMessage("annet/events/rpc", press), 0)
    assert (taken.outputs, dict(taken.counted)) == ((), {"foreign_topic": 1})


def test_counters_name_the_dialect() -> None:
    taken = three().mqtt(MqttMessage("bad3/online", b"maybe"), 0)
    assert dict(taken.counted) == {"shelly.unreadable": 1}


def test_topics_of_all_dialects_are_asked_for_and_a_node_speaks_of_itself_first() -> None:
    topics = three().topics
    assert topics[:3] == ("zigbee2mqtt/#", "esphome/+/status", "esphome/hus/gang/status")
    assert {"bad3/online", "bad3/events/rpc", "bad3/status/+"} <= set(topics)
    assert topics.index("bad3/online") < topics.index("bad3/status/+")


def test_a_node_that_is_gone_takes_only_its_own_devices() -> None:
    sources = three()
    heard = ["shelly:bad4/input:0", "z2m:0xstranger"]
    everything = [*(device.address for device in DEVICES), *heard]
    assert sources.devices_of(MQTT, heard) == everything
    assert sources.devices_of("z2m", heard) == [SOS.address, "z2m:0xstranger"]
    assert sources.devices_of("esphome:rom3", heard) == [BED.address]
    assert sources.devices_of("esphome:hus/gang", heard) == [DOOR.address]
    assert sources.devices_of("esphome:hus", heard) == []
    assert sources.devices_of("shelly:bad3", heard) == [CORD.address]
    assert sources.devices_of("serial:none", heard) == []


def test_a_device_comes_through_the_broker_and_its_bridge_or_node() -> None:
    sources = three()
    assert set(sources.through(BED.address)) >= {MQTT, "esphome:rom3"}
    assert set(sources.through(SOS.address)) >= {MQTT, "z2m"}
    assert not {"z2m", "shelly:bad3"} & set(sources.through(BED.address))


def test_the_names_are_those_that_must_be_there() -> None:
    assert three().names == (MQTT,)
    assert Sources((), {"r0": ("tiny", TinyDriver())}, {}).names == ("serial:r0",)


def test_a_radar_is_its_line_and_no_other() -> None:
    devices = (Device("radar:bad", "X"), Device("radar:stue", "X"))
    sources = Sources(devices, {"bad": ("radar", TinyRadar()), "stue": ("radar", TinyRadar())}, {})
    assert sources.devices_of("serial:bad", ()) == ["radar:bad"]
    assert sources.through("radar:stue") == ("serial:stue",)
    two = Sources((Device("tiny:a"),), {"a": ("tiny", TinyDriver()), "b": ("tiny", TinyDriver())}, {})
    assert two.through("tiny:a") == ("serial:a", "serial:b")
    assert two.devices_of("serial:a", ()) == [], "nobody knows yet which of them hears it"


def test_where_the_line_is_the_device_an_open_port_proves_nothing() -> None:
    sources = Sources((Device("radar:bad", "X"),), {"bad": ("radar", TinyRadar()), "r0": ("tiny", TinyDriver())}, {})
    assert sources.works_once_open("r0")
    assert not sources.works_once_open("bad")
    up = SourceState("serial:bad", up=True)
    for at_ms in (0, 10_000):
        assert sources.opened("bad", at_ms).outputs == ()
        assert sources.serial("bad", b'{"address": "radar:bad", "finding": "noise"}', at_ms + 1).outputs == (
            Finding("radar:bad", "noise"),
        )
        first = sources.serial("bad", b'{"address": "radar:bad", "values": {}}', at_ms + 2).outputs
        assert first[0] == up
        assert isinstance(first[1], Reading)
        assert up not in sources.serial("bad", b'{"address": "radar:bad", "values": {}}', at_ms + 3).outputs


class Sticky(TinyDriver):
    """A radio whose driver keeps what will make it raise, and says how often it began."""

    def __init__(self) -> None:
        self.begun = 0

    def start(self, devices: tuple[Device, ...], line: object) -> TinyState:  # noqa: ARG002
        self.begun += 1
        return TinyState()

    def step(self, given: bytes | None, now_ms: int, state: TinyState) -> Stepped[TinyState]:
        if given == b"poison":
            return Stepped(TinyState(666), (), (), None)
        if state.steps == 666:
            raise ZeroDivisionError
        return Stepped(state, (Finding("ok", ""),), (), now_ms + 60_000)


def test_a_driver_that_raised_begins_afresh_and_is_woken_again() -> None:
    driver = Sticky()
    sources = Sources((), {"r0": ("tiny", driver)}, {})
    sources.opened("r0", 0)
    sources.serial("r0", b"poison", 1_000)
    with pytest.raises(ZeroDivisionError):
        sources.serial("r0", b"x", 2_000)
    assert sources.due(2_000) == [], "not called again and again"
    assert sources.wake_at_ms() == 2_000 + RAISED_MS, "but it has silences to judge"
    assert sources.serial("r0", b"x", 3_000).outputs == (Finding("ok", ""),)


def test_what_a_serial_driver_remembers_is_there_when_its_port_is_opened_again() -> None:
    sources = Sources((), {"r0": ("tiny", Rolling())}, {})
    sources.recall({"rolling.old": "1", "device:tiny:a": "{}", "core.heard:tiny:a": "[]"})
    assert sources.opened("r0", 0).outputs == (Finding("rows", "1"),), "only rows of drivers"
    sources.serial("r0", b"new", 1)
    assert sources.opened("r0", 2).outputs == (Finding("rows", "2"),), "also what is not on disk yet"


ROOTS = tuple(dialect.ROOT for dialect in MQTT_DIALECTS.values() if dialect.ROOT)
WORDS = ("rom3", "bad3", "status", "events", "rpc", "binary_sensor", "sensor", "seng", "state", "online", "input:0")
LEVELS = st.sampled_from([*ROOTS, *WORDS, "bridge", "device", "up", "tele", "stat", "LWT", "", "é"])
TOPICS = st.one_of(st.text(max_size=40), st.lists(LEVELS, max_size=7).map("/".join))


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(TOPICS, st.binary(max_size=40), st.booleans()), max_size=10))
def test_any_topic_and_payload_is_taken_by_one_dialect_or_counted(messages: list[tuple[str, bytes, bool]]) -> None:
    dialects = {name: Rooted(dialect, dialect.ROOT) for name, dialect in MQTT_DIALECTS.items()}
    every = Sources(DEVICES, {}, dialects)
    every.connected()
    for topic, payload, retained in messages:
        message = MqttMessage(topic, payload, retained)
        every.awaits(message)
        taken = every.mqtt(message, 0)
        assert taken.counted
        assert len({name.partition(".")[0] for name in taken.counted}) == 1


@pytest.mark.parametrize("retained", [True, False])
def test_what_is_retained_waits_for_its_node_and_nothing_else_does(retained: bool) -> None:
    sources = three()
    sources.connected()
    state = MqttMessage("esphome/rom3/binary_sensor/seng/state", b"ON", retained)
    assert sources.awaits(state) is retained
    taken = sources.mqtt(MqttMessage("esphome/rom3/status", b"online", retained=True), 0)
    assert taken.outputs == (SourceState("esphome:rom3", up=True),)
    assert not sources.awaits(state)
    assert not sources.awaits(MqttMessage("nobody/at/all", b""))
