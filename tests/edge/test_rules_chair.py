"""Up from the chair: who sat long enough, several pads, and who is in bed."""

from __future__ import annotations

from dataclasses import replace

from nattevakt.edge.events import Chair, Motion
from nattevakt.edge.rules import chair as rule
from nattevakt.edge.rules import leaving
from nattevakt.edge.rules.rule import Clear, Priority
from nattevakt.edge.rules.windows import Window
from tests.edge.rule_nights import HOUR, MIN, T0, Night, S, armed, at

SPEC = rule.SPEC
ALWAYS = armed(SPEC)
SETTLE = 5 * S


def sat(night: Night, at_ms: int, pad: str = "pad") -> Night:
    return night.tell(at_ms, Chair(pad, seated=True), "stue")


def rose(night: Night, at_ms: int, pad: str = "pad") -> Night:
    return night.tell(at_ms, Chair(pad, seated=False), "stue")


def up() -> Night:
    return rose(sat(Night(SPEC, ALWAYS), -HOUR), 0)


def test_getting_up_rings_when_it_has_settled() -> None:
    night = up()
    assert (night.due, night.codes) == (SETTLE, [])
    alarm = night.look().alarm
    assert (alarm.kind, alarm.priority, alarm.holds) == ("chair", Priority.MEDIUM, ((1, 1, 2, 0),))
    assert (alarm.reason.code, alarm.reason.params) == ("chair.left", {"place": "stue", "left_ms": T0})
    assert night.due is None


def test_who_hardly_sat_down_is_not_told_of() -> None:
    assert rose(sat(Night(SPEC, ALWAYS), -59 * S), 0).due is None
    assert rose(sat(Night(SPEC, ALWAYS), -MIN), 0).due == SETTLE
    assert rose(Night(SPEC, ALWAYS), 0).due == SETTLE


def test_only_inside_the_window() -> None:
    day = armed(SPEC, Window(8 * 60, 22 * 60))
    for clock, watched in (("07:59", False), ("08:00", True), ("21:59", True), ("22:00", False)):
        night = Night(SPEC, day, at("2026-11-20", clock))
        assert (rose(sat(night, -HOUR), 0).due is not None) is watched


def test_sitting_down_again_clears_once_it_has_lasted() -> None:
    night = sat(up().look(), MIN)
    assert (night.due, night.codes) == (MIN + leaving.SETTLED_MS, ["chair.left"])
    clear = night.look().said[-1]
    assert isinstance(clear, Clear)
    assert (clear.reason.code, clear.holds, night.due) == ("chair.back", ((1, 1, 2, 0),), None)


def test_going_to_bed_is_as_good() -> None:
    night = up().look().bed(MIN, occupied=True)
    assert night.due == MIN + leaving.SETTLED_MS
    night.bed(MIN + 2 * S, occupied=False)
    assert (night.due, night.codes) == (None, ["chair.left"])
    assert night.bed(2 * MIN, occupied=True).look().codes == ["chair.left", "chair.back"]


def test_a_pad_that_flickers_while_its_sitter_is_in_bed_says_nothing() -> None:
    night = sat(Night(SPEC, ALWAYS), -HOUR).bed(-10 * MIN, occupied=True)
    assert rose(night, 0).due is None


def test_a_bed_that_read_occupied_before_they_sat_down_says_nothing_of_them() -> None:
    night = sat(Night(SPEC, ALWAYS).bed(-2 * HOUR, occupied=True), -HOUR)
    assert rose(night, 0).due == SETTLE


def test_of_a_couple_one_in_bed_says_nothing_of_the_other() -> None:
    shared = replace(ALWAYS, shared=True)
    night = sat(Night(SPEC, shared), -HOUR).bed(-10 * MIN, occupied=True)
    assert rose(night, 0).due == SETTLE
    night.look().bed(MIN, occupied=False).bed(2 * MIN, occupied=True)
    assert (night.due, night.codes) == (None, ["chair.left"])


def test_several_chairs_make_one_person() -> None:
    night = rose(sat(sat(Night(SPEC, ALWAYS), -HOUR, "a"), -HOUR, "b"), 0, "a")
    assert night.due is None
    assert rose(night, MIN, "b").due == MIN + SETTLE


def test_a_pad_that_flickers_is_a_check_and_then_an_alarm() -> None:
    night = sat(Night(SPEC, ALWAYS), -HOUR)
    for minute in range(-50, -10, 5):
        sat(rose(night, minute * MIN), minute * MIN + 2 * S)
        while night.wake is not None:
            night.look()
    night.said.clear()
    check = rose(night, 0).look().alarm
    assert (check.kind, check.priority, check.reason.code) == ("chair", Priority.LOW, "chair.check")
    alarm = night.look().alarm
    assert (alarm.priority, alarm.reason.code, alarm.holds) == (Priority.MEDIUM, "chair.still", check.holds)


def test_what_moves_elsewhere_is_named_and_what_moves_by_day_is_nothing() -> None:
    night = sat(Night(SPEC, ALWAYS), -HOUR).tell(-MIN, Motion("pir"), "bad")
    assert night.due is None
    assert rose(night, 0).tell(3 * S, Motion("pir"), "bad").look().alarm.reason.params["seen"] == "bad"


def test_who_left_the_room_for_good_is_let_go() -> None:
    folding = SPEC.folding
    assert folding is not None
    assert [verdict.reason.code for verdict in folding.left(up().state).verdicts] == ["chair.moved_away"]
    assert folding.left({}).verdicts == ()
