"""A ward's lead in a real browser: a plan in a minute without JavaScript, accessible, dark and light, every size."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.central.tablet.conftest import WAIT_MS, Server, Tablets, log_in
from tests.central.tablet.conftest import browser as browser  # a fixture
from tests.central.tablet.conftest import server as server  # a fixture
from tests.central.tablet.conftest import tablets as tablets  # a fixture
from tests.central.tablet.test_accessible import axe, clean
from tests.central.tablet.ward import NAME

SMALL = """() => [...document.querySelectorAll(
        "button:not(.out-of-sight), a:not(.skip), summary, select, textarea, input")]
    .filter((node) => node.type !== "hidden")
    .map((node) => [node.id || node.textContent.trim() || node.name, node.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.height < 47.9 || box.width < 47.9)).map(([name]) => name)"""


def lead(tablets: Tablets, width: int = 1280, *, script: bool = True) -> Page:
    """A browser with Kari logged in, at her ward's page."""
    page = tablets.enrolled()
    log_in(page)
    context = tablets.browser.new_context(
        java_script_enabled=script, locale="nb-NO", timezone_id="Europe/Oslo", viewport={"width": width, "height": 844}
    )
    tablets.contexts.append(context)
    context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    found = context.new_page()
    found.goto(f"{tablets.server.url}/admin")
    return found


def fill_ground(page: Page) -> None:
    """Consent for a hundred days."""
    page.get_by_label("Samtykke").check(force=True)
    page.get_by_label("Ansvarlig for ny vurdering").fill("Kari N.")
    page.get_by_label("Vurderes på nytt").fill(str(datetime.date(2027, 3, 1)))


def set_plan(page: Page, template: str = "Fallfare, orientert") -> None:
    """From the ward's page: resident, template, basis, reason, save."""
    page.get_by_role("link", name=NAME).first.click()
    page.get_by_role("link", name=template).click()
    expect(page.get_by_role("heading", name="Hva ville skjedd?")).to_be_visible(timeout=WAIT_MS)
    fill_ground(page)
    page.get_by_label("Hvorfor endres planen?").fill("Falt på badet i går")
    page.get_by_role("button", name="Lagre planen").click()
    expect(page.get_by_text("Planen er lagret og gjelder nå.")).to_be_visible(timeout=WAIT_MS)


def test_a_plan_is_set_and_paused_without_javascript(tablets: Tablets) -> None:
    page = lead(tablets, script=False)
    set_plan(page)
    page.get_by_label("Hvorfor", exact=True).first.fill("Datter på besøk")
    page.get_by_role("button", name="Sett på pause").click()
    expect(page.locator(".title .standing")).to_contain_text("På pause til kl.", timeout=WAIT_MS)
    page.get_by_role("link", name="Avslått akkurat nå").click()
    expect(page.get_by_text("Datter på besøk")).to_be_visible(timeout=WAIT_MS)
    assert tablets.complaints == []


def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_stays(tablets: Tablets) -> None:
    page = lead(tablets)
    page.goto(f"{tablets.server.url}/admin/residents/4?template=fallfare_orientert")
    page.locator("#line-1 summary").click()
    page.get_by_label("Lengste tid ute av sengen").fill("-5")
    page.get_by_role("button", name="Lagre planen").click()
    field = page.get_by_label("Lengste tid ute av sengen")
    expect(field).to_be_visible(timeout=WAIT_MS)
    expect(field).to_have_value("-5")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#line-1-set-limit_min-wrong")).to_have_text("Skriv et helt tall fra 5 til 240.")
    page.get_by_role("link", name="Skriv et helt tall fra 5 til 240.").click()
    assert "#line-1-set-limit_min" in page.url


def test_enter_in_a_field_tries_and_removes_nothing(tablets: Tablets) -> None:
    page = lead(tablets)
    page.goto(f"{tablets.server.url}/admin/residents/4?template=nattevandrer")
    lines = page.locator("details.line").count()
    page.get_by_label("Ansvarlig for planen").fill("Kari")
    page.get_by_label("Ansvarlig for planen").press("Enter")
    expect(page.get_by_role("heading", name="Hva ville skjedd?")).to_be_visible(timeout=WAIT_MS)
    assert page.locator("details.line").count() == lines
    expect(page.get_by_label("Ansvarlig for planen")).to_have_value("Kari")


def unfolded(page: Page) -> None:
    """All that can be unfolded is."""
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => (one.open = true))")


@pytest.mark.parametrize(
    "width", [pytest.param(320, marks=pytest.mark.judge), 390, pytest.param(800, marks=pytest.mark.judge), 1280]
)
def test_accessible_at_every_size_dark_and_light(tablets: Tablets, width: int) -> None:
    page = lead(tablets, width)
    page.emulate_media(reduced_motion="reduce")
    looked(page, width)
    with page.expect_navigation():
        page.get_by_role("link", name=NAME).first.click()
    looked(page, width)
    page.goto(f"{tablets.server.url}/admin/residents/4?template=fallfare_orientert")
    looked(page, width)
    page.get_by_role("button", name="Lagre planen").click()
    expect(page.get_by_role("heading", name="Ikke lagret")).to_be_visible(timeout=WAIT_MS)
    looked(page, width)
    fill_ground(page)
    page.get_by_label("Hvorfor endres planen?").fill("Falt")
    page.get_by_role("button", name="Lagre planen").click()
    expect(page.get_by_text("Planen er lagret og gjelder nå.")).to_be_visible(timeout=WAIT_MS)
    page.get_by_label("Hvorfor", exact=True).first.fill("Datter på besøk")
    with page.expect_navigation():
        page.get_by_role("button", name="Sett på pause").click()
    looked(page, width)
    for path in (
        "/admin",
        "/admin/off",
        "/admin/alarm-health",
        "/admin/alarm-health/4",
        "/admin/findings",
        "/admin/channels",
        "/admin/rounds",
        "/admin/duty",
        "/admin/routing",
        "/admin/reports",
        "/admin/reports?from=2026-02-01&to=2026-01-01",
    ):
        page.goto(f"{tablets.server.url}{path}")
        looked(page, width)
    page.goto(f"{tablets.server.url}/admin/residents/99")
    looked(page, width)


@pytest.mark.parametrize(
    "width", [pytest.param(320, marks=pytest.mark.judge), 390, pytest.param(800, marks=pytest.mark.judge), 1280]
)
def test_an_alarms_story_is_found_and_read_at_every_size(tablets: Tablets, width: int) -> None:
    tablets.server.ring(number="204")
    page = lead(tablets, width)
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("link", name="Alarmer", exact=True).click()
    looked(page, width)
    page.get_by_role("link", name="Ringer etter hjelp").first.click()
    expect(page.get_by_role("heading", name="Kort fortalt")).to_be_visible(timeout=WAIT_MS)
    drawing = page.get_by_role("img", name="Tidslinje fra")
    expect(drawing).to_have_count(1)
    assert ("narrow" if width <= 620 else "wide") in str(drawing.get_attribute("class"))
    looked(page, width)


def looked(page: Page, width: int) -> None:
    """Nothing runs off the side, targets are large, and axe has nothing to say."""
    unfolded(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    assert page.evaluate(SMALL) == [], page.url
    if width in (390, 1280):
        clean(page)
    else:
        found: Any = axe(page)
        assert found["violations"] == [], page.url


def test_the_board_leads_to_the_plans_and_back(server: Server, tablets: Tablets, browser: Browser) -> None:
    page = tablets.enrolled()
    log_in(page)
    page.get_by_role("link", name="Planer").click()
    expect(page.get_by_role("heading", name="Avdelingen")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("link", name="Tavlen").click()
    expect(page.get_by_text("Tilkoblet")).to_be_visible(timeout=WAIT_MS)
    log_in(page, "Per A.")
    page.goto(f"{server.url}/admin")
    expect(page.get_by_text("Bare avdelingsledere kan se og endre planer.")).to_be_visible(timeout=WAIT_MS)
