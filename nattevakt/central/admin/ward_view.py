"""The lead's wards at a glance: who has which plan, and how it stands. Serves arrow 9.

Owns the word for how a plan stands. Must not know HTML or HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nattevakt.central.admin import moments, rule_words
from nattevakt.central.admin.who import Lead, Resident
from nattevakt.central.db import TenantSession
from nattevakt.central.places import bases, pauses, plans
from nattevakt.central.places.bases import Basis
from nattevakt.central.places.pauses import Pause
from nattevakt.central.places.plans import Plan
from nattevakt.central.tablet.i18n import N_, Words

NO_PLAN, ENDED, EMPTY = N_("Ingen plan"), N_("Avsluttet"), N_("Tom plan")
NO_BASIS, PAUSED, PARTLY = N_("Mangler grunnlag"), N_("På pause til kl. {at}"), N_("Delvis på pause til kl. {at}")
STARTUP, ON = N_("På, oppstart til {day}"), N_("På")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a plan stands. code: "none", "ended", "empty", "no_basis", "paused", "partly", "startup" or "on"."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class RowView:
    """One resident of the overview."""

    resident: Resident
    standing: Standing
    rules: str
    version: int


def standing(lead: Lead, plan: Plan | None, basis: Basis | None, held: Sequence[Pause]) -> Standing:
    """How a resident's plan stands now."""
    words = lead.words
    if plan is None:
        return Standing("none", words(NO_PLAN))
    if plan.ended_ms is not None:
        return Standing("ended", words(ENDED))
    if not plan.lines:
        return Standing("empty", words(EMPTY))
    if basis is None:
        return Standing("no_basis", words(NO_BASIS))
    whole = [pause.to_ms for pause in held if pause.rule is None]
    if held:
        at = moments.clock(max(whole) if whole else max(pause.to_ms for pause in held), lead.zone)
        return Standing("paused" if whole else "partly", words(PAUSED if whole else PARTLY, {"at": at}))
    if plan.startup_to_ms is not None and lead.now_ms < plan.startup_to_ms:
        return Standing("startup", words(STARTUP, {"day": moments.day(words, plan.startup_to_ms, lead.zone)}))
    return Standing("on", words(ON))


def view(s: TenantSession, lead: Lead, residents: Sequence[Resident]) -> tuple[RowView, ...]:
    """The overview."""
    ids = [one.id for one in residents]
    known, grounds = plans.of_residents(s, ids), bases.valid(s, ids, lead.now_ms)
    held = pauses.in_force(s, ids, lead.now_ms)
    return tuple(
        RowView(
            one,
            standing(lead, known.get(one.id), grounds.get(one.id), held.get(one.id, ())),
            rules(lead.words, known.get(one.id)),
            plan.version if (plan := known.get(one.id)) else 0,
        )
        for one in residents
    )


def rules(words: Words, plan: Plan | None) -> str:
    """What a plan looks for, by name."""
    if plan is None or plan.ended_ms is not None:
        return ""
    return ", ".join(dict.fromkeys(rule_words.rule_name(words, line.rule) for line in plan.lines))
