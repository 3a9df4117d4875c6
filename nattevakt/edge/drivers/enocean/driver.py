"""EnOcean as a driver: bytes in, readings out, with a probe of the link. Serves arrows 1 and 2.

Owns the partial frame and when it is given up, the question "are you there" to the transceiver, and the learn window.
Must not know the port, what telegrams mean, events or rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nattevakt.edge.drivers.driver import Device, Line, SourceState, Stepped
from nattevakt.edge.drivers.enocean.decode import encode
from nattevakt.edge.drivers.enocean.frame import Frame, PacketType, expire, feed
from nattevakt.edge.drivers.enocean.hearing import RLC_KEY, Hearing
from nattevakt.edge.drivers.enocean.products import PRODUCTS
from nattevakt.edge.drivers.enocean.profiles import PROFILES as BY_NAME
from nattevakt.edge.drivers.enocean.secure import Cipher, Lock
from nattevakt.edge.drivers.enocean.state import State
from nattevakt.edge.drivers.enocean.telegram import PREFIX
from nattevakt.edge.errors import RejectError

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

BAUD = 57_600
PER_LINE = False
INTER_BYTE_MS = 100
"""Silence after which a partial frame is given up (ESP3 1.47)."""
FRAME_MS = 250
"""The longest frame takes 174 ms at 57,600 baud; what is not whole by now began with a false header."""
PROBE_UNANSWERED_MS = 30_000
PROBE_ANSWERED_MS = 120_000
LINK_LOST_MS = 90_000
"""Asked three times and then without a frame of any sort: the transceiver is dead, and its port being open proves
nothing. Most of what it listens for is silent by nature, so nobody else would notice."""
PROFILES: Mapping[str, str] = {name: profile.meaning for name, profile in BY_NAME.items()}

READ_BASE_ID = Frame(PacketType.COMMON_COMMAND, b"\x08").to_bytes()
READ_VERSION = Frame(PacketType.COMMON_COMMAND, b"\x03").to_bytes()


def canonical(name: str) -> str:
    """Eight hexadecimal digits in capitals; raises RejectError."""
    if len(name) != 8 or any(c not in "0123456789abcdefABCDEF" for c in name):
        raise RejectError("address", f"must be {PREFIX}<8 hexadecimal digits>")
    return name.upper()


def start(devices: tuple[Device, ...], line: Line | None = None) -> State:
    """A driver that has heard nothing yet. The first step asks the transceiver for its base id and version.

    Raises RejectError when a key of the line is none.
    """
    own = {PREFIX + d.address.removeprefix(PREFIX).upper(): d for d in devices if d.address.startswith(PREFIX)}
    source = f"serial:{line.name}" if line is not None else "serial:"
    if line is None or line.aes is None:
        return State(own, source=source)
    locks = {address: _lock(d, line.keys[d.address]) for address, d in own.items() if d.address in line.keys}
    return State(own, source=source, cipher=Cipher(line.aes, line.unaes), locks=locks)


def _lock(device: Device, packed: bytes) -> Lock:
    try:
        return Lock.from_settings(packed)
    except RejectError as error:
        raise RejectError(f"key_file of {device.address}", error.reason) from None


def recall(memory: Mapping[str, str], state: State) -> State:
    """Rolling codes go on where an earlier run stopped; never further back than they are."""
    locks = dict(state.locks)
    for address, lock in state.locks.items():
        if (text := memory.get(RLC_KEY + address)) is not None:
            locks[address] = lock.recalled(text)
    return replace(state, locks=locks)


def learning(until_ms: int | None, state: State) -> State:
    """The learn window is open until a boottime, or closed."""
    return replace(state, learn_until_ms=until_ms, learned={}, parts={})


def step(given: bytes | None, now_ms: int, state: State) -> Stepped[State]:
    """Take bytes (or None: time has passed) and give readings, findings, bytes to send and when to come back.

    now_ms is the boottime at which the bytes were read from the port. Never raises, whatever the bytes.
    """
    work = Hearing(state, now_ms)
    buffer, since_ms = state.buffer, state.since_ms
    frames: tuple[Frame, ...] = ()
    if buffer and (now_ms - state.byte_ms > INTER_BYTE_MS or now_ms - since_ms > FRAME_MS):
        frames, counted = expire(buffer)
        buffer = b""
        _add(work, counted)
    byte_ms = state.byte_ms
    if given:
        found, rest, counted = feed(buffer, given)
        if not buffer or len(rest) < len(buffer) + len(given):
            since_ms = now_ms
        frames, buffer, byte_ms = frames + found, rest, now_ms
        _add(work, counted)
    for frame in frames:
        work.frame(frame)
    every_ms = PROBE_ANSWERED_MS if work.answered else PROBE_UNANSWERED_MS
    asked_ms = state.asked_ms
    if asked_ms is None or now_ms - asked_ms >= every_ms:
        work.to_send += (READ_BASE_ID, READ_VERSION)
        work.answered, every_ms = False, PROBE_UNANSWERED_MS
        asked_ms = now_ms
        work.count("probes")
    unanswered_ms = None if frames else state.unanswered_ms
    if unanswered_ms is None and not work.answered:
        unanswered_ms = now_ms
    heard, spoken = state.heard or bool(frames), state.spoken or work.answered
    lost = _link(work, state, frames, unanswered_ms, rx_only=heard and not spoken)
    wake_at_ms = asked_ms + every_ms
    if buffer:
        wake_at_ms = min(wake_at_ms, byte_ms + INTER_BYTE_MS + 1, since_ms + FRAME_MS + 1)
    after = replace(
        work.after(),
        buffer=buffer,
        byte_ms=byte_ms,
        since_ms=since_ms,
        asked_ms=asked_ms,
        unanswered_ms=unanswered_ms,
        heard=heard,
        spoken=spoken,
        lost=lost,
    )
    return Stepped(after, tuple(work.outputs), tuple(work.to_send), wake_at_ms, work.counted)


def _link(work: Hearing, state: State, frames: tuple[Frame, ...], unanswered_ms: int | None, *, rx_only: bool) -> bool:
    """Whether the transceiver counts as dead; said when that changes. rx_only: it hands over, but never answered."""
    if frames:
        if state.lost:
            work.count("link_back")
            work.outputs.insert(0, SourceState(state.source, up=True))
        return False
    if state.lost or unanswered_ms is None or work.now_ms - unanswered_ms < LINK_LOST_MS:
        return state.lost
    if rx_only:
        work.tell("", "mottakeren svarer ikke på spørsmål; om den lever, vises bare når en sensor høres")
        return False
    work.count("link_lost")
    work.outputs.append(SourceState(state.source, up=False, reason="transceiver does not answer"))
    return True


def _add(work: Hearing, counted: Mapping[str, int]) -> None:
    for what, number in counted.items():
        work.count(what, number)
