"""Every rule is on its page with all that it can be set to and may say, and its timelines are the rule's own doing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nattevakt.central.alarms.kinds import KINDS
from nattevakt.central.tablet import sentences
from nattevakt.edge.rules.catalogue import BY_NAME, RULES
from nattevakt.edge.rules.rule import Rule
from tools import rules_page
from tools.rule_drawing import drawing
from tools.rule_play import HOW, Story, play
from tools.rule_stories import STORIES
from tools.rules_page import FOLDER, rules_pages, unit

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
PAGES = rules_pages("")
OVERVIEW = PAGES["docs/reference/rules.md"]


def missing(page: str, rule: Rule) -> list[str]:
    """What a page ought to say of a rule and does not."""
    wanted = [
        f"| `{setting.name}` | {unit(setting.name)} | {setting.least} | {setting.most} |" for setting in rule.settings
    ]
    wanted += [f"| `{code}` | {sentences.REASONS[code]} |" for code in rule.reasons]
    for kind in rule.kinds:
        code = KINDS[kind].vkp_code
        wanted.append(f"- `{kind}` «{sentences.KINDS[kind]}»: {code if code == 'internal' else f'VKP code {code}'}, ")
    return [line for line in wanted if line not in page]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_told_whole(rule: Rule) -> None:
    page = PAGES[f"{FOLDER}/{rule.name}.md"]
    part = next(part for part in OVERVIEW.split("\n## ") if part.startswith(f"{rule.name}\n"))
    assert not missing(part, rule)
    assert not missing(page, rule)
    assert all(setting.why in page for setting in rule.settings)
    assert f"| [{rule.name}](rules/{rule.name}.md) |" in OVERVIEW
    assert f"]({rule.name}.svg)" in page


def test_what_is_left_out_is_noticed() -> None:
    """The check above is one: without the line of a setting, a reason or a code it says so."""
    rule = BY_NAME["not_back_in_bed"]
    page = PAGES[f"{FOLDER}/{rule.name}.md"]
    for gone in ("| `limit_min` |", "| `bed.check` |", "VKP code 4.2"):
        assert missing(page.replace(gone, ""), rule), gone


def test_every_reason_has_its_sentence_and_no_page_is_made_without() -> None:
    for rule in RULES:
        assert not set(rule.reasons) - set(sentences.REASONS), rule.name
        assert set(rule.kinds) <= set(sentences.KINDS), rule.name
    with pytest.raises(KeyError, match=r"bed\.unheard_of"):
        rules_page._reasons(("bed.check", "bed.unheard_of"))


def test_what_watches_the_installation_is_told_too() -> None:
    for name in ("gateway_silent", "device_silent"):
        part = OVERVIEW.split(f"\n### {name}\n")[1].split("\n#")[0]
        codes = [code for code in sentences.REASONS if code == name or code.startswith(f"{name}.")]
        assert len(codes) >= 4
        assert all(f"| `{code}` | {sentences.REASONS[code]} |" in part for code in codes)
        assert f"- `{name}` «{sentences.KINDS[name]}»: internal" in part


def test_every_rule_has_a_story_in_which_it_speaks() -> None:
    assert len({story.name for story in STORIES}) == len(STORIES)
    assert {story.rule for story in STORIES} == set(BY_NAME)
    for rule in RULES:
        first = next(story for story in STORIES if story.rule == rule.name)
        assert first.name == rule.name, "the first drawing bears the rule's name"
        assert first.says


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_is_what_the_rule_makes_of_it(story: Story) -> None:
    played = play(story)
    assert " ".join(told.how for told in played.told) == story.says
    assert all(told.text and "{" not in told.text for told in played.told)
    assert all(told.code in played.rule.reasons for told in played.told)
    assert all(told.kind in played.rule.kinds for told in played.told if told.kind)
    assert all(played.from_ms < told.at_ms < played.to_ms for told in played.told)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_drawing_tells_its_story_to_everybody(story: Story) -> None:
    """Also to who does not see it, to who does not see colours, by day and by night; twice the same."""
    played = play(story)
    text = drawing(played)
    assert text == PAGES[f"{FOLDER}/{story.name}.svg"]
    root = ElementTree.fromstring(text)  # noqa: S314 - our own drawing
    assert root.findtext(f"{SVG}title") == story.title
    described = str(root.findtext(f"{SVG}desc"))
    assert "prefers-color-scheme:dark" in str(root.findtext(f"{SVG}style"))
    shown = " ".join(str(part.text) for part in root.iter(f"{SVG}text"))
    for told in played.told:
        assert told.text in described
        assert HOW[told.how] in shown
    marks = [part for part in root.iter() if part.get("class") in HOW]
    assert len(marks) == 2 * len(played.told), "each verdict has its mark on the timeline and one in the list"
    assert bool(played.windows) == any(part.get("class") == "n" for part in root.iter(f"{SVG}rect"))
    width = float(root.get("width") or 0)
    assert all(0 <= float(part.get("x") or 0) <= width for part in root.iter() if part.get("x"))


def test_a_story_is_not_the_same_without_its_facts() -> None:
    """The timeline is played: another night, other words."""
    story = next(story for story in STORIES if story.name == "not_back_in_bed")
    assert play(replace(story, told=story.told.replace("02:41", "02:06"))).told[0].how == "well"
    assert play(replace(story, told="01:35 seng i")).told == ()


def test_no_page_and_no_drawing_is_left_over() -> None:
    written = {path.relative_to(ROOT).as_posix() for path in (ROOT / FOLDER).iterdir()}
    assert written == {path for path in PAGES if path.startswith(f"{FOLDER}/")}
