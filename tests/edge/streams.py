"""A bad cable for every serial driver: streams of valid frames with damaged bytes, and what came out of them.

Each byte of the line is damaged with a chance of 5 %. Of the damaged bytes, one half is replaced, one fifth dropped,
one fifth stands behind an inserted byte, and one tenth falls in bursts of 2 to 8 replaced bytes. Three in ten of the
values that replace or are inserted are taken from the frames themselves, because a false sync byte does more harm than
noise. Bytes arrive with the line's speed, in chunks of 1 to 128, up to 15 ms late; between frames the line pauses now
and then, from 5 ms to 3 s.

A frame is intact when each of its own bytes arrived, in order and with nothing between them, whatever happened on both
sides of it. It must come out of `step`, and no later than 200 ms after the line fell silent. The driver is called as
the gateway calls it: with each chunk when it is read, with None when its `wake_at_ms` has come.

A driver's sample is the module tests/edge/stream_samples/<driver>.py with the constant SAMPLE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from random import Random
from typing import Any, Protocol

from nattevakt.edge.drivers.driver import Device, Line, Reading, Stepped

DAMAGED_SHARE = 0.05
"""Of the line's bytes."""
REPLACED, DROPPED, INSERTED, BURST = 0.5, 0.2, 0.2, 0.1
"""Shares of the damaged bytes."""
BURST_BYTES = (2, 8)
FROM_FRAMES_SHARE = 0.3
PAUSE_SHARE = 0.03
PAUSES_MS = (5, 20, 60, 110, 199, 201, 400, 1000, 3000)
CHUNK_BYTES = (1, 1, 2, 3, 5, 8, 13, 21, 34, 64, 128)
LATE_READ_MS = 15
SILENCE_MS = 200
"""After this much silence every intact frame must have come out."""
WAKES_MAX = 50
"""Wake-ups in a row at the same moment beyond which a driver goes round in circles."""

Key = tuple[object, ...]


class Stepping(Protocol):
    """What is judged of a serial driver."""

    def start(self, devices: tuple[Device, ...], line: Line) -> Any:
        """A state that has heard nothing yet."""

    def step(self, given: bytes | None, now_ms: int, state: Any) -> Stepped[Any]:
        """Take bytes, or None when time has passed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a serial driver is judged by.

    make: frame number n (0, 1, 2 …) as it travels on the line. Each must by itself give exactly one reading, and
    differ from the two hundred before it, so that it can be told which one came out. preamble: sent whole and undamaged
    before the stream, what the device answers when it is first asked. baud: the line's speed, 8N1. driver: in the
    registry's stead, for a radio whose driver says only what changed.
    """

    devices: tuple[Device, ...]
    make: Callable[[int], bytes]
    baud: int
    preamble: bytes = b""
    line: Line = field(default_factory=lambda: Line("stream"))
    driver: Stepping | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """One frame as sent: whether its own bytes are intact, where and when its last byte arrives."""

    raw: bytes
    intact: bool
    end: int
    end_ms: float


@dataclass(frozen=True, slots=True)
class Stream:
    """sent: all frames in order. chunks: (boottime, bytes) as read. due_ms: by when each frame must be out."""

    sent: tuple[Sent, ...]
    chunks: tuple[tuple[int, bytes], ...]
    due_ms: tuple[float, ...]
    damaged_share: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out. missing: intact frames that never did. late: those that did, but past their time.

    invented: readings that no frame of the stream gives (an 8-bit checksum lets one damaged frame in some 256 pass).
    worst_ms: the longest that an intact frame came out after the line had fallen silent.
    """

    intact: int
    missing: tuple[Sent, ...]
    late: tuple[Sent, ...]
    invented: int
    worst_ms: float
    damaged_share: float

    @property
    def decoded_share(self) -> float:
        """Of the intact frames, those that came out, late or not."""
        return 1 - len(self.missing) / self.intact

    def __str__(self) -> str:
        return (
            f"{self.intact} intact, {len(self.missing)} missing ({self.decoded_share:.4%} decoded),"
            f" {len(self.late)} late, worst {self.worst_ms:.0f} ms after silence, {self.invented} invented,"
            f" {self.damaged_share:.2%} damaged"
        )


def sample_of(driver_name: str) -> Sample:
    """The sample of a driver by its name in the registry; a driver without one is an error."""
    sample = import_module(f"tests.edge.stream_samples.{driver_name}").SAMPLE
    assert isinstance(sample, Sample)
    return sample


class _Damage:
    """Damages bytes as they pass, with the same chance for each."""

    def __init__(self, rng: Random, frames: Sequence[bytes]) -> None:
        self._rng = rng
        self._own = b"".join(frames[:200])
        # A burst is one event of five bytes on average, so there are fewer events than damaged bytes.
        singles = REPLACED + DROPPED + INSERTED
        bursts = BURST / (sum(BURST_BYTES) / 2)
        self._chance = DAMAGED_SHARE * (singles + bursts)
        self._kinds = (REPLACED, DROPPED, INSERTED, bursts)
        self._left = self._gap()
        self._burst = 0
        self.damaged = 0

    def _gap(self) -> int:
        return int(self._rng.expovariate(self._chance))

    def _noise(self) -> int:
        if self._rng.random() < FROM_FRAMES_SHARE:
            return self._own[self._rng.randrange(len(self._own))]
        return self._rng.randrange(256)

    def _replace(self, byte: int) -> int:
        self.damaged += 1
        other = self._noise()
        return other if other != byte else byte ^ self._rng.randrange(1, 256)

    def frame(self, raw: bytes) -> tuple[bytes, bool]:
        """What arrives of a frame, and whether all of it did, untouched."""
        arrived = bytearray()
        intact, at, size = True, 0, len(raw)
        while at < size:
            if self._burst:
                self._burst -= 1
                arrived.append(self._replace(raw[at]))
                at, intact = at + 1, False
                continue
            whole = min(self._left, size - at)
            arrived += raw[at : at + whole]
            self._left -= whole
            at += whole
            if at == size:
                break
            self._left = self._gap()
            (kind,) = self._rng.choices("rdib", self._kinds)
            if kind == "i":
                self.damaged += 1
                arrived += bytes((self._noise(), raw[at]))
                intact = intact and at == 0
            elif kind == "d":
                self.damaged += 1
                intact = False
            else:
                self._burst = self._rng.randint(*BURST_BYTES) - 1 if kind == "b" else 0
                arrived.append(self._replace(raw[at]))
                intact = False
            at += 1
        return bytes(arrived), intact


def build(frames: Sequence[bytes], baud: int, rng: Random, start_ms: int = 1000) -> Stream:
    """The frames on a bad line that is otherwise busy."""
    damage = _Damage(rng, frames)
    byte_ms = 10_000 / baud
    sent: list[Sent] = []
    chunks: list[tuple[int, bytes]] = []
    quiet_after: list[bool] = []
    burst, burst_ms, before = bytearray(), float(start_ms), 0
    read_ms = start_ms
    for raw in frames:
        arrived, intact = damage.frame(raw)
        burst += arrived
        end_ms = burst_ms + len(burst) * byte_ms
        sent.append(Sent(raw, intact, before + len(burst), end_ms))
        last = len(sent) == len(frames)
        pause_ms = rng.choice(PAUSES_MS) if last or rng.random() < PAUSE_SHARE else 0
        quiet_after.append(last or pause_ms >= SILENCE_MS)
        if pause_ms or last:
            for end, chunk in _cut(bytes(burst), rng):
                read_ms = max(read_ms, int(burst_ms + end * byte_ms + rng.random() ** 4 * LATE_READ_MS) + 1)
                chunks.append((read_ms, chunk))
            before += len(burst)
            burst_ms = max(end_ms, read_ms) + pause_ms
            burst = bytearray()
    due_ms: list[float] = []
    silent_ms = sent[-1].end_ms
    for one, quiet in zip(reversed(sent), reversed(quiet_after), strict=True):
        silent_ms = one.end_ms if quiet else silent_ms
        due_ms.append(silent_ms + SILENCE_MS)
    share = damage.damaged / sum(map(len, frames))
    return Stream(tuple(sent), tuple(chunks), tuple(reversed(due_ms)), share)


def _cut(burst: bytes, rng: Random) -> Iterator[tuple[int, bytes]]:
    """A burst as the port's thread reads it: (number of bytes so far, chunk)."""
    at = 0
    while at < len(burst):
        size = rng.choice(CHUNK_BYTES)
        yield min(at + size, len(burst)), burst[at : at + size]
        at += size


class Judge:
    """One driver at the end of bad lines. Keeps what each frame means by itself, so that many seeds cost little."""

    def __init__(self, driver: Stepping, sample: Sample) -> None:
        self._driver = sample.driver or driver
        self._sample = sample
        self._meanings: dict[bytes, Key] = {}
        self._frames: list[bytes] = []
        state = self._driver.start(sample.devices, sample.line)
        for given in (None, sample.preamble or None):
            state = self._driver.step(given, 0, state).state
        self._ready = state

    def _meaning(self, raw: bytes) -> Key:
        known = self._meanings.get(raw)
        if known is None:
            said = _readings(self._driver.step(raw, 1000, self._ready))
            assert len(said) == 1, f"a sample frame must give one reading, {raw.hex()} gives {said}"
            known = self._meanings[raw] = said[0]
        return known

    def judge(self, seed: int, count: int) -> Verdict:
        """Send `count` frames over a bad line and compare what comes out with what arrived intact."""
        rng = Random(seed)
        self._frames += [self._sample.make(number) for number in range(len(self._frames), count)]
        stream = build(self._frames[:count], self._sample.baud, rng)
        waiting: dict[Key, list[int]] = {}
        for number, one in enumerate(stream.sent):
            meaning = self._meaning(one.raw)
            if one.intact:
                waiting.setdefault(meaning, []).append(number)
        late: list[Sent] = []
        invented, worst_ms, missing = 0, -float(SILENCE_MS), sum(map(len, waiting.values()))
        intact = missing
        meanings = set(self._meanings.values())
        for now_ms, fed, key in self._outcome(stream, rng):
            arrived = [n for n in waiting.get(key, ()) if stream.sent[n].end <= fed]
            if not arrived:
                invented += key not in meanings
                continue
            number = arrived[-1]
            waiting[key].remove(number)
            overdue_ms = now_ms - stream.due_ms[number]
            worst_ms = max(worst_ms, overdue_ms)
            if overdue_ms > 0:
                late.append(stream.sent[number])
        lost = tuple(stream.sent[n] for numbers in waiting.values() for n in numbers)
        return Verdict(intact, lost, tuple(late), invented, worst_ms + SILENCE_MS, stream.damaged_share)

    def _outcome(self, stream: Stream, rng: Random) -> Iterator[tuple[int, int, Key]]:
        """Every reading with its moment and how many bytes had been given by then."""
        state, fed, wake_at_ms = self._ready, 0, None
        end_ms = stream.chunks[-1][0] + 10 * SILENCE_MS
        for now_ms, chunk in (*stream.chunks, (end_ms, b"")):
            round_ms, rounds = -1, 0
            while wake_at_ms is not None and wake_at_ms <= now_ms:
                # The core's queue wakes it a little late; time never goes back.
                woken_ms = min(now_ms, max(wake_at_ms, round_ms) + rng.randrange(3))
                rounds = rounds + 1 if woken_ms == round_ms else 0
                assert rounds < WAKES_MAX, f"woken {rounds} times at {woken_ms}"
                round_ms = woken_ms
                stepped: Stepped[Any] = self._driver.step(None, woken_ms, state)
                state, wake_at_ms = stepped.state, stepped.wake_at_ms
                for key in _readings(stepped):
                    yield woken_ms, fed, key
            if chunk:
                fed += len(chunk)
                stepped = self._driver.step(chunk, now_ms, state)
                state, wake_at_ms = stepped.state, stepped.wake_at_ms
                for key in _readings(stepped):
                    yield now_ms, fed, key


def _readings(stepped: Stepped[Any]) -> list[Key]:
    return [
        (said.address, said.raw, *sorted(said.values.items())) for said in stepped.outputs if isinstance(said, Reading)
    ]
