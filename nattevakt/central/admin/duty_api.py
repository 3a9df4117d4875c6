"""The API of duty and routing: the same as the pages, for programs. Serves arrow 9.

Owns the addresses /v1/admin/routing and /v1/admin/duties and their answers. Must not know SQL, HTML, or what a document
or a duty may be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response

from nattevakt.central.admin import moments
from nattevakt.central.admin.api_bodies import DutyBody, RoutingBody, read
from nattevakt.central.admin.api_told import told
from nattevakt.central.admin.duty_routes import add_one, end_one
from nattevakt.central.admin.routing_routes import keep
from nattevakt.central.admin.web import ApiRoute, Stale
from nattevakt.central.admin.who import Lead, lead_of, staff_names, ward_of
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import routing_rows
from nattevakt.central.notify.routing_rows import StaleRouting
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Asked, Duty, DutyError
from nattevakt.central.tablet.web import answer, json_body
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import INT_MAX

log = structlog.get_logger("nattevakt.admin")
router = APIRouter(route_class=ApiRoute, tags=["admin"])

Body = Annotated[dict[str, object], Depends(json_body)]
PERIOD_MOST_MS = 62 * 86_400_000
PERIOD_MS = 7 * 86_400_000


@router.get("/routing", **told())
def routing(request: Request) -> Response:
    """Who is told when: the document that holds, and its versions. Version 0: nobody has written one; the built-in one
    holds."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        return answer(_routing(s))


@router.put("/routing", **told(RoutingBody))
def put_routing(request: Request, body: Body) -> Response:
    """Write a new version; it holds from now on."""
    lead, wish = lead_of(request), read(RoutingBody, body)
    db = request.app.state.db

    def work(s: TenantSession) -> dict[str, object]:
        keep(s, request, lead, wish.routing, wish.why, wish.expected_version)
        return _routing(s)

    try:
        found = db.transact(lead.tablet.tenant.id, work)
    except StaleRouting as error:
        with db.read(lead.tablet.tenant.id) as s:
            newest = next(iter(routing_rows.history(s)), None)
            names = staff_names(s)
        if newest is None:
            # Nothing is stored, and another version was named: there is nobody to name.
            raise RejectError("expected_version", "nothing is stored: send 0") from error
        by = newest.by_name or names.get(newest.staff_id or 0, "")
        raise Stale(newest.version, by, newest.at_ms, moments.clock(newest.at_ms, lead.zone)) from error
    log.info("routing_changed", version=found["version"], staff_id=lead.person.staff_id)
    return answer(found)


def _routing(s: TenantSession) -> dict[str, object]:
    names = staff_names(s)
    versions = routing_rows.history(s)
    return {
        "version": versions[0].version if versions else 0,
        "routing": routing_rows.current(s).plain,
        "versions": [
            {
                "version": one.version,
                "at_ms": one.at_ms,
                "by": one.by_name or names.get(one.staff_id or 0, ""),
                "why": one.why,
                "routing": one.routing.plain if one.routing is not None else None,
            }
            for one in versions
        ],
    }


@router.get("/duties", **told())
def on_duty(request: Request, from_ms: int | None = None, to_ms: int | None = None) -> Response:
    """Who is on duty at any moment of a period, the next seven days where none is given: on the lead's wards, for zones
    and for the whole municipality."""
    lead = lead_of(request)
    begins_ms = lead.now_ms if from_ms is None else from_ms
    ends_ms = begins_ms + PERIOD_MS if to_ms is None else to_ms
    if abs(begins_ms) > INT_MAX // 2 or not 0 < ends_ms - begins_ms <= PERIOD_MOST_MS:
        raise DutyError("to_ms", "must lie after from_ms, by 62 days at most", "period")
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        found = [one for one in duties.between(s, begins_ms, ends_ms) if one.ward_id in (None, *lead.wards)]
    return answer({"from_ms": begins_ms, "to_ms": ends_ms, "duties": [_duty(one) for one in found]})


@router.post("/duties", **told(DutyBody))
def add_duty(request: Request, body: Body) -> Response:
    """Put somebody on duty: for a ward of the lead's, a zone, or with neither for the whole municipality."""
    lead, wish = lead_of(request), _wish(body)

    def work(s: TenantSession) -> dict[str, object]:
        if wish.ward_id is not None:
            ward_of(s, lead, wish.ward_id)
        zones = [zone.key for zone in routing_rows.current(s).zones]
        asked = Asked(wish.staff_id, wish.role, wish.from_ms, wish.to_ms, wish.ward_id, wish.zone)
        return {"id": add_one(s, lead, asked, zones)}

    return _changed(request, lead, "added", work)


def _wish(body: dict[str, object]) -> DutyBody:
    try:
        found: DutyBody = read(DutyBody, body)
    except RejectError as error:
        # Elsewhere fields of these names mean other things, and have other words.
        raise DutyError(error.field, error.reason, "bad_request", f"{error.field}: {error.reason}") from None
    return found


@router.delete("/duties/{duty_id}", **told())
def end_duty(request: Request, duty_id: int) -> Response:
    """End a duty now; one that has not begun never begins."""
    lead = lead_of(request)

    def work(s: TenantSession) -> dict[str, object]:
        end_one(s, lead, duty_id)
        return {"ended": True}

    return _changed(request, lead, "ended", work)


def _changed(request: Request, lead: Lead, what: str, work: Callable[[TenantSession], dict[str, object]]) -> Response:
    found = request.app.state.db.transact(lead.tablet.tenant.id, work)
    log.info("duty_changed", what=what, staff_id=lead.person.staff_id)
    return answer(found)


def _duty(one: Duty) -> dict[str, object]:
    shown = ("id", "staff_id", "name", "role", "ward_id", "zone", "from_ms", "to_ms", "made_ms", "made_by", "ended_ms")
    return {**{name: getattr(one, name) for name in shown}, "has_phone": one.phone is not None}
