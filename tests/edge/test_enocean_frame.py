"""ESP3 framing: every published vector, and whatever a bad cable can do to a stream."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.enocean.frame import FRAME_BYTES_MAX, HEADER_SIZE, Frame, crc8, expire, feed
from nattevakt.edge.errors import FrameError

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "frames" / "enocean-esp3.jsonl").read_text(encoding="utf-8").splitlines()
]
SHORT = "55000100057038"
GOOD = Frame(1, bytes.fromhex("d50801825dab00"), bytes.fromhex("01ffffffff3600"))

frames = st.builds(
    Frame,
    packet_type=st.integers(0, 255),
    data=st.binary(min_size=1, max_size=60),
    optional=st.binary(max_size=20),
)


def all_of(stream: bytes) -> tuple[tuple[Frame, ...], bytes]:
    found, rest, _ = feed(b"", stream)
    return found, rest


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["hex"])
def test_every_vector_frames_or_is_refused_as_marked(vector: dict[str, object]) -> None:
    raw = bytes.fromhex(str(vector["hex"]))
    found, _ = all_of(raw)
    assert len(found) == (1 if vector["valid"] else 0)
    if found:
        assert found[0].to_bytes() in raw


@pytest.mark.parametrize("text", ["55005500010005700838", "55000100015500010005700838"])
def test_a_false_sync_inside_the_header_hides_no_frame(text: str) -> None:
    found, rest = all_of(bytes.fromhex(text))
    assert [frame.to_bytes().hex() for frame in found] == ["5500010005700838"]
    assert rest == b""


def test_a_header_without_data_or_with_too_much_is_noise() -> None:
    for lengths in (
        b"\0\0\0\x01",
        b"\0\0\x07\x01",
        b"\xff\xff\x07\x01",
        (FRAME_BYTES_MAX - 6).to_bytes(2, "big") + b"\0\1",
    ):
        bad = b"\x55" + lengths + bytes((crc8(lengths),))
        found, rest, counted = feed(b"", bad + GOOD.to_bytes())
        assert (found, rest) == ((GOOD,), b"")
        assert counted["header_bad"] >= 1


def test_the_sync_byte_may_stand_inside_data() -> None:
    frame = Frame(2, b"\x00\xff\x9e\x55\x00", b"\x55")
    found, rest = all_of(frame.to_bytes())
    assert found == (frame,)
    assert len(rest) < HEADER_SIZE
    assert all_of(rest + GOOD.to_bytes()) == ((GOOD,), b"")


def test_a_damaged_byte_is_counted_and_costs_one_frame() -> None:
    raw = bytearray(GOOD.to_bytes())
    raw[8] ^= 0x01
    found, _, counted = feed(b"", bytes(raw) + GOOD.to_bytes())
    assert found == (GOOD,)
    assert counted["data_crc_bad"] == 1


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 5])
def test_a_frame_that_lost_bytes_and_passes_all_the_same_does_not_take_the_next_one_with_it(lost: int) -> None:
    """One in 256 does: its checksum of 8 bits is then a byte of the frame behind it."""
    hits, rng = 0, Random(lost)
    for _ in range(4000):
        frame = Frame(1, rng.randbytes(7), rng.randbytes(12))
        raw = frame.to_bytes()
        cut = raw[:13] + raw[13 + lost :] + GOOD.to_bytes()
        try:
            Frame.from_bytes(cut[: len(raw)])
        except FrameError:
            continue
        hits += 1
        found, rest, _ = feed(b"", cut)
        late, _ = expire(rest)
        assert GOOD in (*found, *late), cut.hex()
    assert hits


def test_a_frame_swallowed_by_a_false_header_comes_when_the_line_falls_silent() -> None:
    header = b"\x00\xff\x00\x01"
    false = b"\x55" + header + bytes((crc8(header),))
    found, rest, _ = feed(b"", false + GOOD.to_bytes() + GOOD.to_bytes()[:5])
    assert found == ()
    found, counted = expire(rest)
    assert found == (GOOD,)
    assert counted["timeout"] == 2


@pytest.mark.parametrize("text", [SHORT, "", "55", "aa00010005700838", "5500010005700839", "550001000570083800"])
def test_from_bytes_refuses_with_the_hex(text: str) -> None:
    with pytest.raises(FrameError) as caught:
        Frame.from_bytes(bytes.fromhex(text))
    assert caught.value.raw == text


@given(frames)
def test_frames_round_trip(frame: Frame) -> None:
    assert Frame.from_bytes(frame.to_bytes()) == frame


@given(st.lists(frames, max_size=6), st.data())
def test_any_chunking_finds_the_same_frames(sent: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(frame.to_bytes() for frame in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    found: list[Frame] = []
    rest = b""
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        some, rest, _ = feed(rest, stream[start:end])
        found += some
    assert found == sent
    assert len(rest) < HEADER_SIZE


@given(st.lists(frames, max_size=4))
def test_one_byte_at_a_time(sent: list[Frame]) -> None:
    found: list[Frame] = []
    rest = b""
    for byte in b"".join(frame.to_bytes() for frame in sent):
        some, rest, _ = feed(rest, bytes((byte,)))
        found += some
    assert found == sent


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_random_bytes_never_raise_and_never_grow_the_buffer(chunks: list[bytes]) -> None:
    rest = b""
    for chunk in chunks:
        _, rest, _ = feed(rest, chunk)
        assert len(rest) < FRAME_BYTES_MAX
    expire(rest)


@given(st.binary(max_size=400))
def test_after_garbage_and_a_silence_a_good_frame_is_found(garbage: bytes) -> None:
    found, rest, _ = feed(b"", garbage + GOOD.to_bytes())
    late, _ = expire(rest)
    assert GOOD in (*found, *late)


@given(st.binary(min_size=1, max_size=60).filter(lambda noise: 0x55 not in noise), frames, frames)
def test_garbage_between_frames_costs_nothing(noise: bytes, first: Frame, second: Frame) -> None:
    found, rest = all_of(noise + first.to_bytes() + noise + second.to_bytes())
    assert found == (first, second)
    assert len(rest) < HEADER_SIZE  # a sync byte in the tail of a good frame may begin one


@given(frames, st.data())
def test_a_lost_byte_costs_at_most_its_own_frame(frame: Frame, data: st.DataObject) -> None:
    raw = frame.to_bytes()
    at = data.draw(st.integers(0, len(raw) - 1))
    found, rest, _ = feed(b"", raw[:at] + raw[at + 1 :] + GOOD.to_bytes())
    late, _ = expire(rest)
    assert GOOD in (*found, *late)
