"""A recording without names means what was recorded: every published frame, before and after redaction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nattevakt.edge.drivers.driver import Device, Line, MqttMessage, Reading
from nattevakt.edge.drivers.registry import MQTT_DIALECTS, SERIAL_DRIVERS
from nattevakt.gateway.redact import EnoceanRedactor, MicradarRedactor, MqttRedactor, Names
from tests.fuzz.corpus import DRIVERS
from tests.fuzz.harness import ESPHOME, devices_of, vectors

CHOICES = range(0, 64, 5)


def messages(dialect: str) -> list[MqttMessage]:
    found = []
    for vector in vectors():
        protocol = str(vector["protocol"])
        if dialect in DRIVERS.get(protocol, (protocol,)) and "topic" in vector:
            found.append(MqttMessage(str(vector["topic"]), str(vector["payload"]).encode()))
    return found or [MqttMessage(topic, payload.encode()) for topic, payload in ESPHOME]


def said(dialect: str, devices: tuple[Device, ...], published: list[MqttMessage]) -> list[object]:
    radio = MQTT_DIALECTS[dialect]
    state = radio.start(radio.ROOT, devices)
    found: list[object] = []
    for message in published:
        stepped = radio.step(message, 0, state)
        state = stepped.state
        found += [(one.values, one.occurred_ms) for one in stepped.outputs if isinstance(one, Reading)]
    return found


@pytest.mark.parametrize("dialect", sorted(MQTT_DIALECTS))
def test_messages_without_names_mean_the_same(dialect: str) -> None:
    root, published, heard = MQTT_DIALECTS[dialect].ROOT, messages(dialect), 0
    bases = {root: root} if root else {}
    for choice in CHOICES:
        devices = devices_of(dialect, choice)
        redactor = MqttRedactor(Names(), bases, frozenset({root} if dialect == "zigbee2mqtt" else ()))
        shown = [replace(device, address=address_of(redactor, device)) for device in devices]
        before = said(dialect, devices, published)
        assert said(dialect, tuple(shown), [redactor.message(message) for message in published]) == before
        heard += len(before)
    assert heard


def address_of(redactor: MqttRedactor, device: Device) -> str:
    prefix, colon, name = device.address.partition(":")
    return prefix + colon + (redactor.name(name) if prefix == "z2m" else redactor.path(name))


@pytest.mark.parametrize("name", ["enocean", "micradar"])
def test_bytes_without_names_mean_the_same(name: str) -> None:
    """One frame after the other, in chunks; damaged ones too, each after a silence."""
    driver, protocols = SERIAL_DRIVERS[name], {"enocean": "enocean-esp3", "micradar": "micradar-5359"}
    raws = [bytes.fromhex("".join(str(v["hex"]).split())) for v in vectors() if v["protocol"] == protocols[name]]
    heard = 0
    for choice in CHOICES:
        names = Names()
        devices = devices_of(name, choice)
        if name == "enocean":
            shown = tuple(
                replace(d, address=f"enocean:{names.sender(bytes.fromhex(d.address[8:])).hex().upper()}")
                for d in devices
            )
        else:
            shown = devices
        redactor = EnoceanRedactor(names) if name == "enocean" else MicradarRedactor()
        before, after = driver.start(devices, Line("fuzz")), driver.start(shown, Line("fuzz"))
        for number, raw in enumerate(raws):
            at_ms = 10_000 * (number + 1)
            clean = redactor.take(raw, at_ms) + redactor.rest()
            assert len(clean) == len(raw)
            found = []
            for data, state in ((raw, before), (clean, after)):
                first = driver.step(data, at_ms, state)
                second = driver.step(None, at_ms + 2_000, first.state)
                said_ = (*first.outputs, *second.outputs)
                found.append((second.state, [one.values for one in said_ if isinstance(one, Reading)]))
            (before, told), (after, told_after) = found
            assert told_after == told, raw.hex()
            heard += len(told)
    assert heard
