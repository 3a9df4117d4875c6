""" "Avslått akkurat nå" in words: what would not ring, whose, why, by whom, since when. Serves arrow 9.

Owns the sentences of that list. Must not know how it is found, or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from nattevakt.central.admin import moments, rule_words
from nattevakt.central.admin.who import Lead, Resident
from nattevakt.central.db import TenantSession
from nattevakt.central.places.off_list import Off, off_now
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_, Words

WHYS: Mapping[str, str] = {
    "no_plan": N_("Ingen plan: bare alarmknapp, fall og vann ringer"),
    "empty_plan": N_("Planen er tom: bare alarmknapp, fall og vann ringer"),
    "service_ended": N_("Tilsynet er avsluttet"),
    "no_basis": N_("Mangler rettslig grunnlag: planen ringer ikke"),
    "basis_ran_out": N_("Grunnlaget er gått ut: planen ringer ikke"),
    "basis_held": N_("Grunnlaget er gått ut: planen ringer bare til dagvakten kommer"),
    "basis_carried": N_("Overført uten grunnlag: noen må velge samtykke eller vedtak"),
    "basis_expiring": N_("Grunnlaget går snart ut"),
    "paused": N_("På pause"),
    "lacks_sensor": N_("Rommet mangler sensor for {needs}: linjen kan ikke ringe"),
    "rule_unknown": N_("Denne versjonen av programmet kjenner ikke linjen"),
    "mute": N_("Sensoren melder seg aldri selv: om den er død, kan ikke ses"),
    "silent": N_("Sensoren melder seg ikke"),
    "gateway_silent": N_("Ingen kontakt med mottakeren"),
    "gateway_revoked": N_("Mottakeren er tatt ut av bruk"),
}
WEIGHTS: Mapping[str, int] = {
    "no_basis": 0,
    "basis_ran_out": 0,
    "basis_held": 0,
    "gateway_silent": 0,
    "gateway_revoked": 0,
    "paused": 1,
    "lacks_sensor": 1,
    "rule_unknown": 1,
    "silent": 1,
    "service_ended": 2,
    "empty_plan": 2,
    "basis_carried": 2,
    "basis_expiring": 3,
    "no_plan": 4,
    "mute": 5,
}
"""What somebody should see to first stands first; what is so by choice or by nature last."""
BY_CHOICE = 4
BY, SINCE, UNTIL = N_("av {name}"), N_("siden {at}"), N_("til {at}")
RESPONSIBLE = N_("ansvarlig: {name}")
ROOM = N_("Rom {number}")


@dataclass(frozen=True, slots=True)
class OffView:
    """One line of the list. href: where to change it, "" where that is not here. grave: nothing rings that
    should. pressing: more than how it is by choice or by nature."""

    where: str
    who: str
    what: str
    why: str
    reason: str
    after: str
    href: str
    grave: bool
    pressing: bool


def view(s: TenantSession, lead: Lead, residents: Sequence[Resident]) -> tuple[OffView, ...]:
    """What is off on the lead's wards, the gravest first."""
    known = {one.id: one for one in residents}
    numbers = {one.room_id: one.number for one in residents}
    found = [off for off in off_now(s, lead.now_ms) if off.ward_id in lead.wards]
    found.sort(key=lambda off: WEIGHTS.get(off.why, 0))
    return tuple(_one(lead, off, known.get(off.resident_id or 0), numbers.get(off.room_id or 0, "")) for off in found)


def _one(lead: Lead, off: Off, resident: Resident | None, number: str) -> OffView:
    number = resident.number if resident else number
    what, why, after = said(lead.words, off, lead.zone)
    return OffView(
        lead.words(ROOM, {"number": number}) if number else "",
        resident.name if resident else "",
        what,
        why,
        off.reason,
        after,
        f"/admin/residents/{resident.id}" if resident else "",
        WEIGHTS.get(off.why, 0) == 0,
        WEIGHTS.get(off.why, 0) < BY_CHOICE,
    )


def said(words: Words, off: Off, zone: ZoneInfo) -> tuple[str, str, str]:
    """What is off, why, and by whom and for how long, "" where that is not known."""
    params = dict(off.params)
    if "needs" in params:
        params["needs"] = rule_words.needs(words, str(params["needs"]))
    why = words(WHYS[off.why], params) if off.why in WHYS else sentences.unknown(words, off.why)
    what = rule_words.rule_name(words, off.rule) if off.rule else str(params.get("name") or off.device)
    after = []
    if off.by:
        after.append(words(RESPONSIBLE if off.what == "basis" and off.until_ms else BY, {"name": off.by}))
    if off.since_ms:
        after.append(words(SINCE, {"at": moments.day_clock(words, off.since_ms, zone)}))
    if off.until_ms:
        after.append(words(UNTIL, {"at": moments.day_clock(words, off.until_ms, zone)}))
    return what, why, ", ".join(after)
