"""A gateway's sign of life: marks, faults, cloned cards, completeness."""

from __future__ import annotations

import pytest

from nattevakt.central import wakes
from nattevakt.central.db import TenantSession
from nattevakt.central.heartbeat import beat
from nattevakt.central.tables import device_states, events, gateways, streams
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import Moment
from nattevakt.edge.wire import CompleteTo, HeldStream
from tests.central.house import BUTTON, S1, S2, House, line, moment, press


def test_the_answer_names_the_marks_of_all_streams_held(house: House) -> None:
    house.gate.tell(1, press())
    house.gate.tell(3, press())
    house.gate.tell(7, press(), stream=S2, firsts={S2: 7})
    reply = house.gate.beat(S2, HeldStream(S1, 1, 3, 3), HeldStream(S2, 7, 7, 7))
    assert (reply.marks, reply.now_ms) == ({S1: 1, S2: 7}, house.clock.at_ms)
    (row, _) = house.rows(gateways)
    assert (row.last_heartbeat_ms, row.health["version"], row.held[S1]) == (house.clock.at_ms, "0.1.0", [1, 3, 3])


def test_a_stream_that_the_centre_has_nothing_of_is_zero(house: House) -> None:
    assert house.gate.beat(S1).marks == {S1: 0}


def test_a_card_that_lives_twice_is_found(house: House) -> None:
    for stream in (S1, S1, S2):
        house.gate.beat(stream)
    assert house.alarms() == []
    house.gate.beat(S1)
    (alarm,) = house.alarms()
    assert (alarm.kind, alarm.subject) == ("gateway_cloned", f"gateway:{house.gate.sender.gateway_id}")


@pytest.mark.parametrize("boots", [("boot-1", "boot-1"), ("boot-1", "boot-2")], ids=["agent", "box"])
def test_a_copy_that_was_overtaken_on_the_way_is_no_cloned_card(house: House, boots: tuple[str, str]) -> None:
    """It comes after the restart it was sent before, and says nothing of now; whoever waits for it is answered."""
    house.gate.tell(1, press())
    early = moment(house.clock.at_ms, boot=boots[0])
    house.gate.beat(S1, HeldStream(S1, 1, 1, 0), sent=early)
    house.clock.at_ms += 8_000
    uptime_ms = early.boottime_ms + 8_000 if boots[0] == boots[1] else 4_000
    restarted = Moment(boots[1], uptime_ms, house.clock.at_ms, synced=True)
    house.gate.beat(S2, HeldStream(S2, 2, 2, 0), sent=restarted, faults=("store: disk full",))
    before = house.rows(gateways), house.rows(streams), house.rows(device_states), house.alarms()
    house.clock.at_ms += 6_000
    told = CompleteTo(early, {S1: 1})
    reply = house.gate.beat(S1, HeldStream(S1, 1, 1, 0), sent=early, heard={BUTTON: 0}, complete_to=told)
    assert (reply.marks, reply.now_ms) == ({S1: 1}, house.clock.at_ms)
    assert (house.rows(gateways), house.rows(streams), house.rows(device_states), house.alarms()) == before
    house.clock.at_ms += 10_000
    house.gate.beat(S2, sent=Moment(boots[1], uptime_ms + 16_000, house.clock.at_ms, synced=True))
    assert house.alarms("gateway_cloned") == []
    assert house.rows(gateways)[0].last_heartbeat_ms == house.clock.at_ms


def test_a_copy_of_a_stream_that_never_got_through_is_old_news_too(house: House) -> None:
    early = house.gate.beats_at()
    house.gate.beat(S2)
    assert house.gate.beat(S1, sent=early).marks == {}
    house.gate.beat(S2)
    assert [row.stream for row in house.rows(streams)] == [S2]
    assert house.alarms() == []


@pytest.mark.parametrize("boots", [("boot-1", "boot-1"), ("boot-1", "boot-2")])
def test_a_card_that_lives_in_two_boxes_is_found_whatever_came_late(house: House, boots: tuple[str, str]) -> None:
    sent = []
    for n in range(2):
        for stream, boot in zip((S1, S2), boots, strict=True):
            house.clock.at_ms += 5_000
            sent.append((stream, moment(house.clock.at_ms, boot=boot)))
            house.gate.beat(stream, sent=sent[-1][1])
            # And each comes once more.
            for name, at in sent:
                house.gate.beat(name, sent=at)
            assert len(house.alarms("gateway_cloned")) == (n > 0)


def test_a_steady_clock_that_is_far_behind_is_another_machine(house: House) -> None:
    """Two that woke from one image share a boot; their signs of life are none that lay about on the way."""
    house.gate.beat(S1)
    house.gate.beat(S2, sent=moment(house.clock.at_ms - 16 * 60_000))
    assert house.rows(gateways)[0].health
    house.clock.at_ms += 15_000
    house.gate.beat(S1)
    assert len(house.alarms("gateway_cloned")) == 1


def test_a_batch_that_comes_once_more_after_newer_ones_changes_nothing(house: House) -> None:
    at = moment(house.clock.at_ms)
    early = line(S1, 1, press(), at), line(S1, 2, press(), at)
    house.gate.send(*early, sent=at, firsts={S1: 1})
    house.gate.beat(S1, HeldStream(S1, 1, 2, 2), complete_to=CompleteTo(at, {S1: 2}))
    house.clock.at_ms += 5_000
    house.gate.tell(3, press(), stream=S2, firsts={S2: 3})
    house.gate.beat(S2, HeldStream(S2, 3, 9, 3), complete_to=CompleteTo(moment(house.clock.at_ms), {S2: 9}))
    tables = (gateways, streams, events, device_states)
    before = [house.rows(table) for table in tables], house.alarms()
    house.clock.at_ms += 14_000
    reply = house.gate.send(*early, sent=at, firsts={S1: 1})
    assert {item.outcome.value for item in reply.outcomes} == {"duplicate"}
    assert ([house.rows(table) for table in tables], house.alarms()) == before


def test_heard_ages_become_moments_and_never_go_back(house: House) -> None:
    house.gate.beat(heard={BUTTON: 4_000})
    house.gate.beat(heard={BUTTON: 9_000})
    (state,) = house.rows(device_states)
    assert state.last_heard_ms == house.clock.at_ms - 4_000


def test_complete_to_counts_only_when_the_marks_are_reached_and_never_goes_back(house: House) -> None:
    def complete() -> int | None:
        found: int | None = house.rows(gateways)[0].complete_to_ms
        return found

    now = house.clock.at_ms
    house.gate.beat(complete_to=CompleteTo(moment(now - 1000), {S1: 1}))
    assert complete() is None
    house.gate.tell(1, press())
    house.gate.beat(complete_to=CompleteTo(moment(now - 1000), {S1: 1}))
    assert complete() == now - 1000
    house.gate.beat(complete_to=CompleteTo(moment(now - 5000), {S1: 1}))
    assert complete() == now - 1000


def test_a_batch_makes_true_what_a_heartbeat_claimed_and_wakes_what_waited_for_it(house: House) -> None:
    now, gateway_id = house.clock.at_ms, house.gate.sender.gateway_id
    house.gate.beat(complete_to=CompleteTo(moment(now - 1000), {S1: 2, S2: 1}))
    house.gate.tell(1, press())
    house.gate.tell(1, press(), stream=S2, firsts={S2: 1})
    wake = wakes.Wake("resident:1", "not_back_in_bed", now - 2000)

    def wait(s: TenantSession) -> None:
        wakes.arm(s, wake.subject, wake.rule, wake.wake_at_ms)
        wakes.wait(s, wake, gateway_id, now + 60_000)

    house.db.transact(house.tenant.id, wait)
    assert house.rows(gateways)[0].complete_to_ms is None
    house.gate.tell(2, press())
    assert house.rows(gateways)[0].complete_to_ms == now - 1000
    with house.db.read(house.tenant.id) as s:
        assert wake in wakes.due(s, now)


def test_an_unreadable_heartbeat_names_the_field(house: House) -> None:
    with pytest.raises(RejectError, match=r"heartbeat\.sent"):
        beat(house.db, house.gate.sender, b'{"v":1}', house.clock.at_ms)
