"""Facts that are all known, through the rules: each deadline in its place, and the same as one rule at a time."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.edge.events import Bed, Body, Call, Contact, Health, Motion
from nattevakt.edge.rules import call, door_at_night, not_back_in_bed
from nattevakt.edge.rules.replay import Driver, Said, replay
from nattevakt.edge.rules.rule import (
    Armed,
    Entry,
    Fact,
    Folding,
    JsonState,
    Log,
    Occurred,
    Per,
    Reason,
    RestsOn,
    Rule,
    Step,
    Wake,
)
from nattevakt.edge.rules.windows import Window

S, MIN, DAY = 1_000, 60_000, 86_400_000
T0 = 1_795_212_000_000
ALWAYS = (Window(0, 0),)
BED = Armed((Entry(ALWAYS, {"limit_min": 15, "check_min": 15}),))
DOOR = Armed((Entry(ALWAYS),))
FALLS_SILENT = Folding(lambda state: state, lambda _state: RestsOn(("d",), (), T0), Step)
IN, OUT = Bed("mat", occupied=True), Bed("mat", occupied=False)
PIR = Motion("pir")


def facts(*told: tuple[int, Body]) -> list[Fact]:
    """Events in order, each some ms after T0."""
    return [
        Fact(body, Occurred(T0 + at, T0 + at), T0 + at, "bad", (1, 1, number, 0))
        for number, (at, body) in enumerate(told, 1)
    ]


def short(said: Iterable[Said]) -> list[tuple[int, str]]:
    """When, and why."""
    return [(entry.at_ms - T0, entry.verdict.reason.code) for entry in said]


def silence(limit_ms: int = MIN, *, per: Per = Per.RESIDENT, timed: bool = False) -> Rule:
    """A rule that logs that nothing has come for this long, each time anew."""

    def step(state: JsonState, fact: Fact | Wake, _armed: Armed, now_ms: int) -> Step:
        if isinstance(fact, Wake):
            again_ms = fact.at_ms + limit_ms
            count = state.get("n", 0)
            assert isinstance(count, int)
            params = {"n": count, "answered": int(fact.answered), "now_ms": now_ms}
            return Step({"n": count + 1}, (Log(Reason("silent", params)),), again_ms)
        return Step({"n": 0}, (), fact.occurred.to_ms + limit_ms)

    return Rule("silence", "call", (Motion, Bed), step, ("silent",), per=per, timed=timed, folding=FALLS_SILENT)


def test_a_deadline_is_judged_between_the_facts_and_says_its_time() -> None:
    told = facts((0, IN), (10 * MIN, OUT), (12 * MIN, PIR), (40 * MIN, IN), (41 * MIN, PIR))
    told = [told[0], told[1], *[Fact(PIR, told[2].occurred, told[2].received_ms, "gang", (9,))], *told[3:]]
    found = list(replay(not_back_in_bed.SPEC, told, BED, T0 + DAY))
    assert short(found) == [(25 * MIN, "bed.not_back_seen"), (40 * MIN + 5 * S, "bed.back")]
    assert [entry.due_ms for entry in found] == [T0 + 25 * MIN, T0 + 40 * MIN + 5 * S]
    assert found[0].occurred == Occurred(T0 + 25 * MIN, T0 + 25 * MIN)
    assert found[0].fact_key == ()


def test_who_is_back_at_the_very_moment_of_the_limit_is_back() -> None:
    in_time = facts((0, IN), (MIN, OUT), (16 * MIN, IN))
    back = [(16 * MIN, "bed.back_before_known"), (16 * MIN + 5 * S, "bed.back")]
    assert short(replay(not_back_in_bed.SPEC, in_time, BED, T0 + DAY)) == back
    too_late = facts((0, IN), (MIN, OUT), (16 * MIN + 1, IN))
    assert short(replay(not_back_in_bed.SPEC, too_late, BED, T0 + DAY))[0] == (16 * MIN, "bed.check")


def test_what_lies_at_the_end_or_later_is_not_judged() -> None:
    told = facts((0, IN), (MIN, OUT), (20 * MIN, IN))
    assert short(replay(not_back_in_bed.SPEC, told, BED, T0 + 16 * MIN)) == []
    assert short(replay(not_back_in_bed.SPEC, told, BED, T0 + 16 * MIN + 1)) == [(16 * MIN, "bed.check")]
    assert short(replay(not_back_in_bed.SPEC, told, BED, T0 + MIN)) == []


def test_a_fact_that_leads_to_a_verdict_is_named() -> None:
    told = facts((0, Call("knapp", "press")))
    (said,) = replay(call.SPEC, told, Armed(), T0 + DAY)
    assert (said.fact, said.fact_key, said.due_ms, said.rule) == (told[0], told[0].key, None, call.SPEC)
    assert said.occurred is told[0].occurred


def test_whoever_hears_a_verdict_can_answer_before_the_next_deadline() -> None:
    told = facts((0, IN), (MIN, OUT))
    heard: list[Said] = []

    def answered(rests_on: RestsOn, at_ms: int) -> bool:
        assert rests_on.devices == ("mat",)
        assert rests_on.since_ms == T0 + MIN
        return bool(heard) and at_ms >= T0 + 20 * MIN

    for said in replay(not_back_in_bed.SPEC, told, BED, T0 + DAY, answered=answered):
        heard.append(said)
    assert short(heard) == [(16 * MIN, "bed.check")]
    assert short(replay(not_back_in_bed.SPEC, told, BED, T0 + DAY)) == [
        (16 * MIN, "bed.check"),
        (31 * MIN, "bed.not_back_still"),
    ]


def test_a_rule_that_waits_for_a_time_of_day_is_woken_once() -> None:
    woken = short(replay(silence(timed=True), [], Armed(), T0 + 3 * MIN, from_ms=T0))
    assert woken == [(0, "silent"), (MIN, "silent"), (2 * MIN, "silent")]
    assert short(replay(silence(), [], Armed(), T0 + 3 * MIN, from_ms=T0)) == []
    at_the_first_fact = replay(silence(timed=True), facts((5 * MIN, PIR)), Armed(), T0 + 6 * MIN)
    assert short(at_the_first_fact) == [(5 * MIN, "silent")]


def test_a_deadline_that_has_passed_when_it_is_asked_for_is_judged_at_once() -> None:
    told = facts((0, PIR), (10 * MIN, PIR))

    def step(state: JsonState, fact: Fact | Wake, _armed: Armed, now_ms: int) -> Step:
        if isinstance(fact, Wake):
            return Step(state, (Log(Reason("late", {"now_ms": now_ms, "at_ms": fact.at_ms})),))
        return Step(state, (), fact.occurred.to_ms - 5 * MIN)

    rule = Rule("late", "call", (Motion,), step, ("late",))
    found = list(replay(rule, told, Armed(), T0 + DAY))
    assert [(entry.at_ms - T0, (entry.due_ms or 0) - T0) for entry in found] == [
        (0, -5 * MIN),
        (10 * MIN, 5 * MIN),
    ]


def test_a_rule_that_goes_round_in_circles_is_named() -> None:
    def step(state: JsonState, fact: Fact | Wake, _armed: Armed, _now_ms: int) -> Step:
        asked_ms = fact.at_ms if isinstance(fact, Wake) else fact.occurred.to_ms
        return Step(state, (), asked_ms - 1)

    rule = Rule("circle", "call", (Motion,), step, ())
    with pytest.raises(RuntimeError, match="circle"):
        list(replay(rule, facts((0, PIR)), Armed(), T0 + DAY))


def test_the_same_deadline_asked_for_again_waits_for_a_fact() -> None:
    def step(state: JsonState, fact: Fact | Wake, _armed: Armed, _now_ms: int) -> Step:
        if isinstance(fact, Wake):
            return Step(state, (Log(Reason("asked")),), fact.at_ms)
        return Step(state, (), fact.occurred.to_ms + MIN)

    rule = Rule("same", "call", (Motion,), step, ("asked",))
    found = short(replay(rule, facts((0, PIR), (5 * MIN, PIR)), Armed(), T0 + DAY))
    assert found == [(MIN, "asked"), (6 * MIN, "asked")]


def test_facts_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        list(replay(call.SPEC, facts((MIN, PIR), (0, PIR)), Armed(), T0 + DAY))


def test_a_rule_per_device_has_a_state_for_each() -> None:
    heard: list[Said] = []
    driver = Driver([(silence(per=Per.DEVICE), Armed())], heard.append)
    for fact in facts((0, PIR), (30 * S, IN), (45 * S, Health("pir")), (70 * S, Motion("pir2"))):
        driver.feed(fact)
    driver.until(T0 + 2 * MIN)
    assert [(entry.subject, at) for entry, (at, _) in zip(heard, short(heard), strict=True)] == [
        ("pir", 60 * S),
        ("mat", 90 * S),
    ]
    assert set(driver.states()) == {(address, "silence") for address in ("pir", "mat", "pir2")}


def test_what_it_is_set_to_may_change_on_the_way() -> None:
    heard: list[Said] = []
    driver = Driver([(not_back_in_bed.SPEC, BED), (silence(per=Per.DEVICE), Armed())], heard.append)
    first, second, third, last = facts((0, IN), (MIN, OUT), (5 * MIN, IN), (6 * MIN, OUT))
    for fact in (first, second, third):
        driver.feed(fact)
    shorter = Armed((Entry(ALWAYS, {"limit_min": 5, "check_min": 15}),))
    driver.arm(lambda rule: shorter if rule is not_back_in_bed.SPEC else Armed())
    driver.feed(last)
    driver.until(T0 + 11 * MIN + 1)
    said = [entry for entry in short(heard) if entry[1] != "silent"]
    assert said == [(5 * MIN + 5 * S, "bed.back"), (11 * MIN, "bed.check")]


def test_who_has_left_is_spoken_of_once_more_and_then_never() -> None:
    heard: list[Said] = []
    driver = Driver([(not_back_in_bed.SPEC, BED)], heard.append)
    for fact in facts((0, IN), (MIN, OUT)):
        driver.feed(fact)
    driver.until(T0 + 16 * MIN + 1)
    driver.leave()
    driver.until(T0 + DAY)
    assert short(heard) == [(16 * MIN, "bed.check"), (16 * MIN, "bed.moved_away")]


bodies = st.sampled_from([IN, OUT, PIR, Contact("dør", open=True), Contact("dør", open=False), Call("knapp", "press")])
waits = st.sampled_from([0, 1, 2 * S, 6 * S, 40 * S, 5 * MIN, 14 * MIN, 16 * MIN, 31 * MIN, 3 * 60 * MIN])
ARMED = ((call.SPEC, Armed()), (door_at_night.SPEC, DOOR), (not_back_in_bed.SPEC, BED), (silence(), Armed()))


def by_hand(rule: Rule, told: list[Fact], armed: Armed, until_ms: int) -> list[tuple[int, str]]:
    """What the contract says, as plainly as it can be written: one thing after the other in the order of time."""
    state: JsonState = {}
    wake_ms: int | None = None
    found: list[tuple[int, str]] = []
    todo = list(told)
    while True:
        fact_ms = todo[0].occurred.to_ms if todo else until_ms
        if wake_ms is not None and wake_ms < min(fact_ms, until_ms):
            at_ms, step = wake_ms, rule.step(state, Wake(wake_ms), armed, wake_ms)
            wake_ms = None
        elif todo and fact_ms < until_ms:
            at_ms, step = fact_ms, rule.step(state, todo[0], armed, fact_ms) if _wants(rule, todo[0]) else None
            todo.pop(0)
        else:
            return found
        if step is not None:
            state, wake_ms = step.state, step.wake_at_ms
            found += [(at_ms - T0, verdict.reason.code) for verdict in step.verdicts]


def _wants(rule: Rule, fact: Fact) -> bool:
    return isinstance(fact.body, rule.wants)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(waits, bodies), max_size=25), st.sampled_from([0, 10 * MIN, DAY]))
def test_several_rules_at_once_say_what_each_says_alone(script: list[tuple[int, Body]], tail_ms: int) -> None:
    at, told = 0, []
    for wait, body in script:
        at += wait
        told.append((at, body))
    told_facts = facts(*told)
    until_ms = T0 + at + min(tail_ms, 6 * 60 * MIN)
    heard: list[Said] = []
    driver = Driver(ARMED, heard.append)
    for fact in told_facts:
        if fact.occurred.to_ms < until_ms:
            driver.feed(fact)
    driver.until(until_ms)
    times = [entry.at_ms for entry in heard]
    assert times == sorted(times)
    for rule, armed in ARMED:
        alone = short(replay(rule, told_facts, armed, until_ms))
        assert alone == by_hand(rule, told_facts, armed, until_ms)
        assert short(entry for entry in heard if entry.rule is rule) == alone
