"""The page and files of response times on both databases: who may see them, what is named, where it leads."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, text

from nattevakt.central import response_rows
from nattevakt.central.admin import acts
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.tables import access_log, staff, transitions
from nattevakt.edge.errors import RejectError
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


@pytest.mark.parametrize(
    "query",
    [
        "from=9999-12-31&to=9999-12-31",
        "from=0001-01-01&to=0001-01-01",
        "from=1999-12-31&to=2000-01-01",
        "from=2100-12-31&to=2101-01-01",
        "from=9999-12-31&to=0001-01-01",
    ],
)
def test_days_that_no_alarm_can_be_of_are_refused(evening: Evening, query: str) -> None:
    for path in PATHS:
        answer = ask(evening, f"{path}?{query}")
        assert answer.status_code == 422
        assert "Velg en periode på høyst 400 dager" in answer.text


def test_the_first_and_the_last_days_that_can_be_are_not(evening: Evening) -> None:
    for day in ("2000-01-01", "2100-12-31"):
        for path in PATHS:
            assert ask(evening, f"{path}?from={day}&to={day}").status_code == 200


def test_a_file_is_named_by_its_days_and_not_by_what_was_typed(evening: Evening) -> None:
    for typed in ("%202026-11-21%0A", "20261121", "2026-W47-6", "%092026-11-21"):
        answer = ask(evening, f"/admin/reports/figures.csv?from={typed}&to={typed}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == 'attachment; filename="svartider-2026-11-21-2026-11-21.csv"'


def test_one_report_at_a_time_and_none_while_a_plan_is_tried(evening: Evening) -> None:
    with acts.alone():
        for path in PATHS:
            answer = ask(evening, path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert "Noen andre prøver en plan eller henter tall akkurat nå." in answer.text
        assert not acts.TRIALS.acquire(blocking=False), "who was refused has not let go for another"
    for path in (*PATHS, f"{PATHS[1]}?from=x", *PATHS):
        assert ask(evening, path).status_code == (422 if path.endswith("x") else 200), "each lets go, also one refused"


def test_more_history_than_is_read_beside_alarms_is_refused(evening: Evening) -> None:
    with evening.db.read(evening.tenant.id) as s:
        span = (0, 2 * EVENING_MS)
        rows = s.execute(select(transitions.c.id).where(transitions.c.tenant_id == TENANT)).all()
        ids = [evening.ward.ward]
        assert len(response_rows.lives(s, ids, *span, most=len(rows))) == 6
        with pytest.raises(RejectError, match="shorter period"):
            response_rows.lives(s, ids, *span, most=len(rows) - 1)
        assert response_rows.lives(s, [evening.other_ward], *span, most=0) == [], "those of the wards asked for"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_shorter_period_is_asked_for_where_there_is_too_much(evening: Evening) -> None:
    many = text(
        "INSERT INTO transitions (tenant_id, id, alarm_id, from_state, to_state, at_ms, cause, detail) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) "
        "SELECT t.tenant_id, 1000 + n.i, t.alarm_id, t.from_state, t.to_state, t.at_ms, 'join', t.detail "
        "FROM n JOIN transitions t ON t.id = 1 WHERE t.tenant_id = :tenant"
    )
    evening.write(lambda s: s.execute(many, {"most": response_rows.ROWS_MAX}))
    for path in PATHS:
        answer = ask(evening, path)
        assert answer.status_code == 422
        assert "Perioden har for mange alarmer. Velg en kortere periode eller én avdeling." in plain(answer.text)
        assert ask(evening, f"{path}?from=2026-11-20&to=2026-11-21").status_code == 200


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
