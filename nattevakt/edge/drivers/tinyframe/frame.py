"""TinyFrame frames out of a serial byte stream, and back. Serves arrow 1.

Owns framing, checksums and finding the next frame after garbage. Must not know what a type means, profiles or time.
Facts: MightyPork/TinyFrame as configured by Hi-Link. Nothing here raises on any input bytes.

A frame: 01 | id (2, big-endian) | length (2) | type (2) | inverted xor of those seven | data | inverted xor of data.
Where the length is 0 the data checksum is missing too. Nothing is stuffed: 01 is common everywhere inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct

from nattevakt.edge.errors import FrameError

SOF = 0x01
HEADER_SIZE = 8
DATA_BYTES_MAX = 1024
"""The maker's own limit; a header that claims more is noise."""
FRAME_BYTES_MAX = HEADER_SIZE + DATA_BYTES_MAX + 1

_HEADER = Struct(">BHHH")
_WORD = Struct(">Q")


def xor(data: bytes) -> int:
    """All bytes of `data` (at least one) folded into one by exclusive or, half upon half."""
    value = int.from_bytes(data, "big")
    shift = 8 << max(0, (len(data) - 1).bit_length() - 1)
    while shift >= 8:
        value ^= value >> shift
        shift >>= 1
    return value & 0xFF


@dataclass(frozen=True, slots=True)
class Frame:
    """One TinyFrame whose checksums were right. number: its id; bit 15 tells which end sent it. came: as received."""

    type: int
    data: bytes = b""
    number: int = 0
    came: bytes = field(default=b"", compare=False, repr=False)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Frame:
        """Exactly one whole frame. Raises FrameError saying what is wrong."""
        if len(raw) < HEADER_SIZE or raw[0] != SOF:
            raise FrameError("tinyframe", "no start byte or too short", raw.hex())
        if xor(raw[:HEADER_SIZE]) != 0xFF:
            raise FrameError("tinyframe", "header checksum wrong", raw.hex())
        _, number, length, kind = _HEADER.unpack_from(raw)
        size = HEADER_SIZE + length + 1 if length else HEADER_SIZE
        if length > DATA_BYTES_MAX or size != len(raw):
            raise FrameError("tinyframe", f"header says {size} bytes, got {len(raw)}", raw.hex())
        if length and xor(raw[HEADER_SIZE:]) != 0xFF:
            raise FrameError("tinyframe", "data checksum wrong", raw.hex())
        return cls(kind, raw[HEADER_SIZE:-1] if length else b"", number)

    def to_bytes(self) -> bytes:
        """The frame as it travels on the line."""
        if self.came:
            return self.came
        header = _HEADER.pack(SOF, self.number, len(self.data), self.type)
        raw = header + bytes((xor(header) ^ 0xFF,))
        return raw + self.data + bytes((xor(self.data) ^ 0xFF,)) if self.data else raw


def feed(buffer: bytes, given: bytes) -> tuple[tuple[Frame, ...], bytes, Mapping[str, int]]:
    """Frames found in `buffer + given`, the rest to keep (under FRAME_BYTES_MAX bytes), and what was counted.

    After any failure the search goes on at the byte after the failed start byte. The last byte of a good frame is
    looked at once more if it could be a start byte: a byte lost from a frame's data makes the next frame's start byte
    its checksum, and that fits often enough (always, if the lost byte is the 01 of a fall). Counted: "skipped" bytes,
    "header_bad", "data_bad".
    """
    stream = buffer + given
    size = len(stream)
    frames: list[Frame] = []
    at = skipped = header_bad = data_bad = 0
    rest = b""
    find, word = stream.find, _WORD.unpack_from
    while True:
        start = find(SOF, at)
        if start < 0:
            skipped += size - at
            break
        skipped += start - at
        at = start
        if size - at < HEADER_SIZE:
            rest = stream[at:]
            break
        (head,) = word(stream, at)
        folded = head ^ head >> 32
        folded ^= folded >> 16
        length = head >> 24 & 0xFFFF
        if (folded ^ folded >> 8) & 0xFF != 0xFF or length > DATA_BYTES_MAX:
            header_bad += 1
            skipped += 1
            at += 1
            continue
        end = at + HEADER_SIZE
        if length:
            end += length + 1
            if end > size:
                rest = stream[at:]
                break
            if xor(stream[at + HEADER_SIZE : end]) != 0xFF:
                data_bad += 1
                skipped += 1
                at += 1
                continue
        data = stream[at + HEADER_SIZE : end - 1] if length else b""
        frames.append(Frame(head >> 8 & 0xFFFF, data, head >> 40 & 0xFFFF, stream[at:end]))
        at = end - 1 if stream[end - 1] == SOF else end
    counted = {"skipped": skipped, "header_bad": header_bad, "data_bad": data_bad}
    return tuple(frames), rest, {what: number for what, number in counted.items() if number}
