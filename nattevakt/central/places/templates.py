"""Plans to begin from. Serves arrow 7.

Owns which rules a common need calls for, at which hours. Must not know any resident: whoever makes a plan changes
what the template suggests, and `plan_lines.check` says what the room has no sensor for.

Hours are those of the night on a Norwegian nursing home's ward; numbers that are not said are the rule's own defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nattevakt.central.places.plan_lines import Line, lacking
from nattevakt.edge.rules.catalogue import BY_NAME
from nattevakt.edge.rules.windows import Window

NIGHT = Window(22 * 60, 7 * 60)
EVENING_AND_NIGHT = Window(20 * 60, 8 * 60)

_WANTED: Mapping[str, tuple[Line, ...]] = {
    # Falls when up alone, and knows it: who gets up is met, who stays away is looked for.
    "fallfare_orientert": (
        Line("out_of_bed", (NIGHT,)),
        Line("not_back_in_bed", (EVENING_AND_NIGHT,)),
        Line("long_bathroom", (EVENING_AND_NIGHT,)),
        Line("chair", (Window(8 * 60, 20 * 60),)),
        Line("inactivity", (Window(8 * 60, 20 * 60),)),
    ),
    # Gets up and goes: the door matters most, the bed as the first sign.
    "nattevandrer": (
        Line("door_at_night", (NIGHT,)),
        Line("not_returned", (EVENING_AND_NIGHT,)),
        Line("not_back_in_bed", (NIGHT,)),
        Line("out_of_room", (NIGHT,)),
    ),
    # A room that is fitted as standard: nobody's special need, only that somebody is missed.
    "e_rom_standard": (
        Line("not_back_in_bed", (NIGHT,)),
        Line("long_bathroom", (NIGHT,)),
        Line("not_up", ()),
        Line("inactivity", ()),
    ),
}

TEMPLATES: Mapping[str, tuple[Line, ...]] = MappingProxyType(
    {
        name: tuple(
            Line(line.rule, line.windows if BY_NAME[line.rule].windowed else ())
            for line in lines
            if line.rule in BY_NAME
        )
        for name, lines in _WANTED.items()
    }
)
"""Lines by the template's name, of the rules that this version has. The names are stored nowhere."""


def fitted(name: str, uses: frozenset[str] | None) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """A template's lines for a room with sensors for these uses: what it can have, and what it lacks sensors for."""
    lines = TEMPLATES[name]
    if uses is None:
        return lines, ()
    can = tuple(line for line in lines if not lacking(BY_NAME[line.rule], uses))
    return can, tuple(line for line in lines if line not in can)
