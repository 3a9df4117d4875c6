"""What a gateway may judge by itself while we are away, as it stands now. Serves arrow 6 downwards.

Owns which rooms a gateway hears, and what is armed there with every gate already resolved: a gateway knows nothing of
residents, grounds or pauses but the hours at which they end. Must not know how the plan is used, or HTTP.

It is looked at when a gateway says which version it has, which it does about once a minute; nothing is kept of it.
"""

from __future__ import annotations

from sqlalchemy import bindparam, exists, select

from nattevakt.central.cases import shared
from nattevakt.central.columns import TENANT, in_force
from nattevakt.central.db import TenantSession
from nattevakt.central.places.arming import Standings, Word, gate_of, standings
from nattevakt.central.places.places import Spot, hanging_in, spots_in
from nattevakt.central.tables import device_states, devices, placements, rooms
from nattevakt.central.technical import Origin
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.wire_plan import LocalPlan, PlanLine, PlanRoom, SignedPlan, signed, versioned_plan

_HUNG = (
    select(rooms.c.id, rooms.c.number)
    .join(placements, (placements.c.tenant_id == rooms.c.tenant_id) & (placements.c.room_id == rooms.c.id))
    .join(devices, (devices.c.tenant_id == placements.c.tenant_id) & (devices.c.id == placements.c.device_id))
    .where(rooms.c.tenant_id == TENANT, in_force(placements, "at_ms"))
    .distinct()
    .order_by(rooms.c.id)
)
# A device belongs to the gateway that it was given to; one that was given to none, to every gateway that heard it.
_GIVEN = _HUNG.where(devices.c.gateway_id == bindparam("gateway_id"))
_HEARD = _HUNG.where(
    devices.c.gateway_id.is_(None),
    exists().where(
        device_states.c.tenant_id == TENANT,
        device_states.c.gateway_id == bindparam("gateway_id"),
        device_states.c.address == devices.c.address,
    ),
)


def of_gateway(s: TenantSession, origin: Origin, now_ms: int) -> LocalPlan:
    """The plan of a gateway as everything stands now, with its version."""
    asked = {"gateway_id": origin.gateway_id, "at_ms": now_ms}
    numbers = {int(row.id): str(row.number) for ask in (_GIVEN, _HEARD) for row in s.execute(ask, asked)}
    spots = spots_in(s, numbers, now_ms)
    known = standings(s, {number for spot in spots.values() for number in spot.residents}, now_ms)
    hanging = hanging_in(s, numbers)
    found = tuple(
        PlanRoom(number, numbers[number], shared(spot), hanging[number], _lines(known, spot))
        for number, spot in sorted(spots.items())
    )
    return versioned_plan(LocalPlan(origin.key, origin.time_zone, found), now_ms)


def _lines(known: Standings, spot: Spot) -> tuple[PlanLine, ...]:
    """What is armed for those who live there, or will be when a pause has ended. What always rings needs no line."""
    lines = []
    for rule in RULES:
        if not rule.planned:
            continue
        gate, entries = gate_of(known, spot.residents, rule)
        if not entries or gate.word not in (Word.ARMED, Word.PAUSED):
            continue
        grounds = [known[number].based_to_ms for number in spot.residents if number in known]
        # Of several the one that rings wins, as at any gate.
        to_ms = max((ends for ends in grounds if ends is not None), default=None)
        lines.append(PlanLine(rule.name, entries, gate.until_ms, to_ms))
    return tuple(lines)


def answer(
    s: TenantSession, origin: Origin, have: str | None, key: str, now_ms: int
) -> tuple[str | None, SignedPlan | None]:
    """The version that holds for a gateway and, where it has another one, the plan; nothing to one that does not ask.

    have: the version that it has, "" for none. key: what we keep of its credential.
    """
    if have is None:
        return None, None
    plan = of_gateway(s, origin, now_ms)
    return plan.version, None if plan.version == have else signed(plan, key)
