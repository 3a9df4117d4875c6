"""A plan, a basis, a pause or a place has changed: the rules that are folded follow. Serves arrow 7.

Owns what each resident's rules were last set to. A rule that is set to something else is folded anew from yesterday's
stored events, so that an episode that is running has its new limit at once, and a deadline that has passed by it is
judged in the same cycle. A rule that is new to the plan knows from the same events who lies in bed. One that is taken
out forgets; an alarm of it that nobody has taken stays until a person ends it. What waited for its gate is looked at
now. Must not know how a rule decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, select, text

from nattevakt.central import states, wakes
from nattevakt.central.cases import shared, subjects_in
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.places import plans
from nattevakt.central.places.bases import BASIS_EXPIRED
from nattevakt.central.places.places import Spot, rooms_of, spots_in
from nattevakt.central.refold import Fold
from nattevakt.central.silence import set_to
from nattevakt.central.tables import rule_states, wake_rows
from nattevakt.edge.rules.catalogue import BY_NAME, RULES
from nattevakt.edge.rules.rule import Armed, Per, Rule

_log = structlog.get_logger("nattevakt.rearm")

_FOLDED = tuple(rule for rule in RULES if rule.planned and rule.folding is not None)
_TIMED = tuple(rule for rule in _FOLDED if rule.timed)
_BEDS = select(rule_states.c.subject, rule_states.c.rule).where(
    rule_states.c.tenant_id == TENANT,
    rule_states.c.subject >= bindparam("first"),
    rule_states.c.subject < bindparam("last"),
    rule_states.c.rule.in_([rule.name for rule in _FOLDED if rule.per is Per.BED]),
)
_ROWS = select(wake_rows.c.subject, wake_rows.c.rule).where(
    wake_rows.c.tenant_id == TENANT, wake_rows.c.subject.in_(bindparam("subjects", expanding=True))
)
_RELEASE = text(
    # What waits for a gate waits for no gateway.
    "UPDATE wake_rows SET look_ms = NULL WHERE tenant_id = :tenant AND subject IN :subjects AND rule IN :rules "
    "AND look_ms IS NOT NULL AND waits_for IS NULL"
).bindparams(bindparam("subjects", expanding=True), bindparam("rules", expanding=True))

Name = tuple[str, str]
"""Subject and rule."""


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, _pace: float) -> None:
    """Handler of the sweep: bring one resident's rules up to what holds now."""
    memory = states.lock(s, wake.subject, wake.rule)
    if wakes.take(s, wake, now_ms) is None:
        return
    rooms = rooms_of(s, wake.subject, now_ms)
    spots = spots_in(s, rooms, now_ms)
    wanted = _wanted(s, tenant, tuple(spots.values()), now_ms)
    before = _set_before(memory)
    after = {name: _sum(armed) for name, (_, armed) in wanted.items()}
    plan = plans.current(s, int(wake.subject.partition(":")[2]))
    version = plan.version if plan is not None else 0
    # A rule that was taken out and is back again before anybody looked has seen nothing meanwhile.
    leapt = version > _number(memory.get("version"), version) + 1
    changed = sorted(name for name in {*before, *after} if leapt or before.get(name) != after.get(name))
    held = states.lock_all(s, changed) if changed else {}
    for name in changed:
        subject, rule = name
        if name in wanted:
            fold = Fold.load(held[name]).anew(s, subject, *wanted[name], now_ms)
            states.keep(s, subject, rule, fold.plain())
            wakes.arm(s, subject, rule, fold.wake_ms)
        elif spots and _is_theirs(subject, rooms):
            # Somebody who has moved away is let go by the deadline itself, which also ends what it had raised.
            states.keep(s, subject, rule, {})
            wakes.arm(s, subject, rule, None)
    _release(s, wanted, now_ms)
    kept = [[*name, what] for name, what in sorted(after.items())]
    states.keep(s, wake.subject, wake.rule, {"set": kept, "version": version})
    wakes.arm(s, wake.subject, wake.rule, None)
    if changed:
        s.changed()
        _log.info("rearmed", subject=wake.subject, rules=[f"{subject} {rule}" for subject, rule in changed])


def _wanted(s: TenantSession, tenant: Tenant, spots: Sequence[Spot], now_ms: int) -> dict[Name, tuple[Rule, Armed]]:
    """What each rule of the resident's plan is set to, by whom it judges."""
    found: dict[Name, tuple[Rule, Armed]] = {}
    for spot in spots:
        beds: dict[str, list[str]] = {}
        if shared(spot):
            # "0" is the character after "/".
            between = {"first": f"bed:{spot.room_id}/", "last": f"bed:{spot.room_id}0"}
            for row in s.execute(_BEDS, between):
                beds.setdefault(row.rule, []).append(row.subject)
        for rule in _FOLDED:
            for subject in subjects_in(rule, spot, beds.get(rule.name, ())):
                armed, _ = set_to(s, tenant.time_zone, rule, spot, subject, now_ms)
                if armed.entries:
                    found[subject, rule.name] = (rule, armed)
    return found


def _release(s: TenantSession, wanted: Mapping[Name, object], now_ms: int) -> None:
    """Look at what waited for a gate, and ask whom nobody has asked yet for a time of day."""
    if not wanted:
        return
    subjects = sorted({subject for subject, _ in wanted})
    s.execute(_RELEASE, {"subjects": subjects, "rules": sorted({rule for _, rule in wanted})})
    armed = {(row.subject, row.rule) for row in s.execute(_ROWS, {"subjects": subjects})}
    for subject, rule in sorted(wanted):
        if BY_NAME[rule].timed and (subject, rule) not in armed:
            wakes.arm(s, subject, rule, now_ms)


def _is_theirs(subject: str, rooms: Sequence[int]) -> bool:
    """Whether a subject is the resident, or a room of theirs: a room that they have left may still be others'."""
    kind, _, name = subject.partition(":")
    return kind == "resident" or int(name.partition("/")[0]) in rooms


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def _set_before(memory: Mapping[str, object]) -> dict[Name, str]:
    kept = memory.get("set")
    return {(str(entry[0]), str(entry[1])): str(entry[2]) for entry in kept} if isinstance(kept, list) else {}


def _sum(armed: Armed) -> str:
    """Of what a plan says; devices come and go without it."""
    said = [(entry.windows, sorted(entry.values.items())) for entry in armed.entries]
    return hashlib.sha256(repr((said, armed.shared)).encode()).hexdigest()[:32]


_LIVING = text(
    "SELECT p.resident_id, t.room_id, v.id AS version_id, v.sha FROM plans p "
    "JOIN plan_versions v ON v.tenant_id = :tenant AND v.plan_id = p.id AND v.version = p.version "
    "JOIN stays t ON t.tenant_id = :tenant AND t.resident_id = p.resident_id AND t.to_ms IS NULL "
    "WHERE p.tenant_id = :tenant AND p.ended_ms IS NULL"
)
_IN_ROOMS = text(
    "SELECT room_id, count(*) AS people FROM stays WHERE tenant_id = :tenant AND to_ms IS NULL "
    "GROUP BY room_id HAVING count(*) > 1"
)
_ARMED = select(wake_rows.c.subject, wake_rows.c.rule).where(
    wake_rows.c.tenant_id == TENANT,
    wake_rows.c.rule.in_([plans.PLAN, *(rule.name for rule in _TIMED)]),
)
_BASES = text(
    "INSERT INTO wake_rows (tenant_id, subject, rule, wake_at_ms) "
    "SELECT DISTINCT b.tenant_id, 'resident:' || b.resident_id, :rule, CAST(:now_ms AS bigint) FROM bases b "
    "WHERE b.tenant_id = :tenant AND b.ended_ms IS NULL AND b.review_ms > :now_ms AND NOT EXISTS "
    "(SELECT 1 FROM wake_rows w WHERE w.tenant_id = :tenant AND w.subject = 'resident:' || b.resident_id "
    "AND w.rule = :rule) ON CONFLICT DO NOTHING"
)


_UNSET = text(
    "INSERT INTO wake_rows (tenant_id, subject, rule, wake_at_ms) "
    "SELECT p.tenant_id, 'resident:' || p.resident_id, :plan, CAST(:now_ms AS bigint) FROM plans p "
    "WHERE p.tenant_id = :tenant AND p.ended_ms IS NULL AND NOT EXISTS (SELECT 1 FROM rule_states m "
    "WHERE m.tenant_id = :tenant AND m.subject = 'resident:' || p.resident_id AND m.rule = :plan) "
    "ON CONFLICT DO NOTHING"
)
"""Plans that nobody has brought the rules up to: of a database that has just been migrated."""


def ensure(s: TenantSession, now_ms: int) -> None:
    """Plant again what ought to be asked and is not: plans that are new, times of day, and reviews that lie ahead."""
    s.execute(_BASES, {"rule": BASIS_EXPIRED, "now_ms": now_ms})
    s.execute(_UNSET, {"plan": plans.PLAN, "now_ms": now_ms})
    rows = s.execute(_LIVING).all() if _TIMED else []
    if not rows:
        return
    known = plans.bodies(s, {(row.version_id, row.sha) for row in rows})
    several = {row.room_id for row in s.execute(_IN_ROOMS)}
    armed = {(row.subject.partition("/")[0], row.rule) for row in s.execute(_ARMED)}
    for row in rows:
        asked = [rule for rule in _TIMED if rule.name in known[row.sha][1]]
        lost = [rule for rule in asked if (_whom(rule, row, row.room_id in several), rule.name) not in armed]
        if lost and (f"resident:{row.resident_id}", plans.PLAN) not in armed:
            plans.rearm(s, row.resident_id, now_ms)


def _whom(rule: Rule, row: Row[Any], together: bool) -> str:
    """Whom a rule judges there; of several beds any one will do."""
    if not together:
        return f"resident:{row.resident_id}"
    return f"bed:{row.room_id}" if rule.per is Per.BED else f"room:{row.room_id}"
