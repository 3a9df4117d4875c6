"""Person sessions: who stands at a tablet, for at most a shift. Serves arrow 9.

Owns how long a person is known and what ends it. Must not know PINs or what a person may see.
A session ends after 12 hours. After 30 minutes without use it sleeps: names are hidden and acts ask for the PIN
again; alarms are shown and heard all the same. One person a tablet: the next one ends the one before.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.people import tokens
from nattevakt.central.tables import person_sessions, staff, staff_wards

LIFE_MS = 12 * 3_600_000
SLEEP_AFTER_MS = 30 * 60_000

_AWAKE = (
    select(staff.c.id, staff.c.name, staff.c.initials, person_sessions.c.started_ms)
    .join(staff, (staff.c.tenant_id == person_sessions.c.tenant_id) & (staff.c.id == person_sessions.c.staff_id))
    .join(staff_wards, (staff_wards.c.tenant_id == staff.c.tenant_id) & (staff_wards.c.staff_id == staff.c.id))
    .where(
        person_sessions.c.tenant_id == TENANT,
        staff_wards.c.ward_id == bindparam("ward_id"),
        person_sessions.c.token_sha256 == bindparam("token_sha256"),
        person_sessions.c.tablet_id == bindparam("tablet_id"),
        person_sessions.c.ends_ms > bindparam("now_ms"),
        person_sessions.c.last_used_ms > bindparam("used_after_ms"),
        staff.c.active,
    )
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has proved who they are on this tablet and has used it lately."""

    staff_id: int
    name: str
    initials: str
    started_ms: int


def start(s: TenantSession, tablet_id: int, staff_id: int, now_ms: int, began_ms: int | None = None) -> str:
    """Begin a person's session on a tablet, in place of whoever was there; gives the cookie's token.

    now_ms: real time, as everywhere here, because it is people who are away. began_ms: the same moment in service
    time, which dates what the person reads; without it both are one, as they are outside a demo.
    """
    end(s, tablet_id)
    secret = tokens.token()
    started_ms = now_ms if began_ms is None else began_ms
    row = {"staff_id": staff_id, "tablet_id": tablet_id, "started_ms": started_ms, "last_used_ms": now_ms}
    s.add(person_sessions, [{"token_sha256": tokens.digest(secret), **row, "ends_ms": now_ms + LIFE_MS}])
    return secret


def find(s: TenantSession, tablet_id: int, ward_id: int, secret: str, now_ms: int) -> Person | None:
    """The person whose token this is, on this tablet, awake and still of its ward; None otherwise."""
    who = {"ward_id": ward_id, "tablet_id": tablet_id, "token_sha256": tokens.digest(secret)}
    row = s.execute(_AWAKE, {**who, "now_ms": now_ms, "used_after_ms": now_ms - SLEEP_AFTER_MS}).first()
    return Person(row.id, row.name, row.initials, row.started_ms) if row else None


def use(s: TenantSession, tablet_id: int, secret: str, now_ms: int) -> None:
    """The person touched the tablet: keep the session awake. One that sleeps is not woken by this."""
    s.execute(
        update(person_sessions).where(
            person_sessions.c.tenant_id == TENANT,
            person_sessions.c.token_sha256 == tokens.digest(secret),
            person_sessions.c.tablet_id == tablet_id,
            person_sessions.c.last_used_ms > now_ms - SLEEP_AFTER_MS,
        ),
        {"last_used_ms": now_ms},
    )


def end(s: TenantSession, tablet_id: int) -> None:
    """Nobody is at this tablet any more."""
    s.execute(
        delete(person_sessions).where(person_sessions.c.tenant_id == TENANT, person_sessions.c.tablet_id == tablet_id)
    )
