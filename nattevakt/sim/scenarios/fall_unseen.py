"""Dagny falls out of bed where her fall sensor does not look, and lies still: first a check, then an alarm."""

from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import arrives, closes, falls_unseen, lies_down, takes

NIGHT = Night("fall_unseen", "et fall som ingen sensor ser", begins="03:00", ends="04:32")

NIGHT.at("03:10", falls_unseen("Dagny"))
NIGHT.expect_alarm("bed_check", room="203", after="03:25", by="03:25:30", why="bed.check")
NIGHT.expect_alarm("not_back_in_bed", room="203", after="03:40", by="03:40:30", why="bed.not_back_still")
NIGHT.at("03:42", takes("kari", "not_back_in_bed", "203"))
NIGHT.at("03:46", arrives("kari", "not_back_in_bed", "203"))
NIGHT.at("03:50", closes("kari", "not_back_in_bed", "203", cause="fall", action="hjelp_gitt"))
NIGHT.at("03:51", lies_down("Dagny"))

# Somebody who looks answers the check: it stays a check, also when the bed goes on reading empty.
NIGHT.at("03:55", falls_unseen("Gerd"))
NIGHT.expect_alarm("bed_check", room="206", after="04:10", by="04:10:30", why="bed.check")
NIGHT.at("04:13", takes("per", "bed_check", "206"))
NIGHT.at("04:15", arrives("per", "bed_check", "206"))
NIGHT.at("04:16", closes("per", "bed_check", "206"))

NIGHT.broken("ingen ser etter tomme senger", without("not_back_in_bed"), notices="not_back_in_bed på 203 kom ikke")
