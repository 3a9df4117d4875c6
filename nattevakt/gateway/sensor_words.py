"""What drivers said, in Norwegian words for an installer. Serves the person at the gateway, no arrow of its own.

Owns the words of readings, counters' lines and products. Must not know sockets, files or events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from nattevakt.edge.drivers.driver import Power, Spot
from nattevakt.gateway.logs import clean

EITHER: Mapping[str, tuple[str, str]] = {
    "closed": ("lukket", "åpen"),
    "pressed": ("trykket inn", "sluppet"),
    "motion": ("bevegelse", "ingen bevegelse sett"),
    "present": ("noen er i feltet", "ingen sett i feltet"),
    "occupied": ("noen ligger i sengen", "sengen er tom"),
    "wet": ("vann", "tørt"),
    "seated": ("noen sitter i stolen", "stolen er tom"),
    "still": ("ligger eller sitter stille", "ikke stille"),
    "vibration": ("rister", "rister ikke"),
    "sos": ("nødanrop på", "nødanrop av"),
    "tilted": ("på gløtt", "ikke på gløtt"),
    "battery_low": ("LAVT BATTERI", "batteri i orden"),
    "tamper": ("LOKKET ER ÅPENT", "lokket er på"),
    "available": ("kan nås", "KAN IKKE NÅS"),
}
"""Values that are true or false, and what each is called."""
AMOUNTS: Mapping[str, str] = {
    "movement_percent": "beveger seg {} %",
    "breathing_rpm": "puster {} ganger i minuttet",
    "heart_bpm": "puls {}",
    "weight_kg": "{} kg",
    "temperature_c": "{} °C",
    "humidity_percent": "{} % fukt",
    "light_lx": "{} lux",
    "sensitivity": "følsomhet {}",
    "battery_percent": "batteri {} %",
    "linkquality": "signal {} av 255",
    "signal_dbm": "signal {} dBm",
    "supply_v": "{} V",
    "last_seen_ms": "sist hørt av nettet {} ms",
    "repeats": "{} forsterkere på veien",
    "action": "handling «{}»",
}
FALL_WORDS: Mapping[str, str] = {"no": "ikke fall", "possible": "MULIG FALL", "sure": "FALL"}
POWER_WORDS: Mapping[Power, str] = {
    Power.BATTERY: "batteri",
    Power.MAINS: "nettstrøm",
    Power.HARVEST: "lys eller trykk",
}
SPOT_WORDS: Mapping[Spot, str] = {
    Spot.DOOR: "dør",
    Spot.WINDOW: "vindu",
    Spot.BED: "seng",
    Spot.CEILING: "tak",
    Spot.WALL: "vegg",
    Spot.BEDSIDE: "ved sengen",
    Spot.FLOOR: "gulv",
    Spot.CHAIR: "stol",
    Spot.BODY: "på kroppen",
    Spot.BATHROOM: "bad",
}
LINK_WORDS: Mapping[str, str] = {"base_id": "base-id {}", "version": "versjon {}", "settings": "innstilt: {}"}
VALUE_NAMES: Mapping[str, str] = {
    "closed": "åpen/lukket",
    "pressed": "trykk",
    "action": "handling",
    "motion": "bevegelse",
    "present": "tilstedeværelse",
    "occupied": "i sengen",
    "fall": "fall",
    "wet": "vann",
    "seated": "i stolen",
    "still": "stille",
    "vibration": "risting",
    "sos": "nødanrop",
    "tilted": "på gløtt",
    "movement_percent": "hvor mye bevegelse",
    "breathing_rpm": "pust",
    "heart_bpm": "puls",
    "weight_kg": "vekt",
    "temperature_c": "temperatur",
    "humidity_percent": "fukt",
    "light_lx": "lys",
    "sensitivity": "følsomhet",
    "battery_percent": "batteri",
    "battery_low": "lavt batteri",
    "tamper": "lokk",
    "available": "kan nås",
    "linkquality": "signal",
    "signal_dbm": "signal",
    "supply_v": "spenning",
    "last_seen_ms": "sist hørt",
    "repeats": "forsterkere",
}
"""What an installer calls each value that a reading may hold."""


def as_json(value: object, indent: int | None = None) -> str:
    """JSON for people and programs: letters as they are, and nothing that a terminal cannot take."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def value_words(name: str, value: object) -> str:
    """One value of a reading in words."""
    if name in EITHER and isinstance(value, bool):
        return EITHER[name][not value]
    if name == "fall":
        return FALL_WORDS.get(str(value), f"fall: {value}")
    if name in AMOUNTS:
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        return AMOUNTS[name].format(clean(shown, 80))
    return f"{name}: {clean(str(value), 80)}"


def link_words(link: Mapping[str, object]) -> str:
    """What stands at the other end of a serial line, as far as it has told."""
    found = [LINK_WORDS[name].format(clean(str(link[name]), 80)) for name in LINK_WORDS if link.get(name) is not None]
    either = (("answered", "svarer", "svarte ikke sist"), ("lost", "BORTE", "hørt"))
    found += [yes if link[name] else no for name, yes, no in either if isinstance(link.get(name), bool)]
    return ", ".join(found) or "har ikke sagt noe om seg selv"


def interval_words(interval_s: int | None, *, mute: bool) -> str:
    """How often a device speaks unasked; mute where it never does, unknown where nobody has said."""
    if interval_s is None:
        return "stum" if mute else "ukjent"
    if interval_s < 120:
        return f"hvert {interval_s}. sekund"
    if interval_s < 7_200:
        return f"hvert {round(interval_s / 60)}. minutt"
    return f"hver {round(interval_s / 3600)}. time"


def said_words(said: object) -> str:
    """One thing that a driver said, from a line of the tap."""
    if not isinstance(said, dict):
        return "uforståelig"
    if "reading" in said:
        values = said.get("values")
        words = [value_words(str(n), v) for n, v in values.items()] if isinstance(values, dict) else []
        marks = " (sendt på nytt av nettet)" if said.get("replay") else ""
        marks += " (fra enhetens eget lager)" if said.get("occurred_ms") is not None else ""
        return f"{clean(str(said['reading']), 200)}: {', '.join(words) or 'ingenting som betyr noe'}{marks}"
    if "finding" in said:
        where = clean(str(said["finding"]), 200)
        return f"funn: {where} {clean(str(said.get('sentence')), 300)}".replace("  ", " ")
    if "state" in said:
        how = "oppe" if said.get("up") else f"NEDE ({clean(str(said.get('reason')), 100)})"
        return f"kilde {clean(str(said['state']), 100)} er {how}"
    if "learned" in said:
        maker = f", {clean(str(said.get('maker')), 80)}" if said.get("maker") else ""
        return (
            f"LÆRT: {clean(str(said['learned']), 200)}, profil {clean(str(said.get('profile')), 80) or 'ukjent'}{maker}"
        )
    if "remember" in said:
        return f"husker {clean(str(said['remember']), 100)}"
    return "uforståelig"


def raw_words(line: Mapping[str, object], most: int = 400) -> str:
    """What came in, as it came: hex, or topic and payload."""
    if line.get("what") == "opened":
        return "(porten er åpnet)"
    if line.get("what") == "woken":
        return "(tid gått)"
    payload = line.get("text", line.get("hex", ""))
    if "topic" in line:
        kept = " (lagret hos megleren)" if line.get("retained") else ""
        return clean(f"{line['topic']} {payload}", most) + kept
    return clean(str(payload), most)


def line_words(line: Mapping[str, object], at: str) -> list[str]:
    """One line of the tap as what an installer reads; at: when, in words."""
    if "dropped" in line:
        return [f"-- {line['dropped']} linjer gikk tapt her: de kom fortere enn de ble lest --"]
    if "learning_until_ms" in line:
        return ["-- læring er avsluttet --" if line["learning_until_ms"] is None else "-- læring er åpen --"]
    if "source" not in line:
        return []
    found = [f"{at} {clean(str(line['source']), 60)} {raw_words(line)}"]
    said = line.get("said")
    found += [f"    → {said_words(one)}" for one in (said if isinstance(said, list) else [])]
    counted = line.get("counted")
    if isinstance(counted, dict) and counted:
        found.append("    # " + ", ".join(f"{clean(str(name), 60)} {number}" for name, number in counted.items()))
    sent = line.get("sent")
    found += [f"    ← sendt {clean(str(one), 200)}" for one in (sent if isinstance(sent, list) else [])]
    return found
