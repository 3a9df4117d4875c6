"""The pages of alarms that have been: the list of them, and the story of each. Serves arrow 9.

Owns their addresses. Must not know SQL, HTML, or what an alarm's story is. What is read of a resident is written down
before it is shown. An alarm of another ward is answered as one that is not.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from nattevakt.central.admin import pages, story_drawing, story_list, story_view
from nattevakt.central.admin.web import PageRoute
from nattevakt.central.admin.who import Lead, lead_of, note_reading, note_story, resident_of
from nattevakt.central.alarms import story
from nattevakt.central.tablet.web import Problem, scheme_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/admin/alarms")
def alarms(request: Request, before: int | None = None, resident: int | None = None) -> Response:
    """The newest alarms of the lead's wards, or of one resident."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        one = resident_of(s, lead, resident) if resident is not None else None
        rows, more = story_list.rows(s, lead, before, resident)
    note_reading(request, lead, "alarms", {row.resident_id for row in rows if row.resident_id is not None})
    lines = [story_list.line(lead, row) for row in rows]
    return _page(request, "alarms", lead, lines=lines, more=more, resident=one)


@router.get("/admin/alarms/{alarm_id}")
def alarm(request: Request, alarm_id: int) -> Response:
    """All that is known of one alarm."""
    lead, found = told(request, alarm_id)
    view = story_view.view(lead, found)
    shapes = (story_drawing.WIDE, story_drawing.NARROW)
    drawings = [story_drawing.drawing(lead.words, found, lead.zone, shape) for shape in shapes]
    return _page(request, "story", lead, view=view, drawings=drawings)


def told(request: Request, alarm_id: int) -> tuple[Lead, story.Story]:
    """An alarm's story for whoever may read it; that they do is written down first."""
    lead = lead_of(request)
    note_story(request, lead, alarm_id)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        found = story.tell(s, alarm_id, lead.now_ms)
    if found is None:
        raise Problem(404, "unknown_alarm")
    return lead, found


def _page(request: Request, name: str, lead: Lead, **values: object) -> Response:
    return HTMLResponse(pages.page(name, lead, scheme_of(request), **values))
