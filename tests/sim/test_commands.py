"""`nattevakt-sim run` and `list` as somebody at a terminal or CI meets them."""

from __future__ import annotations

import io
import subprocess
import sys
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nattevakt.sim import scenario
from nattevakt.sim.check import Verdict
from nattevakt.sim.commands import Progress
from nattevakt.sim.faults import FAULTS
from nattevakt.sim.play import Played
from nattevakt.sim.report import junit, story

SHORT = """
from nattevakt.sim.broken import without
from nattevakt.sim.scenario import Night
from nattevakt.sim.script import presses

NIGHT = Night("kort", "et trykk", begins="12:00", ends="12:04")
NIGHT.at("12:02", presses("Einar", "bad"))
NIGHT.expect_alarm("call", room="204", after="12:02", by="12:02:02")
NIGHT.broken("anrop kjennes ikke", without("call"))
"""


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "kort.py"
    path.write_text(SHORT, encoding="utf-8")
    return path


def sim(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nattevakt.sim", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_a_run_tells_its_story_and_writes_a_report_that_ci_can_read(short: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    done = sim("run", str(short), "--junit", str(report), "--trace", "--progress")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "som ventet: call på 204 kom 12:02:00" in done.stdout
    assert "12:02:00  ALARM call 204 ringer: call.pressed" in done.stdout
    assert "BESTÅTT" in done.stdout
    (case,) = ElementTree.parse(report).getroot().iter("testcase")  # noqa: S314 - our own report
    assert case.get("name") == "kort"
    assert case.find("failure") is None
    assert "BESTÅTT" in (case.findtext("system-out") or "")


def test_a_broken_twin_fails_and_says_why(short: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    done = sim("run", str(short), "--twin", "1", "--junit", str(report))
    assert done.returncode == 1
    assert "FEIL: kort.py:8: call på 204 kom ikke mellom 12:02:00 og 12:02:02" in done.stdout
    suite = ElementTree.parse(report).getroot().find("testsuite")  # noqa: S314 - our own report
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    (failure,) = suite.iter("failure")
    assert (failure.get("message") or "").startswith("kort.py:8: call på 204 kom ikke")


def test_what_cannot_be_played_is_said_in_one_line(short: Path) -> None:
    for words, said in (
        (("run",), "hvilket scenario?"),
        (("run", "finnes_ikke"), "ukjent scenario «finnes_ikke»"),
        (("run", str(short), "--twin", "2"), "kort har 1 tvillinger"),
        (("run", str(short), "--real", "--speed", "50"), "fra 1 til 20"),
    ):
        done = sim(*words)
        assert done.returncode == 2, done.stdout + done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_list_names_every_scenario_and_its_twins() -> None:
    done = sim("list")
    assert done.returncode == 0
    assert all(name in done.stdout for name in scenario.names())
    assert done.stdout.count("tvilling") >= len(scenario.names())


def test_list_names_every_fault_with_its_devices_and_its_meaning() -> None:
    done = sim("list", "--faults")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(FAULTS)
    for line, fault in zip(lines, FAULTS.values(), strict=True):
        assert fault.of in line
        assert fault.says in line
        assert line.endswith("[det som hender, er tapt]") == fault.loses
        assert line.endswith("[ringer av seg selv]") == fault.rings


def test_a_long_run_shows_how_far_it_has_come() -> None:
    out, seconds = io.StringIO(), count()
    progress = Progress("natt", out, lambda: float(next(seconds)))
    progress(0, 900_000, 3_600_000)
    assert "natt:  25%, 0.2 simulerte timer" in out.getvalue()
    progress.done()
    assert out.getvalue().endswith("\r")
    quiet = Progress("natt", out := io.StringIO(), lambda: 0.0)
    quiet(0, 1, 2)
    quiet.done()
    assert out.getvalue() == ""


def test_a_report_holds_no_character_that_xml_cannot(short: Path) -> None:
    night = scenario.load(short)
    played = Played(night, 1, Verdict(failures=["line\x00\x1b[0m\nnext"]), [])
    assert "FEILET" in story(played)
    root = ElementTree.fromstring(junit([(played, 1.5)]))  # noqa: S314 - our own report
    assert root.get("failures") == "1"
    assert "next" in (root.find(".//failure").text or "")  # type: ignore[union-attr]
