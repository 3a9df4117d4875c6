"""What a TinyFrame of a Hi-Link radar means, and back. Serves arrow 2.

Owns the message types of the fall radar and of the vital-signs radar. Must not know framing, state or time. The types
of the two overlap (0A13 and 0A14 mean other things, in other sizes), so what a frame may mean follows the profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from struct import Struct

from nattevakt.edge.drivers.driver import Reading, Value
from nattevakt.edge.drivers.tinyframe.frame import Frame
from nattevakt.edge.errors import FrameError, RejectError

PREFIX = "tinyframe:"
FALL_RADAR = "MR60FDA2"
VITALS_RADAR = "MR60BHA2"
PROFILES: Mapping[str, str] = {
    FALL_RADAR: "fallradar i taket (MR60FDA2, HLK-LD6002C)",
    VITALS_RADAR: "radar for pust og puls (MR60BHA2, HLK-LD6002)",
}

FALL, PARAMETERS, PRESENT = 0x0E02, 0x0E06, 0x0F09
PHASES, BREATHING, HEART, DISTANCE = 0x0A13, 0x0A14, 0x0A15, 0x0A16
VITALS_SIZES: Mapping[int, int] = {PHASES: 12, BREATHING: 4, HEART: 4, DISTANCE: 8}
RATE_MAX = 300.0
"""Breaths or beats a minute beyond which a number is no rate."""
SENSITIVITIES = range(3, 31)

_F32, _U32 = Struct("<f"), Struct("<I")
_PARAMETERS = Struct("<ffI")
_AREA = Struct("<4f")
DELAYS_S: tuple[tuple[int, int, int], ...] = ((5, 3, 8), (9, 8, 15), (15, 15, 20), (19, 20, 30), (30, 30, 45))
"""(sensitivity up to, alarm after at least, at most). The maker's table; between its rows, from one to the next."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """A fall radar's settings as read back. area_m: left, right, front, back; missing from older firmware."""

    height_m: float
    threshold_m: float
    sensitivity: int
    area_m: tuple[float, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> Parameters:
        """From the data of a 0E06 reply. Raises FrameError."""
        if len(data) not in (_PARAMETERS.size, _PARAMETERS.size + _AREA.size):
            raise FrameError("tinyframe.parameters", f"{len(data)} bytes", data.hex())
        height_m, threshold_m, sensitivity = _PARAMETERS.unpack_from(data)
        area_m = _AREA.unpack_from(data, _PARAMETERS.size) if len(data) > _PARAMETERS.size else ()
        if not all(map(isfinite, (height_m, threshold_m, *area_m))):
            raise FrameError("tinyframe.parameters", "not a number", data.hex())
        return cls(height_m, threshold_m, sensitivity, area_m)

    def to_bytes(self) -> bytes:
        """The data of a 0E06 reply."""
        area = _AREA.pack(*self.area_m) if self.area_m else b""
        return _PARAMETERS.pack(self.height_m, self.threshold_m, self.sensitivity) + area


def delay_s(sensitivity: int) -> tuple[int, int] | None:
    """How long after a fall the radar's alarm comes, at least and at most; None for what it cannot be set to."""
    if sensitivity not in SENSITIVITIES:
        return None
    return next((low, high) for upto, low, high in DELAYS_S if sensitivity <= upto)


def spoken_by(frame: Frame) -> str:
    """The profile that alone sends such a frame; "" where both may, or nothing is known of it."""
    if frame.type >> 8 == 0x0E:
        return FALL_RADAR
    return VITALS_RADAR if VITALS_SIZES.get(frame.type) == len(frame.data) else ""


def decode(frame: Frame) -> Mapping[str, Value]:
    """What a frame that is not an acknowledgement says; nothing for types that are of no use here.

    Raises FrameError with the hex where the type is known and the data is not one of its values. A fall byte that is
    neither 0 nor 1 is a possible fall: a person is asked to look rather than not.
    """
    data = frame.data
    if frame.type == FALL:
        _sized(frame, 1)
        return {"fall": {0: "no", 1: "sure"}.get(data[0], "possible")}
    if frame.type == PRESENT:
        _sized(frame, 1)
        if data[0] > 1:
            raise FrameError("tinyframe.present", "neither 0 nor 1", frame.to_bytes().hex())
        return {"present": data[0] == 1}
    if frame.type == PARAMETERS:
        return {"sensitivity": Parameters.from_bytes(data).sensitivity}
    if frame.type in (BREATHING, HEART) and spoken_by(frame):
        (rate,) = _F32.unpack(data)
        # What is no number is not between any two either.
        if not 0 <= rate <= RATE_MAX:
            raise FrameError("tinyframe.rate", "not a rate", frame.to_bytes().hex())
        # 0 is how the radar says that it has no value.
        return {("breathing_rpm" if frame.type == BREATHING else "heart_bpm"): rate} if rate else {}
    return {}


def _sized(frame: Frame, size: int) -> None:
    if len(frame.data) != size:
        raise FrameError(f"tinyframe.{frame.type:04x}", f"{len(frame.data)} bytes", frame.to_bytes().hex())


def encode(reading: Reading, profile: str) -> bytes:
    """Frames that a radar of this profile would send for this reading, a state last. Raises RejectError."""
    if profile not in PROFILES:
        raise RejectError("profile", f"unknown profile {profile!r}")
    if not reading.address.startswith(PREFIX):
        raise RejectError("address", f"must be {PREFIX}<the name of the serial port>")
    values, frames = reading.values, []
    for name, kind in (("breathing_rpm", BREATHING), ("heart_bpm", HEART)):
        rate = values.get(name)
        if isinstance(rate, int | float):
            frames.append(Frame(kind, _F32.pack(rate)))
    sensitivity, present, fall = values.get("sensitivity"), values.get("present"), values.get("fall")
    if isinstance(sensitivity, int):
        frames.append(Frame(PARAMETERS, Parameters(2.2, 0.6, sensitivity, (0.5, 0.5, 0.5, 0.5)).to_bytes()))
    if isinstance(present, bool):
        frames.append(Frame(PRESENT, bytes((present,))))
    if fall == "possible":
        raise RejectError("values.fall", "this radar only knows no and sure")
    if fall is not None:
        frames.append(Frame(FALL, bytes((fall == "sure",))))
    if not frames or any(spoken_by(frame) not in ("", profile) for frame in frames):
        raise RejectError("values", f"a {profile} cannot say that")
    return b"".join(frame.to_bytes() for frame in frames)
