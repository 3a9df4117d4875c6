"""Gone out in the night: what shows that somebody is inside, what does not, and homes that two share."""

from __future__ import annotations

import pytest

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import not_returned
from nattevakt.edge.rules.rule import Clear, Priority, Raise
from nattevakt.edge.rules.windows import Window
from tests.edge.home import MIN, NIGHT, T0, Home, S, armed, at, fact, told_late

SPEC = not_returned.SPEC
OPENED, CLOSED = Contact("door", open=True), Contact("door", open=False)
ALARM = "Raise left.not_back"
HOURS = 3 * 60 * MIN


def home(*windows: Window, shared: bool = False, **values: int) -> Home:
    return Home(SPEC, armed(SPEC, *windows, shared=shared, **values))


def out() -> Home:
    """The door opened at 02:00 and closed."""
    return home().tell(0, OPENED, "inngangsdør").tell(8 * S, CLOSED, "inngangsdør")


def test_who_does_not_come_back_rings_at_the_limit() -> None:
    night = out()
    assert (night.due, night.codes) == (15 * MIN, [])
    (alarm,) = night.look().said
    assert isinstance(alarm, Raise)
    assert (alarm.kind, alarm.priority, alarm.holds) == ("left_home", Priority.MEDIUM, ((1, 1, 1, 0),))
    expected = {"place": "inngangsdør", "since_ms": T0, "min": 15}
    assert (alarm.reason.code, alarm.reason.params) == ("left.not_back", expected)
    assert night.due is None


@pytest.mark.parametrize(
    "body",
    [Motion("pir"), Presence("radar", present=True), Chair("pad", seated=True), Contact("fridge", open=True)],
)
def test_somebody_inside_later_than_the_doorway_explains(body: Body) -> None:
    place = "kjøleskap" if isinstance(body, Contact) else "stue"
    assert out().tell(59 * S, body, place).look().codes == [ALARM]
    night = out().tell(60 * S, body, place)
    assert (night.codes, night.due) == ([], None)


def test_a_bed_that_fills_and_stays_so_explains_and_chatter_does_not() -> None:
    night = out().tell(3 * MIN, Bed("mat", occupied=True), "seng")
    assert night.due == 3 * MIN + 5 * S
    assert night.look().codes == ["Clear left.back"]
    assert night.wake is None
    chatter = (
        out().tell(3 * MIN, Bed("mat", occupied=True), "seng").tell(3 * MIN + 2 * S, Bed("mat", occupied=False), "seng")
    )
    assert chatter.look().codes == [ALARM]
    unsure = out().tell(3 * MIN, Bed("mat", occupied=True), "seng").look(confirmed=False)
    assert (unsure.codes, unsure.due) == ([], 3 * MIN + 5 * S)


@pytest.mark.parametrize(
    ("body", "place"),
    [(CLOSED, "inngangsdør"), (Presence("radar", present=False), "stue"), (Chair("pad", seated=False), "stue")],
)
def test_what_is_no_evidence(body: Body, place: str) -> None:
    assert out().tell(5 * MIN, body, place).look().codes == [ALARM]


def test_who_lies_in_bed_all_the_while_has_not_gone() -> None:
    night = home().tell(-HOURS, Bed("mat", occupied=True), "seng").tell(0, OPENED, "ytterdør")
    assert night.look().codes == ["Clear left.inside"]
    left_at_once = home().tell(-HOURS, Bed("mat", occupied=True), "seng").tell(0, OPENED, "ytterdør")
    left_at_once.tell(MIN, Bed("mat", occupied=False), "seng")
    assert left_at_once.look().codes == [ALARM], "a mat tells late that it was left"
    got_up = home().tell(-HOURS, Bed("mat", occupied=True), "seng").tell(0, OPENED, "ytterdør")
    got_up.tell(9 * MIN, Bed("mat", occupied=False), "seng")
    assert (got_up.codes, got_up.due) == ([], None)


def test_a_bed_that_has_read_occupied_for_a_day_proves_nothing() -> None:
    night = home().tell(-25 * 60 * MIN, Bed("mat", occupied=True), "seng").tell(0, OPENED, "ytterdør")
    assert night.look().codes == [ALARM]


def test_back_after_the_alarm_clears_it_and_the_next_time_rings_anew() -> None:
    night = out().look().tell(20 * MIN, OPENED, "inngangsdør").tell(22 * MIN, Motion("pir"), "stue")
    assert night.codes == [ALARM, "Clear left.back"]
    assert isinstance(night.said[-1], Clear)
    assert night.said[-1].holds == ((1, 1, 1, 0),)
    assert night.tell(50 * MIN, OPENED, "inngangsdør").look().codes[-1] == ALARM


def test_out_and_in_before_anything_was_known_is_written_down() -> None:
    night = out().tell(20 * MIN, Motion("pir"), "stue")
    assert night.codes == ["Log left.back_before_known", "Clear left.back"]


def test_the_first_of_several_openings_counts_and_two_doors_are_one_way_out() -> None:
    night = out().tell(10 * MIN, Contact("veranda", open=True), "verandadør")
    assert night.due == 15 * MIN
    assert night.look().raised[0].holds == ((1, 1, 1, 0), (1, 1, 3, 0))


def test_an_opening_after_the_limit_is_an_absence_of_its_own() -> None:
    night = out().tell(40 * MIN, OPENED, "inngangsdør")
    assert night.look().codes == [ALARM]
    assert night.due == 55 * MIN
    assert night.look().codes == [ALARM, ALARM]


def test_no_way_out_is_no_going_out_and_an_unknown_contact_is() -> None:
    assert home().tell(0, Contact("c", open=True), "kjøleskap").due is None
    assert home().tell(0, Contact("c", open=True), "baderomsdør").due is None
    assert home().tell(0, Contact("c", open=True), "").due == 15 * MIN


def test_only_in_its_window_and_by_the_shortest_line() -> None:
    assert home(Window(3 * 60, 7 * 60)).tell(0, OPENED, "dør").due is None
    assert home(NIGHT).tell(0, OPENED, "dør").due == 15 * MIN
    assert home(NIGHT, limit_min=1).tell(0, OPENED, "dør").due == MIN
    friday = Window(0, 0, 0b0010000)
    assert home(friday).tell(0, OPENED, "dør").due == 15 * MIN, "20 November 2026 is a Friday"
    assert home(Window(0, 0, 0b0001000)).tell(0, OPENED, "dør").due is None


def test_of_two_who_share_a_home_one_inside_says_nothing_of_the_other() -> None:
    two = home(shared=True).tell(0, OPENED, "ytterdør").tell(5 * MIN, Motion("pir"), "stue")
    assert two.look().codes == [ALARM]
    back = (
        home(shared=True)
        .tell(0, OPENED, "ytterdør")
        .tell(5 * MIN, OPENED, "ytterdør")
        .tell(7 * MIN, Motion("pir"), "stue")
    )
    assert (back.codes, back.due) == ([], None)
    twice = (
        home(shared=True).tell(0, OPENED, "ytterdør").tell(S, OPENED, "ytterdør").tell(7 * MIN, Motion("pir"), "stue")
    )
    assert twice.look().codes == [ALARM], "one opening, heard twice"


def test_unconfirmed_rings_once_and_again_confirmed() -> None:
    night = out().look(confirmed=False).look(confirmed=False)
    assert night.codes == ["Raise left.not_back_unconfirmed"]
    assert night.look().codes == ["Raise left.not_back_unconfirmed", ALARM]


def test_who_has_looked_has_answered() -> None:
    night = out()
    assert not_returned.rests_on(night.state).keys == ((1, 1, 1, 0),)
    assert not_returned.rests_on(night.state).since_ms == T0
    assert "mat" in not_returned.rests_on(night.state).devices
    assert (night.look(answered=True).codes, night.due) == ([], None)


def test_a_doubtful_opening_counts_from_the_earliest_and_evidence_from_after_it() -> None:
    night = home().tell(0, OPENED, "ytterdør", doubt_ms=10 * MIN)
    assert night.due == 5 * MIN
    night.tell(2 * MIN, Motion("pir"), "stue", doubt_ms=4 * MIN)
    assert night.due == 5 * MIN, "it may have been before the opening"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_the_nights_on_which_the_clock_is_changed(day: str) -> None:
    opened = at(day, "01:55")
    night = home(NIGHT).tell(opened - T0, OPENED, "ytterdør")
    assert night.wake == opened + 15 * MIN


def test_evidence_that_comes_late_takes_the_alarm_back() -> None:
    facts = [fact(1, T0, OPENED, "ytterdør"), fact(2, T0 + 5 * MIN, Motion("pir"), "stue")]
    stands = told_late(SPEC, armed(SPEC), facts, 1, T0 + 60 * MIN)
    assert len(stands.alarms) == 1, "it rang before the movement was known"
    assert stands.standing == set()


def test_who_moves_away_is_looked_for_no_more() -> None:
    gone = not_returned.left(out().look().state)
    assert [verdict.reason.code for verdict in gone.verdicts] == ["left.moved_away"]
    assert (gone.state, gone.wake_at_ms) == ({}, None)
