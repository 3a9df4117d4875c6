"""The gateway's own page on the house's network, for a phone while the centre is away. Serves arrow 9 there.

Owns the small server and its thread. Must not decide anything: it shows the last view that it was given, and hands on
who says that they have seen an alarm. It shows room numbers and no names; nothing on it can be changed but that.
Whatever goes wrong here is logged and tried again, and costs no event. Whoever is on that network may mean it no good:
how long, how much and how many at once is bounded.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import http.server
import logging
import re
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any
from urllib.parse import parse_qs

from nattevakt.gateway.local_html import render
from nattevakt.gateway.local_mode import View
from nattevakt.gateway.local_words import language
from nattevakt.gateway.logs import kv

LOG = logging.getLogger("nattevakt.local_page")
TAKES_S = 10.0
"""So long a phone may take from its first letter to the answer's last, also if letters come now and then."""
WRONG_S = 1.0
"""So long the answer to a wrong code takes: codes are short, and are not to be tried through."""
AGAIN_S = 10.0
"""How often an address is tried that cannot be listened on."""
POLL_S = 0.5
SEEN_S, SEEN_TRIES = 2.0, 40
"""So long it is waited for what somebody has seen to be shown so; the agent looks twice a second."""
READERS_MAX = 16
READERS_OF_ONE_MAX = 6
"""So many lines one address may have open: a browser opens some ahead."""
BODY_MAX = 1_000
ASKED_MAX = 16_000
"""Most bytes of a question."""
_NAME = re.compile(r"[0-9.]{1,60}\Z")
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
}


@dataclass(frozen=True, slots=True)
class PageConfig:
    """Where to listen, and the code that readers must know, "" for none."""

    host: str
    port: int
    code: str = ""


class LocalPage:
    """The server. view: asked for at each request; see: told the name of an alarm that somebody has seen; monotonic:
    real seconds; takes_s: how long one reader may take. `run` blocks until `stop`."""

    def __init__(
        self,
        config: PageConfig,
        view: Callable[[], View],
        see: Callable[[str], None],
        monotonic: Callable[[], float],
        *,
        takes_s: float = TAKES_S,
    ) -> None:
        self._config = config
        self._view = view
        self._see = see
        self._monotonic = monotonic
        self._takes_s = takes_s
        self._stop = threading.Event()
        self.port = 0
        """Where it listens, 0 while it does not."""

    def run(self) -> None:
        """Listen, and try again where that is not possible, until `stop`."""
        told = False
        while not self._stop.is_set():
            try:
                where = self._config.host, self._config.port
                server = _Server(where, self._handler(), self._monotonic, self._takes_s)
            except OSError as error:
                if not told:
                    LOG.error(
                        kv("local_page_not_open", host=self._config.host, error=f"{type(error).__name__} {error}")
                    )
                told = True
                self._stop.wait(AGAIN_S)
                continue
            with server:
                server.timeout = POLL_S
                self.port = int(server.server_address[1])
                LOG.info(kv("local_page_open", port=self.port))
                while not self._stop.is_set():
                    server.handle_request()
                    server.show_out()
            self.port = 0

    def stop(self) -> None:
        """Let `run` return."""
        self._stop.set()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        class Handler(_Handler):
            page = self
            timeout = self._takes_s

        return Handler

    def pause(self, pause_s: float) -> None:
        """Let one reader wait, not longer than until `stop`."""
        self._stop.wait(pause_s)

    def shown(self) -> View:
        """What is shown now."""
        return self._view()

    def admits(self, authorization: str) -> bool:
        """Whether a reader knows the code: as the password of an HTTP login, whatever the name."""
        if not self._config.code:
            return True
        scheme, _, rest = authorization.partition(" ")
        try:
            _, _, said = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(said.encode(), self._config.code.encode())

    def seen(self, body: bytes) -> None:
        """Somebody has pressed the button of an alarm."""
        name = parse_qs(body.decode("ascii", "replace")).get("alarm", [""])[0]
        if not _NAME.match(name):
            return
        self._see(name)
        # The page that comes next is to say so: who sees the button again would think that it did not take.
        for _ in range(SEEN_TRIES):
            if not any(one.name == name and one.open for one in self._view().alarms) or self._stop.is_set():
                return
            self.pause(SEEN_S / SEEN_TRIES)


class _Handler(http.server.BaseHTTPRequestHandler):
    """One reader."""

    page: LocalPage
    server_version, sys_version = "nattevakt", ""

    def setup(self) -> None:
        super().setup()
        self.rfile = _Bounded(self.rfile)  # type: ignore[assignment]

    def do_GET(self) -> None:
        if not self._admitted():
            return
        if self.path.partition("?")[0] != "/":
            self._answer(404, "")
        else:
            lang = language(self.headers.get("Accept-Language", ""))
            self._answer(200, render(self.page.shown(), lang))

    def do_POST(self) -> None:
        if not self._admitted():
            return
        origin = self.headers.get("Origin")
        is_other = origin is not None and origin.partition("://")[2] != self.headers.get("Host")
        if is_other or self.headers.get("Sec-Fetch-Site", "") == "cross-site":
            self._answer(403, "")  # another site's form
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or len(length) > 9 or int(length) > BODY_MAX:
            self._answer(400, "")
            return
        self.page.seen(self.rfile.read(int(length)))
        self._answer(303, "", {"Location": "/"})

    def _admitted(self) -> bool:
        said = self.headers.get("Authorization", "")
        if self.page.admits(said):
            return True
        if said:
            self.page.pause(WRONG_S)
        self._answer(401, "", {"WWW-Authenticate": 'Basic realm="Nattevakt"'})
        return False

    def _answer(self, status: int, text: str, more: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**HEADERS, **(more or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's own name
        LOG.debug(kv("local_page", said=format % args))


class _Bounded:
    """What one reader asks, up to ASKED_MAX bytes."""

    def __init__(self, given: BufferedIOBase) -> None:
        self._given = given
        self._left = ASKED_MAX

    def readline(self, limit: int = -1) -> bytes:
        """As of the file itself."""
        return self._counted(self._given.readline(min(limit, ASKED_MAX) if limit >= 0 else ASKED_MAX))

    def read(self, size: int) -> bytes:
        """As of the file itself."""
        return self._counted(self._given.read(size))

    def _counted(self, found: bytes) -> bytes:
        self._left -= len(found)
        if self._left < 0:
            raise ConnectionAbortedError("asks for too much")
        return found

    def close(self) -> None:
        """As of the file itself."""
        self._given.close()


class _Server(http.server.ThreadingHTTPServer):
    """At most so many readers at once, of one address and of all, each for so long: whoever holds connections open must
    not take this machine's memory, nor the page from the others."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = READERS_MAX

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[http.server.BaseHTTPRequestHandler],
        monotonic: Callable[[], float],
        takes_s: float,
    ) -> None:
        self._monotonic = monotonic
        self._takes_s = takes_s
        self._readers: dict[socket.socket, tuple[str, float]] = {}
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # Not HTTPServer's own, which asks a name service what this machine is called: it may be away with the centre.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        host = str(client_address[0])
        with self._lock:
            there = [other for other, _ in self._readers.values()]
            admitted = len(there) < READERS_MAX and there.count(host) < READERS_OF_ONE_MAX
            if admitted:
                self._readers[request] = host, self._monotonic()
        if not admitted:
            self.shutdown_request(request)
            return
        started = False
        try:
            super().process_request(request, client_address)
            started = True
        finally:
            if not started:
                self._gone(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._gone(request)

    def _gone(self, request: socket.socket) -> None:
        with self._lock:
            self._readers.pop(request, None)

    def show_out(self) -> None:
        """End the connections of those who have taken too long; their threads end by that."""
        until_s = self._monotonic() - self._takes_s
        with self._lock:
            late = [request for request, (_, since_s) in self._readers.items() if since_s < until_s]
        for request in late:
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the library's own call
        error = sys.exception()
        # Whoever breaks off, or is shown out, must not fill the log.
        level = logging.DEBUG if isinstance(error, OSError) else logging.WARNING
        LOG.log(level, kv("local_page_broken_off", error=type(error).__name__))
