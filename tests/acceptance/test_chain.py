"""The whole way with real processes: asked for by the timer's command, through the gateway, to a person's tap."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from nattevakt.central.clock import ServiceClock
from nattevakt.central.response_times import shift_of
from tests.acceptance.test_plans import WAIT_MS, lead
from tests.support.house import BUTTON, House
from tests.support.people import HttpTablet
from tests.support.wait import until

pytestmark = pytest.mark.acceptance


def asks(house: House) -> str:
    """What a timer runs each shift."""
    words = [sys.executable, "-m", "nattevakt.central", "chain-test", "--ward", "2etg"]
    done = subprocess.run(
        [*words, "--config", str(house.folder / "central.toml")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def open_tests(tablet: HttpTablet) -> dict[str, Any]:
    found: dict[str, Any] = tablet.snapshot()["tests"]
    return found


def test_every_resident_with_a_sensor_is_tested_and_a_call_comes_first(house: House, browser: Browser) -> None:
    house.start(broker=False)
    tablet = house.tablet("kari")
    said = asks(house)
    assert said.startswith("bestilt: 7 prøver;")
    assert "ikke bestilt: 1 beboer uten sensor i rommet" in said
    until(lambda: len(open_tests(tablet)["ids"]) == 7, "all seven are on the tablet")
    ids = open_tests(tablet)["ids"]
    assert house.alarms() == []
    house.presses(BUTTON)
    (alarm,) = until(lambda: list(tablet.snapshot()["alarms"]), "the call is there while they wait")
    assert (alarm["priority"], open_tests(tablet)["ids"]) == (1, ids)
    shown = tablet.call("POST", "/tablet/tests/shown", {"shown": ids, "sounded": ids})
    assert shown.body == {"shown": 7, "sounded": 7}
    for number in ids:
        assert tablet.call("POST", f"/tablet/tests/{number}/tap", {}).body["repeated"] is False
    assert tablet.call("POST", f"/tablet/tests/{ids[0]}/tap", {}).body["repeated"] is True
    assert open_tests(tablet) == {"ids": [], "html": "", "last": open_tests(tablet)["last"]}

    chains = tablet.call("GET", "/v1/admin/chain-tests").body["chains"]
    now = shift_of(ServiceClock().now_ms()).value
    standing = {(one["room"], one["shift"]): one["standing"] for one in chains}
    assert len(standing) == 24
    good = {key for key, found in standing.items() if found == "good"}
    assert len(good) == 7
    assert now in {shift for _, shift in good}
    (one,) = [one["done"] for one in chains if one["done"] and one["room"] == "204"]
    times = [one[f"{name}_ms"] for name in ("asked", "given", "received", "shown", "tapped")]
    assert times == sorted(times)
    assert one["path"]["gateway"] == "Loftet"

    page = lead(browser, house)
    page.goto(f"http://127.0.0.1:{house.central_port}/admin/chain-tests/{one['id']}")
    expect(page.get_by_text("Kom fram og ble bekreftet.")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".way [data-reached=yes]")).to_have_count(4)

    again = {one["standing"] for one in tablet.call("GET", "/v1/admin/chain-tests").body["chains"] if one["done"]}
    assert again == {"changed"}, "a tablet more is another chain"
    assert house.tablet("").call("POST", "/tablet/tests", {}).status == 401
