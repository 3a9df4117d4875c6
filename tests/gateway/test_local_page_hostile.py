"""The page and those on the house's network who mean it no good: they cost nobody else the page, and no memory."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

import pytest

from nattevakt.gateway.local_page import READERS_OF_ONE_MAX, LocalPage, PageConfig
from tests.gateway.test_local_page import LOST, ask
from tests.support.wait import until


@contextmanager
def served(seen: queue.SimpleQueue[str] | None = None, code: str = "", takes_s: float = 10.0) -> Iterator[int]:
    page = LocalPage(
        PageConfig("127.0.0.1", 0, code), lambda: LOST, (seen or queue.SimpleQueue()).put, monotonic, takes_s=takes_s
    )
    thread = threading.Thread(target=page.run)
    thread.start()
    try:
        until(lambda: page.port != 0, "the page listens")
        yield page.port
    finally:
        page.stop()
        thread.join(10)
    assert not thread.is_alive()


def said(port: int, raw: bytes, source: str = "127.0.0.1") -> bytes:
    """What comes back for these bytes until the page has closed."""
    with socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0)) as line:
        found = b""
        try:
            line.sendall(raw)
            while part := line.recv(65_536):
                found += part
        except (ConnectionResetError, BrokenPipeError):
            pass
        return found


def test_who_sends_a_letter_now_and_then_is_shown_out() -> None:
    with served(takes_s=1.0) as port, socket.create_connection(("127.0.0.1", port), 10) as line:
        line.settimeout(0.1)
        until(lambda: _shut(line), "the page has closed", 8)


def _shut(line: socket.socket) -> bool:
    """Send a letter more, and see whether it is closed."""
    try:
        line.sendall(b"G")
        return line.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_one_device_that_holds_many_lines_open_leaves_the_page_to_the_others() -> None:
    with served() as port, ExitStack() as lines:
        for _ in range(40):
            line = socket.create_connection(("127.0.0.1", port), 10, source_address=("127.0.0.2", 0))
            lines.enter_context(line)
        assert b"200 OK" in said(port, b"GET / HTTP/1.0\r\n\r\n")
        assert b"200 OK" in said(port, b"GET / HTTP/1.0\r\n\r\n", "127.0.0.3")


def test_a_device_that_has_gone_may_come_again() -> None:
    with served() as port:
        for _ in range(3 * READERS_OF_ONE_MAX):
            assert ask(port)[0] == 200


def test_a_question_of_megabytes_is_not_read() -> None:
    with served() as port:
        head = b"GET / HTTP/1.0\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 60_000) for n in range(90)) + b"\r\n"
        assert b"200" not in said(port, head)
        assert b"200" not in said(port, b"GET /" + b"x" * 60_000 + b" HTTP/1.0\r\n\r\n")
        assert ask(port)[0] == 200


@pytest.mark.parametrize("path", ["/../../etc/passwd", "//etc/passwd", "/%2e%2e/etc/passwd", "http://x/", "/?q=/../.."])
def test_there_is_one_page_and_no_file(path: str) -> None:
    with served() as port:
        status, text, _ = ask(port, path=path)
        assert (status, "root:" in text) == (200 if path.startswith("/?") else 404, False)


def test_numbers_that_are_none_are_answered_and_change_nothing() -> None:
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()
    with served(seen) as port:
        assert ask(port, "POST", body="alarm=%C2%B2")[0] == 303
        assert b"400" in said(port, b"POST / HTTP/1.0\r\nContent-Length: \xb2\r\n\r\n")
        assert b"400" in said(port, b"POST / HTTP/1.0\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n")
        assert b"400" in said(port, b"POST / HTTP/1.0\r\n\r\n")
        assert seen.empty()


@pytest.mark.parametrize(
    "header",
    [
        "Origin: null",
        "Origin: http://evil.example",
        "Origin: http://127.0.0.1.evil.example",
        "Sec-Fetch-Site: cross-site",
    ],
)
def test_another_site_cannot_say_that_somebody_has_seen_an_alarm(header: str) -> None:
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()
    with served(seen) as port:
        head = f"POST / HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{header}\r\nContent-Length: 11\r\n\r\nalarm=1.4.1"
        assert b" 403 " in said(port, head.encode())
        assert seen.empty()


def test_a_guess_at_the_code_takes_its_time() -> None:
    with served(code="1234") as port:
        before_s = monotonic()
        assert ask(port)[0] == 401
        first_s = monotonic()
        assert ask(port, Authorization="Basic eDo0MzIx")[0] == 401
        assert monotonic() - first_s >= 0.9 > first_s - before_s


def test_it_listens_without_asking_a_name_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is away with the centre, and would be waited for."""

    def away(_name: str = "") -> str:
        raise AssertionError("asked a name service")

    monkeypatch.setattr(socket, "getfqdn", away)
    with served() as port:
        assert ask(port)[0] == 200
