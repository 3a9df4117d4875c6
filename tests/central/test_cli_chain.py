"""`nattevakt-central chain-test`: what it asks for, what it prints, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.central.cli import run_command
from nattevakt.central.tables_duty import chain_tests
from tests.central.house import BUTTON, LEAK, House


def run(house: House, folder: Path, *words: str) -> int:
    url = house.db.url.render_as_string(hide_password=False)
    (folder / "central.toml").write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
    return run_command(["chain-test", *words, "--config", str(folder / "central.toml")], house.clock)


def test_all_of_a_ward_are_asked_for_once(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house.gate.beat(heard={BUTTON: 0, LEAK: 0})
    for _ in range(2):
        assert run(house, tmp_path, "--ward", "a") == 0
        assert capsys.readouterr().out == "bestilt: 1 prøve; vises på avdelingens nettbrett når de er framme\n"
    (row,) = house.rows(chain_tests)
    assert (row.state, row.asked_by, row.asked_ms) == ("asked", None, house.clock.at_ms)


def test_an_unknown_ward_is_refused(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(house, tmp_path, "--ward", "z") == 1
    assert "ukjent avdeling: z" in capsys.readouterr().err
    assert house.rows(chain_tests) == []
