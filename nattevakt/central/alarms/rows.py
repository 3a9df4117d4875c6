"""What the register asks of the database. Serves arrow 8.

Owns the statements over alarms, their events and their history. Must not know when one is needed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, or_, select, update

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.columns import TENANT
from nattevakt.central.tables import alarm_events, alarms, staff, transitions, wards
from nattevakt.central.tables_duty import alarm_wards


def _of_subject() -> Select[Any]:
    same = (alarms.c.subject == bindparam("subject"), alarms.c.rule == bindparam("rule"))
    return select(alarms).where(alarms.c.tenant_id == TENANT, *same)


JOINABLE = _of_subject().where(alarms.c.on_site_ms.is_(None), alarms.c.closed_ms.is_(None))
ATTENDED = (
    _of_subject()
    .where(alarms.c.on_site_ms >= bindparam("to_ms"), alarms.c.occurred_from_ms <= bindparam("begins_by_ms"))
    .order_by(alarms.c.on_site_ms)
    .limit(1)
)
BY_ID = select(alarms).where(alarms.c.tenant_id == TENANT, alarms.c.id == bindparam("alarm_id"))
CHANGE = update(alarms).where(
    alarms.c.tenant_id == TENANT, alarms.c.id == bindparam("alarm_id"), alarms.c.version == bindparam("expected")
)
ACTED = select(transitions).where(
    transitions.c.tenant_id == TENANT, transitions.c.idempotency_key == bindparam("idempotency_key")
)
CLOSER = (
    select(transitions.c.staff_id)
    .where(
        transitions.c.tenant_id == TENANT,
        transitions.c.alarm_id == bindparam("alarm_id"),
        transitions.c.to_state == State.CLOSED.value,
    )
    .order_by(transitions.c.id.desc())
    .limit(1)
)
TOLD = select(transitions.c.detail).where(
    transitions.c.tenant_id == TENANT,
    transitions.c.alarm_id == bindparam("alarm_id"),
    transitions.c.cause.in_(("raise", "sound")),
)
PERSON = select(staff.c.name, staff.c.initials).where(staff.c.tenant_id == TENANT, staff.c.id == bindparam("staff_id"))
_GONE_ON = (
    select(alarm_wards.c.ward_id)
    .where(
        alarm_wards.c.tenant_id == TENANT,
        alarm_wards.c.alarm_id == alarms.c.id,
        alarm_wards.c.ward_id == bindparam("ward_id"),
    )
    .exists()
)
RINGS_IN = select(alarms.c.id).where(
    alarms.c.tenant_id == TENANT,
    alarms.c.id == bindparam("alarm_id"),
    or_(alarms.c.ward_id == bindparam("ward_id"), _GONE_ON),
)
AWAITED_OF = (
    select(alarms.c.id, alarms.c.version)
    .where(
        alarms.c.tenant_id == TENANT,
        alarms.c.taken_by == bindparam("staff_id"),
        alarms.c.closed_ms.is_(None),
        alarms.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(alarms.c.id)
)
WARD = select(wards.c.id).where(wards.c.tenant_id == TENANT, wards.c.key == bindparam("key"))
HOLDS = select(alarm_events.c.alarm_id).where(
    alarm_events.c.tenant_id == TENANT,
    alarm_events.c.subject == bindparam("subject"),
    alarm_events.c.rule == bindparam("rule"),
    alarm_events.c.gateway_id == bindparam("gateway_id"),
    alarm_events.c.stream_id == bindparam("stream_id"),
    alarm_events.c.seq == bindparam("seq"),
    alarm_events.c.variant == bindparam("variant"),
)
NOTED = select(transitions.c.detail).where(
    transitions.c.tenant_id == TENANT,
    transitions.c.alarm_id == bindparam("alarm_id"),
    transitions.c.cause == "note",
)
LOOKED = (
    select(alarms.c.id)
    .where(
        alarms.c.tenant_id == TENANT,
        alarms.c.subject == bindparam("subject"),
        alarms.c.rule == bindparam("rule"),
        alarms.c.on_site_ms >= bindparam("since_ms"),
    )
    .limit(1)
)
