"""What staff read of gateways: why each of their alarms rings, and how it ended. Serves arrow 9.

Owns these sentences alone; sentences.py holds the rest, and shows them. Must not know storage or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.central.tablet.i18n import N_

GATEWAY_REASONS: Mapping[str, str] = {
    "gateway_cloned": N_("To enheter kaller seg {gateway}. Varsle driftsvakten."),
    "gateway_fault": N_("{gateway} melder om en feil. Varsle driftsvakten."),
    "parked_event": N_("{gateway} får ikke levert en melding. Varsle driftsvakten."),
    "rows_lost": N_("{gateway} måtte kaste meldinger. Rom kan være ukjente."),
    "rows_missing": N_("Meldinger fra {gateway} mangler. Rom kan være ukjente."),
    "storage_lost": N_(
        "Trykk og varsler fra kl. {from_at} til kl. {to_at} kan være tapt. Ukjente rom: {rooms}. Gå og se til dem."
    ),
    "storage_lost.empty": N_(
        "{gateway} startet uten det den hadde lagret fra kl. {from_at} til kl. {to_at}. Varsle driftsvakten."
    ),
    "gateway_gap": N_(
        "Mottakeren hørte ingenting fra kl. {from_at} til kl. {to_at}. Trykk og varsler da kan være tapt. "
        "Rom: {rooms}. Gå og se til dem."
    ),
    "gateway_gap.empty": N_("{gateway} hørte ingenting fra kl. {from_at} til kl. {to_at}. Varsle driftsvakten."),
    "gateway_silent": N_(
        "Ukjente rom: {rooms}. Beboere: {residents}. Knapper og sensorer der når ikke fram. Gå og se til dem."
    ),
    "gateway_silent.behind": N_(
        "Meldinger herfra kommer for sent. Ukjente rom: {rooms}. Beboere: {residents}. Gå og se til dem."
    ),
    "gateway_silent.unstable": N_(
        "Kontakten faller ut og kommer igjen. Hver gang er disse rommene ukjente: {rooms}. Beboere: {residents}. "
        "Gå og se til dem."
    ),
    "gateway_silent.unstable.empty": N_("Kontakten med {gateway} faller ut og kommer igjen. Varsle driftsvakten."),
    "gateway_silent.empty": N_("Ingen rom er knyttet til {gateway}. Varsle driftsvakten."),
    "gateway_silent.behind.empty": N_("Meldinger fra {gateway} kommer for sent. Varsle driftsvakten."),
    "gateway_silent.over": N_("{gateway} er i kontakt igjen."),
    "gateway_silent.revoked": N_("{gateway} er tatt ut av bruk."),
    "local.rung": N_("Varslet lokalt på mottakeren kl. {local_at}, mens sentralen var uten kontakt."),
    "local.seen": N_("Sett lokalt på mottakeren kl. {local_at}."),
}
