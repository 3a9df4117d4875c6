"""A gateway's words arrive and it hears no answer, so that it says everything again; another's program dies and comes
back. Each call rings once."""

from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import agent_restarts, link_half_dies, presses

NIGHT = Night("half_open", "anrop som sendes om igjen ringer én gang", begins="12:00", ends="12:20")

NIGHT.at("12:05", link_half_dies("loftet", minutes=5))
NIGHT.at("12:06", presses("Bjarne", "seng"))
NIGHT.at("12:07", agent_restarts("kjelleren"))
NIGHT.at("12:08", presses("Ingrid", "bad"))
NIGHT.at("12:15", presses("Einar", "bad"))

NIGHT.expect_alarm("call", room="202", after="12:06", by="12:06:02", occurred="12:06")
NIGHT.expect_alarm("call", room="208", after="12:08", by="12:08:02", occurred="12:08")
NIGHT.expect_alarm("call", room="204", after="12:15", by="12:15:02", occurred="12:15")

NIGHT.broken("anrop kjennes ikke", without("call"), notices="call på 202 kom ikke")
