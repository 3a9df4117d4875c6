"""Milesight's payloads: channel, type, value, one after the other. Serves arrow 2.

Owns what the bytes of WS101, WS301 and VS373 mean, in both firmwares of the radar, and how to write them. Must not know
the envelope that they came in, addresses, or what was said before. Never raises on what a payload holds.

What a payload says is read to its end. A channel that nobody knows has no known length: reading goes on where the rest
of the payload, to its very last byte, is made of known channels again; what lies between is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nattevakt.edge.drivers.driver import Use, Value

WS101, WS301, VS373 = "WS101", "WS301", "VS373"
PAYLOAD_MAX = 255
PRESSES: Mapping[int, str] = {1: "short", 2: "long", 3: "double"}
FALL, MOTIONLESS, DWELL, OUT_OF_BED, OCCUPIED, VACANT, SLOW_BREATH, FAST_BREATH, LYING = range(9)
TRIGGERED, ENDED, IGNORED, REPORTED = 1, 2, 3, 4
NO_ALARM_ID = 0xFFFF
BREATHS_MAX = 100.0

_LENGTHS: Mapping[tuple[int, int], int] = {
    (0xFF, 0x01): 1,
    (0xFF, 0x08): 6,
    (0xFF, 0x09): 2,
    (0xFF, 0x0A): 2,
    (0xFF, 0x0B): 1,
    (0xFF, 0x0F): 1,
    (0xFF, 0x16): 8,
    (0xFF, 0xFE): 1,
    (0xFF, 0xFF): 2,
    (0x05, 0xFA): 8,
    (0x09, 0xB2): 6,
    (0x0B, 0xB4): 9,
    (0x0C, 0xB4): 9,
}
"""Channels that say nothing to us: versions, serial numbers, how long the bed has been empty."""
_ANSWERS: Mapping[int, int] = {
    0x03: 2, 0x04: 1, 0x10: 1, 0x11: 4, 0x28: 1, 0x2F: 1, 0x35: 8, 0x3E: 1, 0x40: 1, 0x42: 1,
    0x64: 1, 0x69: 1, 0x6A: 3, 0x74: 1, 0x84: 1, 0x8E: 3, 0x96: 8,
}  # fmt: skip
"""Lengths of a device's answers to settings, on channels FE and FF."""
_MORE_ANSWERS: Mapping[int, int] = {
    0x48: 1, 0x49: 9, 0x4A: 5, 0x4B: 9, 0x4C: 5, 0x4D: 1, 0x4E: 1, 0x4F: 12, 0x50: 2, 0x51: 6, 0x52: 3,
    0x53: 3, 0x56: 2, 0x85: 2, 0x86: 1, 0x87: 1, 0x91: 5, 0xB1: 7, 0xB2: 3, 0xB3: 1, 0xB4: 3,
}  # fmt: skip
"""The same on channel F9; on F8 one byte longer, which says whether it was obeyed."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm of the radar, as it happens or (at_s, Unix) kept from before."""

    number: int
    type: int
    status: int
    region: int
    at_s: int | None = None


@dataclass(slots=True)
class Told:
    """What one payload says. presses: each press in it. alien: the product whose channels these are, where it is
    another than the settings say. room: the radar's own word for the room, None where it said none."""

    values: dict[str, Value] = field(default_factory=dict)
    presses: list[str] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    room: int | None = None
    alien: str = ""
    unknown: str = ""
    counted: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        """One more of these."""
        self.counted[what] = self.counted.get(what, 0) + 1


def _u16(data: bytes) -> int:
    return int.from_bytes(data[:2], "little")


def _battery(data: bytes, told: Told) -> None:
    if data[0] <= 100:
        told.values["battery_percent"] = float(data[0])
    else:
        told.count("bad_battery")


def _press(data: bytes, told: Told) -> None:
    # A press of a sort that a newer button makes is a press.
    told.presses.append(PRESSES.get(data[0], f"press {data[0]}"))


def _magnet(data: bytes, told: Told) -> None:
    if data[0] > 1:
        told.count("bad_value")
        return
    told.values["closed"] = data[0] == 0


def _tamper(data: bytes, told: Told) -> None:
    # The maker's prose has it the other way; its decoder and its devices say 1 when the housing is off the wall.
    if data[0] > 1:
        told.count("bad_value")
        return
    told.values["tamper"] = data[0] == 1


def _room(data: bytes, told: Told) -> None:
    """The room's state and the person's; both firmwares begin alike and differ in the times that follow."""
    state, target = data[0], data[1]
    if state > 4:
        told.count("bad_value")
        return
    told.room = state
    told.values["present"] = state != 1
    if state != 1 and target in (0, 1, 3):
        told.values["still"] = target != 0


def _old_regions(data: bytes, told: Told) -> None:
    """Firmware 1.0.1: 0 is occupied and 1 vacant."""
    _regions(any(one == 0 for one in data), told)


def _new_regions(data: bytes, told: Told) -> None:
    """Firmware 1.0.2: how many, and a bit each."""
    mask = (1 << min(data[0], 32)) - 1
    _regions(bool(int.from_bytes(data[1:5], "little") & mask), told)


def _regions(some: bool, told: Told) -> None:
    # Empty regions are not an empty room. The room's own word counts before this.
    if some:
        told.values.setdefault("present", True)


def _breath(data: bytes, told: Told) -> None:
    rpm = _u16(data[1:]) / 100
    if 0 < rpm <= BREATHS_MAX:
        told.values["breathing_rpm"] = rpm


def _alarm(data: bytes, told: Told) -> None:
    told.alarms.append(Alarm(_u16(data), data[2], data[3], data[4]))


def _history(data: bytes, told: Told) -> None:
    at_s = int.from_bytes(data[:4], "little")
    told.alarms.append(Alarm(_u16(data[4:]), data[6], data[7], data[8], at_s))


_Reader = Callable[[bytes, Told], None]
_READERS: Mapping[tuple[int, int], tuple[frozenset[str], int, _Reader]] = {
    (0x01, 0x75): (frozenset((WS101, WS301, VS373)), 1, _battery),
    (0xFF, 0x2E): (frozenset((WS101,)), 1, _press),
    (0x03, 0x00): (frozenset((WS301,)), 1, _magnet),
    (0x04, 0x00): (frozenset((WS301,)), 1, _tamper),
    (0x03, 0xF8): (frozenset((VS373,)), 6, _room),
    (0x07, 0xB0): (frozenset((VS373,)), 8, _room),
    (0x04, 0xF9): (frozenset((VS373,)), 4, _old_regions),
    (0x0A, 0xB3): (frozenset((VS373,)), 5, _new_regions),
    (0x08, 0xB1): (frozenset((VS373,)), 3, _breath),
    (0x06, 0xFB): (frozenset((VS373,)), 5, _alarm),
    (0x20, 0xCE): (frozenset((VS373,)), 9, _history),
}


def _length(channel: int, kind: int) -> int | None:
    """How many bytes follow a channel and its type, None where nobody knows."""
    if (channel, kind) in _READERS:
        return _READERS[channel, kind][1]
    if (channel, kind) in _LENGTHS:
        return _LENGTHS[channel, kind]
    if channel in (0xFE, 0xFF):
        return _ANSWERS.get(kind)
    if channel in (0xF8, 0xF9) and kind in _MORE_ANSWERS:
        return _MORE_ANSWERS[kind] + (channel == 0xF8)
    return None


def _whole(data: bytes, at: int) -> bool:
    """Whether known channels lead from here to the last byte, among them one that says something."""
    says = False
    while at < len(data):
        length = _length(data[at], data[at + 1]) if at + 2 <= len(data) else None
        if length is None or at + 2 + length > len(data):
            return False
        says = says or (data[at], data[at + 1]) in _READERS
        at += 2 + length
    return says


def decode(data: bytes, profile: str) -> Told:
    """What a payload of this product says."""
    told = Told()
    at = 0
    if len(data) > PAYLOAD_MAX:
        told.count("too_long")
        data = data[:PAYLOAD_MAX]
    while at < len(data):
        length = _length(data[at], data[at + 1]) if at + 2 <= len(data) else 0
        if length is None:
            told.count("unknown_channel")
            told.unknown = told.unknown or data[at : at + 2].hex(" ")
            at = next((n for n in range(at + 1, len(data)) if _whole(data, n)), len(data))
            continue
        if at + 2 + length > len(data):
            told.count("cut_short")
            break
        entry = _READERS.get((data[at], data[at + 1]))
        if entry is not None:
            products, _, read = entry
            if profile in products:
                read(data[at + 2 : at + 2 + length], told)
            else:
                told.alien = min(products)
                told.count("other_product")
        at += 2 + length
    return told


UNSAID: Mapping[int, str] = {
    DWELL: "melder for langt opphold, som Nattevakt ikke varsler om",
    SLOW_BREATH: "melder langsom pust, som Nattevakt ikke varsler om",
    FAST_BREATH: "melder rask pust, som Nattevakt ikke varsler om",
}
"""Alarms of the radar that become a finding and nothing else: breathing by radar is context."""


def values_of(alarm: Alarm) -> dict[str, Value]:
    """What an alarm says of the room. Lying outside the bed is no certain fall, but nothing that may pass unheard."""
    on = alarm.status == TRIGGERED
    if alarm.type == FALL:
        # A status report (4) repeats what goes on; only an end or "ignored" is one.
        return {"fall": "no" if alarm.status in (ENDED, IGNORED) else "sure"}
    if alarm.type == LYING:
        return {"fall": "no" if alarm.status in (ENDED, IGNORED) else "possible"}
    if alarm.type == MOTIONLESS:
        return {"still": alarm.status not in (ENDED, IGNORED)}
    if alarm.type == OUT_OF_BED and on:
        return {"occupied": False, "present": True}
    if alarm.type in (OCCUPIED, VACANT) and alarm.status in (TRIGGERED, REPORTED):
        return {"present": alarm.type == OCCUPIED}
    return {}


def bed_of(room: int, use: Use, *, has_bed: bool) -> bool | None:
    """Whether somebody lies in the bed by the radar's word for the room, None where that says nothing.

    A radar that was never told where a bed stands says neither "in bed" nor "out of bed": has_bed, or its use.
    """
    if room == 2:
        return True
    if room == 3:
        return False
    # A fall is told as such; where the bed stands in it nobody knows.
    return False if room in (0, 1) and (use is Use.BED or has_bed) else None


def encode(values: Mapping[str, Value], profile: str, occurred_s: int | None = None, number: int = 1) -> bytes:
    """The payload with which this product would say these values."""
    out = bytearray()
    battery, action, fall = values.get("battery_percent"), values.get("action"), values.get("fall")
    if battery is not None:
        out += bytes((0x01, 0x75, round(float(battery))))
    if profile == WS101 and isinstance(action, str):
        out += bytes((0xFF, 0x2E, {word: code for code, word in PRESSES.items()}[action]))
    if profile == WS301 and values.get("closed") is not None:
        out += bytes((0x03, 0x00, not values["closed"]))
    if profile == WS301 and values.get("tamper") is not None:
        out += bytes((0x04, 0x00, bool(values["tamper"])))
    if profile != VS373:
        return bytes(out)
    occupied, present, still = values.get("occupied"), values.get("present"), values.get("still")
    if occupied is not None or present is not None:
        room = 1 if present is False else 2 if occupied else 3 if occupied is False else 0
        out += bytes((0x03, 0xF8, room, bool(still))) + bytes(4)
    rpm = values.get("breathing_rpm")
    if rpm is not None:
        out += bytes((0x08, 0xB1, 0)) + round(float(rpm) * 100).to_bytes(2, "little")
    if isinstance(fall, str):
        kind = LYING if fall == "possible" else FALL
        body = number.to_bytes(2, "little") + bytes((kind, ENDED if fall == "no" else TRIGGERED, 0xFF))
        head = bytes((0x06, 0xFB)) if occurred_s is None else bytes((0x20, 0xCE)) + occurred_s.to_bytes(4, "little")
        out += head + body
    return bytes(out)
