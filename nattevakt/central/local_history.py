"""What a gateway rang by itself while it could not reach us, brought together with our own alarms. Serves arrow 8.

Owns that each such word becomes a note in the history of the alarm that holds any of the same events, and never an
alarm of its own. Must not know rules: we have judged the events ourselves. That takes a while after the link is back,
so a word waits for its alarm; one that finds none has an outcome of its own, and stands in the log.

What waits is kept as the state of a rule of the gateway, its next look as a wake row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, select, update

from nattevakt.central import states, wakes
from nattevakt.central.alarms import local_notes
from nattevakt.central.alarms.requests import EventKey
from nattevakt.central.cases import Stored
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.tables import alarm_events, alarms, events, streams
from nattevakt.central.technical import Origin
from nattevakt.edge.events import LocalAlarm as LocalAlarm
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.catalogue import BY_NAME
from nattevakt.edge.wire import decode_event

_log = structlog.get_logger("nattevakt.local_history")
RULE = "local_history"
LOOK_MS = 15_000
"""How often it is looked whether the alarm is there."""
WAIT_MS = 15 * 60_000
"""So long a word waits for its alarm: longer than any backlog that is still judged as one silence."""
WAITING_MAX = 200
"""So many words of one gateway wait at a time: a night's alarms many times over. Of what is more, its row is kept, and
the log says so; our own alarms come of the events as always."""
BEFORE_MS = 24 * 3_600_000
"""Our alarm may be so much older than the gateway's: it is about what began then."""
LOCAL_ONLY = "local_only"
"""The outcome of a word that found no alarm."""

_ROW = select(events.c.raw, events.c.occurred_to_ms).where(
    events.c.tenant_id == TENANT,
    events.c.gateway_id == bindparam("gateway_id"),
    events.c.stream_id == bindparam("stream_id"),
    events.c.seq == bindparam("seq"),
    events.c.variant == bindparam("variant"),
)
_STREAMS = select(streams.c.id, streams.c.stream).where(
    streams.c.tenant_id == TENANT,
    streams.c.gateway_id == bindparam("gateway_id"),
    streams.c.stream.in_(bindparam("names", expanding=True)),
)
_HOLDERS = (
    select(alarms.c.id, alarms.c.rule, alarm_events.c.stream_id, alarm_events.c.seq)
    .join(alarm_events, (alarm_events.c.tenant_id == alarms.c.tenant_id) & (alarm_events.c.alarm_id == alarms.c.id))
    .where(
        alarms.c.tenant_id == TENANT,
        alarms.c.raised_ms >= bindparam("since_ms"),
        alarm_events.c.gateway_id == bindparam("gateway_id"),
        alarm_events.c.stream_id.in_(bindparam("stream_ids", expanding=True)),
        alarm_events.c.seq.in_(bindparam("seqs", expanding=True)),
    )
    .order_by(alarms.c.id)
)
_OUTCOME = (
    update(events)
    .where(
        events.c.tenant_id == TENANT,
        events.c.gateway_id == bindparam("b_gateway_id"),
        events.c.stream_id == bindparam("b_stream_id"),
        events.c.seq == bindparam("b_seq"),
        events.c.variant == bindparam("b_variant"),
    )
    .values(alarm_id=bindparam("b_alarm_id"), outcome_reason=bindparam("b_reason"))
)


def keep(s: TenantSession, origin: Origin, entry: Stored, now_ms: int) -> None:
    """A gateway tells what it rang: look for our alarm, from the next sweep on."""
    waiting = _waiting(states.lock(s, origin.subject, RULE))
    if len(waiting) >= WAITING_MAX:
        _log.warning("local_alarms_too_many", subject=origin.subject, stream=entry.key.stream_id, seq=entry.key.seq)
        return
    states.keep(s, origin.subject, RULE, {"waiting": [*waiting, {"key": list(entry.key.plain), "since_ms": now_ms}]})
    wakes.arm(s, origin.subject, RULE, now_ms)


def _waiting(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(state.get("waiting", ()))


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:  # noqa: ARG001 - a handler
    """Bring what waits to its alarms; what has waited for too long is said to have found none."""
    state = states.lock(s, wake.subject, RULE)
    if wakes.take(s, wake, now_ms) is None:
        return
    left = []
    for one in _waiting(state):
        key = EventKey(*one["key"])
        if not _bring(s, key, now_ms):
            if now_ms - int(one["since_ms"]) < stretched(WAIT_MS, pace):
                left.append(one)
                continue
            _log.warning("local_alarm_found_none", subject=wake.subject, stream=key.stream_id, seq=key.seq)
            _end(s, key, None, LOCAL_ONLY)
    states.keep(s, wake.subject, RULE, {"waiting": left} if left else {})
    wakes.arm(s, wake.subject, RULE, now_ms + LOOK_MS if left else None)


def _bring(s: TenantSession, key: EventKey, now_ms: int) -> bool:
    """Note one word in its alarm's history; False where there is no such alarm yet."""
    params = {"gateway_id": key.gateway_id, "stream_id": key.stream_id, "seq": key.seq, "variant": key.variant}
    row = s.execute(_ROW, params).one_or_none()
    body = decode_event(bytes(row.raw)).body if row is not None else None
    if row is None or not isinstance(body, LocalAlarm):
        return True  # erased meanwhile
    alarm_id = _alarm_of(s, key.gateway_id, body, row.occurred_to_ms - BEFORE_MS)
    if alarm_id is None:
        return False
    # `occurred_to_ms` is the moment of the word: it was written down when it rang, or was seen.
    code = local_notes.SEEN if body.what == "seen" else local_notes.RUNG
    local_notes.note(s, alarm_id, code, row.occurred_to_ms, key, now_ms)
    _end(s, key, alarm_id, None)
    return True


def _alarm_of(s: TenantSession, gateway_id: int, body: LocalAlarm, since_ms: int) -> int | None:
    """The alarm that holds any of its events: of the same rule if there is one, else the first of another."""
    named = [pair for name in body.events if (pair := _pair(name)) is not None]
    names = {row.stream: int(row.id) for row in _streams(s, gateway_id, {stream for stream, _ in named})}
    wanted = {(names[stream], seq) for stream, seq in named if stream in names}
    if not wanted:
        return None
    asked = {
        "gateway_id": gateway_id,
        "since_ms": since_ms,
        "stream_ids": sorted({number for number, _ in wanted}),
        "seqs": sorted({seq for _, seq in wanted}),
    }
    found = [row for row in s.execute(_HOLDERS, asked) if (row.stream_id, row.seq) in wanted]
    rule = BY_NAME.get(body.rule)
    name = rule.alarms_as or rule.name if rule is not None else body.rule
    same = [row for row in found if row.rule == name]
    return next((int(row.id) for row in (*same, *found)), None)


def _streams(s: TenantSession, gateway_id: int, names: Iterable[str]) -> Sequence[Row[Any]]:
    return s.execute(_STREAMS, {"gateway_id": gateway_id, "names": sorted(names)}).all()


def _pair(name: str) -> tuple[str, int] | None:
    stream, slash, seq = name.rpartition("/")
    # What does not fit a column cannot be there.
    return (stream, int(seq)) if slash and seq.isascii() and seq.isdigit() and len(seq) < 19 else None


def _end(s: TenantSession, key: EventKey, alarm_id: int | None, reason: str | None) -> None:
    """Write with the event what became of it."""
    named = {"b_gateway_id": key.gateway_id, "b_stream_id": key.stream_id, "b_seq": key.seq, "b_variant": key.variant}
    s.execute(_OUTCOME, {**named, "b_alarm_id": alarm_id, "b_reason": reason})
