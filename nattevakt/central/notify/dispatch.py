"""Sends what the ledger holds: leased, sent outside of any transaction, written down. Serves arrow 9.

Owns the cycle, when a failed try is made again, and the threads that do it, one for each road, so that a road that
hangs holds up no other. Must not know how a road works, nor who is asked when.

Killed between sending and writing down, it sends again when the lease has run out, with the same idempotency key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import structlog
from prometheus_client import Counter

from nattevakt.central import wakes
from nattevakt.central.alarms import escalating
from nattevakt.central.clock import Clock
from nattevakt.central.db import Database, Tenant, TenantSession
from nattevakt.central.notify import channel_health, sendings, siren, subscriptions
from nattevakt.central.notify.channel import Later, Message, Never, RateLimit, Result, Road, Sent, serves
from nattevakt.central.notify.messages import message_of
from nattevakt.central.notify.sendings import Sending
from nattevakt.edge.errors import RetryError
from nattevakt.edge.pace import stretched

_log = structlog.get_logger("nattevakt.dispatch")
SENDINGS = Counter("nattevakt_sendings_total", "Tries to tell somebody beyond the tablets", ["channel", "result"])

LEASE_MS = 60_000
"""Longer than any road takes for one message."""
BACKOFF_MS = (5_000, 15_000, 30_000, 60_000)
"""How long after each failed try the next is made; the last goes on holding."""
GIVE_UP_MS = 900_000
"""A message that could not be sent for so long is given up. An alarm that nobody has asks anew long before."""
POLL_S = 1.0
KEEP_S = 5.0
UNSERVED_MAX = 50
_LOCAL = frozenset({"no_phone", "no_subscription", "subscription_gone"})
"""Reasons that are about one person and say nothing of the road."""


def cycle(
    db: Database,
    tenant: Tenant,
    roads: Sequence[Road],
    now_ms: int,
    pace: float = 1.0,
    limits: dict[str, RateLimit] | None = None,
) -> int:
    """Send all that may go now by these roads, one after the other, and see to their health. Gives how many tries.

    pace: how fast service time runs; 1 but in a demo. limits: by road, kept from cycle to cycle.
    """
    limits = limits if limits is not None else {}
    tries = 0
    for road in roads:
        if serves(road, tenant.key):
            limit = limits.setdefault(road.name, RateLimit(road.per_minute))
            turn = _Turn(db, tenant, road, roads, limit, lambda: now_ms, lambda: now_ms, pace)
            while turn.one():
                continue
            tries += turn.tries
    keep(db, tenant, roads, now_ms)
    return tries


class _Turn:
    """One road's work for one tenant. roads: all that there are, for the judgement on this one."""

    def __init__(
        self,
        db: Database,
        tenant: Tenant,
        road: Road,
        roads: Sequence[Road],
        limit: RateLimit,
        now: Callable[[], int],
        real: Callable[[], int],
        pace: float,
    ) -> None:
        self._db, self._tenant, self._road, self._roads, self._limit = db, tenant, road, roads, limit
        self._now, self._real, self._pace = now, real, pace
        self.tries = 0

    def one(self) -> bool:
        """Send one message. False where there is none, or the road is to be left alone for now."""
        now_ms = self._now()
        if not self._limit.take(now_ms):
            return False
        claimed = self._db.transact(self._tenant.id, lambda s: self._claim(s, now_ms))
        if claimed is None:
            self._limit.give_back()
            return False
        self.tries += 1
        sending, message = claimed
        result = message if isinstance(message, Never) else self._road.send(message)
        done_ms = self._now()
        self._db.transact(self._tenant.id, lambda s: self._settle(s, sending, result, done_ms))
        self._tell(sending, result)
        if isinstance(result, Never) and result.whole_road:
            lasting = frozenset({self._road.name})
            self._db.transact(self._tenant.id, lambda s: _judge(s, self._tenant, self._roads, done_ms, lasting))
        if isinstance(result, Later):
            if result.retry_after_s is not None and result.whole_road:
                self._limit.pause(done_ms + round(result.retry_after_s * 1000))
            return False
        return True

    def _claim(self, s: TenantSession, now_ms: int) -> tuple[Sending, Message | Never] | None:
        lease_ms = stretched(LEASE_MS, self._pace)
        leased = sendings.lease(s, self._road.name, now_ms, lease_ms, most=1)
        return (leased[0], message_of(s, self._tenant, leased[0], self._real())) if leased else None

    def _settle(self, s: TenantSession, sending: Sending, result: Result, now_ms: int) -> None:
        """Write down what came of it."""
        subscriptions.end(s, result.gone, now_ms)
        if isinstance(result, Sent):
            sendings.mark_sent(s, sending.id, now_ms, result.provider_ref)
            channel_health.worked(s, self._road.name, now_ms)
            return
        given_up = isinstance(result, Later) and now_ms - sending.made_ms >= stretched(GIVE_UP_MS, self._pace)
        if isinstance(result, Later) and not given_up:
            sendings.try_again(s, sending, result.reason, now_ms + self._wait_ms(sending, result))
        else:
            fail(s, sending, result.reason, now_ms)
        if result.reason not in _LOCAL:
            channel_health.failed(s, self._road.name, result.reason, now_ms)

    def _wait_ms(self, sending: Sending, result: Later) -> int:
        backoff_ms = BACKOFF_MS[min(sending.attempts, len(BACKOFF_MS)) - 1]
        return stretched(max(backoff_ms, round((result.retry_after_s or 0) * 1000)), self._pace)

    def _tell(self, sending: Sending, result: Result) -> None:
        name = type(result).__name__.lower()
        SENDINGS.labels(sending.channel, name).inc()
        reason = "" if isinstance(result, Sent) else result.reason
        told = {"tenant": self._tenant.key, "sending": sending.id, "alarm": sending.alarm_id}
        _log.info("sending", road=self._road.name, result=name, reason=reason, attempt=sending.attempts, **told)


def fail(s: TenantSession, sending: Sending, reason: str, now_ms: int) -> None:
    """A sending will never go out. Where it was the last hope of its alarm's newest step, the next comes at once."""
    if sendings.mark_failed(s, sending, reason, now_ms) and sendings.nobody_left(s, sending):
        wakes.arm(s, escalating.subject(sending.alarm_id), escalating.RULE, now_ms)


def keep(db: Database, tenant: Tenant, roads: Sequence[Road], now_ms: int) -> None:
    """See to what no road does: what is asked of roads that are not there fails at once, and the health of all is
    judged."""
    there = _names(tenant, roads)
    with db.read(tenant.id) as s:
        waits = sendings.waiting(s, now_ms)
        is_something_wrong = bool(channel_health.to_do(s, channel_health.of_all(s, there, now_ms), now_ms))
    if any(name.startswith(sendings.SIREN) and now_ms - at.oldest_ms >= siren.FETCH_MS for name, at in waits.items()):
        db.transact(tenant.id, lambda s: siren.give_up(s, now_ms))
    for name in sorted(waits):
        if name not in there and not name.startswith(sendings.SIREN) and waits[name].due:
            _fail_unserved(db, tenant, name, now_ms)
            is_something_wrong = True
    if is_something_wrong:
        db.transact(tenant.id, lambda s: _judge(s, tenant, roads, now_ms))


def _names(tenant: Tenant, roads: Sequence[Road]) -> tuple[str, ...]:
    return tuple(road.name for road in roads if serves(road, tenant.key))


def _fail_unserved(db: Database, tenant: Tenant, road: str, now_ms: int) -> None:
    # Each in a transaction of its own: who takes an alarm locks it before its sendings, and so must this.
    for sending in db.transact(tenant.id, lambda s: sendings.lease(s, road, now_ms, LEASE_MS, UNSERVED_MAX)):
        db.transact(tenant.id, partial(_fail_one, road=road, sending=sending, now_ms=now_ms))


def _fail_one(s: TenantSession, road: str, sending: Sending, now_ms: int) -> None:
    fail(s, sending, channel_health.NOT_SET_UP, now_ms)
    channel_health.failed(s, road, channel_health.NOT_SET_UP, now_ms)


def _judge(
    s: TenantSession, tenant: Tenant, roads: Sequence[Road], now_ms: int, lasting: frozenset[str] = frozenset()
) -> None:
    there = _names(tenant, roads)
    healths = channel_health.of_all(s, there, now_ms)
    channel_health.judge(s, healths, now_ms, there[0] if len(there) == 1 else "", lasting)


class _Work(Protocol):
    """What one thread does, again and again."""

    def in_turn(self, tenants: Sequence[Tenant]) -> list[Tenant]:
        """Whose turn it is, first to last."""
        ...

    def do(self, tenant: Tenant) -> bool:
        """One piece of it. Gives whether this tenant has more."""
        ...


class _Lane:
    """One road for all tenants, a message of each in turn: what one has to tell holds up nobody else's, also where the
    road takes few a minute."""

    def __init__(self, db: Database, clock: Clock, road: Road, roads: Sequence[Road]) -> None:
        self._db, self._clock, self._road, self._roads = db, clock, road, roads
        self._limit = RateLimit(road.per_minute)
        self._last_id = 0

    def in_turn(self, tenants: Sequence[Tenant]) -> list[Tenant]:
        """Those that it serves, from the one behind the last that it was used for."""
        return sorted(
            (tenant for tenant in tenants if serves(self._road, tenant.key)),
            key=lambda tenant: (tenant.id <= self._last_id, tenant.id),
        )

    def do(self, tenant: Tenant) -> bool:
        """Send one message."""
        with self._db.read(tenant.id) as s:
            waits = sendings.waiting(s, self._clock.now_ms()).get(self._road.name)
        if waits is None or not waits.due:
            return False
        turn = _Turn(
            self._db,
            tenant,
            self._road,
            self._roads,
            self._limit,
            self._clock.now_ms,
            self._clock.real_ms,
            self._clock.pace(),
        )
        try:
            return turn.one()
        finally:
            if turn.tries:
                self._last_id = tenant.id


class _Keeper:
    """What no road sees to, for each tenant."""

    def __init__(self, db: Database, clock: Clock, roads: Sequence[Road]) -> None:
        self._db, self._clock, self._roads = db, clock, roads

    def in_turn(self, tenants: Sequence[Tenant]) -> list[Tenant]:
        """All of them."""
        return list(tenants)

    def do(self, tenant: Tenant) -> bool:
        """Look once."""
        keep(self._db, tenant, self._roads, self._clock.now_ms())
        return False


class Dispatcher:
    """The threads that send, for all tenants, again and again, until told to stop: one for each road, and one that
    sees to the rest."""

    def __init__(self, db: Database, clock: Clock, roads: Sequence[Road], poll_s: float = POLL_S) -> None:
        self._db, self._clock, self._roads = db, clock, tuple(roads)
        self._poll_s = poll_s
        self._stop = threading.Event()
        works: list[tuple[str, _Work, float]] = [
            (f"send-{road.name}", _Lane(db, clock, road, self._roads), poll_s) for road in self._roads
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(work, every_s), name=name, daemon=True)
            for name, work, every_s in (*works, ("send", _Keeper(db, clock, self._roads), KEEP_S))
        ]

    def start(self) -> None:
        """Begin, at once for the first time."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let the messages under way be written down, then end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _run(self, work: _Work, every_s: float) -> None:
        while not self._stop.is_set():
            self._once(work)
            self._stop.wait(every_s)

    def _once(self, work: _Work) -> None:
        """Messages in turn until no tenant has more to do; one that fails costs the others nothing."""
        more = True
        while more and not self._stop.is_set():
            try:
                # Anew after each message: who had nothing to tell before it may have by now, and is behind its tenant.
                tenants = work.in_turn(self._db.tenants())
            except RetryError as error:
                _log.warning("dispatch_without_database", error=str(error))
                return
            more = any(self._has_more(work, tenant) for tenant in tenants)

    def _has_more(self, work: _Work, tenant: Tenant) -> bool:
        try:
            return work.do(tenant)
        except RetryError as error:
            _log.warning("dispatch_put_off", tenant=tenant.key, error=str(error))
        except Exception as error:  # noqa: BLE001 - whatever one message does, the next must go out
            SENDINGS.labels("any", "fault").inc()
            _log.error("dispatch_failed", tenant=tenant.key, error=type(error).__name__, exc_info=True)
        return False
