"""Which drivers and profiles exist, by the names that settings use. Serves arrows 1 and 2.

Owns the names. Must not know ports or brokers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nattevakt.edge.drivers import (
    chirpstack,
    enocean,
    esphome,
    ld2410,
    micradar,
    milesight,
    shelly,
    tasmota,
    tinyframe,
    zigbee2mqtt,
)
from nattevakt.edge.drivers.driver import Device, Line, MqttMessage, Product, Reading, Stepped


class Radio(Protocol):
    """What every driver says of itself.

    PREFIX: how its devices' addresses begin ("enocean:"). PROFILES: profile names that settings may hold, with their
    meaning in Norwegian; empty for self-describing radios. PRODUCTS: what of it can be bought and mounted.
    """

    PREFIX: str
    PROFILES: Mapping[str, str]
    PRODUCTS: tuple[Product, ...]

    def canonical(self, name: str) -> str:
        """A device's name (the address without PREFIX) as events will show it; raises RejectError with the rule."""


class SerialDriver(Radio, Protocol):
    """What a serial radio's driver module offers; its state is its own business.

    BAUD: the line's speed unless settings say otherwise. PER_LINE: the line is the device, whose name is the line's.
    """

    BAUD: int
    PER_LINE: bool

    def start(self, devices: tuple[Device, ...], line: Line) -> Any:
        """A state that has heard nothing yet."""

    def recall(self, memory: Mapping[str, str], state: Any) -> Any:
        """The state with what an earlier run of the agent asked to have remembered."""

    def learning(self, until_ms: int | None, state: Any) -> Any:
        """The state when an operator has opened the learn window until a boottime, or closed it (None)."""

    def step(self, given: bytes | None, now_ms: int, state: Any) -> Stepped[Any]:
        """Take bytes, or None when time has passed."""

    def encode(self, reading: Reading, profile: str) -> bytes:
        """The bytes that a device of this profile would send for this reading."""


class MqttDialect(Radio, Protocol):
    """What an MQTT dialect's module offers.

    ROOT: the topic under which it is published unless settings say otherwise; "" if every node has one of its own.
    """

    ROOT: str

    def start(self, base_topic: str, devices: tuple[Device, ...]) -> Any:
        """A state that has heard nothing yet."""

    def subscriptions(self, base_topic: str, devices: tuple[Device, ...]) -> tuple[str, ...]:
        """The topic filters to subscribe to, none of which overlap; what a node says of itself comes first."""

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


SERIAL_DRIVERS: Mapping[str, SerialDriver] = {
    "enocean": enocean,
    "ld2410": ld2410,
    "micradar": micradar,
    "tinyframe": tinyframe,
}
MQTT_DIALECTS: Mapping[str, MqttDialect] = {
    "zigbee2mqtt": zigbee2mqtt,
    "esphome": esphome,
    "shelly": shelly,
    "tasmota": tasmota,
    # Both hear the same devices; who asks what "lora:" is, is told of the one named last.
    "milesight": milesight,
    "chirpstack": chirpstack,
}

RADIOS: Mapping[str, Radio] = {**SERIAL_DRIVERS, **MQTT_DIALECTS}
"""Every driver by the name that settings use."""

BY_PREFIX: Mapping[str, Radio] = {radio.PREFIX: radio for radio in RADIOS.values()}

PROFILES: Mapping[str, str] = {name: meaning for radio in RADIOS.values() for name, meaning in radio.PROFILES.items()}
"""Profile names that a device's settings may hold, with their meaning in Norwegian."""

WEIGHED_PROFILES = esphome.WEIGHED_PROFILES
"""Profiles of load cells: somebody is there from the device's threshold_kg on."""
