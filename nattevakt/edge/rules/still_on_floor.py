"""A fall that has not ended and that nobody has seen to sounds again. Serves arrow 7.

Owns the repetition: after a fall, and for as long as its sensor does not say that it is over and nobody has looked, the
same alarm sounds once more every `repeat_min`, three times at most; whoever has heard it four times is not told better
by a fifth. It raises no alarm of its own and ends none. Must not know which alarm is open, or who has taken it.

The minutes count from when the fall was told, not from when it was: one that comes late has just rung for the first
time. Each sensor's fall is a fall by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.edge.events import Fall, FallOver
from nattevakt.edge.rules.rule import (
    Armed,
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

RULE = "still_on_floor"
KIND = "fall"
REASONS = ("fall.still",)

REPEAT_MIN = 5
TIMES_MAX = 3
SAME_MS = 3_000
"""A second report this soon is the same fall, heard through another gateway."""
OVER_MS = 10_000
"""An end this soon is not believed: bridges tell the old state before the new one and everything four times over, and
what says in the end that somebody lies there is a repeat, which no rule hears. Nobody is helped up so fast."""
KEYS_MAX = 16

Lying = dict[str, object]
"""One sensor's fall: when it was and was told (ms), when it sounds next, how often it has, its events and its place."""


def _falls(state: JsonState) -> dict[str, Lying]:
    found = state.get("falls")
    return {str(device): dict(lying) for device, lying in found.items()} if isinstance(found, Mapping) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _keys(lying: Lying) -> tuple[Key, ...]:
    found = lying["keys"]
    return tuple(tuple(key) for key in found) if isinstance(found, list | tuple) else ()


def _step(falls: Mapping[str, Lying], verdicts: tuple[Raise, ...] = ()) -> Step:
    due = [_number(lying["due_ms"]) for lying in falls.values() if _number(lying["times"]) < TIMES_MAX]
    return Step({"falls": dict(falls)} if falls else {}, verdicts, min(due, default=None))


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Note a fall or its end, or judge a deadline."""
    if isinstance(fact, Wake):
        return _look(_falls(state), fact, now_ms)
    body = fact.body
    if isinstance(body, FallOver):
        falls = _falls(state)
        known = falls.get(body.device)
        if known is None or fact.occurred.to_ms < _number(known["at_ms"]) + OVER_MS:
            return None
        del falls[body.device]
        return _step(falls)
    if not isinstance(body, Fall) or body.repeat_of is not None:
        return None
    return _step(_fallen(_falls(state), body.device, fact, armed))


def _fallen(falls: dict[str, Lying], device: str, fact: Fact, armed: Armed) -> dict[str, Lying]:
    told_ms = max(fact.occurred.to_ms, fact.received_ms)
    known = falls.get(device)
    if known is not None and fact.key in _keys(known):
        return falls
    if known is not None and abs(told_ms - _number(known["told_ms"])) <= SAME_MS:
        keys = [list(key) for key in (*_keys(known), fact.key)][-KEYS_MAX:]
        falls[device] = {**known, "keys": keys}
        return falls
    # A fall by itself, also where the one before never ended: whoever saw to that one has not seen this.
    repeat_ms = 60_000 * min((entry.values["repeat_min"] for entry in armed.entries), default=REPEAT_MIN)
    falls[device] = {
        "at_ms": fact.occurred.to_ms,
        "told_ms": told_ms,
        "repeat_ms": repeat_ms,
        "due_ms": told_ms + repeat_ms,
        "times": 0,
        "keys": [list(fact.key)],
        "place": fact.place,
    }
    return falls


def _look(falls: dict[str, Lying], wake: Wake, now_ms: int) -> Step | None:
    """Sound once for each fall that is due; a look that comes late is one look, and the next comes when it should."""
    said: list[Raise] = []
    for device, lying in list(falls.items()):
        due_ms, times = _number(lying["due_ms"]), _number(lying["times"])
        if times >= TIMES_MAX or wake.at_ms < due_ms:
            continue
        if wake.answered:
            # Somebody is there, or has been: from now on it is theirs to see.
            falls[device] = {**lying, "times": TIMES_MAX}
            continue
        told_ms, repeat_ms = _number(lying["told_ms"]), _number(lying["repeat_ms"])
        # Which repetition it is, by the clock: one that is folded anew says the same, and does not sound again.
        passed = (max(due_ms, now_ms) - told_ms) // repeat_ms
        params: dict[str, str | int] = {
            "place": str(lying["place"]),
            "fell_ms": _number(lying["at_ms"]),
            "min": passed * repeat_ms // 60_000,
        }
        # Also where the word of its end may be missing: what is said, that nobody is there, is so all the same.
        said.append(Raise(KIND, Priority.HIGH, Reason("fall.still", params), _keys(lying), again=True))
        falls[device] = {**lying, "times": times + 1, "due_ms": told_ms + (passed + 1) * repeat_ms}
    return _step(falls, tuple(said)) if falls else None


def unjudged(state: JsonState) -> JsonState:
    """The state as it is: what has sounded has sounded, and a late word of the end ends what is to come."""
    return state


def rests_on(state: JsonState) -> RestsOn:
    """The fall that is due first; a look at it is a look at whoever lies there."""
    lying = [one for one in _falls(state).items() if _number(one[1]["times"]) < TIMES_MAX]
    if not lying:
        return RestsOn()
    device, first = min(lying, key=lambda one: _number(one[1]["due_ms"]))
    return RestsOn((device,), _keys(first), _number(first["at_ms"]))


def left(state: JsonState) -> Step:  # noqa: ARG001 - one contract for all rules
    """Nobody that we know lives there; the fall alarm stands as it is."""
    return Step({})


SPEC = Rule(
    RULE,
    KIND,
    (Fall, FallOver),
    step,
    REASONS,
    kinds=(KIND,),
    settings=(
        Setting(
            "repeat_min",
            2,
            30,
            REPEAT_MIN,
            "Staff are with who called after 3.5 to 8 minutes on average, 10 of 100 calls are taken and not attended; "
            "Nobi begins to call again when 10 minutes have passed since somebody took it.",
        ),
    ),
    alarms_as="fall",
    folding=Folding(unjudged, rests_on, left),
)
