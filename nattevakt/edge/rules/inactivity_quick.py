"""How the state of inactivity.py stands while nothing special goes on. Serves arrow 7.

Owns that a movement, or a toggle of a bad mat, copies next to nothing: there are thousands a night. Must not know what
a silence means, or when one has lasted too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nattevakt.edge.rules.rule import Armed, Fact, JsonState, Step
from nattevakt.edge.rules.silences import HEARD_LATE_MS, MIN_MS, is_plan, leans_on, whole_inside_ms

APART_MS = 240_000
"""Movement so long after the sign before it has nothing to do with it."""
RELEASED_MS = 180_000
"""So long after the outer door a presence sensor may still see who went out by it."""
LAIN_MS = 60_000
"""A bed that was left after less was not lain in."""

NAMES = ("plain", "wake_ms", "last_ms", "place", "key", "lie_ms", "held", "left_ms")
"""What of a state stands in its "quick" while nothing special goes on, and then the moment before which the end of a
lie brings no deadline; all else is in its "rest". So a movement, or a toggle of a bad mat, copies next to nothing."""


def whole(state: JsonState) -> JsonState:
    """The state by its names."""
    quick: Any = state.get("quick")
    if quick is None:
        return state
    found: dict[str, object] = dict(state["rest"])  # type: ignore[call-overload]
    for name, value in zip(NAMES, quick, strict=False):
        if value is not None:
            found[name] = value
    return found


def forgetful(state: JsonState) -> JsonState:
    """The same under a plan that may be another: what was known of its windows holds no more."""
    quick: Any = state["quick"]
    return {**state, "quick": (*quick[:-1], 0)}


def packed(state: JsonState, armed: Armed, known_ms: int = 0) -> JsonState:
    """The state that `whole` gives back, kept so that it is quickly changed where that may be. known_ms: the moment
    of its "quick" so far: signs of life that have come since only move the true one further away.
    """
    if "plain" not in state or not armed.entries:
        return state
    wake_ms: Any = state["wake_ms"]
    last_ms: Any = state["last_ms"]
    entry = armed.entries[0]
    early_ms = known_ms
    if entry.values["limit_away_min"]:
        early_ms = 0
    elif wake_ms > early_ms and wake_ms > last_ms + entry.values["limit_min"] * MIN_MS:
        early_ms = whole_inside_ms(entry.windows, last_ms, entry.values["limit_min"] * MIN_MS, armed.time_zone)
    rest = dict(state)
    plain, _, _, place, key, lie_ms, held, left_ms = [rest.pop(name, None) for name in NAMES]
    return {"quick": (plain, wake_ms, last_ms, place, key, lie_ms, held or {}, left_ms, early_ms), "rest": rest}


def moved(state: JsonState, fact: Fact, armed: Armed) -> Step | None:
    """The quick way for movement after a while that was not too long, where the deadline that is armed is early enough
    all the same; None where anything else may change.
    """
    rest: Any = state["rest"]
    quick: Any = state["quick"]
    plain, wake_ms, last_ms, _, _, _, held, _, early_ms = quick
    at_ms = fact.occurred.to_ms
    heard_ms = max(fact.received_ms, at_ms)
    if at_ms - last_ms <= APART_MS or at_ms > fact.occurred.from_ms or heard_ms - at_ms > HEARD_LATE_MS:
        return None
    if heard_ms >= wake_ms or "heard_ms" in rest or wake_ms > max(early_ms, at_ms + plain * MIN_MS):
        return None
    if rest.get("shared") != armed.shared or not is_plan(rest.get("plan"), armed):
        return None
    if rest.get("leans") != list(leans_on(armed)):
        return None
    now = (plain, wake_ms, at_ms, fact.place, fact.key, at_ms if held else None, held, None, early_ms)
    return Step({"quick": now, "rest": rest}, (), wake_ms)


def chattered(quick: tuple[Any, ...], rest: Mapping[str, Any], fact: Fact, device: str) -> Step | None:
    """The quick way for a bed that toggles while nothing depends on it; None where something may."""
    plain, wake_ms, last_ms, place, key, lie_ms, held, left_ms, early_ms = quick
    at_ms = fact.occurred.to_ms
    if lie_ms is None or at_ms >= wake_ms or fact.received_ms >= wake_ms or "heard_ms" in rest:
        return None
    after = dict(held)
    if device not in after:
        after[device] = at_ms
    else:
        since_ms = after.pop(device)
        if not after and wake_ms > early_ms and wake_ms > last_ms + plain * MIN_MS:
            return None
        if not after and at_ms - since_ms >= LAIN_MS and at_ms - rest.get("door_ms", 0) > RELEASED_MS:
            left_ms = at_ms
    now = (plain, wake_ms, last_ms, place, key, lie_ms, after, left_ms, early_ms)
    return Step({"quick": now, "rest": rest}, (), wake_ms)


def is_early(state: Mapping[str, object], wake_ms: int, armed: Armed) -> bool:
    """Whether it is plain that no deadline lies before this one."""
    last_ms: int = state["last_ms"]  # type: ignore[assignment]
    lie_ms: int = state.get("lie_ms", wake_ms)  # type: ignore[assignment]
    for entry in armed.entries:
        values = entry.values
        if values["limit_away_min"] or wake_ms > last_ms + values["limit_min"] * MIN_MS:
            return False
        if wake_ms > lie_ms + values["limit_in_bed_min"] * MIN_MS:
            return False
    return bool(armed.entries)
