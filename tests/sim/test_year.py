"""A small year: what must always be caught is caught, a seed names a year, and the judge finds planted bugs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from nattevakt.edge.events import Bed, Contact
from nattevakt.edge.rules import call, not_back_in_bed
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.rule import Armed, Fact, JsonState, Log, Priority, Raise, Reason, Rule, Step, Wake
from nattevakt.edge.rules.windows import local_minute, local_ms
from nattevakt.sim import year_command, year_report
from nattevakt.sim.__main__ import main
from nattevakt.sim.year import Outcome, Play, Wishes, cases_of, chance_of, play_year
from nattevakt.sim.year_judge import BARRED, Spans
from nattevakt.sim.year_life import HOUR_MS, MIN_MS, Life, Span
from nattevakt.sim.year_people import PEOPLE, Often
from nattevakt.sim.year_plan import NOT_ARMED, armed
from nattevakt.sim.year_sensors import Sensors

SEED = 5
OFTEN = Often(falls=250, silent_falls=120, calls=300, leaks=80, sits=90, wanders=150, journeys=12)
"""A fortnight with as much in it as years have."""
SMALL = Wishes(SEED, 2, 14, often=OFTEN)
"""The first two residents: one who wanders, one on a bad mat. On the ninth night the clocks change."""


def told(outcomes: list[Outcome]) -> str:
    return f"{year_report.table(year_report.rows(outcomes))}\n{year_report.rules_table(outcomes)}"


def with_rule(name: str, change: Callable[[Rule], Rule]) -> tuple[Rule, ...]:
    return tuple(change(rule) if rule.name == name else rule for rule in RULES)


def verdicts(outcomes: list[Outcome]) -> dict[str, bool | None]:
    return {row.what.strip(): row.met for row in year_report.rows(outcomes)}


@pytest.fixture(scope="module")
def small() -> list[Outcome]:
    return play_year(SMALL, lambda _done: None)


def test_what_must_always_be_caught_is_caught(small: list[Outcome]) -> None:
    total = {what: sum(outcome.total.get(what, 0) for outcome in small) for what in BARRED}
    assert all(total.values()), f"seed {SEED}: a fortnight without {total}"
    missed = [case for case in cases_of(small) if case.what in BARRED]
    assert not missed, year_report.told(missed, SEED)


def test_the_plain_timer_is_wrong_as_often_as_in_the_world(small: list[Outcome]) -> None:
    good, bad = small
    assert 0.7 <= bad.plain_false / bad.slept <= 3.0
    assert good.plain_false == 0


def test_a_seed_names_a_year() -> None:
    short = replace(SMALL, nights=3)
    first, again, other = (
        told(play_year(wishes, lambda _done: None)) for wishes in (short, short, replace(short, seed=SEED + 1))
    )
    assert first == again != other


def test_a_rule_that_never_raises_is_found() -> None:
    def mute(rule: Rule) -> Rule:
        def step(state: JsonState, fact: Fact | Wake, set_to: Armed, now_ms: int) -> Step | None:
            found = rule.step(state, fact, set_to, now_ms)
            return found if found is None else Step(found.state, (), found.wake_at_ms)

        return replace(rule, step=step)

    met = verdicts(play_year(replace(SMALL, nights=6, rules=with_rule("not_back_in_bed", mute)), lambda _done: None))
    assert met[year_report.WORDS["absence"]] is False
    assert met[year_report.WORDS["silent"]] is False
    assert met[year_report.WORDS["call"]] is True


def test_a_rule_that_raises_at_each_gap_is_found() -> None:
    def step(state: JsonState, fact: Fact | Wake, _set_to: Armed, _now_ms: int) -> Step | None:
        if isinstance(fact, Wake) or not isinstance(fact.body, Bed) or fact.body.occupied:
            return None
        raised = Raise(not_back_in_bed.KIND, Priority.MEDIUM, Reason("bed.not_back_still"), (fact.key,))
        return Step(state, (raised,))

    rules = with_rule("not_back_in_bed", lambda rule: replace(rule, step=step))
    outcomes = play_year(replace(SMALL, nights=4, rules=rules), lambda _done: None)
    met = verdicts(outcomes)
    assert met["falske alarmer per natt, dårlig matte"] is False
    assert met["falske alarmer per natt, god matte"] is False, "trips to the toilet are no absences"
    held, line = year_report.last_line(year_report.rows(outcomes))
    assert not held
    assert line.startswith("IKKE BESTÅTT: ")


def test_a_rule_that_is_deaf_to_the_door_is_found() -> None:
    def deaf(rule: Rule) -> Rule:
        return replace(rule, wants=tuple(body for body in rule.wants if body is not Contact))

    outcomes = play_year(replace(SMALL, residents=1, rules=with_rule("door_at_night", deaf)), lambda _done: None)
    assert verdicts(outcomes)[year_report.WORDS["door"]] is False
    assert {case.what for case in cases_of(outcomes)} == {"door"}


def test_an_alarm_too_late_is_not_in_time() -> None:
    def slow(rule: Rule) -> Rule:
        def step(state: JsonState, fact: Fact | Wake, set_to: Armed, now_ms: int) -> Step | None:
            if isinstance(fact, Wake):
                verdict = Raise(call.KIND, Priority.HIGH, Reason("call.pressed"), ())
                return Step({}, (verdict,))
            return Step({}, (Log(Reason("call.pressed")),), now_ms + MIN_MS)

        return replace(rule, step=step)

    outcomes = play_year(replace(SMALL, residents=1, nights=6, rules=with_rule("call", slow)), lambda _done: None)
    assert verdicts(outcomes)[year_report.WORDS["call"]] is False


def test_every_planned_rule_is_armed_for_somebody_or_said_not_to_be() -> None:
    in_a_plan = {rule.name for person in PEOPLE for rule, _ in armed(person)}
    assert {rule.name for rule in RULES} == in_a_plan | set(NOT_ARMED)
    assert not in_a_plan & set(NOT_ARMED)


def test_nights_are_as_they_are_known_to_be() -> None:
    """The settings arrive in what comes out: trips, gaps, toggles, doors, silence of the sleeper."""
    person = PEOPLE[1]
    assert person.mat is not None
    sensors = Sensors(person, chance_of(SEED, person, "sensors"))
    toggles, gaps, trips, nights = 0, 0, 0, 30
    for day in Life(person, Often(journeys=0), nights, chance_of(SEED, person, "life")):
        beds = [fact for fact in sensors.day(day) if isinstance(fact.body, Bed)]
        toggles += len(beds)
        trips += len(day.in_bed) - 1
        for first, then in pairwise(beds):
            lies = any(span.from_ms <= first.occurred.to_ms < then.occurred.to_ms <= span.to_ms for span in day.in_bed)
            empty = isinstance(first.body, Bed) and not first.body.occupied
            gaps += lies and empty and then.occurred.to_ms - first.occurred.to_ms >= MIN_MS
        assert all(before.to_ms <= after.from_ms for before, after in pairwise(day.in_bed))
    assert 100 <= toggles / nights <= 2_000
    assert 3 <= gaps / nights <= 20
    assert 1.5 <= trips / nights <= 3.0, "and a nap on some days"


def test_local_hours_hold_on_both_nights_of_changed_clocks() -> None:
    person = PEOPLE[2]
    lies = []
    for day in Life(person, Often(journeys=0), 230, chance_of(SEED, person, "life")):
        assert local_minute(day.from_ms) == 12 * 60
        lies.append((day.to_ms - day.from_ms, day.in_bed))
    assert [hours / HOUR_MS for hours, _ in lies if hours != 24 * HOUR_MS] == [23, 25]
    for _, spans in lies:
        minute = local_ms(spans[-1].to_ms) % (24 * HOUR_MS) // MIN_MS
        assert 6 * 60 < minute < 15 * 60, "up in the morning, or from a nap"


def test_spans_tell_what_was_so() -> None:
    spans = Spans([Span(50, 60), Span(10, 20, "a"), Span(20, 30)])
    assert [spans.at(at_ms) is not None for at_ms in (9, 10, 25, 30, 55)] == [False, True, True, False, True]
    assert spans.touch(30, 40)
    assert not spans.touch(31, 40)


def test_the_command_plays_judges_and_traces(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["year", "--residents", "1", "--nights", "2", "--jobs", "1", "--seed", str(SEED), "--progress"]) == 0
    found = capsys.readouterr()
    assert found.out.splitlines()[-1] == "BESTÅTT"
    assert f"frø {SEED}" in found.out
    assert main(["year", "--only", "B01:2", "--trace", "--seed", str(SEED)]) == 0
    story = capsys.readouterr().out
    assert "fasit   in_bed" in story
    assert "sensor  motion" in story
    assert main(["year", "--only", "B99:2"]) == 2
    assert main(["year", "--residents", "13"]) == 2


def test_a_trace_is_the_same_night_as_in_the_whole_year() -> None:
    play = Play(PEOPLE[0], replace(SMALL, nights=3))
    alone = list(play.nights())
    again = list(Play(PEOPLE[0], replace(SMALL, nights=6)).nights())
    assert alone == again[:3]
    assert any("bed_check" in line or "sensor" in line for line in year_command.story(play, play.days[1], alone[1]))
