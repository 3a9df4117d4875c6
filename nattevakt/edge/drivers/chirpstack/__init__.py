"""LoRaWAN through ChirpStack v4: uplink.py reads the envelopes, milesight.py the payloads, recalled.py knows repeats.
Serves arrows 1 and 2."""

from nattevakt.edge.drivers.chirpstack.driver import (
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
from nattevakt.edge.drivers.chirpstack.products import PRODUCTS, PROFILES

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
