"""`nattevakt-central backtest` and `alarm-health`: what they print, the CSV files, and what they refuse."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from nattevakt.central import migrate
from nattevakt.central.cli import run_command
from nattevakt.central.cli_nights import Bar
from nattevakt.central.db import Database
from nattevakt.central.nights_words import BACKTEST_COLUMNS, HEALTH_COLUMNS, plan_line
from nattevakt.central.places.plan_lines import Line
from nattevakt.edge.rules.windows import Window
from tests.central.house import Clock
from tests.central.past_nights import MIN, NOON_MS, Lived, at

NIGHT = (Window(22 * 60, 7 * 60),)
BED_15 = Line("not_back_in_bed", NIGHT, {"limit_min": 15})
FORTY = """
[[lines]]
rule = "not_back_in_bed"
windows = [{ from = "22:00", to = "07:00" }]
settings = { limit_min = 40 }
"""


class Shell:
    """A ward with three nights behind it, and commands on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        url = f"sqlite:///{folder / 'central.sqlite'}"
        migrate.upgrade(url)
        (folder / "central.toml").write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
        self._capsys = capsys
        db = Database(url)
        try:
            lived = Lived(db, Clock(NOON_MS), cause=lambda _kind, _at_ms: ("toalett", "tilsyn"))
            lived.plan(BED_15)
            told = []
            for day, away_min in enumerate((22, 5, 17), 1):
                left = at(day, "02:00")
                told += [(left - 180 * MIN, "in"), (left, "out"), (left + MIN, "moves"), (left + away_min * MIN, "in")]
            lived.live(told, at(3, "12:00"))
            self.now_ms = lived.clock.at_ms
        finally:
            db.close()
        capsys.readouterr()  # what the ward's past has logged

    def run(self, *words: str, code: int = 0) -> str:
        """What a command prints; fails where it exits with another code."""
        config = str(self.folder / "central.toml")
        assert run_command([*words, "--config", config], Clock(self.now_ms)) == code
        said = self._capsys.readouterr()
        return said.out + said.err

    def rows(self, name: str) -> list[dict[str, str]]:
        """A CSV file that was written."""
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_the_plan_in_force_beside_what_happened(shell: Shell) -> None:
    out = shell.folder / "ut.csv"
    said = shell.run("backtest", "--resident", "r1", "--nights", "3", "--csv", str(out)).splitlines()
    print("\n".join(said))
    assert said[0].startswith("Beboer r1, 3 netter. Planen: not_back_in_bed 22:00–07:00 (limit_min 15")
    assert "planen  1   virkelig  1" in said[1]
    assert said[1].startswith("søn 22.11.")
    assert said[2].startswith("    planen    02:15  Ikke tilbake i seng (")
    assert said[3].endswith(", avsluttet: Toalettbesøk")
    assert "planen  0   virkelig  0" in said[4]
    assert said[6].endswith(", avklart kl. 02:17")
    assert said[-1].startswith("I alt ")
    assert "planen  2   virkelig  2   (1 av planens ville avklart seg selv)" in said[-1]
    rows = shell.rows("ut.csv")
    assert tuple(rows[0]) == BACKTEST_COLUMNS
    assert [(row["night"], row["source"]) for row in rows] == [
        ("2026-11-22", "plan"),
        ("2026-11-22", "real"),
        ("2026-11-23", ""),
        ("2026-11-24", "plan"),
        ("2026-11-24", "real"),
    ]
    assert rows[0]["at"] == "2026-11-23T02:15:00+01:00"
    assert (rows[1]["state"], rows[1]["cause"], rows[1]["action"]) == ("avsluttet", "toalett", "tilsyn")
    assert rows[3]["cleared_at"] == "2026-11-25T02:17:05+01:00"


def test_a_plan_from_a_file(shell: Shell) -> None:
    plan = shell.folder / "plan.toml"
    plan.write_text(FORTY, encoding="utf-8")
    said = shell.run("backtest", "--resident", "r1", "--nights", "3", "--plan", str(plan))
    assert "planen  0   virkelig  2   (0 av planens" in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("backtest", "--resident", "no"), "--resident"),
        (("backtest", "--resident", "r2"), "--plan"),
        (("backtest", "--resident", "r1", "--nights", "61"), "nights"),
        (("backtest", "--resident", "r1", "--plan", "no.toml"), "no.toml"),
        (("alarm-health", "--ward", "no"), "--ward"),
        (("alarm-health", "--resident", "no"), "--resident"),
        (("alarm-health", "--weeks", "0"), "weeks"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_names_it(shell: Shell, words: tuple[str, ...], named: str) -> None:
    said = shell.run(*words, code=1)
    assert named in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("wrong", ["limit_min = -1", "limit_min = 4", "limt_min = 20"])
def test_a_file_with_a_wrong_number_is_refused_with_its_place(shell: Shell, wrong: str) -> None:
    plan = shell.folder / "plan.toml"
    plan.write_text(FORTY.replace("limit_min = 40", wrong), encoding="utf-8")
    said = shell.run("backtest", "--resident", "r1", "--plan", str(plan), code=1)
    assert "lines[0].settings" in said


def test_alarm_health_as_a_table_with_suggestions_and_as_csv(shell: Shell) -> None:
    out = shell.folder / "helse.csv"
    said = shell.run("alarm-health", "--csv", str(out), "--suggest").splitlines()
    print("\n".join(said))
    assert said[0].startswith("Uke ")
    assert said[1].split()[:4] == ["2026-W48", "Avdeling", "A", "2"]
    assert said[2].split()[:2] == ["2026-W48", "r1"]
    assert said[3].strip() == "not_back_in_bed 2 · p:mat 2"
    # One for nothing in two weeks is not worth a change.
    assert said[4:] == ["r1: ingen endring ville hjulpet"]
    ward, mine = shell.rows("helse.csv")
    assert tuple(ward) == HEALTH_COLUMNS
    assert (ward["resident"], mine["resident"], mine["alarms"], mine["useless"], mine["cleared"]) == (
        "",
        "r1",
        "2",
        "1",
        "1",
    )
    assert (mine["by_rule"], mine["by_sensor"]) == ("not_back_in_bed=2", "p:mat=2")


def test_a_window_says_its_weekdays() -> None:
    weekend = Line("door_at_night", (Window(22 * 60, 6 * 60, 0b1100000), Window(0, 60)))
    assert plan_line(weekend) == "door_at_night 22:00–06:00 lør/søn, 00:00–01:00"


class Terminal(io.StringIO):
    """Somebody watches."""

    def isatty(self) -> bool:
        return True


def test_the_bar_is_drawn_for_somebody_who_watches_only() -> None:
    watched, piped = Terminal(), io.StringIO()
    for stream in (watched, piped):
        bar = Bar(stream)
        bar(500, 1000)
        bar(0, 0)
        bar.end()
    assert watched.getvalue() == f"\r{'█' * 15}{'·' * 15} 500 av 1000 hendelser\n"
    assert piped.getvalue() == ""
