"""Somebody has got up, from the bed or from the chair, and is told of at once. Serves arrow 7.

Owns what the two rules of this kind (out_of_bed.py, chair.py) have in common. Who lay or sat long enough, and is up
for `settle_s`, is told of. A pad that has just been flickering, while nothing else moves, more likely has dropped out:
then it is a *sjekk*, which becomes the alarm when something moves, or when nobody has looked for `check_min`. Must not
know which alarm is open, or which of the two it serves.

A fold: facts come in the order in which they happened, and every judgement is made at a deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nattevakt.edge.events import Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import flicker, mats
from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
    Armed,
    Clear,
    Fact,
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
from nattevakt.edge.rules.windows import touches

SETTLED_MS = 5_000
"""A pad that reads occupied for less than this was not returned to, and one that reads empty for less was not left."""
SAME_MS = 3_000
"""A second "empty" this soon is the same getting up, heard through another gateway."""
KEYS_MAX = 4
CHATTER_MS = 60_000
"""A pad that goes on chattering for so long is not waited for any longer."""
MOVES = (Contact, Motion)

Verdicts = tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Leaving:
    """What one of the two rules watches and says.

    on: whether a body is a pad's that reads occupied, None where it is no pad's. safe: the same for what is as good as
    a return. least: the setting that says how long somebody must have been there. code: how its reasons begin. kind,
    check_kind: what it raises.
    """

    on: Callable[[Body], bool | None]
    safe: Callable[[Body], bool | None]
    least: str
    code: str
    kind: str
    check_kind: str

    @property
    def reasons(self) -> tuple[str, ...]:
        """All that it may say."""
        raised = (f"{self.code}.{what}" for what in ("left", "seen", "check", "still"))
        rest = (f"{self.code}.{what}" for what in ("back", "back_before_known", "not_left", "moved_away"))
        return (*(code for each in raised for code in (each, each + UNCONFIRMED)), *rest)


CHECK = Setting(
    "check_min",
    5,
    60,
    15,
    "What reads empty while nothing moves, on a pad that flickers, is nobody getting up in 71 to 93 of 100; whoever is "
    "asked to look has a quarter of an hour, as with every such sjekk.",
)


@dataclass(slots=True)
class _Out:
    """One getting up; nobody changes one. All times are service time (ms).

    due_ms: when the pad has read empty for `settle_ms` without a break. flickers: it has been changing more than
    `flicker_n` times an hour. seen: when and where something else first moved since. asked: the *sjekk* has been made,
    done: all has been said. rung: up to which of the two it rang without confirmation.
    """

    from_ms: int
    to_ms: int
    due_ms: int
    settle_ms: int
    more_ms: int
    flicker_n: int
    flickers: bool
    keys: tuple[Key, ...]
    place: str
    seen: tuple[int, str] | None = None
    asked: bool = False
    done: bool = False
    rung: int = 0

    @property
    def next_ms(self) -> int | None:
        """When it must be looked at next while nobody is back."""
        if self.done:
            return None
        if not self.asked:
            return self.due_ms
        still_ms = self.due_ms + self.more_ms
        return still_ms if self.seen is None else max(self.due_ms, min(still_ms, self.seen[0]))


def _out(state: JsonState) -> _Out | None:
    found = state.get("out")
    if not isinstance(found, Mapping):
        return None
    plain = dict(found)
    plain["keys"] = tuple(tuple(key) for key in plain["keys"])
    plain["seen"] = tuple(plain["seen"]) if plain["seen"] else None
    return _Out(**plain)


def _plain(out: _Out) -> dict[str, object]:
    plain: dict[str, object] = {name: getattr(out, name) for name in _Out.__slots__}
    plain["keys"] = list(map(list, out.keys))
    return plain


def _wake_ms(state: JsonState) -> int | None:
    if state.get("out") is None:
        return None
    back_ms: Any = state["back_ms"]
    due_ms: Any = state["due_ms"]
    return due_ms if back_ms is None else back_ms + SETTLED_MS  # type: ignore[no-any-return]


def _with(state: JsonState, out: _Out | None, back_ms: int | None = None) -> dict[str, object]:
    """back_ms: the pad reads occupied since then, not yet for long enough to have been returned to."""
    kept = {name: state[name] for name in ("pads", "safes", "flips", "since_ms", "empty_ms") if name in state}
    if out is None:
        return kept
    return {**kept, "out": _plain(out), "due_ms": out.next_ms, "back_ms": back_ms}


def step(how: Leaving, state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    if isinstance(fact, Wake):
        return _look(how, state, fact, now_ms)
    on = how.on(fact.body)
    if on is not None:
        made = _chattered(state, fact, now_ms, on=on)
        if made is not None:
            return made
        made = _pad(how, state, fact, armed, on=on)
        late = not on and now_ms - fact.occurred.to_ms >= mats.FOLDED_LATE_MS
        return _taken_back(how, made, fact, now_ms) if late else made
    # Of who share a room one may go to bed while the other gets up.
    safe = None if armed.shared else how.safe(fact.body)
    if safe is not None:
        return _safe(how, state, fact, armed, on=safe)
    if deaf(state):
        return None
    known: Any = state["out"]
    back_ms: Any = state["back_ms"]
    counts = not known["done"] and known["seen"] is None and fact.occurred.from_ms >= known["to_ms"]
    # What moves where the pad is may be the sleeper whom it does not feel.
    if not counts or not _moves(fact.body) or (fact.place and fact.place == known["place"]):
        return Step(state, (), _wake_ms(state))
    out = _out(state)
    if out is None:
        return None
    after = _with(state, replace(out, seen=(fact.occurred.to_ms, fact.place)), back_ms)
    return Step(after, (), _wake_ms(after))


def deaf(state: JsonState) -> bool:
    """Whether what moves beside the pad is nothing to it: nobody is up, or all has been said of who is."""
    out: Any = state.get("out")
    return out is None or (out["done"] and state["back_ms"] is None)


def _taken_back(how: Leaving, made: Step, fact: Fact, now_ms: int) -> Step:
    """The same with what ends an alarm that this "empty" may have raised, where nothing begins with it any more."""
    out: Any = made.state.get("out")
    if out is not None and list(fact.key) in out["keys"]:
        return made
    gone = mats.taken_back(f"{how.code}.not_left", fact, now_ms)
    return replace(made, verdicts=(*made.verdicts, *gone)) if gone else made


def _moves(body: Body) -> bool:
    on = (isinstance(body, Chair) and body.seated) or (isinstance(body, Presence) and body.present)
    return on or isinstance(body, MOVES)


def _chattered(state: JsonState, fact: Fact, now_ms: int, *, on: bool) -> Step | None:
    """The quick way for the one pad that changes every second or two; None where it says more than that. There may
    be thousands of these a night.
    """
    pads: Any = state.get("pads")
    device, at_ms = getattr(fact.body, "device", ""), fact.occurred.to_ms
    if "out" not in state or len(pads) != 1 or device not in pads or now_ms - at_ms >= mats.FOLDED_LATE_MS:
        return None
    out: Any = state["out"]
    flips: Any = state["flips"]
    back_ms: Any = state["back_ms"]
    was, told_ms = pads[device]
    hour = at_ms // flicker.HOUR_MS
    if bool(was) == on or at_ms - told_ms >= SETTLED_MS or at_ms >= out["due_ms"] + SETTLED_MS or flips[0][0] != hour:
        return None
    changed = flips[0][1] + 1
    after = {**state, "pads": {device: [on, at_ms]}, "flips": [[hour, changed], *flips[1:]]}
    if on:
        if back_ms is not None or at_ms >= out["due_ms"]:
            return None
        after["back_ms"] = at_ms
        return Step(after, (), at_ms + SETTLED_MS)
    if back_ms is None or at_ms - back_ms >= SETTLED_MS or back_ms > out["due_ms"]:
        return None
    due_ms = min(at_ms, out["to_ms"] + CHATTER_MS) + out["settle_ms"]
    after["out"] = {**out, "due_ms": due_ms, "flickers": out["flickers"] or changed >= out["flicker_n"]}
    after["empty_ms"], after["due_ms"], after["back_ms"] = at_ms, due_ms, None
    return Step(after, (), due_ms)


def _safe(how: Leaving, state: JsonState, fact: Fact, armed: Armed, *, on: bool) -> Step:
    """Something that is as good as a return was reached or left."""
    device, at_ms = getattr(fact.body, "device", ""), fact.occurred.to_ms
    safes = {**mats.kept(mats.of(state, "safes"), device, at_ms, armed), device: [on, at_ms]}
    after = {**state, "safes": safes}
    if "out" not in state:
        return Step(after)
    back_ms: Any = state["back_ms"]
    if on:
        return _back(how, after, at_ms)
    if back_ms is not None and at_ms - back_ms < SETTLED_MS and not mats.lain_in(safes):
        after["back_ms"] = None
    return Step(after, (), _wake_ms(after))


def _back(how: Leaving, state: dict[str, object], at_ms: int) -> Step:
    """Something reads occupied while somebody is up."""
    if state["back_ms"] is not None:
        return Step(state, (), _wake_ms(state))
    out: Any = state["out"]
    state["back_ms"] = at_ms
    unheard = out["due_ms"] <= at_ms and not (out["asked"] or out["done"] or out["rung"])
    logged = (Log(Reason(f"{how.code}.back_before_known")),) if unheard else ()
    return Step(state, logged, at_ms + SETTLED_MS)


def _pad(how: Leaving, state: JsonState, fact: Fact, armed: Armed, *, on: bool) -> Step:
    """A pad changed."""
    device, at_ms = getattr(fact.body, "device", ""), fact.occurred.to_ms
    before = mats.kept(mats.of(state, "pads"), device, at_ms, armed)
    after = dict(state)
    pads = after["pads"] = {**before, device: [on, at_ms]}
    told = before.get(device)
    if told is None or bool(told[0]) != on:
        after["flips"] = flicker.flipped(state, at_ms)
    was = mats.lain_in(before)
    empty_ms: Any = state.get("empty_ms")
    if on or mats.lain_in(pads):
        if not was and (not before or empty_ms is None or at_ms - empty_ms >= SETTLED_MS):
            after["since_ms"] = at_ms
        return _back(how, after, at_ms) if "out" in state else Step(after)
    if was or not before:
        after["empty_ms"] = at_ms
    back_ms: Any = state.get("back_ms")
    if back_ms is not None and at_ms - back_ms < SETTLED_MS:
        out: Any = state["out"]
        after["back_ms"] = None
        if back_ms <= out["due_ms"]:
            due_ms = min(at_ms, out["to_ms"] + CHATTER_MS) + out["settle_ms"]
            flickers = out["flickers"] or flicker.most(after, at_ms) >= out["flicker_n"]
            after["out"], after["due_ms"] = {**out, "due_ms": due_ms, "flickers": flickers}, due_ms
        return Step(after, (), _wake_ms(after))
    return _left(how, after, fact, armed, known=bool(before), was=was)


def _left(how: Leaving, state: dict[str, object], fact: Fact, armed: Armed, *, known: bool, was: bool) -> Step:
    """All pads read empty, and none of them was chattering."""
    out, back_ms = _out(state), state.get("back_ms")
    at = fact.occurred
    verdicts: Verdicts = ()
    if out is not None and back_ms is not None:
        verdicts = (_cleared(how, out),)
    elif out is not None and not (out.done and not known):
        same = at.from_ms - out.to_ms <= SAME_MS and len(out.keys) < KEYS_MAX and fact.key not in out.keys
        after = _with(state, replace(out, keys=(*out.keys, fact.key))) if same else state
        return Step(after, (), _wake_ms(after))
    elif known and not was:
        return Step(_with(state, None))
    since_ms: Any = state.get("since_ms") if known else None
    safes = mats.kept(mats.of(state, "safes"), "", at.to_ms, armed)
    # What read occupied before somebody sat down here says nothing of them.
    safe = not armed.shared and any(told[0] and told[1] > (since_ms or 0) for told in safes.values())
    begun = None if safe else _begun(how, state, fact, armed, since_ms)
    return Step(_with(state, begun), verdicts, begun.due_ms if begun is not None else None)


def _begun(how: Leaving, state: JsonState, fact: Fact, armed: Armed, since_ms: int | None) -> _Out | None:
    """A getting up that somebody is to be told of; None where no entry of the plan asks for it."""
    at = fact.occurred
    most = flicker.most(state, at.to_ms)
    found: list[tuple[int, int, int]] = []
    for entry in armed.entries:
        if entry.windows and not touches(entry.windows, at.from_ms, at.to_ms, armed.time_zone):
            continue
        flicker_n = entry.values["flicker_per_h"]
        # Who has been there for how long nobody knows, or on a pad that flickers, has been there long enough.
        least_ms = entry.values[how.least] * 60_000
        if since_ms is None or most >= flicker_n or at.to_ms - since_ms >= least_ms:
            found.append((entry.values["settle_s"] * 1000, entry.values["check_min"] * 60_000, flicker_n))
    if not found:
        return None
    settle, due_ms = min(found), at.to_ms + min(found)[0]
    return _Out(at.from_ms, at.to_ms, due_ms, *settle, most >= settle[2], (fact.key,), fact.place)


def _look(how: Leaving, state: JsonState, wake: Wake, now_ms: int) -> Step:
    """Judge a deadline."""
    out = _out(state)
    next_ms = _wake_ms(state)
    if out is None or next_ms is None or wake.at_ms < next_ms:
        return Step(state, (), next_ms)
    if state["back_ms"] is not None:
        # What comes next may say that it was chatter; an alarm is not ended on the word of half of the sensors.
        return Step(_with(state, None), (_cleared(how, out),)) if wake.confirmed else Step(state, (), next_ms)
    said, after = _judged(how, out, wake, now_ms)
    kept = _with(state, after)
    return Step(kept, said, _wake_ms(kept))


def _judged(how: Leaving, out: _Out, wake: Wake, now_ms: int) -> tuple[Verdicts, _Out]:
    if wake.answered:
        return (), replace(out, done=True)
    still_ms = out.due_ms + out.more_ms
    if not wake.confirmed:
        soft = out.flickers and out.seen is None and not out.asked and now_ms < still_ms
        limit = 1 if soft else 2
        if out.rung >= limit:
            return (), out
        said = _check(how, out, UNCONFIRMED) if soft else _alarm(how, out, UNCONFIRMED, late=now_ms >= still_ms)
        return (said,), replace(out, rung=limit)
    # What moved after the deadline is no part of what is said at it.
    known = out if out.seen is None or out.seen[0] <= wake.at_ms else replace(out, seen=None)
    if known.flickers and known.seen is None and not out.asked:
        return (_check(how, out),), replace(out, asked=True)
    alarm = _alarm(how, known, late=out.asked)
    # The movement may be whoever is on the way to look.
    insists = not out.asked or wake.at_ms >= still_ms
    return (replace(alarm, insists=insists),), replace(out, asked=True, done=True)


def _params(out: _Out) -> dict[str, str | int]:
    return {"place": out.place, "left_ms": out.from_ms}


def _check(how: Leaving, out: _Out, suffix: str = "") -> Raise:
    return Raise(how.check_kind, Priority.LOW, Reason(f"{how.code}.check{suffix}", _params(out)), out.keys)


def _alarm(how: Leaving, out: _Out, suffix: str = "", *, late: bool = False) -> Raise:
    if out.seen is not None:
        params = {**_params(out), "seen_ms": out.seen[0], "seen": out.seen[1]}
        return Raise(how.kind, Priority.MEDIUM, Reason(f"{how.code}.seen{suffix}", params), out.keys)
    code = "still" if late and out.flickers else "left"
    return Raise(how.kind, Priority.MEDIUM, Reason(f"{how.code}.{code}{suffix}", _params(out)), out.keys)


def _cleared(how: Leaving, out: _Out) -> Clear:
    return Clear(Reason(f"{how.code}.back", {"place": out.place}), out.keys)


def unjudged(state: JsonState) -> JsonState:
    """The state as if none of its deadlines had been looked at: a late fact may change what was said at them."""
    out = _out(state)
    if out is None:
        return state
    back_ms: Any = state["back_ms"]
    return _with(state, replace(out, asked=False, done=False, rung=0), back_ms)


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    out = _out(state)
    pads = tuple(sorted(mats.of(state, "pads")))
    return RestsOn(pads) if out is None else RestsOn(pads, out.keys, out.to_ms)


def left(how: Leaving, state: JsonState) -> Step:
    """Who was watched does not live there any more: whatever the pad says is about somebody else."""
    out = _out(state)
    return Step({}, (Clear(Reason(f"{how.code}.moved_away"), out.keys),) if out is not None else ())
