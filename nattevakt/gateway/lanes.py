"""One kept-alive HTTP connection to the centre with hard deadlines. Serves arrow 5.

Owns sockets, TLS and time limits of one request. Must not know what is sent or what an answer means.

The standard library's timeout is per read: a peer that drips a byte now and then could hold a call for ever. Here a
request has a total deadline, kept by giving the socket the remaining time before every read.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from nattevakt.gateway.inputs import HttpFailed, HttpReply, HttpSend, Probe, no_probe
from nattevakt.gateway.logs import kv

LOG = logging.getLogger("nattevakt.lane")
REPLY_BYTES_MAX = 2_000_000
"""More than any answer that the contract knows."""


class _Reader(io.RawIOBase):
    """Reads from a socket until a deadline that holds for all reads together."""

    def __init__(self, owner: _Timed) -> None:
        super().__init__()
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._owner.give_remaining_time()
        return self._owner.sock.recv_into(buffer)


class _Timed:
    """The part of a socket that http.client uses, under one deadline."""

    def __init__(self, sock: socket.socket, monotonic: Callable[[], float]) -> None:
        self.sock = sock
        self._monotonic = monotonic
        self.deadline_s = 0.0
        self._held = bytearray()

    def give_remaining_time(self) -> None:
        remaining_s = self.deadline_s - self._monotonic()
        if remaining_s <= 0:
            raise TimeoutError("deadline passed")
        self.sock.settimeout(remaining_s)

    def sendall(self, data: bytes) -> None:
        """Hold this until `flush`: http.client hands over head and body apart, and each would be a packet."""
        self._held += data

    def flush(self) -> None:
        """Send what is held as one piece."""
        self.give_remaining_time()
        self.sock.sendall(self._held)
        self._held.clear()

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - http.client always asks for "rb"
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        self.sock.close()


class HttpLane:
    """One lane: `exchange` sends a request and gives its answer, within connect and reply timeouts, never raising."""

    def __init__(
        self,
        url: str,
        credential: str,
        monotonic: Callable[[], float],
        *,
        connect_timeout_s: float = 3.0,
        reply_timeout_s: float = 5.0,
        probe: Probe = no_probe,
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls is not None else 80)
        self._prefix = parts.path.rstrip("/")
        self._authorization = f"Bearer {credential}"
        self._monotonic = monotonic
        self._connect_s = connect_timeout_s
        self._reply_s = reply_timeout_s
        self._probe = probe
        self._http: http.client.HTTPConnection | None = None
        self._addresses: list[Any] = []

    def close(self) -> None:
        """Close the connection."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def exchange(self, send: HttpSend) -> HttpReply | HttpFailed:
        """Send and wait for the answer."""
        kept = self._http is not None and self._http.sock is not None
        try:
            return self._once(send)
        except TimeoutError as error:
            self.close()
            return HttpFailed(send.lane, send.number, "timeout", str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            if not kept:
                return self._failed(send, error)
        # A kept connection may have been closed by the other side meanwhile; that says nothing about the centre.
        try:
            return self._once(send)
        except TimeoutError as error:
            self.close()
            return HttpFailed(send.lane, send.number, "timeout", str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return self._failed(send, error)

    def _failed(self, send: HttpSend, error: Exception) -> HttpFailed:
        LOG.warning(kv("no_connection", lane=send.lane, error=f"{type(error).__name__} {error}"))
        return HttpFailed(send.lane, send.number, "connection", str(error)[:200])

    def _once(self, send: HttpSend) -> HttpReply:
        connection = self._connected()
        timed: Any = connection.sock
        timed.deadline_s = self._monotonic() + self._reply_s
        headers = {
            "Authorization": self._authorization,
            "Content-Type": send.content_type,
            "Nattevakt-Lane": send.lane,
        }
        connection.request("POST", self._prefix + send.path, send.body, headers)
        timed.flush()
        self._probe("sent", {"lane": send.lane, "path": send.path})
        response = connection.getresponse()
        body = response.read(REPLY_BYTES_MAX)
        if response.length or not response.isclosed():
            raise http.client.IncompleteRead(body)
        self._probe("replied", {"lane": send.lane, "path": send.path, "status": response.status})
        return HttpReply(send.lane, send.number, response.status, body, _seconds(response.getheader("Retry-After")))

    def _connected(self) -> http.client.HTTPConnection:
        if self._http is None:
            self._http = http.client.HTTPConnection(self._host, self._port)
            self._http.auto_open = 0
        if self._http.sock is None:
            timed: Any = _Timed(self._connect(), self._monotonic)
            self._http.sock = timed
        return self._http

    def _connect(self) -> socket.socket:
        """A connected socket. An address that once worked is tried before the name service, which may be away."""
        deadline_s = self._monotonic() + self._connect_s
        if not self._addresses:
            self._addresses = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            deadline_s = self._monotonic() + self._connect_s
        trouble: OSError = ConnectionError("no address")
        for family, kind, protocol, _, address in self._addresses:
            sock = socket.socket(family, kind, protocol)
            connected = False
            try:
                sock.settimeout(max(0.05, deadline_s - self._monotonic()))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(max(0.05, deadline_s - self._monotonic()))
                if self._tls is not None:
                    sock = self._tls.wrap_socket(sock, server_hostname=self._host)
                connected = True
            except OSError as error:
                trouble = error
            finally:
                if not connected:
                    sock.close()
            if connected:
                return sock
        self._addresses = []
        raise ConnectionError(f"cannot connect: {trouble}")


def _seconds(value: str | None) -> float | None:
    """Retry-After as seconds; a date or nonsense counts as not given."""
    if value is None or not value.strip().isdigit() or len(value) > 9:
        return None
    return float(value)
