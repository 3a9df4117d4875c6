"""A gateway that is not heard any more, or only now and then. Serves arrow 7.

Owns its deadline among the wake rows: its data must be complete to within a minute, else one alarm names the rooms
that nothing is known of. What the rooms show follows the truth at once, both ways; the alarm of a line that comes and
goes stands until the line has held. Must not know residents' rules, or HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, select

from nattevakt.central import technical, wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import RaiseRequest, Where
from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.completeness import GATEWAY_SILENT, GRACE, LAG_MS
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.tables import device_states, gateways, placements, rooms, stays, streams
from nattevakt.central.tables import devices as device_rows
from nattevakt.central.watching import LOOK_AGAIN_MS, over, recall, remember
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import Occurred, Reason

ANEW_MS = 1_800_000
"""A gateway that was well for so long is not the old fault: who has the old alarm must hear of the new one. One that
falls silent sooner has a line that comes and goes."""
BACK_MS = 600_000
"""For so long a gateway whose line comes and goes must have been back before its alarm ends by itself."""
ROOMS_NAMED_MAX = 30

_FIRST = (
    select(func.min(streams.c.first_heartbeat_ms))
    .where(streams.c.tenant_id == TENANT, streams.c.gateway_id == bindparam("gateway_id"))
    .scalar_subquery()
)
_GATEWAY = select(
    gateways.c.ward_id,
    gateways.c.name,
    gateways.c.revoked_ms,
    gateways.c.last_heartbeat_ms,
    gateways.c.complete_to_ms,
    _FIRST.label("first_ms"),
    GRACE.label("grace_ms"),
).where(gateways.c.tenant_id == TENANT, gateways.c.id == bindparam("gateway_id"))


def look(s: TenantSession, _tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
    """A gateway's deadline has come: raise its alarm, end it, or look again when it may have fallen behind."""
    # What the rooms show is the state: since_ms while it is silent, over_ms once it is back. unstable: its line comes
    # and goes, and its alarm stands until it has been back for BACK_MS.
    gateway_id = int(wake.subject.partition(":")[2])
    state = recall(s, wake)
    if wakes.take(s, wake, now_ms) is None:
        return
    silent = "since_ms" in state
    row = s.execute(_GATEWAY, {"gateway_id": gateway_id}).one_or_none()
    if row is None or row.revoked_ms is not None:
        wakes.arm(s, wake.subject, wake.rule, None)
        if row is not None and (silent or "unstable" in state):
            over(s, wake, "gateway_silent.revoked", {"gateway": row.name}, now_ms)
            remember(s, wake, {})
        return
    limit_ms = stretched(LAG_MS, pace)
    heard_to_ms = row.complete_to_ms if row.complete_to_ms is not None else (row.first_ms or wake.wake_at_ms)
    # The centre's own absence delays an alarm. It never ends one: only data does.
    from_ms = heard_to_ms if silent else max(heard_to_ms, min(row.grace_ms or 0, now_ms))
    if now_ms < from_ms + limit_ms:
        _gateway_is_well(s, wake, state, row, heard_to_ms, now_ms, pace)
        wakes.arm(s, wake.subject, wake.rule, from_ms + limit_ms)
        return
    if not silent:
        well_ms = now_ms - state["over_ms"] if "over_ms" in state else None
        unstable = well_ms is not None and well_ms < ANEW_MS
        anew = well_ms is not None and well_ms >= ANEW_MS
        _gateway_alarm(s, wake, gateway_id, row, now_ms, limit_ms, anew=anew, unstable=unstable)
        remember(s, wake, {"since_ms": heard_to_ms, **({"unstable": 1} if unstable else {})})
    elif technical.told_again_ms(s, wake.subject, wake.rule, now_ms) <= now_ms:
        _gateway_alarm(s, wake, gateway_id, row, now_ms, limit_ms, anew=False, unstable="unstable" in state)
    # Looked at again when the data has caught up with this moment, and now and then in any case.
    again_ms = min(now_ms + LOOK_AGAIN_MS, technical.told_again_ms(s, wake.subject, wake.rule, now_ms))
    wakes.arm(s, wake.subject, wake.rule, now_ms)
    wakes.wait(s, wakes.Wake(wake.subject, wake.rule, now_ms), gateway_id, again_ms)


def _gateway_is_well(
    s: TenantSession,
    wake: wakes.Wake,
    state: Mapping[str, int],
    row: Row[Any],
    heard_to_ms: int,
    now_ms: int,
    pace: float,
) -> None:
    """It is in contact. What it serves is known from now on; its alarm ends now, or once its line has held."""
    unstable, over_ms = "unstable" in state, min(state.get("over_ms", now_ms), now_ms)
    if "since_ms" in state:
        if not unstable:
            over(s, wake, "gateway_silent.over", {"gateway": row.name}, now_ms)
        remember(s, wake, {"over_ms": now_ms, **({"unstable": 1} if unstable else {})})
    elif unstable and heard_to_ms - over_ms >= stretched(BACK_MS, pace):
        over(s, wake, "gateway_silent.over", {"gateway": row.name}, now_ms)
        remember(s, wake, {"over_ms": over_ms})
    elif over_ms < state.get("over_ms", now_ms):
        remember(s, wake, {**state, "over_ms": over_ms})  # the centre's own clock was ahead


def _gateway_alarm(
    s: TenantSession,
    wake: wakes.Wake,
    gateway_id: int,
    row: Row[Any],
    now_ms: int,
    limit_ms: int,
    *,
    anew: bool,
    unstable: bool,
) -> None:
    numbers, residents = _served(s, gateway_id, now_ms)
    named = _named(numbers)
    # It speaks, but what it tells does not become complete: another fault, and another place to look for it.
    # Half the limit, because a line that is cut leaves data that ended with the last heartbeat or one before it.
    speaks = row.last_heartbeat_ms is not None and now_ms - row.last_heartbeat_ms < limit_ms // 2
    code = "gateway_silent.behind" if speaks else GATEWAY_SILENT
    if unstable:
        code = "gateway_silent.unstable"  # its words hold also while it is back
    request = RaiseRequest(
        subject=wake.subject,
        rule=wake.rule,
        kind=GATEWAY_SILENT,
        priority=KINDS[GATEWAY_SILENT].priority,
        reason=Reason(
            code if numbers else f"{code}.empty", {"gateway": row.name, "rooms": named, "residents": residents}
        ),
        occurred=Occurred(now_ms, now_ms),
        where=Where(row.ward_id, place=row.name),
        anew=anew,
    )
    register.apply(s, request, now_ms)


_SERVED = (
    select(rooms.c.number, stays.c.resident_id)
    .distinct()
    .select_from(device_rows)
    .outerjoin(
        device_states,
        # By the whole key: without the gateway, each device would look through all that any gateway has ever heard.
        and_(
            device_states.c.tenant_id == device_rows.c.tenant_id,
            device_states.c.gateway_id == bindparam("gateway_id"),
            device_states.c.address == device_rows.c.address,
        ),
    )
    .join(
        placements,
        and_(placements.c.tenant_id == device_rows.c.tenant_id, placements.c.device_id == device_rows.c.id),
    )
    .join(rooms, and_(rooms.c.tenant_id == placements.c.tenant_id, rooms.c.id == placements.c.room_id))
    .outerjoin(
        stays,
        and_(
            stays.c.tenant_id == rooms.c.tenant_id,
            stays.c.room_id == rooms.c.id,
            in_force(stays, "now_ms"),
        ),
    )
    .where(
        device_rows.c.tenant_id == TENANT,
        func.coalesce(device_rows.c.gateway_id, device_states.c.gateway_id) == bindparam("gateway_id"),
        in_force(placements, "now_ms"),
    )
)


def _served(s: TenantSession, gateway_id: int, now_ms: int) -> tuple[list[str], int]:
    """Numbers of the rooms whose devices speak through a gateway, mute ones too, and how many live there."""
    rows = s.execute(_SERVED, {"gateway_id": gateway_id, "now_ms": now_ms}).all()
    numbers = sorted({row.number for row in rows}, key=lambda number: (len(number), number))
    return numbers, len({row.resident_id for row in rows if row.resident_id is not None})


def rooms_named(s: TenantSession, gateway_id: int, now_ms: int) -> str:
    """The rooms that a gateway serves, as an alarm names them; "" where it serves none."""
    return _named(_served(s, gateway_id, now_ms)[0])


def _named(numbers: Sequence[str]) -> str:
    return ", ".join(numbers[:ROOMS_NAMED_MAX]) + (" …" if len(numbers) > ROOMS_NAMED_MAX else "")
