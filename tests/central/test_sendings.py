"""The ledger of delivery beyond the tablets: asked once, leased, sent, tried again, failed, withdrawn."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import text

from nattevakt.central.notify import sendings
from nattevakt.central.notify.sendings import PUSH, SIREN, SMS, WEBHOOK, Sending
from nattevakt.central.tables_duty import sendings as rows
from nattevakt.edge.rules.rule import Priority
from tests.central.house import House, build
from tests.central.ledger import KARI, LEASE_MS, Ledger


@pytest.fixture
def ledger(house: House) -> Ledger:
    return Ledger(house)


def test_the_same_step_asks_each_target_once_however_often_it_is_taken(ledger: Ledger) -> None:
    alarm = ledger.ring()
    assert ledger.ask(alarm, KARI, (PUSH, "staff:1"), KARI) == 2
    assert ledger.ask(alarm, KARI, (SIREN, "gateway:1"), later_ms=5) == 1
    assert ledger.ask(alarm, KARI, step=1) == 1
    assert ledger.ask(alarm, KARI, sound_seq=2) == 1
    assert ledger.states() == ["pending"] * 5
    keys = {row.idempotency_key for row in ledger.house.rows(rows)}
    assert len(keys) == 5
    assert all(len(key) == 32 and "staff" not in key for key in keys)


def test_a_leased_row_is_nobody_elses_until_its_lease_runs_out_and_keeps_its_key(ledger: Ledger) -> None:
    ledger.ask(ledger.ring(), KARI)
    (first,) = ledger.lease()
    assert (first.attempts, first.target_id, first.channel) == (1, 1, SMS)
    assert ledger.lease() == ()
    assert ledger.lease(later_ms=LEASE_MS - 1) == ()
    (second,) = ledger.lease(later_ms=LEASE_MS)
    assert (second.attempts, second.idempotency_key) == (2, first.idempotency_key)
    assert not ledger.transact(lambda s: sendings.try_again(s, first, "late", 0)), "the first has lost it"
    assert not ledger.transact(lambda s: sendings.mark_failed(s, first, "late", 0))
    assert ledger.row().state == "leased"
    ledger.transact(lambda s: sendings.mark_sent(s, first.id, 7, "ref"))
    assert (ledger.row().state, ledger.row().sent_ms) == ("sent", 7), "but what it has sent is sent"


def test_each_road_is_leased_by_itself_and_the_most_urgent_alarm_goes_first(ledger: Ledger) -> None:
    low = ledger.ring("device_silent", Priority.LOW, "device:1")
    targets = (KARI, (WEBHOOK, "webhook:vakt"), (WEBHOOK, "webhook:pager"), (SIREN, "gateway:7"))
    ledger.ask(low, *targets)
    ledger.passes(60)
    high = ledger.ring()
    ledger.ask(high, *targets)
    assert {sendings.road_of(*target) for target in targets} == {"sms", "webhook:vakt", "webhook:pager", "siren:7"}
    with ledger.house.db.read(ledger.house.tenant.id) as s:
        found = sendings.waiting(s, ledger.now_ms)
    assert {road: (at.count, at.due) for road, at in found.items()} == dict.fromkeys(
        ("sms", "webhook:vakt", "webhook:pager", "siren:7"), (2, 2)
    )
    assert found["sms"].oldest_ms == ledger.now_ms - 60_000
    for road in found:
        assert [sending.alarm_id for sending in ledger.lease(road, most=1)] == [high], road
        assert [sending.alarm_id for sending in ledger.lease(road, most=1)] == [low], road


def test_what_did_not_go_out_is_tried_again_when_it_is_due(ledger: Ledger) -> None:
    ledger.ask(ledger.ring(), KARI)
    (first,) = ledger.lease()
    due_ms = ledger.now_ms + 5_000
    assert ledger.transact(lambda s: sendings.try_again(s, first, "timeout", due_ms))
    assert (ledger.row().state, ledger.row().reason, ledger.row().sent_ms) == ("pending", "timeout", None)
    assert ledger.lease(later_ms=4_999) == ()
    (second,) = ledger.lease(later_ms=5_000)
    assert second.attempts == 2
    assert ledger.transact(lambda s: sendings.put_back(s, second, due_ms + 1))
    (third,) = ledger.lease(later_ms=5_001)
    assert third.attempts == 2, "what was put back was no try"
    ledger.transact(lambda s: sendings.mark_sent(s, third.id, due_ms, "provider-7"))
    row = ledger.row()
    assert (row.state, row.sent_ms, row.provider_ref, row.reason) == ("sent", due_ms, "provider-7", None)
    ledger.transact(lambda s: sendings.mark_confirmed(s, third.id, due_ms + 9))
    ledger.transact(lambda s: sendings.mark_sent(s, third.id, due_ms + 99))
    row = ledger.row()
    assert (row.state, row.sent_ms, row.confirmed_ms) == ("confirmed", due_ms, due_ms + 9)


def test_what_waits_is_withdrawn_and_what_was_sent_stays_sent(ledger: Ledger) -> None:
    alarm, other = ledger.ring(), ledger.ring(subject="room:2")
    ledger.ask(alarm, KARI, (SMS, "staff:2"), (SMS, "staff:3"))
    ledger.ask(other, KARI)
    sent, leased = ledger.lease(most=2)
    ledger.transact(lambda s: sendings.mark_sent(s, sent.id, 1))
    assert ledger.transact(lambda s: sendings.withdraw(s, alarm, 2, "taken")) == 2
    assert ledger.states() == ["sent", "withdrawn", "withdrawn", "pending"]
    assert not ledger.transact(lambda s: sendings.still_wanted(s, leased))
    assert not ledger.transact(lambda s: sendings.try_again(s, leased, "timeout", 0))
    assert ledger.states()[1] == "withdrawn"
    ledger.transact(lambda s: sendings.mark_sent(s, leased.id, 3))
    assert ledger.states()[1] == "sent", "it had gone out before; the ledger says so"


@pytest.mark.parametrize("when", ["before the lease", "after the lease"])
def test_an_alarm_that_somebody_took_is_not_told_to_others(ledger: Ledger, when: str) -> None:
    alarm = ledger.ring()
    ledger.ask(alarm, KARI)
    leased = ledger.lease() if when == "after the lease" else ()
    ledger.house.db.transact(ledger.house.tenant.id, lambda s: s.execute(_TAKE, {"id": alarm}))
    for sending in leased:
        assert not ledger.transact(lambda s, it=sending: sendings.still_wanted(s, it))
    assert ledger.lease() == ()
    assert ledger.states() == ["withdrawn"]
    assert ledger.transact(sendings.withdraw_overtaken) == 0


_TAKE = text("UPDATE alarms SET state = 'kvittert' WHERE tenant_id = :tenant AND id = :id")


def failed(ledger: Ledger, sending: Sending) -> bool:
    """One sending fails for good; whether its step has nobody left."""

    def fail(s: Any) -> bool:
        assert sendings.mark_failed(s, sending, "refused", 5)
        return sendings.nobody_left(s, sending)

    found: bool = ledger.transact(fail)
    return found


def test_nobody_is_left_when_all_of_the_newest_step_have_failed(ledger: Ledger) -> None:
    alarm = ledger.ring()
    ledger.ask(alarm, KARI, (SMS, "staff:2"), (PUSH, "staff:1"))
    one, two = ledger.lease()
    assert not failed(ledger, one)
    assert not failed(ledger, two)
    (three,) = ledger.lease(PUSH)
    assert failed(ledger, three)
    assert (ledger.row(one.id).failed_ms, ledger.row(one.id).reason) == (5, "refused")
    ledger.ask(alarm, KARI, step=1)
    with ledger.house.db.read(ledger.house.tenant.id) as s:
        assert not sendings.nobody_left(s, three), "a newer step has asked somebody"


@pytest.mark.parametrize("change", ["taken", "sent", "a later step was taken", "it sounds anew"])
def test_somebody_is_left_where(ledger: Ledger, change: str) -> None:
    alarm = ledger.ring()
    ledger.ask(alarm, KARI, (SMS, "staff:2"))
    one, two = ledger.lease()
    if change == "sent":
        ledger.transact(lambda s: sendings.mark_sent(s, one.id, 1))
    else:
        failed(ledger, one)
    sql = {
        "taken": "state = 'kvittert'",
        "sent": "step = 0",
        "a later step was taken": "step = 1",
        "it sounds anew": "sound_seq = 2",
    }[change]
    change_it = text(f"UPDATE alarms SET {sql} WHERE tenant_id = :tenant AND id = :id")  # noqa: S608
    ledger.transact(lambda s: s.execute(change_it, {"id": alarm}))
    assert not failed(ledger, two)


def test_two_that_fail_in_the_same_moment_leave_nobody_once(ledger: Ledger) -> None:
    ledger.ask(ledger.ring(), KARI, (PUSH, "staff:1"))
    both = (*ledger.lease(), *ledger.lease(PUSH))
    start = threading.Barrier(2)
    said: list[bool] = []

    def fail(sending: Sending) -> None:
        start.wait()
        said.append(failed(ledger, sending))

    threads = [threading.Thread(target=fail, args=(sending,)) for sending in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [False, True]


def test_one_tenant_never_sees_anothers_sendings(ledger: Ledger) -> None:
    other = Ledger(build(ledger.house.db, ledger.house.clock, "granly"))
    ledger.ask(ledger.ring(), KARI)
    assert other.lease() == ()
    other.ask(other.ring(), KARI)
    (mine,), (theirs,) = ledger.lease(), other.lease()
    assert mine.idempotency_key != theirs.idempotency_key
    other.transact(lambda s: sendings.withdraw_overtaken(s))
    other.transact(lambda s: sendings.mark_sent(s, theirs.id, 1))
    assert (ledger.states(), other.states()) == (["leased"], ["sent"])


@pytest.mark.parametrize("state", ["pending", "leased"])
def test_what_was_put_off_or_leased_by_a_clock_that_was_ahead_is_not_waited_for(ledger: Ledger, state: str) -> None:
    day_ms = 24 * 3_600_000
    ledger.ask(ledger.ring(), KARI)
    (lost,) = ledger.lease(later_ms=day_ms)
    if state == "pending":
        assert ledger.transact(lambda s: sendings.try_again(s, lost, "http_503", ledger.now_ms + day_ms + 5_000))
    (again,) = ledger.lease()
    assert (again.attempts, again.idempotency_key) == (2, lost.idempotency_key)
    assert ledger.lease() == (), "and what is leased by a clock that is right is nobody else's"
