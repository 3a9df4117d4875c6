"""What can be bought for Zigbee2MQTT, and what is known to go wrong with it. Serves arrow 2.

Owns data only. Intervals stand only where the converter sets them: `batteryPercentageRemaining` at least every
62,000 s. Facts from zigbee-herdsman-converters 26.112.0 and the threads named.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.edge.drivers.driver import Power, Product, Spot

LOST_PRESS = (
    "HS1EB mister trykk når batteriet er lavt: Zigbee2MQTT sender da ingenting videre. Prøv knappen ofte, bytt batteri "
    "i god tid, eller bruk TS0215A_sos, SBTZB-110 eller PB206"
)
WARNINGS: Mapping[str, str] = {"HS1EB": LOST_PRESS, "HS1EB-E": LOST_PRESS}
"""Models that an installer must be warned of when one is there."""

_ZHC = "zigbee-herdsman-converters 26.112.0"
_FLOODS = "Kan sende tusenvis av meldinger i døgnet når den er defekt."
_NO_CHECK = "Hvor ofte den gir livstegn, er ikke kjent: sett et eget intervall etter å ha målt."


def _product(
    maker: str,
    model: str,
    reports: tuple[str, ...],
    spot: Spot,
    *faults: str,
    power: Power = Power.BATTERY,
    interval_s: int | None = None,
    source: str = _ZHC,
) -> Product:
    told = (*faults, _NO_CHECK) if interval_s is None else faults
    return Product(maker, model, "", reports, power, interval_s, spot, told, source)


_CONTACT = ("closed", "battery_low", "battery_percent")
_WET = ("wet", "battery_low")
_CALL = ("action", "battery_percent")
_FALL = ("fall", "motion")

PRODUCTS: tuple[Product, ...] = (
    _product("Sonoff", "SNZB-04", _CONTACT, Spot.DOOR),
    _product("frient", "WISZB-120", (*_CONTACT, "tamper"), Spot.WINDOW),
    _product("IKEA", "E2013", _CONTACT, Spot.DOOR, _FLOODS, source=f"{_ZHC}; z2m#22579"),
    _product("Aqara", "MCCGQ11LM", (*_CONTACT, "supply_v"), Spot.DOOR, source="z2m#13342"),
    _product("frient", "FLSZB-110", (*_WET, "tamper"), Spot.FLOOR),
    _product("Aqara", "SJCGQ11LM", _WET, Spot.FLOOR),
    _product("frient", "MOSZB-140", ("motion", "tamper", "battery_low"), Spot.WALL),
    _product("Heiman", "HS2FD-EF1-3.0", _FALL, Spot.CEILING, power=Power.MAINS, source=f"{_ZHC}; z2m#27975"),
    _product("OWON", "FDS315", ("fall", "present", "occupied", "breathing_rpm"), Spot.WALL, power=Power.MAINS),
    _product("MultIR", "MIR-HE200-TY", ("fall",), Spot.CEILING, power=Power.MAINS),
    _product("Tuya", "TS0601_bed_presence_sensor", ("occupied", "battery_percent"), Spot.BED, source="ZHC PR#11584"),
    _product(
        *("OWON", "SPM915", ("occupied", "battery_low", "tamper"), Spot.BED),
        "Hvilken vei den melder, må prøves på stedet; bruk «invert» hvis den er omvendt.",
    ),
    _product("Tuya", "C3007", ("occupied",), Spot.BED, "Må settes opp med bruk «bed»."),
    _product("HOBEIAN", "ZG-210Z", ("seated", "temperature_c", "humidity_percent", "battery_percent"), Spot.CHAIR),
    _product("Heiman", "HS1EB", _CALL, Spot.BODY, LOST_PRESS + ".", interval_s=62_000, source="z2m#19636"),
    _product("Tuya", "TS0215A_sos", _CALL, Spot.BODY, "Batteriet kan være ukjent (null).", source="zhc#2797"),
    _product("Tuya", "TS0601_sos", _CALL, Spot.BODY, source="z2m#31727"),
    _product("frient", "SBTZB-110", _CALL, Spot.BEDSIDE),
    _product("OWON", "PB206", ("sos", "battery_low"), Spot.BEDSIDE),
    _product("Feibit", "SEB01ZB", ("sos", "tamper", "battery_low"), Spot.BEDSIDE),
)
