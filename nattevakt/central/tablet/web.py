"""What every tablet route shares: who asks, whether the request is ours, and how a refusal is said. Serves arrow 9.

Owns cookies, the guard against foreign sites, security headers and problem bodies. Must not know what a route does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import structlog
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from nattevakt.central.alarms.lifecycle import IllegalMove
from nattevakt.central.alarms.requests import SomeoneFirst, UnknownAlarm
from nattevakt.central.db import TenantSession
from nattevakt.central.people import sessions, tablets
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.people.tokens import TabletCookie
from nattevakt.central.tablet import held, sentences
from nattevakt.central.tablet.i18n import Words, choose, words
from nattevakt.central.tablet.pages import CSP, SCHEMES
from nattevakt.edge.errors import NattevaktError, RejectError, RetryError
from nattevakt.edge.strict import load_json, text

log = structlog.get_logger("nattevakt.tablet")

TABLET_COOKIE = "__Host-tablet"
PERSON_COOKIE = "__Host-person"
TABLET_COOKIE_S = 90 * 24 * 3600
BODY_BYTES_MAX = 32_000
RETRY_AFTER_S = 1


class Problem(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """A request that is answered with a refusal. code: a key of `sentences.ERRORS`."""

    def __init__(self, status: int, code: str, *, field: str = "", retry_after_s: int = 0) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.field = field
        self.retry_after_s = retry_after_s


def words_of(request: Request) -> Words:
    """The language that this request wants."""
    return words(choose(request.cookies.get("lang"), request.headers.get("accept-language", "")))


def scheme_of(request: Request) -> str:
    """Dark unless light was chosen on this tablet."""
    scheme = request.cookies.get("scheme", "")
    return scheme if scheme in SCHEMES else SCHEMES[0]


def tablet_of(request: Request) -> Tablet:
    """The enrolled tablet that asks; raises a 401 problem for any other."""
    found = tablets.authenticate(request.app.state.db, request.cookies.get(TABLET_COOKIE, ""))
    if found is None:
        raise Problem(401, "tablet_needed")
    return found


def person_of(request: Request, tablet: Tablet) -> Person | None:
    """Who is logged in on this tablet and awake, if anybody."""
    secret = request.cookies.get(PERSON_COOKIE)
    if not secret:
        return None
    with request.app.state.db.read(tablet.tenant.id) as s:
        return sessions.find(s, tablet.id, tablet.ward_id, secret, request.app.state.clock.real_ms())


@contextmanager
def asked_by(request: Request) -> Iterator[tuple[TenantSession, Tablet, Person | None]]:
    """One reading transaction, and who asks as it sees them: the tablet, and the person on it if anybody.

    For the one request that an alarm waits for; raises as `tablet_of` does.
    """
    state = request.app.state
    cookie = TabletCookie.parse(request.cookies.get(TABLET_COOKIE, ""))
    tenant = state.db.tenant(cookie.tenant_key) if cookie else None
    if cookie is None or tenant is None:
        raise Problem(401, "tablet_needed")
    with state.db.read(tenant.id) as s:
        tablet = tablets.proved(s, tenant, cookie)
        if tablet is None:
            raise Problem(401, "tablet_needed")
        secret = request.cookies.get(PERSON_COOKIE)
        real_ms = state.clock.real_ms()
        yield s, tablet, sessions.find(s, tablet.id, tablet.ward_id, secret, real_ms) if secret else None


def set_cookie(response: Response, name: str, value: str, max_age_s: int) -> None:
    """A cookie that scripts cannot read and other sites cannot use. No age ends it."""
    response.set_cookie(name, value, max_age=max_age_s, path="/", secure=True, httponly=True, samesite="strict")


async def json_body(request: Request) -> dict[str, object]:
    """The JSON object of a POST from our own page; anything else is refused before it is looked at."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "cross_site")
    if _media_type(request) != "application/json":
        raise Problem(415, "bad_request", field="content-type")
    return load_json(await _body_of(request), "body")


def note_of(body: Mapping[str, object]) -> str:
    """What somebody has written in a field for a note, in one line: Enter is a key of its keyboard too."""
    found = body.get("note", "")
    return text(" ".join(found.split()) if isinstance(found, str) else found, "note")


def sends_form(request: Request) -> bool:
    """Whether the body says that it is a form."""
    return _media_type(request) == "application/x-www-form-urlencoded"


async def form_body(request: Request, fields_max: int) -> list[tuple[str, str]]:
    """The fields of a form of our own page, in their order; anything else is refused before it is looked at.

    A form needs no permission to cross sites: without the browser's own word that it did not, it is refused.
    """
    if not sends_form(request):
        raise Problem(415, "bad_request", field="content-type")
    if request.headers.get("sec-fetch-site") != "same-origin":
        raise Problem(403, "cross_site")
    body = await _body_of(request)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=fields_max)
    except ValueError as error:
        raise RejectError("body", "is no form") from error


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise Problem(413, "bad_request", field="body")
    return bytes(body)


def secured(response: Response) -> Response:
    """The headers that every answer to a tablet carries."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CSP)
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), screen-wake-lock=(self)"
    return response


class RefusingRoute(APIRoute):
    """A route that says what it refuses in its own way; every answer carries the headers of our pages."""

    def refusal(self, request: Request, error: NattevaktError) -> Response:
        """What is answered instead; an error that is no refusal is raised again."""
        raise NotImplementedError

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler with refusals turned into answers."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return secured(await handle(request))
            except NattevaktError as error:
                return secured(self.refusal(request, error))

        return answered


class TabletRoute(RefusingRoute):
    """A route whose refusals are problem bodies in the reader's language."""

    def refusal(self, request: Request, error: NattevaktError) -> Response:
        """A problem body."""
        return _refusal(error, words_of(request))


def _refusal(error: NattevaktError, told: Words) -> Response:
    message = ""
    values: Mapping[str, object] = {}
    extra: dict[str, object] = {}
    match error:
        case Problem():
            problem = error
        case SomeoneFirst():
            problem = Problem(409, "someone_first")
            values = {"name": error.name}
            extra = {"taken_by": {"name": error.name, "initials": error.initials}}
        case IllegalMove():
            problem = Problem(409, "illegal_move", field=error.field)
            message = held.refused(told, error.state)
        case UnknownAlarm():
            problem = Problem(404, "unknown_alarm")
        case RejectError():
            problem = Problem(422, "bad_request", field=error.field)
        case RetryError():
            problem = Problem(503, "database_away", retry_after_s=RETRY_AFTER_S)
        case _:
            raise error
    log.info("refused", status=problem.status, error=problem.code, field=problem.field)
    body: dict[str, object] = {
        "error": problem.code,
        "message": message or told(sentences.ERRORS[problem.code], values),
        **extra,
    }
    if problem.field:
        body["field"] = problem.field
    headers = {"Retry-After": str(problem.retry_after_s)} if problem.retry_after_s else None
    return Response(json.dumps(body, ensure_ascii=False), problem.status, headers, "application/json")


def answer(body: Mapping[str, object]) -> JSONResponse:
    """A plain JSON answer."""
    return JSONResponse(dict(body))
