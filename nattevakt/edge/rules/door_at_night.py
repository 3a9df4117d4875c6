"""A door opened in the resident's night window. Serves arrow 7.

Owns when an opening rings and what explains it away. Must not know which alarm is open or who lives there.
Closing the door is no all-clear: the person may be on either side. An opening that the centre learns of late
(over two minutes) is only written down if later evidence already shows the resident inside; such evidence
that comes after a late alarm clears it. An opening that rang at once is never cleared by a sensor: whoever
stands in the doorway also moves in front of one.

No fold: an opening rings the moment it is known, and whatever else is known by then is judged by when it happened,
so that the order in which it comes makes no difference to what stands in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules.rule import (
    LATE_MS,
    Armed,
    Clear,
    Fact,
    JsonState,
    Key,
    Log,
    Priority,
    Raise,
    Reason,
    Rule,
    Step,
    Wake,
    when,
)
from nattevakt.edge.rules.silences import SHUT_MS, begins_within, number, shut_until_ms
from nattevakt.edge.rules.spots import any_says_way_out, is_way_out

KIND = "door_at_night"
RULE = "door_at_night"
REASONS = (
    "door.opened",
    "door.opened_late",
    "door.opened_uncertain",
    "door.late_but_inside",
    "door.seen_inside",
)

MOVEMENT_MARGIN_MS = 60_000
"""Movement this soon after an opening may be the person leaving; a bed that fills needs no such margin."""
LIVE_HOLDS_MS = 12 * 3_600_000
"""A late alarm may share its episode with one that rang at once; then only a person may end it."""
SAME_MS = 3_000
"""A second "open" of one door this soon is the same opening: the reed bounces, or another gateway heard it too."""


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    """Judge an opening, or take note of evidence that the resident is inside."""
    if isinstance(fact, Wake):
        return None
    body = fact.body
    if isinstance(body, Bed):
        if not body.occupied:
            return None
        margin_ms = 0
    elif isinstance(body, Contact):
        return _opened(state, fact, body, armed) if body.open else None
    else:
        margin_ms = MOVEMENT_MARGIN_MS
    at = fact.occurred
    shut_ms: Any = state.get("shut_ms")
    if shut_ms is not None and at.to_ms < shut_ms:
        return None  # what moves by day; there is much of it
    # That one of those who share a door is inside says nothing of the other.
    if armed.shared or (margin_ms and not _moves(body)):
        return None
    return _evidence(state, at.from_ms - margin_ms, armed)


def _moves(body: Body) -> bool:
    """Whether a body that is no bed's shows somebody inside."""
    if isinstance(body, Motion):
        return True
    return (isinstance(body, Presence) and body.present) or (isinstance(body, Chair) and body.seated)


def _evidence(state: JsonState, inside_ms: int, armed: Armed) -> Step | None:
    known: Any = state.get("inside_ms")
    late: Any = state.get("late_ms")
    if late is None or inside_ms <= late:
        if known is not None and inside_ms <= known:
            return None
        asked_ms: Any = state.get("asked_ms", 0)
        noted = dict(state)
        noted["inside_ms"] = inside_ms
        if not asked_ms <= inside_ms < asked_ms + SHUT_MS:
            # Outside all windows no opening rings, so that nobody needs to be seen inside once more.
            noted["asked_ms"] = inside_ms
            noted["shut_ms"] = shut_until_ms(armed.entries, inside_ms, armed.time_zone)
        return Step(noted)
    after = {**state, "inside_ms": inside_ms if known is None else max(known, inside_ms), "late_ms": None}
    live = number(state, "live_ms")
    if live is not None and abs(live - late) < LIVE_HOLDS_MS:
        return Step(after)
    return Step(after, (Clear(Reason("door.seen_inside")),))


def _leads_out(fact: Fact, armed: Armed) -> bool:
    """Whether the contact hangs on a way out: a refrigerator is none, unless no door is known beside it."""
    return is_way_out(fact.place) or not any_says_way_out((armed.devices or {}).values())


def _opened(state: JsonState, fact: Fact, body: Contact, armed: Armed) -> Step | None:
    opened = fact.occurred
    if not any(begins_within(entry, fact, armed.time_zone) for entry in armed.entries) or not _leads_out(fact, armed):
        return None
    params: dict[str, str | int] = {"place": fact.place}
    same = _same(state, body.device, opened.from_ms, opened.to_ms)
    state = {**state, "opened": {**_openings(state), body.device: [opened.to_ms, *fact.key]}}
    verdict = Raise(KIND, Priority.MEDIUM, when("door.opened", params, fact), same)
    if fact.late_ms <= LATE_MS:
        return Step({**state, "live_ms": max(opened.to_ms, number(state, "live_ms") or 0)}, (verdict,))
    known = number(state, "inside_ms")
    if known is not None and known > opened.to_ms:
        return Step(state, (Log(Reason("door.late_but_inside", params)),))
    return Step({**state, "shut_ms": None, "late_ms": max(opened.to_ms, number(state, "late_ms") or 0)}, (verdict,))


def _openings(state: JsonState) -> Mapping[str, list[int]]:
    """When each door last opened, with the event's name."""
    found = state.get("opened")
    return found if isinstance(found, Mapping) else {}


def _same(state: JsonState, device: str, from_ms: int, to_ms: int) -> tuple[Key, ...]:
    """The event that told of the same opening of this door."""
    last = _openings(state).get(device)
    if last is None or not (from_ms - SAME_MS <= last[0] <= to_ms + SAME_MS):
        return ()
    return (tuple(last[1:]),)


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    shut_ms: Any = state.get("shut_ms")
    return 0 if shut_ms is None or isinstance(fact.body, Contact) else int(shut_ms)


SPEC = Rule(
    RULE,
    KIND,
    (Contact, Bed, Presence, Chair, Motion),
    step,
    REASONS,
    kinds=(KIND,),
    windowed=True,
    needs=("door",),
    planned=True,
    idle=idle,
)
