"""MicRadar frames out of a serial byte stream, and back. Serves arrow 1.

Owns framing, the sum and finding the next frame after garbage. Must not know what frames mean, or time. Nothing here
raises on any input bytes.

A frame: 53 59 | control | command | data length (2, big-endian) | data | low byte of the sum of all before | 54 43.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nattevakt.edge.errors import FrameError

SYNC = b"\x53\x59"
TAIL = b"\x54\x43"
HEADER_SIZE = 6
END_SIZE = 3
DATA_BYTES_MAX = 64
"""A length that claims more is noise: the longest report known has 15, and FFFF would deafen us for six seconds."""
FRAME_BYTES_MAX = HEADER_SIZE + DATA_BYTES_MAX + END_SIZE


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame whose sum and tail were right. raw: as it came, b"" where it was made here."""

    control: int
    command: int
    data: bytes = b""
    raw: bytes = field(default=b"", compare=False, repr=False)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Frame:
        """Exactly one whole frame. Raises FrameError saying what is wrong."""
        if len(raw) < HEADER_SIZE + END_SIZE or raw[:2] != SYNC:
            raise FrameError("micradar", "no sync bytes or too short", raw.hex())
        size = HEADER_SIZE + int.from_bytes(raw[4:6], "big") + END_SIZE
        if size != len(raw) or size > FRAME_BYTES_MAX:
            raise FrameError("micradar", f"header says {size} bytes, got {len(raw)}", raw.hex())
        if raw[-2:] != TAIL or sum(raw[:-3]) & 0xFF != raw[-3]:
            raise FrameError("micradar", "sum or tail wrong", raw.hex())
        return cls(raw[2], raw[3], raw[6:-3], raw)

    def to_bytes(self) -> bytes:
        """The frame as it travels on the line."""
        if self.raw:
            return self.raw
        size = len(self.data)
        head = b"%b%c%c%c%c%b" % (SYNC, self.control, self.command, size >> 8, size & 0xFF, self.data)
        return b"%b%c%b" % (head, sum(head) & 0xFF, TAIL)


def feed(buffer: bytes, given: bytes) -> tuple[tuple[Frame, ...], bytes, Mapping[str, int]]:
    """Frames found in `buffer + given`, the rest to keep (under FRAME_BYTES_MAX bytes), and what was counted.

    After any failure the search goes on one byte after the failed sync, so a frame hidden inside a false one is still
    found. Counted: "skipped" bytes, "length_bad", "sum_bad".
    """
    stream = buffer + given
    end = len(stream)
    frames: list[Frame] = []
    at = skipped = length_bad = sum_bad = 0
    while True:
        sync = stream.find(SYNC, at)
        if sync < 0:
            # The last byte may be the first half of the next sync.
            rest = end - 1 if at < end and stream[-1] == SYNC[0] else end
            skipped += rest - at
            break
        skipped += sync - at
        rest = at = sync
        if end - at < HEADER_SIZE:
            break
        size = stream[at + 4] << 8 | stream[at + 5]
        if size > DATA_BYTES_MAX:
            length_bad += 1
        else:
            check = at + HEADER_SIZE + size
            if end < check + END_SIZE:
                break
            if stream[check + 1 : check + 3] == TAIL and sum(stream[at:check]) & 0xFF == stream[check]:
                stop = check + END_SIZE
                frames.append(Frame(stream[at + 2], stream[at + 3], stream[at + 6 : check], stream[at:stop]))
                at = stop
                continue
            sum_bad += 1
        skipped += 1
        at += 1
    counted = {"skipped": skipped, "length_bad": length_bad, "sum_bad": sum_bad}
    return tuple(frames), stream[rest:], {what: number for what, number in counted.items() if number}
