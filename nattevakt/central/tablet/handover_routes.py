"""The change of shift on the tablet: what stands, and that somebody takes it over. Serves arrow 9.

Owns these addresses and the words of the list. Must not know SQL, or what becomes of an alarm. No
resident is named in the list; both to read it and to take over one must be logged in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Depends, Request, Response

from nattevakt.central import handover
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.db import TenantSession
from nattevakt.central.handover import Standing
from nattevakt.central.people import staff
from nattevakt.central.tablet import pages, sentences, when
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.central.tablet.web import (
    Problem,
    TabletRoute,
    answer,
    json_body,
    note_of,
    person_of,
    tablet_of,
    words_of,
)
from nattevakt.edge.strict import text

log = structlog.get_logger("nattevakt.tablet")
router = APIRouter(route_class=TabletRoute, include_in_schema=False)

Body = Annotated[dict[str, object], Depends(json_body)]
HELD_BY = N_("{name} {does}")
NOBODY_HAS = N_("ingen har den")
OPEN = {0: N_("Ingen åpne alarmer."), 1: N_("1 åpen alarm"), 2: N_("{n} åpne alarmer")}
OFF = {
    0: N_("Ingenting er slått av."),
    1: N_("1 ting er slått av eller stille"),
    2: N_("{n} ting er slått av eller stille"),
}
THIN = {
    0: N_("Ingen sees til oftere enn planlagt."),
    1: N_("1 beboer sees til oftere, fordi en sensor er stille"),
    2: N_("{n} beboere sees til oftere, fordi en sensor er stille"),
}


@router.get("/tablet/handover")
def shown(request: Request) -> Response:
    """What whoever takes over must know, drawn; and who may leave."""
    state, told = request.app.state, words_of(request)
    tablet = tablet_of(request)
    person = person_of(request, tablet)
    if person is None:
        raise Problem(401, "person_needed")
    now_ms = state.clock.now_ms()
    with state.db.read(tablet.tenant.id) as s:
        now = handover.standing(s, tablet.ward_id, now_ms)
        colleagues = [one for one in staff.of_ward(s, tablet.ward_id) if one.id != person.staff_id]
    zone = ZoneInfo(tablet.tenant.time_zone)
    return answer({"html": pages.handover_html(told, _lines(told, now, tablet.ward_id, zone, now_ms), colleagues)})


def _counted(told: Words, forms: dict[int, str], n: int) -> str:
    return told(forms[min(n, 2)], {"n": n})


def _lines(told: Words, now: Standing, ward_id: int, zone: ZoneInfo, now_ms: int) -> dict[str, object]:
    rung = []
    for row in now.alarms:
        state = State(row.state)
        does = told(sentences.STATES[state])
        who = told(HELD_BY, {"name": row.holder, "does": does}) if row.holder else told(NOBODY_HAS)
        at = when.day_clock(told, row.raised_ms, now_ms, zone)
        ward = row.ward if row.ward_id != ward_id and row.ward != row.place else ""
        rung.append((ward, row.room or row.place, sentences.kind(told, row.kind), at, who))
    last = now.last
    return {
        "alarms": rung,
        "alarms_head": _counted(told, OPEN, len(rung)),
        "off_head": _counted(told, OFF, len(now.off)),
        "off_rooms": _rooms(now.rooms, (off.room_id for off in now.off)),
        "thin_head": _counted(told, THIN, len(now.thin)),
        "thin_rooms": _rooms(now.rooms, (one.room_id for one in now.thin)),
        "last": (last.name, when.day_clock(told, last.at_ms, now_ms, zone), last.note) if last is not None else None,
    }


def _rooms(numbers: Mapping[int, str], ids: Iterable[int | None]) -> str:
    """The numbers of these rooms, each once, in the ward's order."""
    wanted = set(ids)
    return ", ".join(number for room_id, number in numbers.items() if room_id in wanted)


@router.post("/tablet/handover")
def take_over(request: Request, body: Body) -> Response:
    """The person at this tablet has the ward from now on, and the alarms of `from`, who leaves."""
    state = request.app.state
    tablet = tablet_of(request)
    person = person_of(request, tablet)
    if person is None:
        raise Problem(401, "person_needed")
    leaves, note = text(body.get("from", ""), "from"), note_of(body)
    now_ms, pace = state.clock.now_ms(), state.clock.pace()
    limit_ms = state.config.alarms.taken_limit_min * 60_000

    def take(s: TenantSession) -> handover.TakenOver:
        return handover.take_over(
            s,
            tablet.ward_id,
            person.staff_id,
            leaves=leaves,
            note=note,
            tablet_id=tablet.id,
            now_ms=now_ms,
            limit_ms=limit_ms,
            pace=pace,
        )

    taken = state.db.transact(tablet.tenant.id, take)
    log.info("handed_over", ward_id=tablet.ward_id, staff_id=person.staff_id, alarms=len(taken.alarms))
    return answer({"id": taken.id, "alarms": list(taken.alarms)})
