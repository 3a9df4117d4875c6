"""What a seed file says of who is told and who is on duty, brought into the database. Serves every arrow of the centre.

Owns how a duty that comes again becomes rows. What somebody has written beside it stays, and so does what they took
away: the plan of duties belongs to the ward, and the routing to the municipality. Must not know the file's form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import routing_rows
from nattevakt.central.notify.routing import Routing, sha_of
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Asked
from nattevakt.central.seed_duty import DutyEntry
from nattevakt.central.seed_plans import BY_NAME
from nattevakt.central.tables_duty import duties as duty_rows
from nattevakt.edge.rules.windows import next_at_ms

DAY_MS = 86_400_000


def carry_out(
    s: TenantSession,
    routing: Routing | None,
    wanted: Sequence[DutyEntry],
    ids: Mapping[tuple[str, str], int],
    time_zone: str,
    now_ms: int,
) -> list[str]:
    """Bring both into the database; gives what was done, a line each. ids: of staff and wards, by table and key."""
    said = _routing(s, routing, now_ms)
    zones = [zone.key for zone in routing_rows.current(s).zones]
    for entry in wanted:
        staff_id = ids["staff", entry.staff]
        ward_id = ids["wards", entry.ward] if entry.ward else None
        made = 0
        for begins_ms, ends_ms in _times(entry, time_zone, now_ms):
            asked = Asked(staff_id, entry.role, begins_ms, ends_ms, ward_id, entry.zone or None)
            if not _was_written(s, asked) and not duties.is_covered(s, asked):
                duties.add(s, asked, zones=zones, made_by=None, now_ms=now_ms)
                made += 1
        if made:
            said.append(f"vakt {entry.staff} {entry.ward or entry.zone or 'hele kommunen'}: {made} nye")
    return said


def _routing(s: TenantSession, wanted: Routing | None, now_ms: int) -> list[str]:
    """The same as when it was last carried out changes nothing: the document belongs to the municipality."""
    if wanted is None:
        return []
    written = [version.sha for version in routing_rows.history(s) if version.by_name == BY_NAME]
    if written and written[0] == sha_of(wanted):
        return []
    version = routing_rows.save(
        s,
        wanted,
        why=BY_NAME,
        staff_id=None,
        by_name=BY_NAME,
        now_ms=now_ms,
        expected_version=routing_rows.version(s),
    )
    return [f"varslingsplan: versjon {version}"]


def _times(entry: DutyEntry, time_zone: str, now_ms: int) -> Iterator[tuple[int, int]]:
    """When the duty begins and ends, from the one that has begun and is not over."""
    at_ms = next_at_ms(entry.from_minute, now_ms - DAY_MS - 1, time_zone, entry.weekdays)
    while at_ms < now_ms + entry.days * DAY_MS:
        ends_ms = next_at_ms(entry.to_minute, at_ms, time_zone)
        if ends_ms > now_ms:
            yield at_ms, ends_ms
        at_ms = next_at_ms(entry.from_minute, at_ms, time_zone, entry.weekdays)


def _was_written(s: TenantSession, asked: Asked) -> bool:
    """Whether this duty stands there already, or was taken away by somebody."""
    d = duty_rows.c
    same = select(d.id, d.ward_id, d.zone).where(
        d.tenant_id == TENANT, d.staff_id == asked.staff_id, d.role == asked.role, d.from_ms == asked.from_ms
    )
    return any((row.ward_id, row.zone) == (asked.ward_id, asked.zone) for row in s.execute(same))
