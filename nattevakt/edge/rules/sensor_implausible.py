"""A sensor says what cannot be so: it flickers, stands still, tells the opposite, or far too much. Serves arrow 7.

Owns what counts as implausible for a bed, a chair and a door, from what that one device says. It raises nothing: a
finding for the day, one a local day of each device and code, with its counts. Must not know rooms, alarms, or what
other sensors say. Each night (22 to 06) and each day (06 to 22) is counted up and judged when it ends: in the morning
for the bed, in the evening, before doors matter, for the doors. What was not all heard is judged only by its counts.

- Flicker: a bed that says in and out 60 times in a night, a door that is open for less than a second 20 times.
- Stuck: a bed or chair with somebody in it for 20 hours; a door open since noon, or nine tenths of the day.
- Inverted: a bed with nobody in it by night and somebody by day; a door that is shut only for moments.
- Flood: the gateway says so of the device.

Not judged: a room where nothing moves for days may be empty, and only other sensors can tell; nor presence, which has
neither a least nor a most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from nattevakt.edge.events import Bed, Chair, Contact, Health
from nattevakt.edge.rules.rule import (
    Armed,
    Fact,
    Finding,
    Folding,
    JsonState,
    Per,
    Reason,
    RestsOn,
    Rule,
    Step,
    Wake,
)
from nattevakt.edge.rules.windows import local_day, local_minute, next_at_ms

RULE = "sensor_implausible"
KIND = "rule_failed"
"""It raises nothing; this is what sounds if it fails."""
REASONS = (
    "implausible.bed_flicker",
    "implausible.bed_stuck",
    "implausible.bed_inverted",
    "implausible.chair_stuck",
    "implausible.door_flicker",
    "implausible.door_open",
    "implausible.door_mostly_open",
    "implausible.door_inverted",
    "implausible.flood",
)

MORNING, EVENING = 6 * 60, 22 * 60
"""Local minutes at which a night and a day end."""
SPREAD_S = 1_800
"""Each device is looked at so much later at most, by its address: a thousand at once would hold up what rings."""
BED_CHANGES = 60
"""Bad mats toggle 100 to 2,000 times a night, good ones never; two trips with a restless hour make some thirty."""
SHORT_MS, SHORT_OPENINGS = 1_000, 20
"""A door is open for 3 to 12 seconds, and nobody is through it within one."""
STUCK_MS = 20 * 3_600_000
OPEN_MS = 10 * 3_600_000
"""Open since noon, at 22."""
OPEN_PERCENT = 90
SHUT_MS, SHUT_TIMES = 150_000, 3
"""99 of 100 openings last 150 s at most: a door that is shut for no longer, three times, is open when it says shut."""
IN_BED_BY_DAY_PERCENT, IN_BED_BY_NIGHT_PERCENT = 60, 20

Params = dict[str, str | int]
Part = list[int]
"""One night or day that has ended: from_ms, to_ms, on_ms (in bed, seated, open), changes, short openings, and whether
all of it was heard."""
_FROM, _TO, _ON, _CHANGES, _SHORT, _WHOLE = range(6)
Now = list[Any]
"""The running one: what it is ("bed", "chair", "door", "" for another), on (0, 1), since_ms, from_ms, to_ms, on_ms,
changes, short openings, wake_ms."""
State = Mapping[str, Any]
"""now; and rest, which a change leaves alone: device, the last two parts (past), whether the running one was heard from
its beginning (whole), and since when the device floods (flood_ms)."""


def step(state: State, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
    """Count a change, or judge a night or day that has ended. A mat makes thousands of these: keep it short."""
    if isinstance(fact, Wake):
        return _look(state, fact, armed)
    body = fact.body
    if isinstance(body, Bed):
        what, on = "bed", body.occupied
    elif isinstance(body, Contact):
        what, on = "door", body.open
    elif isinstance(body, Chair):
        what, on = "chair", body.seated
    elif isinstance(body, Health):
        return None if body.flood is None else _flood(state, body, fact.occurred.to_ms, armed)
    else:
        return None
    at_ms = fact.occurred.to_ms
    if not state or state["now"][0] != what:
        return _begin(state, what, body.device, on, at_ms, armed)
    _, was, since_ms, from_ms, to_ms, on_ms, changes, short, wake_ms = state["now"]
    if at_ms >= to_ms:
        # Told before anybody looked at the end of the night or day.
        ended, said = _ended(state, at_ms, armed, confirmed=True)
        rest = step(ended, fact, armed, now_ms)
        return Step(rest.state if rest is not None else ended, said, _wake_ms(ended))
    if was:
        if on:
            return None
        on_ms += at_ms - (since_ms if since_ms > from_ms else from_ms)
        if at_ms - since_ms < SHORT_MS:
            short += 1
    elif not on:
        return None
    now = (what, 1 - was, at_ms, from_ms, to_ms, on_ms, changes + 1, short, wake_ms)
    return Step({"now": now, "rest": state["rest"]}, (), wake_ms)


def _end_ms(at_ms: int, armed: Armed) -> int:
    """When the night or day ends that this moment belongs to."""
    return min(next_at_ms(minute, at_ms, armed.time_zone) for minute in (MORNING, EVENING))


def _look_ms(to_ms: int, device: str) -> int:
    """When the end of a night or day is looked at."""
    return to_ms + crc32(device.encode()) % SPREAD_S * 1000


def _wake_ms(state: State) -> int:
    return int(state["now"][8])


def _begin(state: State, what: str, device: str, on: bool, at_ms: int, armed: Armed) -> Step:
    """The first word of a device, or its first of another kind."""
    to_ms = _end_ms(at_ms, armed)
    flood_ms = state["rest"]["flood_ms"] if state else None
    rest: dict[str, Any] = {"device": device, "past": [], "whole": 0, "flood_ms": flood_ms}
    wake_ms = _look_ms(to_ms, device)
    return Step({"now": [what, int(on), at_ms, at_ms, to_ms, 0, 0, 0, wake_ms], "rest": rest}, (), wake_ms)


def _flood(state: State, body: Health, at_ms: int, armed: Armed) -> Step | None:
    """A flood is told when it begins, and each day while it lasts."""
    known = bool(state) and state["rest"]["flood_ms"] is not None
    if body.flood == known:
        return None
    # A device of another kind, as a button: nothing of it is counted.
    begun: State = state or _begin(state, "", body.device, False, at_ms, armed).state  # noqa: FBT003 - it says neither
    after = {"now": begun["now"], "rest": {**begun["rest"], "flood_ms": at_ms if body.flood else None}}
    said = (_finding(after, "flood", at_ms, armed, {"since_ms": at_ms}),) if body.flood else ()
    return Step(after, said, _wake_ms(after))


def _look(state: State, wake: Wake, armed: Armed) -> Step | None:
    if not state or wake.at_ms < state["now"][4]:
        return None
    ended, said = _ended(state, wake.at_ms, armed, confirmed=wake.confirmed)
    return Step(ended, said, _wake_ms(ended))


def _ended(state: State, at_ms: int, armed: Armed, *, confirmed: bool) -> tuple[State, tuple[Finding, ...]]:
    """Count up the nights and days that have ended by then, and judge them; what was not heard is not judged."""
    said = list[Finding]()
    while at_ms >= state["now"][4]:
        what, on, since_ms, from_ms, to_ms, on_ms, changes, short, _ = state["now"]
        rest = state["rest"]
        on_ms += (to_ms - max(since_ms, from_ms)) * on
        part: Part = [from_ms, to_ms, on_ms, changes, short, rest["whole"] if confirmed else 0]
        end_ms, since_ms = _end_ms(to_ms, armed), since_ms if confirmed else to_ms
        now: Now = [what, on, since_ms, to_ms, end_ms, 0, 0, 0, _look_ms(end_ms, rest["device"])]
        state = {"now": now, "rest": {**rest, "past": [*rest["past"], part][-2:], "whole": 1}}
        if confirmed:
            said += _judged(state, armed)
    return state, tuple(said)


def _judged(state: State, armed: Armed) -> list[Finding]:
    """What is implausible in the part that has just ended, and in what it ended."""
    past, now = state["rest"]["past"], state["now"]
    part, end_ms = past[-1], past[-1][_TO]
    found: list[tuple[str, Params]] = []
    if now[0] == "bed":
        found = _bed(past, now, night=local_minute(end_ms, armed.time_zone) == MORNING)
    elif now[0] == "chair":
        found = _stuck("chair_stuck", now)
    elif now[0] == "door":
        found = _door(past, now, night=local_minute(end_ms, armed.time_zone) == MORNING)
    if state["rest"]["flood_ms"] is not None:
        found.append(("flood", {"since_ms": state["rest"]["flood_ms"]}))
    window = {"from_ms": part[_FROM], "to_ms": end_ms}
    return [_finding(state, code, end_ms, armed, {**window, **params}) for code, params in found]


def _finding(state: State, code: str, at_ms: int, armed: Armed, params: Params) -> Finding:
    return Finding(state["rest"]["device"], Reason(f"implausible.{code}", params), local_day(at_ms, armed.time_zone))


def _stuck(code: str, now: Now) -> list[tuple[str, Params]]:
    """Somebody in it for too long, at the end of a part."""
    _, on, since_ms, at_ms = now[:4]
    hours = (at_ms - since_ms) // 3_600_000
    return [(code, {"since_ms": since_ms, "hours": hours})] if on and at_ms - since_ms >= STUCK_MS else []


def _bed(past: Sequence[Part], now: Now, *, night: bool) -> list[tuple[str, Params]]:
    found = _stuck("bed_stuck", now)
    if not night:
        return found
    part = past[-1]
    if part[_CHANGES] >= BED_CHANGES:
        found.append(("bed_flicker", {"times": part[_CHANGES]}))
    if len(past) == 2 and all(one[_WHOLE] for one in past):
        by_day, by_night = (100 * one[_ON] // (one[_TO] - one[_FROM]) for one in past)
        if by_day >= IN_BED_BY_DAY_PERCENT and by_night <= IN_BED_BY_NIGHT_PERCENT:
            found.append(("bed_inverted", {"day_percent": by_day, "night_percent": by_night}))
    return found


def _door(past: Sequence[Part], now: Now, *, night: bool) -> list[tuple[str, Params]]:
    found: list[tuple[str, Params]] = []
    if past[-1][_SHORT] >= SHORT_OPENINGS:
        found.append(("door_flicker", {"times": past[-1][_SHORT]}))
    if night:
        return found
    whole_ms = sum(one[_TO] - one[_FROM] for one in past)
    open_ms = sum(one[_ON] for one in past)
    shut = sum(one[_CHANGES] for one in past) // 2
    percent = 100 * open_ms // whole_ms
    _, on, since_ms, at_ms = now[:4]
    if len(past) == 2 and all(one[_WHOLE] for one in past) and percent >= OPEN_PERCENT:
        if shut >= SHUT_TIMES and (whole_ms - open_ms) <= shut * SHUT_MS:
            found.append(("door_inverted", {"percent": percent, "times": shut}))
            return found
        if shut:
            found.append(("door_mostly_open", {"percent": percent}))
            return found
    if on and at_ms - since_ms >= OPEN_MS:
        found.append(("door_open", {"since_ms": since_ms, "hours": (at_ms - since_ms) // 3_600_000}))
    return found


def unjudged(state: JsonState) -> JsonState:
    """The state as it is: a finding that is made again is the same one, with the evidence as it is then."""
    return state


def rests_on(state: State) -> RestsOn:
    """The device itself."""
    return RestsOn((state["rest"]["device"],)) if state else RestsOn()


def left(state: JsonState) -> Step:  # noqa: ARG001 - one contract for all rules
    """It hangs nowhere any more."""
    return Step({})


SPEC = Rule(
    RULE,
    KIND,
    (Contact, Bed, Chair, Health),
    step,
    REASONS,
    per=Per.DEVICE,
    folding=Folding(unjudged, rests_on, left),
)
