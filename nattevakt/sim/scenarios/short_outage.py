"""The link is away for six minutes and Bjarne calls in that time: late, and said to be. Gerd's gateway has its own."""

from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import link_dies, presses

NIGHT = Night("short_outage", "et anrop mens linja er borte i seks minutter", begins="02:00", ends="02:20")

NIGHT.at("02:05", link_dies("loftet", minutes=6))
NIGHT.at("02:07", presses("Bjarne", "seng"), presses("Gerd", "seng"))

NIGHT.expect_alarm("call", room="206", after="02:07", by="02:07:02", occurred="02:07")
NIGHT.expect_alarm("gateway_silent", about="loftet", after="02:05:40", by="02:06:20", clears_by="02:11:40")
NIGHT.expect_alarm("call", room="202", after="02:11", by="02:11:15", why="call.pressed_late", occurred="02:07")

NIGHT.broken("anrop kjennes ikke", without("call"), notices="call på 202 kom ikke")
NIGHT.broken("ingen ser etter gatewayer", without("gateway_silent"), notices="gateway_silent om loftet kom ikke")
