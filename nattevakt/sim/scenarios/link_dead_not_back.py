"""The link is dead for 40 minutes. Bjarne gets up in that time, after Kari has looked in, and does not come back: it
rings when that is known."""

from nattevakt.sim.broken import without
from nattevakt.sim.duties import walks
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gets_up, link_dies, moves

NIGHT = Night("link_dead_not_back", "Bjarne står opp mens linja er død og blir borte", begins="01:20", ends="02:30")

NIGHT.at("01:30", link_dies("loftet", minutes=40))
NIGHT.at("01:35", walks("kari"))
NIGHT.at("01:40", gets_up("Bjarne"))
NIGHT.at("01:40:30", moves("Bjarne", "bad"))

NIGHT.expect_alarm("gateway_silent", about="loftet", after="01:30:40", by="01:31:20", clears_by="02:10:40")
NIGHT.expect_alarm("not_back_in_bed", room="202", after="02:10", by="02:10:40", why="bed.not_back_seen")

NIGHT.broken("ingen ser etter tomme senger", without("not_back_in_bed"), notices="not_back_in_bed på 202 kom ikke")
