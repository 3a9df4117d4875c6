"""What a plan would have done, for the page: night by night beside what really happened. Serves arrow 9.

Owns which words stand for a trial's outcome. Must not know how it is computed, or HTML.
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.central.admin import moments
from nattevakt.central.admin.who import Lead
from nattevakt.central.alarm_use import useful
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.backtest import Backtest, Raised, Was
from nattevakt.central.tablet import sentences, when
from nattevakt.central.tablet.i18n import N_

ITSELF = N_("avklart av seg selv kl. {at}")
USEFUL, USELESS = N_("til nytte"), N_("unødig")
SOUNDS = N_("ringte {n} ganger")
OPEN = N_("ikke avsluttet")


@dataclass(frozen=True, slots=True)
class Item:
    """One alarm, of the trial or of what happened. use: "yes", "no" or ""."""

    at: str
    what: str
    why: str
    after: str
    use: str = ""


@dataclass(frozen=True, slots=True)
class NightView:
    """One night."""

    name: str
    would: tuple[Item, ...]
    did: tuple[Item, ...]
    events: int


@dataclass(frozen=True, slots=True)
class TrialView:
    """All nights, the newest first, and the sums. planned: what really rang of the plan's rules alone."""

    nights: tuple[NightView, ...]
    would: int
    did: int
    useful: int
    useless: int
    quiet: int
    heard: int


def view(lead: Lead, found: Backtest) -> TrialView:
    """A trial in words."""
    nights = tuple(
        NightView(
            moments.night(lead.words, night.day),
            tuple(_would(lead, one) for one in night.raised),
            tuple(_did(lead, one) for one in night.was),
            night.events,
        )
        for night in reversed(found.nights)
    )
    uses = [item.use for night in nights for item in night.did]
    quiet = sum(1 for night in nights if not night.would)
    heard = sum(1 for night in nights if night.events)
    return TrialView(nights, found.raised, found.was, uses.count("yes"), uses.count("no"), quiet, heard)


def _would(lead: Lead, one: Raised) -> Item:
    after = []
    if len(one.sounds) > 1:
        after.append(lead.words(SOUNDS, {"n": len(one.sounds)}))
    if one.cleared_ms is not None:
        after.append(lead.words(ITSELF, {"at": moments.clock(one.cleared_ms, lead.zone)}))
    why = sentences.reason(lead.words, one.reason.code, when.spoken(one.reason.params, lead.zone))
    return Item(moments.clock(one.at_ms, lead.zone), sentences.kind(lead.words, one.kind), why, ", ".join(after))


def _did(lead: Lead, one: Was) -> Item:
    said = useful(one.kind, one.cause, one.action)
    use = {True: "yes", False: "no", None: ""}[said]
    if one.cause:
        after = [lead.words(sentences.CAUSES[one.cause]) if one.cause in sentences.CAUSES else one.cause]
        if one.action in sentences.ACTIONS:
            after.append(lead.words(sentences.ACTIONS[one.action or ""]))
    else:
        after = [lead.words(OPEN if State(one.state) is not State.CLEARED else sentences.STATES[State.CLEARED])]
    if said is not None:
        after.append(lead.words(USEFUL if said else USELESS))
    why = sentences.reason(lead.words, one.reason.code, when.spoken(one.reason.params, lead.zone))
    return Item(moments.clock(one.at_ms, lead.zone), sentences.kind(lead.words, one.kind), why, ", ".join(after), use)
