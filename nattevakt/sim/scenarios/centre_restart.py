"""The centre dies for sixteen minutes while 300 residents are up. When it is back, 300 limits are due: 290 went to bed
meanwhile, which nobody may judge before the backlog is in; ten did not, and ring."""

from nattevakt.sim.broken import at_once
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import centre_dies, gets_up, moves
from nattevakt.sim.ward import corridor

WARD = corridor(300)
AWAY = [resident for resident in WARD.residents if resident.room.endswith("07") or int(resident.room) % 43 == 0]

NIGHT = Night("centre_restart", "300 frister når sentralen kommer tilbake", begins="01:57", ends="02:19", ward=WARD)

for number, resident in enumerate(WARD.residents):
    when = f"02:00:{number % 40:02}"
    NIGHT.at(when, gets_up(resident.first_name, None if resident in AWAY else 5))
for resident in AWAY:
    NIGHT.at("02:06", moves(resident.first_name, "bad"))
    NIGHT.expect_alarm("not_back_in_bed", room=resident.room, after="02:17", by="02:17:45", why="bed.not_back_seen")
NIGHT.at("02:01", centre_dies(minutes=16))

NIGHT.broken("sengene dømmes uten at dataene er fullstendige", at_once("not_back_in_bed"), notices="uventet: bed_check")
