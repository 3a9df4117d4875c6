"""A database that is in use is brought to the newest schema with every row that it had, and then works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Engine, make_url

from nattevakt.central import migrate
from nattevakt.central.db import Database, make_engine
from nattevakt.central.places import bases, plans
from nattevakt.central.places.plan_lines import sha_of
from nattevakt.central.tables import gateways, listed_devices
from nattevakt.edge.errors import RetryError
from nattevakt.edge.rules.windows import Window
from tests.support.postgres import Postgres
from tests.support.schema import differences

VERSIONS = Path(migrate.__file__).parent / "migrations"
TENANTS = (1, 2)
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind without any schema."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.empty_database()
        yield url
        server.drop(url)
        return
    yield f"sqlite:///{tmp_path / 'central.sqlite'}"


def bring_to(engine: Engine, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(VERSIONS))
    with engine.connect() as opened:
        connection = opened.execution_options(nattevakt_write=True)
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, version)


def speak_for(connection: sa.Connection, tenant: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT set_config('nattevakt.tenant', :tenant, true)"), {"tenant": str(tenant)})


def plain(column: sa.Column[Any], number: int) -> object:
    if isinstance(column.type, sa.Boolean):
        return True
    if isinstance(column.type, sa.Integer | sa.Numeric):
        return number
    if isinstance(column.type, sa.LargeBinary):
        return bytes((number,))
    return {} if isinstance(column.type, sa.JSON) else f"{column.name} {number}"


def fill(connection: sa.Connection, tables: list[sa.Table], tenant: int) -> None:
    """Two rows in each table, each tied to rows of its tenant."""
    kept: dict[str, list[dict[str, Any]]] = {}
    for table in tables:
        for number in (1, 2):
            row: dict[str, Any] = {}
            for key in table.foreign_key_constraints:
                if key.referred_table is not table and not any(column.nullable for column in key.columns):
                    parent = kept[key.referred_table.name][number % len(kept[key.referred_table.name])]
                    row |= {part.parent.name: parent[part.column.name] for part in key.elements}
            for column in table.columns:
                if column.name not in row and not column.nullable:
                    row[column.name] = tenant if column.name == "tenant_id" else plain(column, number + 10 * tenant)
            if table.name == "tenants":
                row["id"] = tenant
            connection.execute(table.insert(), row)
            kept.setdefault(table.name, []).append(row)
            if {column.name for column in table.primary_key} <= {"tenant_id"} or table.name == "tenants":
                break


def rows_of(engine: Engine, tables: list[sa.Table]) -> Rows:
    """Everything in these tables, by the columns that they had, for each tenant."""
    found: Rows = {}
    for tenant in TENANTS:
        with engine.connect() as connection, connection.begin():
            speak_for(connection, tenant)
            for table in tables:
                where = table.c.tenant_id == tenant if "tenant_id" in table.c else sa.true()
                order = list(table.primary_key.columns)
                rows = connection.execute(sa.select(table).where(where).order_by(*order)).mappings()
                found[f"{tenant} {table.name}"] = [dict(row) for row in rows]
    return found


CARRIED = ("door_windows", "bed_windows")
"""What 0004 turned into plans."""


@pytest.mark.parametrize("before", ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"])
def test_a_database_in_use_keeps_every_row_through_the_migration(empty_url: str, before: str) -> None:
    engine = make_engine(make_url(empty_url))
    bring_to(engine, before)
    old = sa.MetaData()
    with engine.connect() as connection:
        old.reflect(connection)
    tables = [table for table in old.sorted_tables if table.name != "alembic_version"]
    for tenant in TENANTS:
        with engine.connect() as opened:
            connection = opened.execution_options(nattevakt_write=True)
            with connection.begin():
                speak_for(connection, tenant)
                fill(connection, tables, tenant)
    tables = [table for table in tables if table.name not in CARRIED]
    stored = rows_of(engine, tables)
    assert all(stored.values())

    assert migrate.upgrade(empty_url) == (before, migrate.head())

    assert rows_of(engine, tables) == stored
    with engine.connect() as connection:
        assert differences(connection) == []
        if engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    engine.dispose()


def test_windows_become_the_first_version_of_a_plan_that_rings_as_before(empty_url: str) -> None:
    engine = make_engine(make_url(empty_url))
    bring_to(engine, "0003")
    old = sa.MetaData()
    with engine.connect() as connection:
        old.reflect(connection)
    for tenant in TENANTS:
        with engine.connect() as opened:
            connection = opened.execution_options(nattevakt_write=True)
            with connection.begin():
                speak_for(connection, tenant)
                connection.execute(
                    old.tables["tenants"].insert(),
                    {"id": tenant, "key": f"t{tenant}", "name": "T", "time_zone": "Europe/Oslo"},
                )
                connection.execute(old.tables["live_seq"].insert(), {"tenant_id": tenant, "seq": 0})
                for number in (1, 2, 3):
                    row = {"tenant_id": tenant, "id": number, "key": f"r{number}", "name": "R"}
                    connection.execute(old.tables["residents"].insert(), row)
                spans = [(1, 1, 1320, 420), (2, 1, 0, 0)]
                for number, resident, begin, to in spans:
                    row = {"tenant_id": tenant, "id": number, "resident_id": resident}
                    connection.execute(
                        old.tables["door_windows"].insert(), {**row, "from_minute": begin, "to_minute": to}
                    )
                for number, resident, limit in ((1, 1, 15), (2, 2, 2 + tenant)):
                    row = {"tenant_id": tenant, "id": number, "resident_id": resident, "limit_min": limit}
                    connection.execute(
                        old.tables["bed_windows"].insert(), {**row, "from_minute": 1380, "to_minute": 420}
                    )
    engine.dispose()
    migrate.upgrade(empty_url)
    db = Database(empty_url)
    try:
        for tenant in TENANTS:
            with db.read(tenant) as s:
                found = plans.of_residents(s, (1, 2, 3))
                now_ms = max(row.at_ms for row in plans.history(s, 1))
                grounds = bases.valid(s, (1, 2, 3), now_ms)
                late = bases.valid(s, (1, 2, 3), now_ms + 31 * 86_400_000)
                written = [(row.version, row.by_name) for row in plans.history(s, 1)]
            assert sorted(found) == sorted(grounds) == [1, 2]
            assert [(line.rule, line.windows, dict(line.settings)) for line in found[1].lines] == [
                ("door_at_night", (Window(1320, 420), Window(0, 0)), {}),
                ("not_back_in_bed", (Window(1380, 420),), {"limit_min": 15}),
            ]
            # Also what no plan of today would be allowed.
            assert found[2].entries["not_back_in_bed"][0].values["limit_min"] == 2 + tenant
            assert {basis.kind for basis in grounds.values()} == {"overfort"}
            assert late == {}
            assert written == [(1, "overført")]
            # The sum is the one that this program makes: a body is read once.
            assert found[1].version_id
            with db.read(tenant) as s:
                assert all(sha_of(row.body) == row.sha for row in plans.history(s, 1))
            # What comes after is numbered on.
            with db.write(tenant) as s:
                lines = found[2].lines[:0]
                plan = plans.save(s, 3, lines, why="ny", staff_id=None, by_name="x", now_ms=now_ms, expected_version=0)
            assert plan.plan_id not in {found[1].plan_id, found[2].plan_id}
    finally:
        db.close()


def test_a_gateway_from_before_is_not_taken_for_one_that_told_its_list(empty_url: str) -> None:
    engine = make_engine(make_url(empty_url))
    bring_to(engine, "0002")
    old = sa.MetaData()
    with engine.connect() as connection:
        old.reflect(connection)
    tables = [table for table in old.sorted_tables if table.name != "alembic_version"]
    with engine.connect() as opened:
        connection = opened.execution_options(nattevakt_write=True)
        with connection.begin():
            speak_for(connection, 1)
            fill(connection, tables, 1)
    engine.dispose()
    migrate.upgrade(empty_url)
    db = Database(empty_url)
    try:
        with db.read(1) as s:
            found = s.execute(sa.select(gateways).where(gateways.c.tenant_id == sa.bindparam("tenant"))).all()
            listed = s.execute(
                sa.select(listed_devices).where(listed_devices.c.tenant_id == sa.bindparam("tenant"))
            ).all()
        assert [row.list_digest for row in found] == [None, None]
        assert listed == []
    finally:
        db.close()


_WITNESS = """
CREATE TABLE seen (turn bigint, limit_is text);
GRANT ALL ON seen TO PUBLIC;
CREATE FUNCTION look() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
  INSERT INTO public.seen VALUES (txid_current(), current_setting('statement_timeout')); END $$;
CREATE EVENT TRIGGER looks ON ddl_command_end EXECUTE FUNCTION look();
"""


def test_on_postgresql_each_version_is_a_transaction_and_none_is_cut_off(postgres: Postgres) -> None:
    """All in one would hold every lock until the last is done, and 15 s are too short for the events of a year."""
    url = postgres.empty_database()
    admin = make_engine(make_url(url).set(username="postgres"))
    engine = make_engine(make_url(url))
    try:
        with admin.connect() as connection, connection.begin():
            connection.exec_driver_sql(_WITNESS)
        migrate.upgrade(url)
        with engine.connect() as connection:
            seen = connection.exec_driver_sql("SELECT turn, limit_is FROM seen").all()
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "15s", "all others are cut off"
    finally:
        engine.dispose()
        admin.dispose()
    versions = len(list((VERSIONS / "versions").glob("v*.py")))
    assert len({row.turn for row in seen}) == versions
    assert {row.limit_is for row in seen} == {"0"}
    postgres.drop(url)


def test_only_one_migrates_a_database_at_a_time(postgres: Postgres) -> None:
    url = postgres.empty_database()
    engine = make_engine(make_url(url))
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (migrate.LOCK,))
        with pytest.raises(RetryError):
            migrate.upgrade(url)
    engine.dispose()
    assert migrate.upgrade(url) == (None, migrate.head())
    postgres.drop(url)
