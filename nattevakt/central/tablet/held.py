"""What a card says of who has an alarm: until when they have time, that they did not come, why an act is refused.

Serves arrow 9. Owns these sentences and when each is said. Must not know storage or HTML. Until when stands there for
everybody: as a clock that a person has promised, or as the moment at which the alarm rings again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from nattevakt.central.alarms.kinds import is_technical
from nattevakt.central.alarms.lifecycle import UNTAKEN, State
from nattevakt.central.alarms.overdue import AWAITED
from nattevakt.central.tablet import sentences, when
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.rules.rule import Priority

PROMISES_MIN = (5, 10, 20)
"""What can be promised with one tap, in minutes."""
PROMISED = N_("Kommer innen kl. {at}")
RINGS_AGAIN = N_("Ringer igjen kl. {at} hvis ingen er framme")
RINGS_AGAIN_TECHNICAL = N_("Ringer igjen kl. {at} hvis den ikke er avsluttet")
NOT_THERE = N_("Tatt av {name} kl. {at}, ikke framme")
GONE_ON = N_("Ingen har tatt den. Varslet videre kl. {at}")
NOT_ENDED = N_("Tatt av {name} kl. {at}, ikke avsluttet")

DECLINES: Mapping[str, str] = {
    "hos_annen_bruker": N_("Er hos en annen bruker"),
    "for_langt_unna": N_("For langt unna"),
    "ikke_min": N_("Ikke min avdeling"),
    "annet": N_("Annet"),
}
"""Why somebody passes an alarm on, as they may say it on a card; who logs off says it by that."""
_TAKE_FIRST = N_("Ingen har tatt alarmen. Ta den først.")
REFUSED: Mapping[State, str] = {
    State.REPORTED: _TAKE_FIRST,
    State.TAKEN: N_("Du har alarmen. Trykk «På vei» eller «Hos bruker»."),
    State.ON_THE_WAY: N_("Du er på vei. Trykk «Hos bruker» når du er framme."),
    State.ON_SITE: N_("Du er hos bruker. Trykk «Avslutt» når du er ferdig."),
    State.CLOSED: N_("Alarmen er avsluttet."),
    State.REJECTED: _TAKE_FIRST,
    State.ESCALATED: N_("Ingen har alarmen nå. Ta den først."),
    State.TRANSFERRED: _TAKE_FIRST,
    State.CLEARED: N_("Alarmen er avklart av seg selv."),
    State.REOPENED: N_("Alarmen er gjenåpnet. Ta den først."),
}
"""Why an act is not possible, by where the alarm stands."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a card says of its holder. due_ms: until when they have time, None where nobody waits for anybody. due: that
    in words. left: how long that still is, which the page counts on. lapse: who had it and did not come. may_promise:
    whether whoever reads the card may say when they come; may_pass: whether they may give it to somebody else. What
    is of low priority waits where it is."""

    due_ms: int | None
    due: str
    left: str
    lapse: str
    may_promise: bool
    may_pass: bool


def holding(words: Words, row: Any, me: int | None, zone: ZoneInfo, now_ms: int) -> Holding:
    """The same for an alarm's row with its holder's name. me: who is logged in on the tablet, None for nobody."""
    state = State(row.state)
    technical = is_technical(row.kind)
    due_ms: int | None = row.due_ms if state in AWAITED else None
    due = left = lapse = ""
    if due_ms is not None:
        sentence = PROMISED if row.promised_min else RINGS_AGAIN_TECHNICAL if technical else RINGS_AGAIN
        due = words(sentence, {"at": when.clock(due_ms, zone)})
        left = sentences.left(words, due_ms - now_ms)
    if state is State.ESCALATED and row.holder_name and row.taken_ms:
        told = {"name": row.holder_name, "at": when.clock(row.taken_ms, zone)}
        lapse = words(NOT_ENDED if technical else NOT_THERE, told)
    elif state is State.ESCALATED and row.step_ms:
        lapse = words(GONE_ON, {"at": when.clock(row.step_ms, zone)})
    mine = me is None or me == row.taken_by
    passes = row.priority < Priority.LOW and (state in UNTAKEN or (state in AWAITED and mine))
    return Holding(due_ms, due, left, lapse, state in UNTAKEN or (state in AWAITED and mine), passes)


def refused(words: Words, state: State | None) -> str:
    """Why an act is not possible from there; None: the alarm is not what the card said."""
    return words(REFUSED[state] if state is not None else sentences.ERRORS["illegal_move"])
