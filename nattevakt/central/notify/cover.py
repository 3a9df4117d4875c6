"""Duty cover: who would get an alarm, now and for the next 24 hours; a hole is told of beforehand. Serves arrow 9.

Owns what a hole is, and the alarm `duty_gap` of a ward that has one: of low priority while it lies ahead, and as loud
as a silent gateway once it is there. Must not know what rings, or pages.

Who would get it is asked of the very chain that an alarm would go: nobody on duty whom any of its steps reaches, or no
tablet in use and no other road, is a hole. Where a municipality keeps no duty plan, only the second is known. Somebody
who is on duty, and stands at no tablet of those wards that can be heard, and has no road beyond it, is nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, text

from nattevakt.central import states, technical, wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import ClearRequest, RaiseRequest, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.notify import audible, routing_rows
from nattevakt.central.notify.reach import Whereabouts, roads_of
from nattevakt.central.notify.routing import ANY_ROLE, Chain, Routing, chain_of
from nattevakt.central.notify.shifts import shift_of
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Duty
from nattevakt.central.places.pauses import SHIFT_MINUTES
from nattevakt.central.tables import person_sessions, wards
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from nattevakt.edge.rules.windows import next_at_ms

RULE = "duty_gap"
"""The rule of a ward's wake row, and the kind of its alarm."""
AHEAD_MS = 24 * 3_600_000
KEPT_MS = 7 * 24 * 3_600_000
"""A tenant that had anybody on duty within a week keeps a duty plan."""
LOOK_MS = 60_000
ARRIVE_MS = 600_000
"""Whoever comes on duty is given so long to log in."""

_IN_USE = text(
    # Wards with a resident, and those that they are in.
    "SELECT DISTINCT r.ward_id FROM stays t JOIN rooms r ON r.tenant_id = :tenant AND r.id = t.room_id "
    "WHERE t.tenant_id = :tenant AND t.from_ms <= :now_ms AND (t.to_ms IS NULL OR t.to_ms > :now_ms)"
)
_USES = text(
    "SELECT EXISTS (SELECT 1 FROM duties WHERE tenant_id = :tenant AND to_ms > :since_ms) AS plan, "
    "EXISTS (SELECT 1 FROM tablets WHERE tenant_id = :tenant AND last_presence_ms IS NOT NULL) AS tablets"
)
_MISSING = text(
    "INSERT INTO wake_rows (tenant_id, subject, rule, wake_at_ms) "
    "SELECT :tenant, 'ward:' || w.id, 'duty_gap', CAST(:now_ms AS bigint) FROM wards w "
    "WHERE w.tenant_id = :tenant AND w.id IN :ids ON CONFLICT (tenant_id, subject, rule) DO UPDATE "
    "SET wake_at_ms = excluded.wake_at_ms, look_ms = NULL "
    "WHERE wake_rows.wake_at_ms > :ahead_ms OR wake_rows.look_ms > :ahead_ms"
).bindparams(bindparam("ids", expanding=True))
_HURRY = text(
    "UPDATE wake_rows SET wake_at_ms = :now_ms, look_ms = NULL WHERE tenant_id = :tenant "
    "AND rule = 'duty_gap' AND wake_at_ms > :now_ms"
)
_NAME = select(wards.c.name).where(wards.c.tenant_id == TENANT, wards.c.id == bindparam("ward_id"))
_AT_TABLETS = select(person_sessions.c.staff_id).where(
    person_sessions.c.tenant_id == TENANT, person_sessions.c.tablet_id.in_(bindparam("tablets", expanding=True))
)
_IN_WARDS = text(
    "SELECT id FROM tablets WHERE tenant_id = :tenant AND revoked_ms IS NULL AND last_presence_ms IS NOT NULL "
    "AND ward_id IN :wards"
).bindparams(bindparam("wards", expanding=True))


@dataclass(frozen=True, slots=True)
class Hole:
    """Nobody would get an alarm of this ward, from then to then. why: no_duty, no_tablet, or not_there (they are on
    duty, and stand at no tablet that can be heard, and have no other road)."""

    ward_id: int
    from_ms: int
    to_ms: int
    why: str


def ensure(s: TenantSession, now_ms: int) -> None:
    """Watch every ward in which somebody lives, of a tenant that keeps a duty plan or has tablets in use."""
    uses = s.execute(_USES, {"since_ms": now_ms - KEPT_MS}).one()
    ids = s.execute(_IN_USE, {"now_ms": now_ms}).scalars().all() if uses.plan or uses.tablets else []
    if ids:
        s.execute(_MISSING, {"ids": sorted(ids), "now_ms": now_ms, "ahead_ms": now_ms + 10 * LOOK_MS})


def hurry(s: TenantSession, now_ms: int) -> None:
    """Somebody has logged off, or a duty was changed: look now."""
    s.execute(_HURRY, {"now_ms": now_ms})


def holes(s: TenantSession, tenant: Tenant, ward_id: int, now_ms: int, pace: float = 1.0) -> list[Hole]:
    """The holes of a ward from now on for 24 hours, the earliest first; neighbours of one kind are one."""
    routing = routing_rows.current(s)
    at = Whereabouts(s, routing, ward_id)
    to_ms = now_ms + AHEAD_MS
    keeps_plan = bool(s.execute(_USES, {"since_ms": now_ms - KEPT_MS}).one().plan)
    there = duties.between(s, now_ms, to_ms) if keeps_plan else []
    found: list[Hole] = []
    moments = _moments(there, now_ms, to_ms, tenant.time_zone)
    for number, moment_ms in enumerate(moments):
        ends_ms = moments[number + 1] if number + 1 < len(moments) else to_ms
        shift = shift_of(moment_ms, tenant.time_zone)
        why = ""
        for chain in _chains(routing, at.key, shift):
            why = why or _why(s, routing, at, chain, there if keeps_plan else None, moment_ms, now_ms, pace)
        if why and found and (found[-1].to_ms, found[-1].why) == (moment_ms, why):
            found[-1] = Hole(ward_id, found[-1].from_ms, ends_ms, why)
        elif why:
            found.append(Hole(ward_id, moment_ms, ends_ms, why))
    return found


def _moments(there: Sequence[Duty], from_ms: int, to_ms: int, time_zone: str) -> list[int]:
    """When the answer may change: now, at each end of a duty, and at each change of shift."""
    shifts = [next_at_ms(minute, from_ms, time_zone) for minute in SHIFT_MINUTES]
    ends = [ms for duty in there for ms in (duty.from_ms, duty.to_ms)]
    return sorted({from_ms, *(ms for ms in (*shifts, *ends) if from_ms < ms < to_ms)})


def _chains(routing: Routing, ward: str, shift: str) -> list[Chain]:
    """The chains that alarms of this ward go in this shift, those of low priority apart: they wait for somebody."""
    kinds = [kind for kind in KINDS.values() if kind.priority < Priority.LOW]
    found = {chain.key: chain for kind in kinds for chain in (chain_of(routing, kind.key, kind.priority, ward, shift),)}
    return list(found.values())


def _why(
    s: TenantSession,
    routing: Routing,
    at: Whereabouts,
    chain: Chain,
    there: Sequence[Duty] | None,
    moment_ms: int,
    now_ms: int,
    pace: float,
) -> str:
    """Why nobody would get what goes this chain at that moment; "" where somebody would."""
    targets = [target for step in chain.steps for target in step.to]
    ring_in = {ward for target in targets if target.startswith("tablets:") for ward in at.tablets(target[8:])}
    people = set(_people(s, routing, at, targets, there or (), moment_ms))
    if roads_of(s, sorted(people)) or any(target.startswith(("phone:", "webhook:")) for target in targets):
        return ""
    in_use = list(s.execute(_IN_WARDS, {"wards": sorted(ring_in)}).scalars()) if ring_in else []
    if not in_use:
        return "no_tablet"
    if there is None:
        return ""
    carers = [
        duty
        for duty in there
        if duty.from_ms <= moment_ms < duty.to_ms
        and (duty.ward_id in ring_in or (duty.ward_id is None and duty.zone in (None, at.zone and at.zone.key)))
    ]
    if not carers:
        return "no_duty"
    if moment_ms > now_ms:
        return ""
    return "" if _stands_there(s, carers, ring_in, now_ms, pace) else "not_there"


def _people(
    s: TenantSession, routing: Routing, at: Whereabouts, targets: Sequence[str], there: Sequence[Duty], moment_ms: int
) -> list[int]:
    """Whom the targets that name people mean at that moment."""
    found = []
    for target in targets:
        kind, _, which = target.partition(":")
        if kind == "team":
            found += at.team(s, routing, which)
        elif kind == "duty":
            zone = at.zone.key if at.zone is not None else None
            found += [
                duty.staff_id
                for duty in there
                if duty.from_ms <= moment_ms < duty.to_ms
                and which in (ANY_ROLE, duty.role)
                and (duty.ward_id == at.ward_id or (duty.ward_id is None and duty.zone in (None, zone)))
            ]
    return found


def _stands_there(s: TenantSession, carers: Sequence[Duty], ring_in: set[int], now_ms: int, pace: float) -> bool:
    """Whether one of these stands at a tablet that can be heard, or has only just come on duty."""
    if any(now_ms - duty.from_ms < stretched(ARRIVE_MS, pace) for duty in carers):
        return True
    heard = sorted(tablet for ward in ring_in for tablet in audible.of_ward(s, ward, now_ms, pace))
    logged_in = set(s.execute(_AT_TABLETS, {"tablets": heard}).scalars()) if heard else set()
    return any(duty.staff_id in logged_in for duty in carers)


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
    """Tell of a ward's first hole: once while it lies ahead, again when it is there; over when there is none."""
    state = dict(states.lock(s, wake.subject, RULE))
    if wakes.take(s, wake, now_ms) is None:
        return
    ward_id = int(wake.subject.partition(":")[2])
    name = s.execute(_NAME, {"ward_id": ward_id}).scalar()
    uses = s.execute(_USES, {"since_ms": now_ms - KEPT_MS}).one()
    watched = name is not None and (uses.plan or uses.tablets)
    found = holes(s, tenant, ward_id, now_ms, pace) if watched else []
    said = _say(s, wake.subject, str(name or ""), found[0] if found else None, state, now_ms)
    if said != state:
        states.keep(s, wake.subject, RULE, said)
    wakes.arm(s, wake.subject, RULE, now_ms + stretched(LOOK_MS, pace) if watched else None)


def _say(
    s: TenantSession, subject: str, name: str, hole: Hole | None, state: dict[str, object], now_ms: int
) -> dict[str, object]:
    if hole is None:
        if state:
            register.apply(s, ClearRequest(subject, RULE, Reason(f"{RULE}.over", {"ward": name})), now_ms)
        return {}
    ahead = hole.from_ms > now_ms
    after: dict[str, object] = {"ahead": int(ahead), "why": hole.why, "to_ms": hole.to_ms}
    if ahead:
        after["from_ms"] = hole.from_ms
    same = ("ahead", "from_ms") if ahead else ("ahead",)
    known = bool(state) and all(state.get(key) == after.get(key) for key in same)
    # Whoever ended the alarm of a hole that is there thought that somebody comes.
    if known and (ahead or now_ms < technical.told_again_ms(s, subject, RULE, now_ms)):
        return {**after}
    if ahead and state.get("ahead") == 0:
        # The one that was there is over; what lies ahead is another, and not as loud.
        register.apply(s, ClearRequest(subject, RULE, Reason(f"{RULE}.over", {"ward": name})), now_ms)
    code = f"{RULE}.ahead" if ahead else f"{RULE}.{hole.why}"
    request = RaiseRequest(
        subject=subject,
        rule=RULE,
        kind=RULE,
        priority=Priority.LOW if ahead else Priority.MEDIUM,
        reason=Reason(code, {"ward": name, "from_ms": hole.from_ms, "to_ms": hole.to_ms}),
        occurred=Occurred(now_ms, now_ms),
        where=Where(hole.ward_id, place=name),
        anew=True,
    )
    register.apply(s, request, now_ms)
    return after
