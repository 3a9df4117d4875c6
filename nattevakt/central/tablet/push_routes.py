"""A person's wish to be told by push on the browser that they use. Serves arrow 9.

Owns these addresses. Must not know SQL, or how a push is made. Only a person who is logged in may ask, for themselves;
and only an address of a known push service is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from nattevakt.central.notify import push_crypto, subscriptions
from nattevakt.central.notify.channel import serves
from nattevakt.central.notify.push import ENDPOINT_MAX, Push, checked_endpoint
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.tablet.web import Problem, TabletRoute, answer, json_body, person_of, tablet_of
from nattevakt.edge.errors import RejectError

router = APIRouter(route_class=TabletRoute, include_in_schema=False)

Body = Annotated[dict[str, object], Depends(json_body)]


@dataclass(frozen=True, slots=True)
class _Asker:
    tablet: Tablet
    person: Person
    push: Push


@router.get("/tablet/push/key")
def key(request: Request) -> Response:
    """What a browser needs to subscribe (`applicationServerKey`); null where this centre sends no push."""
    tablet = tablet_of(request)
    push = _push(request, tablet)
    return answer({"key": push_crypto.public_text(push.key) if push is not None else None})


@router.post("/tablet/push")
def subscribe(request: Request, body: Body) -> Response:
    """From now on the person is told on this browser too, while they are on duty."""
    asker = _asker(request)
    endpoint = checked_endpoint(_text(body, "endpoint"), asker.push.hosts)
    keys = body.get("keys")
    if not isinstance(keys, dict):
        raise RejectError("keys", "must be an object")
    p256dh, auth = _text(keys, "p256dh"), _text(keys, "auth")
    push_crypto.point("keys.p256dh", p256dh)
    push_crypto.decode("keys.auth", auth, push_crypto.AUTH_BYTES)
    state = request.app.state
    with state.db.write(asker.tablet.tenant.id) as s:
        subscriptions.subscribe(s, asker.person.staff_id, endpoint, p256dh, auth, state.clock.now_ms())
    return answer({})


@router.delete("/tablet/push")
def unsubscribe(request: Request, body: Body) -> Response:
    """The person is told on this browser no more."""
    asker = _asker(request)
    state = request.app.state
    with state.db.write(asker.tablet.tenant.id) as s:
        subscriptions.unsubscribe(s, asker.person.staff_id, _text(body, "endpoint"), state.clock.now_ms())
    return answer({})


def _asker(request: Request) -> _Asker:
    tablet = tablet_of(request)
    person = person_of(request, tablet)
    if person is None:
        raise Problem(401, "person_needed")
    push = _push(request, tablet)
    if push is None:
        raise RejectError("push", "is not set up here")
    return _Asker(tablet, person, push)


def _push(request: Request, tablet: Tablet) -> Push | None:
    push: Push | None = request.app.state.roads.push
    return push if push is not None and serves(push, tablet.tenant.key) else None


def _text(body: dict[str, object], name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str) or len(found) > ENDPOINT_MAX or not found.isascii() or not found.isprintable():
        raise RejectError(name, "must be text")
    return found
