"""What a rule says of when it is idle is so, and whoever drives several rules by it hears the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from nattevakt.edge.events import Bed, Body, Chair, Contact, Motion
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.replay import Driver, Said
from nattevakt.edge.rules.rule import Armed, Entry, Fact, JsonState, Occurred, Rule, Step, Wake
from nattevakt.edge.rules.windows import Window
from tests.edge.rule_laws import facts, nights, plans
from tests.edge.rule_nights import MIN

IDLE = [rule for rule in RULES if rule.idle is not None]
START_MS = 1_795_212_000_000


@pytest.mark.parametrize("rule", IDLE, ids=lambda rule: rule.name)
@given(data=st.data())
def test_nothing_is_anything_to_a_rule_that_is_idle(rule: Rule, data: st.DataObject) -> None:
    idle = rule.idle
    assert idle is not None
    armed = data.draw(plans(rule))
    state: JsonState = {}
    wake_ms: int | None = None
    for fact in facts(data.draw(nights(rule))):
        at_ms = fact.occurred.to_ms
        while wake_ms is not None and wake_ms < at_ms:
            due_ms, wake_ms = wake_ms, None
            looked = rule.step(state, Wake(due_ms), armed, due_ms)
            if looked is not None:
                state, wake_ms = looked.state, looked.wake_at_ms if looked.wake_at_ms != due_ms else None
        idle_ms = idle(state, fact)
        step = rule.step(state, fact, armed, at_ms)
        note(f"{fact} in {state}: idle until {idle_ms}")
        assert step is None or at_ms >= idle_ms
        if step is not None:
            state, wake_ms = step.state, step.wake_at_ms


def _heard(rules: Sequence[Rule], told: Sequence[Fact]) -> tuple[list[Said], int]:
    """What is said, and how often a rule was asked."""
    said: list[Said] = []
    asked = 0

    def counted(rule: Rule) -> Rule:
        def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
            nonlocal asked
            asked += 1
            return rule.step(state, fact, armed, now_ms)

        return replace(rule, step=step)

    values = {rule.name: {setting.name: setting.default for setting in rule.settings} for rule in rules}
    night = (Window(22 * 60, 7 * 60),)
    armed = [(counted(rule), Armed((Entry(night if rule.windowed else (), values[rule.name]),))) for rule in rules]
    driver = Driver(armed, said.append)
    for fact in told:
        driver.feed(fact)
    driver.until(told[-1].occurred.to_ms + 60 * MIN)
    return said, asked


def test_a_driver_that_passes_the_idle_by_hears_the_same() -> None:
    told = [
        Fact(body, Occurred(at_ms, at_ms), at_ms, place, (1, 1, number, 0)) for number, (at_ms, body, place) in _days()
    ]
    said, asked = _heard(RULES, told)
    plain = [replace(rule, idle=None) for rule in RULES]
    expected, asked_plainly = _heard(plain, told)
    assert [(one.at_ms, one.rule.name, one.verdict) for one in said] == [
        (one.at_ms, one.rule.name, one.verdict) for one in expected
    ]
    assert len(said) > 20
    assert asked < asked_plainly / 2


def _days() -> list[tuple[int, tuple[int, Body, str]]]:
    """Three days of movement in two rooms, with a bed that is left and filled, and a door."""
    found: list[tuple[int, Body, str]] = []
    for minute in range(3 * 24 * 60):
        at_ms = START_MS + minute * MIN
        hour = minute // 60 % 24
        if minute % 360 < 200:
            found.append((at_ms, Motion("pir" if hour % 2 else "pir 2"), "stue" if hour % 2 else "bad"))
        if minute % 97 == 0:
            found.append((at_ms + 1, Bed("mat", occupied=minute // 97 % 2 == 0), "seng"))
        if minute % 181 == 0:
            found.append((at_ms + 2, Contact("door", open=minute // 181 % 2 == 0), "inngangsdør"))
    return list(enumerate(found, 1))


NOTING = [rule for rule in RULES if rule.noting]
WAITS_MS = [0, 1, 2_000, 4_000, 20_000, 45_000, 299_999, 300_000, 14 * MIN, 15 * MIN, 50 * MIN, 7 * 60 * MIN]
TOLD: list[tuple[Body, str]] = [
    (Motion("pir"), "bad"),
    (Motion("pir 2"), "stue"),
    (Motion("pir"), "gang"),
    (Bed("mat", occupied=True), "seng"),
    (Bed("mat", occupied=False), "seng"),
    (Bed("mat 2", occupied=True), "seng"),
    (Bed("mat 2", occupied=False), "seng"),
    (Contact("door", open=True), "inngangsdør"),
    (Chair("pad", seated=True), "stue"),
    (Chair("pad", seated=False), "stue"),
]


@st.composite
def _runs(draw: st.DrawFn) -> list[Fact]:
    """Stretches of movement, and of mats that change, with something else between."""
    found: list[Fact] = []
    at_ms = START_MS
    picks = st.lists(st.sampled_from(TOLD), min_size=1, max_size=2)
    for run in draw(st.lists(st.tuples(picks, st.integers(1, 6), st.sampled_from(WAITS_MS)), min_size=2, max_size=12)):
        bodies, times, wait_ms = run
        for body, place in bodies * times:
            late_ms, doubt_ms = draw(st.sampled_from([(0, 0)] * 8 + [(4_000, 0), (6_000, 0), (0, 500)]))
            key = (1, 1, len(found), 0)
            found.append(Fact(body, Occurred(at_ms - doubt_ms, at_ms), at_ms + late_ms, place, key))
            at_ms += wait_ms
        at_ms += draw(st.sampled_from(WAITS_MS))
    return found


def _lived(rule: Rule, armed: Armed, told: Sequence[Fact], looks: Sequence[int]) -> tuple[list[Said], list[JsonState]]:
    """What a driver heard, and the rule's states at some of the facts and in the end."""
    said: list[Said] = []
    states: list[JsonState] = []
    driver = Driver([(rule, armed)], said.append)
    for number, fact in enumerate(told):
        driver.feed(fact)
        if number in looks:
            states.append(driver.states()["", rule.name])
    driver.until(told[-1].occurred.to_ms + 30 * 60 * MIN)
    return said, [json.loads(json.dumps(state)) for state in (*states, driver.states()["", rule.name])]


@pytest.mark.parametrize("rule", NOTING, ids=lambda rule: rule.name)
@given(data=st.data())
def test_what_is_held_back_is_only_what_the_next_overtakes(rule: Rule, data: st.DataObject) -> None:
    armed = data.draw(plans(rule))
    told = data.draw(_runs())
    looks = data.draw(st.lists(st.integers(0, len(told)), max_size=3))
    said, states = _lived(rule, armed, told, looks)
    # Told of each, and never idle: the plain fold.
    expected, plain = _lived(replace(rule, noting=(), idle=None), armed, told, looks)
    assert [(one.at_ms, one.fact_key, one.verdict) for one in said] == [
        (one.at_ms, one.fact_key, one.verdict) for one in expected
    ]
    assert states == plain


def test_there_are_rules_that_only_note() -> None:
    assert {rule.name for rule in NOTING} == {"inactivity", "not_returned", "not_up"}


def test_a_bed_that_is_held_back_takes_no_other_bed_along() -> None:
    rule = next(rule for rule in NOTING if rule.name == "not_returned")
    bodies: list[Body] = [
        *(Bed("mat", occupied=True), Bed("mat 2", occupied=True), Chair("pad", seated=True)),
        *(Bed("mat 2", occupied=False), Bed("mat 2", occupied=True), Bed("mat 2", occupied=False)),
    ]
    times = [START_MS + number * 2_000 for number in range(len(bodies))]
    told = [
        Fact(body, Occurred(at_ms, at_ms), at_ms, "seng", (1, 1, at_ms, 0))
        for at_ms, body in zip(times, bodies, strict=True)
    ]
    armed = Armed((Entry((), {setting.name: setting.default for setting in rule.settings}),))
    _, states = _lived(rule, armed, told, [])
    assert states == [{"beds": {"mat": START_MS}, "held": {"pad": START_MS + 4_000}}]
