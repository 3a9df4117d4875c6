"""Every rule, setting, template and refusal that a lead may meet has words that say what to do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from nattevakt.central.admin import acts, off_view, problem_words, rule_words
from nattevakt.central.admin.drafts import Wrong
from nattevakt.central.places import off_list, plan_lines
from nattevakt.central.places.templates import TEMPLATES
from nattevakt.central.tablet.i18n import words
from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.catalogue import RULES
from nattevakt.edge.rules.rule import Rule

NB = words("nb")
PLANNED = [rule for rule in RULES if rule.planned]


@pytest.mark.parametrize("rule", PLANNED, ids=lambda rule: rule.name)
def test_every_rule_and_setting_has_words_that_teach(rule: Rule) -> None:
    assert rule.name in rule_words.RULES
    for setting in rule.settings:
        said = rule_words.setting_words(NB, rule.name, setting)
        assert said.label != setting.name
        assert said.help != setting.why, f"{rule.name}.{setting.name} has no help in Norwegian"
    for need in rule.needs:
        assert set(need.split("|")) <= set(rule_words.USES)


def test_no_words_for_what_is_not_there() -> None:
    names = {(rule.name, setting.name) for rule in PLANNED for setting in rule.settings}
    assert {key for key in rule_words.HELP if key[0] and key not in names} == set()
    assert {rule.name for rule in PLANNED} >= set(rule_words.RULES) & {rule.name for rule in RULES}
    assert set(rule_words.TEMPLATES) == set(TEMPLATES)


def codes() -> set[str]:
    """The codes with which `plan_lines` refuses."""
    tree = ast.parse(Path(plan_lines.__file__).read_text(encoding="utf-8"))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PlanError"
    ]
    found = {node.args[2].value for node in calls if isinstance(node.args[2], ast.Constant)}
    return {str(code) for code in found} | {"rule_not_planned", "unknown_rule"}


def test_every_refusal_has_words() -> None:
    assert codes() >= {"missing_sensor", "out_of_range", "window_impossible"}
    assert codes() <= set(problem_words.CODES)
    assert set(off_list.WHYS) == set(off_view.WHYS) == set(off_view.WEIGHTS)


def test_what_has_no_words_is_still_said() -> None:
    said = problem_words.refused(NB, "plan", RejectError("colour", "must be blue"))
    assert said == "Dette kunne ikke lagres: must be blue."
    assert rule_words.rule_name(NB, "brand_new") == "brand_new"
    assert rule_words.template_name(NB, "brand_new") == "brand_new"
    assert problem_words.said(NB, Wrong("missing_sensor", {"needs": "bed, door|motion"})).startswith(
        "Rommet mangler sensor for seng og dør eller bevegelse."
    )
    assert acts.STARTUP_DAYS_MAX == 60
