"""The command line: what it prints and the codes it exits with."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import select

from nattevakt.central import migrate
from nattevakt.central.cli import run_command
from nattevakt.central.columns import TENANT
from nattevakt.central.credentials import digest
from nattevakt.central.db import Database
from nattevakt.central.device_health import MUTE, REPORTING, UNWATCHED
from nattevakt.central.findings import note
from nattevakt.central.heartbeat import beat
from nattevakt.central.ingest import Sender
from nattevakt.central.tables import gateways
from nattevakt.edge.rules.rule import Finding, Reason
from nattevakt.edge.wire import GatewayHealth, Heartbeat, encode_message, list_digest
from tests.central.house import NOON_MS, Clock, moment
from tests.support.house import seed_text
from tests.support.postgres import Postgres

CLASSES = (REPORTING, MUTE, UNWATCHED)


class Shell:
    """Runs commands on one installation."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], url: str) -> None:
        self.config = folder / "central.toml"
        self.config.write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
        self.seed = folder / "ward.toml"
        self.seed.write_text(seed_text(), encoding="utf-8")
        self._capsys = capsys

    def run(self, *words: str, code: int = 0) -> str:
        """What a command prints; fails where it exits with another code."""
        assert run_command([*words, "--config", str(self.config)], Clock()) == code
        said = self._capsys.readouterr()
        return said.out + said.err


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Put back what `run` does to logging."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys, f"sqlite:///{tmp_path / 'central.sqlite'}")


def test_from_nothing_to_a_ward(shell: Shell) -> None:
    assert f"skjema {migrate.head()} (var tomt)" in shell.run("migrate")
    assert "(uendret)" in shell.run("migrate")
    assert "nv1.furutun.gw1." in shell.run("seed", str(shell.seed))
    assert "ingenting å endre" in shell.run("seed", str(shell.seed))
    assert "gyldig i 15 minutter" in shell.run("tablet", "code", "--ward", "2etg")
    assert "nv1.furutun.gw9." in shell.run("gateway", "add", "--key", "gw9", "--name", "Ny", "--ward", "2etg")
    assert "aldri hørt" in shell.run("gateway", "list")
    shell.run("gateway", "revoke", "--key", "gw9")
    assert "trukket tilbake" in shell.run("gateway", "list", "--tenant", "furutun")
    assert "0 åpne alarmer" in shell.run("status")
    assert "hørt aldri" in shell.run("device", "list")
    assert {device["kind"] for device in json.loads(shell.run("device", "list", "--json"))} <= {*CLASSES}
    assert shell.run("findings") == "ingen funn de siste 7 døgn\n"
    assert json.loads(shell.run("findings", "--json", "--days", "30")) == []
    assert "innstillingene holder" in shell.run("check-config")


def test_what_only_one_end_knows_stands_in_the_status(shell: Shell) -> None:
    token = shell.run("seed", str(shell.seed)).partition("vises bare nå): ")[2].split()[0]
    db = Database(f"sqlite:///{shell.config.parent / 'central.sqlite'}")
    try:
        (tenant,) = db.tenants()
        with db.read(tenant.id) as s:
            number = s.execute(select(gateways.c.id).where(gateways.c.tenant_id == TENANT)).scalar_one()
        health = GatewayHealth("0.1.0", 1, 0, 0, 0, 0, 1000, clock_synced=True)
        told = {"enocean:0000000A": "call"}
        said = Heartbeat(moment(NOON_MS), "1" * 32, (), None, health, {}, list_digest(told), told)
        beat(db, Sender(tenant, number, digest(token)), encode_message(said), NOON_MS)
    finally:
        db.close()
    status = shell.run("status")
    assert "    funn: enocean:0000000A står i gatewayens innstillinger, men er ikke registrert her" in status
    assert "er registrert her, men står ikke i gatewayens innstillinger" in status


def test_findings_are_listed_in_plain_words(shell: Shell) -> None:
    shell.run("seed", str(shell.seed))
    db = Database(f"sqlite:///{shell.config.parent / 'central.sqlite'}")
    found = Finding("enocean:0000000A", Reason("implausible.door_flicker", {"times": 31}))
    try:
        (tenant,) = db.tenants()
        with db.write(tenant.id) as s:
            note(s, "sensor_implausible", found, NOON_MS, tenant.time_zone)
    finally:
        db.close()
    assert "Dørsensoren meldte åpen i under ett sekund 31 ganger." in shell.run("findings")
    (one,) = json.loads(shell.run("findings", "--json"))
    assert (one["code"], one["params"], one["date"]) == ("implausible.door_flicker", {"times": 31}, "2026-11-20")


@pytest.mark.parametrize("days", ["0", "-1", "367", "x"])
def test_an_impossible_number_of_days_is_refused(shell: Shell, days: str) -> None:
    with pytest.raises(SystemExit) as ended:
        shell.run("findings", "--days", days)
    assert ended.value.code == 2


def test_a_pin_comes_from_standard_input(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.run("seed", str(shell.seed))
    monkeypatch.setattr("sys.stdin", io.StringIO("908172\n"))
    assert "PIN er satt" in shell.run("staff", "pin", "--key", "kari")
    monkeypatch.setattr("sys.stdin", io.StringIO("1111\n"))
    assert "pin" in shell.run("staff", "pin", "--key", "kari", code=1)


@pytest.mark.parametrize(
    "words",
    [
        ("tablet", "code", "--ward", "no"),
        ("tablet", "code", "--ward", "2etg", "--tenant", "no"),
        ("gateway", "revoke", "--key", "no"),
        ("gateway", "add", "--key", "gw1", "--name", "x", "--ward", "2etg"),
        ("gateway", "add", "--key", "G W", "--name", "x", "--ward", "2etg"),
        ("gateway", "add", "--key", "gw2", "--name", "x", "--ward", "no"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_code_1(shell: Shell, words: tuple[str, ...]) -> None:
    shell.run("seed", str(shell.seed))
    assert len(shell.run(*words, code=1).splitlines()) == 1


def test_bad_settings_are_one_line_and_code_2(shell: Shell) -> None:
    shell.config.write_text("[database]\nulr = 1\n", encoding="utf-8")
    for words in (("run",), ("migrate",), ("check-config",)):
        said = shell.run(*words, code=2)
        assert "config.database.ulr" in said
        assert len(said.splitlines()) == 1


def test_run_refuses_a_database_that_is_behind(
    postgres: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path, capsys, postgres.empty_database())
    said = shell.run("run", code=1)
    assert "nattevakt-central migrate" in said.splitlines()[-1]
