"""Somebody is active inside a window in which nobody should be up, or in. Serves arrow 7.

Owns how many signs of life, how close together, are no accident, and that one bout of activity is told once. What
moves where an occupied bed is may be the sleeper, and does not count. Must not know which alarm is open.

A fold: the bout is judged at the sign that made it too many, so that a sign which comes late counts as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules.rule import (
    Armed,
    Clear,
    Fact,
    Folding,
    JsonState,
    Key,
    Priority,
    Raise,
    Reason,
    RestsOn,
    Rule,
    Setting,
    Step,
    Wake,
)
from nattevakt.edge.rules.silences import MIN_MS, Silence, begins_within, load, number, retracting, shut_until_ms
from nattevakt.edge.rules.silences import rests_on as silence_rests_on

RULE = "unexpected_activity"
KIND = "unexpected_activity"
REASONS = ("active.unexpected", "active.explained", "active.moved_away")
SIGNS = 3
WITHIN_MIN = 10
SAME_MS = 10_000
"""Two signs closer than this are one: a sensor that says it twice, or two that see the same movement."""
TOLD_MS = 300_000
"""Of a bout that is told, only this often is noted that it goes on."""
QUIET_MS = 1_800_000
"""After so long without a sign the next one begins a new bout."""
BOUTS_MAX = 4


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or tell a bout."""
    shut_ms = state.get("shut_ms")
    seen = shut_ms is not None and isinstance(fact, Fact) and not isinstance(fact.body, Bed)
    if seen and fact.occurred.to_ms < shut_ms and "heard_ms" not in state:  # type: ignore[operator, union-attr]
        return None  # what moves while nothing is unexpected; there is much of it
    return _retracting(state, fact, armed, now_ms)


def _step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    if isinstance(fact, Wake):
        return _look(state, fact)
    body = fact.body
    if isinstance(body, Bed):
        return _bed(state, fact, body)
    at_ms = fact.occurred.to_ms
    shut_ms = state.get("shut_ms")
    if shut_ms is not None and at_ms < shut_ms:  # type: ignore[operator]
        return None
    if not armed.entries or not _is_sign(body) or _sleeps_there(state, fact.place):
        return None
    last_ms = state.get("last_ms")
    if last_ms is not None and at_ms - last_ms < (SAME_MS if state.get("told_ms") is None else TOLD_MS):  # type: ignore[operator]
        return None
    limits = [entry.values for entry in armed.entries if begins_within(entry, fact, armed.time_zone)]
    if not limits:
        return _shut(state, fact, armed)
    return _sign(state, fact, limits[0])


def _is_sign(body: Body) -> bool:
    on = (isinstance(body, Presence) and body.present) or (isinstance(body, Chair) and body.seated)
    return on or isinstance(body, Motion | Contact)


def _bouts(state: JsonState) -> list[Silence]:
    found = state.get("bouts")
    loaded = (load(item) for item in found) if isinstance(found, list | tuple) else ()
    return [bout for bout in loaded if bout is not None]


def _sleeps_there(state: JsonState, place: str) -> bool:
    """Whether a bed is occupied where something moved."""
    sleepers = state.get("sleepers")
    return isinstance(sleepers, Mapping) and place in sleepers.values()


def _wake_ms(bouts: list[Silence]) -> int | None:
    return min((bout.due_ms for bout in bouts if not bout.done), default=None)


def _waits_ms(state: JsonState) -> int | None:
    """The same of those in the state, without making anything of them."""
    found: Any = state.get("bouts") or ()
    return min([bout[2] for bout in found if not bout[8]], default=None)


def _stepped(state: Mapping[str, object], bouts: list[Silence], verdicts: tuple[Raise, ...] = ()) -> Step:
    return Step({**state, "bouts": [bout.plain() for bout in bouts]}, verdicts, _wake_ms(bouts))


def _shut(state: JsonState, fact: Fact, armed: Armed) -> Step | None:
    """No window is open: nothing is looked at until one may be."""
    at_ms = fact.occurred.to_ms
    shut_ms = shut_until_ms(armed.entries, at_ms, armed.time_zone)
    return Step({**state, "shut_ms": shut_ms}, (), _waits_ms(state)) if shut_ms > at_ms else None


def _bed(state: JsonState, fact: Fact, body: Bed) -> Step | None:
    """Who lies in bed may turn over."""
    found = state.get("sleepers")
    after = dict(found) if isinstance(found, Mapping) else {}
    if body.occupied is (body.device in after):
        return None
    if body.occupied:
        after[body.device] = fact.place
    else:
        del after[body.device]
    return Step({**state, "sleepers": after}, (), _waits_ms(state))


def _sign(state: JsonState, fact: Fact, values: Mapping[str, int]) -> Step | None:
    at = fact.occurred
    signs: Any = state.get("signs") or ()
    last_ms = number(state, "last_ms")
    if last_ms is None or at.to_ms - last_ms >= QUIET_MS:
        signs = ()
    after = {**state, "last_ms": at.to_ms}
    if signs and state.get("told_ms") is not None:
        return Step(after, (), _waits_ms(state))
    since_ms = at.to_ms - values["within_min"] * MIN_MS
    signs = [*[sign for sign in signs if sign[0] >= since_ms], [at.to_ms, list(fact.key)]]
    after |= {"signs": signs, "told_ms": None}
    if len(signs) < values["least_signs"]:
        return Step(after, (), _waits_ms(state))
    after["told_ms"] = at.to_ms
    first_ms: int = signs[0][0]
    bout = Silence(first_ms, at.to_ms, at.to_ms, values["within_min"], fact.place, (fact.key,))
    return _stepped(after, [*_bouts(state), bout][-BOUTS_MAX:])


def _look(state: JsonState, wake: Wake) -> Step | None:
    """Tell the bouts that have come; what was seen needs no confirmation."""
    bouts = _bouts(state)
    due = [bout for bout in bouts if not bout.done and bout.due_ms <= wake.at_ms]
    if not due:
        return None
    told = [replace(bout, done=True) if bout in due else bout for bout in bouts]
    verdicts = () if wake.answered else tuple(_alarm(bout) for bout in due)
    return _stepped(state, told, verdicts)


def _alarm(bout: Silence) -> Raise:
    params: dict[str, str | int] = {"place": bout.place, "first_ms": bout.since_ms, "last_ms": bout.to_ms}
    return Raise(KIND, Priority.LOW, Reason("active.unexpected", params), bout.keys)


def _waiting(state: JsonState) -> tuple[tuple[Key, ...], int | None]:
    bouts = _bouts(state)
    return tuple(key for bout in bouts for key in bout.keys), _wake_ms(bouts)


_retracting = retracting(_step, _waiting, "active.explained", least_ms=0)


def unjudged(state: JsonState) -> JsonState:
    """The state as it is: a bout has been whatever is learned later."""
    return state


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    return silence_rests_on(next((bout for bout in _bouts(state) if not bout.done), None))


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    return Step({}, tuple(Clear(Reason("active.moved_away"), bout.keys) for bout in _bouts(state)[-1:]))


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    return 0 if isinstance(fact.body, Bed) or "heard_ms" in state else number(state, "shut_ms") or 0


SPEC = Rule(
    RULE,
    KIND,
    (Contact, Bed, Presence, Chair, Motion),
    step,
    REASONS,
    kinds=(KIND,),
    settings=(
        Setting(
            "least_signs",
            1,
            20,
            SIGNS,
            "An empty home still gives single stray events (recordings). Three signs at least ten seconds apart are "
            "somebody.",
        ),
        Setting(
            "within_min",
            1,
            120,
            WITHIN_MIN,
            "A trip to the toilet takes 4.6 minutes in the middle, 7 to 10 for one in ten (recordings); signs "
            "further apart are not one bout.",
        ),
    ),
    windowed=True,
    needs=("motion|presence|door|chair",),
    planned=True,
    folding=Folding(unjudged, rests_on, left),
    idle=idle,
)
