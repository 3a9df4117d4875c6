"""Which function looks at which due deadline. Serves arrow 7.

Owns the table from a wake row's rule to its handler, and nothing else. A handler is called by the sweep inside a
savepoint of its own, for a row that was due a moment ago. It takes the row with `wakes.take` (None: leave it be)
after locking what its judgement rests on, and before it returns it must arm, wait or disarm the row: one that is
left due is an error of the handler and is put off by the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from nattevakt.central import completeness, devices, silence, wakes, watching
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.edge.rules import not_back_in_bed

Handler = Callable[[TenantSession, Tenant, wakes.Wake, int, float], None]
"""(session, tenant, wake, now_ms, pace) -> None"""

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        not_back_in_bed.RULE: silence.look,
        completeness.GATEWAY_SILENT: watching.gateway_silent,
        devices.DEVICE_SILENT: watching.device_silent,
    }
)
"""Rule name of a wake row -> who looks at it."""
