"""What Shelly makes that Nattevakt can use. Serves the installer's list and the reference page.

Owns data only. Facts from the makers' API pages and product pages.
"""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Power, Product, Spot

_API = "https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/"
_BLE = "https://shelly-api-docs.shelly.cloud/docs-ble/Devices/"
_RELAYED = "Trenger en Shelly Gen2 Pro, Gen3 eller Gen4 i nærheten: er den borte, høres ikke sensoren."
_MUTE = "Gir ikke livstegn uten beacon-modus: slå den på, ellers kan ikke en død enhet oppdages."
_RPC = "Slå på «RPC status notifications over MQTT» i Shelly."

PRODUCTS: tuple[Product, ...] = (
    Product(
        "Shelly",
        "Plus/Gen3/Gen4 med snortrekk eller knapp på inngangen",
        "input_button",
        ("pressed", "action"),
        Power.MAINS,
        None,
        Spot.BATHROOM,
        (
            "Inngangen må stå i knappemodus: i brytermodus blir et trykk en tilstand.",
            "Når strømmen går, melder enheten seg frakoblet, og knappen virker ikke.",
            _RPC,
        ),
        _API + "Input",
    ),
    Product(
        "Shelly",
        "Plus/Gen3/Gen4 med kontakt på inngangen",
        "input_contact",
        ("closed",),
        Power.MAINS,
        None,
        Spot.DOOR,
        ("Inngangen må stå i brytermodus, koblet fra utgangen.", _RPC),
        _API + "Input",
    ),
    Product(
        "Shelly",
        "BLU Button1 (SBBT-002C)",
        "button",
        ("pressed", "action", "battery_percent", "signal_dbm"),
        Power.BATTERY,
        None,
        Spot.BODY,
        (
            "Fra fastvare 1.6 sender Shelly trykket som bthomedevice og ikke som bthomesensor: sett opp bare den ene.",
            _RELAYED,
            _MUTE,
        ),
        _BLE + "button",
        mute=True,
    ),
    Product(
        "Shelly",
        "BLU Door/Window (SBDW-002C)",
        "window",
        ("closed",),
        Power.BATTERY,
        None,
        Spot.DOOR,
        ("Batteri og signal står på bthomedevice: sett den opp med profilen blu.", _RELAYED, _MUTE),
        _BLE + "dw",
        mute=True,
    ),
    Product(
        "Shelly",
        "BLU Motion (SBMO-003Z)",
        "motion",
        ("motion",),
        Power.BATTERY,
        None,
        Spot.WALL,
        ("Melder ingen bevegelse først etter blindtiden.", _RELAYED, _MUTE),
        _BLE + "motion",
        mute=True,
    ),
    Product(
        "Shelly",
        "BLU H&T (SBHT-003C)",
        "temperature",
        ("temperature_c",),
        Power.BATTERY,
        60,
        Spot.WALL,
        ("Fuktighet er en egen bthomesensor: sett den opp med profilen humidity.", _RELAYED),
        _BLE + "ht",
    ),
    Product(
        "Shelly",
        "BLU-enhet, batteri og signal (bthomedevice)",
        "blu",
        ("battery_percent", "signal_dbm"),
        Power.BATTERY,
        None,
        Spot.WALL,
        (_RELAYED,),
        "https://shelly-api-docs.shelly.cloud/gen2/DynamicComponents/BTHome/BTHomeDevice",
    ),
    Product(
        "Shelly",
        "Flood Gen4",
        "flood",
        ("wet",),
        Power.BATTERY,
        None,
        Spot.FLOOR,
        ("Sover mellom meldingene og er frakoblet nesten alltid; livstegn bare når den våkner.",),
        _API + "Flood",
    ),
)
