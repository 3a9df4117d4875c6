"""Simulated sensors that speak real bytes and real JSON. Serves arrows 1 and 2 from the outside.

Owns a pseudo-terminal that looks like an EnOcean stick and a publisher that looks like Zigbee2MQTT. They use the
drivers' own encoders, so that what they say is what the product believes the devices say. Must not know the centre.
"""

from __future__ import annotations

import json
import os
import select
import threading
import tty
from collections.abc import Mapping
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from nattevakt.edge.drivers.driver import Reading, Value
from nattevakt.edge.drivers.enocean import driver as enocean
from nattevakt.edge.drivers.enocean.frame import Frame, feed

READ_BASE_ID = 0x08
COMMON_COMMAND = 0x05
RESPONSE = 0x02


class Stick:
    """An EnOcean USB stick on a pseudo-terminal, reachable under a stable name that survives a re-plug.

    link: the path that stands for /dev/serial/by-id/…; a symbolic link to the terminal while plugged in.
    """

    def __init__(self, link: Path) -> None:
        self.link = link
        self.probed = threading.Event()
        """Set when somebody asked for the base id since the last plug-in: the port is open and read."""
        self._master = -1
        self._reader: threading.Thread | None = None
        self._stopping = threading.Event()

    def plug(self) -> None:
        """Put the stick in: a new terminal appears under the stable name."""
        master, slave = os.openpty()
        tty.setraw(slave)
        self._master = master
        self.probed.clear()
        self._stopping.clear()
        temporary = self.link.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.ttyname(slave))
        temporary.replace(self.link)
        self._reader = threading.Thread(target=self._answer, args=(master, slave), name="stick", daemon=True)
        self._reader.start()

    def pull(self) -> None:
        """Pull the stick out: the name vanishes and an open port gets an error."""
        self.link.unlink(missing_ok=True)
        self._stopping.set()
        if self._reader is not None:
            self._reader.join(5)
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def write(self, raw: bytes) -> None:
        """Send raw bytes to whoever has the port open; waits while the line is full."""
        left = memoryview(raw)
        while left:
            select.select([], [self._master], [], 30)
            try:
                left = left[os.write(self._master, left) :]
            except BlockingIOError:
                continue

    def say(self, address: str, profile: str, values: Mapping[str, Value]) -> bytes:
        """Encode and send one telegram of a device; returns its bytes."""
        raw = enocean.encode(Reading(address, values), profile)
        self.write(raw)
        return raw

    def _answer(self, master: int, slave: int) -> None:
        """Answer the link probe as a real stick does. The slave stays open until the gateway has opened its own."""
        os.set_blocking(master, False)
        buffer = b""
        while not self._stopping.wait(0.02):
            try:
                given = os.read(master, 4096)
            except BlockingIOError:
                continue
            except OSError:
                break
            frames, buffer, _counted = feed(buffer, given)
            for frame in frames:
                if frame.packet_type == COMMON_COMMAND and frame.data[:1] == bytes([READ_BASE_ID]):
                    os.write(master, Frame(RESPONSE, b"\x00\xff\x9e\x55\x00", b"\x0a").to_bytes())
                    self.probed.set()
        os.close(slave)


class Bridge:
    """Something that looks like Zigbee2MQTT on a broker: device list, state messages at QoS 1, availability."""

    def __init__(self, host: str, port: int, base_topic: str = "zigbee2mqtt") -> None:
        self.base_topic = base_topic
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"simulated-{base_topic}")
        self._client.will_set(f"{base_topic}/bridge/state", '{"state":"offline"}', qos=1, retain=True)
        self._client.reconnect_delay_set(1, 2)
        self._connected = threading.Event()
        self._client.on_connect = lambda *_: self._connected.set()
        self._client.on_disconnect = lambda *_: self._connected.clear()
        self._client.connect_async(host, port, keepalive=10)
        self._client.loop_start()

    def online(self, definitions: list[dict[str, object]], limit_s: float = 30) -> None:
        """Wait for the broker, then publish bridge/state and bridge/devices, both retained."""
        self.ready(limit_s)
        self.publish("bridge/devices", definitions, retain=True)
        self.publish("bridge/state", {"state": "online"}, retain=True)

    def ready(self, limit_s: float = 30) -> None:
        """Wait until the broker answers; raises TimeoutError."""
        if not self._connected.wait(limit_s):
            raise TimeoutError("the broker did not answer")

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish bytes under a whole topic at QoS 1, without waiting."""
        self._client.publish(topic, payload, qos=1, retain=retain)

    def publish(self, name: str, payload: object, *, retain: bool = False, wait: bool = True) -> None:
        """Publish one message under the base topic at QoS 1 and wait until the broker has it.

        Raises TimeoutError where the broker is away for 30 s.
        """
        if not self._connected.wait(30):
            raise TimeoutError("the broker did not answer")
        sent = self._client.publish(f"{self.base_topic}/{name}", json.dumps(payload), qos=1, retain=retain)
        if wait:
            sent.wait_for_publish(30)

    def stop(self) -> None:
        """Leave the broker and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()


def definition(name: str, ieee: str, model: str, *exposes: dict[str, object]) -> dict[str, object]:
    """One entry of bridge/devices as Zigbee2MQTT 2 publishes it."""
    return {
        "friendly_name": name,
        "ieee_address": ieee,
        "type": "EndDevice",
        "supported": True,
        "definition": {"model": model, "vendor": "simulated", "exposes": list(exposes)},
    }


def binary(name: str, on: object = True, off: object = False) -> dict[str, object]:
    """A binary expose."""
    return {"type": "binary", "name": name, "property": name, "value_on": on, "value_off": off, "access": 1}


def enum(name: str, *values: str) -> dict[str, object]:
    """An enum expose."""
    return {"type": "enum", "name": name, "property": name, "values": list(values), "access": 1}
