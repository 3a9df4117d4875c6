"""A silence rule's deadline has come: what is known by now, and what the rule says to that. Serves arrow 7.

Owns the moment up to which a subject's silence may be judged, whether a person has looked, and how often a deadline
is asked about whose data does not come. Must not know how the rule decides.

Locks as ingest does: the rule's state first, then the wake row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog
from sqlalchemy import bindparam, exists, select

from nattevakt.central import completeness, wakes
from nattevakt.central.alarms import register
from nattevakt.central.alarms.requests import ClearRequest, EventKey, RaiseRequest, Where
from nattevakt.central.cases import RULES, where_of
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.places.places import look_up, rooms_of
from nattevakt.central.refold import Fold, Verdict
from nattevakt.central.states import keep, lock
from nattevakt.central.tables import events, gateways, rule_states, wake_rows
from nattevakt.central.technical import Origin
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import Key, Log, Occurred, Raise, RestsOn, Step, Wake

_log = structlog.get_logger("nattevakt.silence")
AGAIN_MS = 60_000
"""How often a deadline is looked at that passed without confirmation."""
BACKLOG_MS = 30_000
"""Two heartbeats: so long after its beginning became known a silence waits for the rest of the same backlog."""


_UNARMED = select(rule_states.c.subject, rule_states.c.rule, rule_states.c.state).where(
    rule_states.c.tenant_id == TENANT,
    rule_states.c.rule.in_([rule.name for rule in RULES if rule.folding is not None]),
    ~exists().where(
        wake_rows.c.tenant_id == rule_states.c.tenant_id,
        wake_rows.c.subject == rule_states.c.subject,
        wake_rows.c.rule == rule_states.c.rule,
    ),
)


def ensure(s: TenantSession) -> None:
    """Plant again what a rule waits for and no row stands for any more (a restore, somebody's hand)."""
    lost = [(row.subject, row.rule, Fold.load(row.state).wake_ms) for row in s.execute(_UNARMED)]
    for subject, rule, wake_ms in sorted(entry for entry in lost if entry[2] is not None):
        _log.error("deadline_lost", subject=subject, rule=rule)
        wakes.arm(s, subject, rule, wake_ms)


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
    """Judge one deadline of a rule that folds, or let it wait for the data that it needs."""
    rule = next(rule for rule in RULES if rule.name == wake.rule)
    fold = Fold.load(lock(s, wake.subject, wake.rule))
    taken = wakes.take(s, wake, now_ms)
    if taken is None or rule.folding is None:
        return
    at_ms = taken.wake_at_ms
    rests_on = rule.folding.rests_on(fold.state)
    rooms = rooms_of(s, wake.subject, at_ms)
    if not rooms:
        _carry_out(s, tenant, taken, fold, rule.folding.left(fold.state), now_ms)
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
    asked = Wake(at_ms, confirmed, _answered(s, taken, rests_on))
    _carry_out(s, tenant, taken, fold, rule.step(fold.state, asked, None, now_ms), now_ms)
    if fold.wake_ms == at_ms:
        wakes.wait(s, taken, judged.waits_for, now_ms + stretched(AGAIN_MS, pace))
    else:
        wakes.arm(s, wake.subject, wake.rule, fold.wake_ms)


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


def _answered(s: TenantSession, wake: wakes.Wake, rests_on: RestsOn) -> bool:
    return register.answered(s, wake.subject, wake.rule, _keys(rests_on.keys), rests_on.since_ms)


def _carry_out(s: TenantSession, tenant: Tenant, wake: wakes.Wake, fold: Fold, step: Step, now_ms: int) -> None:
    before = fold.state
    fold.take(step)
    if fold.state != before or fold.wake_ms != wake.wake_at_ms:
        keep(s, wake.subject, wake.rule, fold.plain())
    for verdict in step.verdicts:
        _bring(s, tenant, wake, verdict, now_ms)


def _bring(s: TenantSession, tenant: Tenant, wake: wakes.Wake, verdict: Verdict, now_ms: int) -> None:
    """To the register with it. The alarm's moment is the deadline, not what led to it."""
    if isinstance(verdict, Log):
        _log.info("silence_explained", subject=wake.subject, rule=wake.rule, reason=verdict.reason.code)
        return
    holds = _keys(verdict.holds)
    if isinstance(verdict, Raise):
        request = RaiseRequest(
            subject=wake.subject,
            rule=wake.rule,
            kind=verdict.kind,
            priority=verdict.priority,
            reason=verdict.reason,
            occurred=Occurred(wake.wake_at_ms, wake.wake_at_ms),
            where=_where(s, tenant, holds),
            holds=holds,
            insists=verdict.insists,
        )
        applied = register.apply(s, request, now_ms)
        _log.info("silence_judged", subject=wake.subject, reason=verdict.reason.code, how=applied.how)
        return
    register.apply(s, ClearRequest(wake.subject, wake.rule, verdict.reason, holds=holds), now_ms)


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


def _where(s: TenantSession, tenant: Tenant, holds: Sequence[EventKey]) -> Where:
    """Where the device hung, and who stayed there, that told of the beginning."""
    row = s.execute(_BEGAN, _params(holds[0])).one()
    origin = Origin(row.id, row.ward_id, row.key, row.name, tenant.time_zone)
    return where_of(origin, row.device, look_up(s, [row.device]).at(row.device, row.occurred_to_ms))
