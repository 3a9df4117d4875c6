"""How often pads have changed their reading of late: a pad that flickers is believed less. Serves arrow 7.

Owns the count by the clock hour, in the state's "flips" ([hour, changes], the newest first), and the setting that says
how much is too much. Must not know what a pad is, or what is made of it.
"""

from __future__ import annotations

from typing import Any

from nattevakt.edge.rules.rule import JsonState, Setting

FLICKER_H = 3
"""Changes of a pad's reading are counted by the clock hour, and so many hours before this one speak of it too."""
HOUR_MS = 3_600_000

FLICKER = Setting(
    "flicker_per_h",
    4,
    200,
    12,
    "A bad mat changes its reading 100 to 2,000 times a night, 12 or more an hour; a good one only with its sleeper, "
    "who is up about twice a night.",
)


def flipped(state: JsonState, at_ms: int) -> list[list[int]]:
    """The changes of the pads' readings by the hour, the newest first, with one more."""
    flips: Any = state.get("flips") or ()
    hour = at_ms // HOUR_MS
    if flips and flips[0][0] == hour:
        return [[hour, flips[0][1] + 1], *flips[1:]]
    return [[hour, 1], *(flip for flip in flips if flip[0] >= hour - FLICKER_H)]


def most(state: JsonState, at_ms: int) -> int:
    """How often the pads changed in the worst of the last hours."""
    flips: Any = state.get("flips") or ()
    return max((flip[1] for flip in flips if flip[0] >= at_ms // HOUR_MS - FLICKER_H), default=0)
