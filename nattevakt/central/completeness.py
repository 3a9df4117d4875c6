"""How far what the centre knows is complete, and for whom it is not. Serves arrow 7.

Owns the judgement "up to this moment nothing is missing" for a set of gateways. Must not know rules or alarms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import gateways

LAG_MS = 60_000
"""From here on a gateway's residents are unknown, and a limit that passes rings without confirmation."""


@dataclass(frozen=True, slots=True)
class Judged:
    """to_ms: silence may be judged up to this moment. waits_for: the gateway that is furthest behind, if any is."""

    to_ms: int
    waits_for: int | None = None


_COMPLETE = select(gateways.c.id, gateways.c.complete_to_ms).where(
    gateways.c.tenant_id == TENANT, gateways.c.id.in_(bindparam("ids", expanding=True))
)


def judged(s: TenantSession, gateway_ids: Iterable[int], now_ms: int) -> Judged:
    """Up to when the data of all these gateways is complete, never later than now."""
    wanted = sorted(set(gateway_ids))
    found = Judged(now_ms)
    for row in s.execute(_COMPLETE, {"ids": wanted}) if wanted else ():
        if (row.complete_to_ms or 0) < found.to_ms:
            found = Judged(int(row.complete_to_ms or 0), int(row.id))
    return found
