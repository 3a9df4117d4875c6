"""systemd hears the truth: the watchdog is fed only while every thread makes progress."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nattevakt.gateway.systemd import Notifier, Progress, Watchdog


@pytest.fixture
def sock(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(tmp_path / "notify"))
        found.settimeout(5)
        yield found


def heard(sock: socket.socket) -> list[str]:
    found = []
    sock.settimeout(0)
    while True:
        try:
            found.append(sock.recv(200).decode())
        except BlockingIOError:
            return found


def test_without_systemd_nothing_is_sent() -> None:
    notifier = Notifier({})
    assert notifier.watchdog_s is None
    assert not notifier.send("READY=1")
    assert Notifier({"NOTIFY_SOCKET": "/nowhere/at/all"}).send("READY=1") is False


def test_messages_arrive_also_at_an_abstract_socket(sock: socket.socket, tmp_path: Path) -> None:
    assert Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}).send("READY=1")
    assert heard(sock) == ["READY=1"]
    name = f"nattevakt-test-{tmp_path.name}-{id(sock)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract:
        abstract.bind("\0" + name)
        assert Notifier({"NOTIFY_SOCKET": "@" + name}).send("STOPPING=1")
        assert heard(abstract) == ["STOPPING=1"]


def test_the_watchdog_is_fed_four_times_as_often_as_needed(sock: socket.socket, tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "8000000"})
    watchdog = Watchdog(notifier, Progress())
    for tenth in range(80):
        watchdog.tick(50 + tenth / 10)
    assert heard(sock) == ["WATCHDOG=1"] * 4


def test_a_stuck_thread_stops_the_feeding_and_is_named(sock: socket.socket, tmp_path: Path) -> None:
    progress = Progress()
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"})
    watchdog = Watchdog(notifier, progress)
    stuck, released = threading.Event(), threading.Event()
    clock = [0.0]

    def work() -> None:
        progress.beat("radio", clock[0])
        stuck.set()
        released.wait(30)
        progress.beat("radio", clock[0])

    progress.expect("radio", 5.0, 0.0)
    progress.expect("core", 5.0, 0.0)
    thread = threading.Thread(target=work)
    thread.start()
    assert stuck.wait(30)
    for second in range(1, 10):
        clock[0] = float(second)
        progress.beat("core", clock[0])
        found = watchdog.tick(clock[0])
    assert found == ["radio"]
    assert len(heard(sock)) == 5
    released.set()
    thread.join(30)
    clock[0] += 1
    progress.beat("core", clock[0])
    assert watchdog.tick(clock[0]) == []
    assert heard(sock) == ["WATCHDOG=1"]


def test_a_thread_that_nobody_expects_does_not_count() -> None:
    progress = Progress()
    progress.beat("stranger", 1.0)
    assert progress.stuck(1_000.0) == []
