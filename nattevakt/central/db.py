"""The database: engines, transactions, and the session that is bound to one tenant. Serves arrows 6 to 9.

Owns how a transaction begins, ends and is tried again, on SQLite and on PostgreSQL. Must not know any table
but `tenants` and `live_seq`.

SQLite: the driver's implicit begin is off, writers begin with BEGIN IMMEDIATE behind an in-process lock, so
that they queue instead of polling. PostgreSQL: every transaction names its tenant, and row-level security
hides all other tenants' rows even from a query that forgets to ask.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    CompoundSelect,
    Connection,
    CursorResult,
    Delete,
    Engine,
    Executable,
    Insert,
    Select,
    Table,
    TextClause,
    Update,
    create_engine,
    event,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.sql.compiler import SQLCompiler

from nattevakt.central import arrays, sqlite_turns
from nattevakt.central.inserts import ignoring, insert_one
from nattevakt.central.statements import Statements
from nattevakt.central.tables import live_seq, tenants
from nattevakt.edge.errors import NattevaktError, RetryError

T = TypeVar("T")
OnChange = Callable[[int, int], None]
NOTIFY_CHANNEL = "nattevakt_live"
BUSY_MS = 4_000
"""How long a writer waits for its turn before the caller is told to come again."""
TRIES = 5
WARM_CONNECTIONS = 2
WAL_PAGES = 4_000
"""So many pages (of 4 kB) SQLite's log holds before they go to their place in the file: most are written many times."""
_PG_OPTIONS = f"-c lock_timeout={BUSY_MS} -c statement_timeout=15000 -c idle_in_transaction_session_timeout=30000"
# A server that has gone without a word (a failover) is noticed within some ten seconds; the default is hours.
_PG_LINK = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_WRITE = "nattevakt_write"
_ANY_TENANT = "nattevakt_any_tenant"


class TenancyError(NattevaktError):
    """A statement that does not say whose rows it means. A bug in this program."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One municipality in this installation."""

    id: int
    key: str
    name: str
    time_zone: str


def no_listener(_tenant_id: int, _seq: int) -> None:
    """The `on_change` of a process that shows nothing."""


class TenantSession:
    """One transaction that speaks for one tenant.

    Every statement must compare `tenant_id` (with `tables.TENANT`, filled in here); one that does not is
    refused before it reaches the database.
    """

    def __init__(self, connection: Connection, tenant_id: int, statements: Statements, hints: dict[str, Any]) -> None:
        """hints: what this process remembers of the database, by names that begin with the tenant. Others may have
        changed it since: whoever goes by one looks at the rows in this very transaction, and does without where they
        say otherwise."""
        self.connection = connection
        self.tenant_id = tenant_id
        self.hints = hints
        self._statements = statements
        self.dialect = connection.dialect.name
        self.live_changed = False

    def execute(self, statement: Executable, params: Mapping[str, object] | None = None) -> CursorResult[Any]:
        """Run one Core statement. An INSERT gets `tenant_id`, anything else the parameter `tenant`."""
        key = "tenant_id" if isinstance(statement, Insert) else "tenant"
        bound = {**(params or {}), key: self.tenant_id}
        found: CursorResult[Any] = self._statements.execute(self.connection, statement, bound)
        return found

    def insert(self, table: Table, **values: object) -> int:
        """Add one row to a table with an `id` of its own; gives the id."""
        found = self._insert(table, values, ignore=False)
        assert found is not None  # noqa: S101 - without "ignore" the row is written or the database raises
        return found

    def insert_unless_there(self, table: Table, **values: object) -> int | None:
        """As `insert`, but None (and no row) where a unique key is already taken."""
        return self._insert(table, values, ignore=True)

    def execute_many(self, statement: Insert, rows: Sequence[Mapping[str, object]]) -> int:
        """Run one INSERT for several rows, in the order given; gives how many rows were written."""
        mine = self.tenant_id
        return self._statements.execute_many(self.connection, statement, [{**row, "tenant_id": mine} for row in rows])

    def add(self, table: Table, rows: Sequence[Mapping[str, object]]) -> int:
        """Add rows to a table without an `id`; rows whose key is taken are passed over. Gives how many it wrote."""
        if not rows:
            return 0
        if not arrays.fits(table):
            return self.execute_many(ignoring(table, self.dialect), rows)
        names = tuple(rows[0])
        return self.add_rows(table, names, [tuple(row[name] for name in names) for row in rows])

    def add_rows(self, table: Table, names: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> int:
        """The same for rows of plain values in the order of the names; the tenant is filled in."""
        return self.run_rows(arrays.insert_text(table, names, self.tenant_id, self.dialect), rows)

    def run_rows(self, sql: str, rows: Sequence[Any], *, turned: bool = False) -> int:
        """Run a statement of arrays.py for these rows; gives how many it changed. turned: they are as it takes them."""
        many = self.dialect == "sqlite"
        bound = rows if many or turned else arrays.columns_of(rows)
        return self._statements.run(self.connection, sql, bound, many=many)

    def _insert(self, table: Table, values: Mapping[str, object], *, ignore: bool) -> int | None:
        statement, extra = insert_one(table, self.dialect, tuple(values), ignore=ignore)
        params = {**values, "tenant_id": self.tenant_id}
        if extra:
            params["tenant"] = self.tenant_id
        found: int | None = self._statements.execute(self.connection, statement, params).scalar()
        return found

    def changed(self) -> None:
        """Say that what tablets show has changed; `live_seq` is bumped once, just before the commit."""
        self.live_changed = True

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is done inside if it raises, and nothing else."""
        # Plain SQL: the same as `begin_nested` at a fraction of its cost, and every rule of every batch pays it.
        self._statements.run(self.connection, "SAVEPOINT inner_work")
        try:
            yield
        except BaseException as error:
            is_undone = sqlite_turns.is_undone(self.connection)
            if is_undone and isinstance(error, Exception):
                raise RetryError("the database has undone the whole transaction") from error
            if not is_undone and not self.connection.invalidated:
                self._statements.run(self.connection, "ROLLBACK TO SAVEPOINT inner_work")
                self._statements.run(self.connection, "RELEASE SAVEPOINT inner_work")
            raise
        self._statements.run(self.connection, "RELEASE SAVEPOINT inner_work")


class Database:
    """Engines and transactions for one installation. Thread-safe; close it with `close`."""

    def __init__(self, url: str, on_change: OnChange = no_listener, pool_size: int = 12) -> None:
        self.url: URL = make_url(url)
        self.on_change = on_change
        self._writers = threading.Lock()
        self._tenants: dict[str, Tenant] = {}
        self._hints: dict[str, Any] = {}
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = make_engine(self.url, pool_size)
        event.listen(self.engine, "before_cursor_execute", _look_at)
        self._statements = Statements(_names_its_tenant)
        self._kept = sqlite_turns.Kept(self.engine)

    def close(self) -> None:
        """Close all pooled connections."""
        self._kept.close()
        self.engine.dispose()

    def warm(self) -> None:
        """Open connections before the first caller waits for one. Raises RetryError where the database is away."""
        with _mapped(), ExitStack() as stack:
            for _ in range(WARM_CONNECTIONS):
                stack.enter_context(self.engine.connect())

    @contextmanager
    def write(self, tenant_id: int) -> Iterator[TenantSession]:
        """One writing transaction: commits at the end, undoes everything if the body raises.

        Raises RetryError where the database is away or busy.
        """
        with _mapped(), self._turn(BUSY_MS):
            with self._begun(write=True) as connection:
                session = self._bind(connection, tenant_id)
                yield session
                seq = _bump(session) if session.live_changed else None
            if seq is not None and self.is_sqlite:
                self.on_change(tenant_id, seq)

    @contextmanager
    def read(self, tenant_id: int) -> Iterator[TenantSession]:
        """One reading transaction. Raises RetryError where the database is away."""
        with _mapped(), self._begun(write=False) as connection:
            yield self._bind(connection, tenant_id)

    def transact(self, tenant_id: int, fn: Callable[[TenantSession], T]) -> T:
        """Run `fn` in one writing transaction; a deadlock or serialisation failure runs all of it again.

        `fn` must give the same result when run twice from the same rows. Raises RetryError as `write` does.
        """
        for left in reversed(range(TRIES)):
            try:
                with self.write(tenant_id) as session:
                    return fn(session)
            except RetryError as error:
                if not left or not _again(error.__cause__):
                    raise
        raise RetryError("the database gave no answer")  # pragma: no cover - the loop returns or raises

    def tenants(self) -> tuple[Tenant, ...]:
        """All tenants of this installation; stands outside row-level security."""
        with _mapped(), self._connection(write=False) as connection, connection.begin():
            rows = connection.execute(_TENANTS).all()
        return tuple(Tenant(row.id, row.key, row.name, row.time_zone) for row in rows)

    def tenant(self, key: str) -> Tenant | None:
        """The tenant with this key; remembered, because keys and ids never change."""
        if key not in self._tenants:
            self._tenants = {tenant.key: tenant for tenant in self.tenants()}
        return self._tenants.get(key)

    def set_tenant(self, key: str, name: str, time_zone: str) -> tuple[int, bool]:
        """Create a tenant or change its name and time zone. Gives its id and whether anything changed."""
        known = next((tenant for tenant in self.tenants() if tenant.key == key), None)
        wanted = {"key": key, "name": name, "time_zone": time_zone}
        if known is not None and (known.name, known.time_zone) == (name, time_zone):
            return known.id, False
        with _mapped(), self._turn(BUSY_MS), self._connection(write=True) as connection, connection.begin():
            if known is not None:
                change = tenants.update().where(tenants.c.id == known.id).values(wanted)
                connection.execute(change.execution_options(**{_ANY_TENANT: True}))
                tenant_id = known.id
            else:
                row = connection.execute(tenants.insert().values(wanted).returning(tenants.c.id)).one()
                tenant_id = int(row.id)
                self._bind(connection, tenant_id)
                connection.execute(live_seq.insert().values(tenant_id=tenant_id, seq=0))
        self._tenants = {}
        return tenant_id, True

    @contextmanager
    def _turn(self, wait_ms: int) -> Iterator[None]:
        """This process's turn to write to SQLite; PostgreSQL needs none."""
        if not self.is_sqlite:
            yield
            return
        if not self._writers.acquire(timeout=wait_ms / 1000):
            raise RetryError("another writer holds the database")
        try:
            yield
        finally:
            self._writers.release()

    @contextmanager
    def _connection(self, *, write: bool) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection.execution_options(**{_WRITE: True}) if write and self.is_sqlite else connection

    @contextmanager
    def _begun(self, *, write: bool) -> Iterator[Connection]:
        """A connection inside a transaction that ends with the block."""
        if self.is_sqlite:
            with self._kept.turn(write=write) as connection:
                yield connection
            return
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def _bind(self, connection: Connection, tenant_id: int) -> TenantSession:
        if not self.is_sqlite:
            connection.exec_driver_sql("SELECT set_config('nattevakt.tenant', %s, true)", (str(tenant_id),))
        return TenantSession(connection, tenant_id, self._statements, self._hints)


def make_engine(url: URL, pool_size: int = 12) -> Engine:
    """An engine with this product's settings; `Database` adds the check on tenants to it."""
    return _sqlite_engine(url) if url.get_backend_name() == "sqlite" else _postgres_engine(url, pool_size)


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        connect_args={**sqlite_turns.CONNECT, "timeout": BUSY_MS / 1000},
        pool_size=12,
        pool_timeout=3,
        pool_use_lifo=True,  # a connection remembers pages until another has written
    )

    @event.listens_for(engine, "connect")
    def _open(connection: Any, _record: object) -> None:
        # The driver's own idea of when a transaction begins would put a savepoint outside of it.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={WAL_PAGES}"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        sqlite_turns.begin(connection, write=connection.get_execution_options().get(_WRITE, False))

    return engine


def _postgres_engine(url: URL, pool_size: int) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"options": _PG_OPTIONS, "application_name": "nattevakt-central", **_PG_LINK},
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=3,
        pool_use_lifo=True,  # a connection has its statements prepared
        pool_recycle=1800,
    )


def _look_at(_connection: Connection, _cursor: object, _sql: str, _params: object, context: Any, _many: object) -> None:
    """Refuse a compiled statement that compares no tenant, unless it says that it means to."""
    compiled = getattr(context, "compiled", None)
    if compiled is not None and not context.execution_options.get(_ANY_TENANT):
        _names_its_tenant(compiled)


def _names_its_tenant(compiled: SQLCompiler) -> None:
    speaks_of_rows = isinstance(compiled.statement, Select | CompoundSelect | Update | Delete | TextClause)
    if speaks_of_rows and not any(name.startswith("tenant") for name in compiled.binds):
        raise TenancyError(f"names no tenant: {compiled.string[:200]}")


_TENANTS = select(tenants).order_by(tenants.c.id).execution_options(**{_ANY_TENANT: True})
_BUMP_SQL = "UPDATE live_seq SET seq = seq + 1 WHERE tenant_id = :tenant RETURNING seq"
_BUMP = {
    "sqlite": text(_BUMP_SQL),
    "postgresql": text(
        f"WITH bumped AS ({_BUMP_SQL}) "  # noqa: S608 - our own constants
        f"SELECT seq, pg_notify('{NOTIFY_CHANNEL}', CAST(:tenant AS text) || ':' || CAST(seq AS text)) FROM bumped"
    ),
}


def _bump(session: TenantSession) -> int:
    # Last statement before the commit: the one row that all alarm changes of a tenant share is held briefly.
    return int(session.execute(_BUMP[session.dialect]).one()[0])


@contextmanager
def _mapped() -> Iterator[None]:
    """Turn "away or busy" into RetryError; its cause stays to be looked at."""
    try:
        yield
    except PoolTimeoutError as error:
        raise RetryError("all database connections are in use") from error
    except MemoryError as error:
        raise RetryError("there is no memory left") from error
    except (OperationalError, InterfaceError) as error:
        raise RetryError(f"the database is away or busy: {type(error.orig).__name__}") from error
    except DBAPIError as error:
        if not _no_database(error):
            raise
        raise RetryError(f"the database takes nothing now: {type(error.orig).__name__}") from error


def _no_database(error: DBAPIError) -> bool:
    """Whether the fault is the database's state and no row's: it must never look as if the rows were to blame.

    PostgreSQL class 25 is a standby after a failover (read-only), or a transaction that the server gave up.
    """
    if error.connection_invalidated or (getattr(error.orig, "sqlstate", None) or "").startswith("25"):
        return True
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _again(cause: BaseException | None) -> bool:
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) in ("40001", "40P01")
