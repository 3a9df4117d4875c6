"""The database that test after test uses is, in between, as its migration left it. Serves tests/support/spare.py."""

from __future__ import annotations

import psycopg
import pytest

from nattevakt.central.db import Database
from nattevakt.central.tables import alarms, gateways, streams
from tests.central.house import BUTTON, S1, Clock, build, press
from tests.support.postgres import Postgres


def lived(url: str) -> list[int]:
    """A ward in which something happened; gives the ids that its rows got."""
    db = Database(url)
    try:
        house = build(db, Clock())
        house.gate.tell(1, press(BUTTON), stream=S1)
        assert house.rows(streams)
        assert house.alarms("call")
        return [house.tenant.id, *(row.id for row in house.rows(gateways)), *(row.id for row in house.rows(alarms))]
    finally:
        db.close()


def test_the_next_test_finds_no_rows_and_the_first_numbers(postgres: Postgres) -> None:
    first = postgres.lend()
    ids = lived(first)
    postgres.give_back(first)
    again = postgres.lend()
    assert again == first
    assert lived(again) == ids
    postgres.give_back(again)


def test_who_is_still_connected_is_sent_away(postgres: Postgres) -> None:
    url = postgres.lend()
    forgotten = psycopg.connect(url.replace("+psycopg", ""))
    forgotten.execute("LOCK TABLE alarms")
    postgres.give_back(url)
    with pytest.raises(psycopg.OperationalError):
        forgotten.execute("SELECT 1")
    forgotten.close()
    assert lived(postgres.lend())
    postgres.give_back(url)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE left_over (id int)",
        "ALTER TABLE alarms ALTER COLUMN kind DROP NOT NULL",
        "ALTER TABLE alarms DISABLE ROW LEVEL SECURITY",
        "DROP INDEX {index}",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)
def test_one_of_another_shape_is_not_lent_again(postgres: Postgres, change: str) -> None:
    url = postgres.lend()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        index = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexdef NOT LIKE '%UNIQUE%'"
        ).fetchone()
        assert index
        connection.execute(change.format(index=index[0]).encode())
    postgres.give_back(url)
    other = postgres.lend()
    assert other != url
    assert lived(other)
    postgres.give_back(other)
