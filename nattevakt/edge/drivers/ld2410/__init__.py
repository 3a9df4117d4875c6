"""LD2410 and LD2450 radars: frame.py finds reports, decode.py reads them, driver.py keeps the state."""

from nattevakt.edge.drivers.ld2410.driver import (
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
