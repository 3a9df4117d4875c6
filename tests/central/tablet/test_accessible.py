"""No WCAG 2.2 AA violation on any page, dark and light; reflow, targets, flashing, and an axe that is not silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.central.tablet.conftest import ROOT, WAIT_MS, Server, Tablets, card, choose, log_in

AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
RUN = """async () => {
  const found = await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
  return { passes: found.passes.length, violations: found.violations.map((v) => v.id + ": " + v.nodes[0].html) };
}"""


def axe(page: Page) -> Any:
    """What axe says of the page as it stands; animations would make its colours a matter of luck."""
    page.evaluate(AXE)
    return page.evaluate(RUN)


def clean(page: Page) -> None:
    """No violation, dark and light."""
    for scheme in ("dark", "light"):
        page.evaluate("(scheme) => (document.documentElement.dataset.colorScheme = scheme)", scheme)
        found = axe(page)
        assert found["violations"] == [], scheme
        assert found["passes"] > 15


def busy(page: Page, server: Server) -> None:
    """A board with every kind of card."""
    server.ring(kind="door_at_night", number="207", spot="inngangsdør")
    card(page, "207").get_by_role("button", name="Ta alarm").click(timeout=WAIT_MS)
    choose(page, "Per A.")
    expect(card(page, "207")).to_contain_text("Per A. har tatt alarmen", timeout=WAIT_MS)
    server.ring(kind="fall", number="204", spot="bad")
    server.ring(kind="call", number="211", late_ms=41 * 60_000)
    server.ring(kind="leak", number="203", spot="bad", doubt_ms=20 * 60_000)
    server.ring(kind="rows_missing", number=None)
    expect(page.locator("[data-alarm]")).to_have_count(5, timeout=WAIT_MS)


def test_board_and_dialogs(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    page.emulate_media(reduced_motion="reduce")
    clean(page)
    busy(page, server)
    clean(page)
    page.get_by_role("button", name="Start vakt").click()
    clean(page)
    page.locator("#person-open").click()
    expect(page.get_by_role("button", name="Kari N.")).to_be_visible()
    clean(page)
    page.get_by_role("dialog").get_by_role("button", name="Lukk").click()
    card(page, "204").get_by_role("button", name="Kan ikke …").click()
    expect(page.locator("#passing-others")).to_be_visible(timeout=WAIT_MS)
    clean(page)
    page.get_by_role("dialog").get_by_role("button", name="Lukk").click()
    page.locator("#person-open").click()
    page.get_by_role("button", name="Vaktskifte").click()
    expect(page.locator("#handover-take")).to_be_enabled(timeout=WAIT_MS)
    clean(page)
    page.get_by_role("dialog").get_by_role("button", name="Lukk").click()
    card(page, "204").get_by_role("button", name="Kommer om").click()
    clean(page)
    page.get_by_role("dialog").get_by_role("button", name="Om 10 min").click()
    expect(card(page, "204")).to_contain_text("Kommer innen kl.", timeout=WAIT_MS)
    clean(page)
    for act in ("På vei", "Hos bruker", "Avslutt"):
        card(page, "207").get_by_role("button", name=act).click(timeout=WAIT_MS)
    expect(page.get_by_role("dialog")).to_be_visible()
    clean(page)


def test_banners(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    for name in ("stale", "sweep", "told"):
        page.evaluate("(id) => (document.getElementById(id).hidden = false)", name)
        page.evaluate("(id) => document.querySelector('#' + id + ' strong').append('Noe er galt')", name)
    page.emulate_media(reduced_motion="reduce")
    clean(page)


def test_enrolment_and_offline(server: Server, tablets: Tablets) -> None:
    page = tablets.context().new_page()
    page.goto(server.url)
    clean(page)
    page.goto(f"{server.url}/tablet/offline")
    assert axe(page)["violations"] == []


PLANT = {
    "button-name": "() => document.getElementById('told-shut').replaceChildren()",
    "color-contrast": "() => document.getElementById('count').style.setProperty('color', '#1c2026')",
    "image-alt": "() => document.body.append(document.createElement('img'))",
    "aria-valid-attr-value": "() => document.getElementById('alarms').setAttribute('aria-busy', 'kanskje')",
}


@pytest.mark.parametrize("rule", sorted(PLANT))
def test_axe_is_not_silent(tablets: Tablets, rule: str) -> None:
    page = tablets.enrolled()
    page.evaluate("() => (document.getElementById('told').hidden = false)")
    page.evaluate(PLANT[rule])
    assert [found for found in axe(page)["violations"] if found.startswith(rule)]


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_nothing_runs_off_the_side_and_targets_are_large(server: Server, tablets: Tablets, width: int) -> None:
    page = tablets.enrolled(tablets.context(width, 800))
    busy(page, server)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = """() => [...document.querySelectorAll("button, input, a, textarea")]
        .map((node) => [node.id || node.textContent, node.getBoundingClientRect()])
        .filter(([, box]) => box.width && (box.height < 48 || box.width < 48)).map(([name]) => name)"""
    assert page.evaluate(small) == []
    heights = page.locator("[data-act]").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().height)")
    assert min(heights) >= 64
    card(page, "204").get_by_role("button", name="Kan ikke …").click()
    expect(page.locator("#passing-others")).to_be_visible(timeout=WAIT_MS)
    page.locator("#passing").evaluate("(panel) => panel.querySelectorAll('input').forEach((one) => one.remove())")
    assert page.evaluate(small) == []
    page.locator("#passing [data-shut]").click()
    page.locator("#person-open").click()
    expect(page.get_by_role("button", name="Kari N.")).to_be_visible()
    keys = page.locator("#person-keys button")
    assert min(keys.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().height)")) >= 56
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_only_the_symbol_of_an_untaken_alarm_flashes(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    busy(page, server)
    moving = """() => document.getAnimations().map((one) => one.effect).map((effect) =>
        [effect.target.className, effect.target.closest("li").dataset.level, effect.getTiming().duration])"""
    found = sorted(map(tuple, page.evaluate(moving)))
    assert found == [("symbol", "high", 500), ("symbol", "high", 500), ("symbol", "medium", 1667)]
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == []


def name_colours(page: Page) -> set[str]:
    """The colours of the alarm cells' own tones."""
    read: Callable[[str], Any] = page.evaluate
    return {
        str(read(f"getComputedStyle(document.documentElement).getPropertyValue('--{level}')")).strip()
        for level in ("high", "medium", "low")
    }


def test_alarm_colours_are_the_same_in_both_schemes(tablets: Tablets) -> None:
    page = tablets.enrolled()
    dark = name_colours(page)
    page.get_by_role("button", name="Lys").click()
    assert page.evaluate("document.documentElement.dataset.colorScheme") == "light"
    assert name_colours(page) == dark == {"#ff3b30", "#ffcc33", "#42d3e8"}
    page.reload()
    assert page.evaluate("document.documentElement.dataset.colorScheme") == "light"


def test_the_person_is_told_to_screen_readers(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    log_in(page)
    server.ring(kind="fall", number="204", spot="bad")
    expect(page.locator("#announce")).to_contain_text("Ny alarm: 204 Fall, bad", timeout=WAIT_MS)
