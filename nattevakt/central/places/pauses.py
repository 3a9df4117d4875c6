"""A plan, or one rule of it, held back for a while by somebody, for a reason. Serves arrow 7.

Owns the rows of `pauses`. Nobody who comes on duty inherits a pause without knowing it: none lasts beyond the next
change of shift, where it may be made anew. Must not know what is held back; facts are followed all the same, and
what came due is judged when the pause is over. Calls, falls and leaks know no pause.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, text, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places import plans
from nattevakt.central.tables_plans import pauses
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.catalogue import BY_NAME
from nattevakt.edge.rules.windows import next_at_ms

SHIFT_MINUTES = (7 * 60, 15 * 60, 22 * 60)
"""When shifts change on a Norwegian nursing home's ward: day about 07:00 to 15:00, evening to 22:00, then night
(docs/decisions/0019)."""
REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause. rule: None for all rules of the plan."""

    id: int
    resident_id: int
    rule: str | None
    from_ms: int
    to_ms: int
    reason: str
    staff_id: int | None


_IN_FORCE = (
    select(pauses)
    .where(
        pauses.c.tenant_id == TENANT,
        pauses.c.resident_id.in_(bindparam("residents", expanding=True)),
        pauses.c.from_ms <= bindparam("now_ms"),
        pauses.c.to_ms > bindparam("now_ms"),
        or_(pauses.c.ended_ms.is_(None), pauses.c.ended_ms > bindparam("now_ms")),
    )
    .order_by(pauses.c.id)
)
_ONE = select(pauses).where(pauses.c.tenant_id == TENANT, pauses.c.id == bindparam("pause_id"))
_END = update(pauses).where(
    pauses.c.tenant_id == TENANT, pauses.c.id == bindparam("pause_id"), pauses.c.ended_ms.is_(None)
)
_ALL = (
    select(pauses)
    .where(pauses.c.tenant_id == TENANT, pauses.c.resident_id == bindparam("resident_id"))
    .order_by(pauses.c.id.desc())
)
_ZONE = text("SELECT time_zone FROM tenants WHERE id = :tenant")


def most_ms(now_ms: int, time_zone: str) -> int:
    """Until when a pause that begins now may last: the next change of shift."""
    return min(next_at_ms(minute, now_ms, time_zone) for minute in SHIFT_MINUTES)


def begin(
    s: TenantSession, resident_id: int, rule: str | None, to_ms: int, reason: str, staff_id: int | None, now_ms: int
) -> int:
    """Hold a resident's plan, or one rule of it, back from now on. Gives the pause's id.

    Raises RejectError: no such rule in the plan, no reason, or an end that is past or beyond the change of shift.
    """
    plan = plans.current(s, resident_id)
    if plan is None or plan.ended_ms is not None:
        raise RejectError("resident_id", "has no plan to pause")
    if rule is not None and (rule not in BY_NAME or rule not in plan.entries):
        raise RejectError("rule", "not in the plan; choose one of " + ", ".join(sorted(plan.entries)))
    if not reason.strip():
        raise RejectError("reason", "say why it is paused")
    if len(reason) > REASON_MAX:
        raise RejectError("reason", f"longer than {REASON_MAX} characters")
    if to_ms <= now_ms:
        raise RejectError("to_ms", "the end of the pause must lie ahead")
    time_zone = str(s.execute(_ZONE).scalar_one())
    if to_ms > most_ms(now_ms, time_zone):
        raise RejectError(
            "to_ms", "no pause lasts beyond the next change of shift: choose an earlier end, renew it then"
        )
    number = s.insert(
        pauses,
        resident_id=resident_id,
        rule=rule,
        from_ms=now_ms,
        to_ms=to_ms,
        reason=reason,
        staff_id=staff_id,
        ended_ms=None,
        ended_by=None,
    )
    s.changed()
    return number


def end(s: TenantSession, pause_id: int, staff_id: int | None, now_ms: int) -> bool:
    """End a pause before its time; what came due meanwhile is looked at at once. False where it was over already.

    Raises RejectError where there is none with this id.
    """
    row = s.execute(_ONE, {"pause_id": pause_id}).one_or_none()
    if row is None:
        raise RejectError("pause_id", "no such pause")
    if (
        row.to_ms <= now_ms
        or s.execute(_END, {"pause_id": pause_id, "ended_ms": now_ms, "ended_by": staff_id}).rowcount != 1
    ):
        return False
    plans.rearm(s, int(row.resident_id), now_ms)
    s.changed()
    return True


def in_force(s: TenantSession, ids: Iterable[int], now_ms: int) -> dict[int, tuple[Pause, ...]]:
    """The pauses that hold back something of these residents now."""
    wanted = sorted(set(ids))
    found: dict[int, tuple[Pause, ...]] = {}
    for row in s.execute(_IN_FORCE, {"residents": wanted, "now_ms": now_ms}) if wanted else ():
        found[row.resident_id] = (*found.get(row.resident_id, ()), pause_of(row))
    return found


def pause_of(row: Any) -> Pause:
    """A pause from its row."""
    return Pause(
        int(row.id),
        int(row.resident_id),
        row.rule,
        int(row.from_ms),
        int(row.to_ms),
        row.reason,
        row.staff_id,
    )


def history(s: TenantSession, resident_id: int) -> list[Row[Any]]:
    """All rows of a resident's pauses, the newest first."""
    return list(s.execute(_ALL, {"resident_id": resident_id}).all())
