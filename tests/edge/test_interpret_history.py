"""Stored history: at its own time, told once, never in the place of a newer word."""

from __future__ import annotations

import pytest

from nattevakt.edge.drivers.driver import Device, Use, Value
from nattevakt.edge.events import (
    BEFORE_BOOT,
    Body,
    Call,
    Chair,
    Contact,
    Event,
    Fall,
    FallOver,
    Leak,
    LeakOver,
    Measurement,
    Moment,
    Motion,
    Urgency,
)
from nattevakt.edge.history import AGE_MAX_MS, AHEAD_MS, SAME_MS
from nattevakt.edge.wire import decode_event, encode_event
from tests.edge.interpreting import DOOR, T0, House, moment

MIN = 60_000
NOW = 300 * MIN


def told(house: House, ago_min: float, values: dict[str, Value], *, at: int = NOW, key: str = "") -> list[Event]:
    """The device tells at `at` what happened so long before."""
    occurred_ms = T0 + at - round(ago_min * MIN)
    found = house.hear(at, values, occurred_ms=occurred_ms, key=key or f"h{occurred_ms}{values}")
    for event in found:
        assert decode_event(encode_event(event)).body == event.body
    return found


def bodies(events: list[Event]) -> list[Body]:
    return [event.body for event in events]


@pytest.mark.parametrize(
    ("use", "values", "expected"),
    [
        (Use.CALL, {"action": "single"}, Call(DOOR, "single")),
        (Use.AUTO, {"sos": True}, Call(DOOR, "sos")),
        (Use.AUTO, {"fall": "sure"}, Fall(DOOR)),
        (Use.AUTO, {"wet": True}, Leak(DOOR)),
        (Use.DOOR, {"closed": False}, Contact(DOOR, open=True)),
        (Use.CHAIR, {"closed": True}, Chair(DOOR, seated=True)),
        (Use.AUTO, {"motion": True}, Motion(DOOR)),
        (Use.AUTO, {"breathing_rpm": 14.0}, Measurement(DOOR, "breathing_rpm", 14.0)),
    ],
)
def test_history_is_an_event_at_its_own_time(use: Use, values: dict[str, Value], expected: Body) -> None:
    (event,) = told(House(Device(DOOR, use=use)), 41, values)
    assert (event.body, event.at, event.since) == (expected, moment(NOW - 41 * MIN), None)
    assert event.body.urgency is expected.urgency


def test_history_from_before_this_boot_keeps_its_wall_time() -> None:
    house = House(Device(DOOR, use=Use.CALL))
    (event,) = told(house, 301, {"action": "single"})
    assert event.at == Moment(BEFORE_BOOT, 0, T0 - MIN, synced=True)
    assert event.since is None


def test_without_a_synchronised_clock_it_was_between_last_heard_and_now() -> None:
    house = House(Device(DOOR, use=Use.CALL))
    house.hear(100 * MIN, {"battery_percent": 90.0})
    house.synced = False
    (event,) = told(house, 10, {"action": "single"})
    assert (event.at.boottime_ms, event.since) == (NOW, moment(100 * MIN))


@pytest.mark.parametrize("ago_ms", [-AHEAD_MS - 1, AGE_MAX_MS + 1, T0])
def test_a_device_whose_clock_is_wrong_still_rings_with_its_time_uncertain(ago_ms: int) -> None:
    house = House(Device(DOOR, use=Use.CALL))
    house.hear(100 * MIN, {"battery_percent": 90.0})
    (event,) = told(house, ago_ms / MIN, {"action": "single"})
    assert (event.body, event.since) == (Call(DOOR, "single"), moment(100 * MIN))


def test_a_device_whose_clock_is_a_little_ahead_says_now() -> None:
    (event,) = told(House(Device(DOOR, use=Use.CALL)), -0.5, {"action": "single"})
    assert (event.at, event.since) == (moment(NOW), None)


def test_history_told_twice_is_one_fact_also_after_a_restart() -> None:
    house = House(Device(DOOR, use=Use.CALL))
    assert len(told(house, 41, {"action": "single"}, key="one")) == 1
    assert told(house, 42, {"action": "single", "signal_dbm": -90}, at=NOW + MIN, key="two") == []
    house.restart()
    assert told(house, 43, {"action": "single"}, at=NOW + 2 * MIN, key="three") == []


@pytest.mark.parametrize("off_ms", [-SAME_MS, 0, SAME_MS])
def test_history_of_what_was_heard_live_is_no_news(off_ms: int) -> None:
    house = House(Device(DOOR, use=Use.CALL))
    house.hear(NOW - 41 * MIN, {"action": "single"}, key="live")
    house.restart()
    assert told(house, 41 + off_ms / MIN, {"action": "single"}) == []


def test_each_live_fact_answers_for_one_of_history() -> None:
    house = House(Device(DOOR, use=Use.CALL))
    house.hear(NOW - 41 * MIN, {"action": "single"}, key="live")
    assert told(house, 41, {"action": "single"}, key="a") == []
    (second,) = told(house, 41.05, {"action": "single"}, key="b")
    assert (second.body, second.urgency) == (Call(DOOR, "single"), Urgency.A)


def test_history_further_from_a_live_fact_is_another() -> None:
    house = House(Device(DOOR, use=Use.CALL))
    house.hear(NOW - 41 * MIN, {"action": "single"}, key="live")
    assert len(told(house, 40, {"action": "single"})) == 1


def test_history_never_overwrites_a_newer_state_and_the_newer_is_told_again_after_it() -> None:
    house = House()
    house.hear(0, {"closed": True})
    house.hear(NOW - MIN, {"closed": True})
    opened, again = told(house, 41, {"closed": False})
    assert (opened.body, opened.at) == (Contact(DOOR, open=True), moment(NOW - 41 * MIN))
    assert (again.body, again.at, again.since) == (
        Contact(DOOR, open=False),
        moment(NOW - MIN),
        moment(NOW - 41 * MIN),
    )
    assert house.bodies(NOW + MIN, {"closed": True}) == []
    assert house.bodies(NOW + 2 * MIN, {"closed": False}) == [Contact(DOOR, open=True)]


def test_where_a_later_change_is_stored_nothing_is_told_again() -> None:
    house = House()
    house.hear(0, {"closed": False})
    house.hear(NOW - MIN, {"closed": True})
    assert bodies(told(house, 41, {"closed": False})) == [Contact(DOOR, open=True)]


def test_history_newer_than_what_is_known_becomes_what_is_known() -> None:
    house = House()
    house.hear(0, {"closed": True})
    assert bodies(told(house, 41, {"closed": False})) == [Contact(DOOR, open=True)]
    assert house.bodies(NOW + MIN, {"closed": True}) == [Contact(DOOR, open=False)]


def test_history_in_either_order_ends_with_the_same_state() -> None:
    for order in ((41, 31), (31, 41)):
        house = House()
        house.hear(0, {"closed": True})
        said = [event for ago in order for event in told(house, ago, {"closed": ago == 31})]
        last = max(said, key=lambda event: event.at.wall_ms)
        assert last.body == Contact(DOOR, open=False)
        assert house.bodies(NOW + MIN, {"closed": True}) == []
        assert house.bodies(NOW + 2 * MIN, {"closed": False}) == [Contact(DOOR, open=True)]


def test_history_of_uncertain_time_leaves_the_known_state_last() -> None:
    house = House()
    house.hear(0, {"closed": True})
    house.synced = False
    assert bodies(told(house, 41, {"closed": False})) == [Contact(DOOR, open=True), Contact(DOOR, open=False)]
    assert house.bodies(NOW + MIN, {"closed": True}) == []


def test_a_fall_and_its_end_from_history() -> None:
    house = House()
    house.hear(0, {"fall": "no", "wet": False})
    house.hear(NOW - MIN, {"fall": "no", "wet": False})
    assert bodies(told(house, 41, {"fall": "sure"})) == [Fall(DOOR), FallOver(DOOR)]
    assert bodies(told(house, 40, {"fall": "no"})) == [FallOver(DOOR)]
    assert bodies(told(house, 41, {"wet": True})) == [Leak(DOOR), LeakOver(DOOR)]
    assert bodies(told(house, 40, {"wet": False})) == [LeakOver(DOOR)]
    assert bodies(told(House(), 41, {"fall": "possible", "wet": True})) == [Fall(DOOR, "possible"), Leak(DOOR)]


def test_history_says_nothing_of_health_and_has_no_repeats() -> None:
    house = House(Device(DOOR, use=Use.CALL))
    assert told(house, 41, {"battery_percent": 3.0, "battery_low": True}) == []
    presses = [*told(house, 41, {"action": "single"}), *told(house, 40.99, {"action": "single"})]
    assert bodies(presses) == [Call(DOOR, "single"), Call(DOOR, "single")]


def test_movement_and_values_of_history_are_as_seldom_as_live_ones() -> None:
    house = House()
    said = [e.body for ago in range(60, 0, -1) for e in told(house, ago, {"motion": True, "heart_bpm": 60.0})]
    assert sum(isinstance(body, Motion) for body in said) == 60
    assert sum(isinstance(body, Measurement) for body in said) == 6
    assert told(house, 0.9, {"motion": True}) == []
