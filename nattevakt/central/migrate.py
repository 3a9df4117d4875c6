"""Bringing a database to this version's schema, and telling whether it is there. Serves every arrow of the centre.

Owns when a migration may run: the embedded SQLite database migrates itself at start, PostgreSQL only when an
operator says so. Must not know what any version does.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from nattevakt.central.db import make_engine
from nattevakt.edge.errors import NattevaktError, RetryError


class SchemaBehind(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """The database has another schema than this program."""


LOCK = 6_168_211
"""The name of PostgreSQL's lock that one who migrates holds: two at once would each do half of it."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def head() -> str:
    """The version of the schema that this program wants."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None  # noqa: S101 - the migrations lie beside this file
    return found


def upgrade(url: str) -> tuple[str | None, str]:
    """Migrate a database to this program's schema. Gives the version before and after.

    On SQLite in one transaction. On PostgreSQL the role must own the database, and each version is a transaction of
    its own, so that no lock is held through all of them; one that is cut off leaves the schema at the version before,
    and the next run goes on from there. Raises RetryError where the database is away, or somebody else migrates it.
    """
    engine = make_engine(make_url(url))
    try:
        with engine.connect() as opened:
            connection = opened.execution_options(nattevakt_write=True)
            if connection.dialect.name == "postgresql":
                # To rewrite a table of a year's events takes as long as it takes; nobody waits for an answer to it.
                connection.exec_driver_sql("SET statement_timeout = 0")
                connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (LOCK,))
                connection.commit()
                before = _bring_to_head(connection)
            else:
                with connection.begin():
                    before = _bring_to_head(connection)
    except OperationalError as error:
        raise RetryError(f"the database is away or busy: {type(error.orig).__name__}") from error
    finally:
        engine.dispose()
    return before, head()


def _bring_to_head(connection: Connection) -> str | None:
    """Run what is missing; in one transaction where the connection is in one, else each version in its own."""
    alone = not connection.in_transaction()
    before = MigrationContext.configure(connection).get_current_revision()
    if alone:
        connection.rollback()  # the one that only asked
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before


def current(url: str) -> str | None:
    """The version of a database's schema, None for an empty one. Raises RetryError where it is away."""
    engine = make_engine(make_url(url))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        raise RetryError(f"the database is away or busy: {type(error.orig).__name__}") from error
    finally:
        engine.dispose()


def make_ready(url: str) -> None:
    """Migrate the embedded database; check the other.

    Raises SchemaBehind where PostgreSQL has another version, or RetryError where the database is away.
    """
    if make_url(url).get_backend_name() == "sqlite":
        upgrade(url)
        return
    found = current(url)
    if found != head():
        raise SchemaBehind(
            f"the database has schema {found or 'none'}, this program wants {head()}: run nattevakt-central migrate"
        )
