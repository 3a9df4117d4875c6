"""Shelly Gen2+ and the BLU sensors it relays: components.py reads one component, driver.py knows nodes and repeats."""

from nattevakt.edge.drivers.shelly.components import PROFILES
from nattevakt.edge.drivers.shelly.driver import (
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
from nattevakt.edge.drivers.shelly.products import PRODUCTS

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
