"""The words for what residents do and what befalls them. Serves everything in the simulator that tells a story.

Owns the acts. Must not know who does them, when, or which device can notice.
"""

from __future__ import annotations

from enum import StrEnum


class Act(StrEnum):
    """What a person does, or what befalls a device of theirs."""

    IN_BED = "in_bed"
    OUT_OF_BED = "out_of_bed"
    SITS = "sits"
    RISES = "rises"
    ENTERS = "enters"
    LEAVES = "leaves"
    MOVES = "moves"
    OPENS = "opens"
    CLOSES = "closes"
    PRESSES = "presses"
    FALLS = "falls"
    FALLS_PERHAPS = "falls_perhaps"
    GETS_UP_FROM_FLOOR = "gets_up_from_floor"
    FLOODS = "floods"
    WETS = "wets"
    CHANGED = "changed"
