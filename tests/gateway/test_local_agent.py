"""The whole agent on its own: its centre is gone, a phone reads its page, and the command of the siren is run."""

from __future__ import annotations

import http.client
import os
import socket
from pathlib import Path

from nattevakt.edge.events import Call, LocalAlarm
from tests.gateway.support import HttpCentre
from tests.gateway.test_agent import Ahead, Stick, running, write_config
from tests.support.wait import until


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def read(port: int, said: str = "") -> str:
    """What a phone is shown, "" while nobody answers."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request("POST" if said else "GET", "/", said or None)
        return line.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        line.close()


def test_a_press_while_the_centre_is_gone_is_seen_on_a_phone_and_told_afterwards(tmp_path: Path) -> None:
    clock, stick, page = Ahead(), Stick(tmp_path / "stick"), free_port()
    siren = tmp_path / "siren"
    siren.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / "sounded"}\n')
    siren.chmod(0o755)
    more = f'[local_alarm]\ncommand = ["{siren}"]\n[local]\nafter_s = 30\npage = "127.0.0.1:{page}"\n'
    with HttpCentre() as centre:
        config = write_config(tmp_path, centre.url, stick.link, more)
        with running(config, clock=clock):
            until(lambda: centre.centre.heartbeats, "a heartbeat")
            until(lambda: "Sentralen er i kontakt" in read(page), "the page while all is well")
            centre.away = True
            clock.ahead_s += 31
            until(lambda: "Sentralen er ikke i kontakt" in read(page), "the page without the centre")
            os.write(stick.master, stick.press())
            until(lambda: "Ringer etter hjelp" in read(page), "the call on the phone")
            assert "har ingen planer" in read(page)
            until(lambda: (tmp_path / "sounded").exists() and "local alarm: call" in _sounded(tmp_path), "the siren")
            assert "Jeg ser den" in read(page)
            read(page, f"alarm={name_on(read(page))}")
            until(lambda: "Sett kl." in read(page), "that it was seen")
            centre.away = False
            until(lambda: any(isinstance(body, Call) for body in centre.centre.bodies()), "the call at the centre")
            until(lambda: len(words(centre)) == 2, "what was rung and seen here")
            until(lambda: "Sentralen er i kontakt" in read(page), "the page when all is well again")
    assert [word.what for word in words(centre)] == ["rung", "seen"]
    (call,) = [item for item in centre.centre.stored.values() if isinstance(item.event.body, Call)]
    assert {word.events for word in words(centre)} == {(f"{call.id.stream}/{call.id.seq}",)}
    assert read(page) == ""
    stick.pull()


def name_on(text: str) -> str:
    """What the page's button says."""
    return text.partition('name="alarm" value="')[2].partition('"')[0]


def _sounded(folder: Path) -> str:
    return (folder / "sounded").read_text()


def words(centre: HttpCentre) -> list[LocalAlarm]:
    return [body for body in centre.centre.bodies() if isinstance(body, LocalAlarm)]
