"""The ledger of delivery to people: one row for each alarm, tablet and sounding. Serves arrow 9.

Owns the rows and their states; a state is written only after what it says has happened. Must not know how a
notice travels, nor what its alarm means.

pending → leased → sent → shown → sounded → seen → taken; or failed with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import TextClause, bindparam, text

from nattevakt.central.db import TenantSession


class NoticeState(StrEnum):
    """How far a notice has come."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    SHOWN = "shown"
    SOUNDED = "sounded"
    SEEN = "seen"
    TAKEN = "taken"
    FAILED = "failed"


_ORDER = tuple(NoticeState)[:7]

_SELECT = """SELECT :tenant, {id}, :alarm_id, t.id, :sound_seq, 'pending', :now_ms
FROM tablets t WHERE t.tenant_id = :tenant AND t.revoked_ms IS NULL
AND (t.ward_id = :ward_id OR t.ward_id IN
(SELECT w.ward_id FROM alarm_wards w WHERE w.tenant_id = :tenant AND w.alarm_id = :alarm_id))
AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.tenant_id = :tenant AND n.alarm_id = :alarm_id
AND n.tablet_id = t.id AND n.sound_seq = :sound_seq) ORDER BY t.id"""
_NUMBER = "(SELECT coalesce(max(id), 0) FROM notices WHERE tenant_id = :tenant) + row_number() OVER (ORDER BY t.id)"
_COLUMNS = "alarm_id, tablet_id, sound_seq, state, made_ms"
_POST = {
    "sqlite": text(f"INSERT INTO notices (tenant_id, id, {_COLUMNS}) " + _SELECT.format(id=_NUMBER)),
    "postgresql": text(f"INSERT INTO notices (tenant_id, {_COLUMNS}) " + _SELECT.format(id="").replace(" ,", "")),
}


def _mark(state: NoticeState, column: str, extra: str = "") -> TextClause:
    before = ", ".join(f"'{s.value}'" for s in _ORDER[: _ORDER.index(state)])
    return text(
        f"UPDATE notices SET {column} = coalesce({column}, :at_ms){extra}, "  # noqa: S608 - our own constants
        f"state = CASE WHEN state IN ({before}) THEN '{state.value}' ELSE state END "
        "WHERE tenant_id = :tenant AND tablet_id = :tablet_id AND id IN :ids AND state <> 'failed'"
    ).bindparams(bindparam("ids", expanding=True))


_SENT = _mark(NoticeState.SENT, "sent_ms", ", lease_until_ms = NULL")
_SHOWN = _mark(NoticeState.SHOWN, "shown_ms")
_SOUNDED = _mark(NoticeState.SOUNDED, "sounded_ms")
_SEEN = _mark(NoticeState.SEEN, "seen_ms")
_LEASE = text(
    "UPDATE notices SET state = 'leased', lease_until_ms = :until_ms WHERE tenant_id = :tenant "
    "AND tablet_id = :tablet_id AND (state = 'pending' OR (state = 'leased' AND lease_until_ms <= :now_ms)) "
    "RETURNING id"
)
_TAKEN = text(
    "UPDATE notices SET state = 'taken', taken_ms = :now_ms, lease_until_ms = NULL "
    "WHERE tenant_id = :tenant AND alarm_id = :alarm_id AND state NOT IN ('taken', 'failed')"
)
_FAILED = text(
    "UPDATE notices SET state = 'failed', failed_ms = :now_ms, reason = :reason, lease_until_ms = NULL "
    "WHERE tenant_id = :tenant AND alarm_id = :alarm_id AND state IN ('pending', 'leased', 'sent')"
)


def post(s: TenantSession, alarm_id: int, ward_id: int, sound_seq: int, now_ms: int) -> None:
    """Write one pending notice for each enrolled tablet of the ward, and of those that the alarm has gone on to, that
    has none of this sounding."""
    params = {"alarm_id": alarm_id, "ward_id": ward_id, "sound_seq": sound_seq, "now_ms": now_ms}
    s.execute(_POST[s.dialect], params)


def lease(s: TenantSession, tablet_id: int, now_ms: int, lease_ms: int) -> tuple[int, ...]:
    """Claim this tablet's notices that wait or whose lease has run out; gives their ids."""
    params = {"tablet_id": tablet_id, "now_ms": now_ms, "until_ms": now_ms + lease_ms}
    return tuple(sorted(row.id for row in s.execute(_LEASE, params)))


def mark_sent(s: TenantSession, tablet_id: int, ids: Sequence[int], at_ms: int) -> int:
    """They have gone out on the wire to this tablet. Gives how many rows this is about."""
    return s.execute(_SENT, {"tablet_id": tablet_id, "ids": list(ids), "at_ms": at_ms}).rowcount


def mark_shown(s: TenantSession, tablet_id: int, ids: Sequence[int], at_ms: int) -> int:
    """The tablet says that they are on its screen."""
    return s.execute(_SHOWN, {"tablet_id": tablet_id, "ids": list(ids), "at_ms": at_ms}).rowcount


def mark_sounded(s: TenantSession, tablet_id: int, ids: Sequence[int], at_ms: int) -> int:
    """The tablet says that it made the sound."""
    return s.execute(_SOUNDED, {"tablet_id": tablet_id, "ids": list(ids), "at_ms": at_ms}).rowcount


def mark_seen(s: TenantSession, tablet_id: int, ids: Sequence[int], at_ms: int) -> int:
    """A person touched it."""
    return s.execute(_SEEN, {"tablet_id": tablet_id, "ids": list(ids), "at_ms": at_ms}).rowcount


def settle(s: TenantSession, alarm_id: int, now_ms: int) -> None:
    """Somebody took the alarm: nothing more has to reach anybody about what has sounded so far."""
    s.execute(_TAKEN, {"alarm_id": alarm_id, "now_ms": now_ms})


def withdraw(s: TenantSession, alarm_id: int, reason: str, now_ms: int) -> None:
    """The alarm ended without a person; what no tablet has shown yet never will be."""
    s.execute(_FAILED, {"alarm_id": alarm_id, "reason": reason, "now_ms": now_ms})
