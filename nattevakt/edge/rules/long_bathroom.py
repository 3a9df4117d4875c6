"""Somebody has been in the bathroom for longer than the limit, as far as anything tells. Serves arrow 7.

Owns the stay: it begins with the first sign of life in the bathroom after one elsewhere, and ends with the next
elsewhere. A presence sensor in the bathroom that still sees somebody outweighs what moves elsewhere: that may be
whoever looks for the person. One that sees nobody proves nothing: it does not see the floor of every corner. The
reason says which of the two counted. Must not know which alarm is open.

Where several share the home, what moves elsewhere ends the stay too, unless a presence sensor sees somebody in there:
without one, nobody can tell whose stay it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
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
    KEYS_MAX,
    SETTLED_MS,
    Silence,
    begun,
    due_inside,
    ended,
    judge,
    leans_on,
    load,
    number,
    numbers,
    retracting,
    soonest,
)
from nattevakt.edge.rules.silences import rests_on as silence_rests_on
from nattevakt.edge.rules.spots import is_bathroom

RULE = "long_bathroom"
KIND = "long_bathroom"
REASONS = (
    "bath.long_present",
    "bath.long_present_unconfirmed",
    "bath.long_seen",
    "bath.long_seen_unconfirmed",
    "bath.left",
    "bath.left_before_known",
    "bath.moved_away",
)
LIMIT_MIN = 20
MARGIN_MS = 10_000
"""A sensor in the hall still sees whoever has just gone into the bathroom."""
STAYS_MAX = 4
AGAIN_MS = 1_800_000
"""A sign of life in there so long after the deadline is a stay of its own, also where nothing was seen between."""


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    if isinstance(fact, Fact):
        inside = is_bathroom(fact.place)
        stays: Any = state.get("stays")
        if stays is None and not inside:
            return None  # what moves elsewhere while nobody is in the bathroom; there is much of it
        late_ms = fact.received_ms - fact.occurred.to_ms
        if late_ms <= HEARD_LATE_MS and isinstance(fact.body, Motion) and "heard_ms" not in state:
            if stays is None:
                return _come(state, fact, armed)
            if len(stays) == 1:
                made = _moving(state, stays[0], fact) if inside else _gone(state, stays[0][0], fact)
                if made is not None:
                    return made
    return _retracting(state, fact, armed, now_ms)


def _come(state: JsonState, fact: Fact, armed: Armed) -> Step | None:
    """The quick way for the first movement in the bathroom."""
    at = fact.occurred
    due = due_inside(armed, at.from_ms)
    if due is None:
        return None
    silence = [at.from_ms, at.to_ms, *due, fact.place, [list(fact.key)], list(leans_on(armed)), False, False]
    return Step({**state, "stays": [[silence, [at.to_ms, fact.place], False]]}, (), due[0])


def _moving(state: JsonState, stay: list[Any], fact: Fact) -> Step | None:
    """The quick way for movement in the bathroom during the one stay; None where it says more than that it goes on."""
    silence: list[Any] = stay[0]
    since_ms, to_ms, due_ms, limit_min, place, keys, leans, _, done = silence
    at_ms = fact.occurred.to_ms
    if at_ms > due_ms or "back_ms" in state or "else" in state:
        return None
    if len(keys) < KEYS_MAX:
        key = list(fact.key)
        if key not in keys:
            silence = [since_ms, to_ms, due_ms, limit_min, place, [*keys, key], leans, False, False]
            done = False
    after = {**state, "stays": [(silence, (at_ms, fact.place), False)]}
    return Step(after, (), None if done else due_ms)


def _gone(state: JsonState, silence: list[Any], fact: Fact) -> Step | None:
    """The quick way for movement elsewhere that ends the one stay before its limit; None where more is to be said."""
    at = fact.occurred
    due_ms: int = silence[2]
    if at.from_ms < silence[1] + MARGIN_MS or at.to_ms >= due_ms or fact.received_ms >= due_ms or state.get("on"):
        return None
    return Step({})


def _step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    if isinstance(fact, Wake):
        return _look(state, fact)
    body = fact.body
    if is_bathroom(fact.place):
        return _inside(state, fact, armed)
    if "stays" not in state:
        return None
    if isinstance(body, Bed):
        return _bed(state, fact, body)
    moved = isinstance(body, Motion | Contact | Chair) or (isinstance(body, Presence) and body.present)
    return _elsewhere(state, fact) if moved else None


@dataclass(slots=True)
class _Stay:
    """One stay; nobody changes one. last: the last sign of life in there before the deadline: when and where. present:
    a presence sensor in there saw somebody at the deadline, as far as that has come.
    """

    silence: Silence
    last: tuple[int, str]
    present: bool = False

    def plain(self) -> list[object]:
        """As JSON can hold it."""
        return [self.silence.plain(), list(self.last), self.present]


def _stays(state: JsonState) -> list[_Stay]:
    """The stays that nothing elsewhere has ended, oldest first; only the last goes on."""
    found = state.get("stays")
    if not isinstance(found, list | tuple):
        return []
    loaded = [(load(silence), last, present) for silence, last, present in found]
    return [_Stay(silence, (last[0], last[1]), present) for silence, last, present in loaded if silence is not None]


def _stepped(state: Mapping[str, object], stays: list[_Stay], verdicts: tuple[Verdict, ...] = ()) -> Step:
    if not stays:
        return Step({name: state[name] for name in ("on", "heard_ms") if state.get(name)}, verdicts)
    back_ms = number(state, "back_ms")
    settled_ms = None if back_ms is None else back_ms + SETTLED_MS
    wake_ms = soonest([*(stay.silence.wake_ms for stay in stays), settled_ms])
    return Step({**state, "stays": [stay.plain() for stay in stays]}, verdicts, wake_ms)


def _without(state: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in state.items() if name not in names}


def _inside(state: JsonState, fact: Fact, armed: Armed) -> Step | None:
    """A sensor in the bathroom spoke."""
    body: Body = fact.body
    at = fact.occurred
    on = numbers(state.get("on"))
    if isinstance(body, Presence):
        if body.present is (body.device in on):
            return None
        if not body.present:
            return _unseen(state, fact, on, body.device)
        on[body.device] = at.to_ms
        state = {**state, "on": on}
    elif not isinstance(body, Motion | Chair):
        return None  # the door of a bathroom is passed both ways
    stays = _stays(state)
    verdicts: tuple[Verdict, ...] = ()
    if stays and _settled(state, at.from_ms):
        verdicts, stays = _ended(state, stays, fact), []
        state = _stepped(state, []).state
    if not stays:
        return _begin(state, stays, fact, armed, verdicts)
    stay = stays[-1]
    if at.to_ms <= stay.silence.due_ms:
        stays[-1] = _Stay(stay.silence.named(fact.key), (at.to_ms, fact.place))
        return _stepped(_without(state, "else"), stays)
    # Later than the deadline it must not change what is said there.
    if at.from_ms >= stay.silence.due_ms + AGAIN_MS:
        stays[-1] = replace(stay, present=_present(state, stay))
        return _begin(_without(state, "else"), stays, fact, armed, ())
    return _stepped(state, stays) if isinstance(body, Presence) else None


def _begin(
    state: Mapping[str, object], stays: list[_Stay], fact: Fact, armed: Armed, verdicts: tuple[Verdict, ...]
) -> Step | None:
    due = due_inside(armed, fact.occurred.from_ms)
    if due is not None:
        begins = _Stay(begun(fact, armed, due), (fact.occurred.to_ms, fact.place))
        return _stepped(state, [*stays, begins][-STAYS_MAX:], verdicts)
    return _stepped(state, stays, verdicts) if verdicts or isinstance(fact.body, Presence) else None


def _unseen(state: JsonState, fact: Fact, on: dict[str, int], device: str) -> Step:
    """A presence sensor in the bathroom sees nobody any more."""
    stays = _stays(state)
    after = {**state, "on": {name: since for name, since in on.items() if name != device}}
    if not stays:
        return _stepped(after, [])
    if not after["on"] and "else" in state:
        # Somebody was elsewhere while it still saw somebody: it was slow, or there were two.
        return _stepped(after, [], _ended(state, stays, fact))
    stay, at_ms = stays[-1], fact.occurred.to_ms
    if at_ms > stay.silence.due_ms:
        stays[-1] = replace(stay, present=_present(state, stay))
    else:
        stays[-1] = replace(stay, last=(at_ms, fact.place))
    return _stepped(after, stays)


def _present(state: Mapping[str, object], stay: _Stay) -> bool:
    """Whether a presence sensor in there saw somebody when the deadline came."""
    due_ms = stay.silence.due_ms
    return stay.present or any(since <= due_ms for since in numbers(state.get("on")).values())


def _elsewhere(state: JsonState, fact: Fact) -> Step | None:
    """Something moved outside the bathroom."""
    if "else" in state and state.get("on"):
        return None
    stays = _stays(state)
    if fact.occurred.from_ms < stays[-1].silence.to_ms + MARGIN_MS:
        return None
    if state.get("on"):
        return _stepped({**state, "else": True}, stays)
    return _stepped(state, [], _ended(state, stays, fact))


def _bed(state: JsonState, fact: Fact, body: Bed) -> Step | None:
    """The bed: who lies in it for longer than a mat chatters is not in the bathroom."""
    stays = _stays(state)
    at_ms = fact.occurred.from_ms
    if at_ms < stays[-1].silence.to_ms:
        return None
    if _settled(state, at_ms):
        if state.get("on"):
            return _stepped({**_without(state, "back_ms"), "else": True}, stays)
        return _stepped(state, [], _ended(state, stays, fact))
    back = {**state, "back_ms": fact.occurred.to_ms}
    if body.occupied:
        return None if "back_ms" in state else _stepped(back, stays)
    return _stepped(_without(state, "back_ms"), stays) if "back_ms" in state else None


def _settled(state: Mapping[str, object], at_ms: int) -> bool:
    back_ms = number(state, "back_ms")
    return back_ms is not None and at_ms - back_ms >= SETTLED_MS


def _ended(state: JsonState, stays: list[_Stay], fact: Fact) -> tuple[Verdict, ...]:
    heard_ms = number(state, "heard_ms") or 0
    silences = [stay.silence for stay in stays]
    found = (
        ended(one, fact, "bath.left", "bath.left_before_known", {"place": one.place}, heard_ms) for one in silences
    )
    return tuple(verdict for verdicts in found for verdict in verdicts)


def _look(state: JsonState, wake: Wake) -> Step | None:
    """Judge a deadline."""
    stays = _stays(state)
    if not stays:
        return None
    if _settled(state, wake.at_ms):
        if not wake.confirmed:
            return _stepped(state, stays)  # what comes next may say that it was chatter
        if not state.get("on"):
            silences = [stay.silence for stay in stays]
            cleared = (Clear(Reason("bath.left", {"place": one.place}), one.keys) for one in silences)
            return _stepped(state, [], tuple(cleared))
        state = {**_without(state, "back_ms"), "else": True}
    verdicts: tuple[Verdict, ...] = ()
    for number_, stay in enumerate(stays):
        seen = replace(stay, present=_present(state, stay)) if wake.at_ms >= stay.silence.due_ms else stay
        said, judged = judge(stay.silence, wake, partial(_alarm, seen))
        verdicts = (*verdicts, *said)
        stays[number_] = replace(seen, silence=judged)
    return _stepped(state, stays, verdicts)


def _alarm(stay: _Stay, silence: Silence, suffix: str) -> Raise:
    if stay.present:
        return Raise(KIND, Priority.MEDIUM, Reason(f"bath.long_present{suffix}", silence.params()), silence.keys)
    params = {**silence.params(), "seen_ms": stay.last[0]}
    return Raise(KIND, Priority.MEDIUM, Reason(f"bath.long_seen{suffix}", params), silence.keys)


def _waiting(state: JsonState) -> tuple[tuple[Key, ...], int | None]:
    stays = _stays(state)
    return tuple(key for stay in stays for key in stay.silence.keys), _stepped(state, stays).wake_at_ms


_retracting = retracting(_step, _waiting, "bath.left")


def unjudged(state: JsonState) -> JsonState:
    """The state as if none of its deadlines had been looked at: a late fact may change what was said at them."""
    stays = [replace(stay, silence=stay.silence.unjudged()) for stay in _stays(state)]
    return _stepped(state, stays).state if stays else state


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    return silence_rests_on(next((stay.silence for stay in _stays(state) if not stay.silence.done), None))


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    cleared = (Clear(Reason("bath.moved_away"), stay.silence.keys) for stay in _stays(state))
    return Step({}, tuple(cleared))


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    return 0 if "stays" in state or is_bathroom(fact.place) else NEVER_MS


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
            5,
            240,
            LIMIT_MIN,
            "Trips to the toilet take 4.6 minutes in the middle, 7 to 10 for one in ten and over 15 in 2 to 5 of 100 "
            "(recordings); products use 15 minutes for the bathroom at night.",
        ),
    ),
    windowed=True,
    needs=("presence|motion",),
    planned=True,
    folding=Folding(unjudged, rests_on, left),
    idle=idle,
)
