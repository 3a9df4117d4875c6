"""One resident's supervision for the page: the plan as a form, its ground, pauses, and all that it was. Serves arrow 9.

Owns what stands at each field. Must not know HTTP, HTML, or how a plan is saved or tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nattevakt.central.admin import drafts, moments, plan_doubts, problem_words, rounds_view, rule_words, ward_view
from nattevakt.central.admin.drafts import CLOCK, WEEKDAYS, LineDraft, PlanDraft, WindowDraft, Wrong
from nattevakt.central.admin.round_drafts import TimeDraft
from nattevakt.central.admin.rounds_view import OwnTimes
from nattevakt.central.admin.trial_view import TrialView
from nattevakt.central.admin.ward_view import Standing
from nattevakt.central.admin.who import Lead, Resident, staff_names
from nattevakt.central.db import TenantSession
from nattevakt.central.places import bases, pauses, plans, templates
from nattevakt.central.places.bases import Ground
from nattevakt.central.places.plan_lines import Line, lacking
from nattevakt.central.places.plans import Plan, Version
from nattevakt.central.tablet.i18n import N_, Words
from nattevakt.edge.rules.catalogue import BY_NAME, RULES
from nattevakt.edge.rules.windows import EVERY_DAY

GROUNDS: Mapping[str, str] = {
    Ground.CONSENT: N_("Samtykke"),
    Ground.DECISION: N_("Vedtak etter pasient- og brukerrettighetsloven § 4-6 a"),
    Ground.CARRIED: N_("Overført, ikke vurdert"),
}
ALL_DAY = N_("hele døgnet")
EVERY = N_("alle dager")
SYSTEM = N_("systemet")
RANGE = N_("fra {least} til {most}, vanligvis {default}")
USUAL_TIME = N_("vanligvis {default}")
ENDED_AT = N_("avsluttet {at} av {name}")


@dataclass(frozen=True, slots=True)
class FieldView:
    """One number of a line. kind: "number", "clock" or "days"."""

    name: str
    kind: str
    label: str
    unit: str
    help: str
    range: str
    value: str
    days: frozenset[int]
    wrong: str


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of the form. wrong: by the field's name."""

    n: int
    rule: str
    name: str
    says: str
    windowed: bool
    windows: tuple[WindowDraft, ...]
    fields: tuple[FieldView, ...]
    wrong: str
    windows_wrong: str
    lacks: str
    said: str
    open: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A template or a rule that can be chosen. lacks: what the room has no sensor for, in words."""

    key: str
    name: str
    says: str
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class BasisView:
    """A basis, of now or of before."""

    kind: str
    begins: str
    review: str
    responsible: str
    by: str
    ended: str


@dataclass(frozen=True, slots=True)
class PauseView:
    """A pause that is in force."""

    id: int
    what: str
    until: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version: who, when, what, why."""

    version: int
    at: str
    by: str
    why: str
    lines: tuple[str, ...]
    handling: str
    responsible: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed into the smaller forms, and what is wrong there."""

    values: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResidentView:
    """The whole page. doubts: why some lines should not lean on their sensor yet."""

    resident: Resident
    standing: Standing
    plan: Plan | None
    draft: PlanDraft
    lines: tuple[LineView, ...]
    templates: tuple[Choice, ...]
    rules: tuple[Choice, ...]
    basis: BasisView | None
    past_bases: tuple[BasisView, ...]
    paused: tuple[PauseView, ...]
    pause_to: str
    startup_to: str
    history: tuple[VersionView, ...]
    typed: Typed
    wrong: Mapping[str, str]
    trial: TrialView | None
    trial_wrong: str
    unsaved: bool
    seen_version: int
    told: str
    doubts: tuple[str, ...]
    rounds: OwnTimes


def view(
    s: TenantSession,
    lead: Lead,
    resident: Resident,
    draft: PlanDraft | None = None,
    wrong: Mapping[str, Wrong] | None = None,
    *,
    typed: Typed | None = None,
    trial: TrialView | None = None,
    trial_wrong: str = "",
    told: str = "",
    times: tuple[TimeDraft, ...] | None = None,
) -> ResidentView:
    """The page with what holds, or with a draft as it was typed and what is wrong with it."""
    words, ids = lead.words, (resident.id,)
    plan, uses = plans.current(s, resident.id), plans.uses_of(s, resident.id)
    basis = bases.valid(s, ids, lead.now_ms).get(resident.id)
    held = pauses.in_force(s, ids, lead.now_ms).get(resident.id, ())
    shown = draft if draft is not None else drafts.draft_of(plan)
    found = {name: problem_words.said(words, one) for name, one in (wrong or {}).items()}
    found |= dict(typed.wrong) if typed else {}
    names = staff_names(s)
    grounds = [_basis(lead, row, names) for row in bases.history(s, resident.id)]
    startup = plan.startup_to_ms if plan is not None else None
    return ResidentView(
        resident=resident,
        standing=ward_view.standing(lead, plan, basis, held),
        plan=plan,
        draft=shown,
        lines=tuple(_line(words, n, line, found, uses) for n, line in enumerate(shown.lines)),
        templates=tuple(_template(words, name, uses) for name in templates.TEMPLATES),
        rules=tuple(_rule(words, rule.name, uses) for rule in RULES if rule.planned),
        basis=_basis(lead, basis, names) if basis is not None else None,
        past_bases=tuple(grounds),
        paused=tuple(_pause(lead, pause, names) for pause in held),
        pause_to=moments.clock(pauses.most_ms(lead.now_ms, lead.zone.key), lead.zone),
        startup_to=moments.day(words, startup, lead.zone) if startup is not None and startup > lead.now_ms else "",
        history=tuple(_version(lead, version, names) for version in plans.history(s, resident.id)),
        typed=typed or Typed(),
        wrong=found,
        trial=trial,
        trial_wrong=trial_wrong,
        unsaved=draft is not None,
        seen_version=plan.version if plan is not None else 0,
        told=told,
        doubts=tuple(one.message for one in plan_doubts.found(s, lead, resident, [one.rule for one in shown.lines])),
        rounds=rounds_view.own_times(s, lead, resident, times),
    )


def _line(words: Words, n: int, line: LineDraft, wrong: Mapping[str, str], uses: frozenset[str] | None) -> LineView:
    rule = BY_NAME.get(line.rule)
    missing = lacking(rule, uses) if rule is not None and uses is not None else ()
    troubled = any(name == f"line-{n}" or name.startswith(f"line-{n}-") for name in wrong)
    return LineView(
        n,
        line.rule,
        rule_words.rule_name(words, line.rule),
        rule_words.rule_says(words, line.rule),
        rule is not None and rule.windowed,
        line.windows,
        tuple(_field(words, n, line, index, wrong) for index in range(len(rule.settings) if rule else 0)),
        wrong.get(f"line-{n}", ""),
        wrong.get(f"line-{n}-windows", ""),
        rule_words.needs(words, ", ".join(missing)) if missing else "",
        _draft_said(words, line),
        troubled or bool(missing),
    )


def _draft_said(words: Words, line: LineDraft) -> str:
    """When a line holds and its first number, as typed: what tells lines apart while they are folded up."""
    spans = [
        f"{w.begins}–{w.ends} {_days(words, drafts.bits_of(w.days))}".strip()
        for w in line.windows
        if w.begins.strip() or w.ends.strip()
    ]
    rule = BY_NAME.get(line.rule)
    parts = [", ".join(spans) or words(ALL_DAY)] if rule is None or rule.windowed else []
    for setting in rule.settings[:1] if rule is not None else ():
        said = rule_words.setting_words(words, line.rule, setting)
        parts.append(f"{said.label}: {line.settings.get(setting.name, '')} {said.unit}".strip())
    return "; ".join(parts)


def _field(words: Words, n: int, line: LineDraft, index: int, wrong: Mapping[str, str]) -> FieldView:
    setting = BY_NAME[line.rule].settings[index]
    said = rule_words.setting_words(words, line.rule, setting)
    value = line.settings.get(setting.name, "")
    name = f"line-{n}-set-{setting.name}"
    kind = {CLOCK: "clock", WEEKDAYS: "days"}.get(setting.name, "number")
    default = drafts.typed(setting.name, setting.default)
    ranged = {
        "number": words(RANGE, {"least": setting.least, "most": setting.most, "default": default}),
        "clock": words(USUAL_TIME, {"default": default}),
    }.get(kind, "")
    days = drafts.days_of(int(value)) if kind == "days" and value.isdigit() else frozenset()
    unit = said.unit if kind == "number" else ""
    return FieldView(name, kind, said.label, unit, said.help, ranged, value, days, wrong.get(name, ""))


def _lacks(words: Words, name: str, uses: frozenset[str] | None) -> str:
    missing = lacking(BY_NAME[name], uses) if uses is not None else ()
    return rule_words.needs(words, ", ".join(missing)) if missing else ""


def _rule(words: Words, name: str, uses: frozenset[str] | None) -> Choice:
    named = rule_words.rule_name(words, name)
    return Choice(name, named, rule_words.rule_says(words, name), _lacks(words, name, uses))


def _template(words: Words, name: str, uses: frozenset[str] | None) -> Choice:
    _, without = templates.fitted(name, uses)
    lacks = "; ".join(rule_words.rule_name(words, line.rule) for line in without)
    return Choice(name, rule_words.template_name(words, name), rule_words.template_says(words, name), lacks)


def _basis(lead: Lead, row: Any, names: Mapping[int, str]) -> BasisView:
    """A basis: of now, or a row of the past ones, which say how they ended."""
    words, zone = lead.words, lead.zone
    ended, ended_ms = "", getattr(row, "ended_ms", None)
    if ended_ms is not None:
        by = names.get(row.ended_by or 0, words(SYSTEM))
        ended = words(ENDED_AT, {"at": moments.day_clock(words, ended_ms, zone), "name": by})
    return BasisView(
        words(GROUNDS.get(row.kind, row.kind)),
        moments.day(words, row.from_ms, zone),
        moments.day(words, row.review_ms, zone),
        row.responsible,
        names.get(row.staff_id or 0, words(SYSTEM)),
        ended,
    )


def _pause(lead: Lead, pause: pauses.Pause, names: Mapping[int, str]) -> PauseView:
    what = rule_words.rule_name(lead.words, pause.rule) if pause.rule is not None else ""
    by = names.get(pause.staff_id or 0, lead.words(SYSTEM))
    return PauseView(pause.id, what, moments.clock(pause.to_ms, lead.zone), by, pause.reason)


def _version(lead: Lead, version: Version, names: Mapping[int, str]) -> VersionView:
    return VersionView(
        version.version,
        moments.day_clock(lead.words, version.at_ms, lead.zone),
        version.by_name or names.get(version.staff_id or 0, lead.words(SYSTEM)),
        version.why,
        tuple(line_said(lead.words, line) for line in version.body.lines),
        version.body.handling,
        version.body.responsible,
    )


def line_said(words: Words, line: Line) -> str:
    """A line in one sentence: what, when, with which numbers."""
    rule = BY_NAME.get(line.rule)
    parts = [rule_words.rule_name(words, line.rule)]
    if rule is None or rule.windowed:
        spans = (
            f"{drafts.clock(w.from_minute)}–{drafts.clock(w.to_minute)} {_days(words, w.weekdays)}".strip()
            for w in line.windows
        )
        parts.append(", ".join(spans) or words(ALL_DAY))
    for setting in rule.settings if rule is not None else ():
        said = rule_words.setting_words(words, line.rule, setting)
        value = line.settings.get(setting.name, setting.default)
        text = _days(words, value) or words(EVERY) if setting.name == WEEKDAYS else drafts.typed(setting.name, value)
        parts.append(f"{said.label}: {text} {said.unit if setting.name not in (CLOCK, WEEKDAYS) else ''}".strip())
    return "; ".join(parts)


def _days(words: Words, bits: int) -> str:
    if bits == EVERY_DAY:
        return ""
    return " ".join(words(rule_words.WEEKDAYS[day]) for day in sorted(drafts.days_of(bits)))
