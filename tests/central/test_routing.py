"""The routing document: what passes its checks leaves no alarm with nobody; what does not names what is wrong.

Hypothesis runs with `derandomize`, so a failure's printed example is its seed.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.notify.routing import (
    ANY_ROLE,
    BUILT_IN,
    QUIET,
    ROLES,
    SHIFTS,
    STANDARD,
    STEPS_MAX,
    Chain,
    Route,
    Routing,
    RoutingError,
    Step,
    Team,
    Zone,
    chain_of,
    check,
    read,
    sha_of,
)
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Priority

WARDS = ("a", "b", "c")
STAFF = ("kari", "per")
HOOKS = ("vakttelefon",)
SOME_KINDS = tuple(KINDS)[:4]
NORD = Zone("nord", "Nord", ("a", "b"))
TEAM = Team("falk", "Falk", ("per",))
ALARMS = list(itertools.product((*SOME_KINDS, *tuple(KINDS)[-2:]), [int(one) for one in Priority], WARDS, SHIFTS))

TARGETS = (
    *("tablets:ward", "tablets:zone", "tablets:all", "duty:*", "duty:vakt", "team:falk", "siren"),
    *("phone:+4790000000", "webhook:vakttelefon"),
)
KEYS = ("rask", "rolig", "kjede")


def seldom(usual: st.SearchStrategy[Any], bad: Any) -> st.SearchStrategy[Any]:
    """What can be, and one time in twenty what cannot."""
    return st.integers(0, 19).flatmap(lambda n: st.just(bad) if n == 7 else usual)


def some(*values: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """None of them, or a few."""
    return st.one_of(st.just(()), st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple))


steps = st.builds(
    Step,
    seldom(st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3).map(tuple), ()),
    seldom(st.sampled_from([5, 30, 90, 3_600]), 2),
)
chains = st.builds(
    Chain,
    st.sampled_from(KEYS),
    st.just("Kjede"),
    seldom(st.lists(steps, min_size=1, max_size=4).map(tuple), ()),
    st.sampled_from([0, 60, 300, 3_600]),
)
routes = st.builds(
    Route,
    seldom(st.sampled_from(KEYS), "ukjent"),
    some(*SOME_KINDS),
    some(1, 2, 3),
    some(*WARDS),
    some("nord"),
    some(*SHIFTS),
)
low_routes = st.builds(Route, st.sampled_from(KEYS), priorities=st.just((3,)), zones=some("nord"))
documents = st.builds(
    Routing,
    seldom(st.just((NORD,)), ()),
    st.just((TEAM,)),
    seldom(st.lists(chains, min_size=3, max_size=3, unique_by=lambda one: one.key).map(tuple), ()),
    st.lists(st.one_of(routes, low_routes), max_size=3).map(tuple),
)
plenty = settings(max_examples=200, derandomize=True, deadline=None)


def passes(routing: Routing) -> bool:
    try:
        check(routing, WARDS, STAFF, HOOKS)
    except RoutingError:
        return False
    return True


@plenty
@given(documents)
def test_what_passes_gives_every_alarm_a_chain_that_does_not_end(routing: Routing) -> None:
    if not passes(routing):
        event("refused")
        return
    event("passed" if routing.routes else "passed, empty")
    for kind, priority, ward, shift in ALARMS:
        found = chain_of(routing, kind, priority, ward, shift)
        assert found.steps
        assert all(step.to for step in found.steps)
        assert found.repeat_s >= 60 or priority == Priority.LOW, (kind, priority, ward, shift)
        assert all(5 <= step.after_s <= 3_600 for step in found.steps[1:])


@plenty
@given(documents)
def test_a_document_comes_back_as_it_was_written(routing: Routing) -> None:
    again = read(json.loads(json.dumps(routing.plain)))
    assert again == routing
    assert sha_of(again) == sha_of(routing)


def test_enough_of_what_is_tried_passes() -> None:
    """Else the property above would say nothing."""
    counted = {True: 0, False: 0}

    @plenty
    @given(documents)
    def look(routing: Routing) -> None:
        counted[passes(routing) and bool(routing.routes)] += 1

    look()
    assert counted[True] >= 20
    assert counted[False] >= 40


def test_the_built_in_one_passes_and_asks_all_before_it_cannot_be_ignored() -> None:
    check(BUILT_IN, (), (), ())
    for kind, priority, ward, shift in ALARMS:
        assert chain_of(BUILT_IN, kind, priority, ward, shift) == (QUIET if priority == Priority.LOW else STANDARD)
        assert chain_of(Routing(), kind, priority, ward, shift) == (QUIET if priority == Priority.LOW else STANDARD)
    assert [step.after_s for step in STANDARD.steps[1:]] == [90, 90]
    assert STANDARD.steps[-1].to == ("tablets:all", f"duty:{ANY_ROLE}", "siren")


FAST, SLOW = Chain("rask", "Rask", STANDARD.steps[:2], 60), Chain("rolig", "Rolig", STANDARD.steps[:1], 600)


@pytest.mark.parametrize(
    ("route", "alarm", "chain"),
    [
        (Route("rask", kinds=("fall",)), ("fall", 1, "a", "day"), FAST),
        (Route("rask", kinds=("fall",)), ("call", 1, "a", "day"), SLOW),
        (Route("rask", priorities=(1, 2)), ("call", 2, "a", "day"), FAST),
        (Route("rask", priorities=(1,)), ("call", 2, "a", "day"), SLOW),
        (Route("rask", wards=("a", "c")), ("call", 1, "c", "day"), FAST),
        (Route("rask", wards=("a",)), ("call", 1, "b", "day"), SLOW),
        (Route("rask", zones=("nord",)), ("call", 1, "b", "day"), FAST),
        (Route("rask", zones=("nord",)), ("call", 1, "c", "day"), SLOW),
        (Route("rask", shifts=("night",)), ("call", 1, "a", "night"), FAST),
        (Route("rask", shifts=("night", "evening")), ("call", 1, "a", "day"), SLOW),
        (Route("rask", kinds=("fall",), shifts=("night",)), ("fall", 1, "a", "day"), SLOW),
        (Route("rask"), ("fall", 3, "c", "day"), FAST),
    ],
)
def test_the_first_route_that_takes_it(route: Route, alarm: tuple[str, int, str, str], chain: Chain) -> None:
    routing = Routing((NORD,), (), (FAST, SLOW), (route, Route("rolig")))
    check(routing, WARDS, STAFF)
    assert chain_of(routing, *alarm) == chain


GOOD = Routing((NORD,), (TEAM,), (FAST, SLOW), (Route("rask", wards=("a",)), Route("rolig")))


def step(*to: str, after_s: int = 90) -> Chain:
    """A chain whose second step is this."""
    return replace(FAST, steps=(FAST.steps[0], Step(to, after_s)))


REFUSED: list[tuple[str, str, Routing]] = [
    ("twice", "zones", replace(GOOD, zones=(NORD, replace(NORD, wards=())))),
    ("twice", "teams", replace(GOOD, teams=(TEAM, TEAM))),
    ("twice", "chains", replace(GOOD, chains=(FAST, SLOW, FAST))),
    ("key", "chains.key", replace(GOOD, chains=(replace(FAST, key="Rask kjede"),))),
    ("key", "zones.key", replace(GOOD, zones=(replace(NORD, key=""),))),
    ("ward_in_two_zones", "zones.wards", replace(GOOD, zones=(NORD, Zone("sor", "S", ("b",))))),
    ("unknown_ward", "zones[0].wards", replace(GOOD, zones=(replace(NORD, wards=("d",)),))),
    ("unknown_staff", "teams[0].staff", replace(GOOD, teams=(replace(TEAM, staff=("per", "ola")),))),
    ("steps", "chains[0].steps", replace(GOOD, chains=(replace(FAST, steps=()), SLOW))),
    ("steps", "chains[0].steps", replace(GOOD, chains=(replace(FAST, steps=FAST.steps[:1] * 13), SLOW))),
    ("repeat", "chains[0].repeat_s", replace(GOOD, chains=(replace(FAST, repeat_s=59), SLOW))),
    ("repeat", "chains[0].repeat_s", replace(GOOD, chains=(replace(FAST, repeat_s=3_601), SLOW))),
    ("delay", "chains[0].steps[1].after_s", replace(GOOD, chains=(step("siren", after_s=4), SLOW))),
    ("delay", "chains[0].steps[1].after_s", replace(GOOD, chains=(step("siren", after_s=3_601), SLOW))),
    ("empty_step", "chains[0].steps[1].to", replace(GOOD, chains=(step(), SLOW))),
    *(
        ("unknown_target", "chains[0].steps[1].to", replace(GOOD, chains=(step(target), SLOW)))
        for target in (
            *("", "tablets", "tablets:ours", "duty", "duty:vaktmester", "team:ukjent", "phone:90000000", "phone:+0"),
            *("webhook:", "webhook:ukjent", "siren:1", "tablet:ward", "Siren", "duty:vakt ", "phone:+4790000000\n"),
        )
    ),
    ("unknown_chain", "routes[0].chain", replace(GOOD, routes=(Route("ukjent"),))),
    ("unknown_kind", "routes[0].kinds", replace(GOOD, routes=(Route("rask", kinds=("brann",)),))),
    ("unknown_priority", "routes[0].priorities", replace(GOOD, routes=(Route("rask", priorities=(4,)),))),
    ("unknown_ward", "routes[0].wards", replace(GOOD, routes=(Route("rask", wards=("d",)),))),
    ("unknown_zone", "routes[0].zones", replace(GOOD, routes=(Route("rask", zones=("sør",)),))),
    ("unknown_shift", "routes[0].shifts", replace(GOOD, routes=(Route("rask", shifts=("natt",)),))),
    ("ends", "routes[1].chain", replace(GOOD, chains=(FAST, replace(SLOW, repeat_s=0)))),
    ("ends", "routes[0].chain", replace(GOOD, chains=(replace(FAST, repeat_s=0), SLOW))),
]


@pytest.mark.parametrize(("code", "field", "routing"), REFUSED)
def test_a_refusal_names_what_is_wrong(code: str, field: str, routing: Routing) -> None:
    check(GOOD, WARDS, STAFF, HOOKS)
    with pytest.raises(RoutingError) as caught:
        check(routing, WARDS, STAFF, HOOKS)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_only_what_is_of_low_priority_may_come_to_an_end() -> None:
    quiet = replace(SLOW, repeat_s=0)
    check(replace(GOOD, chains=(FAST, quiet), routes=(Route("rolig", priorities=(3,)),)), WARDS, STAFF)
    for priorities in ((), (2, 3), (1,)):
        with pytest.raises(RoutingError):
            check(replace(GOOD, chains=(FAST, quiet), routes=(Route("rolig", priorities=priorities),)), WARDS, STAFF)
    # A chain that no route goes may be anything.
    check(replace(GOOD, chains=(FAST, quiet), routes=(Route("rask"),)), WARDS, STAFF)


def test_every_target_that_there_is_may_be_told() -> None:
    for target in ("tablets:ward", "tablets:zone", "tablets:all", "duty:*", "team:falk", "siren", "phone:+4790000000"):
        check(replace(GOOD, chains=(step(target), SLOW)), WARDS, STAFF)
    for role in ROLES:
        check(replace(GOOD, chains=(step(f"duty:{role}"), SLOW)), WARDS, STAFF)
    check(replace(GOOD, chains=(step("webhook:whichever"), SLOW)), WARDS, STAFF)
    check(replace(GOOD, chains=(step("webhook:vakttelefon"), SLOW)), WARDS, STAFF, HOOKS)
    check(replace(GOOD, chains=(replace(FAST, steps=FAST.steps[1:] * STEPS_MAX), SLOW)), WARDS, STAFF)


@pytest.mark.parametrize(
    ("plain", "field"),
    [
        ([], "routing"),
        ({"moons": []}, "routing.moons"),
        ({"chains": [{"key": "a", "name": "A"}]}, "routing.chains[0].steps"),
        ({"chains": [{"key": "a", "name": "A", "steps": [{"to": "siren"}]}]}, "routing.chains[0].steps[0].to"),
        (
            {"chains": [{"key": "a", "name": "A", "steps": [{"to": ["siren"], "after_s": True}]}]},
            "routing.chains[0].steps[0].after_s",
        ),
        (
            {"chains": [{"key": "a", "name": "A", "steps": [{"to": ["siren"], "after_s": 1.5}]}]},
            "routing.chains[0].steps[0].after_s",
        ),
        ({"routes": [{"chain": "a", "kind": ["fall"]}]}, "routing.routes[0].kind"),
        ({"routes": [{"chain": "a", "priorities": ["1"]}]}, "routing.routes[0].priorities[0]"),
    ],
)
def test_a_wrong_form_names_the_field(plain: object, field: str) -> None:
    with pytest.raises(RejectError) as caught:
        read(plain)
    assert caught.value.field == field


def test_what_is_left_out_takes_its_default() -> None:
    chain = read({"chains": [{"key": "a", "name": "A", "steps": [{"to": ["siren"]}]}]}).chains[0]
    assert (chain.steps[0].after_s, chain.repeat_s) == (90, 300)
    assert read({}) == Routing()
