"""Bjarne's plan is paused for half an hour while he is up with Per. Nothing rings meanwhile; when the pause ends and he
is still not in bed, that is judged late. Einar's pause is ended early. Gerd, who has none, rings as ever."""

from nattevakt.sim.broken import unpaused, without
from nattevakt.sim.duties import pauses, resumes
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gets_up, moves

NIGHT = Night("plan_paused", "en pause holder tilbake, og det dømmes når den er over", begins="02:00", ends="02:40")

NIGHT.at("02:03", pauses("per", "Bjarne", until="02:33", why="er oppe med meg"))
NIGHT.at("02:03", pauses("per", "Einar", "not_back_in_bed", until="02:38", why="er oppe med meg"))
for first_name in ("Bjarne", "Einar", "Gerd"):
    NIGHT.at("02:05", gets_up(first_name))
    NIGHT.at("02:06", moves(first_name, "bad"))
NIGHT.at("02:28", resumes("per", "Einar"))

NIGHT.expect_alarm("not_back_in_bed", room="206", after="02:20", by="02:20:30", why="bed.not_back_seen")
NIGHT.expect_alarm("not_back_in_bed", room="204", after="02:28", by="02:28:30", why="bed.not_back_seen")
NIGHT.expect_alarm("not_back_in_bed", room="202", after="02:33", by="02:33:30", why="bed.not_back_seen")

NIGHT.broken("pausen gjelder ikke", unpaused("not_back_in_bed"), notices="not_back_in_bed på 202 kom ikke")
NIGHT.broken("ingen ser etter tomme senger", without("not_back_in_bed"), notices="not_back_in_bed på 202 kom ikke")
