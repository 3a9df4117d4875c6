"""What a gateway has said of its completeness, and how far that has come true. Serves arrow 6.

Owns the claims that are kept until their marks are reached, and the moment `complete_to_ms` that never moves back. A
claim comes with a heartbeat; it comes true then, or with the batch that brings the last row it speaks of. Must not
know what is made of a silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, update

from nattevakt.central import wakes
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.lifeline import NAMED, held_of
from nattevakt.central.occurred import Clocks
from nattevakt.central.tables import gateways
from nattevakt.edge.wire import Heartbeat

CLAIMS_MAX = 8
"""How many unreached claims of completeness are kept: the first of them, reached later, still tells something."""

Claim = Mapping[str, Any]

_SETTLE = (
    update(gateways)
    .where(gateways.c.tenant_id == TENANT, gateways.c.id == bindparam("gateway_id"))
    .values(
        complete_to=bindparam("p_complete_to", type_=gateways.c.complete_to.type),
        complete_to_ms=bindparam("p_complete_to_ms"),
    )
)


def kept(gateway: Row[Any]) -> list[Claim]:
    """The claims that have not come true yet, oldest first."""
    return list((gateway.complete_to or {}).get("claims", ()))


def with_newest(claims: Sequence[Claim], heartbeat: Heartbeat, now_ms: int) -> list[Claim]:
    """These and what a heartbeat claims, as many as are kept."""
    found = list(claims)
    if heartbeat.complete_to is not None:
        at_ms = Clocks(heartbeat.sent, now_ms).occurred(heartbeat.complete_to.at).from_ms
        found.append({"at_ms": at_ms, "marks": dict(heartbeat.complete_to.marks)})
    # A gateway that is busy delivering may never have reached its newest claim when it beats.
    return found if len(found) <= CLAIMS_MAX else [*found[: CLAIMS_MAX - 1], found[-1]]


def reached(
    known_ms: int | None, claims: Sequence[Claim], marks: Mapping[str, int]
) -> tuple[int | None, dict[str, object] | None]:
    """How far the centre holds all that a gateway has to tell, never moved back; and the claims to be kept."""
    true = [all(marks.get(name, 0) >= mark for name, mark in claim["marks"].items()) for claim in claims]
    moments = [int(claim["at_ms"]) for claim, is_true in zip(claims, true, strict=True) if is_true]
    complete_to_ms = max(moments, default=None) if known_ms is None else max(known_ms, *moments, known_ms)
    left = [
        claim
        for claim, is_true in zip(claims, true, strict=True)
        if not is_true and int(claim["at_ms"]) > (complete_to_ms or 0)
    ]
    return complete_to_ms, {"claims": left} if left else None


def settle(s: TenantSession, gateway: Row[Any], marks: Mapping[str, int]) -> None:
    """A batch has moved these marks: see whether a claim has come true by it."""
    claims = kept(gateway)
    if not claims:
        return
    others = sorted(set().union(*(claim["marks"] for claim in claims)) - set(marks))
    known = dict(marks)
    if others:
        rows = s.execute(NAMED, {"gateway_id": gateway.id, "names": others})
        known.update({row.stream: held_of(row).reply for row in rows})
    complete_to_ms, left = reached(gateway.complete_to_ms, claims, known)
    if complete_to_ms is None or complete_to_ms == gateway.complete_to_ms:
        return
    s.execute(_SETTLE, {"gateway_id": gateway.id, "p_complete_to": left, "p_complete_to_ms": complete_to_ms})
    # The sweep may hold some of these rows and wait for a rule that this batch holds: those it looks at itself.
    wakes.release(s, gateway.id, complete_to_ms, pass_over_held=True)
