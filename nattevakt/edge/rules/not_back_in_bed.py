"""Somebody left the bed inside the resident's window and is not back within the limit. Serves arrow 7.

Owns the two steps. Where something else in the room moved since (a door, movement, presence, a chair) the person is
up: an alarm at the limit; a chair that is sat in is named. Where nothing moved, the mat may have dropped out, or the
person may lie beside the bed: a soft *sjekk* at the limit, which becomes an alarm if something moves after all, or
when nobody has looked for `check_min` more. A person's look answers it until the bed next reads occupied. Must not
know which alarm is open.

A fold: facts come in the order in which they happened, and every judgement is made at a deadline (`Wake`), because
only then is it known that nothing is missing. A room may have several bed sensors; it is left when all read empty.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nattevakt.edge.events import Bed, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import mats
from nattevakt.edge.rules.bed_exit import Out, in_order, load, plain
from nattevakt.edge.rules.rule import (
    NEVER_MS,
    UNCONFIRMED,
    Armed,
    Clear,
    Fact,
    Folding,
    JsonState,
    Log,
    Per,
    Priority,
    Raise,
    Reason,
    RestsOn,
    Rule,
    Setting,
    Step,
    Wake,
)
from nattevakt.edge.rules.silences import begins_within
from nattevakt.edge.rules.windows import inside

RULE = "not_back_in_bed"
KIND = "not_back_in_bed"
CHECK_KIND = "bed_check"
REASONS = (
    "bed.check",
    "bed.check_unconfirmed",
    "bed.not_back_seen",
    "bed.not_back_seen_unconfirmed",
    "bed.not_back_chair",
    "bed.not_back_chair_unconfirmed",
    "bed.not_back_still",
    "bed.not_back_still_unconfirmed",
    "bed.back",
    "bed.back_before_known",
    "bed.not_left",
    "bed.moved_away",
)

LIMIT_MIN = 15
"""How long a bed may be empty where nothing else is said."""
CHECK_MIN = 15
"""So long after a *sjekk* that nobody has answered it becomes an alarm, where nothing else is said."""
SETTLED_MS = 5_000
"""A bed that reads occupied for less than this was not returned to: mats chatter for one to three seconds."""
SAME_MS = 3_000
"""A second "empty" this soon is the same exit, heard through another gateway."""
KEYS_MAX = 4
MOVES = (Contact, Motion)


def _back(state: JsonState) -> int | None:
    value = state.get("back_ms")
    return value if isinstance(value, int) else None


def _wake_ms(out: Out | None, back_ms: int | None) -> int | None:
    if out is None:
        return None
    return out.due_ms if back_ms is None else back_ms + SETTLED_MS


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    if isinstance(fact, Wake):
        made = _settled(state, fact)
        if made is not None:
            return made
        verdicts, out, back_ms = _look(load(state), _back(state), fact, now_ms)
        return Step(plain(mats.of(state), out, back_ms), verdicts, _wake_ms(out, back_ms))
    body = fact.body
    if not isinstance(body, Bed):
        return None if "out" not in state else _moves(state, fact)  # there is much that moves around a sleeper
    made = _chattered(state, fact, body, armed)
    if made is None:
        made = _bed(state, fact, body, armed)
    if body.occupied or now_ms - fact.occurred.to_ms < mats.FOLDED_LATE_MS:
        return made
    return _taken_back(made, fact, now_ms)


def _settled(state: JsonState, wake: Wake) -> Step | None:
    """The quick way for a bed that was left for a moment: it has read occupied for long enough. None for all else."""
    back_ms: Any = state.get("back_ms")
    if back_ms is None or not wake.confirmed or wake.at_ms < back_ms + SETTLED_MS:
        return None
    out: Any = state["out"]
    keys = out["keys"]
    holds = (tuple(keys[0]),) if len(keys) == 1 else tuple(map(tuple, keys))
    cleared = Clear(Reason("bed.back", {"place": out["place"]}), holds)
    return Step({"beds": state["beds"]}, (cleared,), None)


def _moves(state: JsonState, fact: Fact) -> Step:
    """Something but the bed was heard while somebody may be up."""
    back_ms: Any = state["back_ms"]
    due_ms: Any = state["due_ms"]
    wake_ms = due_ms if back_ms is None else back_ms + SETTLED_MS
    found = _evidence(state["out"], fact)
    if found is None:
        return Step(state, (), wake_ms)
    if not (found["asked"] or found["done"]):
        return Step({"beds": state["beds"], "out": in_order(found), "due_ms": due_ms, "back_ms": back_ms}, (), wake_ms)
    out = load({"out": found})
    return Step(plain(mats.of(state), out, back_ms), (), _wake_ms(out, back_ms))


def _taken_back(made: Step, fact: Fact, now_ms: int) -> Step:
    """The same with what ends an alarm that this "empty" may have raised, where nothing begins with it any more."""
    out: Any = made.state.get("out")
    if out is not None and list(fact.key) in out["keys"]:
        return made
    gone = mats.taken_back("bed.not_left", fact, now_ms)
    return replace(made, verdicts=(*made.verdicts, *gone)) if gone else made


def _chattered(state: JsonState, fact: Fact, body: Bed, armed: Armed) -> Step | None:
    """The quick way for the one mat that says, every second or two, what changes no more than since when the bed
    reads occupied; None where it says more. There may be thousands of these a night.
    """
    beds: Any = state.get("beds")
    device, occupied = body.device, body.occupied
    if not beds or len(beds) != 1 or device not in beds:
        return None
    at_ms = fact.occurred.to_ms
    was, told_ms = beds[device]
    if at_ms - told_ms >= mats.STALE_MS:
        return None
    now = {device: [occupied, at_ms]}
    out: Any = state.get("out")
    if out is None:
        limits = None if occupied or not was else _limits(fact, armed)
        return Step({"beds": now}) if limits is None else _begun(now, fact, *limits)
    back_ms: Any = state["back_ms"]
    due_ms: Any = state["due_ms"]
    if occupied:
        if back_ms is None:
            if due_ms is not None and at_ms >= due_ms:
                return None
            back_ms = at_ms
        return Step({"beds": now, "out": out, "due_ms": due_ms, "back_ms": back_ms}, (), back_ms + SETTLED_MS)
    if back_ms is None:
        # It says once more what it said; a second "empty" that comes soon is one more name of the same exit.
        again = fact.occurred.from_ms - out["to_ms"] > SAME_MS or len(out["keys"]) >= KEYS_MAX
        kept = {"beds": now, "out": in_order(out), "due_ms": due_ms, "back_ms": None}
        return Step(kept, (), due_ms) if again else None
    if at_ms - back_ms >= SETTLED_MS:
        return None
    return Step({"beds": now, "out": out, "due_ms": due_ms, "back_ms": None}, (), due_ms)


def _begun(beds: mats.Mats, fact: Fact, limit_ms: int, more_ms: int) -> Step:
    """An exit, as `bed_exit.plain` gives it; from an uncertain one the earliest moment counts."""
    at = fact.occurred
    from_ms = at.from_ms
    check_ms = from_ms + limit_ms
    out = {
        "seen": None,
        "after": None,
        "asked": False,
        "moved": False,
        "done": False,
        "rung": 0,
        "from_ms": from_ms,
        "to_ms": at.to_ms,
        "limit_ms": limit_ms,
        "more_ms": more_ms,
        "keys": [list(fact.key)],
        "place": fact.place,
    }
    return Step({"beds": beds, "out": out, "due_ms": check_ms, "back_ms": None}, (), check_ms)


def _limits(fact: Fact, armed: Armed) -> tuple[int, int] | None:
    """The two limits (ms) of an exit, of the entry of the plan that asks first; None where none asks."""
    first: tuple[int, int] | None = None
    at, entries = fact.occurred, armed.entries
    if len(entries) == 1 and len(entries[0].windows) == 1 and at.from_ms == at.to_ms:
        # As nearly always; a mat that chatters asks this thousands of times a night.
        values = entries[0].values
        if not inside(entries[0].windows[0], at.to_ms, armed.time_zone):
            return None
        return values["limit_min"] * 60_000, values.get("check_min", CHECK_MIN) * 60_000
    for entry in entries:
        if begins_within(entry, fact, armed.time_zone):
            values = entry.values
            found = (values["limit_min"] * 60_000, values.get("check_min", CHECK_MIN) * 60_000)
            if first is None or found < first:
                first = found
    return first


def unjudged(state: JsonState) -> JsonState:
    """The state as if none of its deadlines had been looked at: a late fact may change what was said at them."""
    out = load(state)
    if out is None:
        return state
    return plain(mats.of(state), replace(out, asked=False, moved=False, done=False, rung=0), _back(state))


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    out = load(state)
    beds = tuple(sorted(mats.of(state)))
    return RestsOn(beds) if out is None else RestsOn(beds, out.keys, out.to_ms)


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more: whatever the bed says is about somebody else."""
    out = load(state)
    verdicts = (Clear(Reason("bed.moved_away"), out.keys),) if out is not None else ()
    return Step({}, verdicts)


def _bed(state: JsonState, fact: Fact, body: Bed, armed: Armed) -> Step:
    """The bed sensor changed."""
    out, back_ms = load(state), _back(state)
    before = mats.kept(mats.of(state), body.device, fact.occurred.to_ms, armed)
    beds = {**before, body.device: [body.occupied, fact.occurred.to_ms]}
    at = fact.occurred
    verdicts: tuple[Clear | Log, ...] = ()
    if body.occupied:
        if out is not None and back_ms is None:
            unheard = out.check_ms <= at.to_ms and not (out.asked or out.done or out.rung)
            verdicts = (Log(Reason("bed.back_before_known")),) if unheard else ()
            back_ms = at.to_ms
    elif not mats.lain_in(beds):
        verdicts, out, back_ms = _left(before, out, back_ms, fact, armed)
    return Step(plain(beds, out, back_ms), verdicts, _wake_ms(out, back_ms))


def _left(
    before: mats.Mats, out: Out | None, back_ms: int | None, fact: Fact, armed: Armed
) -> tuple[tuple[Clear | Log, ...], Out | None, int | None]:
    """All of the bed's sensors read empty."""
    at = fact.occurred
    verdicts: tuple[Clear | Log, ...] = ()
    if out is not None and back_ms is not None:
        if at.to_ms - back_ms < SETTLED_MS:
            return (), out, None
        verdicts = (_cleared(out),)
    elif out is not None and not (out.done and not before):
        same = at.from_ms - out.to_ms <= SAME_MS and len(out.keys) < KEYS_MAX and fact.key not in out.keys
        return (), replace(out, keys=(*out.keys, fact.key)) if same else out, None
    elif before and not mats.lain_in(before):
        # It was left outside every window, and reads empty once more.
        return (), None, None
    limits = _limits(fact, armed)
    # A doubtful exit counts from the earliest moment at which it can have been.
    out = Out(at.from_ms, at.to_ms, *limits, (fact.key,), fact.place) if limits is not None else None
    return verdicts, out, None


def _evidence(out: Any, fact: Fact) -> dict[str, object] | None:
    """The exit (as in the state) with something else that moved, None where that tells nothing; it counts where it is
    certain that it came after the exit.
    """
    body, at = fact.body, fact.occurred
    seated = isinstance(body, Chair) and body.seated
    counts = seated or isinstance(body, MOVES) or (isinstance(body, Presence) and body.present)
    if not counts or at.from_ms < out["to_ms"]:
        return None
    if fact.place and fact.place == out["place"] and not seated:
        return None  # what moves where the bed is may be the sleeper whom the mat does not feel
    moved = (at.to_ms, fact.place, seated)
    check_ms = out["from_ms"] + out["limit_ms"]
    if at.to_ms <= check_ms:
        return {**out, "seen": moved}
    # After the second limit all has been said, whatever moves: a refold must not tell another story.
    if out["after"] is not None or at.to_ms > max(check_ms, out["to_ms"]) + out["more_ms"]:
        return None
    return {**out, "after": moved}


_Looked = tuple[tuple[Raise | Clear, ...], Out | None, int | None]


def _look(out: Out | None, back_ms: int | None, wake: Wake, now_ms: int) -> _Looked:
    """Judge a deadline."""
    due_ms = _wake_ms(out, back_ms)
    if out is None or due_ms is None or wake.at_ms < due_ms:
        return (), out, back_ms
    if back_ms is not None:
        # What comes next may say that it was chatter; an alarm is not ended on the word of half of the sensors.
        return ((_cleared(out),), None, None) if wake.confirmed else ((), out, back_ms)
    if wake.answered:
        return (), replace(out, done=True), None
    if not wake.confirmed:
        limit = 2 if out.asked or now_ms >= out.alarm_ms else 1
        if out.rung >= limit:
            return (), out, None
        if limit == 1 and out.seen is None and out.after is None:
            return (_check(out, UNCONFIRMED),), replace(out, rung=limit), None
        insists = now_ms >= out.alarm_ms or not out.asked
        return (replace(_alarm(out, UNCONFIRMED), insists=insists),), replace(out, rung=limit), None
    if out.asked and wake.at_ms < out.alarm_ms:
        # The movement may be whoever is on the way to look; who has not come by the second limit is rung again.
        return (replace(_alarm(out), insists=False),), replace(out, moved=True), None
    if out.asked or out.seen is not None:
        return (_alarm(out),), replace(out, asked=True, done=True), None
    return (_check(out),), replace(out, asked=True), None


def _cleared(out: Out) -> Clear:
    return Clear(Reason("bed.back", {"place": out.place}), out.keys)


def _params(out: Out) -> dict[str, str | int]:
    return {"place": out.place, "left_ms": out.from_ms, "min": out.limit_ms // 60_000}


def _check(out: Out, suffix: str = "") -> Raise:
    return Raise(CHECK_KIND, Priority.LOW, Reason(f"bed.check{suffix}", _params(out)), out.keys)


def _alarm(out: Out, suffix: str = "") -> Raise:
    seen = out.seen or out.after
    if seen is None:
        params = {**_params(out), "min": (out.limit_ms + out.more_ms) // 60_000}
        return Raise(KIND, Priority.MEDIUM, Reason(f"bed.not_back_still{suffix}", params), out.keys)
    at_ms, place, seated = seen
    code = "bed.not_back_chair" if seated else "bed.not_back_seen"
    params = {**_params(out), "seen_ms": at_ms, "seen": place}
    return Raise(KIND, Priority.MEDIUM, Reason(f"{code}{suffix}", params), out.keys)


def idle(state: JsonState, fact: Fact) -> int:
    """Until when such a fact is nothing to it."""
    return 0 if "out" in state or isinstance(fact.body, Bed) else NEVER_MS


SPEC = Rule(
    RULE,
    KIND,
    (Contact, Bed, Presence, Chair, Motion),
    step,
    REASONS,
    kinds=(CHECK_KIND, KIND),
    per=Per.BED,
    settings=(
        Setting(
            "limit_min",
            5,
            240,
            LIMIT_MIN,
            "Trips to the toilet take 4.6 minutes in the middle and 15 or more in 2 to 5 of 100; makers of bed sensors "
            "advise 5 minutes or more, and 10 to 15 is common.",
        ),
        Setting(
            "check_min",
            5,
            60,
            CHECK_MIN,
            "A bed that reads empty while nothing moves is a mat that drops out in 71 to 93 of 100, and the rest lie "
            "beside it: whoever is asked to look has a quarter of an hour, as after any alarm that waits.",
        ),
    ),
    windowed=True,
    needs=("bed",),
    planned=True,
    folding=Folding(unjudged, rests_on, left),
    idle=idle,
)
