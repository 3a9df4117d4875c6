"""A plan as somebody is typing it: read from a form, shown again as it was typed, turned into lines. Serves arrow 9.

Owns the names of the form's fields and what is wrong at each of them. Must not know HTTP, HTML or who may save.
What cannot be read stays in the draft as it was typed, beside the code of what to do about it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nattevakt.central.places.plan_lines import Line, PlanError, check
from nattevakt.central.places.plans import Plan
from nattevakt.edge.rules.catalogue import BY_NAME
from nattevakt.edge.rules.rule import Setting
from nattevakt.edge.rules.windows import DAY_MINUTES, EVERY_DAY, Window

CLOCK = "by_minute"
WEEKDAYS = "weekday_bits"
_TIME = re.compile(r"\s*([0-9]{1,2})(?:[:.]?([0-9]{2}))?\s*")
_FIELD = re.compile(r"line-([0-9]{1,2})-(rule|w-([0-9]{1,2})-(from|to|day)|set-([a-z_]{1,40}))")
_WHERE = re.compile(r"lines\[(\d+)\](.*)")
WINDOWS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong at a field. code: a key of `problem_words.CODES`."""

    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WindowDraft:
    """One window as typed. days: 0 is Monday."""

    begins: str = ""
    ends: str = ""
    days: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One line as typed. settings: text by name; weekdays are their sum."""

    rule: str
    windows: tuple[WindowDraft, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A whole plan as typed. version: the one that was read when the typing began."""

    version: int = 0
    lines: tuple[LineDraft, ...] = ()
    handling: str = ""
    responsible: str = ""
    dense: str = ""
    why: str = ""
    nights: str = "7"


def clock(minute: int) -> str:
    """Minutes since midnight as people write them."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def minute_of(typed: str) -> int | None:
    """ "22", "22:30", "22.30" and "2230" as minutes since midnight; None where it is no time of day."""
    found = _TIME.fullmatch(typed)
    if found is None:
        return None
    hours, minutes = int(found[1]), int(found[2] or 0)
    return hours * 60 + minutes if hours < 24 and minutes < 60 else None


def days_of(bits: int) -> frozenset[int]:
    """The days of a set of bits, Monday 0."""
    return frozenset(day for day in range(7) if bits >> day & 1)


def bits_of(days: frozenset[int]) -> int:
    """The bits of a set of days."""
    return sum(1 << day for day in days)


def line_draft(line: Line) -> LineDraft:
    """A line as it is typed to be what it is."""
    rule = BY_NAME.get(line.rule)
    windows = tuple(WindowDraft(clock(w.from_minute), clock(w.to_minute), days_of(w.weekdays)) for w in line.windows)
    values = {s.name: line.settings.get(s.name, s.default) for s in rule.settings} if rule else dict(line.settings)
    return LineDraft(line.rule, windows, {name: typed(name, value) for name, value in values.items()})


def typed(name: str, value: int) -> str:
    """A setting's value as it is typed."""
    return clock(value) if name == CLOCK else str(value)


def draft_of(plan: Plan | None) -> PlanDraft:
    """The plan that holds, to be changed."""
    if plan is None:
        return PlanDraft()
    lines = tuple(line_draft(line) for line in plan.lines)
    dense = "" if plan.dense_rounds_min is None else str(plan.dense_rounds_min)
    return PlanDraft(plan.version, lines, plan.handling, plan.responsible, dense)


def read_form(form: Sequence[tuple[str, str]]) -> PlanDraft:
    """What a form holds. Whatever is no field of ours is passed over; nothing is judged."""
    plain = dict(form)
    rules: dict[int, str] = {}
    settings: dict[int, dict[str, str]] = {}
    windows: dict[int, dict[int, WindowDraft]] = {}
    bits: dict[tuple[int, str], int] = {}
    for name, value in form:
        found = _FIELD.fullmatch(name)
        if found is None:
            continue
        line, what = int(found[1]), found[2]
        if what == "rule":
            rules[line] = value
        elif found[5] == WEEKDAYS:
            bits[line, WEEKDAYS] = bits.get((line, WEEKDAYS), 0) | _bit(value)
        elif found[5]:
            settings.setdefault(line, {})[found[5]] = value
        else:
            mine = windows.setdefault(line, {})
            mine[int(found[3])] = _with(mine.get(int(found[3]), WindowDraft(days=frozenset())), found[4], value)
    for (line, name), sum_ in bits.items():
        settings.setdefault(line, {})[name] = str(sum_)
    lines = tuple(
        LineDraft(
            rules[n], tuple(w for _, w in sorted(windows.get(n, {}).items()))[:WINDOWS_SHOWN], settings.get(n, {})
        )
        for n in sorted(rules)
    )
    version = plain.get("version", "")
    return PlanDraft(
        int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0,
        lines,
        plain.get("handling", "").replace("\r\n", "\n"),
        plain.get("responsible", ""),
        plain.get("dense", ""),
        plain.get("why", ""),
        plain.get("nights", "7"),
    )


def _bit(value: str) -> int:
    return 1 << int(value) if value in set("0123456") else 0


def _with(window: WindowDraft, part: str, value: str) -> WindowDraft:
    if part == "from":
        return replace(window, begins=value)
    if part == "to":
        return replace(window, ends=value)
    return replace(window, days=window.days | days_of(_bit(value)))


def changed(draft: PlanDraft, act: str) -> PlanDraft:
    """The draft after a button that changes its form: "remove-2", "window-0", "drop-0-1", "add:door_at_night"."""
    lines = list(draft.lines)
    found = re.fullmatch(r"(remove|window|drop)-([0-9]{1,2})(?:-([0-9]{1,2}))?", act)
    if found is not None and int(found[2]) < len(lines):
        n = int(found[2])
        if found[1] == "remove":
            del lines[n]
        elif found[1] == "window" and len(lines[n].windows) < WINDOWS_SHOWN:
            lines[n] = replace(lines[n], windows=(*lines[n].windows, WindowDraft()))
        elif found[1] == "drop" and found[3] is not None:
            kept = tuple(w for place, w in enumerate(lines[n].windows) if place != int(found[3]))
            lines[n] = replace(lines[n], windows=kept)
    elif act.startswith("add:") and (rule := BY_NAME.get(act[4:])) is not None and rule.planned:
        windows = (Window(22 * 60, 7 * 60),) if rule.windowed else ()
        lines.append(line_draft(Line(rule.name, windows)))
    return replace(draft, lines=tuple(lines))


def lines_of(draft: PlanDraft, uses: frozenset[str] | None) -> tuple[tuple[Line, ...], dict[str, Wrong]]:
    """The lines of a draft, and what is wrong with it by field; where anything is, the lines are of no use."""
    wrong: dict[str, Wrong] = {}
    lines = tuple(_line(n, line, wrong) for n, line in enumerate(draft.lines))
    for n, line in enumerate(lines):
        if not any(name.startswith(f"line-{n}-") for name in wrong):
            _checked((line,), uses, n, wrong)
    if not wrong:
        # What only the whole can get wrong: a line twice, too many.
        _checked(lines, uses, 0, wrong)
    return lines, wrong


def _checked(lines: Sequence[Line], uses: frozenset[str] | None, shift: int, wrong: dict[str, Wrong]) -> None:
    try:
        check(lines, uses)
    except PlanError as error:
        wrong[field_of(error.field, shift)] = Wrong(error.code, error.params)


def field_of(where: str, shift: int = 0) -> str:
    """The form's name for a path of `plan_lines`: "lines[0].settings.limit_min" is "line-0-set-limit_min"."""
    found = _WHERE.fullmatch(where)
    if found is None:
        return where
    line = f"line-{int(found[1]) + shift}"
    if found[2].startswith(".settings."):
        return f"{line}-set-{found[2].removeprefix('.settings.')}"
    return f"{line}-windows" if found[2].startswith(".windows") else line


def _line(n: int, line: LineDraft, wrong: dict[str, Wrong]) -> Line:
    rule = BY_NAME.get(line.rule)
    if rule is None:
        return Line(line.rule)
    windows = [_window(f"line-{n}-w-{place}", window, wrong) for place, window in enumerate(line.windows)]
    values: dict[str, int] = {}
    for setting in rule.settings:
        value = line.settings.get(setting.name, "0" if setting.name == WEEKDAYS else "")
        number = _number(setting, value)
        if number is None:
            code = "time_unreadable" if setting.name == CLOCK else "out_of_range"
            if setting.name == WEEKDAYS:
                code = "no_weekday"
            here: dict[str, str | int] = {"rule": line.rule, "least": setting.least, "most": setting.most}
            wrong[f"line-{n}-set-{setting.name}"] = Wrong(code, here)
        else:
            values[setting.name] = number
    return Line(line.rule, tuple(window for window in windows if window is not None), values)


def _number(setting: Setting, value: str) -> int | None:
    if setting.name == CLOCK:
        return minute_of(value)
    number = whole(value)
    return number if number is not None and setting.least <= number <= setting.most else None


def whole(value: str) -> int | None:
    """A whole number as somebody typed it, None where it is none."""
    text = value.strip().replace("\N{MINUS SIGN}", "-")
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else None


def _window(name: str, window: WindowDraft, wrong: dict[str, Wrong]) -> Window | None:
    if not window.begins.strip() and not window.ends.strip():
        return None
    times = {"from": minute_of(window.begins), "to": minute_of(window.ends)}
    for part, text in (("from", window.begins), ("to", window.ends)):
        if times[part] is None:
            wrong[f"{name}-{part}"] = Wrong("time_unreadable" if text.strip() else "window_half")
    if not window.days:
        wrong[f"{name}-day"] = Wrong("no_weekday")
    begins, ends = times["from"], times["to"]
    if begins is None or ends is None or not window.days:
        return None
    return Window(begins % DAY_MINUTES, ends % DAY_MINUTES, bits_of(window.days) & EVERY_DAY)
