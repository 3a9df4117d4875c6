"""A simulated disk: the power goes at any moment of any commit, it is full, read-only or fails, and is well again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from nattevakt.edge.events import Call, Event, Moment
from nattevakt.gateway.outbox import Outbox, OutboxLimits
from nattevakt.gateway.store import StoreError
from nattevakt.sim.power import Disk, Fuse, PowerCut, survives
from nattevakt.sim.storage import AFTER, BEFORE, HEADER, MOMENTS, SECTOR, TORN, Storage, torn

NOW = Moment("boot", 1_000, 1_795_000_000_000, synced=True)


class Machine:
    """A disk, its storage, and an outbox on it."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk(folder, "outbox.sqlite")
        self.fuse = Fuse(self.disk.hold)
        self.storage = Storage(self.disk, self.fuse)
        self.minted = 0
        self.outbox = self.open()

    def open(self) -> Outbox:
        self.minted += 1
        name = f"{self.minted:032x}"
        outbox = Outbox(self.disk.path, OutboxLimits(), lambda: name, connect=self.storage.connect)
        outbox.open("1", NOW)
        return outbox

    def append(self, number: int) -> None:
        self.outbox.append(
            [Event(Call(f"enocean:{number:08X}", "button"), NOW)], {"last": str(number), "bulk": "x" * 9_000}
        )

    def cut(self) -> None:
        self.disk.cut()
        self.outbox.close()

    def image(self) -> list[str]:
        """The devices of the rows in the image; opened as after any power cut."""
        with closing(sqlite3.connect(self.disk.path)) as con:
            assert con.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return [row[0] for row in con.execute("SELECT device FROM rows WHERE device IS NOT NULL ORDER BY seq")]


@pytest.fixture
def machine(folder: Path) -> Iterator[Machine]:
    made = Machine(folder)
    yield made
    made.outbox.close()


def devices(count: int) -> list[str]:
    return [f"enocean:{number:08X}" for number in range(count)]


@pytest.mark.parametrize("passes", [1, 2, 3])
@pytest.mark.parametrize(("moment", "kept"), [(BEFORE, 0), (AFTER, 1)])
def test_the_power_goes_before_or_after_any_commit(machine: Machine, moment: str, kept: int, passes: int) -> None:
    machine.fuse.set(moment, passes)
    for number in range(passes - 1):
        machine.append(number)
    with pytest.raises(PowerCut):
        machine.append(passes - 1)
    machine.cut()
    assert machine.image() == devices(passes - 1 + kept)
    assert not machine.fuse.armed


@pytest.mark.parametrize("seed", range(40))
def test_a_torn_commit_takes_nothing_that_was_there_before(machine: Machine, seed: int) -> None:
    """The image is whole, holds all that returned, and the torn one as a whole or not at all."""
    machine.storage.chance = Random(seed)
    before = 1 + seed % 7
    for number in range(before):
        machine.append(number)
        if number == seed % 3:
            # The log begins anew here: what is written after that stands where older frames stood.
            with closing(sqlite3.connect(machine.disk.path)) as con:
                con.execute("PRAGMA wal_checkpoint(RESTART)")
    machine.fuse.set(TORN)
    with pytest.raises(PowerCut):
        machine.append(before)
    assert machine.storage.tears == 1
    machine.cut()
    assert machine.image() in (devices(before), devices(before + 1))
    machine.outbox = machine.open()
    machine.append(before + 1)
    assert machine.outbox.next_seq > before + 1


def test_some_torn_commits_are_lost_and_some_survive(folder: Path) -> None:
    found = set()
    for seed in range(60):
        made = Machine(folder / str(seed))
        made.storage.chance = Random(seed)
        made.fuse.set(TORN)
        assert not survives(lambda made=made: made.append(0))  # type: ignore[misc]
        made.cut()
        found.add(len(made.image()))
    assert found == {0, 1}


def test_only_what_the_last_writing_changed_is_torn() -> None:
    before = bytes(range(256)) * 8
    after = before[:1_000] + bytes(1_500) + b"\x07" * 900
    for seed in range(300):
        found = torn(before, after, Random(seed))
        assert found[:1_000] == before[:1_000]
        assert len(found) <= len(after)
    fresh = b"H" * HEADER + b"n" * 3_000
    assert all(torn(before, fresh, Random(seed))[:HEADER] == fresh[:HEADER] for seed in range(100))
    kept = {torn(before, after, Random(seed)) for seed in range(300)}
    assert len(kept) > SECTOR // 8
    assert after in kept


def test_a_connection_that_only_reads_makes_no_commit(machine: Machine) -> None:
    made = machine.storage.commits_made
    con = machine.storage.connect(machine.disk.path, isolation_level=None)
    con.execute("BEGIN")
    assert con.execute("SELECT COUNT(*) FROM rows").fetchone() == (1,)
    machine.fuse.set(BEFORE)
    con.commit()
    con.close()
    assert machine.storage.commits_made == made
    assert machine.fuse.armed


def test_what_is_written_after_the_cut_does_not_count(machine: Machine) -> None:
    machine.append(0)
    machine.disk.hold()
    machine.append(1)
    machine.cut()
    assert machine.image() == devices(1)


def grows(machine: Machine) -> None:
    """Much is stored, more than there is room for in what the file already has."""
    for number in range(500):
        machine.outbox.append([], {f"more {number}": "y" * 5_000})


def test_a_full_disk_is_full_until_the_last_reason_is_gone(machine: Machine) -> None:
    machine.storage.full(on=True)
    machine.storage.full(on=True)
    with pytest.raises(StoreError, match="disk full") as caught:
        grows(machine)
    assert caught.value.full
    machine.storage.full(on=False)
    with pytest.raises(StoreError, match="disk full"):
        grows(machine)
    assert not machine.storage.well
    machine.storage.full(on=False)
    grows(machine)


def test_a_read_only_disk_takes_nothing_and_cannot_be_opened_anew(machine: Machine) -> None:
    machine.storage.read_only(on=True)
    with pytest.raises(StoreError, match="read-only"):
        machine.append(0)
    assert machine.outbox.ready
    machine.outbox.close()
    with pytest.raises(StoreError, match="cannot be opened"):
        machine.open()
    machine.storage.read_only(on=False)
    machine.outbox = machine.open()
    machine.append(0)
    assert machine.storage.well


@pytest.mark.parametrize(("full", "said"), [(False, "input/output error"), (True, "disk full")])
def test_a_failing_disk_fails_its_share_and_keeps_nothing_of_those(machine: Machine, full: bool, said: str) -> None:
    ends = machine.storage.failing(Random(1), 0.5, full=full)
    stored = 0
    reasons: set[str] = set()
    for number in range(40):
        try:
            machine.append(number)
            stored += 1
        except StoreError as error:
            reasons.add(str(error))
    assert reasons == {f"store: {said}"}
    assert 5 < stored < 35
    ends()
    assert machine.storage.well
    machine.cut()
    assert len(machine.image()) == stored


def test_another_card_is_empty_or_a_copy_and_the_old_one_still_lies_there(machine: Machine) -> None:
    machine.append(0)
    copy = machine.disk.copy()
    machine.append(1)
    machine.cut()
    gone = machine.disk.replace(copy)
    assert machine.image() == devices(1)
    with closing(sqlite3.connect(gone)) as con:
        assert con.execute("SELECT COUNT(*) FROM rows WHERE device IS NOT NULL").fetchone() == (2,)
    machine.disk.replace(None)
    assert not machine.disk.path.exists()
    machine.outbox = machine.open()
    assert machine.outbox.next_seq == 2


def test_a_fuse_may_hold_several_charges_and_be_disarmed() -> None:
    cuts: list[str] = []
    fuse = Fuse(lambda: cuts.append("cut"))
    first, second = fuse.set(BEFORE), fuse.set(AFTER, 2)
    assert fuse.remove(first)
    assert not fuse.remove(first)

    def passes() -> None:
        for point in (*MOMENTS, BEFORE):
            fuse(point, {})

    assert survives(passes)
    assert fuse.armed
    assert not survives(lambda: fuse(AFTER, {}))
    assert cuts == ["cut"]
    assert not fuse.remove(second)
