"""What staff read: every alarm kind, reason, state, room state and button in words. Serves arrow 9.

Owns the only table from codes to sentences. Must not know storage or HTML. A code that is missing here is shown as
itself under a plain heading: an alarm without words still rings.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.tablet.bed_sentences import BED_REASONS
from nattevakt.central.tablet.chain_sentences import CHAIN_ERRORS, CHAIN_REASONS
from nattevakt.central.tablet.channel_sentences import CHANNEL_PAGE, CHANNEL_REASONS
from nattevakt.central.tablet.duty_sentences import DUTY_ICONS, DUTY_KINDS, DUTY_REASONS
from nattevakt.central.tablet.gateway_sentences import GATEWAY_REASONS
from nattevakt.central.tablet.i18n import N_, Words

KINDS: Mapping[str, str] = {
    "call": N_("Ringer etter hjelp"),
    "fall": N_("Fall"),
    "leak": N_("Vannlekkasje"),
    "door_at_night": N_("Dør åpnet"),
    "left_home": N_("Gått ut, ikke tilbake"),
    "out_of_room": N_("Ikke på rommet"),
    "long_bathroom": N_("Lenge på badet"),
    "inactivity": N_("Ingen livstegn"),
    "unexpected_activity": N_("Uventet aktivitet"),
    "not_back_in_bed": N_("Ikke tilbake i seng"),
    "bed_check": N_("Sjekk: tom seng"),
    "out_of_bed": N_("Ute av sengen"),
    "in_bed_late": N_("Sjekk: ikke i seng"),
    "not_up": N_("Ikke oppe"),
    "chair": N_("Reist seg fra stolen"),
    "unknown_event": N_("Ukjent alarm"),
    "event_refused": N_("Melding kunne ikke leses"),
    "id_conflict": N_("To ulike meldinger med samme nummer"),
    "gateway_cloned": N_("To mottakere med samme navn"),
    "gateway_fault": N_("Feil i mottakeren"),
    "parked_event": N_("Melding står fast i mottakeren"),
    "rows_lost": N_("Meldinger gikk tapt"),
    "rows_missing": N_("Meldinger mangler"),
    "storage_lost": N_("Mottakeren har mistet det den hadde lagret"),
    "gateway_gap": N_("Mottakeren har vært ute av drift"),
    "gateway_silent": N_("Ingen kontakt med mottakeren"),
    "device_silent": N_("Sensor melder seg ikke"),
    "round_overdue": N_("Tilsyn ikke gjort"),
    "wet": N_("Fukt i sengen"),
    "battery_low": N_("Lavt batteri"),
    "tamper": N_("Sensor er åpnet"),
    "basis_expired": N_("Grunnlaget for tilsynet er gått ut"),
    "chain_test_failed": N_("Prøve av varslingskjeden kom ikke fram"),
    "channel_down": N_("Varsling ut av huset virker ikke"),
    "rule_failed": N_("Feil i overvåkingen"),
    "unhandled_event": N_("Hendelse uten alarm"),
} | DUTY_KINDS
ICONS: Mapping[str, str] = {
    "call": "bell-ring",
    "fall": "triangle-alert",
    "leak": "droplets",
    "door_at_night": "door-open",
    "left_home": "door-open",
    "out_of_room": "door-open",
    "not_back_in_bed": "bed",
    "bed_check": "bed",
    "out_of_bed": "bed",
    "in_bed_late": "bed",
    "not_up": "bed",
    "chair": "person-standing",
    "unknown_event": "siren",
    "unhandled_event": "siren",
    "event_refused": "wrench",
    "gateway_fault": "unplug",
    "gateway_cloned": "unplug",
    "gateway_gap": "unplug",
    "gateway_silent": "unplug",
    "storage_lost": "unplug",
    "wet": "droplets",
    "device_silent": "wifi-off",
    "round_overdue": "footprints",
} | DUTY_ICONS
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
    "left.not_back": N_("Gikk ut kl. {since_at}: {place}. Ikke sett inne igjen på {min} min."),
    "left.not_back_unconfirmed": N_("Gikk ut kl. {since_at}: {place}. Ikke bekreftet, ingen kontakt siden. Gå og se."),
    "left.back": N_("Beboeren er sett inne igjen."),
    "left.back_before_known": N_("Var ute, men var inne igjen før meldingene kom fram."),
    "left.inside": N_("Døren ble åpnet, men beboeren har ligget eller sittet inne hele tiden."),
    "left.moved_away": N_("Beboeren bor ikke lenger i rommet."),
    "room.empty": N_("Ingen på rommet siden kl. {since_at}, på {min} min."),
    "room.empty_unconfirmed": N_("Ingen på rommet fra kl. {since_at}. Ikke bekreftet, ingen kontakt siden. Gå og se."),
    "room.back": N_("Beboeren er på rommet igjen."),
    "room.back_before_known": N_("Var ute av rommet, men var tilbake før meldingene kom fram."),
    "room.moved_away": N_("Beboeren bor ikke lenger i rommet."),
    "bath.long_present": N_("På badet siden kl. {since_at}. Sensoren der ser noen. Gå og se."),
    "bath.long_present_unconfirmed": N_(
        "På badet fra kl. {since_at}, sensoren der så noen. Ikke bekreftet, ingen kontakt siden. Gå og se."
    ),
    "bath.long_seen": N_(
        "På badet siden kl. {since_at}. Sist bevegelse der kl. {seen_at}, ingenting andre steder siden. Gå og se."
    ),
    "bath.long_seen_unconfirmed": N_(
        "På badet fra kl. {since_at}. Sist bevegelse der kl. {seen_at}. Ikke bekreftet, ingen kontakt siden. Gå og se."
    ),
    "bath.left": N_("Beboeren er sett utenfor badet."),
    "bath.left_before_known": N_("Var lenge på badet, men var ute igjen før meldingene kom fram."),
    "bath.moved_away": N_("Beboeren bor ikke lenger i rommet."),
    "inactive.silent": N_("Ingen livstegn siden kl. {seen_at}: {place}. Gå og se."),
    "inactive.silent_unconfirmed": N_(
        "Siste livstegn kl. {seen_at}: {place}. Ikke bekreftet, ingen kontakt siden. Gå og se."
    ),
    "inactive.in_bed": N_("I sengen eller stolen siden kl. {lay_at}, ingen bevegelse siden kl. {seen_at}. Gå og se."),
    "inactive.in_bed_unconfirmed": N_(
        "I sengen eller stolen fra kl. {lay_at}. Ikke bekreftet, ingen kontakt siden. Gå og se."
    ),
    "inactive.away": N_("Gikk ut kl. {seen_at}: {place}. Ikke sett siden."),
    "inactive.away_unconfirmed": N_("Gikk ut kl. {seen_at}: {place}. Ikke bekreftet, ingen kontakt siden."),
    "inactive.gone_out": N_("Gikk ut kl. {seen_at}, regnes som bortreist."),
    "inactive.active": N_("Beboeren er i bevegelse igjen."),
    "inactive.active_before_known": N_("Var lenge stille, men var i bevegelse igjen før meldingene kom fram."),
    "inactive.lay": N_("Beboeren lå, satt eller var sett der. Meldingen kom for sent."),
    "inactive.moved_away": N_("Beboeren bor ikke lenger i rommet."),
    "active.unexpected": N_("Uventet aktivitet fra kl. {first_at}, sist kl. {last_at}: {place}."),
    "active.explained": N_("Aktiviteten er forklart av noe som ble meldt senere."),
    "active.moved_away": N_("Beboeren bor ikke lenger i rommet."),
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
    **BED_REASONS,
    "plain": N_("Sensoren varslet, men overvåkingen kunne ikke vurdere det."),
    "unknown_event": N_("En sensor varslet om noe denne versjonen ikke kjenner. Gå og se."),
    "unhandled_event": N_("Et varsel ble lagret uten å bli til en alarm. Gå rundt til rommene."),
    "event_refused": N_("En melding fra {gateway} kunne ikke leses. Den kan ha vært en alarm."),
    "id_conflict": N_("{gateway} sendte to ulike meldinger med samme nummer. Begge er tatt vare på."),
    **GATEWAY_REASONS,
    **CHANNEL_REASONS,
    **CHAIN_REASONS,
    "device_silent": N_("{device} har ikke meldt seg som ventet. Se etter sensoren når du er der."),
    "device_silent.never": N_("{device} er lagt inn, men er aldri hørt. Se etter sensoren når du er der."),
    "device_silent.over": N_("{device} er hørt igjen."),
    "device_silent.unwatched": N_("{device} overvåkes ikke lenger."),
    "round_overdue": N_("Ikke sett til innen fristen, fra kl. {due_at}: rom {rooms}. Gå og se, og kvitter på runden."),
    "round_overdue.done": N_("Alle på runden er sett til."),
    "fall.still": N_("Fallsensoren meldte fall kl. {fell_at}, og ingen er hos beboeren etter {min} min. Gå og se."),
    "wet.wet": N_("Fuktsensoren har vært våt siden kl. {since_at}."),
    "wet.wet_unconfirmed": N_("Fuktsensoren ble våt kl. {since_at}. Ikke bekreftet, ingen kontakt siden."),
    "wet.dry": N_("Fuktsensoren er tørr igjen."),
    "wet.moved_away": N_("Beboeren bor ikke lenger i rommet."),
    "battery_low": N_("Sensoren ({device}) melder lavt batteri. Bytt det på dagtid."),
    "battery_low.percent": N_("Sensoren ({device}) har {percent} % batteri igjen. Bytt det på dagtid."),
    "battery_low.changed": N_("Batteriet i sensoren ({device}) er i orden igjen."),
    "tamper": N_("Sensoren ({device}) melder at den er åpnet eller tatt ned. Se etter den når du er der."),
    "tamper.shut": N_("Sensoren ({device}) er lukket igjen."),
    "implausible.bed_flicker": N_(
        "Sengesensoren meldte inn og ut {times} ganger i natt. Sjekk matta, kabelen og plasseringen."
    ),
    "implausible.bed_stuck": N_(
        "Sengesensoren har meldt «i seng» i {hours} timer uten avbrudd, siden kl. {since_at}. Har ingen "
        "ligget der hele tiden, må den sjekkes."
    ),
    "implausible.bed_inverted": N_(
        "Sengesensoren meldte «i seng» {day_percent} % av dagen og {night_percent} % av natten. Den kan være "
        "satt opp omvendt."
    ),
    "implausible.chair_stuck": N_(
        "Stolsensoren har meldt «sitter» i {hours} timer uten avbrudd, siden kl. {since_at}. Har ingen "
        "sittet der hele tiden, må den sjekkes."
    ),
    "implausible.door_flicker": N_(
        "Dørsensoren meldte åpen i under ett sekund {times} ganger. Sjekk magneten og avstanden til den."
    ),
    "implausible.door_open": N_(
        "Dørsensoren har meldt åpen i {hours} timer, siden kl. {since_at}. Har døren ikke stått åpen, må "
        "sensoren sjekkes."
    ),
    "implausible.door_mostly_open": N_(
        "Dørsensoren meldte åpen {percent} % av døgnet. Har døren ikke stått åpen, må sensoren sjekkes."
    ),
    "implausible.door_inverted": N_(
        "Dørsensoren meldte åpen {percent} % av døgnet, og lukket bare i korte øyeblikk, {times} ganger. Den "
        "kan være satt opp omvendt."
    ),
    "implausible.flood": N_(
        "Sensoren sender unormalt mye, siden kl. {since_at}. Bare siste tilstand lagres. Sjekk batteri, "
        "plassering og sensor."
    ),
    "basis_expired": N_(
        "Grunnlaget gikk ut kl. {review_at}. Tilsynsplanen varsler ikke. Alarmknapp, fall og vannlekkasje ringer. "
        "Si fra til avdelingsleder."
    ),
    "basis_expired.armed": N_(
        "Grunnlaget gikk ut kl. {review_at}. Tilsynsplanen varsler som før til kl. 07:00. Si fra til avdelingsleder."
    ),
    "basis_expired.renewed": N_("Grunnlaget for tilsynet er fornyet."),
    "basis_expired.not_wanted": N_("Tilsynet er avsluttet."),
    "rule_failed": N_("En del av overvåkingen sviktet. Alarmer ringer likevel. Varsle driftsvakten."),
} | DUTY_REASONS
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
    "left": N_("{age} igjen"),
    "left_none": N_("tiden er ute"),
    "link_lost": N_("Ingen kontakt"),
    "link_up": N_("Tilkoblet"),
    "new_alarm": N_("Ny alarm: {what}"),
    "no_answer": N_("Sentralen svarer ikke. Prøv igjen."),
    "no_person": N_("Ingen pålogget"),
    "no_staff": N_("Ingen ansatte er lagt inn for denne avdelingen."),
    "notify_title": N_("Ny alarm – åpne Nattevakt"),
    **CHANNEL_PAGE,
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
    "has_alarms": N_("Du har tatt en alarm som venter på deg. Logger du av, går den videre til neste med en gang."),
    "someone_first": N_("{name} var først."),
    "illegal_move": N_("Alarmen har endret seg. Se kortet på nytt."),
    "not_here": N_("Det gjøres ikke på nettbrettet."),
    "unknown_alarm": N_("Alarmen finnes ikke lenger."),
    "round_ended": N_("Dette tilsynet er avsluttet. Se listen på nytt."),
    "round_gone": N_("Tilsynet finnes ikke lenger."),
    "round_physical": N_("Dette tilsynet må gjøres i rommet."),
    **CHAIN_ERRORS,
    "round_unknown": N_("Ukjent: nettbrettet viser ikke hvordan det går. Gå inn og se."),
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


def left(words: Words, left_ms: int) -> str:
    """How long something still is, as the page goes on to count: "4 min 10 s igjen"."""
    if left_ms <= 0:
        return words(PAGE["left_none"])
    return words(PAGE["left"], {"age": age(words, left_ms)})
