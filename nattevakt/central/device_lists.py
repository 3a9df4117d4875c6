"""The gateways' lists of devices beside the centre's own: what only one end knows. Serves arrow 6 beside heartbeats.

Owns `listed_devices` and the digest that stands with each gateway, and the comparison. It is made anew from both lists
each time it is asked for, so that it is right after any change at either end and gone when they agree. Never an alarm:
it is for whoever installs. Must not know HTTP, or how a gateway comes by its list.

What the centre expects of a gateway: the devices that are tied to it; and those that are tied to none but hang in its
ward, unless another gateway has them. While a gateway that is in use has not told its list (an older version), nobody
can say of the latter that no gateway has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import Gauge
from sqlalchemy import bindparam, delete, insert, select, text, update

from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.tables import gateways, listed_devices
from nattevakt.edge.wire import DeviceLists, Heartbeat, list_digest
from nattevakt.edge.wire_heartbeat import DIFFERENCES_MAX

DIFFERENCES = Gauge("nattevakt_device_list_differences", "Devices that only one end has on its list", ["known_to"])
GATEWAY, CENTRE = "gateway", "centre"

_DIGEST = (
    update(gateways)
    .where(gateways.c.tenant_id == TENANT, gateways.c.id == bindparam("gateway_id"))
    .values(list_digest=bindparam("p_digest"))
)
_FORGET = delete(listed_devices).where(
    listed_devices.c.tenant_id == TENANT, listed_devices.c.gateway_id == bindparam("gateway_id")
)
_INSERT = insert(listed_devices)

# Heard only, and never set up: such a device speaks for itself, and no list has to hold it.
_DIFFERENCES = text(
    "SELECT 'gateway' AS known_to, l.address FROM listed_devices l"
    " LEFT JOIN devices d ON d.tenant_id = l.tenant_id AND d.address = l.address"
    " WHERE l.tenant_id = :tenant AND l.gateway_id = :gateway_id AND l.use <> '' AND d.id IS NULL"
    " UNION ALL "
    "SELECT 'centre', d.address FROM devices d WHERE d.tenant_id = :tenant AND d.gateway_id = :gateway_id"
    " AND NOT EXISTS (SELECT 1 FROM listed_devices l WHERE l.tenant_id = d.tenant_id"
    "  AND l.gateway_id = d.gateway_id AND l.address = d.address)"
    # UNION, because a device may hang in two places. From the ward's rooms to what hangs there, never all devices:
    # SQLite keeps to the order of a CROSS JOIN, and to PostgreSQL it is a join like any other.
    " UNION "
    "SELECT 'centre', d.address FROM gateways g CROSS JOIN rooms r CROSS JOIN placements p CROSS JOIN devices d"
    " WHERE g.tenant_id = :tenant AND g.id = :gateway_id"
    " AND r.tenant_id = g.tenant_id AND r.ward_id = g.ward_id"
    " AND p.tenant_id = r.tenant_id AND p.room_id = r.id"
    " AND d.tenant_id = p.tenant_id AND d.id = p.device_id AND d.gateway_id IS NULL"
    " AND p.from_ms <= :now_ms AND (p.to_ms IS NULL OR p.to_ms > :now_ms)"
    # Of no row here, so it is asked once and first: where every device is tied, nothing of this is gone through.
    " AND EXISTS (SELECT 1 FROM devices u WHERE u.tenant_id = :tenant AND u.gateway_id IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM listed_devices l"
    "  JOIN gateways o ON o.tenant_id = l.tenant_id AND o.id = l.gateway_id"
    "  WHERE l.tenant_id = d.tenant_id AND l.address = d.address AND o.revoked_ms IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM gateways o WHERE o.tenant_id = :tenant AND o.revoked_ms IS NULL"
    "  AND o.last_heartbeat_ms IS NOT NULL AND o.list_digest IS NULL)"
    " ORDER BY 1, 2"
)
_COMPARED = (
    select(gateways.c.id, gateways.c.key)
    .where(gateways.c.tenant_id == TENANT, gateways.c.revoked_ms.is_(None), gateways.c.list_digest.is_not(None))
    .order_by(gateways.c.key)
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a heartbeat's answer says of the lists. wanted: the gateway's is not here yet."""

    wanted: bool | None = None
    lists: DeviceLists | None = None


def note(s: TenantSession, gateway_id: int, stored: str | None, heartbeat: Heartbeat, now_ms: int) -> Answer:
    """Take note of the list that a heartbeat brings or names, and compare. stored: the digest of what is here."""
    digest = heartbeat.list_digest
    if digest is None:
        if stored is not None:
            # It was put back to a version that does not compare: what it said before is no longer its word.
            _keep(s, gateway_id, None, {})
        return Answer()
    if stored != digest:
        told = heartbeat.devices
        if told is None or list_digest(told) != digest:
            return Answer(wanted=True)
        _keep(s, gateway_id, digest, told)
    return answer(s, gateway_id, digest, heartbeat, now_ms)


def answer(s: TenantSession, gateway_id: int, stored: str | None, heartbeat: Heartbeat, now_ms: int) -> Answer:
    """The answer to a list that a heartbeat names, without taking note of anything."""
    if heartbeat.list_digest is None:
        return Answer()
    if heartbeat.list_digest != stored:
        return Answer(wanted=True)
    return Answer(wanted=False, lists=compared(s, gateway_id, now_ms))


def _keep(s: TenantSession, gateway_id: int, digest: str | None, told: Mapping[str, str]) -> None:
    s.execute(_FORGET, {"gateway_id": gateway_id})
    rows = [{"gateway_id": gateway_id, "address": address, "use": use} for address, use in sorted(told.items())]
    if rows:
        s.execute_many(_INSERT, rows)
    s.execute(_DIGEST, {"gateway_id": gateway_id, "p_digest": digest})


def compared(s: TenantSession, gateway_id: int, now_ms: int) -> DeviceLists:
    """What only one end knows, of a gateway whose list is here."""
    found: dict[str, list[str]] = {GATEWAY: [], CENTRE: []}
    for row in s.execute(_DIFFERENCES, {"gateway_id": gateway_id, "now_ms": now_ms}):
        found[row.known_to].append(row.address)
    mine, ours = found[GATEWAY], found[CENTRE]
    more = max(0, len(mine) - DIFFERENCES_MAX) + max(0, len(ours) - DIFFERENCES_MAX)
    return DeviceLists(tuple(mine[:DIFFERENCES_MAX]), tuple(ours[:DIFFERENCES_MAX]), more)


def of_tenant(s: TenantSession, now_ms: int) -> dict[str, DeviceLists]:
    """By gateway key, what only one end knows; gateways that do not compare are not among them."""
    return {row.key: compared(s, row.id, now_ms) for row in s.execute(_COMPARED).all()}


def sentences(lists: DeviceLists | None) -> tuple[str, ...]:
    """What was found, for people; nothing of a gateway that does not compare."""
    if lists is None:
        return ()
    mine = (f"{address} står i gatewayens innstillinger, men er ikke registrert her" for address in lists.only_gateway)
    ours = (f"{address} er registrert her, men står ikke i gatewayens innstillinger" for address in lists.only_centre)
    more = (f"{lists.more} enheter til står på bare én av listene",) if lists.more else ()
    return (*mine, *ours, *more)


def measure(db: Database, now_ms: int) -> None:
    """Set the gauge, over all tenants. Raises RetryError where the database is away."""
    gateway = centre = 0
    for tenant in db.tenants():
        with db.read(tenant.id) as s:
            found = of_tenant(s, now_ms).values()
        gateway += sum(len(one.only_gateway) for one in found)
        # A device that no gateway has is missing at each gateway of its ward, and is one all the same.
        centre += len({address for one in found for address in one.only_centre})
    DIFFERENCES.labels(GATEWAY).set(gateway)
    DIFFERENCES.labels(CENTRE).set(centre)
