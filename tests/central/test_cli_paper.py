"""`nattevakt-central night-list` and `report`: the file, what is printed, the CSV files, and what is refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from nattevakt.central import migrate
from nattevakt.central.cli import run_command
from nattevakt.central.cli_paper import FILE_MODE
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.response_words import ALARM_COLUMNS, FIGURE_COLUMNS
from nattevakt.central.tables import access_log
from tests.central.admin.desk import plain
from tests.central.admin.evening import EVENING_MS, evening
from tests.central.house import Clock
from tests.central.past_nights import HOUR
from tests.central.rung import Rung
from tests.central.tablet.ward import NAME, NUMBERS


class Shell:
    """The ward on its evening, and commands on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'central.sqlite'}"
        migrate.upgrade(self.url)
        (folder / "central.toml").write_text(f'[database]\nurl = "{self.url}"\n', encoding="utf-8")
        self._capsys = capsys
        db = Database(self.url)
        try:
            found = evening(db)
            rung = Rung(db, found.ward)
            rung.alarm(EVENING_MS - 30 * HOUR, kind="fall", number="211", taken_s=30, on_site_s=100, closed_s=900)
            rung.alarm(EVENING_MS - 26 * HOUR, number="212", shown_s=None)
        finally:
            db.close()
        capsys.readouterr()

    def run(self, *words: str, code: int = 0) -> str:
        """What a command prints; fails where it exits with another code."""
        config = str(self.folder / "central.toml")
        assert run_command([*words, "--config", config], Clock(EVENING_MS)) == code
        said = self._capsys.readouterr()
        return said.out + said.err

    def logged(self) -> list[tuple[str, int | None]]:
        """The access log: what, and who."""
        db = Database(self.url)
        try:
            with db.read(1) as s:
                rows = s.execute(select(access_log).where(access_log.c.tenant_id == TENANT)).all()
            return [(row.what, row.staff_id) for row in rows]
        finally:
            db.close()


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_a_list_replaces_the_one_of_yesterday_in_one_step(shell: Shell) -> None:
    out = shell.folder / "2etg.html"
    out.write_text("yesterday", encoding="utf-8")
    was = out.stat().st_ino
    said = shell.run("night-list", "--ward", "2etg", "--out", str(out))
    assert said == (
        f"{out}: 14 beboere. Gjelder natt til man 23.11.2026, kl. 22:00 til 07:00. "
        "Skrevet ut søn 22.11.2026 kl. 21:30.\n"
    )
    assert out.stat().st_ino != was, "put in its place, not written over"
    assert stat.S_IMODE(out.stat().st_mode) & 0o007 == 0, "nobody else may read it"
    assert NAME in plain(out.read_text(encoding="utf-8"))
    assert [path.name for path in shell.folder.glob("*2etg*")] == ["2etg.html"]
    assert sorted(shell.logged()) == sorted((f"night_list:{number}", None) for number in range(1, len(NUMBERS) + 1))


def test_who_writes_the_same_list_at_the_same_time_is_left_alone(shell: Shell) -> None:
    out = shell.folder / "2etg.html"
    others = shell.folder / ".2etg.html.new"
    others.write_text("half of", encoding="utf-8")
    shell.run("night-list", "--ward", "2etg", "--out", str(out))
    assert others.read_text(encoding="utf-8") == "half of"
    assert sorted(path.name for path in shell.folder.glob("*2etg*")) == [others.name, out.name], "nothing is left over"
    assert stat.S_IMODE(out.stat().st_mode) == FILE_MODE
    out.unlink()
    out.mkdir()
    assert "kan ikke skrives" in shell.run("night-list", "--ward", "2etg", "--out", str(out), code=1)
    assert sorted(path.name for path in shell.folder.glob("*2etg*")) == [others.name, out.name], "nor then"


def test_a_list_without_names_in_another_language(shell: Shell) -> None:
    out = shell.folder / "rom.html"
    shell.run("night-list", "--ward", "2etg", "--out", str(out), "--no-names", "--lang", "en")
    text = out.read_text(encoding="utf-8")
    assert "Testperson" not in text
    assert "When the system is down" in text
    assert {what for what, _ in shell.logged()} == {f"night_list_rooms:{number}" for number in range(1, 15)}


def test_a_list_that_cannot_be_leaves_the_old_one_alone(shell: Shell) -> None:
    out = shell.folder / "2etg.html"
    out.write_text("yesterday", encoding="utf-8")
    assert "--ward" in shell.run("night-list", "--ward", "no", "--out", str(out), code=1)
    assert out.read_text(encoding="utf-8") == "yesterday"
    assert shell.logged() == []
    said = shell.run("night-list", "--ward", "2etg", "--out", str(shell.folder / "no" / "x.html"), code=1)
    assert said.startswith("nattevakt-central: --out: kan ikke skrives")


def test_a_report_names_what_was_missed(shell: Shell) -> None:
    figures, alarms = shell.folder / "tall.csv", shell.folder / "alarmer.csv"
    words = ("report", "--ward", "2etg", "--from", "2026-11-21", "--to", "2026-11-22")
    said = shell.run(*words, "--csv", str(figures), "--alarms-csv", str(alarms)).splitlines()
    print("\n".join(said))
    assert said[0] == "Svartider fra og med 2026-11-21 til og med 2026-11-22"
    assert said[1:3] == ["Alarmer om beboere", "  Alle: 4 alarmer"]
    assert said[3].startswith("    Vist på en skjerm  halvparten innen 2 s, 9 av 10 innen 2 s, verste 2 s (av 1)")
    named = said[said.index("Glipp og forsinkelser: 4") + 1 :]
    assert named[0] == "  5: 21.11.2026 kl. 19:30, 212, Ringer etter hjelp (VKP 4.13): aldri vist for noen, aldri tatt"
    assert any(
        line.endswith("208, Ringer etter hjelp (VKP 4.13): visning aldri bekreftet av skjermen") for line in named
    )
    assert tuple(figures.read_text("utf-8").splitlines()[0].split(",")) == FIGURE_COLUMNS
    rows = alarms.read_text("utf-8").splitlines()
    assert tuple(rows[0].split(",")) == ALARM_COLUMNS
    assert rows[1].startswith(
        '4,2026-11-21T15:30:00+01:00,resident,"Furutun, 2. etasje",211,kveld,fall,4.1,avsluttet,2.0,'
    )


def test_a_report_of_a_time_without_alarms(shell: Shell) -> None:
    said = shell.run("report", "--from", "2026-01-01", "--to", "2026-01-31")
    assert said.splitlines()[1] == "Ingen alarmer i perioden."


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("report", "--ward", "no"), "--ward"),
        (("report", "--from", "2026-11-22", "--to", "2026-11-21"), "period"),
        (("report", "--from", "2020-01-01", "--to", "2026-11-21"), "period"),
        (("report", "--from", "9999-12-31", "--to", "9999-12-31"), "2100"),
        (("report", "--from", "0001-01-01", "--to", "0001-01-01"), "2000"),
    ],
)
def test_what_cannot_be_reported_is_one_line(shell: Shell, words: tuple[str, ...], named: str) -> None:
    said = shell.run(*words, code=1)
    assert named in said
    assert len(said.splitlines()) == 1


def test_a_date_that_is_none_is_refused(shell: Shell) -> None:
    with pytest.raises(SystemExit) as stopped:
        shell.run("report", "--from", "i går")
    assert stopped.value.code == 2
