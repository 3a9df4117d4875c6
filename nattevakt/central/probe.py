"""Points at which a test may look at, stop or break a running centre. Serves arrow 6.

A probe is an argument with a do-nothing default; production passes no other. Points: received, decoded, stored,
committed, replied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Probe = Callable[[str, Mapping[str, object]], None]


def silent(_point: str, _data: Mapping[str, object]) -> None:
    """The probe of production: nothing."""
