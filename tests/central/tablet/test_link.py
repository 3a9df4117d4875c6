"""The live link in a real browser: pushed at once, stale when silent, healed by itself, ended with the enrolment."""

from __future__ import annotations

import signal
import sqlite3
import time
from pathlib import Path

from playwright.sync_api import Browser, Route, expect

from tests.central.tablet.conftest import WAIT_MS, Server, Tablets, card, running
from tests.central.tablet.launch import BEAT_S
from tests.support.wait import until


def test_an_alarm_appears_by_push_not_by_polling(server: Server, tablets: Tablets) -> None:
    """Ten alarms, each on the screen well before the next heartbeat could tell of it."""
    page = tablets.enrolled()
    waited = []
    for number in range(201, 211):
        began = time.monotonic()
        server.ring(number=str(number))
        card(page, str(number)).wait_for(timeout=WAIT_MS)
        waited.append(time.monotonic() - began)
    assert sorted(waited)[5] < BEAT_S / 2, waited


def test_a_frozen_server_is_seen_within_two_and_a_half_beats_and_heals(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    server.ring(kind="fall", number="204", spot="bad")
    card(page, "204").wait_for(timeout=WAIT_MS)
    colour = "(card) => getComputedStyle(card).borderTopColor"
    before = card(page, "204").evaluate(colour)
    banner = page.locator("#stale")
    expect(banner).to_be_hidden()
    server.signal(signal.SIGSTOP)
    began = time.monotonic()
    expect(banner).to_be_visible(timeout=WAIT_MS)
    # The last beat may have come just before the freeze; half a second is for the browser on a busy machine.
    assert time.monotonic() - began < 2.5 * BEAT_S + 0.5
    expect(banner).to_contain_text("Ingen kontakt med sentralen siden")
    expect(page.locator("#link-state")).to_have_text("Ingen kontakt")
    assert card(page, "204").evaluate(colour) == before
    assert banner.evaluate("(node) => getComputedStyle(node).backgroundColor") == "rgb(255, 255, 255)"
    server.signal(signal.SIGCONT)
    expect(banner).to_be_hidden(timeout=WAIT_MS)
    expect(page.locator("#link-state")).to_have_text("Tilkoblet")
    server.ring(number="205")
    card(page, "205").wait_for(timeout=WAIT_MS)


def test_a_restarted_server_is_found_again(tmp_path: Path, browser: Browser) -> None:
    with running(tmp_path) as first:
        tablets = Tablets(browser, first)
        page = tablets.enrolled()
        first.ring(number="204")
        card(page, "204").wait_for(timeout=WAIT_MS)
        assert first.stop() in (0, -signal.SIGTERM)
        expect(page.locator("#stale")).to_be_visible(timeout=WAIT_MS)
    with sqlite3.connect(tmp_path / "central.sqlite") as database:
        database.execute("UPDATE alarms SET closed_ms = 1, state = 'avsluttet'")
    database.close()
    with running(tmp_path, first.port) as second:
        expect(page.locator("#stale")).to_be_hidden(timeout=WAIT_MS)
        expect(page.locator("[data-alarm]")).to_have_count(0, timeout=WAIT_MS)
        second.ring(number="205")
        card(page, "205").wait_for(timeout=WAIT_MS)
    tablets.contexts[0].close()


def test_a_change_without_a_push_is_fetched_at_the_next_beat(server: Server, tablets: Tablets, tmp_path: Path) -> None:
    """Another process wrote; nobody told this one. The heartbeat's sequence is ahead of the page."""
    page = tablets.enrolled()
    server.ring(number="204")
    card(page, "204").wait_for(timeout=WAIT_MS)
    with sqlite3.connect(tmp_path / "central.sqlite", timeout=30) as database:
        database.execute("UPDATE alarms SET closed_ms = 1, state = 'avsluttet'")
        database.execute("UPDATE live_seq SET seq = seq + 1")
    database.close()
    expect(page.locator("[data-alarm]")).to_have_count(0, timeout=WAIT_MS)


def test_a_standing_sweep_is_a_red_banner(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    banner = page.get_by_text("Sentralen overvåker ikke")
    expect(banner).to_be_hidden()
    server.order("sweep", age_ms=31_000)
    expect(banner).to_be_visible(timeout=WAIT_MS)
    server.order("sweep", age_ms=0)
    expect(banner).to_be_hidden(timeout=WAIT_MS)


def test_a_revoked_tablet_stops_showing_alarms(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    server.ring(number="204")
    card(page, "204").wait_for(timeout=WAIT_MS)
    server.order("revoke")
    page.wait_for_url("**/tablet/enrol", timeout=WAIT_MS)
    assert page.locator("[data-alarm]").count() == 0


def test_a_stranger_on_the_way_does_not_end_the_enrolment(server: Server, tablets: Tablets) -> None:
    """A proxy or a guest network that refuses is no contact, and no word of the centre's."""
    page = tablets.enrolled()
    server.ring(number="204")
    card(page, "204").wait_for(timeout=WAIT_MS)
    page.route("**/tablet/snapshot", lambda route: route.fulfill(status=403, body="blocked"))
    server.ring(number="205")
    expect(page.locator("#stale")).to_be_visible(timeout=WAIT_MS)
    assert card(page, "204").count() == 1
    page.unroute("**/tablet/snapshot")
    card(page, "205").wait_for(timeout=WAIT_MS)
    expect(page.locator("#stale")).to_be_hidden(timeout=WAIT_MS)


def test_a_snapshot_that_cannot_be_drawn_is_said_and_sounds(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    page.get_by_role("button", name="Start vakt").click()

    def spoil(route: Route) -> None:
        snapshot = route.fetch().json()
        route.fulfill(json={**snapshot, "alarms": [{**alarm, "html": ""} for alarm in snapshot["alarms"]]})

    page.route("**/tablet/snapshot", spoil)
    with page.expect_request(lambda told: "sounded" in (told.post_data or ""), timeout=WAIT_MS):
        server.ring(number="204")
    expect(page.locator("#stale")).to_be_visible(timeout=WAIT_MS)
    page.unroute_all(behavior="wait")
    card(page, "204").wait_for(timeout=WAIT_MS)


def test_a_page_that_comes_to_the_front_fetches_at_once(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    for event in (
        "document.dispatchEvent(new Event('visibilitychange'))",
        "dispatchEvent(new Event('online'))",
        "dispatchEvent(new Event('pageshow'))",
        "document.dispatchEvent(new Event('resume'))",
    ):
        with page.expect_request("**/tablet/snapshot", timeout=WAIT_MS):
            page.evaluate(event)


def test_without_javascript_the_alarms_are_there(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    server.ring(kind="fall", number="204", spot="bad")
    cookies = page.context.cookies()
    bare = tablets.browser.new_context(java_script_enabled=False, locale="nb-NO")
    bare.add_cookies(cookies)  # type: ignore[arg-type]
    without = bare.new_page()
    without.goto(server.url)
    expect(card(without, "204")).to_contain_text("Fall, bad")
    expect(without.get_by_text("Nettleseren kjører ikke sidens JavaScript")).to_be_visible(timeout=WAIT_MS)
    assert without.locator(".tile").count() == 14
    bare.close()


def test_offline_page_is_shown_and_heals(tmp_path: Path, browser: Browser) -> None:
    with running(tmp_path) as first:
        tablets = Tablets(browser, first)
        page = tablets.enrolled()
        until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), "the service worker is in charge")
        kept = page.evaluate("async () => (await (await caches.open('offline')).keys()).map((one) => one.url)")
        assert kept == [f"{first.url}/tablet/offline"]
    page.reload()
    expect(page.get_by_role("heading", name="Ingen kontakt med sentralen")).to_be_visible(timeout=WAIT_MS)
    with running(tmp_path, first.port):
        expect(page.get_by_text("Tilkoblet")).to_be_visible(timeout=WAIT_MS)
    tablets.contexts[0].close()
