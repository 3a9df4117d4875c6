"""Somebody left the bed inside the resident's window and is not back within the limit. Serves arrow 7.

Owns the two steps. Where something else in the room moved since (a door, movement, presence, a chair) the person is
up: an alarm at the limit. Where nothing moved, the mat may have dropped out, or the person may lie beside the bed: a
soft *sjekk* at the limit, which becomes an alarm if something moves after all, or when nobody has looked for
`CHECK_MS` more. A person's look answers it until the bed next reads occupied. Must not know which alarm is open.

A fold: facts come in the order in which they happened, and every judgement is made at a deadline (`Wake`), because
only then is it known that nothing is missing. A room may have several bed sensors; it is left when all read empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nattevakt.edge.events import Bed, Chair, Contact, Motion, Presence
from nattevakt.edge.rules.rule import (
    UNCONFIRMED,
    Clear,
    Fact,
    JsonState,
    Key,
    Log,
    Priority,
    Raise,
    Reason,
    RestsOn,
    Step,
    Wake,
)
from nattevakt.edge.rules.windows import NORWAY, Window, touches

RULE = "not_back_in_bed"
KIND = "not_back_in_bed"
CHECK_KIND = "bed_check"
REASONS = (
    "bed.check",
    "bed.check_unconfirmed",
    "bed.not_back_seen",
    "bed.not_back_seen_unconfirmed",
    "bed.not_back_still",
    "bed.not_back_still_unconfirmed",
    "bed.back",
    "bed.back_before_known",
    "bed.moved_away",
)

LIMIT_MIN = 15
"""How long a bed may be empty where nothing else is said."""
CHECK_MS = 15 * 60_000
"""So long after a *sjekk* that nobody has answered it becomes an alarm."""
SETTLED_MS = 5_000
"""A bed that reads occupied for less than this was not returned to: mats chatter for one to three seconds."""
SAME_MS = 3_000
"""A second "empty" this soon is the same exit, heard through another gateway."""
KEYS_MAX = 4
STALE_MS = 24 * 3_600_000
"""What a bed said so long ago tells nothing of now: its resident may have been elsewhere and come back since."""


@dataclass(frozen=True, slots=True)
class BedWindow:
    """A time of night in which an empty bed is watched, and for how long it may be empty. limit_min: minutes."""

    window: Window
    limit_min: int = LIMIT_MIN


@dataclass(frozen=True, slots=True)
class Settings:
    """The windows of a resident, or of all who share a room. No window: the supervision is off.

    beds: the bed sensors that hang there, None where that is not known. One that hangs there no longer does not
    hold anybody in bed.
    """

    windows: tuple[BedWindow, ...] = ()
    time_zone: str = NORWAY
    beds: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Out:
    """One exit from the bed. All times are service time (ms).

    seen: when and where something else last moved before the limit. after: when and where it first did after it.
    back_ms: the bed reads occupied since then, not yet for long enough. asked: the *sjekk* has been made; moved: the
    alarm for what moved after it has been; done: nothing more will be said of this exit. rung: up to which of the
    two limits it rang without confirmation.
    """

    from_ms: int
    to_ms: int
    limit_ms: int
    keys: tuple[Key, ...]
    place: str
    seen: tuple[int, str] | None = None
    after: tuple[int, str] | None = None
    back_ms: int | None = None
    asked: bool = False
    moved: bool = False
    done: bool = False
    rung: int = 0

    @property
    def check_ms(self) -> int:
        """The first limit."""
        return self.from_ms + self.limit_ms

    @property
    def alarm_ms(self) -> int:
        """The second. Whoever is asked about an exit of doubtful time is given as long to look as anybody."""
        return max(self.check_ms, self.to_ms) + CHECK_MS

    @property
    def due_ms(self) -> int | None:
        """When this exit must be looked at next."""
        if self.back_ms is not None:
            return self.back_ms + SETTLED_MS
        if self.done:
            return None
        if not self.asked:
            return self.check_ms
        return self.alarm_ms if self.after is None or self.moved else min(self.alarm_ms, self.after[0])


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _at(value: object) -> tuple[int, str] | None:
    return (_number(value[0]), str(value[1])) if isinstance(value, list | tuple) else None


def _out(state: JsonState) -> _Out | None:
    found = state.get("out")
    if not isinstance(found, Mapping):
        return None
    return _Out(
        _number(found["from_ms"]),
        _number(found["to_ms"]),
        _number(found["limit_ms"]),
        tuple(tuple(key) for key in found["keys"]),
        str(found["place"]),
        _at(found["seen"]),
        _at(found["after"]),
        found["back_ms"],
        bool(found["asked"]),
        bool(found["moved"]),
        bool(found["done"]),
        _number(found["rung"]),
    )


def _beds(state: JsonState) -> dict[str, bool]:
    found = state.get("beds")
    return {str(name): bool(inside) for name, inside in found.items()} if isinstance(found, Mapping) else {}


def _told(state: JsonState) -> dict[str, int]:
    found = state.get("told")
    return {str(name): _number(at_ms) for name, at_ms in found.items()} if isinstance(found, Mapping) else {}


def _state(beds: Mapping[str, bool], told: Mapping[str, int], out: _Out | None) -> JsonState:
    if out is None:
        return {"beds": dict(beds), "told": dict(told)}
    plain: dict[str, object] = {name: getattr(out, name) for name in _Out.__dataclass_fields__}
    plain["keys"] = [list(key) for key in out.keys]
    plain["seen"] = list(out.seen) if out.seen else None
    plain["after"] = list(out.after) if out.after else None
    return {"beds": dict(beds), "told": dict(told), "out": plain}


def step(state: JsonState, fact: Fact | Wake, settings: Settings, now_ms: int) -> Step:
    """Take note of a fact, or judge a deadline."""
    if state.get("out") is None and isinstance(fact, Fact) and not isinstance(fact.body, Bed):
        return Step(state)  # what moves while nobody has left the bed; there is much of it
    beds, told, out = _beds(state), _told(state), _out(state)
    verdicts: tuple[Raise | Clear | Log, ...] = ()
    if isinstance(fact, Wake):
        verdicts, out = _look(out, fact, now_ms)
    elif isinstance(fact.body, Bed):
        _forget(beds, told, fact.occurred.to_ms, settings, fact.body)
        verdicts, out = _bed(beds, out, fact, fact.body, settings)
    else:
        out = _evidence(out, fact)
    return Step(_state(beds, told, out), verdicts, out.due_ms if out is not None else None)


def unjudged(state: JsonState) -> JsonState:
    """The state as if none of its deadlines had been looked at: a late fact may change what was said at them."""
    out = _out(state)
    if out is None:
        return state
    return _state(_beds(state), _told(state), replace(out, asked=False, moved=False, done=False, rung=0))


def rests_on(state: JsonState) -> RestsOn:
    """What the next judgement leans on."""
    out = _out(state)
    beds = tuple(sorted(_beds(state)))
    return RestsOn(beds) if out is None else RestsOn(beds, out.keys, out.to_ms)


def left(state: JsonState) -> Step:
    """Who was watched does not live there any more: whatever the bed says is about somebody else."""
    out = _out(state)
    verdicts = (Clear(Reason("bed.moved_away"), out.keys),) if out is not None else ()
    return Step({}, verdicts)


def _forget(beds: dict[str, bool], told: dict[str, int], at_ms: int, settings: Settings, body: Bed) -> None:
    """Let go of beds that hang there no longer or have long said nothing, and note who speaks now."""
    for name in list(beds):
        gone = settings.beds is not None and name not in settings.beds and name != body.device
        if gone or at_ms - told.get(name, 0) >= STALE_MS:
            del beds[name]
            told.pop(name, None)
    told[body.device] = at_ms


def _bed(
    beds: dict[str, bool], out: _Out | None, fact: Fact, body: Bed, settings: Settings
) -> tuple[tuple[Clear | Log, ...], _Out | None]:
    """The bed sensor changed; brings `beds` up to date."""
    before = dict(beds)
    beds[body.device] = body.occupied
    at = fact.occurred
    if body.occupied:
        if out is None or out.back_ms is not None:
            return (), out
        unheard = out.check_ms <= at.to_ms and not (out.asked or out.done or out.rung)
        logged = (Log(Reason("bed.back_before_known")),) if unheard else ()
        return logged, replace(out, back_ms=at.to_ms)
    if any(beds.values()):
        return (), out
    verdicts: tuple[Clear | Log, ...] = ()
    if out is not None and out.back_ms is not None:
        if at.to_ms - out.back_ms < SETTLED_MS:
            return (), replace(out, back_ms=None)
        verdicts = (_cleared(out),)
    elif out is not None and not (out.done and not before):
        same = at.from_ms - out.to_ms <= SAME_MS and len(out.keys) < KEYS_MAX
        return (), replace(out, keys=(*out.keys, fact.key)) if same else out
    elif before and not any(before.values()):
        # It was left outside every window, and reads empty once more.
        return (), None
    limits = [
        entry.limit_min
        for entry in settings.windows
        if touches((entry.window,), at.from_ms, at.to_ms, settings.time_zone)
    ]
    if not limits:
        return verdicts, None
    # A doubtful exit counts from the earliest moment at which it can have been.
    return verdicts, _Out(at.from_ms, at.to_ms, min(limits) * 60_000, (fact.key,), fact.place)


def _evidence(out: _Out | None, fact: Fact) -> _Out | None:
    """Something else moved; it counts where it is certain that it came after the exit."""
    body = fact.body
    seated = isinstance(body, Chair) and body.seated
    counts = isinstance(body, Contact | Motion) or seated or (isinstance(body, Presence) and body.present)
    # What moves where the bed is may be the sleeper whom the mat does not feel.
    if out is None or not counts or fact.occurred.from_ms < out.to_ms or (fact.place and fact.place == out.place):
        return out
    at = (fact.occurred.to_ms, fact.place)
    if at[0] <= out.check_ms:
        return replace(out, seen=at)
    # After the second limit all has been said, whatever moves: a refold must not tell another story.
    return out if out.after is not None or at[0] > out.alarm_ms else replace(out, after=at)


def _look(out: _Out | None, wake: Wake, now_ms: int) -> tuple[tuple[Raise | Clear, ...], _Out | None]:
    """Judge a deadline."""
    if out is None or out.due_ms is None or wake.at_ms < out.due_ms:
        return (), out
    if out.back_ms is not None:
        # What comes next may say that it was chatter; an alarm is not ended on the word of half of the sensors.
        return ((_cleared(out),), None) if wake.confirmed else ((), out)
    if wake.answered:
        return (), replace(out, done=True)
    if not wake.confirmed:
        limit = 2 if out.asked or now_ms >= out.alarm_ms else 1
        if out.rung >= limit:
            return (), out
        if limit == 1 and out.seen is None and out.after is None:
            return (_check(out, UNCONFIRMED),), replace(out, rung=limit)
        insists = now_ms >= out.alarm_ms or not out.asked
        return (replace(_alarm(out, UNCONFIRMED), insists=insists),), replace(out, rung=limit)
    if out.asked and wake.at_ms < out.alarm_ms:
        # The movement may be whoever is on the way to look; who has not come by the second limit is rung again.
        return (replace(_alarm(out), insists=False),), replace(out, moved=True)
    if out.asked or out.seen is not None:
        return (_alarm(out),), replace(out, asked=True, done=True)
    return (_check(out),), replace(out, asked=True)


def _cleared(out: _Out) -> Clear:
    return Clear(Reason("bed.back", {"place": out.place}), out.keys)


def _params(out: _Out) -> dict[str, str | int]:
    return {"place": out.place, "left_ms": out.from_ms, "min": out.limit_ms // 60_000}


def _check(out: _Out, suffix: str = "") -> Raise:
    return Raise(CHECK_KIND, Priority.LOW, Reason(f"bed.check{suffix}", _params(out)), out.keys)


def _alarm(out: _Out, suffix: str = "") -> Raise:
    seen = out.seen or out.after
    if seen is None:
        params = {**_params(out), "min": (out.limit_ms + CHECK_MS) // 60_000}
        return Raise(KIND, Priority.MEDIUM, Reason(f"bed.not_back_still{suffix}", params), out.keys)
    params = {**_params(out), "seen_ms": seen[0], "seen": seen[1]}
    return Raise(KIND, Priority.MEDIUM, Reason(f"bed.not_back_seen{suffix}", params), out.keys)
