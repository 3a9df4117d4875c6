"""What runs Tasmota and can be bought or built. Data only. Serves the installer's list and the reference page."""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Power, Product, Spot

_DOCS = "https://tasmota.github.io/docs/Buttons-and-Switches/"
_QOS = "Tasmota sender med QoS 0: det som skjer mens nettet er nede, blir ikke sendt igjen."
_OPTION = "Uten SetOption114 1 kommer en inngangs endring bare med den faste tilstanden, hvert femte minutt."
_TELE_S = 300

PRODUCTS: tuple[Product, ...] = (
    Product(
        "Tasmota",
        "reed eller matte på inngang",
        "switch_contact",
        ("closed", "signal_dbm"),
        Power.MAINS,
        _TELE_S,
        Spot.DOOR,
        (_QOS, _OPTION),
        _DOCS,
    ),
    Product(
        "Tasmota",
        "snortrekk eller trykknapp på inngang",
        "switch_button",
        ("sos", "pressed", "action", "signal_dbm"),
        Power.MAINS,
        _TELE_S,
        Spot.BATHROOM,
        (_QOS, _OPTION),
        _DOCS,
    ),
    Product(
        "Tasmota",
        "PIR på inngang",
        "switch_motion",
        ("motion", "signal_dbm"),
        Power.MAINS,
        _TELE_S,
        Spot.WALL,
        (_QOS, _OPTION),
        _DOCS,
    ),
    Product(
        "Tasmota",
        "vannføler på inngang",
        "switch_leak",
        ("wet", "signal_dbm"),
        Power.MAINS,
        _TELE_S,
        Spot.FLOOR,
        (_QOS, _OPTION),
        _DOCS,
    ),
    Product(
        "Tasmota",
        "knapp på enheten",
        "key_button",
        ("pressed", "action", "signal_dbm"),
        Power.MAINS,
        _TELE_S,
        Spot.BEDSIDE,
        (_QOS, "Uten SetOption73 1 styrer knappen releet og melder ingenting."),
        _DOCS,
    ),
    Product(
        "Tasmota",
        "AM2301, SHT3x, BME280",
        "climate",
        ("temperature_c", "humidity_percent", "signal_dbm"),
        Power.MAINS,
        _TELE_S,
        Spot.WALL,
        ("En løs ledning gir null i stedet for et tall.",),
        "https://tasmota.github.io/docs/MQTT/",
    ),
)
