"""What the centre lets a gateway judge by itself: its own rooms, every gate resolved, and no name. Both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import update

from nattevakt.central import local_plans
from nattevakt.central.columns import TENANT
from nattevakt.central.heartbeat import beat
from nattevakt.central.ingest import origin_of
from nattevakt.central.places import bases, pauses
from nattevakt.central.tables import devices, gateways, residents, staff, stays
from nattevakt.edge.wire import GatewayHealth, Heartbeat, HeartbeatReply, encode_message
from nattevakt.edge.wire_plan import LocalPlan, PlanRoom, credential_key, opened
from tests.central.house import BED, BUTTON, DOOR, LEAK, S1, House

HOUR_MS = 3_600_000
ROOM_202 = {DOOR: "inngangsdør", BED: "seng"}


def ask(house: House, have: str | None, gate: int = 0) -> HeartbeatReply:
    """A heartbeat that asks for the plan."""
    health = GatewayHealth("0.1.0", 1, 0, 0, 0, 0, 1000, clock_synced=True)
    spoken = Heartbeat(house.gates[gate].beats_at(), S1, (), None, health, plan_have=have)
    return beat(house.db, house.gates[gate].sender, encode_message(spoken), house.clock.at_ms)


def plan(house: House, gate: int = 0) -> LocalPlan:
    reply = ask(house, "", gate)
    assert reply.plan is not None
    found = opened(reply.plan, credential_key(house.tokens[gate]))
    assert found.version == reply.plan_version
    return found


def room(house: House, number: str = "202") -> PlanRoom:
    (found,) = [one for one in plan(house).rooms if one.number == number]
    return found


def write(house: House, act: Callable[..., Any], *more: Any) -> Any:
    return house.db.transact(house.tenant.id, lambda s: act(s, *more))


def given(house: House, gate: int = 0) -> None:
    """All devices are set down as this gateway's."""
    number = house.rows(gateways)[gate].id
    change = update(devices).where(devices.c.tenant_id == TENANT).values(gateway_id=number)
    house.db.transact(house.tenant.id, lambda s: s.execute(change))


def test_a_gateway_gets_its_rooms_their_devices_and_what_is_armed_there(house: House) -> None:
    given(house)
    found = plan(house)
    assert [(one.number, dict(one.devices)) for one in found.rooms] == [
        ("201", {BUTTON: "bad", LEAK: "kjøkken"}),
        ("202", ROOM_202),
    ]
    assert [[line.rule for line in one.lines] for one in found.rooms] == [[], ["door_at_night"]]
    assert (found.gateway, found.time_zone, found.valid_from_ms) == ("gw1", "Europe/Oslo", house.clock.at_ms)
    assert plan(house, 1).rooms == ()


def test_it_holds_no_name_of_anybody(house: House) -> None:
    given(house)
    reply = ask(house, "")
    assert reply.plan is not None
    for person in (*house.rows(residents), *house.rows(staff)):
        assert person.name not in reply.plan.text
        assert f'"{person.key}"' not in reply.plan.text


def test_a_device_that_was_given_to_no_gateway_is_of_who_heard_it(house: House) -> None:
    assert plan(house).rooms == ()
    house.gate.beat(heard={BED: 0})
    assert [one.number for one in plan(house).rooms] == ["202"]
    assert dict(room(house).devices) == ROOM_202


def test_who_has_it_is_told_so_and_who_does_not_ask_is_told_nothing(house: House) -> None:
    given(house)
    version = plan(house).version
    house.clock.at_ms += HOUR_MS
    same = ask(house, version)
    assert (same.plan_version, same.plan) == (version, None)
    silent = ask(house, None)
    assert (silent.plan_version, silent.plan) == (None, None)
    assert ask(house, "older").plan is not None


def test_a_pause_and_the_end_of_the_ground_come_down_as_their_hours(house: House) -> None:
    given(house)
    (before,) = room(house).lines
    ends_ms = house.clock.at_ms + HOUR_MS
    write(house, pauses.begin, 2, None, ends_ms, "Datter på besøk", 1, house.clock.at_ms)
    (line,) = room(house).lines
    assert line == replace(before, from_ms=ends_ms)
    assert before.from_ms is None
    assert before.to_ms is not None
    assert before.to_ms > house.clock.at_ms
    assert "Datter" not in (ask(house, "").plan or before).__repr__()


def test_without_a_ground_nothing_is_armed(house: House) -> None:
    given(house)
    write(house, bases.end, 2, 1, house.clock.at_ms)
    assert room(house).lines == ()


def test_two_in_a_room_are_said_to_share_it(house: House) -> None:
    given(house)
    two_in_one = update(stays).where(stays.c.tenant_id == TENANT, stays.c.resident_id == 1).values(room_id=2)
    house.db.transact(house.tenant.id, lambda s: s.execute(two_in_one))
    assert room(house).shared
    assert [line.rule for line in room(house).lines] == ["door_at_night"]


def test_another_key_signs_another_plan(house: House) -> None:
    row = house.rows(gateways)[0]
    origin = origin_of(row, house.tenant)
    with house.db.read(house.tenant.id) as s:
        one, two = (local_plans.answer(s, origin, "", credential_key(it), 1) for it in house.tokens)
    assert one[0] == two[0]
    assert one[1] != two[1]
