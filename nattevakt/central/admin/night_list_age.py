"""Whether the night list that a timer makes still comes. Serves arrow 9.

Owns when a ward's list is missed, read from the access log: each copy that the centre made by itself stands there. Must
not know HTTP, HTML, or what stands on a list.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, func, or_, select

from nattevakt.central.admin import moments
from nattevakt.central.admin.night_list_routes import NAMED, UNNAMED
from nattevakt.central.admin.who import Lead, Ward
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import access_log, rooms, stays
from nattevakt.central.tablet.i18n import N_

MISSED = N_(
    "Nattlisten for {ward} er ikke laget siden {at}. Skriv den ut selv, og si fra til den som drifter systemet."
)
HOUR_MS = 3_600_000
OLD_MS = 26 * HOUR_MS
"""A list that comes each evening is older than this only where one did not come, also on the night of 25 hours."""
WITHIN_MS = 30 * 24 * HOUR_MS
"""A ward that had none for so long has given it up."""
OFTEN = 2
"""So many within that time were made by a timer, not by somebody who tried the command once."""

_MADE = (
    select(rooms.c.ward_id, func.max(access_log.c.at_ms).label("last_ms"))
    .join(
        stays,
        and_(
            stays.c.tenant_id == access_log.c.tenant_id,
            stays.c.resident_id == access_log.c.resident_id,
            stays.c.from_ms <= access_log.c.at_ms,
            or_(stays.c.to_ms.is_(None), stays.c.to_ms > access_log.c.at_ms),
        ),
    )
    .join(rooms, and_(rooms.c.tenant_id == stays.c.tenant_id, rooms.c.id == stays.c.room_id))
    .where(
        access_log.c.tenant_id == TENANT,
        access_log.c.staff_id.is_(None),
        access_log.c.tablet_id.is_(None),
        access_log.c.at_ms >= bindparam("since_ms"),
        or_(access_log.c.what.like(f"{NAMED}:%"), access_log.c.what.like(f"{UNNAMED}:%")),
    )
    .group_by(rooms.c.ward_id)
    .having(func.count(access_log.c.at_ms.distinct()) >= OFTEN)
)


def missed(s: TenantSession, lead: Lead, wards: Sequence[Ward]) -> tuple[str, ...]:
    """For each of these wards whose list has stopped coming, a sentence that says so."""
    made = {row.ward_id: row.last_ms for row in s.execute(_MADE, {"since_ms": lead.now_ms - WITHIN_MS})}
    return tuple(
        lead.words(MISSED, {"ward": ward.name, "at": moments.day_clock(lead.words, made[ward.id], lead.zone)})
        for ward in wards
        if ward.id in made and lead.now_ms - made[ward.id] > OLD_MS
    )
