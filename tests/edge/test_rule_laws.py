"""Every rule of the catalogue keeps the laws, and rules that are broken on purpose do not.

Hypothesis runs with `derandomize` here, so that a failure's printed example is its seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure

from nattevakt.edge.events import Bed, Motion
from nattevakt.edge.rules import call, not_back_in_bed, not_up
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.rule import (
    Armed,
    Fact,
    Folding,
    JsonState,
    Log,
    Priority,
    Raise,
    Reason,
    RestsOn,
    Rule,
    Step,
    Wake,
)
from nattevakt.edge.rules.windows import DAY_MS
from tests.edge import rule_laws
from tests.edge.rule_laws import LAWS

Law = Callable[[Rule, st.DataObject], None]
Stepping = Callable[[JsonState, Fact | Wake, Armed, int], Step | None]
EXAMPLES = 12
BROKEN_EXAMPLES = 150
"""Enough for each of the broken rules; the first that fails ends it."""


def keeps(law: Law, rule: Rule, examples: int, *phases: Phase) -> None:
    """Try the law on this rule."""

    @settings(max_examples=examples, phases=phases or tuple(Phase), database=None, report_multiple_bugs=False)
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        law(rule, data)

    holds()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_keeps_every_law(rule: Rule, law: Law) -> None:
    if law is rule_laws.law_of_dst and not rule.planned:
        pytest.skip("no plan gives it times of day")
    # Shrinking would cost minutes where a rule fails; the example that is printed is small enough to be read.
    keeps(law, rule, EXAMPLES, Phase.explicit, Phase.generate)


FOLDS = Folding(lambda state: state, lambda _state: RestsOn(), Step)


def rings_twice() -> Rule:
    """Names each call by how many it has heard, so that one which comes again is another alarm."""

    def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
        said = call.SPEC.step(state, fact, armed, now_ms)
        if said is None or isinstance(fact, Wake):
            return said
        count = state.get("count", 0)
        assert isinstance(count, int)
        raised = tuple(
            replace(verdict, again=count > 0) if isinstance(verdict, Raise) else verdict for verdict in said.verdicts
        )
        return Step({**said.state, "count": count + 1}, raised, said.wake_at_ms)

    return replace(call.SPEC, step=step)


def keeps_in_memory() -> Rule:
    """Remembers in the process what belongs in its state."""
    kept: dict[str, JsonState] = {"state": {}}

    def step(_state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
        said = not_back_in_bed.step(kept["state"], fact, armed, now_ms)
        if said is None:
            return None
        kept["state"] = said.state
        return replace(said, state={})

    return replace(not_back_in_bed.SPEC, step=step)


def keeps_what_json_cannot() -> Rule:
    """Has a number as the name of a thing in its state, which JSON makes a text of."""

    def step(state: JsonState, fact: Fact | Wake, _armed: Armed, _now_ms: int) -> Step | None:
        if isinstance(fact, Wake) or not isinstance(fact.body, Motion):
            return None
        seen: Any = {**state, len(fact.place): fact.occurred.to_ms}
        return Step(seen, (Log(Reason("seen", {"places": len(seen)})),))

    return replace(not_back_in_bed.SPEC, step=step)


def believes_the_arrival() -> Rule:
    """Takes an event to have happened when it was heard, and never folds."""

    def step(state: JsonState, fact: Fact | Wake, _armed: Armed, now_ms: int) -> Step | None:
        if isinstance(fact, Wake) or not isinstance(fact.body, Bed):
            return None
        left_ms = state.get("left_ms")
        if fact.body.occupied and isinstance(left_ms, int) and now_ms - left_ms > 900_000:
            return Step({}, (Raise("bed_check", Priority.LOW, Reason("bed.check")),))
        return Step({} if fact.body.occupied else {"left_ms": now_ms})

    return replace(not_back_in_bed.SPEC, step=step, folding=None)


def is_lost_when_late() -> Rule:
    """Forgets a deadline that has passed when somebody looks."""

    def step(state: JsonState, fact: Fact | Wake, armed: Armed, now_ms: int) -> Step | None:
        if isinstance(fact, Wake) and now_ms - fact.at_ms > 60_000:
            return Step({})
        return not_back_in_bed.step(state, fact, armed, now_ms)

    return replace(not_back_in_bed.SPEC, step=step)


def judges_by_what_came_after() -> Rule:
    """Asks at a deadline whether anything has moved, and not whether it had."""

    def step(state: JsonState, fact: Fact | Wake, _armed: Armed, _now_ms: int) -> Step | None:
        if isinstance(fact, Wake):
            if "due_ms" not in state:
                return Step({})
            reason = Reason("bed.not_back_seen" if state["moved"] else "bed.check")
            key: Any = tuple(state["key"])  # type: ignore[arg-type]
            return Step({}, (Raise("bed_check", Priority.LOW, reason, (key,)),))
        if isinstance(fact.body, Bed) and not fact.body.occupied and not state:
            due_ms = fact.occurred.to_ms + 900_000
            return Step({"due_ms": due_ms, "moved": False, "key": list(fact.key)}, (), due_ms)
        if isinstance(fact.body, Motion) and state:
            return Step({**state, "moved": True}, (), state["due_ms"])  # type: ignore[arg-type]
        return None

    return replace(not_back_in_bed.SPEC, step=step, folding=FOLDS)


def counts_the_hours_itself() -> Rule:
    """Takes its place to be an hour ahead of Greenwich all the year."""

    def step(state: JsonState, fact: Fact | Wake, armed: Armed, _now_ms: int) -> Step | None:
        if isinstance(fact, Wake):
            return Step({}, (Raise("not_up", Priority.LOW, Reason("not_up.in_bed"), ((1,),)),) if state else ())
        minute = armed.entries[0].values["by_minute"] - 60
        due_ms = fact.occurred.to_ms // DAY_MS * DAY_MS + minute * 60_000
        return Step({"due_ms": due_ms}, (), due_ms) if due_ms > fact.occurred.to_ms else None

    return replace(not_up.SPEC, step=step, timed=False, folding=FOLDS)


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (rings_twice, rule_laws.law_of_duplicates),
        (keeps_in_memory, rule_laws.law_of_restarts),
        (keeps_what_json_cannot, rule_laws.law_of_restarts),
        (believes_the_arrival, rule_laws.law_of_order),
        (is_lost_when_late, rule_laws.law_of_late_looks),
        (judges_by_what_came_after, rule_laws.law_of_late_looks),
        (counts_the_hours_itself, rule_laws.law_of_dst),
    ],
    ids=lambda made: made.__name__,
)
def test_a_broken_rule_breaks_its_law(broken: Callable[[], Rule], law: Law) -> None:
    # What is kept in memory fails another way each time, which Hypothesis tells as a failure of its own.
    with pytest.raises((AssertionError, FlakyFailure)):
        keeps(law, broken(), BROKEN_EXAMPLES, Phase.generate)
