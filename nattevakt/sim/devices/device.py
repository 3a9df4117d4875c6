"""What a simulated device is: something happens to it, and it says so. Serves arrows 1 and 2 from the outside.

Owns the interface of all simulated devices, the words for what they say, and the plain device that most are made
from. No input or output: whoever has a line, real or simulated, carries what is said here. Must not know time beyond
"so much later", and no fault: what a fault does to a device is in faults.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from nattevakt.edge.drivers.driver import Use, Value
from nattevakt.sim.acts import Act
from nattevakt.sim.ward import PORT, Sensor

RELEASE_MS = 300
STILL_MS = 60_000
"""So long after a movement a motion sensor says that it sees none."""
Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class RadioBytes:
    """Bytes as they come in on one of a gateway's serial lines. port: the line's name."""

    gateway: str
    data: bytes
    port: str = PORT


@dataclass(frozen=True, slots=True)
class Published:
    """One message at a gateway's broker, QoS 1. topic: whole. retained: the broker keeps it for later subscribers.
    kept: it is such a kept copy, handed out once more to a client that subscribes anew."""

    gateway: str
    topic: str
    payload: bytes
    retained: bool = False
    kept: bool = False


Said = RadioBytes | Published


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something said `after_ms` after what caused it. address: the device's, "" for the bridge itself."""

    after_ms: int
    address: str
    said: Said


class SimDevice(Protocol):
    """One simulated device.

    state: how things are, by the drivers' names of values. before: how they were before the last thing that happened.
    inverted: its plain input tells the opposite (a reed mounted the other way, a normally-closed mat). fell_ms: the
    true time of the latest fall before it, Unix ms.
    """

    sensor: Sensor
    state: Values
    before: Values
    inverted: bool
    fell_ms: int | None

    def does(self, act: Act) -> tuple[Utterance, ...]:
        """What it says when this happens in its room; nothing where it cannot know."""
        ...

    def reports(self) -> tuple[Utterance, ...]:
        """A sign of life: it says again how things are; a mute one says nothing."""
        ...

    def starts(self) -> tuple[Utterance, ...]:
        """What it says when it gets power."""
        ...

    def hears(self, asked: bytes) -> tuple[Utterance, ...]:
        """What it answers to bytes that the gateway sent on its line."""
        ...

    def pressed(self) -> tuple[Utterance, ...]:
        """One press of its button."""
        ...

    def say(self, values: Mapping[str, Value], after_ms: int = 0) -> tuple[Utterance, ...]:
        """It says exactly these values (names as the drivers know them), whatever its state."""
        ...


MEANS: Mapping[Act, tuple[Use, Values]] = {
    Act.IN_BED: (Use.BED, {"occupied": True}),
    Act.OUT_OF_BED: (Use.BED, {"occupied": False}),
    Act.SITS: (Use.CHAIR, {"seated": True}),
    Act.RISES: (Use.CHAIR, {"seated": False}),
    Act.ENTERS: (Use.PRESENCE, {"present": True}),
    Act.LEAVES: (Use.PRESENCE, {"present": False}),
    Act.MOVES: (Use.MOTION, {"motion": True}),
    Act.OPENS: (Use.DOOR, {"closed": False}),
    Act.CLOSES: (Use.DOOR, {"closed": True}),
    Act.PRESSES: (Use.CALL, {"pressed": True}),
    Act.FALLS: (Use.FALL, {"fall": "sure"}),
    Act.FALLS_PERHAPS: (Use.FALL, {"fall": "possible"}),
    Act.GETS_UP_FROM_FLOOR: (Use.FALL, {"fall": "no"}),
    Act.FLOODS: (Use.LEAK, {"wet": True}),
    Act.WETS: (Use.WET, {"wet": True}),
    Act.CHANGED: (Use.WET, {"wet": False}),
}
"""Which of a resident's devices can know of an act, and what it means to that device."""
RESTING: Mapping[Use, Values] = {
    Use.DOOR: {"closed": True},
    Use.MOTION: {"motion": False},
    Use.FALL: {"fall": "no"},
    Use.LEAK: {"wet": False},
    Use.WET: {"wet": False},
}
"""How things are before anything has happened, where that is known."""
PLAIN = ("closed", "occupied", "seated", "present")
"""What a device that is mounted the wrong way tells the opposite of."""


class Plain:
    """A device that keeps a state and says all of it whenever some of it changes. A radio's own kind of device says
    how in `say`, and may say more."""

    def __init__(self, sensor: Sensor) -> None:
        self.sensor = sensor
        self.state: Values = dict(RESTING.get(sensor.use, {}))
        self.before: Values = dict(self.state)
        self.inverted = False
        self.fell_ms: int | None = None

    def does(self, act: Act) -> tuple[Utterance, ...]:
        """What it says when this happens in its room."""
        use, changes = MEANS[act]
        if use is not self.sensor.use:
            return ()
        if act is Act.PRESSES:
            return self.pressed()
        self.before = dict(self.state)
        self.state.update(changes)
        said = self.changed()
        if act is Act.MOVES:
            self.state["motion"] = False
            said += self.say(self.state, STILL_MS)
        return said

    def changed(self) -> tuple[Utterance, ...]:
        """What it says right after its state changed."""
        return self.say(self.state)

    def pressed(self) -> tuple[Utterance, ...]:
        """One press of a button."""
        return self.say({"pressed": True}) + self.say({"pressed": False}, RELEASE_MS)

    def reports(self) -> tuple[Utterance, ...]:
        """A sign of life."""
        return () if self.sensor.mute else self.say(self.state)

    def starts(self) -> tuple[Utterance, ...]:
        """Power comes on: it says how things are."""
        return self.reports()

    def hears(self, asked: bytes) -> tuple[Utterance, ...]:  # noqa: ARG002 - most devices only speak
        """It has no ears."""
        return ()

    def say(self, values: Mapping[str, Value], after_ms: int = 0) -> tuple[Utterance, ...]:
        """Exactly these values; a radio of its own says how."""
        raise NotImplementedError

    def told(self, values: Mapping[str, Value]) -> Values:
        """The values as this device tells them: the other way round where it is mounted so."""
        if not self.inverted:
            return dict(values)
        return {name: not value if name in PLAIN else value for name, value in values.items()}

    def wired(self, data: bytes, after_ms: int = 0) -> Utterance:
        """These bytes on the device's line."""
        return Utterance(after_ms, self.sensor.address, RadioBytes(self.sensor.gateway, data, self.sensor.port))

    def published(self, topic: str, payload: bytes, after_ms: int = 0, *, retained: bool = False) -> Utterance:
        """This message at the gateway's broker."""
        return Utterance(after_ms, self.sensor.address, Published(self.sensor.gateway, topic, payload, retained))
