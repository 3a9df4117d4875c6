"""Who may see and change plans: a person logged in on an enrolled tablet who leads the resident's ward. Serves arrow 9.

Owns that question, and the page's or API's way to ask it. Must not know what is then done. A resident is of the ward
whose room they live in now; who lives nowhere is of no ward and can be reached by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from sqlalchemy import Row, bindparam, select, text

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.people import sessions
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.tables import alarms, staff, staff_wards, wards
from nattevakt.central.tablet.i18n import Words
from nattevakt.central.tablet.views import log_names
from nattevakt.central.tablet.web import PERSON_COOKIE, Problem, person_of, tablet_of, words_of
from nattevakt.edge.strict import INT_MAX

_LEADS = (
    select(staff_wards.c.ward_id)
    .join(staff, (staff.c.tenant_id == staff_wards.c.tenant_id) & (staff.c.id == staff_wards.c.staff_id))
    .where(staff_wards.c.tenant_id == TENANT, staff.c.id == bindparam("staff_id"), staff.c.lead, staff.c.active)
)
_RESIDENTS = text(
    "SELECT e.id, e.name, r.id AS room_id, r.number, r.ward_id, w.name AS ward_name FROM stays t "
    "JOIN residents e ON e.tenant_id = :tenant AND e.id = t.resident_id "
    "JOIN rooms r ON r.tenant_id = :tenant AND r.id = t.room_id "
    "JOIN wards w ON w.tenant_id = :tenant AND w.id = r.ward_id "
    "WHERE t.tenant_id = :tenant AND t.to_ms IS NULL ORDER BY w.name, r.number, e.name, t.id"
)
_WARDS = select(wards.c.id, wards.c.name).where(wards.c.tenant_id == TENANT).order_by(wards.c.name, wards.c.id)
_ALARM = select(alarms.c.ward_id, alarms.c.resident_id).where(
    alarms.c.tenant_id == TENANT, alarms.c.id == bindparam("alarm_id")
)
_STAFF = select(staff.c.id, staff.c.name).where(staff.c.tenant_id == TENANT)


@dataclass(frozen=True, slots=True)
class Lead:
    """A ward's lead at a tablet. wards: those that are theirs."""

    tablet: Tablet
    person: Person
    wards: frozenset[int]
    words: Words
    zone: ZoneInfo
    now_ms: int


@dataclass(frozen=True, slots=True)
class Resident:
    """A resident where they live now."""

    id: int
    name: str
    room_id: int
    number: str
    ward_id: int
    ward_name: str


@dataclass(frozen=True, slots=True)
class Ward:
    """A ward of the lead's."""

    id: int
    name: str


def lead_of(request: Request) -> Lead:
    """Who asks, where they lead a ward; the session counts as used. Raises a problem for anybody else."""
    state = request.app.state
    tablet = tablet_of(request)
    person = person_of(request, tablet)
    if person is None:
        raise Problem(401, "person_needed")
    with state.db.write(tablet.tenant.id) as s:
        wards = frozenset(s.execute(_LEADS, {"staff_id": person.staff_id}).scalars())
        sessions.use(s, tablet.id, request.cookies[PERSON_COOKIE], state.clock.real_ms())
    if not wards:
        raise Problem(403, "lead_needed")
    zone = ZoneInfo(tablet.tenant.time_zone)
    return Lead(tablet, person, wards, words_of(request), zone, state.clock.now_ms())


def residents_of(s: TenantSession, lead: Lead) -> list[Resident]:
    """Who lives on the lead's wards now, by ward and room."""
    found: dict[int, Resident] = {}
    for row in s.execute(_RESIDENTS):
        if row.ward_id in lead.wards:
            found.setdefault(row.id, _resident(row))
    return list(found.values())


def resident_of(s: TenantSession, lead: Lead, resident_id: int) -> Resident:
    """One of them. Raises a problem where there is none, or on another ward."""
    rows = [row for row in s.execute(_RESIDENTS) if row.id == resident_id] if abs(resident_id) <= INT_MAX else []
    if not rows:
        raise Problem(404, "unknown_resident")
    for row in rows:
        if row.ward_id in lead.wards:
            return _resident(row)
    raise Problem(403, "other_ward")


def wards_of(s: TenantSession, lead: Lead) -> list[Ward]:
    """The lead's wards by name."""
    return [Ward(int(row.id), row.name) for row in s.execute(_WARDS) if row.id in lead.wards]


def ward_of(s: TenantSession, lead: Lead, ward_id: int) -> Ward:
    """One of them. Raises a problem where there is none, or it is not the lead's."""
    for ward in wards_of(s, lead):
        if ward.id == ward_id:
            return ward
    raise Problem(404, "unknown_ward")


def note_story(request: Request, lead: Lead, alarm_id: int) -> None:
    """Write down that the lead reads all of this alarm, before anything is shown. Raises a problem where there is none,
    or it is of another ward; and where it cannot be written down."""
    db = request.app.state.db
    with db.read(lead.tablet.tenant.id) as s:
        row = s.execute(_ALARM, {"alarm_id": alarm_id}).one_or_none() if abs(alarm_id) <= INT_MAX else None
    if row is None or row.ward_id not in lead.wards:
        raise Problem(404, "unknown_alarm")
    if not log_names(db, lead.tablet, lead.person, {(f"story:{alarm_id}", row.resident_id)}, lead.now_ms):
        raise Problem(503, "database_away", retry_after_s=1)


def _resident(row: Row[Any]) -> Resident:
    return Resident(int(row.id), row.name, int(row.room_id), row.number, int(row.ward_id), row.ward_name)


def note_reading(request: Request, lead: Lead, what: str, residents: Iterable[int]) -> None:
    """Write down that the lead reads of these residents, before anything is shown. Raises where it cannot be."""
    wanted = {(f"{what}:{resident_id}", resident_id) for resident_id in residents}
    if not log_names(request.app.state.db, lead.tablet, lead.person, wanted, lead.now_ms):
        raise Problem(503, "database_away", retry_after_s=1)


def staff_names(s: TenantSession) -> dict[int, str]:
    """Who is called what, also those who have left."""
    return {int(row.id): str(row.name) for row in s.execute(_STAFF)}
