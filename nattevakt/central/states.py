"""What a rule remembers of a subject: locked, read and kept. Serves arrow 7.

Owns the rows of `rule_states`. Must not know what stands in them. Whoever needs several takes them in the order of
(subject, rule), and before the wake row of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, text

from nattevakt.central.db import TenantSession
from nattevakt.central.tables import rule_states
from nattevakt.edge.rules.rule import JsonState

# Inserted before it is locked: two transactions can neither both find nothing nor lock nothing.
_STATE = rule_states.c.state.type
_LOCK = (
    text(
        "INSERT INTO rule_states (tenant_id, subject, rule, state) VALUES (:tenant, :subject, :rule, :state) "
        "ON CONFLICT (tenant_id, subject, rule) DO UPDATE SET state = rule_states.state RETURNING state"
    )
    .bindparams(bindparam("state", type_=_STATE))
    .columns(state=_STATE)
)
_KEEP = text(
    "UPDATE rule_states SET state = :state WHERE tenant_id = :tenant AND subject = :subject AND rule = :rule"
).bindparams(bindparam("state", type_=_STATE))


def lock(s: TenantSession, subject: str, rule: str) -> JsonState:
    """What is remembered, empty if nothing is; nobody else changes it until the transaction ends."""
    found: JsonState = s.execute(_LOCK, {"subject": subject, "rule": rule, "state": {}}).scalar_one()
    return found


def keep(s: TenantSession, subject: str, rule: str, state: Mapping[str, object]) -> None:
    """Remember this from now on."""
    s.execute(_KEEP, {"subject": subject, "rule": rule, "state": dict(state)})
