"""How devices and lines misbehave: what is said instead of what would have been. Serves arrows 1 and 2 from outside.

Owns the ways; which device may have which, by what name, is in faults.py. A way takes the device, what it would say,
and a source of chance of its own, and gives what is said instead. Facts: field notes of public issue trackers.
Must not know time beyond "so much later", nor what a gateway makes of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.drivers.enocean.frame import Frame, feed
from nattevakt.sim.devices.device import Published, RadioBytes, SimDevice, Utterance
from nattevakt.sim.devices.radars import mic_frame, tiny_frame
from nattevakt.sim.devices.zigbee import ZigbeeDevice

Told = tuple[Utterance, ...]
Way = Callable[[SimDevice, Told, Random], Told]

QUADRUPLE_MS = (0, 500, 1_100, 1_900)
REPEATERS_MS = ((0, 0), (1, 45), (2, 95))
SYNC = {"enocean": b"\x55", "micradar": b"\x53\x59", "tinyframe": b"\x01", "ld2410": b"\xf4\xf3\xf2\xf1"}
PROMISES = {
    "enocean": b"\x55\xff\xff\xff\x01",
    "micradar": b"\x53\x59\x83\x01\xff\xff",
    "tinyframe": b"\x01\x00\x00\xff\xff\x0e\x02",
    "ld2410": b"\xf4\xf3\xf2\xf1\xff\xff",
}
"""How a frame begins that would be longer than any."""
STRAY = b"\x00\x27\x6a"
LEARN_BIT = 0x08
SECURED = 0x30


def later(told: Told, by_ms: int) -> Told:
    """The same, so much later."""
    return tuple(replace(one, after_ms=one.after_ms + by_ms) for one in told)


def _bytes(told: Told, change: Callable[[bytes], list[tuple[int, bytes]]]) -> Told:
    """Each telegram on a line becomes these, each so much later; messages stay as they are."""
    found: list[Utterance] = []
    for one in told:
        if not isinstance(one.said, RadioBytes):
            found.append(one)
            continue
        for by_ms, data in change(one.said.data):
            found.append(replace(one, after_ms=one.after_ms + by_ms, said=replace(one.said, data=data)))
    return tuple(found)


# --- what becomes of what is said ----------------------------------------------------------------------------


def nothing(_device: SimDevice, _told: Told, _chance: Random) -> Told:
    """Nothing is said."""
    return ()


def quadruple(_device: SimDevice, told: Told, _chance: Random) -> Told:
    """The same message four times in two seconds."""
    return tuple(sorted((u for by_ms in QUADRUPLE_MS for u in later(told, by_ms)), key=lambda u: u.after_ms))


def old_first(device: SimDevice, told: Told, _chance: Random) -> Told:
    """The old state first, then the new one, within the same second."""
    if device.before == device.state or device.sensor.use is Use.CALL:
        return told
    return device.say(device.before) + later(told, 400)


def bounce(device: SimDevice, told: Told, _chance: Random) -> Told:
    """The contact closes and opens again within milliseconds before it rests."""
    if device.before == device.state:
        return told
    return told + device.say(device.before, 4) + device.say(device.state, 9)


def no_action(device: SimDevice, told: Told, _chance: Random) -> Told:
    """A press of which only the empty word arrives."""
    return device.raw({"action": ""}) if isinstance(device, ZigbeeDevice) else told


def press_stays(_device: SimDevice, told: Told, _chance: Random) -> Told:
    """Somebody has asked the bridge to have this device's messages kept: the broker hands the last press out to whoever
    subscribes anew. A bridge of today sends no empty word after a press, which would take its place."""
    found: list[Utterance] = []
    for one in told:
        word = _action(one)
        if word is None:
            found.append(one)
        elif word and isinstance(one.said, Published):
            found.append(replace(one, said=replace(one.said, retained=True)))
    return tuple(found)


def _action(one: Utterance) -> str | None:
    """The action that a message names, "" for none or for a copy on a topic of its own; None for another message."""
    if not isinstance(one.said, Published):
        return None
    if one.said.topic.endswith("/action"):
        return ""
    payload = json.loads(one.said.payload)
    return payload.get("action") if isinstance(payload, dict) else None


def dim_motion(device: SimDevice, told: Told, _chance: Random) -> Told:
    """Movement that is told as none, with a link quality of nought."""
    return device.raw({"occupancy": False, "linkquality": 0}) if isinstance(device, ZigbeeDevice) else told


def copies(_device: SimDevice, told: Told, _chance: Random) -> Told:
    """Each telegram comes once more from each of two repeaters, which count in its status."""

    def change(data: bytes) -> list[tuple[int, bytes]]:
        return [(by_ms, _status(data, count)) for count, by_ms in REPEATERS_MS]

    return _bytes(told, change)


def _status(data: bytes, count: int) -> bytes:
    frames, _, _ = feed(b"", data)
    return b"".join(_with(frame, frame.data[:-1] + bytes((frame.data[-1] & 0xF0 | count,))) for frame in frames)


def _with(frame: Frame, data: bytes) -> bytes:
    return Frame(frame.packet_type, data, frame.optional).to_bytes()


def secured(_device: SimDevice, told: Told, chance: Random) -> Told:
    """The device was put into its secure mode: the same telegram, unreadable for whoever has no key."""

    def change(data: bytes) -> list[tuple[int, bytes]]:
        frames, _, _ = feed(b"", data)
        sealed = [_with(f, bytes((SECURED,)) + chance.randbytes(6) + f.data[-5:]) for f in frames]
        return [(0, b"".join(sealed))]

    return _bytes(told, change)


def noise(device: SimDevice, told: Told, chance: Random) -> Told:
    """Random bytes before and after, among them some with which a frame begins."""

    def burst() -> bytes:
        return (
            chance.randbytes(chance.randint(1, 20)) + SYNC[device.sensor.radio] + chance.randbytes(chance.randint(0, 9))
        )

    return _bytes(told, lambda data: [(0, burst() + data + burst())])


def stray_bytes(_device: SimDevice, told: Told, chance: Random) -> Told:
    """Single bytes that belong to nothing, between the frames."""

    def some() -> bytes:
        return bytes(chance.choices(STRAY, k=chance.randint(1, 6)))

    return _bytes(told, lambda data: [(0, some() + data + some())])


def half_frame(_device: SimDevice, told: Told, chance: Random) -> Told:
    """The beginning of a frame comes first; and once more alone, and then the line is silent."""

    def change(data: bytes) -> list[tuple[int, bytes]]:
        cut = chance.randint(1, len(data) - 1)
        return [(0, data[:cut]), (20, data), (5_000, data[:cut])]

    return _bytes(told, change)


def damaged(_device: SimDevice, told: Told, chance: Random) -> Told:
    """A copy with one wrong bit comes first."""

    def change(data: bytes) -> list[tuple[int, bytes]]:
        wrong = bytearray(data)
        wrong[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        return [(0, bytes(wrong)), (30, data)]

    return _bytes(told, change)


def long_length(device: SimDevice, told: Told, _chance: Random) -> Told:
    """Right before the frame stands the beginning of one that would never end."""
    return _bytes(told, lambda data: [(0, PROMISES[device.sensor.radio] + data)])


def zero_length(_device: SimDevice, told: Told, _chance: Random) -> Told:
    """Right before the frame stands one without data, which has no second checksum."""
    return _bytes(told, lambda data: [(0, tiny_frame(0x0E0E, b"", 0x8000) + data)])


def two_gateways(_device: SimDevice, told: Told, _chance: Random) -> Told:
    """Two LoRaWAN gateways heard it, and the network server tells it twice."""
    again: list[Utterance] = []
    for one in told:
        if isinstance(one.said, Published) and one.said.topic.endswith("/event/up"):
            payload = json.loads(one.said.payload)
            payload["deduplicationId"] = "the-other-gateway"
            said = replace(one.said, payload=json.dumps(payload).encode())
            again.append(replace(one, after_ms=one.after_ms + 80, said=said))
    return told + tuple(again)


# --- what is said of itself ----------------------------------------------------------------------------------

Begins = Callable[[SimDevice, Random, int], Told]
"""Takes the device, chance, and the true time (Unix ms)."""


def learn_telegram(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """Somebody pressed the learn button: the bit that makes a telegram data is not set."""

    def change(data: bytes) -> list[tuple[int, bytes]]:
        frames, _, _ = feed(b"", data)
        learns = [_with(f, f.data[:-6] + bytes((f.data[-6] & ~LEARN_BIT,)) + f.data[-5:]) for f in frames]
        return [(0, b"".join(learns))]

    return _bytes(device.say(device.state), change)


def twice(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """It starts, and says twice how things are."""
    return device.starts() + later(device.starts(), 300)


def starts(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """It loses its power for a moment and starts."""
    return device.starts()


def presses(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """A press that nobody made."""
    return device.pressed()


def false_fall(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """A fall that nobody had."""
    return device.say({"fall": "sure"}) + device.say({"fall": "no"}, 20_000)


def flicker(device: SimDevice, chance: Random, _now_ms: int) -> Told:
    """A quarter of an hour of drop-outs of one to three seconds, and one of a minute, under somebody who lies still."""
    found: list[Utterance] = []
    at_ms = 0
    for number in range(24):
        at_ms += round(chance.uniform(10, 35) * 1_000)
        gap_ms = 60_000 if number == 12 else round(chance.uniform(1, 3) * 1_000)
        found += [*device.say({"occupied": False}, at_ms), *device.say({"occupied": True}, at_ms + gap_ms)]
        at_ms += gap_ms
    return tuple(found)


FLOOD, FLOOD_EVERY_MS = 5_688, 200


def flood(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """What one faulty sensor sent in a day, in nineteen minutes."""
    told = device.say(device.state)
    return tuple(u for number in range(FLOOD) for u in later(told, number * FLOOD_EVERY_MS))


def cached(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """The bridge says again what it has cached, as an ordinary message."""
    return device.cached() if isinstance(device, ZigbeeDevice) else ()


def light_repeats(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """Each measurement of the light repeats that somebody moves."""
    if not isinstance(device, ZigbeeDevice):
        return ()
    return tuple(
        u for n in range(12) for u in device.raw({"occupancy": True, "illuminance": 3 + n % 3}, n * 60_000)
    ) + device.raw({"occupancy": False}, 12 * 60_000)


def unavailable(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """The bridge takes it for gone, and finds it a moment later."""
    return (
        device.available(on=False) + device.available(on=True, after_ms=2_000)
        if isinstance(device, ZigbeeDevice)
        else ()
    )


def kept(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """The broker hands out its kept copy of how things were, as to a client that subscribes anew."""
    found = []
    for one in device.say(device.state):
        if isinstance(one.said, Published):
            found.append(replace(one, said=replace(one.said, retained=False, kept=True)))
    return tuple(found)


def no_numbers(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """Measurements that are no numbers, correctly framed."""
    nan = b"\x00\x00\xc0\x7f"
    if device.sensor.radio == "tinyframe":
        said = [tiny_frame(0x0A14, nan), tiny_frame(0x0A15, nan), tiny_frame(0x0E06, nan * 3)]
        return _on_line(device, b"".join(said))
    return device.say({"weight_kg": float("nan")})


def ghost_distance(device: SimDevice, _chance: Random, _now_ms: int) -> Told:
    """A report of nobody at a distance of 47 cm; and then how things are."""
    if device.sensor.radio == "micradar":
        return _on_line(device, mic_frame(0x80, 0x04, b"\x00\x2f"))
    far = b"\x2f\x00\x20"
    inner = b"\x02\xaa\x00" + far + far + far[:2] + b"\x55\x00"
    report = b"\xf4\xf3\xf2\xf1" + len(inner).to_bytes(2, "little") + inner + b"\xf8\xf7\xf6\xf5"
    return _on_line(device, report) + device.say(device.state, 500)


def _on_line(device: SimDevice, data: bytes) -> Told:
    sensor = device.sensor
    return (Utterance(0, sensor.address, RadioBytes(sensor.gateway, data, sensor.port)),)
