"""What holds an event to its stream, on both databases; PostgreSQL looks no reference of an event up."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from nattevakt.central.columns import metadata
from nattevakt.central.db import Database
from nattevakt.edge.events import Bed, Started, Tombstone
from tests.central.house import BED, S1, S2, Clock, House, build, line, moment, press
from tests.support.postgres import Postgres

_ORPHANS = text(
    "SELECT e.seq FROM events e LEFT JOIN streams t ON t.tenant_id = :tenant AND t.id = e.stream_id "
    "AND t.gateway_id = e.gateway_id WHERE e.tenant_id = :tenant AND t.id IS NULL"
)
_ALL = text("SELECT count(*) FROM events WHERE tenant_id = :tenant")


def test_every_event_has_its_stream_whatever_came(house: House) -> None:
    at = moment(house.clock.at_ms)
    house.gate.tell(1, press())
    house.gate.tell(1, press(BED))  # the same id with another body is a row of its own
    house.gates[1].tell(1, press())  # the other gateway's stream of the same name
    house.gate.send(
        line(S2, 1, Started("1", S1, 9), at),
        line(S2, 2, Tombstone(S1, 5, 8, "C", "shed", 4, at, at), at),
        line(S2, 3, Bed(BED, occupied=True), at),
        line(S1, 2, press(), at),
    )
    with house.db.read(house.tenant.id) as s:
        assert s.execute(_ALL).scalar() == 7
        assert s.execute(_ORPHANS).all() == []


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM streams WHERE tenant_id = :tenant",
        "UPDATE streams SET id = id + 100 WHERE tenant_id = :tenant",
        "DELETE FROM gateways WHERE tenant_id = :tenant",
        "DELETE FROM tenants WHERE id = :tenant",
    ],
)
def test_nothing_that_an_event_refers_to_can_be_taken_away(house: House, sql: str) -> None:
    house.gate.tell(1, press())
    with pytest.raises(IntegrityError), house.db.write(house.tenant.id) as s:
        s.execute(text(sql))
    house.gate.tell(2, press())
    with house.db.read(house.tenant.id) as s:
        assert s.execute(_ORPHANS).all() == []


def test_nor_can_all_of_it_be_emptied_at_once(postgres: Postgres) -> None:
    url = postgres.fresh_database()[0]
    db = Database(url)
    house = build(db, Clock())
    house.gate.tell(1, press())
    for sql in ("TRUNCATE streams CASCADE", "TRUNCATE gateways CASCADE", "TRUNCATE tenants CASCADE"):
        with pytest.raises(IntegrityError), house.db.write(house.tenant.id) as s:
            s.connection.exec_driver_sql(sql)
    with house.db.read(house.tenant.id) as s:
        assert s.execute(_ALL).scalar() == 1
        assert s.execute(_ORPHANS).all() == []
    db.close()
    postgres.drop(url)


def test_only_the_references_of_events_are_of_one_database() -> None:
    found = {
        (table.name, key.info["only"])
        for table in metadata.tables.values()
        for key in table.foreign_key_constraints
        if "only" in key.info
    }
    assert found == {("events", "sqlite")}
