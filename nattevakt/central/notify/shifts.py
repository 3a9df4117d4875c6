"""Which shift a moment lies in. Serves arrow 9. Pure.

Owns the names of the shifts; when they change is said in places/pauses.py.
"""

from __future__ import annotations

from nattevakt.central.places.pauses import SHIFT_MINUTES
from nattevakt.edge.rules.windows import local_minute


def shift_of(at_ms: int, time_zone: str) -> str:
    """ "day", "evening" or "night", as routes name them."""
    day, evening, night = SHIFT_MINUTES
    minute = local_minute(at_ms, time_zone)
    return "day" if day <= minute < evening else "evening" if evening <= minute < night else "night"
