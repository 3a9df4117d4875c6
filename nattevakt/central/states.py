"""What a rule remembers of a subject: locked, read and kept. Serves arrow 7.

Owns the rows of `rule_states`. Must not know what stands in them. Whoever needs several takes them in the order of
(subject, rule), and before the wake row of the same name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Text, bindparam, text

from nattevakt.central.arrays import columns_of, update_text, upsert_text
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import rule_states
from nattevakt.edge.rules.rule import JsonState

Name = tuple[str, str]
"""Subject and rule."""
NOTHING = "{}"
"""What is remembered where nothing is."""
THERE_MAX = 100_000
"""Most names of which this process remembers that they have a row."""
_KEYS = ("subject", "rule")
_STATE = rule_states.c.state.type
_THERE = "SELECT it.subject, it.rule, CAST(it.state AS text) AS state FROM "
_READ = {
    # A CROSS JOIN: what is asked for is gone through, and each looked up; the other way about all rows are read.
    "sqlite": text(
        f"{_THERE}json_each(:given) AS given CROSS JOIN rule_states it ON it.tenant_id = :tenant "
        "AND it.subject = json_extract(given.value, '$[0]') AND it.rule = json_extract(given.value, '$[1]')"
    ).columns(rule_states.c.subject, rule_states.c.rule, state=Text()),
    # In byte order, as Python sorts: all who take several rows take them in this order.
    "postgresql": text(
        f"{_THERE}rule_states it JOIN unnest(CAST(:subjects AS text[]), CAST(:rules AS text[])) "
        "AS given (subject, rule) ON it.tenant_id = :tenant AND it.subject = given.subject AND it.rule = given.rule "
        'ORDER BY it.subject COLLATE "C", it.rule COLLATE "C" FOR UPDATE OF it'
    ).columns(rule_states.c.subject, rule_states.c.rule, state=Text()),
}
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
    return {name: read(kept) for name, kept in lock_texts(s, names).items()}


def lock_texts(s: TenantSession, names: Iterable[Name]) -> dict[Name, str]:
    """The same as it is stored, for who knows by the text what stands in it.

    A row is inserted before it is locked: two transactions can neither both find nothing nor lock nothing. Rows that
    this process has seen before are there already, and need no writing to be locked; should one be gone all the same,
    it is made.
    """
    wanted = sorted(names)
    there: set[tuple[int, str, str]] = s.hints.setdefault("rule_states", set())
    named = [(s.tenant_id, *name) for name in wanted]
    if s.dialect != "sqlite" and not there.issuperset(named):
        _make(s, wanted)
    found = _read(s, wanted)
    missing = [name for name in wanted if name not in found]
    if missing:
        _make(s, missing)
        found.update(_read(s, missing))
    if len(there) > THERE_MAX:
        there.clear()
    there.update(named)
    return found


def _read(s: TenantSession, names: Sequence[Name]) -> dict[Name, str]:
    if s.dialect == "sqlite":
        asked: dict[str, object] = {"given": _write(names)}
    else:
        subjects, rules = columns_of(names)
        asked = {"subjects": subjects, "rules": rules}
    return {(row.subject, row.rule): row.state for row in s.execute(_READ[s.dialect], asked)}


def _make(s: TenantSession, names: Sequence[Name]) -> None:
    """See that these have rows, and lock them, in their order."""
    columns = (*_KEYS, "state")
    sql = upsert_text(rule_states, _KEYS, columns, s.tenant_id, s.dialect, keep=True)
    s.run_rows(sql, [(*name, NOTHING) for name in names])


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
        sql = update_text(rule_states, _KEYS, ("state",), s.tenant_id, s.dialect)
        s.run_rows(sql, [(states[name], *name) for name in sorted(states)])
