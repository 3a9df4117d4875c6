"""Somebody is not in bed by the time at which they use to be: a *sjekk*, once. Serves arrow 7.

Owns when a bed counts as gone to, and what the reason says: a chair that is sat in, what moved last, or neither. Who
has not been in bed since it was last asked about is not asked about again. Must not know which alarm is open.

A fold that waits for a time of day (daily.py): each moment is judged by what the bed read then.
"""

from __future__ import annotations

from typing import Any

from nattevakt.edge.events import Bed, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import daily, mats
from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
    Armed,
    Fact,
    Folding,
    JsonState,
    Log,
    Per,
    Priority,
    Reason,
    RestsOn,
    Rule,
    Setting,
    Step,
    Wake,
)

RULE = "in_bed_late"
KIND = "in_bed_late"
_ASKED = ("in_bed_late.up", "in_bed_late.seen", "in_bed_late.in_chair")
REASONS = (
    *(code for each in _ASKED for code in (each, each + UNCONFIRMED)),
    "in_bed_late.in_bed",
    "in_bed_late.in_bed_before_known",
    "in_bed_late.unknown",
    "in_bed_late.moved_away",
)

SETTLED_MS = 5_000
"""A bed that reads occupied for less than this was not gone to: mats chatter for one to three seconds."""
JUST_MS = 60_000
"""Who was in bed so shortly before the moment is not late; that they are up is for other rules to judge."""
SEEN_MS = 2 * 3_600_000
"""What moved so long before the moment is worth saying."""


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    if isinstance(fact, Wake):
        return _look(state, fact, armed)
    body, at_ms = fact.body, fact.occurred.to_ms
    next_ms: Any = state.get("next_ms")
    if isinstance(body, Bed):
        if next_ms is not None and at_ms <= next_ms and not state["asks"]:
            return _toggled(state, fact, body, armed, next_ms, now_ms)
    elif not isinstance(body, Chair) and next_ms is not None and _is_idle(state, at_ms, next_ms):
        return Step(state, (), _wake_ms(state)) if state["asks"] else None
    after: daily.State = {"asks": [], **state}
    said = daily.passed(_asking, after, armed, at_ms)
    if isinstance(body, Bed):
        said += _bed(after, fact, body, armed)
        said += _taken_back(after, fact, body, now_ms)
    elif isinstance(body, Chair):
        chairs = mats.kept(mats.of(after, "chairs"), body.device, at_ms, armed)
        after["chairs"] = {**chairs, body.device: [body.seated, at_ms]}
        if body.seated:
            after["seen"] = [at_ms, fact.place]
    elif not isinstance(body, Presence) or body.present:
        after["seen"] = [at_ms, fact.place]
    return Step(after, said, _wake_ms(after))


def _is_idle(state: JsonState, at_ms: int, next_ms: int) -> bool:
    """Whether what moves is by day, or around a sleeper; there is much of it."""
    return at_ms < next_ms - SEEN_MS or (at_ms <= next_ms and mats.lain_in(mats.of(state)))


def _toggled(state: JsonState, fact: Fact, body: Bed, armed: Armed, next_ms: int, now_ms: int) -> Step:
    """The quick way for a mat that changes while nothing is asked; there may be thousands of these a night."""
    at_ms = fact.occurred.to_ms
    before = mats.of(state)
    if len(before) == 1 and body.device in before and now_ms - at_ms < mats.FOLDED_LATE_MS:
        quick: daily.State = dict(state)
        quick["beds"] = {body.device: [body.occupied, at_ms]}
        if not body.occupied and (before[body.device][0] or not state.get("empty")):
            quick["empty"] = [at_ms, list(fact.key), fact.place]
        return Step(quick, (), next_ms)
    beds = _heard(state, body, at_ms, armed)
    after: daily.State = {**state, "beds": beds}
    if not body.occupied and not mats.lain_in(beds):
        after["empty"] = _emptied(state, fact)
    if now_ms - at_ms >= mats.FOLDED_LATE_MS:
        return Step(after, _taken_back(after, fact, body, now_ms), next_ms)
    return Step(after, (), next_ms)


def _taken_back(state: daily.State, fact: Fact, body: Bed, now_ms: int) -> daily.Verdicts:
    """What ends an alarm about an empty bed that turns out not to have been empty, or since another moment."""
    empty: Any = state.get("empty")
    if empty is None or (not body.occupied and empty[1] == list(fact.key)):
        return ()
    if not body.occupied:
        return mats.taken_back("in_bed_late.in_bed", fact, now_ms)
    return (
        () if daily.is_asked(state, empty[1]) else mats.taken_back("in_bed_late.in_bed", fact, now_ms, tuple(empty[1]))
    )


def _heard(state: JsonState, body: Bed, at_ms: int, armed: Armed) -> mats.Mats:
    return {**_hanging(mats.of(state), body.device, armed), body.device: [body.occupied, at_ms]}


def _hanging(beds: mats.Mats, speaks: str, armed: Armed) -> mats.Mats:
    """A bed that reads empty since long ago is empty."""
    if armed.devices is None or (len(beds) == 1 and speaks in beds):
        return beds
    return {name: told for name, told in beds.items() if name == speaks or name in armed.devices}


def _emptied(state: JsonState, fact: Fact) -> list[object]:
    """Since when the bed reads empty, said by which event; a second gateway's word is no other time."""
    empty: Any = state.get("empty")
    return empty if empty and not mats.lain_in(mats.of(state)) else [fact.occurred.to_ms, list(fact.key), fact.place]


def _bed(state: daily.State, fact: Fact, body: Bed, armed: Armed) -> daily.Verdicts:
    at_ms, back_ms = fact.occurred.to_ms, state.get("back_ms")
    before = dict(state)
    state["beds"] = beds = _heard(before, body, at_ms, armed)
    if body.occupied:
        if state["asks"] and back_ms is None:
            state["back_ms"] = at_ms
        return ()
    if mats.lain_in(beds):
        return ()
    said: daily.Verdicts = ()
    if back_ms is not None and at_ms - back_ms >= SETTLED_MS:
        said = daily.cleared(RULE, "in_bed", state, back_ms)
    state["empty"], state["back_ms"] = _emptied(before, fact), None
    return said


def _asking(state: daily.State, moment_ms: int, armed: Armed) -> daily.Ask | Log | None:
    beds = mats.of(state)
    stale = {name for name, told in beds.items() if told[0] and moment_ms - told[1] >= mats.STALE_MS}
    if any(told[0] and name not in stale for name, told in beds.items()):
        return None
    empty = state.get("empty")
    if not empty or stale:
        # That nobody is in a bed which has not been heard is not known.
        return Log(Reason("in_bed_late.unknown"))
    if moment_ms - empty[0] < JUST_MS:
        return None
    params: dict[str, str | int] = {"left_ms": empty[0], "by_ms": moment_ms}
    chairs = mats.of(state, "chairs")
    seen = state.get("seen")
    sits = [told[1] for told in chairs.values() if told[0] and moment_ms - told[1] < mats.STALE_MS]
    code = "up"
    if sits and not armed.shared:
        code, params["seen_ms"] = "in_chair", max(sits)
    elif seen and seen[0] >= max(empty[0], moment_ms - SEEN_MS):
        code = "seen"
        params |= {"seen_ms": seen[0], "seen": seen[1]}
    return daily.ask(moment_ms, [empty[1]], empty[2], code, params)


def _look(state: JsonState, wake: Wake, armed: Armed) -> Step:
    after: daily.State = {"asks": [], **state}
    said = daily.passed(_asking, after, armed, wake.at_ms + 1)
    back_ms = after.get("back_ms")
    if back_ms is not None:
        # What comes next may say that it was chatter; an alarm is not ended on the word of half of the sensors.
        if wake.confirmed and back_ms + SETTLED_MS <= wake.at_ms:
            said += daily.cleared(RULE, "in_bed", after, back_ms)
            after["back_ms"] = None
    else:
        said += daily.judged(RULE, KIND, Priority.LOW, after, wake, armed)
    daily.again(after, armed, wake.at_ms)
    return Step(after, said, _wake_ms(after))


def _wake_ms(state: JsonState) -> int | None:
    back_ms: Any = state.get("back_ms")
    return daily.due_ms(state) if back_ms is None else back_ms + SETTLED_MS


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    return daily.rests_on(state, tuple(sorted(mats.of(state))))


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    return daily.left(RULE, state)


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    next_ms: Any = state.get("next_ms")
    if next_ms is None or state["asks"] or isinstance(fact.body, Bed | Chair):
        return 0
    return int(next_ms if mats.lain_in(mats.of(state)) else next_ms - SEEN_MS)


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
            23 * 60,
            "Minutes after midnight. Some are in bed from 20, others from 01: to be set for each resident; night "
            "rounds begin at 23.",
        ),
        daily.WEEKDAYS,
    ),
    needs=("bed",),
    planned=True,
    timed=True,
    folding=Folding(daily.unjudged, rests_on, left),
    idle=idle,
)
