"""What of the MicRadar family can be bought and mounted. Serves the installer's list and the reference page.

Owns facts about products. Data only.
"""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Power, Product, Spot

HEARD_S = 60
"""With nothing new to say, the driver still asks, and shows that the radar is heard, at least this often."""

_ASSIST = "Fallmeldingen er en hjelp, ikke en godkjent alarm: den kommer i tillegg til annet tilsyn."
_ONE = "Kan bare følge én person; med flere i rommet er fallmeldingen ikke til å stole på."
_CEILING = "Skal henge rett ned fra taket, 2 til 3 meter over gulvet, med høyden stilt inn i radaren."
_RADIUS = "Ser fall bare innenfor 2 meter fra punktet rett under radaren."
_OFF = "Kan leveres med fallmelding slått av; det vises som funn når radaren svarer at den er av."
_CHANGE = "Melder fall og tilstedeværelse bare når det endrer seg; derfor spørres radaren etter hvert brudd."
_MANY = "Vifter, gardiner og kjæledyr kan se ut som en person som beveger seg."
_ALONE = "Ser bare den ene som ligger nærmest; to i samme seng gir vilkårlige svar."
_CONTEXT = "Pust og puls er bare til orientering og gir aldri alarm; uten måling sendes verdien 0."
_EMPTY = "Melder et tomt rom først etter en tid som er stilt inn i radaren."

_SEEED = "https://wiki.seeedstudio.com/"
PRODUCTS: tuple[Product, ...] = (
    Product(
        maker="Seeed Studio",
        model="MR60FDA1 (MicRadar R60AFD1)",
        profile="MR60FDA1",
        reports=("fall", "present", "motion", "still", "movement_percent", "sensitivity"),
        power=Power.MAINS,
        interval_s=HEARD_S,
        spot=Spot.CEILING,
        faults=(_ASSIST, _ONE, _CEILING, _RADIUS, _OFF, _CHANGE),
        source=_SEEED + "Radar_MR60FDA1/",
    ),
    Product(
        maker="Seeed Studio",
        model="MR60BHA1",
        profile="MR60BHA1",
        reports=("present", "occupied", "motion", "still", "movement_percent", "breathing_rpm", "heart_bpm"),
        power=Power.MAINS,
        interval_s=HEARD_S,
        spot=Spot.BEDSIDE,
        faults=(_ALONE, _CONTEXT, _CHANGE),
        source=_SEEED + "Radar_MR60BHA1/",
    ),
    Product(
        maker="DFRobot",
        model="C1001 (SEN0623)",
        profile="C1001",
        reports=(
            *("fall", "present", "occupied", "motion", "still", "movement_percent"),
            *("breathing_rpm", "heart_bpm", "sensitivity"),
        ),
        power=Power.MAINS,
        interval_s=HEARD_S,
        spot=Spot.CEILING,
        faults=(
            "Har to moduser: i søvnmodus melder den ikke fall, i fallmodus melder den ikke seng.",
            *(_ASSIST, _ONE, _CEILING, _RADIUS, _CONTEXT, _CHANGE),
        ),
        source="https://wiki.dfrobot.com/sen0623",
    ),
    Product(
        maker="Seeed Studio",
        model="MR24HPC1 (MicRadar R24DVD1)",
        profile="MR24HPC1",
        reports=("present", "motion", "still", "movement_percent"),
        power=Power.MAINS,
        interval_s=HEARD_S,
        spot=Spot.WALL,
        faults=(_MANY, _EMPTY, _CHANGE, "Ser ikke fall og skal aldri settes opp som fallsensor."),
        source=_SEEED + "Radar_MR24HPC1/",
    ),
    Product(
        maker="MicRadar",
        model="R60ABD1",
        profile="R60ABD1",
        reports=("present", "occupied", "motion", "still", "movement_percent", "breathing_rpm", "heart_bpm"),
        power=Power.MAINS,
        interval_s=HEARD_S,
        spot=Spot.BEDSIDE,
        faults=(_ALONE, _CONTEXT, _CHANGE, "Posisjon og avstand leses, men betyr ikke at noen er der."),
        source="https://www.micradar.cn/",
    ),
)
