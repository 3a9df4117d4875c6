"""EnOcean frames for the bad line: six hundred senders, each of which speaks less than once a second."""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Device, Reading
from nattevakt.edge.drivers.enocean import encode
from tests.edge.streams import Sample

DEVICES = tuple(
    Device(f"enocean:{0x01800000 + number:08X}", profile)
    for number, profile in enumerate(("D5-00-01", "A5-07-01", "F6-02-01") * 200)
)


def make(number: int) -> bytes:
    """The senders go round, so slowly that nothing is taken for a repeater's copy."""
    device = DEVICES[number % len(DEVICES)]
    turn = number // len(DEVICES)
    values: dict[str, dict[str, bool | float | str]] = {
        "D5-00-01": {"closed": turn % 2 == 0},
        "A5-07-01": {"motion": turn % 2 == 0, "supply_v": turn % 251 / 50},
        "F6-02-01": {"pressed": True, "action": ("AI", "AO", "BI", "BO")[turn % 4]},
    }
    # The strength of the signal tells the telegrams of one sender apart.
    return encode(Reading(device.address, {**values[device.profile], "signal_dbm": -20 - turn % 200}), device.profile)


SAMPLE = Sample(DEVICES, make, 57_600)
