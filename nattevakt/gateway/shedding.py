"""What is given up when the outbox is full, and the tombstones that say so. Serves arrow 4. Pure.

Owns the grouping of shed rows into ranges. Must not know the database or which rows were chosen.

A range may not pass over a row that is still to come when that can be helped: the centre's mark jumps over it.
When shed rows alternate with others so that a tombstone each would save nothing, ranges are joined over rows of
class B and life (the gateway never takes a mark's word for a row inside such a range), but never over class A.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from nattevakt.edge.events import BEFORE_BOOT, Moment, Tombstone
from nattevakt.edge.wire import decode_event

RANGES_WANTED = 16
DEVICES_MAX = 200
DEVICE_CHARS_MAX = 6_000


@dataclass(frozen=True, slots=True)
class Shed:
    """One row that is given up."""

    seq: int
    stream: str
    device: str | None
    body: bytes


def plan(rows: Sequence[Shed], lost_class: str, urgent: Sequence[int], staying: Sequence[int]) -> list[Tombstone]:
    """Tombstones for `rows` (sorted by seq). urgent: class A rows among them; staying: all others that stay."""
    ranges = _ranges(rows, sorted({*urgent, *staying}))
    if len(ranges) > RANGES_WANTED:
        ranges = _ranges(rows, sorted(urgent))
    return [_tombstone(found, lost_class) for found in ranges]


def _ranges(rows: Sequence[Shed], barriers: Sequence[int]) -> list[list[Shed]]:
    found: list[list[Shed]] = []
    devices: set[str] = set()
    chars = 0
    for row in rows:
        if row.device is not None and row.device not in devices:
            devices.add(row.device)
            chars += len(row.device)
        last = found[-1][-1] if found else None
        if (
            last is not None
            and last.stream == row.stream
            and bisect_left(barriers, last.seq) == bisect_left(barriers, row.seq)
            and len(devices) <= DEVICES_MAX
            and chars <= DEVICE_CHARS_MAX
        ):
            found[-1].append(row)
        else:
            found.append([row])
            devices = set() if row.device is None else {row.device}
            chars = len(row.device or "")
    return found


def _order(at: Moment) -> tuple[bool, int]:
    """The order of moments within one stream, which lives in one boot; only history may lie before that."""
    before = at.boot == BEFORE_BOOT
    return not before, at.wall_ms if before else at.boottime_ms


def _tombstone(rows: Sequence[Shed], lost_class: str) -> Tombstone:
    # A device's stored history stands at its own time, so neither need the first row be the earliest nor the last the
    # latest; and what the centre holds for known again counts from the latest.
    moments = [decode_event(row.body).at for row in rows]
    return Tombstone(
        stream=rows[0].stream,
        first_seq=rows[0].seq,
        last_seq=rows[-1].seq,
        lost_class=lost_class,
        reason="shed",
        count=len(rows),
        began=min(moments, key=_order),
        ended=max(moments, key=_order),
        devices=tuple(dict.fromkeys(row.device for row in rows if row.device is not None)),
    )
