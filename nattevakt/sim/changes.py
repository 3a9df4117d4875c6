"""What an installer, a ward clerk or staff change while the night goes on. Serves the simulated ward.

Owns how a change of guest is written: rightly, as a stay that ends and one that begins; or, for a broken twin, as the
careless would do it. What staff write down (rounds, pauses, bases, plans) goes through the product's own code. Must not
know devices or alarms.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places import bases, pauses, plans
from nattevakt.central.places.bases import Ground
from nattevakt.central.places.plan_lines import Line
from nattevakt.central.rounds import tasks
from nattevakt.central.rounds.tasks import Kind
from nattevakt.central.tables import residents, rooms, staff, stays, wards
from nattevakt.sim.ward import Ward


def guest(s: TenantSession, ward: Ward, room: str, key: str, name: str, now_ms: int, *, renames: bool) -> None:
    """From now on somebody else lives in this room. Once more changes nothing."""
    before = ward.resident(room)
    if renames and before is not None:
        mine = (residents.c.tenant_id == TENANT, residents.c.key == before.key)
        s.execute(update(residents).where(*mine).values(name=name))
        return
    if s.execute(select(residents.c.id).where(residents.c.tenant_id == TENANT, residents.c.key == key)).first():
        return
    room_id = int(s.execute(select(rooms.c.id).where(rooms.c.tenant_id == TENANT, rooms.c.key == room)).scalar_one())
    there = (stays.c.tenant_id == TENANT, stays.c.room_id == room_id, stays.c.to_ms.is_(None))
    s.execute(update(stays).where(*there).values(to_ms=now_ms))
    new_id = s.insert(residents, key=key, name=name)
    s.insert(stays, resident_id=new_id, room_id=room_id, from_ms=now_ms, to_ms=None)


def staff_id(s: TenantSession, key: str) -> int:
    """A member of staff, by key."""
    return int(s.execute(select(staff.c.id).where(staff.c.tenant_id == TENANT, staff.c.key == key)).scalar_one())


def resident_id(s: TenantSession, key: str) -> int:
    """A resident, by key."""
    found = s.execute(select(residents.c.id).where(residents.c.tenant_id == TENANT, residents.c.key == key))
    return int(found.scalar_one())


def rounds(worker: str, s: TenantSession, now_ms: int) -> None:
    """Somebody looks into every room that has a turn due, on all wards."""
    me = staff_id(s, worker)
    for ward_id in s.execute(select(wards.c.id).where(wards.c.tenant_id == TENANT)).scalars().all():
        # A look into a room ends whatever turns its resident has, so what is left is asked for anew.
        while due := tasks.due(s, ward_id, now_ms):
            tasks.confirm(s, due[0].id, Kind.PHYSICAL.value, "ok", me, None, "", now_ms)


def pause(worker: str, key: str, rule: str | None, to_ms: int, why: str, s: TenantSession, now_ms: int) -> None:
    """Somebody holds a resident's plan back, or one rule of it."""
    pauses.begin(s, resident_id(s, key), rule, to_ms, why, staff_id(s, worker), now_ms)


def resume(worker: str, key: str, s: TenantSession, now_ms: int) -> None:
    """Somebody ends a resident's pauses."""
    who = resident_id(s, key)
    for one in pauses.in_force(s, (who,), now_ms).get(who, ()):
        pauses.end(s, one.id, staff_id(s, worker), now_ms)


def basis(worker: str, key: str, review_ms: int, s: TenantSession, now_ms: int) -> None:
    """Somebody writes down that a resident consents, until then."""
    me = staff_id(s, worker)
    bases.give(s, resident_id(s, key), Ground.CONSENT.value, now_ms, review_ms, worker, me, now_ms)


def plan(worker: str, key: str, lines: Sequence[Line], s: TenantSession, now_ms: int) -> None:
    """Somebody adds lines to a resident's plan."""
    who = resident_id(s, key)
    known = plans.current(s, who)
    plans.save(
        s,
        who,
        (*(known.lines if known is not None else ()), *lines),
        handling=known.handling if known is not None else "",
        responsible=worker,
        dense_rounds_min=known.dense_rounds_min if known is not None else None,
        why="fordi historien vil det",
        staff_id=staff_id(s, worker),
        by_name=worker,
        now_ms=now_ms,
        expected_version=known.version if known is not None else 0,
    )
