"""Connections of SQLite stay open between transactions, and nothing of one shows in the next."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.sqlite_turns import KEPT_MAX
from nattevakt.central.tables import wards

NIGHT = {"name": "x", "night_from_minute": 0, "night_to_minute": 1}
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def driver_of(s: TenantSession) -> Any:
    return s.connection.connection.driver_connection


def drivers(db: Database, tenant_id: int, *, write: bool) -> Any:
    with db.write(tenant_id) if write else db.read(tenant_id) as s:
        return driver_of(s)


def keys(db: Database, tenant_id: int) -> list[str]:
    # Made anew, so that it goes SQLAlchemy's own way, which begins a transaction of its own.
    with db.read(tenant_id) as s:
        return list(s.execute(select(wards.c.key).where(wards.c.tenant_id == TENANT)).scalars())


def test_one_connection_serves_readers_and_writers_one_after_the_other(db: Database) -> None:
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    first = drivers(db, tenant_id, write=True)
    for number in range(3):
        with db.write(tenant_id) as s:
            assert driver_of(s) is first
            s.insert(wards, key=f"w{number}", **NIGHT)
        assert not first.in_transaction
        assert len(keys(db, tenant_id)) == number + 1
    assert drivers(db, tenant_id, write=False) is first


@pytest.mark.parametrize("uses", [1, 2, 3])
def test_rows_that_nobody_reads_to_their_end_hold_no_connection_back(db: Database, uses: int) -> None:
    """A cursor that is left half read shows its connection for ever what the database was then."""
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    with db.write(tenant_id) as s:
        for number in range(200):
            s.insert(wards, key=f"w{number}", **NIGHT)
    half = select(wards).where(wards.c.tenant_id == TENANT)
    left = []
    with db.read(tenant_id) as s:
        reader = driver_of(s)
        for _ in range(uses):
            rows = s.execute(half)
            left.append((rows, next(iter(rows))))
    with db.read(tenant_id) as beside:
        assert driver_of(beside) is reader
        with db.write(tenant_id) as s:
            s.insert(wards, key="new", **NIGHT)
    count = text("SELECT count(*) FROM wards WHERE tenant_id = :tenant")
    with db.read(tenant_id) as one, db.read(tenant_id) as other:
        assert reader in (driver_of(one), driver_of(other))
        assert [s.execute(count).scalar() for s in (one, other)] == [201, 201]
    assert len(left) == uses


def test_what_failed_is_undone_and_its_connection_not_kept(db: Database) -> None:
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    first = drivers(db, tenant_id, write=True)

    def twice() -> None:
        with db.write(tenant_id) as s:
            s.insert(wards, key="w", **NIGHT)
            s.insert(wards, key="w", **NIGHT)

    kept = list(db._kept._free)
    with pytest.raises(IntegrityError):
        twice()
    assert not set(kept) & set(db._kept._free)
    assert not first.in_transaction
    assert keys(db, tenant_id) == []
    with db.write(tenant_id) as s:
        s.insert(wards, key="w", **NIGHT)
    assert keys(db, tenant_id) == ["w"]


def test_many_at_once_have_a_connection_each_and_few_are_kept(db: Database) -> None:
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    all_in, seen = threading.Barrier(KEPT_MAX + 3), []

    def reads() -> None:
        with db.read(tenant_id) as s:
            seen.append(driver_of(s))
            all_in.wait(20)

    threads = [threading.Thread(target=reads) for _ in range(KEPT_MAX + 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(set(map(id, seen))) == KEPT_MAX + 3
    assert len(db._kept._free) <= KEPT_MAX


def test_a_closed_database_leaves_no_connection_open(db: Database) -> None:
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    with db.write(tenant_id) as s:
        under_way = driver_of(s)
        beside = drivers(db, tenant_id, write=False)
        db.close()
    for driver in (under_way, beside):
        with pytest.raises(sqlite3.ProgrammingError):
            driver.execute("SELECT 1")
