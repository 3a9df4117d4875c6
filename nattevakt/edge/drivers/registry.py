"""Which drivers and profiles exist, by the names that settings use. Serves arrows 1 and 2.

Owns the names. Must not know ports or brokers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nattevakt.edge.drivers import zigbee2mqtt
from nattevakt.edge.drivers.driver import Device, MqttMessage, Reading, Stepped
from nattevakt.edge.drivers.enocean import decode as enocean_decode
from nattevakt.edge.drivers.enocean import driver as enocean


class SerialDriver(Protocol):
    """What a serial radio's driver module offers; its state is its own business."""

    def start(self, devices: tuple[Device, ...]) -> Any:
        """A state that has heard nothing yet."""

    def step(self, given: bytes | None, now_ms: int, state: Any) -> Stepped[Any]:
        """Take bytes, or None when time has passed."""

    def encode(self, reading: Reading, profile: str) -> bytes:
        """The bytes that a device of this profile would send for this reading."""


class MqttDialect(Protocol):
    """What an MQTT dialect's module offers."""

    def start(self, base_topic: str, devices: tuple[Device, ...]) -> Any:
        """A state that has heard nothing yet."""

    def subscriptions(self, base_topic: str) -> tuple[str, ...]:
        """The topic filters to subscribe to."""

    def step(self, given: MqttMessage | None, now_ms: int, state: Any) -> Stepped[Any]:
        """Take one message, or None when time has passed."""

    def recall(self, memory: Mapping[str, str], state: Any) -> Any:
        """The state with what an earlier run of the agent asked to have remembered."""

    def connected(self, state: Any) -> Any:
        """The state when a connection to the broker begins: what the bridge tells of its devices is yet to come."""

    def awaits(self, given: MqttMessage, state: Any) -> bool:
        """Whether what this message means depends on what the bridge has yet to tell of its devices."""

    def encode(self, reading: Reading, base_topic: str, friendly_name: str) -> MqttMessage:
        """The message that the bridge would publish for this reading."""


SERIAL_DRIVERS: Mapping[str, SerialDriver] = {"enocean": enocean}
MQTT_DIALECTS: Mapping[str, MqttDialect] = {"zigbee2mqtt": zigbee2mqtt}

PROFILES: Mapping[str, str] = {name: profile.meaning for name, profile in enocean_decode.PROFILES.items()}
"""Profile names that a device's settings may hold, with their meaning in Norwegian."""
