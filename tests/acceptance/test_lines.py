"""Lines that break: the broker dies, the stick is pulled, the link to the centre is cut, half-open or slow."""

from __future__ import annotations

import time

import pytest

from nattevakt.edge.drivers.driver import Reading
from nattevakt.edge.drivers.enocean import driver as enocean
from tests.support.house import BUTTON, DOOR, House
from tests.support.wait import until

pytestmark = pytest.mark.acceptance


def test_broker_killed(sqlite_house: House) -> None:
    """The gateway is back within 10 s, the gap is an event, and nothing that was pressed is denied."""
    house = sqlite_house.start()
    house.presses_sos()
    until(lambda: house.alarms("call"), "a first press rings")
    house.running["mosquitto"].kill()
    until(lambda: house.count("source_lost") >= 1, "the loss is an event")
    house.presses(BUTTON)
    until(lambda: len(house.alarms("call")) == 2, "the serial line goes on ringing")
    began = time.monotonic()
    house.start_broker()
    until(lambda: house.count("source_back") >= 1, "the return is an event")
    assert time.monotonic() - began < 10
    (lost, back) = house.events("source_lost")[0], house.events("source_back")[-1]
    assert lost["data"]["source"] == "mqtt"
    assert back["data"]["lost"]["boottime_ms"] <= lost["at"]["boottime_ms"]
    house.falls()
    until(lambda: house.alarms("fall"), "a fall after the return rings")


def test_stick_pulled_mid_frame_and_returned(sqlite_house: House) -> None:
    house = sqlite_house.start(broker=False)
    whole = enocean.encode(Reading(BUTTON, {"action": "BI", "pressed": True}), "F6-02-01")
    house.stick.write(whole[:9])
    house.stick.pull()
    until(lambda: house.count("source_lost") == 2, "the pulled stick is an event, as is the broker that is not there")
    assert house.alarms("call") == []
    house.stick.plug()
    until(lambda: house.stick.probed.is_set(), "the returned stick is opened")
    house.presses(BUTTON)
    until(lambda: house.alarms("call"), "a press on the returned stick rings")
    until(lambda: house.count("source_back") == 1, "the return is an event")
    assert len(house.alarms("call")) == 1


@pytest.mark.parametrize("mode", ["cut", "half_open", "slow"])
def test_link_to_the_centre(sqlite_house: House, mode: str) -> None:
    """What happens while the link is cut or half-open rings when it is back; a slow link still rings."""
    house = sqlite_house.start(broker=False)
    until(lambda: house.count("started") == 1, "the link works")
    house.proxy.set(mode)
    house.presses(BUTTON)
    house.opens(DOOR)
    if mode == "slow":
        until(lambda: house.alarms("call"), "the press rings over the slow line")
    else:
        until(lambda: house.unsent() >= 2, "press and door wait in the outbox")
        assert house.alarms() == []
    house.proxy.set("open")
    until(lambda: house.alarms("call") and house.alarms("door_at_night"), "both ring")
    until(lambda: house.unsent() == 0, "everything is acknowledged")
    assert [(alarm["kind"], alarm["sound_seq"]) for alarm in house.alarms()].count(("call", 1)) == 1
    assert house.count("call") == 1
    assert house.count("contact") == 1
