"""What a gateway's own life means for what the centre knows. Serves arrow 6.

Owns the consequences of starts, lost sources and tombstones for device states and technical alarms, and the
judgement that a stream is short. Must not know rules or how batches are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update

from nattevakt.central import technical
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.devices import DeviceStates
from nattevakt.central.marks import Held
from nattevakt.central.occurred import Clocks
from nattevakt.central.tables import refused_rows, streams
from nattevakt.central.technical import Origin
from nattevakt.edge.events import Event, SourceBack, SourceLost, Started, Tombstone
from nattevakt.edge.rules.rule import Occurred, Priority

NAMED_MAX = 10
"""How many devices an alarm names in words; the tombstone itself keeps them all."""
_MOMENTS = ("last_life", "lost", "began", "ended")
SUCCESSORS_MAX = 50
"""How many of a gateway's latest starts are looked at for a predecessor that came up short: one that dies again and
again before its first heartbeat must not push the one that it began with out of sight."""


def boots_of(event: Event) -> Iterable[str]:
    """The boots whose clocks an event speaks of."""
    yield event.at.boot
    names = _MOMENTS if isinstance(event.body, Started | SourceBack | Tombstone) else ()
    moments = (event.since, *(getattr(event.body, name, None) for name in names))
    yield from (moment.boot for moment in moments if moment is not None)


def started(states: DeviceStates, body: Started, at: Occurred, clocks: Clocks) -> None:
    """Between the last sign of life and the start nobody listened: lasting states are unknown until heard."""
    since_ms = at.from_ms if body.last_life is None else clocks.occurred(body.last_life).from_ms
    states.load(None)
    for state in states.all():
        if state.has_state:
            state.unknown(min(since_ms, at.from_ms), "restart", at.to_ms)


def source_lost(states: DeviceStates, body: SourceLost, at: Occurred) -> None:
    """Its devices are unknown from then on."""
    states.load(body.devices)
    for address in body.devices:
        states.get(address).unknown(at.from_ms, "source_lost", at.to_ms)


def source_back(states: DeviceStates, body: SourceBack, at: Occurred) -> None:
    """Its devices can be heard again."""
    states.load(body.devices)
    for address in body.devices:
        states.get(address).source_back(at.to_ms)


def tombstone(
    s: TenantSession, origin: Origin, states: DeviceStates, body: Tombstone, clocks: Clocks, now_ms: int
) -> None:
    """Rows that will never come: an alarm names them, and what they might have said is unknown."""
    began, ended = clocks.occurred(body.began), clocks.occurred(body.ended)
    from_ms, to_ms = min(began.from_ms, ended.from_ms), max(began.to_ms, ended.to_ms)
    if body.lost_class in ("A", "B"):
        states.load(body.devices)
        for address in body.devices:
            states.get(address).unknown(from_ms, "rows_lost", to_ms, needs_event=True)
    if body.reason.startswith("refused") and _refused_here(s, origin, body):
        return
    named = ", ".join(body.devices[:NAMED_MAX]) + (" …" if len(body.devices) > NAMED_MAX else "")
    kind = "parked_event" if body.reason.startswith("parked") else "rows_lost"
    params: dict[str, str | int] = {
        "count": body.count,
        "lost_class": body.lost_class,
        "devices": named,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "why": body.reason,
    }
    # Whatever is not plainly a lesser class might have been somebody calling.
    priority = Priority.LOW if body.lost_class in ("B", "C", "L") else Priority.HIGH
    technical.sound(s, origin, kind, params, now_ms, priority=priority)


def _comes(sending: Sequence[int] | None, before: Sequence[int] | None, mark: int) -> bool:
    """Whether a gateway still sends a stream, or will once it hears that we hold less of it than it believes: a centre
    that was restored says so in the answer to this heartbeat, and the next one shows what became of it."""
    if sending is None:
        return False
    return sending[2] < sending[1] or (sending[2] > mark and (before is None or before[2] <= mark))


_REFUSED = select(refused_rows.c.id).where(
    refused_rows.c.tenant_id == TENANT,
    refused_rows.c.gateway_id == bindparam("gateway_id"),
    refused_rows.c.stream == bindparam("stream"),
    refused_rows.c.seq.between(bindparam("first_seq"), bindparam("last_seq")),
)


def _refused_here(s: TenantSession, origin: Origin, body: Tombstone) -> bool:
    """Whether the centre refused all of these rows itself, and so has alarmed already."""
    params = {
        "gateway_id": origin.gateway_id,
        "stream": body.stream,
        "first_seq": body.first_seq,
        "last_seq": body.last_seq,
    }
    return len(s.execute(_REFUSED, params).all()) >= body.count


_BEGAN = (
    select(streams.c.stream, streams.c.previous_stream, streams.c.previous_last_seq, streams.c.first_heartbeat_ms)
    .where(
        streams.c.tenant_id == TENANT,
        streams.c.gateway_id == bindparam("gateway_id"),
        streams.c.previous_stream.is_not(None),
        streams.c.previous_last_seq.is_not(None),
        streams.c.mark >= streams.c.started_seq,
    )
    .order_by(streams.c.id.desc())
    .limit(SUCCESSORS_MAX)
    .subquery()
)
_SHORT = (
    select(streams, _BEGAN.c.stream.label("successor"), _BEGAN.c.previous_last_seq.label("last_seq"))
    .add_columns(_BEGAN.c.first_heartbeat_ms.label("successor_beat_ms"))
    .join(_BEGAN, streams.c.stream == _BEGAN.c.previous_stream)
    .where(
        streams.c.tenant_id == TENANT,
        streams.c.gateway_id == bindparam("gateway_id"),
        or_(streams.c.mark < _BEGAN.c.previous_last_seq, streams.c.missing.is_not(None)),
    )
)
_LINKS = (
    select(streams.c.id, streams.c.stream, streams.c.previous_stream)
    .where(streams.c.tenant_id == TENANT, streams.c.gateway_id == bindparam("gateway_id"))
    .order_by(streams.c.id.desc())
    .limit(SUCCESSORS_MAX)
)
NAMED = select(streams).where(
    streams.c.tenant_id == TENANT,
    streams.c.gateway_id == bindparam("gateway_id"),
    streams.c.stream.in_(bindparam("names", expanding=True)),
)
"""A gateway's streams of these names, for whoever looks at marks."""
_MISSING = (
    update(streams)
    .where(streams.c.tenant_id == TENANT, streams.c.id == bindparam("stream_id"))
    .values(missing=bindparam("gaps", type_=streams.c.missing.type))
)


def held_of(row: Row[Any]) -> Held:
    """What is held of a stream, from its row."""
    return Held(row.first_seq, row.mark, tuple((low, high) for low, high in row.ranges))


def before(row: Row[Any], known: Mapping[str, Row[Any]]) -> Iterator[str]:
    """The streams before this one, from predecessor to predecessor, as far as they are known."""
    seen = {row.stream}
    while row.previous_stream in known and row.previous_stream not in seen:
        row = known[row.previous_stream]
        seen.add(row.stream)
        yield row.stream


def _maybe_short(s: TenantSession, origin: Origin, beating_id: int | None) -> dict[str, tuple[Row[Any], int]]:
    """The streams that may lack rows, each with the last number that a successor names.

    What a gateway said before a successor began says nothing of what it still sends. So a successor counts once it has
    been heard itself, or one that came after it is the one that speaks now: it may have died before its first
    heartbeat.
    """
    rows = s.execute(_SHORT, {"gateway_id": origin.gateway_id}).all()
    behind: set[str] = set()
    if any(row.successor_beat_ms is None for row in rows):
        known = {row.stream: row for row in s.execute(_LINKS, {"gateway_id": origin.gateway_id})}
        beating = next((row for row in known.values() if row.id == beating_id), None)
        behind = {beating.stream, *before(beating, known)} if beating is not None else set()
    found: dict[str, tuple[Row[Any], int]] = {}
    for row in rows:
        if row.successor_beat_ms is None and row.successor not in behind:
            continue
        last_seq = max(row.last_seq, found[row.stream][1]) if row.stream in found else row.last_seq
        found[row.stream] = row, last_seq
    return found


def judge_short(
    s: TenantSession,
    origin: Origin,
    beating_id: int | None,
    still_sending: Mapping[str, Any],
    said_before: Mapping[str, Any],
    now_ms: int,
) -> None:
    """Alarm about streams that miss rows although their successor has begun and nothing is on its way.

    beating_id: the stream whose heartbeat is the last, None before any. still_sending: stream → (first, last,
    acknowledged) as it says; said_before: as in the heartbeat before. Each gap is alarmed once, and the alarm clears
    itself when the rows come after all.
    """
    found = _maybe_short(s, origin, beating_id)
    was_missing = any(row.missing for row, _ in found.values())
    still_missing = False
    for row, last_seq in found.values():
        sending = still_sending.get(row.stream)
        gaps = [list(gap) for gap in held_of(row).missing_to(last_seq)]
        if gaps and _comes(sending, said_before.get(row.stream), row.mark):
            still_missing = still_missing or bool(row.missing)
            continue
        still_missing = still_missing or bool(gaps)
        if gaps == (row.missing or []):
            continue
        s.execute(_MISSING, {"stream_id": row.id, "gaps": gaps or None})
        if sum(high - low + 1 for low, high in gaps) > sum(high - low + 1 for low, high in row.missing or []):
            words = ", ".join(f"{low}–{high}" for low, high in gaps[:NAMED_MAX])
            count = sum(high - low + 1 for low, high in gaps)
            params: dict[str, str | int] = {"stream": row.stream, "rows": words, "count": min(count, 2**53)}
            technical.sound(s, origin, "rows_missing", params, now_ms)
    if was_missing and not still_missing:
        technical.clear(s, origin, "rows_missing", now_ms)
