"""What is news: uses, edges, repeats, and state that is replayed or retained."""

from __future__ import annotations

import pytest

from nattevakt.edge.drivers.driver import Device, Use, Value
from nattevakt.edge.events import (
    Bed,
    Body,
    Call,
    Contact,
    Fall,
    FallOver,
    Leak,
    LeakOver,
    Motion,
    Presence,
    Urgency,
)
from tests.edge.interpreting import DOOR, T0, House, moment


def test_only_a_different_contact_is_news() -> None:
    house = House()
    assert house.bodies(0, {"closed": True}) == [Contact(DOOR, open=False)]
    assert house.bodies(1000, {"closed": True}) == []
    assert house.bodies(2000, {"closed": False}) == [Contact(DOOR, open=True)]
    assert house.bodies(3005, {"closed": True}) == [Contact(DOOR, open=False)]


@pytest.mark.parametrize(
    ("use", "values", "expected"),
    [
        (Use.DOOR, {"closed": False}, Contact(DOOR, open=True)),
        (Use.AUTO, {"closed": False}, Contact(DOOR, open=True)),
        (Use.BED, {"closed": True}, Bed(DOOR, occupied=True)),
        (Use.BED, {"pressed": True}, Bed(DOOR, occupied=True)),
        (Use.BED, {"occupied": False}, Bed(DOOR, occupied=False)),
        (Use.BED, {"occupied": True, "present": False}, Bed(DOOR, occupied=True)),
        (Use.PRESENCE, {"occupied": True, "present": False}, Presence(DOOR, present=False)),
        (Use.PRESENCE, {"closed": True}, Presence(DOOR, present=True)),
        (Use.AUTO, {"present": True}, Presence(DOOR, present=True)),
        (Use.AUTO, {"occupied": True}, Bed(DOOR, occupied=True)),
        (Use.CALL, {"closed": True}, Call(DOOR, "input")),
        (Use.CALL, {"pressed": True}, Call(DOOR, "press")),
        (Use.CALL, {"pressed": True, "action": "AI"}, Call(DOOR, "AI")),
        (Use.CALL, {"action": "single"}, Call(DOOR, "single")),
        (Use.AUTO, {"pressed": True, "action": "hold"}, Call(DOOR, "hold")),
        (Use.AUTO, {"action": "emergency"}, Call(DOOR, "emergency")),
        (Use.AUTO, {"action": "unverified"}, Call(DOOR, "unverified")),
        (Use.CALL, {"action": "unverified"}, Call(DOOR, "unverified")),
        (Use.LEAK, {"action": "unverified"}, Leak(DOOR)),
        (Use.DOOR, {"action": "panic"}, Call(DOOR, "panic")),
        (Use.AUTO, {"sos": True}, Call(DOOR, "sos")),
        (Use.FALL, {"closed": True}, Fall(DOOR)),
        (Use.FALL, {"action": "single"}, Fall(DOOR)),
        (Use.AUTO, {"fall": "possible"}, Fall(DOOR, "possible")),
        (Use.LEAK, {"closed": True}, Leak(DOOR)),
        (Use.LEAK, {"pressed": True}, Leak(DOOR)),
        (Use.AUTO, {"wet": True}, Leak(DOOR)),
        (Use.MOTION, {"closed": True}, Motion(DOOR)),
        (Use.AUTO, {"motion": True}, Motion(DOOR)),
        (Use.AUTO, {"vibration": True}, Motion(DOOR, "vibration")),
    ],
)
def test_use_gives_an_input_its_meaning(use: Use, values: dict[str, Value], expected: Body) -> None:
    assert House(Device(DOOR, use=use)).bodies(0, values) == [expected]


def test_invert_turns_the_plain_input() -> None:
    assert House(Device(DOOR, use=Use.BED, invert=True)).bodies(0, {"closed": True}) == [Bed(DOOR, occupied=False)]
    assert House(Device(DOOR, use=Use.DOOR, invert=True)).bodies(0, {"closed": True}) == [Contact(DOOR, open=True)]
    assert House(Device(DOOR, use=Use.CALL, invert=True)).bodies(0, {"pressed": False}) == [Call(DOOR, "press")]
    assert House(Device(DOOR, use=Use.CALL, invert=True)).bodies(0, {"sos": True}) == [Call(DOOR, "sos")]


@pytest.mark.parametrize(
    "values",
    [{"pressed": False}, {"sos": False}, {"fall": "no"}, {"wet": False}, {"motion": False}, {"linkquality": 1}],
)
def test_rest_is_no_event(values: dict[str, Value]) -> None:
    assert House().bodies(0, values) == []


def test_a_plain_action_without_a_use_is_a_finding() -> None:
    for devices in ((), (Device(DOOR, use=Use.DOOR),)):
        house = House(*devices)
        assert house.bodies(0, {"action": "single"}) == []
        assert len(house.last.findings) == 1


# --- class A -------------------------------------------------------------------------------------------


def test_a_repeat_within_two_seconds_names_the_first() -> None:
    house = House()
    first, *_ = house.hear(0, {"pressed": True, "action": "emergency"}, key="json")
    assert first.body == Call(DOOR, "emergency")
    first_seq = 101
    again, *_ = house.hear(300, {"pressed": True, "action": "emergency"}, key="plain")
    assert again.body == Call(DOOR, "emergency", repeat_of=first_seq)
    assert again.urgency is Urgency.C
    later, *_ = house.hear(2001, {"pressed": True, "action": "emergency"}, key="json")
    assert later.body == Call(DOOR, "emergency")


def test_the_same_message_four_times_in_two_seconds_is_one_urgent_row_and_three_repeats() -> None:
    house = House()
    urgencies = [
        e.urgency
        for at in (0, 400, 900, 1900)
        for e in house.hear(at, {"pressed": True, "action": "sos", "last_seen_ms": T0}, key="k")
        if isinstance(e.body, Call)
    ]
    assert urgencies == [Urgency.A, Urgency.C, Urgency.C, Urgency.C]


def test_a_repeat_is_judged_within_one_boot() -> None:
    house = House()
    house.hear(0, {"sos": True})
    house.hear(10, {"sos": False})
    house.boot = "b2"
    assert house.bodies(20, {"sos": True}) == [Call(DOOR, "sos")]


def test_two_devices_never_repeat_each_other() -> None:
    house = House()
    assert house.bodies(0, {"action": "sos"}, "z2m:a") == [Call("z2m:a", "sos")]
    assert house.bodies(1, {"action": "sos"}, "z2m:b") == [Call("z2m:b", "sos")]


def test_sos_rings_on_its_true_edge_only() -> None:
    house = House()
    said = [house.bodies(at * 5000, {"sos": on}) for at, on in enumerate((True, True, False, True))]
    assert said == [[Call(DOOR, "sos")], [], [], [Call(DOOR, "sos")]]


def test_a_possible_fall_that_becomes_sure_is_news() -> None:
    house = House()
    states = ("no", "possible", "sure", "sure", "possible", "no", "sure")
    said = [house.bodies(at * 5000, {"fall": fall}) for at, fall in enumerate(states)]
    assert said == [
        [],
        [Fall(DOOR, "possible")],
        [Fall(DOOR, "sure")],
        [],
        [],
        [FallOver(DOOR)],
        [Fall(DOOR, "sure")],
    ]


def test_water_rings_on_the_edge_and_says_when_it_is_dry() -> None:
    house = House()
    said = [house.bodies(at * 5000, {"wet": wet}) for at, wet in enumerate((False, True, True, False))]
    assert said == [[], [Leak(DOOR)], [], [LeakOver(DOOR)]]


def test_a_telegram_that_only_says_wet_rings_each_time() -> None:
    house = House()
    assert house.bodies(0, {"wet": True, "action": "wet"}) == [Leak(DOOR)]
    assert house.bodies(60_000, {"wet": True, "action": "wet"}) == [Leak(DOOR)]


def test_a_call_input_over_radio_rings_again_although_its_opening_was_lost() -> None:
    house = House(Device(DOOR, use=Use.CALL))
    assert house.bodies(0, {"closed": True}) == [Call(DOOR, "input")]
    assert house.bodies(60_000, {"closed": True}) == [Call(DOOR, "input")]
    assert house.bodies(90_000, {"closed": True}, key="z") == []


# --- replayed and retained -----------------------------------------------------------------------------


def test_cached_state_after_a_restart_of_the_bridge_is_no_news_when_equal() -> None:
    house = House()
    house.hear(0, {"closed": False, "motion": True})
    house.unsettled.add(DOOR)
    assert house.bodies(60_000, {"closed": False, "motion": True}) == []


def test_a_different_cached_state_is_an_event_of_uncertain_time() -> None:
    house = House()
    house.hear(0, {"closed": True})
    house.unsettled.add(DOOR)
    (event,) = house.hear(60_000, {"closed": False})
    assert event.body == Contact(DOOR, open=True)
    assert event.since == moment(0)
    (settled,) = house.hear(61_000, {"closed": True})
    assert settled.since is None


@pytest.mark.parametrize("seen", [T0 - 5000, T0])
def test_a_message_no_newer_than_the_stored_one_is_a_copy(seen: int) -> None:
    house = House()
    house.hear(0, {"closed": True, "wet": False, "last_seen_ms": T0})
    assert house.bodies(60_000, {"closed": True, "wet": False, "last_seen_ms": seen}) == []
    leak, *_ = house.hear(70_000, {"closed": True, "wet": True, "last_seen_ms": seen})
    assert leak.body == Leak(DOOR)
    assert leak.since == moment(60_000)


def test_a_phantom_opening_is_written_as_it_came() -> None:
    house = House()
    house.hear(0, {"closed": False, "last_seen_ms": T0})
    old = house.bodies(5000, {"closed": False, "last_seen_ms": T0 + 5000})
    new = house.bodies(5200, {"closed": True, "last_seen_ms": T0 + 5000})
    assert (old, new) == ([], [Contact(DOOR, open=False)])


def test_a_retained_action_rings_once_a_payload() -> None:
    house = House()
    first, *_ = house.hear(0, {"action": "emergency"}, replay=True, key="one")
    assert first.body == Call(DOOR, "emergency")
    assert first.since == moment(0)
    assert house.bodies(60_000, {"action": "emergency"}, replay=True, key="one") == []
    (other,) = house.hear(120_000, {"action": "emergency"}, replay=True, key="two")
    assert other.since == moment(60_000)


def test_the_retained_copy_of_a_live_press_is_no_news() -> None:
    house = House()
    house.hear(0, {"action": "emergency"}, key="one")
    assert house.bodies(60_000, {"action": "emergency"}, replay=True, key="one") == []


def test_a_live_press_rings_although_its_payload_is_known() -> None:
    house = House()
    house.hear(0, {"action": "emergency"}, key="one")
    house.unsettled.add(DOOR)
    (event,) = house.hear(60_000, {"action": "emergency"}, key="one")
    assert (event.body, event.since) == (Call(DOOR, "emergency"), None)


def test_a_press_delivered_twice_with_the_same_clock_is_one() -> None:
    house = House()
    house.hear(0, {"action": "emergency", "last_seen_ms": T0}, key="one")
    assert house.bodies(30_000, {"action": "emergency", "last_seen_ms": T0}, key="one") == []
    assert house.bodies(60_000, {"action": "emergency", "last_seen_ms": T0 + 60_000}, key="two") != []


def test_a_bridge_whose_clock_was_set_back_still_rings() -> None:
    house = House()
    house.hear(0, {"action": "single", "last_seen_ms": T0}, key="one")
    event = house.hear(60_000, {"action": "sos", "last_seen_ms": T0 - 10**9}, key="two")[0]
    assert event.body == Call(DOOR, "sos")


# --- delivered late ------------------------------------------------------------------------------------


def test_a_press_that_waited_in_the_broker_says_since_when() -> None:
    house = House()
    event = house.hear(600_000, {"action": "sos", "last_seen_ms": T0 + 100_000}, key="one")[0]
    assert (event.body, event.since) == (Call(DOOR, "sos"), moment(100_000))
    event = house.hear(700_000, {"closed": True, "last_seen_ms": T0 + 400_000}, key="two")[0]
    assert (event.body, event.since) == (Contact(DOOR, open=False), moment(600_000))


@pytest.mark.parametrize("waited_ms", [9_000, 25 * 3_600_000, -60_000])
def test_a_bridge_whose_clock_is_a_little_or_far_off_makes_no_time_uncertain(waited_ms: int) -> None:
    event = House().hear(600_000, {"action": "sos", "last_seen_ms": T0 + 600_000 - waited_ms}, key="one")[0]
    assert event.since is None
