"""Findings about sensors: what a rule thinks somebody should see to by day. Serves arrow 7.

Owns the table `findings`: one row of each device, rule and code a local day, with the evidence as it was last told.
They ring nobody and are not closed: one that is not told again was seen to, or has passed. Must not know how a rule
decides, or how a finding is said (finding_words.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import devices, placements, rooms
from nattevakt.central.tables_plans import findings
from nattevakt.edge.rules.rule import Finding
from nattevakt.edge.rules.windows import NORWAY, local_day

DAYS = 7
"""How far back a list goes where nothing else is asked."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding. day: local date (days since 1970). at_ms: when it was last told. params: its evidence.

    name, room, spot: of the device as it hangs now, "" where that is not known.
    """

    address: str
    rule: str
    code: str
    day: int
    at_ms: int
    params: Mapping[str, str | int]
    name: str
    room: str
    spot: str
    room_id: int | None = None
    ward_id: int | None = None

    def as_json(self) -> dict[str, object]:
        """All of it, with its date beside the day's number."""
        return {**asdict(self), "params": dict(self.params), "date": date_of(self.day).isoformat()}


def date_of(day: int) -> date:
    """A local date by its number."""
    return date(1970, 1, 1) + timedelta(days=day)


def _upsert(make: Any) -> Any:
    statement = make(findings)
    latest = {name: statement.excluded[name] for name in ("at_ms", "params")}
    keys = ["tenant_id", "address", "rule", "code", "day"]
    return statement.on_conflict_do_update(
        index_elements=keys, set_=latest, where=findings.c.at_ms <= statement.excluded.at_ms
    )


_UPSERT = {"sqlite": _upsert(sqlite.insert), "postgresql": _upsert(postgresql.insert)}


def note(s: TenantSession, rule: str, finding: Finding, now_ms: int, time_zone: str = NORWAY) -> None:
    """Write down what a rule found; told again the same day, it is the same one with newer evidence."""
    day = finding.day if finding.day is not None else local_day(now_ms, time_zone)
    row: dict[str, object] = {
        "address": finding.device,
        "rule": rule,
        "code": finding.reason.code,
        "day": day,
        "at_ms": now_ms,
        "params": dict(finding.reason.params),
    }
    s.execute_many(_UPSERT[s.dialect], [row])


_RECENT = (
    select(
        findings.c.address,
        findings.c.rule,
        findings.c.code,
        findings.c.day,
        findings.c.at_ms,
        findings.c.params,
        devices.c.name,
        rooms.c.number,
        placements.c.spot,
        rooms.c.id.label("room_id"),
        rooms.c.ward_id,
    )
    .select_from(findings)
    .outerjoin(devices, and_(devices.c.tenant_id == findings.c.tenant_id, devices.c.address == findings.c.address))
    .outerjoin(
        placements,
        and_(
            placements.c.tenant_id == devices.c.tenant_id,
            placements.c.device_id == devices.c.id,
            in_force(placements, "now_ms"),
        ),
    )
    .outerjoin(rooms, and_(rooms.c.tenant_id == placements.c.tenant_id, rooms.c.id == placements.c.room_id))
    .where(findings.c.tenant_id == TENANT, findings.c.day > bindparam("after_day"))
    .order_by(findings.c.day.desc(), findings.c.address, findings.c.rule, findings.c.code, placements.c.id.desc())
)


def recent(s: TenantSession, now_ms: int, days: int = DAYS, time_zone: str = NORWAY) -> tuple[Found, ...]:
    """The findings of the last days, today's among them, the newest first."""
    today = local_day(now_ms, time_zone)
    found: dict[tuple[str, str, str, int], Found] = {}
    for row in s.execute(_RECENT, {"now_ms": now_ms, "after_day": today - days}):
        one = Found(
            address=row.address,
            rule=row.rule,
            code=row.code,
            day=row.day,
            at_ms=row.at_ms,
            params=row.params,
            name=row.name or "",
            room=row.number or "",
            spot=row.spot or "",
            room_id=row.room_id,
            ward_id=row.ward_id,
        )
        # A device that hangs in two places is found once, where it was hung last.
        found.setdefault((one.address, one.rule, one.code, one.day), one)
    return tuple(found.values())
