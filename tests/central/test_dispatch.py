"""From the ledger to the other side and back: at least once, never said to be sent before it was. Both databases."""

from __future__ import annotations

import threading
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from nattevakt.central import sweep
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.notify import dispatch, subscriptions
from nattevakt.central.notify.channel import Later, Message, Never, RateLimit, Result, Sent
from nattevakt.central.notify.dispatch import BACKOFF_MS, GIVE_UP_MS, LEASE_MS, Dispatcher
from nattevakt.central.notify.sendings import PUSH, SIREN, SMS, WEBHOOK
from nattevakt.central.tables import rooms, staff
from nattevakt.central.tables_duty import push_subscriptions
from nattevakt.central.tables_duty import sendings as sending_rows
from nattevakt.edge.rules.rule import Priority
from tests.central.house import House, build
from tests.central.office import PHONE, PHONES, Office, Road
from tests.support.wait import until


@pytest.fixture
def office(house: House) -> Office:
    return Office(house)


def target(office: Office) -> tuple[str, str]:
    """Kari's telephone."""
    return SMS, f"staff:{office.house.id_of(staff, 'kari')}"


def test_sent_is_written_only_after_the_other_side_has_said_so(office: Office) -> None:
    alarm = office.ring()
    office.ask(alarm, target(office))
    road, seen = Road(), []
    road.meanwhile = lambda: seen.append((office.row().state, office.row().sent_ms))
    assert office.cycle(road) == 1
    assert seen == [("leased", None)], "and no transaction was open: the row could be read"
    row = office.row()
    assert (row.state, row.sent_ms, row.provider_ref) == ("sent", office.now_ms, "ref")
    assert (office.health().ok_ms, office.health().failures, office.health().since_ms) == (office.now_ms, 0, None)
    assert office.cycle(road) == 0


def test_what_is_said_names_the_ward_and_the_time_and_nobody(office: Office) -> None:
    office.ask(office.ring("fall"), target(office), (SMS, "phone:+4790000002"))
    road = Road()
    office.cycle(road)
    assert [message.phone for message in road.given] == [PHONE, "+4790000002"]
    assert {message.text for message in road.given} == {"Nattevakt: alarm, Avdeling A, kl. 23:00. Åpne nettbrettet."}
    assert all(len(message.text) <= 160 for message in road.given)
    alarm = office.ring(subject="room:2")
    office.transact(lambda s: s.execute(_IN_ROOM, {"id": alarm, "room": office.house.id_of(rooms, "201")}))
    office.ask(alarm, target(office))
    office.cycle(road)
    assert road.given[-1].text == "Nattevakt: alarm, Avdeling A rom 201, kl. 23:00. Åpne nettbrettet."


_IN_ROOM = text("UPDATE alarms SET room_id = :room WHERE tenant_id = :tenant AND id = :id")


def test_a_provider_that_is_down_is_tried_again_and_heard_of_and_comes_back(office: Office) -> None:
    alarm = office.ring()
    office.ask(alarm, target(office))
    road = Road("sms", Later("http_503"))
    waits = [0, *(ms / 1000 for ms in (*BACKOFF_MS, *BACKOFF_MS[-1:] * 4))]
    for tries, wait_s in enumerate(waits, start=1):
        if wait_s:
            assert office.cycle(road, after_s=wait_s - 0.001) == 0, "not before its time"
        office.cycle(road, after_s=0.001 if wait_s else 0)
        assert (len(road.given), office.row().attempts) == (tries, tries)
        assert (office.row().state, office.row().sent_ms, office.row().reason) == ("pending", None, "http_503")
    assert office.down() == [("channel:sms", State.REPORTED.value, Priority.MEDIUM)], "it is the only road"
    assert office.health().failures == len(waits)
    road.says = [Sent("ref")]
    office.cycle(road, after_s=60)
    assert office.row().state == "sent"
    assert len(set(road.keys)) == 1
    assert [state for _, state, _ in office.down()] == [State.CLEARED.value]


def test_one_failure_rings_for_nobody(office: Office) -> None:
    office.ask(office.ring(), target(office))
    road = Road("sms", Later("timeout"), Sent())
    office.cycle(road)
    office.cycle(road, after_s=5)
    assert office.row().state == "sent"
    office.cycle(road, after_s=3600)
    assert office.down() == []


def test_killed_between_sending_and_writing_down_it_sends_again_with_the_same_key(office: Office) -> None:
    office.ask(office.ring(), target(office))
    road = Road("sms", RuntimeError("pulled"), Sent("ref"))
    with pytest.raises(RuntimeError, match="pulled"):
        office.cycle(road)
    assert (office.row().state, office.row().sent_ms) == ("leased", None)
    assert office.cycle(road, after_s=LEASE_MS / 1000 - 1) == 0
    assert office.cycle(road, after_s=1) == 1
    assert office.row().state == "sent"
    assert road.keys[0] == road.keys[1]
    assert office.row().attempts == 2


def test_when_all_have_failed_the_next_step_comes_at_once(office: Office) -> None:
    alarm = office.ring()
    office.ask(alarm, target(office), (WEBHOOK, "webhook:vakt"))
    first_ms = office.wakes_ms(alarm)
    assert first_ms is not None
    assert first_ms > office.now_ms
    sms, hook = (
        Road("sms", Never("http_400")),
        Road("webhook:vakt", Later("http_500"), Never("http_410", whole_road=True)),
    )
    office.cycle(sms, hook)
    assert office.wakes_ms(alarm) == first_ms, "one may still get through"
    office.cycle(sms, hook, after_s=5)
    assert office.states() == ["failed", "failed"]
    assert office.wakes_ms(alarm) == office.now_ms
    sweep.cycle(office.house.db, office.house.tenant, office.now_ms)
    (row,) = office.house.alarms("call")
    assert (row.state, row.step) == (State.ESCALATED.value, 1)


def test_whoever_took_it_meanwhile_is_not_disturbed_and_nobody_else_is(office: Office) -> None:
    alarm = office.ring()
    office.ask(alarm, target(office), (PUSH, "staff:1"))
    office.transact(lambda s: s.execute(_TAKE, {"id": alarm}))
    road = Road()
    assert office.cycle(road, Road("push")) == 0
    assert office.states() == ["withdrawn", "withdrawn"]
    assert road.given == []
    assert office.wakes_ms(alarm) != office.now_ms


_TAKE = text("UPDATE alarms SET state = 'kvittert' WHERE tenant_id = :tenant AND id = :id")


def test_taken_while_it_was_on_its_way_is_sent_all_the_same_and_says_so(office: Office) -> None:
    alarm = office.ring()
    office.ask(alarm, target(office))
    road = Road()
    road.meanwhile = lambda: office.transact(lambda s: s.execute(_TAKE, {"id": alarm}))
    office.cycle(road)
    assert office.row().state == "sent"


def test_a_later_step_sends_one_message_and_not_all_that_waited(office: Office) -> None:
    alarm = office.ring()
    road = Road("sms", Later("http_500"))
    for step in range(3):
        office.ask(alarm, target(office), step=step)
        office.cycle(road, after_s=300)
    road.says, before = [Sent()], len(road.given)
    office.cycle(road, after_s=60)
    assert len(road.given) == before + 1
    assert office.states() == ["withdrawn", "withdrawn", "sent"]
    assert office.row(1).reason == "superseded"


def test_what_cannot_be_sent_for_too_long_is_given_up_and_says_why(office: Office) -> None:
    alarm = office.ring()
    office.ask(alarm, target(office))
    road = Road("sms", Later("dns"))
    office.cycle(road)
    office.cycle(road, after_s=GIVE_UP_MS / 1000)
    assert (office.row().state, office.row().reason) == ("failed", "dns")
    assert office.wakes_ms(alarm) == office.now_ms


def test_who_has_no_number_and_no_browser_says_nothing_of_the_road(office: Office) -> None:
    alarm = office.ring()
    office.transact(lambda s: s.execute(PHONES, {"phone": None}))
    office.ask(alarm, target(office), (SMS, "staff:999"), (PUSH, "staff:1"), (SMS, "staff:x"))
    sms, push = Road(), Road("push")
    office.cycle(sms, push)
    assert sms.given == push.given == []
    assert {row.reason for row in office.house.rows(sending_rows)} == {"no_phone", "no_subscription"}
    assert office.health() is None
    assert office.wakes_ms(alarm) == office.now_ms


def test_a_road_that_is_not_there_fails_at_once_and_is_heard_of(office: Office) -> None:
    alarm = office.ring()
    office.ask(alarm, target(office), (WEBHOOK, "webhook:gone"), (SIREN, "gateway:1"))
    office.cycle(Road("push"))
    assert office.states() == ["failed", "failed", "pending"], "a siren is not ours to send"
    assert {row.reason for row in office.house.rows(sending_rows) if row.state == "failed"} == {"not_set_up"}
    assert [(subject, priority) for subject, _, priority in office.down()] == [
        ("channel:sms", Priority.LOW),
        ("channel:webhook:gone", Priority.LOW),
    ]
    office.cycle(Road("push"), Road("sms"))
    assert [state for _, state, _ in office.down()] == [State.CLEARED.value, State.REPORTED.value], "now it is there"


@pytest.mark.parametrize(("others", "priority"), [((), Priority.MEDIUM), ((Road("push"),), Priority.LOW)])
def test_an_account_that_is_refused_is_heard_of_at_once(
    office: Office, others: tuple[Road, ...], priority: Priority
) -> None:
    office.ask(office.ring(), target(office))
    road = Road("sms", Never("http_401", whole_road=True))
    office.cycle(road, *others)
    assert office.down() == [("channel:sms", State.REPORTED.value, priority)]
    (alarm,) = office.house.alarms("channel_down")
    assert (alarm.reason_code, alarm.reason_params) == ("channel_down.sms", {"channel": "", "why": "http_401"})
    office.cycle(road, *others, after_s=600)
    assert len(office.down()) == 1


def test_whoever_ended_the_alarm_of_a_road_that_goes_on_failing_is_told_again_but_not_of_what_nobody_used(
    office: Office,
) -> None:
    road = Road("sms", Never("http_401", whole_road=True))
    office.ask(office.ring(), target(office))
    office.cycle(road)
    (alarm,) = office.house.alarms("channel_down")
    office.transact(lambda s: s.execute(_CLOSE, {"id": alarm.id, "now_ms": office.now_ms}))
    office.cycle(road, after_s=7200)
    assert len(office.down()) == 1, "nobody has used it since"
    office.ask(office.ring("leak", subject="room:9"), target(office))
    office.cycle(road)
    assert len(office.down()) == 2


_CLOSE = text(
    "UPDATE alarms SET state = 'avsluttet', on_site_ms = :now_ms, closed_ms = :now_ms "
    "WHERE tenant_id = :tenant AND id = :id"
)


def test_what_waits_for_five_minutes_is_heard_of_even_where_nothing_says_why(office: Office) -> None:
    office.ask(office.ring(), target(office))
    office.limits["sms"] = RateLimit(1)
    office.limits["sms"].take(office.now_ms)
    stuck = Road("sms")
    stuck.per_minute = 1
    office.lease()  # a process that hangs
    office.passes(299)
    office.lease()
    dispatch.keep(office.house.db, office.house.tenant, [stuck], office.now_ms)
    assert office.down() == []
    office.passes(1)
    dispatch.keep(office.house.db, office.house.tenant, [stuck], office.now_ms)
    assert [subject for subject, _, _ in office.down()] == ["channel:sms"]


def test_a_road_that_asks_us_to_wait_is_left_alone_and_no_more_are_sent_than_it_may(office: Office) -> None:
    office.ask(office.ring(), *((SMS, f"phone:+479000000{number}") for number in range(5)))
    road = Road("sms", Later("http_429", 20), Sent())
    assert office.cycle(road) == 1
    assert office.cycle(road, after_s=19.9) == 0
    office.limits["sms"] = RateLimit(2)
    assert office.cycle(road, after_s=0.1) == 2
    assert office.cycle(road, after_s=29) == 0
    assert office.cycle(road, after_s=1) == 1


def test_a_browser_that_is_gone_is_ended_and_the_others_are_used(office: Office) -> None:
    kari = office.house.id_of(staff, "kari")

    def subscribe(s: Any) -> None:
        for name in ("one", "two"):
            subscriptions.subscribe(s, kari, f"https://push.example/{name}", "p", "a", 1)

    office.transact(subscribe)
    office.ask(office.ring(), (PUSH, f"staff:{kari}"))
    road = Road("push")
    with office.house.db.read(office.house.tenant.id) as s:
        first, second = subscriptions.of_person(s, kari)
    road.says = [Sent(gone=(first.id,))]
    office.cycle(road)
    assert [one.id for one in road.given[0].subscriptions] == [first.id, second.id]
    ended = {row.id: (row.ended_ms, row.reason) for row in office.house.rows(push_subscriptions)}
    assert ended == {first.id: (office.now_ms, "gone"), second.id: (None, None)}
    with office.house.db.read(office.house.tenant.id) as s:
        assert subscriptions.of_person(s, kari) == (second,)
    assert office.row().state == "sent"


def test_a_browser_pushes_for_whoever_signed_in_on_it_last(office: Office) -> None:
    kari, per = office.house.id_of(staff, "kari"), office.house.id_of(staff, "per")
    office.transact(lambda s: subscriptions.subscribe(s, kari, "https://push.example/one", "p", "a", 1))
    office.transact(lambda s: subscriptions.subscribe(s, per, "https://push.example/one", "p2", "a2", 2))
    with office.house.db.read(office.house.tenant.id) as s:
        assert subscriptions.of_person(s, kari) == ()
        assert [one.p256dh for one in subscriptions.of_person(s, per)] == ["p2"]
    assert not office.transact(lambda s: subscriptions.unsubscribe(s, kari, "https://push.example/one", 3))
    assert office.transact(lambda s: subscriptions.unsubscribe(s, per, "https://push.example/one", 3))
    assert [(row.ended_ms, row.reason) for row in office.house.rows(push_subscriptions)] == [(3, "ended")]


def test_one_tenants_sendings_go_by_no_other_tenants_road(office: Office) -> None:
    other = Office(build(office.house.db, office.house.clock, "granly"))
    hook = (WEBHOOK, "webhook:vakt")
    office.ask(office.ring(), hook)
    other.ask(other.ring(), hook)
    road = Road("webhook:vakt", tenants=("granly",))
    office.cycle(road)
    assert (office.row().state, office.row().reason, road.given) == ("failed", "not_set_up", [])
    other.cycle(road)
    assert [row.state for row in other.house.rows(sending_rows)] == ["sent"]
    assert len(road.given) == 1
    assert (office.down() != [], other.down()) == (True, [])


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_other_side_does_each_sending_is_told_at_least_once_or_says_why_not(
    office: Office, seed: int
) -> None:
    print("seed", seed)
    chance = Random(seed)
    taken: dict[str, int] = {}
    targets = [(SMS, f"phone:+479000000{number}") for number in range(6)]
    alarm = office.ring()
    office.ask(alarm, *targets)

    class Unsteady(Road):
        def send(self, message: Message) -> Result:
            self.given.append(message)
            case = chance.randrange(6)
            if case >= 2:
                taken[message.key] = taken.get(message.key, 0) + 1
            if case in (2, 3):
                raise RuntimeError("killed after it was taken")
            if case == 4:
                return Later("timeout")  # taken, and the answer was lost
            return Sent(message.key) if case == 5 else Later("http_500") if case else Never("http_400")

    road = Unsteady()
    for _ in range(200):
        try:
            office.cycle(road, after_s=chance.choice((1, 5, 30, 61)))
        except RuntimeError:
            continue
        for row in office.house.rows(sending_rows):
            assert row.state != "sent" or taken[row.idempotency_key] >= 1, "never before it was"
        if not {"pending", "leased"} & set(office.states()):
            break
    rows = office.house.rows(sending_rows)
    assert {row.state for row in rows} <= {"sent", "failed"}
    assert all(row.reason for row in rows if row.state == "failed")
    assert len({row.idempotency_key for row in rows}) == len(targets)
    assert set(road.keys) == {row.idempotency_key for row in rows}, "the same key at every try of one"


def test_a_road_that_hangs_holds_up_no_other(office: Office) -> None:
    held = threading.Event()
    slow, quick = Road("sms"), Road("webhook:vakt")
    slow.meanwhile = lambda: held.wait(10)
    office.ask(office.ring(), target(office), (WEBHOOK, "webhook:vakt"))
    dispatcher = Dispatcher(office.house.db, office.house.clock, (slow, quick), poll_s=0.01)
    dispatcher.start()
    try:
        until(lambda: office.row(2).state == "sent", "the other road has sent")
        assert office.row(1).state == "leased"
    finally:
        held.set()
        dispatcher.stop()
    assert office.row(1).state == "sent", "what was under way is written down before the end"


def test_a_fault_of_one_message_ends_no_thread(office: Office) -> None:
    road = Road("sms", RuntimeError("a fault of ours"), Sent())
    office.ask(office.ring(), target(office), (SMS, "phone:+4790000002"))
    dispatcher = Dispatcher(office.house.db, office.house.clock, (road,), poll_s=0.01)
    dispatcher.start()
    try:
        until(lambda: sorted(office.states()) == ["leased", "sent"], "the next message goes out")
    finally:
        dispatcher.stop()
