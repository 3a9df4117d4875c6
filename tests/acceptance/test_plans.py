"""A plan set on the page, an alarm that names its version, a pause that holds the next one back and is on the list."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import tablet_context
from tests.support.house import PIN, House
from tests.support.wait import until

pytestmark = pytest.mark.acceptance
WAIT_MS = 30_000


def lead(browser: Browser, house: House) -> Page:
    """Kari, who leads the ward, at an enrolled browser."""
    page = tablet_context(browser).new_page()
    page.goto(f"http://127.0.0.1:{house.central_port}/")
    page.get_by_label("Kode").fill(house.enrol_code())
    page.get_by_role("button", name="Koble til").click()
    expect(page.get_by_text("Tilkoblet")).to_be_visible(timeout=WAIT_MS)
    page.locator("#person-open").click()
    page.get_by_role("button", name="Kari N.").click()
    for digit in PIN:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Logg inn").click()
    expect(page.locator("#person-name")).to_have_text("Kari N.", timeout=WAIT_MS)
    return page


def test_a_plan_from_the_page_rings_names_its_version_and_can_be_paused(house: House, browser: Browser) -> None:
    house.start()
    page = lead(browser, house)
    page.get_by_role("link", name="Planer").click()
    page.get_by_role("link", name="Prøve Person 207").last.click()
    page.locator("#line-0 > summary").click()
    page.get_by_label("Fra kl.").fill("00:00")
    page.get_by_label("Til kl.").first.fill("00:00")
    page.get_by_label("Handlingsplan").fill("Følg tilbake til rommet")
    page.get_by_role("button", name="Prøv", exact=True).click()
    expect(page.get_by_text("Alarmer med denne planen på 7 netter: 0.")).to_be_visible(timeout=WAIT_MS)
    page.get_by_label("Hvorfor endres planen?").fill("Går ut hele døgnet")
    page.get_by_role("button", name="Lagre planen").click()
    expect(page.get_by_text("Planen er lagret og gjelder nå.")).to_be_visible(timeout=WAIT_MS)
    (version,) = house.rows("SELECT * FROM plan_versions WHERE why = 'Går ut hele døgnet'")
    assert (version["version"], version["by_name"]) == (2, "Kari N.")

    house.opens()
    (alarm,) = until(lambda: house.alarms("door_at_night"), "the door rings")
    assert alarm["plan_version_id"] == version["id"]
    tablet = house.tablet("per")
    for verb in ("take", "on-way", "on-site"):
        assert tablet.act(alarm["id"], verb).status == 200
    assert tablet.act(alarm["id"], "close", {"cause": "urolig", "action": "tilsyn"}).status == 200

    page.get_by_label("Hvorfor", exact=True).first.fill("Datter på besøk")
    page.get_by_role("button", name="Sett på pause").click()
    expect(page.locator(".title .standing")).to_contain_text("På pause til kl.", timeout=WAIT_MS)
    before = house.count("contact")
    house.closes()
    house.opens()
    until(lambda: house.count("contact") >= before + 2, "the door was heard again")
    assert len(house.alarms("door_at_night")) == 1, "held back by the pause"
    page.get_by_role("link", name="Avslått akkurat nå").click()
    paused = page.locator(".offs li", has_text="Datter på besøk")
    expect(paused).to_contain_text("Prøve Person 207")
    expect(paused).to_contain_text("av Kari N.")

    paused.get_by_role("link", name="Åpne").click()
    page.get_by_role("button", name="Avslutt pausen").click()
    expect(page.get_by_text("Pausen er avsluttet.")).to_be_visible(timeout=WAIT_MS)
    house.closes()
    house.opens()
    until(lambda: len(house.alarms("door_at_night")) == 2, "it rings again")
    page.context.close()
