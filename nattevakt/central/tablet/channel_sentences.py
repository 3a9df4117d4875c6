"""What staff read of the roads by which people are told beyond the tablets. Serves arrow 9.

Owns these sentences alone; sentences.py holds the rest, and shows them. Must not know storage or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.central.tablet.i18n import N_

CHANNEL_REASONS: Mapping[str, str] = {
    "channel_down": N_("Noen nås ikke utenom nettbrettene. Varsle driftsvakten."),
    "channel_down.sms": N_("Tekstmeldinger går ikke ut. Bare nettbrettene ringer. Varsle driftsvakten."),
    "channel_down.push": N_("Varsler til telefonene går ikke ut. Varsle driftsvakten."),
    "channel_down.webhook": N_("Varsling til {channel} går ikke ut. Varsle driftsvakten."),
    "channel_down.over": N_("Varslingen ut av huset virker igjen."),
}

CHANNEL_PAGE: Mapping[str, str] = {
    "push_on": N_("Varsle meg på denne enheten"),
    "push_off": N_("Ikke varsle meg på denne enheten"),
    "push_failed": N_("Det gikk ikke. Prøv igjen."),
    "push_denied": N_("Varsler er slått av i nettleseren. Slå dem på for denne siden, og prøv igjen."),
}
"""Of these the page's own JavaScript says each."""
