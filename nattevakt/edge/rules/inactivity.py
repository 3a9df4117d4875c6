"""No sign of life in the home for longer than the limit, inside a window. Serves arrow 7.

Owns what a sign of life is (movement, a door, presence, a chair), and what a silence means: somebody in bed may be
silent for longer, but not for ever; somebody whose last sign was the outer door has gone away. Toggles of a bed are no
sign of life: a bad mat toggles under anybody, and in an empty bed too. Must not know which alarm is open.

A silence that has lasted too long is broken by two signs, not by one: a stray event in an empty home must not begin
everything anew, and one movement of somebody on the floor must not end the alarm. Where several share the home, one
of them is enough to break it, and none of them is taken to have gone away.

A fold, and the busiest rule: a movement only notes when it was; the deadline is moved when it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nattevakt.edge.events import Bed, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import inactivity_quick as quickly
from nattevakt.edge.rules.inactivity_quick import LAIN_MS, RELEASED_MS, is_early, packed, whole
from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
    Armed,
    Clear,
    Entry,
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
    first_inside_ms,
    is_on,
    leans_on,
    number,
    numbers,
    plain_plan,
    plan_of,
    retracting,
    soonest,
    whole_inside_ms,
)
from nattevakt.edge.rules.spots import is_way_out

RULE = "inactivity"
KIND = "inactivity"
REASONS = (
    "inactive.silent",
    "inactive.silent_unconfirmed",
    "inactive.in_bed",
    "inactive.in_bed_unconfirmed",
    "inactive.away",
    "inactive.away_unconfirmed",
    "inactive.gone_out",
    "inactive.active",
    "inactive.active_before_known",
    "inactive.lay",
    "inactive.moved_away",
)
LIMIT_MIN = 360
IN_BED_MIN = 840
NEAR_MS = 300_000
"""The least limit: what is known this soon after the sign before it has broken no silence."""
AWAY_MARGIN_MS = 120_000
"""Movement this soon after the outer door may be whoever goes out."""
STRAY_MS = 900_000
"""Two signs no further apart break a silence that has lasted too long."""
SAME_MS = 20_000
"""Two signs closer than this may be one, heard twice."""
_OVERDUE = frozenset(("stray", "done", "rung", "due_ms", "why"))
"""What the state holds of a silence that has lasted too long."""
_SPECIAL = _OVERDUE | {"heard_ms"}
_GONE = _OVERDUE | {"left_ms", "lie_ms", "plan", "leans"}
"""What a sign of life that counts leaves nothing of."""


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Take note of a fact, or judge a deadline."""
    quick: Any = state.get("quick")
    if quick is None:
        made = _retracting(state, fact, armed, now_ms)
        return made if made is None else Step(packed(made.state, armed), made.verdicts, made.wake_at_ms)
    early_ms = 0
    if armed.entries and armed.entries[0].values["limit_min"] == quick[0]:
        rest: Any = state["rest"]
        if isinstance(fact, Wake):
            made = quickly.waited(quick, rest, fact, armed)
        else:
            body, at_ms, known_ms, made = fact.body, fact.occurred.to_ms, fact.received_ms, None
            if isinstance(body, LEVELS):
                if known_ms - at_ms <= HEARD_LATE_MS and "heard_ms" not in rest:
                    on = body.occupied if isinstance(body, Bed) else is_on(body)
                    if on is (body.device in quick[6]):
                        return None
                    made = quickly.levelled(quick, rest, fact, armed, on=on)
            elif isinstance(body, Motion):
                if quick[2] < fact.occurred.from_ms == at_ms and known_ms - quick[2] < NEAR_MS:
                    return Step(quickly.noted(state, fact), (), quick[1])
                made = quickly.moved(quick, rest, fact, armed)
            elif isinstance(body, Contact):
                made = quickly.passed(quick, rest, fact, armed)
        if made is not None:
            return made
        early_ms = quick[8]
    made = _retracting(whole(state), fact, armed, now_ms)
    return made if made is None else Step(packed(made.state, armed, early_ms), made.verdicts, made.wake_at_ms)


def _step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    if isinstance(fact, Wake):
        return _look(state, fact, armed)
    body = fact.body
    if isinstance(body, Bed):
        return _level(state, fact, body, armed)
    if isinstance(body, Chair | Presence):
        levelled = _level(state, fact, body, armed)
        if levelled is None or not is_on(body):
            return levelled
        signed = _sign(levelled.state, fact, armed)
        return levelled if signed is None else replace(signed, verdicts=(*levelled.verdicts, *signed.verdicts))
    return _sign(state, fact, armed) if isinstance(body, Motion | Contact) else None


def _stepped(state: Mapping[str, object], armed: Armed, verdicts: tuple[Verdict, ...] = ()) -> Step:
    """The state with its deadline: that of before, as long as it is not later than the true one."""
    wake_ms = None
    if "last_ms" in state and not state.get("done"):
        wake_ms = number(state, "due_ms")
        if wake_ms is None:
            wake_ms = number(state, "wake_ms")
            if wake_ms is None or not is_early(state, wake_ms, armed):
                wake_ms = soonest((wake_ms, _due_ms(state, armed)))
    after = {name: value for name, value in state.items() if name not in ("plain", "wake_ms")}
    after["wake_ms"] = wake_ms
    if wake_ms is not None and len(armed.entries) == 1 and _SPECIAL.isdisjoint(state):
        # Movement that comes soon changes nothing but when it was, as long as the plan is the same.
        after["plain"] = armed.entries[0].values["limit_min"]
    return Step(after, verdicts, wake_ms)


def _dues(state: Mapping[str, object], entry: Entry, tz: str) -> Iterator[int]:
    """When a silence has lasted too long for one line of the plan."""
    last_ms = number(state, "last_ms") or 0
    away_ms = entry.values["limit_away_min"] * MIN_MS
    if away_ms and _is_away(state):
        yield first_inside_ms(entry.windows, last_ms + max(away_ms, NEAR_MS), tz)
        return
    lie_ms, limit_ms = number(state, "lie_ms"), entry.values["limit_min"] * MIN_MS
    if lie_ms is not None:
        yield first_inside_ms(entry.windows, lie_ms + entry.values["limit_in_bed_min"] * MIN_MS, tz)
    if not state.get("held"):
        yield whole_inside_ms(entry.windows, max(last_ms, number(state, "left_ms") or 0), limit_ms, tz)


def _due_ms(state: Mapping[str, object], armed: Armed) -> int | None:
    """When the silence has lasted too long; where that has come already, the moment at which it did."""
    passed_ms = number(state, "due_ms")
    if passed_ms is not None:
        return passed_ms
    entries = armed.entries or plan_of(state.get("plan"))
    return min([due for entry in entries for due in _dues(state, entry, armed.time_zone)], default=None)


def _overdue(state: JsonState, at_ms: int, armed: Armed) -> JsonState:
    """The state, with what its deadline found where that has come: nothing later changes what is said at it."""
    wake_ms, passed_ms = number(state, "wake_ms"), number(state, "due_ms")
    if passed_ms is not None and at_ms < passed_ms:
        # It was judged before this was known.
        state = {name: value for name, value in state.items() if name not in _OVERDUE}
    elif passed_ms is not None or "last_ms" not in state or (wake_ms is not None and at_ms < wake_ms):
        return state
    due_ms = _due_ms(state, armed)
    if due_ms is None or at_ms < due_ms:
        return state
    return {**state, "due_ms": due_ms, "why": [*_why(state, due_ms, armed.entries or plan_of(state.get("plan")))]}


def _is_away(state: Mapping[str, object]) -> bool:
    """Whether the last sign of life was the outer door, or came so soon after that it was the person going out."""
    door_ms, last_ms = number(state, "door_ms"), number(state, "last_ms")
    if door_ms is None or last_ms is None or state.get("shared"):
        return False
    # Somebody in a bed, a chair or a presence sensor's field since then is inside.
    return not state.get("held") and "left_ms" not in state and last_ms - door_ms <= AWAY_MARGIN_MS


def _level(state: JsonState, fact: Fact, body: Bed | Chair | Presence, armed: Armed) -> Step | None:
    """Somebody is in the bed, the chair or the field, or no more."""
    held = numbers(state.get("held"))
    if is_on(body) is (body.device in held):
        return None
    at_ms = fact.occurred.to_ms
    known = _overdue(state, at_ms, armed)
    heard_ms = max(fact.received_ms, number(state, "heard_ms") or 0)
    due_ms = _due_ms(state, armed) if "due_ms" not in known and heard_ms > at_ms else None
    after: dict[str, object] = {**known, "held": held}
    if is_on(body):
        held[body.device] = at_ms
        if "last_ms" in state:
            after.setdefault("lie_ms", at_ms)
    else:
        _off(after, held, body.device, at_ms)
    if "last_ms" not in state:
        return Step(after)
    if due_ms is None or heard_ms < due_ms or _due_ms(after, armed) == due_ms:
        return _stepped(after, armed)
    # It rang before this was known, and should not have then.
    why = Reason("inactive.lay", {"place": fact.place})
    return _stepped(after, armed, (Clear(why, (_key(state),)),))


def _off(after: dict[str, object], held: dict[str, int], device: str, at_ms: int) -> None:
    """Somebody is there no more."""
    since_ms = held.pop(device)
    just_gone = at_ms - (number(after, "door_ms") or 0) <= RELEASED_MS
    if not held and not just_gone and at_ms - since_ms >= LAIN_MS:
        after["left_ms"] = at_ms


def _sign(state: JsonState, fact: Fact, armed: Armed) -> Step | None:
    """Somebody moved."""
    at = fact.occurred
    last_ms = number(state, "last_ms")
    if last_ms is None:
        return _stepped(_living(state, fact, armed), armed) if armed.entries else None
    if at.from_ms < last_ms:
        return None
    state = _overdue(state, at.to_ms, armed)
    if "due_ms" not in state:
        heard_ms, wake_ms = max(fact.received_ms, number(state, "heard_ms") or 0), number(state, "wake_ms")
        due_ms = _due_ms(state, armed) if wake_ms is None or heard_ms >= wake_ms else None
        verdicts = (_cleared(state, fact),) if due_ms is not None and heard_ms >= due_ms else ()
        return _stepped(_living(state, fact, armed), armed, verdicts)
    stray_ms = number(state, "stray")
    if stray_ms is None or at.from_ms - stray_ms > STRAY_MS:
        return _stepped({**state, "stray": at.to_ms}, armed)
    if at.from_ms - stray_ms < SAME_MS:
        return None
    logged = () if state.get("done") or state.get("rung") else (Log(Reason("inactive.active_before_known")),)
    return _stepped(_living(state, fact, armed), armed, (*logged, _cleared(state, fact)))


def _living(state: JsonState, fact: Fact, armed: Armed) -> dict[str, object]:
    """The state after a sign of life that counts."""
    at_ms = fact.occurred.from_ms
    after = {name: value for name, value in state.items() if name not in _GONE}
    if not _OVERDUE.isdisjoint(state):
        after.pop("wake_ms", None)
    after |= {"last_ms": at_ms, "place": fact.place, "key": fact.key, "shared": armed.shared}
    if after.get("held"):
        after["lie_ms"] = at_ms
    if isinstance(fact.body, Contact) and is_way_out(fact.place):
        after["door_ms"] = at_ms
    if armed.entries:
        after["plan"] = plain_plan(armed)
        after["leans"] = list(leans_on(armed))
    return after


def _key(state: JsonState) -> Key:
    found = state["key"]
    return tuple(found) if isinstance(found, list | tuple) else ()


def _cleared(state: JsonState, fact: Fact) -> Clear:
    return Clear(Reason("inactive.active", {"place": fact.place}), (_key(state),))


def _look(state: JsonState, wake: Wake, armed: Armed) -> Step | None:
    """Judge a deadline, or move it to where the last sign of life has put it."""
    if "last_ms" not in state or state.get("done"):
        return None
    state = {name: value for name, value in state.items() if name != "wake_ms"}
    after = state if "due_ms" in state else _overdue(state, wake.at_ms, armed)
    due_ms = number(after, "due_ms")
    if due_ms is None or wake.at_ms < due_ms:
        return _stepped(after, armed)
    code, params = _found(after)
    if wake.answered:
        return _stepped({**after, "done": True}, armed)
    if code == "inactive.gone_out":
        # The door says where the person is; that they are not back is no inactivity.
        why = Reason(code, params)
        return _stepped({**after, "done": True}, armed, (Log(why), Clear(why, (_key(state),))))
    if wake.confirmed:
        return _stepped({**after, "done": True}, armed, (_alarm(state, code, params),))
    said = () if state.get("rung") else (_alarm(state, code + UNCONFIRMED, params),)
    return _stepped({**after, "rung": True}, armed, said)


def _found(state: JsonState) -> tuple[str, dict[str, str | int]]:
    """What the deadline found, as `_overdue` wrote it."""
    why = state["why"]
    return (why[0], dict(why[1])) if isinstance(why, list | tuple) else ("inactive.silent", {})


def _why(state: JsonState, due_ms: int, entries: Iterable[Entry]) -> tuple[str, dict[str, str | int]]:
    last_ms = number(state, "last_ms") or 0
    params: dict[str, str | int] = {"place": str(state.get("place", "")), "seen_ms": last_ms}
    params["min"] = (due_ms - last_ms) // MIN_MS
    lie_ms = number(state, "lie_ms")
    if _is_away(state):
        rings = any(entry.values["limit_away_min"] for entry in entries)
        return ("inactive.away" if rings else "inactive.gone_out"), params
    if lie_ms is not None and state.get("held"):
        return "inactive.in_bed", {**params, "lay_ms": lie_ms}
    return "inactive.silent", params


def _alarm(state: JsonState, code: str, params: Mapping[str, str | int]) -> Raise:
    return Raise(KIND, Priority.MEDIUM, Reason(code, params), (_key(state),))


def _waiting(state: JsonState) -> tuple[tuple[Key, ...], int | None]:
    return ((_key(state),) if "last_ms" in state else ()), number(state, "wake_ms")


_retracting = retracting(_step, _waiting, "inactive.lay")


def unjudged(state: JsonState) -> JsonState:
    """The state as if none of its deadlines had been looked at: a late fact may change what was said at them."""
    kept = {name: value for name, value in state.items() if name not in ("done", "rung")}
    return quickly.forgetful(kept) if "quick" in kept else kept


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    state = whole(state)
    if "last_ms" not in state:
        return RestsOn()
    leans = state.get("leans")
    devices = tuple(leans) if isinstance(leans, list | tuple) else ()
    return RestsOn(devices, (_key(state),), number(state, "last_ms") or 0)


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    state = whole(state)
    return Step({}, (Clear(Reason("inactive.moved_away"), (_key(state),)),) if "last_ms" in state else ())


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
            30,
            1440,
            LIMIT_MIN,
            "The sensors of a well person were silent for 326 minutes by day and 270 asleep (recordings); 360 is "
            "the next whole hour. Only time within the window counts.",
        ),
        Setting(
            "limit_in_bed_min",
            60,
            1440,
            IN_BED_MIN,
            "Some are in bed from 20 to 08 (recordings), 12 hours; 14 leaves room for a slow morning. A mat "
            "that reads occupied for ever hides nobody longer than this.",
        ),
        Setting(
            "limit_away_min",
            0,
            10080,
            0,
            "Whoever went out by the door is away, not inactive, and may be so for days (recordings). 0 says "
            "nothing of it; another number rings once.",
        ),
    ),
    windowed=True,
    needs=("motion|presence",),
    planned=True,
    folding=Folding(unjudged, rests_on, left),
    noting=(Noting(Motion, NEAR_MS, quickly.since_ms, quickly.noted), quickly.CHATTER),
)
