"""Where a story's people are, and who is helped by whoever comes to them. Serves arrow 9 from the outside.

Owns what a visit changes: who lay on the floor is in bed, a door is closed, a wet bed is dry. Must not know alarms, or
who works there.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.rules.windows import Window, inside
from nattevakt.sim.acts import Act
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import Resident
from nattevakt.sim.world import World


class Lives:
    """Where the story's people are now, as far as whoever comes to them can see."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: dict[tuple[str, Use], Act] = {}

    def happened(self, happening: Happening) -> None:
        """Something of the story happens now."""
        use = _TOLD_BY.get(happening.act)
        if use is not None:
            self._last[happening.resident, use] = happening.act

    def helped(self, resident: Resident, kind: str) -> None:
        """Somebody has been there: who lay on the floor is in bed, a door is closed, a wet bed is dry."""
        for use, wrong, act in _PUTS_RIGHT:
            sensor = resident.sensor(use)
            if sensor is not None and self._last.get((resident.key, use)) is wrong and self._wanted(resident, act):
                happening = Happening(self._world.line.now_ms, resident.key, act, sensor.spot)
                self._world.told(f"{resident.first_name} får hjelp ({kind}): {act.value}")
                self._world.happens(happening)
                self.happened(happening)

    def _wanted(self, resident: Resident, act: Act) -> bool:
        """Nobody is put to bed outside the hours in which they lie there."""
        if act is not Act.IN_BED or resident.bed_window is None:
            return True
        window = Window(*(int(at[:2]) * 60 + int(at[3:]) for at in resident.bed_window))
        return inside(window, self._world.line.now_ms, self._world.ward.time_zone)


_TOLD_BY: Mapping[Act, Use] = {
    Act.IN_BED: Use.BED,
    Act.OUT_OF_BED: Use.BED,
    Act.OPENS: Use.DOOR,
    Act.CLOSES: Use.DOOR,
    Act.FALLS: Use.FALL,
    Act.FALLS_PERHAPS: Use.FALL,
    Act.GETS_UP_FROM_FLOOR: Use.FALL,
    Act.WETS: Use.WET,
    Act.CHANGED: Use.WET,
}
_PUTS_RIGHT = (
    (Use.FALL, Act.FALLS, Act.GETS_UP_FROM_FLOOR),
    (Use.FALL, Act.FALLS_PERHAPS, Act.GETS_UP_FROM_FLOOR),
    (Use.BED, Act.OUT_OF_BED, Act.IN_BED),
    (Use.DOOR, Act.OPENS, Act.CLOSES),
    (Use.WET, Act.WETS, Act.CHANGED),
)
