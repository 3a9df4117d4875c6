"""The rounds on the tablet in a real browser: one tap each, unknown as what it is, alarms all the while."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.central.tablet.conftest import WAIT_MS, Server, Tablets, choose, log_in
from tests.central.tablet.test_accessible import axe, clean
from tests.central.tablet.ward import NAME, PIN
from tests.support.people import HttpTablet

ROOMS = ("203", "204", "205", "206", "213")


def turn(page: Page, number: str) -> Any:
    """The card of a room's resident."""
    return page.locator("[data-turn]", has=page.get_by_role("heading", name=re.compile(rf"^{number}")))


def shown(page: Page) -> None:
    """Bring the list up in place of the rooms."""
    page.locator("#rounds-open").click()
    expect(page.locator("[data-turn]").first).to_be_visible(timeout=WAIT_MS)


def tap(page: Page, number: str, label: str) -> None:
    """Press one of a resident's buttons, once the list takes taps."""
    expect(page.locator("#round-list")).to_have_attribute("data-settled", "true", timeout=WAIT_MS)
    turn(page, number).get_by_role("button", name=label).click(timeout=WAIT_MS)


def test_the_board_says_how_many_and_brings_the_list_without_losing_the_alarms(
    server: Server, tablets: Tablets
) -> None:
    page = tablets.enrolled()
    expect(page.locator("#rounds-due")).to_be_hidden()
    server.order("turns", numbers=ROOMS)
    expect(page.locator("#rounds-n")).to_have_text("5", timeout=WAIT_MS)
    shown(page)
    assert page.url.endswith("/tablet/rounds")
    expect(page.locator("#rooms-part")).to_be_hidden()
    expect(page.get_by_text("5 skal ses til")).to_be_visible()
    server.ring(kind="fall", number="211", spot="bad")
    expect(page.locator("[data-alarm]", has_text="211")).to_be_visible(timeout=WAIT_MS)
    page.reload()
    expect(turn(page, "204")).to_be_visible(timeout=WAIT_MS)
    page.locator("#rounds-open").click()
    expect(page.locator("#rooms-part")).to_be_visible()
    assert page.url.endswith("/")
    assert tablets.complaints == []


def test_all_well_is_one_tap_and_says_who(server: Server, tablets: Tablets) -> None:
    server.order("turns", numbers=ROOMS)
    page = tablets.enrolled()
    log_in(page)
    shown(page)
    expect(turn(page, "204")).to_contain_text(NAME, timeout=WAIT_MS)
    expect(turn(page, "204")).to_contain_text("I seng")
    tap(page, "204", "Alt vel")
    expect(turn(page, "204")).to_contain_text("fra nettbrettet, Kari N.", timeout=WAIT_MS)
    expect(turn(page, "204").get_by_role("button")).to_have_count(0)
    expect(page.locator("#rounds-n")).to_have_text("4", timeout=WAIT_MS)
    numbers = page.locator("[data-turn] .room").all_text_contents()
    assert numbers == list(ROOMS), "who has been looked to stays in place"


def test_who_is_unknown_cannot_be_said_to_be_well(server: Server, tablets: Tablets) -> None:
    server.order("turns", numbers=ROOMS)
    page = tablets.enrolled()
    log_in(page)
    shown(page)
    for number, said in (("206", "Ukjent. Gå inn og se."), ("213", "Gå inn og se.")):
        expect(turn(page, number)).to_contain_text(said, timeout=WAIT_MS)
        expect(turn(page, number).get_by_role("button", name="Alt vel")).to_have_count(0)
    tap(page, "206", "Har vært inne")
    expect(turn(page, "206")).to_contain_text("Vært inne kl.", timeout=WAIT_MS)


def test_not_sure_comes_again(server: Server, tablets: Tablets) -> None:
    server.order("turns", numbers=ROOMS)
    page = tablets.enrolled()
    log_in(page)
    shown(page)
    tap(page, "203", "Usikker")
    expect(turn(page, "203")).to_contain_text("Noen var usikker", timeout=WAIT_MS)
    tap(page, "203", "Usikker")
    expect(turn(page, "203")).to_contain_text("Usikkert to ganger. Gå inn og se.", timeout=WAIT_MS)
    expect(turn(page, "203").get_by_role("button")).to_have_count(1)
    tap(page, "203", "Har vært inne")
    expect(turn(page, "203")).to_contain_text("Vært inne kl.", timeout=WAIT_MS)


def test_nobody_is_logged_in_and_no_name_is_shown_until_somebody_is(server: Server, tablets: Tablets) -> None:
    server.order("turns", numbers=ROOMS)
    page = tablets.enrolled()
    shown(page)
    assert NAME not in page.content()
    tap(page, "204", "Alt vel")
    choose(page, "Per A.")
    expect(turn(page, "204")).to_contain_text("fra nettbrettet, Per A.", timeout=WAIT_MS)


def test_another_tablet_sees_it_and_the_second_is_told_who_was_first(server: Server, tablets: Tablets) -> None:
    made = server.order("turns", numbers=ROOMS)
    page = tablets.enrolled()
    shown(page)
    other = HttpTablet(server.port, str(server.order("code")))
    other.log_in("kari", PIN)
    answer = confirm(other, made["204"], "well")
    assert (answer.status, answer.body["state"], answer.body["how"]) == (200, "done", "digital")
    expect(turn(page, "204")).to_contain_text("fra nettbrettet, Kari N.", timeout=WAIT_MS)
    assert confirm(other, made["204"], "well").body["repeated"] is True
    third = HttpTablet(server.port, str(server.order("code")))
    third.log_in("per", PIN)
    answer = confirm(third, made["204"], "well")
    assert (answer.status, answer.body["message"]) == (409, "Kari N. var først.")


def confirm(tablet: HttpTablet, task_id: int, said: str, **headers: str) -> Any:
    key = {"Idempotency-Key": str(uuid.uuid4()), **headers}
    return tablet.call("POST", f"/tablet/rounds/{task_id}/confirm", {"said": said}, key)


def test_refusals(server: Server) -> None:
    made = server.order("turns", numbers=ROOMS)
    tablet = HttpTablet(server.port, str(server.order("code")))
    assert confirm(tablet, made["204"], "well").status == 401
    tablet.log_in("kari", PIN)
    assert confirm(tablet, made["206"], "well").body["error"] == "round_unknown"
    assert confirm(tablet, made["204"], "sing").body["field"] == "said"
    assert confirm(tablet, made["204"], "well", **{"Idempotency-Key": "kort"}).body["field"] == "idempotency-key"
    assert confirm(tablet, made["204"], "well", **{"Sec-Fetch-Site": "cross-site"}).status == 403
    for unknown in (0, -1, 10**6, 10**30):
        assert confirm(tablet, unknown, "well").body["error"] == "round_gone"
    assert confirm(tablet, made["205"], "been-in").body["how"] == "physical"
    assert confirm(tablet, made["205"], "well").body["error"] == "round_ended"
    tablet.cookies = {}
    assert confirm(tablet, made["204"], "well").status == 401
    assert tablet.call("GET", "/tablet/rounds/list").status == 401
    assert tablet.call("GET", "/tablet/rounds").headers["location"] == "/tablet/enrol"


def test_it_works_without_javascript_where_somebody_is_logged_in(server: Server, tablets: Tablets) -> None:
    server.order("turns", numbers=ROOMS)
    page = tablets.enrolled()
    log_in(page)
    plain = tablets.browser.new_context(
        java_script_enabled=False, locale="nb-NO", viewport={"width": 390, "height": 844}
    )
    tablets.contexts.append(plain)
    plain.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    bare = plain.new_page()
    bare.goto(server.url)
    bare.get_by_role("link", name="Runde").click()
    turn(bare, "204").get_by_role("button", name="Alt vel").click()
    expect(turn(bare, "204")).to_contain_text("fra nettbrettet, Kari N.", timeout=WAIT_MS)
    assert bare.url.endswith("/tablet/rounds")


def test_a_form_from_elsewhere_is_refused(server: Server) -> None:
    made = server.order("turns", numbers=ROOMS)
    tablet = HttpTablet(server.port, str(server.order("code")))
    tablet.log_in("kari", PIN)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for site in ("cross-site", "same-site", "none", ""):
        answer = confirm(tablet, made["204"], "well", **form, **{"Sec-Fetch-Site": site})
        assert (answer.status, answer.body["error"]) == (403, "cross_site")


def test_who_is_looked_to_more_often_is_on_the_board_and_in_the_list(server: Server, tablets: Tablets) -> None:
    server.order("thin", number="206")
    server.order("turns", numbers=("206",), physical=True)
    page = tablets.enrolled()
    expect(page.locator(".tile", has_text="206")).to_contain_text("Tettere tilsyn: seng stille siden")
    shown(page)
    expect(turn(page, "206")).to_contain_text("Tettere tilsyn: seng stille siden")
    expect(turn(page, "206").get_by_role("button")).to_have_count(1)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_list_is_accessible_fits_and_has_large_targets(server: Server, tablets: Tablets, width: int) -> None:
    server.order("thin", number="206")
    server.order("turns", numbers=("201", "202"), late_min=40)
    server.order("turns", numbers=ROOMS)
    page = tablets.enrolled(tablets.context(width, 844))
    page.emulate_media(reduced_motion="reduce")
    log_in(page)
    shown(page)
    clean(page)
    tap(page, "204", "Alt vel")
    expect(turn(page, "204")).to_contain_text("fra nettbrettet", timeout=WAIT_MS)
    clean(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = """() => [...document.querySelectorAll("button, a")]
        .map((node) => [node.id || node.textContent, node.getBoundingClientRect()])
        .filter(([, box]) => box.width && (box.height < 48 || box.width < 48)).map(([name]) => name)"""
    assert page.evaluate(small) == []
    first = turn(page, "205").get_by_role("button").first
    assert first.evaluate("(one) => one.getBoundingClientRect().height") >= 64
    assert axe(page)["violations"] == []


def test_a_list_that_has_just_changed_takes_no_tap(server: Server, tablets: Tablets) -> None:
    server.order("turns", numbers=ROOMS)
    page = tablets.enrolled()
    log_in(page)
    shown(page)
    tap(page, "203", "Alt vel")
    expect(turn(page, "203")).to_contain_text("fra nettbrettet", timeout=WAIT_MS)
    expect(page.locator("#round-list")).to_have_attribute("data-settled", "true", timeout=WAIT_MS)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.evaluate(
        """() => {
          const list = document.getElementById("round-list");
          const watcher = new MutationObserver(() => {
            watcher.disconnect();
            list.querySelector('button[value="well"]').click();
          });
          watcher.observe(list, { childList: true });
        }"""
    )
    server.order("turns", numbers=("202",))
    expect(turn(page, "202")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#round-list")).to_have_attribute("data-settled", "true", timeout=WAIT_MS)
    assert [url for url in sent if "/rounds/" in url] == []
    expect(turn(page, "202").get_by_role("button", name="Alt vel")).to_be_visible()
