"""A gateway's sign of life: marks, faults, cloned cards, completeness."""

from __future__ import annotations

import pytest

from nattevakt.central import wakes
from nattevakt.central.db import TenantSession
from nattevakt.central.heartbeat import beat
from nattevakt.central.tables import device_states, gateways
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.wire import CompleteTo, HeldStream
from tests.central.house import BUTTON, S1, S2, House, moment, press


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


def test_faults_raise_once_and_clear_themselves(house: House) -> None:
    for _ in range(2):
        house.gate.beat(faults=("parked: 1 row", "store: disk full"))
    raised = {(alarm.kind, alarm.priority, alarm.sound_seq, alarm.version) for alarm in house.alarms()}
    assert raised == {("parked_event", Priority.LOW, 1, 1), ("gateway_fault", Priority.MEDIUM, 1, 1)}
    house.gate.beat()
    assert {alarm.state for alarm in house.alarms()} == {"auto_avklart"}
    house.gate.beat(faults=("parked: 1 row",))
    assert len(house.alarms("parked_event")) == 2


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
