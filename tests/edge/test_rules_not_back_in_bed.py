"""Left the bed in the night: the two steps, what counts as evidence, what answers them, and mats that lie."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import not_back_in_bed as rule
from nattevakt.edge.rules.rule import (
    Armed,
    Clear,
    Entry,
    Fact,
    Finding,
    JsonState,
    Log,
    Occurred,
    Priority,
    Raise,
    Step,
    Wake,
)
from nattevakt.edge.rules.windows import Window

S, MIN = 1_000, 60_000
OSLO = ZoneInfo("Europe/Oslo")
DEFAULT = {setting.name: setting.default for setting in rule.SPEC.settings}
ALWAYS = Armed((Entry((), DEFAULT),))
NIGHT = Armed((Entry((Window(23 * 60, 7 * 60),), DEFAULT),))


def at(day: str, clock: str, fold: int = 0) -> int:
    return round(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=OSLO, fold=fold).timestamp() * 1000)


T0 = at("2026-11-20", "02:00")


@dataclass
class Night:
    """One subject's fold by hand; times are ms after 02:00."""

    armed: Armed = ALWAYS
    state: JsonState = field(default_factory=dict)
    said: list[Raise | Clear | Log | Finding] = field(default_factory=list)
    wake: int | None = None
    seq: int = 0

    def tell(self, at_ms: int, body: Body, place: str = "", doubt_ms: int = 0) -> Night:
        self.seq += 1
        now = T0 + at_ms
        fact = Fact(body, Occurred(now - doubt_ms, now), now, place, (1, 1, self.seq, 0))
        return self._after(rule.step(self.state, fact, self.armed, now))

    def bed(self, at_ms: int, *, occupied: bool, mat: str = "mat") -> Night:
        return self.tell(at_ms, Bed(mat, occupied), "seng")

    def look(self, *, confirmed: bool = True, answered: bool = False, now_ms: int | None = None) -> Night:
        """The deadline that is armed has come."""
        assert self.wake is not None
        wake = Wake(self.wake, confirmed, answered)
        return self._after(rule.step(self.state, wake, self.armed, self.wake if now_ms is None else T0 + now_ms))

    def _after(self, step: Step | None) -> Night:
        if step is None:
            return self
        # What is stored goes through JSON.
        self.state, self.wake = json.loads(json.dumps(step.state)), step.wake_at_ms
        self.said += step.verdicts
        return self

    @property
    def codes(self) -> list[str]:
        return [verdict.reason.code for verdict in self.said]

    @property
    def due(self) -> int | None:
        return None if self.wake is None else self.wake - T0


def up() -> Night:
    """In bed, then left at 02:00."""
    return Night().bed(-60 * MIN, occupied=True).bed(0, occupied=False)


def test_nothing_is_said_before_the_limit_and_nothing_by_a_fact() -> None:
    night = up()
    assert (night.due, night.codes) == (15 * MIN, [])
    night.tell(3 * MIN, Motion("pir"), "bad")
    assert (night.due, night.codes) == (15 * MIN, [])


@pytest.mark.parametrize(
    "body",
    [Motion("pir"), Presence("radar", present=True), Contact("door", open=False)],
)
def test_movement_elsewhere_makes_it_an_alarm_at_the_limit(body: Body) -> None:
    night = up().tell(3 * MIN, body, "bad").tell(4 * MIN, body, "stue").look()
    (alarm,) = night.said
    assert isinstance(alarm, Raise)
    assert (alarm.kind, alarm.priority, alarm.holds) == ("not_back_in_bed", Priority.MEDIUM, ((1, 1, 2, 0),))
    expected = {"place": "seng", "left_ms": T0, "min": 15, "seen": "stue", "seen_ms": T0 + 4 * MIN}
    assert (alarm.reason.code, alarm.reason.params) == ("bed.not_back_seen", expected)
    assert night.due is None


def test_who_sits_in_a_chair_is_said_to() -> None:
    night = up().tell(3 * MIN, Motion("pir"), "bad").tell(4 * MIN, Chair("pad", seated=True), "stue").look()
    (alarm,) = night.said
    assert isinstance(alarm, Raise)
    assert (alarm.kind, alarm.priority, alarm.reason.code) == (
        "not_back_in_bed",
        Priority.MEDIUM,
        "bed.not_back_chair",
    )
    assert (alarm.reason.params["seen"], alarm.reason.params["seen_ms"]) == ("stue", T0 + 4 * MIN)


def test_how_long_a_check_waits_is_set() -> None:
    night = Night(Armed((Entry((), {**DEFAULT, "check_min": 20}),))).bed(-MIN, occupied=True).bed(0, occupied=False)
    alarm = night.look().look().said[-1]
    assert isinstance(alarm, Raise)
    assert (alarm.reason.code, alarm.reason.params["min"]) == ("bed.not_back_still", 35)


def test_an_empty_bed_and_nothing_else_is_a_check_and_then_an_alarm() -> None:
    night = up().look()
    (check,) = night.said
    assert isinstance(check, Raise)
    assert (check.kind, check.priority, check.reason.code) == ("bed_check", Priority.LOW, "bed.check")
    assert night.due == 30 * MIN
    alarm = night.look().said[-1]
    assert isinstance(alarm, Raise)
    assert (alarm.kind, alarm.priority, alarm.reason.code) == ("not_back_in_bed", Priority.MEDIUM, "bed.not_back_still")
    assert alarm.holds == check.holds
    assert night.due is None


def test_movement_during_the_check_is_an_alarm_at_once_but_never_over_the_head_of_who_is_on_the_way() -> None:
    night = up().look().tell(17 * MIN, Motion("pir"), "bad")
    assert night.due == 17 * MIN
    seen = night.look().said[-1]
    assert isinstance(seen, Raise)
    assert (seen.reason.code, seen.insists) == ("bed.not_back_seen", False)
    assert night.due == 30 * MIN
    again = night.look().said[-1]
    assert isinstance(again, Raise)
    assert (again.insists, again.reason) == (True, seen.reason)


@pytest.mark.parametrize(
    ("body", "place", "doubt_ms"),
    [
        (Motion("pir"), "seng", 0),
        (Presence("radar", present=False), "bad", 0),
        (Chair("pad", seated=False), "stue", 0),
        (Motion("pir"), "bad", 5 * MIN),
    ],
    ids=["where the bed is", "gone from the field", "up from the chair", "perhaps before the exit"],
)
def test_what_is_no_evidence(body: Body, place: str, doubt_ms: int) -> None:
    assert up().tell(3 * MIN, body, place, doubt_ms).look().codes == ["bed.check"]


def test_movement_before_the_exit_is_no_evidence() -> None:
    night = Night().bed(-60 * MIN, occupied=True).tell(-S, Motion("pir"), "bad").bed(0, occupied=False).look()
    assert night.codes == ["bed.check"]


@pytest.mark.parametrize("steps", [0, 1])
def test_a_look_answers_until_the_bed_is_next_occupied(steps: int) -> None:
    night = up()
    for _ in range(steps):
        night.look()
    night.look(answered=True)
    assert night.due is None
    night.tell(40 * MIN, Motion("pir"), "bad").bed(41 * MIN, occupied=False)
    assert (night.due, night.codes) == (None, ["bed.check"][:steps])
    night.bed(50 * MIN, occupied=True).bed(60 * MIN, occupied=False)
    assert night.due == 75 * MIN


def test_back_in_bed_clears_once_it_has_lasted() -> None:
    night = up().look().bed(20 * MIN, occupied=True)
    assert (night.due, night.codes) == (20 * MIN + rule.SETTLED_MS, ["bed.check"])
    night.look()
    (_, clear) = night.said
    assert isinstance(clear, Clear)
    assert (clear.reason.code, clear.holds, night.due) == ("bed.back", ((1, 1, 2, 0),), None)


def test_a_mat_that_chatters_is_not_a_return() -> None:
    night = up()
    for minute in range(1, 14):
        night.bed(minute * MIN, occupied=True).bed(minute * MIN + 2 * S, occupied=False)
    assert (night.due, night.look().codes) == (15 * MIN, ["bed.check"])


def test_a_return_that_lasts_ends_it_also_where_the_next_exit_comes_first() -> None:
    night = up().look().bed(20 * MIN, occupied=True).bed(20 * MIN + rule.SETTLED_MS, occupied=False)
    assert night.codes == ["bed.check", "bed.back"]
    assert night.due == 35 * MIN + rule.SETTLED_MS


def test_a_mat_that_drops_out_while_somebody_sleeps_counts_from_its_last_drop() -> None:
    night = Night().bed(-60 * MIN, occupied=True)
    for minute in range(0, 60, 10):
        night.bed(minute * MIN, occupied=False).bed((minute + 9) * MIN, occupied=True)
    assert night.due == 59 * MIN + rule.SETTLED_MS
    assert set(night.codes) == {"bed.back"}


def test_what_ended_before_it_was_known_is_a_line_in_the_log() -> None:
    night = up().bed(20 * MIN, occupied=True)
    assert night.said == [Log(night.said[0].reason)]
    assert night.codes == ["bed.back_before_known"]


def test_without_confirmation_each_limit_rings_once_and_the_truth_follows() -> None:
    night = up().look(confirmed=False, now_ms=16 * MIN).look(confirmed=False, now_ms=17 * MIN)
    assert (night.codes, night.due) == (["bed.check_unconfirmed"], 15 * MIN)
    night.look(confirmed=False, now_ms=31 * MIN).look(confirmed=False, now_ms=60 * MIN)
    assert night.codes == ["bed.check_unconfirmed", "bed.not_back_still_unconfirmed"]
    night.look(now_ms=61 * MIN)
    assert (night.codes[2:], night.due) == (["bed.check"], 30 * MIN)


def test_a_return_is_no_all_clear_until_it_is_known_that_it_lasted() -> None:
    night = up().look().look().bed(31 * MIN, occupied=True).look(confirmed=False, now_ms=34 * MIN)
    assert (night.codes, night.due) == (["bed.check", "bed.not_back_still"], 31 * MIN + rule.SETTLED_MS)
    assert night.look(now_ms=70 * MIN).codes[2:] == ["bed.back"]


def test_without_confirmation_what_is_known_to_have_moved_is_named() -> None:
    night = up().tell(2 * MIN, Motion("pir"), "bad").look(confirmed=False, now_ms=17 * MIN)
    (alarm,) = night.said
    assert isinstance(alarm, Raise)
    assert (alarm.kind, alarm.reason.code) == ("not_back_in_bed", "bed.not_back_seen_unconfirmed")


def test_the_second_empty_through_another_gateway_is_the_same_exit() -> None:
    night = up().bed(1 * S, occupied=False).bed(9 * S, occupied=False).look()
    assert [verdict.holds for verdict in night.said if isinstance(verdict, Raise)] == [((1, 1, 2, 0), (1, 1, 3, 0))]


def test_a_double_bed_is_left_when_both_halves_are() -> None:
    night = Night().bed(-9 * MIN, occupied=True, mat="a").bed(-8 * MIN, occupied=True, mat="b")
    assert [night.bed(0, occupied=False, mat="a").due, night.bed(2 * MIN, occupied=False, mat="b").due] == [
        None,
        17 * MIN,
    ]
    night.bed(3 * MIN, occupied=True, mat="a").look()
    assert (night.due, night.codes) == (None, ["bed.back"])


def test_a_mat_that_hangs_there_no_longer_holds_nobody_in_bed() -> None:
    night = Night().bed(-99 * MIN, occupied=True, mat="dead")
    night.armed = Armed(ALWAYS.entries, devices={"new": "seng"})
    night.bed(-60 * MIN, occupied=True, mat="new").bed(0, occupied=False, mat="new")
    assert night.due == 15 * MIN


def test_a_doubtful_exit_counts_from_its_earliest_moment() -> None:
    night = Night().bed(-60 * MIN, occupied=True).tell(0, Bed("mat", occupied=False), "seng", doubt_ms=10 * MIN)
    assert night.due == 5 * MIN


def test_who_is_asked_about_an_exit_of_doubtful_time_is_given_as_long_as_anybody_to_look() -> None:
    night = Night().bed(-99 * MIN, occupied=True).tell(0, Bed("mat", occupied=False), "seng", doubt_ms=90 * MIN)
    assert night.due == -75 * MIN
    assert night.look(now_ms=0).codes == ["bed.check"]
    assert night.due == 15 * MIN


@pytest.mark.parametrize("mat", ["mat", "other half"])
def test_what_a_bed_said_a_day_ago_is_forgotten(mat: str) -> None:
    """Its resident was in hospital, or it has died with somebody in it."""
    night = Night(NIGHT).bed(-28 * 60 * MIN, occupied=mat != "mat", mat=mat)
    assert night.bed(0, occupied=False).due == 15 * MIN


def test_an_exit_of_long_ago_that_all_has_been_said_of_hides_no_new_one() -> None:
    night = up().look().look(answered=True)
    assert night.bed(23 * 60 * MIN, occupied=False).due is None
    assert night.bed(48 * 60 * MIN, occupied=False).due == (48 * 60 + 15) * MIN


def test_a_bed_that_was_never_known_occupied_is_watched_all_the_same() -> None:
    assert Night().bed(0, occupied=False).due == 15 * MIN


@pytest.mark.parametrize(
    ("left", "limit_ms"),
    [
        (at("2026-11-20", "22:59"), None),
        (at("2026-11-20", "23:00"), 15 * MIN),
        (at("2026-11-21", "06:59"), 15 * MIN),
        (at("2026-11-21", "07:00"), None),
        (at("2026-03-29", "03:00"), 15 * MIN),
        (at("2026-03-29", "06:59"), 15 * MIN),
        (at("2026-03-29", "07:00"), None),
        (at("2026-10-25", "02:30", fold=0), 15 * MIN),
        (at("2026-10-25", "02:30", fold=1), 15 * MIN),
        (at("2026-10-25", "07:00"), None),
    ],
)
def test_only_an_exit_inside_the_local_window_counts(left: int, limit_ms: int | None) -> None:
    night = Night(NIGHT).bed(left - T0 - 10 * MIN, occupied=True).bed(left - T0, occupied=False)
    assert night.wake == (None if limit_ms is None else left + limit_ms)


def test_the_shortest_limit_of_the_windows_that_are_open_counts() -> None:
    entries = (Entry((), {**DEFAULT, "limit_min": 40}), Entry((Window(60, 180),), {**DEFAULT, "limit_min": 5}))
    night = Night(Armed(entries)).bed(-9 * MIN, occupied=True).bed(0, occupied=False)
    assert night.due == 5 * MIN


def test_an_exit_outside_the_window_is_not_watched_when_the_bed_is_said_to_be_empty_again() -> None:
    night = Night(NIGHT).bed(-4 * 60 * MIN, occupied=True).bed(-3 * 60 * MIN - 30 * MIN, occupied=False)
    assert night.bed(0, occupied=False).due is None


def test_unjudged_is_judged_again_and_who_left_is_let_go() -> None:
    night = up().look().look()
    night.state = rule.unjudged(night.state)
    again = rule.step(night.state, Wake(T0 + 15 * MIN), ALWAYS, T0)
    assert again is not None
    assert again.verdicts == (night.said[0],)
    assert rule.rests_on(night.state).devices == ("mat",)
    assert rule.rests_on(night.state).since_ms == T0
    (gone,) = rule.left(night.state).verdicts
    assert isinstance(gone, Clear)
    assert rule.left({}).verdicts == ()
    assert rule.unjudged({}) == {}


def test_a_deadline_that_is_not_its_own_changes_nothing() -> None:
    nothing = rule.step({}, Wake(5), ALWAYS, 5)
    assert nothing is not None
    assert nothing.wake_at_ms is None
    night = up()
    early = rule.step(night.state, Wake(T0 + MIN), ALWAYS, T0 + MIN)
    assert early is not None
    assert (early.verdicts, early.wake_at_ms) == ((), T0 + 15 * MIN)
