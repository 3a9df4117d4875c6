"""The night when the clock is set forward. Astrid is up across the change and has fifteen real minutes; Einar's window
ends at 03:05, and he gets up after it."""

from dataclasses import replace
from datetime import date

from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gets_up, moves
from nattevakt.sim.ward import WARD

EINAR = next(resident for resident in WARD.residents if resident.first_name == "Einar")
SHORT = WARD.changed(replace(EINAR, bed_window=("00:30", "03:05")))

NIGHT = Night(
    "dst_spring",
    "natten uten halv tre",
    begins="01:30",
    ends="03:50",
    on=date(2027, 3, 28),
    ward=SHORT,
)

NIGHT.at("01:50", gets_up("Astrid"))
NIGHT.at("01:51", moves("Astrid", "bad"))
NIGHT.expect_alarm("not_back_in_bed", room="201", after="03:05", by="03:05:30")
NIGHT.at("03:20", gets_up("Einar"))
NIGHT.at("03:21", moves("Einar", "bad"))

NIGHT.broken(
    "vinduene regnes i vintertid hele natten",
    ward=replace(SHORT, time_zone="Etc/GMT-1"),
    notices="uventet: not_back_in_bed på 204",
)
