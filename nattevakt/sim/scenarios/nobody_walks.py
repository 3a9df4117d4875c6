"""A gateway dies, and nobody looks into the rooms that nothing is heard from: after half an hour that is an alarm, one
for the ward. It ends when somebody has been there."""

from nattevakt.sim.broken import without
from nattevakt.sim.duties import walks_once
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gateway_dies

NIGHT = Night("nobody_walks", "ingen ser inn der sensorene tier", begins="01:55", ends="02:50")

NIGHT.at("02:00", gateway_dies("kjelleren"))
NIGHT.at("02:45", walks_once("kari"))

NIGHT.expect_alarm("gateway_silent", about="kjelleren", after="02:00:40", by="02:01:20")
# The second and later rooms are due a minute apart: they are told of together, ten minutes after the first.
NIGHT.expect_alarm("round_overdue", after="02:30", by="02:33", why="round_overdue", clears_by="02:46:30", again=1)

NIGHT.broken("ingen ser etter runder", without("rounds"), notices="round_overdue kom ikke")
