"""Deliberately broken workings for the twins of scenarios. Serves the proof that a scenario can fail.

Owns the ways to break one thing through the centre's and the gateway's own arguments: the list of rules, the table of
handlers, a driver, the interpreter. Nothing of the product is patched. Must not know scenarios.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, select, update

from nattevakt.central import wakes
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.tables import device_states, gateways, streams
from nattevakt.central.tables_plans import bases, pauses
from nattevakt.central.wake_handlers import Handler
from nattevakt.edge.drivers.driver import Device, Reading, Stepped
from nattevakt.edge.events import Moment
from nattevakt.edge.interpret import Interpreted, interpret
from nattevakt.edge.memory import DeviceMemory, memory_key
from nattevakt.sim.centre import Workings

_KNOWN = select(gateways.c.id, gateways.c.complete_to_ms).where(gateways.c.tenant_id == TENANT)
_SET = (
    update(gateways)
    .where(gateways.c.tenant_id == TENANT, gateways.c.id == bindparam("gateway_id"))
    .values(complete_to_ms=bindparam("to_ms"))
)
_LOST = select(device_states.c.gateway_id, device_states.c.address, device_states.c.unknown_since_ms).where(
    device_states.c.tenant_id == TENANT, device_states.c.unknown_since_ms.is_not(None)
)
_LOSE = (
    update(device_states)
    .where(
        device_states.c.tenant_id == TENANT,
        device_states.c.gateway_id == bindparam("p_gateway_id"),
        device_states.c.address == bindparam("p_address"),
    )
    .values(unknown_since_ms=bindparam("since_ms"))
)

_FORGET = update(streams).where(streams.c.tenant_id == TENANT).values(first_heartbeat_ms=None, started_seq=None)


def without(*rules: str, workings: Workings | None = None) -> Workings:
    """A centre that does not know these rules: it neither judges their events nor their deadlines."""
    known = workings or Workings()
    kept = tuple(rule for rule in known.rules if rule.name not in rules)
    return replace(known, rules=kept, handlers=_with(known.handlers, rules, lambda _: ignore))


def at_once(*rules: str, workings: Workings | None = None) -> Workings:
    """A centre that judges these rules' deadlines as if it always held everything: blind to `complete_to`."""
    known = workings or Workings()
    return replace(known, handlers=_with(known.handlers, rules, blind))


def unpaused(*rules: str) -> Workings:
    """A centre that judges these rules' deadlines as if nobody had paused anything."""
    known = Workings()
    return replace(known, handlers=_with(known.handlers, rules, partial(_as_if_over, pauses, pauses.c.id > 0)))


def to_the_minute(*rules: str) -> Workings:
    """A centre that judges these rules' deadlines as if a basis that runs out at night were over at once."""
    known = Workings()
    over = bases.c.review_ms <= bindparam("now_ms")
    return replace(known, handlers=_with(known.handlers, rules, partial(_as_if_over, bases, over)))


class Deaf:
    """A serial driver that gives up a whole read when it does not begin with a frame: what follows noise is lost."""

    def __init__(self, driver: Any, sync: bytes) -> None:
        self._driver, self._sync = driver, sync

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def step(self, given: bytes | None, now_ms: int, state: Any) -> Stepped[Any]:
        """Take bytes only where a frame begins."""
        heard = given if given is None or given.startswith(self._sync) else b""
        stepped: Stepped[Any] = self._driver.step(heard, now_ms, state)
        return stepped


def repeating(
    reading: Reading, device: Device | None, memory: Mapping[str, str], now: Moment, **how: Any
) -> Interpreted:
    """An interpreter that does not know a repeat: a press rings as often as it is delivered."""
    known = _known(reading, memory, how)
    known.first, known.acts = {}, []
    return interpret(reading, device, memory, now, **{**how, "known": known})


def credulous(
    reading: Reading, device: Device | None, memory: Mapping[str, str], now: Moment, **how: Any
) -> Interpreted:
    """An interpreter that takes every state for news of this moment, however it came: cached, retained or repeated."""
    known = _known(reading, memory, how)
    known.states, known.facts, known.told, known.seen = {}, [], [], None
    live = replace(reading, replay=False, occurred_ms=None)
    return interpret(live, device, memory, now, **{**how, "known": known})


def hasty(reading: Reading, device: Device | None, memory: Mapping[str, str], now: Moment, **how: Any) -> Interpreted:
    """An interpreter that waits for no contact to settle: each leap of it is a change."""
    return interpret(reading, device, memory, now, **{**how, "timely": False})


def _known(reading: Reading, memory: Mapping[str, str], how: Mapping[str, Any]) -> DeviceMemory:
    known: DeviceMemory | None = how["known"]
    return known.copy() if known is not None else DeviceMemory(memory.get(memory_key(reading.address)))


def _with(
    handlers: Mapping[str, Handler], rules: tuple[str, ...], other: Callable[[Handler], Handler]
) -> Mapping[str, Handler]:
    return {name: other(handler) if name in rules else handler for name, handler in handlers.items()}


def ignore(s: TenantSession, _tenant: Tenant, wake: wakes.Wake, _now_ms: int, _pace: float) -> None:
    """A handler that takes a deadline away and thinks nothing of it."""
    wakes.arm(s, wake.subject, wake.rule, None)


def blind(handler: Handler) -> Handler:
    """A handler that takes whatever it holds for complete."""

    def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
        known = s.execute(_KNOWN).all()
        lost = s.execute(_LOST).all()
        for row in known:
            s.execute(_SET, {"gateway_id": row.id, "to_ms": now_ms})
        for row in lost:
            s.execute(_LOSE, {"p_gateway_id": row.gateway_id, "p_address": row.address, "since_ms": None})
        handler(s, tenant, wake, now_ms, pace)
        for row in known:
            s.execute(_SET, {"gateway_id": row.id, "to_ms": row.complete_to_ms})
        for row in lost:
            values = {"p_gateway_id": row.gateway_id, "p_address": row.address, "since_ms": row.unknown_since_ms}
            s.execute(_LOSE, values)

    return look


def forgetful(*rules: str) -> Workings:
    """A centre that forgets at each look of these rules which streams its gateways have had."""
    known = Workings()
    return replace(known, handlers=_with(known.handlers, rules, _forgets_streams))


def _forgets_streams(handler: Handler) -> Handler:
    def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
        s.execute(_FORGET, {})
        handler(s, tenant, wake, now_ms, pace)

    return look


def _as_if_over(rows: Table, which: ColumnElement[bool], handler: Handler) -> Handler:
    """A handler for which these rows, which somebody may end, have been ended."""
    mine = (rows.c.tenant_id == TENANT, rows.c.ended_ms.is_(None))
    there = select(rows.c.id).where(*mine, which)
    end = update(rows).where(rows.c.tenant_id == TENANT, rows.c.id == bindparam("row_id"))
    set_to = end.values(ended_ms=bindparam("to_ms"))

    def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
        found = s.execute(there, {"now_ms": now_ms} if rows is bases else {}).scalars().all()
        for row_id in found:
            s.execute(set_to, {"row_id": row_id, "to_ms": now_ms})
        handler(s, tenant, wake, now_ms, pace)
        for row_id in found:
            s.execute(set_to, {"row_id": row_id, "to_ms": None})

    return look
