"""The only writer of alarms. Serves arrow 8.

Owns whether a verdict raises, joins or clears. What a person's act changes stands in acting.py, what is done when a
taken alarm's time is over in overdue.py; every change is one row in `transitions`, written with the change
(history.py). Must not know rules, events' meaning, or who is on duty.

Writers meet in the alarm's `version` (compare and swap). A verdict that loses is looked at again from the
start; only a person's act may end with "someone was first".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from nattevakt.central.alarms import escalating, overdue, rows
from nattevakt.central.alarms.acting import act, awaited_of, hand_over
from nattevakt.central.alarms.history import CAS_TRIES, by_id, rings_in, swap, write
from nattevakt.central.alarms.kinds import KINDS, is_technical
from nattevakt.central.alarms.lifecycle import ALLOWED, UNTAKEN, IllegalMove, Move, State, after
from nattevakt.central.alarms.requests import (
    Act,
    Acted,
    Applied,
    ClearRequest,
    EventKey,
    RaiseRequest,
    SomeoneFirst,
    UnknownAlarm,
    Where,
)
from nattevakt.central.alarms.told import columns, detail_of, marked, sounds_again, why
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import outbox
from nattevakt.central.tables import alarm_events, alarms
from nattevakt.edge.errors import RetryError
from nattevakt.edge.rules.rule import UNCONFIRMED, Priority

__all__ = (
    "Act",
    "Acted",
    "Applied",
    "ClearRequest",
    "EventKey",
    "IllegalMove",
    "RaiseRequest",
    "SomeoneFirst",
    "UnknownAlarm",
    "Where",
    "act",
    "answered",
    "apply",
    "awaited_of",
    "by_id",
    "hand_over",
    "holding",
    "rings_in",
)

EPISODE_BEGINS_EARLIER_MS = 600_000
"""A late event that is at most this much older than an episode and was over before somebody was on site
belongs to it. An older one has been seen by nobody and rings."""


def apply(s: TenantSession, request: RaiseRequest | ClearRequest, now_ms: int) -> Applied:
    """Carry out a verdict. Does nothing twice: an event that an alarm already holds stays with it."""
    for _ in range(CAS_TRIES):
        applied = _raise(s, request, now_ms) if isinstance(request, RaiseRequest) else _clear(s, request, now_ms)
        if applied is not None:
            return applied
    raise RetryError("an alarm changes faster than it can be read")


def _raise(s: TenantSession, request: RaiseRequest, now_ms: int) -> Applied | None:
    key = {"subject": request.subject, "rule": request.rule}
    if request.event is not None and not request.fresh:
        held = s.execute(rows.HOLDS, {**key, **columns(request.event)}).scalar()
        if held is not None:
            return Applied(held, "known")
    holder = holding(s, request.subject, request.rule, request.holds)
    if holder is not None:
        return _same(s, holder, request, now_ms)
    if request.belongs_to is not None:
        known = by_id(s, request.belongs_to)
        seen_to = known is not None and (known.on_site_ms is not None or known.closed_ms is not None)
        # A doubtful time may hide a press of its own behind one that has been seen to: then it rings.
        if known is not None and not (seen_to and request.occurred.uncertain):
            return _join(s, known, request, now_ms, sound=False)
    joinable = s.execute(rows.JOINABLE, key).one_or_none()
    if joinable is not None:
        return _join(s, joinable, request, now_ms, sound=sounds_again(request))
    if not request.occurred.uncertain and not is_technical(request.kind):
        limits = {
            "to_ms": request.occurred.to_ms,
            "begins_by_ms": request.occurred.from_ms + EPISODE_BEGINS_EARLIER_MS,
        }
        attended = s.execute(rows.ATTENDED, {**key, **limits}).one_or_none()
        if attended is not None:
            return _join(s, attended, request, now_ms, sound=False)
    return _begin(s, request, now_ms)


def holding(s: TenantSession, subject: str, rule: str, events: Sequence[EventKey]) -> Row[Any] | None:
    """The alarm that holds one of these events, the first that is found."""
    for event in events:
        held = s.execute(rows.HOLDS, {"subject": subject, "rule": rule, **columns(event)}).scalar()
        if held is not None:
            return by_id(s, held)
    return None


def answered(s: TenantSession, subject: str, rule: str, events: Sequence[EventKey], since_ms: int) -> bool:
    """Whether a person has looked since then, on site for any alarm of this rule or done with the one about these."""
    if s.execute(rows.LOOKED, {"subject": subject, "rule": rule, "since_ms": since_ms}).first() is not None:
        return True
    holder = holding(s, subject, rule, events)
    return holder is not None and (holder.on_site_ms is not None or holder.state == State.CLOSED.value)


def _same(s: TenantSession, alarm: Row[Any], request: RaiseRequest, now_ms: int) -> Applied | None:
    """What is already told is told anew: it may have become louder, or better explained, while nobody is there.

    An alarm that cleared itself rings again: what cleared it has been found not to hold.
    """
    state = State(alarm.state)
    if state is State.CLEARED:
        if s.execute(rows.JOINABLE, {"subject": alarm.subject, "rule": alarm.rule}).first() is not None:
            return Applied(alarm.id, "known")
        return _louder(s, alarm, request, now_ms, "rung_again")
    _hold(s, alarm.id, request)
    if alarm.on_site_ms is not None or alarm.closed_ms is not None:
        return Applied(alarm.id, "known")
    told = (alarm.reason_code, alarm.reason_params) == (request.reason.code, dict(request.reason.params))
    # What is folded anew asks again for what has sounded; it is known by its words, which say the how-manieth it is.
    again = request.again and not told
    if again or (int(request.priority) < alarm.priority and (request.insists or state in UNTAKEN)):
        return _louder(s, alarm, request, now_ms, "rung_again" if again else "louder")
    less_sure = request.reason.code.endswith(UNCONFIRMED) and not alarm.reason_code.endswith(UNCONFIRMED)
    if int(request.priority) != alarm.priority or told or less_sure:
        return Applied(alarm.id, "known")
    if not swap(s, alarm, **why(request)):
        return None
    write(s, alarm.id, alarm.state, alarm.state, now_ms, "join", detail_of(request))
    return Applied(alarm.id, "explained")


def _louder(s: TenantSession, alarm: Row[Any], request: RaiseRequest, now_ms: int, how: str) -> Applied | None:
    """The same alarm sounds again as what it has become."""
    state = State.REOPENED if alarm.state == State.CLEARED.value else State(alarm.state)
    priority = min(alarm.priority, int(request.priority))
    kind = request.kind if priority < alarm.priority else alarm.kind
    values = {"kind": kind, "priority": priority, "sound_seq": alarm.sound_seq + 1, **why(request)}
    values |= marked(alarm, request)
    due = overdue.tightened(alarm, priority, now_ms)
    # What is only said again goes on along its way: told every few minutes it would never come past its first steps.
    begins = priority < alarm.priority or alarm.state == State.CLEARED.value
    anew = escalating.started(now_ms) if begins and state in UNTAKEN else {}
    if not swap(s, alarm, state=state.value, closed_ms=None, **values, **due, **anew):
        return None
    if due:
        overdue.watch(s, alarm.id, due["due_ms"])
    _hold(s, alarm.id, request)
    detail = {**detail_of(request), "sound_seq": alarm.sound_seq + 1, "kind": kind}
    write(s, alarm.id, alarm.state, state.value, now_ms, "sound", detail)
    _sound(s, alarm.id, alarm.ward_id, alarm.sound_seq + 1, bool(anew), now_ms)
    return Applied(alarm.id, how)


def _sound(s: TenantSession, alarm_id: int, ward_id: int, sound_seq: int, anew: bool, now_ms: int) -> None:
    """Let an alarm be heard that has changed. anew: nobody has it, and it goes its way from the first step."""
    if anew:
        escalating.start(s, alarm_id, now_ms)
    else:
        outbox.post(s, alarm_id, ward_id, sound_seq, now_ms)


def _begin(s: TenantSession, request: RaiseRequest, now_ms: int) -> Applied | None:
    alarm_id = s.insert_unless_there(
        alarms,
        subject=request.subject,
        rule=request.rule,
        kind=request.kind,
        priority=int(request.priority),
        ward_id=request.where.ward_id,
        room_id=request.where.room_id,
        resident_id=request.where.resident_id,
        place=request.where.place,
        state=State.REPORTED.value,
        version=1,
        sound_seq=1,
        raised_ms=now_ms,
        occurred_from_ms=request.occurred.from_ms,
        occurred_to_ms=request.occurred.to_ms,
        reason_code=request.reason.code,
        reason_params=dict(request.reason.params),
        plan_version_id=request.plan_version_id,
        marks=list(request.marks),
        **escalating.started(now_ms),
    )
    if alarm_id is None:
        return None  # another transaction raised it a moment ago; look again and join
    _hold(s, alarm_id, request)
    write(s, alarm_id, None, State.REPORTED.value, now_ms, "raise", detail_of(request))
    escalating.start(s, alarm_id, now_ms)
    return Applied(alarm_id, "raised")


def _join(s: TenantSession, alarm: Row[Any], request: RaiseRequest, now_ms: int, *, sound: bool) -> Applied | None:
    priority = min(alarm.priority, int(request.priority))
    sound_seq = alarm.sound_seq + 1 if sound else alarm.sound_seq
    # What sounds now is what the card must explain: a possible fall that has become a sure one says so.
    said = {**why(request), **marked(alarm, request)} if sound else {}
    if sound and int(request.priority) < alarm.priority:
        said["kind"] = request.kind
    moved = _moved(s, alarm, request) if sound else {}
    due = overdue.tightened(alarm, priority, now_ms)
    rises = sound and int(priority) < alarm.priority and State(alarm.state) in UNTAKEN
    anew = escalating.started(now_ms) if rises else {}
    if not swap(s, alarm, sound_seq=sound_seq, priority=priority, **said, **moved, **due, **anew):
        return None
    if due:
        overdue.watch(s, alarm.id, due["due_ms"])
    _hold(s, alarm.id, request)
    detail = {**detail_of(request), "sound_seq": sound_seq} if sound else detail_of(request)
    write(s, alarm.id, alarm.state, alarm.state, now_ms, "sound" if sound else "join", detail)
    if sound:
        _sound(s, alarm.id, moved["ward_id"] if moved else alarm.ward_id, sound_seq, rises, now_ms)
    return Applied(alarm.id, "joined" if sound else "joined_silently")


def _moved(s: TenantSession, alarm: Row[Any], request: RaiseRequest) -> dict[str, Any]:
    """Where an alarm is now, if whoever calls again has another room by then: help must go there."""
    where = request.where
    if (where.ward_id, where.room_id) == (alarm.ward_id, alarm.room_id):
        return {}
    told = s.execute(rows.TOLD, {"alarm_id": alarm.id}).scalars()
    if request.occurred.to_ms < max(detail["occurred"][1] for detail in told):
        return {}
    return {"ward_id": where.ward_id, "room_id": where.room_id, "place": where.place}


def _clear(s: TenantSession, request: ClearRequest, now_ms: int) -> Applied | None:
    if request.holds:
        alarm = holding(s, request.subject, request.rule, request.holds)
    else:
        alarm = s.execute(rows.JOINABLE, {"subject": request.subject, "rule": request.rule}).one_or_none()
    if alarm is None or alarm.on_site_ms is not None or alarm.closed_ms is not None:
        return Applied(None, "nothing")
    state = State(alarm.state)
    detail = detail_of(request)
    # A kind that only a newer version knows is taken back by that one.
    kind = KINDS.get(alarm.kind)
    may = (
        kind is not None
        and kind.may_clear_itself
        and (Priority(alarm.priority) is not Priority.HIGH or not kind.technical)
    )
    if state not in UNTAKEN or Move.CLEAR not in ALLOWED[state] or not may:
        # A refold says again what it has said before; one note is enough.
        if request.holds and detail in s.execute(rows.NOTED, {"alarm_id": alarm.id}).scalars().all():
            return Applied(alarm.id, "noted")
        if not swap(s, alarm, state=alarm.state):
            return None
        write(s, alarm.id, alarm.state, alarm.state, now_ms, "note", detail)
        return Applied(alarm.id, "noted")
    cleared = after(state, Move.CLEAR, may_clear_itself=True)
    if not swap(s, alarm, state=cleared.value, closed_ms=now_ms):
        return None
    write(s, alarm.id, alarm.state, cleared.value, now_ms, Move.CLEAR.value, detail)
    outbox.withdraw(s, alarm.id, "cleared", now_ms)
    escalating.stop(s, alarm.id, "cleared", now_ms)
    return Applied(alarm.id, "cleared")


def _hold(s: TenantSession, alarm_id: int, request: RaiseRequest) -> None:
    same = {"subject": request.subject, "rule": request.rule, "alarm_id": alarm_id}
    s.add(alarm_events, [{**same, **columns(event)} for event in sorted(request.events)])
