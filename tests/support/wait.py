"""Waiting for a condition, never for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LIMIT_S = 30.0
_PAUSE = threading.Event()


def until(condition: Callable[[], T], what: str, limit_s: float = LIMIT_S) -> T:
    """Wait until condition() is true and return what it gave; fail naming `what` after the limit."""
    deadline = time.monotonic() + limit_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s:g} s: {what}; last: {found!r}")
        _PAUSE.wait(0.02)
