"""One harness for all serial drivers and MQTT dialects: any bytes in, and what must hold afterwards.

An input's first byte is the driver (CODES), its second the profile of every configured device. The rest is a script:

    00-7F  so many bytes (at most) of what follows go in: a chunk of a serial line, or a topic or payload
    80-FF  time passes, (byte - 7F) x 13 ms; for a dialect, the next message is a retained one

A dialect takes chunks in pairs, topic and payload; a payload longer than 127 bytes is a byte FF before its chunk, which
then has a length of two bytes. Whatever happens: nothing raises, no buffer grows past its bound, readings speak in the
words of VALUES and can be interpreted, and the driver can still be woken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from nattevakt.edge.drivers.driver import VALUES, Device, Line, MqttMessage, Reading, Stepped, Use
from nattevakt.edge.drivers.enocean.decode import Telegram
from nattevakt.edge.drivers.enocean.frame import feed
from nattevakt.edge.drivers.registry import MQTT_DIALECTS, SERIAL_DRIVERS
from nattevakt.edge.errors import FrameError
from tests.edge.interpreting import House

FRAMES = Path(__file__).parents[1] / "frames"
NAMES = (*sorted(SERIAL_DRIVERS), *sorted(MQTT_DIALECTS))
CODES: dict[str, int] = {
    "enocean": 1,
    "micradar": 2,
    "tinyframe": 3,
    "ld2410": 4,
    "zigbee2mqtt": 11,
    "esphome": 12,
    "shelly": 13,
    "chirpstack": 14,
    "milesight": 15,
    "tasmota": 16,
}
"""An input's first byte by driver; never changed, or the corpus would speak to others."""
ESPHOME = (
    ("bed-room-2/status", "online"),
    ("bed-room-2/binary_sensor/bed_occupied/state", "ON"),
    ("node/status", "online"),
    ("node/sensor/bed_weight/state", "62.5"),
    ("node/sensor/bed_weight/state", "nan"),
    ("node/binary_sensor/door/state", "OFF"),
)
"""Messages of a dialect whose documentation gives topics and words, but no captures."""
BUFFER_MAX = 4_096
WAKES_MAX = 20
TICK_MS = 13
SCRIPT_MAX = 4_096
LONG = 0xFF
USES = tuple(Use)


_BY_CODE = {code: name for name, code in CODES.items() if name in NAMES}


def vectors() -> Iterator[dict[str, object]]:
    """Every line of tests/frames."""
    for path in sorted(FRAMES.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            yield json.loads(line)


def _senders() -> tuple[str, ...]:
    found: dict[str, None] = {}
    for vector in vectors():
        raw = vector.get("hex")
        if vector["protocol"] == "enocean-esp3" and isinstance(raw, str):
            for frame in feed(b"", bytes.fromhex(raw.replace(" ", "")))[0]:
                try:
                    found[Telegram.from_frame(frame).address] = None
                except FrameError:
                    continue
    return tuple(found)


SENDERS = _senders()
PLACES: dict[str, tuple[str, ...]] = {
    "esphome": ("esphome:bed-room-2/bed_occupied", "esphome:node/bed_weight", "esphome:node/door"),
    "shelly": (
        "shelly:shellyplus1-a8032abc7158/input:0",
        "shelly:shellyblugwg3-1/bthomesensor:200",
        "shelly:shellyblugwg3-1/bthomedevice:200",
    ),
    "tasmota": ("tasmota:door1/Switch1", "tasmota:door1/Switch2", "tasmota:door1/Button1", "tasmota:door1/AM2301"),
    "chirpstack": ("lora:24e124535d387374", "lora:24e124136b502217"),
    "milesight": ("lora:24e124535d387374", "lora:24e124136b502217"),
    "zigbee2mqtt": ("z2m:door", "z2m:0xa4c13899607febd1", "z2m:sos"),
}
"""Addresses of configured devices; a dialect that is not named here has none."""


def devices_of(name: str, choice: int) -> tuple[Device, ...]:
    """The devices of a driver, all with one profile and use, chosen by a byte."""
    radio = SERIAL_DRIVERS.get(name) or MQTT_DIALECTS[name]
    profiles = (*sorted(radio.PROFILES), "") if name in MQTT_DIALECTS else (*sorted(radio.PROFILES),) or ("",)
    profile, use = profiles[choice % len(profiles)], USES[choice // 7 % len(USES)]
    serial = SERIAL_DRIVERS.get(name)
    if serial is None:
        places = PLACES.get(name, ())
        # Settings refuse a device without a profile where profiles exist.
        chosen = profile or (sorted(radio.PROFILES)[0] if radio.PROFILES else "")
        return tuple(Device(place, chosen, use, invert=choice % 2 == 1) for place in places)
    if serial.PER_LINE:
        return (Device(f"{serial.PREFIX}fuzz", profile, use),)
    return tuple(Device(address, profile, use) for address in SENDERS)


class Listener:
    """A driver's outputs, held against the contract."""

    def __init__(self, devices: tuple[Device, ...]) -> None:
        self._house = House(*devices)
        self.readings = 0

    def check(self, stepped: Stepped[object], now_ms: int) -> None:
        """What one step gave back."""
        assert all(isinstance(name, str) and number >= 0 for name, number in stepped.counted.items())
        assert all(isinstance(data, bytes) for data in stepped.to_send)
        assert _held(stepped.state) <= BUFFER_MAX, "a buffer grows"
        for output in stepped.outputs:
            if isinstance(output, Reading):
                self.readings += 1
                assert set(output.values) <= set(VALUES), set(output.values) - set(VALUES)
                assert len(output.raw) <= 400
                self._house.hear(
                    now_ms,
                    dict(output.values),
                    output.address,
                    raw=output.raw,
                    replay=output.replay,
                    key=output.key,
                    occurred_ms=output.occurred_ms,
                )


def _held(state: object) -> int:
    """The bytes that a driver's state keeps for a frame to come."""
    kept = (getattr(state, name, b"") for name in ("buffer", "unfinished", "kept"))
    return max(len(one if isinstance(one, bytes) else getattr(one, "data", b"")) for one in kept)


def play(data: bytes) -> int:
    """One input; gives how many readings came out. Raises where the contract is broken."""
    if len(data) < 2:
        return 0
    name = _BY_CODE.get(data[0], NAMES[data[0] % len(NAMES)])
    script = data[2 : 2 + SCRIPT_MAX]
    return _serial(name, data[1], script) if name in SERIAL_DRIVERS else _mqtt(name, data[1], script)


def _serial(name: str, choice: int, script: bytes) -> int:
    driver, devices = SERIAL_DRIVERS[name], devices_of(name, choice)
    listener = Listener(devices)
    now_ms, at = 1_000_000, 0
    first = driver.step(None, now_ms, driver.start(devices, Line("fuzz")))
    listener.check(first, now_ms)
    state, wake_at_ms = first.state, first.wake_at_ms
    while at < len(script):
        word = script[at]
        at += 1
        if word >= 0x80:
            until_ms = now_ms + (word - 0x7F) * TICK_MS
            for _ in range(WAKES_MAX):
                if wake_at_ms is None or wake_at_ms > until_ms:
                    break
                now_ms = max(now_ms, wake_at_ms)
                stepped = driver.step(None, now_ms, state)
                listener.check(stepped, now_ms)
                state, wake_at_ms = stepped.state, stepped.wake_at_ms
            now_ms = until_ms
            continue
        stepped = driver.step(script[at : at + word], now_ms, state)
        listener.check(stepped, now_ms)
        state, wake_at_ms = stepped.state, stepped.wake_at_ms
        at += word
    return listener.readings


def _mqtt(name: str, choice: int, script: bytes) -> int:
    dialect, devices = MQTT_DIALECTS[name], devices_of(name, choice)
    listener = Listener(devices)
    root = dialect.ROOT
    dialect.subscriptions(root, devices)
    state, now_ms, at = dialect.recall({}, dialect.start(root, devices)), 1_000_000, 0
    pair: list[bytes] = []
    retained = False
    while at < len(script):
        word = script[at]
        at += 1
        if word == LONG:
            word = int.from_bytes(script[at : at + 2], "big")
            at += 2
        elif word >= 0x80:
            now_ms += (word - 0x7F) * TICK_MS
            retained = True
            continue
        pair.append(script[at : at + word])
        at += word
        if len(pair) == 2:
            message = MqttMessage(pair[0].decode("utf-8", "replace"), pair[1], retained)
            dialect.awaits(message, state)
            stepped = dialect.step(message, now_ms, state)
            listener.check(stepped, now_ms)
            state, retained, pair = stepped.state, False, []
            now_ms += TICK_MS
    dialect.connected(state)
    return listener.readings


def script_of_bytes(raw: bytes) -> bytes:
    """A serial frame as a script: in chunks, then silence."""
    chunks = [raw[at : at + 100] for at in range(0, len(raw), 100)]
    return b"".join(bytes((len(chunk),)) + chunk for chunk in chunks) + b"\xbf"


def script_of_message(topic: str, payload: str, *, retained: bool = False) -> bytes:
    """An MQTT message as a script."""
    found = b"\x80" if retained else b""
    for part in (topic.encode(), payload.encode()):
        found += (bytes((len(part),)) if len(part) < 0x80 else b"\xff" + len(part).to_bytes(2, "big")) + part
    return found
