"""All devices of a ward, and what each says when something happens. Serves arrows 1 and 2 from the outside.

Owns which resident's device notices what, the faults that devices have, and what a bridge says of itself. How a radio
says it is in devices/. No input or output: whoever has a line, real or simulated, carries what is said here. Must not
know time beyond "so much later".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random

from nattevakt.sim.acts import Act
from nattevakt.sim.devices.device import MEANS, Plain, Published, RadioBytes, Said, SimDevice, Utterance
from nattevakt.sim.devices.enocean import EnOceanDevice
from nattevakt.sim.devices.milesight import MilesightDevice
from nattevakt.sim.devices.radars import LD2410, MicRadar, TinyFrame
from nattevakt.sim.devices.wifi import EspHomeDevice, ShellyDevice
from nattevakt.sim.devices.zigbee import ZigbeeDevice
from nattevakt.sim.faults import FAULTS, Faults
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import Sensor, Ward

__all__ = ["MAKERS", "Published", "RadioBytes", "Said", "SimDevice", "Utterance", "Voices"]

Maker = Callable[[Sensor, str], Plain]
MAKERS: Mapping[str, Maker] = {
    "enocean": lambda sensor, _: EnOceanDevice(sensor),
    "micradar": lambda sensor, _: MicRadar(sensor),
    "tinyframe": lambda sensor, _: TinyFrame(sensor),
    "ld2410": lambda sensor, _: LD2410(sensor),
    "zigbee2mqtt": ZigbeeDevice,
    "esphome": EspHomeDevice,
    "shelly": ShellyDevice,
    "chirpstack": MilesightDevice,
}
"""By the radio's name in settings: a simulated device, made from the sensor and the topic that it speaks under."""


class Voices:
    """All devices of a ward and what each would say if asked now."""

    def __init__(self, ward: Ward) -> None:
        self._ward = ward
        topics = {gateway.key: ward.dialects(gateway.key) for gateway in ward.gateways}
        self._topics = {key: spoken["zigbee2mqtt"] for key, spoken in topics.items()}
        self.devices: dict[str, SimDevice] = {
            s.address: MAKERS[s.radio](s, topics.get(s.gateway, {}).get(s.radio, "")) for s in ward.sensors
        }
        self._on_port: dict[tuple[str, str], list[SimDevice]] = {}
        for sensor in ward.sensors:
            if sensor.is_serial:
                self._on_port.setdefault((sensor.gateway, sensor.port), []).append(self.devices[sensor.address])
        self.faults = Faults()

    def of(self, happening: Happening) -> tuple[Utterance, ...]:
        """What the resident's devices say of this; nothing where no device of theirs can know."""
        resident = self._ward.resident(happening.resident)
        if resident is None:
            return ()
        sensor = resident.sensor(MEANS[happening.act][0], happening.spot)
        if sensor is None:
            return ()
        if happening.act in (Act.FALLS, Act.FALLS_PERHAPS):
            self.devices[sensor.address].fell_ms = happening.at_ms
        return self.does(sensor.address, happening.act)

    def does(self, address: str, act: Act) -> tuple[Utterance, ...]:
        """What one device says when this happens in its room, with all its faults."""
        device = self.devices[address]
        return () if self.faults.frozen(address) else self.faults.changed(device, device.does(act))

    def report(self, sensor: Sensor) -> tuple[Utterance, ...]:
        """A sign of life: the device says again how things are; a mute one says nothing."""
        device = self.devices[sensor.address]
        return self.faults.said(device, device.reports())

    def starts(self, sensor: Sensor) -> tuple[Utterance, ...]:
        """What a device says when it gets power."""
        device = self.devices[sensor.address]
        return self.faults.said(device, device.starts())

    def hears(self, gateway: str, port: str, asked: bytes) -> tuple[Utterance, ...]:
        """What is answered to bytes that a gateway sent on one of its serial lines."""
        told: list[Utterance] = []
        for device in self._on_port.get((gateway, port), ()):
            told += self.faults.said(device, device.hears(asked))
        return tuple(told)

    def fault(self, name: str, address: str, chance: Random, now_ms: int, *, on: bool = True) -> tuple[Utterance, ...]:
        """A device gets a fault, or is rid of it; gives what the fault alone makes it say."""
        device = self.devices[address]
        if on:
            return self.faults.begin(FAULTS[name], device, chance, now_ms)
        self.faults.end(FAULTS[name], device)
        return ()

    def bridge(self, gateway: str, *, online: bool = True) -> tuple[Utterance, ...]:
        """What a gateway's Zigbee2MQTT publishes when it comes up or goes down, all retained."""
        base = self._topics[gateway]
        told: list[Utterance] = []
        if online:
            devices = json.dumps(self._ward.bridge_devices(gateway)).encode()
            told.append(Utterance(0, "", Published(gateway, f"{base}/bridge/devices", devices, retained=True)))
        state = json.dumps({"state": "online" if online else "offline"}).encode()
        told.append(Utterance(0, "", Published(gateway, f"{base}/bridge/state", state, retained=True)))
        return tuple(told)

    def bridge_restarts(self, gateway: str, away_ms: int) -> tuple[Utterance, ...]:
        """Zigbee2MQTT goes and comes back, in the words of its first version, and says again all that it has cached."""
        base = self._topics[gateway]
        told = [Utterance(0, "", Published(gateway, f"{base}/bridge/state", b"offline", retained=True))]
        told += [Utterance(away_ms, "", u.said) for u in self.bridge(gateway)[:1]]
        told.append(Utterance(away_ms, "", Published(gateway, f"{base}/bridge/state", b"online", retained=True)))
        for sensor in self._ward.of_gateway(gateway):
            device = self.devices[sensor.address]
            if isinstance(device, ZigbeeDevice):
                told += device.cached(away_ms + 50)
        return tuple(told)
