"""The page of a night: everything of it stands there, in words too; nothing on it can do harm; the same night is the
same page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from nattevakt.sim.centre import Stock
from nattevakt.sim.explore import timeline_words as say
from nattevakt.sim.explore.command import draw_all
from nattevakt.sim.explore.exploring import CRASH, Explored, Failure, Fault, Wishes
from nattevakt.sim.explore.judge import Judge
from nattevakt.sim.explore.playing import SAYS, play_story
from nattevakt.sim.explore.recording import Night, Recorder
from nattevakt.sim.explore.staffing import LAPSES
from nattevakt.sim.explore.story import Mishap
from nattevakt.sim.explore.timeline import page, verdict
from nattevakt.sim.explore.timeline_rows import LETTERS, courses, shortened
from nattevakt.sim.explore.timeline_svg import Item, Part, Scale, lanes
from tests.central.tablet.conftest import ROOT
from tests.sim.explore.replay import MINUTE_MS, crowded
from tests.support.browser import chromium, tablet_context

SEED = 5
EVIL = "<script>alert('x')</script>\"&<b>"
AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
RUN = """async () => {
  const found = await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
  return { passes: found.passes.length, violations: found.violations.map((v) => v.id + ": " + v.nodes[0].html) };
}"""


def recorded(folder: Path, stock: Stock) -> tuple[Night, list[tuple[int, str]]]:
    """A crowded story played with somebody who writes it down; and its trace."""
    recorder = Recorder()
    told: list[tuple[int, str]] = []

    def trace(at_ms: int, sentence: str) -> None:
        told.append((at_ms, sentence))
        recorder.told(at_ms, sentence)

    story = crowded(SEED, minutes=16)
    begins_ms = story.begins_ms
    lapses = (Mishap(begins_ms + 5 * MINUTE_MS, "tablet_dies", "kari", 3 * MINUTE_MS),)
    centre = (Mishap(begins_ms + 9 * MINUTE_MS, "centre_away", "", 40_000),)
    story = replace(story, mishaps=(*story.mishaps, *lapses, *centre))
    outcome = play_story(story, folder, stock, recorder.referee, trace=trace)
    return recorder.night(outcome), told


@pytest.fixture(scope="module")
def night(memory: Path, stock: Stock) -> Night:
    """A night with alarms, faults and two violations of which one is made up."""
    found, _ = recorded(memory / "timeline", stock)
    at_ms = found.story.begins_ms + 7 * MINUTE_MS
    return replace(found, violations=(*found.violations, Fault(2, at_ms, "call om gw-a ringte <to> ganger", "alarm 1")))


@dataclass(slots=True)
class Seen:
    """What a parser makes of a page."""

    ids: list[str]
    links: list[str]
    text: str
    open: list[str]
    attributes: list[tuple[str, str | None]]


class Reader(HTMLParser):
    """Reads a page and is strict about what is opened and closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen([], [], "", [], [])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        self._note(attrs)
        if tag not in ("meta", "input"):
            self.seen.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that is closed at once."""
        assert tag in ("use", "rect", "line", "circle", "path")
        self._note(attrs)

    def handle_endtag(self, tag: str) -> None:
        """A tag closes: the one that was opened last."""
        assert self.seen.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text, but for script and style."""
        if self.seen.open and self.seen.open[-1] not in ("script", "style"):
            self.seen.text += data + "\n"

    def _note(self, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.attributes += attrs
        self.seen.ids += [value or "" for name, value in attrs if name == "id"]
        self.seen.links += [(value or "")[1:] for name, value in attrs if name == "href"]


def read(html: str) -> Seen:
    """A page as a parser sees it."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader.seen


def test_every_alarm_mishap_and_violation_stands_on_the_page(night: Night) -> None:
    seen = read(page(night, "abc1234"))
    assert len(night.alarms) >= 3
    for course in courses(night):
        assert course.link in seen.ids
        assert say.kind(course.seen.kind) in seen.text
        assert say.at(course.seen.at_ms) in seen.text
        assert say.why(course.seen) in seen.text
    assert len(night.story.mishaps) >= 4
    for number, mishap in enumerate(night.story.mishaps, 1):
        assert say.mishap(night, mishap) in seen.text
        assert f"m{number}" in seen.ids
    for number, broken in enumerate(night.violations, 1):
        assert seen.text.count(say.plain(night, broken.says)) >= 3, "on top, at its flag, and in the list"
        assert f"b{number}" in seen.ids
    for resident in night.ward.residents:
        assert resident.first_name in seen.text
        assert resident.name not in seen.text
    assert "«Ringer etter hjelp» om Vaktrommet ringte <to> ganger" in seen.text
    assert "⚑" in seen.text, "the row of the gateway that it is about"
    assert "abc1234" in seen.text
    assert f"{len(night.violations)} brudd" in verdict(night) or "Ett brudd" in verdict(night)


def test_what_was_away_and_who_did_what_was_noted(night: Night) -> None:
    assert any(span.about == "" and span.what == "centre" for span in night.spans)
    off = next(span for span in night.spans if (span.about, span.what) == ("kari", "off"))
    assert off.to_ms - off.from_ms == 3 * MINUTE_MS
    whats = {note.what for note in night.notes}
    assert {"shown", "sounded"} <= whats
    taken = [course for course in courses(night) if course.steps[0] is not None]
    assert taken
    text = read(page(night, "")).text
    for course in taken:
        step = course.steps[0]
        assert step is not None
        assert f"{say.at(step.at_ms)} {say.first(night, step.worker)}" in text
    assert "nettbrettet går tomt for strøm" in text
    assert all(happening.resident in night.story.homes for happening in night.lives)


def test_the_page_is_whole_and_fetches_nothing(night: Night) -> None:
    html = page(night, "")
    seen = read(html)
    assert seen.open == []
    assert len(seen.ids) == len(set(seen.ids))
    assert set(seen.links) <= set(seen.ids)
    assert "http" not in html
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "src"]
    assert set(re.findall(r"url\(([^)]*)\)", html)) == {"#hatch"}
    assert "@import" not in html


def test_nothing_that_a_story_says_is_markup(night: Night) -> None:
    ward = night.ward
    residents = tuple(replace(r, name=f"{EVIL} Lunde", room=f"9{EVIL}") for r in ward.residents)
    staff = tuple(replace(worker, name=EVIL, initials=EVIL) for worker in ward.staff)
    gateways = tuple(replace(gateway, name=EVIL) for gateway in ward.gateways)
    evil = replace(
        night,
        ward=replace(ward, name=EVIL, residents=residents, staff=staff, gateways=gateways),
        violations=(Fault(1, night.story.begins_ms, EVIL, EVIL),),
        alarms=tuple(replace(one, kind=EVIL, reason=EVIL, about=EVIL, ended_as=EVIL) for one in night.alarms),
        told=[(night.story.begins_ms, EVIL)],
    )
    html = page(evil, EVIL)
    assert html.count("<script>") == 1
    assert EVIL not in html
    assert escape(EVIL) in html
    assert html.count("<b>") == html.count("<summary><b>")
    seen = read(html)
    assert seen.open == []
    assert not [name for name, _ in seen.attributes if name.startswith("on")]


def test_the_same_story_is_the_same_page_and_writing_it_down_changes_nothing(
    night: Night, folder: Path, stock: Stock
) -> None:
    again, told = recorded(folder / "again", stock)
    assert page(replace(again, violations=night.violations), "") == page(night, "")
    plain: list[tuple[int, str]] = []
    play_story(again.story, folder / "plain", stock, Judge, trace=lambda at_ms, said: plain.append((at_ms, said)))
    assert plain == told


def test_a_quiet_night_says_so_in_one_sentence(night: Night) -> None:
    story = replace(night.story, mishaps=(), happenings=())
    quiet = replace(
        night, story=story, violations=(), alarms=(), lives=[], cries=[], spans=[], moves=[], notes=[], told=[]
    )
    assert verdict(quiet) == "Alt holdt: 0 uhell, 0 alarmer, og ingenting ble brutt av det som alltid skal holde."
    assert "Ingen." in read(page(quiet, "")).text
    left = replace(night.alarms[0], ended_ms=None)
    assert "1 alarm var fortsatt åpen" in verdict(replace(quiet, alarms=(left,)))


def test_every_label_has_room() -> None:
    scale = Scale(0, 1_000_000)
    bar = Part(0, 0, "p1")
    spans = ((0, 10_000), (400_000, 420_000), (990_000, 1_000_000), (100_000, 1_000_000))
    items = [Item((replace(bar, from_ms=one, to_ms=two),), "et langt ord " * 3, "") for one, two in spans]
    placed = lanes(scale, items)
    assert [(side, lane) for _, lane, side in placed] == [("right", 0), ("below", 1), ("right", 0), ("left", 3)]


def test_the_judge_speaks_without_codes(night: Night) -> None:
    sensor = night.ward.sensors[0]
    device = say.about(night, sensor.address)
    for told, plain in (
        (
            f"call fra {sensor.use.value} på 201 ({sensor.address}) nådde gw-a",
            f"et trykk fra {device} nådde Vaktrommet",
        ),
        ("alarm 7 (call): sto i meldt", "alarm 7 («Ringer etter hjelp»): sto i meldt"),
        ("gateway_fault:store om gw-b har ringt", "«Feil i mottakeren» om Lageret har ringt"),
        ("alle så et fall i går", "alle så et fall i går"),
    ):
        assert say.plain(night, told) == plain


def test_words_for_everything_that_can_go_wrong(night: Night) -> None:
    for what in SAYS:
        about = "kari" if what in LAPSES else "gw-a"
        said = say.mishap(night, Mishap(0, what, about))
        assert what not in said
        assert len(shortened(SAYS[what])) <= LETTERS + 2


def test_a_folder_has_a_page_for_each_failing_seed(night: Night, folder: Path) -> None:
    short = replace(night.story, mishaps=(), ends_ms=night.story.begins_ms + 4 * MINUTE_MS)
    short = replace(short, faults_end_ms=short.ends_ms, happenings=())
    found = Explored(Wishes((SEED, 6)))
    found.failures = [
        Failure(SEED, Fault(3, 0, "", ""), night.story),
        Failure(SEED, Fault(2, 0, "", ""), short),
        Failure(6, Fault(CRASH, 0, "", ""), short),
    ]
    draw_all(found, folder / "pages")
    pages = sorted(path.name for path in (folder / "pages").iterdir())
    assert pages == [f"seed-{SEED}-invariant-2.html"]
    assert (folder / "pages" / pages[0]).read_text("utf-8").startswith("<!doctype html>")


@pytest.fixture(scope="module")
def shown(night: Night) -> Iterator[Any]:
    """The page in a browser."""
    with chromium() as browser:
        context = tablet_context(browser)
        found = context.new_page()
        found.set_content(page(night, "abc1234"))
        found.evaluate(AXE)
        yield found
        context.close()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_accessible(shown: Any, scheme: str) -> None:
    shown.emulate_media(color_scheme=scheme)
    found = shown.evaluate(RUN)
    assert found["violations"] == []
    assert found["passes"] > 15


def test_it_comes_nearer_without_scripts(shown: Any, night: Night) -> None:
    plain = shown.context.browser.new_page(java_script_enabled=False, viewport={"width": 800, "height": 1100})
    plain.set_content(page(night, ""))
    before = plain.locator(".chart").bounding_box()
    plain.check("#z16")
    after = plain.locator(".chart").bounding_box()
    assert after["width"] > 10 * before["width"]
    assert plain.locator(".fine").first.is_visible()
    plain.close()


def test_it_comes_nearer_and_leads_to_the_moment(shown: Any, night: Night) -> None:
    wide = "() => document.querySelector('.chart').offsetWidth"
    before = shown.evaluate(wide)
    shown.locator(".broken li a").last.click()
    assert shown.evaluate(wide) > 10 * before
    flag = shown.locator(f"#b{len(night.violations)}").bounding_box()
    assert 0 < flag["x"] < 1280
    assert shown.locator(".fine").first.is_visible()
