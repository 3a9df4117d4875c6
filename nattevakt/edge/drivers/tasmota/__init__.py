"""Tasmota: parts.py reads what one part of a node says, driver.py knows topics and nodes."""

from nattevakt.edge.drivers.tasmota.driver import (
    PREFIX,
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
from nattevakt.edge.drivers.tasmota.parts import PROFILES
from nattevakt.edge.drivers.tasmota.products import PRODUCTS

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
