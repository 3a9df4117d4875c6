"""The page of a week's duties: who is on duty where, and where nobody is. Serves arrow 9.

Owns the addresses under /admin/duty. Must not know SQL, HTML, or what a duty may be. What cannot be saved comes back as
it was typed, with what to do.

A ward's lead puts people on duty for their own wards; for a zone or the whole municipality every lead may.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from nattevakt.central import duty_words
from nattevakt.central.admin import duty_drawing, duty_view, pages
from nattevakt.central.admin.web import Form, PageRoute, form_of
from nattevakt.central.admin.who import Lead, lead_of, ward_of
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import cover, routing_rows
from nattevakt.central.people import duties
from nattevakt.central.people.duties import Asked, DutyError
from nattevakt.central.people.duty_times import TimeError, moment_ms
from nattevakt.central.tablet.i18n import N_
from nattevakt.central.tablet.web import scheme_of
from nattevakt.edge.strict import INT_MAX

log = structlog.get_logger("nattevakt.admin")
router = APIRouter(route_class=PageRoute, include_in_schema=False)

Posted = Annotated[Form, Depends(form_of)]
PATH = "/admin/duty"
TOLD: Mapping[str, str] = {
    "added": N_("Vakten er lagret."),
    "ended": N_("Vakten er avsluttet."),
}
_FIELD_OF = {
    "from_ms": "from",
    "to_ms": "to",
    "staff_id": "staff",
    "role": "role",
    "ward_id": "place",
    "zone": "place",
    "from": "from",
    "to": "to",
}


@router.get(PATH)
def duty(request: Request) -> Response:
    """The week that holds the day in `from`, or this one."""
    lead = lead_of(request)
    told = request.query_params.get("told", "")
    return _shown(request, lead, request.query_params.get("from", ""), told=lead.words(TOLD.get(told, "")))


@router.get(PATH + "/{form}")
def back(form: str) -> Response:  # noqa: ARG001 - any of the forms' addresses
    """Whoever asks anew for the address of a form, as a browser may when it wakes, sees the page."""
    return RedirectResponse(PATH, 303)


@router.post(PATH + "/add")
def add(request: Request, form: Posted) -> Response:
    """Put somebody on duty."""
    lead = lead_of(request)
    typed = {name: form.get(name) for name in ("staff", "role", "place", "from", "to")}

    def work(s: TenantSession) -> int:
        zones = [zone.key for zone in routing_rows.current(s).zones]
        return add_one(s, lead, _asked(s, lead, typed), zones)

    try:
        number = request.app.state.db.transact(lead.tablet.tenant.id, work)
    except (DutyError, TimeError) as error:
        wrong = {_FIELD_OF.get(error.field, "from"): duty_words.refused(lead.words, error)}
        return _shown(request, lead, form.get("week"), typed=typed, wrong=wrong)
    log.info("duty_changed", what="added", duty_id=number, staff_id=lead.person.staff_id)
    return RedirectResponse(f"{PATH}?told=added&from={typed['from'][:10]}#duties", 303)


@router.post(PATH + "/{duty_id}/end")
def end(request: Request, duty_id: int, form: Posted) -> Response:
    """End a duty, or take away one that has not begun."""
    lead = lead_of(request)
    request.app.state.db.transact(lead.tablet.tenant.id, lambda s: end_one(s, lead, duty_id))
    log.info("duty_changed", what="ended", duty_id=duty_id, staff_id=lead.person.staff_id)
    week = _day(form.get("week"))
    return RedirectResponse(f"{PATH}?told=ended" + (f"&from={week}" if week else "") + "#duties", 303)


def add_one(s: TenantSession, lead: Lead, asked: Asked, zones: Collection[str]) -> int:
    """Put somebody on duty in the lead's name, and have it looked at whether that fills a hole; gives the duty's id."""
    number = duties.add(s, asked, zones=zones, made_by=lead.person.staff_id, now_ms=lead.now_ms)
    cover.hurry(s, lead.now_ms)
    return number


def end_one(s: TenantSession, lead: Lead, duty_id: int) -> None:
    """End a duty that the lead may end. Raises DutyError where there is none, a problem where it is not theirs."""
    found = duties.one(s, duty_id) if abs(duty_id) <= INT_MAX else None
    if found is None:
        raise DutyError("duty_id", "unknown", "unknown_duty")
    if found.ward_id is not None:
        ward_of(s, lead, found.ward_id)
    duties.end(s, found.id, lead.now_ms)
    cover.hurry(s, lead.now_ms)


def _asked(s: TenantSession, lead: Lead, typed: Mapping[str, str]) -> Asked:
    begins_ms = moment_ms(typed["from"], lead.zone, is_end=False, field="from")
    ends_ms = moment_ms(typed["to"], lead.zone, is_end=True, field="to")
    kind, _, key = typed["place"].partition(":")
    number = int(typed["staff"]) if typed["staff"].isdecimal() and len(typed["staff"]) < 19 else 0
    ward_id = None
    if kind == "ward":
        ward_id = ward_of(s, lead, int(key) if key.isdecimal() and len(key) < 19 else 0).id
    return Asked(number, typed["role"], begins_ms, ends_ms, ward_id, key if kind == "zone" else None)


def _day(typed: str) -> date | None:
    try:
        found = date.fromisoformat(typed)
    except ValueError:
        return None
    # The weeks before and after are named too, and years have their bounds.
    return found if 2000 <= found.year <= 2200 else None


def _shown(
    request: Request,
    lead: Lead,
    day: str,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    told: str = "",
) -> Response:
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        view = duty_view.week(s, lead, _day(day), typed=typed, wrong=wrong, told=told)
    drawings = [
        duty_drawing.drawings(lead.words, view, place, number, lead.zone, lead.now_ms)
        for number, place in enumerate(view.places)
    ]
    html = pages.page("duty", lead, scheme_of(request), view=view, drawings=drawings)
    return HTMLResponse(html, 422 if wrong else 200)
