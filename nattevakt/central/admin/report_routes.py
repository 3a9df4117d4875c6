"""The page and the CSV files of how fast people came. Serves arrow 9.

Owns the addresses under /admin/reports. Must not know SQL, HTML, or what is late. Whose alarms are named is written
down first, as every reading of a lead's is.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from nattevakt.central import response_rows, response_times, response_words
from nattevakt.central.admin import acts, pages, problem_words, report_view
from nattevakt.central.admin.report_view import Period
from nattevakt.central.admin.web import PageRoute
from nattevakt.central.admin.who import Lead, Ward, lead_of, note_reading, ward_of, wards_of
from nattevakt.central.response_times import Life
from nattevakt.central.tablet.web import Problem, scheme_of
from nattevakt.edge.errors import RejectError

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PATH = "/admin/reports"
NOTED = "report"
"""What a reading stands as in the access log."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. lives: of the period; wrong: why there are none."""

    wards: list[Ward]
    ward_id: int
    period: Period
    lives: list[Life]
    wrong: str = ""

    @property
    def names(self) -> dict[int, str]:
        """The wards that are asked about, by id."""
        return {ward.id: ward.name for ward in self.wards if self.ward_id in (0, ward.id)}

    @property
    def named(self) -> str:
        """The period as a file is named by: the days that were understood, not what was typed."""
        return "-".join(day.isoformat() for day in self.period.days or ())


@router.get(PATH)
def report(request: Request) -> Response:
    """How fast people came, and every alarm that was missed or late: ?from=2026-11-01&to=2026-11-30&ward=1."""
    lead = lead_of(request)
    with acts.alone():
        asked = _asked(request, lead)
        shown = report_view.view(lead, asked.wards, asked.ward_id, asked.period, asked.lives, asked.wrong)
        named = {one.life.resident_id for one in response_times.missed(asked.lives, lead.now_ms)}
        html = pages.page("report", lead, scheme_of(request), view=shown)
    _note(request, lead, named)
    return HTMLResponse(html, 422 if asked.wrong else 200)


@router.get(PATH + "/figures.csv")
def figures(request: Request) -> Response:
    """The figures as CSV: a row for each ward, shift and kind, alone and together."""
    lead, out = lead_of(request), io.StringIO()
    with acts.alone():
        asked = _asked(request, lead, strict=True)
        found = response_times.groups(asked.lives, lead.now_ms, lead.zone.key)
        response_words.figures_csv(found, asked.names, out)
    return _file(out.getvalue(), f"svartider-{asked.named}.csv")


@router.get(PATH + "/alarms.csv")
def alarms(request: Request) -> Response:
    """Every alarm of the period as CSV, with its times and in what it was missed or late."""
    lead, out = lead_of(request), io.StringIO()
    with acts.alone():
        asked = _asked(request, lead, strict=True)
        response_words.alarms_csv(asked.lives, asked.names, lead.zone, lead.now_ms, out)
    _note(request, lead, {life.resident_id for life in asked.lives})
    return _file(out.getvalue(), f"alarmer-{asked.named}.csv")


def _asked(request: Request, lead: Lead, *, strict: bool = False) -> Asked:
    """What the address asks for. strict: refuse a period that is none, where there is no form to say it at."""
    query, usual = request.query_params, report_view.usual(lead)
    period = Period(query.get("from", usual.first)[:20], query.get("to", usual.last)[:20])
    typed = query.get("ward", "")
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        wards = wards_of(s, lead)
        if typed and not (typed.isascii() and typed.isdecimal() and len(typed) < 16):
            raise Problem(404, "unknown_ward")
        ward_id = ward_of(s, lead, int(typed)).id if typed not in ("", "0") else 0
        days = period.days
        try:
            if days is None:
                raise RejectError("from", "is no date")
            from_ms, to_ms = response_rows.span_ms(*days, lead.zone.key)
        except RejectError:
            if strict:
                raise RejectError("since_ms", "is no period") from None
            return Asked(wards, ward_id, period, [], lead.words(problem_words.CODES["period"]))
        ids = [ward.id for ward in wards if ward_id in (0, ward.id)]
        try:
            return Asked(wards, ward_id, period, response_rows.lives(s, ids, from_ms, to_ms, response_rows.ROWS_MAX))
        except RejectError:
            if strict:
                raise Problem(422, "period_too_full", field="since_ms") from None
            return Asked(wards, ward_id, period, [], lead.words(problem_words.CODES["period_too_full"]))


def _note(request: Request, lead: Lead, residents: set[int | None]) -> None:
    note_reading(request, lead, NOTED, (one for one in residents if one is not None))


def _file(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
