"""ESPHome over MQTT: entities.py reads one entity by its profile, driver.py knows nodes and what can be trusted."""

from nattevakt.edge.drivers.esphome.driver import (
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
from nattevakt.edge.drivers.esphome.entities import PROFILES, WEIGHED_PROFILES
from nattevakt.edge.drivers.esphome.products import PRODUCTS

__all__ = [
    "PREFIX",
    "PRODUCTS",
    "PROFILES",
    "ROOT",
    "WEIGHED_PROFILES",
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
