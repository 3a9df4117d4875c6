"""Long in the bathroom: where a stay begins and ends, and which evidence the reason names."""

from __future__ import annotations

import pytest

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import long_bathroom
from nattevakt.edge.rules.rule import Priority, Raise
from nattevakt.edge.rules.windows import Window
from tests.edge.home import HOUR, MIN, NIGHT, T0, Home, S, armed, at, fact, told_late

SPEC = long_bathroom.SPEC
BATH = Motion("bath")
SEEN, PRESENT = "Raise bath.long_seen", "Raise bath.long_present"


def home(*windows: Window, shared: bool = False, **values: int) -> Home:
    return Home(SPEC, armed(SPEC, *windows, shared=shared, **values))


def inside() -> Home:
    """Movement in the bathroom at 02:00."""
    return home().tell(0, BATH, "bad")


def radar(*, present: bool) -> Presence:
    return Presence("bathradar", present=present)


def test_a_stay_without_an_end_rings_and_says_when_somebody_was_seen() -> None:
    night = inside().tell(3 * MIN, BATH, "bad")
    assert (night.due, night.codes) == (20 * MIN, [])
    (alarm,) = night.look().said
    assert isinstance(alarm, Raise)
    assert (alarm.kind, alarm.priority) == ("long_bathroom", Priority.MEDIUM)
    assert alarm.holds == ((1, 1, 1, 0), (1, 1, 2, 0))
    expected = {"place": "bad", "since_ms": T0, "min": 20, "seen_ms": T0 + 3 * MIN}
    assert (alarm.reason.code, alarm.reason.params) == ("bath.long_seen", expected)
    assert night.due is None


@pytest.mark.parametrize(
    "body",
    [Motion("pir"), Presence("radar", present=True), Chair("pad", seated=True), Contact("door", open=True)],
)
def test_a_sign_elsewhere_ends_the_stay(body: Body) -> None:
    night = inside().tell(5 * MIN, body, "stue")
    assert (night.codes, night.due) == ([], None)
    assert inside().tell(5 * S, body, "gang").look().codes == [SEEN], "the hall sees who goes in"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (Contact("bd", open=True), "baderomsdør"),
        (Presence("radar", present=False), "soverom"),
        (Bed("mat", occupied=False), "seng"),
    ],
    ids=["the bathroom's door", "gone from another field", "the bed that was left"],
)
def test_what_does_not_end_it(body: Body, place: str) -> None:
    assert inside().tell(5 * MIN, body, place).look().codes == [SEEN]


def test_a_bed_that_fills_ends_it_once_it_is_settled() -> None:
    night = inside().tell(5 * MIN, Bed("mat", occupied=True), "seng")
    assert night.due == 5 * MIN + 5 * S
    assert night.look(confirmed=False).due == 5 * MIN + 5 * S
    assert night.look().codes == ["Clear bath.left"]
    chatter = (
        inside().tell(5 * MIN, Bed("mat", occupied=True), "seng").tell(5 * MIN + S, Bed("mat", occupied=False), "seng")
    )
    assert chatter.look().codes == [SEEN]
    again = inside().tell(5 * MIN, Bed("mat", occupied=True), "seng").tell(12 * MIN, BATH, "bad")
    assert again.due == 32 * MIN, "a new stay"


def test_a_presence_sensor_in_there_outweighs_what_moves_elsewhere() -> None:
    night = home().tell(0, radar(present=True), "bad").tell(5 * MIN, Motion("pir"), "stue")
    (alarm,) = night.look().said
    assert isinstance(alarm, Raise)
    assert (alarm.reason.code, alarm.reason.params) == (
        "bath.long_present",
        {"place": "bad", "since_ms": T0, "min": 20},
    )
    slow = (
        home()
        .tell(0, radar(present=True), "bad")
        .tell(5 * MIN, Motion("pir"), "stue")
        .tell(7 * MIN, radar(present=False), "bad")
    )
    assert (slow.codes, slow.due) == ([], None)


def test_a_presence_sensor_that_sees_nobody_proves_nothing() -> None:
    night = home().tell(0, radar(present=True), "bad").tell(7 * MIN, radar(present=False), "bad")
    (alarm,) = night.look().raised
    assert (alarm.reason.code, alarm.reason.params["seen_ms"]) == ("bath.long_seen", T0 + 7 * MIN)


def test_who_left_after_the_deadline_was_there_at_it() -> None:
    late = home().tell(0, radar(present=True), "bad").tell(25 * MIN, radar(present=False), "bad")
    assert late.look().codes == [PRESENT]


def test_out_again_clears_and_before_it_was_known_is_written_down() -> None:
    assert inside().look().tell(25 * MIN, Motion("pir"), "stue").codes == [SEEN, "Clear bath.left"]
    assert inside().tell(25 * MIN, Motion("pir"), "stue").codes == ["Log bath.left_before_known", "Clear bath.left"]


def test_a_later_visit_is_a_stay_of_its_own() -> None:
    night = inside().look().tell(30 * MIN, BATH, "bad")
    assert night.due is None, "the same stay"
    night.tell(3 * HOUR, BATH, "bad")
    assert night.look().codes == [SEEN, SEEN]
    unseen = inside().tell(3 * HOUR, BATH, "bad").until(5 * HOUR)
    assert unseen.codes == [SEEN, SEEN], "also where the first was not judged yet"


def test_of_two_who_share_a_home_only_a_presence_sensor_knows() -> None:
    two = home(shared=True).tell(0, BATH, "bad").tell(5 * MIN, Motion("pir"), "stue")
    assert two.due is None
    seen = home(shared=True).tell(0, radar(present=True), "bad").tell(5 * MIN, Motion("pir"), "stue")
    assert seen.look().codes == [PRESENT]


def test_windows_and_the_nights_on_which_the_clock_is_changed() -> None:
    assert home(NIGHT).tell(at("2026-11-20", "22:50") - T0, BATH, "bad").wake == at("2026-11-20", "23:10")
    assert home(NIGHT).tell(at("2026-11-20", "12:00") - T0, BATH, "bad").wake == at("2026-11-20", "23:00")
    for day in ("2026-03-29", "2026-10-25"):
        begun = at(day, "01:50")
        assert home(NIGHT).tell(begun - T0, BATH, "bad").wake == begun + 20 * MIN


def test_unconfirmed_answered_and_moved_away() -> None:
    night = inside().look(confirmed=False).look(confirmed=False)
    assert night.codes == ["Raise bath.long_seen_unconfirmed"]
    assert night.look().codes[-1] == SEEN
    present = home().tell(0, radar(present=True), "bad").look(confirmed=False)
    assert present.codes == ["Raise bath.long_present_unconfirmed"]
    assert (inside().look(answered=True).codes, inside().look(answered=True).due) == ([], None)
    assert long_bathroom.rests_on(inside().state).keys == ((1, 1, 1, 0),)
    assert [verdict.reason.code for verdict in long_bathroom.left(night.state).verdicts] == ["bath.moved_away"]


def test_movement_elsewhere_while_nobody_is_in_there_is_nothing() -> None:
    assert SPEC.step({}, fact(1, T0, Motion("pir"), "stue"), armed(SPEC), T0) is None
    assert home().tell(0, Contact("bd", open=True), "baderomsdør").state == {}


def test_a_sign_elsewhere_that_comes_late_takes_the_alarm_back() -> None:
    facts = [fact(1, T0, BATH, "bad"), fact(2, T0 + 5 * MIN, Motion("pir"), "stue")]
    stands = told_late(SPEC, armed(SPEC), facts, 1, T0 + HOUR)
    assert len(stands.alarms) == 1
    assert stands.standing == set()
