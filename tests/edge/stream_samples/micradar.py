"""MicRadar frames for the bad line: movement, breathing and heart in both forms, each value unlike the one before."""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Device
from nattevakt.edge.drivers.micradar.words import statement
from tests.edge.streams import Sample

FIELDS = (("movement", 101), ("breath_rate", 255), ("heart_rate", 255))


def make(number: int) -> bytes:
    """The fields go round, reports and answers in turn; zero is left out where it means "no value"."""
    name, values = FIELDS[number % len(FIELDS)]
    turn = number // len(FIELDS)
    value = turn % values + (name != "movement")
    return statement(name, value, answering=turn % (2 * values) >= values).to_bytes()


SAMPLE = Sample(
    (Device("micradar:stream", "R60ABD1"),),
    make,
    115_200,
    preamble=statement("presence", 1, answering=True).to_bytes() + statement("bed", "in", answering=True).to_bytes(),
)
