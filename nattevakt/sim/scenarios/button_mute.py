"""A call button dies. It gives no sign of life, so nobody can tell: no alarm, and the room says that it cannot be
supervised. A button taken for a device that reports would ring for nothing."""

from dataclasses import replace

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import device_dies, presses
from nattevakt.sim.ward import WARD, Ward, radio

BUTTON = radio("0029E207", "F6-02-01", Use.CALL, "stue", "kjelleren")


def ward(interval_s: int | None) -> Ward:
    """The ward where Harald has a button and nothing else. interval_s: how often it is said to report."""
    (harald,) = (resident for resident in WARD.residents if resident.room == "207")
    return WARD.changed(replace(harald, sensors=(replace(BUTTON, interval_s=interval_s),), door_window=None))


NIGHT = Night("button_mute", "en død knapp kan ikke overvåkes", begins="00:30", ends="02:00", ward=ward(None))

NIGHT.at("00:35", presses("Harald", "stue"))
NIGHT.at("00:40", device_dies("Harald", Use.CALL))
NIGHT.at("01:50", presses("Harald", "stue"))

NIGHT.expect_alarm("call", room="207", after="00:35", by="00:35:02")
NIGHT.expect_shown("00:33", room="207", seen="mute")
NIGHT.expect_shown("01:55", room="207", seen="mute")

NIGHT.broken("knappen regnes som en enhet som melder seg", ward=ward(1_200), notices="device_silent på 207")
