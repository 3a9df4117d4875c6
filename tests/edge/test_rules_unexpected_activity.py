"""Activity where none should be: how many signs, how close, once a bout, and who may turn over in bed."""

from __future__ import annotations

import pytest

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import unexpected_activity
from nattevakt.edge.rules.rule import Priority, Raise
from nattevakt.edge.rules.windows import Window
from tests.edge.home import HOUR, MIN, NIGHT, T0, Home, S, armed, at, fact, told_late

SPEC = unexpected_activity.SPEC
PIR = Motion("pir")
ALARM = "Raise active.unexpected"


def home(*windows: Window, **values: int) -> Home:
    return Home(SPEC, armed(SPEC, *windows, shared=False, **values))


def up() -> Home:
    """Three signs within the time, in the night."""
    return home(NIGHT).tell(0, PIR, "stue").tell(MIN, PIR, "gang").tell(3 * MIN, PIR, "stue")


def test_several_signs_ring_once_and_say_from_when() -> None:
    night = home(NIGHT).tell(0, PIR, "stue").tell(MIN, PIR, "gang")
    assert night.wake is None
    assert night.tell(3 * MIN, PIR, "stue").due == 3 * MIN
    (alarm,) = night.look().said
    assert isinstance(alarm, Raise)
    assert (alarm.kind, alarm.priority, alarm.holds) == ("unexpected_activity", Priority.LOW, ((1, 1, 3, 0),))
    expected = {"place": "stue", "first_ms": T0, "last_ms": T0 + 3 * MIN}
    assert alarm.reason.params == expected
    for minute in range(4, 60, 5):
        night.tell(minute * MIN, PIR, "stue")
    assert (night.due, night.codes) == (None, [ALARM])


@pytest.mark.parametrize(
    "body",
    [PIR, Contact("door", open=True), Chair("pad", seated=True), Presence("radar", present=True)],
)
def test_signs(body: Body) -> None:
    night = home(least_signs=1).tell(0, body, "stue")
    assert night.look().codes == [ALARM]


@pytest.mark.parametrize(
    "body",
    [
        Chair("pad", seated=False),
        Presence("radar", present=False),
        Bed("mat", occupied=True),
        Bed("mat", occupied=False),
    ],
)
def test_what_is_no_sign(body: Body) -> None:
    assert home(least_signs=1).tell(0, body, "stue").due is None


def test_signs_too_close_are_one_and_too_far_apart_are_none() -> None:
    night = home(NIGHT).tell(0, PIR, "stue").tell(2 * S, PIR, "stue").tell(9 * S, PIR, "gang").tell(15 * S, PIR, "stue")
    assert night.due is None
    far = home(NIGHT).tell(0, PIR, "stue").tell(8 * MIN, PIR, "stue").tell(16 * MIN, PIR, "stue")
    assert far.due is None
    assert far.tell(17 * MIN, PIR, "stue").due == 17 * MIN


def test_quiet_ends_a_bout_and_the_next_one_rings() -> None:
    night = up().look()
    for minute in (40, 41, 42):
        night.tell(minute * MIN, PIR, "stue")
    assert night.look().codes == [ALARM, ALARM]


def test_two_bouts_that_come_at_once_are_both_told() -> None:
    night = up()
    for minute in (40, 41, 42):
        night.tell(minute * MIN, PIR, "stue")
    assert night.until(HOUR).codes == [ALARM, ALARM]


def test_the_sleeper_may_turn_over() -> None:
    night = home(NIGHT).tell(-HOUR, Bed("mat", occupied=True), "soverom")
    for minute in range(5):
        night.tell(minute * MIN, PIR, "soverom")
    assert night.due is None
    night.tell(6 * MIN, Bed("mat", occupied=False), "soverom")
    for minute in range(7, 10):
        night.tell(minute * MIN, PIR, "soverom")
    assert night.due == 9 * MIN


def test_outside_its_windows_nothing_is_kept() -> None:
    noon = at("2026-11-20", "12:00") - T0
    day = home(NIGHT).tell(noon, PIR, "stue")
    kept = day.state
    assert day.tell(noon + MIN, PIR, "stue").tell(noon + 2 * MIN, PIR, "stue").state == kept
    evening = at("2026-11-20", "22:58") - T0
    night = home(NIGHT)
    for minute in range(6):
        night.tell(evening + minute * MIN, PIR, "stue")
    assert night.wake == at("2026-11-20", "23:02"), "neither is a moment of the window lost"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_the_nights_on_which_the_clock_is_changed(day: str) -> None:
    begun = at(day, "06:57") - T0
    night = home(NIGHT)
    for minute in range(6):
        night.tell(begun + minute * MIN, PIR, "stue")
    assert night.wake == at(day, "06:59")


def test_answered_unconfirmed_and_moved_away() -> None:
    assert up().look(answered=True).codes == []
    assert up().look(confirmed=False).codes == [ALARM], "what was seen was seen"
    assert unexpected_activity.rests_on(up().state).keys == ((1, 1, 3, 0),)
    gone = unexpected_activity.left(up().look().state)
    assert [verdict.reason.code for verdict in gone.verdicts] == ["active.moved_away"]


def test_a_sign_that_comes_late_counts_as_any_other() -> None:
    facts = [fact(number, T0 + number * MIN, PIR, "stue") for number in range(3)]
    stands = told_late(SPEC, armed(SPEC, NIGHT), facts, 1, T0 + HOUR)
    assert stands.standing == {"active.unexpected"}


def test_a_sleeper_who_is_told_of_late_takes_it_back() -> None:
    facts = [fact(0, T0 - MIN, Bed("mat", occupied=True), "soverom")]
    facts += [fact(number, T0 + number * MIN, PIR, "soverom") for number in range(1, 4)]
    stands = told_late(SPEC, armed(SPEC, NIGHT), facts, 0, T0 + HOUR)
    assert len(stands.alarms) == 1
    assert stands.standing == set()
