"""What a person does with an alarm: one act, made once, or the word that somebody was first. Serves arrow 8.

Owns which act becomes which move, what it changes on the alarm, and whose it then is. Called through register.py. Must
not know what rings or why, nor how long a holder has (overdue.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from nattevakt.central.alarms import escalating, overdue, rows
from nattevakt.central.alarms.history import CAS_TRIES, by_id, swap, write
from nattevakt.central.alarms.lifecycle import (
    ACTIONS,
    ALLOWED,
    CAUSES,
    DECLINES,
    GIVES_UP,
    HELD,
    MOVE_TO,
    PERSON_MOVES,
    IllegalMove,
    Move,
    State,
    after,
)
from nattevakt.central.alarms.requests import Act, Acted, SomeoneFirst, UnknownAlarm
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import outbox
from nattevakt.central.notify.escalation import Why
from nattevakt.edge.errors import RejectError, RetryError

NOTE_MAX = 500
_GOES_ON = (Move.GO, Move.ARRIVE, Move.CLOSE)
_SOUNDS_ANEW = (Move.REOPEN, Move.TRANSFER)
"""Moves by which it rings again; the history says as which time."""


def act(s: TenantSession, wish: Act, now_ms: int, limit_ms: int = overdue.LIMIT_MS, pace: float = 1.0) -> Acted:
    """Make a person's move. The same idempotency key again gives the same answer and changes nothing.

    limit_ms: so long after it was taken it rings again if nobody is on site. pace: how fast service time runs. Raises
    UnknownAlarm, SomeoneFirst (another person already brought it there), IllegalMove, or RejectError naming a field
    (no such cause).
    """
    move = MOVE_TO.get(wish.to)
    if move is None or move not in PERSON_MOVES:
        raise IllegalMove("to", f"{wish.to.value} is not a person's move")
    overdue.checked(move, wish.promise_min)
    if move is Move.CLOSE:
        _listed("cause", wish.cause, CAUSES)
        _listed("action", wish.action, ACTIONS)
    if move is Move.REJECT:
        _listed("reason", wish.reason, DECLINES)
    if len(wish.note) > NOTE_MAX:
        raise RejectError("note", f"longer than {NOTE_MAX} characters")
    for _ in range(CAS_TRIES):
        acted = _act(s, wish, move, now_ms, (limit_ms, pace))
        if acted is not None:
            return acted
    raise RetryError("an alarm changes faster than it can be read")


def awaited_of(s: TenantSession, staff_id: int) -> tuple[tuple[int, int], ...]:
    """The alarms that somebody has taken and is not there yet: their ids and versions."""
    states = [state.value for state in overdue.AWAITED]
    found = s.execute(rows.AWAITED_OF, {"staff_id": staff_id, "states": states})
    return tuple((int(row.id), int(row.version)) for row in found)


def hand_over(
    s: TenantSession,
    alarm_id: int,
    from_staff: int,
    to_staff: int,
    tablet_id: int | None,
    now_ms: int,
    limit_ms: int = overdue.LIMIT_MS,
    pace: float = 1.0,
) -> bool:
    """At a change of shift: who comes has what who leaves had taken and not come to. It does not ring for that.

    False where they do not have it any more.
    """
    alarm = by_id(s, alarm_id)
    if alarm is None or State(alarm.state) not in overdue.AWAITED or alarm.taken_by != from_staff:
        return False
    state, to = State(alarm.state), after(State(alarm.state), Move.TRANSFER)
    if not swap(s, alarm, state=to.value, taken_by=None, taken_ms=None, due_ms=None, promised_min=None):
        raise RetryError("an alarm changes while it is handed over")
    detail = {"why": Why.HANDED_OVER.value, "holder": from_staff}
    person: dict[str, object] = {"staff_id": to_staff, "tablet_id": tablet_id}
    write(s, alarm.id, state.value, to.value, now_ms, Move.TRANSFER.value, detail, **person)
    handed = by_id(s, alarm_id)
    assert handed is not None  # noqa: S101 - changed in this transaction
    wish = Act(alarm_id, State.TAKEN, to_staff, tablet_id, "")
    if not _make(s, handed, wish, Move.TAKE, now_ms, (limit_ms, pace)):
        raise RetryError("an alarm changes while it is handed over")
    return True


def _act(s: TenantSession, wish: Act, move: Move, now_ms: int, limit: tuple[int, float]) -> Acted | None:
    before = s.execute(rows.ACTED, {"idempotency_key": wish.idempotency_key}).one_or_none()
    if before is not None:
        asked = before.detail.get("asked", before.to_state)
        if (before.alarm_id, asked, before.staff_id) != (wish.alarm_id, wish.to.value, wish.staff_id):
            raise RejectError("idempotency_key", "was used for another act")
        return Acted(wish.alarm_id, int(before.detail["version"]), State(before.to_state), repeated=True)
    alarm = by_id(s, wish.alarm_id)
    if alarm is None:
        raise UnknownAlarm(f"alarm {wish.alarm_id}")
    state = State(alarm.state)
    if state is State.ESCALATED and move in _GOES_ON and alarm.taken_by == wish.staff_id:
        # It rang again in the moment in which its holder tapped: with this tap they have it again.
        take = replace(wish, to=State.TAKEN, idempotency_key="", cause="", action="", note="")
        if not _make(s, alarm, take, Move.TAKE, now_ms, limit):
            return None
        return _act(s, wish, move, now_ms, limit)
    holder = _holder(s, alarm, state)
    if holder is not None and (move not in ALLOWED[state] or (move in GIVES_UP and holder != wish.staff_id)):
        if holder != wish.staff_id:
            raise _someone_first(s, holder)
        if state in overdue.AWAITED and wish.promise_min is not None:
            return _promise(s, alarm, wish, now_ms, limit)
        if state is wish.to:
            return Acted(alarm.id, alarm.version, state, repeated=True)
    if move is Move.REOPEN and s.execute(rows.JOINABLE, {"subject": alarm.subject, "rule": alarm.rule}).first():
        raise IllegalMove("to", "a newer alarm of the same kind is open")
    if not _make(s, alarm, wish, move, now_ms, limit):
        return None
    return Acted(alarm.id, alarm.version + 1, wish.to, repeated=False)


def _make(s: TenantSession, alarm: Row[Any], wish: Act, move: Move, now_ms: int, limit: tuple[int, float]) -> bool:
    """One move of a person, written down; False if somebody else has changed the alarm since it was read."""
    state = State(alarm.state)
    to = after(state, move)
    ward_id = _ward(s, alarm, wish) if move is Move.TRANSFER else None
    due = overdue.deadline(s, alarm, to, wish, now_ms, *limit)
    if not swap(s, alarm, state=to.value, **_changes(wish, move, alarm, now_ms), **due):
        return False
    _tell(s, alarm, wish, (state, to), move.value, due, now_ms)
    if ward_id is not None:
        escalating.joined(s, alarm.id, ward_id, "transferred", now_ms)
        escalating.start(s, alarm.id, now_ms)
    elif move is Move.REJECT:
        escalating.push(s, alarm.id, Why.DECLINED, now_ms, limit[1])
    elif move is Move.REOPEN:
        escalating.start(s, alarm.id, now_ms)
    return True


def _ward(s: TenantSession, alarm: Row[Any], wish: Act) -> int:
    found: int | None = s.execute(rows.WARD, {"key": wish.ward}).scalar()
    if found is None:
        raise RejectError("ward", "no such ward")
    if found == alarm.ward_id:
        raise RejectError("ward", "the alarm is of this ward; decline it instead")
    return found


def _promise(s: TenantSession, alarm: Row[Any], wish: Act, now_ms: int, limit: tuple[int, float]) -> Acted | None:
    """Whoever has it says anew when they come; the alarm stays where it is."""
    state = State(alarm.state)
    due = overdue.deadline(s, alarm, state, wish, now_ms, *limit)
    if not swap(s, alarm, **due):
        return None
    _tell(s, alarm, wish, (state, state), overdue.PROMISE, due, now_ms)
    return Acted(alarm.id, alarm.version + 1, state, repeated=False)


def _tell(
    s: TenantSession,
    alarm: Row[Any],
    wish: Act,
    states: tuple[State, State],
    cause: str,
    due: Mapping[str, object],
    now_ms: int,
) -> None:
    """The history of a person's act, its deadline, and that nobody else has to hear of what has sounded so far."""
    detail = {"version": alarm.version + 1, "cause": wish.cause, "action": wish.action, "note": wish.note, **due}
    detail |= {key: value for key, value in (("reason", wish.reason), ("ward", wish.ward)) if value}
    if cause in _SOUNDS_ANEW:
        detail["sound_seq"] = alarm.sound_seq + 1
    if states[1] is not wish.to:
        detail["asked"] = wish.to.value
    person = {"staff_id": wish.staff_id, "tablet_id": wish.tablet_id, "idempotency_key": wish.idempotency_key or None}
    write(s, alarm.id, states[0].value, states[1].value, now_ms, cause, detail, **person)
    overdue.watch(s, alarm.id, due["due_ms"])
    outbox.settle(s, alarm.id, now_ms)
    escalating.stop(s, alarm.id, "taken", now_ms)


def _holder(s: TenantSession, alarm: Row[Any], state: State) -> int | None:
    """Who brought the alarm where it is, if a person did."""
    if state in HELD:
        return int(alarm.taken_by)
    if state is State.CLOSED:
        found: int | None = s.execute(rows.CLOSER, {"alarm_id": alarm.id}).scalar()
        return found
    return None


def _someone_first(s: TenantSession, staff_id: int) -> SomeoneFirst:
    person = s.execute(rows.PERSON, {"staff_id": staff_id}).one()
    return SomeoneFirst(person.name, person.initials)


def _changes(wish: Act, move: Move, alarm: Row[Any], now_ms: int) -> dict[str, object]:
    if move is Move.CLOSE:
        return {"closed_ms": now_ms, "cause": wish.cause, "action": wish.action, "note": wish.note or None}
    if move is Move.REOPEN:
        # The visit that ended the alarm stays in its history; from here on later events join again.
        anew = {**escalating.started(now_ms), "sound_seq": alarm.sound_seq + 1}
        return {"closed_ms": None, "on_site_ms": None, "taken_by": None, "taken_ms": None, **anew}
    if move is Move.REJECT:
        return {"taken_by": None, "taken_ms": None}
    if move is Move.TRANSFER:
        # It sounds anew, so that it is known which tablets have shown it since.
        anew = {**escalating.started(now_ms), "sound_seq": alarm.sound_seq + 1}
        return {"taken_by": None, "taken_ms": None, **anew}
    goes_on = State(alarm.state) in HELD and alarm.taken_by == wish.staff_id
    taken: dict[str, object] = {"taken_by": wish.staff_id, "taken_ms": alarm.taken_ms if goes_on else now_ms}
    return {**taken, "on_site_ms": now_ms} if move is Move.ARRIVE else taken


def _listed(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise RejectError(field, "must be one of " + ", ".join(known))
