"""What staff read of duty: that nobody would hear an alarm, or that nobody is there for it. Serves arrow 9.

Owns these sentences alone; sentences.py holds the rest, and shows them. Must not know storage or HTML.
"""

from __future__ import annotations

from nattevakt.central.tablet.i18n import N_

DUTY_KINDS: dict[str, str] = {
    "ward_unheard": N_("Avdelingen kan ikke høre alarmer"),
    "duty_gap": N_("Hull i vakten"),
}
DUTY_ICONS: dict[str, str] = {"ward_unheard": "volume-x", "duty_gap": "user-round"}
DUTY_REASONS: dict[str, str] = {
    "ward_unheard": N_("Ingen nettbrett i {ward} viser alarmer med lyd på. Gå til nettbrettet og trykk «Start vakt»."),
    "ward_unheard.off": N_("Ingen nettbrett i {ward} melder seg. Se om de er slått på, lader og har nett."),
    "ward_unheard.over": N_("Et nettbrett i {ward} kan høres igjen."),
    "duty_gap": N_("Ingen får alarmene fra {ward}. Sett noen på vakt."),
    "duty_gap.ahead": N_("Ingen har vakt i {ward} fra kl. {from_at} til kl. {to_at}. Sett noen på vakt før det."),
    "duty_gap.no_duty": N_("Ingen har vakt i {ward} nå, og det varer til kl. {to_at}. Sett noen på vakt."),
    "duty_gap.no_tablet": N_(
        "Ingen nettbrett er i bruk i {ward}, og ingen kan varsles på annen måte. Start et nettbrett der."
    ),
    "duty_gap.not_there": N_(
        "De som har vakt i {ward}, er ikke logget på et nettbrett med lyd. Be dem logge på, eller sett en annen på "
        "vakt."
    ),
    "duty_gap.over": N_("Noen har vakt i {ward} igjen."),
}
"""Why such an alarm rings, and how it ended."""
