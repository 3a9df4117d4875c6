"""Einar's consent runs out at half past two. The ward is told, and he is watched until the day shift comes: when he
does not come back to bed it rings as ever."""

from nattevakt.sim.broken import to_the_minute, without
from nattevakt.sim.duties import decides
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gets_up, moves

NIGHT = Night("basis_ends_at_night", "et grunnlag går ut om natten", begins="02:20", ends="03:00")

NIGHT.at("02:22", decides("kari", "Einar", until="02:30"))
NIGHT.at("02:40", gets_up("Einar"))
NIGHT.at("02:41", moves("Einar", "bad"))

NIGHT.expect_alarm("basis_expired", about="Einar Haugen", after="02:30", by="02:30:15", why="basis_expired.armed")
NIGHT.expect_alarm("not_back_in_bed", room="204", after="02:55", by="02:55:30", why="bed.not_back_seen")

NIGHT.broken("ingen ser etter grunnlag", without("basis_expired"), notices="basis_expired om Einar Haugen kom ikke")
NIGHT.broken(
    "et grunnlag slutter midt på natten",
    to_the_minute("not_back_in_bed"),
    notices="not_back_in_bed på 204 kom ikke",
)
