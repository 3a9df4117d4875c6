"""An alarm that nobody has goes on to the next who can help. Serves arrow 8.

Owns what is written at each step of an alarm's way: its row, its history, the wards that it rings in besides its own,
and what the ledger is asked to send; and the wake row by which the next step is found (subject "alarm:<id>", rule
"escalation"). Who is next and when is decided in notify/escalation.py, whom that reaches in notify/reach.py. Must not
know what rings or why, nor how a notice travels.

Nothing of it lives in memory. The alarm's row is always locked before its wake row.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, or_, select, text

from nattevakt.central import wakes
from nattevakt.central.alarms.history import by_id, swap, write
from nattevakt.central.alarms.lifecycle import UNTAKEN, Move, State, after
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.notify import outbox, routing_rows, sendings
from nattevakt.central.notify.escalation import Decision, Standing, Why, decide, first_look_ms
from nattevakt.central.notify.reach import Reached, Whereabouts, reached
from nattevakt.central.notify.routing import BUILT_IN, QUIET, Chain, Routing, chain_of
from nattevakt.central.notify.shifts import shift_of
from nattevakt.central.tables import alarms, notices, wake_rows
from nattevakt.central.tables_duty import alarm_wards
from nattevakt.central.tables_duty import sendings as sending_rows
from nattevakt.edge.rules.rule import Priority

RULE = "escalation"
"""The rule of the wake row of an alarm that nobody has."""
AHEAD_MS = 2 * 3_600_000
"""No step is further ahead than this; what is was reckoned by a clock that was wrong."""
SLACK_MS = 60_000
LOOK_MOST_MS = 2 * 60_000
"""Sooner than this the sweep tries again what has failed; what waits for longer was put off by a wrong clock."""

_ZONE = text("SELECT time_zone FROM tenants WHERE id = :tenant")
_LOCKED = (
    select(alarms)
    .where(alarms.c.tenant_id == TENANT, alarms.c.id == bindparam("alarm_id"))
    .with_for_update(skip_locked=True)
)
_SHOWN = (
    select(notices.c.id)
    .where(
        notices.c.tenant_id == TENANT,
        notices.c.alarm_id == bindparam("alarm_id"),
        notices.c.sound_seq == bindparam("sound_seq"),
        notices.c.shown_ms.is_not(None),
    )
    .limit(1)
)
_SENDINGS = select(sending_rows.c.state).where(
    sending_rows.c.tenant_id == TENANT,
    sending_rows.c.alarm_id == bindparam("alarm_id"),
    sending_rows.c.sound_seq == bindparam("sound_seq"),
    sending_rows.c.step == bindparam("step"),
)
_UNTAKEN = alarms.c.closed_ms.is_(None) & alarms.c.state.in_([state.value for state in UNTAKEN])
_WATCHED = select(wake_rows.c.rule).where(
    wake_rows.c.tenant_id == TENANT,
    wake_rows.c.subject == "alarm:" + alarms.c.id.cast(wake_rows.c.subject.type),
    wake_rows.c.rule == RULE,
)
_AHEAD = or_(wake_rows.c.wake_at_ms > bindparam("latest_ms"), wake_rows.c.look_ms > bindparam("look_ms"))
_STRAY = select(alarms.c.id).where(
    alarms.c.tenant_id == TENANT,
    _UNTAKEN,
    or_(
        alarms.c.step.is_(None),
        # Its last step was taken by a clock that has been set back since.
        (alarms.c.step_ms > bindparam("ahead_ms")) & _WATCHED.exists(),
        _WATCHED.where(_AHEAD).exists(),
        (alarms.c.priority < int(Priority.LOW)) & ~_WATCHED.exists(),
    ),
)


def subject(alarm_id: int) -> str:
    """Under which name the next step of an alarm is stored."""
    return f"alarm:{alarm_id}"


def started(now_ms: int) -> dict[str, object]:
    """The columns of an alarm whose way begins at its first step, also anew. Whoever writes these calls `start` too."""
    return {"step": 0, "step_ms": now_ms}


def start(s: TenantSession, alarm_id: int, now_ms: int) -> None:
    """Tell whoever is first, in the transaction that made the alarm ring, and store when to look again."""
    alarm = by_id(s, alarm_id)
    assert alarm is not None  # noqa: S101 - written in this transaction
    outbox.post(s, alarm_id, alarm.ward_id, alarm.sound_seq, now_ms)
    routing = routing_rows.current(s)
    chain, at = _chain(s, routing, alarm, now_ms)
    first = chain.steps[0]
    if first.to != QUIET.steps[0].to:
        at = at or Whereabouts(s, routing, alarm.ward_id)
        _tell(s, alarm, reached(s, routing, at, first.to, alarm, now_ms), 0, now_ms)
    wakes.arm(s, subject(alarm_id), RULE, first_look_ms(chain, now_ms))


def stop(s: TenantSession, alarm_id: int, reason: str, now_ms: int) -> None:
    """Somebody has it, or it is over: nobody else is asked."""
    wakes.arm(s, subject(alarm_id), RULE, None)
    sendings.withdraw(s, alarm_id, now_ms, reason)


def push(s: TenantSession, alarm_id: int, why: Why, now_ms: int, pace: float = 1.0) -> None:
    """Take the next step at once, in the transaction that gave the reason."""
    alarm = by_id(s, alarm_id)
    assert alarm is not None  # noqa: S101 - changed in this transaction
    step = 0 if alarm.step is None else alarm.step
    _go_on(s, alarm, Standing(step, now_ms, shown=True, pushed=why), now_ms, pace)


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:  # noqa: ARG001 - one form for all
    """The moment at which an untaken alarm may go on; one that somebody is changing is left for the next cycle."""
    alarm_id = int(wake.subject.partition(":")[2])
    alarm = s.execute(_LOCKED, {"alarm_id": alarm_id}).one_or_none()
    if alarm is None and by_id(s, alarm_id) is not None:
        return
    if wakes.take(s, wake, now_ms) is None:
        return
    if alarm is None or State(alarm.state) not in UNTAKEN or alarm.closed_ms is not None:
        wakes.arm(s, wake.subject, RULE, None)
        return
    _go_on(s, alarm, _standing(s, alarm, now_ms), now_ms, pace)


def ensure(s: TenantSession, now_ms: int) -> int:
    """See to it that every alarm that nobody has is looked at: from before there were steps, restored, or put off by
    a clock that was wrong. Gives how many that were."""
    limits = {"latest_ms": now_ms + AHEAD_MS, "look_ms": now_ms + LOOK_MOST_MS, "ahead_ms": now_ms + SLACK_MS}
    found = sorted(s.execute(_STRAY, limits).scalars())
    for alarm_id in found:
        wakes.arm(s, subject(alarm_id), RULE, now_ms)
    return len(found)


def _standing(s: TenantSession, alarm: Row[Any], now_ms: int) -> Standing:
    if alarm.step is None or alarm.step_ms is None:
        return Standing(0, alarm.raised_ms if alarm.raised_ms <= now_ms else now_ms, shown=True)
    ahead = alarm.step_ms > now_ms + SLACK_MS
    shown = s.execute(_SHOWN, {"alarm_id": alarm.id, "sound_seq": alarm.sound_seq}).first() is not None
    sent = {"alarm_id": alarm.id, "sound_seq": alarm.sound_seq, "step": alarm.step}
    ends = set(s.execute(_SENDINGS, sent).scalars())
    # What was written by a clock that was ahead is as old as it can be: nobody waits for that clock's time.
    return Standing(alarm.step, 0 if ahead else alarm.step_ms, shown=shown, failed=ends == {"failed"})


def _chain(s: TenantSession, routing: Routing, alarm: Row[Any], now_ms: int) -> tuple[Chain, Whereabouts | None]:
    """The chain of an alarm, and the wards where they had to be read for it."""
    if routing is BUILT_IN:
        return chain_of(routing, alarm.kind, alarm.priority, "", ""), None
    at = Whereabouts(s, routing, alarm.ward_id)
    shift = shift_of(now_ms, str(s.execute(_ZONE).scalar_one())) if any(r.shifts for r in routing.routes) else ""
    return chain_of(routing, alarm.kind, alarm.priority, at.key, shift), at


def _go_on(s: TenantSession, alarm: Row[Any], standing: Standing, now_ms: int, pace: float) -> None:
    """Decide about an alarm whose row is locked or new, carry it out, and store when to look again."""
    routing = routing_rows.current(s)
    chain, at = _chain(s, routing, alarm, now_ms)
    decision = decide(chain, standing, now_ms, pace)
    if decision.step is not None:
        at = at or Whereabouts(s, routing, alarm.ward_id)
        whom = reached(s, routing, at, decision.step.to, alarm, now_ms)
        _carry(s, alarm, decision, whom, now_ms, is_repeat=decision.number >= len(chain.steps))
    elif alarm.step is None:
        _swapped(s, alarm, **started(now_ms))
    wakes.arm(s, subject(alarm.id), RULE, decision.wake_ms)


def _carry(
    s: TenantSession, alarm: Row[Any], decision: Decision, whom: Reached, now_ms: int, *, is_repeat: bool
) -> None:
    """Write one step down: the alarm, who is told, and its history."""
    assert decision.step is not None  # noqa: S101 - asked by whoever calls
    assert decision.why is not None  # noqa: S101 - a step has a reason
    now = after(State(alarm.state), Move.ESCALATE).value
    _swapped(s, alarm, state=now, step=decision.number, step_ms=now_ms)
    new, sent = _tell(s, alarm, whom, decision.number, now_ms)
    nobody = not new and not sent
    if nobody and is_repeat and alarm.state == now:
        return  # its history says already that there is nobody else
    detail: dict[str, object] = {
        "why": decision.why.value,
        "step": decision.number,
        "to": list(decision.step.to),
        "wards": new,
        "sent": sent,
        "nobody": nobody,
    }
    write(s, alarm.id, alarm.state, now, now_ms, Move.ESCALATE.value, detail)


def _swapped(s: TenantSession, alarm: Row[Any], **values: object) -> None:
    swapped = swap(s, alarm, **values)
    assert swapped  # noqa: S101 - its row is locked


def _tell(s: TenantSession, alarm: Row[Any], whom: Reached, step: int, now_ms: int) -> tuple[list[int], int]:
    """Wards that it rings in from now on, and how many sendings were asked for."""
    others = [ward_id for ward_id in whom.wards if ward_id != alarm.ward_id]
    new = [ward_id for ward_id in others if joined(s, alarm.id, ward_id, "escalated", now_ms)]
    if new:
        outbox.post(s, alarm.id, alarm.ward_id, alarm.sound_seq, now_ms)
    return new, sendings.ask(s, alarm.id, alarm.sound_seq, step, whom.roads, now_ms)


def joined(s: TenantSession, alarm_id: int, ward_id: int, why: str, now_ms: int) -> bool:
    """An alarm rings in one more ward from now on; False where it does already. Whoever calls this lets it sound."""
    return s.add(alarm_wards, [{"alarm_id": alarm_id, "ward_id": ward_id, "at_ms": now_ms, "why": why}]) == 1
