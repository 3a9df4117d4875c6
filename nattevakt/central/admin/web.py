"""What the pages and the API of a ward's lead share: forms, the guard against other sites, refusals. Serves arrow 9.

Owns how a form is read and how a refusal is said, as a page and as a problem body. Must not know what is refused.

A form is taken only where the browser says itself that it comes from a page of ours, as a tablet's own forms are; and
the cookies that say who asks are never sent from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from nattevakt.central.admin import pages, problem_words
from nattevakt.central.admin.acts import Busy
from nattevakt.central.notify.routing import RoutingError
from nattevakt.central.people.duties import DutyError
from nattevakt.central.places.plan_lines import PlanError
from nattevakt.central.places.plans import StalePlan
from nattevakt.central.rounds.limits import BOUNDS
from nattevakt.central.tablet.i18n import Words
from nattevakt.central.tablet.web import Problem, RefusingRoute, form_body, scheme_of, words_of
from nattevakt.edge.errors import NattevaktError, RejectError, RetryError

log = structlog.get_logger("nattevakt.admin")

FIELDS_MAX = 3_000
RETRY_AFTER_S = 2


class Stale(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """Somebody has changed the plan meanwhile. name, at_ms: who and when; version: the one that holds."""

    def __init__(self, version: int, name: str, at_ms: int, at: str) -> None:
        super().__init__(f"version {version} holds")
        self.version, self.name, self.at_ms, self.at = version, name, at_ms, at


class Form(Sequence[tuple[str, str]]):
    """What a form of ours holds, in its order."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)

    def __getitem__(self, index: Any) -> Any:
        return self.pairs[index]

    def __len__(self) -> int:
        return len(self.pairs)

    def get(self, name: str, default: str = "") -> str:
        """The last value of a field."""
        return dict(self.pairs).get(name, default)


async def form_of(request: Request) -> Form:
    """The form that a page of ours sends; anything else is refused before it is looked at."""
    pairs = await form_body(request, FIELDS_MAX)
    for name, value in pairs:
        if any(sign < " " and sign not in "\r\n\t" for sign in name + value):
            raise RejectError(name[:40], "holds a control character")
    return Form(pairs)


class PageRoute(RefusingRoute):
    """A page whose refusals are pages."""

    def refusal(self, request: Request, error: NattevaktError) -> Response:
        """A page that says so."""
        return _refusal_page(request, error)


class ApiRoute(RefusingRoute):
    """A route whose refusals are problem bodies: error, field, reason for the caller, message for the reader."""

    def refusal(self, request: Request, error: NattevaktError) -> Response:
        """A problem body."""
        return _problem(words_of(request), error)


def _refusal_page(request: Request, error: NattevaktError) -> Response:
    words = words_of(request)
    status, body = _sorted(words, error)
    if body["error"] == "tablet_needed":
        return RedirectResponse("/tablet/enrol", 303)
    log.info("refused", status=status, error=body["error"])
    zone = ZoneInfo("Europe/Oslo")
    now_ms = request.app.state.clock.now_ms()
    html = pages.refusal(words, scheme_of(request), status, str(body["message"]), zone, now_ms)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    return HTMLResponse(html, status, headers)


def _problem(words: Words, error: NattevaktError) -> Response:
    status, body = _sorted(words, error)
    log.info("refused", status=status, error=body["error"], field=body.get("field", ""))
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    return Response(json.dumps(body, ensure_ascii=False), status, headers, "application/json")


def _sorted(words: Words, error: NattevaktError) -> tuple[int, dict[str, object]]:
    match error:
        case Problem():
            body = _body(words, error.code, error.field)
            return error.status, body
        case Stale():
            values = {"name": error.name, "at": error.at}
            body = _body(words, "stale", "expected_version", values)
            body |= {"version": error.version, "by": error.name, "at_ms": error.at_ms}
            return 409, {**body, "reason": f"version {error.version} holds: read the plan again, then send your change"}
        case StalePlan():
            body = _body(words, "stale", "expected_version")
            return 409, {**body, "reason": f"version {error.version} holds: read the plan again, then send your change"}
        case Busy():
            return 503, _body(words, "busy", "")
        case RejectError():
            message = problem_words.refused(words, _area(error.field), error)
            code = error.code if isinstance(error, PlanError | DutyError | RoutingError) else "bad_request"
            return 422, {"error": code, "field": error.field, "reason": error.reason, "message": message}
        case RetryError():
            return 503, _body(words, "database_away", "")
        case _:
            raise error


def _area(field: str) -> str:
    if field in (*BOUNDS, "since_ms", "before_ms") or field.startswith("times"):
        return "rounds"
    if field in ("nights",):
        return "backtest"
    if field in ("to_ms", "rule", "reason", "pause_id"):
        return "pause"
    return "basis" if field in ("kind", "review_ms", "from_ms") or field.startswith("basis") else "plan"


def _body(words: Words, code: str, field: str, values: Mapping[str, object] | None = None) -> dict[str, object]:
    message = words(problem_words.ERRORS[code], values or {})
    return {"error": code, "field": field, "reason": code.replace("_", " "), "message": message}
