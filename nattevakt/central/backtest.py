"""What a proposed plan would have done on past nights, beside what really happened. Serves no arrow; it only reads.

Owns the comparison by night. It is told as if every event had been heard the moment it happened, no pause had been
made, the plan had had its basis, and the same staff had answered what rang (`past.STAFF_MIN`): so two plans can be
compared. Must not know who asks, or how it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from nattevakt.central.alarms.desk import Rung
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.past import Past, Progress, past, silent, tried
from nattevakt.central.places.places import devices_of, rooms_of
from nattevakt.central.places.plan_lines import Line, check, complete, entries_of
from nattevakt.central.tables import alarm_events, alarms, stays
from nattevakt.edge.rules.rule import Key, Reason
from nattevakt.edge.rules.windows import local_day

__all__ = ("Backtest", "Night", "Raised", "Sound", "Was", "run", "was_of")


@dataclass(frozen=True, slots=True)
class Sound:
    """One time that an alarm would have sounded, and as what."""

    at_ms: int
    kind: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that the plan would have raised. kind, reason: what it ended as. cleared_ms: when it would have cleared
    itself, None where somebody had to go. sounds: each time that it rang, the first included. holds: its events.
    """

    at_ms: int
    rule: str
    kind: str
    reason: Reason
    cleared_ms: int | None
    priority: int
    sounds: tuple[Sound, ...]
    holds: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Was:
    """An alarm that really stood. cause: why it rang, as the person on site saw it; None where nobody has said. action:
    what was done.
    """

    at_ms: int
    kind: str
    state: str
    cause: str | None
    rule: str
    reason: Reason
    sound_seq: int
    taken_ms: int | None
    on_site_ms: int | None
    closed_ms: int | None
    action: str | None
    holds: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Night:
    """From noon of a local day to the next. day: the first, in days since 1970. events: how many the rules saw."""

    day: int
    from_ms: int
    to_ms: int
    raised: tuple[Raised, ...]
    was: tuple[Was, ...]
    events: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """All nights, the oldest first. rules: those of the plan that was tried."""

    nights: tuple[Night, ...]
    rules: tuple[str, ...]

    @property
    def raised(self) -> int:
        """How many alarms the plan would have raised."""
        return sum(len(night.raised) for night in self.nights)

    @property
    def was(self) -> int:
        """How many alarms of the resident really stood, of all kinds."""
        return sum(len(night.was) for night in self.nights)


def run(
    s: TenantSession,
    resident_id: int,
    lines: Sequence[Line],
    nights: int,
    now_ms: int,
    progress: Progress = silent,
) -> Backtest:
    """Try a plan on a resident's last nights. Reads only; the same events give the same answer.

    Raises RejectError where the lines cannot be, there are too many nights (past.NIGHTS_MAX), or too many events.
    """
    check(lines)
    looked = past(s, resident_id, nights, now_ms)
    (alarms_tried,) = tried(s, looked, [entries_of(complete(lines))], progress)
    really = was_of(s, resident_id, looked.from_ms, looked.to_ms)
    return Backtest(_by_night(looked, alarms_tried, really), tuple(dict.fromkeys(line.rule for line in lines)))


def _by_night(looked: Past, alarms_tried: Sequence[Rung], really: Sequence[Was]) -> tuple[Night, ...]:
    return tuple(
        Night(
            local_day(from_ms, looked.time_zone),
            from_ms,
            to_ms,
            tuple(raised_as(alarm) for alarm in alarms_tried if from_ms <= alarm.raised_ms < to_ms),
            tuple(alarm for alarm in really if from_ms <= alarm.at_ms < to_ms),
            counted,
        )
        for from_ms, to_ms, counted in zip(looked.begins, looked.begins[1:], looked.counted, strict=False)
    )


def raised_as(alarm: Rung) -> Raised:
    """An alarm of the register in memory, as it is told."""
    sounds = tuple(Sound(heard.at_ms, heard.kind, heard.reason) for heard in alarm.history if heard.sounded)
    holds = frozenset(alarm.holds)
    return Raised(
        alarm.raised_ms, alarm.rule, alarm.kind, alarm.reason, alarm.cleared_ms, alarm.priority, sounds, holds
    )


_WAS = (
    select(alarms)
    .where(
        alarms.c.tenant_id == TENANT,
        alarms.c.subject.in_(bindparam("subjects", expanding=True)),
        alarms.c.raised_ms >= bindparam("from_ms"),
        alarms.c.raised_ms < bindparam("to_ms"),
    )
    .order_by(alarms.c.raised_ms, alarms.c.id)
)
_HOLDS = select(alarm_events).where(
    alarm_events.c.tenant_id == TENANT, alarm_events.c.alarm_id.in_(bindparam("ids", expanding=True))
)
_STAYED = select(stays.c.room_id, stays.c.from_ms, stays.c.to_ms).where(
    stays.c.tenant_id == TENANT, stays.c.resident_id == bindparam("resident_id")
)


def was_of(s: TenantSession, resident_id: int, from_ms: int, to_ms: int) -> tuple[Was, ...]:
    """The alarms about a resident that were raised in a span, also those of a room that was shared then."""
    me = f"resident:{resident_id}"
    rooms, addresses = rooms_of(s, me), devices_of(s, me)
    beds = [f"bed:{room}/{address}" for room in rooms for address in addresses]
    subjects = [me, *(f"room:{room}" for room in rooms), *beds]
    rows = s.execute(_WAS, {"subjects": subjects, "from_ms": from_ms, "to_ms": to_ms}).all()
    stayed = s.execute(_STAYED, {"resident_id": resident_id}).all()
    mine = [
        row
        for row in rows
        if row.subject == me
        or any(
            row.room_id == stay.room_id
            and stay.from_ms <= row.occurred_to_ms
            and (stay.to_ms is None or row.occurred_to_ms < stay.to_ms)
            for stay in stayed
        )
    ]
    holds: dict[int, set[Key]] = {row.id: set() for row in mine}
    for row in s.execute(_HOLDS, {"ids": sorted(holds)}) if holds else ():
        holds[row.alarm_id].add((row.gateway_id, row.stream_id, row.seq, row.variant))
    return tuple(
        Was(
            row.raised_ms,
            row.kind,
            row.state,
            row.cause,
            row.rule,
            Reason(row.reason_code, row.reason_params),
            row.sound_seq,
            row.taken_ms,
            row.on_site_ms,
            row.closed_ms,
            row.action,
            frozenset(holds[row.id]),
        )
        for row in mine
    )
