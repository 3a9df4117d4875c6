"""The watcher: takes what is due, looks for what nobody handled, and shows that it does. Serves arrows 7 and 8.

Owns the cycle and its proof of life: the canary, a wake row that each cycle must take; the order in which due
deadlines are handled, each in a savepoint of its own; and the grace after the centre was away. Must not know rules
or HTTP. Any number of processes may sweep; one holds a tenant's canary at a time and the others pass on.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Row, text
from sqlalchemy.exc import InterfaceError, OperationalError

from nattevakt.central import gateway_faults, rearm, silence, technical, wakes, watching
from nattevakt.central.alarms import escalating, overdue, register
from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.alarms.requests import EventKey, RaiseRequest, Where
from nattevakt.central.chain import watch as chain
from nattevakt.central.clock import Clock
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.notify import audible, cover
from nattevakt.central.rounds import watch as rounds
from nattevakt.central.statements import its_own_fault
from nattevakt.central.supervision import RULE_FAILURES
from nattevakt.central.technical import Origin
from nattevakt.central.wake_handlers import HANDLERS, Handler
from nattevakt.edge.errors import RetryError
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import Occurred, Priority, Reason

_log = structlog.get_logger("nattevakt.sweep")
SWEEPS = Counter("nattevakt_sweeps_total", "Sweep cycles by how they ended", ["result"])
UNHANDLED = Counter("nattevakt_unhandled_events_total", "Class-A rows that the sweep found without an ending")
SWEEP_AGE = Gauge("nattevakt_sweep_age_seconds", "Age of the oldest tenant's last taken canary")

CANARY = {"subject": "tenant", "rule": "canary"}
EVERY_MS = 5_000
AWAY_MS = 30_000
"""A centre that has not swept for so long was away; what it has not heard meanwhile is not the gateways' fault."""
GRACE_AGAIN_MS = 600_000
"""Another absence this soon is given no new grace: a centre that keeps restarting must not excuse a dead gateway."""
ENSURE_EVERY_MS = 60_000
"""How often somebody looks whether all that ought to be watched is."""
PUT_OFF_MS = 60_000
"""When a deadline is tried again whose handler failed."""
_ALARMS_OWN = frozenset({escalating.RULE, overdue.RULE})
PASSES_MAX = 8
"""How often one cycle looks for what its own handling has made due."""

_PLANT = text(
    "INSERT INTO wake_rows (tenant_id, subject, rule, wake_at_ms) VALUES (:tenant, :subject, :rule, :now_ms) "
    "ON CONFLICT DO NOTHING"
)
_TAKE = (
    # The canary, and with it all that a cycle must know: when the last one was, whether an urgent row has no ending,
    # whether a deadline is due. One statement says of all of them that there is nothing to do.
    "SELECT k.wake_at_ms, r.at_ms, r.grace_ms, "  # noqa: S608 - our own text
    "EXISTS (SELECT 1 FROM events e WHERE e.tenant_id = :tenant AND e.urgency = 'A' AND e.alarm_id IS NULL "
    "AND e.outcome_reason IS NULL) AS unhandled, "
    f"EXISTS ({wakes.DUE}) AS due "
    "FROM wake_rows k LEFT JOIN sweep_runs r ON r.tenant_id = k.tenant_id "
    "WHERE k.tenant_id = :tenant AND k.subject = :subject AND k.rule = :rule"
)
_TAKE_LOCKED = {"sqlite": text(_TAKE), "postgresql": text(_TAKE + " FOR UPDATE OF k SKIP LOCKED")}
_REARM = text(
    "UPDATE wake_rows SET wake_at_ms = :wake_at_ms WHERE tenant_id = :tenant AND subject = :subject AND rule = :rule"
)
_RAN = text(
    "INSERT INTO sweep_runs (tenant_id, at_ms, grace_ms) VALUES (:tenant, :now_ms, :grace_ms) "
    "ON CONFLICT (tenant_id) DO UPDATE SET at_ms = excluded.at_ms, grace_ms = excluded.grace_ms"
)
_LAST = text("SELECT at_ms, grace_ms FROM sweep_runs WHERE tenant_id = :tenant")
_WARD = text(
    "SELECT ward_id FROM alarms WHERE tenant_id = :tenant AND subject = :subject "
    "UNION ALL SELECT ward_id FROM alarms WHERE tenant_id = :tenant AND 'alarm:' || CAST(id AS TEXT) = :subject "
    "UNION ALL SELECT ward_id FROM gateways WHERE tenant_id = :tenant LIMIT 1"
)
_UNHANDLED = text(
    # A transaction writes a row together with its ending, so even the youngest row without one is a fault.
    "SELECT e.gateway_id, e.stream_id, e.seq, e.variant, e.kind, e.device, g.ward_id, g.key, g.name FROM events e "
    "JOIN gateways g ON g.tenant_id = e.tenant_id AND g.id = e.gateway_id "
    "WHERE e.tenant_id = :tenant AND e.urgency = 'A' AND e.alarm_id IS NULL AND e.outcome_reason IS NULL "
    "ORDER BY e.gateway_id, e.stream_id, e.seq, e.variant LIMIT 200"
)
_HANDLED = text(
    "UPDATE events SET alarm_id = :alarm_id WHERE tenant_id = :tenant AND gateway_id = :gateway_id "
    "AND stream_id = :stream_id AND seq = :seq AND variant = :variant"
)


def cycle(
    db: Database, tenant: Tenant, now_ms: int, pace: float = 1.0, handlers: Mapping[str, Handler] = HANDLERS
) -> bool:
    """One sweep of one tenant. False where another process holds the canary (PostgreSQL).

    pace: how fast service time runs; 1 but in a demo. Raises RetryError where the database is away, or (SQLite)
    another writer holds it for too long: what had been handled until then stays so.
    """
    left = db.transact(tenant.id, lambda s: _cycle(s, tenant, now_ms, pace))
    seen: set[wakes.Wake] = set()
    for _ in range(PASSES_MAX):
        if not left:
            break
        left = _pass(db, tenant, now_ms, pace, handlers, seen)
    return left is not None


def _pass(
    db: Database, tenant: Tenant, now_ms: int, pace: float, handlers: Mapping[str, Handler], seen: set[wakes.Wake]
) -> bool:
    """Handle all that is due, some at a time; each row once, whatever becomes of it. Gives whether anything is due
    now that was not handled."""
    last: wakes.Wake | None = None
    while True:

        def some(s: TenantSession, last: wakes.Wake | None = last) -> tuple[list[wakes.Wake], bool, bool]:
            there = list(wakes.due(s, now_ms, last))
            due = _together(there)
            fresh = [wake for wake in due if wake not in seen]
            for wake in fresh:
                _look(s, tenant, wake, now_ms, pace, handlers)
            is_last = len(due) == len(there) < wakes.TAKE_MAX
            known = seen.union(fresh)
            left = is_last and any(wake not in known for wake in wakes.due(s, now_ms, most=len(known) + 1))
            return due, is_last, left

        due, is_last, left = db.transact(tenant.id, some)
        seen.update(due)
        if is_last:
            return left
        last = due[-1]


def _together(due: list[wakes.Wake]) -> list[wakes.Wake]:
    """What one transaction handles of these. A deadline of an alarm is alone in its own: rules lock their states
    before their alarms, and whoever held several alarms first would wait for them while they wait for him."""
    if due and due[0].rule in _ALARMS_OWN:
        return due[:1]
    return list(takewhile(lambda wake: wake.rule not in _ALARMS_OWN, due))


def _look(
    s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float, handlers: Mapping[str, Handler]
) -> None:
    """One deadline; if its handler fails the others are looked at all the same, and somebody hears of it."""
    try:
        with s.savepoint():
            handlers[wake.rule](s, tenant, wake, now_ms, pace)
    except Exception as error:  # a rule may fail in any way, and nobody's alarm with it
        if isinstance(error, RetryError | MemoryError | OperationalError | InterfaceError) and not its_own_fault(error):
            raise
        RULE_FAILURES.labels(wake.rule).inc()
        _log.error("wake_failed", rule=wake.rule, subject=wake.subject, error=type(error).__name__, exc_info=True)
        wakes.wait(s, wake, None, now_ms + PUT_OFF_MS)
        _tell(s, wake, now_ms)


def _tell(s: TenantSession, wake: wakes.Wake, now_ms: int) -> None:
    """Let somebody hear of a handler that failed. Where that fails too, for the same reason, the log has it: the
    deadlines behind this one must not wait for what cannot be."""
    ward_id = s.execute(_WARD, {"subject": wake.subject}).scalar()
    if ward_id is None:
        return
    try:
        with s.savepoint():
            register.apply(s, _rule_failed(wake, ward_id, now_ms), now_ms)
    except Exception as error:  # as above
        if isinstance(error, RetryError | MemoryError | OperationalError | InterfaceError) and not its_own_fault(error):
            raise
        _log.error("wake_failure_untold", rule=wake.rule, subject=wake.subject, error=type(error).__name__)


def _rule_failed(wake: wakes.Wake, ward_id: int, now_ms: int) -> RaiseRequest:
    reason = Reason("rule_failed", {"rule": wake.rule})
    at, subject, priority = Occurred(now_ms, now_ms), wake.subject, KINDS["rule_failed"].priority
    if wake.rule in _ALARMS_OWN:
        # What fails about an alarm's own way would fail about the alarm that says so, and so on without end: one for
        # all. And alarms that do not go on are as urgent as a ward that nobody would hear.
        subject, priority = f"rule:{wake.rule}", Priority.MEDIUM
    return RaiseRequest(subject, "rule_failed", "rule_failed", priority, reason, at, Where(ward_id))


def _cycle(s: TenantSession, tenant: Tenant, now_ms: int, pace: float) -> bool | None:
    """Take the canary and look for what nobody handled. Gives whether a deadline is due, None where another process
    holds the canary."""
    take, params = _TAKE_LOCKED[s.dialect], {**CANARY, "now_ms": now_ms}
    found = s.execute(take, params).one_or_none()
    if found is None:
        s.execute(_PLANT, params)
        found = s.execute(take, params).one_or_none()
        if found is None:
            return None
    if found.unhandled:
        for row in s.execute(_UNHANDLED).all():
            _alarm(s, tenant, row, now_ms)
    last = _last_of(s, found)
    ensures = last is None or last.at_ms // ENSURE_EVERY_MS != now_ms // ENSURE_EVERY_MS
    if ensures:
        watching.ensure(s, now_ms)
        gateway_faults.ensure(s, now_ms)
        silence.ensure(s)
        rearm.ensure(s, now_ms)
        rounds.ensure(s, now_ms)
        overdue.ensure(s, now_ms)
        escalating.ensure(s, now_ms)
        audible.ensure(s, now_ms)
        cover.ensure(s, now_ms)
        chain.ensure(s, now_ms)
    s.execute(_REARM, {**CANARY, "wake_at_ms": now_ms + EVERY_MS})
    s.execute(_RAN, {"now_ms": now_ms, "grace_ms": _grace_ms(last, now_ms, pace)})
    if found.unhandled or ensures:
        return bool(wakes.due(s, now_ms, most=1))  # more may be due by what was done here
    return bool(found.due)


def _last_of(s: TenantSession, found: Row[Any]) -> Row[Any] | None:
    """The last cycle's row, as it is now that the canary is held."""
    if s.dialect != "sqlite":
        # Another process may have swept between this statement's view of the rows and its lock.
        return s.execute(_LAST).one_or_none()
    return found if found.at_ms is not None else None


def _grace_ms(last: Row[Any] | None, now_ms: int, pace: float) -> int | None:
    """From when gateways are given time to come back: the centre's own return, if it was away."""
    if last is None:
        return now_ms
    # Never later than now: a clock that was wrong and has been set back must not excuse a dead gateway.
    grace_ms: int | None = None if last.grace_ms is None else min(last.grace_ms, now_ms)
    if now_ms - last.at_ms <= stretched(AWAY_MS, pace):
        return grace_ms
    return now_ms if grace_ms is None or now_ms - grace_ms >= GRACE_AGAIN_MS else grace_ms


def _alarm(s: TenantSession, tenant: Tenant, row: Row[Any], now_ms: int) -> None:
    """An urgent row that nothing answered for: whatever went wrong, a person hears of it."""
    UNHANDLED.inc()
    _log.error("unhandled_event", gateway_id=row.gateway_id, stream_id=row.stream_id, seq=row.seq, kind=row.kind)
    origin = Origin(row.gateway_id, row.ward_id, row.key, row.name, tenant.time_zone)
    key = EventKey(row.gateway_id, row.stream_id, row.seq, row.variant)
    params = {"kind": row.kind, "device": row.device or ""}
    applied = technical.sound(s, origin, "unhandled_event", params, now_ms, event=key)
    values = {"gateway_id": key.gateway_id, "stream_id": key.stream_id, "seq": key.seq, "variant": key.variant}
    s.execute(_HANDLED, {"alarm_id": applied.alarm_id, **values})


def last_run_ms(s: TenantSession) -> int | None:
    """When this tenant's canary was last taken, None if never."""
    found: int | None = s.execute(_LAST).scalar()
    return found


def age_s(db: Database, now_ms: int) -> float | None:
    """Seconds since the canary of the tenant that waits longest was taken; 0 without tenants, None if never."""
    oldest = 0.0
    for tenant in db.tenants():
        with db.read(tenant.id) as s:
            at_ms = last_run_ms(s)
        if at_ms is None:
            return None
        oldest = max(oldest, (now_ms - at_ms) / 1000)
    return oldest


class Sweeper:
    """The thread that sweeps all tenants, again and again, until told to stop."""

    def __init__(self, db: Database, clock: Clock, interval_s: float) -> None:
        self._db = db
        self._clock = clock
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        """Begin sweeping, at once for the first time."""
        self._thread.start()

    def stop(self) -> None:
        """Let the cycle under way finish, then end."""
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.once()
            self._stop.wait(self._interval_s)

    def once(self) -> None:
        """One cycle for each tenant; a tenant that fails costs the others nothing."""
        try:
            tenants = self._db.tenants()
        except RetryError as error:
            SWEEPS.labels("away").inc()
            _log.warning("sweep_without_database", error=str(error))
            return
        except Exception as error:  # noqa: BLE001 - as below
            SWEEPS.labels("failed").inc()
            _log.error("sweep_failed", error=type(error).__name__, exc_info=True)
            return
        for tenant in tenants:
            try:
                taken = cycle(self._db, tenant, self._clock.now_ms(), self._clock.pace())
                SWEEPS.labels("taken" if taken else "passed").inc()
            except RetryError as error:
                SWEEPS.labels("busy").inc()
                _log.warning("sweep_put_off", tenant=tenant.key, error=str(error))
            except Exception as error:  # noqa: BLE001 - the watcher outlives whatever it finds
                SWEEPS.labels("failed").inc()
                _log.error("sweep_failed", tenant=tenant.key, error=type(error).__name__, exc_info=True)
