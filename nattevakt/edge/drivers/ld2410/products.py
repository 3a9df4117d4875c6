"""Which LD2410 and LD2450 radars can be bought and mounted. Serves the installer's list.

Data only: what each reports, where it goes and what is known to be wrong with it. Must not know frames.
"""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Power, Product, Spot
from nattevakt.edge.drivers.radar import AGAIN_MS

HEARD_S = AGAIN_MS // 1000
"""They speak all the time; this is how often it becomes a reading though nothing changed."""

_PRESENCE_FAULTS = (
    "Merker aldri et fall: den som ligger på gulvet, er bare til stede.",
    "Ser gjennom tynne vegger, og kan ta vifter, gardiner og husdyr for mennesker.",
    "Meldingene har ingen kontrollsum: en endring gjelder først når to meldinger på rad sier den.",
    "Under kalibrering er det ukjent om noen er i rommet.",
)
_TRACKING_FAULTS = (
    "Ser bare den som beveger seg: den som ligger eller sitter stille, forsvinner. Tomt betyr aldri at rommet er tomt.",
    "Merker aldri et fall.",
    "Meldingene har ingen kontrollsum: en endring gjelder først når to meldinger på rad sier den.",
)

PRODUCTS: tuple[Product, ...] = (
    *(
        Product(
            "Hi-Link",
            model,
            "LD2410",
            ("present",),
            Power.MAINS,
            HEARD_S,
            Spot.WALL,
            _PRESENCE_FAULTS,
            "Hi-Link LD2410 serial communication protocol V1.02; aio-ld2410 1.1.0",
        )
        for model in ("HLK-LD2410", "HLK-LD2410B", "HLK-LD2410C")
    ),
    Product(
        "Hi-Link",
        "HLK-LD2450",
        "LD2450",
        ("motion",),
        Power.MAINS,
        HEARD_S,
        Spot.WALL,
        _TRACKING_FAULTS,
        "Hi-Link LD2450 serial communication protocol",
    ),
)
