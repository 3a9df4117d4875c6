"""Bjarne calls while the line is cut, and before it is back somebody puts another card into the box. His call is gone,
and less than a minute has passed: what may be lost is named, with from and to, and Kari looks into the rooms."""

from nattevakt.sim.broken import forgetful
from nattevakt.sim.duties import walks
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import agent_restarts, card_changed, link_dies, presses

NIGHT = Night("card_changed", "et anrop dør med kortet: hullet får navn", begins="01:50", ends="02:40")

NIGHT.at("01:58", agent_restarts("loftet"))
NIGHT.at("02:00", link_dies("loftet", minutes=0.6))
NIGHT.at("02:00:10", presses("Bjarne", "seng"))
NIGHT.at("02:00:15", card_changed("loftet", seconds=15))
NIGHT.at("02:10", walks("kari"))
NIGHT.at("02:20", agent_restarts("loftet"))
NIGHT.at("02:30", presses("Bjarne", "seng"))

NIGHT.expect_alarm("storage_lost", about="loftet", after="02:00:30", by="02:01:10", why="storage_lost")
NIGHT.expect_alarm("call", room="202", after="02:30", by="02:30:02", occurred="02:30")

NIGHT.broken("sentralen glemmer hva gatewayen har hatt", forgetful("gateway_silent"), notices="storage_lost om loftet")
