"""A moisture pad in the bed has been wet for a while inside the resident's window. Serves arrow 7.

Owns how long wet must last, and that one wetting is one alarm, of each pad by itself. Dry again takes an alarm back
that nobody has taken: somebody has changed it without a word, or it was a fold of the sheet. A person's look answers it
until the pad has been dry. Must not know which alarm is open.

A fold: judged at a deadline (`Wake`). What was wet before the window began is told when the window begins.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.edge.events import Wet
from nattevakt.edge.rules.mats import taken_back
from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
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
from nattevakt.edge.rules.windows import inside, next_start_ms

RULE = "wet"
KIND = "wet"
REASONS = ("wet.wet", "wet.wet_unconfirmed", "wet.dry", "wet.moved_away")

DELAY_MIN = 5
SETTLED_MS = 60_000
"""A pad that reads dry for less than this has not been changed: whoever lies on it has turned."""
KEYS_MAX = 8

Pad = dict[str, object]
"""One wet pad: since when (ms), when it is to be told (None outside every window), its place and its events: those that
it is told by (keys) and what said so again afterwards (more), by which an alarm is found again. dry_ms: dry since then,
not yet for long enough; done: nothing more will be said of it; rung: said without confirmation."""


def _pads(state: JsonState) -> dict[str, Pad]:
    found = state.get("pads")
    return {str(device): dict(pad) for device, pad in found.items()} if isinstance(found, Mapping) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _keys(pad: Pad, name: str = "keys") -> tuple[Key, ...]:
    found = pad[name]
    return tuple(tuple(key) for key in found) if isinstance(found, list | tuple) else ()


def _due_ms(pad: Pad) -> int | None:
    if pad["dry_ms"] is not None:
        return _number(pad["dry_ms"]) + SETTLED_MS
    return None if pad["done"] or pad["tell_ms"] is None else _number(pad["tell_ms"])


def _step(pads: Mapping[str, Pad], verdicts: tuple[Raise | Clear, ...] = ()) -> Step:
    due = [at_ms for pad in pads.values() if (at_ms := _due_ms(pad)) is not None]
    return Step({"pads": dict(pads)} if pads else {}, verdicts, min(due, default=None))


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Note that a pad is wet or dry, or judge a deadline."""
    if isinstance(fact, Wake):
        return _look(_pads(state), fact)
    body = fact.body
    if not isinstance(body, Wet):
        return None
    pads = _pads(state)
    pad = pads.get(body.device)
    said: tuple[Clear, ...] = ()
    if body.wet:
        new = pads[body.device] = _wetter(pad, fact, armed)
        if pad is not None and new["since_ms"] != pad["since_ms"]:
            said = (_dry(pad),)
        if fact.key not in _keys(new):
            said += taken_back("wet.dry", fact, now_ms)
    elif pad is None or pad["dry_ms"] is not None:
        return None
    else:
        pads[body.device] = {**pad, "dry_ms": fact.occurred.to_ms}
    return _step(pads, said)


def _wetter(pad: Pad | None, fact: Fact, armed: Armed) -> Pad:
    at_ms = fact.occurred.to_ms
    if pad is not None and (pad["dry_ms"] is None or at_ms - _number(pad["dry_ms"]) < SETTLED_MS):
        name = "keys" if pad["tell_ms"] is None or at_ms <= _number(pad["tell_ms"]) else "more"
        keys = [list(key) for key in (*_keys(pad, name), fact.key)][:KEYS_MAX]
        return {**pad, "dry_ms": None, name: keys}
    return {
        "since_ms": at_ms,
        "tell_ms": _tell_ms(at_ms, armed),
        "keys": [list(fact.key)],
        "more": [],
        "place": fact.place,
        "dry_ms": None,
        "done": False,
        "rung": False,
    }


def _tell_ms(since_ms: int, armed: Armed) -> int | None:
    """The first moment inside a window at which it has been wet for long enough."""
    found: list[int] = []
    for entry in armed.entries:
        ripe_ms = since_ms + entry.values["delay_min"] * 60_000
        if not entry.windows or any(inside(window, ripe_ms, armed.time_zone) for window in entry.windows):
            found.append(ripe_ms)
        else:
            found += [next_start_ms(window, ripe_ms, armed.time_zone) for window in entry.windows]
    return min(found, default=None)


def _look(pads: dict[str, Pad], wake: Wake) -> Step | None:
    """Judge a deadline."""
    said: list[Raise | Clear] = []
    for device, pad in list(pads.items()):
        due_ms = _due_ms(pad)
        if due_ms is None or wake.at_ms < due_ms:
            continue
        if pad["dry_ms"] is not None:
            # What comes next may say that it is wet after all; an alarm is not ended on half of the word.
            if wake.confirmed:
                said.append(_dry(pad))
                del pads[device]
        elif wake.answered:
            pads[device] = {**pad, "done": True}
        elif wake.confirmed or not pad["rung"]:
            said.append(_raise(pad, wake))
            pads[device] = {**pad, "done": wake.confirmed, "rung": True}
    return _step(pads, tuple(said))


def _dry(pad: Pad) -> Clear:
    return Clear(Reason("wet.dry", {"place": str(pad["place"])}), (*_keys(pad), *_keys(pad, "more")))


def _raise(pad: Pad, wake: Wake) -> Raise:
    params: dict[str, str | int] = {"place": str(pad["place"]), "since_ms": _number(pad["since_ms"])}
    suffix = "" if wake.confirmed else UNCONFIRMED
    return Raise(KIND, Priority.LOW, Reason(f"wet.wet{suffix}", params), _keys(pad))


def unjudged(state: JsonState) -> JsonState:
    """The state as if none of its deadlines had been looked at."""
    pads = _pads(state)
    return {"pads": {device: {**pad, "done": False, "rung": False} for device, pad in pads.items()}} if pads else state


def rests_on(state: JsonState) -> RestsOn:
    """The pad whose deadline is first; a look since it became wet answers it."""
    pads = [(at_ms, device, pad) for device, pad in _pads(state).items() if (at_ms := _due_ms(pad)) is not None]
    if not pads:
        return RestsOn()
    _, device, pad = min(pads, key=lambda one: one[:2])
    return RestsOn((device,), _keys(pad), _number(pad["since_ms"]))


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more."""
    keys = tuple(key for pad in _pads(state).values() for key in _keys(pad))
    return Step({}, (Clear(Reason("wet.moved_away"), keys),) if keys else ())


SPEC = Rule(
    RULE,
    KIND,
    (Wet,),
    step,
    REASONS,
    kinds=(KIND,),
    settings=(
        Setting(
            "delay_min",
            0,
            120,
            DELAY_MIN,
            "Our own choice; no maker's figure was found. Wet is care for the skin and not a danger: five minutes cost "
            "nothing, and let a damp fold or a bed that is being changed pass.",
        ),
    ),
    windowed=True,
    needs=("wet",),
    planned=True,
    folding=Folding(unjudged, rests_on, left),
)
