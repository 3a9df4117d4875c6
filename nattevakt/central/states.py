"""What a rule remembers of a subject: locked, read and kept. Serves arrow 7.

Owns the rows of `rule_states`. Must not know what stands in them. Whoever needs several takes them in the order of
(subject, rule), and before the wake row of the same name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, text

from nattevakt.central.db import TenantSession
from nattevakt.central.tables import rule_states
from nattevakt.edge.rules.rule import JsonState

Name = tuple[str, str]
"""Subject and rule."""
_STATE = rule_states.c.state.type
_PUT = "INSERT INTO rule_states (tenant_id, subject, rule, state) SELECT :tenant, "
# The rows are made, and so locked, in the order in which the list has them.
_GIVEN = {
    "sqlite": "json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') "
    "FROM json_each(:given) WHERE true ORDER BY key ",
    "postgresql": "one ->> 0, one ->> 1, CAST(one ->> 2 AS json) "
    "FROM json_array_elements(CAST(:given AS json)) WITH ORDINALITY AS given (one, nth) ORDER BY nth ",
}
_TAKEN = "ON CONFLICT (tenant_id, subject, rule) DO UPDATE SET state = "
# Inserted before it is locked: two transactions can neither both find nothing nor lock nothing.
_LOCK = {
    dialect: text(f"{_PUT}{given}{_TAKEN}rule_states.state RETURNING subject, rule, state").columns(
        rule_states.c.subject, rule_states.c.rule, state=_STATE
    )
    for dialect, given in _GIVEN.items()
}
_KEEP_ALL = {dialect: text(f"{_PUT}{given}{_TAKEN}excluded.state") for dialect, given in _GIVEN.items()}
_KEEP = text(
    "UPDATE rule_states SET state = :state WHERE tenant_id = :tenant AND subject = :subject AND rule = :rule"
).bindparams(bindparam("state", type_=_STATE))
# Strict: what this takes, both databases take, so that nobody's state can spoil the writing of all.
_write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def lock(s: TenantSession, subject: str, rule: str) -> JsonState:
    """What is remembered, empty if nothing is; nobody else changes it until the transaction ends."""
    return lock_all(s, [(subject, rule)])[subject, rule]


def lock_all(s: TenantSession, names: Iterable[Name]) -> dict[Name, JsonState]:
    """The same for many, taken in their order in one statement."""
    given = _write([(subject, rule, "{}") for subject, rule in sorted(names)])
    return {(row.subject, row.rule): row.state for row in s.execute(_LOCK[s.dialect], {"given": given})}


def keep(s: TenantSession, subject: str, rule: str, state: Mapping[str, object]) -> None:
    """Remember this from now on."""
    s.execute(_KEEP, {"subject": subject, "rule": rule, "state": dict(state)})


def written(state: JsonState) -> str:
    """A state as `keep_all` takes it. Raises ValueError or TypeError where it is none."""
    found = _write(dict(state))
    found.encode()
    return found


def read(kept: str) -> JsonState:
    """What `written` gave, as it would come from the database."""
    found: JsonState = json.loads(kept)
    return found


def keep_all(s: TenantSession, states: Mapping[Name, str]) -> None:
    """Remember these, which `written` has made, from now on. They are locked already."""
    if states:
        given = _write([(*name, states[name]) for name in sorted(states)])
        s.execute(_KEEP_ALL[s.dialect], {"given": given})
