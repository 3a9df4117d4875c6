"""Stored deadlines: when a rule would change its mind, and what a due one waits for. Serves arrow 7.

Owns the rows of `wake_rows`, apart from the sweep's own canary. Must not know what any rule decides. No deadline
lives in memory: whoever sweeps next, after any restart, finds it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from nattevakt.central.db import TenantSession

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
_DISARM = text("DELETE FROM wake_rows WHERE tenant_id = :tenant AND subject = :subject AND rule = :rule")
_WAIT = text(
    "UPDATE wake_rows SET look_ms = :look_ms, waits_for = :waits_for "
    "WHERE tenant_id = :tenant AND subject = :subject AND rule = :rule"
)
_RELEASE = text(
    "UPDATE wake_rows SET look_ms = NULL, waits_for = NULL "
    "WHERE tenant_id = :tenant AND waits_for = :gateway_id AND wake_at_ms <= :to_ms"
)
_DUE = (
    "SELECT subject, rule, wake_at_ms FROM wake_rows WHERE tenant_id = :tenant AND wake_at_ms <= :now_ms "
    "AND (look_ms IS NULL OR look_ms <= :now_ms) AND rule <> 'canary' ORDER BY subject, rule LIMIT :most"
)
_DUE_LOCKED = {"sqlite": text(_DUE), "postgresql": text(_DUE + " FOR UPDATE SKIP LOCKED")}


def arm(s: TenantSession, subject: str, rule: str, wake_at_ms: int | None) -> None:
    """Set a rule's deadline for a subject, replacing an earlier one; None: it waits for nothing any more."""
    key: dict[str, object] = {"subject": subject, "rule": rule}
    if wake_at_ms is None:
        s.execute(_DISARM, key)
    else:
        s.execute(_ARM, {**key, "wake_at_ms": wake_at_ms})


def wait(s: TenantSession, wake: Wake, gateway_id: int, look_ms: int) -> None:
    """Leave a due row until the gateway's data is complete to its moment, or until `look_ms`, whichever is first."""
    s.execute(_WAIT, {"subject": wake.subject, "rule": wake.rule, "look_ms": look_ms, "waits_for": gateway_id})


def release(s: TenantSession, gateway_id: int, complete_to_ms: int) -> None:
    """A gateway's data is complete to this moment: what waited for that is due again."""
    s.execute(_RELEASE, {"gateway_id": gateway_id, "to_ms": complete_to_ms})


def take(s: TenantSession, now_ms: int, most: int = TAKE_MAX) -> Sequence[Wake]:
    """Due rows, locked until the transaction ends, in the order in which rule states are locked."""
    found = s.execute(_DUE_LOCKED[s.dialect], {"now_ms": now_ms, "most": most})
    return [Wake(row.subject, row.rule, row.wake_at_ms) for row in found]
