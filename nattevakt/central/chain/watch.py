"""A test that does not come through has failed at the step where it stands, and somebody is told. Serves arrows 7, 8.

Owns the ward's wake row (subject "ward:<id>", rule "chain_test"), the alarm `chain_test_failed` and its end. Must not
know how a step is taken (steps.py), or pages.

One fault is one alarm: of one failed test the resident is the subject; where several of a ward fail at the same step at
the same look, it is the ward with its rooms, for then it is not a resident's fault, and a crowd of cards would hide who
calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, text, update

from nattevakt.central import wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import ClearRequest, RaiseRequest, Where
from nattevakt.central.chain import steps
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.tables import rooms, stays, wards
from nattevakt.central.tables_duty import chain_tests
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import Occurred, Reason

CHAIN_TEST_FAILED = "chain_test_failed"
"""The kind and the rule of the alarm."""
STOPS = ("no_gateway", "not_given", "not_received", "not_shown", "not_sounded", "not_tapped")
"""Where a test may stop, in the order of the way."""
ROOMS_NAMED_MAX = 12

_FAILED = (
    update(chain_tests)
    .where(
        chain_tests.c.tenant_id == TENANT,
        chain_tests.c.id == bindparam("p_id"),
        # Looked at again when it is written: meanwhile it may have come, or been answered.
        chain_tests.c.state == bindparam("p_state"),
    )
    .values(state="failed", failed_ms=bindparam("p_now_ms"), reason=bindparam("p_reason"))
)
_ROOM = (
    select(rooms.c.id, rooms.c.ward_id)
    .join(stays, (stays.c.tenant_id == rooms.c.tenant_id) & (stays.c.room_id == rooms.c.id))
    .where(stays.c.tenant_id == TENANT, stays.c.resident_id == bindparam("resident_id"), stays.c.to_ms.is_(None))
    .order_by(stays.c.id.desc())
    .limit(1)
)
_WARD = select(wards.c.name).where(wards.c.tenant_id == TENANT, wards.c.id == bindparam("ward_id"))
_STILL_FAILING = text(
    "SELECT 1 FROM chain_tests f WHERE f.tenant_id = :tenant AND f.ward_id = :ward_id AND f.state = 'failed' "
    "AND f.failed_ms > :since_ms AND NOT EXISTS (SELECT 1 FROM chain_tests d WHERE d.tenant_id = :tenant "
    "AND d.resident_id = f.resident_id AND d.state = 'done' AND d.id > f.id) LIMIT 1"
)
_AHEAD = text(
    "UPDATE wake_rows SET wake_at_ms = :now_ms WHERE tenant_id = :tenant AND rule = 'chain_test' "
    "AND wake_at_ms > :ahead_ms"
)
REMEMBERED_MS = 7 * 24 * 3_600_000
"""A failed test of longer ago holds no ward's alarm open: whoever lived there may have moved."""


def stop_of(row: Row[Any]) -> str:
    """Where a test that goes no further has stopped, one of `STOPS`."""
    if row.gateway_id is None:
        return "no_gateway"
    if row.received_ms is None:
        return "not_given" if row.given_ms is None else "not_received"
    if row.shown_ms is None:
        return "not_shown"
    return "not_sounded" if row.sounded_ms is None else "not_tapped"


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:  # noqa: ARG001
    """A test of the ward may have had its time: what has not come through has failed, for the rest look again."""
    if wakes.take(s, wake, now_ms) is None:
        return
    ward_id = int(wake.subject.partition(":")[2])
    limits = stretched(steps.RECEIVE_LIMIT_MS, pace), stretched(steps.TAP_LIMIT_MS, pace)
    failed: dict[str, list[Row[Any]]] = defaultdict(list)
    left: list[int] = []
    for row in s.execute(steps.OPEN_OF_WARD, {"p_ward_id": ward_id}).all():
        due_ms = steps.due_ms(row, *limits)
        if due_ms > now_ms:
            left.append(due_ms)
        elif _fail(s, row, now_ms):
            failed[stop_of(row)].append(row)
        else:
            left.append(now_ms + 1)
    for stop in STOPS:
        if failed[stop]:
            _tell(s, ward_id, stop, failed[stop], now_ms)
    if failed:
        s.changed()
    wakes.arm(s, wake.subject, wake.rule, min(left, default=None))


def _fail(s: TenantSession, row: Row[Any], now_ms: int) -> bool:
    values = {"p_id": row.id, "p_state": row.state, "p_now_ms": now_ms, "p_reason": stop_of(row)}
    return bool(s.execute(_FAILED, values).rowcount)


def _tell(s: TenantSession, ward_id: int, stop: str, rows: Sequence[Row[Any]], now_ms: int) -> None:
    """Raise the alarm of these tests, which stopped at the same step."""
    numbers = list(dict.fromkeys(str(row.path["room"]) for row in rows))
    named = ", ".join(numbers[:ROOMS_NAMED_MAX]) + (" …" if len(numbers) > ROOMS_NAMED_MAX else "")
    gateways = sorted({str(row.path["gateway"]) for row in rows})
    first = rows[0]
    if len(rows) == 1:
        room = s.execute(_ROOM, {"resident_id": first.resident_id}).one_or_none()
        room_id = room.id if room is not None and room.ward_id == ward_id else None
        subject, where = f"resident:{first.resident_id}", Where(ward_id, room_id, first.resident_id, numbers[0])
    else:
        subject = f"ward:{ward_id}"
        where = Where(ward_id, place=str(s.execute(_WARD, {"ward_id": ward_id}).scalar() or ""))
    request = RaiseRequest(
        subject=subject,
        rule=CHAIN_TEST_FAILED,
        kind=CHAIN_TEST_FAILED,
        priority=KINDS[CHAIN_TEST_FAILED].priority,
        reason=Reason(f"{CHAIN_TEST_FAILED}.{stop}", {"rooms": named, "gateway": ", ".join(gateways)}),
        occurred=Occurred(now_ms, now_ms),
        where=where,
        anew=True,
    )
    register.apply(s, request, now_ms)


def passed(s: TenantSession, row: Row[Any], now_ms: int) -> None:
    """A test has come through: what was told of earlier ones of the same resident is over, and of the ward when nobody
    there is left whose last one failed."""
    over = Reason(f"{CHAIN_TEST_FAILED}.passed")
    register.apply(s, ClearRequest(f"resident:{row.resident_id}", CHAIN_TEST_FAILED, over), now_ms)
    known = {"ward_id": row.ward_id, "since_ms": now_ms - REMEMBERED_MS}
    if s.execute(_STILL_FAILING, known).first() is None:
        register.apply(s, ClearRequest(f"ward:{row.ward_id}", CHAIN_TEST_FAILED, over), now_ms)


def ensure(s: TenantSession, now_ms: int) -> None:
    """A deadline that lies too far ahead was written while the centre's own clock was wrong: look at it now."""
    s.execute(_AHEAD, {"now_ms": now_ms, "ahead_ms": now_ms + 2 * steps.TAP_LIMIT_MS})
