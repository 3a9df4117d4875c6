"""A batch and what is left of it: identity, marks, refusals, time, the gateway's own life. On both databases."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import insert

from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.ingest import Revoked, StaleCredential
from nattevakt.central.tables import (
    boots,
    device_states,
    events,
    gateways,
    listed_devices,
    notices,
    refused_rows,
    rule_states,
    streams,
    transitions,
)
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import (
    Bed,
    ClockSynchronised,
    Contact,
    Fall,
    Health,
    SourceBack,
    SourceLost,
    Tombstone,
)
from nattevakt.edge.rules.rule import Priority
from nattevakt.edge.wire import Outcome
from tests.central.house import BED, BUTTON, LOOSE, S1, S2, S3, House, line, moment, press

STORED, DUPLICATE, CONFLICT, REFUSED = Outcome.STORED, Outcome.DUPLICATE, Outcome.CONFLICT, Outcome.REFUSED


def outcomes(reply: Any) -> list[Outcome]:
    return [item.outcome for item in reply.outcomes]


def test_a_press_becomes_a_row_an_alarm_and_its_history(house: House) -> None:
    reply = house.gate.tell(1, press())
    assert (outcomes(reply), reply.marks) == ([STORED], {S1: 1})
    (alarm,) = house.alarms()
    (event,) = house.rows(events)
    assert (alarm.kind, alarm.state, alarm.place, alarm.subject) == ("call", "meldt", "bad", "resident:1")
    assert event.alarm_id == alarm.id
    assert [(row.from_state, row.to_state, row.cause) for row in house.rows(transitions)] == [(None, "meldt", "raise")]


@pytest.mark.parametrize("times", [2, 3])
def test_the_same_batch_again_is_a_duplicate_and_rings_nobody(house: House, times: int) -> None:
    lines = [line(S1, seq, press(), moment(house.clock.at_ms)) for seq in (1, 2, 3)]
    first = house.gate.send(*lines)
    before = [house.rows(table) for table in (events, transitions, notices)], house.alarms()
    for _ in range(times - 1):
        house.clock.at_ms += 1000
        reply = house.gate.send(*lines)
        assert (set(outcomes(reply)), reply.marks) == ({DUPLICATE}, first.marks)
    assert before == ([house.rows(table) for table in (events, transitions, notices)], house.alarms())


def test_twice_at_the_same_time_is_once(house: House) -> None:
    lines = [line(S1, seq, press(), moment(house.clock.at_ms)) for seq in range(1, 11)]
    ready = threading.Barrier(2)
    replies: list[list[Outcome]] = []

    def deliver(order: list[bytes]) -> None:
        ready.wait(20)
        replies.append(outcomes(house.gate.send(*order)))

    threads = [threading.Thread(target=deliver, args=(order,)) for order in (lines, lines[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(set, replies), key=str) == [{DUPLICATE}, {STORED}]
    assert len(house.rows(events)) == 10
    (alarm,) = house.alarms()
    assert alarm.sound_seq == 10


def test_newer_before_older_keeps_every_row(house: House) -> None:
    newer = [line(S1, seq, Bed(BED, occupied=True), moment(house.clock.at_ms)) for seq in range(4, 7)]
    older = [line(S1, seq, Bed(BED, occupied=True), moment(house.clock.at_ms)) for seq in range(1, 4)]
    assert house.gate.send(*newer).marks == {S1: 0}
    assert house.gate.send(*older).marks == {S1: 6}
    assert [row.seq for row in house.rows(events)] == [1, 2, 3, 4, 5, 6]


def test_two_gateways_at_once_do_not_deadlock(house: House) -> None:
    failures: list[BaseException] = []

    def deliver(number: int) -> None:
        try:
            for seq in range(1, 16):
                kinds = [press(), Fall(BUTTON)] if number else [Fall(BUTTON), press()]
                pair = [line(S1, 2 * seq - 1 + i, body, moment(house.clock.at_ms)) for i, body in enumerate(kinds)]
                house.gates[number].send(*pair)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=deliver, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(house.rows(events)) == 60
    assert len(house.alarms("call")) == len(house.alarms("fall")) == 1


def test_same_id_other_body_is_kept_alarmed_and_rings(house: House) -> None:
    house.gate.tell(1, Bed(BED, occupied=True))
    reply = house.gate.tell(1, press())
    assert outcomes(reply) == [CONFLICT]
    assert [(row.seq, row.variant, row.kind) for row in house.rows(events)] == [(1, 0, "bed"), (1, 1, "call")]
    assert {alarm.kind for alarm in house.alarms()} == {"id_conflict", "call"}
    assert outcomes(house.gate.tell(1, press())) == [DUPLICATE]
    assert len(house.rows(events)) == 2


def test_same_id_twice_in_one_batch(house: House) -> None:
    at = moment(house.clock.at_ms)
    one, other = line(S1, 1, press(), at), line(S1, 1, Fall(BUTTON), at)
    assert outcomes(house.gate.send(one, one, other)) == [STORED, DUPLICATE, CONFLICT]


def test_a_line_that_breaks_the_contract_is_refused_alone(house: House) -> None:
    at = moment(house.clock.at_ms)
    broken = line(S1, 2, press(), at).replace(b'"call"', b'"CALL"')
    reply = house.gate.send(line(S1, 1, press(), at), broken, line(S1, 3, press(), at), b"\xff")
    assert outcomes(reply) == [STORED, REFUSED, STORED, REFUSED]
    assert "events[1].kind" in reply.outcomes[1].reason
    assert reply.marks == {S1: 1}
    first, second = house.rows(refused_rows)
    assert (first.stream, first.seq, bytes(first.raw), first.urgent) == (S1, 2, broken, True)
    assert (second.stream, bytes(second.raw)) == (None, b"\xff")
    (alarm,) = house.alarms("event_refused")
    assert (alarm.priority, alarm.sound_seq) == (Priority.HIGH, 2)
    house.gate.send(broken, b"\xff")
    assert len(house.rows(refused_rows)) == 2


def test_a_refused_row_of_a_lesser_class_does_not_ring_high(house: House) -> None:
    house.gate.send(b'{"class":"C","seq":"no"}')
    assert [alarm.priority for alarm in house.alarms()] == [Priority.LOW]


def test_a_tombstone_for_what_the_centre_refused_alarms_nothing_new(house: House) -> None:
    at = moment(house.clock.at_ms)
    house.gate.send(line(S1, 1, press(), at).replace(b'"call"', b'"CALL"'))
    stone = Tombstone(S1, 1, 1, "A", "refused: events[0].kind", 1, at, at, (BUTTON,))
    assert house.gate.tell(2, stone).marks == {S1: 2}
    assert [alarm.kind for alarm in house.alarms()] == ["event_refused"]


def test_an_unreadable_header_is_refused_whole_and_names_the_field(house: House) -> None:
    with pytest.raises(RejectError, match=r"header\.firsts"):
        house.gate.send(line(S1, 1, press(), moment(house.clock.at_ms)), firsts={"short": 1})
    assert house.rows(events) == []


@pytest.mark.parametrize("point", ["decoded", "stored"])
def test_a_failure_before_the_commit_leaves_nothing(house: House, point: str) -> None:
    def broken(at: str, _data: Mapping[str, object]) -> None:
        if at == point:
            raise KeyError(at)

    with pytest.raises(KeyError):
        house.gate.tell(1, press(), probe=broken)
    for table in (events, streams, rule_states, transitions, device_states):
        assert house.rows(table) == []
    assert house.alarms() == []
    assert outcomes(house.gate.tell(1, press())) == [STORED]


def test_the_probe_is_told_whose_rows_are_about_to_be_committed(house: House) -> None:
    seen: list[tuple[str, Mapping[str, object]]] = []
    house.gate.tell(1, press(), probe=lambda at, data: seen.append((at, data)))
    assert [at for at, _ in seen] == ["decoded", "stored", "committed"]
    assert seen[1][1]["devices"] == [BUTTON]


def test_rows_of_an_older_stream_are_normal(house: House) -> None:
    house.gate.tell(7, press(), stream=S2, firsts={S2: 7})
    assert house.gate.tell(1, press(), stream=S1).marks == {S1: 1}
    assert "gateway_cloned" not in {alarm.kind for alarm in house.alarms()}


def test_a_tombstone_fills_its_range_names_what_was_lost_and_makes_it_unknown(house: House) -> None:
    house.gate.tell(1, Bed(BED, occupied=True))
    lost_ms = house.clock.at_ms + 60_000
    house.clock.at_ms += 600_000
    stone = Tombstone(S1, 2, 9, "B", "shed", 8, moment(lost_ms), moment(lost_ms + 1000), (BED,))
    assert house.gate.tell(10, stone).marks == {S1: 10}
    (alarm,) = house.alarms("rows_lost")
    assert (alarm.priority, alarm.reason_params["devices"], alarm.reason_params["count"]) == (Priority.LOW, BED, 8)
    assert alarm.reason_params["from_ms"] == lost_ms
    (state,) = house.rows(device_states)
    assert (state.unknown_since_ms, state.unknown_reason) == (lost_ms, "rows_lost")
    house.gate.beat(S1, heard={BED: 10})
    assert house.rows(device_states)[0].unknown_since_ms == lost_ms
    house.gate.tell(11, Bed(BED, occupied=False))
    (state,) = house.rows(device_states)
    assert (state.unknown_since_ms, state.readings) == (None, {"bed": "empty"})


@pytest.mark.parametrize(("use", "known"), [("bed", False), ("call", True), ("auto", True)])
def test_a_mat_with_a_button_of_which_all_was_lost_is_not_known_by_a_call(house: House, use: str, known: bool) -> None:
    """Nothing was ever heard of its bed; what it is there for, its gateway's list tells."""
    with house.db.write(house.tenant.id) as s:
        s.execute(insert(listed_devices), {"gateway_id": house.gate.sender.gateway_id, "address": LOOSE, "use": use})
    at = moment(house.clock.at_ms)
    house.gate.tell(9, Tombstone(S1, 1, 8, "B", "shed", 8, at, at, (LOOSE,)))
    house.clock.at_ms += 60_000
    house.gate.tell(10, press(LOOSE))
    assert [alarm.kind for alarm in house.alarms() if alarm.kind == "call"] == ["call"]
    assert (house.rows(device_states)[0].unknown_since_ms is None) is known
    house.gate.tell(11, Bed(LOOSE, occupied=False))
    assert house.rows(device_states)[0].unknown_since_ms is None


@pytest.mark.parametrize(("why", "kind"), [("shed", "rows_lost"), ("parked: 500 three times", "parked_event")])
def test_a_lost_row_that_might_be_a_call_rings(house: House, why: str, kind: str) -> None:
    at = moment(house.clock.at_ms)
    house.gate.tell(2, Tombstone(S1, 1, 1, "A", why, 1, at, at, (BUTTON,)))
    (alarm,) = house.alarms()
    assert (alarm.kind, alarm.priority) == (kind, Priority.HIGH)


def test_a_buried_row_that_comes_after_all_is_stored(house: House) -> None:
    at = moment(house.clock.at_ms)
    house.gate.tell(2, Tombstone(S1, 1, 1, "A", "parked: 500", 1, at, at, (BUTTON,)))
    assert outcomes(house.gate.tell(1, press())) == [STORED]
    assert house.alarms("call")


def test_a_lost_source_makes_its_devices_unknown_and_its_return_does_not_guess(house: House) -> None:
    house.gate.tell(1, Bed(BED, occupied=True))
    house.gate.tell(2, Health(BUTTON, battery_percent=80.0))
    house.clock.at_ms += 60_000
    lost_ms = house.clock.at_ms
    house.gate.tell(3, SourceLost("serial:a", "unplugged", (BED, BUTTON)))
    assert {row.unknown_since_ms for row in house.rows(device_states)} == {lost_ms}
    house.clock.at_ms += 60_000
    house.gate.tell(4, SourceBack("serial:a", None, (BED, BUTTON)))
    by_address = {row.address: row.unknown_since_ms for row in house.rows(device_states)}
    assert by_address == {BED: lost_ms, BUTTON: None}
    house.clock.at_ms += 1_000
    house.gate.tell(5, Bed(BED, occupied=True))
    assert {row.unknown_since_ms for row in house.rows(device_states)} == {None}


def test_an_old_row_never_overwrites_a_newer_state(house: House) -> None:
    house.gate.tell(2, Contact(BED, open=True))
    house.gate.tell(1, Contact(BED, open=False), at_ms=house.clock.at_ms - 60_000)
    assert house.rows(device_states)[0].readings == {"contact": "open"}


def test_an_other_boot_is_dated_by_its_synchronised_clock(house: House) -> None:
    true_ms = house.clock.at_ms - 600_000
    wrong = moment(true_ms, boot="old", synced=False)
    wrong = type(wrong)(wrong.boot, wrong.boottime_ms, 7, synced=False)
    house.gate.send(line(S1, 1, ClockSynchronised(), moment(true_ms + 5000, boot="old")))
    house.gate.send(line(S1, 2, press(), wrong))
    assert house.rows(events)[1].occurred_from_ms == house.rows(events)[1].occurred_to_ms == true_ms
    assert [row.boot for row in house.rows(boots)] == ["old"]


def test_a_press_of_unknown_time_rings_and_says_so(house: House) -> None:
    house.gate.tell(1, Bed(BED, occupied=True), at_ms=house.clock.at_ms - 300_000)
    lost = type(moment(0))("other", 5, 9, synced=False)
    house.gate.send(line(S1, 2, press(), lost))
    (alarm,) = house.alarms("call")
    assert (alarm.occurred_from_ms, alarm.occurred_to_ms) == (house.clock.at_ms - 300_000, house.clock.at_ms)
    assert alarm.reason_code == "call.pressed_uncertain"


def change(db: Database, house: House, **values: object) -> None:
    with db.write(house.tenant.id) as s:
        mine = (gateways.c.tenant_id == TENANT, gateways.c.id == house.gate.sender.gateway_id)
        s.execute(gateways.update().where(*mine).values(**values))


def test_a_withdrawn_key_is_refused_in_the_very_next_transaction(house: House, db: Database) -> None:
    change(db, house, revoked_ms=1)
    with pytest.raises(Revoked):
        house.gate.tell(1, press())
    with pytest.raises(Revoked):
        house.gate.beat()
    change(db, house, revoked_ms=None, credential_sha256="other")
    with pytest.raises(StaleCredential):
        house.gate.tell(1, press())
    assert house.rows(events) == []


def test_marks_that_know_less_than_the_rows_lose_nothing(house: House, db: Database) -> None:
    house.gate.tell(1, press())
    with db.write(house.tenant.id) as s:
        s.execute(streams.update().where(streams.c.tenant_id == TENANT).values(mark=0, ranges=[]))
    assert outcomes(house.gate.tell(1, press())) == [DUPLICATE]
    assert house.gate.tell(2, press()).marks == {S1: 2}


def test_a_batch_of_many_streams_and_a_thousand_rows(house: House) -> None:
    at = moment(house.clock.at_ms)
    lines = [
        line(stream, seq, Bed(BED, occupied=bool(seq % 2)), at) for seq in range(1, 301) for stream in (S3, S1, S2)
    ]
    reply = house.gate.send(*lines, firsts={S1: 1, S2: 1, S3: 1})
    assert set(outcomes(reply)) == {STORED}
    assert reply.marks == {S1: 300, S2: 300, S3: 300}
    assert json.loads(bytes(house.rows(events)[0].raw))["seq"] == 1
