"""A gateway loses its power for good. One alarm names it; its devices, all silent now, ring for nobody. Kari is told to
look into the rooms instead, and does."""

from nattevakt.sim.broken import at_once, without
from nattevakt.sim.duties import walks
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gateway_dies

NIGHT = Night("gateway_dead", "en gateway dør: én alarm, ikke tretten", begins="01:50", ends="03:20")

NIGHT.at("02:00", gateway_dies("kjelleren"))
NIGHT.at("02:10", walks("kari"))

NIGHT.expect_alarm("gateway_silent", about="kjelleren", after="02:00:40", by="02:01:20")
NIGHT.expect_shown("02:05", room="206", seen="unknown")
NIGHT.expect_shown("02:05", room="201", seen="known")

NIGHT.broken("ingen ser etter gatewayer", without("gateway_silent"), notices="gateway_silent om kjelleren kom ikke")
NIGHT.broken("enhetene dømmes som om gatewayen levde", at_once("device_silent"), notices="uventet: device_silent")
