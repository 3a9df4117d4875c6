"""LD2410 and LD2450 as a driver: bytes in, presence or movement out. Serves arrows 1 and 2.

Owns the unfinished report, and when a change is believed. Must not know the port, events or rules.

Both radars report some ten times a second unasked, so nothing is sent to them: 60 s without a report of the room is a
radar lost. An LD2410 that calibrates itself does not look at the room, which is then unknown, not empty. An LD2450 sees
only what moves: it says movement, and never that a room is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nattevakt.edge.drivers.driver import Device, Line, Stepped
from nattevakt.edge.drivers.ld2410.decode import (
    PREFIX,
    PRESENCE_RADAR,
    PROFILES,
    TRACKING_RADAR,
    Report,
    Status,
    encode,
)
from nattevakt.edge.drivers.ld2410.frame import Frame, Kind, feed
from nattevakt.edge.drivers.ld2410.products import PRODUCTS
from nattevakt.edge.drivers.radar import Radar, Telling, port_name, radar_on, silence_ms
from nattevakt.edge.drivers.unfinished import Patience, Unfinished, take
from nattevakt.edge.errors import FrameError

__all__ = [
    "BAUD",
    "PER_LINE",
    "PREFIX",
    "PRODUCTS",
    "PROFILES",
    "State",
    "canonical",
    "encode",
    "learning",
    "recall",
    "start",
    "step",
]

BAUD = 256_000
PER_LINE = True
"""The line is the device."""
PATIENCE = Patience(silence_ms=100, frame_ms=150)
"""A report takes 3 ms on this line; the rest is what a busy machine may be late."""
CALIBRATES = "kalibrerer seg selv; så lenge er det ukjent om noen er i rommet"
CALIBRATION_FAILED = "klarte ikke å kalibrere seg selv; gjenta det i et tomt rom"


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by one report. doubt: the last report said otherwise than was believed."""

    radar: Radar
    unfinished: Unfinished = field(default_factory=Unfinished)
    seen: bool | None = None
    doubt: bool = False


def canonical(name: str) -> str:
    """The serial port's name; raises RejectError."""
    return port_name(PREFIX, name)


def start(devices: tuple[Device, ...], line: Line) -> State:
    """A driver that has heard nothing yet: whether somebody is there is unknown."""
    return State(radar_on(PREFIX, devices, line))


def recall(memory: Mapping[str, str], state: State) -> State:  # noqa: ARG001 - the contract of all drivers
    """There is nothing to remember: the radar says everything ten times a second."""
    return state


def learning(until_ms: int | None, state: State) -> State:  # noqa: ARG001 - the contract of all drivers
    """The line is the identity: there is nothing to learn."""
    return state


class _Step(Telling):
    """One step in the making."""

    def __init__(self, state: State, now_ms: int) -> None:
        super().__init__(state.radar, now_ms)
        self.seen, self.doubt = state.seen, state.doubt
        device = state.radar.device
        self.profile = device.profile if device is not None else ""
        self.name = "motion" if self.profile == TRACKING_RADAR else "present"

    def frames(self, frames: tuple[Frame, ...]) -> None:
        """All reports of one step."""
        if not frames:
            return
        self.count("frames", len(frames))
        if self.radar.device is None:
            self.count("no_profile", len(frames))
            self.tell("høres, men er ikke satt opp med noen profil")
            self.alive()
        elif self.profile not in PROFILES:
            self.tell(f"er satt opp med profilen {self.profile}, som ikke finnes for denne radaren")
        else:
            self._room(frames)

    def _room(self, frames: tuple[Frame, ...]) -> None:
        tracks = self.profile == TRACKING_RADAR
        silent = bytes(24)
        looked = False
        for frame in frames:
            if (frame.kind is Kind.TARGETS) is not tracks:
                self._mismatch(frame)
                continue
            if tracks:
                seen = frame.data != silent
            elif frame.data[0] <= Status.BOTH:
                seen = frame.data[0] != Status.NOBODY
            else:
                self._other(frame)
                continue
            looked = True
            if seen is not self.seen:
                self._changed(frame, seen)
            else:
                self.doubt = False
        if looked:
            self.alive()
            self.heard[self.name] = self.seen

    def _changed(self, frame: Frame, seen: bool) -> None:
        """The first report is believed; a change when two reports in a row say it."""
        if self.seen is not None and not self.doubt:
            self.doubt = True
            return
        self.seen, self.doubt = seen, False
        self.alive()
        self.say({self.name: seen}, frame)

    def _mismatch(self, frame: Frame) -> None:
        speaker = TRACKING_RADAR if frame.kind is Kind.TARGETS else PRESENCE_RADAR
        self.count("profile_mismatch")
        self.tell(f"sender som en {speaker}, men er satt opp med profilen {self.profile}")

    def _other(self, frame: Frame) -> None:
        """A status that says nothing of the room: it is no sign of life either, so the room becomes unknown."""
        try:
            status = Report.from_frame(frame).status
        except FrameError:
            self.count("undecodable")
            return
        self.count("calibrating")
        self.tell(CALIBRATION_FAILED if status is Status.CALIBRATION_FAILED else CALIBRATES)


def step(given: bytes | None, now_ms: int, state: State) -> Stepped[State]:
    """Take bytes (or None: time has passed) and give readings, findings and when to come back. Never raises."""
    frames, unfinished, counted = take(feed, state.unfinished, given, now_ms, PATIENCE)
    work = _Step(state, now_ms)
    for what, number in counted.items():
        work.count(what, number)
    work.frames(frames)
    radar = work.finish(frames[-1] if frames else None)
    wakes = (unfinished.due_ms(PATIENCE), silence_ms(radar))
    wake_at_ms = min((at_ms for at_ms in wakes if at_ms is not None), default=None)
    seen = None if radar.lost else work.seen
    return Stepped(State(radar, unfinished, seen, work.doubt), tuple(work.outputs), (), wake_at_ms, work.counted)
