"""A time of day by which something should be so: what was known then, and what is asked about it. Serves arrow 7.

Owns what the two rules of this kind (in_bed_late.py, not_up.py) have in common: which moments are judged, that each is
judged by what was known then also where it is looked at late, and how an answer or missing word is treated. Must not
know beds, or which alarm is open.

What is asked about (an ask) is plain JSON in the state's "asks": {due_ms, keys, place, code, params, judged, rung}.
"next_ms" is the first moment that no fact lies behind yet; "last_ms" the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
    Armed,
    Clear,
    JsonState,
    Key,
    Log,
    Priority,
    Raise,
    Reason,
    RestsOn,
    Setting,
    Step,
    Verdict,
    Wake,
)
from nattevakt.edge.rules.windows import EVERY_DAY, next_at_ms

Ask = dict[str, Any]
State = dict[str, Any]
Verdicts = tuple[Verdict, ...]
Asking = Callable[[State, int, Armed], "Ask | Log | None"]
"""What is to be asked about a moment (ms), by what is known of it: an ask, a written reason for none, or nothing."""

BEHIND_MAX = 3
"""Of moments that pass without a word the first few are judged; after days of silence the rest say nothing new."""

WEEKDAYS = Setting(
    "weekday_bits",
    1,
    EVERY_DAY,
    EVERY_DAY,
    "Monday 1, Tuesday 2, Wednesday 4 to Sunday 64, added up: people get up and go to bed at other times at weekends.",
)


def keys_of(ask: Ask) -> tuple[Key, ...]:
    """The events that an ask is about."""
    return tuple(tuple(key) for key in ask["keys"])


def ask(due_ms: int, keys: list[list[int]], place: str, code: str, params: dict[str, str | int]) -> Ask:
    """A new ask, not judged yet."""
    return {
        "due_ms": due_ms,
        "keys": keys,
        "place": place,
        "code": code,
        "params": params,
        "judged": False,
        "rung": False,
    }


def first_ms(armed: Armed, after_ms: int) -> int | None:
    """The first moment later than this that the plan asks about."""
    return min(
        (
            next_at_ms(entry.values["by_minute"], after_ms, armed.time_zone, entry.values["weekday_bits"])
            for entry in armed.entries
        ),
        default=None,
    )


def passed(asking: Asking, state: State, armed: Armed, before_ms: int) -> Verdicts:
    """Take note in `state` of the moments before this one, by what is known; all facts of theirs are folded."""
    said: list[Verdict] = []
    next_ms = state.get("next_ms")
    if next_ms is None:
        state["next_ms"] = first_ms(armed, before_ms - 1)
        return ()
    for _ in range(BEHIND_MAX):
        if next_ms is None or next_ms >= before_ms:
            break
        if armed.entries:
            found = asking(state, next_ms, armed)
            if isinstance(found, Log):
                said.append(found)
            elif found is not None and not any(known["keys"] == found["keys"] for known in state["asks"]):
                state["asks"] = [*state["asks"], found][-BEHIND_MAX:]
        state["last_ms"] = next_ms
        next_ms = first_ms(armed, next_ms)
    if next_ms is not None and next_ms < before_ms:
        next_ms = first_ms(armed, before_ms - 1)
    state["next_ms"] = next_ms
    return tuple(said)


def is_asked(state: State, key: object) -> bool:
    """Whether anything is asked about this event."""
    return any(key in one["keys"] for one in state["asks"])


def judged(code: str, kind: str, priority: Priority, state: State, wake: Wake, armed: Armed) -> Verdicts:
    """Judge in `state` the asks whose time has come."""
    said: list[Verdict] = []
    asks = []
    for one in state["asks"]:
        if not one["judged"] and one["due_ms"] <= wake.at_ms:
            one = dict(one)
            if wake.answered or not armed.entries:
                one["judged"] = True
            elif wake.confirmed or not one["rung"]:
                suffix = "" if wake.confirmed else UNCONFIRMED
                reason = Reason(f"{code}.{one['code']}{suffix}", {"place": one["place"], **one["params"]})
                said.append(Raise(kind, priority, reason, keys_of(one)))
                one["judged" if wake.confirmed else "rung"] = True
        asks.append(one)
    state["asks"] = asks
    return tuple(said)


def cleared(code: str, what: str, state: State, at_ms: int) -> Verdicts:
    """What was asked about has come; the asks of `state` are done with."""
    said: list[Verdict] = []
    for one in state["asks"]:
        if one["due_ms"] <= at_ms and not (one["judged"] or one["rung"]):
            said.append(Log(Reason(f"{code}.{what}_before_known")))
        said.append(Clear(Reason(f"{code}.{what}", {"place": one["place"]}), keys_of(one)))
    state["asks"] = []
    return tuple(said)


def again(state: State, armed: Armed, at_ms: int) -> None:
    """Find the next moment anew: the plan may be another by now."""
    state["next_ms"] = first_ms(armed, max(at_ms, state.get("last_ms") or 0))


def due_ms(state: JsonState) -> int | None:
    """When the first ask that is not judged wants to be, or the next moment comes."""
    asks: Any = state.get("asks") or ()
    waits = [int(one["due_ms"]) for one in asks if not one["judged"]]
    next_ms: Any = state.get("next_ms")
    return min([*waits, next_ms] if next_ms is not None else waits, default=None)


def unjudged(state: JsonState) -> JsonState:
    """The state as if none of its asks had been looked at: a late fact may change what was said."""
    asks: Any = state.get("asks")
    return {**state, "asks": [{**one, "judged": False, "rung": False} for one in asks]} if asks else state


def rests_on(state: JsonState, devices: tuple[str, ...]) -> RestsOn:
    """What the next judgement leans on. A person who looked after the moment has answered it."""
    asks: Any = state.get("asks") or ()
    waits = [one for one in asks if not one["judged"]]
    if waits:
        return RestsOn(devices, keys_of(waits[0]), waits[0]["due_ms"])
    next_ms: Any = state.get("next_ms")
    return RestsOn(devices, (), next_ms or 0)


def left(code: str, state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    asks: Any = state.get("asks") or ()
    return Step({}, tuple(Clear(Reason(f"{code}.moved_away"), keys_of(one)) for one in asks))
