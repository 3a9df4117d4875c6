"""What staff read of tests of the whole way: why one has failed, and how its alarm ended. Serves arrow 9.

Owns these sentences alone; sentences.py holds the rest, and shows them. Must not know storage or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.central.tablet.i18n import N_

CHAIN_REASONS: Mapping[str, str] = {
    "chain_test_failed": N_("Prøven av varslingskjeden kom ikke fram. Rom: {rooms}. Varsle driftsvakten."),
    "chain_test_failed.no_gateway": N_(
        "Prøven kunne ikke sendes: ingen mottaker hører sensorene. Rom: {rooms}. Varsle driftsvakten."
    ),
    "chain_test_failed.not_given": N_(
        "Prøven stoppet før mottakeren ({gateway}): den hentet den ikke. Rom: {rooms}. Varsle driftsvakten."
    ),
    "chain_test_failed.not_received": N_(
        "Prøven stoppet mellom mottakeren ({gateway}) og sentralen. Rom: {rooms}. Varsle driftsvakten."
    ),
    "chain_test_failed.not_shown": N_(
        "Prøven nådde sentralen, men ble ikke vist på noe nettbrett. Rom: {rooms}. Se etter nettbrettene."
    ),
    "chain_test_failed.not_sounded": N_(
        "Prøven ble vist på et nettbrett, men uten lyd, og ingen bekreftet den. Rom: {rooms}. Se etter lyden."
    ),
    "chain_test_failed.not_tapped": N_(
        "Prøven ble vist og hørt på et nettbrett, men ingen bekreftet den. Rom: {rooms}. Prøv på nytt."
    ),
    "chain_test_failed.passed": N_("En ny prøve av varslingskjeden kom fram og ble bekreftet."),
}

CHAIN_ERRORS: Mapping[str, str] = {
    "chain_test_ended": N_("Prøven er avsluttet. Be om en ny hvis det trengs."),
    "chain_test_no_sensor": N_("Det henger ingen sensor i rommet. Da er det ingenting å prøve."),
    "chain_test_too_many": N_("Mottakeren har mange prøver foran seg. Prøv igjen om noen minutter."),
}
