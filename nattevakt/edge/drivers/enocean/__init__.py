"""EnOcean: frame.py finds frames, decode.py reads telegrams, driver.py keeps the state."""

from nattevakt.edge.drivers.enocean.driver import (
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
