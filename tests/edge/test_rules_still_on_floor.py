"""The same fall sounds again: how often, until when, and what a late look makes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from nattevakt.edge.events import Body, Contact, Fall, FallOver
from nattevakt.edge.rules import still_on_floor as rule
from nattevakt.edge.rules.rule import Armed, Clear, Entry, Fact, Finding, JsonState, Log, Occurred, Raise, Step, Wake

S, MIN = 1_000, 60_000
T0 = 1_795_313_400_000
RADAR, OTHER = "micradar:bad", "tinyframe:stue"
FIVE = Armed((Entry((), {"repeat_min": 5}),))


@dataclass
class Floor:
    """One subject's fold by hand; times are ms after T0."""

    armed: Armed = FIVE
    state: JsonState = field(default_factory=dict)
    said: list[Raise | Clear | Log | Finding] = field(default_factory=list)
    wake: int | None = None
    seq: int = 0

    def tell(self, at_ms: int, body: Body, *, received_ms: int | None = None, place: str = "bad") -> Floor:
        self.seq += 1
        received = at_ms if received_ms is None else received_ms
        fact = Fact(body, Occurred(T0 + at_ms, T0 + at_ms), T0 + received, place, (1, 1, self.seq, 0))
        return self._after(rule.step(self.state, fact, self.armed, T0 + received))

    def look(self, *, late_ms: int = 0, answered: bool = False, confirmed: bool = True) -> Floor:
        """The deadline that it asked for is judged."""
        assert self.wake is not None
        asked = Wake(T0 + self.wake, confirmed, answered)
        return self._after(rule.step(self.state, asked, Armed(), T0 + self.wake + late_ms))

    def _after(self, step: Step | None) -> Floor:
        if step is not None:
            self.state = json.loads(json.dumps(step.state))
            self.said += step.verdicts
            self.wake = None if step.wake_at_ms is None else step.wake_at_ms - T0
        return self

    @property
    def minutes(self) -> list[object]:
        return [one.reason.params["min"] for one in self.said if isinstance(one, Raise)]


def test_it_sounds_three_times_five_minutes_apart_and_then_no_more() -> None:
    floor = Floor().tell(0, Fall(RADAR))
    assert floor.said == []
    for minutes in (5, 10, 15):
        assert floor.wake == minutes * MIN
        floor.look()
    assert floor.minutes == [5, 10, 15]
    assert floor.wake is None
    first = floor.said[0]
    assert isinstance(first, Raise)
    assert (first.kind, first.again, first.holds, first.insists) == ("fall", True, ((1, 1, 1, 0),), True)
    assert first.reason.params == {"place": "bad", "fell_ms": T0, "min": 5}


def test_a_plan_may_set_the_minutes() -> None:
    assert Floor(Armed((Entry((), {"repeat_min": 2}),))).tell(0, Fall(RADAR)).wake == 2 * MIN
    assert Floor(Armed()).tell(0, Fall(RADAR)).wake == rule.REPEAT_MIN * MIN


@pytest.mark.parametrize("after", [10 * S, 5 * MIN - 1, 7 * MIN])
def test_a_fall_that_is_over_sounds_no_more(after: int) -> None:
    floor = Floor().tell(0, Fall(RADAR))
    if after > 5 * MIN:
        floor.look()
    said = len(floor.said)
    floor.tell(after, FallOver(RADAR))
    assert (floor.wake, len(floor.said), floor.state) == (None, said, {})


def test_an_end_within_seconds_is_an_old_state_that_was_told_once_more() -> None:
    """As from a bridge: fall, none (the old state), fall (a repeat, which no rule hears)."""
    floor = Floor().tell(0, Fall(RADAR)).tell(100, FallOver(RADAR)).tell(500, Fall(RADAR, repeat_of=1))
    assert floor.tell(1_500, FallOver(RADAR)).wake == 5 * MIN


def test_an_end_from_before_the_fall_ends_nothing() -> None:
    floor = Floor().tell(0, Fall(RADAR)).tell(-1, FallOver(RADAR), received_ms=2 * S)
    assert floor.wake == 5 * MIN


def test_another_sensors_word_ends_nothing() -> None:
    assert Floor().tell(0, Fall(RADAR)).tell(20 * S, FallOver(OTHER)).wake == 5 * MIN


def test_who_has_looked_is_not_called_again() -> None:
    floor = Floor().tell(0, Fall(RADAR)).look(answered=True)
    assert (floor.said, floor.wake) == ([], None)
    assert rule.rests_on(floor.state).keys == ()


def test_what_an_answer_rests_on_is_the_fall_itself() -> None:
    floor = Floor().tell(0, Fall(RADAR))
    rests_on = rule.rests_on(floor.state)
    assert (rests_on.devices, rests_on.keys, rests_on.since_ms) == ((RADAR,), ((1, 1, 1, 0),), T0)


def test_a_fall_that_is_told_late_has_just_rung() -> None:
    floor = Floor().tell(0, Fall(RADAR), received_ms=4 * 60 * MIN)
    assert floor.wake == 4 * 60 * MIN + 5 * MIN
    assert (
        Floor().tell(0, Fall(RADAR), received_ms=240 * MIN).tell(MIN, FallOver(RADAR), received_ms=240 * MIN).wake
        is None
    )


def test_a_centre_that_was_away_sounds_once_and_goes_on_from_there() -> None:
    floor = Floor().tell(0, Fall(RADAR)).look(late_ms=6 * MIN)
    assert floor.minutes == [10]
    assert floor.wake == 15 * MIN


def test_a_repetition_that_is_folded_anew_says_the_same() -> None:
    """The register knows by the same reason that it has been said."""
    floor = Floor().tell(0, Fall(RADAR)).look().look()
    again = Floor().tell(0, Fall(RADAR)).look(late_ms=6 * MIN)
    assert isinstance(again.said[0], Raise)
    assert isinstance(floor.said[1], Raise)
    assert (again.said[0].reason, again.said[0].holds) == (floor.said[1].reason, floor.said[1].holds)


def test_without_confirmation_it_sounds_all_the_same() -> None:
    floor = Floor().tell(0, Fall(RADAR)).look(confirmed=False)
    assert [one.reason.code for one in floor.said] == ["fall.still"]
    assert floor.wake == 10 * MIN


def test_two_gateways_hear_one_fall() -> None:
    floor = Floor().tell(0, Fall(RADAR)).tell(300, Fall(RADAR))
    assert floor.wake == 5 * MIN
    floor.look()
    assert isinstance(floor.said[0], Raise)
    assert floor.said[0].holds == ((1, 1, 1, 0), (1, 1, 2, 0))


def test_a_new_fall_counts_anew() -> None:
    floor = Floor().tell(0, Fall(RADAR)).look().tell(6 * MIN, Fall(RADAR))
    assert floor.wake == 11 * MIN
    for _ in range(3):
        floor.look()
    assert floor.minutes == [5, 5, 10, 15]


def test_a_possible_fall_that_becomes_a_sure_one_has_just_sounded() -> None:
    assert Floor().tell(0, Fall(RADAR, "possible")).tell(30 * S, Fall(RADAR)).wake == 5 * MIN + 30 * S


def test_each_sensor_has_its_own_fall() -> None:
    floor = Floor().tell(0, Fall(RADAR)).tell(MIN, Fall(OTHER), place="stue")
    assert floor.wake == 5 * MIN
    assert floor.look().wake == 6 * MIN
    assert floor.look().wake == 10 * MIN
    assert [one.reason.params["place"] for one in floor.said] == ["bad", "stue"]
    floor.tell(7 * MIN, FallOver(RADAR))
    assert floor.wake == 11 * MIN


def test_what_only_repeats_and_what_is_nothing_to_it_changes_nothing() -> None:
    floor = Floor().tell(0, Fall(RADAR))
    before = (floor.state, floor.wake)
    floor.tell(S, Fall(RADAR, repeat_of=7)).tell(2 * S, Contact("dør", open=True)).tell(30 * S, FallOver("annen"))
    assert (floor.state, floor.wake) == before


def test_who_moves_out_takes_no_alarm_along() -> None:
    assert rule.left(Floor().tell(0, Fall(RADAR)).state) == Step({})
