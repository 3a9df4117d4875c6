"""The ledger of delivery beyond the tablets' page: text messages, push, webhooks, sirens. Serves arrow 9.

Owns the rows of `sendings` and their states; a state is written only after what it says has happened. Must not know
how a message travels, what its text is, nor who is asked when.

pending → leased → sent → confirmed; or failed with a reason, or withdrawn because the alarm has somebody. What was
leased and not answered for is pending again once the lease has run out, with the same idempotency key: at least once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import TextClause, bindparam, text

from nattevakt.central.alarms.lifecycle import UNTAKEN
from nattevakt.central.db import TenantSession
from nattevakt.central.tables_duty import sendings

SMS, PUSH, WEBHOOK, SIREN = "sms", "push", "webhook", "siren"
CHANNELS = (SMS, PUSH, WEBHOOK, SIREN)
REASON_MAX = 200
AHEAD_MS = 600_000
"""No lease is longer, and no try is put off for longer: what is further ahead comes from a clock that was wrong."""


class SendingState(StrEnum):
    """How far a sending has come. The values are stored."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Sending:
    """One leased row. attempts: which try this is, from 1. lease_until_ms: who answers for it later has lost it.

    target: "staff:7", "phone:+47...", "webhook:<key>" or "gateway:3".
    """

    id: int
    alarm_id: int
    sound_seq: int
    step: int
    channel: str
    target: str
    attempts: int
    made_ms: int
    lease_until_ms: int
    idempotency_key: str

    @property
    def target_id(self) -> int | None:
        """The number in "staff:7" and "gateway:3"; None where the target has none."""
        kind, _, rest = self.target.partition(":")
        return int(rest) if kind in ("staff", "gateway") and rest.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one road has before it. oldest_ms: when the oldest was asked for. due: how many may go now."""

    count: int
    due: int
    oldest_ms: int


_UNTAKEN = ", ".join(f"'{state.value}'" for state in sorted(UNTAKEN))
_OPEN = "x.state IN ('pending', 'leased')"
# The road of a row, which is also its key in channel_health.
_ROAD = (
    "CASE x.channel WHEN 'webhook' THEN x.target WHEN 'siren' THEN 'siren:' || substr(x.target, 9) ELSE x.channel END"
)
_DUE = (
    f"((x.state = 'pending' AND (x.due_ms <= :now_ms OR x.due_ms > :now_ms + {AHEAD_MS})) "
    f"OR (x.state = 'leased' AND (x.lease_until_ms <= :now_ms OR x.lease_until_ms > :now_ms + {AHEAD_MS})))"
)
_WANTED = (
    f"EXISTS (SELECT 1 FROM alarms a WHERE a.tenant_id = x.tenant_id AND a.id = x.alarm_id AND a.state IN ({_UNTAKEN}))"  # noqa: S608
)
_MINE = "x.tenant_id = :tenant AND x.id = :id AND x.state = 'leased' AND x.lease_until_ms = :lease_until_ms"

# The same target is to be told by a later step, or of a later sound: one message that is new, not all that waited.
_NEWER = (
    "EXISTS (SELECT 1 FROM sendings y WHERE y.tenant_id = x.tenant_id AND y.alarm_id = x.alarm_id "
    "AND y.channel = x.channel AND y.target = x.target AND (y.sound_seq > x.sound_seq "
    "OR (y.sound_seq = x.sound_seq AND y.step > x.step)))"
)


def _withdrawing(reason: str, where: str, lock: str) -> TextClause:
    # Whoever takes the alarm in this moment withdraws them itself, so nobody waits for a lock.
    found = f"SELECT x.id FROM sendings x WHERE x.tenant_id = :tenant AND {_OPEN} AND {where}{lock}"  # noqa: S608
    return text(
        f"UPDATE sendings SET state = 'withdrawn', reason = '{reason}', lease_until_ms = NULL "  # noqa: S608 - our own
        f"WHERE tenant_id = :tenant AND id IN ({found})"
    )


_OVERTAKEN = {
    dialect: (_withdrawing("taken", f"NOT {_WANTED}", lock), _withdrawing("superseded", _NEWER, lock))
    for dialect, lock in (("sqlite", ""), ("postgresql", " FOR UPDATE SKIP LOCKED"))
}
# Two that fail in the same moment would each see the other as still on its way, and nobody would be told.
_ONE_AT_A_TIME = text("SELECT id FROM alarms WHERE tenant_id = :tenant AND id = :alarm_id FOR UPDATE")
# The most urgent alarm first, then the oldest.
_FIND_SQL = (
    "SELECT x.id, x.alarm_id, x.sound_seq, x.step, x.channel, x.target, x.attempts, x.made_ms, "  # noqa: S608 - our own
    "x.idempotency_key FROM sendings x JOIN alarms a ON a.tenant_id = x.tenant_id AND a.id = x.alarm_id "
    f"WHERE x.tenant_id = :tenant AND {_DUE} AND {_ROAD} = :road ORDER BY a.priority, x.made_ms, x.id LIMIT :most"
)
_FIND = {"sqlite": text(_FIND_SQL), "postgresql": text(_FIND_SQL + " FOR UPDATE OF x SKIP LOCKED")}
_LEASE = text(
    "UPDATE sendings SET state = 'leased', lease_until_ms = :until_ms, attempts = attempts + 1 "
    "WHERE tenant_id = :tenant AND id IN :ids"
).bindparams(bindparam("ids", expanding=True))
_STILL = text(f"SELECT 1 FROM sendings x WHERE {_MINE} AND {_WANTED}")  # noqa: S608 - our own constants
# Whoever has sent it says so whatever has become of the row meanwhile: it is true.
_SENT = text(
    "UPDATE sendings SET state = CASE WHEN state = 'confirmed' THEN state ELSE 'sent' END, "
    "sent_ms = coalesce(sent_ms, :now_ms), provider_ref = coalesce(provider_ref, :provider_ref), "
    "lease_until_ms = NULL, failed_ms = NULL, reason = NULL WHERE tenant_id = :tenant AND id = :id"
)
_CONFIRMED = text(
    "UPDATE sendings SET state = 'confirmed', confirmed_ms = coalesce(confirmed_ms, :now_ms), "
    "sent_ms = coalesce(sent_ms, :now_ms), lease_until_ms = NULL, failed_ms = NULL, reason = NULL "
    "WHERE tenant_id = :tenant AND id = :id"
)
_AGAIN = text(
    "UPDATE sendings AS x SET state = 'pending', due_ms = :due_ms, reason = :reason, lease_until_ms = NULL "  # noqa: S608
    f"WHERE {_MINE}"
)
_UNUSED = text(
    "UPDATE sendings AS x SET state = 'pending', due_ms = :due_ms, attempts = x.attempts - 1, "  # noqa: S608 - our own
    f"lease_until_ms = NULL WHERE {_MINE}"
)
_FAILED = text(
    "UPDATE sendings AS x SET state = 'failed', failed_ms = :now_ms, reason = :reason, lease_until_ms = NULL "  # noqa: S608
    f"WHERE {_MINE}"
)
_WITHDRAWN = text(
    "UPDATE sendings AS x SET state = 'withdrawn', reason = :reason, lease_until_ms = NULL "  # noqa: S608 - our own
    f"WHERE x.tenant_id = :tenant AND x.alarm_id = :alarm_id AND {_OPEN}"
)
_NOBODY = text(
    "SELECT count(*) FROM sendings x JOIN alarms a ON a.tenant_id = x.tenant_id AND a.id = x.alarm_id "  # noqa: S608
    f"WHERE x.tenant_id = :tenant AND x.alarm_id = :alarm_id AND x.sound_seq = :sound_seq AND x.step = :step "
    f"AND a.state IN ({_UNTAKEN}) AND a.sound_seq = x.sound_seq AND coalesce(a.step, 0) <= x.step "
    "AND NOT EXISTS (SELECT 1 FROM sendings y WHERE y.tenant_id = x.tenant_id AND y.alarm_id = x.alarm_id "
    "AND (y.sound_seq > x.sound_seq OR (y.sound_seq = x.sound_seq AND y.step > x.step) "
    "OR (y.sound_seq = x.sound_seq AND y.step = x.step AND y.state <> 'failed')))"
)
_WAITING = text(
    f"SELECT {_ROAD} AS road, count(*) AS waiting, sum(CASE WHEN {_DUE} THEN 1 ELSE 0 END) AS due, "  # noqa: S608
    f"min(x.made_ms) AS oldest_ms FROM sendings x WHERE x.tenant_id = :tenant AND {_OPEN} GROUP BY {_ROAD}"
)


def road_of(channel: str, target: str) -> str:
    """The road that a target is reached by: "sms", "push", "webhook:<key>", "siren:<gateway id>"; a key of
    channel_health."""
    if channel == WEBHOOK:
        return target
    return f"{SIREN}:{target.partition(':')[2]}" if channel == SIREN else channel


def key_of(tenant_id: int, alarm_id: int, sound_seq: int, step: int, channel: str, target: str, made_ms: int) -> str:
    """What the other side knows a sending again by, at every try. It gives away nothing of what it is made of.

    made_ms: so that two installations with one account, or one that began again, never have the same.
    """
    parts = (tenant_id, alarm_id, sound_seq, step, channel, target, made_ms)
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]


def ask(
    s: TenantSession, alarm_id: int, sound_seq: int, step: int, targets: Iterable[tuple[str, str]], now_ms: int
) -> int:
    """Ask for one sending to each (channel, target); what this step has asked for already is not asked for again.

    Gives how many rows it wrote.
    """
    written = 0
    for channel, target in dict.fromkeys(targets):
        row = s.insert_unless_there(
            sendings,
            alarm_id=alarm_id,
            sound_seq=sound_seq,
            step=step,
            channel=channel,
            target=target,
            state=SendingState.PENDING.value,
            attempts=0,
            made_ms=now_ms,
            due_ms=now_ms,
            idempotency_key=key_of(s.tenant_id, alarm_id, sound_seq, step, channel, target, now_ms),
        )
        written += row is not None
    return written


def withdraw(s: TenantSession, alarm_id: int, now_ms: int, reason: str) -> int:
    """The alarm has somebody, or is over: what waits, or is leased and not yet sent, is not sent any more.

    Gives how many rows that is about. now_ms: not stored; every act on an alarm is given it.
    """
    _ = now_ms
    return s.execute(_WITHDRAWN, {"alarm_id": alarm_id, "reason": reason[:REASON_MAX]}).rowcount


def withdraw_overtaken(s: TenantSession) -> int:
    """Withdraw what waits for any alarm that has been taken or is over, and what a later step asks for anew.

    Gives how many rows that is about.
    """
    return sum(s.execute(statement).rowcount for statement in _OVERTAKEN[s.dialect])


def lease(s: TenantSession, road: str, now_ms: int, lease_ms: int, most: int) -> tuple[Sending, ...]:
    """Claim what this road may send now: what is due, and what was leased and not answered for in time.

    The most urgent alarm first. road: as `road_of` says. What another process has claimed is passed over.
    """
    withdraw_overtaken(s)
    found = s.execute(_FIND[s.dialect], {"road": road, "now_ms": now_ms, "most": most}).all()
    if not found:
        return ()
    until_ms = now_ms + lease_ms
    s.execute(_LEASE, {"ids": [row.id for row in found], "until_ms": until_ms})
    return tuple(
        Sending(
            id=row.id,
            alarm_id=row.alarm_id,
            sound_seq=row.sound_seq,
            step=row.step,
            channel=row.channel,
            target=row.target,
            attempts=row.attempts + 1,
            made_ms=row.made_ms,
            lease_until_ms=until_ms,
            idempotency_key=row.idempotency_key,
        )
        for row in found
    )


def still_wanted(s: TenantSession, sending: Sending) -> bool:
    """Whether it is still this lease's to send: not withdrawn, not leased anew, its alarm still without a person."""
    return s.execute(_STILL, _lease_of(sending)).first() is not None


def mark_sent(s: TenantSession, sending_id: int, now_ms: int, provider_ref: str | None = None) -> None:
    """The other side has said that it has it. provider_ref: what it calls it."""
    s.execute(_SENT, {"id": sending_id, "now_ms": now_ms, "provider_ref": provider_ref})


def mark_confirmed(s: TenantSession, sending_id: int, now_ms: int) -> None:
    """It has reached whom it was for: a phone has it, a siren has said itself that it sounds."""
    s.execute(_CONFIRMED, {"id": sending_id, "now_ms": now_ms})


def try_again(s: TenantSession, sending: Sending, reason: str, due_ms: int) -> bool:
    """It did not go out, and may the next time, not before `due_ms`. False where the lease was lost meanwhile."""
    told = {"reason": reason[:REASON_MAX], "due_ms": due_ms}
    return s.execute(_AGAIN, {**_lease_of(sending), **told}).rowcount > 0


def put_back(s: TenantSession, sending: Sending, due_ms: int) -> bool:
    """It was not tried after all; the try does not count. False where the lease was lost meanwhile."""
    return s.execute(_UNUSED, {**_lease_of(sending), "due_ms": due_ms}).rowcount > 0


def mark_failed(s: TenantSession, sending: Sending, reason: str, now_ms: int) -> bool:
    """It will never go out this way. False where the lease was lost meanwhile; whoever has it now decides."""
    told = {"reason": reason[:REASON_MAX], "now_ms": now_ms}
    if s.dialect != "sqlite":
        s.execute(_ONE_AT_A_TIME, {"alarm_id": sending.alarm_id}).all()
    return s.execute(_FAILED, {**_lease_of(sending), **told}).rowcount > 0


def nobody_left(s: TenantSession, sending: Sending) -> bool:
    """Whether every sending of this one's step has failed, and the step is its alarm's newest, and nobody has it."""
    key: dict[str, object] = {"alarm_id": sending.alarm_id, "sound_seq": sending.sound_seq, "step": sending.step}
    return bool(s.execute(_NOBODY, key).scalar())


def waiting(s: TenantSession, now_ms: int) -> dict[str, Waiting]:
    """What each road has before it, by road; one with nothing is not named."""
    rows = s.execute(_WAITING, {"now_ms": now_ms})
    return {row.road: Waiting(int(row.waiting), int(row.due), int(row.oldest_ms)) for row in rows}


def _lease_of(sending: Sending) -> dict[str, object]:
    return {"id": sending.id, "lease_until_ms": sending.lease_until_ms}
