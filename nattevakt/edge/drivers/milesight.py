"""LoRaWAN through the server inside a Milesight gateway, and a VS373 on Wi-Fi. Serves arrows 1 and 2.

The driver is that of chirpstack/; here it listens to another topic.

Owns which topics those are: one that the operator chose, with nothing but uplinks under it. Must not know payloads.
"""

from __future__ import annotations

from nattevakt.edge.drivers.chirpstack import driver
from nattevakt.edge.drivers.chirpstack.driver import (
    PREFIX,
    State,
    awaits,
    canonical,
    connected,
    recall,
    step,
)
from nattevakt.edge.drivers.chirpstack.driver import encode_plain as encode
from nattevakt.edge.drivers.chirpstack.products import PROFILES
from nattevakt.edge.drivers.driver import Device, Product

ROOT = "milesight/uplink"
PRODUCTS: tuple[Product, ...] = ()
"""The products are listed once, with chirpstack."""

__all__ = [
    "PREFIX",
    "PRODUCTS",
    "PROFILES",
    "ROOT",
    "State",
    "awaits",
    "canonical",
    "connected",
    "encode",
    "recall",
    "start",
    "step",
    "subscriptions",
]


def start(base_topic: str, devices: tuple[Device, ...]) -> State:
    """A driver that has heard nothing yet."""
    return driver.start(base_topic, devices, served=False)


def subscriptions(base_topic: str, devices: tuple[Device, ...]) -> tuple[str, ...]:  # noqa: ARG001 - one contract for all
    """The operator's topic and what may lie under it."""
    return (f"{base_topic.rstrip('/')}/#",)
