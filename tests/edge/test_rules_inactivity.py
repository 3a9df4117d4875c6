"""No sign of life: what counts as one, bed and door, strays, windows, and a path that is fast enough."""

from __future__ import annotations

import time
import timeit

import pytest

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import inactivity
from nattevakt.edge.rules.rule import Armed, Entry, JsonState, Priority, Raise
from nattevakt.edge.rules.windows import Window
from tests.edge.home import HOUR, MIN, T0, Home, S, armed, at, fact, told_late

SPEC = inactivity.SPEC
DAY = Window(8 * 60, 22 * 60)
PIR = Motion("pir")
SILENT, IN_BED, AWAY = "Raise inactive.silent", "Raise inactive.in_bed", "Raise inactive.away"
BACK = "Clear inactive.active"


def home(*windows: Window, shared: bool = False, **values: int) -> Home:
    return Home(SPEC, armed(SPEC, *windows, shared=shared, **values))


def seen() -> Home:
    """Movement at 02:00, at all hours."""
    return home().tell(0, PIR, "stue")


def test_silence_for_too_long_rings_with_the_last_sign() -> None:
    night = seen()
    assert (night.due, night.codes) == (6 * HOUR, [])
    (alarm,) = night.look().said
    assert isinstance(alarm, Raise)
    assert (alarm.kind, alarm.priority, alarm.holds) == ("inactivity", Priority.MEDIUM, ((1, 1, 1, 0),))
    expected = {"place": "stue", "seen_ms": T0, "min": 360}
    assert (alarm.reason.code, alarm.reason.params) == ("inactive.silent", expected)
    assert night.due is None


@pytest.mark.parametrize(
    "body",
    [PIR, Contact("fridge", open=False), Presence("radar", present=True), Chair("pad", seated=True)],
)
def test_signs_of_life_move_the_deadline_when_it_comes(body: Body) -> None:
    night = seen().tell(2 * HOUR, body, "kjøleskap").tell(2 * HOUR + 1, Chair("pad", seated=False), "stol")
    night.tell(2 * HOUR + 2, Presence("radar", present=False), "soverom")
    assert night.due == 6 * HOUR
    assert night.look().codes == []
    assert night.due is not None
    assert abs(night.due - 8 * HOUR) <= 2
    assert night.look().codes == [SILENT]


def test_the_toggles_of_a_bad_mat_are_no_sign_of_life() -> None:
    night = seen()
    for number in range(1, 50):
        night.tell(number * 5 * MIN, Bed("mat", occupied=True), "seng")
        night.tell(number * 5 * MIN + 2 * S, Bed("mat", occupied=False), "seng")
    assert night.until(6 * HOUR).codes == [SILENT]


def test_in_bed_one_may_be_silent_for_longer_but_not_for_ever() -> None:
    night = seen().tell(5 * MIN, Bed("mat", occupied=True), "seng").until(13 * HOUR)
    assert night.codes == []
    (alarm,) = night.until(15 * HOUR).raised
    assert (alarm.reason.code, alarm.reason.params["lay_ms"]) == ("inactive.in_bed", T0 + 5 * MIN)
    assert night.until(100 * HOUR).codes == [IN_BED]


def test_a_mat_that_drops_out_under_a_sleeper_neither_rings_nor_hides_for_ever() -> None:
    night = seen()
    for number in range(1, 30):
        night.until(number * 40 * MIN - 1)
        night.tell(number * 40 * MIN, Bed("mat", occupied=True), "seng")
        night.tell(number * 40 * MIN + 20 * MIN, Bed("mat", occupied=False), "seng")
        if number == 19:
            assert night.codes == []
    assert night.until(15 * HOUR).codes == [SILENT]


def test_out_of_bed_and_nothing_moves_counts_from_the_exit() -> None:
    night = seen().tell(5 * MIN, Bed("mat", occupied=True), "seng").tell(5 * HOUR, Bed("mat", occupied=False), "seng")
    assert night.until(11 * HOUR - 1).codes == []
    assert night.until(11 * HOUR).codes == [SILENT]


def test_one_stray_breaks_no_silence_and_two_signs_do() -> None:
    night = seen().look().tell(7 * HOUR, PIR, "stue")
    assert night.codes == [SILENT]
    night.tell(9 * HOUR, PIR, "stue").tell(9 * HOUR + 5 * S, PIR, "stue")
    assert (night.codes, night.due) == ([SILENT], None)
    night.tell(9 * HOUR + 2 * MIN, PIR, "bad")
    assert night.codes == [SILENT, BACK]
    assert night.due == 15 * HOUR + 2 * MIN
    assert night.look().codes == [SILENT, BACK, SILENT]


def test_three_days_away_with_strays_is_one_alarm() -> None:
    night = seen()
    for hours in (20, 33, 50, 61):
        night.until(hours * HOUR).tell(hours * HOUR, PIR, "stue")
    assert night.until(72 * HOUR).codes == [SILENT]


def test_whoever_went_out_by_the_door_is_away() -> None:
    night = seen().tell(HOUR, Contact("door", open=True), "ytterdør").tell(HOUR + 90 * S, PIR, "gang")
    night.until(30 * HOUR)
    assert night.codes == ["Log inactive.gone_out", "Clear inactive.gone_out"]
    night.tell(40 * HOUR, PIR, "stue")
    assert night.until(60 * HOUR).codes[2:] == []
    inside = seen().tell(HOUR, Contact("door", open=True), "ytterdør").tell(HOUR + 3 * MIN, PIR, "stue")
    assert inside.until(30 * HOUR).codes == [SILENT]
    fridge = seen().tell(HOUR, Contact("c", open=True), "kjøleskap")
    assert fridge.until(30 * HOUR).codes == [SILENT]


def test_an_away_limit_rings_once() -> None:
    night = home(limit_away_min=1440).tell(0, Contact("door", open=True), "ytterdør")
    assert night.until(24 * HOUR - 1).codes == []
    assert night.until(24 * HOUR).codes == [AWAY]
    assert night.tell(40 * HOUR, PIR, "stue").until(90 * HOUR).codes == [AWAY]


def test_somebody_in_bed_when_the_door_went_is_not_away() -> None:
    night = seen().tell(MIN, Bed("mat", occupied=True), "seng").tell(HOUR, Contact("door", open=True), "ytterdør")
    assert night.until(30 * HOUR).codes == [IN_BED]
    hall = (
        seen().tell(HOUR - S, Presence("hall", present=True), "gang").tell(HOUR, Contact("door", open=True), "ytterdør")
    )
    hall.tell(HOUR + MIN, Presence("hall", present=False), "gang")
    assert hall.until(30 * HOUR).codes[0] == "Log inactive.gone_out", "who goes out is seen in the hall until then"


def test_who_shares_a_home_has_not_gone_away_by_the_door() -> None:
    two = home(shared=True).tell(0, Contact("door", open=True), "ytterdør")
    assert two.until(7 * HOUR).codes == [SILENT]


def test_only_time_within_the_window_counts() -> None:
    evening = at("2026-11-20", "21:00") - T0
    night = home(DAY).tell(evening, PIR, "stue")
    assert night.wake == at("2026-11-21", "14:00")
    assert night.look().codes == [SILENT]
    day = home(DAY).tell(at("2026-11-20", "09:30") - T0, PIR, "stue")
    assert day.wake == at("2026-11-20", "15:30")
    weekdays = home(Window(8 * 60, 22 * 60, 0b0011111)).tell(at("2026-11-20", "18:00") - T0, PIR, "stue")
    assert weekdays.wake == at("2026-11-23", "14:00"), "after the weekend"
    too_short = home(Window(8 * 60, 9 * 60)).tell(0, PIR, "stue")
    assert too_short.until(200 * HOUR).codes == []


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_the_nights_on_which_the_clock_is_changed(day: str) -> None:
    begun = at(day, "01:30")
    assert home(Window(0, 12 * 60)).tell(begun - T0, PIR, "stue").wake == begun + 6 * HOUR


def test_a_sign_that_is_told_late_takes_the_alarm_back() -> None:
    facts = [fact(1, T0, PIR, "stue"), fact(2, T0 + 4 * HOUR, PIR, "bad")]
    stands = told_late(SPEC, armed(SPEC), facts, 1, T0 + 7 * HOUR)
    assert [code for _, _, code in stands.alarms] == ["inactive.silent"]
    assert stands.standing == set()
    night = seen().look().tell(5 * HOUR, PIR, "stue", late_ms=2 * HOUR)
    assert night.codes == [SILENT, BACK], "it had not been silent for so long"
    assert night.due == 11 * HOUR


def test_a_silence_that_was_over_before_it_was_known_is_written_down() -> None:
    night = seen().tell(7 * HOUR, PIR, "stue").tell(7 * HOUR + MIN, PIR, "stue")
    assert night.codes == ["Log inactive.active_before_known", BACK]


def test_what_happens_after_the_deadline_changes_nothing_that_is_said_at_it() -> None:
    night = seen().tell(7 * HOUR, Bed("mat", occupied=True), "seng").tell(8 * HOUR, PIR, "bad")
    (alarm,) = night.look().raised
    assert (alarm.reason.code, alarm.reason.params["seen_ms"]) == ("inactive.silent", T0)


def test_unconfirmed_answered_and_moved_away() -> None:
    night = seen().look(confirmed=False).look(confirmed=False)
    assert night.codes == ["Raise inactive.silent_unconfirmed"]
    assert night.look().codes[-1] == SILENT
    assert (seen().look(answered=True).codes, seen().look(answered=True).due) == ([], None)
    rests_on = inactivity.rests_on(seen().state)
    assert (rests_on.keys, rests_on.since_ms, "pir" in rests_on.devices) == (((1, 1, 1, 0),), T0, True)
    assert inactivity.rests_on({}).keys == ()
    assert [verdict.reason.code for verdict in inactivity.left(night.state).verdicts] == ["inactive.moved_away"]


def test_a_deadline_is_judged_by_the_plan_of_the_last_sign_where_none_is_given() -> None:
    night = home(DAY)
    for clock in ("09:00", "13:00", "17:00"):
        night.tell(at("2026-11-20", clock) - T0, PIR, "stue")
    assert night.wake == at("2026-11-20", "15:00")
    night.armed = Armed()
    night.look()
    assert night.wake == at("2026-11-21", "14:00")
    assert night.look().codes == [SILENT]


def test_a_plan_that_is_made_stricter_holds_from_the_next_sign() -> None:
    night = seen()
    night.armed = armed(SPEC, limit_min=60)
    assert night.tell(MIN, PIR, "stue").due == 61 * MIN
    night.armed = Armed()
    night.tell(2 * MIN, PIR, "stue")
    assert night.look().due is None
    assert night.codes == []


def test_several_lines_ring_by_the_one_that_comes_first() -> None:
    lines = (armed(SPEC, DAY).entries[0], Entry((Window(0, 8 * 60),), armed(SPEC, limit_min=120).entries[0].values))
    night = Home(SPEC, Armed(lines)).tell(0, PIR, "stue")
    assert night.due == 2 * HOUR
    assert night.tell(S, PIR, "stue").tell(2 * S, PIR, "stue").look().due == 2 * HOUR + 2 * S


def test_the_common_fact_is_cheap() -> None:
    """Movement each half minute: it must stay far below what all rules together may cost."""
    setup = armed(SPEC, DAY)
    begun = at("2026-11-20", "09:00")
    facts = [fact(number, begun + number * 30 * S, PIR, "stue") for number in range(500)]

    def run() -> None:
        state: JsonState = {}
        for told in facts:
            step = SPEC.step(state, told, setup, told.received_ms)
            assert step is not None
            state = step.state

    per_fact_us = min(timeit.repeat(run, timer=time.process_time, number=1, repeat=7)) / len(facts) * 1e6
    assert per_fact_us < 10, "a machine that is busy may be slow, but not so slow"
