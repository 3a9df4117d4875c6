"""What a gateway says is wrong with it: one alarm for a fault, however often it comes and goes. Serves arrows 6 and 7.

Owns which faults stand. A fault stands until it has not been said for a while, and that moment is a wake row; what
comes back before then, or goes on, is the same fault, and nobody is rung anew, unless its alarm was ended half an hour
ago.
Must not know HTTP, or what else a heartbeat tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, text

from nattevakt.central import states, technical, wakes
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.gateway_silence import ANEW_MS
from nattevakt.central.tables import gateways
from nattevakt.central.technical import Origin
from nattevakt.edge.pace import stretched
from nattevakt.edge.rules.rule import Priority

GATEWAY_FAULT = "gateway_fault"
"""The rule under which it is kept which of a gateway's faults stand."""
STANDS_MS = 600_000
"""A fault that has not been said for so long is over. As long as a gateway's slowest try (what is parked, every ten
minutes): a fault that shows at each try is one fault. It bounds what a night may hear of one fault: six an hour, and
that only from one that keeps to this very pace."""
LOOK_AGAIN_MS = 60_000
"""When to look again whether a gateway that was not heard meanwhile has been well for long enough."""
ROAD = "centre"
"""What a gateway calls faults of the road between it and us."""
SOURCE = "source"
"""What a gateway calls faults of what it hears its devices by."""
SOURCE_MAX = 100
"""So much of a source's name tells it from others: a port is named by what hangs in it."""
OVER_MAX = 20
"""Of how many faults that are over it is remembered when they ended."""

_Key = tuple[str, str, Priority]
"""Kind, rule and priority of a fault's alarm."""


def _key(fault: str) -> _Key:
    name = fault.partition(":")[0].strip()[:40]
    if name.startswith("parked"):
        return "parked_event", "parked_event", Priority.LOW
    if name == SOURCE:
        # Each of its ears is a fault of its own: other rooms are not heard, and somebody else mends it.
        name = f"{SOURCE}:{_source(fault)}"
    # A gateway that cannot store cannot carry a call either.
    return GATEWAY_FAULT, f"{GATEWAY_FAULT}:{name}", Priority.MEDIUM if name == "store" else Priority.LOW


def _source(fault: str) -> str:
    """The name of the source that a gateway says this of: "source: <name> is <how it stands>"."""
    return fault.partition(":")[2].strip().partition(" is ")[0][:SOURCE_MAX]


def note(s: TenantSession, origin: Origin, before: Mapping[str, Any], now: Sequence[str], now_ms: int) -> list[str]:
    """Raise what is new; what goes on is not said again. before: the health as last told.

    That the road is bad is doubted at first, for the heartbeat that says so has come by it: if its answer comes back as
    well, the fault is over and nobody is rung. Only when the next one says so too, it rings. Gives what is doubted.
    """
    doubted = set(before.get("doubted", ()))
    said = _said(before)
    new = {_key(fault): fault for fault in now}
    come, gone = set(new) - set(said), set(said) - set(new)
    reworded = {key for key, fault in said.items() if new.get(key, fault) != fault}
    if not come and not gone and not reworded:
        return []
    state = states.lock(s, origin.subject, GATEWAY_FAULT)
    standing, over = _standing(state)
    doubts = {_key(fault) for fault in doubted}
    fresh = {key for key in come - doubts if new[key].partition(":")[0].strip() == ROAD and key[1] not in standing}
    for key in sorted(come - fresh):
        kind, rule, priority = key
        if rule not in standing or technical.told_again_ms(s, origin.subject, rule, now_ms) <= now_ms:
            anew = now_ms - over.get(rule, now_ms) >= ANEW_MS
            technical.sound(s, origin, kind, {"why": new[key]}, now_ms, priority=priority, rule=rule, anew=anew)
        standing[rule] = _stands(key, new[key])
    for key in reworded:
        # Whoever is told of it again is to hear what it is now.
        if key[1] in standing:
            standing[key[1]] = _stands(key, new[key])
    for kind, rule, _ in gone:
        standing[rule] = {**standing.get(rule, {}), "kind": kind, "quiet_ms": now_ms}
    _keep(s, origin.subject, standing, over, now_ms)
    return [fault for fault in now if _key(fault) in fresh]


def _said(health: Mapping[str, Any]) -> dict[_Key, str]:
    """The faults that a gateway last told of and that are not doubted, in its own words."""
    doubted = set(health.get("doubted", ()))
    return {_key(fault): fault for fault in health.get("faults", ()) if fault not in doubted}


def _stands(key: _Key, why: str) -> dict[str, Any]:
    return {"kind": key[0], "quiet_ms": None, "why": why, "priority": key[2].value}


def _standing(state: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """The faults that stand, by the rule of their alarm, each with since when it has not been said; and when others
    were over."""
    return dict(state.get("standing", {})), dict(state.get("over", {}))


def _keep(
    s: TenantSession,
    subject: str,
    standing: Mapping[str, Mapping[str, Any]],
    over: Mapping[str, int],
    now_ms: int,
    look_ms: int = 0,
) -> None:
    """Remember this, and wake when the first of them may be over, but not before `look_ms`; what is still said is
    looked at now and then, for its alarm may have been ended, and at the moment at which that was half an hour ago."""
    kept = dict(sorted(over.items(), key=lambda item: item[1])[-OVER_MAX:])
    states.keep(s, subject, GATEWAY_FAULT, {"standing": dict(standing), "over": kept})
    looks = [
        min(now_ms + STANDS_MS, technical.told_again_ms(s, subject, rule, now_ms))
        if one["quiet_ms"] is None
        else int(one["quiet_ms"]) + STANDS_MS
        for rule, one in standing.items()
    ]
    wakes.arm(s, subject, GATEWAY_FAULT, max(min(looks), look_ms) if looks else None)


_GATEWAY = select(
    gateways.c.ward_id, gateways.c.key, gateways.c.name, gateways.c.last_heartbeat_ms, gateways.c.health
).where(gateways.c.tenant_id == TENANT, gateways.c.id == bindparam("gateway_id"))


def look(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
    """A fault may have been silent for long enough: what is over is over, for the rest look again later."""
    standing, over = _standing(states.lock(s, wake.subject, wake.rule))
    if wakes.take(s, wake, now_ms) is None:
        return
    gateway_id = int(wake.subject.partition(":")[2])
    row = s.execute(_GATEWAY, {"gateway_id": gateway_id}).one_or_none()
    if row is None:
        wakes.arm(s, wake.subject, wake.rule, None)
        return
    origin = Origin(gateway_id, row.ward_id, row.key, row.name, tenant.time_zone)
    # A gateway that is not heard has not said that it is well: its own last word counts, not the time since.
    heard_ms = min(row.last_heartbeat_ms or 0, now_ms) + LOOK_AGAIN_MS
    _agree(s, origin, standing, _said(row.health or {}), heard_ms - LOOK_AGAIN_MS, now_ms)
    for rule, one in sorted(standing.items()):
        if one["quiet_ms"] is None:
            # It goes on. Who ended its alarm half an hour ago, and did not mend it, is told so.
            if heard_ms >= now_ms and "why" in one and technical.told_again_ms(s, wake.subject, rule, now_ms) <= now_ms:
                urgent = Priority(one["priority"])
                technical.sound(
                    s, origin, one["kind"], {"why": one["why"]}, now_ms, priority=urgent, rule=rule, anew=True
                )
            continue
        one["quiet_ms"] = min(one["quiet_ms"], now_ms)  # it cannot have been said later than now
        if min(heard_ms, now_ms) - one["quiet_ms"] >= stretched(STANDS_MS, pace):
            technical.clear(s, origin, one["kind"], now_ms, rule=rule)
            del standing[rule]
            over[rule] = now_ms
    _keep(s, wake.subject, standing, over, now_ms, now_ms + LOOK_AGAIN_MS)


def _agree(
    s: TenantSession,
    origin: Origin,
    standing: dict[str, dict[str, Any]],
    said: Mapping[_Key, str],
    last_ms: int,
    now_ms: int,
) -> None:
    """Make what stands agree with what the gateway last said. They differ where an older version of this program kept
    faults under other rules (all sources as one): what is said and stands nowhere is told, what is not said is quiet.
    """
    for key, why in sorted(said.items()):
        kind, rule, priority = key
        if rule not in standing:
            technical.sound(s, origin, kind, {"why": why}, now_ms, priority=priority, rule=rule)
            standing[rule] = _stands(key, why)
    rules = {rule for _, rule, _ in said}
    for rule, one in standing.items():
        if one["quiet_ms"] is None and rule not in rules:
            one["quiet_ms"] = last_ms


_AHEAD = text(
    "UPDATE wake_rows SET wake_at_ms = :now_ms WHERE tenant_id = :tenant AND rule = :rule AND wake_at_ms > :ahead_ms"
)


def ensure(s: TenantSession, now_ms: int) -> None:
    """A deadline that lies too far ahead was written while the centre's own clock was wrong: look at it now."""
    ahead_ms = now_ms + STANDS_MS + LOOK_AGAIN_MS
    s.execute(_AHEAD, {"rule": GATEWAY_FAULT, "now_ms": now_ms, "ahead_ms": ahead_ms})
