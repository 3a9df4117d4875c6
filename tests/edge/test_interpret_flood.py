"""A device that says far too much: bounded rows, the last state always, and nothing of class A lost."""

from __future__ import annotations

import random

import pytest

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.events import Bed, Call, Contact, Event, Health, Leak, Urgency
from nattevakt.edge.flooding import FLOOD_MESSAGES, FLOOD_MS, FLOOD_ROW_MS
from nattevakt.edge.meaning import FLOODS
from tests.edge.interpreting import DOOR, House, moment

DAY_MS = 24 * 3_600_000


def flooded(house: House, step_ms: int = 1_000) -> int:
    """A door toggles until it floods; gives the time. Its last word is "closed"."""
    at = 0
    while not (house.known and house.known[DOOR].flood):
        at += step_ms
        house.hear(at, {"closed": at // step_ms % 2 == 0})
    house.hear(at + 1, {"closed": True})
    return at + 1


def test_a_busy_door_is_no_flood() -> None:
    house = House()
    said = [e.body for at in range(0, 4 * FLOOD_MS, 31_000) for e in house.hear(at, {"closed": at // 31_000 % 2 == 0})]
    assert len([body for body in said if isinstance(body, Contact)]) == 4 * FLOOD_MS // 31_000 + 1
    assert Health(DOOR, flood=True) not in said


def test_a_flood_is_a_finding_and_a_flag_once_and_ends_when_it_is_calm() -> None:
    house = House()
    said: list[Event] = []
    findings: list[str] = []
    for number in range(3 * FLOOD_MESSAGES):
        said += house.hear(number * 1000, {"closed": number % 2 == 0})
        findings += [one.sentence for one in house.last.findings]
    assert [e.body for e in said if isinstance(e.body, Health) and e.body.flood is not None] == [
        Health(DOOR, flood=True)
    ]
    assert findings == [FLOODS]
    house.hear(1000 * 3 * FLOOD_MESSAGES, {"closed": True})
    calm = [e.body for at in range(1, 4) for e in house.hear(at * FLOOD_MS, {"closed": True})]
    assert calm.count(Health(DOOR, flood=False)) == 1
    assert not house.known[DOOR].flood


@pytest.mark.parametrize("messages", [5_688, 6_024, 86_400])
def test_thousands_of_messages_a_day_are_a_bounded_number_of_rows(messages: int) -> None:
    house = House()
    rows = 0
    for number in range(messages):
        at = number * DAY_MS // messages
        rows += len(house.hear(at, {"closed": number % 2 == 0}))
        rows += len(house.release(at + 1))
    assert rows <= 24 * (FLOOD_MESSAGES + 2) + FLOOD_MESSAGES
    assert rows > 24


def test_in_a_flood_every_press_and_leak_still_rings() -> None:
    house = House(Device(DOOR, use=Use.DOOR))
    at = flooded(house)
    for number in range(20):
        at += 3_000
        (call,) = [e for e in house.hear(at, {"action": "emergency"}, key=str(number)) if isinstance(e.body, Call)]
        assert call.urgency is Urgency.A
        at += 3_000
        house.hear(at, {"wet": False})
        assert [e.body for e in house.hear(at, {"wet": True}) if e.urgency is Urgency.A] == [Leak(DOOR)]


def test_the_last_state_is_stored_although_the_device_falls_silent() -> None:
    house = House()
    at = flooded(house)
    house.hear(at + FLOOD_ROW_MS, {"closed": True})
    stored = house.known[DOOR].states["door"]
    house.hear(at + FLOOD_ROW_MS + 1000, {"closed": not stored})
    assert house.release(at + FLOOD_ROW_MS + 2000) == []
    house.restart()
    (event,) = house.release(at + 2 * FLOOD_ROW_MS + 1000)
    assert event.body == Contact(DOOR, open=bool(stored))
    assert event.since == moment(at + FLOOD_ROW_MS + 1000)
    assert house.release(at + 3 * FLOOD_ROW_MS) == []


def test_an_opening_and_closing_between_two_rows_of_a_flood_are_both_told() -> None:
    house = House(Device(DOOR, use=Use.BED))
    at = flooded(house)
    at += 2 * FLOOD_ROW_MS
    house.release(at)
    house.hear(at, {"closed": True})
    at += FLOOD_ROW_MS
    house.release(at)
    house.hear(at, {"closed": False})
    first = house.hear(at + 10, {"closed": True})
    second = house.hear(at + 20, {"closed": False})
    told = [e.body for e in (*first, *second)] + [e.body for e in house.release(at + FLOOD_ROW_MS)]
    assert [body for body in told if isinstance(body, Bed)] == [Bed(DOOR, occupied=True), Bed(DOOR, occupied=False)]


def test_tamper_that_flutters_is_withheld_and_its_last_word_told() -> None:
    house = House()
    at = flooded(house)
    at += FLOOD_ROW_MS
    rows = [e for n in range(10) for e in house.hear(at + n, {"tamper": n % 2 == 0}) if isinstance(e.body, Health)]
    assert len(rows) == 1
    house.hear(at + 20, {"tamper": False})
    last = [e.body for e in house.release(at + FLOOD_ROW_MS + 20) if isinstance(e.body, Health)]
    assert last == [Health(DOOR, tamper=False)]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_floods_ends_with_its_last_state(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    house = House()
    at, on, last = 0, True, None
    for _ in range(600):
        at += rng.choice((1, 50, 900, 15_000, 70_000))
        on = rng.random() < 0.5
        events = house.hear(at, {"closed": on}) + house.release(at + 1)
        at += 1
        if rng.random() < 0.02:
            house.restart()
        for event in events:
            last = event.body if isinstance(event.body, Contact) else last
    for event in house.release(at + FLOOD_ROW_MS):
        last = event.body if isinstance(event.body, Contact) else last
    assert last == Contact(DOOR, open=not on)
