"""A device's battery is low. Serves arrow 7.

Owns when that is so: its own warning, or a low percentage that is said again an hour later or more, because one odd
number is no battery. One alarm a battery: it ends when the battery has been changed (half full or more), or when the
device has taken its warning back for a day. Must not know which alarm is open.

An alarm that is open stays on the board and sounds no more. One that somebody has closed without a new battery is
raised again a day later, between 08 and 20: a low battery is to be told at least daily, and it is told to those who can
change it, not to the night.

What a device says of itself counts by its newest word: one that it is low counts for nothing where a newer one says
otherwise, and the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter

from nattevakt.edge.events import Health
from nattevakt.edge.rules.rule import (
    Armed,
    Clear,
    Fact,
    JsonState,
    Per,
    Priority,
    Raise,
    Reason,
    Rule,
    Step,
    Wake,
)
from nattevakt.edge.rules.windows import Window, inside

RULE = "battery_low"
KIND = "battery_low"
REASONS = ("battery_low", "battery_low.percent", "battery_low.changed")

LOW_PERCENT = 15
FULL_PERCENT = 50
"""No battery gets so much better by itself."""
APART_MS = 3_600_000
DAY_MS = 24 * 3_600_000
BY_DAY = Window(8 * 60, 20 * 60)


@dataclass(slots=True)
class _Battery:
    """What is known of one battery; nobody changes one. All times are service time (ms), 0 for never.

    low_ms, well_ms: the newest word that it is low, and that it is not. odd_ms: when it first said a low percentage.
    told_ms: when that it is low was last told. back_ms: since when it has said that it is not low after all.
    """

    low_ms: int = 0
    well_ms: int = 0
    odd_ms: int = 0
    told_ms: int = 0
    back_ms: int = 0


_NAMES = tuple(_Battery.__dataclass_fields__)
_values = attrgetter(*_NAMES)


def _plain(battery: _Battery) -> JsonState:
    return dict(zip(_NAMES, _values(battery), strict=True))


def _battery(state: JsonState) -> _Battery:
    found = {name: value for name, value in state.items() if isinstance(value, int)}
    return _Battery(**found)


def _kept(known: _Battery) -> JsonState:
    return {name: getattr(known, name) for name in _Battery.__dataclass_fields__}


def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:  # noqa: ARG001 - one contract for all rules
    """Take note of what a device says of its battery."""
    if isinstance(fact, Wake):
        return None
    body = fact.body
    if not isinstance(body, Health) or (body.battery_low is None and body.battery_percent is None):
        return None
    at_ms, percent = fact.occurred.to_ms, body.battery_percent
    if percent is not None and percent > LOW_PERCENT and not body.battery_low and state.get("told_ms") == 0:
        # As most devices say every few hours all their lives.
        newest_ms: int = max(state["low_ms"], state["well_ms"])  # type: ignore[call-overload]
        return None if at_ms < newest_ms else Step({**state, "well_ms": at_ms, "odd_ms": 0})
    known = _battery(state)
    odd = percent is not None and percent <= LOW_PERCENT
    if body.battery_low or odd:
        if at_ms < known.well_ms:
            return None
        return _low(replace(known, low_ms=max(at_ms, known.low_ms), back_ms=0), fact, body, armed, odd=odd)
    if at_ms < max(known.low_ms, known.well_ms):
        return None
    return _well(replace(known, well_ms=at_ms), fact, body)


def _low(known: _Battery, fact: Fact, body: Health, armed: Armed, *, odd: bool) -> Step:
    at_ms = fact.occurred.to_ms
    if known.told_ms:
        due = at_ms - known.told_ms >= DAY_MS and inside(BY_DAY, at_ms, armed.time_zone)
    else:
        if odd:
            known = replace(known, odd_ms=min(known.odd_ms or at_ms, at_ms))
        due = bool(body.battery_low) or known.low_ms - known.odd_ms >= APART_MS
    if not due:
        return Step(_kept(known))
    return Step(_kept(replace(known, told_ms=at_ms)), (_raise(fact, body, odd=odd),))


def _well(known: _Battery, fact: Fact, body: Health) -> Step:
    at_ms, percent = fact.occurred.to_ms, body.battery_percent
    if not known.told_ms:
        # Only a number that is not low takes back one that was.
        return Step(_kept(known if percent is None else replace(known, odd_ms=0)))
    back_ms = known.back_ms
    if body.battery_low is False:
        # A percentage between the two says neither.
        back_ms = back_ms or at_ms
    changed = percent is not None and percent >= FULL_PERCENT
    if not changed and not (body.battery_low is False and at_ms - back_ms >= DAY_MS):
        return Step(_kept(replace(known, back_ms=back_ms)))
    params: dict[str, str | int] = {"device": body.device, "place": fact.place}
    return Step(_kept(_Battery(well_ms=at_ms)), (Clear(Reason("battery_low.changed", params)),))


def _raise(fact: Fact, body: Health, *, odd: bool) -> Raise:
    params: dict[str, str | int] = {"device": body.device, "place": fact.place}
    if odd and body.battery_percent is not None:
        params["percent"] = round(body.battery_percent)
    return Raise(KIND, Priority.LOW, Reason("battery_low.percent" if odd else "battery_low", params))


SPEC = Rule(RULE, KIND, (Health,), step, REASONS, kinds=(KIND,), per=Per.DEVICE)
