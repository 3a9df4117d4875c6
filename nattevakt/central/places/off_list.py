"""Everything that is switched off, held back, without a ground or silent just now ("Avslått akkurat nå"). Serves no
arrow; it only reads.

Owns the list: what, whose, why, by whom, since when and until when. Whoever wonders why nothing rang, or takes over a
shift, finds here all that would not. Must not know how it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, bindparam, select, text

from nattevakt.central import completeness, devices
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.places import bases, pauses, plans
from nattevakt.central.places.bases import Basis, Ground
from nattevakt.central.places.pauses import Pause
from nattevakt.central.places.plan_lines import lacking
from nattevakt.central.places.plans import Plan
from nattevakt.central.tables import gateways, staff
from nattevakt.central.tables_plans import plan_versions
from nattevakt.edge.rules.catalogue import BY_NAME

SOON_MS = 14 * 86_400_000
"""A basis that runs out so soon stands on the list already: whoever must decide anew has other things to do too."""


@dataclass(frozen=True, slots=True)
class Off:
    """One thing that would not ring, or soon will not.

    what: "plan", "rule", "basis", "device" or "gateway". why: a code of WHYS. by: who did it, "" where nobody did.
    reason: their own words. params: more for the sentence ("needs" of a rule, "kind" of a basis).
    """

    what: str
    why: str
    resident_id: int | None = None
    room_id: int | None = None
    ward_id: int | None = None
    rule: str = ""
    device: str = ""
    by: str = ""
    reason: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    params: Mapping[str, str | int] = field(default_factory=dict)


WHYS = (
    "no_plan",
    "empty_plan",
    "service_ended",
    "no_basis",
    "basis_ran_out",
    "basis_held",
    "basis_carried",
    "basis_expiring",
    "paused",
    "lacks_sensor",
    "rule_unknown",
    "mute",
    "silent",
    "gateway_silent",
    "gateway_revoked",
)
"""Why something is off. The first half is about residents, the rest about what hangs in their rooms."""

_LIVING = text(
    "SELECT t.resident_id, t.room_id, t.from_ms, r.ward_id FROM stays t "
    "JOIN rooms r ON r.tenant_id = :tenant AND r.id = t.room_id "
    "WHERE t.tenant_id = :tenant AND t.from_ms <= :now_ms AND (t.to_ms IS NULL OR t.to_ms > :now_ms) "
    "ORDER BY r.ward_id, r.number, t.resident_id"
)
_USES = text(
    "SELECT p.room_id, l.use FROM placements p "
    "JOIN devices d ON d.tenant_id = :tenant AND d.id = p.device_id "
    "LEFT JOIN listed_devices l ON l.tenant_id = :tenant AND l.address = d.address "
    "WHERE p.tenant_id = :tenant AND p.to_ms IS NULL"
)
_HANGING = text(
    "SELECT d.address, d.name, d.mute, p.room_id, p.from_ms, r.ward_id, s.state, "
    "EXISTS (SELECT 1 FROM device_states h WHERE h.tenant_id = :tenant AND h.address = d.address "
    "AND h.last_heard_ms IS NOT NULL) AS heard FROM devices d "
    "JOIN placements p ON p.tenant_id = :tenant AND p.device_id = d.id AND p.to_ms IS NULL "
    "JOIN rooms r ON r.tenant_id = :tenant AND r.id = p.room_id "
    "LEFT JOIN rule_states s ON s.tenant_id = :tenant AND s.subject = 'device:' || d.address AND s.rule = :rule "
    "WHERE d.tenant_id = :tenant ORDER BY r.ward_id, r.number, d.address"
).columns(state=plan_versions.c.body.type)
_GATEWAYS = select(gateways.c.id, gateways.c.ward_id, gateways.c.name, gateways.c.last_heartbeat_ms).where(
    gateways.c.tenant_id == TENANT
)
_STAFF = select(staff.c.id, staff.c.name).where(staff.c.tenant_id == TENANT)
_CHANGED = select(plan_versions).where(
    plan_versions.c.tenant_id == TENANT, plan_versions.c.id.in_(bindparam("ids", expanding=True))
)


def off_now(s: TenantSession, now_ms: int, ward_id: int | None = None) -> list[Off]:
    """The whole list, or one ward's: residents by room, then what hangs there, then gateways."""
    names = {row.id: row.name for row in s.execute(_STAFF)}
    living = [row for row in s.execute(_LIVING, {"now_ms": now_ms}) if ward_id in (None, row.ward_id)]
    ids = sorted({row.resident_id for row in living})
    known = plans.of_residents(s, ids)
    grounds = bases.valid(s, ids, now_ms)
    held = pauses.in_force(s, ids, now_ms)
    uses = _uses(s)
    changed = _changed(s, known.values())
    found: list[Off] = []
    for row in living:
        plan = known.get(row.resident_id)
        found += _plan(row, plan, changed, names)
        if plan is None or plan.ended_ms is not None or not plan.lines:
            continue
        found += _basis(s, row, grounds.get(row.resident_id), names, now_ms)
        found += [_pause(row, pause, names) for pause in held.get(row.resident_id, ())]
        found += _lines(row, plan, uses.get(row.room_id, frozenset()))
    return found + _devices(s, ward_id) + _gateways(s, ward_id)


def _plan(row: Row[Any], plan: Plan | None, changed: Mapping[int, Row[Any]], names: Mapping[int, str]) -> list[Off]:
    if plan is None:
        return [_off(row, "plan", "no_plan", since_ms=row.from_ms or None)]
    if plan.ended_ms is None and plan.lines:
        return []
    version = changed[plan.version_id]
    why = "empty_plan" if plan.ended_ms is None else "service_ended"
    since_ms = plan.ended_ms or int(version.at_ms)
    return [
        _off(row, "plan", why, by=names.get(version.staff_id, version.by_name), reason=version.why, since_ms=since_ms)
    ]


def _basis(s: TenantSession, row: Row[Any], basis: Basis | None, names: Mapping[int, str], now_ms: int) -> list[Off]:
    if basis is None:
        past = [one for one in bases.history(s, row.resident_id) if one.from_ms <= now_ms]
        if not past:
            return [_off(row, "basis", "no_basis")]
        last = max(past, key=lambda one: min(one.review_ms, one.ended_ms or one.review_ms))
        if last.ended_ms is not None and last.ended_ms < last.review_ms:
            return [_off(row, "basis", "no_basis", by=names.get(last.ended_by, ""), since_ms=last.ended_ms)]
        return [_off(row, "basis", "basis_ran_out", since_ms=last.review_ms, params={"kind": last.kind})]
    said: dict[str, Any] = {"by": basis.responsible, "params": {"kind": basis.kind}}
    if basis.review_ms <= now_ms:
        return [_off(row, "basis", "basis_held", since_ms=basis.review_ms, until_ms=basis.holds_to_ms, **said)]
    if basis.kind == Ground.CARRIED:
        return [_off(row, "basis", "basis_carried", since_ms=basis.made_ms, until_ms=basis.review_ms, **said)]
    if basis.review_ms - now_ms <= SOON_MS:
        return [_off(row, "basis", "basis_expiring", since_ms=basis.made_ms, until_ms=basis.review_ms, **said)]
    return []


def _pause(row: Row[Any], pause: Pause, names: Mapping[int, str]) -> Off:
    return _off(
        row,
        "rule" if pause.rule is not None else "plan",
        "paused",
        rule=pause.rule or "",
        by=names.get(pause.staff_id, "") if pause.staff_id is not None else "",
        reason=pause.reason,
        since_ms=pause.from_ms,
        until_ms=pause.to_ms,
    )


def _lines(row: Row[Any], plan: Plan, uses: frozenset[str] | None) -> list[Off]:
    """Rules of a plan that cannot see anything. uses: None where nobody has told what hangs there."""
    found = []
    for name in sorted({line.rule for line in plan.lines}):
        rule = BY_NAME.get(name)
        if rule is None:
            found.append(_off(row, "rule", "rule_unknown", rule=name))
        elif uses is not None and (needs := lacking(rule, uses)):
            found.append(_off(row, "rule", "lacks_sensor", rule=name, params={"needs": ", ".join(needs)}))
    return found


def _off(row: Row[Any], what: str, why: str, **more: Any) -> Off:
    return Off(what, why, int(row.resident_id), int(row.room_id), int(row.ward_id), **more)


def _uses(s: TenantSession) -> dict[int, frozenset[str] | None]:
    """What the sensors of each room are for; None where one may be for anything or nobody has told."""
    told: dict[int, set[str | None]] = {}
    for row in s.execute(_USES):
        told.setdefault(row.room_id, set()).add(row.use)
    return {
        room: None if uses & {None, "", "auto"} else frozenset(str(use) for use in uses) for room, uses in told.items()
    }


def _changed(s: TenantSession, known: Iterable[Plan]) -> dict[int, Row[Any]]:
    """Who last changed the plans that watch nothing."""
    ids = sorted(plan.version_id for plan in known if plan.ended_ms is not None or not plan.lines)
    return {row.id: row for row in s.execute(_CHANGED, {"ids": ids})} if ids else {}


def _devices(s: TenantSession, ward_id: int | None) -> list[Off]:
    found = []
    for row in s.execute(_HANGING, {"rule": devices.DEVICE_SILENT}):
        if ward_id not in (None, row.ward_id):
            continue
        place = {"room_id": int(row.room_id), "ward_id": int(row.ward_id), "device": row.address}
        named: Mapping[str, str | int] = {"name": row.name}
        if row.mute:
            found.append(Off("device", "mute", **place, since_ms=row.from_ms or None, params=named))
        elif "since_ms" in (row.state or {}):
            found.append(Off("device", "silent", **place, since_ms=int(row.state["since_ms"]), params=named))
        elif not row.heard:
            # Hung and never heard: nobody has yet begun to wait for it.
            found.append(Off("device", "silent", **place, params=named))
    return found


def _gateways(s: TenantSession, ward_id: int | None) -> list[Off]:
    rows = {row.id: row for row in s.execute(_GATEWAYS) if ward_id in (None, row.ward_id)}
    out = completeness.outages(s, rows)
    never = [row for row in rows.values() if row.last_heartbeat_ms is None and row.id not in out]
    return [
        Off("gateway", completeness.GATEWAY_SILENT, ward_id=int(row.ward_id), params={"name": row.name})
        for row in never
    ] + [
        Off(
            "gateway",
            outage.reason,
            ward_id=int(rows[number].ward_id),
            since_ms=outage.since_ms,
            params={"name": rows[number].name},
        )
        for number, outage in sorted(out.items())
    ]
