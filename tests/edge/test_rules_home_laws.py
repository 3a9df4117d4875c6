"""Laws of the rules about a home: what stands in the end does not depend on when it was known."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion, Presence
from nattevakt.edge.rules import inactivity, long_bathroom, not_returned, out_of_room, unexpected_activity
from nattevakt.edge.rules.rule import Fact, Rule
from nattevakt.edge.rules.windows import Window
from tests.edge.home import MIN, T0, Home, armed, fact, judged_late, on_time, told_late
from tests.edge.home import S as SECOND

RULES = [not_returned.SPEC, out_of_room.SPEC, long_bathroom.SPEC, inactivity.SPEC, unexpected_activity.SPEC]
BODIES: list[tuple[Body, str]] = [
    (Contact("door", open=True), "inngangsdør"),
    (Contact("door", open=False), "inngangsdør"),
    (Contact("fridge", open=True), "kjøleskap"),
    (Motion("pir"), "stue"),
    (Motion("bath"), "bad"),
    (Presence("radar", present=True), "soverom"),
    (Presence("radar", present=False), "soverom"),
    (Presence("bathradar", present=True), "bad"),
    (Presence("bathradar", present=False), "bad"),
    (Bed("mat", occupied=True), "seng"),
    (Bed("mat", occupied=False), "seng"),
    (Chair("pad", seated=True), "stol"),
    (Chair("pad", seated=False), "stol"),
]
GAPS_MS = [
    0,
    SECOND,
    3 * SECOND,
    8 * SECOND,
    30 * SECOND,
    70 * SECOND,
    4 * MIN,
    14 * MIN,
    35 * MIN,
    90 * MIN,
    400 * MIN,
]
ids = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def story(steps: list[tuple[int, tuple[Body, str]]]) -> list[Fact]:
    at_ms, facts = T0, []
    for seq, (gap_ms, (body, place)) in enumerate(steps):
        at_ms += gap_ms
        facts.append(fact(seq, at_ms, body, place))
    return facts


STORIES = st.lists(st.tuples(st.sampled_from(GAPS_MS), st.sampled_from(BODIES)), min_size=1, max_size=14).map(story)
WINDOWS = st.sampled_from([(), (Window(23 * 60, 7 * 60),), (Window(1 * 60, 5 * 60), Window(13 * 60, 20 * 60, 0b11))])


def end_of(facts: list[Fact]) -> int:
    return facts[-1].occurred.to_ms + 40 * 3_600_000


@ids
@settings(max_examples=200, deadline=None)
@given(facts=STORIES, windows=WINDOWS, shared=st.booleans())
def test_a_deadline_that_is_judged_late_leaves_the_same_standing(
    rule: Rule, facts: list[Fact], windows: tuple[Window, ...], shared: bool
) -> None:
    setup = armed(rule, *windows, shared=shared)
    first = on_time(Home(rule, setup), facts, end_of(facts))
    assert judged_late(Home(rule, setup), facts, end_of(facts)).standing == first.standing


@ids
@settings(max_examples=200, deadline=None)
@given(facts=STORIES, windows=WINDOWS, shared=st.booleans(), data=st.data())
def test_a_fact_that_is_told_late_leaves_the_same_standing(
    rule: Rule, facts: list[Fact], windows: tuple[Window, ...], shared: bool, data: st.DataObject
) -> None:
    setup = armed(rule, *windows, shared=shared)
    late = data.draw(st.integers(0, len(facts) - 1))
    first = on_time(Home(rule, setup), facts, end_of(facts))
    assert told_late(rule, setup, facts, late, end_of(facts)).standing == first.standing


@ids
@settings(max_examples=200, deadline=None)
@given(facts=STORIES, data=st.data())
def test_a_fact_that_is_told_twice_changes_nothing(rule: Rule, facts: list[Fact], data: st.DataObject) -> None:
    setup = armed(rule)
    twice = data.draw(st.integers(0, len(facts) - 1))
    doubled = sorted([*facts, facts[twice]], key=lambda item: (item.occurred.to_ms, item.key))
    once = on_time(Home(rule, setup), facts, end_of(facts))
    assert on_time(Home(rule, setup), doubled, end_of(facts)).standing == once.standing


@ids
@settings(max_examples=200, deadline=None)
@given(facts=STORIES)
def test_what_no_plan_sets_is_never_rung(rule: Rule, facts: list[Fact]) -> None:
    home = Home(rule, armed(rule))
    home.armed = type(home.armed)()
    on_time(home, facts, end_of(facts))
    assert home.raised == []


@ids
@settings(max_examples=200, deadline=None)
@given(facts=STORIES)
def test_who_moved_away_is_rung_for_no_more(rule: Rule, facts: list[Fact]) -> None:
    home = Home(rule, armed(rule))
    stands = on_time(home, facts, end_of(facts))
    assert rule.folding is not None
    gone = rule.folding.left(home.state)
    stands.hear(gone.verdicts)
    assert (gone.state, gone.wake_at_ms) == ({}, None)
