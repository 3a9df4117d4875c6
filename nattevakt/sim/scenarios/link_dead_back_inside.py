"""The link is dead for 40 minutes. Bjarne is up and back in that time: a line in the log. Einar left his bed before it:
his limits pass unconfirmed, and what comes late shows that he was back. Kari looks into the rooms meanwhile."""

from nattevakt.sim.broken import at_once, without
from nattevakt.sim.duties import walks
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gets_up, goes_to_toilet, link_dies

NIGHT = Night("link_dead_back_inside", "linja er død mens to er oppe og legger seg igjen", begins="01:20", ends="02:30")

NIGHT.at("01:28", gets_up("Einar", for_min=7))
NIGHT.at("01:30", link_dies("loftet", minutes=40))
NIGHT.at("01:35", walks("kari"))
NIGHT.at("01:35", goes_to_toilet("Bjarne", minutes=6))

NIGHT.expect_alarm("gateway_silent", about="loftet", after="01:30:40", by="01:31:20", clears_by="02:10:40")
NIGHT.expect_alarm("bed_check", room="204", by="01:43:30", why="bed.check_unconfirmed")
NIGHT.expect_alarm(
    "not_back_in_bed",
    room="204",
    after="01:58",
    by="01:58:30",
    why="bed.not_back_still_unconfirmed",
    clears_by="02:11",
)
NIGHT.expect_shown("01:50", room="202", seen="unknown")
NIGHT.expect_shown("01:50", room="206", seen="known")
NIGHT.expect_shown("02:15", room="202", seen="known")

NIGHT.broken(
    "sengene dømmes uten at dataene er fullstendige",
    at_once("not_back_in_bed"),
    notices="not_back_in_bed på 204 kom fordi bed.not_back_still, ikke",
)
NIGHT.broken("ingen ser etter gatewayer", without("gateway_silent"), notices="gateway_silent om loftet kom ikke")
