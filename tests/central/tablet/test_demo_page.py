"""The page of a demo at sixty times: it says so, its clock runs, and nothing real runs faster with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from nattevakt.edge.pace import MARK
from nattevakt.sim.pacing import Pacer
from tests.central.tablet.conftest import WAIT_MS, Server, Tablets, card, log_in, running
from tests.support.wait import until

EVENING_MS = round(datetime(2026, 11, 21, 22, 50, tzinfo=ZoneInfo("Europe/Oslo")).timestamp() * 1000)


@pytest.fixture
def pacer(tmp_path: Path) -> Iterator[Pacer]:
    (tmp_path / MARK).touch()
    found = Pacer(tmp_path, EVENING_MS)
    yield found
    found.close()


@pytest.fixture
def server(tmp_path: Path, pacer: Pacer) -> Iterator[Server]:
    with running(tmp_path, 0, str(pacer.file)) as found:
        yield found


def shown_ms(page: Page) -> float:
    """What the page itself takes for service time."""
    found: float = page.evaluate(
        "import(document.querySelector('script[src*=main]').src.replace('main', 'page'))"
        ".then((page) => page.serviceNow())"
    )
    return found


def test_the_page_runs_with_the_night_and_says_that_it_is_a_demo(
    tablets: Tablets, server: Server, pacer: Pacer
) -> None:
    page = tablets.enrolled()
    strip = page.locator("#demo")
    expect(strip).to_contain_text("DEMO · 1× · kl. 22:5", timeout=WAIT_MS)
    server.ring(kind="call", number="204")
    log_in(page)
    pacer.set(60)
    expect(strip).to_contain_text("DEMO · 60× · kl. ", timeout=WAIT_MS)
    clock = page.locator("#clock").inner_text()
    until(lambda: pacer.now_ms() > EVENING_MS + 4 * 60_000, "four of its minutes")
    assert page.locator("#clock").inner_text() > clock
    assert abs(shown_ms(page) - pacer.now_ms()) < 30_000
    expect(card(page, "204").locator("[data-age-from]")).to_contain_text("min")
    expect(page.locator("#stale")).to_be_hidden()
    expect(page.locator("#sweep")).to_be_hidden()
    pacer.set(1)
    expect(strip).to_contain_text("DEMO · 1× · kl. ", timeout=WAIT_MS)
    assert abs(shown_ms(page) - pacer.now_ms()) < 2_000, "hears of another speed at once"
    expect(page.locator("#person-name")).to_have_text("Kari N.")
    assert tablets.complaints == []


def test_a_person_and_a_code_are_timed_by_the_people_not_by_the_night(
    tablets: Tablets, server: Server, pacer: Pacer
) -> None:
    """Thirty minutes of the night without a touch are half a minute of the viewer's."""
    page = tablets.enrolled()
    log_in(page)
    typed = str(server.order("code"))
    pacer.set(120)
    until(lambda: pacer.now_ms() > EVENING_MS + 32 * 60_000, "half an hour of the night")
    page.reload()
    expect(page.locator("#person-name")).to_have_text("Kari N.", timeout=WAIT_MS)
    other = tablets.context().new_page()
    other.goto(server.url)
    expect(other.locator(".demo")).to_contain_text("DEMO · 120×")
    other.get_by_label("Engangskode").fill(typed)
    other.get_by_role("button", name="Koble til").click()
    expect(other.get_by_text("Tilkoblet")).to_be_visible(timeout=WAIT_MS)


def test_the_strip_speaks_the_readers_language(tablets: Tablets, server: Server, browser: Browser) -> None:
    context = tablets.context()
    context.add_cookies([{"name": "lang", "value": "en", "url": server.url}])
    page = context.new_page()
    page.goto(server.url)
    at = datetime.fromtimestamp(EVENING_MS / 1000, UTC).astimezone(ZoneInfo("Europe/Oslo"))
    expect(page.locator(".demo")).to_contain_text(f"DEMO · 1× · {at:%H:%M}"[:14])
