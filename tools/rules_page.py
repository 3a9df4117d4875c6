"""docs/reference/rules.md, a page for each rule, and its drawn timelines: from the catalogue and the rules themselves.

Imported by tools/reference.py. What a rule says of itself is the one place to keep right; the stories stand in
rule_stories.py. A reason or a kind without its words in bokmål stops the writing.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence

from nattevakt.central import completeness, devices, gateway_silence, watching
from nattevakt.central.alarms.kinds import INTERNAL, KINDS
from nattevakt.central.tablet import sentences
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.rule import UNCONFIRMED, Per, Rule, Setting
from tools.rule_drawing import described, drawing
from tools.rule_play import HOW, Played, play
from tools.rule_stories import STORIES
from tools.sensors_page import table

FOLDER = "docs/reference/rules"
JUDGES = {Per.RESIDENT: "the resident", Per.BED: "each bed", Per.ROOM: "the room", Per.DEVICE: "each device"}
UNITS = (
    ("by_minute", "minutes after local midnight"),
    ("_per_h", "per hour"),
    ("weekday_bits", "sum of days: Monday 1, Tuesday 2, … Sunday 64"),
    ("_min", "minutes"),
    ("_s", "seconds"),
    ("_h", "hours"),
    ("_percent", "percent"),
    ("_signs", "signs of life"),
)
WATCHERS = (
    (completeness.GATEWAY_SILENT, gateway_silence.look),
    (devices.DEVICE_SILENT, watching.device_silent),
)
"""What watches silence of the installation itself: not in the catalogue, because it sees no facts."""

SYMBOLS = """A timeline is the real rule, played. Bars: the sensor reads *on*; dots: something was said at a moment; a
dotted line: nothing is known, or nothing said. Filled triangles are deadlines that the rule looked at, hollow ones
those that it no longer wanted. A red disc rings, a yellow diamond is a *sjekk*, a green disc explains away, a grey
square is only written. The window of the plan is shaded.
"""


def rules_pages(note: str) -> dict[str, str]:
    """Path to text of the overview, every rule's page, and every drawing."""
    played = [play(story) for story in STORIES]
    found = {"docs/reference/rules.md": _overview(note)}
    for rule in RULES:
        own = [one for one in played if one.rule is rule]
        found[f"{FOLDER}/{rule.name}.md"] = "\n".join(_page(note, rule, own))
    found |= {f"{FOLDER}/{one.story.name}.svg": drawing(one) for one in played}
    return found


def unit(name: str) -> str:
    """What a setting counts; every setting has its unit last."""
    return next(said for end, said in UNITS if name.endswith(end))


def _about(rule: Rule) -> str:
    """The docstring of its module, which bears its name."""
    return inspect.getdoc(sys.modules[f"nattevakt.edge.rules.{rule.name}"]) or ""


def _first(text: str) -> str:
    """The sentence with which a docstring begins."""
    return " ".join(text.split("\n\n")[0].replace(" Serves arrow 7.", "").split())


def _overview(note: str) -> str:
    parts = [
        note,
        "# Rules\n",
        "A rule is a pure function over what was stored; it says what it decides, why, and when it would change its",
        "mind. Reasons stand in the tablet's words in bokmål. VKP codes are the national alert codes for digital",
        "supervision; `internal` has none and is for those who keep the installation running. How rules, plan, basis",
        "and pause decide together: [digital supervision](../explanation/digital-supervision.md).\n",
        table(
            ("rule", "alarm kinds (VKP code, priority)", "may clear itself", "judges", "the room needs", "rings"),
            (_row(rule) for rule in RULES),
        ),
        "*By plan* rules judge only residents whose plan sets them, and ring only with a valid basis and no pause.",
        "*Always* rules have no plan; where a resident's basis is missing or a pause holds, the alarm says so.\n",
        f"A reason that ends in `{UNCONFIRMED}` rests on a part of the sensors: the word of the rest was missing for",
        "too long to wait. One that ends in `_late` came over two minutes late, one in `_uncertain` has a doubtful",
        "time.\n",
    ]
    for rule in RULES:
        parts += [
            f"## {rule.name}\n",
            f"{_first(_about(rule))} [More, with a drawn timeline](rules/{rule.name}.md).\n",
            _codes(rule.kinds) + "\n",
        ]
        parts += [_settings(rule.settings, why=False)] if rule.settings else ["No settings.\n"]
        parts.append(_reasons(rule.reasons))
    parts += _watchers()
    return "\n".join(parts)


def _row(rule: Rule) -> tuple[str, ...]:
    kinds = ", ".join(f"`{kind}` ({KINDS[kind].vkp_code}, {_priority(kind)})" for kind in rule.kinds)
    clears = ", ".join(dict.fromkeys(_clears(kind) for kind in rule.kinds))
    needs = " and ".join(need.replace("|", " or ") for need in rule.needs) or "nothing in particular"
    named = f"[{rule.name}](rules/{rule.name}.md)"
    by = "never" if not rule.kinds else "by plan" if rule.planned else "always"
    return named, kinds or "none: a finding for the day", clears or "", JUDGES[rule.per], needs, by


def _priority(kind: str) -> str:
    return KINDS[kind].priority.name.lower()


def _clears(kind: str) -> str:
    return "yes" if KINDS[kind].may_clear_itself else "no"


def _codes(kinds: Sequence[str]) -> str:
    """Each kind in a sentence."""
    if not kinds:
        return "Raises nothing: what it finds is for the day, and rings nobody."
    return "\n".join(
        f"- `{kind}` «{sentences.KINDS[kind]}»: "
        f"{'internal' if KINDS[kind].vkp_code == INTERNAL else f'VKP code {KINDS[kind].vkp_code}'}, "
        f"priority {_priority(kind)}, {'may clear itself' if KINDS[kind].may_clear_itself else 'never clears itself'}."
        for kind in kinds
    )


def _settings(settings: Sequence[Setting], *, why: bool) -> str:
    head = ("setting", "unit", "from", "to", "default")
    rows = ((f"`{one.name}`", unit(one.name), one.least, one.most, _default(one)) for one in settings)
    if not why:
        return table(head, rows)
    return table((*head, "why"), ((*row, one.why) for row, one in zip(rows, settings, strict=True)))


def _default(setting: Setting) -> str:
    if setting.name.endswith("by_minute"):
        return f"{setting.default} ({setting.default // 60:02}:{setting.default % 60:02})"
    return str(setting.default)


def _reasons(codes: Sequence[str]) -> str:
    return table(("reason", "on the tablet"), ((f"`{code}`", sentences.REASONS[code]) for code in codes))


def _page(note: str, rule: Rule, played: Sequence[Played]) -> Iterator[str]:
    yield note.replace("tools/reference.py", "tools/rules_page.py")
    yield f"# {rule.name}\n"
    yield "One of the [rules](../rules.md).\n"
    yield _about(rule) + "\n"
    yield "## Drawn\n"
    for one in played:
        yield f"![{one.story.title}]({one.story.name}.svg)\n"
        yield described(one) + "\n"
        rows = [(HOW[told.how], f"`{told.kind}`" if told.kind else "", f"`{told.code}`") for told in one.told]
        if rows:
            yield table(("says", "kind", "reason"), rows)
    yield SYMBOLS
    yield "## What it raises\n"
    yield _codes(rule.kinds) + "\n"
    yield "## Settings\n"
    yield _settings(rule.settings, why=True) if rule.settings else "None.\n"
    if rule.settings and not rule.planned:
        yield "No plan sets these: the defaults hold everywhere.\n"
    yield "## Reasons\n"
    yield _reasons(rule.reasons)
    yield "## What it leans on\n"
    yield "\n".join(_leans(rule)) + "\n"


def _leans(rule: Rule) -> Iterator[str]:
    bodies = ", ".join(f"[`{body.__name__}`](../events.md)" for body in rule.wants)
    yield f"- Facts: {bodies}, of {JUDGES[rule.per]}."
    if rule.needs:
        yield f"- The room must have: {' and '.join(need.replace('|', ' or ') for need in rule.needs)}."
    if rule.windowed:
        yield "- The plan gives it windows in local time; none means all hours."
    if rule.timed:
        yield "- It waits for a time of day, and is woken once when the plan is armed."
    if rule.planned:
        yield "- It rings only by a plan with a valid legal basis, and not under a pause."
    else:
        yield "- No plan, basis or pause holds it back."
    if rule.alarms_as:
        yield f"- Its alarms stand under the rule `{rule.alarms_as}`: the one that is open sounds again."
    if rule.folding is not None:
        yield (
            "- It is a fold: facts count in the order in which they happened, however late they come, and a deadline is"
            " judged when all that happened before it is known, or has been missing for too long to wait."
        )
    else:
        yield "- It judges each fact by itself, the moment it is known; there are no deadlines."


def _watchers() -> Iterator[str]:
    yield "## Silence of the installation\n"
    files = "`nattevakt/central/gateway_silence.py` and `watching.py`"
    yield f"Two more see no facts, only that none come ({files}). No plan holds them back.\n"
    for name, handler in WATCHERS:
        codes = [code for code in sentences.REASONS if code == name or code.startswith(f"{name}.")]
        yield f"### {name}\n"
        yield f"{inspect.getdoc(handler)}\n"
        yield _codes((name,)) + "\n"
        yield _limit(name)
        yield _reasons(codes)


def _limit(name: str) -> str:
    if name == completeness.GATEWAY_SILENT:
        return (
            f"Silent when what it sent is not complete to within {completeness.LAG_MS // 1000} seconds. Silent again "
            f"less than {gateway_silence.ANEW_MS // 60_000} minutes after it was back: its line comes and goes, and "
            f"its alarm ends by itself once it has been back for {gateway_silence.BACK_MS // 60_000} minutes. "
            "No settings.\n"
        )
    return (
        f"Silent after {watching.INTERVALS_MISSED} of its own intervals, {watching.DEVICE_LEAST_MS // 60_000} minutes "
        "at least, while everything between it and the centre works; a mute device is not judged. No settings.\n"
    )
