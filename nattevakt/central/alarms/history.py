"""The two strokes by which an alarm changes: its row, if nobody was faster, and one row of its history. Serves arrow 8.

Owns compare and swap, and that tablets are made to look. Must not know what may change, or why: that is decided in
register.py, acting.py and overdue.py, and nobody else writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from nattevakt.central.alarms import rows
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import transitions

CAS_TRIES = 20
"""How often a change is tried whose alarm has changed since it was read."""


def by_id(s: TenantSession, alarm_id: int) -> Row[Any] | None:
    """One alarm as it stands now."""
    return s.execute(rows.BY_ID, {"alarm_id": alarm_id}).one_or_none()


def rings_in(s: TenantSession, alarm_id: int, ward_id: int) -> bool:
    """Whether an alarm is that ward's, or has gone on to it."""
    return s.execute(rows.RINGS_IN, {"alarm_id": alarm_id, "ward_id": ward_id}).first() is not None


def swap(s: TenantSession, alarm: Row[Any], **values: object) -> bool:
    """Change an alarm if nobody else has since it was read; False if somebody has."""
    params = {"alarm_id": alarm.id, "expected": alarm.version, "version": alarm.version + 1}
    return s.execute(rows.CHANGE, {**params, **values}).rowcount == 1


def write(
    s: TenantSession,
    alarm_id: int,
    from_state: str | None,
    to_state: str,
    at_ms: int,
    cause: str,
    detail: Mapping[str, object],
    **person: object,
) -> None:
    """One row of an alarm's history, and the bump that makes tablets look. at_ms: Unix milliseconds."""
    s.insert(
        transitions,
        alarm_id=alarm_id,
        from_state=from_state,
        to_state=to_state,
        at_ms=at_ms,
        cause=cause,
        detail=dict(detail),
        **{"staff_id": None, "tablet_id": None, "idempotency_key": None, **person},
    )
    s.changed()
