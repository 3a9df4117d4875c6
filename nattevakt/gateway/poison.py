"""Finding the one event that the centre cannot take, without holding up the others. Serves arrow 5. Pure.

Owns the choice of the next rows to try and the verdict "this one alone is refused". Must not know HTTP or storage.
Only 413, 422 and 500 count here; a timeout makes the next try smaller and never condemns a row.
"""

from __future__ import annotations

from collections.abc import Sequence

from nattevakt.gateway.rows import Row

TRIES = 3
BACKLOG_MAX = 100
URGENT_MAX = 200


class Halving:
    """Backlog: the same batch three times, then halves without a pause until one row is alone."""

    def __init__(self) -> None:
        self._size = BACKLOG_MAX
        self._last: int | None = None
        self._tries = 0

    @property
    def searching(self) -> bool:
        """Whether the next try is one of the halves, which go without a pause."""
        return self._tries >= TRIES

    def choose(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Which of the next unsent rows (in order) to send now."""
        if self._last is not None:
            suspects = [row for row in rows if row.seq <= (self._last or 0)]
            if suspects:
                return suspects[: (len(suspects) + 1) // 2] if self.searching else suspects
            self._forget()
        return rows[: self._size]

    def accepted(self, rows: Sequence[Row]) -> None:
        """The centre took these."""
        if self._last is None:
            self._size = min(BACKLOG_MAX, self._size * 2)
        elif rows and rows[-1].seq >= self._last:
            self._forget()

    def rejected(self, rows: Sequence[Row]) -> Row | None:
        """The centre cannot take these; gives the row to park once it is alone."""
        if self._last != rows[-1].seq and not self.searching:
            self._tries = 0
        self._last = rows[-1].seq
        self._tries += 1
        if self._tries >= TRIES and len(rows) == 1:
            self._forget()
            return rows[0]
        return None

    def timed_out(self, rows: Sequence[Row]) -> None:
        """No answer in time: try fewer."""
        self._size = max(1, len(rows) // 2)

    def _forget(self) -> None:
        self._last = None
        self._tries = 0


class Singles:
    """Class A: a refused batch is sent again one by one, behind everything that has not failed."""

    def __init__(self) -> None:
        self._size = URGENT_MAX
        self.tries: dict[int, int] = {}

    def fresh(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Rows that have not failed, as many as may go together; rows come newest first."""
        return [row for row in rows if row.seq not in self.tries][: self._size]

    def suspect(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The failing row whose turn it is, alone."""
        failing = [row for row in rows if row.seq in self.tries]
        return [min(failing, key=lambda row: (self.tries[row.seq], -row.seq))] if failing else []

    def accepted(self, rows: Sequence[Row]) -> None:
        """The centre took these."""
        self._size = min(URGENT_MAX, self._size * 2)
        for row in rows:
            self.tries.pop(row.seq, None)

    def rejected(self, rows: Sequence[Row]) -> Row | None:
        """The centre cannot take these; gives the row to park at its third refusal alone."""
        for row in rows:
            self.tries.setdefault(row.seq, 0)
        if len(rows) > 1:
            return None
        self.tries[rows[0].seq] += 1
        return rows[0] if self.tries[rows[0].seq] >= TRIES else None

    def timed_out(self, rows: Sequence[Row]) -> None:
        """No answer in time: try fewer."""
        self._size = max(1, len(rows) // 2)
