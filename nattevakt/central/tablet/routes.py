"""The tablet's HTTP routes. Serves arrow 9.

Owns what each address does and answers. Must not know SQL, HTML or what a state may become. Routes that read or
write the database are plain functions, served from the thread pool; only the live stream stays on the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act, UnknownAlarm
from nattevakt.central.db import Database, TenantSession
from nattevakt.central.notify import outbox
from nattevakt.central.people import ratelimit, sessions, tablets
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.tablet import (
    assets,
    handover_routes,
    pages,
    person_routes,
    push_routes,
    rounds_page,
    tests_routes,
    views,
)
from nattevakt.central.tablet.i18n import Words
from nattevakt.central.tablet.live import EventStream
from nattevakt.central.tablet.views import BoardView
from nattevakt.central.tablet.vitals import sweep_late_s
from nattevakt.central.tablet.web import (
    PERSON_COOKIE,
    TABLET_COOKIE,
    TABLET_COOKIE_S,
    Problem,
    TabletRoute,
    answer,
    asked_by,
    json_body,
    note_of,
    person_of,
    scheme_of,
    secured,
    set_cookie,
    tablet_of,
    words_of,
)
from nattevakt.edge.errors import RejectError, RetryError
from nattevakt.edge.pace import stretched
from nattevakt.edge.strict import INT_MAX, list_of, number, record, text, whole

log = structlog.get_logger("nattevakt.tablet")
router = APIRouter(route_class=TabletRoute, include_in_schema=False)
router.include_router(rounds_page.router)
router.include_router(person_routes.router)
router.include_router(handover_routes.router)
router.include_router(push_routes.router)
router.include_router(tests_routes.router)

Body = Annotated[dict[str, object], Depends(json_body)]

STATE_OF = {
    "take": State.TAKEN,
    "on-way": State.ON_THE_WAY,
    "on-site": State.ON_SITE,
    "close": State.CLOSED,
    "decline": State.REJECTED,
    "transfer": State.TRANSFERRED,
}
LEASE_MS = 60_000
KEY_MIN, KEY_MAX = 8, 100
FOR_GOOD = "public, max-age=31536000, immutable"
PRESENCE_KEYS = ("audio", "heard", "visible", "wake_lock", "notifications", "build", "seq", "battery")

_code_tries = ratelimit.CodeTries()


@router.get("/")
@router.get(rounds_page.PATH)
def board(request: Request) -> Response:
    """The board, with the rooms or with the rounds beside the alarms; or the way to enrolment.

    Rounds are no page of their own: whoever walks one must hear the alarms.
    """
    told = words_of(request)
    try:
        tablet, view = _board(request, told)
        rounds = rounds_page.seen(request, told) if request.url.path == rounds_page.PATH else None
    except Problem:
        return RedirectResponse("/tablet/enrol", 303)
    except RetryError:
        return _offline(told, 503)
    zone = ZoneInfo(tablet.tenant.time_zone)
    state = request.app.state
    late_s = sweep_late_s(state.clock)
    page = HTMLResponse(
        pages.board_page(told, view, zone, scheme_of(request), state.hub.beat_s, late_s, state.clock.speed(), rounds)
    )
    set_cookie(page, TABLET_COOKIE, request.cookies[TABLET_COOKIE], TABLET_COOKIE_S)
    return page


@router.get("/tablet/snapshot")
def snapshot(request: Request) -> Response:
    """All that the board shows now; the truth that every push only hints at."""
    told = words_of(request)
    state = request.app.state
    tablet, view = _board(request, told)
    body = {
        "epoch": state.hub.epoch,
        "seq": view.seq,
        "now_ms": view.now_ms,
        "speed": state.clock.speed() or 1,
        "ward": {"name": view.ward_name},
        "person": {"name": view.person.name, "initials": view.person.initials} if view.person else None,
        "sweep_age_s": view.sweep_age_s,
        "sweep_late_s": sweep_late_s(state.clock),
        "alarms": [
            {
                "id": card.id,
                "version": card.version,
                "priority": card.priority,
                "state": card.state,
                "taken": card.taken,
                "sound_seq": card.sound_seq,
                "notice_id": card.notice_id,
                "html": pages.alarm_html(told, card),
            }
            for card in view.cards
        ],
        "rooms_html": pages.rooms_html(told, view),
        "rounds": {"due": view.rounds_due, "overdue": view.rounds_overdue},
        "tests": {
            "ids": [test.id for test in view.tests.cards],
            "html": pages.tests_html(told, view.tests),
            "last": view.tests.last,
        },
    }
    sent = [card.notice_id for card in view.cards if card.notice_id is not None and not card.notice_sent]
    lease_ms = stretched(LEASE_MS, state.clock.pace())
    after = BackgroundTask(_note_sent, state.db, tablet, sent, view.now_ms, lease_ms) if sent else None
    return JSONResponse(body, background=after)


def _board(request: Request, told: Words) -> tuple[Tablet, BoardView]:
    """The tablet that asks and its board; names are in it only where their reading could be logged."""
    state = request.app.state
    db, now_ms, readings = state.db, state.clock.now_ms(), state.readings
    with asked_by(request) as (s, tablet, person):
        what = (db, tablet.tenant.id, tablet.ward_id, told.lang, person.staff_id if person is not None else None)
        alone = readings.begin(what)
        if alone:
            try:
                view = views.board(s, tablet, person, told, now_ms)
            finally:
                readings.end(what)
    if not alone:
        common = readings.shared(what, lambda: _read(db, tablet, person, told, state.clock.now_ms()))
        with db.read(tablet.tenant.id) as s:
            view = views.addressed(s, tablet, person, common)
    if person is None or views.log_reading(state.db, tablet, person, view.cards, now_ms):
        return tablet, view
    log.warning("reading_not_logged", tablet_id=tablet.id)
    with state.db.read(tablet.tenant.id) as s:
        return tablet, views.board(s, tablet, None, told, now_ms)


def _read(db: Database, tablet: Tablet, person: Person | None, told: Words, now_ms: int) -> BoardView:
    with db.read(tablet.tenant.id) as s:
        return views.of_ward(s, tablet, person, told, now_ms)


def _note_sent(db: Database, tablet: Tablet, ids: list[int], now_ms: int, lease_ms: int) -> None:
    """Written down only now, after the answer has gone out; what the tablet confirms later says more."""

    def note(s: TenantSession) -> None:
        outbox.lease(s, tablet.id, now_ms, lease_ms)
        outbox.mark_sent(s, tablet.id, ids, now_ms)

    try:
        # The tablet may confirm the same rows meanwhile, in another order.
        db.transact(tablet.tenant.id, note)
    except RetryError as error:
        log.warning("sent_not_noted", tablet_id=tablet.id, error=str(error))


@router.get("/tablet/events")
async def events(request: Request) -> Response:
    """The live stream of one page."""
    tablet = await run_in_threadpool(tablet_of, request)
    return EventStream(request.app.state.hub, tablet.tenant.id, tablet.id)


@router.get("/tablet/enrol")
def enrol_form(request: Request) -> Response:
    """The page that asks for a one-time code."""
    state = request.app.state
    clock = state.clock
    at = (state.hub.beat_s, clock.now_ms(), clock.speed())
    return HTMLResponse(pages.enrol_page(words_of(request), scheme_of(request), *at))


@router.post("/tablet/enrol")
def enrol(request: Request, body: Body) -> Response:
    """Make this browser a tablet of the ward that the code was made for."""
    state = request.app.state
    caller = request.client.host if request.client else ""
    now = state.clock.monotonic()
    if wait_s := _code_tries.wait_s(caller, now):
        raise Problem(429, "wait", retry_after_s=wait_s)
    cookie = tablets.redeem(state.db, text(body.get("code"), "code"), state.clock.real_ms())
    if cookie is None:
        _code_tries.failed(caller, now)
        raise Problem(403, "code_wrong", field="code")
    log.info("tablet_enrolled", tenant=cookie.tenant_key, tablet_id=cookie.tablet_id)
    done = answer({"tablet": cookie.tablet_id})
    set_cookie(done, TABLET_COOKIE, cookie.text(), TABLET_COOKIE_S)
    return done


@router.post("/tablet/alarms/{alarm_id}/{act}")
def act_on(request: Request, alarm_id: int, act: str, body: Body) -> Response:
    """One person's move on one alarm, at most once for each idempotency key; `promise_min` says when they come,
    `reason` why they decline it, `ward` to whom they pass it on."""
    state = request.app.state
    tablet = tablet_of(request)
    if act not in STATE_OF:
        raise Problem(422, "not_here", field="act")
    if abs(alarm_id) > INT_MAX:
        raise UnknownAlarm("no alarm has such a number")
    key = text(request.headers.get("idempotency-key"), "idempotency-key")
    if not KEY_MIN <= len(key) <= KEY_MAX:
        raise RejectError("idempotency-key", f"must be {KEY_MIN} to {KEY_MAX} characters")
    person = _needed(request, tablet)
    cause, action, reason, ward = (text(body.get(name, ""), name) for name in ("cause", "action", "reason", "ward"))
    note = note_of(body)
    promise_min = whole(body["promise_min"], "promise_min") if body.get("promise_min") is not None else None
    wish = Act(alarm_id, STATE_OF[act], person.staff_id, tablet.id, key, cause, action, note, promise_min, reason, ward)
    now_ms, pace = state.clock.now_ms(), state.clock.pace()
    limit_ms = state.config.alarms.taken_limit_min * 60_000

    def make(s: TenantSession) -> register.Acted:
        if not register.rings_in(s, alarm_id, tablet.ward_id):
            raise UnknownAlarm(f"alarm {alarm_id}")
        sessions.use(s, tablet.id, request.cookies[PERSON_COOKIE], state.clock.real_ms())
        return register.act(s, wish, now_ms, limit_ms, pace)

    acted = state.db.transact(tablet.tenant.id, make)
    log.info("acted", alarm_id=alarm_id, act=act, staff_id=person.staff_id, tablet_id=tablet.id)
    return answer(
        {"id": acted.alarm_id, "version": acted.version, "state": acted.state.value, "repeated": acted.repeated}
    )


def _needed(request: Request, tablet: Tablet) -> Person:
    person = person_of(request, tablet)
    if person is None:
        raise Problem(401, "person_needed")
    return person


@router.post("/tablet/presence")
def presence(request: Request, body: Body) -> Response:
    """A tablet says that it is there, and whether it can be seen and heard."""
    state = request.app.state
    tablet = tablet_of(request)
    now_ms = state.clock.now_ms()
    told = {key: _plain(body[key], key) for key in PRESENCE_KEYS if body.get(key) is not None}
    with state.db.write(tablet.tenant.id) as s:
        tablets.note_presence(s, tablet.id, told, now_ms)
        if body.get("used") is True and (secret := request.cookies.get(PERSON_COOKIE)):
            sessions.use(s, tablet.id, secret, state.clock.real_ms())
    return answer({})


def _plain(value: object, field: str) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        number(value, field)
        return value
    return text(value, field)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a tablet has done with one notice. shown_ms: when by its clock, kept for nothing but its presence."""

    id: int
    shown_ms: int | None = None
    sounded: bool = False


_receipts = list_of(record(Receipt))


@router.post("/tablet/shown")
def shown(request: Request, body: Body) -> Response:
    """A tablet confirms what is on its screen and what it has sounded; dated by the centre's own clock."""
    state = request.app.state
    tablet = tablet_of(request)
    now_ms = state.clock.now_ms()
    receipts: tuple[Receipt, ...] = _receipts(body.get("notices"), "notices")
    shown_ids = [receipt.id for receipt in receipts if receipt.shown_ms is not None]
    sounded_ids = [receipt.id for receipt in receipts if receipt.sounded]

    def note(s: TenantSession) -> None:
        if shown_ids:
            outbox.mark_shown(s, tablet.id, shown_ids, now_ms)
        if sounded_ids:
            outbox.mark_sounded(s, tablet.id, sounded_ids, now_ms)

    state.db.transact(tablet.tenant.id, note)
    return answer({"shown": len(shown_ids), "sounded": len(sounded_ids)})


@router.get("/tablet/offline")
def offline(request: Request) -> Response:
    """The page for when the centre does not answer; fetched once and kept by the service worker."""
    return _offline(words_of(request), 200)


def _offline(told: Words, status: int) -> Response:
    html, policy = pages.offline_page(told)
    return HTMLResponse(html, status, headers={"Content-Security-Policy": policy})


@router.get("/sw.js")
def service_worker() -> Response:
    """The service worker; never from a cache, so that a faulty one can be replaced."""
    found = assets.load()
    source = found.files["sw.js"].body.decode().replace("{{build}}", found.build)
    return Response(source, headers={"Cache-Control": "no-cache"}, media_type=assets.TYPES[".js"])


@router.get("/static/{build}/{path:path}")
def static(build: str, path: str) -> Response:
    """One static file. An old page may still ask for an old build; it gets what there is now, unkept."""
    found = assets.load()
    asset = found.files.get(path)
    if asset is None:
        return secured(Response(status_code=404))
    headers = {"Cache-Control": FOR_GOOD if build == found.build else "no-cache"}
    return Response(asset.body, headers=headers, media_type=asset.media_type)
