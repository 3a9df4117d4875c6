"""Not up by the time: what proves that somebody is up, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nattevakt.edge.events import Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import not_up as rule
from nattevakt.edge.rules.rule import Armed, Clear, Log, Priority
from tests.edge.rule_nights import HOUR, MIN, Night, S, armed, at

SPEC = rule.SPEC
ALWAYS = armed(SPEC)
TEN = at("2026-11-20", "10:00")
DAY = 24 * HOUR
PIR = Motion("pir")


def morning(plan: Armed = ALWAYS, *, heard: bool = True) -> Night:
    """In bed since 23:00; times are after 10:00. heard: there is something else than the bed to hear."""
    night = Night(SPEC, plan, TEN).wake_at(-20 * HOUR)
    if heard:
        night.tell(-12 * HOUR, PIR, "stue")
    return night.bed(-11 * HOUR, occupied=True)


def test_who_is_still_in_bed_rings() -> None:
    night = morning()
    assert (night.due, night.codes) == (0, [])
    alarm = night.look().alarm
    assert (alarm.kind, alarm.priority, alarm.holds) == ("not_up", Priority.MEDIUM, ((1, 1, 2, 0),))
    expected = {"place": "seng", "since_ms": TEN - 11 * HOUR, "by_ms": TEN}
    assert (alarm.reason.code, alarm.reason.params) == ("not_up.in_bed", expected)
    assert night.due == DAY


@pytest.mark.parametrize(
    "body", [PIR, Contact("door", open=True), Presence("radar", present=True), Chair("pad", seated=True)]
)
def test_an_empty_bed_and_movement_elsewhere_is_up(body: Body) -> None:
    assert morning().bed(-HOUR, occupied=False).tell(-30 * MIN, body, "bad").look().codes == []


@pytest.mark.parametrize(
    ("body", "at_ms", "place"),
    [
        (PIR, -HOUR + 2 * S, "bad"),
        (PIR, -30 * MIN, "seng"),
        (Presence("radar", present=False), -30 * MIN, "bad"),
        (Chair("pad", seated=False), -30 * MIN, "stue"),
    ],
)
def test_an_empty_bed_and_nothing_else_is_not_up(body: Motion | Presence | Chair, at_ms: int, place: str) -> None:
    night = morning().bed(-HOUR, occupied=False).tell(at_ms, body, place).look()
    assert night.alarm.reason.code == "not_up.empty"
    assert night.alarm.reason.params["left_ms"] == TEN - HOUR
    assert night.alarm.holds == ((1, 1, 2, 0),)


def test_who_got_up_a_moment_ago_has_a_quarter_of_an_hour_to_be_seen() -> None:
    night = morning().bed(-5 * MIN, occupied=False).look()
    assert (night.due, night.codes) == (10 * MIN, [])
    seen = morning().bed(-5 * MIN, occupied=False).look().tell(5 * MIN, PIR, "bad")
    assert (seen.due, seen.codes) == (DAY, ["not_up.up"])
    assert night.look().codes == ["not_up.empty"]


def test_a_mat_that_dropped_out_before_the_time_is_no_getting_up() -> None:
    night = morning().bed(-2 * HOUR, occupied=False).bed(-HOUR, occupied=True).look()
    assert night.alarm.reason.code == "not_up.in_bed"
    assert night.alarm.reason.params["since_ms"] == TEN - 11 * HOUR
    night = morning().bed(-5 * MIN, occupied=False).look().bed(2 * MIN, occupied=True).look()
    assert night.codes == ["not_up.in_bed"]
    late = morning().bed(-5 * MIN, occupied=False).look().bed(12 * MIN, occupied=True).look()
    assert late.codes == ["not_up.empty"]


def test_who_was_up_that_morning_and_lies_down_again_is_up() -> None:
    night = morning().bed(-3 * HOUR, occupied=False).tell(-2 * HOUR, PIR, "stue").bed(-HOUR, occupied=True)
    assert night.look().codes == []
    trip = morning().bed(-3 * HOUR, occupied=False).tell(-3 * HOUR + MIN, PIR, "bad")
    assert trip.bed(-3 * HOUR + 9 * MIN, occupied=True).look().codes == ["not_up.in_bed"]
    early = morning().bed(-6 * HOUR, occupied=False).tell(-5 * HOUR, PIR, "bad").bed(-5 * HOUR, occupied=True)
    assert early.look().codes == ["not_up.in_bed"]


def test_where_nothing_else_is_to_be_heard_an_empty_bed_is_proof_after_a_while() -> None:
    assert morning(heard=False).bed(-HOUR, occupied=False).look().codes == []
    night = morning(heard=False).look().bed(HOUR, occupied=False)
    assert night.due == HOUR + rule.UP_MS
    night.look(confirmed=False)
    assert (night.due, night.codes) == (HOUR + rule.UP_MS, ["not_up.in_bed"])
    assert night.look().codes == ["not_up.in_bed", "not_up.up"]
    soon = morning(heard=False).bed(-5 * MIN, occupied=False).look()
    assert (soon.due, soon.look().codes) == (10 * MIN, ["not_up.up"])
    gone = morning(heard=False).look().bed(HOUR, occupied=False).bed(2 * HOUR, occupied=True)
    assert gone.codes == ["not_up.in_bed", "not_up.up"]


def test_of_a_couple_what_the_other_does_is_no_proof() -> None:
    shared = replace(ALWAYS, shared=True)
    night = morning(shared).bed(-5 * MIN, occupied=False).tell(-MIN, PIR, "bad").look()
    assert (night.due, night.codes) == (10 * MIN, [])
    assert morning(shared).bed(-HOUR, occupied=False).look().codes == []


def test_getting_up_clears_when_something_moves_elsewhere() -> None:
    night = morning().look().bed(HOUR, occupied=False)
    assert night.codes == ["not_up.in_bed"]
    night.tell(HOUR + 2 * S, PIR, "bad").tell(HOUR + MIN, PIR, "seng")
    assert night.codes == ["not_up.in_bed"]
    clear = night.tell(HOUR + 2 * MIN, PIR, "bad").said[-1]
    assert isinstance(clear, Clear)
    assert (clear.reason.code, clear.holds) == ("not_up.up", ((1, 1, 2, 0),))


def test_an_answer_and_missing_word() -> None:
    assert morning().look(answered=True).codes == []
    night = morning().look(confirmed=False, now_ms=2 * MIN).look(confirmed=False, now_ms=3 * MIN)
    assert (night.codes, night.due) == (["not_up.in_bed_unconfirmed"], 0)
    assert night.look().codes[1:] == ["not_up.in_bed"]


def test_a_late_look_says_what_it_would_have_said() -> None:
    night = morning().bed(20 * MIN, occupied=False).look(now_ms=HOUR)
    assert night.codes == ["not_up.in_bed"]
    up = morning().bed(20 * MIN, occupied=False).tell(30 * MIN, PIR, "bad")
    assert [type(verdict) for verdict in up.said] == [Log, Clear]
    assert up.codes == ["not_up.up_before_known", "not_up.up"]


def test_a_bed_that_was_never_heard_says_nothing() -> None:
    night = Night(SPEC, ALWAYS, TEN).wake_at(-HOUR).look()
    assert night.codes == ["not_up.unknown"]
    assert Night(SPEC, ALWAYS, TEN).tell(-HOUR, PIR, "bad").look().codes == ["not_up.unknown"]


def test_a_bed_that_has_read_occupied_for_a_day_rings_and_one_that_is_taken_away_does_not() -> None:
    night = Night(SPEC, ALWAYS, TEN).wake_at(-HOUR).bed(-30 * HOUR, occupied=True)
    assert night.look().codes[-1] == "not_up.in_bed"
    night = morning()
    night.armed = armed(SPEC, devices={"new": "seng"})
    night.bed(-HOUR, occupied=False, mat="new")
    assert night.look().codes == ["not_up.empty"]


def test_a_double_bed_is_left_when_both_halves_are() -> None:
    night = morning().bed(-10 * HOUR, occupied=True, mat="other").bed(-HOUR, occupied=False).tell(-MIN, PIR, "bad")
    assert night.look().codes == ["not_up.in_bed"]


def test_a_doubtful_movement_is_proof_only_where_it_came_after() -> None:
    night = morning().bed(-HOUR, occupied=False).tell(-30 * MIN, PIR, "bad", doubt_ms=40 * MIN)
    assert night.look().codes == ["not_up.empty"]


@pytest.mark.parametrize("day", ["2027-03-28", "2027-10-31"])
def test_the_time_is_local_after_both_dst_nights(day: str) -> None:
    assert Night(SPEC, ALWAYS, at(day, "10:00")).wake_at(-20 * HOUR).due == 0


def test_unjudged_is_judged_again_and_who_left_is_let_go() -> None:
    night = morning().look()
    folding = SPEC.folding
    assert folding is not None
    night.state = folding.unjudged(night.state)
    assert folding.rests_on(night.state).keys == ((1, 1, 2, 0),)
    assert [verdict.reason.code for verdict in folding.left(night.state).verdicts] == ["not_up.moved_away"]
    night.wake_at(0)
    assert night.said[0] == night.said[1]
