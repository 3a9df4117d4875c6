"""Every driver by itself: frames a second and CPU a frame through `step`, beside a naive reader and the line's rate.

Serial: the frames of tests/edge/stream_samples, undamaged, in chunks of 512 bytes, what a line of
256,000 baud brings in 20 ms.
The floor is a reader that puts one byte after the other into a list, looks for the sync byte and computes the checksum
anew at each: the way such readers are written first. The bar: 50 times what the line can carry at the driver's own
speed, and at 256,000 baud. MQTT: a message of each kind in tests/frames through `step`, beside
`json.loads` of the same payloads; no bar.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial

from bench.figures import Bar, Figure, interleaved, report, say
from nattevakt.edge.drivers.driver import MqttMessage
from nattevakt.edge.drivers.registry import MQTT_DIALECTS, SERIAL_DRIVERS
from tests.edge.streams import sample_of
from tests.fuzz.corpus import DRIVERS
from tests.fuzz.harness import ESPHOME, devices_of, vectors

FRAMES = 4_000
TURNS = 5
CHUNK_BYTES = 512
BAUD_MOST = 256_000
BITS_A_BYTE = 10
"""8N1: a start bit, eight of data, a stop bit."""
LINE_TIMES = 50.0
SYNC = {"enocean": b"\x55", "micradar": b"\x53\x59", "tinyframe": b"\x01"}
"""What a naive reader looks for; any other driver's: the first bytes of its frame."""


def _chunks(frames: Sequence[bytes]) -> list[bytes]:
    stream = b"".join(frames)
    return [stream[at : at + CHUNK_BYTES] for at in range(0, len(stream), CHUNK_BYTES)]


def stepped_per_s(name: str, frames: Sequence[bytes]) -> float:
    """Frames a second of processor time through a driver's `step`; every frame must be framed."""
    sample, driver = sample_of(name), SERIAL_DRIVERS[name]
    first = driver.step(None, 0, driver.start(sample.devices, sample.line))
    state = driver.step(sample.preamble, 0, first.state).state if sample.preamble else first.state
    chunks, counted = _chunks(frames), 0
    byte_ms = 1000 * BITS_A_BYTE / sample.baud
    began = time.process_time()
    for number, chunk in enumerate(chunks):
        found = driver.step(chunk, int(number * CHUNK_BYTES * byte_ms), state)
        state = found.state
        counted += found.counted.get("frames", 0)
    elapsed_s = time.process_time() - began
    assert counted == len(frames), f"{name}: {counted} of {len(frames)} frames"
    return len(frames) / elapsed_s


def naive_per_s(sync: bytes, sizes: Sequence[int], frames: Sequence[bytes]) -> float:
    """Frames a second of processor time with one byte at a time, a list, and a sum over all that is there."""
    stream = b"".join(frames)
    began = time.process_time()
    waiting: list[int] = []
    found = 0
    for byte in stream:
        waiting.append(byte)
        while waiting and bytes(waiting[: len(sync)]) != sync[: len(waiting)]:
            waiting.pop(0)
        checksum = 0
        for one in waiting:
            checksum = (checksum + one) & 0xFF
        if len(waiting) >= sizes[found % len(sizes)]:
            found, waiting = found + (checksum < 256), []
    elapsed_s = time.process_time() - began
    return found / elapsed_s


def _serial(name: str, count: int, turns: int) -> list[Figure]:
    sample = sample_of(name)
    frames = [sample.make(number) for number in range(count)]
    sync = SYNC.get(name, frames[0][:2])
    sizes = [len(frame) for frame in frames]
    found = interleaved(partial(stepped_per_s, name, frames), partial(naive_per_s, sync, sizes, frames), turns)
    bar = Bar(LINE_TIMES, "x line", at_most=False)
    figures = []
    for baud in sorted({sample.baud, BAUD_MOST}):
        line_per_s = baud / BITS_A_BYTE / (sum(sizes) / len(sizes))
        what = f"{name}, through step, beside a line of {baud:,} baud"
        note = f"{name}: {1e6 / found.measured:.1f} µs a frame" if baud == sample.baud else ""
        ratio = found.measured / line_per_s
        figures.append(Figure("drivers", what, found.measured, line_per_s, "/s", ratio, bar, note))
    what = f"{name}, beside a naive reader"
    return [*figures, Figure("drivers", what, found.measured, found.floor, "/s", found.ratio)]


def messages_of(name: str) -> list[MqttMessage]:
    """The published messages of a dialect."""
    found = []
    for vector in vectors():
        protocol = str(vector["protocol"])
        if name in DRIVERS.get(protocol, (protocol,)) and "topic" in vector:
            found.append(MqttMessage(str(vector["topic"]), str(vector["payload"]).encode()))
    if name == "esphome":
        found += [MqttMessage(topic, payload.encode()) for topic, payload in ESPHOME]
    return found


def _per_s(count: int, work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return count / (time.process_time() - began)


def _dialect(name: str, count: int, turns: int) -> list[Figure]:
    messages = messages_of(name)
    if not messages:
        return []
    many = [messages[number % len(messages)] for number in range(count)]
    dialect, devices = MQTT_DIALECTS[name], devices_of(name, 0)

    def product() -> None:
        state = dialect.start(dialect.ROOT, devices)
        for message in many:
            state = dialect.step(message, 0, state).state

    def floor() -> None:
        for message in many:
            try:
                json.loads(message.payload)
            except ValueError:
                continue

    found = interleaved(partial(_per_s, count, product), partial(_per_s, count, floor), turns)
    note = f"{name}: {1e6 / found.measured:.1f} µs a message"
    return [Figure("drivers", f"{name}, beside json.loads", found.measured, found.floor, "/s", found.ratio, None, note)]


def run(frames: int = FRAMES, turns: int = TURNS) -> list[Figure]:
    """Figures of every driver in the registry."""
    figures: list[Figure] = []
    for name in SERIAL_DRIVERS:
        say(f"drivers: {name}")
        figures += _serial(name, frames, turns)
    for name in MQTT_DIALECTS:
        say(f"drivers: {name}")
        figures += _dialect(name, frames, turns)
    return figures


if __name__ == "__main__":
    report(run())
