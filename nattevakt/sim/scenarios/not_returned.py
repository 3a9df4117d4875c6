"""Astrid and Frida go out in the night. Frida is back within ten minutes. Nothing is seen of Astrid after her door: it
rings that she has not come back."""

from nattevakt.central.places.plan_lines import Line
from nattevakt.edge.rules.windows import Window
from nattevakt.sim.broken import without
from nattevakt.sim.duties import plans_for
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gets_up, lies_down, moves, opens

NIGHT = Night("not_returned", "to går ut, og én kommer ikke tilbake", begins="02:00", ends="02:30")
WATCHED = Line("not_returned", (Window(22 * 60, 7 * 60),), {"limit_min": 12})

for first_name in ("Astrid", "Frida"):
    NIGHT.at("02:01", plans_for("kari", first_name, WATCHED))
    NIGHT.at("02:10", gets_up(first_name))
    NIGHT.at("02:11", opens(first_name, for_s=8))
NIGHT.at("02:18", opens("Frida", for_s=8))
NIGHT.at("02:20", moves("Frida", "stue"))
NIGHT.at("02:21", lies_down("Frida"))

NIGHT.expect_alarm("door_at_night", room="201", after="02:11", by="02:11:02", occurred="02:11")
# Her door opens once more when she comes back, and nobody has answered the first time.
NIGHT.expect_alarm("door_at_night", room="205", after="02:11", by="02:11:02", again=1)
NIGHT.expect_alarm("left_home", room="201", after="02:23", by="02:23:30", why="left.not_back")
NIGHT.expect_alarm("not_back_in_bed", room="201", after="02:25", by="02:25:30", why="bed.not_back_seen")

NIGHT.broken("ingen ser etter dem som går ut", without("not_returned"), notices="left_home på 201 kom ikke")
