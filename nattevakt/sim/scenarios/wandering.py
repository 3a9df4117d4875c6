"""Astrid gets up in the night, opens her door and does not come back."""

from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import closes_door, gets_up, moves, opens

NIGHT = Night("wandering", "Astrid går ut og kommer ikke tilbake", begins="02:02", ends="02:31")

NIGHT.at("02:10", gets_up("Astrid"))
NIGHT.at("02:10:40", moves("Astrid", "bad"))
NIGHT.at("02:12", opens("Astrid"))
NIGHT.at("02:12:09", closes_door("Astrid"))

NIGHT.expect_alarm("door_at_night", room="201", after="02:12", by="02:12:02", occurred="02:12")
NIGHT.expect_alarm("not_back_in_bed", room="201", after="02:25", by="02:25:30", why="bed.not_back_seen")

NIGHT.broken("ingen ser etter tomme senger", without("not_back_in_bed"), notices="not_back_in_bed på 201 kom ikke")
NIGHT.broken("ingen ser etter dører", without("door_at_night"), notices="door_at_night på 201 kom ikke")
