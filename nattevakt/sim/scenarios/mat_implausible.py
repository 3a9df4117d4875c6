"""Ingrid's mat loses her and finds her again dozens of times in an hour, and rings nobody. When the night ends somebody
is told what to see to by day. Bjarne's mat does so a few times, which is nothing."""

from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import flickers

NIGHT = Night("mat_implausible", "ei matte som ikke kan ha rett", begins="05:00", ends="06:32")

NIGHT.at("05:02", flickers("Ingrid", minutes=50, chatter=60), flickers("Bjarne", minutes=50, chatter=8))
NIGHT.expect_finding("implausible.bed_flicker", room="208", after="06:00", by="06:31")

NIGHT.broken(
    "ingen ser etter det som ikke kan være sant",
    without("sensor_implausible"),
    notices="funnet implausible.bed_flicker på 208 kom ikke",
)
