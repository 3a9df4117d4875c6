"""Tests of the whole way on the tablet: asked for, confirmed as shown and sounded, answered. Serves arrow 9.

Owns the addresses under /tablet/tests. Must not know SQL, HTML, or when a test has failed. The cards are whole without
JavaScript: their forms are sent as forms.

Whoever answers is logged in, as for taking an alarm: a test of the whole way is also one of whether somebody here can
take what comes, and a certificate without a name proves no person. Where nobody is logged in nobody could have taken an
alarm either, and the test says so.
"""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from nattevakt.central.chain import setup, steps, watch
from nattevakt.central.db import TenantSession
from nattevakt.central.people import sessions
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.tablet.rounds_page import Body
from nattevakt.central.tablet.web import PERSON_COOKIE, Problem, TabletRoute, answer, person_of, tablet_of
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import INT_MAX, list_of, text, whole

log = structlog.get_logger("nattevakt.tablet")
router = APIRouter(route_class=TabletRoute, include_in_schema=False)

PATH = "/tablet/tests"
_ids = list_of(whole)


@router.post(PATH)
def ask(request: Request, body: Body) -> Response:
    """A person asks for a test of one room of the ward, or of all of them."""
    state = request.app.state
    tablet, person = _who(request)
    number = text(body.get("room", ""), "room")
    now_ms = state.clock.now_ms()

    def make(s: TenantSession) -> steps.Asked:
        sessions.use(s, tablet.id, request.cookies[PERSON_COOKIE], state.clock.real_ms())
        there = [one for one in setup.of_wards(s, [tablet.ward_id], now_ms) if number in ("", one.number)]
        if not there:
            raise RejectError("room", "nobody lives there")
        return steps.ask(s, there, now_ms, tablet.tenant.time_zone, person.staff_id)

    asked = state.db.transact(tablet.tenant.id, make)
    log.info("chain_tests_asked", tests=len(asked.ids), refused=len(asked.refused), staff_id=person.staff_id)
    if not asked.ids:
        raise Problem(409, f"chain_test_{min(asked.refused.values())}")
    if body.get("form") is True:
        return RedirectResponse("/", 303)
    return answer({"tests": len(asked.ids), "refused": len(asked.refused)})


@router.post(PATH + "/shown")
def shown(request: Request, body: Body) -> Response:
    """A tablet confirms which tests are on its screen and which it has sounded; dated by the centre's own clock."""
    state = request.app.state
    tablet = tablet_of(request)
    seen, heard = (_ids(body.get(name, []), name) for name in ("shown", "sounded"))
    for number in (*seen, *heard):
        if abs(number) > INT_MAX:
            raise RejectError("shown", "no test has such a number")
    now_ms = state.clock.now_ms()
    state.db.transact(tablet.tenant.id, lambda s: steps.show(s, tablet.ward_id, seen, heard, now_ms))
    return answer({"shown": len(seen), "sounded": len(heard)})


@router.post(PATH + "/{test_id}/tap")
def tap(request: Request, test_id: int, body: Body) -> Response:
    """A person answers a test. Said again by anybody it changes nothing."""
    state = request.app.state
    tablet, person = _who(request)
    now_ms = state.clock.now_ms()

    def make(s: TenantSession) -> bool:
        sessions.use(s, tablet.id, request.cookies[PERSON_COOKIE], state.clock.real_ms())
        row = steps.by_id(s, test_id) if abs(test_id) <= INT_MAX else None
        if row is None or row.ward_id != tablet.ward_id:
            raise Problem(404, "chain_test_ended")
        if not steps.tap(s, test_id, tablet.ward_id, tablet.id, person.staff_id, now_ms):
            after = steps.by_id(s, test_id)
            if after is None or after.state != "done":
                raise Problem(409, "chain_test_ended")
            return True
        watch.passed(s, row, now_ms)
        return False

    repeated = state.db.transact(tablet.tenant.id, make)
    log.info("chain_test_tapped", test_id=test_id, staff_id=person.staff_id, tablet_id=tablet.id, repeated=repeated)
    if body.get("form") is True:
        return RedirectResponse("/", 303)
    return answer({"id": test_id, "state": "done", "repeated": repeated})


def _who(request: Request) -> tuple[Tablet, Person]:
    tablet = tablet_of(request)
    person = person_of(request, tablet)
    if person is None:
        raise Problem(401, "person_needed")
    return tablet, person
