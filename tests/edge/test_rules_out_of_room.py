"""Nobody in the room: what says so, what overrules it, and movement that moves the moment from which it counts."""

from __future__ import annotations

import pytest

from nattevakt.edge.events import Bed, Chair, Motion, Presence
from nattevakt.edge.rules import out_of_room
from nattevakt.edge.rules.rule import Priority, Raise
from nattevakt.edge.rules.windows import Window
from tests.edge.home import HOUR, MIN, NIGHT, T0, Home, S, armed, at, fact, told_late

SPEC = out_of_room.SPEC
HERE, GONE = Presence("radar", present=True), Presence("radar", present=False)
ALARM = "Raise room.empty"


def home(*windows: Window, shared: bool = False, **values: int) -> Home:
    return Home(SPEC, armed(SPEC, *windows, shared=shared, **values))


def out() -> Home:
    """The presence sensor sees nobody from 02:00."""
    return home().tell(-HOUR, HERE, "soverom").tell(0, GONE, "soverom")


def test_an_empty_room_rings_at_the_limit() -> None:
    night = out()
    assert (night.due, night.codes) == (20 * MIN, [])
    (alarm,) = night.look().said
    assert isinstance(alarm, Raise)
    assert (alarm.kind, alarm.priority, alarm.holds) == ("out_of_room", Priority.MEDIUM, ((1, 1, 2, 0),))
    assert (alarm.reason.code, alarm.reason.params) == ("room.empty", {"place": "soverom", "since_ms": T0, "min": 20})
    assert night.due is None


def test_back_before_the_limit_is_nothing_and_after_it_clears() -> None:
    assert out().tell(19 * MIN, HERE, "soverom").codes == []
    assert out().look().tell(30 * MIN, HERE, "soverom").codes == [ALARM, "Clear room.back"]
    assert out().tell(30 * MIN, HERE, "soverom").codes == ["Log room.back_before_known", "Clear room.back"]
    assert out().tell(30 * MIN, Chair("pad", seated=True), "stol").codes[-1] == "Clear room.back"


def test_a_sensor_that_loses_a_sleeper_is_overruled_by_the_bed() -> None:
    night = (
        home().tell(-HOUR, HERE, "soverom").tell(-HOUR + S, Bed("mat", occupied=True), "seng").tell(0, GONE, "soverom")
    )
    assert night.due is None
    night.tell(HOUR, Bed("mat", occupied=False), "seng")
    assert night.due == HOUR + 20 * MIN, "now the room is empty"


def test_one_of_several_sensors_that_sees_somebody_is_enough() -> None:
    night = (
        home().tell(-HOUR, HERE, "soverom").tell(-HOUR, Presence("bath", present=True), "bad").tell(0, GONE, "soverom")
    )
    assert night.due is None
    assert night.tell(MIN, Presence("bath", present=False), "bad").due == 21 * MIN


def test_a_bed_that_fills_must_stay_so() -> None:
    night = out().tell(5 * MIN, Bed("mat", occupied=True), "seng")
    assert night.due == 5 * MIN + 5 * S
    assert night.look(confirmed=False).due == 5 * MIN + 5 * S
    assert night.look().codes == ["Clear room.back"]
    chatter = (
        out().tell(5 * MIN, Bed("mat", occupied=True), "seng").tell(5 * MIN + 2 * S, Bed("mat", occupied=False), "seng")
    )
    assert chatter.look().codes == [ALARM]
    slept = out().tell(5 * MIN, Bed("mat", occupied=True), "seng").tell(9 * MIN, Bed("mat", occupied=False), "seng")
    assert (slept.due, slept.codes) == (29 * MIN, [])


def test_movement_moves_the_moment_and_the_deadline_only_when_it_comes() -> None:
    night = out().tell(5 * MIN, Motion("pir"), "soverom").tell(15 * MIN, Motion("pir"), "soverom")
    assert night.due == 20 * MIN
    assert (night.look().codes, night.due) == ([], 35 * MIN)
    (alarm,) = night.look().raised
    assert alarm.holds == ((1, 1, 4, 0),)
    assert alarm.reason.params["since_ms"] == T0 + 15 * MIN
    assert night.tell(50 * MIN, Motion("pir"), "soverom").codes == [ALARM, "Clear room.back"]
    assert night.due == 70 * MIN, "somebody was there, and nobody is seen since"


def test_movement_while_somebody_is_there_is_nothing() -> None:
    assert SPEC.step({"held": {"radar": T0}}, fact(1, T0, Motion("pir")), armed(SPEC), T0) is None


def test_who_is_out_when_the_window_begins_rings_then() -> None:
    evening = at("2026-11-20", "21:00")
    night = home(NIGHT).tell(evening - T0, GONE, "soverom")
    assert night.wake == at("2026-11-20", "23:00")
    late = home(NIGHT).tell(at("2026-11-20", "22:50") - T0, GONE, "soverom")
    assert late.wake == at("2026-11-20", "23:10")


@pytest.mark.parametrize(("day", "clock"), [("2026-03-29", "01:50"), ("2026-10-25", "02:50")])
def test_the_nights_on_which_the_clock_is_changed(day: str, clock: str) -> None:
    gone = at(day, clock)
    assert home(NIGHT).tell(gone - T0, GONE, "soverom").wake == gone + 20 * MIN


def test_unconfirmed_answered_and_moved_away() -> None:
    night = out().look(confirmed=False).look(confirmed=False)
    assert night.codes == ["Raise room.empty_unconfirmed"]
    assert night.look().codes[-1] == ALARM
    assert (out().look(answered=True).codes, out().look(answered=True).due) == ([], None)
    assert out_of_room.rests_on(out().tell(MIN, Motion("pir"), "stue").state).keys == ((1, 1, 3, 0),)
    assert [verdict.reason.code for verdict in out_of_room.left(night.state).verdicts] == ["room.moved_away"]


def test_what_is_told_twice_or_by_nobodys_plan_is_nothing() -> None:
    assert out().tell(S, GONE, "soverom").due == 20 * MIN
    night = out()
    night.armed = type(night.armed)()
    night.tell(HOUR, HERE, "soverom").tell(2 * HOUR, GONE, "soverom")
    assert night.due is None


def test_somebody_else_who_is_told_of_late_takes_the_alarm_back() -> None:
    facts = [fact(1, T0 - HOUR, Bed("mat", occupied=True), "seng"), fact(2, T0, GONE, "soverom")]
    stands = told_late(SPEC, armed(SPEC), facts, 0, T0 + HOUR)
    assert len(stands.alarms) == 1
    assert stands.standing == set()
