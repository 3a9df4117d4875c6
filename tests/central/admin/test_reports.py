"""The page and files of response times on both databases: who may see them, what is named, where it leads."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.tables import access_log, staff
from tests.central.admin.browser import ask
from tests.central.admin.desk import plain
from tests.central.admin.evening import EVENING_MS, Evening
from tests.central.admin.evening import evening as seeded
from tests.central.past_nights import HOUR
from tests.central.rung import Rung

PATHS = ("/admin/reports", "/admin/reports/figures.csv", "/admin/reports/alarms.csv")


@pytest.fixture
def evening(db: Database) -> Evening:
    found = seeded(db)
    rung = Rung(db, found.ward)
    rung.alarm(EVENING_MS - 30 * HOUR, kind="fall", number="211", taken_s=30, on_site_s=100, closed_s=900)
    rung.alarm(EVENING_MS - 26 * HOUR, number="212", shown_s=None)
    rung.alarm(EVENING_MS - 40 * 24 * HOUR, number="213")
    found.log_in(found.enrol(), found.kari)
    return found


def test_what_was_missed_is_named_with_its_story(evening: Evening) -> None:
    answer = ask(evening, "/admin/reports")
    assert answer.status_code == 200
    page = plain(answer.text)
    assert 'value="2026-10-26"' in answer.text
    assert 'value="2026-11-22"' in answer.text
    assert "Alarmer om beboere 4 Aldri vist for noen 2" in page
    assert "212 Ringer etter hjelp (VKP 4.13) lør 21.11. kl. 19:30 Aldri vist for noen. Aldri tatt. Nå: Meldt" in page
    links = re.findall(r'href="(/admin/alarms/\d+)"', answer.text)
    assert len(links) == 4
    for link in links:
        assert ask(evening, link).status_code == 200, "the story is there"
    assert "213" not in page, "of before the period"
    assert "Testperson" not in answer.text


def test_a_period_is_chosen_and_what_is_none_is_said_at_the_form(evening: Evening) -> None:
    page = plain(ask(evening, "/admin/reports?from=2026-10-01&to=2026-10-31").text)
    assert "Alarmer om beboere 1" in page
    assert "Ingen alarmer om beboere i perioden." in plain(
        ask(evening, "/admin/reports?from=2026-09-01&to=2026-09-02").text
    )
    for query in ("from=2026-11-02&to=2026-11-01", "from=i+går&to=2026-11-01", "from=2020-01-01&to=2026-11-01"):
        answer = ask(evening, f"/admin/reports?{query}")
        assert answer.status_code == 422
        assert "Velg en periode på høyst 400 dager som begynner før den slutter." in plain(answer.text)
        assert "Glipp" not in answer.text
        assert ask(evening, f"/admin/reports/figures.csv?{query}").status_code == 422
    assert "i går" in ask(evening, "/admin/reports?from=i+går&to=2026-11-01").text, "comes back as it was typed"


def test_the_files_are_files(evening: Evening) -> None:
    query = "from=2026-11-21&to=2026-11-22"
    figures, alarms = (ask(evening, f"{path}?{query}") for path in PATHS[1:])
    for answer, name in ((figures, "svartider"), (alarms, "alarmer")):
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}-2026-11-21-2026-11-22.csv"'
    assert figures.text.splitlines()[1].startswith("resident,,,,,4,0,1,2.0,2.0,2.0,1,0,3,0,0,0.250,2,")
    assert [row.split(",")[0] for row in alarms.text.splitlines()] == ["alarm", "4", "5", "3", "1", "2"]


@pytest.mark.parametrize("path", PATHS)
def test_only_the_wards_lead(evening: Evening, path: str) -> None:
    assert ask(evening, f"{path}?ward={evening.ward.ward}").status_code == 200
    for other in (evening.other_ward, 999, "x", "9" * 40):
        assert ask(evening, f"{path}?ward={other}").status_code == 404
    evening.log_in(evening.enrol(), evening.per)
    assert ask(evening, path).status_code == 403
    with evening.db.read(evening.tenant.id) as s:
        ola = s.execute(select(staff.c.id).where(staff.c.tenant_id == TENANT, staff.c.key == "ola")).scalar_one()
    evening.log_in(evening.enrol("b"), ola)
    assert ask(evening, f"{path}?ward={evening.ward.ward}").status_code == 404, "another ward's lead"
    answer = ask(evening, path)
    assert (answer.status_code, "212" in answer.text) == (200, False)
    evening.cookies.pop("__Host-person")
    assert ask(evening, path).status_code == 401
    evening.cookies.clear()
    assert ask(evening, path).status_code == 303


def test_whose_alarms_are_read_is_written_down(evening: Evening) -> None:
    ask(evening, "/admin/reports?from=2026-11-21&to=2026-11-22")
    with evening.db.read(evening.tenant.id) as s:
        rows = s.execute(select(access_log.c.what).where(access_log.c.tenant_id == TENANT)).scalars().all()
    named = {f"report:{evening.ward.residents[number]}" for number in ("204", "208", "212")}
    assert set(rows) == named, "those of 211 were in time"
    ask(evening, "/admin/reports/alarms.csv?from=2026-11-21&to=2026-11-22")
    with evening.db.read(evening.tenant.id) as s:
        rows = s.execute(select(access_log.c.what).where(access_log.c.tenant_id == TENANT)).scalars().all()
    assert set(rows) == named | {f"report:{evening.ward.residents['211']}"}


def test_other_languages(evening: Evening) -> None:
    for lang, said in (("nn", "Glipp og forseinkingar"), ("en", "Missed and late")):
        assert said in plain(ask(evening, "/admin/reports", lang).text)
