"""The versions of the routing document (varslingsplan). Serves arrow 9.

Owns the rows of `routing_versions`: every change is a version with who, when, what and why, and the highest one
holds. A version's body never changes; it is kept by its sum in this process. Must not know alarms, or how anybody is
told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Select, bindparam, select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify.routing import BUILT_IN, Routing, RoutingError, check, check_ways, read, sha_of
from nattevakt.central.people import duties
from nattevakt.central.tables import staff, wards
from nattevakt.central.tables_duty import routing_versions
from nattevakt.edge.errors import NattevaktError, RejectError

TEXT_MAX = 300
KNOWN_MAX = 1_000
"""Most bodies that are kept in this process."""

_log = structlog.get_logger("nattevakt.central")


class StaleRouting(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """Somebody else has changed the document since it was read. version: the one that holds now."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the routing has been changed: version {version} holds now")
        self.version = version


@dataclass(frozen=True, slots=True)
class Version:
    """One version: who, when, what, why. by_name: who it was where that is nobody of the staff. routing: None where
    this program cannot read what is stored; the built-in one is used then."""

    version: int
    at_ms: int
    staff_id: int | None
    by_name: str
    why: str
    routing: Routing | None
    sha: str


_KNOWN: dict[str, Routing | None] = {}
"""Documents by their sum: the same in every database."""

_NEWEST = (
    select(routing_versions.c.version, routing_versions.c.sha)
    .where(routing_versions.c.tenant_id == TENANT)
    .order_by(routing_versions.c.version.desc())
    .limit(1)
)
_BODY = select(routing_versions.c.body).where(
    routing_versions.c.tenant_id == TENANT, routing_versions.c.version == bindparam("version")
)
_HISTORY = (
    select(routing_versions).where(routing_versions.c.tenant_id == TENANT).order_by(routing_versions.c.version.desc())
)
_WARDS = select(wards.c.key).where(wards.c.tenant_id == TENANT)
_STAFF = select(staff.c.key).where(staff.c.tenant_id == TENANT, staff.c.active)


def version(s: TenantSession) -> int:
    """The version that holds, 0 where there is none."""
    row = s.execute(_NEWEST).one_or_none()
    return int(row.version) if row is not None else 0


def current(s: TenantSession) -> Routing:
    """The document that holds; the built-in one where nothing is stored, or nothing that can be read: an alarm always
    has a way to go."""
    row = s.execute(_NEWEST).one_or_none()
    if row is None:
        return BUILT_IN
    if row.sha not in _KNOWN:
        _keep(row.sha, s.execute(_BODY, {"version": row.version}).scalar_one())
    found = _KNOWN[row.sha]
    return found if found is not None else BUILT_IN


def _keep(sha: str, body: object) -> None:
    if len(_KNOWN) >= KNOWN_MAX:
        _KNOWN.clear()
    _KNOWN[sha] = _readable(sha, body)


def _readable(sha: str, body: object) -> Routing | None:
    try:
        found = read(body)
        check_ways(found)
        return found
    except RejectError as error:
        # Written by a newer program, or by hand. That must not keep an alarm from being told on.
        _log.error("routing_unreadable", sha=sha, field=error.field, reason=error.reason)
        return None


def history(s: TenantSession) -> list[Version]:
    """All versions, the newest first."""
    return [
        Version(
            int(row.version),
            int(row.at_ms),
            row.staff_id,
            row.by_name,
            row.why,
            _readable(row.sha, row.body),
            row.sha,
        )
        for row in s.execute(_HISTORY)
    ]


def save(
    s: TenantSession,
    routing: Routing,
    *,
    why: str,
    staff_id: int | None,
    by_name: str,
    now_ms: int,
    expected_version: int,
    webhooks: Sequence[str] | None = None,
) -> int:
    """Write a new version, which holds from now on; gives its number.

    expected_version: the one that was read, 0 where there was none. webhooks: the keys in the settings, None where
    they are not known here. Raises StaleRouting where another version holds, RoutingError for what cannot be, and
    RejectError for the reason that is missing or too long.
    """
    check(routing, _keys(s, _WARDS), _keys(s, _STAFF), webhooks)
    _keeps_zones(s, routing, now_ms)
    if not why.strip():
        raise RejectError("why", "say why the routing is changed")
    if len(why) > TEXT_MAX:
        raise RejectError("why", f"longer than {TEXT_MAX} characters")
    if (holds := version(s)) != expected_version:
        raise StaleRouting(holds)
    number = expected_version + 1
    written = s.insert_unless_there(
        routing_versions,
        version=number,
        at_ms=now_ms,
        staff_id=staff_id,
        by_name=by_name,
        why=why.strip(),
        body=routing.plain,
        sha=sha_of(routing),
    )
    if written is None:
        # Another writer was there between the look and the row.
        raise StaleRouting(max(version(s), number))
    s.changed()
    return number


def _keys(s: TenantSession, statement: Select[tuple[str]]) -> tuple[str, ...]:
    return tuple(s.execute(statement).scalars())


def _keeps_zones(s: TenantSession, routing: Routing, now_ms: int) -> None:
    """Refuse to drop a zone that somebody is, or will be, on duty for: that duty would cover nobody."""
    there = {zone.key for zone in routing.zones}
    for zone in sorted(duties.zones_used(s, now_ms)):
        if zone not in there:
            raise RoutingError("zones", f"somebody is on duty for it: {zone}", "zone_on_duty", zone)
