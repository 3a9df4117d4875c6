"""Giving an alarm to somebody else: to the next in the chain, to a ward, by logging off, and at a change of shift."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.central.tablet.conftest import WAIT_MS, Server, Tablets, card, log_in
from tests.central.tablet.test_acts import query
from tests.central.tablet.ward import PIN
from tests.support.people import HttpTablet
from tests.support.wait import until


@pytest.fixture
def tablet(server: Server) -> HttpTablet:
    found = HttpTablet(server.port, str(server.order("code")))
    found.log_in("kari", PIN)
    return found


@pytest.fixture
def other(server: Server) -> HttpTablet:
    """A tablet of the other ward, with nobody at it."""
    return HttpTablet(server.port, str(server.order("code", ward="3etg")))


def test_what_is_declined_is_on_the_other_wards_board_with_the_name_of_its_own(
    server: Server, tablet: HttpTablet, other: HttpTablet
) -> None:
    alarm = server.ring(number="204")
    assert other.snapshot()["alarms"] == []
    assert other.act(alarm, "take").status in (401, 404)
    assert tablet.act(alarm, "decline", {"reason": "hos_annen_bruker"}).body["state"] == "avvist"
    (there,) = other.snapshot()["alarms"]
    assert (there["id"], there["state"], there["taken"]) == (alarm, "eskalert", False)
    assert "Furutun, 2. etasje" in there["html"]
    (here,) = tablet.snapshot()["alarms"]
    assert "Furutun, 2. etasje" not in here["html"]
    assert "Ingen har tatt den. Varslet videre kl." in here["html"]


def test_where_it_can_be_passed_on_to_is_told_and_what_is_wrong_refused(server: Server, tablet: HttpTablet) -> None:
    assert tablet.call("GET", "/tablet/wards").body == {"wards": [{"key": "3etg", "name": "Furutun, 3. etasje"}]}
    alarm = server.ring(number="204")
    for act, body, field in (
        ("decline", {}, "reason"),
        ("decline", {"reason": "orker ikke"}, "reason"),
        ("transfer", {}, "ward"),
        ("transfer", {"ward": "2etg"}, "ward"),
        ("transfer", {"ward": ["3etg"]}, "ward"),
    ):
        answer = tablet.act(alarm, act, body)
        assert (answer.status, answer.body["field"]) == (422, field), (act, body)


def test_whoever_logs_off_with_an_alarm_in_hand_says_that_they_mean_it(
    server: Server, tablet: HttpTablet, tmp_path: Path
) -> None:
    alarm = server.ring(number="204")
    assert tablet.act(alarm, "take").status == 200
    refused = tablet.call("POST", "/tablet/person/end", {})
    assert (refused.status, refused.body["error"]) == (409, "has_alarms")
    assert "Du har tatt en alarm" in refused.body["message"]
    assert tablet.snapshot()["person"] is not None
    assert query(tmp_path, "SELECT state FROM alarms") == [("kvittert",)]
    assert tablet.call("POST", "/tablet/person/end", {"leave": True}).status == 200
    assert tablet.snapshot()["person"] is None
    assert query(tmp_path, "SELECT state, taken_by FROM alarms") == [("eskalert", None)]
    causes = query(tmp_path, "SELECT cause FROM transitions ORDER BY id")
    assert causes == [("raise",), ("take",), ("reject",), ("escalate",)]


def test_who_has_nothing_in_hand_logs_off_at_once(server: Server, tablet: HttpTablet) -> None:
    server.ring(number="204")
    assert tablet.call("POST", "/tablet/person/end", {}).status == 200


def test_it_is_passed_on_with_two_taps(server: Server, tablets: Tablets, other: HttpTablet, tmp_path: Path) -> None:
    page = tablets.enrolled()
    log_in(page)
    server.ring(number="204")
    server.ring(number="205", kind="battery_low")
    quiet = card(page, "204").get_by_role("button", name="Kan ikke …")
    quiet.wait_for(timeout=WAIT_MS)
    expect(card(page, "205").get_by_role("button", name="Kan ikke …")).to_have_count(0)
    found = quiet.bounding_box()
    assert found
    assert min(found["width"], found["height"]) >= 48
    quiet.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("204")
    dialog.get_by_label("For langt unna").check()
    dialog.get_by_role("button", name="Varsle neste nå").click()
    expect(card(page, "204")).to_contain_text("Varslet videre kl.", timeout=WAIT_MS)
    assert len(other.snapshot()["alarms"]) == 1
    quiet.click()
    dialog.get_by_role("button", name="Furutun, 3. etasje").click(timeout=WAIT_MS)
    passed = "SELECT state, sound_seq FROM alarms WHERE kind = 'call'"
    until(lambda: query(tmp_path, passed) == [("overfort", 2)], "it has been passed on")


def test_the_one_who_comes_takes_over_with_what_stands_before_them(
    server: Server, tablets: Tablets, tmp_path: Path
) -> None:
    page = tablets.enrolled()
    log_in(page)
    alarm = server.ring(number="204")
    card(page, "204").get_by_role("button", name="Ta alarm").click(timeout=WAIT_MS)
    expect(card(page, "204")).to_contain_text("Kari N.", timeout=WAIT_MS)
    log_in(page, "Per A.")
    page.locator("#person-open").click()
    page.get_by_role("button", name="Vaktskifte").click()
    dialog = page.locator("#handover")
    expect(dialog).to_contain_text("1 åpen alarm", timeout=WAIT_MS)
    expect(dialog).to_contain_text("Kari N. har tatt alarmen")
    dialog.get_by_label("Hvem går av vakt?").select_option(label="Kari N.")
    dialog.get_by_label("Beskjed (valgfritt)").fill("Stille natt")
    dialog.get_by_role("button", name="Jeg overtar avdelingen").click()
    expect(card(page, "204")).to_contain_text("Per A.", timeout=WAIT_MS)
    assert query(tmp_path, "SELECT taken_by, state FROM alarms WHERE id = 1") == [(2, "kvittert")]
    assert alarm == 1
    assert query(tmp_path, "SELECT from_staff, to_staff, note FROM handovers") == [(1, 2, "Stille natt")]


def test_logging_off_with_an_alarm_in_hand_asks_first_and_not_where_the_tap_was(
    server: Server, tablets: Tablets, tmp_path: Path
) -> None:
    page = tablets.enrolled()
    log_in(page)
    server.ring(number="204")
    card(page, "204").get_by_role("button", name="Ta alarm").click(timeout=WAIT_MS)
    expect(card(page, "204")).to_contain_text("Kari N.", timeout=WAIT_MS)
    page.locator("#person-open").click()
    off = page.get_by_role("button", name="Logg av", exact=True)
    place = off.bounding_box()
    assert place
    off.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Logger du av, går den videre til neste med en gang.", timeout=WAIT_MS)
    expect(dialog.get_by_role("button")).to_have_text(["", "Gi alarmen videre og logg av"])
    # A second tap in the same place does nothing.
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(page.locator("#person-name")).to_have_text("Kari N.")
    dialog.get_by_role("button", name="Lukk").click()
    page.locator("#person-open").click()
    expect(page.get_by_role("button", name="Gi alarmen videre og logg av")).to_be_hidden()
    off.click()
    page.get_by_role("button", name="Gi alarmen videre og logg av").click(timeout=WAIT_MS)
    expect(page.locator("#person-name")).to_have_text("Ingen pålogget", timeout=WAIT_MS)
    expect(card(page, "204")).to_contain_text("Varslet videre kl.", timeout=WAIT_MS)
    assert query(tmp_path, "SELECT state, taken_by FROM alarms") == [("eskalert", None)]


def test_a_ward_that_it_comes_from_is_not_offered(server: Server, tablets: Tablets, tablet: HttpTablet) -> None:
    alarm = server.ring(number="204")
    assert tablet.act(alarm, "decline", {"reason": "for_langt_unna"}).status == 200
    page = tablets.enrolled(ward="3etg")
    away = card(page, "204")
    expect(away).to_contain_text("Furutun, 2. etasje", timeout=WAIT_MS)
    with page.expect_response("**/tablet/wards"):
        away.get_by_role("button", name="Kan ikke …").click()
    expect(page.get_by_role("button", name="Varsle neste nå")).to_be_visible()
    expect(page.locator("#passing-others")).to_be_hidden()


def test_nobody_takes_over_what_they_have_not_been_shown(tablets: Tablets) -> None:
    page = tablets.enrolled()
    log_in(page)
    page.route("**/tablet/handover", lambda route: route.abort())
    page.locator("#person-open").click()
    page.get_by_role("button", name="Vaktskifte").click()
    takes = page.get_by_role("button", name="Jeg overtar avdelingen")
    expect(page.locator("#handover-message")).to_have_text("Sentralen svarer ikke. Prøv igjen.", timeout=WAIT_MS)
    expect(takes).to_be_disabled()
    page.unroute("**/tablet/handover")
    page.get_by_role("dialog").get_by_role("button", name="Lukk").click()
    page.locator("#person-open").click()
    page.get_by_role("button", name="Vaktskifte").click()
    # What is off or silent is named by its room.
    expect(page.locator("#handover")).to_contain_text("Rom 201, 202,", timeout=WAIT_MS)
    expect(takes).to_be_enabled()


def test_what_somebody_writes_at_a_handover_may_have_lines(server: Server, tablets: Tablets, tmp_path: Path) -> None:
    page = tablets.enrolled()
    log_in(page)
    page.locator("#person-open").click()
    page.get_by_role("button", name="Vaktskifte").click()
    page.get_by_label("Beskjed (valgfritt)").fill("Stille natt.\nNytt batteri i 209.")
    page.get_by_role("button", name="Jeg overtar avdelingen").click()
    expect(page.locator("#handover")).to_be_hidden(timeout=WAIT_MS)
    assert query(tmp_path, "SELECT note FROM handovers") == [("Stille natt. Nytt batteri i 209.",)]


def test_a_handover_wants_somebody(server: Server) -> None:
    nobody = HttpTablet(server.port, str(server.order("code")))
    assert nobody.call("GET", "/tablet/handover").status == 401
    assert nobody.call("POST", "/tablet/handover", {}).status == 401


def test_enter_in_a_note_is_no_reason_to_refuse_it(server: Server, tablet: HttpTablet, tmp_path: Path) -> None:
    note = "Stille natt.\nNy pute til 204.\r\n"
    assert tablet.call("POST", "/tablet/handover", {"from": "", "note": note}).status == 200
    assert query(tmp_path, "SELECT note FROM handovers") == [("Stille natt. Ny pute til 204.",)]
    alarm = server.ring(number="204")
    assert tablet.act(alarm, "take").status == 200
    closing = {"cause": "toalett", "action": "hjelp_gitt", "note": note}
    assert tablet.act(alarm, "close", closing).status == 200
    assert tablet.call("POST", "/tablet/handover", {"from": "", "note": "a\x00b"}).status == 422
