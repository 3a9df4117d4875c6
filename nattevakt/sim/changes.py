"""What an installer or a ward clerk changes while the night goes on. Serves the simulated ward.

Owns how a change of guest is written: rightly, as a stay that ends and one that begins; or, for a broken twin, as the
careless would do it. Must not know devices or alarms.
"""

from __future__ import annotations

from sqlalchemy import select, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import residents, rooms, stays
from nattevakt.sim.ward import Ward


def guest(s: TenantSession, ward: Ward, room: str, key: str, name: str, now_ms: int, *, renames: bool) -> None:
    """From now on somebody else lives in this room."""
    before = ward.resident(room)
    if renames and before is not None:
        mine = (residents.c.tenant_id == TENANT, residents.c.key == before.key)
        s.execute(update(residents).where(*mine).values(name=name))
        return
    room_id = int(s.execute(select(rooms.c.id).where(rooms.c.tenant_id == TENANT, rooms.c.key == room)).scalar_one())
    there = (stays.c.tenant_id == TENANT, stays.c.room_id == room_id, stays.c.to_ms.is_(None))
    s.execute(update(stays).where(*there).values(to_ms=now_ms))
    resident_id = s.insert(residents, key=key, name=name)
    s.insert(stays, resident_id=resident_id, room_id=room_id, from_ms=now_ms, to_ms=None)
