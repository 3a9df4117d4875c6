"""Nobody has been in the resident's room for longer than the limit, inside a window. Serves arrow 7.

Owns what "nobody" means: every presence sensor says so, no bed and no chair is occupied, and nothing has moved since.
A presence sensor that loses a sleeper is overruled by the bed. Where several share the room, one of them is enough.
Must not know where the person is instead, or which alarm is open.

A fold. Movement in a room that reads empty only moves the moment from which it counts; the deadline is moved when it
comes, not by every movement.
"""

from __future__ import annotations

from dataclasses import replace

from nattevakt.edge.events import Bed, Chair, Motion, Presence
from nattevakt.edge.rules.rule import (
    NEVER_MS,
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
    Verdict,
    Wake,
)
from nattevakt.edge.rules.silences import (
    LEVELS,
    MIN_MS,
    SETTLED_MS,
    STALE_MS,
    Silence,
    begun,
    due_inside,
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

RULE = "out_of_room"
KIND = "out_of_room"
REASONS = (
    "room.empty",
    "room.empty_unconfirmed",
    "room.back",
    "room.back_before_known",
    "room.moved_away",
)
LIMIT_MIN = 20


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    if "out" not in state and isinstance(fact, Fact) and isinstance(fact.body, Motion) and "heard_ms" not in state:
        return None  # what moves while somebody is there; there is much of it
    return _retracting(state, fact, armed, now_ms)


def _step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    if isinstance(fact, Wake):
        return _look(state, fact, armed)
    body = fact.body
    if isinstance(body, Motion):
        return _moved(state, fact, armed) if "out" in state else None
    if not isinstance(body, LEVELS):
        return None
    held = numbers(state.get("held"))
    here = body.device in held
    if here is is_on(body) and (here or "radar" in state or not isinstance(body, Presence)):
        return None
    if "out" not in state and isinstance(body, Bed) and (not here or len(held) > 1):
        # A mat chatters where somebody is; there is much of it.
        if here:
            del held[body.device]
        else:
            held[body.device] = fact.occurred.to_ms
        return Step({**state, "held": held})
    if is_on(body):
        return _filled(state, held, fact, body)
    held.pop(body.device, None)
    return _emptied(state, held, fact, armed)


def _out(state: JsonState) -> Silence | None:
    return load(state.get("out"))


def _last(state: JsonState) -> tuple[int, int, str, Key] | None:
    """The last movement in a room that read empty: the ends of its time, where, and the event."""
    found = state.get("last")
    if not isinstance(found, list | tuple):
        return None
    from_ms, to_ms, place, key = found
    return from_ms, to_ms, place, tuple(key)


def _stepped(state: JsonState, out: Silence | None, verdicts: tuple[Verdict, ...] = ()) -> Step:
    if out is None:
        return Step({name: state[name] for name in ("held", "radar") if name in state}, verdicts)
    back_ms = number(state, "back_ms")
    wake_ms = soonest((out.wake_ms, None if back_ms is None else back_ms + SETTLED_MS))
    return Step({**state, "out": out.plain(), "due_ms": out.wake_ms}, verdicts, wake_ms)


def _filled(state: JsonState, held: dict[str, int], fact: Fact, body: Bed | Chair | Presence) -> Step:
    """Somebody is there. A bed must stay occupied for a moment to be believed."""
    held[body.device] = fact.occurred.to_ms
    after: dict[str, object] = {**state, "held": held}
    if isinstance(body, Presence):
        after["radar"] = True
    out = _out(state)
    if out is None:
        return Step(after)
    if not isinstance(body, Bed) or _settled(state, fact.occurred.from_ms):
        return _stepped(after, None, _over(state, out, fact))
    if "back_ms" not in state:
        after["back_ms"] = fact.occurred.to_ms
    return _stepped(after, out)


def _emptied(state: JsonState, held: dict[str, int], fact: Fact, armed: Armed) -> Step:
    """Somebody is there no more; where nobody else is, the room counts as empty from now."""
    at = fact.occurred
    after: dict[str, object] = {**state, "held": held}
    if isinstance(fact.body, Presence):
        after["radar"] = True
    out = _out(state)
    verdicts: tuple[Verdict, ...] = ()
    if out is not None:
        if not _settled(state, at.from_ms):
            after.pop("back_ms", None)
            return _stepped(after, out)
        verdicts, out = _over(state, out, fact), None
        after = dict(_stepped(after, None).state)
    if "radar" not in after or any(at.to_ms - since < STALE_MS for since in held.values()):
        return Step(after, verdicts)
    due = due_inside(armed, at.from_ms)
    if due is None:
        return Step(after, verdicts)
    return _stepped(after, begun(fact, armed, due), verdicts)


def _moved(state: JsonState, fact: Fact, armed: Armed) -> Step | None:
    """Something moved in a room that reads empty: it counts from then on."""
    at = fact.occurred
    due_ms = number(state, "due_ms")
    if due_ms is not None and fact.received_ms < due_ms and at.to_ms < due_ms and "back_ms" not in state:
        return Step({**state, "last": (at.from_ms, at.to_ms, fact.place, fact.key)}, (), due_ms)
    out = _out(state)
    if out is None:
        return None
    current = _current(state, out, armed)
    verdicts = ended(current, fact, "room.back", "room.back_before_known", {"place": fact.place})
    after = {name: value for name, value in state.items() if name != "last"}
    due = due_inside(armed, at.from_ms)
    return _stepped(after, begun(fact, armed, due) if due is not None else None, verdicts)


def _current(state: JsonState, out: Silence, armed: Armed) -> Silence:
    """The silence as it is since the last movement."""
    last = _last(state)
    if last is None:
        return out
    from_ms, to_ms, place, key = last
    due = due_inside(armed, from_ms) or (from_ms + out.limit_min * MIN_MS, out.limit_min)
    return replace(out, since_ms=from_ms, to_ms=to_ms, due_ms=due[0], limit_min=due[1], place=place, keys=(key,))


def _settled(state: JsonState, at_ms: int) -> bool:
    back_ms = number(state, "back_ms")
    return back_ms is not None and at_ms - back_ms >= SETTLED_MS


def _over(state: JsonState, out: Silence, fact: Fact) -> tuple[Verdict, ...]:
    last = _last(state)
    if last is not None:
        # What rings is what the deadline finds, and that counts from the last movement.
        out = replace(out, due_ms=max(out.due_ms, last[0] + out.limit_min * MIN_MS), keys=(last[3],))
    heard_ms = number(state, "heard_ms") or 0
    return ended(out, fact, "room.back", "room.back_before_known", {"place": fact.place}, heard_ms)


def _look(state: JsonState, wake: Wake, armed: Armed) -> Step | None:
    """Judge a deadline, or move it to where the last movement has put it."""
    out = _out(state)
    if out is None:
        return None
    if _settled(state, wake.at_ms):
        if not wake.confirmed:
            return _stepped(state, out)  # what comes next may say that it was chatter
        current = _current(state, out, armed)
        return _stepped(state, None, (Clear(Reason("room.back", {"place": current.place}), current.keys),))
    if not out.done and wake.at_ms >= out.due_ms:
        out = _current(state, out, armed)
        state = {name: value for name, value in state.items() if name != "last"}
    verdicts, out = judge(out, wake, _alarm)
    return _stepped(state, out, verdicts)


def _alarm(silence: Silence, suffix: str) -> Raise:
    return Raise(KIND, Priority.MEDIUM, Reason(f"room.empty{suffix}", silence.params()), silence.keys)


def _waiting(state: JsonState) -> tuple[tuple[Key, ...], int | None]:
    out, last = _out(state), _last(state)
    if out is None:
        return (), None
    return out.keys if last is None else (last[3],), _stepped(state, out).wake_at_ms


_retracting = retracting(_step, _waiting, "room.back")


def unjudged(state: JsonState) -> JsonState:
    """The state as if none of its deadlines had been looked at: a late fact may change what was said at them."""
    out = _out(state)
    return state if out is None else _stepped(state, out.unjudged()).state


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    out, last = _out(state), _last(state)
    if out is None or last is None:
        return silence_rests_on(out)
    return RestsOn(out.leans, (last[3],), last[1])


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    out = _out(state)
    return Step({}, () if out is None else (Clear(Reason("room.moved_away"), out.keys),))


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    return 0 if "out" in state or "heard_ms" in state or not isinstance(fact.body, Motion) else NEVER_MS


SPEC = Rule(
    RULE,
    KIND,
    (Bed, Presence, Chair, Motion),
    step,
    REASONS,
    kinds=(KIND,),
    settings=(
        Setting(
            "limit_min",
            1,
            240,
            LIMIT_MIN,
            "Absences at night take 4.6 minutes in the middle, 7 to 10 for one in ten, and 15 or more in 2 to 5 of 100 "
            "(recordings); a presence sensor itself may need 5 minutes.",
        ),
    ),
    windowed=True,
    needs=("presence",),
    planned=True,
    folding=Folding(unjudged, rests_on, left),
    idle=idle,
)
