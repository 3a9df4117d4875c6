"""The versions of the routing document, on both databases: who holds, who was first, what cannot be."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import routing_rows
from nattevakt.central.notify.routing import BUILT_IN, STANDARD, Chain, Route, Routing, RoutingError, Step, Team, Zone
from nattevakt.central.notify.routing_rows import StaleRouting
from nattevakt.central.people import duties
from nattevakt.central.tables import staff
from nattevakt.central.tables_duty import routing_versions
from nattevakt.edge.errors import RejectError
from tests.central.house import NOON_MS, House

NORD = Zone("nord", "Nord", ("a", "b"))
TWO = Routing((NORD,), (), (STANDARD,), (Route("standard", zones=("nord",)),))


def save(s: TenantSession, routing: Routing, expected: int, **more: Any) -> int:
    said = {"why": "prøve", "staff_id": None, "by_name": "Kari N.", "now_ms": NOON_MS, **more}
    return routing_rows.save(s, routing, expected_version=expected, **said)


def test_without_one_the_built_in_holds(house: House) -> None:
    with house.db.read(house.tenant.id) as s:
        assert routing_rows.version(s) == 0
        assert routing_rows.current(s) == BUILT_IN
        assert routing_rows.history(s) == []


def test_every_change_is_a_version_with_who_when_what_and_why(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        kari = house.id_of(staff, "kari")
        assert save(s, TWO, 0) == 1
        assert save(s, BUILT_IN, 1, why=" angret ", staff_id=kari, by_name="", now_ms=NOON_MS + 1) == 2
        assert routing_rows.version(s) == 2
        assert routing_rows.current(s) == BUILT_IN
        found = [(one.version, one.at_ms, one.staff_id, one.by_name, one.why) for one in routing_rows.history(s)]
        assert found == [(2, NOON_MS + 1, kari, "", "angret"), (1, NOON_MS, None, "Kari N.", "prøve")]
        assert [one.routing for one in routing_rows.history(s)] == [BUILT_IN, TWO]


def test_the_body_is_read_once_and_the_version_each_time(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        save(s, TWO, 0)
        first = routing_rows.current(s)
        assert routing_rows.current(s) is first
        save(s, BUILT_IN, 1)
        assert routing_rows.current(s) == BUILT_IN


def test_who_changes_what_another_has_changed_is_told(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        save(s, TWO, 0)
        for expected in (0, 2, -1):
            with pytest.raises(StaleRouting) as caught:
                save(s, BUILT_IN, expected)
            assert caught.value.version == 1
        assert routing_rows.version(s) == 1


def test_of_two_at_once_one_is_told(house: House) -> None:
    """Both have read version 0; each writes in a transaction of its own."""
    ready = threading.Barrier(2, timeout=20)
    told: list[str] = []

    def run(name: str) -> None:
        ready.wait()
        try:
            house.db.transact(house.tenant.id, lambda s: save(s, TWO, 0, by_name=name))
            told.append("saved")
        except StaleRouting as error:
            told.append(f"stale {error.version}")

    threads = [threading.Thread(target=run, args=(name,)) for name in ("x", "y")]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert sorted(told) == ["saved", "stale 1"]
    with house.db.read(house.tenant.id) as s:
        assert [one.version for one in routing_rows.history(s)] == [1]


@pytest.mark.parametrize(
    ("code", "routing"),
    [
        ("unknown_ward", replace(TWO, zones=(Zone("nord", "Nord", ("c",)),))),
        ("unknown_staff", Routing(teams=(Team("t", "T", ("ola",)),))),
        ("unknown_target", Routing(chains=(Chain("c", "C", (Step(("webhook:ukjent",)),)),))),
    ],
)
def test_what_is_not_there_is_refused(house: House, code: str, routing: Routing) -> None:
    with house.db.write(house.tenant.id) as s:
        with pytest.raises(RoutingError) as caught:
            save(s, routing, 0, webhooks=("kjent",))
        assert caught.value.code == code
        assert routing_rows.version(s) == 0


def test_a_reason_is_asked_for(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        for why in ("", "  ", "x" * 301):
            with pytest.raises(RejectError) as caught:
                save(s, TWO, 0, why=why)
            assert caught.value.field == "why"


def test_a_zone_that_somebody_is_on_duty_for_stays(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        save(s, TWO, 0)
        asked = duties.Asked(house.id_of(staff, "kari"), "vakt", NOON_MS, NOON_MS + 1000, zone="nord")
        duties.add(s, asked, zones=("nord",), made_by=None, now_ms=NOON_MS)
        with pytest.raises(RoutingError) as caught:
            save(s, BUILT_IN, 1)
        assert (caught.value.code, caught.value.named) == ("zone_on_duty", "nord")
        assert save(s, BUILT_IN, 1, now_ms=NOON_MS + 1000) == 2


def test_what_this_program_cannot_read_leaves_the_built_in(house: House) -> None:
    """As after a step back to an older program: alarms still have a way to go, and the page can say why."""
    with house.db.write(house.tenant.id) as s:
        save(s, TWO, 0)
        of_tenant = routing_versions.c.tenant_id == TENANT
        s.execute(update(routing_versions).where(of_tenant).values(body={"moons": []}, sha="of a newer one"))
        assert routing_rows.current(s) == BUILT_IN
        assert [one.routing for one in routing_rows.history(s)] == [None]
        assert save(s, TWO, 1) == 2
