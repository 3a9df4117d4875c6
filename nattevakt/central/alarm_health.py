"""How well the alarms serve: how many, how many were of use, who was disturbed, by week. Serves no arrow; only reads.

Owns the count. Must not know how it is shown, or what makes an alarm useful (alarm_use.py). What would help is
`suggestion`, from alarm_advice.py.

An alarm that cleared itself before anybody came, and one that is open, is neither useful nor useless: nobody has said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Row, bindparam, select, text

from nattevakt.central.alarm_advice import Suggestion, suggestion
from nattevakt.central.alarm_use import useful
from nattevakt.central.alarms.kinds import is_technical
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import alarm_events, alarms, events, transitions
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.windows import DAY_MINUTES, Window, inside, local_day, next_at_ms

__all__ = ("Count", "Health", "Suggestion", "suggestion", "week")

WEEKS_MAX = 26
NIGHT = Window(22 * 60, 7 * 60)
"""When whoever is called to an alarm is disturbed for it: the hours of the night shift."""


@dataclass(slots=True)
class Count:
    """Alarms of one rule: all, and those of which somebody has said that they were of use or not."""

    alarms: int = 0
    useful: int = 0
    useless: int = 0

    @property
    def share(self) -> float | None:
        """The share that was of use, 0 to 1, of those of which it is known."""
        judged = self.useful + self.useless
        return self.useful / judged if judged else None


@dataclass(slots=True)
class Health:
    """One ISO week of a ward, or of one resident of it (ward's alarms in shared rooms are in the ward's alone).

    total: alarms about residents; technical: about the installation, counted apart. cleared: explained away before
    anybody took them. repeated: rang more than once. nights: local days (since 1970) of whose night an alarm rang in.
    taken_s: for each that was taken, how long it rang first.
    """

    year: int
    week: int
    ward_id: int
    resident_id: int | None
    total: Count = field(default_factory=Count)
    technical: int = 0
    cleared: int = 0
    repeated: int = 0
    by_rule: dict[str, Count] = field(default_factory=dict)
    by_sensor: Counter[str] = field(default_factory=Counter)
    nights: set[int] = field(default_factory=set)
    taken_s: list[float] = field(default_factory=list)

    @property
    def nights_woken(self) -> int:
        """In how many nights (22 to 07) somebody was disturbed."""
        return len(self.nights)

    @property
    def median_taken_s(self) -> float | None:
        """How long half of those that were taken rang at most, in seconds."""
        return median(self.taken_s) if self.taken_s else None


_ZONE = text("SELECT time_zone FROM tenants WHERE id = :tenant")
_SPAN = (alarms.c.raised_ms >= bindparam("from_ms"), alarms.c.raised_ms < bindparam("to_ms"))
_ALARMS = select(alarms).where(alarms.c.tenant_id == TENANT, *_SPAN).order_by(alarms.c.id)
_SOUNDS = (
    select(transitions.c.alarm_id, transitions.c.at_ms)
    .join(alarms, (alarms.c.tenant_id == transitions.c.tenant_id) & (alarms.c.id == transitions.c.alarm_id))
    .where(transitions.c.tenant_id == TENANT, *_SPAN, transitions.c.cause.in_(("raise", "sound")))
)
_DEVICES = (
    select(alarm_events.c.alarm_id, events.c.device)
    .join(alarms, (alarms.c.tenant_id == alarm_events.c.tenant_id) & (alarms.c.id == alarm_events.c.alarm_id))
    .join(
        events,
        (events.c.tenant_id == alarm_events.c.tenant_id)
        & (events.c.gateway_id == alarm_events.c.gateway_id)
        & (events.c.stream_id == alarm_events.c.stream_id)
        & (events.c.seq == alarm_events.c.seq)
        & (events.c.variant == alarm_events.c.variant),
    )
    .where(alarm_events.c.tenant_id == TENANT, *_SPAN)
    .distinct()
)


def week(
    s: TenantSession, now_ms: int, weeks: int = 4, *, resident_id: int | None = None, ward_id: int | None = None
) -> list[Health]:
    """The last ISO weeks, this one included, the oldest first: each ward's row, then its residents'.

    resident_id: only of this resident. ward_id: only this ward and its residents. Raises RejectError for too many.
    """
    if not 1 <= weeks <= WEEKS_MAX:
        raise RejectError("weeks", f"must be from 1 to {WEEKS_MAX}")
    zone = str(s.execute(_ZONE).scalar_one())
    span = {"from_ms": monday_ms(now_ms, weeks - 1, zone), "to_ms": now_ms + 1}
    rows = [
        row
        for row in s.execute(_ALARMS, span)
        if (resident_id is None or row.resident_id == resident_id) and (ward_id is None or row.ward_id == ward_id)
    ]
    sounds, devices = _by_alarm(s.execute(_SOUNDS, span)), _by_alarm(s.execute(_DEVICES, span))
    found: dict[tuple[int, int, int, int], Health] = {}
    for row in rows:
        year, number, _ = _date(local_day(row.raised_ms, zone)).isocalendar()
        of = [None] if resident_id is None else []
        for who in [*of, *([row.resident_id] if row.resident_id is not None else [])]:
            key = (year, number, row.ward_id, who or 0)
            health = found.setdefault(key, Health(year, number, row.ward_id, who))
            _add(health, row, sounds.get(row.id, ()), devices.get(row.id, ()), zone)
    return [found[key] for key in sorted(found)]


def monday_ms(now_ms: int, weeks_back: int, zone: str) -> int:
    """When the local ISO week began that lies so many weeks back."""
    today = local_day(now_ms, zone)
    monday = today - _date(today).weekday() - 7 * weeks_back
    # Local midnight of that day, whatever the clocks did since: looked for from the middle of the day before.
    return next_at_ms(0, (monday * DAY_MINUTES - DAY_MINUTES // 2) * 60_000, zone)


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _by_alarm(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row[1])
    return found


def _add(health: Health, row: Row[Any], sounds: Iterable[int], devices: Iterable[str | None], zone: str) -> None:
    if is_technical(row.kind):
        health.technical += 1
        return
    said = useful(row.kind, row.cause, row.action)
    for count in (health.total, health.by_rule.setdefault(row.rule, Count())):
        count.alarms += 1
        count.useful += said is True
        count.useless += said is False
    health.cleared += row.state == State.CLEARED.value
    health.repeated += row.sound_seq > 1
    health.by_sensor.update(device for device in devices if device is not None)
    for at_ms in sounds:
        if inside(NIGHT, at_ms, zone):
            # The night of a day is the one that begins on it.
            health.nights.add(local_day(at_ms - 12 * 3_600_000, zone))
    if row.taken_ms is not None:
        health.taken_s.append((row.taken_ms - row.raised_ms) / 1000)
