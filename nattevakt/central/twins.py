"""The same press heard through two gateways is one fact. Serves arrow 7.

Owns the matching: same device, kind and value, through different gateways, one to one in order, where the
times come within three seconds of each other. Must not know what is done with a twin.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from nattevakt.central.alarms.requests import EventKey
from nattevakt.central.db import TenantSession
from nattevakt.edge.events import Event, device_of, kind_of
from nattevakt.edge.rules.rule import Occurred
from nattevakt.edge.wire import decode_event

WIDER_MS = 3_000

_NAME = (
    "CAST(e.gateway_id AS TEXT) || '/' || CAST(e.stream_id AS TEXT) || '/' || "
    "CAST(e.seq AS TEXT) || '/' || CAST(e.variant AS TEXT)"
)
_CANDIDATES = text(
    "SELECT e.gateway_id, e.stream_id, e.seq, e.variant, e.alarm_id, e.raw FROM events e "  # noqa: S608 - constants
    "WHERE e.tenant_id = :tenant AND e.urgency = 'A' AND e.device = :device AND e.kind = :kind "
    "AND e.gateway_id <> :gateway_id AND e.occurred_to_ms >= :from_ms AND e.occurred_from_ms <= :to_ms "
    "AND e.alarm_id IS NOT NULL AND e.twin_of IS NULL AND NOT EXISTS (SELECT 1 FROM events t "
    "WHERE t.tenant_id = :tenant AND t.urgency = 'A' AND t.device = :device "
    f"AND t.gateway_id = :gateway_id AND t.twin_of = {_NAME}) "
    "ORDER BY e.occurred_from_ms, e.gateway_id, e.stream_id, e.seq LIMIT 20"
)


@dataclass(frozen=True, slots=True)
class Twin:
    """The row that came first, through another gateway. name: how the later row refers to it."""

    name: str
    alarm_id: int


class Twins:
    """Looks for twins of one gateway's new rows; a row is matched once a gateway."""

    def __init__(self, s: TenantSession, gateway_id: int) -> None:
        self._s = s
        self._gateway_id = gateway_id
        self._matched: dict[str, EventKey] = {}

    def of(self, key: EventKey, event: Event, occurred: Occurred) -> Twin | None:
        """The earlier row that says the same through another gateway, if there is one left."""
        params = {
            "device": device_of(event.body),
            "kind": kind_of(event.body),
            "gateway_id": self._gateway_id,
            "from_ms": occurred.from_ms - WIDER_MS,
            "to_ms": occurred.to_ms + WIDER_MS,
        }
        for row in self._s.execute(_CANDIDATES, params):
            name = f"{row.gateway_id}/{row.stream_id}/{row.seq}/{row.variant}"
            if self._matched.get(name, key) == key and decode_event(row.raw).body == event.body:
                self._matched[name] = key
                return Twin(name, row.alarm_id)
        return None
