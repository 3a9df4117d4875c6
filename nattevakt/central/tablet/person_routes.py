"""Who stands at a tablet: logging in and out, and to whom an alarm can be passed on. Serves arrow 9.

Owns these addresses. Must not know SQL, HTML or how long a session lasts. Nobody logs off with an alarm in hand:
whoever has taken one and is not there yet passes it on by logging off, and only if they say so.
"""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response

from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.db import TenantSession
from nattevakt.central.notify import cover
from nattevakt.central.people import ratelimit, sessions, staff
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.places import places
from nattevakt.central.tablet.web import (
    PERSON_COOKIE,
    Problem,
    TabletRoute,
    answer,
    json_body,
    person_of,
    set_cookie,
    tablet_of,
)
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import text

log = structlog.get_logger("nattevakt.tablet")
router = APIRouter(route_class=TabletRoute, include_in_schema=False)

Body = Annotated[dict[str, object], Depends(json_body)]
LOGS_OFF = "logger_av"
"""Why an alarm is passed on by somebody who logs off."""


@router.get("/tablet/staff")
def colleagues(request: Request) -> Response:
    """Who may log in on this ward."""
    tablet = tablet_of(request)
    person = person_of(request, tablet)
    with request.app.state.db.read(tablet.tenant.id) as s:
        found = staff.of_ward(s, tablet.ward_id)
    listed = [{"key": one.key, "name": one.name, "initials": one.initials} for one in found]
    return answer({"staff": listed, "person": person.name if person else None})


@router.post("/tablet/person")
def log_in(request: Request, body: Body) -> Response:
    """A person proves who they are with their PIN; wrong ones cost time, and never hide an alarm."""
    state = request.app.state
    tablet = tablet_of(request)
    key, pin = text(body.get("staff"), "staff"), text(body.get("pin"), "pin")
    real_ms = state.clock.real_ms()
    with state.db.write(tablet.tenant.id) as s:
        who = next((one for one in staff.of_ward(s, tablet.ward_id) if one.key == key), None)
        if who is None:
            raise RejectError("staff", "unknown on this ward")
        if wait_ms := ratelimit.wait_ms(s, tablet.id, who.id, real_ms):
            raise Problem(429, "wait", field="pin", retry_after_s=-(-wait_ms // 1000))
        attempt_id = ratelimit.begin(s, tablet.id, who.id, real_ms)
        stored = staff.pin_of(s, who.id)
    # Outside of the transaction: it takes its time on purpose, and alarms must not wait for it.
    if not staff.verify_pin(stored, pin):
        log.info("pin_wrong", tablet_id=tablet.id, staff_id=who.id)
        raise Problem(403, "pin_wrong", field="pin")
    with state.db.write(tablet.tenant.id) as s:
        ratelimit.succeed(s, attempt_id)
        secret = sessions.start(s, tablet.id, who.id, real_ms, state.clock.now_ms())
    log.info("person_came", tablet_id=tablet.id, staff_id=who.id)
    done = answer({"name": who.name, "initials": who.initials})
    set_cookie(done, PERSON_COOKIE, secret, sessions.LIFE_MS // 1000)
    return done


@router.post("/tablet/person/end")
def log_out(request: Request, body: Body) -> Response:
    """Nobody is at this tablet any more. `leave`: what they have taken and not come to goes on to the next at once."""
    state = request.app.state
    tablet = tablet_of(request)
    person = person_of(request, tablet)
    now_ms, pace = state.clock.now_ms(), state.clock.pace()

    def leave(s: TenantSession) -> int:
        if person is not None:
            held = register.awaited_of(s, person.staff_id)
            if held and body.get("leave") is not True:
                return len(held)
            for alarm_id, version in held:
                register.act(s, _pass_on(alarm_id, version, person, tablet), now_ms, pace=pace)
        sessions.end(s, tablet.id)
        cover.hurry(s, now_ms)
        return 0

    if state.db.transact(tablet.tenant.id, leave):
        raise Problem(409, "has_alarms")
    done = answer({})
    done.delete_cookie(PERSON_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return done


def _pass_on(alarm_id: int, version: int, person: Person, tablet: Tablet) -> Act:
    key = f"log-off:{alarm_id}:{version}"
    return Act(alarm_id, State.REJECTED, person.staff_id, tablet.id, key, reason=LOGS_OFF)


@router.get("/tablet/wards")
def others(request: Request) -> Response:
    """The wards that an alarm can be passed on to."""
    tablet = tablet_of(request)
    with request.app.state.db.read(tablet.tenant.id) as s:
        found = places.other_wards(s, tablet.ward_id)
    return answer({"wards": [{"key": key, "name": name} for key, name in found]})
