"""What can be bought or built and spoken to through ESPHome. Serves the installer's list and the reference page.

Owns data only. ESPHome is firmware: what a node is made of is up to whoever built it, so most rows name the parts.
"""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Power, Product, Spot

_RETAINED = "Sender bare endringer, uten tidspunkt: det som lå igjen i megleren, har ukjent alder."
_QOS = "Sender normalt med QoS 0: sett qos: 1 i mqtt-delen, ellers kan en melding gå tapt når nettet svikter."
_MAINS = "Går på nettstrøm: når strømmen går, melder noden seg frakoblet og sensorene blir ukjente."

PRODUCTS: tuple[Product, ...] = (
    Product(
        "ESPHome",
        "HX711 med fire veieceller under sengen",
        "bed_weight",
        ("weight_kg", "occupied"),
        Power.MAINS,
        60,
        Spot.BED,
        (
            "Veieceller driver med temperaturen: nullstill når sengen er tom, og sett grensen under halv kroppsvekt.",
            "Tung dyne, bag eller besøk på sengekanten veier også.",
            "Sier «nan» når en ledning er løs: da blir sengen ukjent, ikke tom.",
            _MAINS,
        ),
        "https://esphome.io/components/sensor/hx711.html",
    ),
    Product(
        "ESPHome",
        "trykkmatte i sengen på en inngang",
        "bed",
        ("occupied",),
        Power.MAINS,
        None,
        Spot.BED,
        ("Billige matter mister kontakten i minutter om gangen mens noen ligger stille.", _RETAINED, _QOS),
        "https://esphome.io/components/binary_sensor/gpio.html",
    ),
    Product(
        "ESPHome",
        "magnetkontakt på en inngang",
        "contact",
        ("closed",),
        Power.MAINS,
        None,
        Spot.DOOR,
        ("Kontakten spretter: sett delayed_on_off på inngangen.", _RETAINED, _QOS),
        "https://esphome.io/components/binary_sensor/gpio.html",
    ),
    Product(
        "ESPHome",
        "relé fra trygghetsalarmens mottaker på en inngang",
        "button",
        ("sos",),
        Power.MAINS,
        None,
        Spot.WALL,
        ("Reléet må stå lenge nok til å bli sett: minst 100 ms.", _QOS, _MAINS),
        "https://esphome.io/components/binary_sensor/gpio.html",
    ),
    Product(
        "Seeed Studio",
        "MR60FDA2 med ESPHome",
        "fall",
        ("fall", "present"),
        Power.MAINS,
        None,
        Spot.CEILING,
        ("Ser bare én person, og bare rett under seg.", "Falldeteksjon er en hjelp og ingen godkjent alarm.", _MAINS),
        "https://esphome.io/components/seeed_mr60fda2.html",
    ),
    Product(
        "Hi-Link",
        "LD2410 med ESPHome",
        "presence",
        ("present",),
        Power.MAINS,
        None,
        Spot.WALL,
        ("Ser gjennom lettvegger og reagerer på gardiner og vifter.", _RETAINED, _MAINS),
        "https://esphome.io/components/sensor/ld2410.html",
    ),
    Product(
        "ESPHome",
        "vannføler på en inngang",
        "leak",
        ("wet",),
        Power.MAINS,
        None,
        Spot.FLOOR,
        ("En korrodert føler melder vann for alltid.", _QOS, _MAINS),
        "https://esphome.io/components/binary_sensor/gpio.html",
    ),
)
