"""The page of who is told when (varslingsplan): chains, routes, who it would be now, and changing it. Serves arrow 9.

Owns the addresses under /admin/routing. Must not know SQL, HTML, or what a document may be. What cannot be saved comes
back as it was typed, with what to do. The document is the municipality's: every ward's lead may change it, and each
change says who and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from nattevakt.central import duty_words
from nattevakt.central.admin import pages, routing_view
from nattevakt.central.admin.web import Form, PageRoute, form_of
from nattevakt.central.admin.who import Lead, lead_of
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import cover, routing_rows
from nattevakt.central.notify.channel import serves
from nattevakt.central.notify.routing import read
from nattevakt.central.notify.routing_rows import StaleRouting
from nattevakt.central.notify.sendings import WEBHOOK
from nattevakt.central.tablet.i18n import N_
from nattevakt.central.tablet.web import scheme_of
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import load_json

log = structlog.get_logger("nattevakt.admin")
router = APIRouter(route_class=PageRoute, include_in_schema=False)

Posted = Annotated[Form, Depends(form_of)]
PATH = "/admin/routing"
SAVED = N_("Varslingsplanen er lagret og gjelder fra nå.")


@router.get(PATH)
def routing(request: Request) -> Response:
    """The page; with `ward`, `kind` and `shift` it says who would get such an alarm."""
    lead = lead_of(request)
    told = lead.words(SAVED) if request.query_params.get("told") == "saved" else ""
    return _shown(request, lead, told=told)


@router.get(PATH + "/{form}")
def back(form: str) -> Response:  # noqa: ARG001 - any of the forms' addresses
    """Whoever asks anew for the address of a form, as a browser may when it wakes, sees the page."""
    return RedirectResponse(PATH, 303)


@router.post(PATH + "/save")
def save(request: Request, form: Posted) -> Response:
    """Save the document as it is typed."""
    lead = lead_of(request)
    typed = {name: form.get(name) for name in ("text", "why", "version")}

    def work(s: TenantSession) -> int:
        return keep(
            s, request, lead, load_json(typed["text"].encode(), "JSON"), typed["why"], _number(typed["version"])
        )

    try:
        version = request.app.state.db.transact(lead.tablet.tenant.id, work)
    except StaleRouting:
        return _shown(request, lead, typed=typed, wrong=duty_words.said(lead.words, "routing_stale"), status=409)
    except RejectError as error:
        return _shown(request, lead, typed=typed, wrong=duty_words.refused(lead.words, error), status=422)
    log.info("routing_changed", version=version, staff_id=lead.person.staff_id)
    return RedirectResponse(f"{PATH}?told=saved", 303)


def keep(s: TenantSession, request: Request, lead: Lead, plain: object, why: str, expected_version: int) -> int:
    """Write a version in the lead's name; gives its number."""
    version = routing_rows.save(
        s,
        read(plain),
        why=why,
        staff_id=lead.person.staff_id,
        by_name=lead.person.name,
        now_ms=lead.now_ms,
        expected_version=expected_version,
        webhooks=_webhooks(request, lead),
    )
    cover.hurry(s, lead.now_ms)
    return version


def _webhooks(request: Request, lead: Lead) -> tuple[str, ...]:
    """The keys of the webhooks that this installation has for the lead's municipality."""
    mine = (road.name.partition(":") for road in request.app.state.roads.all if serves(road, lead.tablet.tenant.key))
    return tuple(key for kind, _, key in mine if kind == WEBHOOK)


def _number(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 10 else -1


def _shown(
    request: Request,
    lead: Lead,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: str = "",
    told: str = "",
    status: int = 200,
) -> Response:
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        view = routing_view.view(s, lead, dict(request.query_params), typed=typed, wrong=wrong, told=told)
    return HTMLResponse(pages.page("routing", lead, scheme_of(request), view=view), status)
