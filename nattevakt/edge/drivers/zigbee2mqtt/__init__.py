"""Zigbee2MQTT: definitions.py reads what devices there are, recalled.py keeps it, decode.py reads what they say."""

from nattevakt.edge.drivers.zigbee2mqtt.driver import (
    State,
    awaits,
    connected,
    encode,
    recall,
    start,
    step,
    subscriptions,
)

__all__ = ["State", "awaits", "connected", "encode", "recall", "start", "step", "subscriptions"]
