"""Ingrid lies still on a bad mat that loses her again and again, once for twenty minutes. Few words, and soft ones."""

from nattevakt.sim.scenario import Night
from nattevakt.sim.script import flickers, gets_up
from nattevakt.sim.ward import WARD, limited

NIGHT = Night("flickering_mat", "ei matte som mister den som ligger der", begins="01:10", ends="03:05")

NIGHT.at("01:15", flickers("Ingrid", minutes=60, gaps=4, chatter=60))
NIGHT.at("02:20", gets_up("Ingrid", for_min=20))
NIGHT.at("02:42", flickers("Ingrid", minutes=20, gaps=1, chatter=30))

NIGHT.expect_alarm("bed_check", room="208", after="02:35", by="02:35:30", why="bed.check", clears_by="02:41")

NIGHT.broken("ei tom seng ringer nesten med en gang", ward=limited(WARD, 2), notices="uventet: bed_check på 208")
