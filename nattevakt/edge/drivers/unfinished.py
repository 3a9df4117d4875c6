"""Bytes of a serial line that wait for the rest of their frame, with when they came. Serves arrow 1.

Owns when half a frame is no longer waited for. Must not know any frame's layout: a radio's `feed` is an argument. Two
limits: silence (no byte for so long ends every frame), and the time that one whole frame can take on its line, so that
a false header which claims a kilobyte does not hold up the good frames behind it while the line goes on talking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

FrameT = TypeVar("FrameT")

Feed: TypeAlias = Callable[[bytes, bytes], tuple[tuple[FrameT, ...], bytes, Mapping[str, int]]]
"""(buffer, given) -> (frames, the rest that may begin a frame, what was counted)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """silence_ms: without a byte ends a frame. frame_ms: from a frame's first byte to its last, at most."""

    silence_ms: int
    frame_ms: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Bytes that may begin a frame. came: (how many of them, boottime), oldest first; bounded by the bytes."""

    data: bytes = b""
    came: tuple[tuple[int, int], ...] = ()

    def due_ms(self, patience: Patience) -> int | None:
        """When these bytes are no longer waited for; None where there are none."""
        if not self.data:
            return None
        return min(self.came[0][1] + patience.frame_ms, self.came[-1][1] + patience.silence_ms) + 1


def take(
    feed: Feed[FrameT], kept: Unfinished, given: bytes | None, now_ms: int, patience: Patience
) -> tuple[tuple[FrameT, ...], Unfinished, Mapping[str, int]]:
    """Frames in what was kept and what is given, and what is kept now. Counted: what feed counts, and "timeout".

    Bytes are joined before the clock is asked: a reader that was held up does not cost the frame it had half read.
    """
    if given and not kept.data:
        frames, data, counted = feed(b"", given)
        if not data:
            return frames, Unfinished(), counted
        return frames, Unfinished(data, ((len(data), now_ms),)), counted
    frames, data, counted = feed(kept.data, given or b"")
    came = _newest(kept.came + (((len(given), now_ms),) if given else ()), len(data))
    while data and now_ms >= (Unfinished(data, came).due_ms(patience) or 0):
        found, data, more = feed(b"", data[1:])
        came = _newest(came, len(data))
        frames += found
        total = dict(counted)
        for what, number in (*more.items(), ("timeout", 1), ("skipped", 1)):
            total[what] = total.get(what, 0) + number
        counted = total
    return frames, Unfinished(data, came), counted


def _newest(came: tuple[tuple[int, int], ...], size: int) -> tuple[tuple[int, int], ...]:
    """When the last `size` bytes came; two entries of one moment become one."""
    kept: list[tuple[int, int]] = []
    for count, at_ms in reversed(came):
        if size <= 0:
            break
        count, size = min(count, size), size - count
        if kept and kept[-1][1] == at_ms:
            kept[-1] = (kept[-1][0] + count, at_ms)
        else:
            kept.append((count, at_ms))
    return tuple(reversed(kept))
