"""Whether the roads beyond the tablets work, and who hears of it where one does not. Serves arrows 8 and 9.

Owns the rows of `channel_health` and the alarm `channel_down`. A road is down where it has failed for five minutes
without working in between, where its other side says that nothing of ours will be taken, or where something has waited
for five minutes. It is up again when it has worked. Must not know how anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from nattevakt.central.alarms import register
from nattevakt.central.alarms.requests import ClearRequest, RaiseRequest, Where
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import sendings
from nattevakt.central.technical import TOLD_AGAIN_MS
from nattevakt.edge.rules.rule import Occurred, Priority, Reason

CHANNEL_DOWN = "channel_down"
"""The kind and the rule of the alarm; its subject is "channel:<road>"."""
DOWN_MS = 300_000
"""So long a road may fail before somebody hears of it."""
NOT_SET_UP = "not_set_up"
"""Somebody is to be told by a road that this centre does not have."""

_OK = text(
    "INSERT INTO channel_health (tenant_id, channel, ok_ms, failures) VALUES (:tenant, :road, :now_ms, 0) "
    "ON CONFLICT (tenant_id, channel) DO UPDATE SET ok_ms = excluded.ok_ms, since_ms = NULL, failures = 0, "
    "reason = NULL"
)
_FAILED = text(
    "INSERT INTO channel_health (tenant_id, channel, failed_ms, since_ms, failures, reason) "
    "VALUES (:tenant, :road, :now_ms, :now_ms, 1, :reason) ON CONFLICT (tenant_id, channel) DO UPDATE SET "
    "failed_ms = excluded.failed_ms, since_ms = coalesce(channel_health.since_ms, excluded.since_ms), "
    "failures = channel_health.failures + 1, reason = excluded.reason"
)
_ALL = text(
    "SELECT channel, ok_ms, failed_ms, since_ms, failures, reason FROM channel_health WHERE tenant_id = :tenant "
    "ORDER BY channel"
)
_ALARMS = text(
    "SELECT subject, max(CASE WHEN closed_ms IS NULL THEN 1 ELSE 0 END) AS is_open, max(closed_ms) AS ended_ms "
    "FROM alarms WHERE tenant_id = :tenant AND rule = 'channel_down' GROUP BY subject"
)
# The ward whose alarm could not be told by this road last; else any.
_WARD = text(
    "SELECT found.ward_id, v.name FROM (SELECT a.ward_id, 0 AS place, x.id FROM sendings x "
    "JOIN alarms a ON a.tenant_id = x.tenant_id AND a.id = x.alarm_id WHERE x.tenant_id = :tenant "
    "AND (x.channel = :road OR x.target = :road) AND x.sent_ms IS NULL "
    "UNION ALL SELECT w.id, 1, -w.id FROM wards w WHERE w.tenant_id = :tenant) found "
    "JOIN wards v ON v.tenant_id = :tenant AND v.id = found.ward_id ORDER BY found.place, found.id DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Health:
    """One road. since_ms: of the first failure since it last worked, None while it works. failures: how many since.

    waiting: what is before it; oldest_ms: since when the oldest of that waits.
    """

    road: str
    ok_ms: int | None = None
    failed_ms: int | None = None
    since_ms: int | None = None
    failures: int = 0
    reason: str | None = None
    waiting: int = 0
    oldest_ms: int | None = None


def worked(s: TenantSession, road: str, now_ms: int) -> None:
    """The other side took a message."""
    s.execute(_OK, {"road": road, "now_ms": now_ms})


def failed(s: TenantSession, road: str, reason: str, now_ms: int) -> None:
    """A message did not go out by this road."""
    s.execute(_FAILED, {"road": road, "reason": reason, "now_ms": now_ms})


def of_all(s: TenantSession, roads: tuple[str, ...], now_ms: int) -> list[Health]:
    """How each road is: those named here, and whatever else has been used or is asked for. Sirens are not among
    them: what they say for themselves stands elsewhere."""
    rows = {row.channel: row for row in s.execute(_ALL)}
    waits = {road: at for road, at in sendings.waiting(s, now_ms).items() if not road.startswith(sendings.SIREN)}
    # What failed for want of a road says nothing of one that is there now.
    rows = {road: row for road, row in rows.items() if row.reason != NOT_SET_UP or road not in roads}
    return [_health(road, rows.get(road), waits.get(road)) for road in dict.fromkeys((*roads, *rows, *sorted(waits)))]


def _health(road: str, row: Row[Any] | None, waits: sendings.Waiting | None) -> Health:
    count, oldest_ms = (waits.count, waits.oldest_ms) if waits is not None else (0, None)
    if row is None:
        return Health(road, waiting=count, oldest_ms=oldest_ms)
    return Health(
        road, row.ok_ms, row.failed_ms, row.since_ms, int(row.failures), row.reason, waiting=count, oldest_ms=oldest_ms
    )


def is_down(health: Health, now_ms: int, *, lasting: bool = False) -> bool:
    """Whether somebody must hear of this road. lasting: its other side has just said that it will take nothing."""
    if health.oldest_ms is not None and now_ms - health.oldest_ms >= DOWN_MS:
        return True
    if health.since_ms is None or health.failed_ms is None:
        return False
    return lasting or health.reason == NOT_SET_UP or health.failed_ms - health.since_ms >= DOWN_MS


def judge(
    s: TenantSession,
    healths: list[Health],
    now_ms: int,
    only_road: str = "",
    lasting: frozenset[str] = frozenset(),
) -> None:
    """Raise the alarm of each road that is down, and clear that of each that works.

    only_road: the one road beyond the tablets that this tenant has, "" where there are more, or none: without it
    nobody outside of the wards is told of anything.
    """
    for health, is_over in to_do(s, healths, now_ms, lasting):
        if is_over:
            over = Reason(f"{CHANNEL_DOWN}.over", {"channel": health.road.partition(":")[2]})
            register.apply(s, ClearRequest(f"channel:{health.road}", CHANNEL_DOWN, over), now_ms)
        else:
            _sound(s, health, now_ms, Priority.MEDIUM if health.road == only_road else Priority.LOW)


def to_do(
    s: TenantSession, healths: list[Health], now_ms: int, lasting: frozenset[str] = frozenset()
) -> list[tuple[Health, bool]]:
    """The roads whose alarm is to be raised, or (True) is over."""
    told = {row.subject: row for row in s.execute(_ALARMS)}
    found: list[tuple[Health, bool]] = []
    for health in healths:
        alarm = told.get(f"channel:{health.road}")
        if is_down(health, now_ms, lasting=health.road in lasting):
            if alarm is None or (not alarm.is_open and _anew(health, alarm.ended_ms, now_ms)):
                found.append((health, False))
        elif alarm is not None and alarm.is_open and health.since_ms is None:
            found.append((health, True))
    return found


def _anew(health: Health, ended_ms: int, now_ms: int) -> bool:
    """Whether a road whose alarm was ended has failed since, and long enough after."""
    if now_ms - ended_ms < TOLD_AGAIN_MS:
        return False
    return health.oldest_ms is not None or (health.failed_ms is not None and health.failed_ms > ended_ms)


def _sound(s: TenantSession, health: Health, now_ms: int, priority: Priority) -> None:
    ward = s.execute(_WARD, {"road": health.road}).first()
    if ward is None:
        return  # a tenant without a ward has nobody who would read it
    channel, _, key = health.road.partition(":")
    reason = Reason(f"{CHANNEL_DOWN}.{channel}", {"channel": key, "why": health.reason or "waits"})
    at = Occurred(now_ms, now_ms)
    where = Where(int(ward.ward_id), place=str(ward.name))
    request = RaiseRequest(f"channel:{health.road}", CHANNEL_DOWN, CHANNEL_DOWN, priority, reason, at, where)
    register.apply(s, request, now_ms)
