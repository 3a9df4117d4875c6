"""A resident's page: see, change and try a plan; its ground, pauses, start and end. Serves arrow 9.

Owns the addresses under /admin/residents and what each of their forms' fields is called. Must not know SQL, HTML or
what a plan may be. What cannot be saved comes back as it was typed, with what to do at the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from nattevakt.central.admin import acts, drafts, moments, pages, problem_words, resident_view, round_drafts, trial_view
from nattevakt.central.admin.acts import Busy, Ground, Wish
from nattevakt.central.admin.drafts import PlanDraft, Wrong
from nattevakt.central.admin.resident_view import Typed
from nattevakt.central.admin.round_drafts import TimeDraft
from nattevakt.central.admin.trial_view import TrialView
from nattevakt.central.admin.web import Form, PageRoute, form_of
from nattevakt.central.admin.who import Lead, Resident, lead_of, note_reading, resident_of, staff_names
from nattevakt.central.db import TenantSession
from nattevakt.central.places import bases, plans, templates
from nattevakt.central.places.plans import StalePlan
from nattevakt.central.rounds import times as round_times
from nattevakt.central.tablet.i18n import N_
from nattevakt.central.tablet.web import Problem, scheme_of
from nattevakt.edge.errors import RejectError

log = structlog.get_logger("nattevakt.admin")
router = APIRouter(route_class=PageRoute, include_in_schema=False)

Posted = Annotated[Form, Depends(form_of)]
PATH = "/admin/residents/{resident_id}"
DAY_MS = 86_400_000
TOLD: Mapping[str, str] = {
    "saved": N_("Planen er lagret og gjelder nå."),
    "basis": N_("Grunnlaget er lagret."),
    "basis-ended": N_("Grunnlaget er trukket tilbake. Planen ringer ikke."),
    "paused": N_("På pause."),
    "resumed": N_("Pausen er avsluttet."),
    "startup": N_("Oppstarten er satt."),
    "ended": N_("Tilsynet er avsluttet."),
    "rounds": N_("Klokkeslettene er lagret og gjelder fra nå."),
}
FIELD_OF: Mapping[str, str] = {
    "dense_rounds_min": "dense",
    "kind": "basis-kind",
    "review_ms": "basis-review",
    "to_ms": "pause-to",
    "rule": "pause-rule",
    "reason": "pause-reason",
    "startup_to_ms": "startup-days",
}
"""The form's field for a field of the functions behind it."""


@router.get(PATH)
def resident(request: Request, resident_id: int) -> Response:
    """The page; with ?template=… or ?line=…&setting=…&value=… a draft of that, tried on the last nights at once."""
    lead, one = _asked(request, resident_id)
    query = request.query_params
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        plan = plans.current(s, one.id)
        draft = None
        if query.get("template", "") in templates.TEMPLATES:
            lines, _ = templates.fitted(query["template"], plans.uses_of(s, one.id))
            draft = replace(drafts.draft_of(plan), lines=tuple(drafts.line_draft(line) for line in lines))
        elif "setting" in query:
            draft = _proposed(drafts.draft_of(plan), dict(query))
    if draft is not None:
        return _shown(request, lead, one, draft, {}, tried=True)
    told = query.get("told", "")
    return _shown(request, lead, one, told=lead.words(TOLD[told]) if told in TOLD else "")


def _proposed(draft: PlanDraft, query: Mapping[str, str]) -> PlanDraft | None:
    """The draft with one number changed, as a suggestion has it; None where there is no such number."""
    n = drafts.whole(query.get("line", ""))
    if n is None or not 0 <= n < len(draft.lines) or query["setting"] not in draft.lines[n].settings:
        return None
    line = draft.lines[n]
    changed = replace(line, settings={**line.settings, query["setting"]: query.get("value", "")[:20]})
    return replace(draft, lines=(*draft.lines[:n], changed, *draft.lines[n + 1 :]))


@router.get(PATH + "/{form}")
def back(resident_id: int, form: str) -> Response:  # noqa: ARG001 - any of the forms' addresses
    """Whoever asks anew for the address of a form, as a browser may when it wakes, sees the page."""
    return RedirectResponse(f"/admin/residents/{resident_id}", 303)


@router.post(PATH + "/plan")
def plan(request: Request, resident_id: int, form: Posted) -> Response:
    """One button of the plan's form: change its lines, try them, or save them."""
    lead, one = _asked(request, resident_id)
    draft, act = drafts.read_form(form), form.get("do")
    typed = dict(form)
    if act == "save":
        return _save(request, lead, one, draft, typed)
    if act == "try":
        with request.app.state.db.read(lead.tablet.tenant.id) as s:
            _, wrong = drafts.lines_of(draft, plans.uses_of(s, one.id))
        return _shown(request, lead, one, draft, wrong, typed, tried=not wrong)
    draft = drafts.changed(draft, f"add:{form.get('add')}" if act == "add" else act)
    return _shown(request, lead, one, draft, {}, typed)


def _save(request: Request, lead: Lead, one: Resident, draft: PlanDraft, typed: Mapping[str, str]) -> Response:
    db = request.app.state.db
    with db.read(lead.tablet.tenant.id) as s:
        lines, wrong = drafts.lines_of(draft, plans.uses_of(s, one.id))
        based = one.id in bases.valid(s, (one.id,), lead.now_ms)
    said: dict[str, str] = {}
    dense = drafts.whole(draft.dense) if draft.dense.strip() else None
    if draft.dense.strip() and dense is None:
        said["dense"] = lead.words(problem_words.FIELDS["plan.dense_rounds_min"])
    if not draft.why.strip():
        said["why"] = lead.words(problem_words.FIELDS["plan.why"])
    ground = None
    if lines and not based:
        if any(typed.get(f"basis-{name}", "").strip() for name in ("kind", "responsible", "review")):
            ground = _ground(lead, typed, said)
        else:
            wrong["basis"] = Wrong("basis_needed")
    if wrong or said:
        return _shown(request, lead, one, draft, wrong, typed, said)
    # Whoever ticks that they have seen the other's change says which one it was.
    seen = drafts.whole(typed.get("seen", ""))
    version = seen if seen is not None else draft.version
    wish = Wish(lines, draft.handling, draft.responsible, dense, draft.why, version, ground)
    try:
        saved = db.transact(lead.tablet.tenant.id, lambda s: acts.save_plan(s, lead, one, wish))
    except StalePlan:
        return _stale(request, lead, one, draft, typed)
    except RejectError as error:
        area = "basis" if error.field in ("kind", "review_ms", "from_ms") else "plan"
        field = FIELD_OF.get(error.field, drafts.field_of(error.field))
        if ground is not None and error.field == "responsible" and not error.reason.startswith("longer"):
            area, field = "basis", "basis-responsible"
        return _shown(request, lead, one, draft, {}, typed, {field: problem_words.refused(lead.words, area, error)})
    log.info("plan_saved", resident_id=one.id, version=saved.version, staff_id=lead.person.staff_id)
    return _back(one, "saved")


def _stale(request: Request, lead: Lead, one: Resident, draft: PlanDraft, typed: Mapping[str, str]) -> Response:
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        newest = next(iter(plans.history(s, one.id)), None)
        names = staff_names(s)
    said = {}
    wrong = {}
    if newest is None:
        said["lines"] = lead.words(problem_words.CODES["bad_form"])
    else:
        name = newest.by_name or names.get(newest.staff_id or 0, "")
        wrong["version"] = Wrong("stale", {"name": name, "at": moments.clock(newest.at_ms, lead.zone)})
    return _shown(request, lead, one, draft, wrong, typed, said, status=409)


def _ground(lead: Lead, typed: Mapping[str, str], said: dict[str, str]) -> Ground | None:
    """The basis that is typed; what is missing goes into `said`."""
    review_ms = moments.noon_ms(typed.get("basis-review", ""), lead.zone)
    if not typed.get("basis-kind"):
        said["basis-kind"] = lead.words(problem_words.FIELDS["basis.kind"])
    if not typed.get("basis-responsible", "").strip():
        said["basis-responsible"] = lead.words(problem_words.FIELDS["basis.responsible"])
    if review_ms is None:
        said["basis-review"] = lead.words(problem_words.CODES["date_unreadable"])
        return None
    return Ground(typed.get("basis-kind", ""), lead.now_ms, review_ms, typed.get("basis-responsible", ""))


@router.post(PATH + "/basis")
def give_basis(request: Request, resident_id: int, form: Posted) -> Response:
    """Write down a legal basis."""
    lead, one = _asked(request, resident_id)
    typed, said = {**dict(form), "basis-form": "1"}, dict[str, str]()
    ground = _ground(lead, typed, said)
    if said or ground is None:
        return _shown(request, lead, one, typed=typed, said=said)
    return _done(request, lead, one, "basis", lambda s: acts.give_ground(s, lead, one, ground), "basis", typed)


@router.post(PATH + "/basis/end")
def end_basis(request: Request, resident_id: int, form: Posted) -> Response:
    """Take the basis back."""
    lead, one = _asked(request, resident_id)
    return _done(request, lead, one, "basis", lambda s: acts.end_ground(s, lead, one), "basis-ended", dict(form))


@router.post(PATH + "/pauses")
def begin_pause(request: Request, resident_id: int, form: Posted) -> Response:
    """Hold the plan, or one rule of it, back until a time of this shift."""
    lead, one = _asked(request, resident_id)
    typed = dict(form)
    minute = drafts.minute_of(typed.get("pause-to", ""))
    if minute is None:
        said = {"pause-to": lead.words(problem_words.CODES["time_unreadable"])}
        return _shown(request, lead, one, typed=typed, said=said)
    to_ms = moments.next_ms(minute, lead.now_ms, lead.zone)
    rule, reason = typed.get("pause-rule") or None, typed.get("pause-reason", "")
    return _done(request, lead, one, "pause", lambda s: acts.pause(s, lead, one, rule, to_ms, reason), "paused", typed)


@router.post(PATH + "/pauses/{pause_id}/end")
def end_pause(request: Request, resident_id: int, pause_id: int, form: Posted) -> Response:
    """End a pause before its time."""
    lead, one = _asked(request, resident_id)
    return _done(request, lead, one, "pause", lambda s: acts.end_pause(s, lead, one, pause_id), "resumed", dict(form))


@router.post(PATH + "/startup")
def startup(request: Request, resident_id: int, form: Posted) -> Response:
    """Begin, prolong or end the start-up period."""
    lead, one = _asked(request, resident_id)
    typed = dict(form)
    days = drafts.whole(typed.get("startup-days", ""))
    if days is None or not 0 <= days <= acts.STARTUP_DAYS_MAX:
        said = {"startup-days": lead.words(problem_words.FIELDS["plan.startup_to_ms"])}
        return _shown(request, lead, one, typed=typed, said=said)
    to_ms = lead.now_ms + days * DAY_MS if days else None
    return _done(request, lead, one, "plan", lambda s: acts.start(s, lead, one, to_ms), "startup", typed)


@router.post(PATH + "/end")
def end_plan(request: Request, resident_id: int, form: Posted) -> Response:
    """End service."""
    lead, one = _asked(request, resident_id)
    typed = dict(form)
    why = typed.get("end-why", "")
    if not why.strip():
        said = {"end-why": lead.words(problem_words.FIELDS["plan.why"])}
        return _shown(request, lead, one, typed=typed, said=said)
    return _done(request, lead, one, "plan", lambda s: acts.end_plan(s, lead, one, why), "ended", typed)


@router.post(PATH + "/rounds")
def set_rounds(request: Request, resident_id: int, form: Posted) -> Response:
    """One button of the own times' form: a row more or less, or save them."""
    lead, one = _asked(request, resident_id)
    typed, act = round_drafts.read_form(form), form.get("do")
    if act != "save":
        return _shown(request, lead, one, times=round_drafts.changed(typed, act))
    wanted, wrong = round_drafts.times_of(typed)
    if wrong:
        return _shown(request, lead, one, wrong=wrong, times=typed)

    def save(s: TenantSession) -> None:
        round_times.set_resident(s, one.id, wanted, lead.zone.key, lead.now_ms)

    return _done(request, lead, one, "rounds", save, "rounds", dict(form))


def _done(
    request: Request, lead: Lead, one: Resident, area: str, act: object, told: str, typed: Mapping[str, str]
) -> Response:
    """Do it and go back to the page, or show it with what was typed and why it could not be."""
    try:
        request.app.state.db.transact(lead.tablet.tenant.id, act)
    except StalePlan as error:
        raise Problem(409, "bad_request") from error
    except RejectError as error:
        field = f"basis-{error.field}" if area == "basis" and error.field == "responsible" else error.field
        said = {FIELD_OF.get(field, field): problem_words.refused(lead.words, area, error)}
        return _shown(request, lead, one, typed=typed, said=said)
    log.info("supervision_changed", what=told, resident_id=one.id, staff_id=lead.person.staff_id)
    return _back(one, told)


def _back(one: Resident, told: str) -> Response:
    return RedirectResponse(f"/admin/residents/{one.id}?told={told}", 303)


def _asked(request: Request, resident_id: int) -> tuple[Lead, Resident]:
    """Who asks about whom; that they do is written down before anything is shown."""
    lead = lead_of(request)
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        one = resident_of(s, lead, resident_id)
    note_reading(request, lead, "plan", (one.id,))
    return lead, one


def _shown(
    request: Request,
    lead: Lead,
    one: Resident,
    draft: PlanDraft | None = None,
    wrong: Mapping[str, Wrong] | None = None,
    typed: Mapping[str, str] | None = None,
    said: Mapping[str, str] | None = None,
    *,
    tried: bool = False,
    told: str = "",
    status: int = 0,
    times: tuple[TimeDraft, ...] | None = None,
) -> Response:
    trial, trial_wrong = _trial(request, lead, one, draft) if tried and draft is not None else (None, "")
    with request.app.state.db.read(lead.tablet.tenant.id) as s:
        shown = resident_view.view(
            s,
            lead,
            one,
            draft,
            wrong,
            typed=Typed(typed or {}, said or {}),
            trial=trial,
            trial_wrong=trial_wrong,
            told=told,
            times=times,
        )
    html = pages.page("resident", lead, scheme_of(request), view=shown)
    return HTMLResponse(html, status or (422 if wrong or said else 200))


def _trial(request: Request, lead: Lead, one: Resident, draft: PlanDraft) -> tuple[TrialView | None, str]:
    """What the draft would have done, or why that cannot be said."""
    lines, wrong = drafts.lines_of(draft, None)
    nights = drafts.whole(draft.nights)
    if wrong:
        return None, problem_words.said(lead.words, next(iter(wrong.values())))
    try:
        return trial_view.view(lead, acts.try_plan(request.app.state.db, lead, one, lines, nights or 0)), ""
    except Busy:
        return None, lead.words(problem_words.CODES["busy"])
    except RejectError as error:
        return None, problem_words.refused(lead.words, "backtest", error)
