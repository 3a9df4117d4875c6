"""What stands on the board: order, lateness, doubt, names, rooms; kept still where nothing changed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from playwright.sync_api import expect

from tests.central.tablet.conftest import WAIT_MS, Server, Tablets, card, choose, log_in
from tests.central.tablet.ward import NAME
from tests.support.wait import until


def test_empty_board_is_one_calm_line(tablets: Tablets) -> None:
    page = tablets.enrolled()
    expect(page.locator("#count")).to_have_text("Ingen alarmer")
    expect(page.locator("#quiet")).to_contain_text("Siste livstegn fra sentralen kl.")
    assert tablets.complaints == []


def test_order_is_priority_then_untaken_then_age(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    for kind, number in (("rows_missing", None), ("leak", "201"), ("leak", "202"), ("call", "203"), ("call", "205")):
        server.ring(kind=kind, number=number)
    expect(page.locator("[data-alarm]")).to_have_count(5, timeout=WAIT_MS)
    rooms = page.locator("[data-alarm] .room")
    assert rooms.all_inner_texts() == ["203", "205", "201", "202", "Mottaker 2. etasje"]
    card(page, "203").get_by_role("button", name="Ta alarm").click()
    choose(page)
    expect(card(page, "203")).to_contain_text("Kari N. har tatt alarmen", timeout=WAIT_MS)
    assert rooms.all_inner_texts() == ["205", "203", "201", "202", "Mottaker 2. etasje"]


def test_late_uncertain_unplaced_and_repeated_are_said(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    server.ring(number="211", late_ms=41 * 60_000)
    server.ring(kind="leak", number="203", doubt_ms=20 * 60_000)
    server.ring(number=None)
    expect(card(page, "211")).to_contain_text("meldt 41 min forsinket", timeout=WAIT_MS)
    expect(card(page, "203")).to_contain_text("tid usikker", timeout=WAIT_MS)
    expect(card(page, "Ukjent plassering")).to_contain_text("Ringer etter hjelp", timeout=WAIT_MS)
    server.ring(number="211")
    expect(card(page, "211")).to_contain_text("Meldt 2 ganger", timeout=WAIT_MS)
    expect(page.locator("[data-alarm]")).to_have_count(3)


def test_names_only_with_a_person_and_each_reading_once_in_the_log(
    server: Server, tablets: Tablets, tmp_path: Path
) -> None:
    page = tablets.enrolled()
    alarm = server.ring(kind="fall", number="204")
    card(page, "204").wait_for(timeout=WAIT_MS)
    assert NAME not in page.content()
    log_in(page)
    expect(card(page, "204")).to_contain_text(NAME, timeout=WAIT_MS)
    server.ring(kind="fall", number="204")
    expect(card(page, "204")).to_contain_text("Meldt 2 ganger", timeout=WAIT_MS)

    def rows() -> list[tuple[object, ...]]:
        database = sqlite3.connect(tmp_path / "central.sqlite")
        try:
            return database.execute("SELECT what, staff_id, tablet_id, resident_id FROM access_log").fetchall()
        finally:
            database.close()

    ((what, staff, tablet, resident),) = rows()
    assert (what, staff, tablet, resident) == (f"alarm:{alarm}", 1, 1, 4)
    page.locator("#person-open").click()
    page.get_by_role("button", name="Logg av").click()
    expect(page.locator("#person-name")).to_have_text("Ingen pålogget", timeout=WAIT_MS)
    expect(card(page, "204")).not_to_contain_text(NAME)
    log_in(page)
    expect(card(page, "204")).to_contain_text(NAME, timeout=WAIT_MS)
    assert len(rows()) == 2


def test_only_what_changed_is_drawn_anew(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    server.ring(number="203")
    server.ring(number="205")
    expect(page.locator("[data-alarm]")).to_have_count(2, timeout=WAIT_MS)
    page.reload()
    expect(page.get_by_text("Tilkoblet")).to_be_visible(timeout=WAIT_MS)
    until(
        lambda: page.evaluate("performance.getEntriesByName(location.origin + '/tablet/snapshot').length > 0"), "drawn"
    )
    page.evaluate("document.querySelectorAll('[data-alarm]').forEach((card) => (card.marked = true))")
    card(page, "205").get_by_role("button", name="Ta alarm").click()
    choose(page)
    expect(card(page, "205")).to_contain_text("Kari N.", timeout=WAIT_MS)
    # A name comes onto both cards with the person; from then on only the card that is acted on is replaced.
    page.evaluate("document.querySelectorAll('[data-alarm]').forEach((card) => (card.marked = true))")
    card(page, "205").get_by_role("button", name="På vei").click()
    expect(card(page, "205")).to_contain_text("er på vei", timeout=WAIT_MS)
    marked = page.evaluate("[...document.querySelectorAll('[data-alarm]')].map((card) => Boolean(card.marked))")
    assert marked == [True, False]


def test_rooms_known_unknown_and_mute(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()

    def tile(number: str) -> str:
        return page.locator(".tile", has_text=number).inner_text().replace("\n", " ")

    assert page.locator(".tile .head span").all_inner_texts() == [str(number) for number in range(201, 215)]
    assert "I seng" in tile("201")
    assert "Oppe" in tile("203")
    assert "Ukjent siden" in tile("206")
    assert "radioen er borte" in tile("206")
    assert "Kan ikke overvåkes" in tile("213")
    assert "ingen sensor" in tile("214")
    unknown = page.locator(".tile[data-seen=unknown]")
    assert unknown.evaluate("(tile) => getComputedStyle(tile).borderTopStyle") == "dashed"
    assert "gradient" in unknown.evaluate("(tile) => getComputedStyle(tile).backgroundImage")
    server.ring(kind="fall", number="204")
    expect(page.locator(".tile[data-level=high]")).to_have_count(1, timeout=WAIT_MS)


def test_language_follows_the_cookie(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    server.ring(kind="fall", number="204")
    page.get_by_role("button", name="Nynorsk").click()
    expect(page.get_by_text("Tilkopla")).to_be_visible(timeout=WAIT_MS)
    assert page.evaluate("document.documentElement.lang") == "nn"
    expect(card(page, "204")).to_contain_text("Fallsensoren melde eit fall.")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("Connected")).to_be_visible(timeout=WAIT_MS)
    expect(card(page, "204").get_by_role("button")).to_have_text(["Coming in …", "Cannot …", "Take alarm"])


def test_strict_policy_without_a_single_complaint(server: Server, tablets: Tablets) -> None:
    """A whole round on the board; the browser reports every breach of the policy to the console."""
    page = tablets.enrolled()
    page.get_by_role("button", name="Start vakt").click()
    page.get_by_role("button", name="Ja, jeg hørte den").click()
    server.ring(kind="fall", number="204")
    card(page, "204").get_by_role("button", name="Ta alarm").click(timeout=WAIT_MS)
    choose(page)
    for act in ("På vei", "Hos bruker", "Avslutt"):
        card(page, "204").get_by_role("button", name=act).click(timeout=WAIT_MS)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Hadde falt").check()
    dialog.get_by_label("Ga hjelp").check()
    dialog.get_by_label("Merknad (valgfritt)").fill("Satt på gulvet.")
    dialog.get_by_role("button", name="Avslutt alarm").click()
    expect(page.locator("[data-alarm]")).to_have_count(0, timeout=WAIT_MS)
    page.goto(f"{server.url}/tablet/offline")
    expect(page.get_by_text("Tilkoblet")).to_be_visible(timeout=WAIT_MS)
    assert tablets.complaints == []
    answer = page.request.get(server.url)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


def test_the_policy_is_enforced(server: Server, tablets: Tablets) -> None:
    """A planted inline script does not run and is complained of: the test above is not deaf."""
    page = tablets.enrolled()
    plant = "() => { const one = document.createElement('script'); one.textContent = 'window.ran = 1'; "
    page.evaluate(plant + "document.body.append(one); }")
    assert page.evaluate("window.ran === undefined")
    until(lambda: [said for said in tablets.complaints if "Content Security Policy" in said], "the browser complains")
