"""How far what the centre knows is complete, and for whom it is not. Serves arrow 7.

Owns three answers: which gateways serve some rooms, up to when nothing of theirs is missing, and which of them are
out. Must not know rules or alarms.

The lag (now less `Judged.lag_from_ms`) counts from the centre's own return where that is later: a centre that was
down must not blame the gateways. Completeness itself knows no grace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Text, and_, bindparam, cast, exists, literal, select, union

from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import device_states, devices, gateways, placements, rule_states, sweep_runs

LAG_MS = 60_000
"""From here on a gateway's residents are unknown, and a limit that passes rings without confirmation."""
GATEWAY_SILENT = "gateway_silent"
"""The rule under which the silence of a gateway is kept."""


@dataclass(frozen=True, slots=True)
class Judged:
    """to_ms: silence may be judged up to this moment. waits_for: the gateway that is furthest behind, None where
    none is, or where a sensor that is itself unknown is further behind than all gateways (then only `look_ms` brings
    the row back). lag_from_ms: the lag counts from here, `to_ms` or the centre's return if that was later."""

    to_ms: int
    waits_for: int | None = None
    lag_from_ms: int = 0


GRACE = select(sweep_runs.c.grace_ms).where(sweep_runs.c.tenant_id == TENANT).scalar_subquery()
"""When the centre last came back from being away, or NULL."""
_COMPLETE = select(gateways.c.id, gateways.c.complete_to_ms, GRACE.label("grace_ms")).where(
    gateways.c.tenant_id == TENANT, gateways.c.id.in_(bindparam("ids", expanding=True))
)
_LEANT_ON = select(device_states.c.address, device_states.c.last_heard_ms, device_states.c.unknown_since_ms).where(
    device_states.c.tenant_id == TENANT, device_states.c.address.in_(bindparam("addresses", expanding=True))
)
_HUNG = (
    placements.c.tenant_id == TENANT,
    placements.c.room_id.in_(bindparam("rooms", expanding=True)),
    in_force(placements, "at_ms"),
    devices.c.mute.is_(False),
    gateways.c.revoked_ms.is_(None),
)
_DEVICES = placements.join(
    devices, and_(devices.c.tenant_id == placements.c.tenant_id, devices.c.id == placements.c.device_id)
)
# A device belongs to the gateway it was given to; one that was given to none, to every gateway that has heard it. Of
# both a gateway's states are found by their whole key: by the address alone all that was ever heard would be read.
_SERVING = union(
    select(gateways.c.id)
    .select_from(
        _DEVICES.join(
            gateways, and_(gateways.c.tenant_id == devices.c.tenant_id, gateways.c.id == devices.c.gateway_id)
        )
    )
    .where(*_HUNG),
    select(gateways.c.id)
    .select_from(_DEVICES.join(gateways, gateways.c.tenant_id == devices.c.tenant_id))
    .where(
        *_HUNG,
        devices.c.gateway_id.is_(None),
        exists().where(
            device_states.c.tenant_id == TENANT,
            device_states.c.gateway_id == gateways.c.id,
            device_states.c.address == devices.c.address,
        ),
    ),
)
_OUTAGES = (
    select(gateways.c.id, gateways.c.revoked_ms, rule_states.c.state)
    .select_from(gateways)
    .outerjoin(
        rule_states,
        and_(
            rule_states.c.tenant_id == gateways.c.tenant_id,
            rule_states.c.subject == literal("gateway:") + cast(gateways.c.id, Text),
            rule_states.c.rule == GATEWAY_SILENT,
        ),
    )
    .where(gateways.c.tenant_id == TENANT, gateways.c.id.in_(bindparam("ids", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Outage:
    """A gateway that nothing is known from. reason: "gateway_silent", or "gateway_revoked": its key was withdrawn."""

    since_ms: int
    reason: str


def judged(s: TenantSession, gateway_ids: Iterable[int], now_ms: int, leans_on: Iterable[str] = ()) -> Judged:
    """Up to when nothing is missing of these gateways, and of the devices (addresses) that a rule leans on.

    Never later than now. A gateway that was never complete holds everything back.
    """
    to_ms, waits_for, grace_ms = now_ms, None, 0
    wanted = sorted(set(gateway_ids))
    for row in s.execute(_COMPLETE, {"ids": wanted}) if wanted else ():
        grace_ms = row.grace_ms or 0
        if (row.complete_to_ms or 0) < to_ms:
            to_ms, waits_for = int(row.complete_to_ms or 0), int(row.id)
    unknown_ms = unknown_since_ms(s, leans_on)
    if unknown_ms is not None and unknown_ms < to_ms:
        return Judged(unknown_ms, None, unknown_ms)
    return Judged(to_ms, waits_for, max(to_ms, min(grace_ms, now_ms)))


def unknown_since_ms(s: TenantSession, addresses: Iterable[str]) -> int | None:
    """Since when what one of these devices says is not known; None where all are known, or were never heard.

    Known through one gateway is known.
    """
    wanted = sorted(set(addresses))
    if not wanted:
        return None
    known: set[str] = set()
    since: dict[str, int] = {}
    for row in s.execute(_LEANT_ON, {"addresses": wanted}):
        if row.unknown_since_ms is not None:
            since[row.address] = max(since.get(row.address, 0), int(row.unknown_since_ms))
        elif row.last_heard_ms is not None:
            known.add(row.address)
    return min((at_ms for address, at_ms in since.items() if address not in known), default=None)


def serving(s: TenantSession, room_ids: Iterable[int], at_ms: int) -> frozenset[int]:
    """The gateways whose data says something of these rooms: those of the devices that hung there then.

    Mute devices do not count (their silence says nothing), and neither do gateways whose key was withdrawn.
    """
    wanted = sorted(set(room_ids))
    if not wanted:
        return frozenset()
    return frozenset(int(number) for number in s.execute(_SERVING, {"rooms": wanted, "at_ms": at_ms}).scalars())


def outages(s: TenantSession, gateway_ids: Iterable[int]) -> dict[int, Outage]:
    """Those of these gateways from which nothing is known now, and since when.

    Silence is what the sweep has found it to be: with the grace, the pace and the end that the alarm has too.
    """
    found: dict[int, Outage] = {}
    wanted = sorted(set(gateway_ids))
    for row in s.execute(_OUTAGES, {"ids": wanted}) if wanted else ():
        if row.revoked_ms is not None:
            found[row.id] = Outage(int(row.revoked_ms), "gateway_revoked")
        elif "since_ms" in (row.state or {}):
            found[row.id] = Outage(int(row.state["since_ms"]), GATEWAY_SILENT)
    return found
