"""ESP3 frames out of a serial byte stream, and back. Serves arrow 1.

Owns framing, checksums and finding the next frame after garbage. Must not know telegrams, profiles or time.
Facts: EnOcean Serial Protocol 3, version 1.47. Nothing here raises on any input bytes.

A frame: 55 | data length (2, big-endian) | optional length | packet type | CRC8 of those four | data | optional |
CRC8 of data and optional. The byte 55 is legal anywhere inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from nattevakt.edge.errors import FrameError

SYNC = 0x55
HEADER_SIZE = 6
FRAME_BYTES_MAX = 1000
"""A header that claims more is noise: no telegram comes near it, and waiting for it would deafen us."""


class PacketType(IntEnum):
    """The packet types that this product looks into; others frame correctly and are counted."""

    RADIO_ERP1 = 0x01
    RESPONSE = 0x02
    EVENT = 0x04
    COMMON_COMMAND = 0x05


def _crc_table() -> bytes:
    table = bytearray()
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = (crc << 1) ^ 0x07 if crc & 0x80 else crc << 1
        table.append(crc & 0xFF)
    return bytes(table)


_TABLE = _crc_table()


def crc8(data: bytes) -> int:
    """CRC-8 with polynomial x8+x2+x+1, initial value 0, not reflected."""
    crc = 0
    for byte in data:
        crc = _TABLE[crc ^ byte]
    return crc


@dataclass(frozen=True, slots=True)
class Frame:
    """One ESP3 frame whose checksums were right."""

    packet_type: int
    data: bytes
    optional: bytes = b""

    @classmethod
    def from_bytes(cls, raw: bytes) -> Frame:
        """Exactly one whole frame. Raises FrameError saying what is wrong."""
        if len(raw) < HEADER_SIZE + 1 or raw[0] != SYNC:
            raise FrameError("esp3", "no sync byte or too short", raw.hex())
        size = _frame_size(raw, 0)
        if size is None:
            raise FrameError("esp3", "header checksum or lengths wrong", raw.hex())
        if size != len(raw):
            raise FrameError("esp3", f"header says {size} bytes, got {len(raw)}", raw.hex())
        if crc8(raw[HEADER_SIZE:-1]) != raw[-1]:
            raise FrameError("esp3", "data checksum wrong", raw.hex())
        split = HEADER_SIZE + int.from_bytes(raw[1:3], "big")
        return cls(raw[4], raw[HEADER_SIZE:split], raw[split:-1])

    def to_bytes(self) -> bytes:
        """The frame as it travels on the line."""
        header = len(self.data).to_bytes(2, "big") + bytes((len(self.optional), self.packet_type))
        content = self.data + self.optional
        return bytes((SYNC,)) + header + bytes((crc8(header),)) + content + bytes((crc8(content),))


def _frame_size(buffer: bytes, at: int) -> int | None:
    """Size of the frame whose whole header stands at `at`, or None if it cannot be one."""
    header = buffer[at + 1 : at + 5]
    if crc8(header) != buffer[at + 5]:
        return None
    data_size = int.from_bytes(header[:2], "big")
    size = HEADER_SIZE + data_size + header[2] + 1
    return None if data_size == 0 or size > FRAME_BYTES_MAX else size


def _next_start(stream: bytes, at: int, end: int) -> int:
    """Where to go on after a frame found at `at` that ends before `end`.

    One damaged frame in 256 passes its checksum of 8 bits. Where a byte of it was lost, it did so with the first byte
    of the frame behind it; that one begins inside, and must not be lost too.
    """
    inside = stream.find(SYNC, at + 1, end)
    while inside >= 0:
        header = stream[inside + 1 : inside + HEADER_SIZE]
        if len(header) < HEADER_SIZE - 1:
            if not header or header[0] <= FRAME_BYTES_MAX >> 8:
                return inside
        elif header[0] <= FRAME_BYTES_MAX >> 8 and inside + (_frame_size(stream, inside) or 0) > end:
            return inside
        inside = stream.find(SYNC, inside + 1, end)
    return end


def feed(buffer: bytes, given: bytes) -> tuple[tuple[Frame, ...], bytes, Mapping[str, int]]:
    """Frames found in `buffer + given`, the rest to keep (under FRAME_BYTES_MAX bytes), and what was counted.

    After a wrong checksum the search goes on at the byte after the failed sync byte, so a frame hidden
    inside a false one is still found. The rest may be the tail of a good frame, where a sync byte stands in its last
    five: then the same bytes are counted once more. Counted: "skipped" bytes, "header_bad", "data_crc_bad".
    """
    stream = buffer + given
    frames: list[Frame] = []
    counted: dict[str, int] = {}

    def note(what: str, number: int = 1) -> None:
        counted[what] = counted.get(what, 0) + number

    at = done = 0  # done: the end of the last frame; bytes before it were of use
    while True:
        sync = stream.find(SYNC, at)
        if sync < 0:
            if len(stream) > max(at, done):
                note("skipped", len(stream) - max(at, done))
            return tuple(frames), b"", counted
        if sync > max(at, done):
            note("skipped", sync - max(at, done))
        at = sync
        if len(stream) - at < HEADER_SIZE:
            return tuple(frames), stream[at:], counted
        size = _frame_size(stream, at)
        if size is not None and len(stream) - at < size:
            return tuple(frames), stream[at:], counted
        if size is not None:
            if crc8(stream[at + HEADER_SIZE : at + size - 1]) == stream[at + size - 1]:
                split = at + HEADER_SIZE + int.from_bytes(stream[at + 1 : at + 3], "big")
                frames.append(Frame(stream[at + 4], stream[at + HEADER_SIZE : split], stream[split : at + size - 1]))
                done = at + size
                at = _next_start(stream, at, done)
                continue
            note("data_crc_bad")
        elif at >= done:
            note("header_bad")
        if at >= done:
            note("skipped")
        at += 1


def expire(buffer: bytes) -> tuple[tuple[Frame, ...], Mapping[str, int]]:
    """Give up the partial frame at the head of `buffer` (silence on the line): drop its sync byte, look on.

    A false header that claimed too much may have swallowed whole frames; they are found here, late but whole.
    Counted: "timeout" once for each partial frame given up.
    """
    frames: list[Frame] = []
    counted: dict[str, int] = {}
    rest = buffer
    while rest:
        found, rest, more = feed(b"", rest[1:])
        frames.extend(found)
        counted["timeout"] = counted.get("timeout", 0) + 1
        counted["skipped"] = counted.get("skipped", 0) + 1
        for what, number in more.items():
            counted[what] = counted.get(what, 0) + number
    return tuple(frames), counted
