"""Whom a step reaches: which wards' tablets, which people and devices by which road. Serves arrow 9.

Owns the way from a target's words ("tablets:zone", "duty:vakt", "siren") to wards and to rows of the ledger. Must not
know when a step is due, or how a notice travels. Whoever is named and cannot be reached by any road is left out, so
that a step which reaches nobody is known for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import sendings, siren
from nattevakt.central.notify.routing import ANY_ROLE, Routing
from nattevakt.central.people import duties
from nattevakt.central.tables import staff, wards
from nattevakt.central.tables_duty import push_subscriptions

_WARDS = select(wards.c.id, wards.c.key).where(wards.c.tenant_id == TENANT).order_by(wards.c.id)
_BY_KEY = select(staff.c.id).where(
    staff.c.tenant_id == TENANT, staff.c.active, staff.c.key.in_(bindparam("keys", expanding=True))
)
_PHONES = select(staff.c.id).where(
    staff.c.tenant_id == TENANT,
    staff.c.active,
    staff.c.phone.is_not(None),
    staff.c.id.in_(bindparam("ids", expanding=True)),
)
_PUSHED = select(push_subscriptions.c.staff_id).where(
    push_subscriptions.c.tenant_id == TENANT,
    push_subscriptions.c.ended_ms.is_(None),
    push_subscriptions.c.staff_id.in_(bindparam("ids", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a step reaches. wards: those whose tablets ring. roads: (channel, target) for the ledger of sendings."""

    wards: tuple[int, ...]
    roads: tuple[tuple[str, str], ...]


class Whereabouts:
    """A tenant's wards, read once. ward_id: of the alarm."""

    def __init__(self, s: TenantSession, routing: Routing, ward_id: int) -> None:
        self.ids = {row.key: int(row.id) for row in s.execute(_WARDS)}
        self.ward_id = ward_id
        self.key = next((key for key, number in self.ids.items() if number == ward_id), "")
        self.zone = routing.zone_of(self.key)

    def tablets(self, which: str) -> tuple[int, ...]:
        """The wards that "tablets:ward", "tablets:zone" and "tablets:all" mean; a ward in no zone stands alone."""
        if which == "all":
            return tuple(self.ids.values())
        helpers = self.zone.wards if which == "zone" and self.zone is not None else ()
        return tuple(dict.fromkeys((self.ward_id, *(self.ids[key] for key in helpers if key in self.ids))))

    def team(self, s: TenantSession, routing: Routing, key: str) -> list[int]:
        """The people of a team who work here."""
        keys = next((team.staff for team in routing.teams if team.key == key), ())
        return list(s.execute(_BY_KEY, {"keys": list(keys)}).scalars()) if keys else []


def reached(
    s: TenantSession, routing: Routing, at: Whereabouts, targets: Iterable[str], alarm: Row[Any], now_ms: int
) -> Reached:
    """Whom these targets reach at this moment, for this alarm."""
    found: dict[int, None] = {}
    people: dict[int, None] = {}
    roads: list[tuple[str, str]] = []
    for target in targets:
        kind, _, which = target.partition(":")
        if kind == "tablets":
            found.update(dict.fromkeys(at.tablets(which)))
        elif kind == "duty":
            zone = at.zone.key if at.zone is not None else None
            on = duties.on_duty(s, at.ward_id, zone, now_ms, which or ANY_ROLE)
            people.update(dict.fromkeys(one.staff_id for one in on))
        elif kind == "team":
            people.update(dict.fromkeys(at.team(s, routing, which)))
        elif kind == "phone":
            roads.append((sendings.SMS, target))
        elif kind == "webhook":
            roads.append((sendings.WEBHOOK, target))
        elif kind == "siren":
            roads += [(sendings.SIREN, f"gateway:{number}") for number in siren.gateways_of(s, alarm)]
    return Reached(tuple(found), tuple(dict.fromkeys([*roads, *roads_of(s, list(people))])))


def roads_of(s: TenantSession, people: Sequence[int]) -> list[tuple[str, str]]:
    """By which roads these people are reached, in their order; who is reached by none is not in it."""
    if not people:
        return []
    asked = {"ids": sorted(people)}
    phones, pushed = set(s.execute(_PHONES, asked).scalars()), set(s.execute(_PUSHED, asked).scalars())
    texts = [(sendings.SMS, f"staff:{one}") for one in people if one in phones]
    return texts + [(sendings.PUSH, f"staff:{one}") for one in people if one in pushed]
