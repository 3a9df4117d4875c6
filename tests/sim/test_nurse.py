"""The simulated nurse's patience: pure, with real seconds passed in."""

from __future__ import annotations

from dataclasses import replace

from nattevakt.central.alarms.lifecycle import State
from nattevakt.sim.nurse import CHECK, NEXT, VERBS, Open, Patience

CALL = Open(1, "call", State.REPORTED, "204")
FALL = Open(2, "fall", State.REPORTED, "203")


def test_she_waits_her_time_then_goes_step_by_step() -> None:
    patience = Patience(30, 4)
    alarm, at_s = CALL, 100.0
    moves: list[tuple[float, State]] = []
    while len(moves) < 4:
        due = patience.due([alarm], at_s)
        if due is not None:
            to = VERBS[NEXT[due.state]]
            patience.moved(due, to, at_s)
            moves.append((at_s - 100, to))
            alarm = replace(alarm, state=to)
        at_s += 1
    assert moves == [(30, State.TAKEN), (34, State.ON_THE_WAY), (38, State.ON_SITE), (42, State.CLOSED)]
    assert patience.due([], at_s) is None


def test_whatever_the_viewer_does_gives_the_full_time_again() -> None:
    patience = Patience(30, 4)
    assert patience.due([CALL, FALL], 0) is None
    taken = replace(CALL, state=State.TAKEN)
    assert patience.due([taken, FALL], 25) is None
    assert patience.due([taken, FALL], 54) is None
    assert patience.due([FALL], 54.5) is None, "and closing it counts too"
    assert patience.due([FALL], 84) is None
    assert patience.due([FALL], 84.5) == FALL


def test_an_alarm_that_she_has_begun_comes_before_another_and_the_viewer_may_take_it_over() -> None:
    patience = Patience(30, 4)
    patience.due([CALL], 0)
    assert patience.due([CALL], 30) == CALL
    patience.moved(CALL, State.TAKEN, 30)
    mine = replace(CALL, state=State.TAKEN)
    assert patience.due([FALL, mine], 34) == mine
    patience.moved(mine, State.ON_THE_WAY, 34)
    by_viewer = replace(CALL, state=State.ON_SITE)
    assert patience.due([FALL, by_viewer], 38) is None


def test_a_check_and_the_installation_are_not_hers() -> None:
    patience = Patience(5, 1)
    others = [Open(3, CHECK, State.REPORTED, "201"), Open(4, "gateway_silent", State.REPORTED, "")]
    assert [patience.due(others, at_s) for at_s in (0, 10, 100)] == [None, None, None]
    alarm = replace(others[0], kind="not_back_in_bed")
    assert patience.due([alarm], 100) is None
    assert patience.due([alarm], 105) == alarm


def test_a_refusal_is_no_reason_to_hurry() -> None:
    patience = Patience(5, 4)
    patience.due([CALL], 0)
    assert patience.due([CALL], 5) == CALL
    patience.refused(5)
    assert patience.due([CALL], 8) is None
    assert patience.due([CALL], 9) == CALL
