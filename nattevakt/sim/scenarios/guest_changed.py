"""Bjarne calls while the link is dead, and moves out at noon. The call comes late, and it is still his."""

from nattevakt.sim.duties import walks
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import guest_changes, link_dies, presses

NIGHT = Night("guest_changed", "gjesten byttes før anropet kommer fram", begins="11:35", ends="12:25")

NIGHT.at("11:40", link_dies("loftet", minutes=35))
NIGHT.at("11:45", presses("Bjarne", "seng"))
NIGHT.at("11:50", walks("kari"))
NIGHT.at("12:00", guest_changes("202", to="Solveig Berg"))
NIGHT.at("12:20", presses("Bjarne", "seng"))

NIGHT.expect_alarm("gateway_silent", about="loftet", after="11:40:40", by="11:41:20", clears_by="12:15:40")
NIGHT.expect_alarm(
    "call",
    room="202",
    about="Bjarne Lunde",
    after="12:15",
    by="12:15:15",
    why="call.pressed_late",
    occurred="11:45",
)
NIGHT.expect_alarm("call", room="202", about="Solveig Berg", after="12:20", by="12:20:02", occurred="12:20")

NIGHT.broken("den nye gjesten skrives inn med den gamles nøkkel", renames_guests=True, notices="call på 202 kom ikke")
