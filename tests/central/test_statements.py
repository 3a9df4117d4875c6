"""A statement's second use takes the short way to the driver, and must give what the first gave."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from sqlalchemy import Executable, bindparam, delete, insert, select, text, tuple_, update
from sqlalchemy.exc import IntegrityError

from nattevakt.central import arrays
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenancyError, TenantSession
from nattevakt.central.tables import boots, devices, events, gateways, rule_states, wards
from tests.central.house import House, line, moment, press

HOSTILE = ('"', "\\", "{a,b}", "NULL", "", "å ’\u2028", "';--", "\\x00")


def three(s: TenantSession, statement: Executable, **params: object) -> list[list[tuple[Any, ...]]]:
    """What three uses of one statement object give."""
    return [[tuple(row) for row in s.execute(statement, params)] for _ in range(3)]


def test_every_use_gives_the_same_rows(house: House) -> None:
    house.gate.send(line("1" * 32, 1, press(), moment(house.clock.at_ms)))
    of_key = select(wards).where(wards.c.tenant_id == TENANT, wards.c.key == bindparam("key"))
    some = select(devices.c.address, devices.c.mute).where(
        devices.c.tenant_id == TENANT, devices.c.id.in_(bindparam("ids", expanding=True)), devices.c.mute.is_(False)
    )
    fixed = select(wards.c.id).where(wards.c.tenant_id == TENANT, wards.c.key.in_(("a", "b"))).order_by(wards.c.id)
    pairs = select(events.c.raw, events.c.sha256).where(
        events.c.tenant_id == TENANT, tuple_(events.c.stream_id, events.c.seq).in_(bindparam("ids", expanding=True))
    )
    with house.db.read(house.tenant.id) as s:
        for statement, params in (
            (of_key, {"key": "a"}),
            (some, {"ids": [1, 2, 3]}),
            (some, {"ids": []}),
            (some, {"ids": [1]}),
            (fixed, {}),
            (pairs, {"ids": [(1, 1), (1, 2)]}),
        ):
            first, second, third = three(s, statement, **params)
            assert first == second == third
        assert len(three(s, some, ids=[1, 2])[2]) == 2
        row = s.execute(of_key, {"key": "b"}).one()
        assert (row.key, row.name) == ("b", "Avdeling B")
        assert s.execute(of_key, {"key": "-"}).one_or_none() is None
        assert s.execute(fixed).scalars().all() == [row[0] for row in three(s, fixed)[0]]


def test_json_comes_back_as_json_and_changes_are_counted(house: House) -> None:
    state = rule_states.c.state.type
    put = text(
        "INSERT INTO rule_states (tenant_id, subject, rule, state) VALUES (:tenant, :subject, 'r', :state) "
        "ON CONFLICT (tenant_id, subject, rule) DO UPDATE SET state = :state RETURNING state"
    ).bindparams(bindparam("state", type_=state))
    typed = put.columns(state=state)
    change = update(wards).where(wards.c.tenant_id == TENANT, wards.c.key == bindparam("of_key"))
    with house.db.write(house.tenant.id) as s:
        for number in range(3):
            given = {"å": [number, None, True], "n": {"x": 1.5}}
            assert s.execute(typed, {"subject": "x", "state": given}).scalar_one() == given
        for name in ("Ny", "Nyere", "Nyest"):
            assert s.execute(change, {"of_key": "a", "name": name}).rowcount == 1
            assert s.execute(change, {"of_key": "-", "name": name}).rowcount == 0
        assert s.execute(change, {"of_key": "a", "night_from_minute": 5}).rowcount == 1
        row = s.execute(select(wards).where(wards.c.tenant_id == TENANT, wards.c.key == "a")).one()
    assert (row.name, row.night_from_minute) == ("Nyest", 5)


def test_a_statement_without_tenant_is_refused_at_every_use(db: Database, house: House) -> None:
    without = select(wards)
    with db.read(house.tenant.id) as s:
        for _ in range(3):
            with pytest.raises(TenancyError):
                s.execute(without)


def test_statements_that_are_made_anew_each_time_do_not_pile_up(house: House) -> None:
    made = []
    with house.db.read(house.tenant.id) as s:
        for _ in range(2_500):
            once = select(wards.c.id).where(wards.c.tenant_id == TENANT)
            assert three(s, once)[0] == three(s, once)[1]
            made.append(weakref.ref(once))
    del once
    gc.collect()
    assert sum(ref() is not None for ref in made) <= 2_000


def test_errors_are_those_of_the_long_way(house: House) -> None:
    add = insert(wards)
    row = {"id": 900, "key": "c", "name": "C", "night_from_minute": 0, "night_to_minute": 0}
    with house.db.write(house.tenant.id) as s:
        s.execute(add, row)
        for _ in range(3):
            with pytest.raises(IntegrityError), s.savepoint():
                s.execute(add, row)
        remove = delete(wards).where(wards.c.tenant_id == TENANT, wards.c.id == bindparam("ward"))
        assert [s.execute(remove, {"ward": 900}).rowcount for _ in range(3)] == [1, 0, 0]


def test_rows_of_hostile_text_arrive_as_they_were(house: House) -> None:
    """On PostgreSQL they go as arrays, whose text has its own signs."""
    gateway = house.id_of(gateways, "gw1")
    rows = [
        {"gateway_id": gateway, "boot": boot, "boottime_ms": number, "wall_ms": -number}
        for number, boot in enumerate(HOSTILE)
    ]
    assert arrays.fits(boots)
    with house.db.write(house.tenant.id) as s:
        assert s.add(boots, rows) == len(rows)
        assert s.add(boots, rows) == 0
    found = {row.boot: (row.boottime_ms, row.wall_ms) for row in house.rows(boots)}
    assert found == {boot: (number, -number) for number, boot in enumerate(HOSTILE)}
