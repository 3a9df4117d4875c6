"""The whole agent in this process: a real pseudo-terminal, a real HTTP centre, real files, real threads."""

from __future__ import annotations

import json
import os
import socket
import threading
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from nattevakt.edge.drivers.driver import Reading
from nattevakt.edge.drivers.enocean import driver as enocean
from nattevakt.edge.events import Call, Contact, SourceBack, SourceLost, Started
from nattevakt.gateway import config as settings
from nattevakt.gateway.agent import Agent
from nattevakt.gateway.clock import GatewayClock
from nattevakt.gateway.config import GatewayConfig
from nattevakt.gateway.inputs import Probe, no_probe
from tests.gateway.support import CREDENTIAL, HttpCentre
from tests.support.wait import until

BUTTON = "enocean:00298979"
DOOR = "enocean:01825DAB"


class Stick:
    """A serial stick as a symbolic link to a pseudo-terminal; it can be pulled and put back."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.plug()

    def plug(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        self._slave = slave

    def pull(self) -> None:
        self.link.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self.master)

    def press(self) -> bytes:
        return enocean.encode(Reading(BUTTON, {"action": "BI", "pressed": True}), "F6-02-01")

    def door(self, *, closed: bool) -> bytes:
        return enocean.encode(Reading(DOOR, {"closed": closed}), "D5-00-01")


def write_config(folder: Path, url: str, port: Path | str, more: str = "") -> GatewayConfig:
    (folder / "credential").write_text(CREDENTIAL + "\n")
    text = (
        f'state_dir = "{folder / "state"}"\n'
        f'[centre]\nurl = "{url}"\ncredential_file = "{folder / "credential"}"\nheartbeat_s = 1\n'
        f'[[serial]]\nname = "r0"\nport = "{port}"\ndriver = "enocean"\n'
        f'[[device]]\naddress = "{BUTTON}"\nprofile = "F6-02-01"\nuse = "call"\n'
        f'[[device]]\naddress = "{DOOR}"\nprofile = "D5-00-01"\nuse = "door"\n{more}'
    )
    (folder / "gateway.toml").write_text(text)
    return settings.load(folder / "gateway.toml")


@contextmanager
def running(
    config: GatewayConfig,
    probe: Probe = no_probe,
    environment: Mapping[str, str] | None = None,
    *,
    clock: GatewayClock | None = None,
) -> Iterator[Agent]:
    agent = Agent(config, clock or GatewayClock(), probe=probe, environment=environment or {})
    thread = threading.Thread(target=agent.run)
    thread.start()
    try:
        yield agent
    finally:
        agent.stop()
        thread.join(20)
        assert not thread.is_alive()


def test_a_press_on_the_serial_line_reaches_the_centre(tmp_path: Path) -> None:
    points: set[str] = set()
    stick = Stick(tmp_path / "stick")
    with HttpCentre() as http:
        config = write_config(tmp_path, http.url, stick.link)
        with running(config, lambda point, _data: points.add(point)):
            until(lambda: http.centre.heartbeats, "a heartbeat")
            os.write(stick.master, stick.press())
            until(lambda: any(isinstance(body, Call) for body in http.centre.bodies()), "the call")
            os.write(stick.master, stick.door(closed=False))
            until(lambda: Contact(DOOR, open=True) in http.centre.bodies(), "the door")
            until(lambda: http.centre.heartbeats >= 3, "more heartbeats")
        assert isinstance(http.centre.bodies()[0], Started)
        assert http.authorizations == {f"Bearer {CREDENTIAL}"}
        assert set(http.lanes) == {"urgent", "backlog"}
        assert http.connections == 2, "both connections are kept"
    assert points == {"read", "interpreted", "committed", "sent", "replied", "acknowledged"}
    status = json.loads((tmp_path / "state" / "status.json").read_text())
    assert status["running"] is False
    assert status["health"]["backlog_rows"] == 0
    assert status["health"]["sources"] == {"serial:r0": "up"}
    stick.pull()


class Ahead(GatewayClock):
    """The real clocks, and some seconds more."""

    ahead_s = 0.0

    def boottime_ms(self) -> int:
        return super().boottime_ms() + round(self.ahead_s * 1000)

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


def test_a_door_opened_and_shut_while_the_disk_was_slow_is_not_taken_for_a_bounce(tmp_path: Path) -> None:
    clock, stick, slow, goes_on = Ahead(), Stick(tmp_path / "stick"), threading.Event(), threading.Event()

    def probe(point: str, data: Mapping[str, object]) -> None:
        kinds = data.get("kinds")
        if point == "interpreted" and isinstance(kinds, list) and "Call" in kinds and not slow.is_set():
            slow.set()
            goes_on.wait(20)

    def doors() -> list[bool]:
        return [body.open for body in http.centre.bodies() if isinstance(body, Contact)]

    with HttpCentre() as http, running(write_config(tmp_path, http.url, stick.link), probe, clock=clock) as agent:
        until(lambda: http.centre.heartbeats, "a heartbeat")
        os.write(stick.master, stick.door(closed=True))
        until(lambda: doors() == [False], "the closed door")
        os.write(stick.master, stick.door(closed=False))
        until(lambda: doors() == [False, True], "the open door")
        clock.ahead_s += 5
        os.write(stick.master, stick.press())
        until(slow.is_set, "the core at the disk")
        for closed in (True, False, True):
            os.write(stick.master, stick.door(closed=closed))
        until(lambda: not agent._queue.empty(), "what came meanwhile")
        clock.ahead_s += 3
        goes_on.set()
        until(lambda: doors() == [False, True, False, True, False], "all that the door did")
    stick.pull()


def test_pulled_mid_frame_and_back(tmp_path: Path) -> None:
    stick = Stick(tmp_path / "stick")
    with HttpCentre() as http, running(write_config(tmp_path, http.url, stick.link)):
        until(lambda: http.centre.heartbeats, "a heartbeat")
        os.write(stick.master, stick.press()[:9])
        stick.pull()
        until(lambda: any(isinstance(body, SourceLost) for body in http.centre.bodies()), "the loss")
        stick.plug()
        until(lambda: any(isinstance(body, SourceBack) for body in http.centre.bodies()), "the return")
        os.write(stick.master, stick.press())
        until(lambda: any(isinstance(body, Call) for body in http.centre.bodies()), "the call")
        calls = [body for body in http.centre.bodies() if isinstance(body, Call)]
        assert len(calls) == 1
        (lost,) = [body for body in http.centre.bodies() if isinstance(body, SourceLost)]
        assert lost.source == "serial:r0"
        assert set(lost.devices) == {BUTTON, DOOR}
    stick.pull()


def test_rows_wait_for_a_centre_that_is_away_and_the_next_run_delivers_them(tmp_path: Path) -> None:
    stick = Stick(tmp_path / "stick")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        config = write_config(tmp_path, f"http://127.0.0.1:{unused.getsockname()[1]}", stick.link)
        committed = threading.Event()

        def probe(point: str, data: Mapping[str, object]) -> None:
            if point == "committed" and data["seqs"] and "Call" in seen:
                committed.set()
            if point == "interpreted":
                seen.extend(data["kinds"])  # type: ignore[arg-type]

        seen: list[str] = []
        with running(config, probe):
            until(lambda: (tmp_path / "state" / "status.json").exists(), "started")
            os.write(stick.master, stick.press())
            assert committed.wait(30)
    with HttpCentre() as http:
        again = replace(config, centre=replace(config.centre, url=http.url))
        with running(again):
            until(lambda: any(isinstance(body, Call) for body in http.centre.bodies()), "the call")
            until(lambda: sum(isinstance(body, Started) for body in http.centre.bodies()) == 2, "both starts")
    stick.pull()


def test_systemd_hears_ready_watchdog_and_stopping(tmp_path: Path) -> None:
    stick = Stick(tmp_path / "stick")
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, HttpCentre() as http:
        sock.bind(str(path))
        sock.settimeout(30)
        environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"}
        with running(write_config(tmp_path, http.url, stick.link), environment=environment):
            heard = {sock.recv(100).decode() for _ in range(4)}
            assert heard == {"READY=1", "WATCHDOG=1"}
        while (last := sock.recv(100).decode()) == "WATCHDOG=1":
            continue
        assert last == "STOPPING=1"
    stick.pull()


def test_the_siren_sounds_when_the_disk_fails(tmp_path: Path) -> None:
    stick = Stick(tmp_path / "stick")
    siren = tmp_path / "siren"
    siren.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / "sounded"}\n')
    siren.chmod(0o755)
    (tmp_path / "state").write_text("a file where the directory should be")
    config = write_config(tmp_path, "http://127.0.0.1:9", stick.link, f'[local_alarm]\ncommand = ["{siren}", "loud"]\n')
    with running(config) as agent:
        until(lambda: (tmp_path / "sounded").exists() and (tmp_path / "sounded").read_text(), "the siren")
        assert not agent.core.ready
        (tmp_path / "state").unlink()
        until(lambda: agent.core.ready, "the outbox opens once the disk is back")
    assert (tmp_path / "sounded").read_text().startswith("loud store: ")
    stick.pull()
