"""The laws of every rule: what must hold however a night comes. Whoever writes a rule gets them by its line in the
catalogue; test_rule_laws.py runs them, and shows by rules that are broken on purpose that each of them can fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace

from hypothesis import note
from hypothesis import strategies as st

from nattevakt.edge.events import (
    Bed,
    Body,
    Call,
    Chair,
    Contact,
    Fall,
    FallOver,
    Health,
    Leak,
    LeakOver,
    Motion,
    Presence,
    Wet,
)
from nattevakt.edge.rules.rule import UNCONFIRMED, Armed, Entry, Fact, JsonState, Occurred, Per, Rule, Step, Wake
from nattevakt.edge.rules.windows import Window
from tests.edge.rule_centre import BACK_MS, EVENING, QUIET_MS, Alarm, Board, Centre, at_once, lived
from tests.edge.rule_nights import HOUR, MIN, S, at

SPAN_MS = 24 * HOUR
LIMIT_MIN_MOST = 90
"""Limits are set to no more than this, so that a night has room for them."""

Happening = tuple[int, Body, str, int]
"""When (ms after the evening), what, where, and how long before that it may have been (ms)."""

_BODIES: tuple[tuple[Body, str], ...] = (
    (Bed("mat", occupied=True), "seng"),
    (Bed("mat", occupied=False), "seng"),
    (Bed("mat", occupied=True), "seng"),
    (Bed("mat", occupied=False), "seng"),
    (Bed("mat 2", occupied=True), "seng"),
    (Bed("mat 2", occupied=False), "seng"),
    (Motion("pir"), "bad"),
    (Motion("pir 2"), "stue"),
    (Motion("pir 3"), "seng"),
    (Contact("door", open=True), "inngangsdør"),
    (Contact("door", open=False), "inngangsdør"),
    (Contact("door 2", open=True), "terrassedør"),
    (Contact("door 2", open=False), "terrassedør"),
    (Presence("radar", present=True), "bad"),
    (Presence("radar", present=False), "bad"),
    (Presence("radar 2", present=True), "stue"),
    (Presence("radar 2", present=False), "stue"),
    (Chair("pad", seated=True), "stue"),
    (Chair("pad", seated=False), "stue"),
    (Call("cord", "press"), "bad"),
    (Fall("belt"), ""),
    (FallOver("belt"), ""),
    (Leak("puck"), "bad"),
    (LeakOver("puck"), "bad"),
    (Wet("sheet", wet=True), "seng"),
    (Wet("sheet", wet=False), "seng"),
    (Health("pir", battery_low=True), "bad"),
    (Health("pir", battery_percent=9.0), "bad"),
    (Health("pir", battery_percent=80.0, battery_low=False), "bad"),
    (Health("pir", tamper=True), "bad"),
    (Health("pir", tamper=False), "bad"),
    (Health("pir", flood=True), "bad"),
    (Health("pir", flood=False), "bad"),
)
DEVICES: Mapping[str, str] = {str(getattr(body, "device", "")): place for body, place in _BODIES}
_WAITS_S = (1, 2, 2, 4, 6, 20, 50, 180, 300, 780, 900, 960, 1860, 4200, 3 * 3600)


def bodies_of(rule: Rule) -> list[tuple[Body, str]]:
    """What a night is made of for this rule; of one device where it judges each by itself."""
    found = [(body, place) for body, place in _BODIES if isinstance(body, rule.wants)]
    if rule.per is Per.DEVICE:
        found = [(_of(body, "it"), place) for body, place in found]
    return found


def _of(body: Body, device: str) -> Body:
    made = copy(body)
    object.__setattr__(made, "device", device)
    return made


@st.composite
def nights(draw: st.DrawFn, rule: Rule) -> list[Happening]:
    """A plausible night: one thing after another, some of them of doubtful time."""
    bodies = bodies_of(rule)
    picks = draw(
        st.lists(st.tuples(st.sampled_from(_WAITS_S), st.integers(0, len(bodies) - 1)), min_size=2, max_size=14)
    )
    doubts = draw(st.lists(st.sampled_from([0, 0, 0, 0, 0, 2, 300]), min_size=len(picks), max_size=len(picks)))
    at_ms = draw(st.sampled_from([10 * MIN, 3 * HOUR + 58 * MIN, 5 * HOUR]))
    night: list[Happening] = []
    for (wait_s, index), doubt_s in zip(picks, doubts, strict=True):
        at_ms = min(at_ms + wait_s * S, SPAN_MS - HOUR)
        body, place = bodies[index]
        night.append((at_ms, body, place, doubt_s * S))
    return night


@st.composite
def plans(
    draw: st.DrawFn, rule: Rule, windows: Sequence[Window] = (Window(22 * 60, 7 * 60), Window(1 * 60, 5 * 60))
) -> Armed:
    """One or two lines, each number at its least or its default, none longer than a night has room for."""
    entries = []
    for _ in range(draw(st.integers(1, 2)) if rule.planned else 1):
        values = {}
        for setting in rule.settings:
            default = setting.default
            if setting.name.endswith("_min"):
                default = max(setting.least, min(default, LIMIT_MIN_MOST))
            usual = setting.name.startswith(("by_", "weekday"))
            values[setting.name] = default if usual or draw(st.integers(0, 2)) else setting.least
        chosen = (draw(st.sampled_from([(), *((window,) for window in windows)])),) if rule.windowed else ((),)
        entries.append(Entry(chosen[0], values))
    return Armed(tuple(entries), devices={"it": "seng"} if rule.per is Per.DEVICE else DEVICES)


def facts(night: Iterable[Happening], start_ms: int = EVENING) -> list[Fact]:
    """The night's events as the centre would hold them, had each come at once."""
    return [
        Fact(body, Occurred(start_ms + at_ms - doubt_ms, start_ms + at_ms), start_ms + at_ms, place, (1, 1, number, 0))
        for number, (at_ms, body, place, doubt_ms) in enumerate(night, 1)
    ]


def timely(rule: Rule, armed: Armed, told: Sequence[Fact]) -> Board:
    """What stands after a night that was heard as it happened."""
    return Board.of(lived(Centre(rule, armed), at_once(told)))


def _is(rule: Rule, alarm: Alarm, other: Alarm) -> bool:
    """Whether both are the same alarm. What a device says of itself is one thing, by whichever of its words; what
    makes another rule's alarm sound again stands in that alarm, which all falls of one resident join.
    """
    if rule.per is Per.DEVICE or rule.alarms_as:
        return alarm.kind == other.kind
    return (alarm.kind, alarm.code) == (other.kind, other.code) and bool(alarm.keys & other.keys)


def same(rule: Rule, expected: Board, found: Board, told: Iterable[Fact], what: str) -> None:
    """The same alarms stand, by the events that they hold. A rule that does not fold may have written down instead
    what it knew to be over before it heard of it; one that makes another's alarm sound again need not do so for what
    it knows to be over, and ends none.
    """
    over = bool(rule.alarms_as) and any(isinstance(fact.body, FallOver) for fact in told)
    note(f"{rule.name}: {what}\nexpected {expected}\nfound {found}")
    stand = [alarm for alarm in found.alarms if alarm.open]
    wanted = [alarm for alarm in expected.alarms if alarm.open]
    for alarm in wanted:
        known = any(_is(rule, alarm, each) for each in stand)
        assert known or over or (rule.folding is None and found.explained), f"{alarm} is missing"
    more = [each for each in stand if not any(_is(rule, alarm, each) for alarm in wanted)]
    if rule.alarms_as or wanted:
        # In the register it stands in the alarm of this rule that is open.
        more = [each for each in more if not each.code.endswith(UNCONFIRMED)]
    assert not more, "nobody would have been told of this"
    assert found.found == expected.found


def law_of_duplicates(rule: Rule, data: st.DataObject) -> None:
    """The same event twice, at any time after, changes nothing; nor does it where the rule itself is told twice."""
    armed = data.draw(plans(rule))
    told = facts(data.draw(nights(rule)))
    first = lived(Centre(rule, armed), at_once(told))
    doubled = [(at_ms, told[index]) for index, at_ms in _repeats(told, data)]
    again = lived(Centre(rule, armed), [*at_once(told), *doubled])
    assert again == first, "stored twice"
    twice = replace(rule, step=_told_twice(rule))
    found, expected = Board.of(lived(Centre(twice, armed), at_once(told))), Board.of(first)
    note(f"{rule.name}: told twice\nexpected {expected}\nfound {found}")
    assert found.standing == expected.standing
    assert found.sounds == expected.sounds


def _repeats(told: Sequence[Fact], data: st.DataObject) -> list[tuple[int, int]]:
    picks = data.draw(st.lists(st.tuples(st.integers(0, len(told) - 1), st.integers(0, 3 * 3600)), max_size=4))
    return [(index, told[index].occurred.to_ms + after_s * S) for index, after_s in picks]


def _told_twice(rule: Rule) -> Callable[[JsonState, Fact | Wake, Armed, int], Step | None]:
    def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
        first = rule.step(state, fact, armed, now_ms)
        if isinstance(fact, Wake):
            return first
        second = rule.step(state if first is None else first.state, fact, armed, now_ms)
        if first is None or second is None:
            return first or second
        return Step(second.state, (*first.verdicts, *second.verdicts), second.wake_at_ms)

    return step


def law_of_order(rule: Rule, data: st.DataObject) -> None:
    """Whatever comes late and in whatever order, the same alarms stand in the end."""
    armed = data.draw(plans(rule))
    told = facts(data.draw(nights(rule)))
    expected = timely(rule, armed, told)
    late_s = st.sampled_from([0, 0, 1, 3, 20, 45, 20 * 60, 3 * 3600])
    delays = data.draw(st.lists(late_s, min_size=len(told), max_size=len(told)))
    marks_ms = data.draw(st.sampled_from([0, 10 * MIN, BACK_MS]))
    arrivals = [(fact.occurred.to_ms + delay_s * S, fact) for fact, delay_s in zip(told, delays, strict=True)]
    found = Board.of(lived(Centre(rule, armed, marks_ms=marks_ms), arrivals))
    same(rule, expected, found, told, f"late by {delays} s")


def law_of_restarts(rule: Rule, data: st.DataObject) -> None:
    """What a rule knows is its state, as JSON keeps it: a restart anywhere is nothing, nor are subjects beside it."""
    armed = data.draw(plans(rule))
    told = facts(data.draw(nights(rule)))
    others = facts(data.draw(nights(rule)), EVENING + 17 * S)
    looks = [EVENING + at_s * S for at_s in data.draw(st.lists(st.integers(0, 10 * 3600), max_size=2))]
    plain = lived(Centre(rule, armed, looks=looks), at_once(told))
    kept = lived(Centre(rule, armed, stored=True, looks=looks), at_once(told))
    assert kept == plain, "through JSON"
    mine, other = Centre(rule, armed, stored=True, looks=looks), Centre(rule, armed, stored=True)
    end_ms = max(fact.occurred.to_ms for fact in told) + QUIET_MS
    beside = other.live(at_once(others), EVENING, end_ms)
    theirs_ms = 0
    for now_ms in mine.live(at_once(told), EVENING, end_ms):
        while theirs_ms <= now_ms:
            theirs_ms = next(beside, 2**63)
    assert mine.said == plain, "beside another subject"


def law_of_late_looks(rule: Rule, data: st.DataObject) -> None:
    """A deadline that is looked at late is judged at once, and as it would have been, or the rule says why not."""
    armed = data.draw(plans(rule))
    told = facts(data.draw(nights(rule)))
    expected = timely(rule, armed, told)
    from_ms = EVENING + data.draw(st.integers(0, 12 * 60)) * MIN
    slept_ms = data.draw(st.sampled_from([MIN, 16 * MIN, 2 * HOUR, 20 * HOUR]))
    asleep = [(from_ms, min(from_ms + slept_ms, told[-1].occurred.to_ms + QUIET_MS // 2))]
    centre = Centre(rule, armed, asleep=asleep)
    said = lived(centre, at_once(told))
    found = Board.of(said)
    same(rule, expected, found, told, f"asleep {asleep}")
    # A second gateway's word that comes after the deadline is held too where the deadline is looked at after that.
    extra = [
        what
        for what in found.told
        if rule.folding is not None and not any(what[:2] == known[:2] and what[2] & known[2] for known in expected.told)
    ]
    assert not extra, "says what it would not have said on time"
    gone = {alarm.code for alarm in expected.alarms if not alarm.open} - {alarm.code for alarm in found.alarms}
    assert not gone or found.explained, "says nothing of what it missed"


SPRING, AUTUMN = ("2027-03-27", -60, "Etc/GMT-1"), ("2027-10-30", 60, "Etc/GMT-2")
"""An evening before the clock changes, how a local time after the change reads without it, and a zone without it."""
TURN_MIN, NOON_MIN = 3 * 60, 12 * 60


def _unchanged(minute: int, by_min: int) -> int:
    """What a clock that is not changed in that night shows at this local minute."""
    return minute + by_min if TURN_MIN <= minute <= NOON_MIN else minute


def law_of_dst(rule: Rule, data: st.DataObject) -> None:
    """A night in which the clock is changed is the same by a clock that is not, with a plan that allows for it."""
    armed = data.draw(plans(rule, (Window(22 * 60, 7 * 60), Window(1 * 60, 5 * 60), Window(4 * 60, 10 * 60))))
    night = data.draw(nights(rule))
    day, by_min, zone = data.draw(st.sampled_from([SPRING, AUTUMN]))
    start_ms = at(day, "20:00")
    told = facts(night, start_ms)
    entries = tuple(
        Entry(
            tuple(
                Window(_unchanged(one.from_minute, by_min), _unchanged(one.to_minute, by_min)) for one in entry.windows
            ),
            {
                name: _unchanged(value, by_min) if name.endswith("_minute") else value
                for name, value in entry.values.items()
            },
        )
        for entry in armed.entries
    )
    fixed = replace(armed, entries=entries, time_zone=zone)
    # By noon the next window may begin, which the clock without a change meets an hour off.
    last_ms = start_ms + 16 * HOUR
    told = [fact for fact in told if fact.occurred.to_ms < last_ms]
    changed, unchanged = Centre(rule, armed), Centre(rule, fixed)
    for centre in (changed, unchanged):
        for _ in centre.live(at_once(told), start_ms, last_ms):
            pass
    note(f"{rule.name}: {day}\nchanged {changed.said}\nunchanged {unchanged.said}")
    assert changed.said == unchanged.said


LAWS = (law_of_duplicates, law_of_order, law_of_restarts, law_of_late_looks, law_of_dst)
