"""Whatever the documents allow, and much that they do not, is answered without a fault of ours.

One real server on a socket. The document of the gateways' routes and of those of a ward's lead is the product's own;
the tablet's routes have none, so theirs stands here. Requests carry a gateway's key or a tablet's and a person's
cookies, so that they get past the door.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nattevakt.central import api_examples, migrate
from nattevakt.central.app import create_app
from nattevakt.central.config import CentralConfig, DatabaseConfig, SweepConfig
from nattevakt.central.people import staff, tablets
from nattevakt.edge.wire import CONTENT_TYPE
from tests.central.house import Clock, build, press
from tests.support.people import HttpTablet
from tests.support.wait import until

PIN = "481652"
EXAMPLES = settings(max_examples=20, suppress_health_check=list(HealthCheck))
MUTATED = settings(max_examples=300, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True, slots=True)
class Centre:
    """A running centre with one open alarm, a gateway's key and a tablet with a person at it."""

    url: str
    token: str
    cookie: str


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """The whole service, served by a thread of this process."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    url = f"sqlite:///{folder / 'central.sqlite'}"
    migrate.upgrade(url)
    clock = Clock()
    app = create_app(CentralConfig(DatabaseConfig(url=url), sweep=SweepConfig(interval_s=0.05)), clock)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the server listens")
        port = server.servers[0].sockets[0].getsockname()[1]
        house = build(app.state.db, clock)
        house.gate.tell(1, press())
        with house.db.write(house.tenant.id) as s:
            staff.set_pin(s, "kari", PIN)
            code = tablets.new_code(s, "a", "Nettbrett", clock.at_ms)
        tablet = HttpTablet(port, code)
        until(lambda: tablet.call("GET", "/readyz").status == 200, "the sweep has run")
        tablet.log_in("kari", PIN)
        cookie = "; ".join(f"{name}={value}" for name, value in tablet.cookies.items())
        yield Centre(f"http://127.0.0.1:{port}", house.tokens[0], cookie)
    finally:
        server.should_exit = True
        thread.join(30)


# --- what the documents allow -----------------------------------------------------------------------------------


def _body(**properties: object) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _post(body: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "post": {"parameters": list(parameters), "requestBody": body, "responses": {"default": {"description": ""}}}
    }


def _get(*parameters: dict[str, Any]) -> dict[str, Any]:
    return {"get": {"parameters": list(parameters), "responses": {"default": {"description": ""}}}}


def _in_path(name: str, **schema: object) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


_ANY: dict[str, Any] = {}
_TEXT = {"type": "string"}
_KEY = {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string", "minLength": 8}}
_RECEIPT = {"type": "object", "properties": {"id": {"type": "integer"}, "shown_ms": _ANY, "sounded": _ANY}}
_ACTS = ("take", "on-way", "on-site", "close")
_NAMED = ("/", "/tablet/snapshot", "/tablet/staff", "/tablet/enrol", "/tablet/offline", "/sw.js", "/healthz", "/readyz")
TABLET_PATHS: dict[str, Any] = {
    **{path: _get() for path in _NAMED},
    "/static/{build}/{path}": _get(_in_path("build", type="string"), _in_path("path", type="string")),
    "/tablet/alarms/{alarm}/{act}": _post(
        _body(cause=_TEXT, action=_TEXT, note=_TEXT),
        _in_path("alarm", type="integer"),
        _in_path("act", enum=[*_ACTS, "sing"]),
        _KEY,
    ),
    "/tablet/presence": _post(_body(audio=_ANY, visible=_ANY, seq=_ANY, battery=_ANY, used=_ANY, build=_TEXT)),
    "/tablet/shown": _post(_body(notices={"type": "array", "items": _RECEIPT})),
    "/tablet/person": _post(_body(staff={"enum": ["kari", "ingen"]}, pin=_TEXT)),
}
TABLET_PATHS["/tablet/enrol"] |= _post(_body(code=_TEXT))


schemathesis.serializer.alias(CONTENT_TYPE, "text/plain")
# Nothing is opened before the service starts, so its document can be had here.
documented_schema = schemathesis.openapi.from_dict(
    create_app(CentralConfig(DatabaseConfig(url="sqlite://")), Clock()).openapi()
)
tablet_schema = schemathesis.openapi.from_dict(
    {"openapi": "3.1.0", "info": {"title": "tablet", "version": "1"}, "paths": TABLET_PATHS}
)


@documented_schema.parametrize()
@EXAMPLES
def test_documented_routes_have_no_fault(centre: Centre, case: schemathesis.Case[Any]) -> None:
    """The gateways' and those of a ward's lead."""
    cookies = dict(part.split("=", 1) for part in centre.cookie.split("; "))
    for headers, known in (({"Authorization": f"Bearer {centre.token}"}, cookies), ({}, None)):
        answer = case.call(base_url=centre.url, headers=headers, cookies=known, timeout=30)
        assert answer.status_code < 500


@tablet_schema.parametrize()
@EXAMPLES
def test_tablet_routes_have_no_fault(centre: Centre, case: schemathesis.Case[Any]) -> None:
    for headers in ({"Cookie": centre.cookie}, {}):
        answer = case.call(base_url=centre.url, headers=headers, timeout=30, allow_redirects=False)
        assert answer.status_code < 500


# --- what they do not -------------------------------------------------------------------------------------------

HOSTILE: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 2**53, 2**63 - 1, 2**63, 10**30, 1.5, 1e308, "", "x", "æ" * 301, "\x00", "\ud800", [], {}, [[]]]
) | st.sampled_from(["call", "tombstone", "started", "source_lost", "A", "C", "L", "2" * 32])
_MOMENT: dict[str, Any] = {**api_examples.MOMENT}
DATA: dict[str, Any] = {
    "call": {"device": "test:button", "control": "press", "repeat_of": 1},
    "fall": {"device": "test:button", "certainty": "sure"},
    "contact": {"device": "test:door", "open": True},
    "health": {"device": "test:bed", "battery_percent": 5, "tamper": True, "linkquality": 3},
    "started": {"version": "1", "previous_stream": "2" * 32, "previous_last_seq": 9, "last_life": _MOMENT},
    "source_lost": {"source": "mqtt", "reason": "gone", "devices": ["test:door"]},
    "source_back": {"source": "mqtt", "lost": _MOMENT, "devices": ["test:door"]},
    "clock_synchronised": {},
    "tombstone": {
        "stream": "2" * 32,
        "first_seq": 1,
        "last_seq": 9,
        "lost_class": "A",
        "reason": "parked: x",
        "count": 9,
        "began": _MOMENT,
        "ended": _MOMENT,
        "devices": ["test:bed"],
    },
    "newer": {"device": "test:bed", "what": [1, {"deep": "x"}]},
}


def _line(kind: str) -> dict[str, Any]:
    urgency = "A" if kind in ("call", "fall", "newer") else "L" if kind in ("started", "tombstone") else "B"
    return {"stream": "3" * 32, "seq": 1, "kind": kind, "class": urgency, "at": _MOMENT, "data": DATA[kind]}


def _spots(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value that can be written to."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [spot for key, inner in list(pairs) for spot in ((value, key), *_spots(inner))]


def _spoil(draw: st.DrawFn, value: Any) -> Any:
    """The value with up to three things in it replaced by what should not be there."""
    spoiled = copy.deepcopy(value)
    for _ in range(draw(st.integers(0, 3))):
        spots = _spots(spoiled)
        holder, key = spots[draw(st.integers(0, len(spots) - 1))]
        holder[key] = copy.deepcopy(draw(HOSTILE))
    return spoiled


@st.composite
def batches(draw: st.DrawFn) -> bytes:
    """A batch of several kinds, with damage."""
    header = {"v": 1, "sent": _MOMENT, "firsts": {"3" * 32: 1}}
    if draw(st.booleans()):
        header = _spoil(draw, header)
    lines = [_line(kind) for kind in draw(st.lists(st.sampled_from(sorted(DATA)), min_size=1, max_size=4))]
    for line in lines:
        line["seq"] = draw(st.integers(1, 60))
    return "\n".join(json.dumps(entry) for entry in (header, *(_spoil(draw, line) for line in lines))).encode()


@st.composite
def heartbeats(draw: st.DrawFn) -> bytes:
    """A heartbeat with damage."""
    return json.dumps(_spoil(draw, {**api_examples.HEARTBEAT_EXAMPLE, "stream": "3" * 32})).encode()


@pytest.fixture(scope="module")
def http(centre: Centre) -> Iterator[httpx.Client]:
    """One kept connection with the gateway's key."""
    with httpx.Client(base_url=centre.url, headers={"Authorization": f"Bearer {centre.token}"}, timeout=30) as client:
        yield client


@given(body=batches())
@MUTATED
def test_damaged_batches_have_no_fault(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/batches", content=body, headers={"Content-Type": CONTENT_TYPE, "Nattevakt-Lane": "urgent"})
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 200:
        assert len(answer.json()["outcomes"]) == body.count(b"\n")


@given(body=heartbeats())
@MUTATED
def test_damaged_heartbeats_have_no_fault(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/heartbeats", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 422), answer.text
