"""The night list of a ward on one click, for its staff and its lead. Serves arrow 9.

Owns the addresses under /admin/night-list, who may have the list, and that every copy is written down with whom it is
about (Normen, faktaark 15) before it is shown. Must not know what stands on it, or HTML.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import bindparam, select

from nattevakt.central.admin import night_list, night_list_pages
from nattevakt.central.admin.web import PageRoute
from nattevakt.central.columns import TENANT
from nattevakt.central.db import TenantSession
from nattevakt.central.people import sessions
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.tables import access_log, staff, staff_wards, wards
from nattevakt.central.tablet.vitals import sweep_late_s
from nattevakt.central.tablet.web import PERSON_COOKIE, Problem, person_of, tablet_of, words_of

log = structlog.get_logger("nattevakt.admin")
router = APIRouter(route_class=PageRoute, include_in_schema=False)

PATH = "/admin/night-list"
NAMED, UNNAMED = "night_list", "night_list_rooms"
"""What a copy stands as in the access log, with the resident after it."""
_MINE = (
    select(wards.c.id, wards.c.name)
    .join(staff_wards, (staff_wards.c.tenant_id == wards.c.tenant_id) & (staff_wards.c.ward_id == wards.c.id))
    .join(staff, (staff.c.tenant_id == staff_wards.c.tenant_id) & (staff.c.id == staff_wards.c.staff_id))
    .where(wards.c.tenant_id == TENANT, staff.c.id == bindparam("staff_id"), staff.c.active)
    .order_by(wards.c.name, wards.c.id)
)


@router.get(PATH)
def mine(request: Request) -> Response:
    """The list of the tablet's own ward."""
    return RedirectResponse(f"{PATH}/{tablet_of(request).ward_id}", 303)


@router.get(PATH + "/{ward_id}")
def printed(request: Request, ward_id: int) -> Response:
    """A ward's night list, ready to print; with ?names=no rooms only."""
    state, words, named = request.app.state, words_of(request), request.query_params.get("names") != "no"
    tablet, person = _reader(request)
    now_ms = state.clock.now_ms()
    with state.db.read(tablet.tenant.id) as s:
        known = {int(row.id): str(row.name) for row in s.execute(_MINE, {"staff_id": person.staff_id})}
        if ward_id not in known:
            raise Problem(404, "unknown_ward")
        late_s = sweep_late_s(state.clock)
        made = night_list.of_ward(s, tablet.tenant, ward_id, words, now_ms, named=named, stale_s=late_s)
    with state.db.write(tablet.tenant.id) as s:
        sessions.use(s, tablet.id, request.cookies[PERSON_COOKIE], state.clock.real_ms())
        note(s, made.residents, now_ms, named=named, staff_id=person.staff_id, tablet_id=tablet.id)
    log.info("night_list_made", ward_id=ward_id, staff_id=person.staff_id, residents=len(made.entries), named=named)
    others = tuple((f"{PATH}/{number}", name) for number, name in known.items() if number != ward_id)
    sheet = night_list_pages.sheet(words, made, here=f"{PATH}/{ward_id}", wards=others)
    return HTMLResponse(sheet.html, headers={"Content-Security-Policy": sheet.policy})


def _reader(request: Request) -> tuple[Tablet, Person]:
    tablet = tablet_of(request)
    person = person_of(request, tablet)
    if person is None:
        raise Problem(401, "person_needed")
    return tablet, person


def note(
    s: TenantSession,
    residents: Iterable[int],
    now_ms: int,
    *,
    named: bool,
    staff_id: int | None = None,
    tablet_id: int | None = None,
) -> None:
    """Write down that a copy was made with these residents on it: each copy, each time. Nobody: the centre itself."""
    what = NAMED if named else UNNAMED
    for one in residents:
        s.insert(
            access_log, at_ms=now_ms, staff_id=staff_id, tablet_id=tablet_id, resident_id=one, what=f"{what}:{one}"
        )
