"""The night when the clock is set back. Astrid is up across the change and has fifteen real minutes; Einar's window
ends at 02:30, which comes twice, and he leaves his bed before the second."""

from dataclasses import replace
from datetime import date

from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import gets_up, moves
from nattevakt.sim.ward import WARD

EINAR = next(resident for resident in WARD.residents if resident.first_name == "Einar")
SHORT = WARD.changed(replace(EINAR, bed_window=("01:00", "02:30")))

NIGHT = Night(
    "dst_autumn",
    "natten med to ganger halv tre",
    begins="02:30",
    ends="03:10",
    on=date(2026, 10, 25),
    ward=SHORT,
)

NIGHT.at("02:50", gets_up("Astrid"))
NIGHT.at("02:51", moves("Astrid", "bad"))
NIGHT.expect_alarm("not_back_in_bed", room="201", after="02:05 igjen", by="02:05:30 igjen")
NIGHT.at("02:20 igjen", gets_up("Einar"))
NIGHT.at("02:21 igjen", moves("Einar", "bad"))
NIGHT.expect_alarm("not_back_in_bed", room="204", after="02:35 igjen", by="02:35:30 igjen")

NIGHT.broken(
    "vinduene regnes i sommertid hele natten",
    ward=replace(SHORT, time_zone="Etc/GMT-2"),
    notices="not_back_in_bed på 204 kom ikke",
)
NIGHT.broken("ingen ser etter tomme senger", without("not_back_in_bed"), notices="not_back_in_bed på 201 kom ikke")
