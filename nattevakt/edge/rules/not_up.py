"""Somebody is not up by the time at which they use to be. Serves arrow 7.

Owns what proves that somebody has got up: the bed reads empty, and something has moved elsewhere since. An empty bed
alone is a mat that dropped out, or somebody on the floor beside it; it is proof only where there is nothing else to
hear, and then after a quarter of an hour. Who was up shortly before the moment and lies down again is up. Must not
know which alarm is open.

A fold that waits for a time of day (daily.py): each moment is judged by what was known of it.
"""

from __future__ import annotations

from typing import Any

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import daily, mats
from nattevakt.edge.rules.rule import (
    NEVER_MS,
    UNCONFIRMED,
    Armed,
    Fact,
    Folding,
    JsonState,
    Log,
    Noting,
    Per,
    Priority,
    Reason,
    RestsOn,
    Rule,
    Setting,
    Step,
    Wake,
)

RULE = "not_up"
KIND = "not_up"
_ASKED = ("not_up.in_bed", "not_up.empty")
REASONS = (
    *(code for each in _ASKED for code in (each, each + UNCONFIRMED)),
    "not_up.up",
    "not_up.up_before_known",
    "not_up.unknown",
    "not_up.moved_away",
)

SETTLED_MS = 5_000
"""What moves so shortly after the bed reads empty may be a sleeper who turned over on a mat that chatters."""
UP_MS = 15 * 60_000
"""An empty bed is proof by itself after so long, where nothing else is ever heard. One in twenty trips to the toilet
takes longer, but those are at night."""
BACK_MS = 4 * 3_600_000
"""Who was up for `UP_MS` so long before the moment has been up that day."""
BLIND_MS = mats.STALE_MS
"""Where nothing but the bed was heard for so long there is nothing else to hear."""
NOTED_MS = 3_600_000
"""How often it is noted that there is."""
MOVES = (Contact, Motion)


def _moves(body: Body) -> bool:
    if isinstance(body, MOVES):
        return True
    return (isinstance(body, Chair) and body.seated) or (isinstance(body, Presence) and body.present)


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    if isinstance(fact, Wake):
        return _look(state, fact, armed)
    body, at_ms = fact.body, fact.occurred.to_ms
    next_ms: Any = state.get("next_ms")
    if next_ms is not None:
        if isinstance(body, Bed):
            made = _chattered(state, fact, body, now_ms) if at_ms <= next_ms else None
            if made is not None:
                return made
        elif armed.shared:
            return None  # of two who share a room it may be the other
        elif at_ms <= next_ms:
            left: Any = state.get("left")
            others_ms: Any = state["others_ms"]
            if at_ms - others_ms < NOTED_MS and (left is None or left[3] is not None):
                # What moves around a sleeper, or whom is up; there is much of it.
                return Step(state, (), _wake_ms(state)) if state["asks"] else None
            if not state["asks"] and now_ms - at_ms < mats.FOLDED_LATE_MS:
                noted: daily.State = dict(state)
                noted["others_ms"] = max(others_ms, at_ms)
                if _shows_up(left, fact):
                    noted["left"] = [*left[:3], at_ms]
                return Step(noted, (), next_ms)
    after: daily.State = {"asks": [], "others_ms": 0, **state}
    said = daily.passed(_asking, after, armed, at_ms)
    if isinstance(body, Bed):
        said += _bed(after, fact, body, armed, now_ms)
    else:
        said += _other(after, fact, armed, now_ms)
    return Step(after, said, _wake_ms(after))


def _chattered(state: JsonState, fact: Fact, body: Bed, now_ms: int) -> Step | None:
    """The quick way for the one mat that changes while nothing is asked; None where it says more than that. There may
    be thousands of these a night.
    """
    beds: Any = state.get("beds")
    device, occupied, at_ms = body.device, body.occupied, fact.occurred.to_ms
    if not beds or len(beds) != 1 or device not in beds or state["asks"] or not state.get("spell"):
        return None
    if now_ms - at_ms >= mats.FOLDED_LATE_MS:
        return None
    if bool(beds[device][0]) == occupied:
        # It says once more what it said.
        again: daily.State = {"asks": [], "others_ms": 0, **state, "beds": {device: [occupied, at_ms]}}
        return Step(again, (), again["next_ms"]) if occupied or state.get("left") is not None else None
    if occupied and at_ms - state["left"][0] >= UP_MS:  # type: ignore[index]
        return None
    after = _noted(state, fact)
    return Step(after, (), after["next_ms"])


def _noted(state: JsonState, fact: Fact) -> daily.State:
    """The state after the one mat has changed while nothing is asked."""
    body: Any = fact.body
    at_ms, occupied = fact.occurred.to_ms, body.occupied
    after: daily.State = dict(state)
    after["beds"] = {body.device: [occupied, at_ms]}
    after["left"] = None if occupied else [at_ms, list(fact.key), fact.place, None]
    return after


def _noted_ms(state: JsonState, fact: Fact, _armed: Armed) -> int:
    """Since when the one mat reads as it does, where its next change is one that is only noted."""
    beds: Any = state.get("beds")
    left: Any = state.get("left")
    next_ms: Any = state.get("next_ms")
    if not beds or len(beds) != 1 or state["asks"] or not state.get("spell") or next_ms is None:
        return NEVER_MS
    if mats.lain_in(beds):
        return fact.occurred.to_ms
    return NEVER_MS if left is None else int(left[0])


def _bed(state: daily.State, fact: Fact, body: Bed, armed: Armed, now_ms: int) -> daily.Verdicts:
    at_ms = fact.occurred.to_ms
    before = mats.of(state)
    known = {
        name: told
        for name, told in before.items()
        if armed.devices is None or name in armed.devices or name == body.device
    }
    was = mats.lain_in(known)
    beds = state["beds"] = {**known, body.device: [body.occupied, at_ms]}
    if mats.lain_in(beds):
        if was:
            return mats.taken_back("not_up.up", fact, now_ms)
        said = _blindly_up(state, at_ms)
        left = state.get("left")
        if left is not None and _proves(state, left, at_ms) and at_ms - left[0] >= UP_MS:
            state["up_ms"] = at_ms
            said += _taken_back(state, fact, now_ms)
            state["spell"] = None
        state["left"] = None
        if state.get("spell") is None:
            state["spell"] = [at_ms, list(fact.key), fact.place]
        else:
            said += mats.taken_back("not_up.up", fact, now_ms)
        # Whoever is asked about an empty bed is told that it no longer reads so, unless it was too late for that.
        state["asks"] = [_in_bed(one, state) if at_ms <= one["due_ms"] else one for one in state["asks"]]
        return said
    if was or state.get("left") is None:
        state["left"] = [at_ms, list(fact.key), fact.place, None]
    return ()


def _in_bed(one: daily.Ask, state: daily.State) -> daily.Ask:
    since_ms = state["spell"][0]
    return {**one, "code": "in_bed", "params": {"since_ms": since_ms, "by_ms": one["params"]["by_ms"]}}


def _blind(state: daily.State, at_ms: int) -> bool:
    return bool(at_ms - state["others_ms"] >= BLIND_MS)


def _proves(state: daily.State, left: list[Any], at_ms: int) -> bool:
    """Whether a bed that was left so has been left by somebody on their feet."""
    return left[3] is not None or (_blind(state, left[0]) and at_ms - left[0] >= UP_MS)


def _blindly_up(state: daily.State, at_ms: int) -> daily.Verdicts:
    left = state.get("left")
    if not state["asks"] or left is None or left[3] is not None or not _proves(state, left, at_ms):
        return ()
    # Whoever was asked for at this very moment was up at it.
    return daily.cleared(RULE, "up", state, left[0] + UP_MS - 1)


def _shows_up(left: list[Any] | None, fact: Fact) -> bool:
    """Whether this proves that who left the bed so is on their feet."""
    body = fact.body
    if left is None or left[3] is not None or not _moves(body) or fact.occurred.from_ms - left[0] < SETTLED_MS:
        return False
    # What moves where the bed is may be the sleeper whom the mat does not feel.
    return isinstance(body, Chair) or not fact.place or fact.place != left[2]


def _other(state: daily.State, fact: Fact, armed: Armed, now_ms: int) -> daily.Verdicts:
    """Something else than the bed was heard."""
    at, left = fact.occurred, state.get("left")
    if armed.shared:
        return ()
    state["others_ms"] = max(state["others_ms"], at.to_ms)
    if left is None or not _shows_up(left, fact):
        return ()
    state["left"] = [*left[:3], at.to_ms]
    return daily.cleared(RULE, "up", state, at.to_ms) or _taken_back(state, fact, now_ms)


def _taken_back(state: daily.State, fact: Fact, now_ms: int) -> daily.Verdicts:
    """What ends an alarm about a sleeper who turns out to have been up by then."""
    began = state.get("spell") or state.get("left")
    if began is None or daily.is_asked(state, began[1]):
        return ()
    return mats.taken_back("not_up.up", fact, now_ms, tuple(began[1]))


def _asking(state: daily.State, moment_ms: int, armed: Armed) -> daily.Ask | Log | None:  # noqa: ARG001 - as daily.Asking
    left, spell = state.get("left"), state.get("spell")
    if state.get("up_ms") is not None and state["up_ms"] >= moment_ms - BACK_MS:
        return None
    if left is not None:
        if _proves(state, left, moment_ms):
            return None
        params: dict[str, str | int] = {"left_ms": left[0], "by_ms": moment_ms}
        key, place = (spell[1], spell[2]) if spell is not None else (left[1], left[2])
        return daily.ask(max(moment_ms, left[0] + UP_MS), [key], place, "empty", params)
    if spell is None or not mats.lain_in(mats.of(state)):
        return Log(Reason("not_up.unknown"))
    return daily.ask(moment_ms, [spell[1]], spell[2], "in_bed", {"since_ms": spell[0], "by_ms": moment_ms})


def _look(state: JsonState, wake: Wake, armed: Armed) -> Step:
    after: daily.State = {"asks": [], "others_ms": 0, **state}
    said = daily.passed(_asking, after, armed, wake.at_ms + 1)
    if wake.confirmed:
        said += _blindly_up(after, wake.at_ms)
    said += daily.judged(RULE, KIND, Priority.MEDIUM, after, wake, armed)
    daily.again(after, armed, wake.at_ms)
    return Step(after, said, _wake_ms(after))


def _wake_ms(state: JsonState) -> int | None:
    due_ms = daily.due_ms(state)
    left: Any = state.get("left")
    if not state["asks"] or left is None or left[3] is not None or not _blind(dict(state), left[0]):
        return due_ms
    up_ms = int(left[0]) + UP_MS
    return up_ms if due_ms is None else min(due_ms, up_ms)


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    return daily.rests_on(state, tuple(sorted(mats.of(state))))


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    return daily.left(RULE, state)


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    next_ms: Any = state.get("next_ms")
    others_ms: Any = state.get("others_ms", 0)
    left: Any = state.get("left")
    if next_ms is None or state["asks"] or isinstance(fact.body, Bed) or (left is not None and left[3] is None):
        return 0
    return int(min(next_ms, others_ms + NOTED_MS))


SPEC = Rule(
    RULE,
    KIND,
    (Contact, Bed, Presence, Chair, Motion),
    step,
    REASONS,
    kinds=(KIND,),
    per=Per.BED,
    settings=(
        Setting(
            "by_minute",
            0,
            1439,
            10 * 60,
            "Minutes after midnight. Some are up at 8, others not before 9: to be set for each resident, an hour or "
            "more after they use to be up.",
        ),
        daily.WEEKDAYS,
    ),
    needs=("bed",),
    planned=True,
    timed=True,
    folding=Folding(daily.unjudged, rests_on, left),
    idle=idle,
    noting=(Noting(Bed, UP_MS, _noted_ms, _noted, turns="occupied"),),
)
