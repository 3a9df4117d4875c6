"""From a press to a tablet that rings, is taken, closed, and gone from a second tablet; every kind of sensor."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import tablet_context
from tests.support.house import BUTTON, CORD, DRIP, MAT, PIN, House
from tests.support.wait import until

pytestmark = pytest.mark.acceptance


def board(browser: Browser, house: House) -> Page:
    """A tablet at the board: enrolled on the page, watch started, Kari logged in."""
    page = tablet_context(browser).new_page()
    page.goto(f"http://127.0.0.1:{house.central_port}/")
    page.get_by_label("Kode").fill(house.enrol_code())
    page.get_by_role("button", name="Koble til").click()
    page.get_by_role("button", name="Start vakt").click()
    expect(page.get_by_text("Tilkoblet")).to_be_visible(timeout=30_000)
    return page


def test_press_rings_is_taken_closed_and_gone_from_a_second_tablet(house: House, browser: Browser) -> None:
    house.start()
    first = board(browser, house)
    second = board(browser, house)
    house.presses(BUTTON)
    for page in (first, second):
        row = page.locator("[data-alarm]", has_text="204")
        expect(row).to_be_visible(timeout=30_000)
        expect(row.get_by_role("button", name="Ta alarm")).to_be_visible()
    row = first.locator("[data-alarm]", has_text="204")
    row.get_by_role("button", name="Ta alarm").click()
    first.get_by_role("button", name="Kari N.").click()
    for digit in PIN:
        first.get_by_role("button", name=digit, exact=True).click()
    first.get_by_role("button", name="Logg inn").click()
    for verb in ("På vei", "Hos bruker"):
        row.get_by_role("button", name=verb).click(timeout=30_000)
    expect(second.locator("[data-alarm]", has_text="204")).to_contain_text("Kari N.", timeout=30_000)
    row.get_by_role("button", name="Avslutt").click(timeout=30_000)
    dialog = first.get_by_role("dialog")
    for question in ("Hva var årsaken?", "Hva ble gjort?"):
        dialog.get_by_role("group", name=question).get_by_role("radio").first.check()
    dialog.get_by_role("button", name="Avslutt alarm").click()
    for page in (first, second):
        expect(page.locator("[data-alarm]")).to_have_count(0, timeout=30_000)
    (alarm,) = house.alarms("call")
    states = [row["to_state"] for row in house.rows("SELECT to_state FROM transitions ORDER BY id")]
    assert [s for s in states if s] == ["meldt", "kvittert", "til_utrykning", "hos_bruker", "avsluttet"]
    assert alarm["cause"]
    for page in (first, second):
        page.context.close()


def test_every_kind_of_sensor_rings_its_own_alarm(house: House) -> None:
    house.start()
    house.presses(CORD)
    house.stick.say(DRIP, "F6-05-01", {"wet": True})
    house.opens()
    house.presses_sos()
    house.falls()
    house.stick.say(MAT, "A5-30-01", {"closed": True})
    until(lambda: len(house.alarms()) >= 5, "five alarms")
    until(lambda: house.count("bed") == 1, "the bed is an event")
    kinds = sorted((alarm["kind"], alarm["place"]) for alarm in house.alarms())
    assert [kind for kind, _place in kinds] == ["call", "call", "door_at_night", "fall", "leak"]
    rooms = {alarm["room_id"] for alarm in house.alarms()}
    assert len(rooms) == 5
    assert all(alarm["resident_id"] for alarm in house.alarms())


def test_one_sos_press_that_arrives_three_times_is_one_alarm(sqlite_house: House) -> None:
    """emergency, then an empty action, then the plain topic: field trap of real buttons."""
    house = sqlite_house.start()
    bridge = house.bridge()
    bridge.publish("sos-206", {"action": "emergency", "battery": None})
    bridge.publish("sos-206", {"action": ""})
    bridge.publish("sos-206", {"action": None})
    bridge.publish("sos-206/action", "emergency")
    house.presses(BUTTON)
    until(lambda: len(house.alarms("call")) == 2, "one alarm of the button in 204, one of the SOS in 206")
    assert sorted(row["sound_seq"] for row in house.alarms("call")) == [1, 1]


def test_an_unknown_place_still_rings(sqlite_house: House) -> None:
    """A Zigbee SOS button that nobody has registered rings on the gateway's ward."""
    house = sqlite_house.start()
    house.bridge().publish("bought-yesterday", {"action": "emergency"})
    (alarm,) = until(lambda: house.alarms("call"), "the unregistered button rings")
    assert alarm["room_id"] is None
    assert alarm["ward_id"] is not None
