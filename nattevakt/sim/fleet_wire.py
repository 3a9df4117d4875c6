"""HTTP of a whole fleet: few kept-alive connections that all gateways share, each request within its time. Arrow 5.

Owns sockets, deadlines and the reading of answers. Must not know what is sent. An answer that the gateway's own client
would not take is a failure here as well. That connections are shared is the one thing in which a fleet is not as so
many gateways are; how long requests wait for one is counted, so that it is seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from nattevakt.gateway.inputs import BACKLOG, URGENT, HttpFailed, HttpReply, HttpSend
from nattevakt.gateway.uplink import HEARTBEATS

CONNECT_S = 3.0
REPLY_S = 5.0
ANSWER_BYTES_MAX = 2_000_000
HEARTBEAT = "heartbeat"
SHARES = {URGENT: 0.25, HEARTBEAT: 0.25, BACKLOG: 0.5}
"""Of the connections: no call waits here for another gateway's batch, nor for its heartbeat."""


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class _NoAnswerError(OSError):
    """What came is no answer that a gateway understands."""


@dataclass(slots=True)
class Took:
    """How long one request took, in seconds. waited_s: for a connection, before it was sent."""

    waited_s: float
    answered_s: float


class Wire:
    """The fleet's connections to one centre. For one event loop."""

    def __init__(self, url: str, connections: int, monotonic: Callable[[], float]) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls is not None else 80)
        self._prefix = parts.path.rstrip("/")
        self._monotonic = monotonic
        self._free = {sort: asyncio.Semaphore(max(1, int(connections * share))) for sort, share in SHARES.items()}
        self._idle: dict[str, list[_Connection]] = {sort: [] for sort in SHARES}

    async def exchange(self, token: str, send: HttpSend) -> tuple[HttpReply | HttpFailed, Took]:
        """Send one request with a gateway's key, and give its answer. Never raises for what the other end does."""
        began_s = self._monotonic()
        async with self._free[sort_of(send)]:
            sent_s = self._monotonic()
            answer = await self._exchange(token, send)
        return answer, Took(sent_s - began_s, self._monotonic() - sent_s)

    async def _exchange(self, token: str, send: HttpSend) -> HttpReply | HttpFailed:
        idle = self._idle[sort_of(send)]
        # A kept connection may have been closed by the other side meanwhile; that says nothing about the centre.
        for kept in (True, False):
            if kept and not idle:
                continue
            connection = None
            try:
                if kept:
                    connection = idle.pop()
                else:
                    async with asyncio.timeout(CONNECT_S):
                        connection = await self._connect()
                async with asyncio.timeout(REPLY_S):
                    reply = await self._once(connection, token, send)
            except TimeoutError:
                _drop(connection)
                return HttpFailed(send.lane, send.number, "timeout")
            except (OSError, EOFError, ValueError) as error:
                _drop(connection)
                if not kept:
                    return HttpFailed(send.lane, send.number, "connection", str(error)[:200])
                continue
            except asyncio.CancelledError:
                _drop(connection)
                raise
            if connection.writer.is_closing():
                _drop(connection)
            else:
                idle.append(connection)
            return reply
        return HttpFailed(send.lane, send.number, "connection")

    async def _connect(self) -> _Connection:
        return _Connection(
            *await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=ANSWER_BYTES_MAX)
        )

    async def _once(self, connection: _Connection, token: str, send: HttpSend) -> HttpReply:
        head = (
            f"POST {self._prefix}{send.path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: {send.content_type}\r\n"
            f"Nattevakt-Lane: {send.lane}\r\nContent-Length: {len(send.body)}\r\n\r\n"
        )
        connection.writer.write(head.encode() + send.body)
        await connection.writer.drain()
        lines = (await connection.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > ANSWER_BYTES_MAX:
            raise _NoAnswerError(f"an answer without a length: {lines[0][:100]}")
        body = await connection.reader.readexactly(int(length))
        if headers.get("connection", "").lower() == "close":
            connection.writer.close()
        again = headers.get("retry-after", "")
        again_s = float(again) if again.isdigit() and len(again) < 10 else None
        return HttpReply(send.lane, send.number, int(lines[0].split(" ")[1]), body, again_s)

    async def close(self) -> None:
        """Hang up everywhere."""
        idle = [connection for some in self._idle.values() for connection in some]
        for connection in idle:
            connection.writer.close()
        for connection in idle:
            with contextlib.suppress(OSError):
                await connection.writer.wait_closed()
        for some in self._idle.values():
            some.clear()


def sort_of(send: HttpSend) -> str:
    """What is asked of the centre: whether it is a call, a heartbeat or backlog."""
    return HEARTBEAT if send.path == HEARTBEATS else send.lane


def _drop(connection: _Connection | None) -> None:
    if connection is not None:
        connection.writer.close()
