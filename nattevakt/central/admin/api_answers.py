"""What the API answers, as JSON can hold it. Serves arrow 9.

Owns the form of the answers. Must not know HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from nattevakt.central.admin import plan_doubts, ward_view
from nattevakt.central.admin.who import Lead, Resident, Ward, staff_names
from nattevakt.central.alarm_health import Count, Health
from nattevakt.central.alarm_use import useful
from nattevakt.central.backtest import Backtest, Raised, Was
from nattevakt.central.db import TenantSession
from nattevakt.central.places import bases, pauses, plans
from nattevakt.central.places.plan_lines import Body, Line
from nattevakt.central.places.templates import TEMPLATES
from nattevakt.central.rounds import times
from nattevakt.central.rounds.limits import limits_of
from nattevakt.central.rounds.schedule import Time
from nattevakt.edge.rules.catalogue import RULES

DAYS_MAX = 90


def lines_plain(lines: Sequence[Line]) -> object:
    """Lines as a plan's body holds them."""
    return Body(tuple(lines)).plain["lines"]


def choices(_lead: Lead) -> dict[str, object]:
    """Templates and rules."""
    rules = [
        {
            "rule": rule.name,
            "windowed": rule.windowed,
            "needs": list(rule.needs),
            "settings": [asdict(setting) for setting in rule.settings],
        }
        for rule in RULES
        if rule.planned
    ]
    return {"templates": {name: lines_plain(lines) for name, lines in TEMPLATES.items()}, "rules": rules}


def residents(s: TenantSession, lead: Lead, found: Sequence[Resident]) -> list[dict[str, object]]:
    """Residents and how their plans stand."""
    return [
        {
            "id": row.resident.id,
            "name": row.resident.name,
            "room": row.resident.number,
            "ward_id": row.resident.ward_id,
            "standing": row.standing.code,
            "version": row.version,
        }
        for row in ward_view.view(s, lead, found)
    ]


def plan(s: TenantSession, lead: Lead, one: Resident) -> dict[str, object]:
    """A resident's plan, basis and pauses. version 0: none has been made."""
    found = plans.current(s, one.id)
    basis = bases.valid(s, (one.id,), lead.now_ms).get(one.id)
    held = pauses.in_force(s, (one.id,), lead.now_ms).get(one.id, ())
    body = Body(found.lines, found.handling, found.responsible, found.dense_rounds_min) if found else Body()
    uses = plans.uses_of(s, one.id)
    doubts = plan_doubts.found(s, lead, one, [line.rule for line in body.lines])
    return {
        "resident_id": one.id,
        "version": found.version if found else 0,
        "version_id": found.version_id if found else None,
        **body.plain,
        "startup_to_ms": found.startup_to_ms if found else None,
        "ended_ms": found.ended_ms if found else None,
        "standing": ward_view.standing(lead, found, basis, held).code,
        "basis": asdict(basis) if basis else None,
        "pauses": [asdict(pause) for pause in held],
        "pause_to_ms_most": pauses.most_ms(lead.now_ms, lead.zone.key),
        "uses": sorted(uses) if uses is not None else None,
        "warnings": [asdict(doubt) for doubt in doubts],
    }


def history(s: TenantSession, one: Resident) -> dict[str, object]:
    """All versions, the newest first."""
    names = staff_names(s)
    versions = [
        {
            "version": version.version,
            "version_id": version.version_id,
            "at_ms": version.at_ms,
            "by": version.by_name or names.get(version.staff_id or 0, ""),
            "why": version.why,
            **version.body.plain,
        }
        for version in plans.history(s, one.id)
    ]
    return {"resident_id": one.id, "versions": versions}


def bases_of(s: TenantSession, one: Resident) -> dict[str, object]:
    """All bases, the newest first."""
    shown = ("id", "kind", "from_ms", "review_ms", "responsible", "made_ms", "staff_id", "ended_ms", "ended_by")
    rows = bases.history(s, one.id)
    return {"resident_id": one.id, "bases": [{name: getattr(row, name) for name in shown} for row in rows]}


def rounds(s: TenantSession, ward: Ward) -> dict[str, object]:
    """A ward's times and limits."""
    return {
        "ward_id": ward.id,
        "times": _times(times.of_ward(s, ward.id)),
        "limits": asdict(limits_of(s, ward.id)),
    }


def rounds_of(s: TenantSession, one: Resident) -> dict[str, object]:
    """A resident's own times, and the ward's."""
    own = times.of_residents(s, (one.id,)).get(one.id, ())
    return {"resident_id": one.id, "times": _times(own), "ward_times": _times(times.of_ward(s, one.ward_id))}


def _times(found: Sequence[Time]) -> list[dict[str, object]]:
    return [asdict(each) for each in found]


def trial(found: Backtest) -> dict[str, object]:
    """A trial, night by night."""
    nights = [
        {
            "day": night.day,
            "from_ms": night.from_ms,
            "to_ms": night.to_ms,
            "events": night.events,
            "raised": [_raised(one) for one in night.raised],
            "was": [_was(one) for one in night.was],
        }
        for night in found.nights
    ]
    return {"nights": nights, "rules": list(found.rules), "raised": found.raised, "was": found.was}


def _raised(one: Raised) -> dict[str, object]:
    reason = {"code": one.reason.code, "params": dict(one.reason.params)}
    plain = {name: getattr(one, name) for name in ("at_ms", "rule", "kind", "priority", "cleared_ms")}
    return {**plain, "priority": int(one.priority), "reason": reason, "sounds": len(one.sounds)}


def _was(one: Was) -> dict[str, object]:
    shown = ("at_ms", "rule", "kind", "state", "cause", "action", "taken_ms", "on_site_ms", "closed_ms")
    reason = {"code": one.reason.code, "params": dict(one.reason.params)}
    plain = {name: getattr(one, name) for name in shown}
    return {**plain, "reason": reason, "useful": useful(one.kind, one.cause, one.action)}


def health(one: Health) -> dict[str, object]:
    """One week of a ward or a resident."""
    shown = (
        "year",
        "week",
        "ward_id",
        "resident_id",
        "technical",
        "cleared",
        "repeated",
        "nights_woken",
        "median_taken_s",
    )
    return {
        **{name: getattr(one, name) for name in shown},
        "total": _count(one.total),
        "by_rule": {name: _count(count) for name, count in sorted(one.by_rule.items())},
        "by_sensor": dict(one.by_sensor.most_common()),
    }


def _count(count: Count) -> dict[str, object]:
    return {**asdict(count), "share": count.share}
