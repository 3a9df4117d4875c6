"""The API of who leads a ward: the same as the pages, for programs. Serves arrow 9.

Owns the addresses under /v1/admin and their answers. Must not know SQL, HTML, or what a plan may be. Who asks proves it
as on the pages, with the cookies of an enrolled tablet and of the person logged in on it. Names are never in an answer
without an entry in the access log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import APIRouter, Depends, Request, Response

from nattevakt.central import alarm_health
from nattevakt.central.admin import (
    acts,
    api_answers,
    chain_api,
    channels_routes,
    duty_api,
    moments,
    plan_doubts,
    round_counts,
    story_api,
)
from nattevakt.central.admin.acts import Ground
from nattevakt.central.admin.api_bodies import (
    EmptyBody,
    LimitsBody,
    PauseBody,
    PlanBody,
    StartBody,
    TimesBody,
    TrialBody,
    WhyBody,
    read,
)
from nattevakt.central.admin.api_told import told as _told
from nattevakt.central.admin.web import ApiRoute, Stale
from nattevakt.central.admin.who import Lead, Resident, Ward, lead_of, note_reading, resident_of, residents_of, ward_of
from nattevakt.central.db import TenantSession
from nattevakt.central.findings import recent
from nattevakt.central.places import plans
from nattevakt.central.places.off_list import off_now
from nattevakt.central.places.plans import StalePlan
from nattevakt.central.rounds import limits, times
from nattevakt.central.tablet.web import answer, json_body
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import INT_MAX

log = structlog.get_logger("nattevakt.admin")
router = APIRouter(prefix="/v1/admin", route_class=ApiRoute, tags=["admin"])

T = TypeVar("T")
Body = Annotated[dict[str, object], Depends(json_body)]
ONE = "/residents/{resident_id}"
WARD = "/wards/{ward_id}/rounds"
router.include_router(story_api.router)
router.include_router(chain_api.router)
router.include_router(duty_api.router)
router.include_router(channels_routes.api_router)


@router.get("/templates", **_told())
def templates(request: Request) -> Response:
    """Plans to begin from, and the rules with their settings."""
    return answer(api_answers.choices(lead_of(request)))


@router.get("/residents", **_told())
def residents(request: Request) -> Response:
    """Who lives on the lead's wards, and how their plans stand."""
    lead = lead_of(request)
    with _db(request).read(lead.tablet.tenant.id) as s:
        found = residents_of(s, lead)
        body = api_answers.residents(s, lead, found)
    note_reading(request, lead, "plans", (one.id for one in found))
    return answer({"residents": body})


@router.get(ONE + "/plan", **_told())
def plan(request: Request, resident_id: int) -> Response:
    """The plan that holds, its basis and its pauses."""
    return _seen(request, resident_id, lambda s, lead, one: api_answers.plan(s, lead, one))


@router.put(ONE + "/plan", **_told(PlanBody))
def put_plan(request: Request, resident_id: int, body: Body) -> Response:
    """Save a new version of the plan. A plan with lines needs a valid basis, or gets one with it."""
    wish = read(PlanBody, body).wish

    def save(s: TenantSession, lead: Lead, one: Resident) -> dict[str, object]:
        saved = _version(acts.save_plan(s, lead, one, wish))
        doubts = plan_doubts.found(s, lead, one, [line.rule for line in wish.lines])
        return {**saved, "warnings": [asdict(doubt) for doubt in doubts]}

    return _done(request, resident_id, "plan", save)


@router.get(ONE + "/history", **_told())
def history(request: Request, resident_id: int) -> Response:
    """All versions: who, when, what and why."""
    return _seen(request, resident_id, lambda s, _lead, one: api_answers.history(s, one))


@router.post(ONE + "/plan/startup", **_told(StartBody))
def startup(request: Request, resident_id: int, body: Body) -> Response:
    """Begin, prolong or end the start-up period, in which alarms are marked."""
    to_ms = read(StartBody, body).startup_to_ms
    return _done(request, resident_id, "startup", lambda s, lead, one: _version(acts.start(s, lead, one, to_ms)))


@router.post(ONE + "/plan/end", **_told(WhyBody))
def end_plan(request: Request, resident_id: int, body: Body) -> Response:
    """End service."""
    why = read(WhyBody, body).why
    return _done(request, resident_id, "end", lambda s, lead, one: _version(acts.end_plan(s, lead, one, why)))


@router.get(ONE + "/bases", **_told())
def bases(request: Request, resident_id: int) -> Response:
    """All legal bases, the newest first."""
    return _seen(request, resident_id, lambda s, _lead, one: api_answers.bases_of(s, one))


@router.post(ONE + "/bases", **_told(Ground))
def give_basis(request: Request, resident_id: int, body: Body) -> Response:
    """Write down a legal basis; it takes the place of the one of before."""
    ground = read(Ground, body)
    return _done(request, resident_id, "basis", lambda s, lead, one: {"id": acts.give_ground(s, lead, one, ground)})


@router.post(ONE + "/bases/end", **_told(EmptyBody))
def end_basis(request: Request, resident_id: int, body: Body) -> Response:
    """Take the basis back: the plan's rules ring no more, at once."""
    read(EmptyBody, body)
    return _done(request, resident_id, "basis_end", lambda s, lead, one: {"ended": acts.end_ground(s, lead, one)})


@router.post(ONE + "/pauses", **_told(PauseBody))
def begin_pause(request: Request, resident_id: int, body: Body) -> Response:
    """Hold the plan or one rule back, until the next change of shift at most."""
    found = read(PauseBody, body)
    wanted = (found.rule, found.to_ms, found.reason)
    return _done(request, resident_id, "pause", lambda s, lead, one: {"id": acts.pause(s, lead, one, *wanted)})


@router.post(ONE + "/pauses/{pause_id}/end", **_told(EmptyBody))
def end_pause(request: Request, resident_id: int, pause_id: int, body: Body) -> Response:
    """End a pause before its time."""
    read(EmptyBody, body)
    number = pause_id if abs(pause_id) <= INT_MAX else 0
    return _done(
        request, resident_id, "pause_end", lambda s, lead, one: {"ended": acts.end_pause(s, lead, one, number)}
    )


@router.post(ONE + "/backtest", **_told(TrialBody))
def backtest(request: Request, resident_id: int, body: Body) -> Response:
    """What these lines would have done on past nights, beside what really happened; nothing is saved."""
    wish = read(TrialBody, body)
    lead, one = _asked(request, resident_id)
    return answer(api_answers.trial(acts.try_plan(_db(request), lead, one, wish.lines, wish.nights)))


@router.get(ONE + "/suggestion", **_told())
def suggestion(request: Request, resident_id: int) -> Response:
    """The change of one limit that would have helped on past nights, with its simulated effect."""
    lead, one = _asked(request, resident_id)
    found = acts.suggested(_db(request), lead, one)
    return answer({"suggestion": asdict(found) if found is not None else None})


@router.get("/off", **_told())
def off(request: Request) -> Response:
    """Everything that is switched off, paused, without a basis or silent now."""
    lead = lead_of(request)
    with _db(request).read(lead.tablet.tenant.id) as s:
        found = [one for one in off_now(s, lead.now_ms) if one.ward_id in lead.wards]
    body = [{**asdict(one), "params": dict(one.params)} for one in found]
    return answer({"off": body})


@router.get("/alarm-health", **_told())
def health(request: Request, weeks: int = 4) -> Response:
    """Alarms by week, ward and resident: how many, of use, repeated, and nights disturbed."""
    lead = lead_of(request)
    with _db(request).read(lead.tablet.tenant.id) as s:
        mine = {one.id for one in residents_of(s, lead)}
        found = alarm_health.week(s, lead.now_ms, weeks)
    rows = [one for one in found if one.ward_id in lead.wards and one.resident_id in (None, *mine)]
    return answer({"weeks": [api_answers.health(one) for one in rows]})


@router.get("/findings", **_told())
def findings(request: Request, days: int = 7) -> Response:
    """Sensors that somebody should see to by day, with the evidence."""
    lead = lead_of(request)
    if not 1 <= days <= api_answers.DAYS_MAX:
        raise RejectError("days", f"must be from 1 to {api_answers.DAYS_MAX}")
    with _db(request).read(lead.tablet.tenant.id) as s:
        found = recent(s, lead.now_ms, days, lead.zone.key)
    return answer({"findings": [one.as_json() for one in found if one.ward_id in (*lead.wards, None)]})


# --- rounds ---------------------------------------------------------------------------------------------------


@router.get(WARD, **_told())
def rounds(request: Request, ward_id: int) -> Response:
    """A ward's times of rounds, and how patient they are."""
    lead, ward = _ward(request, ward_id)
    with _db(request).read(lead.tablet.tenant.id) as s:
        return answer(api_answers.rounds(s, ward))


@router.put(WARD + "/times", **_told(TimesBody))
def put_times(request: Request, ward_id: int, body: Body) -> Response:
    """Give a ward its times, in place of those before. Turns of times that are no more are taken away."""
    wanted = read(TimesBody, body).plain
    return _set(request, ward_id, lambda s, lead, ward: times.set_ward(s, ward.id, wanted, lead.zone.key, lead.now_ms))


@router.put(WARD + "/limits", **_told(LimitsBody))
def put_limits(request: Request, ward_id: int, body: Body) -> Response:
    """Set how patient a ward's rounds are: all four numbers."""
    wanted = read(LimitsBody, body).limits
    return _set(request, ward_id, lambda s, _lead, ward: limits.set_limits(s, ward.id, wanted))


@router.get(WARD + "/counts", **_told())
def counts(request: Request, ward_id: int, since_ms: int | None = None, before_ms: int | None = None) -> Response:
    """What became of a ward's turns: digital, physical, uncertain, missed. The last 14 nights where no period is."""
    lead, ward = _ward(request, ward_id)
    period = round_counts.period(lead.now_ms, lead.zone, since_ms, before_ms)
    with _db(request).read(lead.tablet.tenant.id) as s:
        return answer(round_counts.plain(s, period, ward_id=ward.id))


@router.get(ONE + "/rounds", **_told())
def rounds_of(request: Request, resident_id: int) -> Response:
    """A resident's own times, and those of the ward, which hold where there are none."""
    return _seen(request, resident_id, lambda s, _lead, one: api_answers.rounds_of(s, one))


@router.put(ONE + "/rounds", **_told(TimesBody))
def put_own_times(request: Request, resident_id: int, body: Body) -> Response:
    """Give a resident times of their own; with none they follow the ward's."""
    wanted = read(TimesBody, body).plain

    def save(s: TenantSession, lead: Lead, one: Resident) -> dict[str, object]:
        times.set_resident(s, one.id, wanted, lead.zone.key, lead.now_ms)
        return api_answers.rounds_of(s, one)

    return _done(request, resident_id, "rounds", save)


@router.get(ONE + "/rounds/counts", **_told())
def counts_of(
    request: Request, resident_id: int, since_ms: int | None = None, before_ms: int | None = None
) -> Response:
    """What became of a resident's turns. The last 14 nights where no period is given."""
    lead, one = _asked(request, resident_id)
    period = round_counts.period(lead.now_ms, lead.zone, since_ms, before_ms)
    with _db(request).read(lead.tablet.tenant.id) as s:
        return answer(round_counts.plain(s, period, resident_id=one.id))


def _ward(request: Request, ward_id: int) -> tuple[Lead, Ward]:
    lead = lead_of(request)
    with _db(request).read(lead.tablet.tenant.id) as s:
        return lead, ward_of(s, lead, ward_id)


def _set(request: Request, ward_id: int, act: Callable[[TenantSession, Lead, Ward], None]) -> Response:
    """Change a ward's rounds; answers with them as they are then."""
    lead, ward = _ward(request, ward_id)

    def work(s: TenantSession) -> dict[str, object]:
        act(s, lead, ward)
        return api_answers.rounds(s, ward)

    found = _db(request).transact(lead.tablet.tenant.id, work)
    log.info("supervision_changed", what="rounds", ward_id=ward.id, staff_id=lead.person.staff_id)
    return answer(found)


def _db(request: Request) -> Any:
    return request.app.state.db


def _version(found: plans.Plan) -> dict[str, object]:
    return {"version": found.version, "version_id": found.version_id}


def _asked(request: Request, resident_id: int) -> tuple[Lead, Resident]:
    lead = lead_of(request)
    with _db(request).read(lead.tablet.tenant.id) as s:
        one = resident_of(s, lead, resident_id)
    note_reading(request, lead, "plan", (one.id,))
    return lead, one


def _seen(
    request: Request, resident_id: int, look: Callable[[TenantSession, Lead, Resident], dict[str, object]]
) -> Response:
    lead, one = _asked(request, resident_id)
    with _db(request).read(lead.tablet.tenant.id) as s:
        return answer(look(s, lead, one))


def _done(
    request: Request, resident_id: int, what: str, act: Callable[[TenantSession, Lead, Resident], dict[str, object]]
) -> Response:
    lead, one = _asked(request, resident_id)
    try:
        found = _db(request).transact(lead.tablet.tenant.id, lambda s: act(s, lead, one))
    except StalePlan as error:
        with _db(request).read(lead.tablet.tenant.id) as s:
            newest = next(iter(plans.history(s, one.id)), None)
        if newest is None:
            raise
        raise Stale(newest.version, newest.by_name, newest.at_ms, moments.clock(newest.at_ms, lead.zone)) from error
    log.info("supervision_changed", what=what, resident_id=one.id, staff_id=lead.person.staff_id)
    return answer(found)
