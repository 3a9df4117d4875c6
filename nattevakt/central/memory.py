"""What this process made of texts that are stored, so that it need not be made again. Serves arrow 7.

Owns the few thousand last used of all tenants. A thing is found by its name, and only where the text in the database
is, to the letter, the one that it was kept with: whoever asks has read that text in the transaction, so that no other
process, restart or undone transaction can make it untrue. Must not know what is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
KEPT_MAX = 5_000
"""Things that are kept, each of some kilobytes."""


class Memory(Generic[T]):
    """Things by name, each with the text that it was made of. For several threads."""

    def __init__(self, most: int = KEPT_MAX) -> None:
        self._kept: OrderedDict[Hashable, tuple[str, T]] = OrderedDict()
        self._most = most

    def take(self, name: Hashable, text: str) -> T | None:
        """What was kept with this very text, and no longer kept from now on: whoever has it may change it."""
        kept = self._kept.pop(name, None)
        return kept[1] if kept is not None and kept[0] == text else None

    def put(self, name: Hashable, text: str, thing: T) -> None:
        """Keep a thing that says what this text says."""
        self._kept[name] = (text, thing)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
