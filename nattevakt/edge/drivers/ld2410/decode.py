"""What an LD2410 or LD2450 report means, and back. Serves arrow 2.

Owns the fields of the reports. Must not know framing, state or time. Presence and movement only: neither radar can see
a fall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from nattevakt.edge.drivers.driver import Reading
from nattevakt.edge.drivers.ld2410.frame import Frame, Kind
from nattevakt.edge.errors import FrameError, RejectError

PREFIX = "ld2410:"
PRESENCE_RADAR = "LD2410"
TRACKING_RADAR = "LD2450"
PROFILES: Mapping[str, str] = {
    PRESENCE_RADAR: "tilstedeværelsesradar (HLK-LD2410, også B og C)",
    TRACKING_RADAR: "bevegelsesradar som følger inntil tre (HLK-LD2450)",
}

_REPORT = Struct("<BHBHBH")
_TARGET = Struct("<HHHH")
_SIGN = 0x8000
TARGETS = 3


class Status(IntEnum):
    """What an LD2410 sees; from 4 on it measures its own noise and says nothing of the room."""

    NOBODY = 0
    MOVING = 1
    STILL = 2
    BOTH = 3
    CALIBRATING = 4
    CALIBRATED = 5
    CALIBRATION_FAILED = 6


@dataclass(frozen=True, slots=True)
class Report:
    """One LD2410 report. Energies in percent. gates: the rest of an engineering report, as it came.

    Distances mean something only for what the status names: "nobody" often comes with the last distance.
    """

    status: Status
    moving_cm: int
    moving_energy: int
    still_cm: int
    still_energy: int
    detection_cm: int
    gates: bytes = b""

    @classmethod
    def from_frame(cls, frame: Frame) -> Report:
        """Raises FrameError, also for a status that is none."""
        if frame.kind is Kind.TARGETS or len(frame.data) < _REPORT.size:
            raise FrameError("ld2410", "not an LD2410 report", frame.to_bytes().hex())
        status, moving_cm, moving_energy, still_cm, still_energy, detection_cm = _REPORT.unpack_from(frame.data)
        if status > Status.CALIBRATION_FAILED:
            raise FrameError("ld2410.status", f"{status} is none", frame.to_bytes().hex())
        gates = frame.data[_REPORT.size :]
        return cls(Status(status), moving_cm, moving_energy, still_cm, still_energy, detection_cm, gates)

    def to_frame(self) -> Frame:
        """The frame that the radar would send for it."""
        numbers = (self.moving_cm, self.moving_energy, self.still_cm, self.still_energy, self.detection_cm)
        kind = Kind.ENGINEERING if self.gates else Kind.BASIC
        return Frame(kind, _REPORT.pack(self.status, *numbers) + self.gates)

    @property
    def present(self) -> bool | None:
        """Whether somebody is there; None while the radar does not look."""
        return None if self.status > Status.BOTH else self.status != Status.NOBODY


def signed(word: int) -> int:
    """A number of an LD2450: the sign apart from the size, and bit 15 set means *positive*."""
    return word - _SIGN if word & _SIGN else -word


def unsigned(value: int) -> int:
    """The word for a number between -32767 and 32767."""
    return value + _SIGN if value >= 0 else -value


@dataclass(frozen=True, slots=True)
class Target:
    """One that moves, as an LD2450 sees it from its own place. speed: positive away from it."""

    x_mm: int
    y_mm: int
    speed_cm_s: int
    resolution_mm: int

    @classmethod
    def all_from_frame(cls, frame: Frame) -> tuple[Target, ...]:
        """Those that are there; an empty place is eight zeros. Raises FrameError."""
        if frame.kind is not Kind.TARGETS or len(frame.data) != TARGETS * _TARGET.size:
            raise FrameError("ld2450", "not an LD2450 report", frame.to_bytes().hex())
        words = [_TARGET.unpack_from(frame.data, _TARGET.size * place) for place in range(TARGETS)]
        return tuple(cls(signed(x), signed(y), signed(v), size) for x, y, v, size in words if x or y or v or size)

    def to_bytes(self) -> bytes:
        """Its eight bytes."""
        return _TARGET.pack(unsigned(self.x_mm), unsigned(self.y_mm), unsigned(self.speed_cm_s), self.resolution_mm)


def targets_frame(targets: tuple[Target, ...]) -> Frame:
    """The frame in which an LD2450 tells of at most three targets."""
    return Frame(Kind.TARGETS, b"".join(one.to_bytes() for one in targets).ljust(TARGETS * _TARGET.size, b"\0"))


BELIEVED = 2
"""So many equal reports in a row make a change: without a checksum one alone may be a damaged byte."""


def encode(reading: Reading, profile: str) -> bytes:
    """Reports that a radar of this profile sends for this reading, often enough to be believed. Raises RejectError."""
    if profile not in PROFILES:
        raise RejectError("profile", f"unknown profile {profile!r}")
    if not reading.address.startswith(PREFIX):
        raise RejectError("address", f"must be {PREFIX}<the name of the serial port>")
    name = "present" if profile == PRESENCE_RADAR else "motion"
    value = reading.values.get(name)
    if not isinstance(value, bool):
        raise RejectError(f"values.{name}", f"an {profile} can say nothing else")
    if profile == PRESENCE_RADAR:
        # "Nobody" with a distance left over, as the real one says it.
        report = Report(Status.STILL, 0, 0, 120, 60, 120) if value else Report(Status.NOBODY, 0, 0, 120, 0, 120)
        return report.to_frame().to_bytes() * BELIEVED
    return targets_frame((Target(-782, 1713, -16, 320),) if value else ()).to_bytes() * BELIEVED
