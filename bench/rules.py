"""Rule evaluations a second, in one thread, beside a Python function that makes an empty answer.

`python -m bench.rules`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bench.figures import Figure, interleaved, report, say
from nattevakt.central.supervision import RULES, Rule
from nattevakt.edge.events import Bed, Body, Call, Contact, Fall, Leak, Motion, Presence
from nattevakt.edge.rules import door_at_night
from nattevakt.edge.rules.rule import Fact, JsonState, Occurred, Step
from nattevakt.edge.rules.windows import NORWAY, Window

NIGHT_MS = 1_795_212_000_000
SETTINGS: dict[str, object] = {door_at_night.RULE: door_at_night.Settings((Window(21 * 60, 7 * 60),), NORWAY)}
"""What a rule that has settings is given; a rule that is not here and wants some is passed over."""


def facts_for(rule: Rule, count: int) -> list[Fact]:
    """A night's facts that this rule wants, ten seconds apart."""
    every: tuple[Body, ...] = (
        Bed("z2m:bed", occupied=False),
        Motion("z2m:motion"),
        Contact("z2m:door", open=True),
        Presence("z2m:presence", present=True),
        Contact("z2m:door", open=False),
        Bed("z2m:bed", occupied=True),
        Call("z2m:call", "press"),
        Fall("z2m:fall"),
        Leak("z2m:leak"),
    )
    wanted = [body for body in every if isinstance(body, rule.wants)]
    facts = []
    for number in range(count):
        at_ms = NIGHT_MS + number * 10_000
        facts.append(Fact(wanted[number % len(wanted)], Occurred(at_ms, at_ms), at_ms, "stue"))
    return facts


def _nothing(state: JsonState, _fact: Fact, _settings: object, _now_ms: int) -> Step:
    return Step(state, ())


def per_s(step: Callable[..., Step], settings: object, facts: Sequence[Fact]) -> float:
    """Fold the facts; gives evaluations a second."""
    state: JsonState = {}
    began = time.perf_counter()
    for fact in facts:
        state = step(state, fact, settings, fact.received_ms).state
    return len(facts) / (time.perf_counter() - began)


def run(count: int = 20_000, turns: int = 5) -> list[Figure]:
    """A figure for each rule."""
    say("rules: folding nights")
    figures = []
    for rule in RULES:
        settings = SETTINGS.get(rule.name)
        if rule.needs_windows and settings is None:
            continue
        facts = facts_for(rule, count)
        found = interleaved(
            lambda step=rule.step, settings=settings, facts=facts: per_s(step, settings, facts),  # type: ignore[misc]
            lambda facts=facts: per_s(_nothing, None, facts),  # type: ignore[misc]
            turns,
        )
        figures.append(Figure("rules", rule.name, found.measured, found.floor, "evaluations/s", found.ratio))
    return figures


if __name__ == "__main__":
    report(run())
