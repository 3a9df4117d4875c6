"""Zigbee2MQTT: definitions.py reads what devices there are, decode.py what they say, driver.py joins them."""

from nattevakt.edge.drivers.zigbee2mqtt.driver import State, encode, start, step, subscriptions

__all__ = ["State", "encode", "start", "step", "subscriptions"]
