"""A full outbox: C goes before B, A and life never, and every lost row is named by a tombstone."""

from __future__ import annotations

import itertools
from pathlib import Path

from nattevakt.edge.events import (
    BEFORE_BOOT,
    Bed,
    Body,
    Call,
    Contact,
    Event,
    Health,
    Moment,
    SourceLost,
    Tombstone,
    Urgency,
)
from nattevakt.edge.wire import EVENT_BYTES_MAX, decode_event, encode_event
from nattevakt.gateway.outbox import Outbox, OutboxLimits
from nattevakt.gateway.shedding import Shed, plan
from tests.gateway.support import event, moment, outbox

STREAM = "a" * 32


def full(path: Path, bound: int = 20) -> Outbox:
    box = outbox(path, limits=OutboxLimits(unsent_rows_max=bound))
    box.open("1", moment())
    return box


def tombstones(box: Outbox) -> list[Tombstone]:
    bodies = [decode_event(row.body).body for row in box.after(0, 100_000) if row.kind == "tombstone"]
    return [body for body in bodies if isinstance(body, Tombstone)]


def test_c_goes_first_oldest_first(tmp_path: Path) -> None:
    box = full(tmp_path)
    box.append([event(Health(f"d{n}"), n) for n in range(10)], {})
    box.append([event(Contact("door", open=True), 50 + n) for n in range(10)], {})
    (tomb,) = tombstones(box)
    assert (tomb.first_seq, tomb.last_seq, tomb.count, tomb.lost_class, tomb.reason) == (2, 3, 2, "C", "shed")
    assert (tomb.began, tomb.ended, tomb.devices) == (moment(0), moment(1), ("d0", "d1"))
    assert box.shed_rows == 2
    assert [row.urgency for row in box.after(0, 3)] == ["L", "C", "C"]
    box.close()


def test_then_b_and_never_a_or_life(tmp_path: Path) -> None:
    box = full(tmp_path)
    for ms in range(40):
        box.append([event(Call("button", "press"), ms), event(Bed("bed", occupied=True), ms)], {})
        box.append([event(SourceLost("mqtt", "gone"), ms)], {})
    kinds = [row.kind for row in box.after(0, 100_000)]
    assert kinds.count("call") == 40
    assert kinds.count("source_lost") == 40
    assert kinds.count("bed") == 0
    assert sum(tomb.count for tomb in tombstones(box)) == 40
    box.close()


def test_every_row_is_there_or_named(tmp_path: Path) -> None:
    """Whatever mixture: rows, plus counts of tombstones, add up; no tombstone covers a class A row."""
    box = full(tmp_path, bound=100)
    kinds: list[Body] = [
        Health("h"),
        Contact("c", open=True),
        Call("a", "press"),
        Health("h2"),
        Bed("b", occupied=True),
    ]
    made = 1
    for number in range(600):
        body = kinds[(number * 7 + number // 13) % 5] if number % 50 == 0 else kinds[(number % 2) * 3 + number % 2]
        box.append([event(body, number)], {})
        made += 1
    rows = box.after(0, 100_000)
    tombs = tombstones(box)
    assert len(rows) - len(tombs) + sum(tomb.count for tomb in tombs) == made
    urgent = [row.seq for row in rows if row.urgency == "A"]
    assert not any(tomb.first_seq <= seq <= tomb.last_seq for tomb in tombs for seq in urgent)
    assert box.shed_rows == sum(tomb.count for tomb in tombs)
    box.close()


def test_alternating_rows_do_not_cost_a_tombstone_each(tmp_path: Path) -> None:
    box = full(tmp_path, bound=2_000)
    box.append([event(Health("h") if n % 2 else Contact("c", open=True), n) for n in range(2_100)], {})
    assert len(tombstones(box)) == 1
    assert tombstones(box)[0].count > 100
    box.close()


def test_a_mark_is_no_word_for_a_row_inside_a_range(tmp_path: Path) -> None:
    """The centre's mark jumps over a tombstone's range; the rows in it that are still here stay unsent."""
    box = full(tmp_path, bound=2_000)
    box.append([event(Health("h") if n % 2 else Contact("c", open=True), n) for n in range(2_100)], {})
    (tomb,) = tombstones(box)
    inside = [row.seq for row in box.after(0, 100_000) if tomb.first_seq <= row.seq <= tomb.last_seq]
    assert inside
    box.settle([], {box.stream: tomb.last_seq + 5})
    waiting = [row.seq for row in box.backlog(with_urgent=True, skip=(), rows_max=10_000)]
    assert waiting[: len(inside)] == inside
    assert waiting[len(inside)] == tomb.last_seq + 6
    box.close()


def test_own_mark_waits_for_the_tombstone(tmp_path: Path) -> None:
    box = full(tmp_path)
    box.append([event(Health("h"), n) for n in range(25)], {})
    (tomb,) = tombstones(box)
    everything = [row.seq for row in box.after(0, 1_000)]
    box.settle(everything[:-1], {})
    assert box.held()[0].acked == tomb.first_seq - 1
    box.settle(everything[-1:], {})
    assert box.held()[0].acked == everything[-1]
    box.prune(0, 1)
    assert box.held()[0].acked == everything[-1]
    box.close()


def test_a_range_ends_at_a_stream_at_class_a_and_at_many_devices() -> None:
    body = encode_event(Event(Health("d"), moment()))
    rows = [Shed(n, STREAM if n < 5 else "b" * 32, f"device-{n}", body) for n in range(1, 1_000) if n != 3]
    found = plan(rows, "C", [3], [3])
    assert [(tomb.first_seq, tomb.last_seq) for tomb in found[:3]] == [(1, 2), (4, 4), (5, 204)]
    assert all(len(tomb.devices) <= 200 for tomb in found)
    assert sum(tomb.count for tomb in found) == 998


def test_a_tombstone_fits_into_an_event_however_long_the_names() -> None:
    body = encode_event(Event(Health("d"), moment()))
    rows = [Shed(n, STREAM, f"z2m:{'å' * 280}{n}", body) for n in range(1, 400)]
    found = plan(rows, "B", [], [])
    assert all(len(encode_event(Event(tomb, moment()))) < EVENT_BYTES_MAX for tomb in found)
    assert sum(tomb.count for tomb in found) == 399


def test_rows_without_a_device_are_counted_all_the_same() -> None:
    body = encode_event(Event(Health("d"), moment()))
    (tomb,) = plan([Shed(1, STREAM, None, body), Shed(2, STREAM, None, body)], Urgency.B.value, [], [])
    assert (tomb.count, tomb.devices) == (2, ())


def test_a_tombstone_reaches_from_its_earliest_to_its_latest_moment_whatever_stands_first() -> None:
    """Rows of stored history stand at their own time, some of them before this boot."""
    before = Moment(BEFORE_BOOT, 0, 1_000, synced=True)
    earlier = Moment(BEFORE_BOOT, 0, 900, synced=True)
    moments = [moment(5_000), before, moment(9_000), earlier, moment(2_000)]
    for order in itertools.permutations(moments):
        rows = [
            Shed(seq, STREAM, "door", encode_event(Event(Contact("door", open=True), at)))
            for seq, at in enumerate(order, 1)
        ]
        (tomb,) = plan(rows, "B", [], [])
        assert (tomb.began, tomb.ended) == (earlier, moment(9_000))
    inside = [moment(5_000), moment(2_000), moment(3_000)]
    rows = [Shed(seq, STREAM, None, encode_event(Event(Health("d"), at))) for seq, at in enumerate(inside, 1)]
    (tomb,) = plan(rows, "C", [], [])
    assert (tomb.began, tomb.ended) == (moment(2_000), moment(5_000))
