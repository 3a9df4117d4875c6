"""EnOcean devices: one telegram for each thing that happens, by the driver's own encoder. Serves arrow 2 from outside.

Owns which value a profile's telegram carries. Must not know who listens. A radio does not know whether it was heard.
"""

from __future__ import annotations

from collections.abc import Mapping

from nattevakt.edge.drivers.driver import Reading, Use, Value
from nattevakt.edge.drivers.registry import SERIAL_DRIVERS
from nattevakt.sim.devices.device import Plain, Utterance, Values

ROCKERS = ("F6-02-01", "F6-02-02")
INPUTS = frozenset(("occupied", "seated", "present"))
"""What a mat on an input, or a card in its holder, says as "closed"."""
CLIMATE: Values = {"temperature_c": 21.0, "humidity_percent": 40.0}
SAID_BESIDE: Mapping[str, Values] = {
    "A5-04-01": CLIMATE,
    "A5-04-02": CLIMATE,
    "A5-04-03": CLIMATE,
    "A5-07-01": {"supply_v": 3.0},
    "A5-07-02": {"supply_v": 3.0},
    "A5-07-03": {"supply_v": 3.0, "light_lx": 4.0},
    "A5-08-01": {"supply_v": 3.0, "light_lx": 4.0, "temperature_c": 21.0, "pressed": False},
    "A5-14-01": {"supply_v": 3.0},
    "A5-14-03": {"supply_v": 3.0, "vibration": False},
    "A5-14-05": {"supply_v": 3.0},
    "A5-14-09": {"supply_v": 3.0},
    "D2-14-40": {**CLIMATE, "light_lx": 4.0},
    "D2-14-41": {**CLIMATE, "light_lx": 4.0},
}
"""What a telegram of this profile always holds beside what happened."""


class EnOceanDevice(Plain):
    """One EnOcean device by its profile."""

    def pressed(self) -> tuple[Utterance, ...]:
        """One press; a rocker says which of its buttons."""
        which: Values = {"action": "AI"} if self.sensor.profile in ROCKERS else {}
        return self.say({"pressed": True, **which}) + self.say({"pressed": False}, 300)

    def say(self, values: Mapping[str, Value], after_ms: int = 0) -> tuple[Utterance, ...]:
        """One telegram."""
        profile = self.sensor.profile
        told: Values = dict(SAID_BESIDE.get(profile, {}))
        for name, value in values.items():
            if name == "wet" and not value:
                return ()  # the profile has no such telegram
            told["closed" if name in INPUTS else name] = value
        if profile == "A5-14-05" and self.sensor.use is Use.MOTION and "motion" in told:
            told["vibration"] = told.pop("motion")
        encode = SERIAL_DRIVERS["enocean"].encode
        data = encode(Reading(self.sensor.address, self.told(told)), profile)
        return (self.wired(data, after_ms),)
