"""A ward's rounds in time: turns are made when they fall due, called overdue, and let go. Serves arrows 7 and 8.

Owns one wake row for each ward (subject "ward:<id>", rule "rounds") and what is remembered of it: up to when rounds
have been made, and which overdue turns have been told of. Must not know what an act does (tasks.py), or pages.

The row is taken under the lock of the ward's state, so two processes, a restart or a sweep that comes late make each
turn once. A round that passed while the centre was away is made when it is back, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import bindparam, select, text

from nattevakt.central import states, wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import ClearRequest, RaiseRequest, Where
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.rounds import degraded, tasks
from nattevakt.central.rounds.limits import Limits, limits_of
from nattevakt.central.rounds.schedule import MINUTE_MS, due_between, next_ms
from nattevakt.central.rounds.tasks import RULE, Act, State, Task
from nattevakt.central.rounds.times import Resident, people_of
from nattevakt.central.tables import wards
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import LATE_MS, Occurred, Reason

_log = structlog.get_logger("nattevakt.rounds")

ROUND_OVERDUE = "round_overdue"
"""The kind and the rule of the alarm, one for a ward: a crowd of cards would hide who calls."""
MOVED_OUT = "moved_out"
CATCH_UP_MS = 24 * 3_600_000
"""What should have been done longer ago than this, before the centre came back, nobody can do any more."""
AHEAD_MS = 1_200_000
"""Rounds made up to a moment so far ahead were made while the centre's own clock was wrong."""
LOOK_MS = 60_000
"""How often a ward is looked at while turns are open or a plan leans on sensors."""
REST_MS = 3_600_000
"""How often a ward is looked at in any case."""
MORE_MS = 600_000
"""More turns that are overdue are told of together, at most this often."""
AGAIN_MS = 1_800_000
"""While turns are overdue, whoever has the alarm or has closed it hears of them again."""
ROOMS_NAMED_MAX = 12

_WARD = select(wards.c.name).where(wards.c.tenant_id == TENANT, wards.c.id == bindparam("ward_id"))
_MISSING = text(
    "INSERT INTO wake_rows (tenant_id, subject, rule, wake_at_ms) "
    "SELECT w.tenant_id, 'ward:' || w.id, 'rounds', :now_ms FROM wards w WHERE w.tenant_id = :tenant AND ("
    "EXISTS (SELECT 1 FROM round_times t WHERE t.tenant_id = :tenant AND t.ward_id = w.id) "
    "OR EXISTS (SELECT 1 FROM round_tasks k WHERE k.tenant_id = :tenant AND k.ward_id = w.id "
    "AND k.state IN ('due', 'overdue')) "
    "OR EXISTS (SELECT 1 FROM rooms r JOIN stays y ON y.tenant_id = r.tenant_id AND y.room_id = r.id "
    "WHERE r.tenant_id = :tenant AND r.ward_id = w.id AND y.from_ms <= :now_ms "
    "AND (y.to_ms IS NULL OR y.to_ms > :now_ms) AND ("
    "EXISTS (SELECT 1 FROM round_times t WHERE t.tenant_id = :tenant AND t.resident_id = y.resident_id) "
    "OR EXISTS (SELECT 1 FROM plans p WHERE p.tenant_id = :tenant AND p.resident_id = y.resident_id "
    "AND p.ended_ms IS NULL)))) "
    "AND NOT EXISTS (SELECT 1 FROM wake_rows k WHERE k.tenant_id = :tenant AND k.subject = 'ward:' || w.id "
    "AND k.rule = 'rounds') ON CONFLICT DO NOTHING"
)
_AHEAD = text(
    "UPDATE wake_rows SET wake_at_ms = :now_ms, look_ms = NULL "
    "WHERE tenant_id = :tenant AND rule = 'rounds' AND (wake_at_ms > :ahead_ms OR look_ms > :ahead_ms)"
)


def ensure(s: TenantSession, now_ms: int) -> int:
    """Watch every ward that has times, turns or plans and is not watched; gives how many that were."""
    s.execute(_AHEAD, {"now_ms": now_ms, "ahead_ms": now_ms + 2 * REST_MS})
    return s.execute(_MISSING, {"now_ms": now_ms}).rowcount


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
    """A ward's moment has come: make what is due, begin and end what is looked at more often, tell of what is late."""
    ward_id = int(wake.subject.partition(":")[2])
    names = ((wake.subject, degraded.RULE), (wake.subject, RULE))
    kept = states.lock_all(s, names)
    if wakes.take(s, wake, now_ms) is None:
        return
    ward = s.execute(_WARD, {"ward_id": ward_id}).one_or_none()
    if ward is None:
        wakes.arm(s, wake.subject, wake.rule, None)
        return
    people = people_of(s, ward_id, now_ms)
    limits = limits_of(s, ward_id)
    state: dict[str, Any] = dict(kept[names[1]])
    # Read again only where something was made or ended: a ward is looked at every minute, and mostly nothing is.
    left = tasks.open_of(s, ward_id)
    if _let_go(s, left, people, now_ms):
        left = tasks.open_of(s, ward_id)
    if _make(s, tenant, ward_id, people, limits, state, left, wake.wake_at_ms, now_ms, pace):
        left = tasks.open_of(s, ward_id)
    looked = degraded.look(s, ward_id, people, kept[names[0]], left, limits, now_ms, pace)
    thin = looked.state
    if looked.changed:
        left = tasks.open_of(s, ward_id)
    limit_ms = stretched(limits.overdue_min * MINUTE_MS, pace)
    overdue = _expire(s, left, limit_ms, now_ms)
    state["said"] = _say(s, wake.subject, ward_id, ward.name, overdue, people, state.get("said"), now_ms)
    for name, after in ((names[0], thin), (names[1], state)):
        if after != kept[name]:
            states.keep(s, *name, after)
    leaned = bool(thin) or looked.leaned
    if not left and not leaned and not any(one.person.times for one in people):
        wakes.arm(s, wake.subject, wake.rule, None)
        # Whoever sets times again means rounds from then on.
        states.keep(s, *names[1], {name: value for name, value in state.items() if name != "made_to_ms"})
        return
    soon_ms = now_ms + stretched(LOOK_MS if left or leaned else REST_MS, pace)
    round_ms = next_ms([one.person for one in people], now_ms, tenant.time_zone)
    wakes.arm(s, wake.subject, wake.rule, min(ms for ms in (soon_ms, round_ms, looked.next_ms) if ms is not None))


def _let_go(s: TenantSession, there: Sequence[Task], people: Sequence[Resident], now_ms: int) -> bool:
    """End the turns to whoever lives here no more; gives whether there were any."""
    here = {one.id for one in people}
    gone = [task for task in there if task.resident_id not in here]
    tasks.cancel(s, gone, MOVED_OUT, now_ms)
    return bool(gone)


def _make(
    s: TenantSession,
    tenant: Tenant,
    ward_id: int,
    people: Sequence[Resident],
    limits: Limits,
    state: dict[str, Any],
    there: Sequence[Task],
    begun_ms: int,
    now_ms: int,
    pace: float,
) -> bool:
    """All turns of the rounds since the last look, each once; gives whether there were any. there: the open ones."""
    made_to_ms = int(state.get("made_to_ms", min(begun_ms, now_ms)))
    if made_to_ms > now_ms + AHEAD_MS:
        made_to_ms = now_ms
    after_ms = max(made_to_ms, now_ms - CATCH_UP_MS)
    taken = [task.due_ms for task in there]
    turns = due_between(
        [one.person for one in people],
        after_ms,
        now_ms,
        tenant.time_zone,
        spread_min=limits.spread_min,
        taken_ms=taken,
    )
    rooms = {one.id: one.room_id for one in people}
    for turn in turns:
        late = now_ms - turn.round_ms > stretched(LATE_MS, pace)
        tasks.make(s, ward_id, turn.resident_id, rooms[turn.resident_id], turn.due_ms, now_ms, late=late)
    if turns:
        _log.info("round_made", ward_id=ward_id, turns=len(turns), late_ms=now_ms - turns[0].round_ms)
    state["made_to_ms"] = max(made_to_ms, now_ms)
    return bool(turns)


def _expire(s: TenantSession, there: Sequence[Task], limit_ms: int, now_ms: int) -> list[Task]:
    """Those that nobody has done within the limit, in the order in which they were due."""
    found = []
    for task in there:
        late = task.due_ms + limit_ms <= now_ms
        if task.state is State.OVERDUE or (late and tasks.move(s, task, Act.EXPIRE, now_ms)):
            found.append(task)
    return found


def _say(
    s: TenantSession,
    subject: str,
    ward_id: int,
    ward_name: str,
    overdue: Sequence[Task],
    people: Sequence[Resident],
    said: Mapping[str, Any] | None,
    now_ms: int,
) -> dict[str, Any] | None:
    """Tell of what is overdue, in one alarm; or that nothing is any more. Gives what to remember of it."""
    if not overdue:
        if said is not None:
            register.apply(s, ClearRequest(subject, ROUND_OVERDUE, Reason("round_overdue.done")), now_ms)
        return None
    ids = [task.id for task in overdue]
    if said is not None:
        waited_ms = now_ms - int(said["at_ms"])
        more = not set(ids) <= set(said["tasks"])
        if not (waited_ms >= AGAIN_MS or (more and waited_ms >= MORE_MS)):
            return dict(said)
    late = {task.resident_id for task in overdue}
    numbers = list(dict.fromkeys(one.number for one in people if one.id in late))
    named = ", ".join(numbers[:ROOMS_NAMED_MAX]) + (" …" if len(numbers) > ROOMS_NAMED_MAX else "")
    params: dict[str, str | int] = {
        "rooms": named,
        "residents": len(late),
        "due_ms": min(task.due_ms for task in overdue),
    }
    request = RaiseRequest(
        subject=subject,
        rule=ROUND_OVERDUE,
        kind=ROUND_OVERDUE,
        priority=KINDS[ROUND_OVERDUE].priority,
        reason=Reason(ROUND_OVERDUE, params),
        occurred=Occurred(now_ms, now_ms),
        where=Where(ward_id, place=ward_name),
        anew=True,
    )
    register.apply(s, request, now_ms)
    return {"at_ms": now_ms, "tasks": ids}
