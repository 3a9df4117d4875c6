"""Sirens on the gateways: whether each is to sound, and what the ledger says of it. Serves arrow 9.

Owns the rows of `sendings` whose channel is "siren": a gateway fetches them with its heartbeats, and its next one
says what came of it. Leased: said in an answer, which may be lost. Sent: the gateway tells its siren. Confirmed: a
siren says itself that it sounds. Must not know HTTP, when a step is due, or how a siren is commanded.

A siren sounds for an alarm from the step that asked for it until somebody has the alarm, or it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, text

from nattevakt.central import wakes
from nattevakt.central.alarms.lifecycle import ENDED, HELD, UNTAKEN, State
from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import sendings
from nattevakt.central.notify.sendings import SIREN, Sending, SendingState
from nattevakt.central.tables import devices, gateways, placements
from nattevakt.edge.wire_heartbeat import SirenAsked, SirenSaid

RULE = "escalation"
"""The rule of an alarm's wake row, as alarms/escalating.py names it."""
LEASE_MS = 60_000
"""So long an answer that asked counts as being on its way."""
REACH_MS = 60_000
"""So long a siren may be out of reach, or silent, before its sending has failed."""
FETCH_MS = 90_000
"""And so long its gateway may take to fetch it: several heartbeats."""
WHY_MAX = 20
NO_SIREN, UNREACHABLE, SILENT, NOT_FETCHED = "no_siren", "siren_unreachable", "siren_silent", "gateway_silent"
"""Why a sending has failed: the gateway has none; it cannot reach it; it does not say that it sounds; the gateway
itself was not heard."""


def _words(states: Iterable[State]) -> str:
    return ", ".join(f"'{state.value}'" for state in sorted(states))


_COLUMNS = "x.id, x.alarm_id, x.sound_seq, x.step, x.target, x.state, x.attempts, x.made_ms, x.sent_ms"
# What was asked for before somebody had the alarm is not asked for any more, also when it rings again.
_ASKED = text(
    f"SELECT {_COLUMNS} FROM alarms a JOIN sendings x ON x.tenant_id = a.tenant_id AND x.alarm_id = a.id "  # noqa: S608
    f"WHERE a.tenant_id = :tenant AND a.closed_ms IS NULL AND a.state IN ({_words(UNTAKEN)}) "
    "AND x.channel = 'siren' AND x.target = :target AND x.state <> 'withdrawn' AND NOT EXISTS ("
    "SELECT 1 FROM transitions t WHERE t.tenant_id = x.tenant_id AND t.alarm_id = x.alarm_id "
    f"AND t.at_ms >= x.made_ms AND t.to_state IN ({_words(HELD | ENDED)})) ORDER BY x.alarm_id, x.id"
)
_WAITING = text(
    f"SELECT {_COLUMNS} FROM sendings x WHERE x.tenant_id = :tenant AND x.state IN ('pending', 'leased') "  # noqa: S608
    "AND x.channel = 'siren' AND (x.target = :target OR :target = '') AND x.made_ms <= :made_ms "
    "ORDER BY x.alarm_id, x.id"
)
_HOLD = text("SELECT id FROM alarms WHERE tenant_id = :tenant AND id IN :ids ORDER BY id FOR UPDATE").bindparams(
    bindparam("ids", expanding=True)
)
_LEASED = text(
    "UPDATE sendings SET state = 'leased', lease_until_ms = :until_ms, attempts = attempts + 1 "
    "WHERE tenant_id = :tenant AND id = :id AND state IN ('pending', 'leased')"
)
_FAILED = text(
    "UPDATE sendings SET state = 'failed', failed_ms = :now_ms, reason = :reason, lease_until_ms = NULL "
    "WHERE tenant_id = :tenant AND id = :id AND state IN ('pending', 'leased', 'sent')"
)
_GATEWAYS = (
    select(gateways.c.id, gateways.c.ward_id, gateways.c.health)
    .where(gateways.c.tenant_id == TENANT, gateways.c.revoked_ms.is_(None))
    .order_by(gateways.c.id)
)
_IN_ROOM = (
    select(devices.c.gateway_id)
    .join(placements, (placements.c.tenant_id == devices.c.tenant_id) & (placements.c.device_id == devices.c.id))
    .where(
        devices.c.tenant_id == TENANT,
        placements.c.room_id == bindparam("room_id"),
        devices.c.gateway_id.is_not(None),
        in_force(placements, "now_ms"),
    )
    .distinct()
)


def gateways_of(s: TenantSession, alarm: Row[Any]) -> list[int]:
    """The gateways whose sirens are near an alarm, by their ids: those of its room, else those of its ward.

    Gateways that have told of a siren come first: a ward with one siren in the corridor has it at one gateway. Where
    nobody has, the others are named all the same, so that the ledger says that there was none.
    """
    found = s.execute(_GATEWAYS).all()
    room: set[int] = set()
    if alarm.room_id is not None:
        room = set(s.execute(_IN_ROOM, {"room_id": alarm.room_id, "now_ms": alarm.raised_ms}).scalars())
    near = [row for row in found if row.id in room]
    ward = [row for row in found if row.ward_id == alarm.ward_id]
    with_siren = ([row for row in rows if (row.health or {}).get("sirens")] for rows in (near, ward))
    chosen: Sequence[Row[Any]] = next(filter(None, (*with_siren, near, ward)), [])
    return [int(row.id) for row in chosen]


def kept(said: Mapping[str, SirenSaid] | None) -> dict[str, object]:
    """What is kept of a gateway's sirens with its health; nothing of a gateway that knows of none."""
    if said is None:
        return {}
    return {"sirens": {address: {"state": one.state, "told": one.told} for address, one in said.items()}}


def answer(s: TenantSession, gateway_id: int, said: Mapping[str, SirenSaid] | None, now_ms: int) -> SirenAsked | None:
    """Write down what a heartbeat says of the gateway's sirens, and whether they are to sound; None where it has
    none."""
    target = f"gateway:{gateway_id}"
    if not said:
        waiting = s.execute(_WAITING, {"target": target, "made_ms": now_ms}).all()
        _fail(s, waiting, NO_SIREN, now_ms)
        return None
    asked = s.execute(_ASKED, {"target": target}).all()
    failed = _fail(s, asked, _hopeless(said.values()), now_ms, now_ms - REACH_MS)
    for row in asked:
        if row.id not in failed:
            _advance(s, row, said.values(), now_ms)
    why = tuple(f"alarm {alarm_id}" for alarm_id in dict.fromkeys(row.alarm_id for row in asked))
    return SirenAsked(on=bool(asked), why=why[:WHY_MAX])


def _hopeless(said: Iterable[SirenSaid]) -> str:
    """Why none of these sounds although it was told long enough ago; "" where one may."""
    states = {one.state for one in said}
    if states <= {"unreachable"}:
        return UNREACHABLE
    return SILENT if states <= {"unreachable", "silent"} else ""


def _advance(s: TenantSession, row: Row[Any], said: Iterable[SirenSaid], now_ms: int) -> None:
    """One row, by what the heartbeat says; what has not been in an answer yet is in this one."""
    state = SendingState(row.state)
    if state is SendingState.PENDING:
        s.execute(_LEASED, {"id": row.id, "until_ms": now_ms + LEASE_MS})
    elif state is SendingState.CONFIRMED:
        return
    elif any(one.told and one.state == "on" for one in said):
        sendings.mark_confirmed(s, row.id, now_ms)
    elif state is SendingState.LEASED and any(one.told for one in said):
        sendings.mark_sent(s, row.id, now_ms)
    elif state is SendingState.LEASED:
        s.execute(_LEASED, {"id": row.id, "until_ms": now_ms + LEASE_MS})


def give_up(s: TenantSession, now_ms: int) -> int:
    """What no gateway has fetched in time has failed. Gives how many rows."""
    waiting = s.execute(_WAITING, {"target": "", "made_ms": now_ms - FETCH_MS}).all()
    return len(_fail(s, waiting, NOT_FETCHED, now_ms))


def _fail(
    s: TenantSession, rows: Sequence[Row[Any]], reason: str, now_ms: int, made_ms: int | None = None
) -> frozenset[int]:
    """These have failed, of those asked for before `made_ms`, if there is a reason. Where that was the last hope of an
    alarm's newest step, the next comes at once. Gives their ids."""
    open_ = ("pending", "leased", "sent")
    lost = [row for row in rows if reason and row.state in open_ and (made_ms is None or row.made_ms <= made_ms)]
    if lost and s.dialect != "sqlite":
        # Two that fail in the same moment would each see the other as still on its way.
        s.execute(_HOLD, {"ids": sorted({row.alarm_id for row in lost})}).all()
    for row in lost:
        changed = s.execute(_FAILED, {"id": row.id, "reason": reason, "now_ms": now_ms}).rowcount
        if changed and sendings.nobody_left(s, _sending(row)):
            wakes.arm(s, f"alarm:{row.alarm_id}", RULE, now_ms)
    return frozenset(row.id for row in lost)


def _sending(row: Row[Any]) -> Sending:
    return Sending(row.id, row.alarm_id, row.sound_seq, row.step, SIREN, row.target, row.attempts, row.made_ms, 0, "")
