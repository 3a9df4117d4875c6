"""Values that are made by the thousand: frozen where code is read, plain where it runs. Serves arrows 3 to 8.

Owns one decorator. For whoever checks the types, `value` is `dataclass`, and with `frozen=True` a line that changes
one is an error. At run time it makes an ordinary class of the same fields, equality, order and hash: Python writes
each field of a frozen one through a call, which makes it three times as dear, and every event of a batch is five of
them. Must not know what is kept in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen, slots, order=False):
        """A dataclass that is not asked at run time whether it may be changed: nobody does."""
        return dataclass(slots=slots, order=order, unsafe_hash=frozen)


__all__ = ("value",)
