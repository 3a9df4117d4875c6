"""The two routes that gateways speak to. Serves arrow 6.

Owns HTTP for gateways: who may, how much, how many at once, and which status says what. Must not know what is
done with a batch.

A permit for backlog is taken before the body is read, so that a storm of stored events costs live alarms
neither memory nor time; lane "urgent" never waits for one.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio.to_thread
import structlog
from anyio import CapacityLimiter
from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from nattevakt.central import api_examples, metrics
from nattevakt.central.clock import Clock
from nattevakt.central.credentials import Credential, Gatekeeper, TooManyFailures, parse
from nattevakt.central.db import Database
from nattevakt.central.heartbeat import beat
from nattevakt.central.ingest import Revoked, Sender, StaleCredential, receive
from nattevakt.central.probe import Probe, silent
from nattevakt.central.supervision import Rule
from nattevakt.edge.errors import NattevaktError, RejectError, RetryError
from nattevakt.edge.wire import ACCEPT_BYTES_MAX, CONTENT_TYPE, BatchReply, HeartbeatReply, encode_message

T = TypeVar("T")
_log = structlog.get_logger("nattevakt.api")
router = APIRouter(prefix="/v1", tags=["gateway"])

PERMIT_WAIT_S = 1.0
BACKLOGS = 2
"""How many backlog batches are under way at once on a database that has a server of its own."""
YIELD_S = 1.0
"""So long a backlog batch waits for urgent requests that are under way; never longer, so that it is never starved."""
CALM_S = 0.004
"""So long no urgent request has come before a backlog batch is begun: a sender that is behind with its calls sends the
next at once, and a batch begun in between would put every one of them off."""
BODY_WAIT_S = 10.0
"""How long a body may take to arrive; whoever is slower must not keep the permit from the others."""
URGENT = "urgent"
THREADS = 8


class Refusal(NattevaktError):  # noqa: N818 - named for what it says to the caller
    """A request that is answered with a status of its own."""

    def __init__(self, status: int, code: str, reason: str, *, where: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason
        self.where = where


class Calls:
    """Urgent requests under way, and how long ago there were any."""

    def __init__(self) -> None:
        self._none = asyncio.Event()
        self._none.set()
        self._under_way = 0
        self._ended_s = -CALM_S

    @contextmanager
    def counted(self) -> Iterator[None]:
        """One more, for as long as this lasts."""
        self._under_way += 1
        self._none.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._ended_s = asyncio.get_running_loop().time()
                self._none.set()

    async def calm(self) -> None:
        """Wait until none has been under way for CALM_S; not at all where that is so already."""
        await asyncio.sleep(0)  # one that has come meanwhile is counted first
        while True:
            await self._none.wait()
            left_s = self._ended_s + CALM_S - asyncio.get_running_loop().time()
            if left_s <= 0:
                return
            await asyncio.sleep(left_s)


@dataclass(slots=True)
class Intake:
    """What the two routes need, made once a process on its event loop.

    permit: one for each backlog batch that this process may work on at a time. threads: the gateways' own, so that
    tablets never wait for them nor they for tablets.
    """

    db: Database
    clock: Clock
    probe: Probe
    rules: tuple[Rule, ...]
    gatekeeper: Gatekeeper
    permit: asyncio.Semaphore = field(init=False)
    calls: Calls = field(default_factory=Calls)
    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(THREADS))

    def __post_init__(self) -> None:
        # One works while the other waits for the server. SQLite has one writer, and whoever waits for it stands in
        # the way of calls.
        self.permit = asyncio.Semaphore(1 if self.db.is_sqlite else BACKLOGS)

    async def run(self, work: Callable[[], T]) -> T:
        """Run synchronous work in one of the gateways' threads."""
        return await anyio.to_thread.run_sync(work, limiter=self.threads)


@router.post("/batches", **api_examples.BATCHES)
async def batches(request: Request) -> Response:
    """Take one batch of events. Each is answered for; what is answered for is stored."""
    intake: Intake = request.app.state.intake
    lane = URGENT if request.headers.get("nattevakt-lane") == URGENT else "backlog"
    began = intake.clock.monotonic()
    status = 500
    try:
        sender, credential = await _sender(request, intake)
        _wants(request, CONTENT_TYPE)
        async with _permit(intake, lane):
            body = await _body(request)
            intake.probe("received", {"bytes": len(body)})
            work = functools.partial(_receive, intake, sender, body)
            reply: BatchReply = await _answered(intake, credential, work)
        for outcome, number in Counter(item.outcome.value for item in reply.outcomes).items():
            metrics.EVENTS.labels(outcome).inc(number)
        status = 200
        answer = _json(reply)
        if intake.probe is not silent:
            answer.background = BackgroundTask(intake.probe, "replied", {})
        return answer
    except NattevaktError as error:
        answer = refused(error)
        status = answer.status_code
        return answer
    finally:
        metrics.BATCHES.labels(lane, str(status)).inc()
        metrics.BATCH_SECONDS.labels(lane).observe(intake.clock.monotonic() - began)


@router.post("/heartbeats", **api_examples.HEARTBEATS)
async def heartbeats(request: Request) -> Response:
    """Take one sign of life, and say how far each stream has come."""
    intake: Intake = request.app.state.intake
    status = 500
    try:
        sender, credential = await _sender(request, intake)
        _wants(request, "application/json")
        body = await _body(request)
        work = functools.partial(_beat, intake, sender, body)
        reply: HeartbeatReply = await _answered(intake, credential, work)
        status = 200
        return _json(reply)
    except NattevaktError as error:
        answer = refused(error)
        status = answer.status_code
        return answer
    finally:
        metrics.HEARTBEATS.labels(str(status)).inc()


def _receive(intake: Intake, sender: Sender, body: bytes) -> BatchReply:
    clock = intake.clock
    return receive(intake.db, sender, body, clock.now_ms(), intake.probe, intake.rules, clock.pace())


def _beat(intake: Intake, sender: Sender, body: bytes) -> HeartbeatReply:
    return beat(intake.db, sender, body, intake.clock.now_ms())


def _json(reply: BatchReply | HeartbeatReply) -> Response:
    return Response(encode_message(reply), media_type="application/json")


async def _sender(request: Request, intake: Intake) -> tuple[Sender, Credential]:
    credential = parse(request.headers.get("authorization", ""))
    if credential is None:
        raise StaleCredential("no readable credential")
    sender = intake.gatekeeper.known(credential)
    if sender is None:
        peer = request.client.host if request.client is not None else ""
        sender = await intake.run(lambda: intake.gatekeeper.prove(credential, peer))
    return sender, credential


async def _answered(intake: Intake, credential: Credential, work: Callable[[], T]) -> T:
    try:
        return await intake.run(work)
    except (StaleCredential, Revoked):
        intake.gatekeeper.forget(credential)
        raise


def _wants(request: Request, media_type: str) -> None:
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found != media_type:
        raise Refusal(415, "media_type", f"must be {media_type}", where="Content-Type")


@asynccontextmanager
async def _permit(intake: Intake, lane: str) -> AsyncIterator[None]:
    if lane == URGENT:
        with intake.calls.counted():
            yield
        return
    try:
        async with asyncio.timeout(PERMIT_WAIT_S):
            await intake.permit.acquire()
    except TimeoutError:
        raise Refusal(429, "busy", "another backlog is being read") from None
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(YIELD_S):
                await intake.calls.calm()
        yield
    finally:
        intake.permit.release()


async def _body(request: Request) -> bytes:
    """The body, never more of it in memory than is accepted."""
    with suppress(ValueError):
        if int(request.headers.get("content-length", "0")) > ACCEPT_BYTES_MAX:
            raise Refusal(413, "too_large", f"more than {ACCEPT_BYTES_MAX} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > ACCEPT_BYTES_MAX:
                    raise Refusal(413, "too_large", f"more than {ACCEPT_BYTES_MAX} bytes")
    except TimeoutError:
        raise RetryError("the body came too slowly") from None
    except ClientDisconnect:
        raise RetryError("the sender went away") from None
    return bytes(body)


def refused(error: NattevaktError) -> Response:
    """The answer that tells a gateway what to do: keep, halve, or come again."""
    status, code, where, reason = _sorted(error)
    headers = {"Retry-After": "1"} if status == 429 and code == "busy" else {}
    if code == "too_many_failures":
        headers = {"Retry-After": "60"}
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    if status >= 500:
        _log.warning("request_put_off", status=status, reason=reason)
    problem: dict[str, Any] = {"error": code, "field": where, "reason": reason}
    return Response(api_examples.dumps(problem), status, headers, "application/json")


def _sorted(error: NattevaktError) -> tuple[int, str, str, str]:
    match error:
        case Refusal():
            return error.status, error.code, error.where, error.reason
        case StaleCredential():
            return 401, "credential", "Authorization", str(error)
        case Revoked():
            return 403, "revoked", "Authorization", str(error)
        case TooManyFailures():
            return 429, "too_many_failures", "Authorization", str(error)
        case RejectError():
            return 422, "unreadable", error.field, error.reason
        case RetryError():
            return 503, "try_again", "", str(error)
        case _:
            return 500, "fault", "", type(error).__name__
