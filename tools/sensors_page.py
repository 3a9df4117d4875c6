"""docs/reference/sensors.md from the registry: every protocol, profile and product, with a drawing of where it goes.

Imported by tools/reference.py. What a driver says of itself is the one place to keep right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nattevakt.edge.drivers.driver import Product, Spot
from nattevakt.edge.drivers.registry import MQTT_DIALECTS, RADIOS, SERIAL_DRIVERS
from nattevakt.gateway.sensor_words import POWER_WORDS, SPOT_WORDS, interval_words

DRAWINGS = "drawings"
WHERE: Mapping[Spot, str] = {
    Spot.DOOR: "Øverst på åpningssiden; føler på karmen, magnet på bladet, under 1 cm fra hverandre når det er lukket.",
    Spot.WINDOW: "Åpningssiden, nederst for vindu som kan stå på gløtt; håndtaket skrus på i stedet for det gamle.",
    Spot.BED: "Matte under madrassen, under overkroppen, 40 cm fra hodeenden; vektceller under alle bein.",
    Spot.CEILING: "I taket over gulvet der folk går, 2,4 til 3 m opp, rett ned; en krets med radius 2 m, én person.",
    Spot.WALL: "I et hjørne 1,4 til 2,2 m opp, 10 grader ned, fri sikt 5 m; ikke mot vindu eller ovn.",
    Spot.BEDSIDE: "Radar 1 m over madrassen, 45 grader ned, høyst 1,5 m fra brystet; knapp innen en arms lengde.",
    Spot.FLOOR: "Flatt på laveste punkt med kontaktene ned; en matte der foten settes først.",
    Spot.CHAIR: "Under puten, midt på setet, kabelen bakover.",
    Spot.BODY: "Utenpå klærne, eller på den svake armen; av bare for lading.",
    Spot.BATHROOM: "Snor ned til 10 cm over gulvet; føler for vann ved sluket; ikke inne i dusjen.",
}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; line breaks and bars inside cells are made harmless."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = (" ".join(str(cell).split()).replace("|", "\\|") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def sensors_page(note: str) -> str:
    """The whole page, after the note that says who wrote it."""
    products = sum(len(radio.PRODUCTS) for radio in RADIOS.values())
    parts = [
        note,
        "# Sensors\n",
        f"Protocol × device × reading: {len(SERIAL_DRIVERS)} serial protocols, {len(MQTT_DIALECTS)} MQTT dialects,",
        f"{products} products, from `nattevakt/edge/drivers/`. The meaning of each reading stands in",
        "[devices.md](devices.md); `nattevakt-gateway sensors list --all` prints the same products. The profile always",
        "comes from the settings: the same bytes mean different things in different profiles. *Stum* is a device that",
        "gives no sign of life: that it is silent says nothing, and Nattevakt says so. *Ukjent* is one whose interval",
        "no source tells: measure it, then set it.\n",
        "A new protocol: [how to add a sensor](../how-to/add-a-sensor.md).\n",
    ]
    parts += _places()
    for kind, radios in (("serial", SERIAL_DRIVERS), ("MQTT", MQTT_DIALECTS)):
        for name in radios:
            parts += _radio(kind, name)
    return "\n".join(parts)


def _places() -> Iterator[str]:
    yield "## Where they go\n"
    yield table(
        ("place", "drawing", "how"),
        ((SPOT_WORDS[spot], f"![{SPOT_WORDS[spot]}]({DRAWINGS}/{spot.value}.svg)", WHERE[spot]) for spot in Spot),
    )


def _radio(kind: str, name: str) -> Iterator[str]:
    radio = RADIOS[name]
    yield f"## {name}\n"
    own: object = getattr(radio, "BAUD", None) if kind == "serial" else getattr(radio, "ROOT", None)
    about = {"serial": f", {own} baud", "MQTT": f", under `{own}`" if own else ", each node under a topic of its own"}
    yield f"{kind}{about[kind]}; addresses begin with `{radio.PREFIX}`.\n"
    if radio.PROFILES:
        yield table(("profile", "meaning"), ((f"`{p}`", meaning) for p, meaning in sorted(radio.PROFILES.items())))
    if radio.PRODUCTS:
        yield table(
            ("maker", "model", "profile", "reports", "power", "sign of life", "place"),
            (_row(product) for product in sorted(radio.PRODUCTS, key=_order)),
        )
    yield from _faults(radio.PRODUCTS)


def _order(product: Product) -> tuple[str, str, str]:
    return product.maker.casefold(), product.model.casefold(), product.profile


def _row(product: Product) -> tuple[str, ...]:
    place = f"[{SPOT_WORDS[product.spot]}]({DRAWINGS}/{product.spot.value}.svg)"
    profile = f"`{product.profile}`" if product.profile else ""
    reports = ", ".join(f"`{name}`" for name in product.reports)
    power, interval = POWER_WORDS[product.power], interval_words(product.interval_s, mute=product.mute)
    return product.maker, product.model, profile, reports, power, interval, place


def _faults(products: Sequence[Product]) -> Iterator[str]:
    by_fault: dict[str, list[str]] = {}
    for product in sorted(products, key=_order):
        for fault in product.faults:
            name = f"{product.maker} {product.model}"
            named = by_fault.setdefault(fault, [])
            if name not in named:
                named.append(name)
    if by_fault:
        yield "Known faults:\n"
        yield "\n".join(f"- {fault} ({', '.join(names)})" for fault, names in by_fault.items()) + "\n"
