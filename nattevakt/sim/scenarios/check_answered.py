"""Two beds read empty and nothing moves: two checks. Per looks to Gerd and is done with it, so hers stays a check;
nobody looks to Dagny, and hers becomes an alarm."""

from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import arrives, closes, falls_unseen, takes

NIGHT = Night("check_answered", "en sjekk som noen svarer på, og en som ingen svarer på", begins="02:00", ends="02:45")

NIGHT.at("02:05", falls_unseen("Gerd"), falls_unseen("Dagny"))
for room in ("203", "206"):
    NIGHT.expect_alarm("bed_check", room=room, after="02:20", by="02:20:30", why="bed.check")
NIGHT.at("02:23", takes("per", "bed_check", "206"))
NIGHT.at("02:25", arrives("per", "bed_check", "206"))
NIGHT.at("02:26", closes("per", "bed_check", "206"))

NIGHT.expect_alarm("not_back_in_bed", room="203", after="02:35", by="02:35:30", why="bed.not_back_still")

NIGHT.broken("ingen ser etter tomme senger", without("not_back_in_bed"), notices="bed_check på 206 kom ikke")
