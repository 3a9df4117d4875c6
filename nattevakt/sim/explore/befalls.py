"""Everything that can go wrong with an installation, by name. Serves the explorer.

Owns the table. How a mishap begins and ends is in befalls_roads.py, befalls_boxes.py, befalls_centre.py and
befalls_devices.py; what people forget and tablets do is in staffing.py. When all that began has ended, the
installation is whole again.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.sim.explore.befall import EXCUSES, Befall
from nattevakt.sim.explore.befalls_boxes import BOXES
from nattevakt.sim.explore.befalls_centre import CENTRES
from nattevakt.sim.explore.befalls_devices import DEVICES
from nattevakt.sim.explore.befalls_roads import ROADS

__all__ = ["BEFALLS", "EXCUSES", "Befall"]

BEFALLS: Mapping[str, Befall] = {befall.name: befall for befall in (*ROADS, *BOXES, *CENTRES, *DEVICES)}
"""By name, as stories use it."""
