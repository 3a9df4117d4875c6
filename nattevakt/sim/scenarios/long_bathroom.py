"""Bjarne and Einar go to the bathroom. Einar is back in bed in five minutes; Bjarne is seen there and nowhere else."""

from nattevakt.central.places.plan_lines import Line
from nattevakt.sim.broken import without
from nattevakt.sim.duties import plans_for
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import goes_to_toilet, moves

NIGHT = Night("long_bathroom", "én blir på badet", begins="12:00", ends="12:28", up=("Bjarne",))

for first_name in ("Bjarne", "Einar"):
    NIGHT.at("12:01", plans_for("kari", first_name, Line("long_bathroom", (), {"limit_min": 15})))
NIGHT.at("12:05", moves("Bjarne", "bad"), goes_to_toilet("Einar", minutes=5))
NIGHT.at("12:07", moves("Bjarne", "bad"))

NIGHT.expect_alarm("long_bathroom", room="202", after="12:20", by="12:20:30", why="bath.long_seen")

NIGHT.broken("ingen ser etter lange badbesøk", without("long_bathroom"), notices="long_bathroom på 202 kom ikke")
