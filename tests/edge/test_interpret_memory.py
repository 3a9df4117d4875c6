"""Movement, health, and the small memory that all of it needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import VALUES, Device, Use, Value
from nattevakt.edge.events import (
    Call,
    Contact,
    Health,
    Motion,
)
from nattevakt.edge.interpret import UNKNOWN_ROWS_MAX, memory_key
from nattevakt.edge.wire import decode_event, encode_event
from tests.edge.interpreting import DOOR, T0, House

# --- movement and health -------------------------------------------------------------------------------


def test_motion_gives_at_most_one_row_in_thirty_seconds() -> None:
    house = House()
    rows = [at for at in range(0, 100_000, 10_000) if house.bodies(at, {"motion": True})]
    assert rows == [0, 30_000, 60_000, 90_000]


def test_motion_and_vibration_do_not_hide_each_other() -> None:
    house = House()
    assert house.bodies(0, {"motion": True}) == [Motion(DOOR)]
    assert house.bodies(10, {"vibration": True}) == [Motion(DOOR, "vibration")]


def healths(house: House, at_ms: int, values: dict[str, Value], **more: object) -> list[Health]:
    return [e.body for e in house.hear(at_ms, values, **more) if isinstance(e.body, Health)]  # type: ignore[arg-type]


def test_health_is_a_row_when_it_changes_and_once_an_hour() -> None:
    house = House()
    full: dict[str, Value] = {"battery_percent": 100.0, "battery_low": False, "linkquality": 90}
    assert healths(house, 0, full) == [Health(DOOR, battery_percent=100.0, battery_low=False, linkquality=90)]
    assert healths(house, 60_000, {**full, "battery_percent": 96.0}) == []
    assert healths(house, 120_000, {**full, "battery_percent": 95.0}) != []
    assert healths(house, 180_000, {"battery_low": True}) == [Health(DOOR, battery_low=True)]
    assert healths(house, 181_000, {"battery_low": True}) == []
    assert healths(house, 182_000, {"tamper": True}) == [Health(DOOR, tamper=True)]
    assert healths(house, 183_000, {"tamper": False}) == [Health(DOOR, tamper=False)]
    assert healths(house, 183_000 + 3_600_000, {"tamper": False}) != []


def test_availability_is_no_sign_of_life() -> None:
    house = House()
    assert healths(house, 0, {"available": True}) == []
    assert healths(house, 10, {"available": False}, replay=True) == [Health(DOOR, available=False)]
    assert healths(house, 20, {"available": False}, replay=True) == []
    assert healths(house, 30, {"available": True}) == [Health(DOOR, available=True)]
    assert healths(house, 40, {"closed": True}, replay=True) == []
    assert healths(house, 50, {"closed": True}) == [Health(DOOR)]


# --- memory --------------------------------------------------------------------------------------------


def test_nothing_new_needs_no_write() -> None:
    house = House()
    house.hear(0, {"closed": True, "last_seen_ms": T0}, key="a")
    house.hear(1000, {"closed": True, "last_seen_ms": T0 + 1000}, key="b")
    assert not house.last.changed


@pytest.mark.parametrize("text", ["", "[]", "7", '{"states":[],"acts":{},"first":7,"seen":"x"}', "[" * 100_000])
def test_damaged_memory_is_empty_memory(text: str) -> None:
    house = House()
    house.memory[memory_key(DOOR)] = text
    assert house.bodies(0, {"closed": True, "sos": True}) == [Contact(DOOR, open=False), Call(DOOR, "sos")]


def test_unconfigured_devices_cannot_fill_the_card() -> None:
    house = House(Device("z2m:known"))
    house.memory = {f"device:{i}": "{}" for i in range(UNKNOWN_ROWS_MAX)}
    assert house.bodies(0, {"action": "sos"}) == [Call(DOOR, "sos")]
    assert (house.last.memory, house.last.counted["memory_full"]) == (None, 1)
    house.hear(0, {"action": "sos"}, "z2m:known")
    assert house.last.changed
    assert len(house.memory) == UNKNOWN_ROWS_MAX + 1


SAMPLES: dict[str, st.SearchStrategy[Value]] = {
    "action": st.sampled_from(["single", "emergency", "wet", "AI"]),
    "fall": st.sampled_from(["no", "possible", "sure"]),
    "battery_percent": st.floats(0, 100),
    "linkquality": st.integers(0, 255),
    "signal_dbm": st.integers(-120, 0),
    "supply_v": st.floats(0, 5),
    "last_seen_ms": st.integers(0, 10**13),
    "repeats": st.integers(0, 2),
}
readings = st.fixed_dictionaries({}, optional={name: SAMPLES.get(name, st.booleans()) for name in VALUES})


@given(
    st.lists(st.tuples(readings, st.integers(0, 4000), st.booleans(), st.booleans()), max_size=12),
    st.sampled_from(list(Use)),
    st.booleans(),
)
def test_whatever_is_read_becomes_rows_that_the_wire_takes_and_memory_stays_small(
    said: list[tuple[dict[str, Value], int, bool, bool]], use: Use, invert: bool
) -> None:
    house = House(Device(DOOR, use=use, invert=invert))
    at = 0
    for values, wait, replay, settled in said:
        at += wait
        if not settled:
            house.unsettled.add(DOOR)
        before = house.seq
        for event in house.hear(at, values, replay=replay, key=str(at)):
            assert decode_event(encode_event(event)).body == event.body
            repeat_of = getattr(event.body, "repeat_of", None)
            assert repeat_of is None or 100 < repeat_of <= before + len(house.last.events)
        assert set(house.memory) <= {memory_key(DOOR)}
        assert all(len(text) < 2000 for text in house.memory.values())
        if values.get("action") == "emergency" and not replay and "last_seen_ms" not in values:
            assert any(isinstance(e.body, Call) for e in house.last.events)
