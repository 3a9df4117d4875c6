"""Each resident's plan (tilsynsplan) and its versions. Serves arrow 7.

Owns the rows of `plans` and `plan_versions`: every change is a version with who, when, what and why, and the plan
says which one holds (compare and swap). A version's body never changes; it is kept by its sum in this process. Must
not know pauses, legal bases or alarms.

Whoever changes what a resident's rules are set to arms the resident's row of the rule `PLAN`, in the same
transaction: the sweep then brings the rules that are folded up to it (central/rearm.py), at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, text, update

from nattevakt.central import wakes
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places.plan_lines import (
    TEXT_MAX,
    Body,
    Line,
    PlanError,
    body_of,
    check,
    complete,
    entries_of,
    read_lines,
    sha_of,
)
from nattevakt.central.tables_plans import plan_versions, plans
from nattevakt.edge.errors import NattevaktError, RejectError
from nattevakt.edge.rules.rule import Entry

__all__ = (
    "Body",
    "Line",
    "Plan",
    "PlanError",
    "StalePlan",
    "Version",
    "check",
    "current",
    "end",
    "history",
    "of_residents",
    "read_lines",
    "save",
    "start",
    "uses_of",
)

PLAN = "arming"
"""The rule of the wake row by which a change of plan, basis, pause or place reaches the rules. By its name it comes
before the resident's own rules in a cycle: what they judge then is judged by what holds now."""
DENSE_LEAST_MIN, DENSE_MOST_MIN = 15, 720
KNOWN_MAX = 20_000
"""Most bodies that are kept in this process."""


class StalePlan(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """Somebody else has changed the plan since it was read. version: the one that holds now."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the plan has been changed: version {version} holds now")
        self.version = version


@dataclass(frozen=True, slots=True)
class Plan:
    """A resident's plan as it holds now. version_id: of the row in `plan_versions`."""

    resident_id: int
    plan_id: int
    version: int
    version_id: int
    lines: tuple[Line, ...]
    handling: str
    responsible: str
    dense_rounds_min: int | None
    startup_to_ms: int | None
    ended_ms: int | None
    entries: Mapping[str, tuple[Entry, ...]]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a plan: who, when, what, why. by_name: who it was where that is nobody of the staff."""

    version: int
    version_id: int
    at_ms: int
    staff_id: int | None
    by_name: str
    why: str
    body: Body
    sha: str


_KNOWN: dict[str, tuple[Body, Mapping[str, tuple[Entry, ...]]]] = {}
"""Bodies and what the rules are given of them, by their sum: the same in every database."""

_CURRENT = (
    select(
        plans.c.id,
        plans.c.resident_id,
        plans.c.version,
        plans.c.startup_to_ms,
        plans.c.ended_ms,
        plan_versions.c.id.label("version_id"),
        plan_versions.c.sha,
    )
    .join(
        plan_versions,
        (plan_versions.c.tenant_id == plans.c.tenant_id)
        & (plan_versions.c.plan_id == plans.c.id)
        & (plan_versions.c.version == plans.c.version),
    )
    .where(plans.c.tenant_id == TENANT, plans.c.resident_id.in_(bindparam("residents", expanding=True)))
)
_BODIES = select(plan_versions.c.sha, plan_versions.c.body).where(
    plan_versions.c.tenant_id == TENANT, plan_versions.c.id.in_(bindparam("ids", expanding=True))
)
_HISTORY = (
    select(plan_versions)
    .join(plans, (plans.c.tenant_id == plan_versions.c.tenant_id) & (plans.c.id == plan_versions.c.plan_id))
    .where(plan_versions.c.tenant_id == TENANT, plans.c.resident_id == bindparam("resident_id"))
    .order_by(plan_versions.c.version.desc())
)
_SWAP = update(plans).where(
    plans.c.tenant_id == TENANT, plans.c.id == bindparam("plan_id"), plans.c.version == bindparam("expected")
)
_USES = text(
    # Of what hangs in the resident's rooms now: what it is for, as the gateways tell it; NULL where none has.
    "SELECT d.address, l.use FROM stays t "
    "JOIN placements p ON p.tenant_id = :tenant AND p.room_id = t.room_id AND p.to_ms IS NULL "
    "JOIN devices d ON d.tenant_id = :tenant AND d.id = p.device_id "
    "LEFT JOIN listed_devices l ON l.tenant_id = :tenant AND l.address = d.address "
    "WHERE t.tenant_id = :tenant AND t.resident_id = :resident_id AND t.to_ms IS NULL"
)


def bodies(
    s: TenantSession, wanted: Iterable[tuple[int, str]]
) -> Mapping[str, tuple[Body, Mapping[str, tuple[Entry, ...]]]]:
    """The bodies of these versions (id, sum) with what rules are given of them, by sum."""
    asked = {sha: number for number, sha in wanted}
    found = {sha: _KNOWN[sha] for sha in asked if sha in _KNOWN}
    missing = sorted(number for sha, number in asked.items() if sha not in found)
    for row in s.execute(_BODIES, {"ids": missing}) if missing else ():
        body = body_of(row.body)
        found[row.sha] = (body, entries_of(body.lines))
    if len(_KNOWN) > KNOWN_MAX:
        _KNOWN.clear()
    _KNOWN.update(found)
    return found


def plan_of(row: Row[Any], body: Body, entries: Mapping[str, tuple[Entry, ...]]) -> Plan:
    """A plan from a row of `_CURRENT`'s form."""
    return Plan(
        int(row.resident_id),
        int(row.id),
        int(row.version),
        int(row.version_id),
        body.lines,
        body.handling,
        body.responsible,
        body.dense_rounds_min,
        row.startup_to_ms,
        row.ended_ms,
        entries,
    )


def of_residents(s: TenantSession, ids: Iterable[int]) -> dict[int, Plan]:
    """The plans of these residents as they hold now; who has none is not in the answer. Ended ones are."""
    wanted = sorted(set(ids))
    rows = s.execute(_CURRENT, {"residents": wanted}).all() if wanted else []
    known = bodies(s, ((row.version_id, row.sha) for row in rows))
    return {int(row.resident_id): plan_of(row, *known[row.sha]) for row in rows}


def current(s: TenantSession, resident_id: int) -> Plan | None:
    """A resident's plan as it holds now."""
    return of_residents(s, (resident_id,)).get(resident_id)


def history(s: TenantSession, resident_id: int) -> list[Version]:
    """All versions of a resident's plan, the newest first."""
    return [_version(row) for row in s.execute(_HISTORY, {"resident_id": resident_id})]


def _version(row: Row[Any]) -> Version:
    return Version(
        int(row.version),
        int(row.id),
        int(row.at_ms),
        row.staff_id,
        row.by_name,
        row.why,
        body_of(row.body),
        row.sha,
    )


def uses_of(s: TenantSession, resident_id: int) -> frozenset[str] | None:
    """What the sensors in the resident's room are for; None where nobody has told of one of them."""
    rows = s.execute(_USES, {"resident_id": resident_id}).all()
    if any(row.use in (None, "", "auto") for row in rows):
        return None
    return frozenset(str(row.use) for row in rows)


def save(
    s: TenantSession,
    resident_id: int,
    lines: Sequence[Line],
    *,
    handling: str = "",
    responsible: str = "",
    dense_rounds_min: int | None = None,
    why: str,
    staff_id: int | None,
    by_name: str,
    now_ms: int,
    expected_version: int,
) -> Plan:
    """Write a new version of a resident's plan; it holds from now on, also where service had ended.

    expected_version: the one that was read, 0 where there was none. Raises StalePlan where another holds, and
    RejectError (a PlanError for its lines) where it cannot be.
    """
    check(lines, uses_of(s, resident_id))
    for name, words in (("handling", handling), ("responsible", responsible), ("why", why)):
        if len(words) > TEXT_MAX:
            raise RejectError(name, f"longer than {TEXT_MAX} characters")
    if not why.strip():
        raise RejectError("why", "say why the plan is changed")
    if dense_rounds_min is not None and not DENSE_LEAST_MIN <= dense_rounds_min <= DENSE_MOST_MIN:
        raise RejectError("dense_rounds_min", f"must be from {DENSE_LEAST_MIN} to {DENSE_MOST_MIN} minutes, or nothing")
    body = Body(complete(lines), handling, responsible, dense_rounds_min)
    return carry(
        s,
        resident_id,
        body,
        why=why,
        staff_id=staff_id,
        by_name=by_name,
        now_ms=now_ms,
        expected_version=expected_version,
        ended_ms=None,
    )


def carry(
    s: TenantSession,
    resident_id: int,
    body: Body,
    *,
    why: str,
    staff_id: int | None,
    by_name: str,
    now_ms: int,
    expected_version: int,
    **columns: int | None,
) -> Plan:
    """Write a version as it is given, unchecked: for what was in force before. columns: of `plans`."""
    version = expected_version + 1
    if expected_version == 0:
        first: dict[str, int | None] = {"startup_to_ms": None, "ended_ms": None, **columns}
        plan_id = s.insert_unless_there(plans, resident_id=resident_id, version=version, **first)
        if plan_id is None:
            raise _stale(s, resident_id)
    else:
        plan = current(s, resident_id)
        if plan is None:
            raise StalePlan(0)
        plan_id = plan.plan_id
        swap = {"plan_id": plan_id, "expected": expected_version, "version": version, **columns}
        if s.execute(_SWAP, swap).rowcount != 1:
            raise _stale(s, resident_id)
    s.insert(
        plan_versions,
        plan_id=plan_id,
        version=version,
        at_ms=now_ms,
        staff_id=staff_id,
        by_name=by_name,
        why=why,
        body=body.plain,
        sha=sha_of(body),
    )
    rearm(s, resident_id, now_ms)
    s.changed()
    found = current(s, resident_id)
    assert found is not None  # noqa: S101 - written above
    return found


def _stale(s: TenantSession, resident_id: int) -> StalePlan:
    plan = current(s, resident_id)
    return StalePlan(plan.version if plan is not None else 0)


def rearm(s: TenantSession, resident_id: int, now_ms: int) -> None:
    """Have the sweep bring the resident's rules up to what holds now."""
    wakes.arm(s, f"resident:{resident_id}", PLAN, now_ms)


def start(
    s: TenantSession,
    resident_id: int,
    startup_to_ms: int | None,
    *,
    staff_id: int | None,
    by_name: str = "",
    now_ms: int,
    why: str = "oppstart",
) -> Plan:
    """Begin (or, with None, end) the start-up period, in which alarms are marked. A version of the same body.

    Raises RejectError where there is no plan, or the period lies in the past.
    """
    plan = _there(s, resident_id)
    if startup_to_ms is not None and startup_to_ms <= now_ms:
        raise RejectError("startup_to_ms", "the end of the start-up period must lie ahead")
    return _same(s, plan, why, staff_id, by_name, now_ms, startup_to_ms=startup_to_ms, ended_ms=None)


def end(s: TenantSession, resident_id: int, why: str, staff_id: int | None, now_ms: int, *, by_name: str = "") -> Plan:
    """End service: no rule of the plan judges any more. Calls, falls and leaks ring as ever. A version of its own."""
    if not why.strip():
        raise RejectError("why", "say why service ends")
    plan = _there(s, resident_id)
    return _same(s, plan, why, staff_id, by_name, now_ms, startup_to_ms=None, ended_ms=now_ms)


def _there(s: TenantSession, resident_id: int) -> Plan:
    plan = current(s, resident_id)
    if plan is None:
        raise RejectError("resident_id", "has no plan: save one first")
    return plan


def _same(
    s: TenantSession, plan: Plan, why: str, staff_id: int | None, by_name: str, now_ms: int, **columns: int | None
) -> Plan:
    body = Body(plan.lines, plan.handling, plan.responsible, plan.dense_rounds_min)
    return carry(
        s,
        plan.resident_id,
        body,
        why=why,
        staff_id=staff_id,
        by_name=by_name,
        now_ms=now_ms,
        expected_version=plan.version,
        **columns,
    )
