"""The night list in a real browser, as it comes out of a printer: A4, black on white, whole residents; one click."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from nattevakt.central.admin import night_list, night_list_pages
from nattevakt.central.tablet.i18n import words
from tests.central.admin.evening import EVENING_MS, evening
from tests.central.admin.test_browser import SMALL, lead
from tests.central.tablet.conftest import WAIT_MS, Tablets, log_in
from tests.central.tablet.conftest import browser as browser  # a fixture
from tests.central.tablet.conftest import server as server  # a fixture
from tests.central.tablet.conftest import tablets as tablets  # a fixture
from tests.central.tablet.test_accessible import axe
from tests.central.tablet.ward import NAME, NUMBERS, database

INKED = """() => [...document.querySelectorAll("*")].filter((node) => node.getClientRects().length)
    .filter((node) => {
        const style = getComputedStyle(node);
        const bare = ["rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"].includes(style.backgroundColor);
        const plain = style.backgroundImage === "none" && style.boxShadow === "none";
        return !bare || !plain || style.color !== "rgb(0, 0, 0)";
    }).map((node) => node.outerHTML.slice(0, 80))"""
A4_HEIGHT_PX = 1123
MARGINS_PX = 125
"""Of A4 at 96 dots an inch; the margins of night_list.css, rounded up."""


def boxes(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of each page, in points."""
    found = re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", pdf)
    return [(float(width), float(height)) for width, height in found]


def paper(page: Page, query: str = "") -> None:
    """The list of the tablet's ward."""
    page.goto(page.url.partition("/admin")[0] + f"/admin/night-list/1{query}")
    expect(page.get_by_role("heading", name="Når systemet er nede")).to_be_visible(timeout=WAIT_MS)


def test_one_click_from_the_board_and_one_to_print(tablets: Tablets) -> None:
    context = tablets.context()
    context.add_init_script("window.print = () => { document.documentElement.dataset.printed = 'yes'; };")
    page = tablets.enrolled(context)
    log_in(page, "Per A.")
    page.get_by_role("link", name="Nattliste").click()
    expect(page.get_by_role("heading", name=f"204 {NAME}")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Skriv ut").click()
    expect(page.locator("html")).to_have_attribute("data-printed", "yes")
    page.get_by_role("link", name="Uten navn").click()
    expect(page.get_by_role("heading", name="Rom 204", exact=True)).to_be_visible(timeout=WAIT_MS)
    assert "Testperson" not in page.content()
    page.get_by_role("link", name="Til tavlen").click()
    expect(page.get_by_text("Tilkoblet")).to_be_visible(timeout=WAIT_MS)
    assert tablets.complaints == []


@pytest.fixture
def printed(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The file of a ward's evening, as a printer is given it, on a computer that is set to dark."""
    db = database(tmp_path)
    try:
        found = evening(db)
        with db.read(found.tenant.id) as s:
            made = night_list.of_ward(s, found.tenant, found.ward.ward, words("nb"), EVENING_MS, named=True)
    finally:
        db.close()
    # As wide as the paper between its margins.
    context = browser.new_context(color_scheme="dark", viewport={"width": 688, "height": 900})
    page = context.new_page()
    page.set_content(night_list_pages.sheet(words("nb"), made).html)
    page.emulate_media(media="print", color_scheme="dark")
    yield page
    context.close()


def test_black_on_white_on_a4_also_where_the_screen_is_dark(printed: Page) -> None:
    assert printed.evaluate(INKED) == []
    sheets = boxes(printed.pdf(prefer_css_page_size=True))
    assert len(sheets) == 6
    assert {(round(width), round(height)) for width, height in sheets} == {(595, 842)}


def test_no_resident_is_cut_in_two_and_the_first_page_stands_alone(printed: Page) -> None:
    entries = printed.locator("article.entry")
    assert entries.count() == len(NUMBERS)
    told = entries.evaluate_all(
        "(all) => all.map((one) => [getComputedStyle(one).breakInside, one.getBoundingClientRect().height])"
    )
    assert {inside for inside, _ in told} == {"avoid"}
    assert max(height for _, height in told) < A4_HEIGHT_PX - MARGINS_PX
    cover = printed.locator(".cover")
    assert cover.evaluate("(one) => getComputedStyle(one).breakAfter") == "page"
    assert cover.evaluate("(one) => one.getBoundingClientRect().height") < A4_HEIGHT_PX - MARGINS_PX


def test_every_sheet_says_which_of_how_many_it_is(printed: Page) -> None:
    margins = printed.evaluate(
        """() => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
            .filter((rule) => rule instanceof CSSPageRule).map((rule) => rule.cssText).join("")"""
    )
    assert '"Side " counter(page) " av " counter(pages)' in margins
    assert '"Nattliste: Furutun, 2. etasje, Furutun kommune"' in margins
    assert '"natt til man 23.11.2026"' in margins
    assert '"Skrevet ut søn 22.11.2026 kl. 21:30" ". " "Helseopplysninger. Makuleres etter natten."' in margins


def test_on_a_screen_it_is_read_and_touched_as_any_page(tablets: Tablets) -> None:
    page = lead(tablets)
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        paper(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SMALL) == []
        assert axe(page)["violations"] == []
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Skriv ut")).not_to_be_visible()
    expect(page.get_by_role("link", name="Til tavlen")).not_to_be_visible()
    assert tablets.complaints == []


def test_without_javascript_there_is_no_button_that_does_nothing(tablets: Tablets) -> None:
    page = lead(tablets, script=False)
    paper(page)
    expect(page.get_by_role("button")).to_have_count(0)
