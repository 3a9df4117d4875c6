"""Arrow 5 against a model of the centre, with time and chance passed in: every answer and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from nattevakt.edge.events import Call, Contact
from nattevakt.edge.wire import (
    BATCH_BYTES_MAX,
    BATCH_EVENTS_MAX,
    BatchReply,
    HeartbeatReply,
    ItemReply,
    Outcome,
    decode_batch,
    decode_event,
    encode_message,
)
from nattevakt.gateway.inputs import BACKLOG, URGENT, HttpFailed, HttpReply, HttpSend
from nattevakt.gateway.store import StoreError
from tests.gateway.line import Line, call, doors, reply
from tests.gateway.support import event, now, outbox


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    box = outbox(tmp_path)
    box.open("1", now().moment)
    found = Line(box)
    yield found
    box.close()


def test_first_round_sends_a_heartbeat_and_the_backlog_each_on_its_lane(line: Line) -> None:
    doors(line, 3)
    line.step()
    assert [(send.lane, send.path) for send in line.sent] == [
        (URGENT, "/v1/heartbeats"),
        (BACKLOG, "/v1/batches"),
    ]
    assert line.box.unsent.total() == 0


def test_a_call_goes_before_the_heartbeat_and_on_its_own_lane(line: Line) -> None:
    doors(line, 500)
    seq = call(line)
    line.step()
    first, second = line.sent
    assert (first.lane, first.path) == (URGENT, "/v1/batches")
    assert [item.id.seq for item in decode_batch(first.body).items if item.id] == [seq]
    assert (second.lane, line.sizes()) == (BACKLOG, [100])


def test_batches_keep_to_both_bounds(line: Line) -> None:
    line.box.append([event(Call("b" * 250, "press" * 50), n) for n in range(450)], {})
    line.run(2_000)
    assert line.box.unsent.total() == 0
    assert all(len(send.body) <= BATCH_BYTES_MAX for send in line.sent)
    assert max(line.sizes(URGENT)) <= BATCH_EVENTS_MAX
    assert len(line.batches(URGENT)) > 3


def test_heartbeats_come_every_fifteen_seconds_also_while_calls_pour(line: Line) -> None:
    for _ in range(61):
        call(line)
        line.run(1_000)
    assert line.centre.heartbeats == 5


@pytest.mark.parametrize("status", [429, 503])
def test_busy_or_no_database_waits_and_is_no_failure(line: Line, status: int) -> None:
    doors(line, 50)
    line.interfere = lambda send: reply(send, status, 1.0) if len(line.sent) < 200 else None
    line.run(60_000)
    assert 60 <= len(line.batches()) <= 130, "about once a second"
    assert set(line.sizes()) == {51}, "never halved"
    line.run(60_000)
    assert line.box.unsent.total() == 0
    assert line.box.parked_rows == 0


def test_retry_after_is_kept_and_capped(line: Line) -> None:
    doors(line, 1)
    line.interfere = lambda send: reply(send, 429, 3_600.0)
    line.step()
    line.interfere = lambda _send: None
    line.ms += 4_900
    line.uplink.deliver(line.now())
    assert len(line.batches()) == 1
    line.ms += 200
    line.step()
    assert line.box.unsent.total() == 0


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_keeps_everything_and_says_so(line: Line, status: int) -> None:
    doors(line, 5)
    call(line)
    line.interfere = lambda send: reply(send, status)
    line.run(100_000)
    assert len(line.sent) <= 22
    assert line.box.unsent.total() == 7
    assert f"({status})" in line.uplink.faults(line.now())["credential"]
    line.interfere = lambda _send: None
    line.run(20_000)
    assert line.box.unsent.total() == 0
    assert line.uplink.faults(line.now()) == {}


def test_a_timeout_halves_the_next_try_and_parks_nothing(line: Line) -> None:
    doors(line, 99)
    line.interfere = lambda send: HttpFailed(send.lane, send.number, "timeout")
    line.run(60_000)
    assert line.sizes()[:9] == [100, 50, 25, 12, 6, 3, 1, 1, 1]
    assert line.box.parked_rows == 0
    line.interfere = lambda _send: None
    line.run(20_000)
    assert line.box.unsent.total() == 0
    assert line.sizes()[-1] > 1, "grows again"


def test_connection_failures_back_off_to_five_seconds_at_most(line: Line) -> None:
    doors(line, 1)
    times: list[int] = []

    def fail(send: HttpSend) -> HttpFailed:
        if send.lane == BACKLOG:
            times.append(line.ms)
        return HttpFailed(send.lane, send.number, "connection")

    line.interfere = fail
    line.run(120_000)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[0] < 300
    assert 3_000 < max(waits) <= 5_100
    assert line.uplink.faults(line.now())["unreachable"]
    assert set(line.sizes()) == {2}


def test_back_in_contact_a_heartbeat_goes_at_once_and_says_how_complete_it_is(line: Line) -> None:
    """Whatever lane got through first: until then the centre must take its silences for unconfirmed."""
    doors(line, 3)
    line.run(1_000)
    doors(line, 3)
    away: list[str] = [URGENT, BACKLOG]
    line.interfere = lambda send: HttpFailed(send.lane, send.number, "connection") if send.lane in away else None
    line.run(90_000)
    away.remove(BACKLOG)
    while line.box.unsent.total():
        line.run(10)
    line.run(10)
    assert [send.path for send in line.sent[-2:]] == ["/v1/batches", "/v1/heartbeats"]


def test_an_urgent_event_that_waits_for_more_than_a_minute_is_a_fault(line: Line) -> None:
    call(line)
    line.interfere = lambda send: reply(send, 503)
    line.run(61_500)
    assert "undelivered" in line.uplink.faults(line.now())
    line.interfere = lambda _send: None
    line.run(10_000)
    assert line.uplink.faults(line.now()) == {}


def test_a_lost_answer_is_made_good_by_the_next_mark(line: Line) -> None:
    doors(line, 5)
    lost: list[HttpSend] = []

    def lose(send: HttpSend) -> HttpFailed | None:
        if send.path == "/v1/batches":
            line.centre.answer(send.path, send.body)
            lost.append(send)
            return HttpFailed(send.lane, send.number, "timeout")
        return HttpFailed(send.lane, send.number, "connection")

    line.interfere = lose
    line.step()
    line.interfere = lambda _send: None
    assert line.box.unsent.total() == 6
    line.ms += 400
    (heartbeat,) = [send for send in line.uplink.deliver(line.now()) if send.path == "/v1/heartbeats"]
    _, body = line.centre.heartbeat(heartbeat.body)
    line.uplink.replied(HttpReply(URGENT, heartbeat.number, 200, body), line.now())
    assert line.box.unsent.total() == 0


def test_a_centre_restored_from_a_backup_gets_its_rows_again_once(line: Line) -> None:
    doors(line, 30)
    line.run(1_000)
    for key in [key for key in line.centre.stored if key[1] > 10]:
        del line.centre.stored[key]
    line.run(20_000)
    assert len(line.centre.stored) == 31
    assert line.uplink.counters["resent"] == 21


def test_a_hole_that_cannot_be_filled_is_not_resent_for_ever(line: Line) -> None:
    doors(line, 30)
    line.run(1_000)
    line.box.settle([5], {})
    assert line.box.prune(6, 5) == 5
    for key in [key for key in line.centre.stored if key[1] < 6]:
        del line.centre.stored[key]
    line.run(3_600_000)
    assert line.uplink.counters["resent"] == 26


def test_an_older_mark_that_was_overtaken_resends_nothing(line: Line) -> None:
    """A heartbeat's answer that left the centre before a batch was stored is compared with the marks of its time."""
    (heartbeat,) = [send for send in line.uplink.deliver(line.now()) if send.lane == URGENT]
    doors(line, 5)
    early = HeartbeatReply({line.box.stream: 0}, 0)
    line.box.settle(range(1, 7), {})
    line.uplink.replied(HttpReply(URGENT, heartbeat.number, 200, encode_message(early)), line.now())
    assert line.box.unsent.total() == 0


def test_class_a_joins_the_backlog_while_its_own_lane_fails(line: Line) -> None:
    seq = call(line)
    line.interfere = lambda send: HttpFailed(send.lane, send.number, "timeout") if send.lane == URGENT else None
    line.run(1_000)
    assert (line.box.stream, seq) in line.centre.stored
    assert line.box.unsent.total() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>log in to the network</html>",
        b'{"v":1}',
        encode_message(BatchReply((), {})),
        encode_message(BatchReply((ItemReply(Outcome.STORED),) * 3, {})),
        b'{"v":2,"outcomes":[],"marks":{}}',
    ],
)
def test_an_answer_that_is_not_understood_acknowledges_nothing(line: Line, body: bytes) -> None:
    doors(line, 1)
    line.interfere = lambda send: HttpReply(send.lane, send.number, 200, body)
    line.run(5_000)
    assert line.box.unsent.total() == 2
    assert "not understood" in line.uplink.faults(line.now())["answer"]
    line.interfere = lambda _send: None
    line.run(10_000)
    assert line.box.unsent.total() == 0


@pytest.mark.parametrize("status", [302, 400, 404, 415, 502, 504])
def test_any_other_answer_backs_off_and_says_so(line: Line, status: int) -> None:
    doors(line, 1)
    line.interfere = lambda send: reply(send, status)
    line.run(60_000)
    assert line.box.unsent.total() == 2
    assert str(status) in line.uplink.faults(line.now())["answer"]
    assert line.box.parked_rows == 0


def test_a_heartbeat_that_fails_does_not_hold_up_a_call(line: Line) -> None:
    line.interfere = lambda send: reply(send, 500) if send.path == "/v1/heartbeats" else None
    line.step()
    seq = call(line)
    line.step()
    assert (line.box.stream, seq) in line.centre.stored


def test_an_answer_to_an_older_request_is_ignored(line: Line) -> None:
    doors(line, 1)
    sends = line.uplink.deliver(line.now())
    line.uplink.replied(HttpReply(BACKLOG, 999, 200, b"{}"), line.now())
    line.uplink.failed(HttpFailed(BACKLOG, 999, "timeout"), line.now())
    assert line.uplink.deliver(line.now()) == []
    assert len(sends) == 2


def test_when_the_answer_cannot_be_stored_the_rows_are_sent_again(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    box.open("1", now().moment)
    found = Line(box)
    doors(found, 2)
    sends = found.uplink.deliver(found.now())
    assert box._con is not None
    box._con.execute("PRAGMA query_only=1")
    for send in sends:
        status, body = found.centre.answer(send.path, send.body)
        answer = HttpReply(send.lane, send.number, status, body)
        if send.lane == BACKLOG:
            with pytest.raises(StoreError):
                found.uplink.replied(answer, found.now())
    box._con.execute("PRAGMA query_only=0")
    found.run(30_000)
    assert box.unsent.total() == 0
    assert len(found.centre.stored) == 3
    box.close()


def test_sent_bytes_of_a_row_are_the_same_at_every_try(line: Line) -> None:
    doors(line, 1)
    line.interfere = lambda send: reply(send, 503)
    line.run(3_000)
    lines = {send.body.split(b"\n", 1)[1] for send in line.batches()}
    headers = {send.body.split(b"\n", 1)[0] for send in line.batches()}
    assert len(lines) == 1
    assert len(headers) == len(line.batches()), "the moment of sending is new every time"
    assert decode_event(lines.pop().split(b"\n")[1]).body == Contact("door", open=True)


# --- what a heartbeat says of the road it came by -----------------------------------------------------------------


def told(line: Line) -> set[str]:
    """Keys of the faults that a heartbeat would carry now."""
    return line.uplink.faults(line.now()).keys() - line.uplink.disproved(line.now())


def no_answer(send: HttpSend) -> HttpFailed:
    return HttpFailed(send.lane, send.number, "timeout")


def test_after_an_outage_no_heartbeat_says_that_the_centre_cannot_be_reached(line: Line) -> None:
    line.run(120_000)
    line.interfere = no_answer
    call(line)
    line.run(120_000)
    assert line.uplink.faults(line.now()).keys() == {"unreachable", "undelivered"}, "the siren beside it keeps both"
    assert told(line) == set()
    line.interfere = lambda send: no_answer(send) if send.path == "/v1/batches" else None
    line.run(30_000)
    assert told(line) == set(), "the call comes with the contact, a little later"


def test_a_call_that_is_refused_while_heartbeats_pass_is_told_of(line: Line) -> None:
    line.run(120_000)
    line.interfere = lambda send: reply(send, 503) if send.path == "/v1/batches" else None
    call(line)
    line.run(50_000)
    assert told(line) == set()
    line.run(30_000)
    assert told(line) == {"undelivered"}


def test_a_call_that_is_refused_also_after_an_outage_is_told_of(line: Line) -> None:
    call(line)
    line.interfere = no_answer
    line.run(600_000)
    line.interfere = lambda send: reply(send, 503) if send.path == "/v1/batches" else None
    line.run(50_000)
    assert told(line) == set()
    line.run(40_000)
    assert told(line) == {"undelivered"}


# --- how long a fault lasts ---------------------------------------------------------------------------------------


def test_a_fault_of_the_backlog_ends_when_marks_settle_what_it_could_not_deliver(line: Line) -> None:
    """A proxy answers for a centre that has stored everything: nothing is left to try the lane with."""

    def answers_itself(send: HttpSend) -> HttpReply:
        line.centre.answer(send.path, send.body)
        return reply(send, 504)

    line.interfere = answers_itself
    call(line)
    line.run(30_000)
    assert line.uplink.faults(line.now())["answer"]
    line.interfere = lambda send: answers_itself(send) if send.path == "/v1/batches" else None
    line.run(20_000)
    assert line.box.unsent.total() == 0
    assert line.uplink.faults(line.now()) == {}


def test_an_answer_that_spoils_after_the_marks_have_settled_its_rows_is_no_lasting_fault(line: Line) -> None:
    line.run(1_000)
    doors(line, 1)
    (late,) = line.uplink.deliver(line.now())
    line.centre.answer(late.path, late.body)
    line.run(20_000)
    assert line.box.unsent.total() == 0
    line.uplink.replied(reply(late, 502), line.now())
    line.run(10)
    assert line.uplink.faults(line.now()) == {}


def test_a_fault_of_the_backlog_lasts_while_its_rows_wait_however_well_heartbeats_pass(line: Line) -> None:
    doors(line, 1)
    line.interfere = lambda send: reply(send, 502) if send.path == "/v1/batches" else None
    for _ in range(20):
        line.run(15_000)
        assert told(line) == {"answer"}
