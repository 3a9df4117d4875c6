"""The one HTTP client by which messages leave the house. Serves arrow 9.

Owns what is the same for all roads: TLS always (but to this machine itself), no redirects, bounded times and bounded
answers, and what each failure of the net is called. Must not know any road.

Looked at: httpx (a client library with an event loop's worth of parts, h11 and httpcore, for one POST); requests
(follows redirects and reads proxies from the environment unless told not to); http.client alone (no pool, no limits).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from nattevakt.central.notify.channel import Later
from nattevakt.edge.errors import RejectError

CONNECT_S = 3.0
READ_S = 5.0
BODY_MAX = 64 * 1024
"""Bytes of an answer that are read; nobody who takes a message has more to say."""
_HERE = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WebClient:
    """Kept-alive connections to whoever is asked. Thread-safe; `close` when done."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """monotonic: real seconds that never step. context: of TLS; the machine's own certificates by default."""
        self._monotonic = monotonic
        self._read_s = read_s
        self._pool = urllib3.PoolManager(
            num_pools=20,
            maxsize=4,
            timeout=urllib3.Timeout(connect=connect_s, read=read_s),
            retries=False,
            ssl_context=context if context is not None else ssl.create_default_context(),
        )

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer | Later:
        """One POST, once. Later: there was no whole answer, and the reason says at which point it failed."""
        try:
            answer = self._pool.request("POST", url, body=body, headers=headers, redirect=False, preload_content=False)
            found = self._read(answer)
            if isinstance(found, Later):
                answer.close()  # never kept for the next: the rest of this answer would be taken for its own
                return found
            answer.release_conn()
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, found)
        except (HTTPError, OSError, ValueError) as error:
            return Later(_named(error))

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes | Later:
        """All of a short answer, that comes in time."""
        found = b""
        ends_s = self._monotonic() + self._read_s
        while part := answer.read1(BODY_MAX, decode_content=False):
            found += part
            if len(found) > BODY_MAX:
                return Later("answer_too_long")
            if self._monotonic() > ends_s:
                return Later("timeout")
        return found

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()


def _named(error: Exception) -> str:
    """What failed, in one word."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (NameResolutionError, "dns"),
        (NewConnectionError, "connect"),
        (ConnectTimeoutError, "connect_timeout"),
        (ReadTimeoutError, "timeout"),
        (SSLError, "tls"),
        (ProtocolError, "connection_lost"),
    )
    return next((name for kind, name in kinds if isinstance(error, kind)), "no_answer")


def checked_url(key: str, url: str) -> str:
    """The same address where it may be used. Raises RejectError: https only, but to this machine itself."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RejectError(key, "is not an address") from None
    if not parts.hostname or port == 0 or parts.username is not None or parts.fragment:
        raise RejectError(key, "is not an address")
    # Whoever connects may end the host at another sign than we do here, "\\" before all: then it is another host.
    if not all(sign.isalnum() or sign in ".-_:" for sign in parts.hostname):
        raise RejectError(key, "is not an address")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE):
        return url
    raise RejectError(key, "must begin with https://")
