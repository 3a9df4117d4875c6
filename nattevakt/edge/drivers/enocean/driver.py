"""EnOcean as a driver: bytes in, readings out, with a probe of the link. Serves arrows 1 and 2.

Owns the partial frame, repeated telegrams, what has been said to the installer, and the question "are you
there" to the transceiver. Must not know the port, events or rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nattevakt.edge.drivers.driver import Device, Finding, Reading, SourceState, Stepped
from nattevakt.edge.drivers.enocean import decode as erp1
from nattevakt.edge.drivers.enocean.decode import KNOWN_RORGS, PROFILES, SECURED, Telegram, encode
from nattevakt.edge.drivers.enocean.frame import Frame, PacketType, expire, feed
from nattevakt.edge.errors import FrameError

__all__ = ["PROFILES", "State", "encode", "start", "step"]

INTER_BYTE_MS = 100
"""Silence after which a partial frame is given up (ESP3 1.47)."""
REPEAT_MS = 1000
"""Repeaters deliver the same telegram up to three times within about a second."""
PROBE_UNANSWERED_MS = 30_000
PROBE_ANSWERED_MS = 600_000
PREFIX = "enocean:"
TOLD_MAX = 500
"""Most findings remembered as already said; further new ones are only counted."""

READ_BASE_ID = Frame(PacketType.COMMON_COMMAND, b"\x08").to_bytes()
READ_VERSION = Frame(PacketType.COMMON_COMMAND, b"\x03").to_bytes()


@dataclass(frozen=True, slots=True)
class Last:
    """The newest telegram of one sender, for telling repeats from news."""

    rorg: int
    payload: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by the number of configured devices, TOLD_MAX and one frame."""

    devices: Mapping[str, Device]
    buffer: bytes = b""
    byte_ms: int = 0
    last: Mapping[str, Last] = field(default_factory=dict)
    told: frozenset[Finding] = frozenset()
    asked_ms: int | None = None
    base_id: str | None = None
    version: str | None = None
    answered: bool = False


def start(devices: tuple[Device, ...]) -> State:
    """A driver that has heard nothing yet. The first step asks the transceiver for its base id and version."""
    own = (d for d in devices if d.address.startswith(PREFIX))
    return State({PREFIX + d.address.removeprefix(PREFIX).upper(): d for d in own})


class _Step:
    """One step in the making: the mutable inside of a pure function."""

    def __init__(self, state: State, now_ms: int) -> None:
        self.now_ms = now_ms
        self.devices = state.devices
        self.last = dict(state.last)
        self.told = set(state.told)
        self.base_id, self.version, self.answered = state.base_id, state.version, state.answered
        self.outputs: list[Reading | Finding | SourceState] = []
        self.counted: dict[str, int] = {}

    def count(self, what: str, number: int = 1) -> None:
        self.counted[what] = self.counted.get(what, 0) + number

    def tell(self, address: str, sentence: str) -> None:
        """Say a finding once; the memory of what was said is bounded."""
        finding = Finding(address, sentence)
        if finding not in self.told and len(self.told) < TOLD_MAX:
            self.told.add(finding)
            self.outputs.append(finding)

    def frame(self, frame: Frame) -> None:
        self.count("frames")
        if frame.packet_type == PacketType.RESPONSE:
            self._response(frame)
        elif frame.packet_type == PacketType.RADIO_ERP1:
            try:
                self._telegram(Telegram.from_frame(frame))
            except FrameError:
                self.count("undecodable")
        else:
            self.count("other_packets")

    def _response(self, frame: Frame) -> None:
        """Any answer shows a living link; a base id has 5 bytes, a version 33."""
        self.answered = True
        self.count("responses")
        if frame.data[0] != 0:
            self.count("responses_not_ok")
        elif len(frame.data) == 5:
            self.base_id = frame.data[1:5].hex().upper()
        elif len(frame.data) >= 9:
            self.version = ".".join(str(b) for b in frame.data[1:5])

    def _telegram(self, telegram: Telegram) -> None:
        address = telegram.address
        if telegram.rorg in SECURED:
            self.count("secured_unsupported")
            self.tell(address, "sender krypterte telegrammer, som ikke støttes; slå av sikker modus på enheten")
            return
        if telegram.rorg not in KNOWN_RORGS:
            self.count("unknown_rorg")
            return
        if telegram.learns:
            self.count("learn")
            self.tell(address, "har sendt innlæringstelegram")
            return
        device = self.devices.get(address)
        if device is None:
            self.count("no_profile")
            self.tell(address, "høres, men er ikke satt opp med noen profil")
            return
        if self._repeated(telegram):
            self.count("repeated")
            return
        try:
            said = erp1.decode(telegram, device)
        except FrameError as error:
            self.tell(address, f"sendte noe som profilen {device.profile} ikke kjenner: {error.raw}")
            raise
        if isinstance(said, Finding):
            self.count("profile_mismatch")
            self.tell(said.address, said.sentence)
        else:
            self.outputs.append(said)

    def _repeated(self, telegram: Telegram) -> bool:
        """Only the sender's latest payload counts, so a quick press, release, press is three telegrams."""
        last = self.last.get(telegram.address)
        if (
            last is not None
            and (last.rorg, last.payload) == (telegram.rorg, telegram.payload)
            and 0 <= self.now_ms - last.at_ms <= REPEAT_MS
        ):
            return True
        self.last[telegram.address] = Last(telegram.rorg, telegram.payload, self.now_ms)
        return False


def step(given: bytes | None, now_ms: int, state: State) -> Stepped[State]:
    """Take bytes (or None: time has passed) and give readings, findings, probes to send and when to come back.

    now_ms is the boottime at which the bytes were read from the port. Never raises, whatever the bytes.
    """
    work = _Step(state, now_ms)
    buffer = state.buffer
    frames: tuple[Frame, ...] = ()
    if buffer and now_ms - state.byte_ms > INTER_BYTE_MS:
        found, counted = expire(buffer)
        frames, buffer = found, b""
        _add(work, counted)
    byte_ms = state.byte_ms
    if given:
        found, buffer, counted = feed(buffer, given)
        frames += found
        byte_ms = now_ms
        _add(work, counted)
    for frame in frames:
        work.frame(frame)
    every_ms = PROBE_ANSWERED_MS if work.answered else PROBE_UNANSWERED_MS
    asked_ms = state.asked_ms
    to_send: tuple[bytes, ...] = ()
    answered = work.answered
    if asked_ms is None or now_ms - asked_ms >= every_ms:
        to_send = (READ_BASE_ID, READ_VERSION)
        asked_ms, answered = now_ms, False
        every_ms = PROBE_UNANSWERED_MS
        work.count("probes")
    wake_at_ms = asked_ms + every_ms
    if buffer:
        wake_at_ms = min(wake_at_ms, byte_ms + INTER_BYTE_MS + 1)
    after = replace(
        state,
        buffer=buffer,
        byte_ms=byte_ms,
        last=work.last,
        told=frozenset(work.told),
        asked_ms=asked_ms,
        base_id=work.base_id,
        version=work.version,
        answered=answered,
    )
    return Stepped(after, tuple(work.outputs), to_send, wake_at_ms, work.counted)


def _add(work: _Step, counted: Mapping[str, int]) -> None:
    for what, number in counted.items():
        work.count(what, number)
