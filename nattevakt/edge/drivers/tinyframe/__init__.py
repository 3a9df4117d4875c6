"""TinyFrame radars (Hi-Link LD6002x): frame.py finds frames, decode.py reads them, driver.py keeps the state."""

from nattevakt.edge.drivers.tinyframe.driver import (
    BAUD,
    PER_LINE,
    PREFIX,
    PRODUCTS,
    PROFILES,
    State,
    canonical,
    encode,
    learning,
    recall,
    start,
    step,
)

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
