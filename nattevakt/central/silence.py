"""A silence rule's deadline has come: what is known by now, and what the rule says to that. Serves arrow 7.

Owns the moment up to which a subject's silence may be judged, whether a person has looked, and how often a deadline
is asked about whose data does not come. Must not know how the rule decides.

Locks as ingest does: the rule's state first, then the wake row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import bindparam, select, text

from nattevakt.central import completeness, findings, wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.requests import ClearRequest, EventKey, RaiseRequest, Where
from nattevakt.central.cases import Settings, subjects_in, where_of
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.places.arming import Gate, Word, gate_of, standings
from nattevakt.central.places.places import Spot, look_up, rooms_of, spots_in
from nattevakt.central.refold import Fold
from nattevakt.central.states import keep, lock
from nattevakt.central.tables import events, gateways
from nattevakt.central.technical import Origin
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.catalogue import BY_NAME, RULES
from nattevakt.edge.rules.rule import (
    Armed,
    Clear,
    Finding,
    Key,
    Log,
    Occurred,
    Per,
    Raise,
    RestsOn,
    Rule,
    Step,
    Verdict,
    Wake,
)

_log = structlog.get_logger("nattevakt.silence")
AGAIN_MS = 60_000
"""How often a deadline is looked at that passed without confirmation."""
HELD_MS = 3_600_000
"""How often a deadline is looked at that waits for a legal basis; whoever gives one has it looked at at once."""
BACKLOG_MS = 30_000
"""Two heartbeats: so long after its beginning became known a silence waits for the rest of the same backlog."""


_WAKE_MS = {"sqlite": "json_extract(r.state, '$.wake_ms')", "postgresql": "CAST(r.state ->> 'wake_ms' AS bigint)"}
# The states stay where they are: of most rules that wait for nothing there is much to read.
_UNARMED = {
    dialect: text(
        f"SELECT r.subject, r.rule, {wake_ms} AS wake_ms FROM rule_states r "  # noqa: S608 - our own constants
        f"WHERE r.tenant_id = :tenant AND r.rule IN :rules AND {wake_ms} IS NOT NULL AND NOT EXISTS (SELECT 1 "
        "FROM wake_rows w WHERE w.tenant_id = :tenant AND w.subject = r.subject AND w.rule = r.rule)"
    ).bindparams(bindparam("rules", expanding=True))
    for dialect, wake_ms in _WAKE_MS.items()
}
_FOLDED = [rule.name for rule in RULES if rule.folding is not None]


def ensure(s: TenantSession) -> None:
    """Plant again what a rule waits for and no row stands for any more (a restore, somebody's hand)."""
    for row in sorted(
        s.execute(_UNARMED[s.dialect], {"rules": _FOLDED}).all(), key=lambda row: (row.subject, row.rule)
    ):
        _log.error("deadline_lost", subject=row.subject, rule=row.rule)
        wakes.arm(s, row.subject, row.rule, int(row.wake_ms))


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a deadline is judged with. spot: where the subject lives, None where that is nowhere."""

    tenant: Tenant
    wake: wakes.Wake
    rule: Rule
    fold: Fold
    spot: Spot | None
    armed: Armed
    gate: Gate


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
    """Judge one deadline of a rule that folds, or let it wait: for the data that it needs, or for its gate."""
    rule = BY_NAME[wake.rule]
    fold = Fold.load(lock(s, wake.subject, wake.rule))
    taken = wakes.take(s, wake, now_ms)
    if taken is None or rule.folding is None:
        return
    at_ms = taken.wake_at_ms
    rests_on = rule.folding.rests_on(fold.state)
    rooms = rooms_of(s, wake.subject, at_ms)
    looked = _looked(s, tenant, taken, rule, fold, rooms, now_ms)
    if _is_gone(looked):
        _carry_out(s, looked, rule.folding.left(fold.state), now_ms)
        wakes.arm(s, wake.subject, wake.rule, fold.wake_ms)
        return
    # What told of the beginning must also be the one to tell of the end.
    serving = completeness.serving(s, rooms, at_ms) | {key[0] for key in rests_on.keys}
    judged = completeness.judged(s, serving, now_ms, rests_on.devices)
    # Complete to a moment means all before it; who was back at that very moment was back.
    confirmed = judged.to_ms > at_ms
    if not confirmed and judged.to_ms >= now_ms:
        return  # due this very millisecond: the next cycle knows
    if not confirmed:
        patient_ms = judged.lag_from_ms + stretched(completeness.LAG_MS, pace)
        if now_ms > patient_ms:
            patient_ms = _known_ms(s, rests_on.keys) + stretched(BACKLOG_MS, pace)
        if now_ms <= patient_ms:
            wakes.wait(s, taken, judged.waits_for, patient_ms + 1)
            return
    asked = Wake(at_ms, confirmed, _answered(s, looked, rests_on))
    said = rule.step(fold.state, asked, looked.armed, now_ms)
    if said is not None and looked.gate.holds(at_ms) and any(isinstance(verdict, Raise) for verdict in said.verdicts):
        # Not forgotten: judged as late as the pause ends or the basis is there. What ends an alarm needs no gate.
        wakes.wait(s, taken, None, looked.gate.until_ms or now_ms + stretched(HELD_MS, pace))
        return
    if said is not None:
        _carry_out(s, looked, said, now_ms)
    if fold.wake_ms == at_ms:
        wakes.wait(s, taken, judged.waits_for, now_ms + stretched(AGAIN_MS, pace))
    else:
        wakes.arm(s, wake.subject, wake.rule, fold.wake_ms)


def _looked(
    s: TenantSession, tenant: Tenant, wake: wakes.Wake, rule: Rule, fold: Fold, rooms: Sequence[int], now_ms: int
) -> _Looked:
    """With what a subject's deadline is judged: as its place is now, or was when the deadline passed."""
    spot = None
    if rooms:
        spot = spots_in(s, rooms[:1], now_ms).get(rooms[0])
        if spot is not None and rule.planned and not spot.residents:
            spot = spots_in(s, rooms[:1], wake.wake_at_ms).get(rooms[0])
    armed, gate = set_to(s, tenant.time_zone, rule, spot, wake.subject, now_ms)
    return _Looked(tenant, wake, rule, fold, spot, armed, gate)


def set_to(
    s: TenantSession, time_zone: str, rule: Rule, spot: Spot | None, subject: str, now_ms: int
) -> tuple[Armed, Gate]:
    """What a rule is set to for a subject now. A resident who has been given company keeps what has begun."""
    if spot is None:
        return Settings(s, (), {}, time_zone, ()).at(rule, None)
    own = int(subject.partition(":")[2]) if subject.startswith("resident:") else None
    people = spot.residents if own is None or own in spot.residents else (own,)
    known = standings(s, people, now_ms)
    armed, gate = Settings(s, (spot,), known, time_zone, ()).at(rule, spot)
    if own is None or not rule.planned:
        return armed, gate
    mine, entries = gate_of(known, (own,), rule)
    return replace(armed, entries=entries), mine


def _is_gone(looked: _Looked) -> bool:
    """Whether there is nothing to judge any more: nobody there, no such line in the plan, or another's to judge."""
    rule, spot = looked.rule, looked.spot
    if spot is None:
        return rule.planned or (rule.per is Per.DEVICE and "@" not in looked.wake.subject)
    if not rule.planned:
        return False
    if looked.gate.word is Word.OFF:
        return True
    # Who waits for a time of day is asked once a day for each who lives there, not also as what they were before.
    return rule.timed and looked.wake.subject not in subjects_in(rule, spot, (looked.wake.subject,))


_RECEIVED = select(events.c.received_ms).where(
    events.c.tenant_id == TENANT,
    events.c.gateway_id == bindparam("gateway_id"),
    events.c.stream_id == bindparam("stream_id"),
    events.c.seq == bindparam("seq"),
    events.c.variant == bindparam("variant"),
)


def _known_ms(s: TenantSession, keys: Iterable[Key]) -> int:
    """When the centre learned of the last of these events; 0 where it holds none of them."""
    found = (s.execute(_RECEIVED, _params(key)).scalar() for key in _keys(keys))
    return max((int(at_ms) for at_ms in found if at_ms is not None), default=0)


def _params(key: EventKey) -> dict[str, object]:
    return {"gateway_id": key.gateway_id, "stream_id": key.stream_id, "seq": key.seq, "variant": key.variant}


def _answered(s: TenantSession, looked: _Looked, rests_on: RestsOn) -> bool:
    name = looked.rule.alarms_as or looked.rule.name
    return register.answered(s, looked.wake.subject, name, _keys(rests_on.keys), rests_on.since_ms)


def _carry_out(s: TenantSession, looked: _Looked, step: Step, now_ms: int) -> None:
    fold, wake = looked.fold, looked.wake
    before = fold.state
    fold.take(step)
    if fold.state != before or fold.wake_ms != wake.wake_at_ms:
        keep(s, wake.subject, wake.rule, fold.plain())
    for verdict in step.verdicts:
        # A rule that is taken out of its plan ends nobody's alarm: only a person does.
        if not (isinstance(verdict, Clear) and looked.gate.word is Word.OFF and looked.spot is not None):
            _bring(s, looked, verdict, now_ms)


def _bring(s: TenantSession, looked: _Looked, verdict: Verdict, now_ms: int) -> None:
    """To the register with it. The alarm's moment is the deadline, not what led to it."""
    wake = looked.wake
    if isinstance(verdict, Finding):
        findings.note(s, wake.rule, verdict, now_ms, looked.tenant.time_zone)
        return
    if isinstance(verdict, Log):
        _log.info("silence_explained", subject=wake.subject, rule=wake.rule, reason=verdict.reason.code)
        return
    holds = _keys(verdict.holds)
    name = looked.rule.alarms_as or looked.rule.name
    if isinstance(verdict, Raise):
        request = RaiseRequest(
            subject=wake.subject,
            rule=name,
            kind=verdict.kind,
            priority=verdict.priority,
            reason=verdict.reason,
            occurred=Occurred(wake.wake_at_ms, wake.wake_at_ms),
            where=_where(s, looked, holds),
            holds=holds,
            insists=verdict.insists,
            again=verdict.again,
            marks=looked.gate.marks,
            plan_version_id=looked.gate.plan_version_id,
        )
        applied = register.apply(s, request, now_ms)
        _log.info("silence_judged", subject=wake.subject, reason=verdict.reason.code, how=applied.how)
        return
    register.apply(s, ClearRequest(wake.subject, name, verdict.reason, holds=holds), now_ms)


def _keys(plain: Iterable[Key]) -> tuple[EventKey, ...]:
    return tuple(EventKey(*key) for key in plain)


_BEGAN = (
    select(events.c.device, events.c.occurred_to_ms, gateways.c.id, gateways.c.ward_id, gateways.c.key, gateways.c.name)
    .join(gateways, (gateways.c.tenant_id == events.c.tenant_id) & (gateways.c.id == events.c.gateway_id))
    .where(
        events.c.tenant_id == TENANT,
        events.c.gateway_id == bindparam("gateway_id"),
        events.c.stream_id == bindparam("stream_id"),
        events.c.seq == bindparam("seq"),
        events.c.variant == bindparam("variant"),
    )
)


def _where(s: TenantSession, looked: _Looked, holds: Sequence[EventKey]) -> Where:
    """Where the device hung, and who stayed there, that told of the beginning; else the subject's room."""
    row = s.execute(_BEGAN, _params(holds[0])).one_or_none() if holds else None
    if row is None:
        if looked.spot is None:
            raise LookupError(f"nobody knows where {looked.wake.subject} is")
        return Where(looked.spot.ward_id, looked.spot.room_id, looked.spot.resident_id)
    origin = Origin(row.id, row.ward_id, row.key, row.name, looked.tenant.time_zone)
    return where_of(origin, row.device, look_up(s, [row.device]).at(row.device, row.occurred_to_ms))
