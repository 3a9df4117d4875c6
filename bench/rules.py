"""Rule evaluations a second, in one thread, beside a Python function that makes an empty answer.

`python -m bench.rules`. Each rule by itself over the facts that it wants, and all rules at once, armed and driven as in
the simulated year, over the facts of its homes: three with good mats, one with a bad one, as there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.figures import Bar, Figure, interleaved, report, say
from nattevakt.edge.events import Bed, Body, Call, Chair, Contact, Fall, Health, Leak, Motion, Presence, Wet
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.replay import Driver, Said
from nattevakt.edge.rules.rule import Armed, Entry, Fact, JsonState, Occurred, Rule, Step, Wake
from nattevakt.edge.rules.windows import Window
from nattevakt.sim.year import chance_of
from nattevakt.sim.year_life import Life
from nattevakt.sim.year_people import PEOPLE, Often, Person
from nattevakt.sim.year_plan import armed
from nattevakt.sim.year_sensors import Sensors

NIGHT_MS = 1_795_212_000_000
NIGHT = Window(21 * 60, 7 * 60)
TOGETHER_BAR = Bar(0.2, "M events/s", at_most=False)
NIGHTS = 60
"""Of the year, for each of the homes."""
HOMES = tuple(PEOPLE[number - 1] for number in (1, 6, 8, 9))
"""One in four has a bad mat, the middle one of three."""


def facts_for(rule: Rule, count: int) -> list[Fact]:
    """A night's facts that this rule wants, ten seconds apart."""
    every: tuple[Body, ...] = (
        Bed("z2m:bed", occupied=False),
        Motion("z2m:motion"),
        Contact("z2m:door", open=True),
        Presence("z2m:presence", present=True),
        Contact("z2m:door", open=False),
        Bed("z2m:bed", occupied=True),
        Chair("z2m:chair", seated=True),
        Wet("z2m:wet", wet=True),
        Call("z2m:call", "press"),
        Fall("z2m:fall"),
        Leak("z2m:leak"),
        Health("z2m:call", battery_percent=80.0, tamper=False),
    )
    wanted = [body for body in every if isinstance(body, rule.wants)]
    facts = []
    for number in range(count):
        at_ms = NIGHT_MS + number * 10_000
        place = "bad" if number // len(wanted) % 2 else "stue"
        facts.append(Fact(wanted[number % len(wanted)], Occurred(at_ms, at_ms), at_ms, place, (1, 1, number, 0)))
    return facts


def armed_plainly(rule: Rule) -> Armed:
    """One line of a plan with the rule's defaults."""
    values = {setting.name: setting.default for setting in rule.settings}
    return Armed((Entry((NIGHT,) if rule.windowed else (), values),))


def _nothing(state: JsonState, _fact: Fact | Wake, _armed: Armed, _now_ms: int) -> Step | None:
    return Step(state, ())


NOTHING = Rule("nothing", "", (Body,), _nothing, ())


def per_s(rule: Rule, set_to: Armed, facts: Sequence[Fact]) -> float:
    """Fold the facts without deadlines; gives evaluations a second."""
    state: JsonState = {}
    step = rule.step
    began = time.perf_counter()
    for fact in facts:
        after = step(state, fact, set_to, fact.received_ms)
        if after is not None:
            state = after.state
    return len(facts) / (time.perf_counter() - began)


def lives(nights: int) -> list[tuple[Person, list[Fact]]]:
    """The facts of a few homes of the year."""
    found = []
    for person in HOMES:
        life = Life(person, Often(), nights, chance_of(1, person, "life"))
        sensors = Sensors(person, chance_of(1, person, "sensors"))
        found.append((person, [fact for day in life for fact in sensors.day(day)]))
    return found


def _deaf(_said: Said) -> None:
    return None


def together_per_s(homes: Sequence[tuple[Person, list[Fact]]], rules: Sequence[Rule]) -> float:
    """All rules of each home's plan over its facts, deadlines and all; gives events a second."""
    drivers = [(Driver(armed(person, rules), _deaf), facts) for person, facts in homes]
    began = time.perf_counter()
    for driver, facts in drivers:
        feed = driver.feed
        for fact in facts:
            feed(fact)
    return sum(len(facts) for _, facts in drivers) / (time.perf_counter() - began)


def together(nights: int, turns: int) -> Figure:
    """Everything armed as in the year, beside one rule that does nothing under the same driver."""
    homes = lives(nights)
    found = interleaved(
        lambda: together_per_s(homes, RULES),
        lambda: together_per_s(homes, (NOTHING,)),
        turns,
    )
    events = sum(len(facts) for _, facts in homes)
    note = f"all rules: {events:,} events of {len(homes)} homes in {nights} nights, plans of `nattevakt-sim year`"
    what, measured = "all, armed as in the year", found.measured
    return Figure("rules", what, measured, found.floor, "events/s", measured / 1e6, TOGETHER_BAR, note)


def run(count: int = 20_000, turns: int = 5, nights: int = NIGHTS) -> list[Figure]:
    """A figure for each rule, and one for all."""
    say("rules: folding nights")
    figures = []
    for rule in RULES:
        facts = facts_for(rule, count)
        set_to = armed_plainly(rule)
        found = interleaved(
            lambda rule=rule, set_to=set_to, facts=facts: per_s(rule, set_to, facts),  # type: ignore[misc]
            lambda facts=facts: per_s(NOTHING, Armed(), facts),  # type: ignore[misc]
            turns,
        )
        figures.append(Figure("rules", rule.name, found.measured, found.floor, "evaluations/s", found.ratio))
    say("rules: all of them over homes of the year")
    figures.append(together(nights, turns))
    return figures


if __name__ == "__main__":
    report(run())
