"""A small ward in a database: fourteen rooms, two of staff, sensors, and alarms raised the way supervision does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nattevakt.central import states
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import RaiseRequest, Where
from nattevakt.central.chain import setup, steps
from nattevakt.central.db import Database, OnChange, TenantSession, no_listener
from nattevakt.central.migrate import upgrade
from nattevakt.central.people import staff as staff_rows
from nattevakt.central.people import tablets as tablet_rows
from nattevakt.central.rounds import tasks
from nattevakt.central.tables import (
    device_states,
    devices,
    gateways,
    placements,
    residents,
    rooms,
    staff,
    staff_wards,
    stays,
    sweep_runs,
    wards,
)
from nattevakt.edge.rules.rule import Occurred, Priority, Reason

PIN = "274193"
NUMBERS = tuple(str(number) for number in range(201, 215))
NAME = "Astrid Testperson"
MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Ward:
    """Ids of what was seeded."""

    tenant: int
    ward: int
    rooms: dict[str, int]
    residents: dict[str, int]


def database(folder: Path, on_change: OnChange = no_listener) -> Database:
    """A fresh SQLite database with this version's schema."""
    url = f"sqlite:///{folder / 'central.sqlite'}"
    upgrade(url)
    return Database(url, on_change)


def seed(db: Database, now_ms: int, key: str = "furutun") -> Ward:
    """Fill one tenant's ward, or find it filled."""
    tenant, new = db.set_tenant(key, "Furutun kommune", "Europe/Oslo")
    if not new:
        ids = {number: place for place, number in enumerate(NUMBERS, start=1)}
        return Ward(tenant, 1, ids, ids)
    with db.write(tenant) as s:
        ward = s.insert(wards, key="2etg", name="Furutun, 2. etasje", night_from_minute=1320, night_to_minute=420)
        s.insert(wards, key="3etg", name="Furutun, 3. etasje", night_from_minute=1320, night_to_minute=420)
        gateway = s.insert(gateways, key="gw1", name="Mottaker 2. etasje", ward_id=ward, credential_sha256="x")
        room_ids, resident_ids = {}, {}
        for number in NUMBERS:
            room = room_ids[number] = s.insert(rooms, ward_id=ward, key=number, number=number, name="")
            name = NAME if number == "204" else f"Beboer {number} Testperson"
            one = resident_ids[number] = s.insert(residents, key=f"r{number}", name=name)
            s.insert(stays, resident_id=one, room_id=room, from_ms=0, to_ms=None)
            _sensor(s, gateway, room, number, now_ms)
        for who, name, initials in (("kari", "Kari N.", "KN"), ("per", "Per A.", "PA")):
            person = s.insert(
                staff,
                key=who,
                name=name,
                initials=initials,
                pin_argon2=staff_rows.hash_pin(PIN),
                active=True,
                lead=who == "kari",
            )
            s.add(staff_wards, [{"staff_id": person, "ward_id": ward}])
        s.add(sweep_runs, [{"at_ms": now_ms}])
    return Ward(tenant, ward, room_ids, resident_ids)


def _sensor(s: TenantSession, gateway: int, room: int, number: str, now_ms: int) -> None:
    """A bed in most rooms; 203 is up, 206 is unknown, 213 has a mute sensor only, 214 none."""
    if number == "214":
        return
    address, mute = f"test:{number}", number == "213"
    device = s.insert(devices, address=address, gateway_id=gateway, name=address, mute=mute)
    s.insert(placements, device_id=device, room_id=room, spot="seng", from_ms=0, to_ms=None)
    unknown = number == "206"
    s.add(
        device_states,
        [
            {
                "gateway_id": gateway,
                "address": address,
                "last_heard_ms": now_ms - int(number[-2:]) * 20_000,
                "readings": {"bed": "empty" if number == "203" else "occupied"},
                "changed_ms": now_ms - MINUTE,
                "unknown_since_ms": now_ms - 26 * MINUTE if unknown else None,
                "unknown_reason": "source_lost" if unknown else None,
                "known_after_ms": now_ms if unknown else None,
                "needs_event": False,
            }
        ],
    )


def ring(
    db: Database,
    ward: Ward,
    now_ms: int,
    kind: str = "call",
    number: str | None = "204",
    spot: str = "",
    late_ms: int = 0,
    doubt_ms: int = 0,
) -> int:
    """Raise an alarm, or join the open one of the same room and kind."""
    at = now_ms - late_ms
    where = (
        Where(ward.ward, ward.rooms[number], ward.residents[number])
        if number
        else Where(ward.ward, place="Mottaker 2. etasje" if KINDS[kind].technical else "")
    )
    code = {"call": "call.pressed", "fall": "fall.detected", "leak": "leak.water", "door_at_night": "door.opened"}
    request = RaiseRequest(
        subject=f"room:{number}",
        rule=kind,
        kind=kind,
        priority=Priority(KINDS[kind].priority),
        reason=Reason(code.get(kind, kind), {"place": spot, "gateway": "Mottaker 2. etasje"}),
        occurred=Occurred(at - doubt_ms, at),
        where=where,
    )
    found = db.transact(ward.tenant, lambda s: register.apply(s, request, now_ms)).alarm_id
    assert found is not None
    return found


def turns(db: Database, ward: Ward, now_ms: int, numbers: tuple[str, ...], **more: object) -> dict[str, int]:
    """Turns of a round that have just fallen due, or (late_min) are overdue; gives them by room."""
    late_min, physical = int(str(more.get("late_min", 0))), bool(more.get("physical"))
    found = {}
    with db.write(ward.tenant) as s:
        for place, number in enumerate(numbers):
            due_ms = now_ms - (late_min + len(numbers) - place) * MINUTE
            kind, why = (tasks.Kind.PHYSICAL, tasks.DEGRADED) if physical else (tasks.Kind.DIGITAL, tasks.PLANNED)
            where = (ward.ward, ward.residents[number], ward.rooms[number])
            task_id = tasks.make(s, *where, due_ms, now_ms, kind=kind, why=why)
            assert task_id
            found[number] = task_id
            if late_min:
                task = tasks.by_id(s, task_id)
                assert task
                assert tasks.move(s, task, tasks.Act.EXPIRE, now_ms)
    return found


def thin(db: Database, ward: Ward, now_ms: int, number: str) -> None:
    """The resident of a room is looked to more often, as the sweep would have it."""
    one = {"resident_id": ward.residents[number], "room_id": ward.rooms[number], "use": "bed", "spot": "seng"}
    state = {str(one["resident_id"]): {**one, "since_ms": now_ms, "why": "silent", "on_ms": now_ms}}
    with db.write(ward.tenant) as s:
        states.lock(s, f"ward:{ward.ward}", "degraded")
        states.keep(s, f"ward:{ward.ward}", "degraded", state)
        s.changed()


def chain(db: Database, ward: Ward, now_ms: int, numbers: Sequence[str]) -> list[int]:
    """A test of the whole way of each of these rooms, asked for and brought by the gateway; gives them."""

    def work(s: TenantSession) -> list[int]:
        wanted = [one for one in setup.of_wards(s, [ward.ward], now_ms) if one.number in numbers]
        ids = steps.ask(s, wanted, now_ms - 14_000, "Europe/Oslo").ids
        for one in wanted:
            assert one.gateway_id
            for nonce in steps.give(s, one.gateway_id, now_ms - 1_200) or ():
                steps.receive(s, one.gateway_id, nonce, now_ms - 700, now_ms)
        return list(ids)

    return db.transact(ward.tenant, work)


def code(db: Database, ward: Ward, now_ms: int, key: str = "2etg") -> str:
    """A one-time code for a tablet."""
    with db.write(ward.tenant) as s:
        return tablet_rows.new_code(s, key, "Nettbrett", now_ms)
