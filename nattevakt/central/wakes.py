"""Stored deadlines: when a rule would change its mind, and what a due one waits for. Serves arrow 7.

Owns the rows of `wake_rows`, apart from the sweep's own canary. Must not know what any rule decides. No deadline
lives in memory: whoever sweeps next, after any restart, finds it here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from nattevakt.central.arrays import columns_of, delete_text, upsert_text
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import wake_rows

TAKE_MAX = 100
"""How many due rows one transaction takes; more wait for the next, so that batches get their turn between."""


@dataclass(frozen=True, slots=True)
class Wake:
    """One deadline. wake_at_ms: the service time at which its rule wants to look."""

    subject: str
    rule: str
    wake_at_ms: int


_ARM = text(
    "INSERT INTO wake_rows (tenant_id, subject, rule, wake_at_ms) VALUES (:tenant, :subject, :rule, :wake_at_ms) "
    "ON CONFLICT (tenant_id, subject, rule) DO UPDATE SET wake_at_ms = excluded.wake_at_ms, "
    "look_ms = NULL, waits_for = NULL"
)
_KEYS = ("subject", "rule")
_COLUMNS = (*_KEYS, "wake_at_ms", "look_ms", "waits_for")
_TAKE_ALL = text(
    "SELECT it.subject FROM wake_rows it JOIN unnest(CAST(:subjects AS text[]), CAST(:rules AS text[])) "
    "AS given (subject, rule) ON it.subject = given.subject AND it.rule = given.rule WHERE it.tenant_id = :tenant "
    'ORDER BY it.subject COLLATE "C", it.rule COLLATE "C" FOR UPDATE OF it'
)
_DISARM = text("DELETE FROM wake_rows WHERE tenant_id = :tenant AND subject = :subject AND rule = :rule")
_WAIT = text(
    "UPDATE wake_rows SET look_ms = :look_ms, waits_for = :waits_for "
    "WHERE tenant_id = :tenant AND subject = :subject AND rule = :rule"
)
_RELEASE = text(
    "UPDATE wake_rows SET look_ms = NULL, waits_for = NULL "
    "WHERE tenant_id = :tenant AND waits_for = :gateway_id AND wake_at_ms <= :to_ms"
)
DUE = (
    "SELECT subject, rule, wake_at_ms FROM wake_rows WHERE tenant_id = :tenant AND wake_at_ms <= :now_ms "
    "AND (look_ms IS NULL OR look_ms <= :now_ms) AND rule <> 'canary'"
)
"""What is due at :now_ms."""
# Byte order on both, as Python sorts: a locale's order would lock in another sequence than ingest does.
_ORDER = {"sqlite": "subject, rule", "postgresql": 'subject COLLATE "C", rule COLLATE "C"'}
_LIST = {
    dialect: text(f"{DUE} AND ({order}) > (:subject, :rule) ORDER BY {order} LIMIT :most")
    for dialect, order in _ORDER.items()
}
_ONE = DUE + " AND subject = :subject AND rule = :rule"
_ONE_LOCKED = {"sqlite": text(_ONE), "postgresql": text(_ONE + " FOR UPDATE SKIP LOCKED")}
_WAITING = (
    "SELECT subject, rule FROM wake_rows WHERE tenant_id = :tenant AND waits_for = :gateway_id "
    "AND wake_at_ms <= :to_ms ORDER BY "
)
_WAITING_LOCKED = {
    "sqlite": text(_WAITING + _ORDER["sqlite"]),
    "postgresql": text(_WAITING + _ORDER["postgresql"] + " FOR UPDATE"),
}
_WAITING_FREE = {
    "sqlite": _WAITING_LOCKED["sqlite"],
    "postgresql": text(_WAITING + _ORDER["postgresql"] + " FOR UPDATE SKIP LOCKED"),
}
_RELEASE_ONE = text(
    "UPDATE wake_rows SET look_ms = NULL, waits_for = NULL "
    "WHERE tenant_id = :tenant AND subject = :subject AND rule = :rule"
)


def arm(s: TenantSession, subject: str, rule: str, wake_at_ms: int | None) -> None:
    """Set a rule's deadline for a subject, replacing an earlier one; None: it waits for nothing any more."""
    key: dict[str, object] = {"subject": subject, "rule": rule}
    if wake_at_ms is None:
        s.execute(_DISARM, key)
    else:
        s.execute(_ARM, {**key, "wake_at_ms": wake_at_ms})


def arm_all(s: TenantSession, deadlines: Mapping[tuple[str, str], int | None]) -> None:
    """The same for many, by subject and rule, taken in their order."""
    gone = sorted(name for name, wake_at_ms in deadlines.items() if wake_at_ms is None)
    armed = [(*name, deadlines[name], None, None) for name in sorted(deadlines) if deadlines[name] is not None]
    if s.dialect != "sqlite" and gone and armed:
        # Two statements take their rows in two goes: here they are taken in one.
        subjects, rules = columns_of(sorted(deadlines))
        s.execute(_TAKE_ALL, {"subjects": subjects, "rules": rules}).all()
    if gone:
        s.run_rows(delete_text(wake_rows, _KEYS, s.tenant_id, s.dialect), gone)
    if armed:
        s.run_rows(upsert_text(wake_rows, _KEYS, _COLUMNS, s.tenant_id, s.dialect), armed)


def is_moment(wake_at_ms: object) -> bool:
    """Whether this is something that can be stored as a deadline, or as none."""
    return wake_at_ms is None or (type(wake_at_ms) is int and abs(wake_at_ms) < 2**63)


def wait(s: TenantSession, wake: Wake, gateway_id: int | None, look_ms: int) -> None:
    """Leave a due row until the gateway's data is complete to its moment, or until `look_ms`, whichever is first."""
    s.execute(_WAIT, {"subject": wake.subject, "rule": wake.rule, "look_ms": look_ms, "waits_for": gateway_id})


def release(s: TenantSession, gateway_id: int, complete_to_ms: int, *, pass_over_held: bool = False) -> None:
    """A gateway's data is complete to this moment: what waited for that is due again.

    pass_over_held: leave what another process is looking at; for who holds rule states already and must not wait.
    """
    params = {"gateway_id": gateway_id, "to_ms": complete_to_ms}
    if pass_over_held:
        for row in s.execute(_WAITING_FREE[s.dialect], params).all():
            s.execute(_RELEASE_ONE, {"subject": row.subject, "rule": row.rule})
        return
    # Locked in the order in which everybody locks them; the UPDATE alone would take them as it finds them.
    if s.execute(_WAITING_LOCKED[s.dialect], params).all():
        s.execute(_RELEASE, params)


def due(s: TenantSession, now_ms: int, after: Wake | None = None, most: int = TAKE_MAX) -> Sequence[Wake]:
    """What is due, in the order in which rule states are locked, behind `after`; nothing is locked yet.

    Whoever handles one first locks what its judgement rests on (the rule's state), then takes the row with `take`:
    the order in which ingest holds them. The other way about the two would wait for each other.
    """
    last = {"subject": after.subject, "rule": after.rule} if after is not None else {"subject": "", "rule": ""}
    found = s.execute(_LIST[s.dialect], {"now_ms": now_ms, "most": most, **last})
    return [Wake(row.subject, row.rule, row.wake_at_ms) for row in found]


def take(s: TenantSession, wake: Wake, now_ms: int) -> Wake | None:
    """One due row, locked until the transaction ends; None where it is no longer due or another process has it."""
    params = {"subject": wake.subject, "rule": wake.rule, "now_ms": now_ms}
    row = s.execute(_ONE_LOCKED[s.dialect], params).one_or_none()
    return Wake(row.subject, row.rule, row.wake_at_ms) if row is not None else None
