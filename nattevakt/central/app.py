"""The service put together: factory, start and stop, health, metrics, last-resort error answers. Serves arrows 6 to 9.

Owns the order in which parts start and stop, and what an unexpected error looks like from outside. Must not know
what any route decides.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nattevakt.central import api, api_examples, device_lists, metrics, migrate, sweep
from nattevakt.central.admin import api as admin_api
from nattevakt.central.admin import routes as admin_routes
from nattevakt.central.clock import Clock
from nattevakt.central.config import CentralConfig, checked
from nattevakt.central.config_channels import Roads, make_roads
from nattevakt.central.credentials import Gatekeeper
from nattevakt.central.db import Database
from nattevakt.central.notify.dispatch import Dispatcher
from nattevakt.central.probe import Probe, silent
from nattevakt.central.supervision import RULES, Rule
from nattevakt.central.tablet import routes
from nattevakt.central.tablet.live import Hub
from nattevakt.central.tablet.sharing import Readings
from nattevakt.central.tablet.vitals import serving
from nattevakt.edge.errors import NattevaktError, RetryError
from nattevakt.edge.pace import stretched

_log = structlog.get_logger("nattevakt.app")
VERSION = "0.1.0"
SWITCH_S = 0.0005
"""How long a thread works on while another wants its turn. A call waits so long each time the database has answered it,
some fifteen times, while a batch is under way; Python's own 5 ms would be felt."""
NO_ROADS = Roads()
_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
)


def create_app(config: CentralConfig, clock: Clock, probe: Probe = silent, rules: tuple[Rule, ...] = RULES) -> FastAPI:
    """The whole centre as one ASGI application. Nothing is opened before its lifespan begins.

    Starting raises SchemaBehind where the database is of another version, or RetryError where it is away.
    """
    config = checked(config)
    app = FastAPI(
        title="Nattevakt",
        version=VERSION,
        lifespan=_lifespan(config, clock, rules),
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.state.config, app.state.clock, app.state.probe = config, clock, probe
    app.state.metrics_token = config.metrics_token
    app.add_middleware(_Headers)
    app.add_exception_handler(NattevaktError, _refused)
    app.add_exception_handler(Exception, _failed)
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    app.add_api_route("/readyz", _readyz, include_in_schema=False)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)
    app.include_router(api.router)
    app.include_router(routes.router)
    app.include_router(admin_routes.router)
    app.include_router(admin_api.router)
    _document(app)
    return app


def equip(app: FastAPI, db: Database, hub: Hub, rules: tuple[Rule, ...] = RULES, roads: Roads = NO_ROADS) -> None:
    """Give the routes what lives as long as the process does. On its event loop, before the first request."""
    state = app.state
    state.db, state.hub, state.roads, state.readings = db, hub, roads, Readings()
    state.intake = api.Intake(db, state.clock, state.probe, rules, Gatekeeper(db, state.clock))


def _lifespan(config: CentralConfig, clock: Clock, rules: tuple[Rule, ...]) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_S)
        await run_in_threadpool(migrate.make_ready, config.database_url)
        hub = Hub(clock, beat_s=config.tablet.heartbeat_s)
        db = Database(config.database_url, hub.publish, config.database.pool_size)
        roads = make_roads(config.sms, config.push, config.webhooks, clock.monotonic, secrets.token_bytes)
        equip(app, db, hub, rules, roads)
        sweeper = sweep.Sweeper(db, clock, config.sweep.interval_s)
        dispatcher = Dispatcher(db, clock, roads.all)
        try:
            await run_in_threadpool(db.warm)
            async with serving(hub, db, clock):
                sweeper.start()
                dispatcher.start()
                _log.info("ready", version=VERSION, database=db.url.get_backend_name())
                try:
                    yield
                finally:
                    await run_in_threadpool(sweeper.stop)
                    await run_in_threadpool(dispatcher.stop)
        finally:
            roads.close()
            db.close()
            _log.info("stopped")

    return lifespan


def _healthz() -> Response:
    """The process answers; says nothing about what it depends on."""
    return Response("ok\n", media_type="text/plain")


def _readyz(request: Request) -> Response:
    """Whether this process should be sent work: the database answers and the sweep takes its canaries."""
    state = request.app.state
    try:
        age_s = sweep.age_s(state.db, state.clock.now_ms())
    except RetryError as error:
        return _not_ready("database", str(error))
    if age_s is None:
        return _not_ready("sweep", "has never run")
    if age_s * 1000 > stretched(round(state.config.sweep.late_s * 1000), state.clock.pace()):
        return _not_ready("sweep", f"last ran {age_s:.0f} s ago")
    return Response(api_examples.dumps({"ready": True, "sweep_age_s": round(age_s, 1)}), media_type="application/json")


def _not_ready(what: str, why: str) -> Response:
    body = api_examples.dumps({"ready": False, "what": what, "why": why})
    return Response(body, 503, media_type="application/json")


def _metrics(request: Request) -> Response:
    """Prometheus' text format, for who may read it."""
    state = request.app.state
    peer = request.client.host if request.client is not None else ""
    if not metrics.may_read(peer, request.headers.get("authorization", ""), state.metrics_token):
        return Response("not for you\n", 403, media_type="text/plain")
    try:
        age_s = sweep.age_s(state.db, state.clock.now_ms())
        sweep.SWEEP_AGE.set(float("nan") if age_s is None else age_s)
        device_lists.measure(state.db, state.clock.now_ms())
    except RetryError:
        sweep.SWEEP_AGE.set(float("nan"))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _refused(_request: Request, error: Exception) -> Response:
    """An error that its route let pass, sorted by what the caller should do."""
    return api.refused(error) if isinstance(error, NattevaktError) else await _failed(_request, error)


async def _failed(request: Request, error: Exception) -> Response:
    """A fault of ours. What it was stands in the log, not in the answer."""
    _log.error("request_failed", path=request.url.path, error=type(error).__name__, exc_info=error)
    body = api_examples.dumps({"error": "fault", "field": "", "reason": "a fault in the centre"})
    return Response(body, 500, media_type="application/json")


class _Headers:
    """Adds the security headers that a route has not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(message)
            await send(message)

        await self.app(scope, receive, with_headers)


def _complete(message: MutableMapping[str, Any]) -> None:
    headers = list(message.get("headers", ()))
    there = {name.lower() for name, _ in headers}
    message["headers"] = [*headers, *(pair for pair in _HEADERS if pair[0] not in there)]


def _document(app: FastAPI) -> None:
    """The OpenAPI document, with the gateways' way to show their key."""
    made = app.openapi()
    made.setdefault("components", {})["securitySchemes"] = api_examples.SECURITY_SCHEMES
