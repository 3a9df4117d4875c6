"""What is remembered of one MicRadar between steps. Serves arrow 2.

Owns the shape of the driver's state and its beginning. Must not know frames or time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nattevakt.edge.drivers.driver import Device, Line, Value
from nattevakt.edge.drivers.micradar import profiles
from nattevakt.edge.drivers.micradar.asking import Open
from nattevakt.edge.drivers.micradar.decode import PREFIX
from nattevakt.edge.drivers.micradar.profiles import Profile
from nattevakt.edge.drivers.micradar.words import FieldValue
from nattevakt.edge.drivers.unfinished import Unfinished


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by the profile's fields, TOLD_MAX and one frame.

    states: what must be asked for. ask_ms: when the next question is due. waiting: none of the states is
    answered.
    fresh: nothing lasting is known since the line opened or the radar came back. held: the first answers, gathered
    since held_ms. passed: context as last passed on, with when. said_ms: the newest reading. echo: our own questions
    come back to us. about, work_mode, sensitivity: what the radar answered.
    """

    address: str
    source: str
    device: Device | None
    profile: Profile
    states: tuple[str, ...]
    kept: Unfinished = field(default_factory=Unfinished)
    opened_ms: int | None = None
    heard_ms: int | None = None
    said_ms: int | None = None
    asked: Mapping[str, Open] = field(default_factory=dict)
    ask_ms: int | None = None
    waiting: bool = False
    lost: bool = False
    fresh: bool = True
    held: Mapping[str, Value] = field(default_factory=dict)
    held_ms: int | None = None
    passed: dict[str, tuple[FieldValue, int]] = field(default_factory=dict)
    echo: bool = False
    told: frozenset[str] = frozenset()
    about: Mapping[str, str] = field(default_factory=dict)
    work_mode: int | None = None
    sensitivity: int | None = None

    @property
    def model(self) -> str:
        """The model as the radar calls itself; "" until it answered."""
        return self.about.get("model", "")

    @property
    def firmware(self) -> str:
        """The version of the radar's program; "" until it answered."""
        return self.about.get("firmware", "")


def start(devices: tuple[Device, ...], line: Line) -> State:
    """A driver that has heard nothing yet. The first step asks the radar for everything."""
    address = PREFIX + line.name
    device = next((one for one in devices if one.address == address), None)
    profile = profiles.PROFILES.get(device.profile, profiles.UNKNOWN) if device is not None else profiles.UNKNOWN
    return State(address, f"serial:{line.name}", device, profile, profile.states(None))
