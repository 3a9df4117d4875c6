"""The service unit: it starts a command that exists, and says of each of its limits what it is for."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

from nattevakt.gateway.cli import parser

UNIT = Path(__file__).parents[1] / "deploy/systemd/nattevakt-gateway.service"


def lines(section: str) -> list[str]:
    text = UNIT.read_text(encoding="utf-8")
    return text.split(f"[{section}]\n")[1].split("\n[")[0].splitlines()


def test_the_unit_starts_a_command_that_the_gateway_knows() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT, encoding="utf-8")
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "nattevakt-gateway"
    assert parser().parse_args(words).command == "run"


def test_the_watchdog_and_the_hidden_boot_id() -> None:
    said = lines("Service")
    assert "Type=notify" in said
    assert "WatchdogSec=30" in said
    assert not [line for line in said if line.startswith("ProcSubset=")], "it hides the boot id"


def test_every_block_of_settings_says_what_it_is_for() -> None:
    for block in "\n".join(lines("Service")).strip().split("\n\n"):
        assert block.startswith("#"), block
