"""The floor of ingest: the same rows into a table with the same columns and the same key, and nothing else.

PostgreSQL: psycopg's COPY, row by row. SQLite: executemany in one transaction a batch. No other index, no foreign
key, no row-level security, no HTTP, no decoding, and the rows are made beforehand.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from bench.centre import Sender
from nattevakt.edge.events import device_of, kind_of

COLUMNS = (
    "tenant_id, gateway_id, stream_id, seq, variant, kind, urgency, device, occurred_from_ms, occurred_to_ms,"
    " received_ms, raw, sha256, alarm_id, outcome_reason, twin_of"
)
_TABLE = (
    "CREATE TABLE floor_events(tenant_id int, gateway_id int, stream_id int, seq bigint, variant int, kind text,"
    " urgency text, device text, occurred_from_ms bigint, occurred_to_ms bigint, received_ms bigint, raw {bytes},"
    " sha256 {bytes}, alarm_id int, outcome_reason text, twin_of text,"
    " PRIMARY KEY(tenant_id, gateway_id, stream_id, seq, variant))"
)
_INSERT = f"INSERT INTO floor_events({COLUMNS}) VALUES({', '.join('?' * 16)})"
Row = tuple[object, ...]


class Copying:
    """Connections to one database, and rows for them. url "": SQLite in a folder of its own."""

    def __init__(self, url: str, connections: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._senders = [Sender(number, "", 4) for number in range(connections)]
        self._stores: list[Callable[[Sequence[Row]], None]] = []
        self._closing: list[psycopg.Connection | sqlite3.Connection] = []
        self._turn = threading.Lock()
        for number in range(connections):
            self._stores.append(self._postgres(url, number) if url else self._sqlite(number))

    def _postgres(self, url: str, number: int) -> Callable[[Sequence[Row]], None]:
        found = make_url(url)
        connection = psycopg.connect(
            host=str(found.query["host"]), user=found.username, dbname=found.database, autocommit=True
        )
        self._closing.append(connection)
        if number == 0:
            connection.execute("DROP TABLE IF EXISTS floor_events")
            connection.execute(_TABLE.format(bytes="bytea").encode())
        statement = f"COPY floor_events({COLUMNS}) FROM STDIN".encode()

        def store(rows: Sequence[Row]) -> None:
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)

        return store

    def _sqlite(self, number: int) -> Callable[[Sequence[Row]], None]:
        path = Path(self._folder.name) / "floor.sqlite"
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._closing.append(connection)
        connection.execute("PRAGMA journal_mode=WAL").close()
        connection.execute("PRAGMA synchronous=FULL")
        if number == 0:
            connection.execute(_TABLE.format(bytes="blob"))

        def store(rows: Sequence[Row]) -> None:
            with self._turn:  # in one process writers wait their turn; polling would cost the floor dearly
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(_INSERT, rows)
                connection.execute("COMMIT")

        return store

    def _rows(self, sender: Sender, events: int) -> list[Row]:
        rows: list[Row] = []
        for _ in range(events):
            body = sender.body(calls=False)
            raw = sender.line(body, 1_795_212_000_000)
            at_ms = 1_795_212_000_000 + sender.seq
            key = (1, sender.number, sender.number, sender.seq, 0)
            told = (kind_of(body), body.urgency.value, device_of(body), at_ms, at_ms, at_ms)
            rows.append((*key, *told, raw, hashlib.sha256(raw).digest(), None, None, None))
        return rows

    def events_per_s(self, batch: int, batches: int) -> float:
        """Store so many batches on every connection at once."""
        work = [[self._rows(sender, batch) for _ in range(batches)] for sender in self._senders]

        def run(store: Callable[[Sequence[Row]], None], mine: Sequence[Sequence[Row]]) -> None:
            for rows in mine:
                store(rows)

        elapsed_s = together([partial(run, one, mine) for one, mine in zip(self._stores, work, strict=True)])
        return batch * batches * len(work) / elapsed_s

    def close(self) -> None:
        """Close the connections; a SQLite file goes with them."""
        for connection in self._closing:
            connection.close()
        self._folder.cleanup()


def together(jobs: Sequence[Callable[[], None]]) -> float:
    """Run all at once, each in its thread; gives the seconds from the start to the last one's end.

    Raises what the first of them raised.
    """
    failed: list[BaseException] = []
    start = threading.Barrier(len(jobs) + 1)

    def run(job: Callable[[], None]) -> None:
        start.wait()
        try:
            job()
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    elapsed_s = time.perf_counter() - began
    if failed:
        raise failed[0]
    return elapsed_s
