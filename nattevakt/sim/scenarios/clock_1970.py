"""A gateway wakes in 1970 and learns the time at 02:10. Alarms come as they should, and the times they show are right
or said to be uncertain, also of a call made in a boot whose clock was never right."""

from nattevakt.sim.scenario import Night
from nattevakt.sim.script import boots_in_1970, gateway_dies, gets_up, link_dies, moves, presses

NIGHT = Night("clock_1970", "klokka står i 1970 til 02:10", begins="01:20", ends="02:35")

NIGHT.at("01:30", boots_in_1970("loftet", until="02:10"))
NIGHT.at("01:40", presses("Bjarne", "seng"))
NIGHT.at("01:42", link_dies("loftet", minutes=10))
NIGHT.at("01:45", presses("Einar", "bad"))
NIGHT.at("01:47", gateway_dies("loftet", minutes=0.5))
NIGHT.at("02:08", gets_up("Astrid"))
NIGHT.at("02:09", moves("Astrid", "bad"))

NIGHT.expect_alarm("call", room="202", after="01:40", by="01:40:02", occurred="01:40")
NIGHT.expect_alarm("gateway_silent", about="loftet", after="01:42:40", by="01:43:20", clears_by="01:53")
NIGHT.expect_alarm("call", room="204", after="01:52", by="01:52:30", why="call.pressed_uncertain", occurred="01:45")
NIGHT.expect_alarm("not_back_in_bed", room="201", after="02:23", by="02:23:30", why="bed.not_back_seen")

NIGHT.broken("gatewayen påstår at klokka er riktig", clocks_lie=True, notices="call på 204 sier at det hendte")
