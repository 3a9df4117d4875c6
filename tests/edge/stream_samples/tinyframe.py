"""A fall radar that reads back its settings for ever: the one message that is news each time it differs.

Every second one is of the older, shorter form. Heights differ, so that each frame can be told from the others.
"""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Device, Line
from nattevakt.edge.drivers.tinyframe import BAUD
from nattevakt.edge.drivers.tinyframe.decode import FALL_RADAR, PARAMETERS, Parameters
from nattevakt.edge.drivers.tinyframe.frame import Frame
from tests.edge.streams import Sample

RADAR = Device("tinyframe:stream", FALL_RADAR)


def make(number: int) -> bytes:
    """Numbered as the radar numbers its frames; the sensitivity goes round in twenty-eight steps."""
    area_m = (0.5, 0.5, 0.5, 0.5) if number % 2 else ()
    settings = Parameters(1 + number % 4001 / 1000, 0.6, 3 + number % 28, area_m)
    return Frame(PARAMETERS, settings.to_bytes(), 0x8000 | number & 0x7FFF).to_bytes()


SAMPLE = Sample((RADAR,), make, BAUD, line=Line("stream"))
