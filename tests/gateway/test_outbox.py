"""The outbox on a real file: what append returned survives, numbers are never reused, holes have names."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from nattevakt.edge.events import Call, Contact, Event, Health, Started, Tombstone
from nattevakt.edge.wire import decode_event
from nattevakt.gateway.outbox import Outbox, OutboxLimits
from nattevakt.gateway.rows import LIVES, Row
from nattevakt.gateway.store import StoreError
from tests.gateway.support import Streams, event, moment, outbox


@contextmanager
def opened(
    path: Path, mint: Streams | None = None, ms: int = 0, limits: OutboxLimits | None = None
) -> Iterator[Outbox]:
    box = outbox(path, mint, limits)
    box.open("1", moment(ms))
    try:
        yield box
    finally:
        box.close()


def everything(box: Outbox) -> list[Row]:
    return box.after(0, 1_000_000)


def body_of(row: Row) -> object:
    return decode_event(row.body).body


def copy(path: Path, to: Path) -> Path:
    """The files as a power cut would leave them: copied while the outbox is open."""
    to.mkdir()
    for found in path.glob("outbox.sqlite*"):
        shutil.copy(found, to / found.name)
    return to


def test_events_and_memory_are_on_disk_when_append_returns(tmp_path: Path) -> None:
    with opened(tmp_path) as box:
        assert box.append([event(Call("d", "press"), 5)], {"k": "v", "gone": None}) == (2,)
        with opened(copy(tmp_path, tmp_path / "cut"), Streams(9)) as after:
            assert [row.kind for row in everything(after)] == ["started", "call", "started"]
            assert dict(after.memory) == {"k": "v", LIVES: '[["boot-1", 1005, 1790000000005, false]]'}
            assert body_of(everything(after)[1]) == Call("d", "press")


def test_first_stream_has_no_predecessor_and_the_next_names_it(tmp_path: Path) -> None:
    mint = Streams()
    with opened(tmp_path, mint) as box:
        assert body_of(everything(box)[0]) == Started("1", None, None, None)
        box.append([event(Call("d", "press"), 10)], {})
        box.stamp(moment(7_000), {})
    with opened(tmp_path, mint, ms=60_000) as box:
        started = body_of(everything(box)[-1])
        assert started == Started("1", f"{1:032x}", 2, moment(7_000))
        assert [(h.stream, h.first, h.last) for h in box.held()] == [(f"{1:032x}", 1, 2), (f"{2:032x}", 3, 3)]


def test_an_appended_row_is_a_sign_of_life_but_an_older_one_does_not_move_it_back(tmp_path: Path) -> None:
    mint = Streams()
    with opened(tmp_path, mint) as box:
        box.stamp(moment(9_000), {})
        box.append([event(Call("d", "press"), 4_000)], {})
    with opened(tmp_path, mint, ms=60_000) as box:
        started = body_of(everything(box)[-1])
        assert isinstance(started, Started)
        assert started.last_life == moment(9_000)


def test_numbers_are_not_reused_after_everything_was_deleted(tmp_path: Path) -> None:
    with opened(tmp_path) as box:
        box.append([event(Call("d", "press"))] * 5, {})
        box.settle([1, 2, 3, 4, 5, 6], {})
        assert box.prune(box.next_seq, 100) == 6
        assert everything(box) == []
    with opened(tmp_path, Streams(9)) as box:
        assert [row.seq for row in everything(box)] == [7]


def test_a_failed_transaction_burns_no_number_and_leaves_the_counts(tmp_path: Path) -> None:
    box = outbox(tmp_path, pages_max=40)
    box.open("1", moment())
    big = [event(Health("d" * 250, battery_percent=1.0))] * 2_000
    with pytest.raises(StoreError, match="store: disk full") as found:
        box.append(big, {"k": "v"})
    assert found.value.full
    assert not found.value.damaged
    assert (box.next_seq, box.unsent.total(), dict(box.memory)) == (2, 1, {})
    assert box.append([event(Call("d", "press"))], {}) == (2,)
    box.close()


def test_read_only_is_named(tmp_path: Path) -> None:
    with opened(tmp_path) as box:
        assert box._con is not None
        box._con.execute("PRAGMA query_only=1")
        with pytest.raises(StoreError, match="read-only"):
            box.append([event(Call("d", "press"))], {})
        assert box.next_seq == 2


def test_a_directory_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError):
        outbox(tmp_path / "file" / "below").open("1", moment())


@pytest.mark.parametrize("rubbish", [b"this is no database" * 100, b"SQLite format 3\0" + bytes(5_000)])
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(rubbish)
    with opened(tmp_path) as box:
        assert box.moved_aside == tmp_path / "outbox.sqlite.damaged-1"
        assert box.moved_aside.read_bytes() == rubbish
        assert body_of(everything(box)[0]) == Started("1", None, None, None)


def test_a_database_with_other_tables_is_moved_aside(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as con:
        con.executescript("CREATE TABLE rows(a); PRAGMA user_version=1;")
    with opened(tmp_path) as box:
        assert box.moved_aside is not None


def test_only_a_few_damaged_files_are_kept(tmp_path: Path) -> None:
    for _ in range(5):
        (tmp_path / "outbox.sqlite").write_bytes(b"no database at all" * 50)
        with opened(tmp_path):
            pass
        for found in tmp_path.glob("outbox.sqlite*"):
            if "damaged" not in found.name:
                found.unlink()
    assert len(list(tmp_path.glob("*.damaged-*"))) == 3


def test_a_file_that_breaks_while_open_is_replaced_and_memory_and_numbers_go_on(tmp_path: Path) -> None:
    mint = Streams()
    with opened(tmp_path, mint) as box:
        box.append([event(Call("d", "press"))], {"k": "v"})
        box.replace("1", moment(50), {})
        assert box.moved_aside is not None
        assert dict(box.memory) == {"k": "v"}
        rows = everything(box)
        assert [(row.seq, row.stream, row.kind) for row in rows] == [(3, f"{2:032x}", "started")]
        assert body_of(rows[0]) == Started("1", None, None, None)
        assert box.append([event(Call("d", "press"))], {}) == (4,)
        assert box.unsent.total() == 2


def test_restored_from_an_old_copy_no_id_comes_twice(tmp_path: Path) -> None:
    mint = Streams()
    with opened(tmp_path, mint) as box:
        box.append([event(Call("d", "press"))], {})
    old = copy(tmp_path, tmp_path / "old")
    with opened(tmp_path, mint) as box:
        box.append([event(Contact("d", open=True))], {})
        first = {(row.stream, row.seq): row.body for row in everything(box)}
    with opened(old, mint) as box:
        box.append([event(Contact("d", open=False))], {})
        second = {(row.stream, row.seq): row.body for row in everything(box)}
    assert all(first[key] == second[key] for key in first.keys() & second.keys())
    assert len(first.keys() | second.keys()) == 6


def test_settle_by_number_and_by_mark(tmp_path: Path) -> None:
    with opened(tmp_path) as box:
        box.append([event(Contact("d", open=True)) for _ in range(9)], {})
        box.settle([5], {})
        assert [row.seq for row in box.backlog(with_urgent=True, skip=(), rows_max=100)] == [1, 2, 3, 4, 6, 7, 8, 9, 10]
        assert box.held()[0].acked == 0
        box.settle([], {box.stream: 4, "f" * 32: 99})
        assert box.held()[0].acked == 5
        assert box.unsent.total() == 5
        box.settle([], {box.stream: 10_000})
        assert box.held()[0].acked == 10
        assert (box.unsent.total(), box.acked_rows) == (0, 10)
        assert box.append([event(Contact("d", open=True))], {}) == (11,)
        assert box.held()[0].acked == 10


def test_resend_makes_rows_above_the_mark_unsent(tmp_path: Path) -> None:
    mint = Streams()
    with opened(tmp_path, mint) as box:
        box.append([event(Contact("d", open=True)) for _ in range(9)], {})
    with opened(tmp_path, mint) as box:
        first = box.held()[0].stream
        box.settle(range(1, 12), {})
        assert box.resend(first, 6) == 4
        assert [row.seq for row in box.backlog(with_urgent=True, skip=(), rows_max=100)] == [7, 8, 9, 10]
        assert [held.acked for held in box.held()] == [6, 11]
        assert box.resend("f" * 32, 0) == 0


def test_acknowledged_rows_have_their_own_bound_and_never_cost_an_unsent_one(tmp_path: Path) -> None:
    with opened(tmp_path, limits=OutboxLimits(acked_rows_max=5)) as box:
        box.append([event(Contact("d", open=True)) for _ in range(19)], {})
        box.settle([*range(3, 13)], {})
        assert box.prune(0, 100) == 5
        assert [row.seq for row in everything(box)] == [1, 2, *range(8, 21)]
        assert box.prune(0, 100) == 0
        assert box.prune(10, 100) == 2
        assert box.unsent.total() == 10


def test_what_is_acknowledged_or_buried_after_a_look_that_found_nothing_is_pruned(tmp_path: Path) -> None:
    with opened(tmp_path) as box:
        box.append([event(Contact("d", open=True)) for _ in range(5)], {})
        assert box.prune(100, 100) == 0
        box.settle([1, 2], {})
        assert box.prune(2, 100) == 1
        assert box.prune(2, 100) == 0
        assert box.prune(3, 100) == 1, "a higher bound is a new question"
        (row,) = box.rows([3])
        box.park(row, "refused", moment())
        box.settle([3, 4, 5, 6, 7], {})
        assert box.prune(100, 100) == 5
        assert everything(box) == []


def test_streams_without_rows_are_forgotten_from_the_front_only(tmp_path: Path) -> None:
    mint = Streams()
    for _ in range(3):
        with opened(tmp_path, mint):
            pass
    with opened(tmp_path, mint) as box:
        box.settle([2, 3, 4], {})
        box.prune(100, 100)
        assert [held.first for held in box.held()] == [1, 2, 3, 4]
        box.settle([1], {})
        box.prune(100, 100)
        assert [held.first for held in box.held()] == [4]


def test_park_leaves_a_tombstone_and_the_mark_waits_for_it(tmp_path: Path) -> None:
    with opened(tmp_path) as box:
        box.append([event(Contact("d", open=True), 5), event(Contact("d", open=False), 6)], {})
        (row,) = [row for row in everything(box) if row.seq == 2]
        box.park(row, "parked: centre answered 500", moment(9))
        box.park(row, "again", moment(9))
        tombstone = body_of(everything(box)[-1])
        assert tombstone == Tombstone(
            box.stream, 2, 2, "B", "parked: centre answered 500", 1, moment(5), moment(5), ("d",)
        )
        assert (box.parked_rows, box.unsent.total()) == (1, 3)
        box.settle([1, 3], {})
        assert box.held()[0].acked == 1
        box.settle([4], {})
        assert box.held()[0].acked == 4
        assert [row.reason for row in box.parked()] == ["parked: centre answered 500"]
    with opened(tmp_path, Streams(9)) as box:
        assert box.parked_rows == 1
        box.settle([2], {})
        assert (box.parked_rows, box.parked()) == (0, [])


def test_a_parked_tombstone_keeps_the_hole_open(tmp_path: Path) -> None:
    with opened(tmp_path) as box:
        box.append([event(Contact("d", open=True))], {})
        box.park(everything(box)[1], "parked: x", moment())
        box.park(everything(box)[2], "parked: y", moment())
        assert len(everything(box)) == 3
        box.settle([1], {box.stream: 3})
        assert box.held()[0].acked == 1


def test_an_unknown_mark_or_number_changes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as box:
        box.settle([77], {})
        box.settle([], {box.stream: 0})
        assert box.unsent.total() == 1


def test_many_streams_are_told_with_those_that_still_wait_first(tmp_path: Path) -> None:
    mint = Streams()
    for _ in range(205):
        with opened(tmp_path, mint):
            pass
    with opened(tmp_path, mint) as box:
        box.settle(range(50, 206), {})
        held = box.held()
        assert len(held) == 200
        assert held[-1].stream == box.stream
        assert {h.first for h in held} >= set(range(1, 50))
        assert [h.first for h in held] == sorted(h.first for h in held)


def test_events_decode_to_what_was_appended(tmp_path: Path) -> None:
    found = Event(Call("d", "press"), moment(4), since=moment(1))
    with opened(tmp_path) as box:
        box.append([found], {})
        stored = decode_event(everything(box)[1].body)
        assert (stored.body, stored.at, stored.since) == (found.body, found.at, found.since)
        assert box.oldest_unsent() == moment(0)
        assert [row.seq for row in box.rows([2, 1, 9])] == [1, 2]
