"""One HTTP lane over real sockets: kept alive, bounded in time whatever the other side does, never raising."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from nattevakt.gateway.inputs import HttpFailed, HttpReply, HttpSend
from nattevakt.gateway.lanes import HttpLane, _Timed
from tests.gateway.support import HttpCentre

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SEND = HttpSend("urgent", 7, "/v1/heartbeats", "application/json", b"{}")


@contextmanager
def peer(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that does as told with each connection until the test ends."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                serve(connection, ended)
            except OSError:
                return

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(30)
            threads.append(threading.Thread(target=one, args=(connection,)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            accepting.join(10)
            for thread in threads:
                thread.join(10)


@contextmanager
def lane(url: str, reply_s: float = 0.4) -> Iterator[HttpLane]:
    found = HttpLane(url, "nv1.x", time.monotonic, connect_timeout_s=0.5, reply_timeout_s=reply_s)
    try:
        yield found
    finally:
        found.close()


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n{}" not in data:
        got = connection.recv(4096)
        if not got:
            raise ConnectionError
        data += got
    return data


def test_headers_path_and_answer() -> None:
    seen: list[bytes] = []

    def serve(connection: socket.socket, _ended: threading.Event) -> None:
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 3\r\n\r\nabc")

    with peer(serve) as url, lane(url + "/prefix") as found:
        assert found.exchange(SEND) == HttpReply("urgent", 7, 429, b"abc", 1.0)
    assert seen[0].startswith(b"POST /prefix/v1/heartbeats HTTP/1.1\r\n")
    for header in (b"Authorization: Bearer nv1.x", b"Nattevakt-Lane: urgent", b"Content-Type: application/json"):
        assert header in seen[0]


def test_the_connection_is_kept() -> None:
    with HttpCentre() as http, lane(http.url, 5) as found:
        for _ in range(5):
            assert isinstance(found.exchange(SEND), HttpReply | HttpFailed)
        assert http.connections <= 5
    connections = []

    def serve(connection: socket.socket, _ended: threading.Event) -> None:
        connections.append(connection)
        for _ in range(3):
            read_request(connection)
            connection.sendall(OK)

    with peer(serve) as url, lane(url) as found:
        answers = [found.exchange(SEND) for _ in range(6)]
        assert all(isinstance(answer, HttpReply) and answer.status == 200 for answer in answers), answers
    assert len(connections) == 2, "a kept connection that the peer closed is replaced without a failure"


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with lane(f"http://127.0.0.1:{unused.getsockname()[1]}") as found:
            answer = found.exchange(SEND)
            assert isinstance(answer, HttpFailed)
            assert (answer.lane, answer.number, answer.why) == ("urgent", 7, "connection")


def silent(connection: socket.socket, ended: threading.Event) -> None:
    read_request(connection)
    ended.wait(30)


def dripping(connection: socket.socket, ended: threading.Event) -> None:
    read_request(connection)
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Drip: 1\r\n" * 1000:
        connection.sendall(bytes([byte]))
        if ended.wait(0.05):
            return


def half_a_body(connection: socket.socket, ended: threading.Event) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    ended.wait(30)


@pytest.mark.parametrize("serve", [silent, dripping, half_a_body])
def test_a_peer_that_is_slow_or_half_open_ends_at_the_deadline(
    serve: Callable[[socket.socket, threading.Event], None],
) -> None:
    with peer(serve) as url, lane(url) as found:
        began = time.monotonic()
        answer = found.exchange(SEND)
        assert isinstance(answer, HttpFailed)
        assert answer.why == "timeout"
        assert 0.3 < time.monotonic() - began < 3


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_nonsense_is_a_failed_connection(answer: bytes) -> None:
    def serve(connection: socket.socket, _ended: threading.Event) -> None:
        read_request(connection)
        connection.sendall(answer)

    with peer(serve) as url, lane(url) as found:
        for _ in range(2):
            failure = found.exchange(SEND)
            assert isinstance(failure, HttpFailed)
            assert failure.why == "connection"


@pytest.mark.parametrize(("header", "seconds"), [("5", 5.0), ("", None), ("-1", None), ("Wed, 21 Oct", None)])
def test_retry_after(header: str, seconds: float | None) -> None:
    def serve(connection: socket.socket, _ended: threading.Event) -> None:
        read_request(connection)
        connection.sendall(f"HTTP/1.1 503 No\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n".encode())

    with peer(serve) as url, lane(url) as found:
        answer = found.exchange(SEND)
        assert isinstance(answer, HttpReply)
        assert answer.retry_after_s == seconds


def test_a_plain_peer_behind_https_is_a_failed_connection() -> None:
    def serve(connection: socket.socket, _ended: threading.Event) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")

    with peer(serve) as url, lane(url.replace("http:", "https:")) as found:
        answer = found.exchange(SEND)
        assert isinstance(answer, HttpFailed)
        assert answer.why == "connection"


def test_a_read_after_the_deadline_does_not_wait() -> None:
    """What http.client reads through: makefile and readinto, under one deadline for all reads together."""
    one, other = socket.socketpair()
    with one, other:
        timed = _Timed(one, lambda: 10.0)
        timed.deadline_s = 11.0
        other.sendall(b"ab")
        buffer = bytearray(2)
        with timed.makefile("rb") as reader:
            assert reader.readinto(buffer) == 2
            timed.deadline_s = 9.0
            with pytest.raises(TimeoutError):
                reader.read(1)
    assert buffer == b"ab"
