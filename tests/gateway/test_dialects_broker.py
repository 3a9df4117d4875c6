"""Three dialects on one real mosquitto: every message once, and a call that a restart of the broker cannot lose."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.drivers.registry import MQTT_DIALECTS
from nattevakt.edge.events import Bed, Call, Contact, SourceBack, SourceLost
from nattevakt.gateway.agent import guard
from nattevakt.gateway.config import MqttConfig
from nattevakt.gateway.core import Core
from nattevakt.gateway.health import Machine
from nattevakt.gateway.inputs import AckMqtt, Input, MqttDown, MqttReceived, MqttUp
from nattevakt.gateway.ports import MqttPort
from nattevakt.gateway.sources import Rooted, Sources
from tests.gateway.support import HttpCentre, bodies, calls, outbox, run
from tests.gateway.test_agent import running, write_config
from tests.gateway.test_ports import Inbox, threaded
from tests.support.processes import free_port, mosquitto
from tests.support.wait import until

CORD = Device("shelly:bad3/input:0", "input_button", Use.CALL)
DOOR = Device("esphome:gang/dor", "contact", Use.DOOR)
SOS = Device("z2m:sos", use=Use.CALL)
LAST = ("zigbee2mqtt/last", b"{}")


def press(ts: float) -> bytes:
    event = {"component": "input:0", "id": 0, "event": "single_push", "ts": ts}
    return json.dumps({"method": "NotifyEvent", "params": {"ts": ts, "events": [event]}}).encode()


def sources() -> Sources:
    roots = {"zigbee2mqtt": "zigbee2mqtt", "esphome": "hus", "shelly": ""}
    return Sources((CORD, DOOR, SOS), {}, {name: Rooted(MQTT_DIALECTS[name], root) for name, root in roots.items()})


@contextmanager
def client(port: int) -> Iterator[mqtt.Client]:
    found = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="nodes", protocol=mqtt.MQTTv311)
    found.connect("127.0.0.1", port)
    found.loop_start()
    try:
        yield found
    finally:
        found.disconnect()
        found.loop_stop()


def say(broker: mqtt.Client, topic: str, payload: bytes, *, retain: bool = False) -> None:
    broker.publish(topic, payload, qos=1, retain=retain).wait_for_publish(30)


def received(inbox: Inbox, last: tuple[str, bytes]) -> Counter[str]:
    """Everything up to a last message, by topic."""
    found: Counter[str] = Counter()
    while True:
        given = inbox.queue.get(timeout=30)
        if isinstance(given, MqttReceived):
            if (given.topic, given.payload) == last:
                return found
            found[given.topic] += 1


def mqtt_port(inbox: Inbox, broker: int, topics: tuple[str, ...]) -> MqttPort:
    config = MqttConfig("127.0.0.1", broker, keepalive_s=5)
    return MqttPort(config, "nattevakt-test", None, topics, inbox.queue.put, inbox.beat)


def test_every_message_of_three_dialects_comes_once(tmp_path: Path) -> None:
    broker = free_port()
    with mosquitto(tmp_path, broker), client(broker) as speaker:
        kept = ("bad3/online", "hus/gang/status", "hus/gang/binary_sensor/dor/state", "zigbee2mqtt/bridge/state")
        for topic in kept:
            say(speaker, topic, b"x", retain=True)
        inbox = Inbox()
        port = mqtt_port(inbox, broker, sources().topics)
        with threaded(port.run, port.stop):
            inbox.next(MqttUp)
            live = ("zigbee2mqtt/online", "zigbee2mqtt/a/events/rpc", "bad3/events/rpc", "bad3/status/input:0", *kept)
            for topic in live:
                say(speaker, topic, b"y")
            say(speaker, "annet/online", b"of no concern")
            say(speaker, *LAST)
            assert received(inbox, LAST) == Counter([*kept, *live])
        port.close()


def test_overlapping_filters_would_have_brought_one_twice(tmp_path: Path) -> None:
    """Why the settings refuse them: mosquitto delivers what it retained once for each filter."""
    broker = free_port()
    with mosquitto(tmp_path, broker), client(broker) as speaker:
        say(speaker, "zigbee2mqtt/online", b"x", retain=True)
        inbox = Inbox()
        port = mqtt_port(inbox, broker, ("zigbee2mqtt/#", "+/online"))
        with threaded(port.run, port.stop):
            inbox.next(MqttUp)
            say(speaker, *LAST)
            assert received(inbox, LAST) == {"zigbee2mqtt/online": 2}
        port.close()


def test_trap_24_an_exception_in_a_callback_does_not_kill_the_connection_unseen(tmp_path: Path) -> None:
    """paho's own thread would die of it while `is_connected` stays true: here the next message comes all the same."""
    broker, inbox, broken = free_port(), Inbox(), [True]

    def put(given: Input) -> None:
        if broken and isinstance(given, MqttReceived):
            broken.clear()
            raise ZeroDivisionError("a bug in a callback")
        inbox.queue.put(given)

    config = MqttConfig("127.0.0.1", broker, keepalive_s=5)
    with mosquitto(tmp_path, broker), client(broker) as speaker:
        port = MqttPort(config, "nattevakt-test", None, sources().topics, put, inbox.beat)
        with threaded(port.run, port.stop):
            inbox.next(MqttUp)
            say(speaker, "bad3/events/rpc", b"first")
            say(speaker, "bad3/events/rpc", b"second")
            assert inbox.next(MqttReceived).payload == b"second"
            assert port.errors == 1
            port.reconnect()
            inbox.next(MqttDown)
            inbox.next(MqttUp)
            again = [inbox.next(MqttReceived).payload for _ in range(2)]
            assert again == [b"first", b"second"], "what no callback took was not acknowledged either"
        port.close()


def test_trap_25_a_restart_of_the_broker_with_an_unacknowledged_call(tmp_path: Path) -> None:
    """The press reached the gateway but not its disk when the broker died: it comes again, and rings once."""
    broker, inbox, spoken = free_port(), Inbox(), sources()
    box = outbox(tmp_path)
    core = Core(spoken, box, Machine(tmp_path, thermal=tmp_path / "none"), guard, lambda: 0.5)
    port = mqtt_port(inbox, broker, spoken.topics)
    process = mosquitto(tmp_path, broker)
    with threaded(port.run, port.stop):
        try:
            inbox.next(MqttUp)
            with client(broker) as speaker:
                say(speaker, "bad3/events/rpc", press(1_790_000_000.5))
                first = inbox.next(MqttReceived)
        finally:
            process.stop()
        inbox.next(MqttDown)
        with mosquitto(tmp_path, broker):
            up = inbox.next(MqttUp)
            assert up.session_present
            again = inbox.next(MqttReceived)
            assert (again.topic, again.payload, again.dup) == (first.topic, first.payload, True)
            for at_ms, given in ((0, up), (10, again)):
                for ack in (output for output in run(core, at_ms, given) if isinstance(output, AckMqtt)):
                    port.ack(ack)
    port.close()
    assert [call.body for call in calls(box)] == [Call(CORD.address, "single_push")]
    box.close()


def test_a_retained_door_waits_for_its_node_whatever_order_the_broker_has(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    core = Core(sources(), box, Machine(tmp_path, thermal=tmp_path / "none"), guard, lambda: 0.5)
    door = MqttReceived("hus/gang/binary_sensor/dor/state", b"ON", retained=True, epoch=1)
    run(core, 0, MqttUp(1, session_present=False))
    run(core, 10, door)
    assert [body for body in bodies(box) if isinstance(body, Contact)] == []
    run(core, 20, MqttReceived("zigbee2mqtt/sos", b'{"battery":90}', epoch=1))
    run(core, 30, MqttReceived("hus/gang/status", b"online", retained=True, epoch=1))
    assert [body for body in bodies(box) if isinstance(body, Contact)] == [Contact(DOOR.address, open=True)]
    box.close()


def test_what_one_dialect_waits_for_is_not_taken_for_what_another_does(tmp_path: Path) -> None:
    """The bridge names its devices and lets a call through; the door of a node still waits for the node."""
    box = outbox(tmp_path)
    core = Core(sources(), box, Machine(tmp_path, thermal=tmp_path / "none"), guard, lambda: 0.5)
    run(core, 0, MqttUp(1, session_present=False))
    run(core, 10, MqttReceived("zigbee2mqtt/ny", b'{"action":"emergency"}', epoch=1))
    run(core, 20, MqttReceived("hus/gang/binary_sensor/dor/state", b"ON", retained=True, epoch=1))
    assert calls(box) == []
    run(core, 30, MqttReceived("zigbee2mqtt/bridge/devices", b"[]", retained=True, epoch=1))
    assert [call.body for call in calls(box)] == [Call("z2m:ny", "emergency")]
    run(core, 40, MqttReceived("hus/gang/status", b"online", retained=True, epoch=1))
    assert [body for body in bodies(box) if isinstance(body, Contact)] == [Contact(DOOR.address, open=True)]
    box.close()


def test_a_retained_door_of_a_node_that_is_gone_says_nothing(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    core = Core(sources(), box, Machine(tmp_path, thermal=tmp_path / "none"), guard, lambda: 0.5)
    door = MqttReceived("hus/gang/binary_sensor/dor/state", b"ON", retained=True, epoch=1)
    run(core, 0, MqttUp(1, session_present=False), door)
    run(core, 10, MqttReceived("hus/gang/status", b"offline", retained=True, epoch=1))
    run(core, 60_000, door)
    assert [body for body in bodies(box) if isinstance(body, Contact)] == []
    box.close()


def test_who_is_behind_a_node_that_is_gone_is_not_back_with_the_broker(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    core = Core(sources(), box, Machine(tmp_path, thermal=tmp_path / "none"), guard, lambda: 0.5)
    run(core, 0, MqttUp(1, session_present=False))
    run(core, 10, MqttReceived("bad3/online", b"true", epoch=1))
    run(core, 20, MqttReceived("bad3/online", b"false", epoch=1))
    run(core, 30, MqttDown("gone"))
    run(core, 40, MqttUp(2, session_present=True))
    run(core, 50, MqttReceived("bad3/online", b"false", retained=True, epoch=2))
    run(core, 60, MqttReceived("bad3/online", b"true", epoch=2))
    said = [body for body in bodies(box) if isinstance(body, SourceLost | SourceBack)]
    everybody, others = {CORD.address, DOOR.address, SOS.address}, {DOOR.address, SOS.address}
    assert [(type(one), one.source, set(one.devices)) for one in said] == [
        (SourceLost, "shelly:bad3", {CORD.address}),
        (SourceLost, "mqtt", everybody),
        (SourceBack, "mqtt", others),
        (SourceBack, "shelly:bad3", {CORD.address}),
    ]
    box.close()


SETTINGS = """
[mqtt]
host = "127.0.0.1"
port = {port}
dialects = ["zigbee2mqtt", "esphome", "shelly"]
topics = {{ esphome = "hus" }}
[[device]]
address = "shelly:bad3/input:0"
profile = "input_button"
use = "call"
[[device]]
address = "esphome:rom3/seng"
profile = "bed_weight"
use = "bed"
threshold_kg = 30
[[device]]
address = "z2m:sos"
use = "call"
"""


def test_from_the_settings_file_to_the_centre_in_three_dialects(tmp_path: Path) -> None:
    broker = free_port()
    with mosquitto(tmp_path, broker), client(broker) as speaker, HttpCentre() as server:
        say(speaker, "hus/rom3/status", b"online", retain=True)
        say(speaker, "hus/rom3/sensor/seng/state", b"71.5", retain=True)
        config = write_config(tmp_path, server.url, tmp_path / "no-stick", SETTINGS.format(port=broker))
        bed = Bed("esphome:rom3/seng", occupied=True)
        with running(config):
            until(lambda: bed in server.centre.bodies(), "the bed's retained weight")
            say(speaker, "bad3/events/rpc", press(1_790_000_000.5))
            say(speaker, "zigbee2mqtt/sos", b'{"action":"emergency"}')
            say(speaker, "hus/rom3/sensor/seng/state", b"2.5", retain=True)
            want = [Call(CORD.address, "single_push"), Call(SOS.address, "emergency"), replace(bed, occupied=False)]
            until(lambda: all(body in server.centre.bodies() for body in want), "all three dialects")
        said = server.centre.bodies()
        assert [body for body in said if isinstance(body, Bed | Call)] == [bed, *want], "each of them once, in order"
