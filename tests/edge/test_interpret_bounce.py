"""A door contact that bounces: one opening is one row, a closing is no opening, and nothing that stays is lost."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.bouncing import BOUNCE_MS, LEAPS_MS, SETTLE_MS, settles_ms
from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.events import Bed, Contact, Event, Health
from nattevakt.edge.flooding import FLOOD_MESSAGES
from nattevakt.edge.memory import DeviceMemory, holds, memory_key
from tests.edge.interpreting import DOOR, House, moment

MINUTE_MS = 60_000
OPEN, SHUT = Contact(DOOR, open=True), Contact(DOOR, open=False)


def shut_for_long() -> House:
    """A closed door that nobody has touched for a minute."""
    house = House(Device(DOOR, use=Use.DOOR))
    house.hear(0, {"closed": True})
    return house


def opened() -> House:
    """A door that was closed for long, and was opened ten seconds ago."""
    house = shut_for_long()
    assert told(house.hear(MINUTE_MS - 10_000, {"closed": False})) == [(OPEN, MINUTE_MS - 10_000)]
    return house


def told(events: list[Event]) -> list[tuple[object, int]]:
    """What was told of the door, and as of when; never as of some time before."""
    doors = [event for event in events if isinstance(event.body, Contact)]
    assert all(event.since is None for event in doors)
    return [(event.body, event.at.boottime_ms) for event in doors]


def word(house: House, at_ms: int, *, closed: bool, **more: Any) -> list[tuple[object, int]]:
    """The door says so then; gives what is told because of it."""
    return told(house.hear(at_ms, {"closed": closed}, **more))


def test_a_closing_that_bounces_is_a_closing_and_is_counted() -> None:
    house, at = opened(), MINUTE_MS
    assert word(house, at, closed=True) == [(SHUT, at)]
    assert word(house, at + 4, closed=False) == []
    assert word(house, at + 9, closed=True) == []
    assert house.last.counted == {"bounces": 1}
    assert house.release(at + SETTLE_MS + 4) == house.release(at + MINUTE_MS) == []
    assert word(house, at + 2 * MINUTE_MS, closed=True) == []


def test_an_opening_that_bounces_rings_at_once_and_once() -> None:
    house, at = shut_for_long(), MINUTE_MS
    assert word(house, at, closed=False) == [(OPEN, at)]
    assert word(house, at + 4, closed=True) == []
    assert word(house, at + 9, closed=False) == []
    assert house.last.counted == {"bounces": 1}
    assert house.release(at + SETTLE_MS + 9) == []
    assert word(house, at + 8_000, closed=True) == [(SHUT, at + 8_000)]


def test_a_door_opened_right_after_it_was_closed_rings_when_it_has_settled_as_of_when_it_was_opened() -> None:
    house, at = opened(), MINUTE_MS
    word(house, at, closed=True)
    assert word(house, at + BOUNCE_MS - 1, closed=False) == []
    assert house.release(at + BOUNCE_MS - 1 + SETTLE_MS - 1) == []
    assert told(house.release(at + BOUNCE_MS - 1 + SETTLE_MS)) == [(OPEN, at + BOUNCE_MS - 1)]
    assert house.release(at + MINUTE_MS) == []
    assert word(house, at + MINUTE_MS, closed=False) == []


def test_a_door_opened_a_moment_later_rings_at_once() -> None:
    house, at = opened(), MINUTE_MS
    word(house, at, closed=True)
    assert word(house, at + BOUNCE_MS, closed=False) == [(OPEN, at + BOUNCE_MS)]


def test_a_door_opened_and_shut_within_milliseconds_was_opened() -> None:
    house, at = shut_for_long(), MINUTE_MS
    assert word(house, at, closed=False) == [(OPEN, at)]
    assert word(house, at + 100, closed=True) == []
    assert told(house.release(at + 100 + SETTLE_MS)) == [(SHUT, at + 100)]


def test_what_has_settled_is_told_before_what_ends_it_although_nobody_looked_meanwhile() -> None:
    house, at = opened(), MINUTE_MS
    word(house, at, closed=True)
    word(house, at + 50, closed=False)
    late = at + 50 + SETTLE_MS
    assert word(house, late, closed=True) == [(OPEN, at + 50), (SHUT, late)]


def test_the_same_word_again_does_not_keep_it_back_longer() -> None:
    house, at = opened(), MINUTE_MS
    word(house, at, closed=True)
    for later in range(50, 50 + SETTLE_MS, 90):
        assert word(house, at + later, closed=False) == []
    assert word(house, at + 50 + SETTLE_MS, closed=False) == [(OPEN, at + 50)]
    assert house.release(at + MINUTE_MS) == []


def test_a_contact_that_never_comes_to_rest_is_told() -> None:
    house, at = opened(), MINUTE_MS
    said = [row for later in range(0, 2 * LEAPS_MS, 40) for row in word(house, at + later, closed=later % 80 == 0)]
    rows = [as_of for body, as_of in said if body == OPEN]
    assert rows
    assert rows[0] <= at + LEAPS_MS + 40


def test_a_restart_at_any_point_loses_no_opening_that_is_kept_back() -> None:
    house, at = opened(), MINUTE_MS
    word(house, at, closed=True)
    word(house, at + 4, closed=False)
    assert holds(house.memory[memory_key(DOOR)])
    house.restart()
    assert told(house.release(at + 4 + SETTLE_MS)) == [(OPEN, at + 4)]
    assert not holds(house.memory[memory_key(DOOR)])


def test_a_power_cut_lets_what_is_kept_back_wait_no_longer() -> None:
    house, at = opened(), MINUTE_MS
    word(house, at, closed=True)
    word(house, at + 4, closed=False)
    house.restart()
    house.boot = "b2"
    (event,) = house.release(10)
    assert (event.body, event.at, event.since) == (OPEN, moment(at + 4, "b1"), None)


@pytest.mark.parametrize("doubt", ["first word after a break", "crowded", "retained", "history"])
def test_who_cannot_tell_how_soon_it_was_said_takes_nothing_back(doubt: str) -> None:
    house, at = opened(), MINUTE_MS
    word(house, at, closed=True)
    word(house, at + 4, closed=False)
    if doubt == "first word after a break":
        house.unsettled.add(DOOR)
    how: dict[str, dict[str, Any]] = {
        "crowded": {"timely": False},
        "retained": {"replay": True},
        "history": {"occurred_ms": moment(at - 30_000).wall_ms},
    }
    events = house.hear(at + 9, {"closed": True}, **how.get(doubt, {}))
    assert (events[0].body, events[0].at, events[0].since) == (OPEN, moment(at + 4), None)
    assert house.last.memory is not None
    assert house.last.memory.bounce == []


@pytest.mark.parametrize("how", [{"timely": False}, {"replay": True}])
def test_an_opening_of_which_nobody_knows_when_it_was_said_waits_for_nothing(how: dict[str, Any]) -> None:
    house, at = opened(), MINUTE_MS
    word(house, at, closed=True)
    assert [event.body for event in house.hear(at + 4, {"closed": False}, **how)] == [OPEN]


def test_the_first_that_is_known_of_a_door_is_no_change_and_keeps_nothing_back() -> None:
    house = House(Device(DOOR, use=Use.DOOR))
    assert word(house, 0, closed=True) == [(SHUT, 0)]
    assert word(house, 4, closed=False) == [(OPEN, 4)]


def test_messages_that_come_together_but_were_sent_far_apart_are_no_bounce() -> None:
    house, at = opened(), MINUTE_MS
    wall = moment(at).wall_ms
    said = []
    for later, (closed, sent_ms) in enumerate(((True, wall - 5_000), (False, wall - 3_000), (True, wall - 1_000))):
        said += house.bodies(at + later, {"closed": closed, "last_seen_ms": sent_ms})
    assert said == [SHUT, OPEN, SHUT]


@pytest.mark.parametrize("whole_seconds", [False, True])
def test_a_bounce_is_one_by_the_network_s_clock_too(whole_seconds: bool) -> None:
    house, at = opened(), MINUTE_MS
    wall = moment(at).wall_ms
    said = []
    for later, closed in ((0, True), (4, False), (9, True)):
        seen = wall if whole_seconds else wall + later
        said += house.bodies(at + later, {"closed": closed, "last_seen_ms": seen})
    assert said == [SHUT]
    assert house.release(at + MINUTE_MS) == []


def test_a_bed_s_mat_on_a_contact_input_is_none_of_its_business() -> None:
    house = House(Device(DOOR, use=Use.BED))
    house.hear(0, {"closed": True})
    said = [body for later in (0, 4, 9) for body in house.bodies(MINUTE_MS + later, {"closed": later == 4})]
    assert said == [Bed(DOOR, occupied=later == 4) for later in (0, 4, 9)]


def test_a_flood_that_begins_with_a_leap_tells_what_was_kept_back() -> None:
    house = shut_for_long()
    at, said = MINUTE_MS, []
    for number in range(FLOOD_MESSAGES + 1):
        at += 2 if number % 2 else 1_000
        said += house.hear(at, {"closed": number % 2 == 0})
        assert house.last.memory is not None
        if house.last.memory.flood:
            break
    assert Health(DOOR, flood=True) in [event.body for event in said]
    assert house.last.memory is not None
    assert house.last.memory.bounce == []


@pytest.mark.parametrize("text", [None, "{}", '{"states":{"door":true},"rows":{"flood:door":["b1",5]},"held":{}}'])
def test_memory_of_before_this_was_kept_still_loads(text: str | None) -> None:
    memory = DeviceMemory(text)
    assert memory.bounce == []
    assert settles_ms(memory, moment(10)) is None
    assert DeviceMemory(memory.text()).text() == memory.text()


@pytest.mark.parametrize("kept", [[], [True], [True, None], ["x", None, "b1", 1, 2, True], [7, 7, 7, 7, 7, 7], "x", {}])
def test_what_is_kept_back_and_cannot_be_read_is_gone_at_once(kept: object) -> None:
    house = shut_for_long()
    row = house.known[DOOR].copy()
    row.bounce = kept if isinstance(kept, list) else []
    house.known[DOOR] = row
    house.release(MINUTE_MS)
    assert house.known[DOOR].bounce == []
    assert word(house, 2 * MINUTE_MS, closed=house.known[DOOR].states["door"] is not True) != []


@pytest.mark.parametrize("mark", [[], [1], [None, None, "b1", MINUTE_MS], ["x", "y", "b1", MINUTE_MS], 7, {}])
def test_a_mark_that_cannot_be_read_keeps_nothing_back(mark: object) -> None:
    house, at = opened(), MINUTE_MS
    row = house.known[DOOR].copy()
    row.rows["edge:door"] = mark
    house.known[DOOR] = row
    assert word(house, at + 1, closed=True) == [(SHUT, at + 1)]


GAPS = st.one_of(st.integers(1, 20), st.integers(20, 2 * SETTLE_MS), st.sampled_from((BOUNCE_MS, SETTLE_MS, 9_000)))
STEPS = st.lists(st.tuples(GAPS, st.booleans(), st.sampled_from(("", "", "release", "restart"))), max_size=60)


@given(STEPS)
def test_whatever_a_contact_says_what_stays_is_told_once_at_its_time_and_a_leap_never(
    steps: list[tuple[int, bool, str]],
) -> None:
    house, at = shut_for_long(), MINUTE_MS
    said: list[tuple[int, bool]] = [(0, True)]
    rows: list[tuple[object, int]] = []
    for gap_ms, closed, then in steps:
        at += gap_ms
        rows += word(house, at, closed=closed)
        if closed != said[-1][1]:
            said.append((at, closed))
        if then == "restart":
            house.restart()
        elif then == "release":
            rows += told(house.release(at))
    rows += told(house.release(at + SETTLE_MS))
    assert house.release(at + MINUTE_MS) == []

    ends = [*(since for since, _ in said[1:]), at + MINUTE_MS]
    lasted = [(since, closed, end - since) for (since, closed), end in zip(said, ends, strict=True)]
    stays = {since: closed for since, closed, for_ms in lasted if for_ms >= SETTLE_MS}
    rows = [(SHUT, 0), *rows]
    assert [as_of for _, as_of in rows] == sorted({as_of for _, as_of in rows}), "each once, in their order"
    for since, closed in stays.items():
        body, as_of = [row for row in rows if row[1] <= since][-1]
        assert body == (SHUT if closed else OPEN), "what stays is told"
        others = [for_ms for from_ms, other, for_ms in lasted if as_of <= from_ms < since and other != closed]
        assert all(for_ms < SETTLE_MS for for_ms in others), "as of when it began, but for leaps"
    assert all(dict(said).get(as_of) == (body == SHUT) for body, as_of in rows), "as of when it was said"
    assert all(before[0] != after[0] for before, after in pairwise(rows)), "no state twice"
    assert rows[-1][0] == (SHUT if said[-1][1] else OPEN), "the last word is what is so"
    for (_, before_ms), (_, as_of) in pairwise(rows):
        if as_of - before_ms < BOUNCE_MS:
            assert as_of in stays, "a leap is no row"
    calm = {since for (before, _), (since, _) in pairwise(said) if since - before >= SETTLE_MS}
    assert calm <= {as_of for _, as_of in rows}, "what comes after a calm is a row, however short"
