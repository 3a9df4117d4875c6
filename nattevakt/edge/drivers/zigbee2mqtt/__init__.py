"""Zigbee2MQTT: definitions.py reads what devices there are, recalled.py keeps it, decode.py reads what they say."""

from nattevakt.edge.drivers.zigbee2mqtt.driver import (
    PREFIX,
    PROFILES,
    ROOT,
    State,
    awaits,
    canonical,
    connected,
    encode,
    recall,
    start,
    step,
    subscriptions,
)
from nattevakt.edge.drivers.zigbee2mqtt.products import PRODUCTS

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
