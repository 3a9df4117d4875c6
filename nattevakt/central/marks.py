"""What of a stream the centre holds: a contiguous mark, and the ranges above it. Serves arrow 6.

Pure. Owns the arithmetic. Must not know rows, tombstones or storage: whoever fills a range says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Held:
    """The sequence numbers held of one stream.

    first: where the stream begins, None until a gateway has said so; then nothing can be contiguous.
    mark: all of first … mark is held; 0 while first is unknown. ranges: what is held above the mark,
    inclusive, sorted, neither touching nor overlapping.
    """

    first: int | None
    mark: int
    ranges: tuple[Range, ...]

    def covers(self, seq: int) -> bool:
        """Whether this row, or a tombstone in its place, is held."""
        if self.first is not None and self.first <= seq <= self.mark:
            return True
        return any(low <= seq <= high for low, high in self.ranges)

    def begins_at(self, first: int) -> Held:
        """The same with a beginning. An earlier one is believed, a later one never: a mark must not skip rows."""
        if self.first is not None and first >= self.first:
            return self
        ranges = list(self.ranges)
        first = min(first, ranges[0][0]) if ranges else first
        if self.first is not None and self.mark >= self.first:
            ranges.append((self.first, self.mark))
        return Held(first, first - 1, ()).with_ranges(ranges)

    def with_ranges(self, more: Iterable[Range]) -> Held:
        """The same with these inclusive ranges held as well."""
        merged: list[Range] = []
        for low, high in sorted([*self.ranges, *more]):
            if low > high:
                continue
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], high))
            else:
                merged.append((low, high))
        mark = self.mark
        if self.first is not None:
            if merged and merged[0][0] < self.first:
                return Held(self.first, mark, tuple(merged)).begins_at(merged[0][0])
            while merged and merged[0][0] <= mark + 1:
                mark = max(mark, merged.pop(0)[1])
        return Held(self.first, mark, tuple(merged))

    def with_seqs(self, seqs: Iterable[int]) -> Held:
        """The same with these rows held as well."""
        rows = sorted(set(seqs))
        if rows and rows[-1] - rows[0] == len(rows) - 1:  # as nearly always
            return self.with_ranges([(rows[0], rows[-1])])
        return self.with_ranges((seq, seq) for seq in rows)

    def missing_to(self, last: int) -> tuple[Range, ...]:
        """The gaps up to and with `last`."""
        gaps: list[Range] = []
        at = self.mark + 1 if self.first is not None else max(1, self.mark + 1)
        for low, high in (*self.ranges, (last + 1, last + 1)):
            if at < low and at <= last:
                gaps.append((at, min(low - 1, last)))
            at = max(at, high + 1)
        return tuple(gaps)

    @property
    def top(self) -> int:
        """No row above this is held."""
        return max(self.mark, self.ranges[-1][1] if self.ranges else 0)

    @property
    def reply(self) -> int:
        """What a gateway is told."""
        return max(self.mark, 0)
