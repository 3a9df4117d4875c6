"""A real server with the tablet's routes and a few orders for tests. Only tests start it.

The orders raise alarms in the same process, as ingest would, and set the age of the last sweep; nothing of this is in
the product.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy import update

from nattevakt.central.admin import api as admin_api
from nattevakt.central.admin import routes as admin_routes
from nattevakt.central.alarms import overdue
from nattevakt.central.clock import DemoClock, ServiceClock
from nattevakt.central.columns import TENANT
from nattevakt.central.config import CentralConfig
from nattevakt.central.config_channels import Roads
from nattevakt.central.notify.web import WebClient
from nattevakt.central.notify.webhook import Webhook
from nattevakt.central.sweep import cycle
from nattevakt.central.tables import alarms, sweep_runs, tablets
from nattevakt.central.tablet.live import Hub
from nattevakt.central.tablet.routes import router
from nattevakt.central.tablet.sharing import Readings
from nattevakt.central.tablet.vitals import serving
from tests.central.tablet.ward import chain, code, database, ring, seed, thin, turns

BEAT_S = 1.0
FRESH_MS = 3_600_000


def create(folder: Path, pace_file: str = "") -> FastAPI:
    """The application under test."""
    clock = DemoClock(Path(pace_file), folder) if pace_file else ServiceClock()
    hub = Hub(clock, beat_s=BEAT_S)
    db = database(folder, hub.publish)
    ward = seed(db, clock.now_ms())
    swept(db.write(ward.tenant), clock.now_ms() + FRESH_MS)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with serving(hub, db, clock):
            yield
        db.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.state.clock, app.state.db, app.state.hub, app.state.config = clock, db, hub, CentralConfig()
    app.state.readings = Readings()
    # Nothing is sent here: the pages only show that there is such a road.
    road = Webhook("vaktsentral", "https://vakt.example/", bytes(32), WebClient(clock.monotonic))
    app.state.roads = Roads((road,))
    app.include_router(router)
    app.include_router(admin_routes.router)
    app.include_router(admin_api.router)

    @app.post("/test/ring")
    def order_ring(wish: dict[str, object]) -> int:
        return ring(db, ward, clock.now_ms(), **wish)  # type: ignore[arg-type]

    @app.post("/test/turns")
    def order_turns(wish: dict[str, object]) -> dict[str, int]:
        numbers = tuple(str(number) for number in wish.pop("numbers"))  # type: ignore[attr-defined]
        return turns(db, ward, clock.now_ms(), numbers, **wish)

    @app.post("/test/thin")
    def order_thin(wish: dict[str, str]) -> None:
        thin(db, ward, clock.now_ms(), wish["number"])

    @app.post("/test/chain")
    def order_chain(wish: dict[str, object]) -> list[int]:
        return chain(db, ward, clock.now_ms(), [str(number) for number in wish["numbers"]])  # type: ignore[attr-defined]

    @app.post("/test/code")
    def order_code(wish: dict[str, str]) -> str:
        return code(db, ward, clock.real_ms(), wish.get("ward", "2etg"))

    @app.post("/test/sweep")
    def order_sweep(wish: dict[str, int]) -> None:
        swept(db.write(ward.tenant), clock.now_ms() - wish["age_ms"])

    @app.post("/test/overdue")
    def order_overdue(wish: dict[str, int]) -> None:
        with db.write(ward.tenant) as s:
            mine = (alarms.c.tenant_id == TENANT, alarms.c.id == wish["alarm"])
            s.execute(update(alarms).where(*mine), {"due_ms": clock.now_ms()})
            overdue.watch(s, wish["alarm"], clock.now_ms())
        cycle(db, next(one for one in db.tenants() if one.id == ward.tenant), clock.now_ms())

    @app.post("/test/revoke")
    def order_revoke() -> None:
        with db.write(ward.tenant) as s:
            s.execute(update(tablets).where(tablets.c.tenant_id == TENANT), {"revoked_ms": clock.now_ms()})

    return app


def swept(writing: object, at_ms: int) -> None:
    """Set when the sweep last ran."""
    with writing as s:  # type: ignore[attr-defined]
        s.execute(update(sweep_runs).where(sweep_runs.c.tenant_id == TENANT), {"at_ms": at_ms})


def serve(folder: Path, port: int, pace: tuple[str, ...], tell: Connection) -> None:
    """Serve until a signal ends it; the whole life of a process. Says its port first; logs to `log_of(folder)`."""
    log = os.open(log_of(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(128)
    tell.send(listening.getsockname()[1])
    tell.close()
    config = uvicorn.Config(
        create(folder, *pace),
        log_level="warning",
        timeout_graceful_shutdown=5,
        loop="uvloop",
        http="httptools",
    )
    uvicorn.Server(config).run(sockets=[listening])


def log_of(folder: Path) -> Path:
    """What a server in this folder writes."""
    return folder / "server.log"
