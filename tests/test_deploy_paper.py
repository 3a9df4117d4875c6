"""The timer of the night list: it starts a command that exists, keeps others out, and makes up for a missed evening."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

from nattevakt.central.cli import parser

UNITS = Path(__file__).parents[1] / "deploy/systemd"


def unit(name: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read(UNITS / name, encoding="utf-8")
    return found


def test_the_service_starts_a_command_that_the_centre_knows() -> None:
    service = unit("nattevakt-night-list@.service")["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert Path(program).name == "nattevakt-central"
    args = parser().parse_args(words)
    assert (args.command, args.ward, args.no_names) == ("night-list", "%i", False)
    folder = f"/var/lib/{service['StateDirectory']}"
    assert args.out.parent == Path(folder), "the only folder of its own that it may write to"
    assert (service["StateDirectoryMode"], service["UMask"], service["Restart"]) == ("0750", "0027", "on-failure")


def test_the_timer_comes_each_evening_and_makes_up_for_one_that_was_missed() -> None:
    timer = unit("nattevakt-night-list@.timer")["Timer"]
    day, clock = timer["OnCalendar"].split()
    assert (day, "18:00" <= clock < "22:00") == ("*-*-*", True)
    assert timer["Persistent"] == "yes" or timer["Persistent"] == "true"
