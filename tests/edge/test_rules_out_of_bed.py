"""Out of bed at once: who lay long enough, what is a sjekk, and mats that flicker."""

from __future__ import annotations

import pytest

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import leaving
from nattevakt.edge.rules import out_of_bed as rule
from nattevakt.edge.rules.rule import Armed, Clear, Log, Priority, Raise
from nattevakt.edge.rules.windows import Window
from tests.edge.rule_nights import HOUR, MIN, T0, Night, S, armed, at, entry

SPEC = rule.SPEC
ALWAYS = armed(SPEC)
NIGHT = armed(SPEC, Window(23 * 60, 7 * 60))
SETTLE = 5 * S


def up(plan: Armed = ALWAYS) -> Night:
    """In bed for an hour, then left at 02:00."""
    return Night(SPEC, plan).bed(-HOUR, occupied=True).bed(0, occupied=False)


def flickering(plan: Armed = ALWAYS) -> Night:
    """On a mat that has dropped out eight times in the hour before it reads empty at 02:00."""
    night = Night(SPEC, plan).bed(-HOUR, occupied=True)
    for minute in range(-50, -10, 5):
        night.bed(minute * MIN, occupied=False).bed(minute * MIN + 2 * S, occupied=True)
        while night.wake is not None:
            night.look()
    night.said.clear()
    return night.bed(0, occupied=False)


def test_leaving_the_bed_rings_when_it_has_settled() -> None:
    night = up()
    assert (night.due, night.codes) == (SETTLE, [])
    alarm = night.look().alarm
    assert (alarm.kind, alarm.priority, alarm.holds) == ("out_of_bed", Priority.MEDIUM, ((1, 1, 2, 0),))
    assert (alarm.reason.code, alarm.reason.params) == ("out_of_bed.left", {"place": "seng", "left_ms": T0})
    assert night.due is None


def test_the_settings_say_how_long_and_from_when() -> None:
    slow = armed(SPEC, settle_s=60)
    assert up(slow).due == 60 * S
    assert up(armed(SPEC, settle_s=0)).due == 0
    short = armed(SPEC, in_bed_min=10)
    assert Night(SPEC, short).bed(-9 * MIN, occupied=True).bed(0, occupied=False).due is None
    assert Night(SPEC, short).bed(-10 * MIN, occupied=True).bed(0, occupied=False).due == SETTLE
    both = Armed((entry(SPEC, settle_s=60), entry(SPEC, settle_s=20, in_bed_min=30)))
    assert Night(SPEC, both).bed(-20 * MIN, occupied=True).bed(0, occupied=False).due == 60 * S
    assert Night(SPEC, both).bed(-40 * MIN, occupied=True).bed(0, occupied=False).due == 20 * S


def test_nothing_is_said_where_nothing_is_armed_or_outside_the_window() -> None:
    assert up(Armed()).due is None
    for clock, watched in (("22:59", False), ("23:00", True), ("06:59", True), ("07:00", False)):
        night = Night(SPEC, NIGHT, at("2026-11-20", clock)).bed(-HOUR, occupied=True).bed(0, occupied=False)
        assert (night.due is not None) is watched
    noon = Night(SPEC, NIGHT, at("2026-11-20", "12:00")).bed(-HOUR, occupied=True)
    assert noon.bed(0, occupied=False, doubt_ms=HOUR).due is None


@pytest.mark.parametrize("day", ["2027-03-28", "2027-10-31"])
def test_the_window_is_local_on_both_dst_nights(day: str) -> None:
    for clock, watched in (("00:30", True), ("06:59", True), ("07:00", False)):
        night = Night(SPEC, NIGHT, at(day, clock)).bed(-20 * MIN, occupied=True).bed(0, occupied=False)
        assert (night.due is not None) is watched


def test_a_bed_that_was_never_heard_before_was_lain_in() -> None:
    assert Night(SPEC, ALWAYS).bed(0, occupied=False).due == SETTLE


def test_back_before_it_settled_is_nothing() -> None:
    night = up().bed(4 * S, occupied=True)
    assert night.due == 4 * S + leaving.SETTLED_MS
    night.look()
    assert (night.due, [code for code in night.codes if code != "out_of_bed.back"]) == (None, [])


def test_back_in_bed_clears_once_it_has_lasted() -> None:
    night = up().look().bed(3 * MIN, occupied=True)
    assert night.due == 3 * MIN + leaving.SETTLED_MS
    night.bed(3 * MIN + 2 * S, occupied=False)
    assert (night.due, night.codes) == (None, ["out_of_bed.left"])
    night.bed(4 * MIN, occupied=True).look()
    clear = night.said[-1]
    assert isinstance(clear, Clear)
    assert (clear.reason.code, clear.holds, night.due) == ("out_of_bed.back", ((1, 1, 2, 0),), None)


def test_chatter_is_neither_leaving_nor_lying_anew() -> None:
    night = Night(SPEC, ALWAYS).bed(-HOUR, occupied=True)
    for second in range(0, 60, 4):
        night.bed(second * S, occupied=False).bed((second + 2) * S, occupied=True)
        assert night.due == (second + 2) * S + leaving.SETTLED_MS
    assert night.codes == []
    assert night.look().codes == ["out_of_bed.back"]


def test_chatter_is_waited_for_a_minute_and_no_longer() -> None:
    night = up()
    for second in range(2, 70, 4):
        night.bed(second * S, occupied=True).bed((second + 2) * S, occupied=False)
        if night.due is not None and night.due <= (second + 4) * S:
            break
    assert night.due == MIN + SETTLE
    assert night.look().codes == ["out_of_bed.check"]


def test_what_moved_before_it_settled_is_named() -> None:
    night = up(armed(SPEC, settle_s=60)).tell(20 * S, Motion("pir"), "bad").tell(30 * S, Motion("pir"), "stue").look()
    expected = {"place": "seng", "left_ms": T0, "seen": "bad", "seen_ms": T0 + 20 * S}
    assert (night.alarm.reason.code, night.alarm.reason.params) == ("out_of_bed.seen", expected)


def test_on_a_mat_that_flickers_it_is_a_check_and_then_an_alarm() -> None:
    night = flickering().look()
    check = night.alarm
    assert (check.kind, check.priority, check.reason.code) == ("bed_check", Priority.LOW, "out_of_bed.check")
    assert night.due == SETTLE + 15 * MIN
    alarm = night.look().alarm
    assert (alarm.kind, alarm.priority, alarm.reason.code) == ("out_of_bed", Priority.MEDIUM, "out_of_bed.still")
    assert (alarm.holds, alarm.insists, night.due) == (check.holds, True, None)


def test_on_a_mat_that_flickers_what_moves_makes_it_an_alarm() -> None:
    assert flickering().tell(3 * S, Motion("pir"), "bad").look().codes == ["out_of_bed.seen"]
    night = flickering().look().tell(2 * MIN, Motion("pir"), "bad")
    assert night.due == 2 * MIN
    seen = night.look().alarm
    assert (seen.kind, seen.reason.code, seen.insists) == ("out_of_bed", "out_of_bed.seen", False)


@pytest.mark.parametrize(
    ("body", "place", "doubt_ms"),
    [
        (Motion("pir"), "seng", 0),
        (Presence("radar", present=False), "bad", 0),
        (Chair("pad", seated=False), "stue", 0),
        (Motion("pir"), "bad", 5 * MIN),
    ],
)
def test_what_is_no_evidence(body: Body, place: str, doubt_ms: int) -> None:
    assert flickering().tell(3 * S, body, place, doubt_ms).look().codes == ["out_of_bed.check"]


def test_a_good_mat_whose_sleeper_is_up_often_does_not_flicker() -> None:
    night = Night(SPEC, ALWAYS).bed(-HOUR, occupied=True)
    for minute in range(-50, -10, 12):
        night.bed(minute * MIN, occupied=False).bed((minute + 5) * MIN, occupied=True).look()
    assert night.bed(0, occupied=False).look().codes[-1] == "out_of_bed.left"


def test_flicker_is_forgotten() -> None:
    night = flickering().bed(MIN, occupied=True).look()
    later = 5 * HOUR
    assert night.bed(later, occupied=False).look().codes[-1] == "out_of_bed.left"


def test_a_sleeper_on_a_mat_that_flickers_need_not_have_lain_for_long() -> None:
    night = flickering().bed(20 * S, occupied=True).look().bed(40 * S, occupied=False)
    assert night.due == 40 * S + SETTLE


@pytest.mark.parametrize("make", [up, flickering])
def test_a_look_answers_until_the_bed_is_next_occupied(make: object) -> None:
    assert callable(make)
    night = make().look(answered=True).tell(MIN, Motion("pir"), "bad")
    assert (night.due, night.codes) == (None, [])
    night.bed(2 * MIN, occupied=True).look().bed(10 * MIN, occupied=False)
    assert night.due == 10 * MIN + SETTLE


def test_without_confirmation_it_rings_once_and_the_truth_follows() -> None:
    night = up().look(confirmed=False, now_ms=2 * MIN).look(confirmed=False, now_ms=3 * MIN)
    assert (night.codes, night.due) == (["out_of_bed.left_unconfirmed"], SETTLE)
    assert night.look(now_ms=4 * MIN).codes[1:] == ["out_of_bed.left"]
    soft = flickering().look(confirmed=False, now_ms=2 * MIN).look(confirmed=False, now_ms=20 * MIN)
    assert soft.codes == ["out_of_bed.check_unconfirmed", "out_of_bed.still_unconfirmed"]


def test_a_return_is_no_all_clear_until_it_is_known_that_it_lasted() -> None:
    night = up().look().bed(MIN, occupied=True).look(confirmed=False, now_ms=3 * MIN)
    assert night.codes == ["out_of_bed.left"]
    assert night.look(now_ms=9 * MIN).codes == ["out_of_bed.left", "out_of_bed.back"]


def test_what_ended_before_it_was_known_is_a_line_in_the_log() -> None:
    night = up().bed(3 * MIN, occupied=True)
    assert [type(verdict) for verdict in night.said] == [Log]
    assert night.look(now_ms=4 * MIN).codes == ["out_of_bed.back_before_known", "out_of_bed.back"]


def test_a_late_look_says_what_it_would_have_said() -> None:
    night = flickering().tell(3 * MIN, Motion("pir"), "bad").look(now_ms=5 * MIN)
    assert (night.codes, night.due) == (["out_of_bed.check"], 3 * MIN)
    assert night.look(now_ms=5 * MIN).codes == ["out_of_bed.check", "out_of_bed.seen"]


def test_the_second_empty_through_another_gateway_is_the_same_exit() -> None:
    night = up().bed(1 * S, occupied=False).bed(9 * S, occupied=False).look()
    assert night.alarm.holds == ((1, 1, 2, 0), (1, 1, 3, 0))


def test_a_double_bed_is_left_when_both_halves_are() -> None:
    night = Night(SPEC, ALWAYS).bed(-HOUR, occupied=True, mat="a").bed(-HOUR, occupied=True, mat="b")
    assert night.bed(0, occupied=False, mat="a").due is None
    assert night.bed(MIN, occupied=False, mat="b").due == MIN + SETTLE


def test_a_mat_that_hangs_there_no_longer_holds_nobody_in_bed() -> None:
    night = Night(SPEC, ALWAYS).bed(-2 * HOUR, occupied=True, mat="dead")
    night.armed = armed(SPEC, devices={"new": "seng"})
    assert night.bed(-HOUR, occupied=True, mat="new").bed(0, occupied=False, mat="new").due == SETTLE


def test_an_exit_outside_the_window_is_not_watched_when_the_bed_is_said_to_be_empty_again() -> None:
    night = Night(SPEC, NIGHT, at("2026-11-20", "23:10")).bed(-2 * HOUR, occupied=True).bed(-HOUR, occupied=False)
    assert night.bed(0, occupied=False).due is None


def test_unjudged_is_judged_again_and_who_left_is_let_go() -> None:
    night = up().look()
    folding = SPEC.folding
    assert folding is not None
    assert folding.rests_on(night.state).devices == ("mat",)
    assert (folding.rests_on(night.state).keys, folding.rests_on(night.state).since_ms) == (((1, 1, 2, 0),), T0)
    (gone,) = folding.left(night.state).verdicts
    assert isinstance(gone, Clear)
    assert folding.left({}).verdicts == ()
    assert folding.unjudged({}) == {}
    night.state, night.wake = folding.unjudged(night.state), T0 + SETTLE
    night.look()
    assert night.said[0] == night.said[1]


def test_a_deadline_that_is_not_its_own_changes_nothing() -> None:
    night = up().wake_at(2 * S)
    assert (night.said, night.due) == ([], SETTLE)
    assert Night(SPEC, ALWAYS).wake_at(0).due is None


def test_what_moves_around_a_sleeper_is_nothing() -> None:
    night = Night(SPEC, ALWAYS).bed(-HOUR, occupied=True)
    for body in (Motion("pir"), Contact("door", open=True), Presence("radar", present=True), Bed("mat", occupied=True)):
        night.tell(0, body, "bad")
    assert (night.due, night.said) == (None, [])
    assert not [verdict for verdict in night.said if isinstance(verdict, Raise)]
