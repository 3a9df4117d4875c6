"""What is said in an alarm's story: events, changes, soundings, steps, spans of time. Serves arrow 9.

Owns the only table from those codes to sentences. Must not know what a story is made of, or HTML. A code that is
missing here is shown as itself: what a newer version has written is told all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from nattevakt.central.admin.moments import day_clock
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.when import clock_seconds

EVENTS: Mapping[tuple[str, str, object], str] = {
    ("call", "", None): N_("Alarmknapp eller snor"),
    ("fall", "", None): N_("Fall"),
    ("fall", "certainty", "possible"): N_("Mulig fall"),
    ("fall_over", "", None): N_("Ikke lenger fall"),
    ("leak", "", None): N_("Vann"),
    ("leak_over", "", None): N_("Ikke lenger vann"),
    ("contact", "open", True): N_("Døren åpnet"),
    ("contact", "open", False): N_("Døren lukket"),
    ("bed", "occupied", True): N_("I sengen"),
    ("bed", "occupied", False): N_("Ute av sengen"),
    ("presence", "present", True): N_("Noen er der"),
    ("presence", "present", False): N_("Ingen er der"),
    ("motion", "", None): N_("Bevegelse"),
    ("chair", "seated", True): N_("Sitter i stolen"),
    ("chair", "seated", False): N_("Reist seg fra stolen"),
    ("wet", "wet", True): N_("Vått"),
    ("wet", "wet", False): N_("Tørt"),
    ("measurement", "", None): N_("Måling"),
    ("health", "", None): N_("Om sensoren selv"),
    ("started", "", None): N_("Mottakeren startet"),
    ("clock_synchronised", "", None): N_("Mottakerens klokke ble stilt"),
    ("source_lost", "", None): N_("Radioen ble borte"),
    ("source_back", "", None): N_("Radioen kom tilbake"),
    ("tombstone", "", None): N_("Meldinger gikk tapt"),
    ("local_alarm", "what", "rung"): N_("Mottakeren varslet selv"),
    ("local_alarm", "what", "seen"): N_("Sett på mottakerens egen side"),
    ("chain_test", "", None): N_("Prøve av varslingskjeden"),
}
"""Kind, and where it matters what it said, the field and its value."""

ROLES: Mapping[str, str] = {
    "raise": N_("ga alarmen"),
    "sound": N_("ga ny lyd"),
    "join": N_("samme hendelse, uten ny lyd"),
    "hold": N_("samme hendelse"),
    "clear": N_("avklarte alarmen"),
    "note": N_("notert"),
}
"""What an event did to the alarm, by the cause of the change that names it."""

CHANGES: Mapping[str, str] = {
    "raise": N_("Alarmen ringte"),
    "sound": N_("Alarmen ringte på nytt"),
    "join": N_("Nytt om det samme, uten ny lyd"),
    "note": N_("Notert"),
    "clear": N_("Avklart av seg selv"),
    "escalate": N_("Gikk videre"),
    "promise": N_("Sa når det kommer noen"),
    "take": N_("Tok alarmen"),
    "on_way": N_("På vei"),
    "on_site": N_("Hos bruker"),
    "close": N_("Avsluttet"),
    "reopen": N_("Gjenåpnet"),
    "reject": N_("Kunne ikke"),
    "transfer": N_("Fikk ny ansvarlig"),
}
"""What happened to the alarm, by cause."""
HAD = N_("{name} hadde den.")
PROMISED = N_("Kommer om {n} min.")
SYSTEM = N_("Sentralen, av seg selv")

STEPS: Mapping[str, str] = {
    "event": N_("Det skjedde"),
    "deadline": N_("Fristen gikk ut"),
    "received": N_("Sentralen fikk vite det"),
    "raised": N_("Alarmen ringte"),
    "reopened": N_("Gjenåpnet"),
    "shown": N_("Vist på et nettbrett"),
    "sounded": N_("Lyd på et nettbrett"),
    "taken": N_("Tatt"),
    "on_site": N_("Hos bruker"),
    "closed": N_("Avsluttet"),
    "cleared": N_("Avklart av seg selv"),
}
TOLD: Mapping[str, str] = {
    "not_yet": N_("ikke ennå"),
    "never": N_("aldri"),
    "unknown": N_("ikke kjent"),
    "none": N_("ingen melding: en frist gikk ut"),
}
BACKWARDS = N_("skrevet ned før linjen over")

VERDICTS: Mapping[str, str] = {
    "all": N_("Vist på alle nettbrettene ({n})."),
    "some": N_("Vist på {shown} av {n} nettbrett. Fra de andre kom ingen bekreftelse."),
    "acted": N_("Ingen nettbrett bekreftet at den ble vist, men noen tok hånd om den på et av dem."),
    "unknown": N_("Sendt, men ingen nettbrett bekreftet at den ble vist. Om noen så den, er ikke kjent."),
    "nobody_yet": N_("Ingen er vist den ennå: den er ikke kommet ut til noe nettbrett."),
    "nobody": N_("Ingen ble vist den: den kom aldri ut til noe nettbrett."),
    "no_tablet": N_("Ingen ble vist den: avdelingen hadde ingen nettbrett."),
    "left_off": N_("Hvem den ble vist for, står ikke her: historien er for lang."),
}
GRAVE = ("unknown", "nobody_yet", "nobody", "no_tablet", "left_off")
"""Verdicts that a reader must not pass over."""

SCREENS: Mapping[str, str] = {
    "shown": N_("Vist"),
    "acted": N_("Brukt der, visning ikke bekreftet"),
    "unknown": N_("Sendt, ikke bekreftet vist"),
    "not_sent": N_("Ikke sendt"),
}
NOTICES: Mapping[str, str] = {
    "pending": N_("venter"),
    "leased": N_("på vei ut"),
    "sent": N_("sendt"),
    "shown": N_("vist"),
    "sounded": N_("lyd på"),
    "seen": N_("sett"),
    "taken": N_("noen tok alarmen"),
    "failed": N_("trukket tilbake"),
}
FAILURES: Mapping[str, str] = {"cleared": N_("alarmen ble avklart først")}
LOOKS: Mapping[str, str] = {"board": N_("Navnet på tavlen"), "story": N_("Denne siden")}

MS, TENTHS = N_("{n} ms"), N_("{whole},{tenth} s")
BEFORE = N_("{span} før")


def event(words: Words, kind: str, data: Mapping[str, object]) -> str:
    """What a sensor said, in a few words."""
    for name, value in data.items():
        if isinstance(value, bool | str) and (kind, name, value) in EVENTS:
            return words(EVENTS[kind, name, value])
    return words(EVENTS[kind, "", None]) if (kind, "", None) in EVENTS else kind


def change(words: Words, cause: str, why: object) -> str:
    """What happened to the alarm. That its holder's time was over made it ring again, in its own ward first."""
    return known(words, CHANGES, "sound" if (cause, why) == ("escalate", "overdue") else cause)


def known(words: Words, table: Mapping[str, str], code: str) -> str:
    """A code by its table, or as itself."""
    return words(table[code]) if code in table else code


def state(words: Words, code: str | None) -> str:
    """Where an alarm stands."""
    found = {one.value: said for one, said in STATES.items()}
    return known(words, found, code or "")


STATES: Mapping[State, str] = {
    **sentences.STATES,
    State.TAKEN: N_("Tatt"),
    State.ON_THE_WAY: N_("På vei"),
    State.ON_SITE: N_("Hos bruker"),
}
"""As a heading, where `sentences.STATES` goes on from a person's name."""


def span(words: Words, ms: int) -> str:
    """How long: "412 ms", "4,1 s", "45 s", "2 min 5 s", "1 t 12 min"; what lies before is said so."""
    if ms < 0:
        return words(BEFORE, {"span": span(words, -ms)})
    if ms < 1_000:
        return words(MS, {"n": ms})
    if ms < 10_000:
        return words(TENTHS, {"whole": ms // 1_000, "tenth": ms // 100 % 10})
    return sentences.age(words, ms)


def moment(words: Words, ms: int, near_ms: int, zone: ZoneInfo) -> str:
    """A moment to the second; with its day where that is not the day of the alarm."""
    if _day(ms, zone) == _day(near_ms, zone):
        return clock_seconds(ms, zone)
    return day_clock(words, ms, zone)


def _day(ms: int, zone: ZoneInfo) -> tuple[int, int, int]:
    found = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
    return found.year, found.month, found.day
