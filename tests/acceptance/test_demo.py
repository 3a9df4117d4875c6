"""The demo as a newcomer meets it: a code from the terminal, a night that runs, an alarm, a nurse, Ctrl-C."""

from __future__ import annotations

import http.client
import json
import re
import signal
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.people import HttpTablet
from tests.support.processes import python
from tests.support.wait import until

pytestmark = pytest.mark.acceptance


def processes_naming(folder: Path) -> list[str]:
    """Command lines of running processes that name the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


def enrolled(said: str) -> HttpTablet:
    """The viewer's tablet, with the address and the first code that the terminal gave."""
    address = re.search(r"nattevakta:\s+http://127\.0\.0\.1:(\d+)/", said)
    code = re.search(r"koden\s+([A-Z2-7-]{26,})", said)
    assert address, said
    assert code, said
    return HttpTablet(int(address.group(1)), code.group(1))


def press(said: str, key: str, act: str) -> str:
    """Press a button of the side page; gives what it says."""
    side = re.search(r"kulissene:\s+http://(127\.0\.0\.1:\d+)/", said)
    assert side, said
    connection = http.client.HTTPConnection(side.group(1), timeout=10)
    try:
        connection.request("GET", "/")
        token = re.search(r'name="token" content="([^"]+)"', connection.getresponse().read().decode())
        assert token
        connection.request("POST", "/act", json.dumps({"key": key, "act": act}), {"X-Token": token.group(1)})
        return str(json.load(connection.getresponse())["said"])
    finally:
        connection.close()


def alarms_of(data: Path) -> list[tuple[str, str]]:
    """Kind and state of every alarm that there ever was."""
    with closing(sqlite3.connect(f"file:{data / 'central.sqlite'}?mode=ro", uri=True, timeout=5)) as con:
        return con.execute("SELECT kind, state FROM alarms ORDER BY id").fetchall()


def test_a_shortened_night_rings_is_answered_and_leaves_nothing_but_its_folder(tmp_path: Path) -> None:
    """Sixty times as fast until Gerd calls, then at life's pace; the nurse comes; nothing else ever rings."""
    data = tmp_path / "demo-data"
    words = ("-m", "nattevakt.sim", "demo", "--data", str(data), "--from", "23:22", "--until", "23:31")
    with python("demo", tmp_path, *words, "--patience", "5") as demo:
        until(lambda: "Ctrl-C stopper alt" in demo.text() or not demo.alive, "the demo is up", limit_s=60)
        side = re.search(r"kulissene:\s+(http://127\.0\.0\.1:\d+/)", demo.text())
        assert side, demo.text()
        tablet = enrolled(demo.text())
        until(lambda: tablet.snapshot()["speed"] == 60, "the night runs")
        assert tablet.snapshot()["alarms"] == [], "a calm evening"
        until(lambda: tablet.snapshot()["alarms"], "Gerd calls")
        until(lambda: tablet.snapshot()["speed"] == 1, "everything at its own pace")
        with urllib.request.urlopen(side.group(1) + "status", timeout=5) as status:  # noqa: S310 - our own page
            assert json.load(status)["speed"] == "Vanlig fart."
        until(lambda: "avslutter 206" in demo.text(), "the nurse has been there")
        until(lambda: tablet.snapshot()["speed"] == 60, "the night runs on")
        until(lambda: "Natten er over" in demo.text(), "the night ends")
        snapshot = tablet.snapshot()
        assert snapshot["sweep_age_s"] <= snapshot["sweep_late_s"]
        assert "I seng" in snapshot["rooms_html"]
        assert "Ukjent" not in snapshot["rooms_html"], "every gateway was heard all along"
        assert alarms_of(data) == [("call", "avsluttet")]
        demo.signal(signal.SIGINT)
        assert demo.died() == 0, demo.text()
    assert processes_naming(data) == []
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix != ".log"] == ["demo-data"]


def test_without_mosquitto_the_embedded_broker_serves(tmp_path: Path) -> None:
    data = tmp_path / "demo-data"
    words = ("-m", "nattevakt.sim", "demo", "--data", str(data), "--from", "23:24", "--at-once")
    with python("demo", tmp_path, *words, env={"PATH": "/nonexistent"}) as demo:
        until(lambda: "Ctrl-C stopper alt" in demo.text() or not demo.alive, "the demo is up", limit_s=60)
        assert "embedded (amqtt)" in demo.text()
        tablet = enrolled(demo.text())
        until(lambda: tablet.snapshot()["alarms"], "Gerd's Zigbee button rings")
        assert press(demo.text(), "r204", "trykk") == "204 Einar: trykker på knappen."
        until(lambda: len(tablet.snapshot()["alarms"]) == 2, "so does a button of the side page")
        demo.signal(signal.SIGINT)
        assert demo.died() == 0, demo.text()
    assert processes_naming(data) == []


def test_the_demo_never_empties_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "letter.txt").write_text("kjære", encoding="utf-8")
    with python("demo", tmp_path, "-m", "nattevakt.sim", "demo", "--data", str(tmp_path / "precious")) as demo:
        assert demo.died() == 1
        assert "ikke fra en demo" in demo.text()
    assert (tmp_path / "precious" / "letter.txt").read_text(encoding="utf-8") == "kjære"
