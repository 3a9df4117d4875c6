"""Ports over the real thing: a pseudo-terminal that goes away mid-frame, and a real mosquitto."""

from __future__ import annotations

import os
import queue
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from nattevakt.gateway.config import MqttConfig, SerialConfig
from nattevakt.gateway.inputs import (
    AckMqtt,
    HttpFailed,
    HttpSend,
    Input,
    MqttDown,
    MqttReceived,
    MqttUp,
    PortDown,
    PortUp,
    SerialBytes,
)
from nattevakt.gateway.lanes import HttpLane
from nattevakt.gateway.ports import LanePort, MqttPort, SerialPort
from tests.support.processes import free_port, mosquitto

T = TypeVar("T", bound=object)


class Inbox:
    """What a port puts on the core's queue."""

    def __init__(self) -> None:
        self.queue: queue.Queue[Input] = queue.Queue()
        self.beats = 0

    def beat(self) -> None:
        self.beats += 1

    def next(self, kind: type[T]) -> T:
        """The next input, which must be of this kind."""
        found = self.queue.get(timeout=30)
        assert isinstance(found, kind), found
        return found


@contextmanager
def threaded(run: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(30)
        assert not thread.is_alive()


def open_pty(link: Path) -> tuple[int, int]:
    master, slave = os.openpty()
    tty.setraw(slave)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(slave))
    return master, slave


def test_serial_reads_writes_loses_and_returns(tmp_path: Path) -> None:
    inbox, link = Inbox(), tmp_path / "radio"
    port = SerialPort(SerialConfig("r0", str(link), "enocean"), inbox.queue.put, inbox.beat, lambda: 4_711)
    with threaded(port.run, port.stop):
        assert inbox.next(PortDown).port == "r0"
        master, slave = open_pty(link)
        assert inbox.next(PortUp) == PortUp("r0")
        os.write(master, b"U\x00half")
        data = b""
        while data != b"U\x00half":
            found = inbox.next(SerialBytes)
            data += found.data
            assert found.read_ms == 4_711
        port.send(b"ask")
        assert os.read(master, 10) == b"ask"
        os.close(slave)
        os.close(master)
        assert inbox.next(PortDown).reason
        began = time.monotonic()
        master, slave = open_pty(link)
        inbox.next(PortUp)
        assert time.monotonic() - began < 5
        os.write(master, b"\xff" * 3_000)
        got = 0
        while got < 3_000:
            got += len(inbox.next(SerialBytes).data)
    os.close(slave)
    os.close(master)
    assert inbox.beats > 5
    assert port.errors >= 2


def test_what_is_sent_does_not_wait_for_what_is_read(tmp_path: Path) -> None:
    inbox, link = Inbox(), tmp_path / "radio"
    master, slave = open_pty(link)
    config = SerialConfig("r0", str(link), "enocean")
    # Were the line's silence waited out, neither the question nor the end would come within the test's time.
    port = SerialPort(config, inbox.queue.put, inbox.beat, lambda: 0, read_s=600)
    with threaded(port.run, port.stop):
        inbox.next(PortUp)
        for question in (b"one", b"two"):
            port.send(question)
            assert os.read(master, 10) == question
    os.close(slave)
    os.close(master)


def test_a_port_in_use_is_down(tmp_path: Path) -> None:
    link = tmp_path / "radio"
    master, slave = open_pty(link)
    one, two = Inbox(), Inbox()
    config = SerialConfig("r0", str(link), "enocean")
    first = SerialPort(config, one.queue.put, one.beat, lambda: 0)
    second = SerialPort(config, two.queue.put, two.beat, lambda: 0)
    with threaded(first.run, first.stop):
        one.next(PortUp)
        with threaded(second.run, second.stop):
            two.next(PortDown)
    os.close(slave)
    os.close(master)


@contextmanager
def publisher(port: int) -> Iterator[Callable[[str, bytes], None]]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bridge")
    client.connect("127.0.0.1", port)
    client.loop_start()

    def publish(topic: str, payload: bytes) -> None:
        client.publish(topic, payload, qos=1).wait_for_publish(30)

    try:
        yield publish
    finally:
        client.disconnect()
        client.loop_stop()


def mqtt_port(inbox: Inbox, port: int) -> MqttPort:
    config = MqttConfig("127.0.0.1", port, keepalive_s=5)
    return MqttPort(config, "nattevakt-test", None, ("home/#",), inbox.queue.put, inbox.beat)


def test_what_was_not_acknowledged_comes_again_and_the_rest_does_not(tmp_path: Path) -> None:
    broker = free_port()
    with mosquitto(tmp_path, broker), publisher(broker) as publish:
        inbox = Inbox()
        port = mqtt_port(inbox, broker)
        with threaded(port.run, port.stop):
            assert inbox.next(MqttUp) == MqttUp(1, session_present=False)
            publish("home/a", b"one")
            first = inbox.next(MqttReceived)
            assert (first.topic, first.payload, first.qos, first.dup, first.epoch) == ("home/a", b"one", 1, False, 1)
            port.ack(AckMqtt(first.mid, first.qos, first.epoch))
            publish("home/b", b"two")
            second = inbox.next(MqttReceived)
            port.reconnect()
            inbox.next(MqttDown)
            assert inbox.next(MqttUp) == MqttUp(2, session_present=True)
            again = inbox.next(MqttReceived)
            assert (again.payload, again.mid, again.dup) == (b"two", second.mid, True)
            port.ack(AckMqtt(second.mid, second.qos, second.epoch))
            publish("home/c", b"three")
            assert inbox.next(MqttReceived).payload == b"three"
        port.close()
        publish("home/d", b"while away")
        later = Inbox()
        port = mqtt_port(later, broker)
        with threaded(port.run, port.stop):
            assert later.next(MqttUp).session_present
            payloads = [later.next(MqttReceived).payload for _ in range(3)]
            assert payloads == [b"two", b"three", b"while away"], "an acknowledgement of an old connection is no good"
        port.close()
        assert inbox.beats > 3


def test_a_broker_that_dies_is_found_again_within_ten_seconds(tmp_path: Path) -> None:
    broker = free_port()
    inbox = Inbox()
    port = mqtt_port(inbox, broker)
    with threaded(port.run, port.stop):
        inbox.next(MqttDown)
        for session_present in (False, True):
            with mosquitto(tmp_path, broker) as process:
                began = time.monotonic()
                assert inbox.next(MqttUp).session_present is session_present
                assert time.monotonic() - began < 10
                process.stop()
            inbox.next(MqttDown)
    port.close()
    assert port.errors > 0


def test_a_lane_whose_exchange_breaks_lives_on() -> None:
    class Broken(HttpLane):
        def exchange(self, send: HttpSend) -> HttpFailed:
            raise ZeroDivisionError(send.lane)

    inbox = Inbox()
    port = LanePort("urgent", Broken("http://127.0.0.1:9", "x", time.monotonic), inbox.queue.put, inbox.beat)
    with threaded(port.run, port.stop):
        for number in (1, 2):
            port.send(HttpSend("urgent", number, "/", "x", b""))
            assert inbox.next(HttpFailed) == HttpFailed("urgent", number, "connection", "ZeroDivisionError")
    assert port.errors == 2
