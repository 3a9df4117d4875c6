"""LD2410 and LD2450 reports out of a serial byte stream, and back. Serves arrow 1.

Owns framing and finding the next report after garbage. Must not know what a report means, profiles or time. Nothing
here raises on any input bytes.

LD2410: F4 F3 F2 F1 | length (2, little-endian) | 02 basic or 01 engineering | AA | … | 55 | 00 | F8 F7 F6 F5.
LD2450: AA FF 03 00 | three targets of 8 bytes | 55 CC. Neither has a checksum: every fixed byte is looked at, and a
report with another one's header inside is two halves, not one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from nattevakt.edge.errors import FrameError


class Kind(IntEnum):
    """What sort of report: the first two by their own byte, the third by its header."""

    ENGINEERING = 1
    BASIC = 2
    TARGETS = 3


REPORT_HEADER, REPORT_FOOTER = b"\xf4\xf3\xf2\xf1", b"\xf8\xf7\xf6\xf5"
TARGETS_HEADER, TARGETS_FOOTER = b"\xaa\xff\x03\x00", b"\x55\xcc"
TARGETS_BYTES = 24
BASIC_BYTES = 13
ENGINEERING_BYTES_MAX = 64
"""Of the 35 that nine gates need; room for firmware that says more."""
OVERHEAD = 10
FRAME_BYTES_MAX = OVERHEAD + ENGINEERING_BYTES_MAX

_HEADER = re.compile(re.escape(REPORT_HEADER) + b"|" + re.escape(TARGETS_HEADER))
_BASIC = re.compile(rb"\xf4\xf3\xf2\xf1\x0d\x00\x02\xaa.{9}\x55\x00\xf8\xf7\xf6\xf5", re.DOTALL)
_PARTIAL = re.compile(rb"(?:\xf4(?:\xf3\xf2?)?|\xaa(?:\xff\x03?)?)\Z")


@dataclass(frozen=True, slots=True)
class Frame:
    """One report whose fixed bytes were right. data: from the status on, or the three targets."""

    kind: Kind
    data: bytes

    @classmethod
    def from_bytes(cls, raw: bytes) -> Frame:
        """Exactly one whole report. Raises FrameError saying what is wrong."""
        size, kind = _size(raw, 0, len(raw))
        if kind is None or size != len(raw) or not _whole(raw, 0, size, kind):
            raise FrameError("ld2410", "not one whole report", raw.hex())
        return _frame(raw, 0, size, kind)

    def to_bytes(self) -> bytes:
        """The report as it travels on the line."""
        if self.kind is Kind.TARGETS:
            return TARGETS_HEADER + self.data + TARGETS_FOOTER
        content = bytes((self.kind, 0xAA)) + self.data + b"\x55\x00"
        return REPORT_HEADER + len(content).to_bytes(2, "little") + content + REPORT_FOOTER


def _size(stream: bytes, at: int, end: int) -> tuple[int, Kind | None]:
    """How many bytes the report at `at` claims and its kind; kind None where it cannot be one.

    (0, a kind) where too little of it is there to tell.
    """
    if stream.startswith(TARGETS_HEADER, at):
        return len(TARGETS_HEADER) + TARGETS_BYTES + len(TARGETS_FOOTER), Kind.TARGETS
    if not stream.startswith(REPORT_HEADER, at):
        return 0, None
    have = end - at
    if have < 8:
        return 0, Kind.BASIC
    length, kind = stream[at + 4] | stream[at + 5] << 8, stream[at + 6]
    if stream[at + 7] != 0xAA:
        return 0, None
    if kind == Kind.BASIC and length == BASIC_BYTES:
        return OVERHEAD + length, Kind.BASIC
    if kind == Kind.ENGINEERING and BASIC_BYTES + 2 <= length <= ENGINEERING_BYTES_MAX:
        return OVERHEAD + length, Kind.ENGINEERING
    return 0, None


def _whole(stream: bytes, at: int, size: int, kind: Kind) -> bool:
    """Whether the report's last bytes are right and no other report begins inside it."""
    if _HEADER.search(stream, at + 4, at + size):
        return False
    end = at + size
    if kind is Kind.TARGETS:
        return stream[end - 2 : end] == TARGETS_FOOTER
    return stream[end - 6 : end] == b"\x55\x00" + REPORT_FOOTER


def _frame(stream: bytes, at: int, size: int, kind: Kind) -> Frame:
    end = at + size
    return Frame(kind, stream[at + 4 : end - 2] if kind is Kind.TARGETS else stream[at + 8 : end - 6])


def feed(buffer: bytes, given: bytes) -> tuple[tuple[Frame, ...], bytes, Mapping[str, int]]:
    """Reports found in `buffer + given`, the rest to keep (under FRAME_BYTES_MAX bytes), and what was counted.

    After any failure the search goes on at the byte after the failed header's first. A header behind an unfinished
    report ends it at once. Counted: "skipped" bytes, "header_bad", "body_bad".
    """
    stream = buffer + given
    end = len(stream)
    frames: list[Frame] = []
    at = skipped = header_bad = body_bad = 0
    rest = b""
    basic, search = _BASIC.match, _HEADER.search
    while True:
        while basic(stream, at):
            # Nearly all that such a line carries. A header inside would not fit between the fixed bytes of its own
            # report and these, so no half report can be taken for a whole one here.
            frames.append(Frame(Kind.BASIC, stream[at + 8 : at + 17]))
            at += OVERHEAD + BASIC_BYTES
        found = search(stream, at)
        if found is None:
            partial = _PARTIAL.search(stream, max(at, end - 3))
            rest = stream[partial.start() :] if partial else b""
            skipped += end - at - len(rest)
            break
        skipped += found.start() - at
        at = found.start()
        size, kind = _size(stream, at, end)
        if kind is not None and (not size or end - at < size) and not search(stream, at + 4):
            rest = stream[at:]
            break
        if kind is None:
            header_bad += 1
        elif size and end - at >= size and _whole(stream, at, size, kind):
            frames.append(_frame(stream, at, size, kind))
            at += size
            continue
        else:
            body_bad += 1
        skipped += 1
        at += 1
    counted = {"skipped": skipped, "header_bad": header_bad, "body_bad": body_bad}
    return tuple(frames), rest, {what: number for what, number in counted.items() if number}
