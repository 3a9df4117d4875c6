"""How the state of inactivity.py stands while nothing special goes on. Serves arrow 7.

Owns that a movement, or a toggle of a bad mat, copies next to nothing: there are thousands a night. Must not know what
a silence means, or when one has lasted too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nattevakt.edge.events import Bed
from nattevakt.edge.rules.rule import NEVER_MS, Armed, Fact, JsonState, Noting, Step, Wake
from nattevakt.edge.rules.silences import HEARD_LATE_MS, MIN_MS, first_inside_ms, is_plan, leans_on, whole_inside_ms
from nattevakt.edge.rules.spots import is_way_out

APART_MS = 240_000
"""Movement so long after the sign before it has nothing to do with it."""
RELEASED_MS = 180_000
"""So long after the outer door a presence sensor may still see who went out by it."""
LAIN_MS = 60_000
"""A bed that was left after less was not lain in."""

NAMES = ("plain", "wake_ms", "last_ms", "place", "key", "lie_ms", "held", "left_ms")
"""What of a state stands in its "quick" while nothing special goes on, and then the moment before which the end of a
lie brings no deadline; all else is in its "rest". So a movement, or a toggle of a bad mat, copies next to nothing."""

_LAST = ("plan", "leans")
"""What of the "rest" is written anew at a sign of life, and so stands last."""


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


def since_ms(state: JsonState, _fact: Fact, armed: Armed) -> int:
    """When the last sign of life was, where movement soon after it changes nothing but that."""
    quick: Any = state.get("quick")
    if quick is None or not armed.entries or armed.entries[0].values["limit_min"] != quick[0]:
        return NEVER_MS
    return int(quick[2])


def noted(state: JsonState, fact: Fact) -> JsonState:
    """The state after movement that changes nothing but when the last sign of life was."""
    quick: Any = state["quick"]
    plain, wake_ms, _, _, _, lie_ms, held, left_ms, early_ms = quick
    at_ms = fact.occurred.to_ms
    lie_ms = None if lie_ms is None else at_ms
    now = (plain, wake_ms, at_ms, fact.place, fact.key, lie_ms, held, left_ms, early_ms)
    return {"quick": now, "rest": state["rest"]}


def chatters_since_ms(state: JsonState, fact: Fact, armed: Armed) -> int:
    """Since when the one mat reads as it does, where its next toggle changes nothing but that; see `chattered`."""
    quick: Any = state.get("quick")
    if quick is None or not armed.entries or armed.entries[0].values["limit_min"] != quick[0]:
        return NEVER_MS
    plain, wake_ms, last_ms, _, _, lie_ms, held, _, early_ms = quick
    rest: Any = state["rest"]
    if lie_ms is None or "heard_ms" in rest or (wake_ms > early_ms and wake_ms > last_ms + plain * MIN_MS):
        return NEVER_MS
    if not held:
        return fact.occurred.to_ms
    since_ms: int = held.get(fact.body.device, NEVER_MS)  # type: ignore[attr-defined]  # a bed has one
    return since_ms if len(held) == 1 else NEVER_MS


def chatters_until_ms(state: JsonState) -> int:
    """Before when a toggle that is heard at once comes before the deadline."""
    quick: Any = state["quick"]
    return int(quick[1]) - HEARD_LATE_MS


def toggled(state: JsonState, fact: Fact) -> JsonState:
    """The state after toggles of the one mat that change nothing but how it reads."""
    quick: Any = state["quick"]
    body: Any = fact.body
    held = {body.device: fact.occurred.to_ms} if body.occupied else {}
    return {"quick": (*quick[:6], held, *quick[7:]), "rest": state["rest"]}


CHATTER = Noting(Bed, LAIN_MS, chatters_since_ms, toggled, "occupied", chatters_until_ms)


def moved(quick: tuple[Any, ...], rest: Mapping[str, Any], fact: Fact, armed: Armed) -> Step | None:
    """The quick way for movement after a while that was not too long, where the deadline that is armed is early enough
    all the same; None where anything else may change.
    """
    if not _is_plain(quick, rest, fact, armed):
        return None
    at_ms, held = fact.occurred.to_ms, quick[6]
    if at_ms - quick[2] <= APART_MS:
        # At the same moment as the sign before it, or heard long after it.
        away = armed.entries[0].values["limit_away_min"]
        if away or not _is_kept(quick, armed, at_ms, at_ms if held else None, held):
            return None
        if [*rest][-1] != "leans":
            rest = {**{name: rest[name] for name in rest if name not in _LAST}, **{name: rest[name] for name in _LAST}}
    return _signed(quick, rest, fact, held)


def passed(quick: tuple[Any, ...], rest: Mapping[str, Any], fact: Fact, armed: Armed) -> Step | None:
    """The same for a door."""
    at_ms, held, entry = fact.occurred.to_ms, quick[6], armed.entries[0]
    if not _is_plain(quick, rest, fact, armed) or entry.values["limit_away_min"]:
        return None
    if not _is_kept(quick, armed, at_ms, at_ms if held else None, held):
        return None
    if is_way_out(fact.place):
        rest = {**rest, "door_ms": at_ms}
    return _signed(quick, rest, fact, held)


def levelled(quick: tuple[Any, ...], rest: Mapping[str, Any], fact: Fact, armed: Armed, *, on: bool) -> Step | None:
    """The same for a bed, a chair or a presence sensor that says that somebody is there now, or no more."""
    body: Any = fact.body
    if isinstance(body, Bed):
        return chattered(quick, rest, fact, body.device)
    plain, wake_ms, last_ms, _, _, lie_ms, held, _, early_ms = quick
    if on:
        if not _is_plain(quick, rest, fact, armed):
            return None
        at_ms = fact.occurred.to_ms
        held = {**held, body.device: at_ms}
        lay_ms = at_ms if lie_ms is None else lie_ms
        if not (_is_kept(quick, armed, last_ms, lay_ms, held) and _is_kept(quick, armed, at_ms, at_ms, held)):
            return None
        return _signed(quick, rest, fact, held)
    if wake_ms > max(early_ms, last_ms + plain * MIN_MS) or armed.entries[0].values["limit_away_min"]:
        return None
    made = chattered(quick, rest, fact, body.device) if is_plan(rest.get("plan"), armed) else None
    if made is None:
        return None
    now: Any = made.state["quick"]
    return made if _is_kept(quick, armed, max(last_ms, now[7] or 0), now[5], now[6]) else None


def _is_plain(quick: tuple[Any, ...], rest: Mapping[str, Any], fact: Fact, armed: Armed) -> bool:
    """Whether a sign of life changes nothing but when the last one was, if the deadline stays."""
    plain, wake_ms, last_ms, early_ms = quick[0], quick[1], quick[2], quick[8]
    at, known_ms = fact.occurred, fact.received_ms
    at_ms = at.to_ms
    if at.from_ms != at_ms or at_ms < last_ms or known_ms - at_ms > HEARD_LATE_MS:
        return False
    if known_ms >= wake_ms or at_ms >= wake_ms or wake_ms > max(early_ms, at_ms + plain * MIN_MS):
        return False
    return "heard_ms" not in rest and rest.get("shared") == armed.shared and _is_like(rest, armed)


def _is_kept(quick: tuple[Any, ...], armed: Armed, alone_ms: int, lie_ms: int | None, held: Mapping[str, int]) -> bool:
    """Whether no deadline lies before the one that is armed: of a lie since `lie_ms`, and where nobody is held, of a
    silence since `alone_ms`.
    """
    entry, tz, wake_ms = armed.entries[0], armed.time_zone, quick[1]
    if lie_ms is not None:
        due_ms = lie_ms + entry.values["limit_in_bed_min"] * MIN_MS
        if wake_ms > due_ms and wake_ms > first_inside_ms(entry.windows, due_ms, tz):
            return False
    limit_ms = quick[0] * MIN_MS
    early = bool(held) or wake_ms <= alone_ms + limit_ms
    return early or wake_ms <= whole_inside_ms(entry.windows, alone_ms, limit_ms, tz)


def _signed(quick: tuple[Any, ...], rest: Mapping[str, Any], fact: Fact, held: Mapping[str, int]) -> Step:
    plain, wake_ms, _, _, _, _, _, _, early_ms = quick
    at_ms = fact.occurred.to_ms
    now = (plain, wake_ms, at_ms, fact.place, fact.key, at_ms if held else None, held, None, early_ms)
    return Step({"quick": now, "rest": rest}, (), wake_ms)


def _is_like(rest: Mapping[str, Any], armed: Armed) -> bool:
    """Whether the plan and the devices are those that the state tells of."""
    leans, devices = rest.get("leans"), armed.devices
    if not is_plan(rest.get("plan"), armed):
        return False
    if not leans or devices is None or len(leans) != len(devices):
        return bool(leans == list(leans_on(armed)))
    return all(map(devices.__contains__, leans))


def waited(quick: tuple[Any, ...], rest: Mapping[str, Any], wake: Wake, armed: Armed) -> Step | None:
    """The quick way for a deadline that is moved to where the last sign of life has put it; None where it has come."""
    plain, _, last_ms, place, key, lie_ms, held, left_ms, early_ms = quick
    entry, tz = armed.entries[0], armed.time_zone
    if "heard_ms" in rest or len(armed.entries) > 1 or entry.values["limit_away_min"]:
        return None
    limit_ms = plain * MIN_MS
    alone_ms = None
    dues = []
    if lie_ms is not None:
        dues.append(first_inside_ms(entry.windows, lie_ms + entry.values["limit_in_bed_min"] * MIN_MS, tz))
    if not held:
        alone_ms = whole_inside_ms(entry.windows, max(last_ms, left_ms or 0), limit_ms, tz)
        dues.append(alone_ms)
    if not dues or min(dues) <= wake.at_ms:
        return None
    wake_ms = min(dues)
    if wake_ms > early_ms and wake_ms > last_ms + limit_ms:
        same = alone_ms is not None and (left_ms or 0) <= last_ms
        early_ms = alone_ms if same else whole_inside_ms(entry.windows, last_ms, limit_ms, tz)
    now = (plain, wake_ms, last_ms, place, key, lie_ms, held, left_ms, early_ms)
    return Step({"quick": now, "rest": rest}, (), wake_ms)


def chattered(quick: tuple[Any, ...], rest: Mapping[str, Any], fact: Fact, device: str) -> Step | None:
    """The quick way for a bed that toggles while nothing depends on it; None where something may."""
    plain, wake_ms, last_ms, place, key, lie_ms, held, left_ms, early_ms = quick
    at_ms = fact.occurred.to_ms
    if lie_ms is None or at_ms >= wake_ms or fact.received_ms >= wake_ms or "heard_ms" in rest:
        return None
    since_ms = held.get(device)
    if since_ms is None:
        after = {**held, device: at_ms} if held else {device: at_ms}
    else:
        after = {name: from_ms for name, from_ms in held.items() if name != device} if len(held) > 1 else {}
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
