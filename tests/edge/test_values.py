"""A value behaves as the frozen dataclass that the type checker takes it for, at the price of a plain one."""

from __future__ import annotations

from dataclasses import asdict, replace
from inspect import getsource

from nattevakt.edge import events, moments, values
from nattevakt.edge.events import Call, Event, EventId, Moment
from nattevakt.edge.rules import rule

AT = Moment("boot", 5, 7, synced=True)


def test_values_with_the_same_fields_are_one_and_the_same() -> None:
    again = Moment("boot", 5, 7, synced=True)
    assert again is not AT
    assert again == AT
    assert len({again, AT, Event(Call("b", "press"), AT), Event(Call("b", "press"), again)}) == 2
    assert replace(AT, wall_ms=8) != AT
    assert asdict(AT) == {"boot": "boot", "boottime_ms": 5, "wall_ms": 7, "synced": True}


def test_values_that_are_named_so_have_an_order() -> None:
    assert sorted([EventId("b", 1), EventId("a", 10), EventId("a", 9)]) == [
        EventId("a", 9),
        EventId("a", 10),
        EventId("b", 1),
    ]


def test_a_value_holds_its_fields_and_nothing_else() -> None:
    assert not hasattr(AT, "__dict__")
    assert Moment.__slots__ == ("boot", "boottime_ms", "wall_ms", "synced")


def test_every_value_is_frozen_for_whoever_checks_types() -> None:
    # Only then is a line that changes one an error; at run time nobody asks.
    assert "from dataclasses import dataclass as value" in getsource(values)
    sources = "\n".join(getsource(module) for module in (events, moments, rule))
    made = [line for line in sources.splitlines() if line.startswith("@value")]
    assert len(made) == 5
    assert all("frozen=True, slots=True" in line for line in made)
