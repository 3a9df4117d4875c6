"""An HTTP server on this machine that plays the other side: a provider, a receiver of webhooks, a push service.

It answers as it is told, one answer a request, the last one for all that follow; and keeps what it was asked.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Says:
    """One answer. how: "answer", or "hang" (until the server stops), "close" (without a word), "garbage" (no HTTP),
    "drip" (a body that never ends), "cut" (half of the promised body)."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "answer"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came. headers: names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object."""
        return cast("dict[str, Any]", json.loads(self.body))


class Provider:
    """Use as a context manager. asked: what has come, in order; `says` changes what is answered."""

    def __init__(self, *says: Says) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._says = list(says) or [Says()]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Provider:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/send"

    def says(self, *says: Says) -> None:
        """From now on it answers so."""
        with self._lock:
            self._says = list(says)

    def stop(self) -> None:
        """It is gone; whoever asks now is refused."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, asked: Asked) -> Says:
        """Keep what was asked and give what to answer."""
        with self._lock:
            self.asked.append(asked)
            return self._says.pop(0) if len(self._says) > 1 else self._says[0]

    def wait_over(self) -> None:
        """Until the server is stopped, ten seconds at most."""
        self._over.wait(10)


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            provider.connections += 1
            super().setup()

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            says = provider.take(Asked(self.path, headers, self.rfile.read(length)))
            if says.how == "answer":
                self._answer(says, len(says.body))
                return
            self.close_connection = True
            with suppress(OSError):  # whoever asked has had enough
                self._misbehave(says)

        def _misbehave(self, says: Says) -> None:
            if says.how == "hang":
                provider.wait_over()
            elif says.how == "garbage":
                self.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
            elif says.how == "cut":
                self._answer(says, len(says.body) + 100)
            elif says.how == "drip":
                self._answer(says, 10**9)
                while True:
                    self.wfile.write(b"x" * 65_536)
            self.connection.shutdown(socket.SHUT_RDWR)

        def _answer(self, says: Says, length: int) -> None:
            self.send_response(says.status)
            for name, value in {"content-length": str(length), **says.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(says.body)

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    return Handler


def refused() -> str:
    """An address at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/send"


OK = Says(200, b'{"msg_id": "m-1"}')
BUSY = Says(429, b"", {"retry-after": "7"})
FAULT = Says(500, b"oops")
BAD = Says(400, b'{"error": "no such number"}')
DENIED = Says(401, b"")
ELSEWHERE = Says(302, b"", {"location": "http://127.0.0.1:1/"})
