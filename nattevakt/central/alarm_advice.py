"""Whether another limit would have rung less in vain and no later where it mattered. Serves no arrow; it only reads.

Owns the small ladder of values that are tried, and when a change may be proposed at all: over the last nights none of
the alarms that were of use would have been lost, nor come more than `LATER_MS` later. Nothing is changed by it: a
person decides, and sees the simulated effect. Must not know how it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from nattevakt.central.alarm_use import useful
from nattevakt.central.alarms.desk import Rung
from nattevakt.central.alarms.kinds import is_technical
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.backtest import Was, was_of
from nattevakt.central.db import TenantSession
from nattevakt.central.past import past, tried
from nattevakt.central.places.plan_lines import Line, complete, entries_of
from nattevakt.central.places.plans import current
from nattevakt.edge.rules.catalogue import BY_NAME

NIGHTS = 14
LATER_MS = 10 * 60_000
"""An alarm that was of use may come so much later at most."""
SAVED_MIN = 2
"""So many fewer in vain in these nights are worth a change."""

LADDERS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "limit_min": (5, 10, 15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720),
        "settle_s": (5, 10, 20, 30, 60, 120),
    }
)
"""The values that are tried of a setting: the next `STEPS` above the one that holds. A lower one rings no less."""
STEPS = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A limit that would have been better. line: which line of the plan. useless, alarms: of these nights, as it is
    and as it would be. useful: alarms of use, none of them lost; later_ms: how much later one of them came at most.
    """

    resident_id: int
    line: int
    rule: str
    setting: str
    value: int
    proposed: int
    nights: int
    useless: int
    useless_then: int
    alarms: int
    alarms_then: int
    useful: int
    later_ms: int


@dataclass(frozen=True, slots=True)
class _Change:
    line: int
    setting: str
    value: int
    proposed: int


def suggestion(s: TenantSession, resident_id: int, now_ms: int) -> Suggestion | None:
    """The change of one number of the resident's plan that saves most, None where none does.

    Raises RejectError where there are more events than can be tried.
    """
    plan = current(s, resident_id)
    if plan is None or plan.ended_ms is not None or not plan.lines:
        return None
    lines = complete(plan.lines)
    nights = past(s, resident_id, NIGHTS, now_ms)
    really = was_of(s, resident_id, nights.from_ms, nights.to_ms)
    vain = {alarm.rule for alarm in really if _useful(alarm) is False}
    changes = [change for change in _changes(lines) if lines[change.line].rule in vain]
    if not changes:
        return None
    # Rules do not know of each other, so each change is tried with the lines of its own rule only.
    plans = [[line for line in lines if line.rule in vain], *(_changed(lines, change) for change in changes)]
    as_is, *others = tried(s, nights, [entries_of(each) for each in plans])
    found = [
        made
        for change, other in zip(changes, others, strict=True)
        if (made := _worth(resident_id, lines, change, really, as_is, other)) is not None
    ]
    # The least change that saves as much: later is never better by itself.
    return min(found, key=lambda made: (made.useless_then - made.useless, made.proposed - made.value), default=None)


def _changes(lines: Sequence[Line]) -> Iterator[_Change]:
    for index, line in enumerate(lines):
        rule = BY_NAME.get(line.rule)
        for setting in rule.settings if rule is not None else ():
            value = line.settings[setting.name]
            above = [step for step in LADDERS.get(setting.name, ()) if value < step <= setting.most]
            for proposed in above[:STEPS]:
                yield _Change(index, setting.name, value, proposed)


def _changed(lines: Sequence[Line], change: _Change) -> list[Line]:
    """The lines of the rule that a change is about, with the change made."""
    line = lines[change.line]
    other = Line(line.rule, line.windows, {**line.settings, change.setting: change.proposed})
    changed = [*lines[: change.line], other, *lines[change.line + 1 :]]
    return [each for each in changed if each.rule == line.rule]


def _useful(alarm: Was) -> bool | None:
    return useful(alarm.kind, alarm.cause, alarm.action)


def _worth(
    resident_id: int,
    lines: Sequence[Line],
    change: _Change,
    really: Sequence[Was],
    as_is: Sequence[Rung],
    other: Sequence[Rung],
) -> Suggestion | None:
    """What a change would have saved; None where it saves too little, or anything that mattered is lost or late."""
    rule = lines[change.line].rule
    mine = [alarm for alarm in really if alarm.rule == rule]
    later_ms, kept = 0, 0
    for alarm in mine:
        if not _mattered(alarm):
            continue
        same = _same(alarm, other)
        if same is None or same.raised_ms > alarm.at_ms + LATER_MS:
            return None
        kept += 1
        later_ms = max(later_ms, same.raised_ms - alarm.at_ms)
    vain = [alarm for alarm in mine if _useful(alarm) is False and _same(alarm, as_is) is not None]
    still = sum(1 for alarm in vain if _same(alarm, other) is not None)
    before, then = (sum(1 for alarm in found if alarm.rule == rule) for found in (as_is, other))
    if len(vain) - still < SAVED_MIN or then > before:
        return None
    return Suggestion(
        resident_id,
        change.line,
        rule,
        change.setting,
        change.value,
        change.proposed,
        NIGHTS,
        len(vain),
        still,
        before,
        then,
        kept,
        max(0, later_ms),
    )


def _mattered(alarm: Was) -> bool:
    """Whether it was of use, or may have been: it stands open still."""
    said = _useful(alarm)
    technical = is_technical(alarm.kind)
    open_still = said is None and alarm.state not in (State.CLEARED.value, State.CLOSED.value)
    return not technical and (said is True or open_still)


def _same(alarm: Was, tried_alarms: Sequence[Rung]) -> Rung | None:
    """The alarm of the trial about the same events, the first of them."""
    return next(
        (other for other in tried_alarms if other.rule == alarm.rule and not alarm.holds.isdisjoint(other.holds)), None
    )
