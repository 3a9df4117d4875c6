"""What a spreadsheet would run is never a cell of ours."""

from __future__ import annotations

import csv
import io
from zoneinfo import ZoneInfo

import pytest

from nattevakt.central import nights_words, response_times, response_words
from nattevakt.central.alarm_health import Health
from nattevakt.central.csv_cells import cell
from nattevakt.central.response_times import Life

FORMULA = '=HYPERLINK("http://x","Se her")'
AT_MS = 1_795_212_000_000


@pytest.mark.parametrize("text", [FORMULA, "+47", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_would_be_run_is_told_as_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "204", "Furutun, 2. etasje", "Stua = kjøkken", "'=1", " =1"])
def test_all_else_stands_as_it_was_written(text: str) -> None:
    assert cell(text) == text


def test_no_file_begins_a_cell_with_what_somebody_called_a_ward_a_room_or_a_person() -> None:
    life = Life(
        alarm_id=1,
        kind="call",
        ward_id=1,
        rang_ms=AT_MS,
        shown_ms=None,
        taken_ms=None,
        on_site_ms=None,
        closed_ms=None,
        cleared_ms=None,
        rang_again=0,
        technical=False,
        state="meldt",
        room="@204",
        resident_id=1,
    )
    zone, out = ZoneInfo("Europe/Oslo"), io.StringIO()
    response_words.alarms_csv([life], {1: FORMULA}, zone, AT_MS, out)
    response_words.figures_csv(response_times.groups([life], AT_MS, zone.key), {1: FORMULA}, out)
    health = Health(year=2026, week=47, ward_id=1, resident_id=1)
    health.by_sensor["-2+3"] += 1
    nights_words.health_csv([health], {1: FORMULA}, {1: "+47 Kari"}, out)
    cells = [one for row in csv.reader(io.StringIO(out.getvalue())) for one in row]
    assert {f"'{FORMULA}", "'@204", "'+47 Kari", "'-2+3=1"} <= set(cells)
    assert not [one for one in cells if one.startswith(("=", "+", "-", "@"))]
