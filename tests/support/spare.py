"""One PostgreSQL database that test after test uses, empty in between. Serves tests/support/postgres.py.

To make a database and remove it costs some 300 ms of the server's processor time and waits for the disk; to empty one
costs a tenth. It must not know what the tables are for.
"""

from __future__ import annotations

import psycopg
from sqlalchemy.engine import make_url

LOANS_MAX = 40
"""For so many tests: rows that were deleted stay in the files, and slow whatever reads them."""

CATALOGS = (
    "pg_attrdef",
    "pg_class",
    "pg_constraint",
    "pg_database",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_index",
    "pg_namespace",
    "pg_policy",
    "pg_proc",
    "pg_rewrite",
    "pg_trigger",
    "pg_type",
)
"""Where a database's shape is written down, beside its columns."""

TABLES = "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
SHAPE = "SELECT count(*), sum(hashtextextended(v::text, 0)) FROM ({}) v"
END_MS = 10_000


class Spare:
    """A database as its migration left it: no rows but those of the migration, numbers that begin at 1, and rows that
    lie in the order in which they were written, as in a new one."""

    def __init__(self, url: str, admin: str) -> None:
        self.url = url
        self._where = make_url(admin).set(drivername="postgresql").render_as_string(hide_password=False)
        self._loans = 0
        with self._open() as connection:
            tables = [row[0] for row in connection.execute(TABLES)]
            kept = [one for one in tables if connection.execute(f"TABLE {one}".encode()).fetchone()]
            # A vacuum that happens to pass would let new rows lie before older ones: in one run of many.
            quiet = [f"ALTER TABLE {one} SET (autovacuum_enabled = false)" for one in tables]
            connection.execute("; ".join(quiet).encode())
            emptied = [f"DELETE FROM {one}" for one in tables if one not in kept]  # noqa: S608 - names of the catalogue
            again = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"
            # The rows' own triggers and references would only object to the order.
            steps = ("BEGIN", "SET LOCAL session_replication_role = replica", *emptied, again, "COMMIT")
            self._empty = "; ".join(steps).encode()
            columns = "SELECT attrelid::text, ctid, xmin FROM pg_attribute WHERE attrelid >= 16384"
            rest = [f"SELECT '{one}', ctid, xmin FROM {one}" for one in (*CATALOGS, *kept)]  # noqa: S608 - as above
            versions = " UNION ALL ".join((columns, *rest))
            self._ask = SHAPE.format(versions).encode()
            self._shape = connection.execute(self._ask).fetchone()

    def _open(self) -> psycopg.Connection:
        return psycopg.connect(self._where, autocommit=True)

    def emptied(self) -> bool:
        """Empty it, whoever is still connected to it. False where it has served long enough, or has another shape than
        at first: tables, columns, rights, settings, the migration's rows."""
        self._loans += 1
        if self._loans >= LOANS_MAX:
            return False
        with self._open() as connection:
            connection.execute(f"SELECT pg_terminate_backend(pid, {END_MS}) {OTHERS}".encode())
            left = connection.execute(f"SELECT pid {OTHERS}".encode()).fetchall()
            assert not left, f"connections to a test's database did not end: {left}"
            if connection.execute(self._ask).fetchone() != self._shape:
                return False
            connection.execute(self._empty)
        return True
