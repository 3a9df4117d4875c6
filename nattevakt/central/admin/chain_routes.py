"""The pages of tests of the whole way: how each chain stands, and each test's certificate. Serves arrow 9.

Owns the addresses under /admin/chain-tests. Must not know SQL, HTML, or when a test counts. What is read of a resident
is written down before it is shown. A test of another ward is answered as one that is not.
"""

from __future__ import annotations

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Row, bindparam, select

from nattevakt.central.admin import chain_view, pages
from nattevakt.central.admin.web import Form, PageRoute, form_of
from nattevakt.central.admin.who import Lead, lead_of, note_reading, resident_of, staff_names, ward_of, wards_of
from nattevakt.central.chain import certificates, setup, steps
from nattevakt.central.chain.setup import Setup
from nattevakt.central.chain.steps import Asked
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import residents, tablets
from nattevakt.central.tablet import sentences
from nattevakt.central.tablet.i18n import N_
from nattevakt.central.tablet.web import Problem, scheme_of
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import INT_MAX

log = structlog.get_logger("nattevakt.admin")
router = APIRouter(route_class=PageRoute, include_in_schema=False)

Posted = Annotated[Form, Depends(form_of)]
PATH = "/admin/chain-tests"
ASKED_ONE, ASKED_MANY = N_("Prøven er bestilt."), N_("{n} prøver er bestilt.")
REFUSALS = ("chain_test_no_sensor", "chain_test_too_many")
_RESIDENT = select(residents.c.name).where(residents.c.tenant_id == TENANT, residents.c.id == bindparam("number"))
_TABLET = select(tablets.c.name).where(tablets.c.tenant_id == TENANT, tablets.c.id == bindparam("number"))


@router.get(PATH)
def listed(request: Request) -> Response:
    """All chains of the lead's wards."""
    lead = lead_of(request)
    days = request.app.state.config.chain.valid_days
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        there = wards_of(s, lead)
        lines = certificates.of_wards(s, [ward.id for ward in there], lead.now_ms, days)
    note_reading(request, lead, "chain_tests", {line.setup.resident_id for line in lines})
    view = chain_view.wards(lead, there, lines, days)
    return _page(request, lead, "chain_tests", wards=view, days=days, told=_said(request, lead))


def _said(request: Request, lead: Lead) -> str:
    """What a form has just done, by the address that it led to."""
    asked, refused = request.query_params.get("asked", ""), request.query_params.get("refused", "")
    if refused in REFUSALS:
        return lead.words(sentences.ERRORS[refused])
    if not asked.isdecimal():
        return ""
    return lead.words(ASKED_ONE if asked == "1" else ASKED_MANY, {"n": int(asked[:6])})


@router.post(PATH)
def asked(request: Request, form: Posted) -> Response:
    """One button: a test of one resident's chain, or of a ward's."""
    lead = lead_of(request)
    found = order(request, lead, ward_id=_number(form.get("ward")), resident_id=_number(form.get("resident")))
    why = f"refused=chain_test_{min(found.refused.values())}" if found.refused and not found.ids else ""
    return RedirectResponse(f"{PATH}?{why or f'asked={len(found.ids)}'}", 303)


@router.get(PATH + "/{test_id}")
def certificate(request: Request, test_id: int) -> Response:
    """One test's certificate."""
    lead, row = told(request, test_id)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        name = str(s.execute(_RESIDENT, {"number": row.resident_id}).scalar() or "")
        tablet = s.execute(_TABLET, {"number": row.tablet_id}).scalar() if row.tablet_id is not None else ""
        view = chain_view.certificate(lead, row, name, staff_names(s), str(tablet or ""))
    return _page(request, lead, "chain_test", view=view)


def told(request: Request, test_id: int) -> tuple[Lead, Row[Any]]:
    """A test for whoever may read it; that they do is written down first."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        row = steps.by_id(s, test_id) if abs(test_id) <= INT_MAX else None
    if row is None or row.ward_id not in lead.wards:
        raise Problem(404, "unknown_chain_test")
    note_reading(request, lead, "chain_tests", (row.resident_id,))
    return lead, row


def order(request: Request, lead: Lead, *, ward_id: int | None, resident_id: int | None) -> Asked:
    """Ask for tests as the lead wants: of one resident, or of all of a ward."""
    if (ward_id is None) == (resident_id is None):
        raise RejectError("ward_id", "give either a ward or a resident")

    def make(s: TenantSession) -> Asked:
        return steps.ask(s, _wanted(s, lead, ward_id, resident_id), lead.now_ms, lead.zone.key, lead.person.staff_id)

    found: Asked = request.app.state.db.transact(lead.tablet.tenant.id, make)
    log.info("chain_tests_asked", tests=len(found.ids), refused=len(found.refused), staff_id=lead.person.staff_id)
    return found


def _wanted(s: TenantSession, lead: Lead, ward_id: int | None, resident_id: int | None) -> list[Setup]:
    if ward_id is not None:
        return setup.of_wards(s, [ward_of(s, lead, ward_id).id], lead.now_ms)
    one = resident_of(s, lead, resident_id or 0)
    return [chain for chain in setup.of_wards(s, [one.ward_id], lead.now_ms) if chain.resident_id == one.id]


def _number(typed: str) -> int | None:
    return int(typed[:18]) if typed.isdecimal() else None


def _page(request: Request, lead: Lead, name: str, **values: object) -> Response:
    return HTMLResponse(pages.page(name, lead, scheme_of(request), **values))
