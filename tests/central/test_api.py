"""The gateways' two routes over HTTP: who may, how much, how many at once, and what each status says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from nattevakt.central import api_examples, credentials
from nattevakt.central.app import create_app
from nattevakt.central.columns import TENANT
from nattevakt.central.config import CentralConfig, DatabaseConfig, SweepConfig
from nattevakt.central.db import Database
from nattevakt.central.migrate import SchemaBehind
from nattevakt.central.tables import events, gateways
from nattevakt.edge.wire import ACCEPT_BYTES_MAX, CONTENT_TYPE, decode_batch, decode_heartbeat, encode_batch
from tests.central.house import BUTTON, S1, Clock, House, build, line, moment, press
from tests.support.loop import finish
from tests.support.postgres import Postgres
from tests.support.wait import until

Probe = Callable[[str, Mapping[str, object]], None]


def silent(_at: str, _data: Mapping[str, object]) -> None:
    """Nothing."""


class Service:
    """A running application, spoken to without a network."""

    def __init__(self, app: FastAPI, house: House) -> None:
        self.app = app
        self.house = house
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 1))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://centre")

    async def post(self, path: str, content: Any, **headers: str) -> httpx.Response:
        """One POST with the first gateway's key unless told otherwise."""
        sent = {"Authorization": f"Bearer {self.house.tokens[0]}", "Content-Type": CONTENT_TYPE}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(path, content=content, headers=sent)

    async def batch(self, seq: int = 1, **headers: str) -> httpx.Response:
        """One press."""
        return await self.post("/v1/batches", self.body(seq), **headers)

    def body(self, *seqs: int) -> bytes:
        """A batch of presses."""
        at = moment(self.house.clock.at_ms)
        return encode_batch(at, {S1: 1}, [line(S1, seq, press(), at) for seq in seqs])


@asynccontextmanager
async def serving(url: str, probe: Probe = silent) -> AsyncIterator[Service]:
    clock = Clock()
    config = CentralConfig(DatabaseConfig(url=url, pool_size=4), sweep=SweepConfig(interval_s=0.05))
    app = create_app(config, clock, probe)
    async with app.router.lifespan_context(app):
        service = Service(app, await asyncio.to_thread(build, app.state.db, clock))
        async with service.http:
            yield service


@pytest.fixture
def run(database_url: str) -> Callable[..., None]:
    """Run an async test against a service on this database."""

    def runner(work: Callable[[Service], Awaitable[None]], probe: Probe = silent) -> None:
        async def whole() -> None:
            async with serving(database_url, probe) as service:
                await work(service)

        finish(whole())

    return runner


Run = Callable[..., None]


def test_a_batch_is_stored_answered_and_seen_in_the_metrics(run: Run) -> None:
    async def work(service: Service) -> None:
        answer = await service.batch(Nattevakt_Lane="urgent")
        assert (answer.status_code, answer.json()["marks"]) == (200, {S1: 1})
        assert answer.json()["outcomes"] == [{"outcome": "stored", "reason": ""}]
        assert len(service.house.alarms("call")) == 1
        metrics = (await service.http.get("/metrics")).text
        assert 'nattevakt_batches_total{lane="urgent",status="200"}' in metrics
        assert "nattevakt_sweep_age_seconds" in metrics

    run(work)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_credentials(run: Run) -> None:
    async def work(service: Service) -> None:
        wrong = service.house.tokens[0][:-1] + ("A" if service.house.tokens[0][-1] != "A" else "B")
        for header in ("", "Basic x", "Bearer nv1.a.b", f"Bearer {wrong}", f"Bearer nv1.no.no.{'x' * 43}"):
            answer = await service.batch(Authorization=header)
            assert (answer.status_code, answer.json()["error"]) == (401, "credential")
        assert (await service.batch()).status_code == 200
        assert (await service.batch(Authorization=f"Bearer {wrong}")).status_code == 401
        with service.house.db.write(service.house.tenant.id) as s:
            s.execute(update(gateways).where(gateways.c.tenant_id == TENANT).values(revoked_ms=1))
        for _ in range(2):
            answer = await service.batch(2)
            assert (answer.status_code, answer.json()["error"]) == (403, "revoked")
        assert len(service.house.rows(events)) == 1

    run(work)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whoever_guesses_is_slowed_and_the_right_key_is_not(run: Run) -> None:
    async def work(service: Service) -> None:
        assert (await service.batch()).status_code == 200
        guess = f"Bearer nv1.furutun.gw1.{'x' * 43}"
        statuses = [(await service.batch(Authorization=guess)).status_code for _ in range(12)]
        assert statuses == [401] * credentials.FAILURES_MAX + [429] * 2
        assert (await service.batch(2)).status_code == 200
        service.house.clock.real_s += 61
        assert (await service.batch(Authorization=guess)).status_code == 401

    run(work)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_stranger_locks_a_gateway_out(run: Run) -> None:
    """Also not before its first request, when nothing is remembered of it: after a restart of the centre."""

    async def work(service: Service) -> None:
        guess = f"Bearer nv1.furutun.gw1.{'x' * 43}"
        for _ in range(credentials.FAILURES_MAX + 5):
            await service.batch(Authorization=guess)
        assert (await service.batch()).status_code == 200

    run(work)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_sender_that_goes_away_takes_no_permit_with_it(run: Run) -> None:
    async def work(service: Service) -> None:
        answers: list[Any] = []
        key = f"Bearer {service.house.tokens[0]}".encode()
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/batches",
            "query_string": b"",
            "headers": [(b"authorization", key), (b"content-type", CONTENT_TYPE.encode())],
        }

        async def gone() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            answers.append(message)

        await service.app(scope, gone, send)  # no fault of ours: nothing is raised
        assert answers[0]["status"] == 503
        assert (await service.batch()).status_code == 200

    run(work)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sizes_types_and_unreadable_bodies(run: Run) -> None:
    async def work(service: Service) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(ACCEPT_BYTES_MAX // 50_000 + 2):
                yield b"x" * 50_000

        assert (await service.post("/v1/batches", b"x" * (ACCEPT_BYTES_MAX + 1))).status_code == 413
        assert (await service.post("/v1/batches", endless())).status_code == 413
        assert (await service.batch(Content_Type="application/json")).status_code == 415
        answer = await service.post("/v1/batches", b'{"v":1}\n')
        assert (answer.status_code, answer.json()["field"]) == (422, "header.sent")
        assert (await service.post("/v1/batches", b"")).status_code == 422
        answer = await service.post("/v1/heartbeats", b"[]", Content_Type="application/json")
        assert (answer.status_code, answer.json()["field"]) == (422, "heartbeat")
        assert (await service.batch()).status_code == 200

    run(work)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_backlog_waits_for_its_permit_before_its_body_is_read_and_a_call_does_not(run: Run) -> None:
    async def work(service: Service) -> None:
        began, release, touched = asyncio.Event(), asyncio.Event(), []

        async def slow() -> AsyncIterator[bytes]:
            began.set()
            await release.wait()
            yield service.body(1)

        async def second() -> AsyncIterator[bytes]:
            touched.append(1)
            yield service.body(2)

        first = asyncio.create_task(service.post("/v1/batches", slow(), Nattevakt_Lane="backlog"))
        await began.wait()
        answer = await service.post("/v1/batches", second())
        assert (answer.status_code, answer.headers["Retry-After"], touched) == (429, "1", [])
        assert (await service.batch(3, Nattevakt_Lane="urgent")).status_code == 200
        release.set()
        assert (await first).status_code == 200
        assert (await service.batch(4)).status_code == 200

    run(work)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_fault_is_500_and_stores_nothing(run: Run) -> None:
    def broken(at: str, data: Mapping[str, object]) -> None:
        if at == "stored" and BUTTON in str(data["devices"]):
            raise ZeroDivisionError

    async def work(service: Service) -> None:
        answer = await service.batch()
        assert (answer.status_code, answer.json()["error"]) == (500, "fault")
        assert service.house.rows(events) == []

    run(work, broken)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_probe_passes_every_point_in_order(run: Run) -> None:
    seen: list[str] = []

    async def work(service: Service) -> None:
        assert (await service.batch()).status_code == 200
        assert seen == ["received", "decoded", "stored", "committed", "replied"]

    run(work, lambda at, _data: seen.append(at))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_busy_database_is_503_and_to_be_tried_again(run: Run) -> None:
    async def work(service: Service) -> None:
        assert (await service.batch()).status_code == 200
        blocker = Database(str(service.house.db.url))
        with blocker.write(service.house.tenant.id):
            answers = await asyncio.gather(
                service.batch(2), service.post("/v1/heartbeats", b"{}", Content_Type="application/json")
            )
        blocker.close()
        assert (answers[0].status_code, answers[0].json()["error"]) == (503, "try_again")
        assert answers[1].status_code == 422
        assert (await service.batch(2)).json()["outcomes"][0]["outcome"] == "stored"

    run(work)


def test_the_documented_examples_are_real(run: Run) -> None:
    async def work(service: Service) -> None:
        document = (await service.http.get("/v1/openapi.json")).json()
        for path, decode in (("/v1/batches", decode_batch), ("/v1/heartbeats", decode_heartbeat)):
            route = document["paths"][path]["post"]
            ((media_type, described),) = route["requestBody"]["content"].items()
            example = described["example"]
            body = example.encode() if isinstance(example, str) else json.dumps(example).encode()
            decode(body)
            answer = await service.post(path, body, Content_Type=media_type)
            assert answer.status_code == 200, answer.text
            assert set(route["responses"]["200"]["content"]["application/json"]["example"]) == set(answer.json())
        assert document["components"]["securitySchemes"] == api_examples.SECURITY_SCHEMES

    run(work)


def test_ready_means_that_the_sweep_takes_its_canaries(run: Run) -> None:
    async def work(service: Service) -> None:
        await asyncio.to_thread(until, lambda: asyncio.run(ready(service)) == 200, "ready")
        service.app.state.clock = Clock(service.house.clock.at_ms + 31_000)
        answer = await service.http.get("/readyz")
        assert (answer.status_code, answer.json()["what"]) == (503, "sweep")
        assert (await service.http.get("/healthz")).text == "ok\n"

    run(work)


async def ready(service: Service) -> int:
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://centre") as http:
        return (await http.get("/readyz")).status_code


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_answer_carries_the_security_headers(run: Run) -> None:
    async def work(service: Service) -> None:
        for path in ("/healthz", "/readyz", "/nothing", "/v1/openapi.json", "/"):
            headers = (await service.http.get(path)).headers
            assert "default-src" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert len(headers.get_list("content-security-policy")) == 1

    run(work)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_metrics_are_for_this_machine_or_for_who_knows_the_token(run: Run) -> None:
    async def work(service: Service) -> None:
        assert (await service.http.get("/metrics")).status_code == 200
        away = httpx.ASGITransport(service.app, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=away, base_url="http://centre") as http:
            assert (await http.get("/metrics")).status_code == 403
            service.app.state.metrics_token = "secret"
            assert (await http.get("/metrics", headers={"Authorization": "Bearer wrong"})).status_code == 403
            assert (await http.get("/metrics", headers={"Authorization": "Bearer secret"})).status_code == 200

    run(work)


def test_a_database_behind_stops_the_start_with_a_clear_message(postgres: Postgres) -> None:
    url = postgres.empty_database()

    async def start() -> None:
        async with serving(url):
            pass

    with pytest.raises(SchemaBehind):
        finish(start())


@pytest.mark.parametrize("ends", [True, False], ids=["until it ends", "but never for ever"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_backlog_waits_for_a_call_under_way(run: Run, ends: bool) -> None:
    async def work(service: Service) -> None:
        began, release, touched = asyncio.Event(), asyncio.Event(), []

        async def call() -> AsyncIterator[bytes]:
            began.set()
            await release.wait()
            yield service.body(1)

        async def backlog() -> AsyncIterator[bytes]:
            touched.append(1)
            yield service.body(2)

        urgent = asyncio.create_task(service.post("/v1/batches", call(), Nattevakt_Lane="urgent"))
        await began.wait()
        waiting = asyncio.create_task(service.post("/v1/batches", backlog()))
        async with asyncio.timeout(30):
            while not service.app.state.intake.permit.locked():
                await asyncio.sleep(0)
            for _ in range(100):
                await asyncio.sleep(0)
            assert touched == []
            if ends:
                release.set()
            assert (await waiting).status_code == 200
        assert touched == [1]
        release.set()
        assert (await urgent).status_code == 200

    run(work)
