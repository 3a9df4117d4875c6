"""Whether a gateway that starts still has what it had stored, and was gone unseen. Serves arrow 6.

Owns two judgements. The stream that begins must go back, from predecessor to predecessor, to the one that spoke
last: a gateway that names none, or only older ones, runs on another card, or on an old copy of its own, and what it had
not delivered is gone. And the time since its last stored sign of life must be short, or somebody must have heard that
the gateway was silent: while the centre is away itself nobody does, and an older copy of a card looks just like a box
that was off. A person hears between which moments that was. Must not know how batches are stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select

from nattevakt.central import completeness, gateway_silence, technical
from nattevakt.central.cases import Stored
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.devices import DeviceStates
from nattevakt.central.lifeline import before, held_of
from nattevakt.central.occurred import Clocks
from nattevakt.central.tables import alarms, streams, transitions
from nattevakt.central.technical import Origin
from nattevakt.edge.events import Started
from nattevakt.edge.pace import stretched

LOOKED_AT_MAX = 50
"""How many of a gateway's latest streams are looked at; what lies further back is older than any of these."""

_LATEST = (
    select(streams)
    .where(streams.c.tenant_id == TENANT, streams.c.gateway_id == bindparam("gateway_id"))
    .order_by(streams.c.id.desc())
    .limit(LOOKED_AT_MAX)
)


def judge(
    s: TenantSession,
    origin: Origin,
    gateway: Row[Any],
    starts: Sequence[Stored],
    clocks: Clocks,
    now_ms: int,
    pace: float = 1.0,
) -> None:
    """Alarm about each of these starts that has lost what was there before it, or comes long after the last sign of
    life. gateway: its row as it was until now. pace: how fast service time runs; in a demo a restart of seconds is one
    of minutes.

    All that happened before `complete_to_ms` is here; from then until the start something may be gone, and what
    tells of a lasting state is not known.
    """
    known = {row.stream: row for row in s.execute(_LATEST, {"gateway_id": origin.gateway_id})}
    limit_ms = stretched(completeness.LAG_MS, pace)
    for entry in starts:
        mine = next((row for row in known.values() if row.id == entry.key.stream_id), None)
        if mine is None or mine.started_seq != entry.key.seq:
            continue
        heard_ms = gateway.complete_to_ms if gateway.complete_to_ms is not None else entry.occurred.from_ms
        from_ms = min(heard_ms, entry.occurred.from_ms)
        if _has_lost(mine, known, gateway.held or {}):
            _unknown(s, origin, from_ms, entry.occurred.to_ms, now_ms)
            _sound(s, origin, "storage_lost", from_ms, entry, now_ms)
            continue
        lived_ms = _lived_ms(entry, clocks)
        if lived_ms is None:
            continue
        # Doubt rings: where its clocks do not say when it last lived, all that the centre has not seen counts.
        gone_ms = max(lived_ms, from_ms)
        if entry.occurred.to_ms - gone_ms > limit_ms and not _known_as_silent(s, origin, gone_ms):
            _sound(s, origin, "gateway_gap", gone_ms, entry, now_ms)


def _sound(s: TenantSession, origin: Origin, kind: str, from_ms: int, entry: Stored, now_ms: int) -> None:
    rooms = gateway_silence.rooms_named(s, origin.gateway_id, now_ms)
    code = kind if rooms else f"{kind}.empty"
    params: dict[str, str | int] = {"from_ms": from_ms, "to_ms": entry.occurred.to_ms, "rooms": rooms}
    # Each is a gap of its own: whoever has the alarm of the one before must hear of it.
    technical.sound(s, origin, kind, params, now_ms, code=code, event=entry.key, anew=True)


def _lived_ms(entry: Stored, clocks: Clocks) -> int | None:
    """The first moment at which its last stored sign of life may have been."""
    body = entry.event.body
    assert isinstance(body, Started)  # noqa: S101 - starts alone are judged
    return None if body.last_life is None else clocks.occurred(body.last_life).from_ms


_TOLD = (
    select(transitions.c.id)
    .join(alarms, (alarms.c.tenant_id == transitions.c.tenant_id) & (alarms.c.id == transitions.c.alarm_id))
    .where(
        transitions.c.tenant_id == TENANT,
        alarms.c.subject == bindparam("subject"),
        alarms.c.rule == completeness.GATEWAY_SILENT,
        transitions.c.at_ms >= bindparam("from_ms"),
        transitions.c.cause.in_(("raise", "join", "sound")),
    )
    .limit(1)
)


def _known_as_silent(s: TenantSession, origin: Origin, from_ms: int) -> bool:
    """Whether somebody has been told since then, or still is, that nothing is known of this gateway."""
    if completeness.outages(s, [origin.gateway_id]):
        return True
    return s.execute(_TOLD, {"subject": origin.subject, "from_ms": from_ms}).first() is not None


def _unknown(s: TenantSession, origin: Origin, from_ms: int, to_ms: int, now_ms: int) -> None:
    states = DeviceStates(s, origin.gateway_id)
    states.load(None)
    for state in states.all():
        if state.has_state:
            state.unknown(from_ms, "restart", to_ms)
    states.save(now_ms)


def _has_lost(mine: Row[Any], known: Mapping[str, Row[Any]], held: Mapping[str, Any]) -> bool:
    """Whether this start does not go on from where the gateway last was. held: what it last said that it holds."""
    previous = known.get(mine.previous_stream or "")
    if previous is not None and mine.previous_last_seq is not None:
        mark, ranges = held_of(previous).mark, held_of(previous).ranges
        if max(mark, *(high for _, high in ranges), 0) > mine.previous_last_seq:
            return True  # we hold more of it than its own successor has: that one knows an old copy
    mine_from, whole = _back(mine, known)
    others = [row for row in known.values() if row.id != mine.id and not _comes_after(row, mine, known, held)]
    spoke = [row for row in others if row.first_heartbeat_ms is not None or row.started_seq is not None]
    if not spoke:
        return False
    last = max(spoke, key=lambda row: (row.first_heartbeat_ms or -1, row.id))
    # Where a predecessor has not told of its own start yet, it may be the link: its missing rows are named as such.
    return whole and last.stream not in mine_from


def _back(row: Row[Any], known: Mapping[str, Row[Any]]) -> tuple[Collection[str], bool]:
    """The streams before this one as far as they are known, and whether none is missing between them."""
    found = list(before(row, known))
    begun = known[found[-1]].started_seq is not None if found else row.started_seq is not None
    return found, begun


def _comes_after(row: Row[Any], mine: Row[Any], known: Mapping[str, Row[Any]], held: Mapping[str, Any]) -> bool:
    """Whether another stream began later on the same card, so that it says nothing of what was there before."""
    earlier, whole = _back(row, known)
    if mine.stream in earlier:
        return True
    if whole:
        return False
    # Its start, or one in between, is still on the way: it is of the same card if that card was said to hold both.
    return row.first_heartbeat_ms is None or (mine.stream in held and not {row.stream, *earlier}.isdisjoint(held))
