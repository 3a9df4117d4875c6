"""A test of the whole way at the centre: asked, given, received, shown, tapped; where it may stop; what it delays."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import event, text

from nattevakt.central.chain import steps, watch
from nattevakt.central.chain.certificates import DAY_MS, Standing
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.response_times import Shift, shift_of
from nattevakt.central.tables import (
    devices,
    events,
    gateways,
    placements,
    residents,
    rooms,
    staff,
    stays,
    wake_rows,
    wards,
)
from nattevakt.central.tables_duty import chain_tests, routing_versions
from nattevakt.edge.events import ChainTest, Foreign, Urgency
from tests.central.chain_house import MINUTE, OSLO, Chain
from tests.central.house import BED, BUTTON, DOOR, LEAK, S1, S2, House, line, moment, press


@pytest.fixture
def chain(house: House) -> Chain:
    return Chain(house)


def test_the_whole_way_is_dated_step_by_step(chain: Chain) -> None:
    (test_id,) = chain.ask().ids
    asked_ms = chain.now_ms
    chain.wait(12_000)
    (nonce,) = chain.beat() or ()
    given_ms = chain.now_ms
    chain.wait(3_000)
    assert chain.on_screen() == []
    chain.bring(nonce, ago_ms=800)
    chain.wait(1_000)
    assert chain.on_screen() == [test_id]
    chain.show(test_id)
    shown_ms = chain.now_ms
    chain.wait(20_000)
    assert chain.tap(test_id)
    row = chain.last()
    times = (row.asked_ms, row.given_ms, row.appended_ms, row.received_ms, row.shown_ms, row.sounded_ms, row.tapped_ms)
    received_ms = given_ms + 3_000
    assert times == (asked_ms, given_ms, received_ms - 800, received_ms, shown_ms, shown_ms, chain.now_ms)
    assert (row.state, row.tapped_by, row.tablet_id, row.asked_by) == ("done", chain.kari, chain.tablet, chain.kari)
    assert row.shift == shift_of(asked_ms, OSLO).value
    assert row.path["gateway"] == "Loftet"
    assert row.path["tablets"] == ["Vaktrom"]
    assert [one["spot"] for one in row.path["devices"]] == ["bad", "kjøkken"]
    assert (chain.on_screen(), chain.beat(), chain.alarms()) == ([], None, [])
    chain.wait(60 * MINUTE)
    assert chain.last().state == "done"
    assert [row for row in chain.house.rows(wake_rows) if row.rule == steps.RULE] == []


def test_it_is_asked_for_until_it_has_come_and_only_of_its_own_gateway(chain: Chain) -> None:
    chain.ask()
    first, again = chain.beat(), chain.beat()
    assert first == again
    assert first is not None
    assert chain.last().given_ms == chain.now_ms
    assert chain.beat(1) is None
    chain.bring(first[0], gate=1)
    assert chain.last().state == "given", "another gateway knows it from nowhere good"
    chain.bring("f" * 32)
    chain.bring(first[0])
    assert chain.last().state == "received"
    seen_ms = chain.last().received_ms
    chain.wait(5_000)
    chain.bring(first[0])
    assert chain.last().received_ms == seen_ms, "what comes twice changes nothing"
    assert chain.beat() is None


def test_who_asks_again_gets_the_one_that_is_under_way(chain: Chain) -> None:
    assert chain.ask() == chain.ask()
    assert len(chain.tests()) == 1
    chain.through()
    assert len(chain.tests()) == 1
    chain.through()
    assert len(chain.tests()) == 2


STOPPED = {
    "not_given": (0, 5),
    "not_received": (1, 5),
    "not_shown": (2, 10),
    "not_sounded": (3, 10),
    "not_tapped": (4, 10),
}


@pytest.mark.parametrize("stop", STOPPED)
def test_where_it_stops_is_told_once_and_the_next_that_comes_through_ends_it(chain: Chain, stop: str) -> None:
    steps_taken, limit_min = STOPPED[stop]
    (test_id,) = chain.ask().ids
    nonce = ""
    if steps_taken > 0:
        (nonce,) = chain.beat() or ()
    if steps_taken > 1:
        chain.bring(nonce)
    if steps_taken > 2:
        chain.show(test_id, sounded=steps_taken > 3)
    chain.wait(limit_min * MINUTE - 1)
    assert (chain.last().state, chain.alarms()) != ("failed", [])
    assert chain.alarms() == []
    chain.wait(1)
    row = chain.last()
    assert (row.state, row.reason, row.failed_ms) == ("failed", stop, chain.now_ms)
    subject = f"resident:{row.resident_id}"
    assert chain.alarms() == [(subject, stop, "meldt")]
    alarm = chain.house.alarms("chain_test_failed")[0]
    assert (alarm.priority, alarm.resident_id, alarm.room_id, alarm.place) == (3, row.resident_id, alarm.room_id, "201")
    assert alarm.room_id == chain.house.id_of(rooms, "201")
    assert chain.standing()[row.shift] is Standing.FAILED
    # What comes too late, or is tapped too late, changes nothing.
    chain.bring(nonce or "0" * 32)
    chain.show(test_id)
    assert not chain.tap(test_id)
    assert chain.last().state == "failed"
    assert chain.on_screen() == []
    chain.wait(30 * MINUTE)
    assert len(chain.alarms()) == 1
    chain.through()
    assert chain.alarms() == [(subject, stop, "auto_avklart")]
    assert chain.standing()[chain.last().shift] is Standing.GOOD


def test_each_step_has_its_own_time(chain: Chain) -> None:
    chain.ask()
    chain.wait(4 * MINUTE)
    (nonce,) = chain.beat() or ()
    chain.wait(4 * MINUTE)
    assert chain.last().state == "given"
    chain.bring(nonce)
    chain.wait(9 * MINUTE)
    assert chain.last().state == "received"
    chain.wait(MINUTE)
    assert (chain.last().state, chain.last().reason) == ("failed", "not_shown")


def test_no_gateway_hears_the_room(house: House) -> None:
    house.gate.beat()
    chain = Chain.__new__(Chain)
    chain.house, chain.seq, chain.kari = house, itertools.count(1), house.id_of(staff, "kari")
    chain.ward = house.id_of(wards, "a")
    chain.ask()
    chain.wait(1_000)
    row = chain.last()
    assert (row.state, row.reason, row.gateway_id) == ("failed", "no_gateway", None)
    assert chain.alarms() == [(f"resident:{row.resident_id}", "no_gateway", "meldt")]


def test_nothing_hangs_there_is_no_test_and_no_alarm(chain: Chain) -> None:
    chain.write(lambda s: s.execute(text("UPDATE placements SET to_ms = 1 WHERE tenant_id = :tenant")))
    asked = chain.ask()
    (one,) = chain.setups()
    assert (asked.ids, asked.refused) == ((), {one.resident_id: "no_sensor"})
    assert set(chain.standing().values()) == {Standing.NO_SENSOR}
    chain.wait(60 * MINUTE)
    assert (chain.tests(), chain.alarms()) == ([], [])


def test_several_of_a_ward_that_stop_at_one_step_are_one_alarm(chain: Chain) -> None:
    crowd(chain, 14)
    assert len(chain.ask().ids) == 15
    chain.wait(5 * MINUTE)
    ward = f"ward:{chain.ward}"
    assert chain.alarms() == [(ward, "not_given", "meldt")]
    (alarm,) = chain.house.alarms("chain_test_failed")
    assert alarm.reason_params["gateway"] == "Loftet"
    assert alarm.reason_params["rooms"].startswith("201, 300, 301, ")
    assert alarm.reason_params["rooms"].endswith(" …")
    # It is over when all of them have come through.
    ids = chain.ask().ids
    for nonce in (chain.beat() or ())[:15]:
        chain.bring(nonce)
    for test_id in ids[:-1]:
        assert chain.tap(test_id)
    assert chain.alarms() == [(ward, "not_given", "meldt")]
    assert chain.tap(ids[-1])
    assert chain.alarms() == [(ward, "not_given", "auto_avklart")]


def crowd(chain: Chain, number: int) -> None:
    """More residents on the ward, each with a button that gateway 1 has on its list."""
    gateway = chain.house.gates[0].sender.gateway_id

    def work(s: TenantSession) -> None:
        for n in range(number):
            room = s.insert(rooms, ward_id=chain.ward, key=f"c{n}", number=str(300 + n), name="")
            one = s.insert(residents, key=f"c{n}", name=f"Prøve {n}")
            device = s.insert(devices, address=f"test:c{n}", gateway_id=gateway, name=f"Knapp {n}", mute=True)
            s.insert(stays, resident_id=one, room_id=room, from_ms=0, to_ms=None)
            s.insert(placements, device_id=device, room_id=room, spot="seng", from_ms=0, to_ms=None)

    chain.write(work)


def test_a_gateway_has_a_bounded_number_at_a_time(chain: Chain) -> None:
    crowd(chain, steps.PER_GATEWAY_MAX + 4)
    asked = chain.ask()
    assert len(asked.ids) == steps.PER_GATEWAY_MAX
    assert sorted(asked.refused.values()) == ["too_many"] * 5
    seen: list[str] = []
    for _ in range(12):
        given = chain.beat() or ()
        assert len(given) <= 20
        for nonce in given:
            chain.bring(nonce)
        seen += given
        chain.wait(15_000)
    assert len(set(seen)) == len(seen) == steps.PER_GATEWAY_MAX
    assert {row.state for row in chain.tests()} == {"received"}
    assert len(chain.on_screen()) == steps.SHOWN_MAX


def thousand(chain: Chain, state: str = "asked") -> None:
    """A thousand open tests in the ward, however they got there."""
    (one,) = chain.setups()
    gateway = chain.house.gates[0].sender.gateway_id
    received = chain.now_ms if state == "received" else None

    def work(s: TenantSession) -> None:
        for n in range(1000):
            s.insert(
                chain_tests,
                resident_id=one.resident_id,
                ward_id=chain.ward,
                gateway_id=gateway,
                shift="natt",
                nonce=f"{n:032x}",
                state=state,
                config_sha=one.sha,
                path=one.path,
                asked_ms=chain.now_ms,
                received_ms=received,
            )

    chain.write(work)


@pytest.mark.parametrize("state", ["asked", "received"])
def test_a_thousand_tests_cost_a_call_no_statement_and_the_screen_no_place(chain: Chain, state: str) -> None:
    said: list[str] = []
    event.listen(chain.house.db.engine, "before_cursor_execute", lambda *args: said.append(args[2]))

    def statements(seq: int) -> list[str]:
        said.clear()
        chain.house.gate.tell(seq, press(), stream=S2, firsts={S2: 1})
        return [one for one in said if "chain_tests" in one]

    assert statements(1) == []
    thousand(chain, state)
    assert statements(2) == []
    (call,) = chain.house.alarms("call")
    assert (call.sound_seq, call.priority) == (2, 1)
    assert len(chain.on_screen()) == (steps.SHOWN_MAX if state == "received" else 0)
    assert len(chain.beat() or ()) == (20 if state == "asked" else 0)


def test_a_batch_may_bring_tests_and_a_call_beside_them(chain: Chain) -> None:
    chain.ask()
    (nonce,) = chain.beat() or ()
    at = moment(chain.now_ms)
    reply = chain.house.gate.send(line(S1, 1, ChainTest(nonce), at), line(S1, 2, press(), at), line(S1, 3, press(), at))
    assert {outcome.outcome.value for outcome in reply.outcomes} == {"stored"}
    assert chain.last().state == "received"
    assert [row.kind for row in chain.house.alarms()] == ["call"]


def test_a_test_rings_nothing_whoever_reads_it(chain: Chain) -> None:
    """As an older centre reads it: a kind that it does not know, of class C, is kept."""
    older = Foreign("chain_test_of_tomorrow", None, '{"nonce": "0"}', Urgency.C)
    chain.house.gate.tell(1, older)
    chain.house.gate.tell(2, ChainTest("0" * 32))
    assert [row.kind for row in chain.house.rows(events)] == ["chain_test_of_tomorrow", "chain_test"]
    assert chain.house.alarms() == []
    chain.wait(MINUTE)
    assert chain.house.alarms() == []


def test_a_test_of_every_shift_has_its_own_certificate(chain: Chain) -> None:
    assert set(chain.standing().values()) == {Standing.NEVER}
    for _ in range(3):
        chain.through()
        chain.wait(8 * 60 * MINUTE)
    assert chain.standing() == {shift.value: Standing.GOOD for shift in Shift}
    assert sorted(row.shift for row in chain.tests()) == ["dag", "kveld", "natt"]


def test_old_changed_and_never_are_not_green(chain: Chain) -> None:
    chain.through()
    shift = chain.last().shift
    assert chain.standing() == {one.value: Standing.GOOD if one == shift else Standing.NEVER for one in Shift}
    chain.house.clock.at_ms += 30 * DAY_MS
    assert chain.standing()[shift] is Standing.GOOD
    assert chain.standing(days=29)[shift] is Standing.OLD
    chain.house.clock.at_ms += 1
    assert chain.standing()[shift] is Standing.OLD


CHANGES: dict[str, str] = {
    "a sensor is taken down": "UPDATE placements SET to_ms = 1 WHERE tenant_id = :tenant AND spot = 'bad'",
    "a tablet is taken away": "UPDATE tablets SET revoked_ms = 1 WHERE tenant_id = :tenant",
    "another gateway": "UPDATE devices SET gateway_id = (SELECT MAX(id) FROM gateways g WHERE g.tenant_id = :tenant) "
    "WHERE tenant_id = :tenant",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_the_chain_rests_on_has_changed_since(chain: Chain, change: str) -> None:
    chain.through()
    chain.write(lambda s: s.execute(text(CHANGES[change])))
    assert chain.standing()[chain.last().shift] is Standing.CHANGED
    chain.write(lambda s: s.execute(text("UPDATE devices SET name = 'Ny' WHERE tenant_id = :tenant")))


def test_a_new_routing_is_another_chain_and_a_new_name_is_not(chain: Chain) -> None:
    chain.through()
    chain.write(lambda s: s.execute(text("UPDATE devices SET name = 'Ny' WHERE tenant_id = :tenant")))
    chain.write(lambda s: s.execute(text("UPDATE gateways SET name = 'Ny' WHERE tenant_id = :tenant")))
    assert chain.standing()[chain.last().shift] is Standing.GOOD
    row = {"version": 1, "at_ms": 0, "by_name": "Kari", "why": "", "body": {}, "sha": "x"}
    chain.write(lambda s: s.insert(routing_versions, **row))
    assert chain.standing()[chain.last().shift] is Standing.CHANGED


def test_the_gateway_that_hears_most_of_the_room_is_asked(chain: Chain) -> None:
    one, other = (gate.sender.gateway_id for gate in chain.house.gates)
    assert chain.setups()[0].gateway_id == one
    chain.house.gates[1].beat(S2, heard={BUTTON: 0})
    assert chain.setups()[0].gateway_id == one, "each hears one of two: the first"
    chain.house.gates[1].beat(S2, heard={BUTTON: 0, LEAK: 0, DOOR: 0, BED: 0})
    assert chain.setups()[0].gateway_id == other
    chain.write(
        lambda s: s.execute(
            gateways.update().where(gateways.c.tenant_id == TENANT, gateways.c.id == other), {"revoked_ms": 1}
        )
    )
    assert chain.setups()[0].gateway_id is None, (
        "a gateway that was withdrawn serves nobody, and nobody else heard it last"
    )


def test_a_clock_that_was_wrong_leaves_no_test_open_for_ever(chain: Chain) -> None:
    chain.house.clock.at_ms += 400 * DAY_MS
    chain.ask()
    chain.house.clock.at_ms -= 400 * DAY_MS
    chain.write(lambda s: watch.ensure(s, chain.now_ms))
    (wake,) = [row for row in chain.house.rows(wake_rows) if row.rule == steps.RULE]
    assert wake.wake_at_ms <= chain.now_ms
