"""Both ends are killed between any two of their steps, one by one. Nothing stored is lost, nothing rings twice."""

from __future__ import annotations

import pytest

from tests.support.house import BUTTON, House
from tests.support.wait import until

pytestmark = pytest.mark.acceptance

CENTRE_POINTS = ["received", "decoded", "stored", "committed"]
GATEWAY_POINTS = ["read", "interpreted", "committed", "acked_broker", "sent", "replied", "acknowledged"]
BEFORE_COMMIT = {"read", "interpreted"}


def quiet(house: House, starts: int) -> None:
    """Wait until every row that the gateway has so far is acknowledged."""
    until(lambda: house.count("started") == starts, f"start number {starts} is known to the centre")
    until(lambda: house.unsent() == 0, "every row is acknowledged")


@pytest.mark.parametrize("point", CENTRE_POINTS)
def test_centre_killed_at(house: House, point: str) -> None:
    """The centre dies at the point while a press is on its way, and comes back."""
    house.start()
    quiet(house, 1)
    house.running["central"].stop()
    central = house.start_central("kill", point, str(house.trigger))
    house.trigger.touch()
    house.presses(BUTTON)
    assert central.died() == -9
    house.start_central()
    until(lambda: house.alarms("call"), "the press rings")
    until(lambda: house.unsent() == 0, "every row is acknowledged")
    assert house.count("call") == 1
    assert [alarm["sound_seq"] for alarm in house.alarms("call")] == [1]


@pytest.mark.parametrize("point", GATEWAY_POINTS)
def test_gateway_killed_at_with_a_broker(sqlite_house: House, point: str) -> None:
    """The gateway dies at the point while an SOS message is on its way: it comes again, once."""
    house = sqlite_house
    house.start()
    quiet(house, 1)
    house.running["gateway"].stop()
    gateway = house.start_gateway(point, str(house.trigger))
    quiet(house, 2)
    house.trigger.touch()
    house.presses_sos()
    assert gateway.died() == -9
    house.start_gateway()
    until(lambda: house.alarms("call"), "the SOS rings")
    quiet(house, 3)
    assert house.count("call") == 1
    assert [alarm["sound_seq"] for alarm in house.alarms("call")] == [1], "a redelivery is not a second press"


@pytest.mark.parametrize("point", [point for point in GATEWAY_POINTS if point != "acked_broker"])
def test_gateway_killed_at_with_a_serial_line(sqlite_house: House, point: str) -> None:
    """A serial line does not repeat itself: what was stored rings once, what was not is named as a gap."""
    house = sqlite_house
    house.start(broker=False)
    quiet(house, 1)
    house.running["gateway"].stop()
    gateway = house.start_gateway(point, str(house.trigger))
    quiet(house, 2)
    house.trigger.touch()
    house.presses(BUTTON)
    assert gateway.died() == -9
    house.start_gateway()
    quiet(house, 3)
    if point in BEFORE_COMMIT:
        assert house.count("call") == 0
        (started,) = house.events("started")[-1:]
        assert started["data"]["last_life"]["boottime_ms"] < started["at"]["boottime_ms"], "the gap has a from and a to"
        house.presses(BUTTON)
    until(lambda: house.alarms("call"), "the press rings")
    assert house.count("call") == 1
    assert [alarm["sound_seq"] for alarm in house.alarms("call")] == [1]
