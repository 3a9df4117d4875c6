"""A plan of duties from a file, on both databases: local times on every night, whole or not at all, bad lines named."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from nattevakt.central import migrate
from nattevakt.central.cli import run_command
from nattevakt.central.people import duties, rota
from nattevakt.central.people.duty_times import TimeError, moment_ms, typed_of
from nattevakt.central.people.rota import Imported, RotaError
from nattevakt.central.tables import staff
from nattevakt.edge.errors import RejectError
from tests.central.house import NOON_MS, Clock, House

OSLO = ZoneInfo("Europe/Oslo")
HOUR = 3_600_000
HEAD = "vakt-fra,vakt-til,ansatt,rolle,avdeling,sone\n"
GOOD = (
    HEAD
    + """2026-11-22 22:00,2026-11-23 07:00,kari,vakt,a,
2026-11-22 22:00,2026-11-23 07:00,per,sykepleier,,nord

26.11.2026 22:00,27.11.2026 07:00,per,Vakt,b,
2026-11-22 07:00,2026-11-23 07:00,kari,ansvarlig,,
2026-11-19 22:00,2026-11-20 07:00,kari,vakt,a,
"""
)


def take_in(house: House, words: str | bytes) -> Imported:
    lines = rota.read_rota(words.encode() if isinstance(words, str) else words)
    return house.db.transact(
        house.tenant.id,
        lambda s: rota.take_in(s, lines, zones=("nord",), zone=OSLO, made_by=None, now_ms=NOON_MS),
    )


def written(house: House) -> list[tuple[str, ...]]:
    with house.db.read(house.tenant.id) as s:
        return list(rota.rows_of(s, duties.between(s, 0, 2**62), OSLO))


def test_a_file_is_taken_in_and_once_only(house: House) -> None:
    assert take_in(house, GOOD) == Imported(4, 0, 1)
    assert written(house) == [
        ("2026-11-22 07:00", "2026-11-23 07:00", "kari", "ansvarlig", "", ""),
        ("2026-11-22 22:00", "2026-11-23 07:00", "kari", "vakt", "a", ""),
        ("2026-11-22 22:00", "2026-11-23 07:00", "per", "sykepleier", "", "nord"),
        ("2026-11-26 22:00", "2026-11-27 07:00", "per", "vakt", "b", ""),
    ]
    assert take_in(house, GOOD) == Imported(0, 4, 1)
    assert len(written(house)) == 4


@pytest.mark.parametrize(
    "words",
    [
        GOOD.replace(",", ";"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("vakt-fra,vakt-til,ansatt", "Vakt-fra, Vakt-til ,ANSATT"),
        GOOD.replace("-22 22:00", "-22T22:00"),
    ],
)
def test_as_spreadsheets_write_it(house: House, words: str) -> None:
    assert take_in(house, words) == Imported(4, 0, 1)


def test_without_places_it_is_for_all(house: House) -> None:
    assert take_in(house, "vakt-fra;vakt-til;ansatt;rolle\n2026-11-22 22:00;2026-11-23 07:00;kari;vakt\n").made == 1
    assert written(house)[0][4:] == ("", "")


def test_every_bad_line_is_named_and_nothing_is_half_taken_in(house: House) -> None:
    bad = (
        HEAD
        + """2026-11-22 22:00,2026-11-23 07:00,kari,vakt,a,
2026-11-22 22:00,2026-11-23 07:00,ola,vakt,a,
2026-11-22 22:00,2026-11-23 07:00,per,vaktmester,a,

2026-11-22 22:00,2026-11-23 07:00,per,vakt,c,
2026-11-22 22:00,2026-11-23 07:00,per,vakt,,sor
2026-11-22 22:00,2026-11-23 07:00,per,vakt,a,nord
2026-11-22 22:00,2026-11-22 07:00,per,vakt,a,
2026-11-22 22:00,2026-11-24 07:00,per,vakt,a,
2026-11-22 22:00,i morgen,per,vakt,a,
2027-03-28 02:30,2027-03-28 07:00,per,vakt,a,
2026-11-23 06:00,2026-11-23 15:00,kari,vakt,a,
2026-11-22
"""
    )
    with pytest.raises(RotaError) as caught:
        take_in(house, bad)
    assert [(line.number, line.field, line.code, line.named) for line in caught.value.lines] == [
        (3, "ansatt", "unknown_staff", "ola"),
        (4, "rolle", "unknown_role", "vaktmester"),
        (6, "avdeling", "unknown_ward", "c"),
        (7, "sone", "unknown_zone", "sor"),
        (8, "sone", "two_places", ""),
        (9, "vakt-til", "order", ""),
        (10, "vakt-til", "long", ""),
        (11, "vakt-til", "time_unreadable", "i morgen"),
        (12, "vakt-fra", "time_skipped", "2027-03-28 02:30"),
        (13, "vakt-fra", "overlap", ""),
        (14, "vakt-fra", "time_unreadable", "2026-11-22"),
    ]
    assert written(house) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "has no column vakt-fra"),
        ("vakt-fra,vakt-til,ansatt\n", "has no column rolle"),
        (HEAD.replace("sone", "farge"), "unknown column farge"),
        (HEAD + "x" * 200_000, "field larger than field limit"),
        (HEAD + ",,,,,\n" * 3 + "x\0y,,,,,\n", "vakt-fra"),
        (HEAD + "2026-11-22 22:00,2026-11-23 07:00,kari,vakt,a,\n" * 20_001, "more than 20000 lines"),
        ("x" * 4_000_001, "more than 4000000 bytes"),
    ],
)
def test_what_is_no_such_file_is_refused(house: House, words: str, said: str) -> None:
    with pytest.raises(RejectError) as caught:
        take_in(house, words)
    assert said in str(caught.value)
    assert written(house) == []


# --- the clock on the wall ------------------------------------------------------------------------------------


def hours(begins: str, ends: str) -> float:
    """How long a duty is."""
    first, last = (
        moment_ms(words, OSLO, is_end=is_end, field="x") for words, is_end in ((begins, False), (ends, True))
    )
    return (last - first) / HOUR


def test_a_night_is_as_long_as_the_clocks_make_it() -> None:
    assert hours("2026-11-22 22:00", "2026-11-23 07:00") == 9
    assert hours("2026-10-24 22:00", "2026-10-25 07:00") == 10, "clocks are put back"
    assert hours("2027-03-27 22:00", "2027-03-28 07:00") == 8, "clocks are put forward"


def test_a_time_that_comes_twice_leaves_nobody_out() -> None:
    """Whoever goes home at half past two that night goes home the second time, and who comes then comes the first."""
    assert hours("2026-10-24 22:00", "2026-10-25 02:30") == 5.5
    assert hours("2026-10-25 02:30", "2026-10-25 07:00") == 5.5
    assert hours("2026-10-25 02:30+02:00", "2026-10-25 02:30+01:00") == 1


@pytest.mark.parametrize("words", ["2027-03-28 02:00", "2027-03-28 02:59", "28.03.2027 02:30", "2027-03-28T02:30"])
@pytest.mark.parametrize("is_end", [True, False])
def test_a_time_that_the_clock_passes_over_is_refused(words: str, is_end: bool) -> None:
    with pytest.raises(TimeError) as caught:
        moment_ms(words, OSLO, is_end=is_end, field="x")
    assert caught.value.code == "time_skipped"


@pytest.mark.parametrize(
    "words", ["", "22:00", "2026-11-22", "2026-11-22 25:00", "2026-02-30 22:00", "i kveld", "1" * 99]
)
def test_what_cannot_be_read_is_refused(words: str) -> None:
    with pytest.raises(TimeError) as caught:
        moment_ms(words, OSLO, is_end=False, field="x")
    assert caught.value.code == "time_unreadable"


def test_every_hour_of_a_year_comes_back_as_it_was_written() -> None:
    year = [round(datetime(2026, 9, 1, tzinfo=OSLO).timestamp() * 1000) + n * HOUR for n in range(366 * 24)]
    twice = 0
    for at_ms in year:
        words = typed_of(at_ms, OSLO)
        found = {moment_ms(words, OSLO, is_end=is_end, field="x") for is_end in (False, True)}
        assert at_ms in found
        twice += len(found) - 1
    assert twice == 2, "one local hour comes twice, and both of its moments are in the year"


# --- the commands ---------------------------------------------------------------------------------------------


class Shell:
    """Commands on one installation."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
        url = f"sqlite:///{folder / 'central.sqlite'}"
        migrate.upgrade(url)
        (folder / "central.toml").write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
        (folder / "ward.toml").write_text(words, encoding="utf-8")
        self.folder, self._capsys = folder, capsys
        self.run("seed", str(folder / "ward.toml"))

    def run(self, *words: str, code: int = 0) -> str:
        """What a command prints; fails where it exits with another code."""
        assert run_command([*words, "--config", str(self.folder / "central.toml")], Clock()) == code
        said = self._capsys.readouterr()
        return said.out + said.err

    def file(self, words: str) -> str:
        """A file with these lines."""
        (self.folder / "vaktplan.csv").write_text(words, encoding="utf-8")
        return str(self.folder / "vaktplan.csv")


WARD = """
[tenant]
key = "furutun"
name = "Furutun"
[[ward]]
key = "a"
name = "A"
[[ward]]
key = "b"
name = "B"
[[staff]]
key = "kari"
name = "Kari N."
initials = "KN"
wards = ["a", "b"]
[[staff]]
key = "per"
name = "Per A."
initials = "PA"
wards = ["a", "b"]
[routing]
zones = [{ key = "nord", name = "Nord", wards = ["a", "b"] }]
"""


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(tmp_path, capsys, WARD)
    assert "ingen er satt på vakt" in shell.run("duty", "list")
    said = shell.run("duty", "import", shell.file(GOOD), "--tenant", "furutun")
    assert said == "4 vakter lagt inn, 0 sto der fra før, 1 er over og ble ikke tatt med\n"
    listed = shell.run("duty", "list", "--days", "3").splitlines()
    assert listed == [
        "vakt-fra,vakt-til,ansatt,rolle,avdeling,sone",
        "2026-11-22 07:00,2026-11-23 07:00,kari,ansvarlig,,",
        "2026-11-22 22:00,2026-11-23 07:00,kari,vakt,a,",
        "2026-11-22 22:00,2026-11-23 07:00,per,sykepleier,,nord",
    ]
    # What is listed can be taken in again.
    again = shell.run("duty", "import", shell.file("\n".join(listed)))
    assert again.startswith("0 vakter lagt inn, 3 sto der fra før")


def test_bad_lines_are_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(tmp_path, capsys, WARD)
    said = shell.run("duty", "import", shell.file(GOOD.replace("kari,vakt,a", "ola,vakt,a", 1)), code=1).splitlines()
    assert said[0].startswith("linje 2, ansatt: Ingen ansatt heter ola.")
    assert said[1].endswith("vaktplan.csv: 1 linjer er feil; ingen vakter er lagt inn")
    assert "kan ikke leses" in shell.run("duty", "import", str(tmp_path / "mangler.csv"), code=1)
    assert "ingen er satt på vakt" in shell.run("duty", "list")


def test_a_telephone_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(tmp_path, capsys, WARD)
    assert "nummeret er lagret" in shell.run("staff", "phone", "--key", "per", "--phone", "+47 900 00 000")
    assert "phone: must begin with +" in shell.run("staff", "phone", "--key", "per", "--phone", "900", code=1)
    assert "nummeret er fjernet" in shell.run("staff", "phone", "--key", "per", "--phone", "")
    assert "unknown: ola" in shell.run("staff", "phone", "--key", "ola", "--phone", "", code=1)


def test_who_has_left_is_not_put_on_duty(house: House) -> None:
    with house.db.write(house.tenant.id) as s:
        s.execute(staff.update().where(staff.c.tenant_id == house.tenant.id, staff.c.key == "per").values(active=False))
    with pytest.raises(RotaError) as caught:
        take_in(house, GOOD)
    assert [(line.number, line.code) for line in caught.value.lines] == [(3, "unknown_staff"), (5, "unknown_staff")]


@pytest.mark.parametrize(
    "typed", ["0001-01-01 00:00", "9999-12-31 23:59", "0001-01-01T00:00+14:00", "01.01.0202 22:00"]
)
def test_a_year_that_nobody_means_is_no_time(typed: str) -> None:
    with pytest.raises(TimeError) as refused:
        moment_ms(typed, OSLO, is_end=False, field="vakt-fra")
    assert refused.value.code == "time_unreadable"
