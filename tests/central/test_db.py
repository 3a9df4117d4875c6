"""Transactions and tenancy on both databases: what is undone is gone, what is another's is not seen."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from nattevakt.central import migrate
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenancyError, TenantSession, make_engine
from nattevakt.central.tables import TENANT_TABLES, live_seq, wards
from nattevakt.edge.errors import RetryError
from tests.support.postgres import Postgres
from tests.support.schema import differences

NIGHT = {"night_from_minute": 0, "night_to_minute": 1}


def keys(db: Database, tenant_id: int) -> list[str]:
    with db.read(tenant_id) as s:
        return list(s.execute(select(wards.c.key).where(wards.c.tenant_id == TENANT).order_by(wards.c.id)).scalars())


def test_savepoint_first_then_outer_rollback_leaves_nothing(db: Database) -> None:
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")

    def work() -> None:
        with db.write(tenant_id) as s:
            with s.savepoint():
                s.insert(wards, key="inner", name="x", **NIGHT)
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert keys(db, tenant_id) == []


def test_a_failed_savepoint_undoes_only_itself(db: Database) -> None:
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")

    def fails(s: TenantSession) -> None:
        with s.savepoint():
            s.insert(wards, key="inside", name="x", **NIGHT)
            raise KeyError

    with db.write(tenant_id) as s:
        s.insert(wards, key="before", name="x", **NIGHT)
        with pytest.raises(KeyError):
            fails(s)
        s.insert(wards, key="after", name="x", **NIGHT)
    assert keys(db, tenant_id) == ["before", "after"]


def reads_for_the_first_time(s: TenantSession) -> None:
    """SQLAlchemy's own way, which would begin a transaction of its own."""
    s.execute(select(wards.c.key).where(wards.c.tenant_id == TENANT)).all()


def asks_sqlalchemy_itself(s: TenantSession) -> None:
    """Past all that this product has before it."""
    s.connection.execute(select(wards.c.key).where(wards.c.tenant_id == TENANT), {"tenant": s.tenant_id}).all()


def saves(s: TenantSession) -> None:
    """A savepoint would open a transaction of its own."""
    with s.savepoint():
        s.insert(wards, key="saved", name="x", **NIGHT)


def writes(s: TenantSession) -> None:
    """It would stand alone."""


@pytest.mark.parametrize("then", [None, writes, reads_for_the_first_time, asks_sqlalchemy_itself, saves])
@pytest.mark.parametrize("heard", [True, False], ids=["somebody takes it for a rule's fault", "nobody hears of it"])
def test_what_sqlite_has_undone_by_itself_is_never_said_to_be_stored(
    tmp_path: Path, heard: bool, then: Callable[[TenantSession], None] | None
) -> None:
    """A disk that is full may undo a whole transaction. What follows would then stand alone, each row by itself, or be
    stored as if it were all."""
    url = f"sqlite:///{tmp_path / 'central.sqlite'}"
    migrate.upgrade(url)
    db = Database(url)
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    twice = text("INSERT OR ROLLBACK INTO live_seq (tenant_id, seq) VALUES (:tenant, 0)")

    def undone(s: TenantSession) -> None:
        with pytest.raises(IntegrityError):
            s.execute(twice)
        if heard:
            raise KeyError

    def work() -> None:
        with db.write(tenant_id) as s:
            s.insert(wards, key="before", name="x", **NIGHT)
            if heard:
                with s.savepoint():
                    undone(s)
            else:
                undone(s)
            if then is not None:
                then(s)
                s.insert(wards, key="after", name="x", **NIGHT)

    for _ in range(3):  # a statement's later uses go another way than its first
        with pytest.raises(RetryError):
            work()
        assert keys(db, tenant_id) == []
    with db.write(tenant_id) as s:
        s.insert(wards, key="later", name="x", **NIGHT)
    assert keys(db, tenant_id) == ["later"]
    db.close()


_NO_MEMORY = """
import sys
from sqlalchemy import text
from nattevakt.central.db import Database
db, fill = Database(sys.argv[1]), text("UPDATE wards SET name = hex(zeroblob(30000000)) WHERE tenant_id = :tenant")
tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
try:
    with db.write(tenant_id) as s:
        s.connection.exec_driver_sql("PRAGMA hard_heap_limit = 12000000")
        for _ in range(int(sys.argv[2])):
            s.execute(text("SELECT length(:tenant)"))
        s.execute(fill)
except Exception as error:
    print(type(error).__name__)
"""


def test_a_database_without_memory_is_no_fault_of_the_rows(tmp_path: Path) -> None:
    """In a process of its own: SQLite's limit is the process's, and can never be lifted again."""
    url = f"sqlite:///{tmp_path / 'central.sqlite'}"
    migrate.upgrade(url)
    db = Database(url)
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    with db.write(tenant_id) as s:
        s.insert(wards, key="w", name="x", **NIGHT)
    db.close()
    done = subprocess.run(
        [sys.executable, "-c", _NO_MEMORY, url, "2"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.split() == ["RetryError"], done.stderr[-2_000:]


def test_tenants_do_not_see_each_other(db: Database) -> None:
    first, _ = db.set_tenant("a", "A", "Europe/Oslo")
    second, _ = db.set_tenant("b", "B", "Europe/Oslo")
    for tenant_id, key in ((first, "mine"), (second, "theirs")):
        with db.write(tenant_id) as s:
            s.insert(wards, key=key, name="x", **NIGHT)
    assert (keys(db, first), keys(db, second)) == (["mine"], ["theirs"])


def test_a_statement_that_names_no_tenant_is_refused(db: Database) -> None:
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    with pytest.raises(TenancyError), db.read(tenant_id) as s:
        s.connection.execute(select(wards))
    with pytest.raises(TenancyError), db.write(tenant_id) as s:
        s.connection.execute(text("DELETE FROM wards"))


def test_postgresql_hides_other_tenants_from_a_query_that_forgets(postgres: Postgres) -> None:
    db = Database(postgres.fresh_database()[0])
    try:
        first, _ = db.set_tenant("a", "A", "Europe/Oslo")
        second, _ = db.set_tenant("b", "B", "Europe/Oslo")
        with db.write(first) as s:
            s.insert(wards, key="mine", name="x", **NIGHT)
        with db.read(second) as s:
            assert s.connection.exec_driver_sql("SELECT key FROM wards").all() == []
        with db.engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT key FROM wards").all() == []
            assert connection.exec_driver_sql("SELECT id FROM tenants").all() == [(first,), (second,)]
    finally:
        db.close()


def test_every_tenant_table_is_guarded_by_the_database(postgres: Postgres) -> None:
    engine = make_engine(make_url(postgres.fresh_database()[0]))
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid "
                "WHERE c.relrowsecurity AND c.relforcerowsecurity"
            ).scalars()
            assert set(found) == {table.name for table in TENANT_TABLES}
            superuser = connection.exec_driver_sql("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = user")
            assert superuser.scalar() is False
    finally:
        engine.dispose()


def test_the_migrated_schema_is_the_metadata(database_url: str) -> None:
    engine = make_engine(make_url(database_url))
    try:
        with engine.connect() as connection:
            assert differences(connection) == []
            indexes = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE type = 'index'"
                if engine.dialect.name == "sqlite"
                else "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
            ).scalars()
            partial = [sql for sql in indexes if sql and "WHERE" in sql]
            assert len(partial) == 10
    finally:
        engine.dispose()


def test_migrating_again_changes_nothing(database_url: str) -> None:
    assert migrate.upgrade(database_url) == (migrate.head(), migrate.head())


def test_the_embedded_database_migrates_itself(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    migrate.make_ready(url)
    assert migrate.current(url) == migrate.head()


def test_postgresql_behind_is_refused_and_told_what_to_do(postgres: Postgres) -> None:
    url = postgres.empty_database()
    with pytest.raises(migrate.SchemaBehind, match="nattevakt-central migrate"):
        migrate.make_ready(url)
    assert migrate.upgrade(url) == (None, migrate.head())
    migrate.make_ready(url)


def test_an_unreachable_database_is_to_be_tried_again(tmp_path: Path) -> None:
    db = Database(f"postgresql://nobody@/none?host={tmp_path}")
    try:
        with pytest.raises(RetryError):
            db.tenants()
        with pytest.raises(RetryError):
            migrate.upgrade(f"postgresql://nobody@/none?host={tmp_path}")
    finally:
        db.close()


def test_what_tablets_see_is_counted_once_a_transaction_and_told_after_the_commit(database_url: str) -> None:
    heard: list[tuple[int, int]] = []
    db = Database(database_url, lambda tenant_id, seq: heard.append((tenant_id, seq)))
    try:
        tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
        with db.write(tenant_id) as s:
            s.changed()
            s.changed()
            assert heard == []

        def fails() -> None:
            with db.write(tenant_id) as s:
                s.changed()
                raise KeyError

        with pytest.raises(KeyError):
            fails()
        with db.read(tenant_id) as s:
            assert s.execute(select(live_seq.c.seq).where(live_seq.c.tenant_id == TENANT)).scalar() == 1
        assert heard == ([(tenant_id, 1)] if db.is_sqlite else [])
    finally:
        db.close()


def test_a_deadlock_runs_the_whole_transaction_again(postgres: Postgres) -> None:
    db = Database(postgres.fresh_database()[0])
    try:
        tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
        with db.write(tenant_id) as s:
            ids = [s.insert(wards, key=key, name="0", **NIGHT) for key in ("a", "b")]
        both_hold_one = threading.Barrier(2)
        one_is_through = threading.Event()
        runs: list[int] = []

        def crossing(order: list[int]) -> None:
            tries = 0

            def work(s: TenantSession) -> None:
                nonlocal tries
                tries += 1
                runs.append(1)
                if tries > 1:
                    # A row that is free goes to whoever asks first: at once again, both could hold one once more.
                    assert one_is_through.wait(20)
                for index, number in enumerate(order):
                    bump = text("UPDATE wards SET name = name || 'x' WHERE tenant_id = :tenant AND id = :id")
                    s.execute(bump, {"id": number})
                    if index == 0 and tries == 1:
                        both_hold_one.wait(20)

            db.transact(tenant_id, work)
            one_is_through.set()

        threads = [threading.Thread(target=crossing, args=(order,)) for order in (ids, ids[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with db.read(tenant_id) as s:
            names = s.execute(select(wards.c.name).where(wards.c.tenant_id == TENANT)).scalars().all()
        assert names == ["0xx", "0xx"]
        assert len(runs) == 3
    finally:
        db.close()


def test_a_writer_waits_for_the_other_and_both_are_kept(db: Database) -> None:
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    inside = threading.Event()
    go = threading.Event()

    def slow() -> None:
        with db.write(tenant_id) as s:
            s.insert(wards, key="slow", name="x", **NIGHT)
            inside.set()
            go.wait(20)

    thread = threading.Thread(target=slow)
    thread.start()
    assert inside.wait(20)
    threading.Timer(0.05, go.set).start()
    with db.write(tenant_id) as s:
        s.insert(wards, key="quick", name="x", **NIGHT)
    thread.join(20)
    assert sorted(keys(db, tenant_id)) == ["quick", "slow"]


def test_a_standby_that_only_reads_is_no_fault_of_the_rows(postgres: Postgres) -> None:
    url, admin_url = postgres.fresh_database()
    db = Database(url)
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    admin = make_engine(make_url(admin_url)).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        name = make_url(url).database
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    admin.dispose()
    db.engine.dispose()
    with pytest.raises(RetryError), db.write(tenant_id) as s:
        s.insert(wards, key="w", name="x", **NIGHT)
    assert keys(db, tenant_id) == []
    db.close()
    postgres.drop(url)


def test_a_damaged_file_is_no_fault_of_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "central.sqlite"
    migrate.upgrade(f"sqlite:///{path}")
    db = Database(f"sqlite:///{path}")
    tenant_id, _ = db.set_tenant("a", "A", "Europe/Oslo")
    db.close()
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(RetryError), db.write(tenant_id):
        pass
    db.close()


def test_a_server_that_went_without_a_word_is_noticed(postgres: Postgres) -> None:
    url, _ = postgres.fresh_database()
    db = Database(url)
    with db.engine.connect() as connection:
        told = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    assert int(told["tcp_user_timeout"]) <= 10_000
    assert int(told["keepalives_idle"]) + int(told["keepalives_interval"]) * int(told["keepalives_count"]) <= 15
    db.close()
    postgres.drop(url)
