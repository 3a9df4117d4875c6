"""A bed mat that reports every twenty minutes dies. An hour after it was last heard somebody is told; it ends when the
mat is heard again."""

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import device_dies, device_lives

NIGHT = Night("device_silent", "ei sengematte slutter å melde seg", begins="01:00", ends="02:45")

NIGHT.at("01:25", device_dies("Bjarne", Use.BED))
NIGHT.at("02:35", device_lives("Bjarne", Use.BED))

NIGHT.expect_alarm("device_silent", about="enocean:01A0C202", after="02:05", by="02:26", clears_by="02:36")
NIGHT.expect_shown("02:30", room="202", seen="unknown")

NIGHT.broken("ingen ser etter enheter", without("device_silent"), notices="device_silent om enocean:01A0C202 kom ikke")
