"""An outer door opened in the resident's window, and nobody has been seen inside since. Serves arrow 7.

Owns what shows that whoever lives there is inside: a bed that fills, a bed or a chair that was never left, movement
later than the doorway explains. Closing the door is no all-clear. Must not know which alarm is open.

Where several share the home, that one of them is seen says nothing of who went out: only a door that opens once more,
and somebody seen after that, does.

A fold: an opening later than the limit is an absence of its own, judged by itself, because the one before it may not
have been judged yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules.rule import (
    NEVER_MS,
    Armed,
    Clear,
    Fact,
    Folding,
    JsonState,
    Key,
    Log,
    Noting,
    Priority,
    Raise,
    Reason,
    RestsOn,
    Rule,
    Setting,
    Step,
    Verdict,
    Wake,
)
from nattevakt.edge.rules.silences import (
    HEARD_LATE_MS,
    LEVELS,
    MIN_MS,
    SETTLED_MS,
    STALE_MS,
    Silence,
    begins_within,
    begun,
    ended,
    is_on,
    judge,
    load,
    number,
    numbers,
    retracting,
    soonest,
)
from nattevakt.edge.rules.silences import rests_on as silence_rests_on
from nattevakt.edge.rules.spots import is_way_out

RULE = "not_returned"
KIND = "left_home"
REASONS = (
    "left.not_back",
    "left.not_back_unconfirmed",
    "left.back",
    "left.back_before_known",
    "left.inside",
    "left.moved_away",
)

LIMIT_MIN = 15
MARGIN_MS = 60_000
"""Movement this soon after an opening may be the person leaving; a bed that fills needs no such margin."""
RELEASED_MS = 180_000
"""A bed, a chair or a presence sensor tells up to so much later that it was left: who was still in it then was in it
when the door opened."""
ABSENCES_MAX = 4


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    if "out" not in state and isinstance(fact, Fact) and "heard_ms" not in state:
        body = fact.body
        if isinstance(body, Motion):
            return None  # what moves while nobody has gone out; there is much of it
        if isinstance(body, Bed) and fact.received_ms - fact.occurred.to_ms <= HEARD_LATE_MS:
            if body.occupied is (body.device in (state.get("beds") or ())):  # type: ignore[operator]
                return None
            return Step(_noted(state, fact))
    return _retracting(state, fact, armed, now_ms)


def _noted(state: JsonState, fact: Fact) -> JsonState:
    """The state after a bed that fills or empties while nobody has gone out."""
    body: Any = fact.body
    beds: Any = state.get("beds") or {}
    device = body.device
    if body.occupied:
        beds = {**beds, device: fact.occurred.to_ms} if beds else {device: fact.occurred.to_ms}
    else:
        # It may be one of which only that it filled was passed over: others stay.
        beds = {name: since_ms for name, since_ms in beds.items() if name != device} if beds else {}
    after = dict(state)
    after["beds"] = beds
    return after


def _noted_ms(state: JsonState, fact: Fact, _armed: Armed) -> int:
    return NEVER_MS if "out" in state or "heard_ms" in state else fact.occurred.to_ms


def _step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    if isinstance(fact, Wake):
        return _look(state, fact)
    body = fact.body
    if isinstance(body, Contact) and is_way_out(fact.place):
        return _door(state, fact, armed) if body.open else None
    after = _levels(state, fact, body) if isinstance(body, LEVELS) else state
    if after is None:
        return None
    if "out" not in state:
        return Step(after)
    return _seen(after, fact, state)


def _levels(state: JsonState, fact: Fact, body: Bed | Chair | Presence) -> JsonState | None:
    """What is occupied, by device; None where that is no news. Beds are kept apart: they chatter."""
    name = "beds" if isinstance(body, Bed) else "held"
    known = numbers(state.get(name))
    if is_on(body) is (body.device in known):
        return None
    if is_on(body):
        known[body.device] = fact.occurred.to_ms
    else:
        del known[body.device]
    return {**state, name: known}


def _outs(state: JsonState) -> list[Silence]:
    found = state.get("out")
    loaded = (load(item) for item in found) if isinstance(found, list | tuple) else ()
    return [silence for silence in loaded if silence is not None]


def _door_ms(state: JsonState) -> int:
    """When an outer door last opened."""
    return number(state, "door_ms") or 0


def _stepped(state: JsonState, outs: list[Silence], verdicts: tuple[Verdict, ...] = ()) -> Step:
    """The state with these absences, and the next deadline: theirs, or a bed that must show that it is settled."""
    kept = {name: value for name, value in state.items() if name != "out"}
    if not outs:
        return Step({name: kept[name] for name in ("beds", "held") if name in kept}, verdicts)
    back_ms = _back_ms(state)
    wake_ms = soonest([*(silence.wake_ms for silence in outs), None if back_ms is None else back_ms + SETTLED_MS])
    return Step({**kept, "out": [silence.plain() for silence in outs]}, verdicts, wake_ms)


def _door(state: JsonState, fact: Fact, armed: Armed) -> Step | None:
    """An outer door opened: the person may have gone, or gone further, or come back."""
    outs = _outs(state)
    at = fact.occurred
    verdicts: tuple[Verdict, ...] = ()
    if outs and _settled(state, outs, at.from_ms):
        verdicts, outs = _over(state, outs, fact), []
    # Two openings close together may be one that was heard twice.
    again = bool(outs) and (bool(state.get("again")) or at.from_ms - _door_ms(state) >= MARGIN_MS)
    after = {**state, "door_ms": at.to_ms, "shared": armed.shared, "again": again}
    if outs and at.from_ms < outs[-1].due_ms:
        # The first of several openings counts: nobody was seen between.
        return _stepped(after, [*outs[:-1], outs[-1].named(fact.key)], verdicts)
    limits = [entry.values["limit_min"] for entry in armed.entries if begins_within(entry, fact, armed.time_zone)]
    if limits:
        new = begun(fact, armed, (at.from_ms + min(limits) * MIN_MS, min(limits)))
        outs = [*outs, new][-ABSENCES_MAX:]
    elif not outs:
        return Step(_stepped(after, []).state, verdicts) if verdicts else None
    return _stepped(after, outs, verdicts)


def _seen(state: JsonState, fact: Fact, before: JsonState) -> Step | None:
    """Something happened while the person may be out; `before`: the state without it."""
    outs = _outs(state)
    if _settled(before, outs, fact.occurred.from_ms) or _shows_inside(state, fact, outs, before):
        return _stepped(state, [], _over(state, outs, fact))
    return None if state is before else _stepped(state, outs)


def _shows_inside(state: JsonState, fact: Fact, outs: list[Silence], before: JsonState) -> bool:
    if state.get("shared") and not state.get("again"):
        return False
    body: Body = fact.body
    door_ms, at_ms = _door_ms(state), fact.occurred.from_ms
    if isinstance(body, LEVELS) and not is_on(body):
        # Whoever was in it all the while is not who went out; but it tells of that with a delay.
        name = "beds" if isinstance(body, Bed) else "held"
        since_ms = numbers(before.get(name)).get(body.device)
        kept = since_ms is not None and since_ms <= outs[-1].since_ms and not state.get("shared")
        return kept and door_ms + RELEASED_MS <= at_ms < (since_ms or 0) + STALE_MS
    return not isinstance(body, Bed) and at_ms - door_ms >= MARGIN_MS


def _back_ms(state: JsonState) -> int | None:
    """Since when a bed is occupied that has filled after the door opened; mats chatter, so that it must stay so."""
    if state.get("shared") and not state.get("again"):
        return None
    door_ms = _door_ms(state)
    return min((since for since in numbers(state.get("beds")).values() if door_ms < since), default=None)


def _settled(state: JsonState, outs: list[Silence], at_ms: int) -> bool:
    back_ms = _back_ms(state) if outs else None
    return back_ms is not None and at_ms - back_ms >= SETTLED_MS


def _over(state: JsonState, outs: list[Silence], fact: Fact) -> tuple[Clear | Log, ...]:
    heard_ms, place = number(state, "heard_ms") or 0, {"place": fact.place}
    found = (ended(silence, fact, "left.back", "left.back_before_known", place, heard_ms) for silence in outs)
    return tuple(verdict for verdicts in found for verdict in verdicts)


def _never_left(state: JsonState, silence: Silence, at_ms: int) -> bool:
    """Whether a bed, a chair or a presence sensor has been occupied from before the door opened until now."""
    known: Mapping[str, int] = {**numbers(state.get("held")), **numbers(state.get("beds"))}
    return not state.get("shared") and any(
        since <= silence.since_ms and at_ms - since < STALE_MS for since in known.values()
    )


def _look(state: JsonState, wake: Wake) -> Step | None:
    """Judge a deadline."""
    outs = _outs(state)
    if not outs:
        return None
    if _settled(state, outs, wake.at_ms):
        if not wake.confirmed:
            return _stepped(state, outs)  # what comes next may say that it was chatter
        cleared = (Clear(Reason("left.back", {"place": outs[0].place}), silence.keys) for silence in outs)
        return _stepped(state, [], tuple(cleared))
    verdicts: tuple[Verdict, ...] = ()
    kept: list[Silence] = []
    for silence in outs:
        due = not silence.done and silence.due_ms <= wake.at_ms
        if due and wake.confirmed and _never_left(state, silence, wake.at_ms):
            verdicts = (*verdicts, Clear(Reason("left.inside", {"place": silence.place}), silence.keys))
            continue
        said, judged = judge(silence, wake, _alarm)
        verdicts, kept = (*verdicts, *said), [*kept, judged]
    return _stepped(state, kept, verdicts)


def _alarm(silence: Silence, suffix: str) -> Raise:
    return Raise(KIND, Priority.MEDIUM, Reason(f"left.not_back{suffix}", silence.params()), silence.keys)


def _waiting(state: JsonState) -> tuple[tuple[Key, ...], int | None]:
    outs = _outs(state)
    return tuple(key for silence in outs for key in silence.keys), _stepped(state, outs).wake_at_ms


_retracting = retracting(_step, _waiting, "left.back")


def unjudged(state: JsonState) -> JsonState:
    """The state as if none of its deadlines had been looked at: a late fact may change what was said at them."""
    outs = _outs(state)
    return _stepped(state, [silence.unjudged() for silence in outs]).state if outs else state


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    waiting = [silence for silence in _outs(state) if not silence.done]
    return silence_rests_on(min(waiting, key=lambda silence: silence.due_ms, default=None))


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    cleared = (Clear(Reason("left.moved_away"), silence.keys) for silence in _outs(state))
    return Step({}, tuple(cleared))


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    return 0 if "out" in state or "heard_ms" in state or not isinstance(fact.body, Motion) else NEVER_MS


SPEC = Rule(
    RULE,
    KIND,
    (Contact, Bed, Presence, Chair, Motion),
    step,
    REASONS,
    kinds=(KIND,),
    settings=(
        Setting(
            "limit_min",
            1,
            240,
            LIMIT_MIN,
            "A door stands open for 3 to 12 seconds, seldom over 2.5 minutes (recordings); 10 to 15 minutes is what "
            "products use for who is not back at night.",
        ),
    ),
    windowed=True,
    needs=("door", "bed|presence|motion"),
    planned=True,
    folding=Folding(unjudged, rests_on, left),
    idle=idle,
    noting=(Noting(Bed, STALE_MS, _noted_ms, _noted, turns="occupied"),),
)
