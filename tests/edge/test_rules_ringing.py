"""Calls, falls and leaks always ring; repeats and all-clears are written down and clear nothing."""

from __future__ import annotations

from types import ModuleType

import pytest

from nattevakt.edge.drivers.driver import UNVERIFIED
from nattevakt.edge.events import Body, Call, Contact, Fall, FallOver, Leak, LeakOver
from nattevakt.edge.rules import call, door_at_night, fall, leak
from nattevakt.edge.rules.rule import LATE_MS, Armed, Fact, Log, Occurred, Priority, Raise, Reason, Step

D = "z2m:a"
T = 1_790_000_000_000


def fact(body: Body, *, late_ms: int = 0, doubt_ms: int = 0) -> Fact:
    return Fact(body, Occurred(T - doubt_ms, T), T + late_ms, "bad")


@pytest.mark.parametrize(
    ("rule", "body", "kind", "priority", "code"),
    [
        (call, Call(D, "press"), "call", Priority.HIGH, "call.pressed"),
        (call, Call(D, UNVERIFIED), "call", Priority.HIGH, "call.unverified"),
        (fall, Fall(D), "fall", Priority.HIGH, "fall.detected"),
        (fall, Fall(D, "possible"), "fall", Priority.HIGH, "fall.possible"),
        (leak, Leak(D), "leak", Priority.MEDIUM, "leak.water"),
    ],
)
def test_it_rings_however_late(rule: ModuleType, body: Body, kind: str, priority: Priority, code: str) -> None:
    for late_ms, doubt_ms, expected in (
        (0, 0, code),
        (LATE_MS, 0, code),
        (41 * 60_000, 0, f"{code}_late"),
        (41 * 60_000, 5000, f"{code}_uncertain"),
    ):
        said: Step = rule.step({"kept": 1}, fact(body, late_ms=late_ms, doubt_ms=doubt_ms), None, T)
        (verdict,) = said.verdicts
        assert isinstance(verdict, Raise)
        assert (verdict.kind, verdict.priority, verdict.reason.code) == (kind, priority, expected)
        assert verdict.reason.params["place"] == "bad"
        assert verdict.reason.params.get("late_min") == (41 if expected.endswith("_late") else None)
        assert said.state == {"kept": 1}
        assert said.wake_at_ms is None


def test_a_call_says_what_was_pressed() -> None:
    said = call.step({}, fact(Call(D, "AI")), Armed(), T)
    assert said is not None
    (verdict,) = said.verdicts
    assert verdict.reason == Reason("call.pressed", {"place": "bad", "control": "AI"})


@pytest.mark.parametrize(
    ("rule", "body", "code"),
    [
        (call, Call(D, "press", 7), "call.repeat"),
        (fall, Fall(D, "sure", 7), "fall.repeat"),
        (leak, Leak(D, 7), "leak.repeat"),
        (fall, FallOver(D), "fall.over"),
        (leak, LeakOver(D), "leak.over"),
    ],
)
def test_repeats_and_all_clears_are_logged(rule: ModuleType, body: Body, code: str) -> None:
    (verdict,) = rule.step({}, fact(body), None, T).verdicts
    assert isinstance(verdict, Log)
    assert verdict.reason.code == code


@pytest.mark.parametrize("rule", [call, fall, leak])
def test_other_facts_are_none_of_its_business(rule: ModuleType) -> None:
    assert rule.step({}, fact(Contact(D, open=True)), Armed(), T) is None


@pytest.mark.parametrize("rule", [call, fall, leak, door_at_night])
def test_reason_codes_are_listed_once_and_belong_to_the_rule(rule: ModuleType) -> None:
    codes = rule.REASONS
    assert len(set(codes)) == len(codes)
    assert len({code.split(".")[0] for code in codes}) == 1
