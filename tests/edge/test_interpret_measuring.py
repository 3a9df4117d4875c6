"""Measured values are seldom rows and never alarms; chairs and tilted windows."""

from __future__ import annotations

import pytest

from nattevakt.edge.drivers.driver import VALUES, Device, Use, Value
from nattevakt.edge.events import Bed, Body, Chair, Contact, Event, Health, Measurement, Presence, Urgency
from nattevakt.edge.measuring import AT_ONCE, BIG, MEASUREMENT_BIG_MS, MEASUREMENT_ROW_MS, MEASUREMENT_SAME_MS
from tests.edge.interpreting import DOOR, House

QUANTITIES = sorted(BIG)


def values_of(events: list[Event]) -> list[float]:
    return [event.body.value for event in events if isinstance(event.body, Measurement)]


@pytest.mark.parametrize(
    ("use", "values", "expected"),
    [
        (Use.CHAIR, {"closed": True}, Chair(DOOR, seated=True)),
        (Use.CHAIR, {"pressed": True}, Chair(DOOR, seated=True)),
        (Use.CHAIR, {"occupied": False}, Chair(DOOR, seated=False)),
        (Use.CHAIR, {"present": True}, Chair(DOOR, seated=True)),
        (Use.CHAIR, {"seated": True, "present": False}, Chair(DOOR, seated=True)),
        (Use.AUTO, {"seated": False}, Chair(DOOR, seated=False)),
        (Use.BED, {"seated": True}, Bed(DOOR, occupied=True)),
        (Use.PRESENCE, {"seated": True}, Presence(DOOR, present=True)),
    ],
)
def test_chairs(use: Use, values: dict[str, Value], expected: Body) -> None:
    house = House(Device(DOOR, use=use))
    assert house.bodies(0, values) == [expected]
    assert house.bodies(10, values) == []
    assert expected.urgency is Urgency.B


def test_a_chair_may_be_inverted() -> None:
    assert House(Device(DOOR, use=Use.CHAIR, invert=True)).bodies(0, {"closed": True}) == [Chair(DOOR, seated=False)]


def test_every_measured_quantity_of_the_vocabulary_has_its_limit() -> None:
    units = ("_percent", "_rpm", "_bpm", "_kg", "_c", "_lx")
    measured = {name for name in VALUES if name.endswith(units) and name != "battery_percent"}
    assert measured | {"still", "sensitivity", "tilted"} == set(BIG)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_quantity_is_a_row_of_class_c_at_most_every_ten_minutes(quantity: str) -> None:
    house = House()
    change = (BIG[quantity] or 1.0) / 2
    said = [e for at in range(0, 3_600_000, 10_000) for e in house.hear(at, {quantity: 50.0 + change * (at % 20_000)})]
    rows = values_of(said)
    assert 1 <= len(rows) <= (6 if quantity not in AT_ONCE else 360) or BIG[quantity] is not None
    assert {event.urgency for event in said} == {Urgency.C}


@pytest.mark.parametrize("quantity", [name for name in QUANTITIES if name not in AT_ONCE])
def test_small_changes_wait_and_the_same_value_waits_longer(quantity: str) -> None:
    house = House()
    small = (BIG[quantity] or 1000.0) / 2
    assert values_of(house.hear(0, {quantity: 50.0})) == [50.0]
    assert values_of(house.hear(MEASUREMENT_ROW_MS - 1, {quantity: 50.0 + small})) == []
    assert values_of(house.hear(MEASUREMENT_ROW_MS, {quantity: 50.0})) == []
    assert values_of(house.hear(MEASUREMENT_ROW_MS + 1, {quantity: 50.0 + small})) == [50.0 + small]
    assert values_of(house.hear(MEASUREMENT_ROW_MS + MEASUREMENT_SAME_MS, {quantity: 50.0 + small})) == []
    assert values_of(house.hear(MEASUREMENT_ROW_MS + 1 + MEASUREMENT_SAME_MS, {quantity: 50.0 + small})) != []


@pytest.mark.parametrize("quantity", [name for name in QUANTITIES if BIG[name] is not None])
def test_a_big_change_is_a_row_before_its_time(quantity: str) -> None:
    house = House()
    big = BIG[quantity] or 0.0
    house.hear(0, {quantity: 50.0})
    soon = [50.0 + big] if quantity in AT_ONCE else []
    assert values_of(house.hear(1000, {quantity: 50.0 + big})) == soon
    house.hear(2000, {quantity: 50.0})
    later = values_of(house.hear(2000 + MEASUREMENT_BIG_MS, {quantity: 50.0 + big}))
    assert later == [50.0 + big]


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -1e12, "14"])
def test_nonsense_is_counted(nonsense: Value) -> None:
    house = House()
    assert house.bodies(0, {"heart_bpm": nonsense}) == []
    assert house.last.counted == {"nonsense": 1}
    assert house.bodies(0, {"heart_bpm": None}) == []


def test_a_retained_value_is_of_no_known_time() -> None:
    house = House()
    assert house.bodies(0, {"temperature_c": 20.0}, replay=True) == []


def test_still_is_one_or_nothing() -> None:
    house = House()
    assert house.bodies(0, {"still": True}) == [Measurement(DOOR, "still", 1.0)]
    assert house.bodies(MEASUREMENT_ROW_MS, {"still": False}) == [Measurement(DOOR, "still", 0.0)]


def test_a_tilted_window_is_open_and_says_so_at_once() -> None:
    house = House()
    said = house.bodies(0, {"closed": False, "tilted": True})
    assert said == [Contact(DOOR, open=True), Measurement(DOOR, "tilted", 1.0)]
    assert house.bodies(1000, {"closed": False, "tilted": False}) == [Measurement(DOOR, "tilted", 0.0)]


def test_messages_that_mean_nothing_are_counted_in_health() -> None:
    house = House()
    for at in range(3):
        house.hear(at, {"action": "single"})
    healths = [e.body for e in house.hear(3_700_000, {"battery_low": False}) if isinstance(e.body, Health)]
    assert healths == [Health(DOOR, battery_low=False, errors=3)]
