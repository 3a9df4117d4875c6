"""A gateway that is told to stop while the centre does not answer: what is pressed meanwhile is stored, or named."""

from __future__ import annotations

import signal
import threading

import pytest

from tests.acceptance.kill.scene import boottime_ms
from tests.support.house import BUTTON, House, many
from tests.support.wait import until

pytestmark = pytest.mark.acceptance

STOPPED_MS = 1_000
"""From when the ports are no longer read, it gives signs of life for less than this."""


def test_who_is_told_to_stop_listens_as_long_as_it_gives_signs_of_life(sqlite_house: House) -> None:
    house = sqlite_house
    house.buttons = tuple(many(120))
    house.start(broker=False)
    until(lambda: house.count("started") == 1 and house.unsent() == 0, "the link works")
    house.proxy.set("half_open")
    house.presses(BUTTON)
    until(lambda: house.unsent() >= 1, "a request is under way that nobody answers")
    gateway = house.running["gateway"]
    gateway.signal(signal.SIGTERM)
    pressed = []
    for button in house.buttons:
        if not gateway.alive:
            break
        pressed.append((button, boottime_ms()))
        house.stick.say(button, "F6-02-01", {"action": "BI", "pressed": True})
        threading.Event().wait(0.1)
    assert gateway.died() == 0
    assert len(pressed) > 15, "it waits for the answer for seconds"
    house.proxy.set("open")
    house.start_gateway()
    until(lambda: house.count("started") == 2 and house.unsent() == 0, "everything is acknowledged")
    stored = {row["device"] for row in house.rows("SELECT device FROM events WHERE kind = 'call'")}
    lived_ms = house.events("started")[-1]["data"]["last_life"]["boottime_ms"]
    unnamed = [at_ms - lived_ms for button, at_ms in pressed if button not in stored and at_ms < lived_ms - STOPPED_MS]
    assert unnamed == []
    assert len(stored) > len(pressed) / 2, "it listens as long as it waits"
