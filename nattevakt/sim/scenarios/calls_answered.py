"""An ordinary hour: a call that Kari takes, goes to and ends; a fall that the sensor sees; water on a floor."""

from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import arrives, closes, falls, floods, presses, takes

NIGHT = Night("calls_answered", "anrop, fall og vann, og noen som kommer", begins="00:30", ends="01:15")

NIGHT.at("00:40", presses("Gerd", "seng"))
NIGHT.expect_alarm("call", room="206", after="00:40", by="00:40:02", occurred="00:40")
NIGHT.at("00:42", takes("kari", "call", "206"))
NIGHT.at("00:44", arrives("kari", "call", "206"))
NIGHT.at("00:48", closes("kari", "call", "206", cause="toalett", action="hjelp_gitt"))

NIGHT.at("00:52", falls("Dagny"))
# Nobody comes: the same fall sounds again after 5, 10 and 15 minutes.
NIGHT.expect_alarm("fall", room="203", after="00:52", by="00:52:02", why="fall.still", again=3)
NIGHT.at("00:55", floods("Dagny", "kjøkken"))
NIGHT.expect_alarm("leak", room="203", after="00:55", by="00:55:02")

# What is pressed again after the visit is a new alarm.
NIGHT.at("01:05", presses("Gerd", "seng"))
NIGHT.expect_alarm("call", room="206", after="01:05", by="01:05:02", occurred="01:05")

NIGHT.broken("anrop kjennes ikke", without("call"), notices="call på 206 kom ikke")
NIGHT.broken("fall kjennes ikke", without("fall"), notices="fall på 203 kom ikke")
