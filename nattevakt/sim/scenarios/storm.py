"""A cable was cut and is back: six gateways empty their backlogs at once, and six people call in the midst of it."""

from dataclasses import replace

from nattevakt.sim.centre import Workings
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import flickers, link_dies, presses
from nattevakt.sim.ward import Gateway, corridor

GATEWAYS = tuple(Gateway(f"gang-{number}", f"Gang {number}", f"zigbee2mqtt-{number}") for number in range(6))
WARD = corridor(24, GATEWAYS)
SLOW = Workings(busy_ms=50, busy_per_kb_ms=20)
"""A centre on a small machine: half a second for a full batch."""

NIGHT = Night("storm", "seks anrop midt i seks køer", begins="15:00", ends="15:26", ward=WARD, workings=SLOW)

for gateway in GATEWAYS:
    NIGHT.at("15:02", link_dies(gateway.key, minutes=20))
    NIGHT.expect_alarm("gateway_silent", about=gateway.key, after="15:02:40", by="15:03:20", clears_by="15:24")
for resident in WARD.residents:
    NIGHT.at("15:02:30", flickers(resident.first_name, minutes=19, chatter=100))
for second, room in ((6, 1005), (7, 1010), (8, 1015), (9, 1020), (10, 1001), (11, 1006)):
    said, heard = f"15:22:{second:02}", f"15:22:{second + 1:02}"
    NIGHT.at(said, presses(f"Beboer{room}", "bad"))
    NIGHT.expect_alarm("call", room=f"{room}", after=said, by=heard, occurred=said)

NIGHT.broken("anropet står i samme kø som alt annet", replace(SLOW, urgent_first=False), notices="kom ikke mellom")
