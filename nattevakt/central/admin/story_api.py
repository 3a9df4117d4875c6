"""Alarms that have been, for programs: the list of them, and the story of each. Serves arrow 9.

Owns the addresses under /v1/admin/alarms. Must not know SQL, or what an alarm's story is.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from nattevakt.central.admin import story_answers, story_list, story_routes
from nattevakt.central.admin.api_told import told
from nattevakt.central.admin.web import ApiRoute
from nattevakt.central.admin.who import lead_of, note_reading, resident_of
from nattevakt.central.tablet.web import answer

router = APIRouter(route_class=ApiRoute)


@router.get("/alarms", **told())
def alarms(request: Request, before: int | None = None, resident_id: int | None = None) -> Response:
    """The newest alarms of the lead's wards, or of one resident: 50 at once, `more_before` goes on."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        if resident_id is not None:
            resident_of(s, lead, resident_id)
        rows, more = story_list.rows(s, lead, before, resident_id)
    note_reading(request, lead, "alarms", {row.resident_id for row in rows if row.resident_id is not None})
    return answer({"alarms": [story_list.plain(row) for row in rows], "more_before": more})


@router.get("/alarms/{alarm_id}", **told())
def alarm(request: Request, alarm_id: int) -> Response:
    """The whole story of one alarm: what was said, concluded, told to whom and done, who looked, and how long it took.

    `chapters`: the steps from event to end, once more for each reopening. A step's `told` is `known`, `not_yet`,
    `never`, `unknown` (sent to a tablet that never confirmed) or `none` (no event: a deadline passed). A sounding's
    `verdict` says how many tablets confirmed it: `all`, `some`, `acted` (none, but a person acted at one), `unknown`,
    `nobody_yet`, `nobody`, `no_tablet` or `left_off`. Shown means that it was on the screen; whether anybody looked is
    not known. A change by which it went on to others has `passed`: `why`, the `step` of its chain (the first ring is
    0), `to` whom, the `wards` that it rings in from then on, how many messages and sirens were asked for (`sent`),
    whether it reached `nobody` new. `sendings`: what was to go out by text message, push, webhook and siren, and what
    came of it. `left_off` names the lists of which more is stored than is told; what only those could say is `unknown`.
    """
    lead, found = story_routes.told(request, alarm_id)
    return answer(story_answers.plain(lead, found))
