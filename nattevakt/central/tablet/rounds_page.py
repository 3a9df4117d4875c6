"""The rounds on the tablet: the list, and what a person says of one resident. Serves arrow 9.

Owns two addresses under /tablet/rounds; the page itself is the board (routes.py), so that alarms are seen and heard
all the while. Must not know SQL, HTML or what a turn may become. The list is whole without JavaScript: its forms are
sent as forms, and answered with the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from nattevakt.central.db import TenantSession
from nattevakt.central.people import sessions
from nattevakt.central.rounds import tasks
from nattevakt.central.rounds.tasks import Confirmed, Refused
from nattevakt.central.tablet import pages, rounds_view, views
from nattevakt.central.tablet.i18n import Words
from nattevakt.central.tablet.rounds_view import RoundsView
from nattevakt.central.tablet.web import (
    PERSON_COOKIE,
    Problem,
    TabletRoute,
    answer,
    asked_by,
    form_body,
    json_body,
    person_of,
    sends_form,
    tablet_of,
    words_of,
)
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import INT_MAX, text

log = structlog.get_logger("nattevakt.tablet")
router = APIRouter(route_class=TabletRoute, include_in_schema=False)

PATH = "/tablet/rounds"
FIELDS_MAX = 20
KEY_MIN, KEY_MAX = 8, 100
SAID: Mapping[str, tuple[str, str]] = {
    "well": ("digital", "ok"),
    "unsure": ("digital", "uncertain"),
    "been-in": ("physical", "ok"),
}
"""What the buttons are called → how somebody looked, and what came of it."""


async def told_by(request: Request) -> dict[str, object]:
    """What a page of ours sends, as JSON from its script or as a form without one."""
    if sends_form(request):
        return {**dict(await form_body(request, FIELDS_MAX)), "form": True}
    return await json_body(request)


Body = Annotated[dict[str, object], Depends(told_by)]


def seen(request: Request, told: Words) -> RoundsView:
    """The rounds of the tablet's ward; names are in it only where their reading could be logged."""
    state = request.app.state
    now_ms = state.clock.now_ms()
    with asked_by(request) as (s, tablet, person):
        view = rounds_view.rounds(s, tablet, person, told, now_ms)
    names = {(f"round:{turn.task_id}", turn.resident_id) for turn in view.turns if turn.name}
    if person is None or views.log_names(state.db, tablet, person, names, now_ms):
        return view
    log.warning("reading_not_logged", tablet_id=tablet.id)
    return replace(view, turns=tuple(replace(turn, name="") for turn in view.turns))


@router.get(f"{PATH}/list")
def listed(request: Request) -> Response:
    """The list by itself, for a page that is there already."""
    told = words_of(request)
    return HTMLResponse(pages.rounds_html(told, seen(request, told)))


@router.post(PATH + "/{task_id}/confirm")
def confirm(request: Request, task_id: int, body: Body) -> Response:
    """What one person says of one resident's turn. Said again by the same person it changes nothing."""
    state = request.app.state
    tablet = tablet_of(request)
    said = SAID.get(text(body.get("said"), "said"))
    if said is None:
        raise RejectError("said", "unknown")
    key = text(request.headers.get("idempotency-key") or body.get("key"), "idempotency-key")
    if not KEY_MIN <= len(key) <= KEY_MAX:
        raise RejectError("idempotency-key", f"must be {KEY_MIN} to {KEY_MAX} characters")
    person = person_of(request, tablet)
    if person is None:
        raise Problem(401, "person_needed")
    note = text(body.get("note", ""), "note")
    now_ms = state.clock.now_ms()

    def make(s: TenantSession) -> Confirmed:
        task = tasks.by_id(s, task_id) if abs(task_id) <= INT_MAX else None
        if task is None or task.ward_id != tablet.ward_id:
            raise Refused("gone")
        sessions.use(s, tablet.id, request.cookies[PERSON_COOKIE], state.clock.real_ms())
        return tasks.confirm(s, task_id, *said, person.staff_id, tablet.id, note, now_ms)

    try:
        done = state.db.transact(tablet.tenant.id, make)
    except Refused as error:
        raise Problem(404 if error.code == "gone" else 409, f"round_{error.code}") from error
    log.info("round_confirmed", task_id=task_id, staff_id=person.staff_id, tablet_id=tablet.id, said=body["said"])
    if body.get("form") is True:
        return RedirectResponse(PATH, 303)
    found = done.task
    return answer({"id": found.id, "state": found.state.value, "how": found.how, "repeated": done.repeated})
