"""The lines of a plan: which rule, when, with which numbers; and what is wrong with a proposed one. Serves arrow 7.

Owns the form of a plan's body, its checks, and what the rules are given of it (`Entry`). Must not know where plans
are kept, or who may change them.

A refusal has a code for the page and a sentence in English for the caller; both say what to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.catalogue import BY_NAME, RULES
from nattevakt.edge.rules.rule import Entry, Rule
from nattevakt.edge.rules.windows import DAY_MINUTES, EVERY_DAY, Window

LINES_MAX = 60
WINDOWS_MAX = 20
TEXT_MAX = 2_000
ALL_DAY = Window(0, 0)


class PlanError(RejectError):
    """A plan that cannot be. code: what is wrong, for a page to say; params: what the sentence names."""

    def __init__(self, field: str, reason: str, code: str, **params: str | int) -> None:
        super().__init__(field, reason)
        self.code = code
        self.params: Mapping[str, str | int] = params


@dataclass(frozen=True, slots=True)
class Line:
    """One rule of a plan. No windows: at all hours. settings: what differs from the rule's defaults."""

    rule: str
    windows: tuple[Window, ...] = ()
    settings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Body:
    """What a version of a plan says. dense_rounds_min: how often somebody looks in while sensors are silent."""

    lines: tuple[Line, ...] = ()
    handling: str = ""
    responsible: str = ""
    dense_rounds_min: int | None = None

    @property
    def plain(self) -> dict[str, object]:
        """As JSON can hold it."""
        return {
            "lines": [
                {
                    "rule": line.rule,
                    "windows": [
                        {"from_minute": w.from_minute, "to_minute": w.to_minute, "weekdays": w.weekdays}
                        for w in line.windows
                    ],
                    "settings": dict(line.settings),
                }
                for line in self.lines
            ],
            "handling": self.handling,
            "responsible": self.responsible,
            "dense_rounds_min": self.dense_rounds_min,
        }


def sha_of(body: Body) -> str:
    """The sum of a body: equal bodies have equal sums."""
    written = json.dumps(body.plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def body_of(plain: Any) -> Body:
    """A body that was stored once; it was checked then, by the rules of then."""
    lines = tuple(
        Line(
            str(line["rule"]),
            tuple(Window(w["from_minute"], w["to_minute"], w["weekdays"]) for w in line["windows"]),
            MappingProxyType({str(name): int(value) for name, value in line["settings"].items()}),
        )
        for line in plain["lines"]
    )
    return Body(lines, plain["handling"], plain["responsible"], plain["dense_rounds_min"])


def entries_of(lines: Sequence[Line]) -> Mapping[str, tuple[Entry, ...]]:
    """What each rule is given: complete numbers, and for a rule with windows always one.

    A rule or a number that this version of the program does not know any more is passed over.
    """
    found: dict[str, tuple[Entry, ...]] = {}
    for line in lines:
        rule = BY_NAME.get(line.rule)
        if rule is None or not rule.planned:
            continue
        values = {setting.name: line.settings.get(setting.name, setting.default) for setting in rule.settings}
        windows = line.windows or ((ALL_DAY,) if rule.windowed else ())
        found[line.rule] = (*found.get(line.rule, ()), Entry(windows, MappingProxyType(values)))
    return MappingProxyType(found)


def complete(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The same lines with every number written out: another default in a later version changes no plan."""
    found = []
    for line in lines:
        rule = BY_NAME[line.rule]
        values = {setting.name: line.settings.get(setting.name, setting.default) for setting in rule.settings}
        found.append(Line(line.rule, line.windows, {**values, **line.settings}))
    return tuple(found)


def check(lines: Sequence[Line], uses: frozenset[str] | None = None) -> None:
    """Refuse a plan that cannot be. uses: what the resident's room has sensors for, None where that is not known.

    Raises PlanError with the path of what is wrong ("lines[0].settings.limit_min").
    """
    if len(lines) > LINES_MAX:
        raise PlanError("lines", f"at most {LINES_MAX} lines: join some of them", "too_many_lines", most=LINES_MAX)
    seen: set[tuple[str, tuple[Window, ...]]] = set()
    for index, line in enumerate(lines):
        where = f"lines[{index}]"
        rule = BY_NAME.get(line.rule)
        if rule is None or not rule.planned:
            known = ", ".join(rule.name for rule in RULES if rule.planned)
            what = "always on, take it out" if rule is not None else f"unknown; choose one of {known}"
            code = "rule_not_planned" if rule is not None else "unknown_rule"
            raise PlanError(f"{where}.rule", f"{line.rule} is {what}", code, rule=line.rule)
        if (line.rule, line.windows) in seen:
            raise PlanError(
                where, "the same rule and windows twice: keep one of the lines", "line_twice", rule=line.rule
            )
        seen.add((line.rule, line.windows))
        _windows(rule, line, where)
        _settings(rule, line, where)
        if uses is not None:
            _sensors(rule, uses, where)


def _windows(rule: Rule, line: Line, where: str) -> None:
    if line.windows and not rule.windowed:
        reason = f"{rule.name} has no windows: take them out"
        raise PlanError(f"{where}.windows", reason, "window_not_wanted", rule=rule.name)
    if len(line.windows) > WINDOWS_MAX:
        reason = f"at most {WINDOWS_MAX} windows: join some of them"
        raise PlanError(f"{where}.windows", reason, "too_many_windows", most=WINDOWS_MAX)
    if len(set(line.windows)) < len(line.windows):
        raise PlanError(f"{where}.windows", "the same window twice: keep one", "window_twice", rule=rule.name)


def _settings(rule: Rule, line: Line, where: str) -> None:
    known = {setting.name: setting for setting in rule.settings}
    for name, value in line.settings.items():
        at = f"{where}.settings.{name}"
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise PlanError(at, f"unknown setting; known are {names}", "unknown_setting", rule=rule.name, setting=name)
        least, most = known[name].least, known[name].most
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            reason = f"must be a whole number from {least} to {most}"
            raise PlanError(at, reason, "out_of_range", rule=rule.name, setting=name, least=least, most=most)


def lacking(rule: Rule, uses: frozenset[str]) -> tuple[str, ...]:
    """What the rule needs of which the room has nothing: words of device use, with | between what will do."""
    return tuple(need for need in rule.needs if uses.isdisjoint(need.split("|")))


def _sensors(rule: Rule, uses: frozenset[str], where: str) -> None:
    missing = lacking(rule, uses)
    if missing:
        words = " and ".join(need.replace("|", " or ") for need in missing)
        reason = f"{rule.name} needs a sensor for {words} in the resident's room: mount one, or take the line out"
        raise PlanError(f"{where}.rule", reason, "missing_sensor", rule=rule.name, needs=", ".join(missing))


def read_lines(value: object, where: str = "lines") -> tuple[Line, ...]:
    """Lines as JSON tells them. Raises PlanError; whether they make sense says `check`."""
    found = []
    for index, item in enumerate(_list(value, where)):
        at = f"{where}[{index}]"
        line = _table(item, at, ("rule", "windows", "settings"))
        rule, settings = line.get("rule"), line.get("settings", {})
        if not isinstance(rule, str):
            raise PlanError(f"{at}.rule", "must be the name of a rule", "unknown_rule", rule=str(rule)[:40])
        if not isinstance(settings, Mapping):
            raise PlanError(f"{at}.settings", "must be an object of numbers", "bad_form")
        for name, number in settings.items():
            if not isinstance(number, int) or isinstance(number, bool):
                here = f"{at}.settings.{name}"
                raise PlanError(here, "must be a whole number", "not_whole", rule=rule, setting=str(name))
        windows = enumerate(_list(line.get("windows", []), f"{at}.windows"))
        found.append(Line(rule, tuple(_window(w, f"{at}.windows[{n}]") for n, w in windows), dict(settings)))
    return tuple(found)


def _window(value: object, where: str) -> Window:
    found = _table(value, where, ("from_minute", "to_minute", "weekdays"))
    numbers = {"weekdays": EVERY_DAY, **found}
    limits = {"from_minute": (0, DAY_MINUTES - 1), "to_minute": (0, DAY_MINUTES - 1), "weekdays": (1, EVERY_DAY)}
    for name, (least, most) in limits.items():
        number = numbers.get(name)
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            reason = f"must be a whole number from {least} to {most}"
            raise PlanError(f"{where}.{name}", reason, "window_impossible", least=least, most=most)
    return Window(numbers["from_minute"], numbers["to_minute"], numbers["weekdays"])


def _list(value: object, where: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise PlanError(where, "must be a list", "bad_form")
    return value


def _table(value: object, where: str, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PlanError(where, "must be an object", "bad_form")
    for name in value:
        if name not in known:
            raise PlanError(f"{where}.{name}", f"unknown key; known are {', '.join(known)}", "bad_form")
    return value
