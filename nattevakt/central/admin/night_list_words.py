"""What the night list says on paper. Serves arrow 9.

Owns its sentences, also those of the first page: what staff do while the system is down. Must not know where any of it
is found, or HTML.
"""

from __future__ import annotations

from nattevakt.central.tablet.i18n import N_

DOWN = (
    N_("Regn med at ingen alarm når fram, heller ikke fra alarmknappen, og si det til alle på vakt."),
    N_(
        "Gå til alle på listen nå, først til dem som er merket «Se til først», og gå så en ny runde minst hvert "
        "{min}. minutt."
    ),
    N_("Kryss av og skriv klokkeslett på listen hver gang du har sett til noen."),
    N_("Ring driftsvakten, si hva som er nede og siden når, og hold den telefonen ledig."),
    N_(
        "Når systemet er oppe igjen: gå én runde til, se at tavlen viser alle rommene, og fortell dagvakten hva som "
        "skjedde."
    ),
)
"""The first page, five sentences. min: how often the ward looks in where sensors are silent."""
PRINTED = N_("Skrevet ut {day} kl. {at}")
NIGHT = N_("Gjelder natt til {day}, kl. {begins} til {ends}")
NIGHT_SHORT = N_("natt til {day}")
TITLE = N_("Nattliste: {ward}, {municipality}")
SECRET = N_("Helseopplysninger. Makuleres etter natten.")
PAGE, OF = N_("Side"), N_("av")

WATCH_LATE = N_(
    "Sentralen har ikke overvåket siden {at}. Det listen sier om sensorer, alarmer og runder, er ikke sikkert."
)
WATCH_NEVER = N_("Sentralen har aldri overvåket. Det listen sier om sensorer, alarmer og runder, er ikke sikkert.")
NOT_KNOWN = N_("Ikke kjent om sensorene melder seg: sentralen overvåker ikke.")
ALL_HEARD = N_("Alle sensorer som kan overvåkes, har meldt seg som de skal.")
NO_SENSOR = N_("Ingen sensor i rommet.")
UNKNOWN = N_("Ukjent siden {at}: {spots} ({why}).")
UNKNOWN_EVER = N_("Ukjent: {spots} (aldri hørt).")
MUTE = N_("Kan ikke overvåkes: {spots}.")
A_SENSOR = N_("sensor")
DENSE = N_("Tettere tilsyn: noen skal inn i rommet minst hvert {min}. minutt.")

NO_HANDLING = N_("Planen sier ikke hva som skal gjøres.")
NO_RESPONSIBLE = N_("Planen sier ikke hvem. Ring lederen på vakt.")
ALARM = N_("{kind}, {at}. {why} {state}.")
HELD = N_("{name} {does}")
NOBODY = N_("Ingen har tatt den")
OVERDUE = N_("Tilsynet kl. {at} er ikke gjort.")
NO_ROUNDS = N_("Ingen planlagte runder i natt.")
DONE = N_("gjort {at}")
SHARED = N_("Flere bor i rommet.")
EMPTY = N_("Rom der ingen bor nå: {rooms}.")
UNPLACED = N_("Ukjent plassering")
