"""Which function looks at which due deadline. Serves arrow 7.

Owns the table from a wake row's rule to its handler, and nothing else. A handler is called by the sweep inside a
savepoint of its own, for a row that was due a moment ago. It takes the row with `wakes.take` (None: leave it be)
after locking what its judgement rests on, and before it returns it must arm, wait or disarm the row: one that it leaves
due is looked at again in every cycle. That is right only where somebody else holds what it judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from nattevakt.central import (
    completeness,
    devices,
    gateway_faults,
    gateway_silence,
    local_history,
    rearm,
    silence,
    wakes,
    watching,
)
from nattevakt.central.alarms import escalating, overdue
from nattevakt.central.chain import steps as chain_steps
from nattevakt.central.chain import watch as chain
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.notify import audible, cover
from nattevakt.central.places import bases, plans
from nattevakt.central.rounds import tasks as round_tasks
from nattevakt.central.rounds import watch as rounds
from nattevakt.edge.rules.catalogue import RULES

Handler = Callable[[TenantSession, Tenant, wakes.Wake, int, float], None]
"""(session, tenant, wake, now_ms, pace) -> None"""

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        **{rule.name: silence.look for rule in RULES if rule.folding is not None},
        completeness.GATEWAY_SILENT: gateway_silence.look,
        devices.DEVICE_SILENT: watching.device_silent,
        gateway_faults.GATEWAY_FAULT: gateway_faults.look,
        round_tasks.RULE: rounds.look,
        plans.PLAN: rearm.look,
        bases.BASIS_EXPIRED: bases.look,
        escalating.RULE: escalating.look,
        overdue.RULE: overdue.look,
        audible.RULE: audible.look,
        cover.RULE: cover.look,
        local_history.RULE: local_history.look,
        chain_steps.RULE: chain.look,
    }
)
"""Rule name of a wake row -> who looks at it."""
