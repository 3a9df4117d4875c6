"""A radar alone on its serial line: its device, its life, and what it last said. Serves arrow 2.

Owns the device's address ("<prefix><port name>": the line itself is the identity), silence, and how often the same is
said again. Must not know frames. A radar speaks many times a second: only a change becomes a reading at once, the rest
one reading a minute, which shows that the device is heard and carries the newest measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nattevakt.edge.drivers.driver import Device, Finding, Line, Reading, Said, SourceState, Value
from nattevakt.edge.errors import RejectError

SILENT_MS = 60_000
"""A radar that says nothing for so long is lost: what it last said holds no longer."""
AGAIN_MS = 60_000
"""How often what has not changed is said again."""
TOLD_MAX = 50


@dataclass(frozen=True, slots=True)
class Radar:
    """What is remembered of one radar. heard: values since the last reading. states: as last said, numbers aside."""

    address: str
    source: str
    device: Device | None = None
    opened_ms: int | None = None
    alive_ms: int | None = None
    lost: bool = False
    said_ms: int | None = None
    states: Mapping[str, Value] = field(default_factory=dict)
    heard: Mapping[str, Value] = field(default_factory=dict)
    told: frozenset[str] = frozenset()


def radar_on(prefix: str, devices: tuple[Device, ...], line: Line) -> Radar:
    """The radar on a line: the device configured for that address, or none."""
    address = prefix + line.name
    device = next((one for one in devices if one.address == address), None)
    return Radar(address, f"serial:{line.name}", device)


def port_name(prefix: str, name: str) -> str:
    """A port's name as settings may hold it; raises RejectError."""
    if not 0 < len(name) <= 40 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise RejectError("address", f"must be {prefix}<the name of the serial port>")
    return name


class Whole(Protocol):
    """A frame as it came; its bytes are made only where a reading shows them."""

    def to_bytes(self) -> bytes:
        """The frame as it travels on the line."""


class Telling:
    """One step of one radar in the making: the mutable inside of a pure function."""

    def __init__(self, radar: Radar, now_ms: int) -> None:
        self.now_ms = now_ms
        self.radar = radar
        self.outputs: list[Said] = []
        self.counted: dict[str, int] = {}
        self.states = dict(radar.states)
        self.heard = dict(radar.heard)
        self.said_ms = radar.said_ms
        self.alive_ms = radar.alive_ms
        self.lost = radar.lost
        self.told = radar.told

    def count(self, what: str, number: int = 1) -> None:
        """Add to a counter."""
        self.counted[what] = self.counted.get(what, 0) + number

    def tell(self, sentence: str) -> None:
        """Say a finding once."""
        if sentence not in self.told and len(self.told) < TOLD_MAX:
            self.told |= {sentence}
            self.outputs.append(Finding(self.radar.address, sentence))

    def untell(self, sentence: str) -> None:
        """A finding that no longer holds may be said again when it does."""
        self.told -= {sentence}

    def alive(self) -> bool:
        """The radar spoke as it should. True when it had been lost until now."""
        self.alive_ms = self.now_ms
        if not self.lost:
            return False
        self.lost = False
        self.count("radar_back")
        self.outputs.append(SourceState(self.radar.source, up=True))
        return True

    def say(self, values: Mapping[str, Value], frame: Whole) -> None:
        """What one frame means: a state that changed is said now, everything else when it is due."""
        changed = False
        for name, value in values.items():
            self.heard[name] = value
            if not isinstance(value, float) and self.states.get(name) != value:
                self.states[name] = value
                changed = True
        if changed:
            self._utter(frame)

    def _due(self) -> bool:
        """Whether what was heard is to be said though nothing changed."""
        return bool(self.heard) and (self.said_ms is None or self.now_ms - self.said_ms >= AGAIN_MS)

    def _utter(self, frame: Whole | None) -> None:
        raw = frame.to_bytes().hex()[:400] if frame is not None else ""
        self.outputs.append(Reading(self.radar.address, dict(self.heard), raw))
        self.heard.clear()
        self.said_ms = self.now_ms

    def finish(self, frame: Whole | None) -> Radar:
        """What is due is said, silence is judged, and this is what to remember. frame: the latest, if any came."""
        opened_ms = self.radar.opened_ms if self.radar.opened_ms is not None else self.now_ms
        since_ms = opened_ms if self.alive_ms is None else self.alive_ms
        if not self.lost and self.now_ms - since_ms >= SILENT_MS:
            self.lost = True
            self.states.clear()
            self.heard.clear()
            self.said_ms = None
            self.count("radar_lost")
            self.outputs.append(
                SourceState(self.radar.source, up=False, reason=f"radar silent for {SILENT_MS // 1000} s")
            )
        elif self._due():
            self._utter(frame)
        # Made anew rather than by `replace`, which costs as much as all the rest of a quiet step.
        return Radar(
            self.radar.address,
            self.radar.source,
            self.radar.device,
            opened_ms,
            self.alive_ms,
            self.lost,
            self.said_ms,
            self.states,
            self.heard,
            self.told,
        )


def silence_ms(radar: Radar) -> int | None:
    """When this radar will have been silent for too long; None where that is known already."""
    if radar.lost or radar.opened_ms is None:
        return None
    return (radar.opened_ms if radar.alive_ms is None else radar.alive_ms) + SILENT_MS
