"""Which Hi-Link radars can be bought and mounted. Serves the installer's list.

Data only: what each reports, where it goes and what is known to be wrong with it. Must not know frames.
"""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Power, Product, Spot
from nattevakt.edge.drivers.radar import AGAIN_MS

HEARD_S = AGAIN_MS // 1000
"""They speak all the time; this is how often it becomes a reading though nothing changed."""

_FALL_FAULTS = (
    "Følsomheten bestemmer hvor sent alarmen kommer: 3–8 sekunder ved 3–5, 30–45 sekunder ved 20–30.",
    "Kan ikke spørres om noen har falt: etter et brudd er fall ukjent til radaren selv melder.",
    "Ser bare et felt på noen få kvadratmeter rett under seg, og er laget for én person.",
    "Hjelpemiddel, ikke godkjent alarm: regn med både uteblitte og falske fallmeldinger.",
)
_VITALS_FAULTS = (
    "Kan slutte å melde til strømmen slås av og på; etter 60 sekunder uten melding regnes den som borte.",
    "Kan ikke spørres om noe: om noen er til stede, er ukjent til radaren selv melder.",
    "Pust og puls er bakgrunn for et tilsyn, aldri grunnlag for en alarm.",
)
_FALL_SOURCE = "Hi-Link TinyFrame Protocol Reference V1.2; esphome seeed_mr60fda2; jcmendez/mr60fda2-proto"
_VITALS_SOURCE = "esphome seeed_mr60bha2; limengdu/MR60BHA2_ESPHome_external_components#6"

PRODUCTS: tuple[Product, ...] = (
    Product(
        "Seeed Studio",
        "MR60FDA2",
        "MR60FDA2",
        ("fall", "present", "sensitivity"),
        Power.MAINS,
        HEARD_S,
        Spot.CEILING,
        _FALL_FAULTS,
        _FALL_SOURCE,
    ),
    Product(
        "Hi-Link",
        "HLK-LD6002C",
        "MR60FDA2",
        ("fall", "present", "sensitivity"),
        Power.MAINS,
        HEARD_S,
        Spot.CEILING,
        _FALL_FAULTS,
        _FALL_SOURCE,
    ),
    Product(
        "Seeed Studio",
        "MR60BHA2",
        "MR60BHA2",
        ("present", "breathing_rpm", "heart_bpm"),
        Power.MAINS,
        HEARD_S,
        Spot.BEDSIDE,
        _VITALS_FAULTS,
        _VITALS_SOURCE,
    ),
    Product(
        "Hi-Link",
        "HLK-LD6002",
        "MR60BHA2",
        ("present", "breathing_rpm", "heart_bpm"),
        Power.MAINS,
        HEARD_S,
        Spot.BEDSIDE,
        (*_VITALS_FAULTS, "Løse moduler kan komme med hastigheten 1 382 400: sett `baud` på porten."),
        _VITALS_SOURCE,
    ),
)
