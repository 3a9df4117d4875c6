"""Bjarne's consent runs out early in the morning, and nobody renews it. From seven on he is not watched, and the ward
is told so once more. Frida's holds, and she is watched."""

from nattevakt.sim.broken import without
from nattevakt.sim.duties import decides
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gets_up, moves

NIGHT = Night("basis_ended", "et grunnlag ingen har fornyet", begins="06:30", ends="07:25")

NIGHT.at("06:32", decides("kari", "Bjarne", until="06:40"))
NIGHT.at("07:02", gets_up("Bjarne"), gets_up("Frida"))
NIGHT.at("07:03", moves("Bjarne", "bad"), moves("Frida", "stue"))

NIGHT.expect_alarm("basis_expired", about="Bjarne Lunde", after="06:40", by="06:40:15", why="basis_expired", again=1)
NIGHT.expect_alarm("not_back_in_bed", room="205", after="07:17", by="07:17:30", why="bed.not_back_seen")

NIGHT.broken("ingen ser etter grunnlag", without("basis_expired"), notices="basis_expired om Bjarne Lunde kom ikke")
