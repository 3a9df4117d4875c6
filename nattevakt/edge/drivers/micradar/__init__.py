"""MicRadar 53 59: frame.py finds frames, words.py and decode.py read them, driver.py keeps the state and asks."""

from nattevakt.edge.drivers.micradar.decode import PREFIX, encode
from nattevakt.edge.drivers.micradar.driver import (
    BAUD,
    PER_LINE,
    PROFILES,
    canonical,
    learning,
    recall,
    step,
)
from nattevakt.edge.drivers.micradar.products import PRODUCTS
from nattevakt.edge.drivers.micradar.state import State, start

__all__ = [
    "BAUD",
    "PER_LINE",
    "PREFIX",
    "PRODUCTS",
    "PROFILES",
    "State",
    "canonical",
    "encode",
    "learning",
    "recall",
    "start",
    "step",
]
