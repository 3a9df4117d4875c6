"""A database that is in use is brought to the newest schema with every row that it had, and then works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Engine, make_url

from nattevakt.central import migrate
from nattevakt.central.columns import metadata
from nattevakt.central.db import Database, make_engine
from nattevakt.central.tables import gateways, listed_devices
from tests.support.postgres import Postgres

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


@pytest.mark.parametrize("before", ["0001", "0002"])
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
    stored = rows_of(engine, tables)
    assert all(stored.values())

    assert migrate.upgrade(empty_url) == (before, migrate.head())

    assert rows_of(engine, tables) == stored
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        if engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    engine.dispose()


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
