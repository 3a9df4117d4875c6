"""What staff read: every alarm kind, reason, state, room state and button in words. Serves arrow 9.

Owns the only table from codes to sentences. Must not know storage or HTML. A code that is missing here is shown as
itself under a plain heading: an alarm without words still rings.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.tablet.i18n import N_, Words

KINDS: Mapping[str, str] = {
    "call": N_("Ringer etter hjelp"),
    "fall": N_("Fall"),
    "leak": N_("Vannlekkasje"),
    "door_at_night": N_("Dør åpnet"),
    "not_back_in_bed": N_("Ikke tilbake i seng"),
    "bed_check": N_("Sjekk: tom seng"),
    "unknown_event": N_("Ukjent alarm"),
    "event_refused": N_("Melding kunne ikke leses"),
    "id_conflict": N_("To ulike meldinger med samme nummer"),
    "gateway_cloned": N_("To mottakere med samme navn"),
    "gateway_fault": N_("Feil i mottakeren"),
    "parked_event": N_("Melding står fast i mottakeren"),
    "rows_lost": N_("Meldinger gikk tapt"),
    "rows_missing": N_("Meldinger mangler"),
    "gateway_silent": N_("Ingen kontakt med mottakeren"),
    "device_silent": N_("Sensor melder seg ikke"),
    "rule_failed": N_("Feil i overvåkingen"),
    "unhandled_event": N_("Hendelse uten alarm"),
}
ICONS: Mapping[str, str] = {
    "call": "bell-ring",
    "fall": "triangle-alert",
    "leak": "droplets",
    "door_at_night": "door-open",
    "not_back_in_bed": "bed",
    "bed_check": "bed",
    "unknown_event": "siren",
    "unhandled_event": "siren",
    "event_refused": "wrench",
    "gateway_fault": "unplug",
    "gateway_cloned": "unplug",
    "gateway_silent": "unplug",
    "device_silent": "wifi-off",
}
ICON_OTHER = "wrench"

_PRESSED = N_("Noen trykket på alarmknappen.")
_UNVERIFIED = N_(
    "Noe sendte som alarmknappen, men det kunne ikke bekreftes. Se til beboeren, og si fra til den som monterte."
)
_FELL = N_("Fallsensoren meldte et fall.")
_MAY_HAVE_FALLEN = N_("Fallsensoren meldte et mulig fall.")
_WATER = N_("Vannsensoren meldte vann.")
_DOOR = N_("Døren ble åpnet i beboerens nattvindu.")

REASONS: Mapping[str, str] = {
    "call.pressed": _PRESSED,
    "call.pressed_late": _PRESSED,
    "call.pressed_uncertain": _PRESSED,
    "call.repeat": N_("Samme trykk meldt på nytt."),
    "call.unverified": _UNVERIFIED,
    "call.unverified_late": _UNVERIFIED,
    "call.unverified_uncertain": _UNVERIFIED,
    "fall.detected": _FELL,
    "fall.detected_late": _FELL,
    "fall.detected_uncertain": _FELL,
    "fall.possible": _MAY_HAVE_FALLEN,
    "fall.possible_late": _MAY_HAVE_FALLEN,
    "fall.possible_uncertain": _MAY_HAVE_FALLEN,
    "fall.repeat": N_("Samme fall meldt på nytt."),
    "fall.over": N_("Fallsensoren melder ikke lenger fall."),
    "leak.water": _WATER,
    "leak.water_late": _WATER,
    "leak.water_uncertain": _WATER,
    "leak.repeat": N_("Samme vann meldt på nytt."),
    "leak.over": N_("Vannsensoren er tørr igjen."),
    "door.opened": _DOOR,
    "door.opened_late": _DOOR,
    "door.opened_uncertain": _DOOR,
    "door.late_but_inside": N_("Døren ble åpnet, men beboeren er sett inne etterpå."),
    "door.seen_inside": N_("Beboeren er sett inne etter at døren ble åpnet."),
    "bed.check": N_("Sengen har vært tom siden kl. {left_at}, og ingenting annet har rørt seg. Gå og se."),
    "bed.check_unconfirmed": N_("Sengen ble tom kl. {left_at}. Ikke bekreftet, ingen kontakt siden. Gå og se."),
    "bed.not_back_seen": N_("Ute av sengen siden kl. {left_at}. Sist bevegelse: {seen} kl. {seen_at}."),
    "bed.not_back_seen_unconfirmed": N_(
        "Ute av sengen siden kl. {left_at}. Sist bevegelse: {seen} kl. {seen_at}. Ikke bekreftet, ingen kontakt siden."
    ),
    "bed.not_back_still": N_(
        "Sengen har vært tom siden kl. {left_at}, ingenting har rørt seg, og ingen har sett etter. Gå og se."
    ),
    "bed.not_back_still_unconfirmed": N_(
        "Sengen ble tom kl. {left_at}, og ingen har sett etter. Ikke bekreftet, ingen kontakt siden. Gå og se."
    ),
    "bed.back": N_("Tilbake i sengen."),
    "bed.back_before_known": N_("Var ute av sengen, men var tilbake før meldingene kom fram."),
    "bed.moved_away": N_("Beboeren bor ikke lenger i rommet."),
    "plain": N_("Sensoren varslet, men overvåkingen kunne ikke vurdere det."),
    "unknown_event": N_("En sensor varslet om noe denne versjonen ikke kjenner. Gå og se."),
    "unhandled_event": N_("Et varsel ble lagret uten å bli til en alarm. Gå rundt til rommene."),
    "event_refused": N_("En melding fra {gateway} kunne ikke leses. Den kan ha vært en alarm."),
    "id_conflict": N_("{gateway} sendte to ulike meldinger med samme nummer. Begge er tatt vare på."),
    "gateway_cloned": N_("To enheter kaller seg {gateway}. Varsle driftsvakten."),
    "gateway_fault": N_("{gateway} melder om en feil. Varsle driftsvakten."),
    "parked_event": N_("{gateway} får ikke levert en melding. Varsle driftsvakten."),
    "rows_lost": N_("{gateway} måtte kaste meldinger. Rom kan være ukjente."),
    "rows_missing": N_("Meldinger fra {gateway} mangler. Rom kan være ukjente."),
    "gateway_silent": N_(
        "Ukjente rom: {rooms}. Beboere: {residents}. Knapper og sensorer der når ikke fram. Gå og se til dem."
    ),
    "gateway_silent.behind": N_(
        "Meldinger herfra kommer for sent. Ukjente rom: {rooms}. Beboere: {residents}. Gå og se til dem."
    ),
    "gateway_silent.empty": N_("Ingen rom er knyttet til {gateway}. Varsle driftsvakten."),
    "gateway_silent.behind.empty": N_("Meldinger fra {gateway} kommer for sent. Varsle driftsvakten."),
    "gateway_silent.over": N_("{gateway} er i kontakt igjen."),
    "gateway_silent.revoked": N_("{gateway} er tatt ut av bruk."),
    "device_silent": N_("{device} har ikke meldt seg som ventet. Se etter sensoren når du er der."),
    "device_silent.never": N_("{device} er lagt inn, men er aldri hørt. Se etter sensoren når du er der."),
    "device_silent.over": N_("{device} er hørt igjen."),
    "device_silent.unwatched": N_("{device} overvåkes ikke lenger."),
    "rule_failed": N_("En del av overvåkingen sviktet. Alarmer ringer likevel. Varsle driftsvakten."),
}
REASON_OTHER = N_("Ingen forklaring finnes for «{code}».")

STATES: Mapping[State, str] = {
    State.REPORTED: N_("Meldt"),
    State.TAKEN: N_("har tatt alarmen"),
    State.ON_THE_WAY: N_("er på vei"),
    State.ON_SITE: N_("er hos bruker"),
    State.CLOSED: N_("Avsluttet"),
    State.REJECTED: N_("Avvist"),
    State.ESCALATED: N_("Eskalert"),
    State.TRANSFERRED: N_("Overført"),
    State.CLEARED: N_("Avklart av seg selv"),
    State.REOPENED: N_("Gjenåpnet"),
}

ACTS: Mapping[State, tuple[str, str]] = {
    State.REPORTED: ("take", N_("Ta alarm")),
    State.ESCALATED: ("take", N_("Ta alarm")),
    State.REJECTED: ("take", N_("Ta alarm")),
    State.TRANSFERRED: ("take", N_("Ta alarm")),
    State.REOPENED: ("take", N_("Ta alarm")),
    State.TAKEN: ("on-way", N_("På vei")),
    State.ON_THE_WAY: ("on-site", N_("Hos bruker")),
    State.ON_SITE: ("close", N_("Avslutt")),
}
"""State → the one primary act: its name in the URL and its label."""

CAUSES: Mapping[str, str] = {
    "trengte_hjelp": N_("Trengte hjelp"),
    "fall": N_("Hadde falt"),
    "toalett": N_("Toalettbesøk"),
    "smerte_sykdom": N_("Smerte eller sykdom"),
    "urolig": N_("Urolig"),
    "teknisk": N_("Teknisk feil"),
    "feil_utlost": N_("Utløst ved en feil"),
    "annet": N_("Annet"),
}
ACTIONS: Mapping[str, str] = {
    "hjelp_gitt": N_("Ga hjelp"),
    "tilsyn": N_("Så til beboeren"),
    "snakket_med": N_("Snakket med beboeren"),
    "lege_kontaktet": N_("Kontaktet lege"),
    "teknisk_rettet": N_("Rettet teknisk feil"),
    "ingen": N_("Ingen tiltak"),
    "annet": N_("Annet"),
}

UNKNOWN: Mapping[str, str] = {
    "gateway_lagging": N_("mottakeren henger etter"),
    "gateway_revoked": N_("mottakeren er tatt ut av bruk"),
    "gateway_silent": N_("ingen kontakt med mottakeren"),
    "restart": N_("ikke hørt etter omstart"),
    "rows_lost": N_("meldinger gikk tapt"),
    "silent": N_("sensoren melder seg ikke"),
    "source_back": N_("ikke hørt etter at radioen kom tilbake"),
    "source_lost": N_("radioen er borte"),
}
"""Why a room is unknown, in a few words."""
UNKNOWN_OTHER = N_("ingen kontakt med sensoren")

PAGE: Mapping[str, str] = {
    "act_failed": N_("Det gikk ikke. Prøv igjen."),
    "act_no_answer": N_("Ikke registrert: sentralen svarer ikke."),
    "again": N_("Prøv igjen"),
    "age_h_min": N_("{h} t {min} min"),
    "age_min": N_("{min} min"),
    "age_min_s": N_("{min} min {s} s"),
    "age_s": N_("{s} s"),
    "alarms_many": N_("{n} alarmer"),
    "alarms_none": N_("Ingen alarmer"),
    "demo": N_("DEMO · {speed}× · kl. {at}"),
    "alarms_one": N_("1 alarm"),
    "choose_name": N_("Velg navnet ditt først."),
    "digits": N_("{n} siffer tastet"),
    "link_lost": N_("Ingen kontakt"),
    "link_up": N_("Tilkoblet"),
    "new_alarm": N_("Ny alarm: {what}"),
    "no_answer": N_("Sentralen svarer ikke. Prøv igjen."),
    "no_person": N_("Ingen pålogget"),
    "no_staff": N_("Ingen ansatte er lagt inn for denne avdelingen."),
    "notify_title": N_("Ny alarm – åpne Nattevakt"),
    "pin_short": N_("PIN-koden har 4 til 8 siffer."),
    "pin_wait": N_("For mange feil. Vent {s} sekunder. Alarmer vises som før."),
    "sound_off": N_("Lyd: av"),
    "sound_on": N_("Lyd på"),
    "sound_unheard": N_("Lyd: ikke bekreftet"),
    "stale": N_("Ingen kontakt med sentralen siden {since}"),
}
"""Sentences that the page's own JavaScript says."""

ERRORS: Mapping[str, str] = {
    "tablet_needed": N_("Dette nettbrettet er ikke registrert."),
    "person_needed": N_("Velg navn og tast PIN for å gjøre dette."),
    "pin_wrong": N_("Feil PIN-kode."),
    "wait": N_("For mange feil. Vent litt."),
    "code_wrong": N_("Koden er feil, brukt eller for gammel."),
    "someone_first": N_("{name} var først."),
    "illegal_move": N_("Alarmen har endret seg. Se kortet på nytt."),
    "unknown_alarm": N_("Alarmen finnes ikke lenger."),
    "bad_request": N_("Forespørselen kunne ikke leses."),
    "cross_site": N_("Forespørselen kom fra et annet nettsted."),
    "database_away": N_("Sentralen når ikke databasen. Prøv igjen."),
}


def kind(words: Words, code: str) -> str:
    """The heading of an alarm."""
    return words(KINDS[code]) if code in KINDS else code


def reason(words: Words, code: str, params: Mapping[str, object]) -> str:
    """Why it rings, in a sentence."""
    if code in REASONS:
        return words(REASONS[code], params)
    return words(REASON_OTHER, {"code": code})


def unknown(words: Words, code: str | None) -> str:
    """Why a room's state is not known."""
    return words(UNKNOWN.get(code or "", UNKNOWN_OTHER))


def page(words: Words) -> dict[str, str]:
    """The sentences of the page's JavaScript, with their {places} left open."""
    return {key: words.translations.gettext(message) for key, message in PAGE.items()}


def age(words: Words, age_ms: int) -> str:
    """How long ago, as the page goes on to count: "45 s", "1 min 35 s", "16 min", "2 t 5 min"."""
    s = max(0, age_ms // 1000)
    minutes = s // 60
    if minutes < 1:
        return words(PAGE["age_s"], {"s": s})
    if minutes < 10:
        return words(PAGE["age_min_s"], {"min": minutes, "s": s % 60})
    if minutes < 60:
        return words(PAGE["age_min"], {"min": minutes})
    return words(PAGE["age_h_min"], {"h": minutes // 60, "min": minutes % 60})
