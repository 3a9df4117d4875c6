"""Who watches the watchers: gateways and devices that are not heard any more. Serves arrow 7.

Owns that each of them has a deadline among the wake rows, and what a device's means: a device that reports by itself
must be heard within three of its intervals, but only while everything between it and the centre works. A gateway's is
looked at by gateway_silence.py. Must not know residents' rules, or HTTP.

Deadlines are not moved with every sign of life. A handler that finds its subject well arms the next moment at which
it might not be; so heartbeats and events cost nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import Row, and_, bindparam, select, text

from nattevakt.central import completeness, devices, states, technical, wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import ClearRequest, RaiseRequest, Where
from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.completeness import GATEWAY_SILENT, LAG_MS
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.devices import DEVICE_SILENT
from nattevakt.central.tables import device_states, gateways, placements, rooms, streams
from nattevakt.central.tables import devices as device_rows
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import Occurred, Reason

_log = structlog.get_logger("nattevakt.watching")

INTERVALS_MISSED = 3
DEVICE_LEAST_MS = 600_000
"""No device is called silent sooner, however often it reports."""
LOOK_AGAIN_MS = 600_000
"""What waits for a gateway is looked at this often all the same: its key may have been withdrawn meanwhile."""


def expect_gateway(s: TenantSession, gateway_id: int, now_ms: int) -> None:
    """Begin to watch a gateway: it has been heard for the first time."""
    wakes.arm(s, f"gateway:{gateway_id}", GATEWAY_SILENT, now_ms)


def expect_device(s: TenantSession, address: str, now_ms: int) -> None:
    """Begin to watch a device, or look at it anew because its interval, class or place was changed.

    Harmless for any device at any time: one that is mute, of no known interval or hangs nowhere is let go again.
    """
    wakes.arm(s, f"device:{address}", DEVICE_SILENT, now_ms)


_MISSING = (
    text(
        "INSERT INTO wake_rows (tenant_id, subject, rule, wake_at_ms) "
        "SELECT g.tenant_id, 'gateway:' || g.id, :rule, :now_ms FROM gateways g WHERE g.tenant_id = :tenant "
        "AND g.last_heartbeat_ms IS NOT NULL AND g.revoked_ms IS NULL AND NOT EXISTS (SELECT 1 FROM wake_rows w "
        "WHERE w.tenant_id = :tenant AND w.subject = 'gateway:' || g.id AND w.rule = :rule) ON CONFLICT DO NOTHING"
    ),
    text(
        "INSERT INTO wake_rows (tenant_id, subject, rule, wake_at_ms) "
        "SELECT DISTINCT d.tenant_id, 'device:' || d.address, :rule, :now_ms FROM devices d JOIN placements p "
        "ON p.tenant_id = d.tenant_id AND p.device_id = d.id AND p.to_ms IS NULL WHERE d.tenant_id = :tenant "
        "AND d.interval_s IS NOT NULL AND NOT d.mute AND NOT EXISTS (SELECT 1 FROM wake_rows w "
        "WHERE w.tenant_id = :tenant AND w.subject = 'device:' || d.address AND w.rule = :rule) ON CONFLICT DO NOTHING"
    ),
)

_AHEAD = (
    text("UPDATE gateways SET complete_to_ms = :now_ms WHERE tenant_id = :tenant AND complete_to_ms > :ahead_ms"),
    text(
        "UPDATE wake_rows SET wake_at_ms = :now_ms, look_ms = NULL "
        "WHERE tenant_id = :tenant AND rule = :rule AND (wake_at_ms > :ahead_ms OR look_ms > :ahead_ms)"
    ),
)
AHEAD_MS = 1_200_000
"""A gateway's deadline that lies so far ahead was written while the centre's own clock was wrong."""


def ensure(s: TenantSession, now_ms: int) -> int:
    """Watch every gateway and device that ought to be watched and is not; gives how many that were.

    What watches must itself not be lost: a row that is gone (an older version, a restore) comes back here, and one
    that lies hours ahead because the centre's clock was set back is looked at now.
    """
    s.execute(_AHEAD[0], {"now_ms": now_ms, "ahead_ms": now_ms + LAG_MS})
    s.execute(_AHEAD[1], {"now_ms": now_ms, "ahead_ms": now_ms + AHEAD_MS, "rule": GATEWAY_SILENT})
    named = zip(_MISSING, (GATEWAY_SILENT, DEVICE_SILENT), strict=True)
    return sum(s.execute(statement, {"rule": rule, "now_ms": now_ms}).rowcount for statement, rule in named)


# --- a rule's memory -----------------------------------------------------------------------------------------


def recall(s: TenantSession, wake: wakes.Wake) -> dict[str, Any]:
    """What the rule remembers of its subject, locked until the transaction ends."""
    return dict(states.lock(s, wake.subject, wake.rule))


def remember(s: TenantSession, wake: wakes.Wake, state: Mapping[str, int]) -> None:
    """Keep this instead; tablets look at how it stands. since_ms: its subject is silent, since then."""
    states.keep(s, wake.subject, wake.rule, state)
    s.changed()
    _log.info("watched", subject=wake.subject, rule=wake.rule, silent="since_ms" in state)


def over(s: TenantSession, wake: wakes.Wake, code: str, params: Mapping[str, str | int], now_ms: int) -> None:
    """End the subject's alarm, or leave a note for whoever has it."""
    register.apply(s, ClearRequest(wake.subject, wake.rule, Reason(code, params)), now_ms)


# --- devices -------------------------------------------------------------------------------------------------

_DEVICE = (
    select(
        device_rows.c.name,
        device_rows.c.mute,
        device_rows.c.interval_s,
        device_rows.c.gateway_id,
        placements.c.room_id,
        placements.c.spot,
        rooms.c.ward_id,
    )
    .select_from(device_rows)
    .join(
        placements,
        and_(placements.c.tenant_id == device_rows.c.tenant_id, placements.c.device_id == device_rows.c.id),
    )
    .join(rooms, and_(rooms.c.tenant_id == placements.c.tenant_id, rooms.c.id == placements.c.room_id))
    .where(
        device_rows.c.tenant_id == TENANT,
        device_rows.c.address == bindparam("address"),
        in_force(placements, "now_ms"),
    )
    .order_by(placements.c.from_ms.desc(), placements.c.id.desc())
    .limit(1)
)
_HEARD = select(
    device_states.c.gateway_id,
    device_states.c.last_heard_ms,
    device_states.c.unknown_reason,
    device_states.c.known_after_ms,
).where(device_states.c.tenant_id == TENANT, device_states.c.address == bindparam("address"))
# A gateway that has just started cannot tell of the time before: the silence of its devices counts from then.
_LISTENING = (
    select(gateways.c.id, gateways.c.last_heartbeat_ms, streams.c.first_heartbeat_ms)
    .select_from(gateways)
    .outerjoin(streams, and_(streams.c.tenant_id == gateways.c.tenant_id, streams.c.id == gateways.c.current_stream_id))
    .where(gateways.c.tenant_id == TENANT, gateways.c.revoked_ms.is_(None))
)
_LISTENING_SOME = _LISTENING.where(gateways.c.id.in_(bindparam("ids", expanding=True)))


def device_silent(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
    """A device's deadline has come: raise its alarm, end it, wait for its gateway, or look again later."""
    address = wake.subject.partition(":")[2]
    state = recall(s, wake)
    if wakes.take(s, wake, now_ms) is None:
        return
    silent = "since_ms" in state
    row = s.execute(_DEVICE, {"address": address, "now_ms": now_ms}).one_or_none()
    if row is None or row.mute or row.interval_s is None:
        wakes.arm(s, wake.subject, wake.rule, None)
        if silent:
            over(s, wake, "device_silent.unwatched", {"device": address}, now_ms)
            remember(s, wake, {})
        return
    heard = s.execute(_HEARD, {"address": address}).all()
    heard_ms = max((one.last_heard_ms or 0 for one in heard), default=0)
    limit_ms = stretched(max(INTERVALS_MISSED * 1000 * row.interval_s, DEVICE_LEAST_MS), pace)
    if silent:
        if heard_ms <= state["since_ms"]:
            again_ms = _told_again_ms(s, tenant, wake, now_ms)
            if again_ms <= now_ms and not _is_explained(s, row, heard):
                _device_alarm(s, wake, row, now_ms, never=not heard_ms)
                again_ms = _told_again_ms(s, tenant, wake, now_ms)
            look_ms = again_ms if again_ms > now_ms else now_ms + LOOK_AGAIN_MS
            wakes.arm(s, wake.subject, wake.rule, min(now_ms + limit_ms, look_ms))
            return
        over(s, wake, "device_silent.over", {"device": _called(row, wake)}, now_ms)
        remember(s, wake, {})
    registered_ms = state.get("from_ms")
    if not heard_ms and registered_ms is None:
        registered_ms = wake.wake_at_ms
        states.keep(s, wake.subject, wake.rule, {"from_ms": registered_ms})
    from_ms, gateway_ids = _listened_from(s, row, heard, heard_ms or registered_ms or 0)
    deadline_ms = from_ms + limit_ms
    lost = any(one.unknown_reason == "source_lost" and one.gateway_id in gateway_ids for one in heard)
    if now_ms < deadline_ms or lost or gateway_ids == NOBODY_YET:
        wakes.arm(s, wake.subject, wake.rule, deadline_ms if now_ms < deadline_ms else now_ms + limit_ms)
        return
    judged = completeness.judged(s, gateway_ids, now_ms)
    if judged.to_ms < deadline_ms and judged.waits_for is not None:
        # Never unconfirmed: while nothing is known of its gateway, that gateway's alarm is the one alarm.
        wakes.arm(s, wake.subject, wake.rule, deadline_ms)
        due = wakes.Wake(wake.subject, wake.rule, deadline_ms)
        wakes.wait(s, due, judged.waits_for, now_ms + LOOK_AGAIN_MS)
        return
    _device_alarm(s, wake, row, now_ms, never=not heard_ms)
    devices.fall_silent(s, address, heard_ms)
    remember(s, wake, {"since_ms": heard_ms})
    wakes.arm(s, wake.subject, wake.rule, now_ms + limit_ms)


def _told_again_ms(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int) -> int:
    def after(ended_ms: int) -> int:
        return technical.at_next_shift(ended_ms, tenant.time_zone)

    return technical.told_again_ms(s, wake.subject, wake.rule, now_ms, after)


def _is_explained(s: TenantSession, row: Row[Any], heard: Sequence[Row[Any]]) -> bool:
    """Whether a gateway or source stands between a silent device and the centre that is itself not heard now: that one
    has an alarm of its own."""
    _, gateway_ids = _listened_from(s, row, heard, 0)
    lost = any(one.unknown_reason == "source_lost" and one.gateway_id in gateway_ids for one in heard)
    return lost or gateway_ids == NOBODY_YET or bool(completeness.outages(s, gateway_ids))


NOBODY_YET = frozenset({0})
"""Stands for the gateway that a device will have: none of the tenant's has ever been heard."""


def _listened_from(
    s: TenantSession, row: Row[Any], heard: Sequence[Row[Any]], heard_ms: int
) -> tuple[int, frozenset[int]]:
    """From when a device's silence counts, and the gateways through which it would have been heard since."""
    its = {int(row.gateway_id)} if row.gateway_id is not None else {int(one.gateway_id) for one in heard}
    listening = s.execute(_LISTENING_SOME, {"ids": sorted(its)}) if its else s.execute(_LISTENING)
    # Whose device it is that nobody has heard yet, nobody knows: then all gateways that are in use must have listened.
    found = [one for one in listening if its or one.last_heartbeat_ms is not None]
    if not its and not found:
        return heard_ms, NOBODY_YET
    gateway_ids = frozenset(int(one.id) for one in found)
    began = [one.first_heartbeat_ms or 0 for one in found]
    heard_again = [one.known_after_ms or 0 for one in heard if one.gateway_id in gateway_ids]
    return max(heard_ms, *began, *heard_again, 0), gateway_ids


def _device_alarm(s: TenantSession, wake: wakes.Wake, row: Row[Any], now_ms: int, *, never: bool) -> None:
    code = "device_silent.never" if never else DEVICE_SILENT
    request = RaiseRequest(
        subject=wake.subject,
        rule=wake.rule,
        kind=DEVICE_SILENT,
        priority=KINDS[DEVICE_SILENT].priority,
        reason=Reason(code, {"device": _called(row, wake)}),
        occurred=Occurred(now_ms, now_ms),
        where=Where(row.ward_id, row.room_id, place=row.spot),
    )
    register.apply(s, request, now_ms)


def _called(row: Row[Any], wake: wakes.Wake) -> str:
    """What staff call a device; one without a name of its own by where it hangs."""
    address = wake.subject.partition(":")[2]
    return f"{row.spot} ({address})" if row.name == address and row.spot else str(row.name)
