"""A moisture pad: whatever says wet or closes an input is no leak when it is set up for a person."""

from __future__ import annotations

import pytest

from nattevakt.edge.drivers.driver import Device, Use, Value
from nattevakt.edge.events import Bed, Contact, Leak, LeakOver, Urgency, Wet
from nattevakt.edge.interpret import memory_key
from tests.edge.interpreting import T0, House

PAD = "z2m:laken"


def house(*, use: Use = Use.WET, invert: bool = False) -> House:
    return House(Device(PAD, use=use, invert=invert))


@pytest.mark.parametrize(
    ("invert", "wet", "dry"),
    [
        (False, {"wet": True}, {"wet": False}),
        (False, {"closed": True}, {"closed": False}),
        (True, {"closed": False}, {"closed": True}),
        (False, {"pressed": True}, {"pressed": False}),
        (False, {"action": "wet", "wet": True}, {"wet": False}),
    ],
)
def test_wet_and_dry_are_edges_of_class_b(invert: bool, wet: dict[str, Value], dry: dict[str, Value]) -> None:
    pad = house(invert=invert)
    pad.bodies(0, dry, PAD)
    for number, (values, on) in enumerate(((wet, True), (dry, False), (wet, True)), 1):
        (said,) = [event for event in pad.hear(60_000 * number, values, PAD) if isinstance(event.body, Wet)]
        assert (said.body, said.urgency) == (Wet(PAD, on), Urgency.B)
        assert pad.bodies(60_000 * number + 5_000, values, PAD) == [], "said again"


def test_the_same_sensor_set_up_for_leaks_rings_as_ever() -> None:
    for use in (Use.LEAK, Use.AUTO):
        sensor = house(use=use)
        assert sensor.bodies(0, {"wet": True}, PAD) == [Leak(PAD)]
        assert sensor.bodies(60_000, {"wet": False}, PAD) == [LeakOver(PAD)]


def test_what_else_it_says_is_nothing_of_a_pad() -> None:
    assert house().bodies(0, {"occupied": True}, PAD) == [Bed(PAD, occupied=True)], "by name, whatever its use"
    assert house(use=Use.DOOR).bodies(0, {"closed": True}, PAD) == [Contact(PAD, open=False)]


def test_a_restart_of_the_agent_says_nothing_again() -> None:
    pad = house()
    pad.bodies(0, {"wet": True}, PAD)
    assert memory_key(PAD) in pad.memory
    pad.restart()
    assert pad.bodies(60_000, {"wet": True}, PAD) == []


def test_a_cached_copy_is_no_news() -> None:
    pad = house()
    pad.bodies(0, {"wet": True, "last_seen_ms": T0}, PAD)
    assert pad.bodies(60_000, {"wet": True, "last_seen_ms": T0}, PAD) == []


def test_stored_history_tells_of_the_pad_as_it_was() -> None:
    pad = house()
    pad.bodies(10_000_000, {"wet": False}, PAD)
    told = pad.hear(10_100_000, {"wet": True}, PAD, occurred_ms=T0 + 9_000_000)
    assert Wet(PAD, wet=True) in [event.body for event in told]
    assert told[0].at.wall_ms == T0 + 9_000_000
    assert not any(isinstance(event.body, Leak) for event in told)


def test_a_pad_that_floods_keeps_its_last_word() -> None:
    pad = house()
    said = [event.body for number in range(400) for event in pad.hear(number * 1_000, {"wet": number % 2 == 0}, PAD)]
    assert pad.known[PAD].flood
    said += [event.body for event in pad.release(400_000 + 3_600_000, PAD)]
    told = [body for body in said if isinstance(body, Wet)]
    assert told[-1] == Wet(PAD, wet=False)
    assert len(told) < 200, "not every change is a row"
