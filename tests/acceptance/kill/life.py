"""The load: presses, leaks, falls, doors, beds and health on two sticks and a broker, and what the senders know.

Owns the truth: what was said when, and whether whoever took it said so. Must not know what is broken, nor the centre.

Every button is pressed anew only after many seconds. Nothing is ever said twice by the sender itself: what a broker did
not acknowledge stays unacknowledged, so that a second row of it would be a fault of the product.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from nattevakt.edge.drivers.driver import Value
from tests.acceptance.kill.scene import PROFILES, Gateway, Scene, boottime_ms

TICK_S = 0.05
SERIAL, MQTT = "serial", "mqtt"
RATES = {"press": 2.0, "leak": 0.2, "door": 1.0, "bed": 1.0, "sos": 1.5, "fall": 0.3, "moves": 0.7, "battery": 0.5}
"""How often each of these happens at each gateway, a second."""


@dataclass(slots=True)
class Said:
    """One press, leak or fall. taken: the port was being read; acked_ms: when the broker said that it has it."""

    gateway: str
    device: str
    kind: str
    way: str
    at_ms: int
    taken: bool = False
    acked_ms: int | None = None


class Publisher:
    """Publishes at QoS 1 and never again: with its connection go all claims on what was not acknowledged."""

    def __init__(self, port: int, greet: Callable[[Publisher], None]) -> None:
        self._port = port
        self._greet = greet
        self._greeted = False
        self._number = 0
        self._client: mqtt.Client | None = None
        self._pending: list[tuple[Said | None, mqtt.MQTTMessageInfo]] = []

    @property
    def up(self) -> bool:
        """Whether something can be published now."""
        return self._client is not None and self._client.is_connected()

    def turn(self) -> None:
        """Note what has been acknowledged; connect again where the connection is gone."""
        now_ms = boottime_ms()
        waiting = []
        for said, info in self._pending:
            if not info.is_published():
                waiting.append((said, info))
            elif said is not None:
                said.acked_ms = now_ms
        self._pending = waiting
        if self.up and not self._greeted:
            self._greeted = True
            self._greet(self)
        elif self._client is None or self._client._thread is None or not self._client._thread.is_alive():
            self._connect()

    def _connect(self) -> None:
        self.close()
        self._number += 1
        self._greeted = False
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"kill-{self._number}", reconnect_on_failure=False)
        client.max_inflight_messages_set(10_000)
        try:
            client.connect("127.0.0.1", self._port, keepalive=60)
        except OSError:
            return
        client.loop_start()
        self._client = client

    def publish(self, topic: str, payload: object, said: Said | None = None, *, retain: bool = False) -> None:
        """Publish once, if there is a connection. said: whose acknowledgement is waited for."""
        if self._client is None or not self.up:
            return
        info = self._client.publish(topic, json.dumps(payload), qos=1, retain=retain)
        if info.rc == mqtt.MQTT_ERR_SUCCESS:
            self._pending.append((said, info))

    def close(self) -> None:
        """Leave; what was not acknowledged never is."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None
        self._pending = []


class Life:
    """What happens at both gateways, in a thread of its own. said: all of it that is urgent."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.said: list[Said] = []
        self.happened = 0
        self._scene = scene
        self._chance = Random(f"{seed}:life")
        self._publisher = Publisher(scene.broker_port, self._greet)
        self._stop = threading.Event()
        self._calm = threading.Event()
        self._calm.set()
        self._turns = {key: self._cycles(gateway) for key, gateway in scene.gateways.items()}
        self._states: dict[str, bool] = {}
        self._thread = threading.Thread(target=self._run, name="life", daemon=True)

    @staticmethod
    def _cycles(gateway: Gateway) -> dict[str, Iterator[str]]:
        of = gateway.devices
        endless = {"press": of.buttons, "door": of.doors, "bed": of.mats, "sos": of.sos, "moves": of.radars}
        once = {"leak": of.drips, "fall": of.radars}
        found: dict[str, Iterator[str]] = {name: cycle(addresses) for name, addresses in endless.items()}
        return {**found, **{name: iter(addresses) for name, addresses in once.items()}, "battery": cycle(of.sos)}

    def __enter__(self) -> Life:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(40)
        self._publisher.close()

    def begin(self) -> None:
        """From now on things happen."""
        self._calm.clear()

    def end(self) -> None:
        """From now on nothing happens; acknowledgements are still noted."""
        self._calm.set()

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            self._publisher.turn()
            if self._calm.is_set():
                continue
            for gateway in self._scene.gateways.values():
                for what, rate in RATES.items():
                    if self._chance.random() < rate * TICK_S:
                        device = next(self._turns[gateway.key][what], None)
                        if device is not None:
                            self._happens(gateway, what, device)

    def _happens(self, gateway: Gateway, what: str, device: str) -> None:
        self.happened += 1
        match what:
            case "press":
                self._radio(gateway, device, "call", {"action": "BI", "pressed": True}, {"pressed": False})
            case "leak":
                self._radio(gateway, device, "leak", {"wet": True})
            case "door" | "bed":
                self._states[device] = not self._states.get(device, False)
                self._radio(gateway, device, what, {"closed": self._states[device]})
            case "sos":
                self._mqtt(gateway, device, "call", {"action": "emergency", "battery": 90})
            case "fall":
                self._states[device] = True
                self._mqtt(gateway, device, "fall", {"occupancy": True, "fall_status": "fall_alarm"})
            case "moves":
                # A bridge says a device's whole state each time: also that it has long reported a fall.
                fall = "fall_alarm" if self._states.get(device) else "normal"
                self._mqtt(gateway, device, "", {"occupancy": self._chance.random() < 0.5, "fall_status": fall})
            case _:
                self._mqtt(gateway, device, "", {"battery": self._chance.randint(20, 100)})

    def _radio(self, gateway: Gateway, device: str, use: str, *values: dict[str, Value]) -> None:
        with gateway.radio:
            read = gateway.stick.probed.is_set()
            urgent = use in ("call", "leak")
            if not gateway.plugged or not (read or urgent):
                return
            if urgent:
                self.said.append(Said(gateway.key, device, use, SERIAL, boottime_ms(), taken=read))
            for said in values:
                gateway.stick.say(device, PROFILES[use], said)

    def _mqtt(self, gateway: Gateway, device: str, kind: str, payload: dict[str, Any]) -> None:
        if not self._publisher.up:
            self._states.pop(device, None)
            return
        said = Said(gateway.key, f"z2m:{device}", kind, MQTT, boottime_ms()) if kind else None
        if said is not None:
            self.said.append(said)
        self._publisher.publish(f"{gateway.key}/{device}", {**payload, "linkquality": self.happened % 250}, said)

    def _greet(self, publisher: Publisher) -> None:
        """A broker that was wiped knows of no device."""
        for key, gateway in self._scene.gateways.items():
            publisher.publish(f"{key}/bridge/devices", gateway.devices.definitions(), retain=True)
            publisher.publish(f"{key}/bridge/state", {"state": "online"}, retain=True)
