"""The pages of who leads a ward: what is off, who has which plan, how alarms serve, what sensors need. Serves arrow 9.

Owns the addresses of the pages that only show. Must not know SQL, HTML, or how a plan is changed (resident_routes.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from nattevakt.central import alarm_health
from nattevakt.central.admin import (
    chain_routes,
    channels_routes,
    duty_routes,
    health_view,
    night_list_age,
    night_list_routes,
    off_view,
    pages,
    problem_words,
    report_routes,
    resident_routes,
    rounds_routes,
    routing_routes,
    story_routes,
    ward_view,
)
from nattevakt.central.admin.acts import Busy, suggested
from nattevakt.central.admin.moments import day_clock
from nattevakt.central.admin.web import PageRoute
from nattevakt.central.admin.who import Lead, lead_of, note_reading, resident_of, residents_of, wards_of
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.finding_words import sentence
from nattevakt.central.findings import Found, recent
from nattevakt.central.tables import devices
from nattevakt.central.tablet.web import scheme_of
from nattevakt.edge.errors import RejectError

router = APIRouter(route_class=PageRoute, include_in_schema=False)
router.include_router(resident_routes.router)
router.include_router(rounds_routes.router)
router.include_router(duty_routes.router)
router.include_router(routing_routes.router)
router.include_router(story_routes.router)
router.include_router(chain_routes.router)
router.include_router(channels_routes.router)
router.include_router(report_routes.router)
router.include_router(night_list_routes.router)

WEEKS = 4
_DEVICES = select(devices.c.address, devices.c.name).where(devices.c.tenant_id == TENANT)


@router.get("/admin")
def ward(request: Request) -> Response:
    """The lead's wards: what is off first, then who has which plan."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        residents = residents_of(s, lead)
        offs, rows = off_view.view(s, lead, residents), ward_view.view(s, lead, residents)
        missed = night_list_age.missed(s, lead, wards_of(s, lead))
    note_reading(request, lead, "plans", (one.id for one in residents))
    return _page(request, "ward", lead, offs=offs, rows=rows, missed=missed)


@router.get("/admin/off")
def off(request: Request) -> Response:
    """All that would not ring now."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        residents = residents_of(s, lead)
        offs = off_view.view(s, lead, residents)
    note_reading(request, lead, "plans", (one.id for one in residents))
    return _page(request, "off", lead, offs=offs)


@router.get("/admin/alarm-health")
def health(request: Request) -> Response:
    """The last weeks of the lead's wards and their residents."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        residents = residents_of(s, lead)
        rows = health_view.rows(lead, alarm_health.week(s, lead.now_ms, WEEKS), residents, _names(s))
    note_reading(request, lead, "plans", (one.id for one in residents))
    return _page(request, "health", lead, rows=rows, resident=None)


@router.get("/admin/alarm-health/{resident_id}")
def health_of(request: Request, resident_id: int) -> Response:
    """The last weeks of one resident, and the change of a limit that would have helped."""
    lead = lead_of(request)
    db = request.app.state.db
    with db.read(lead.tablet.tenant.id) as s:
        resident = resident_of(s, lead, resident_id)
        weeks = alarm_health.week(s, lead.now_ms, WEEKS, resident_id=resident_id)
        rows = health_view.rows(lead, weeks, [resident], _names(s))
    note_reading(request, lead, "plan", (resident_id,))
    busy, found = "", None
    try:
        found = suggested(db, lead, resident)
    except Busy:
        busy = lead.words(problem_words.CODES["busy"])
    except RejectError as error:
        busy = problem_words.refused(lead.words, "backtest", error)
    suggestion = health_view.suggestion(lead, found) if found is not None else None
    return _page(request, "health", lead, rows=rows, resident=resident, suggestion=suggestion, busy=busy)


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding in words."""

    room: str
    spot: str
    address: str
    says: str
    day: str


@router.get("/admin/findings")
def findings(request: Request) -> Response:
    """What sensors somebody should see to by day."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        found = [one for one in recent(s, lead.now_ms, time_zone=lead.zone.key) if one.ward_id in (*lead.wards, None)]
    return _page(request, "findings", lead, findings=[_finding(lead, one) for one in found])


def _finding(lead: Lead, one: Found) -> FindingView:
    says = sentence(one, lead.zone, lead.words)
    return FindingView(one.room, one.spot, one.name or one.address, says, day_clock(lead.words, one.at_ms, lead.zone))


def _names(s: TenantSession) -> dict[str, str]:
    return {row.address: row.name or row.address for row in s.execute(_DEVICES)}


def _page(request: Request, name: str, lead: Lead, **values: object) -> Response:
    return HTMLResponse(pages.page(name, lead, scheme_of(request), **values))
