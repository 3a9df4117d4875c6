"""An alarm that was taken is never forgotten: until when its holder has time, and that it rings again. Serves arrow 8.

Owns the deadline of an alarm that somebody has taken and nobody has come to: how long it is, the promise that takes
its place, its wake row (subject "alarm:<id>", rule "taken"), and what is made of it when it has passed. Must not know
what a person may do (register.py), or how it looks on a tablet.

Nothing of it lives in memory. The alarm's row is always locked before its wake row, by people and by the sweep: the
first of them decides, and the other finds what has become of it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, case, or_, select, text, update

from nattevakt.central import wakes
from nattevakt.central.alarms import escalating
from nattevakt.central.alarms.history import by_id, swap, write
from nattevakt.central.alarms.kinds import TECHNICAL, is_technical
from nattevakt.central.alarms.lifecycle import Move, State, after
from nattevakt.central.alarms.requests import Act
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.places.pauses import most_ms
from nattevakt.central.tables import alarms, wake_rows
from nattevakt.edge.errors import RejectError
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import Priority

RULE = "taken"
"""The rule of the wake row of a taken alarm."""
PROMISE = "promise"
"""The cause in the history of a promise by whoever has the alarm already."""
OVERDUE = "overdue"
"""Why the centre escalated, in the history's detail."""
MINUTE_MS = 60_000
LIMIT_MS = 10 * MINUTE_MS
"""So long after it was taken an alarm rings again, where the centre's settings say nothing else. Also where they are
not at hand: what becomes more urgent, and what is given a deadline anew. At no pace is it less than 5 s real."""
LIMIT_MOST_MS = 60 * MINUTE_MS
"""What the settings can say at most (config.py); no promise is for longer."""
TECHNICAL_LEAST_MS = 60 * MINUTE_MS
"""What is about the installation and of low priority is left until the next change of shift, and at least for so long.
What people are sent to rooms for, because nothing is known of them, is not."""
PROMISE_MOST_MIN = 30
AWAITED = (State.TAKEN, State.ON_THE_WAY)
"""Somebody has it, and nobody is there."""
SLACK_MS = MINUTE_MS
"""What was taken so far ahead of now was taken while the centre's own clock was wrong."""
LOOK_MOST_MS = 2 * MINUTE_MS
"""Sooner than this the sweep tries again what has failed; what waits for longer was put off by a wrong clock."""

_ZONE = text("SELECT time_zone FROM tenants WHERE id = :tenant")
# Never waited for: one alarm that somebody holds for long must not stop all the deadlines behind it.
_LOCKED = (
    select(alarms)
    .where(alarms.c.tenant_id == TENANT, alarms.c.id == bindparam("alarm_id"))
    .with_for_update(skip_locked=True)
)
_AWAITED = alarms.c.closed_ms.is_(None) & alarms.c.state.in_([state.value for state in AWAITED])
_LEISURELY = alarms.c.kind.in_(sorted(TECHNICAL)) & (alarms.c.priority == int(Priority.LOW))
_WRONG = or_(
    alarms.c.due_ms.is_(None),
    alarms.c.due_ms > case((_LEISURELY, bindparam("leisure_ms")), else_=bindparam("most_ms")),
    (alarms.c.taken_ms > bindparam("ahead_ms"))
    & (alarms.c.due_ms > case((_LEISURELY, bindparam("leisure_ms")), else_=bindparam("usual_ms"))),
)
_STRAY = (
    select(alarms, _WRONG.label("wrong"))
    .where(
        alarms.c.tenant_id == TENANT,
        _AWAITED,
        or_(
            _WRONG,
            ~select(wake_rows.c.rule)
            .where(
                wake_rows.c.tenant_id == TENANT,
                wake_rows.c.subject == "alarm:" + alarms.c.id.cast(wake_rows.c.subject.type),
                wake_rows.c.rule == RULE,
                wake_rows.c.wake_at_ms <= alarms.c.due_ms,
                or_(wake_rows.c.look_ms.is_(None), wake_rows.c.look_ms <= bindparam("look_ms")),
            )
            .exists(),
        ),
    )
    .order_by(alarms.c.id)
    .with_for_update(of=alarms, skip_locked=True)
)
_DUE = update(alarms).where(
    alarms.c.tenant_id == TENANT, alarms.c.id == bindparam("alarm_id"), alarms.c.version == bindparam("expected")
)


def subject(alarm_id: int) -> str:
    """Under which name the deadline of an alarm is stored."""
    return f"alarm:{alarm_id}"


def checked(move: Move, promise_min: object) -> None:
    """Raise RejectError where this cannot be promised with this move. promise_min: minutes from now, None for none."""
    if promise_min is None:
        return
    if move not in (Move.TAKE, Move.GO):
        raise RejectError("promise_min", "can be said only by who takes an alarm or is on the way")
    if type(promise_min) is not int or not 1 <= promise_min <= PROMISE_MOST_MIN:
        raise RejectError("promise_min", f"must be a whole number of minutes from 1 to {PROMISE_MOST_MIN}")


def deadline(
    s: TenantSession, alarm: Row[Any], to: State, wish: Act, now_ms: int, limit_ms: int, pace: float
) -> dict[str, object]:
    """The columns that say until when whoever acts has time, in the state that the alarm comes to.

    limit_ms: what is given where nothing is promised. pace: how fast service time runs.
    """
    promise_min = wish.promise_min
    if to not in AWAITED:
        return {"due_ms": None, "promised_min": None}
    if promise_min is not None:
        return {"due_ms": now_ms + stretched(promise_min * MINUTE_MS, pace), "promised_min": promise_min}
    due_ms = now_ms + stretched(limit_ms, pace)
    if _leisurely(alarm):
        due_ms = max(due_ms, _leisure_ms(s, now_ms))
    promised = alarm.promised_min is not None and alarm.taken_by == wish.staff_id
    if promised and alarm.due_ms is not None and alarm.due_ms > due_ms:
        # To say that one is on the way takes nothing back of what one has promised.
        return {"due_ms": alarm.due_ms, "promised_min": alarm.promised_min}
    return {"due_ms": due_ms, "promised_min": None}


def _leisurely(alarm: Row[Any]) -> bool:
    return is_technical(alarm.kind) and alarm.priority == Priority.LOW


def _leisure_ms(s: TenantSession, now_ms: int) -> int:
    """Until when what need not be done at night is left."""
    return max(most_ms(now_ms, str(s.execute(_ZONE).scalar_one())), now_ms + TECHNICAL_LEAST_MS)


def watch(s: TenantSession, alarm_id: int, due_ms: object) -> None:
    """Store the deadline of an alarm whose row this transaction has changed; None: nobody is waited for any more."""
    wakes.arm(s, subject(alarm_id), RULE, due_ms if isinstance(due_ms, int) else None)


def tightened(alarm: Row[Any], priority: int, now_ms: int) -> dict[str, object]:
    """The columns of an alarm that becomes more urgent while somebody has it: they have no more than `LIMIT_MS`.

    Whoever writes these calls `watch` as well.
    """
    due_ms = now_ms + LIMIT_MS
    if alarm.due_ms is None or alarm.due_ms <= due_ms or priority >= alarm.priority:
        return {}
    return {"due_ms": due_ms, "promised_min": None}


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:  # noqa: ARG001 - one form for all
    """The time of a holder is over: where nobody is on site the alarm rings again, for everybody, as what it was.

    An alarm that somebody else is just changing is left due: the next cycle looks again.
    """
    alarm_id = int(wake.subject.partition(":")[2])
    alarm = s.execute(_LOCKED, {"alarm_id": alarm_id}).one_or_none()
    if alarm is None and by_id(s, alarm_id) is not None:
        return
    if wakes.take(s, wake, now_ms) is None:
        return
    if alarm is None or State(alarm.state) not in AWAITED or alarm.due_ms is None:
        wakes.arm(s, wake.subject, wake.rule, None)
    elif alarm.due_ms > now_ms:
        wakes.arm(s, wake.subject, wake.rule, alarm.due_ms)
    else:
        _ring(s, alarm, now_ms)
        wakes.arm(s, wake.subject, wake.rule, None)


def _ring(s: TenantSession, alarm: Row[Any], now_ms: int) -> None:
    state, sound_seq = State(alarm.state), alarm.sound_seq + 1
    now = after(state, Move.ESCALATE).value
    # Who had it stays on the alarm until somebody takes it: everybody is told that this person has not come.
    anew = escalating.started(now_ms)
    swapped = swap(s, alarm, state=now, sound_seq=sound_seq, due_ms=None, promised_min=None, **anew)
    assert swapped  # noqa: S101 - its row is locked
    detail: dict[str, object] = {
        "why": OVERDUE,
        "holder": alarm.taken_by,
        "since_ms": alarm.taken_ms,
        "due_ms": alarm.due_ms,
        "promised_min": alarm.promised_min,
        "sound_seq": sound_seq,
    }
    write(s, alarm.id, state.value, now, now_ms, Move.ESCALATE.value, detail)
    escalating.start(s, alarm.id, now_ms)


def ensure(s: TenantSession, now_ms: int) -> int:
    """Give every taken alarm a deadline that has none: from before there were any, or from a clock that was wrong.

    Gives how many that were. The deadline is judged, not the taking: what lies further ahead than anything that could
    be given now comes from a clock that ran ahead. An alarm that somebody is just changing is seen to the next time.
    """
    most = {"most_ms": now_ms + LIMIT_MOST_MS + SLACK_MS, "leisure_ms": _leisure_ms(s, now_ms)}
    ahead = {"ahead_ms": now_ms + SLACK_MS, "usual_ms": now_ms + LIMIT_MS}
    many = 0
    for row in s.execute(_STRAY, {**most, **ahead, "look_ms": now_ms + LOOK_MOST_MS}).all():
        due: dict[str, object] = {"due_ms": row.due_ms, "promised_min": row.promised_min}
        if row.wrong:
            usual_ms = most["leisure_ms"] if _leisurely(row) else ahead["usual_ms"]
            due = {"due_ms": usual_ms, "promised_min": None}
        if s.execute(_DUE, {"alarm_id": row.id, "expected": row.version, **due}).rowcount == 1:
            watch(s, row.id, due["due_ms"])
            s.changed()
            many += 1
    return many
