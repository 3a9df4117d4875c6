"""TinyFrame framing: every published vector, two slow readers written from the maker's rules, and a bad cable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.tinyframe.decode import Parameters, decode
from nattevakt.edge.drivers.tinyframe.frame import DATA_BYTES_MAX, FRAME_BYTES_MAX, Frame, feed, xor
from nattevakt.edge.errors import FrameError

FRAMES = Path(__file__).parents[1] / "frames" / "tinyframe.jsonl"
VECTORS = [json.loads(line) for line in FRAMES.read_text(encoding="utf-8").splitlines()]

MEANINGS = {
    "01800000000e0e7e": Frame(0x0E0E, number=0x8000),
    "01000000000e06f6": Frame(0x0E06),
    "01000000002110cf": Frame(0x2110),
    "01000000040e01f501000000fe": Frame(0x0E01, b"\1\0\0\0"),
    "01000000040e01f500000000ff": Frame(0x0E01, b"\0\0\0\0"),
    "01000000040e04f0000020409f": Frame(0x0E04, b"\0\0\x20\x40"),
    "01000000040e08fc9a99193fda": Frame(0x0E08, b"\x9a\x99\x19\x3f"),
    "01000000040e0afe03000000fc": Frame(0x0E0A, b"\3\0\0\0"),
    "01000000040e0afe0f000000f0": Frame(0x0E0A, b"\x0f\0\0\0"),
    "01000000040e0afe1e000000e1": Frame(0x0E0A, b"\x1e\0\0\0"),
}
"""What the vectors without `expect` are."""

EXPECTED: dict[str, Callable[[Frame], object]] = {
    "fall": lambda frame: {"sure": True, "no": False}.get(str(decode(frame)["fall"])),
    "present": lambda frame: decode(frame)["present"],
}
"""How each key of `expect` is read from a frame; a key that is not here fails the test."""


def given_up(rest: bytes) -> tuple[Frame, ...]:
    """What a line that falls silent still gives: the driver drops one start byte after the other."""
    found: tuple[Frame, ...] = ()
    while rest:
        more, rest, _ = feed(b"", rest[1:])
        found += more
    return found


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["hex"])
def test_every_vector_frames_and_decodes_or_is_refused_as_marked(vector: dict[str, object]) -> None:
    raw = bytes.fromhex(str(vector["hex"]))
    found, rest, _ = feed(b"", raw)
    if not vector["valid"]:
        assert found + given_up(rest) == ()
        with pytest.raises(FrameError):
            Frame.from_bytes(raw)
        return
    assert [frame.to_bytes() for frame in found] == [raw]
    assert Frame.from_bytes(raw) == found[0]
    expect = vector.get("expect")
    if expect is None:
        assert found[0] == MEANINGS[str(vector["hex"])]
        return
    assert isinstance(expect, dict)
    for key, value in expect.items():
        assert EXPECTED[key](found[0]) == value


def test_there_are_as_many_vectors_as_were_shared() -> None:
    assert len(VECTORS) == 14
    assert sum(not vector["valid"] for vector in VECTORS) == 1


frames = st.builds(
    Frame,
    st.one_of(st.sampled_from([0x0E02, 0x0F09, 0x0E06, 0x0A14, 0x0A08]), st.integers(0, 0xFFFF)),
    st.one_of(st.just(b""), st.binary(max_size=3), st.binary(max_size=40)),
    st.integers(0, 0xFFFF),
)
noise = st.one_of(
    st.binary(max_size=12),
    st.lists(st.sampled_from(b"\x00\x01\x0e\x02\xf3\xfe"), max_size=12).map(bytes),
)


def c_machine(stream: bytes) -> list[Frame]:
    """The maker's parser as its documentation describes it: a byte at a time, back to the start after a failure.

    id, length and type are collected most significant byte first; a checksum is the inverted exclusive or of what went
    before it; a frame of length 0 ends with its header's checksum.
    """
    found: list[Frame] = []
    state, number, length, kind, checksum, data, left = "sof", 0, 0, 0, 0, bytearray(), 0
    for byte in stream:
        if state == "sof":
            if byte == 1:
                state, number, length, kind, checksum, left = "id", 0, 0, 0, byte, 2
        elif state == "id":
            number, checksum, left = number << 8 | byte, checksum ^ byte, left - 1
            state, left = ("id", left) if left else ("len", 2)
        elif state == "len":
            length, checksum, left = length << 8 | byte, checksum ^ byte, left - 1
            state, left = ("len", left) if left else ("type", 2)
        elif state == "type":
            kind, checksum, left = kind << 8 | byte, checksum ^ byte, left - 1
            state = "type" if left else "head"
        elif state == "head":
            state = "sof"
            if byte == checksum ^ 0xFF:
                if length:
                    state, data, checksum = "data", bytearray(), 0
                else:
                    found.append(Frame(kind, b"", number))
        elif state == "data":
            data.append(byte)
            checksum ^= byte
            state = "data" if len(data) < length else "check"
        else:
            if byte == checksum ^ 0xFF:
                found.append(Frame(kind, bytes(data), number))
            state = "sof"
    return found


def rescanned(stream: bytes) -> list[Frame]:
    """Every start byte tried in turn on a stream that has ended; nothing is fast and nothing is waited for."""
    found: list[Frame] = []
    at = 0
    while at < len(stream):
        for size in (8, *range(10, 8 + DATA_BYTES_MAX + 2)):
            head = stream[at : at + 8]
            body = stream[at + 8 : at + size]
            if len(head) < 8 or head[0] != 1 or at + size > len(stream):
                continue
            length = head[3] * 256 + head[4]
            check = 0
            for byte in head[:7]:
                check ^= byte
            if check ^ head[7] != 255 or size != (8 if length == 0 else length + 9):
                continue
            check = 0
            for byte in body:
                check ^= byte
            if length and check != 255:
                continue
            found.append(Frame(head[5] * 256 + head[6], body[:-1], head[1] * 256 + head[2]))
            at += size - (2 if stream[at + size - 1] == 1 else 1)
            break
        at += 1
    return found


def test_the_makers_own_parser_waits_for_nothing_after_a_length_of_zero() -> None:
    raw = bytes.fromhex("01800000000e0e7e" + "01000000010e02f301fe")
    assert [frame.type for frame in c_machine(raw)] == [0x0E0E, 0x0E02]


def fits_a_false_start(frames: list[Frame]) -> bool:
    """Whether a checksum that looks like a start byte, with what follows it, would pass for a frame."""
    stream = b"".join(frame.to_bytes() for frame in frames)
    return rescanned(stream) != frames


@given(st.lists(frames, max_size=12))
def test_on_a_clean_line_we_read_what_the_makers_parser_reads(sent: list[Frame]) -> None:
    """Where we do not, a frame ended in 01 and the look at it as a start byte found a frame that nobody sent."""
    stream = b"".join(frame.to_bytes() for frame in sent)
    assert c_machine(stream) == sent
    found, rest, _ = feed(b"", stream)
    assert [*found, *given_up(rest)] == sent or fits_a_false_start(sent)


@given(st.lists(st.one_of(frames.map(Frame.to_bytes), noise), max_size=10).map(b"".join))
def test_on_a_dirty_line_we_find_what_a_slow_search_finds(stream: bytes) -> None:
    found, rest, _ = feed(b"", stream)
    slow = rescanned(stream)
    # What still waits may hide frames from us that the slow search, which waits for nothing, has seen.
    assert slow[: len(found)] == list(found)
    assert [*found, *given_up(rest)] == slow


@given(st.lists(st.one_of(frames.map(Frame.to_bytes), noise), max_size=10).map(b"".join), st.data())
def test_the_chunks_do_not_matter(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    rest = b""
    found: list[Frame] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        more, rest, _ = feed(rest, stream[start:end])
        found += more
        assert len(rest) < FRAME_BYTES_MAX
    whole, whole_rest, _ = feed(b"", stream)
    assert (found, rest) == (list(whole), whole_rest)


@given(st.binary(max_size=3000))
def test_any_bytes_are_counted_and_bounded(stream: bytes) -> None:
    found, rest, counted = feed(b"", stream)
    assert len(rest) < FRAME_BYTES_MAX
    used = sum(len(frame.to_bytes()) for frame in found)
    # A last byte that is looked at twice is counted twice.
    assert len(stream) <= used + len(rest) + counted.get("skipped", 0) <= len(stream) + len(found)


@given(frames)
def test_a_frame_round_trips(frame: Frame) -> None:
    raw = frame.to_bytes()
    assert Frame.from_bytes(raw) == frame
    assert len(raw) == (len(frame.data) + 9 if frame.data else 8)


@given(st.binary(min_size=1, max_size=DATA_BYTES_MAX))
def test_the_fold_is_an_exclusive_or(data: bytes) -> None:
    slow = 0
    for byte in data:
        slow ^= byte
    assert xor(data) == slow


@pytest.mark.parametrize(
    "text",
    ["", "01", "02000000010e02f301fe", "01000000010e02f201fe", "01000000010e02f301ff", "01000000010e02f301fe00"],
)
def test_what_is_not_one_whole_frame_is_refused(text: str) -> None:
    with pytest.raises(FrameError) as error:
        Frame.from_bytes(bytes.fromhex(text))
    assert error.value.raw == text


def test_a_length_over_the_makers_limit_is_noise_at_once() -> None:
    largest = Frame(0x0A08, bytes(DATA_BYTES_MAX))
    assert feed(b"", largest.to_bytes())[0] == (largest,)
    header = b"\x01\x00\x00" + (DATA_BYTES_MAX + 2).to_bytes(2, "big") + b"\x0a\x08"
    fall = Frame(0x0E02, b"\x01")
    found, rest, counted = feed(b"", header + bytes((xor(header) ^ 0xFF,)) + fall.to_bytes())
    assert (found, rest, counted["header_bad"]) == ((fall,), b"", 1)


@pytest.mark.parametrize("lost", range(len(Frame(0x0E02, b"\x01").to_bytes())))
def test_a_byte_lost_from_a_fall_costs_the_next_frame_nothing(lost: int) -> None:
    """The lost byte may be the 01 of the fall itself: then the next start byte fits as its checksum."""
    fall = Frame(0x0E02, b"\x01").to_bytes()
    present = Frame(0x0F09, b"\x01", 7)
    found, _, _ = feed(b"", fall[:lost] + fall[lost + 1 :] + present.to_bytes() * 2)
    assert found[-2:] == (present, present)


def test_settings_of_both_lengths_round_trip() -> None:
    for area_m in ((), (0.5, 0.5, 0.5, 0.5)):
        settings = Parameters(2.5, 0.5, 10, area_m)
        assert Parameters.from_bytes(settings.to_bytes()) == settings
    with pytest.raises(FrameError):
        Parameters.from_bytes(bytes(16))
