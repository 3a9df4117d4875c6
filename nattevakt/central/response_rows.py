"""Alarms, their history and their notices as lives that times can be counted of. Serves no arrow; it only reads.

Owns the queries, and when an alarm began to ring. Must not know what is late, or how it is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.lifecycle import HELD, Move, State
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.response_times import Life
from nattevakt.central.tables import alarms, notices, rooms, transitions
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.windows import DAY_MINUTES, NORWAY, next_at_ms

DAYS_MAX = 400
YEARS = (2000, 2100)
"""No alarm is of before or after these, and far beyond them there are no dates to count with."""
ROWS_MAX = 100_000
"""So much history is read at most where alarms are judged beside it: some seconds of work."""

_SPAN = (
    alarms.c.raised_ms >= bindparam("from_ms"),
    alarms.c.raised_ms < bindparam("to_ms"),
    alarms.c.ward_id.in_(bindparam("wards", expanding=True)),
)
_A, _T = alarms.c, transitions.c
_ALARMS = (
    select(_A.id, _A.kind, _A.ward_id, _A.resident_id, _A.place, _A.state, _A.raised_ms, _A.closed_ms, rooms.c.number)
    .outerjoin(rooms, (rooms.c.tenant_id == alarms.c.tenant_id) & (rooms.c.id == alarms.c.room_id))
    .where(alarms.c.tenant_id == TENANT, *_SPAN)
    .order_by(alarms.c.id)
)
_MOVES = (
    select(_T.alarm_id, _T.from_state, _T.to_state, _T.at_ms, _T.cause)
    .join(alarms, (alarms.c.tenant_id == transitions.c.tenant_id) & (alarms.c.id == transitions.c.alarm_id))
    .where(transitions.c.tenant_id == TENANT, *_SPAN)
    .order_by(transitions.c.id)
)
_HOW_MANY = (
    select(func.count())
    .select_from(transitions)
    .join(alarms, (alarms.c.tenant_id == transitions.c.tenant_id) & (alarms.c.id == transitions.c.alarm_id))
    .where(transitions.c.tenant_id == TENANT, *_SPAN)
)
_SHOWN = (
    select(notices.c.alarm_id, notices.c.sound_seq, func.min(notices.c.shown_ms).label("shown_ms"))
    .join(alarms, (alarms.c.tenant_id == notices.c.tenant_id) & (alarms.c.id == notices.c.alarm_id))
    .where(notices.c.tenant_id == TENANT, notices.c.shown_ms.is_not(None), *_SPAN)
    .group_by(notices.c.alarm_id, notices.c.sound_seq)
)


def span_ms(first: date, last: date, time_zone: str = NORWAY) -> tuple[int, int]:
    """From the local midnight that begins a day to the one that ends another. Raises RejectError for what is none."""
    if first.year < YEARS[0] or last.year > YEARS[1]:
        raise RejectError("from" if first.year < YEARS[0] else "to", f"must be from {YEARS[0]} to {YEARS[1]}")
    if not 0 <= (last - first).days < DAYS_MAX:
        raise RejectError("to", f"must be a period of 1 to {DAYS_MAX} days")
    return _midnight_ms(first, time_zone), _midnight_ms(last + timedelta(days=1), time_zone)


def _midnight_ms(day: date, time_zone: str) -> int:
    # Looked for from the middle of the day before, whatever the clocks did since.
    number = (day - date(1970, 1, 1)).days
    return next_at_ms(0, (number * DAY_MINUTES - DAY_MINUTES // 2) * 60_000, time_zone)


def lives(s: TenantSession, ward_ids: Collection[int], from_ms: int, to_ms: int, most: int | None = None) -> list[Life]:
    """Every alarm of these wards that was raised from one moment to before another.

    most: so many rows of history are read at most. Raises RejectError where there are more.
    """
    span = {"from_ms": from_ms, "to_ms": to_ms, "wards": sorted(ward_ids)}
    if not span["wards"]:
        return []
    if most is not None and s.execute(_HOW_MANY, span).scalar_one() > most:
        raise RejectError("to", "too many alarms: choose a shorter period")
    moves, shown = _by_alarm(s.execute(_MOVES, span)), _by_alarm(s.execute(_SHOWN, span))
    return [_life(row, moves.get(row.id, ()), shown.get(row.id, ())) for row in s.execute(_ALARMS, span)]


def _by_alarm(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.alarm_id].append(row)
    return found


def _life(row: Row[Any], moves: Sequence[Row[Any]], shown: Sequence[Row[Any]]) -> Life:
    rang_ms = _rang_ms(row, moves)
    known = KINDS.get(row.kind)
    return Life(
        alarm_id=int(row.id),
        kind=row.kind,
        ward_id=int(row.ward_id),
        rang_ms=rang_ms,
        shown_ms=min((one.shown_ms for one in shown if one.shown_ms >= rang_ms), default=None),
        taken_ms=_first(moves, State.TAKEN),
        on_site_ms=_first(moves, State.ON_SITE),
        closed_ms=row.closed_ms if row.state == State.CLOSED.value else None,
        cleared_ms=row.closed_ms if row.state == State.CLEARED.value else None,
        rang_again=sum(1 for move in moves if move.cause == Move.ESCALATE.value and move.from_state in _HELD),
        technical=known is not None and known.technical,
        state=row.state,
        room=row.number or row.place,
        resident_id=row.resident_id,
    )


_HELD = {state.value for state in HELD}


def _first(moves: Sequence[Row[Any]], state: State) -> int | None:
    """When an alarm first came to a state. Who reopens one to write more has not come later for it."""
    return min((int(move.at_ms) for move in moves if _came(move, state)), default=None)


def _came(move: Row[Any], state: State) -> bool:
    return bool(move.to_state == state.value and move.from_state != state.value)


def _rang_ms(row: Row[Any], moves: Sequence[Row[Any]]) -> int:
    """When an alarm began to ring: when it was raised, or rang anew after it had cleared itself with nobody coming."""
    rang_ms = int(row.raised_ms)
    for move in moves:
        if _came(move, State.TAKEN):
            break
        if move.from_state == State.CLEARED.value:
            rang_ms = int(move.at_ms)
    return rang_ms
