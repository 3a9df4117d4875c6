"""A ward with one device of every kind, one of them per room and use. Serves the scenario of real sensors' faults.

Owns the invented rooms and their devices as data. Must not know faults or what is expected.
"""

from __future__ import annotations

from dataclasses import replace

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.ward import WARD, Gateway, Resident, Sensor, Ward, radio, zigbee

UP = "loftet"
_CALL, _DOOR, _BED, _FALL, _LEAK = Use.CALL, Use.DOOR, Use.BED, Use.FALL, Use.LEAK
_MOTION, _PRESENCE, _CHAIR, _WET, _AUTO = Use.MOTION, Use.PRESENCE, Use.CHAIR, Use.WET, Use.AUTO


def _radar(address: str, profile: str, use: Use, spot: str) -> Sensor:
    return Sensor(address, use, spot, UP, 600, profile=profile)


def _node(address: str, profile: str, use: Use, spot: str, interval_s: int | None = 1_800) -> Sensor:
    return Sensor(address, use, spot, UP, None if use is _CALL else interval_s, profile=profile)


def _zigbee(number: int, model: str, use: Use, spot: str) -> Sensor:
    return zigbee(f"0xa4c13896070004{number:02x}", f"enhet-{number}", model, use, spot, UP)


def _eep(number: int, profile: str, use: Use, spot: str) -> Sensor:
    return radio(f"0188{number:04X}", profile, use, spot, UP)


_ROOMS: tuple[tuple[str, tuple[Sensor, ...]], ...] = (
    ("Anna", (_eep(1, "F6-01-01", _CALL, "bad"), _eep(2, "D5-00-01", _DOOR, "dør"), _eep(3, "A5-30-01", _BED, "seng"),
              _eep(4, "F6-05-01", _LEAK, "bad"), _eep(5, "A5-07-01", _MOTION, "bad"))),
    ("Berit", (_eep(6, "F6-02-01", _CALL, "seng"), _eep(7, "A5-14-01", _DOOR, "dør"),
               _eep(8, "A5-07-02", _MOTION, "bad"), _eep(9, "F6-04-01", _PRESENCE, "kort"))),
    ("Carl", (_eep(10, "F6-02-02", _CALL, "seng"), _eep(11, "A5-14-09", _DOOR, "vindu"),
              _eep(12, "A5-07-03", _MOTION, "bad"), _eep(13, "A5-04-01", _AUTO, "stue"))),
    ("Dina", (_eep(14, "F6-10-00", _DOOR, "vindu"), _eep(15, "A5-08-01", _MOTION, "bad"),
              _eep(16, "A5-04-02", _AUTO, "stue"), _eep(17, "D2-14-40", _AUTO, "gang"))),
    ("Erik", (_eep(18, "A5-14-03", _DOOR, "dør"), _eep(19, "A5-14-05", _MOTION, "seng"),
              _eep(20, "A5-04-03", _AUTO, "stue"))),
    ("Fred", (_eep(21, "D2-14-41", _DOOR, "dør"),)),
    ("Gro", (_radar("micradar:bad", "MR60FDA1", _FALL, "bad"), _zigbee(1, "TS0215A_sos", _CALL, "seng"),
             _zigbee(2, "SNZB-04", _DOOR, "dør"), _zigbee(3, "SJCGQ11LM", _LEAK, "bad"))),
    ("Hans", (_radar("tinyframe:stue", "MR60FDA2", _FALL, "stue"), _zigbee(4, "HS1EB", _CALL, "seng"),
              _zigbee(5, "E2013", _DOOR, "dør"), _zigbee(6, "SNZB-03", _MOTION, "bad"))),
    ("Ida", (_radar("ld2410:gang", "LD2410", _PRESENCE, "gang"), _zigbee(7, "HS2FD-EF1-3.0", _FALL, "stue"),
             _zigbee(8, "PB206", _CALL, "seng"), _zigbee(9, "ZG-210Z", _CHAIR, "stol"))),
    ("Jon", (_zigbee(10, "MIR-HE200-TY", _FALL, "stue"), _zigbee(11, "TS0601_bed_presence_sensor", _BED, "seng"),
             _node("shelly:shellyplus1-a8032a/input:0", "input_button", _CALL, "seng"),
             _node("shelly:shellyblugw-b0b21c/bthomesensor:200", "window", _DOOR, "vindu"))),
    ("Kari", (_node("lora:24e124535d387374", "WS101", _CALL, "seng"),
              _node("lora:24e124535d387375", "WS301", _DOOR, "dør", 64_800),
              _node("lora:24e124535d387376", "VS373", _FALL, "bad", 600))),
    ("Lars", (_node("esphome:rom312/bed_occupied", "bed", _BED, "seng"), _zigbee(12, "FDS315", _FALL, "stue"),
              _zigbee(13, "FP1E", _PRESENCE, "stue"))),
    ("Mona", (_radar("micradar:seng", "R60ABD1", _BED, "seng"), _zigbee(14, "SPM915", _CHAIR, "stol"),
              _zigbee(15, "SJCGQ11LM", _WET, "seng"))),
)  # fmt: skip


INVERTED = ("A5-14-01", "A5-14-03", "TS0601_bed_presence_sensor", "SNZB-04")
"""Mounted the other way round, and set up so."""


def _mounted(sensor: Sensor) -> Sensor:
    return replace(sensor, invert=sensor.profile in INVERTED or sensor.model in INVERTED)


def _resident(number: int, name: str, sensors: tuple[Sensor, ...]) -> Resident:
    uses = {sensor.use for sensor in sensors}
    return Resident(
        f"r{number}",
        f"{name} Prøve",
        str(number),
        tuple(_mounted(sensor) for sensor in sensors),
        bed_window=("22:00", "07:00") if _BED in uses else None,
        door_window=("22:00", "07:00") if _DOOR in uses else None,
    )


EVERY_KIND: Ward = replace(
    WARD,
    residents=tuple(_resident(301 + number, name, sensors) for number, (name, sensors) in enumerate(_ROOMS)),
    gateways=(Gateway(UP, "Loftet", "zigbee2mqtt"),),
)
"""Thirteen rooms, 301 to 313, behind one gateway."""
