"""The page and the API of the roads beyond the tablets: whether each works, and what waits. Serves arrow 9.

Owns their addresses. Must not know SQL, HTML, or how a road is found to work. It names no resident and nobody's number.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from nattevakt.central.admin import channels_view, pages
from nattevakt.central.admin.api_told import told
from nattevakt.central.admin.web import ApiRoute, PageRoute
from nattevakt.central.admin.who import Lead, lead_of
from nattevakt.central.notify import channel_health
from nattevakt.central.notify.channel import serves
from nattevakt.central.notify.channel_health import Health
from nattevakt.central.tablet.web import answer, scheme_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)
api_router = APIRouter(route_class=ApiRoute)


@router.get("/admin/channels")
def page(request: Request) -> Response:
    """How people are told beyond the tablets, and whether it works."""
    lead = lead_of(request)
    healths, there = _found(request, lead)
    rows = channels_view.view(lead, healths, there)
    return HTMLResponse(pages.page("channels", lead, scheme_of(request), rows=rows))


@api_router.get("/channels", **told())
def channels(request: Request) -> Response:
    """The roads beyond the tablets: `sms`, `push`, `webhook:<key>`.

    `set_up`: whether this centre has it. `down`: whether somebody must see to it. `since_ms`: its first failure since
    it last worked, `failures` how many since, `reason` the last one's. `waiting`: how many messages are before it, the
    oldest since `oldest_ms`.
    """
    lead = lead_of(request)
    healths, there = _found(request, lead)
    return answer({"channels": channels_view.plain(healths, there, lead.now_ms)})


def _found(request: Request, lead: Lead) -> tuple[list[Health], tuple[str, ...]]:
    tenant = lead.tablet.tenant
    there = tuple(road.name for road in request.app.state.roads.all if serves(road, tenant.key))
    with request.app.state.db.read(tenant.id) as s:
        return channel_health.of_all(s, there, lead.now_ms), there
