"""Looking into the room more often while a sensor that a plan leans on says nothing. Serves arrow 7.

Owns which residents are watched so, since when and because of what; and the turns that this makes and ends. Must not
know rounds, or how silence is found: what a sensor is, `places/sensors.py` says.

A plan leans on the sensors in the resident's room that its rules need. Where a rule is content with one of several
("presence|motion"), one that is heard will do; elsewhere each counts, as each mat of a double bed does. Where no
sensor of the kind hangs there any more, the plan leans on nothing: that is no better than silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, func, select

from nattevakt.central import devices
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places import plans, sensors
from nattevakt.central.places.plans import Plan
from nattevakt.central.places.sensors import Sensor
from nattevakt.central.rounds import tasks
from nattevakt.central.rounds.limits import Limits
from nattevakt.central.rounds.schedule import MINUTE_MS, place_in
from nattevakt.central.rounds.tasks import Kind, Task
from nattevakt.central.rounds.times import Resident
from nattevakt.central.tables import listed_devices, rule_states
from nattevakt.central.tables_plans import round_tasks
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.catalogue import BY_NAME

RULE = "degraded"
"""The rule under which a ward's thin residents are kept."""
SETTLE_MS = 600_000
"""A sensor that is unknown for another reason than silence (a restart, lost rows) has so long to be heard again."""
SENSOR_BACK = "sensor_back"
MISSING = "missing"
"""Why a plan leans on nothing: no such sensor hangs in the room."""
_USE_OF_READING = {"bed": "bed", "contact": "door", "presence": "presence", "chair": "chair", "leak": "leak"}
_SAY_NOTHING = ("", "auto")


@dataclass(frozen=True, slots=True)
class Thin:
    """A resident whose plan leans on what is not heard. since_ms: since when; use: "bed", "door" …; why: as a
    sensor's unknown_reason, or `MISSING`. on_ms: from when on somebody is to look in more often, None until then."""

    resident_id: int
    room_id: int
    since_ms: int
    use: str
    spot: str
    why: str
    on_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look came to. state: to be kept; next_ms: when the next turn is due; leaned: whether a plan leans on
    sensors; changed: whether turns were made or ended."""

    state: dict[str, Any]
    next_ms: int | None
    leaned: bool
    changed: bool


_KEPT = select(rule_states.c.state).where(
    rule_states.c.tenant_id == TENANT, rule_states.c.subject == bindparam("subject"), rule_states.c.rule == RULE
)
_LISTED = select(listed_devices.c.address, listed_devices.c.use).where(
    listed_devices.c.tenant_id == TENANT, listed_devices.c.address.in_(bindparam("addresses", expanding=True))
)
_LAST_LOOK = (
    select(round_tasks.c.resident_id, func.max(round_tasks.c.done_ms).label("done_ms"))
    .where(
        round_tasks.c.tenant_id == TENANT,
        round_tasks.c.resident_id.in_(bindparam("residents", expanding=True)),
        round_tasks.c.how == Kind.PHYSICAL.value,
    )
    .group_by(round_tasks.c.resident_id)
)


def now(s: TenantSession, ward_id: int) -> tuple[Thin, ...]:
    """Who is looked to more often now, by resident."""
    found = _read(s.execute(_KEPT, {"subject": f"ward:{ward_id}"}).scalar() or {})
    return tuple(thin for _, thin in sorted(found.items()) if thin.on_ms is not None)


def _read(state: Mapping[str, Any]) -> dict[int, Thin]:
    return {int(key): Thin(**value) for key, value in state.items()}


def leaning(s: TenantSession, residents: Iterable[int]) -> dict[int, Plan]:
    """The plans of these residents that are in force and lean on a sensor."""
    found = plans.of_residents(s, residents)
    return {key: plan for key, plan in found.items() if plan.ended_ms is None and needs(plan)}


def needs(plan: Plan) -> frozenset[str]:
    """What a plan's rules need, as its lines say: "bed", "door", "presence|motion" …"""
    rules = (BY_NAME.get(line.rule) for line in plan.lines)
    return frozenset(need for rule in rules if rule is not None for need in rule.needs)


def look(
    s: TenantSession,
    ward_id: int,
    people: Sequence[Resident],
    state: Mapping[str, Any],
    open_tasks: Sequence[Task],
    limits: Limits,
    now_ms: int,
    pace: float,
) -> Looked:
    """Begin, go on with and end what is looked at more often."""
    before, after = _read(state), dict[int, Thin]()
    leaned = leaning(s, [one.id for one in people])
    there = sensors.in_ward(s, ward_id, now_ms) if leaned else {}
    uses = _uses(s, [one for hung in there.values() for one in hung])
    for one in people:
        if (plan := leaned.get(one.id)) is not None:
            found = silent(one, needs(plan), there.get(one.room_id, []), uses, now_ms)
            if found is not None:
                after[one.id] = _settled(found, before.get(one.id), now_ms, stretched(SETTLE_MS, pace))
    every_ms = {key: (plan.dense_rounds_min or limits.dense_min) * MINUTE_MS for key, plan in leaned.items()}
    on = {key for key, thin in after.items() if thin.on_ms is not None}
    over = [task for task in open_tasks if task.why == tasks.DEGRADED and task.resident_id not in on]
    tasks.cancel(s, over, SENSOR_BACK, now_ms)
    next_ms, made = _turns(s, ward_id, [after[one.id] for one in people if one.id in on], open_tasks, every_ms, now_ms)
    if {key: thin.on_ms for key, thin in after.items()} != {key: thin.on_ms for key, thin in before.items()}:
        s.changed()
    kept = {str(key): asdict(thin) for key, thin in after.items()}
    return Looked(kept, next_ms, bool(leaned), bool(over) or made)


def _turns(
    s: TenantSession,
    ward_id: int,
    thin: Sequence[Thin],
    open_tasks: Sequence[Task],
    every_ms: Mapping[int, int],
    now_ms: int,
) -> tuple[int | None, bool]:
    """One open turn for each at a time; the next counts from the last look into the room, whatever it was for. Gives
    when that is, and whether turns were made."""
    asked = {task.resident_id for task in open_tasks if task.why == tasks.DEGRADED}
    taken = Counter(task.due_ms // MINUTE_MS for task in open_tasks)
    wanted = [one for one in thin if one.resident_id not in asked]
    ids = [one.resident_id for one in wanted]
    rows = s.execute(_LAST_LOOK, {"residents": ids}).all() if ids else ()
    looked = {row.resident_id: int(row.done_ms) for row in rows}
    later = []
    for one in wanted:
        due_ms = looked[one.resident_id] + every_ms[one.resident_id] if one.resident_id in looked else now_ms
        if due_ms > now_ms:
            later.append(due_ms)
            continue
        at_ms = place_in(taken, now_ms)
        where = (ward_id, one.resident_id, one.room_id)
        tasks.make(s, *where, at_ms, now_ms, kind=Kind.PHYSICAL, why=tasks.DEGRADED)
    return min(later, default=None), len(later) < len(wanted)


def _settled(found: Thin, before: Thin | None, now_ms: int, settle_ms: int) -> Thin:
    """From when on it counts: at once where silence has been waited for already, else after a while."""
    if before is not None and before.on_ms is not None:
        return Thin(**{**asdict(found), "since_ms": min(found.since_ms, before.since_ms), "on_ms": before.on_ms})
    since_ms = before.since_ms if before is not None else found.since_ms
    waited = found.why in (devices.SILENT, "gateway_silent", "gateway_revoked")
    if waited or now_ms - since_ms >= settle_ms:
        return Thin(**{**asdict(found), "on_ms": now_ms})
    return Thin(**{**asdict(found), "since_ms": since_ms})


def silent(
    one: Resident, wanted: Iterable[str], there: Sequence[Sensor], uses: Mapping[str, str], now_ms: int
) -> Thin | None:
    """What a resident's plan leans on that is not heard, the longest of all; None where all of it is."""
    found: list[Thin] = []
    for need in sorted(wanted):
        words = need.split("|")
        of_use = [sensor for sensor in there if uses.get(sensor.address) in words]
        # What nobody has told the use of may be the one: it is believed where it is heard.
        hung = of_use or [sensor for sensor in there if sensor.address not in uses]
        lost = [sensor for sensor in hung if sensor.unknown]
        enough = len(words) > 1 or not of_use
        if not hung:
            found.append(Thin(one.id, one.room_id, now_ms, words[0], "", MISSING))
        elif lost and not (enough and len(lost) < len(hung)):
            found += [_thin(one, words[0], sensor, now_ms) for sensor in lost]
    return min(found, key=lambda thin: (thin.since_ms, thin.use, thin.spot), default=None)


def _thin(one: Resident, use: str, sensor: Sensor, now_ms: int) -> Thin:
    if sensor.outage is not None:
        return Thin(one.id, one.room_id, sensor.outage.since_ms, use, sensor.spot, sensor.outage.reason)
    if sensor.unknown_since_ms is None:
        return Thin(one.id, one.room_id, now_ms, use, sensor.spot, "never")
    return Thin(one.id, one.room_id, sensor.unknown_since_ms, use, sensor.spot, sensor.unknown_reason or "")


def _uses(s: TenantSession, hung: Sequence[Sensor]) -> dict[str, str]:
    """What each sensor is for, as its gateway has told or as it has spoken; nothing where neither says."""
    addresses = sorted({sensor.address for sensor in hung})
    rows = s.execute(_LISTED, {"addresses": addresses}).all() if addresses else ()
    found = {row.address: row.use for row in rows if row.use not in _SAY_NOTHING}
    for sensor in hung:
        for reading, use in _USE_OF_READING.items():
            if reading in sensor.readings:
                found.setdefault(sensor.address, use)
    return found
