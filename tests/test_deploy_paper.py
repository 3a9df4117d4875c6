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


def test_a_list_that_hangs_fails_and_a_failure_is_told() -> None:
    found = unit("nattevakt-night-list@.service")
    service, limits = found["Service"], found["Unit"]
    most_s = int(service["TimeoutStartSec"])
    assert 30 <= most_s <= 300
    # All tries that are allowed fit into the time that counts them: else it would try for ever and never be failed.
    tries = int(limits["StartLimitBurst"])
    assert tries * (most_s + int(service["RestartSec"])) < int(limits["StartLimitIntervalSec"])
    told = unit(limits["OnFailure"].replace("%i", ""))["Service"]
    priority = shlex.split(told["ExecStart"])
    assert priority[priority.index("--priority") + 1] == "daemon.crit"
    assert "%i" in told["ExecStart"]
    assert int(told["TimeoutStartSec"]) <= 60


def test_it_is_printed_by_a_unit_of_its_own_once_and_within_its_time() -> None:
    found = unit("nattevakt-print@.service")
    service = found["Service"]
    assert "Restart" not in service, "what is on paper already must not come again"
    assert int(service["TimeoutStartSec"]) <= 600
    assert found["Unit"]["OnFailure"] == unit("nattevakt-night-list@.service")["Unit"]["OnFailure"]
    # Each of these keeps the browser from making its sandbox, by itself or by what it implies for a User=.
    never = {"NoNewPrivileges", "RestrictNamespaces", "SystemCallFilter", "RestrictAddressFamilies", "LockPersonality"}
    assert not {*never, "RestrictRealtime", "RestrictSUIDSGID", "MemoryDenyWriteExecute", "PrivateDevices"} & set(
        service
    )
    assert service["StateDirectory"] == unit("nattevakt-night-list@.service")["Service"]["StateDirectory"]
    guide = (UNITS.parents[1] / "docs/how-to/print-the-night-list.md").read_text("utf-8")
    assert "OnSuccess=nattevakt-print@%i.service" in guide
    assert "ExecStartPost" not in guide


def test_the_command_of_the_guide_for_several_municipalities_is_one_that_the_centre_knows() -> None:
    guide = (UNITS.parents[1] / "docs/how-to/print-the-night-list.md").read_text("utf-8")
    (line,) = [line.strip() for line in guide.splitlines() if line.strip().startswith("ExecStart=/")]
    args = parser().parse_args(shlex.split(line.partition("=")[2])[1:])
    assert (args.command, args.tenant, args.ward) == ("night-list", "furutun", "%i")


def test_the_timer_comes_each_evening_and_makes_up_for_one_that_was_missed() -> None:
    timer = unit("nattevakt-night-list@.timer")["Timer"]
    day, clock, zone = timer["OnCalendar"].split()
    assert (day, "18:00" <= clock < "22:00", zone) == ("*-*-*", True, "Europe/Oslo")
    assert timer["Persistent"] == "yes" or timer["Persistent"] == "true"
