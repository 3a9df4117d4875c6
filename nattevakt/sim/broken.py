"""Deliberately broken workings for the twins of scenarios. Serves the proof that a scenario can fail.

Owns the ways to break one thing through the centre's own arguments: its list of rules and its table of handlers.
Nothing of the product is patched. Must not know scenarios.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy import bindparam, select, update

from nattevakt.central import wakes
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.tables import device_states, gateways
from nattevakt.central.wake_handlers import Handler
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


def without(*rules: str, workings: Workings | None = None) -> Workings:
    """A centre that does not know these rules: it neither judges their events nor their deadlines."""
    known = workings or Workings()
    kept = tuple(rule for rule in known.rules if rule.name not in rules)
    return replace(known, rules=kept, handlers=_with(known.handlers, rules, lambda _: ignore))


def at_once(*rules: str, workings: Workings | None = None) -> Workings:
    """A centre that judges these rules' deadlines as if it always held everything: blind to `complete_to`."""
    known = workings or Workings()
    return replace(known, handlers=_with(known.handlers, rules, blind))


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
