"""What a person does: take, on the way, on site, close; who was first; failures that are said and tried again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.central.tablet.conftest import WAIT_MS, Server, Tablets, card, choose, log_in
from tests.support.wait import until


def query(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """Rows of the server's database."""
    database = sqlite3.connect(folder / "central.sqlite", timeout=30)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def test_taking_without_a_person_asks_who_it_is_and_goes_on(server: Server, tablets: Tablets, tmp_path: Path) -> None:
    page = tablets.enrolled()
    server.ring(number="204")
    card(page, "204").get_by_role("button", name="Ta alarm").click(timeout=WAIT_MS)
    choose(page)
    expect(card(page, "204")).to_contain_text("Kari N. har tatt alarmen", timeout=WAIT_MS)
    (row,) = query(tmp_path, "SELECT staff_id, tablet_id FROM transitions WHERE to_state = 'kvittert'")
    assert row == (1, 1)
    blue = card(page, "204").locator(".holder strong").evaluate("(node) => getComputedStyle(node).color")
    assert blue == "rgb(143, 180, 255)"


def test_two_take_at_once_and_one_is_told_who_was_first(server: Server, tablets: Tablets, tmp_path: Path) -> None:
    pages = [tablets.enrolled(), tablets.enrolled()]
    for page, name in zip(pages, ("Kari N.", "Per A."), strict=True):
        log_in(page, name)
    server.ring(number="204")
    for page in pages:
        card(page, "204").wait_for(timeout=WAIT_MS)
    # The second page does not hear of the first one's act before its own: hold back what it fetches.
    pages[1].route("**/tablet/snapshot", lambda route: route.abort())
    card(pages[0], "204").get_by_role("button", name="Ta alarm").click()
    expect(card(pages[0], "204")).to_contain_text("Kari N. har tatt alarmen", timeout=WAIT_MS)
    card(pages[1], "204").get_by_role("button", name="Ta alarm").click()
    expect(pages[1].get_by_text("Kari N. var først.")).to_be_visible(timeout=WAIT_MS)
    pages[1].unroute("**/tablet/snapshot")
    expect(card(pages[1], "204")).to_contain_text("Kari N. har tatt alarmen", timeout=WAIT_MS)
    assert query(tmp_path, "SELECT count(*) FROM transitions WHERE to_state = 'kvittert'") == [(1,)]


def test_a_lost_answer_is_tried_again_with_the_same_key(server: Server, tablets: Tablets, tmp_path: Path) -> None:
    page = tablets.enrolled()
    log_in(page)
    server.ring(number="204")
    card(page, "204").wait_for(timeout=WAIT_MS)
    keys: list[str] = []

    def lose_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    # The centre does it, but its answer never arrives; and the page hears of nothing else meanwhile.
    page.route("**/tablet/snapshot", lambda route: route.abort())
    page.route("**/tablet/alarms/*/take", lose_first)
    card(page, "204").get_by_role("button", name="Ta alarm").click()
    expect(card(page, "204")).to_contain_text("Ikke registrert: sentralen svarer ikke.", timeout=WAIT_MS)
    assert card(page, "204").get_attribute("data-taken") == "false"
    card(page, "204").get_by_role("button", name="Prøv igjen").click()
    page.unroute("**/tablet/snapshot")
    expect(card(page, "204")).to_contain_text("har tatt alarmen", timeout=WAIT_MS)
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert query(tmp_path, "SELECT count(*) FROM transitions WHERE to_state = 'kvittert'") == [(1,)]


def test_while_an_act_is_under_way_its_button_is_off_and_nothing_is_claimed(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    log_in(page)
    server.ring(number="204")
    held: list[Route] = []
    page.route("**/tablet/alarms/*/take", lambda route: held.append(route))
    button = card(page, "204").locator("button[data-act]")
    button.click(timeout=WAIT_MS)
    expect(button).to_be_disabled()
    expect(button).to_have_text("Ta alarm")
    expect(card(page, "204").get_by_role("button", name="Kommer om")).to_be_disabled()
    assert card(page, "204").get_attribute("data-taken") == "false"
    until(lambda: page.evaluate("1") and held, "the act is on its way")
    held[0].continue_()
    expect(card(page, "204")).to_contain_text("har tatt alarmen", timeout=WAIT_MS)


def test_closing_stores_cause_action_and_note(server: Server, tablets: Tablets, tmp_path: Path) -> None:
    page = tablets.enrolled()
    log_in(page)
    server.ring(kind="fall", number="204")
    for act in ("Ta alarm", "På vei", "Hos bruker", "Avslutt"):
        card(page, "204").get_by_role("button", name=act).click(timeout=WAIT_MS)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Avslutt alarm").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("Hadde falt").check()
    dialog.get_by_label("Ga hjelp").check()
    dialog.get_by_label("Merknad (valgfritt)").fill("Satt på gulvet.")
    dialog.get_by_role("button", name="Avslutt alarm").click()
    expect(page.locator("[data-alarm]")).to_have_count(0, timeout=WAIT_MS)
    (row,) = query(tmp_path, "SELECT state, cause, action, note FROM alarms")
    assert row == ("avsluttet", "fall", "hjelp_gitt", "Satt på gulvet.")


def test_a_wrong_pin_is_said_and_five_cost_time_but_hide_nothing(server: Server, tablets: Tablets) -> None:
    page = tablets.enrolled()
    server.ring(number="204")
    card(page, "204").wait_for(timeout=WAIT_MS)
    page.locator("#person-open").click()
    for _ in range(5):
        choose(page, pin="918273")
        expect(page.locator("#person-message")).to_have_text("Feil PIN-kode.", timeout=WAIT_MS)
        page.get_by_role("dialog").get_by_role("button", name="Per A.").click()
        expect(page.locator("#person-message")).to_have_text("")
    choose(page)
    expect(page.locator("#person-message")).to_contain_text("For mange feil. Vent", timeout=WAIT_MS)
    server.ring(kind="fall", number="205")
    expect(card(page, "205")).to_be_visible(timeout=WAIT_MS)
    choose(page, "Per A.")
    expect(page.locator("#person-name")).to_have_text("Per A.", timeout=WAIT_MS)


def test_notices_are_confirmed_as_shown_and_sounded(server: Server, tablets: Tablets, tmp_path: Path) -> None:
    page = tablets.enrolled()
    page.get_by_role("button", name="Start vakt").click()
    page.get_by_role("button", name="Ja, jeg hørte den").click()
    server.ring(number="204")
    sql = "SELECT state, sent_ms, shown_ms, sounded_ms FROM notices"

    def sounded() -> bool:
        ((_state, sent, shown, heard),) = query(tmp_path, sql)
        return None not in (sent, shown, heard)

    until(sounded, "the notice was sent, shown and sounded")
    ((said,),) = query(tmp_path, "SELECT last_presence FROM tablets")
    assert '"audio": "running"' in str(said)
    assert '"heard": true' in str(said)
    page.close()
