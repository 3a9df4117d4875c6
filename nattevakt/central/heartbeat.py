"""A gateway's sign of life: what it holds, what it says of itself, when it heard its devices. Serves arrow 6.

Owns what a heartbeat changes: marks in the answer, health, cloned cards, last-heard times and how far the centre's
data is complete; device_lists.py answers about lists, gateway_faults.py knows which faults stand. One that a later one
has overtaken on the way changes nothing. Must not know HTTP, or what is made of a silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, update

from nattevakt.central import claims, device_lists, gateway_faults, lifeline, local_plans, technical, wakes, watching
from nattevakt.central.chain import steps as chain
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.devices import DeviceStates
from nattevakt.central.ingest import Sender, enter, origin_of
from nattevakt.central.lifeline import held_of
from nattevakt.central.notify import siren
from nattevakt.central.tables import gateways, streams
from nattevakt.central.technical import Origin
from nattevakt.edge.events import Moment
from nattevakt.edge.wire import Heartbeat, HeartbeatReply, decode_heartbeat

OVERTAKEN_MS = 15 * 60_000
"""No network tries for longer to deliver a copy; a steady clock that runs further back is another machine's."""

_FIRST_BEAT = (
    update(streams)
    .where(streams.c.tenant_id == TENANT, streams.c.id == bindparam("stream_id"))
    .values(first_heartbeat_ms=bindparam("now_ms"))
)
_BEAT = (
    update(gateways)
    .where(gateways.c.tenant_id == TENANT, gateways.c.id == bindparam("gateway_id"))
    .values(
        current_stream_id=bindparam("p_stream_id"),
        last_heartbeat_ms=bindparam("now_ms"),
        last_sent=bindparam("p_sent", type_=gateways.c.last_sent.type),
        health=bindparam("p_health", type_=gateways.c.health.type),
        held=bindparam("p_held", type_=gateways.c.held.type),
        complete_to=bindparam("p_complete_to", type_=gateways.c.complete_to.type),
        complete_to_ms=bindparam("p_complete_to_ms"),
    )
)


def beat(db: Database, sender: Sender, body: bytes, now_ms: int) -> HeartbeatReply:
    """Take note of one heartbeat and answer with the centre's marks.

    Raises RejectError (unreadable), Revoked, StaleCredential, or RetryError (database away or busy).
    """
    heartbeat = decode_heartbeat(body)
    return db.transact(sender.tenant.id, lambda s: _beat(s, sender, heartbeat, now_ms))


def _beat(s: TenantSession, sender: Sender, heartbeat: Heartbeat, now_ms: int) -> HeartbeatReply:
    gateway = enter(s, sender)
    origin = origin_of(gateway, sender.tenant)
    last_sent = gateway.last_sent or {}
    if _is_overtaken(last_sent, heartbeat.sent):
        return _old_news(s, gateway, heartbeat, now_ms)
    claimed = claims.with_newest(claims.kept(gateway), heartbeat, now_ms)
    rows = _streams(s, origin, heartbeat, claimed)
    current = rows[heartbeat.stream]
    held_marks = {name: held_of(row).reply for name, row in rows.items()}
    marks = {name: held_marks[name] for name in _named(heartbeat) if name in held_marks}
    if current.first_heartbeat_ms is None:
        s.execute(_FIRST_BEAT, {"stream_id": current.id, "now_ms": now_ms})
    elif gateway.current_stream_id != current.id:
        # It spoke, another spoke after it, now it speaks again: two cards live on one key.
        technical.sound(s, origin, "gateway_cloned", {"stream": heartbeat.stream}, now_ms)
    doubted = gateway_faults.note(s, origin, gateway.health or {}, heartbeat.health.faults, now_ms)
    _heard(s, origin, heartbeat, now_ms)
    held = {entry.stream: [entry.first, entry.last, entry.acked] for entry in heartbeat.streams}
    lifeline.judge_short(s, origin, current.id, held, gateway.held or {}, now_ms)
    complete_to_ms, waiting = claims.reached(gateway.complete_to_ms, claimed, held_marks)
    values = {
        "gateway_id": origin.gateway_id,
        "now_ms": now_ms,
        "p_stream_id": current.id,
        "p_sent": _sent(last_sent, heartbeat.sent),
        "p_health": {**_health(heartbeat), "doubted": doubted},
        "p_held": held,
        "p_complete_to": waiting,
        "p_complete_to_ms": complete_to_ms,
    }
    s.execute(_BEAT, values)
    if gateway.last_heartbeat_ms is None:
        watching.expect_gateway(s, origin.gateway_id, now_ms)
    if complete_to_ms is not None and complete_to_ms != gateway.complete_to_ms:
        wakes.release(s, origin.gateway_id, complete_to_ms)
    answer = device_lists.note(s, origin.gateway_id, gateway.list_digest, heartbeat, now_ms)
    asked = siren.answer(s, origin.gateway_id, heartbeat.sirens, now_ms)
    tests = chain.give(s, origin.gateway_id, now_ms)
    version, plan = local_plans.answer(s, origin, heartbeat.plan_have, gateway.credential_sha256, now_ms)
    return HeartbeatReply(
        *(marks, now_ms, answer.wanted, answer.lists), tests=tests, siren=asked, plan_version=version, plan=plan
    )


def _is_overtaken(last_sent: Mapping[str, Any], sent: Moment) -> bool:
    """Whether this very heartbeat has come before, or one that was sent later in the same boot.

    A copy that lay about on the way says nothing of now: not which card is in the box, and not how far the data is
    complete. Of the boot before the last one the newest is kept too: a copy may outlive a restart of the box.
    """
    known = (last_sent, last_sent.get("before") or {})
    return any(
        one.get("boot") == sent.boot and 0 <= one["boottime_ms"] - sent.boottime_ms <= OVERTAKEN_MS for one in known
    )


def _old_news(s: TenantSession, gateway: Row[Any], heartbeat: Heartbeat, now_ms: int) -> HeartbeatReply:
    """An answer for whoever may still wait for it; nothing is changed."""
    rows = s.execute(lifeline.NAMED, {"gateway_id": gateway.id, "names": sorted(_named(heartbeat))})
    marks = {row.stream: held_of(row).reply for row in rows}
    lists = device_lists.answer(s, gateway.id, gateway.list_digest, heartbeat, now_ms)
    return HeartbeatReply(marks, now_ms, lists.wanted, lists.lists)


def _named(heartbeat: Heartbeat) -> set[str]:
    """The streams that the answer names."""
    claimed = heartbeat.complete_to.marks if heartbeat.complete_to is not None else {}
    return {heartbeat.stream, *(entry.stream for entry in heartbeat.streams), *claimed}


def _streams(
    s: TenantSession, origin: Origin, heartbeat: Heartbeat, claimed: Sequence[claims.Claim]
) -> dict[str, Row[Any]]:
    names = sorted(_named(heartbeat).union(*(claim["marks"] for claim in claimed)))
    params = {"gateway_id": origin.gateway_id, "names": names}
    found = {row.stream: row for row in s.execute(lifeline.NAMED, params)}
    missing = [heartbeat.stream] if heartbeat.stream not in found else []
    for name in missing:
        s.insert(streams, gateway_id=origin.gateway_id, stream=name, mark=0, ranges=[], missing=None)
    return {row.stream: row for row in s.execute(lifeline.NAMED, params)} if missing else found


def _heard(s: TenantSession, origin: Origin, heartbeat: Heartbeat, now_ms: int) -> None:
    states = DeviceStates(s, origin.gateway_id)
    states.heard({address: max(0, now_ms - age_ms) for address, age_ms in heartbeat.heard_age_ms.items()})
    states.save(now_ms)


def _sent(last: Mapping[str, Any], sent: Moment) -> dict[str, object]:
    """When the newest heartbeat was sent, and `before`: the newest of the boot before."""
    before = last.get("before")
    if last and last["boot"] != sent.boot:
        before = {"boot": last["boot"], "boottime_ms": last["boottime_ms"]}
    plain = {"boot": sent.boot, "boottime_ms": sent.boottime_ms, "wall_ms": sent.wall_ms, "synced": sent.synced}
    return {**plain, "before": before}


def _health(heartbeat: Heartbeat) -> dict[str, object]:
    health = heartbeat.health
    plain = {name: getattr(health, name) for name in health.__dataclass_fields__}
    return {
        **plain,
        "sources": dict(health.sources),
        "counters": dict(health.counters),
        "faults": list(health.faults),
        "findings": list(health.findings),
        **siren.kept(heartbeat.sirens),
    }
