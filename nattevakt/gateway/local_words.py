"""What stands on the gateway's own page, in three languages. Serves arrow 9 where the centre is away.

Owns the words and which language a reader gets. Must not know HTML, or how anything stands. The tablets' sentences are
the centre's; here are only the few that a phone on the house's network shows in the meantime.
"""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("nb", "nn", "en")
_KINDS: Mapping[str, tuple[str, str, str]] = {
    "call": ("Ringer etter hjelp", "Ringjer etter hjelp", "Calls for help"),
    "fall": ("Fall", "Fall", "Fall"),
    "leak": ("Vannlekkasje", "Vasslekkasje", "Water leak"),
    "door_at_night": ("Dør åpnet", "Dør opna", "Door opened"),
    "left_home": ("Gått ut, ikke tilbake", "Gått ut, ikkje tilbake", "Went out, not back"),
    "out_of_room": ("Ikke på rommet", "Ikkje på rommet", "Not in the room"),
    "long_bathroom": ("Lenge på badet", "Lenge på badet", "Long in the bathroom"),
    "inactivity": ("Ingen livstegn", "Ingen livsteikn", "No sign of life"),
    "unexpected_activity": ("Uventet aktivitet", "Uventa aktivitet", "Unexpected activity"),
    "not_back_in_bed": ("Ikke tilbake i seng", "Ikkje tilbake i seng", "Not back in bed"),
    "bed_check": ("Sjekk: tom seng", "Sjekk: tom seng", "Check: empty bed"),
    "out_of_bed": ("Ute av sengen", "Ute av senga", "Out of bed"),
    "in_bed_late": ("Sjekk: ikke i seng", "Sjekk: ikkje i seng", "Check: not in bed"),
    "not_up": ("Ikke oppe", "Ikkje oppe", "Not up"),
    "chair": ("Reist seg fra stolen", "Reist seg frå stolen", "Left the chair"),
    "wet": ("Fukt i sengen", "Fukt i senga", "Wet bed"),
    "unknown_event": ("Ukjent alarm", "Ukjend alarm", "Unknown alarm"),
}
_WORDS: Mapping[str, tuple[str, str, str]] = {
    "title": ("Nattevakt, lokal side", "Nattevakt, lokal side", "Nattevakt, local page"),
    "lost": (
        "Sentralen er ikke i kontakt siden kl. {at}. Alarmene her er mottakerens egne.",
        "Sentralen er ikkje i kontakt sidan kl. {at}. Alarmane her er mottakaren sine eigne.",
        "The centre has been out of contact since {at}. These alarms are the gateway's own.",
    ),
    "there": (
        "Sentralen er i kontakt. Bruk nettbrettet: alarmene står der.",
        "Sentralen er i kontakt. Bruk nettbrettet: alarmane står der.",
        "The centre is in contact. Use the tablet: the alarms are there.",
    ),
    "starting": (
        "Mottakeren starter. Sentralen har ikke svart ennå.",
        "Mottakaren startar. Sentralen har ikkje svart enno.",
        "The gateway is starting. The centre has not answered yet.",
    ),
    "nothing": (
        "Ingen alarmer nå. Det betyr ikke at alt er vel: gå tilsyn som vanlig.",
        "Ingen alarmar no. Det tyder ikkje at alt er vel: gå tilsyn som vanleg.",
        "No alarms now. That does not mean that all is well: walk your rounds as usual.",
    ),
    "old": (
        "Planene er mer enn sju dager gamle: bare ringing, fall og vann varsles.",
        "Planane er meir enn sju dagar gamle: berre ringing, fall og vatn vert varsla.",
        "The plans are more than seven days old: only calls, falls and water ring.",
    ),
    "none": (
        "Mottakeren har ingen planer: bare ringing, fall og vann varsles.",
        "Mottakaren har ingen planar: berre ringing, fall og vatn vert varsla.",
        "The gateway has no plans: only calls, falls and water ring.",
    ),
    "clock": (
        "Klokken i mottakeren er kanskje feil.",
        "Klokka i mottakaren er kanskje feil.",
        "The gateway's clock may be wrong.",
    ),
    "room": ("Rom", "Rom", "Room"),
    "nowhere": ("Ukjent plassering", "Ukjend plassering", "Unknown place"),
    "since": ("kl. {at}, for {n} min siden", "kl. {at}, for {n} min sidan", "{at}, {n} min ago"),
    "hours": ("kl. {at}, for {n} timer siden", "kl. {at}, for {n} timar sidan", "{at}, {n} hours ago"),
    "now": ("kl. {at}, nå", "kl. {at}, no", "{at}, now"),
    "seen": ("Sett kl. {at}", "Sett kl. {at}", "Seen at {at}"),
    "over": ("Avklart av seg selv kl. {at}", "Avklart av seg sjølv kl. {at}", "Cleared by itself at {at}"),
    "see": ("Jeg ser den", "Eg ser den", "I see it"),
    "updated": ("Vist kl. {at}", "Vist kl. {at}", "Shown at {at}"),
}


def language(accept: str) -> str:
    """The language that a browser asks for first and that we have; bokmål where it asks for none of them."""
    asked = []
    for index, part in enumerate(accept.split(",")[:20]):
        name, _, weight = part.strip().partition(";")
        number = weight.strip().removeprefix("q=")
        try:
            asked.append((-float(number) if number else -1.0, index, name.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    known = {"nb": "nb", "no": "nb", "nn": "nn", "en": "en"}
    return next((known[name] for weight, _, name in sorted(asked) if name in known and weight), "nb")


def kind(lang: str, code: str) -> str:
    """An alarm kind in words; one that is missing here is shown as itself."""
    return _KINDS[code][LANGUAGES.index(lang)] if code in _KINDS else code


def words(lang: str, code: str, **params: object) -> str:
    """A sentence of the page."""
    return _WORDS[code][LANGUAGES.index(lang)].format(**params)
