"""The page of a ward's rounds: its times, how patient it is, how many looks there were. Serves arrow 9.

Owns the addresses under /admin/rounds. Must not know SQL, HTML, or when a round falls due. What cannot be saved comes
back as it was typed, with what to do at the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from nattevakt.central.admin import pages, round_drafts, rounds_view
from nattevakt.central.admin.drafts import Wrong
from nattevakt.central.admin.round_drafts import TimeDraft
from nattevakt.central.admin.web import Form, PageRoute, form_of
from nattevakt.central.admin.who import Lead, Ward, lead_of, note_reading, residents_of, ward_of, wards_of
from nattevakt.central.db import TenantSession
from nattevakt.central.rounds import limits, times
from nattevakt.central.tablet.i18n import N_
from nattevakt.central.tablet.web import scheme_of

log = structlog.get_logger("nattevakt.admin")
router = APIRouter(route_class=PageRoute, include_in_schema=False)

Posted = Annotated[Form, Depends(form_of)]
PATH = "/admin/rounds"
ONE = PATH + "/{ward_id}"
TOLD: Mapping[str, str] = {
    "times": N_("Klokkeslettene er lagret og gjelder fra nå."),
    "limits": N_("Fristene er lagret og gjelder fra nå."),
}


@router.get(PATH)
def mine(request: Request) -> Response:
    """The ward of the tablet where it is one of the lead's, else their first."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        ids = [ward.id for ward in wards_of(s, lead)]
    here = lead.tablet.ward_id
    return RedirectResponse(f"{PATH}/{here if here in ids else ids[0]}", 303)


@router.get(ONE)
def rounds(request: Request, ward_id: int) -> Response:
    """The page."""
    lead, ward = _asked(request, ward_id)
    told = request.query_params.get("told", "")
    return _shown(request, lead, ward, told=lead.words(TOLD[told]) if told in TOLD else "")


@router.get(ONE + "/{form}")
def back(ward_id: int, form: str) -> Response:  # noqa: ARG001 - any of the forms' addresses
    """Whoever asks anew for the address of a form, as a browser may when it wakes, sees the page."""
    return RedirectResponse(f"{PATH}/{ward_id}", 303)


@router.post(ONE + "/times")
def set_times(request: Request, ward_id: int, form: Posted) -> Response:
    """One button of the times' form: a row more or less, or save them."""
    lead, ward = _asked(request, ward_id)
    typed, act = round_drafts.read_form(form), form.get("do")
    if act != "save":
        return _shown(request, lead, ward, round_drafts.changed(typed, act))
    wanted, wrong = round_drafts.times_of(typed)
    if wrong:
        return _shown(request, lead, ward, typed, wrong=wrong)

    def save(s: TenantSession) -> None:
        times.set_ward(s, ward.id, wanted, lead.zone.key, lead.now_ms)

    return _done(request, lead, ward, "times", save)


@router.post(ONE + "/limits")
def set_limits(request: Request, ward_id: int, form: Posted) -> Response:
    """Save how patient the ward's rounds are."""
    lead, ward = _asked(request, ward_id)
    typed = dict(form)
    wanted, wrong = round_drafts.limits_of(typed)
    if wanted is None:
        return _shown(request, lead, ward, typed_limits=typed, wrong=wrong)
    return _done(request, lead, ward, "limits", lambda s: limits.set_limits(s, ward.id, wanted))


def _asked(request: Request, ward_id: int) -> tuple[Lead, Ward]:
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        return lead, ward_of(s, lead, ward_id)


def _done(request: Request, lead: Lead, ward: Ward, what: str, act: Callable[[TenantSession], None]) -> Response:
    request.app.state.db.transact(lead.tablet.tenant.id, act)
    log.info("supervision_changed", what=f"round_{what}", ward_id=ward.id, staff_id=lead.person.staff_id)
    return RedirectResponse(f"{PATH}/{ward.id}?told={what}", 303)


def _shown(
    request: Request,
    lead: Lead,
    ward: Ward,
    typed_times: tuple[TimeDraft, ...] | None = None,
    *,
    typed_limits: Mapping[str, str] | None = None,
    wrong: Mapping[str, Wrong] | None = None,
    told: str = "",
) -> Response:
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        shown = rounds_view.view(
            s,
            lead,
            ward,
            wards_of(s, lead),
            residents_of(s, lead),
            typed_times=typed_times,
            typed_limits=typed_limits,
            wrong=wrong,
            told=told,
        )
    note_reading(request, lead, "plans", (one.id for one in shown.own))
    html = pages.page("ward_rounds", lead, scheme_of(request), view=shown)
    return HTMLResponse(html, 422 if wrong else 200)
