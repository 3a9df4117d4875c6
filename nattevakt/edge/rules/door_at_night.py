"""A door opened in the resident's night window. Serves arrow 7.

Owns when an opening rings and what explains it away. Must not know which alarm is open or who lives there.
Closing the door is no all-clear: the person may be on either side. An opening that the centre learns of late
(over two minutes) is only written down if later evidence already shows the resident inside; such evidence
that comes after a late alarm clears it. An opening that rang at once is never cleared by a sensor: whoever
stands in the doorway also moves in front of one.
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules.rule import (
    LATE_MS,
    Clear,
    Fact,
    JsonState,
    Log,
    Priority,
    Raise,
    Reason,
    Step,
    when,
)
from nattevakt.edge.rules.windows import NORWAY, Window, touches

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


@dataclass(frozen=True, slots=True)
class Settings:
    """One resident's windows. No window: the supervision is off."""

    windows: tuple[Window, ...] = ()
    time_zone: str = NORWAY


def _inside_ms(fact: Fact) -> int | None:
    """Up to which opening this fact shows the resident inside, or None if it shows nothing."""
    body: Body = fact.body
    if isinstance(body, Bed) and body.occupied:
        return fact.occurred.from_ms
    seated = isinstance(body, Chair) and body.seated
    if isinstance(body, Motion) or seated or (isinstance(body, Presence) and body.present):
        return fact.occurred.from_ms - MOVEMENT_MARGIN_MS
    return None


def _number(state: JsonState, key: str) -> int | None:
    value = state.get(key)
    return value if isinstance(value, int) else None


def _evidence(state: JsonState, inside_ms: int) -> Step:
    known = _number(state, "inside_ms")
    after: dict[str, object] = {**state, "inside_ms": inside_ms if known is None else max(known, inside_ms)}
    late = _number(state, "late_ms")
    live = _number(state, "live_ms")
    if late is None or inside_ms <= late:
        return Step(after)
    after["late_ms"] = None
    if live is not None and abs(live - late) < LIVE_HOLDS_MS:
        return Step(after)
    return Step(after, (Clear(Reason("door.seen_inside")),))


def step(state: JsonState, fact: Fact, settings: Settings, now_ms: int) -> Step:  # noqa: ARG001 - one contract for all rules
    """Judge an opening, or take note of evidence that the resident is inside."""
    inside_ms = _inside_ms(fact)
    if inside_ms is not None:
        return _evidence(state, inside_ms)
    body = fact.body
    if not isinstance(body, Contact) or not body.open:
        return Step(state)
    opened = fact.occurred
    if not touches(settings.windows, opened.from_ms, opened.to_ms, settings.time_zone):
        return Step(state)
    params: dict[str, str | int] = {"place": fact.place}
    verdict = Raise(KIND, Priority.MEDIUM, when("door.opened", params, fact))
    if fact.late_ms <= LATE_MS:
        return Step({**state, "live_ms": max(opened.to_ms, _number(state, "live_ms") or 0)}, (verdict,))
    known = _number(state, "inside_ms")
    if known is not None and known > opened.to_ms:
        return Step(state, (Log(Reason("door.late_but_inside", params)),))
    return Step({**state, "late_ms": max(opened.to_ms, _number(state, "late_ms") or 0)}, (verdict,))
