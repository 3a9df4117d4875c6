"""Not in bed by the time: what is asked, once, what the reason says, and nights with another clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nattevakt.edge.events import Chair, Motion
from nattevakt.edge.rules import in_bed_late as rule
from nattevakt.edge.rules.rule import Armed, Clear, Log, Priority
from tests.edge.rule_nights import HOUR, MIN, Night, S, armed, at, entry

SPEC = rule.SPEC
ALWAYS = armed(SPEC)
ELEVEN = at("2026-11-20", "23:00")
DAY = 24 * HOUR


def evening(plan: Armed = ALWAYS) -> Night:
    """Woken at noon as the plan is made; times are after 23:00. Up since the morning."""
    return Night(SPEC, plan, ELEVEN).wake_at(-11 * HOUR).bed(-DAY // 2, occupied=True).bed(-9 * HOUR, occupied=False)


def test_it_is_woken_once_and_waits_for_the_time() -> None:
    night = Night(SPEC, ALWAYS, ELEVEN).wake_at(-11 * HOUR)
    assert (night.due, night.codes) == (0, [])
    assert Night(SPEC, ALWAYS, ELEVEN).wake_at(MIN).due == DAY
    assert Night(SPEC, Armed(), ELEVEN).wake_at(0).due is None


def test_an_empty_bed_is_asked_about_once() -> None:
    night = evening().look()
    alarm = night.alarm
    assert (alarm.kind, alarm.priority, alarm.holds) == ("in_bed_late", Priority.LOW, ((1, 1, 2, 0),))
    expected = {"place": "seng", "left_ms": ELEVEN - 9 * HOUR, "by_ms": ELEVEN}
    assert (alarm.reason.code, alarm.reason.params) == ("in_bed_late.up", expected)
    assert night.due == DAY
    assert night.look().codes == ["in_bed_late.up"]


def test_who_is_in_bed_or_was_a_moment_ago_is_not_late() -> None:
    assert evening().bed(-MIN, occupied=True).look().codes == []
    assert evening().bed(-HOUR, occupied=True).bed(-30 * S, occupied=False).look().codes == []
    assert evening().bed(0, occupied=True).look().codes == []


def test_what_moved_last_is_said() -> None:
    night = evening().tell(-HOUR, Motion("pir"), "bad").tell(-10 * MIN, Motion("pir"), "stue").look()
    assert night.alarm.reason.code == "in_bed_late.seen"
    assert (night.alarm.reason.params["seen"], night.alarm.reason.params["seen_ms"]) == ("stue", ELEVEN - 10 * MIN)
    assert evening().tell(-3 * HOUR, Motion("pir"), "stue").look().codes == ["in_bed_late.up"]


def test_who_sits_in_a_chair_is_said_to() -> None:
    night = evening().tell(-4 * HOUR, Chair("pad", seated=True), "stue").tell(-HOUR, Motion("pir"), "stue").look()
    assert night.alarm.reason.code == "in_bed_late.in_chair"
    assert night.alarm.reason.params["seen_ms"] == ELEVEN - 4 * HOUR
    risen = evening().tell(-4 * HOUR, Chair("pad", seated=True)).tell(-3 * HOUR, Chair("pad", seated=False)).look()
    assert risen.codes == ["in_bed_late.up"]
    couple = evening(replace(ALWAYS, shared=True)).tell(-4 * HOUR, Chair("pad", seated=True), "stue").look()
    assert couple.codes == ["in_bed_late.up"]


def test_going_to_bed_clears_once_it_has_lasted() -> None:
    night = evening().look().bed(HOUR, occupied=True)
    assert night.due == HOUR + rule.SETTLED_MS
    night.bed(HOUR + 2 * S, occupied=False)
    assert (night.due, night.codes) == (DAY, ["in_bed_late.up"])
    night.bed(2 * HOUR, occupied=True).look(confirmed=False)
    assert night.due == 2 * HOUR + rule.SETTLED_MS
    clear = night.look().said[-1]
    assert isinstance(clear, Clear)
    assert (clear.reason.code, clear.holds, night.due) == ("in_bed_late.in_bed", ((1, 1, 2, 0),), DAY)


def test_a_return_that_lasted_clears_also_where_the_next_exit_comes_first() -> None:
    night = evening().look().bed(HOUR, occupied=True).bed(HOUR + MIN, occupied=False)
    assert night.codes == ["in_bed_late.up", "in_bed_late.in_bed"]


def test_an_answer_is_an_answer_until_the_next_day() -> None:
    night = evening().look(answered=True)
    assert (night.codes, night.due) == ([], DAY)


def test_without_confirmation_it_rings_once_and_the_truth_follows() -> None:
    night = evening().look(confirmed=False, now_ms=2 * MIN).look(confirmed=False, now_ms=3 * MIN)
    assert (night.codes, night.due) == (["in_bed_late.up_unconfirmed"], 0)
    assert night.look(now_ms=4 * MIN).codes[1:] == ["in_bed_late.up"]


def test_a_late_look_says_what_it_would_have_said() -> None:
    night = evening().tell(20 * MIN, Motion("pir"), "stue")
    assert night.due == 0
    assert night.look(now_ms=HOUR).codes == ["in_bed_late.up"]
    back = evening().bed(20 * MIN, occupied=True).look(now_ms=HOUR)
    assert [type(verdict) for verdict in back.said] == [Log, Clear]
    assert back.codes == ["in_bed_late.in_bed_before_known", "in_bed_late.in_bed"]


def test_two_days_without_a_look_are_each_judged_by_what_was_known() -> None:
    night = evening().bed(10 * HOUR, occupied=True).bed(11 * HOUR, occupied=False).bed(25 * HOUR, occupied=True)
    assert night.due == 25 * HOUR + rule.SETTLED_MS
    assert night.codes == ["in_bed_late.in_bed_before_known", "in_bed_late.in_bed"]
    night.look()
    assert night.codes[2:] == ["in_bed_late.in_bed_before_known", "in_bed_late.in_bed"]


def test_a_bed_that_was_never_heard_or_not_for_a_day_is_not_known_to_be_empty() -> None:
    never = Night(SPEC, ALWAYS, ELEVEN).wake_at(-11 * HOUR).look()
    assert [type(verdict) for verdict in never.said] == [Log]
    assert never.codes == ["in_bed_late.unknown"]
    stale = Night(SPEC, ALWAYS, ELEVEN).wake_at(-11 * HOUR).bed(-25 * HOUR, occupied=True).look()
    assert stale.codes == ["in_bed_late.unknown"]


def test_a_double_bed_is_slept_in_where_one_half_is() -> None:
    night = evening().bed(-HOUR, occupied=True, mat="other")
    assert night.look().codes == []
    night.armed = armed(SPEC, devices={"mat": "seng"})
    night.bed(HOUR, occupied=False)
    assert night.look().codes == ["in_bed_late.up"]


@pytest.mark.parametrize("day", ["2027-03-27", "2027-03-28", "2027-10-30", "2027-10-31"])
def test_the_time_is_local_around_both_dst_nights(day: str) -> None:
    start = at(day, "23:00")
    assert Night(SPEC, ALWAYS, start).wake_at(-20 * HOUR).due == 0
    night = Night(SPEC, armed(SPEC, by_minute=150), start).wake_at(0)
    reads = {"2027-03-27": at("2027-03-28", "03:30"), "2027-10-30": at("2027-10-31", "02:30")}
    assert night.wake == reads.get(day, start + 3 * HOUR + 30 * MIN)


def test_weekdays_and_several_lines() -> None:
    friday = Night(SPEC, armed(SPEC, weekday_bits=16), ELEVEN).wake_at(-HOUR)
    assert friday.due == 0
    saturday = Night(SPEC, armed(SPEC, weekday_bits=32), ELEVEN).wake_at(-HOUR)
    assert saturday.due == DAY
    both = Armed((entry(SPEC, weekday_bits=32), entry(SPEC, by_minute=22 * 60, weekday_bits=16)))
    assert Night(SPEC, both, ELEVEN).wake_at(-2 * HOUR).due == -HOUR


def test_a_plan_that_is_taken_away_asks_nothing() -> None:
    night = evening()
    night.armed = Armed()
    night.look()
    assert (night.due, night.codes) == (None, [])


def test_unjudged_is_judged_again_and_who_left_is_let_go() -> None:
    night = evening().look()
    folding = SPEC.folding
    assert folding is not None
    night.state = folding.unjudged(night.state)
    assert folding.rests_on(night.state).keys == ((1, 1, 2, 0),)
    assert folding.rests_on(night.state).since_ms == ELEVEN
    assert [verdict.reason.code for verdict in folding.left(night.state).verdicts] == ["in_bed_late.moved_away"]
    night.wake_at(0)
    assert night.said[0] == night.said[1]
    assert folding.unjudged({}) == {}
    assert folding.left({}).verdicts == ()
