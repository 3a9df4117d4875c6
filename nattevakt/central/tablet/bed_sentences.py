"""What staff read of the bed and the chair: the reasons of their rules in words. Serves arrow 9.

Owns nothing but these sentences; sentences.py has the table of all. Must not know storage or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.central.tablet.i18n import N_

BED_REASONS: Mapping[str, str] = {
    "bed.not_back_chair": N_("Ute av sengen siden kl. {left_at}. Satte seg i stolen ({seen}) kl. {seen_at}."),
    "bed.not_back_chair_unconfirmed": N_(
        "Ute av sengen siden kl. {left_at}. Satte seg i stolen ({seen}) kl. {seen_at}. Ikke bekreftet, ingen "
        "kontakt siden."
    ),
    "out_of_bed.left": N_("Sto opp av sengen kl. {left_at}."),
    "out_of_bed.left_unconfirmed": N_("Sto opp av sengen kl. {left_at}. Ikke bekreftet, ingen kontakt siden."),
    "out_of_bed.seen": N_("Sto opp av sengen kl. {left_at}. Bevegelse: {seen} kl. {seen_at}."),
    "out_of_bed.seen_unconfirmed": N_(
        "Sto opp av sengen kl. {left_at}. Bevegelse: {seen} kl. {seen_at}. Ikke bekreftet, ingen kontakt siden."
    ),
    "out_of_bed.check": N_(
        "Sengen ble tom kl. {left_at}. Sengesensoren har vært ustabil, og ingenting annet har rørt seg. Gå og se."
    ),
    "out_of_bed.check_unconfirmed": N_(
        "Sengen ble tom kl. {left_at}. Sengesensoren har vært ustabil, og ingenting annet har rørt seg. Ikke "
        "bekreftet, ingen kontakt siden. Gå og se."
    ),
    "out_of_bed.still": N_(
        "Sengen har vært tom siden kl. {left_at}. Sengesensoren har vært ustabil, og ingen har sett etter. Gå og se."
    ),
    "out_of_bed.still_unconfirmed": N_(
        "Sengen har vært tom siden kl. {left_at}. Sengesensoren har vært ustabil, og ingen har sett etter. Ikke "
        "bekreftet, ingen kontakt siden. Gå og se."
    ),
    "out_of_bed.back": N_("Tilbake i sengen."),
    "out_of_bed.back_before_known": N_("Var ute av sengen, men var tilbake før meldingene kom fram."),
    "bed.not_left": N_("Meldinger som kom sent, viser at sengen ikke ble forlatt da."),
    "out_of_bed.not_left": N_("Meldinger som kom sent, viser at sengen ikke ble forlatt da."),
    "out_of_bed.moved_away": N_("Beboeren bor ikke lenger i rommet."),
    "in_bed_late.up": N_(
        "Ikke i seng kl. {by_at}. Sengen har vært tom siden kl. {left_at}, og ingenting har rørt seg i det siste."
    ),
    "in_bed_late.up_unconfirmed": N_(
        "Ikke i seng kl. {by_at}. Sengen har vært tom siden kl. {left_at}, og ingenting har rørt seg i det "
        "siste. Ikke bekreftet, ingen kontakt siden."
    ),
    "in_bed_late.seen": N_("Ikke i seng kl. {by_at}. Sist bevegelse: {seen} kl. {seen_at}."),
    "in_bed_late.seen_unconfirmed": N_(
        "Ikke i seng kl. {by_at}. Sist bevegelse: {seen} kl. {seen_at}. Ikke bekreftet, ingen kontakt siden."
    ),
    "in_bed_late.in_chair": N_("Ikke i seng kl. {by_at}. Sitter i stolen siden kl. {seen_at}."),
    "in_bed_late.in_chair_unconfirmed": N_(
        "Ikke i seng kl. {by_at}. Sitter i stolen siden kl. {seen_at}. Ikke bekreftet, ingen kontakt siden."
    ),
    "in_bed_late.in_bed": N_("Er i seng."),
    "in_bed_late.in_bed_before_known": N_("Kom sent i seng, men før meldingene kom fram."),
    "in_bed_late.unknown": N_("Sengesensoren har ikke sagt noe, så ingen vet om sengen er tom."),
    "in_bed_late.moved_away": N_("Beboeren bor ikke lenger i rommet."),
    "not_up.in_bed": N_("Ikke oppe kl. {by_at}. I seng siden kl. {since_at}."),
    "not_up.in_bed_unconfirmed": N_(
        "Ikke oppe kl. {by_at}. I seng siden kl. {since_at}. Ikke bekreftet, ingen kontakt siden."
    ),
    "not_up.empty": N_(
        "Ikke sett oppe kl. {by_at}. Sengen har vært tom siden kl. {left_at}, men ingenting annet har rørt seg. "
        "Gå og se."
    ),
    "not_up.empty_unconfirmed": N_(
        "Ikke sett oppe kl. {by_at}. Sengen har vært tom siden kl. {left_at}, men ingenting annet har rørt seg. "
        "Ikke bekreftet, ingen kontakt siden. Gå og se."
    ),
    "not_up.up": N_("Er oppe."),
    "not_up.up_before_known": N_("Kom sent opp, men før meldingene kom fram."),
    "not_up.unknown": N_("Sengesensoren har ikke sagt noe, så ingen vet om sengen er tom."),
    "not_up.moved_away": N_("Beboeren bor ikke lenger i rommet."),
    "chair.left": N_("Reiste seg fra stolen kl. {left_at}."),
    "chair.left_unconfirmed": N_("Reiste seg fra stolen kl. {left_at}. Ikke bekreftet, ingen kontakt siden."),
    "chair.seen": N_("Reiste seg fra stolen kl. {left_at}. Bevegelse: {seen} kl. {seen_at}."),
    "chair.seen_unconfirmed": N_(
        "Reiste seg fra stolen kl. {left_at}. Bevegelse: {seen} kl. {seen_at}. Ikke bekreftet, ingen kontakt siden."
    ),
    "chair.check": N_(
        "Stolen ble tom kl. {left_at}. Stolsensoren har vært ustabil, og ingenting annet har rørt seg. Gå og se."
    ),
    "chair.check_unconfirmed": N_(
        "Stolen ble tom kl. {left_at}. Stolsensoren har vært ustabil, og ingenting annet har rørt seg. Ikke "
        "bekreftet, ingen kontakt siden. Gå og se."
    ),
    "chair.still": N_(
        "Stolen har vært tom siden kl. {left_at}. Stolsensoren har vært ustabil, og ingen har sett etter. Gå og se."
    ),
    "chair.still_unconfirmed": N_(
        "Stolen har vært tom siden kl. {left_at}. Stolsensoren har vært ustabil, og ingen har sett etter. Ikke "
        "bekreftet, ingen kontakt siden. Gå og se."
    ),
    "chair.back": N_("Sitter igjen, eller er i seng."),
    "chair.back_before_known": N_("Reiste seg fra stolen, men satt igjen før meldingene kom fram."),
    "chair.not_left": N_("Meldinger som kom sent, viser at stolen ikke ble forlatt da."),
    "chair.moved_away": N_("Beboeren bor ikke lenger i rommet."),
}
