"""A round set on the page falls due on the tablet's list, is confirmed there with one tap, and counts as digital."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from nattevakt.central.clock import ServiceClock
from tests.acceptance.test_plans import WAIT_MS, lead
from tests.support.house import House
from tests.support.people import HttpTablet
from tests.support.wait import until

pytestmark = pytest.mark.acceptance
SOON_S = 5
"""So long the page may take to be filled in; the whole minute after that is the round's."""
DUE_S = 60 + SOON_S + 10


def soon() -> str:
    """That minute, as a clock on the ward shows it."""
    at = datetime.fromtimestamp(ServiceClock().now_ms() / 1000, UTC).astimezone(ZoneInfo("Europe/Oslo"))
    return (at + timedelta(seconds=SOON_S + 60)).strftime("%H:%M")


def listed(tablet: HttpTablet, room: str) -> int:
    """The turn of a room's resident on the tablet's list of rounds, 0 where there is none."""
    page = tablet.call("GET", "/tablet/rounds/list").body
    found = re.search(rf'data-turn="([1-9][0-9]*)"(?:(?!</h3>).)*class="room">{room}<', page, re.S)
    return int(found[1]) if found else 0


def test_a_round_from_the_page_is_confirmed_on_the_tablet_and_counted(house: House, browser: Browser) -> None:
    house.start()
    house.presses_sos()
    page = lead(browser, house)
    page.get_by_role("link", name="Planer").click()
    page.get_by_role("link", name="Runder").click()
    page.get_by_label("Spre runden over").fill("0")
    page.get_by_role("button", name="Lagre fristene").click()
    expect(page.get_by_text("Fristene er lagret og gjelder fra nå.")).to_be_visible(timeout=WAIT_MS)
    until(lambda: house.alarms("call"), "the resident of 206 was heard")
    page.get_by_role("textbox", name="Klokkeslett", exact=True).fill(soon())
    page.get_by_role("button", name="Lagre klokkeslettene").click()
    expect(page.get_by_text("Klokkeslettene er lagret og gjelder fra nå.")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("[data-count=digital]")).to_have_text("0")
    assert house.rows("SELECT minute FROM round_times") != []

    tablet = house.tablet("per")
    shown = until(lambda: listed(tablet, "206"), "206 is on the list", DUE_S)
    assert tablet.snapshot()["rounds"]["due"] >= 1
    answer = tablet.call("POST", f"/tablet/rounds/{shown}/confirm", {"said": "well"}, {"Idempotency-Key": "round-206"})
    assert (answer.status, answer.body) == (200, {"id": shown, "state": "done", "how": "digital", "repeated": False})
    page.goto(f"http://127.0.0.1:{house.central_port}/admin/rounds")
    expect(page.locator("[data-count=digital]")).to_have_text("1", timeout=WAIT_MS)
    expect(page.locator("[data-count=physical]")).to_have_text("0")
    page.context.close()
