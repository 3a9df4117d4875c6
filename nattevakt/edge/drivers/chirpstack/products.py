"""What of LoRaWAN can be bought and mounted: data for settings, the installer's list and the reference. Serves arrow 2.

Owns facts about products and nothing else. Must not know payloads.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.edge.drivers.chirpstack.milesight import VS373, WS101, WS301
from nattevakt.edge.drivers.driver import Power, Product, Spot

PROFILES: Mapping[str, str] = {
    WS101: "Milesight WS101, trykknapp: kort, langt og dobbelt trykk",
    WS301: "Milesight WS301, dørkontakt med sabotasjebryter",
    VS373: "Milesight VS373, takradar: fall, tilstedeværelse og seng",
}

PRODUCTS: tuple[Product, ...] = (
    Product(
        maker="Milesight",
        model="WS101",
        profile=WS101,
        reports=("pressed", "action", "battery_percent", "signal_dbm"),
        power=Power.BATTERY,
        interval_s=64_800,
        spot=Spot.BEDSIDE,
        faults=(
            "Et trykk utenfor radiodekning går tapt uten at noen får vite det: prøv knappen der den skal brukes.",
            "Melder seg bare med noen timers mellomrom: en død knapp oppdages sent.",
            "Dobbelt trykk må slås på i knappen, ellers kommer det som ett kort.",
        ),
        source="milesight.com WS101 uplink protocol; SensorDecoders ws-series/ws101",
    ),
    Product(
        maker="Milesight",
        model="WS301",
        profile=WS301,
        reports=("closed", "tamper", "battery_percent", "signal_dbm"),
        power=Power.BATTERY,
        interval_s=64_800,
        spot=Spot.DOOR,
        faults=(
            "Produsentens tekst har byttet om sabotasjebryteren: 1 betyr at sensoren er tatt ned.",
            "En melding som går tapt, gjentas ikke før neste livstegn: døra kan stå feil i timevis.",
        ),
        source="SensorDecoders ws-series/ws301 (decoder, not its README)",
    ),
    Product(
        maker="Milesight",
        model="VS373",
        profile=VS373,
        reports=("fall", "present", "occupied", "still", "breathing_rpm", "signal_dbm"),
        power=Power.MAINS,
        interval_s=600,
        spot=Spot.CEILING,
        faults=(
            "Med fabrikkinnstillinger kommer fallet halvannet minutt etterpå: 50 s bekreftelse og 40 s forsinkelse.",
            "Sier bare noe om senga når en seng er tegnet inn i radaren.",
            "Fastvare 1.0.1 og 1.0.2 melder rommet på hver sin måte; begge leses.",
            "Lagrede alarmer kommer etter et brudd med sin egen tid; en radar uten riktig klokke daterer dem feil.",
        ),
        source="milesight.com VS373 general settings and trigger report; SensorDecoders vs-series/vs373",
    ),
)
