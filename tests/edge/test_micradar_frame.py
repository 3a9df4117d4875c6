"""MicRadar framing and the words of its frames: every published vector, and whatever a bad cable can do to a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Value
from nattevakt.edge.drivers.micradar.decode import values
from nattevakt.edge.drivers.micradar.frame import DATA_BYTES_MAX, FRAME_BYTES_MAX, Frame, feed
from nattevakt.edge.drivers.micradar.profiles import PROFILES
from nattevakt.edge.drivers.micradar.words import (
    ASKABLE,
    LAYOUTS,
    MARK,
    WORDS,
    Fields,
    Signed,
    Text,
    Word,
    fields,
    is_question,
    question,
    statement,
)
from nattevakt.edge.drivers.unfinished import Patience, Unfinished, take
from nattevakt.edge.errors import FrameError, RejectError

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "frames" / "micradar.jsonl").read_text(encoding="utf-8").splitlines()
]
GOOD = Frame(0x83, 0x01, b"\x01")
BED = PROFILES["R60ABD1"]


def expire(rest: bytes) -> tuple[tuple[Frame, ...], Mapping[str, int]]:
    """What is found in the rest of a line that has fallen silent."""
    frames, kept, counted = take(feed, Unfinished(rest, ((len(rest), 0),)), None, 101, Patience(100, 150))
    assert kept.data == b""
    return frames, counted


frames = st.builds(
    Frame,
    control=st.integers(0, 255),
    command=st.integers(0, 255),
    data=st.binary(max_size=DATA_BYTES_MAX),
)


def _fields_and_values(key: str, wanted: object) -> tuple[Fields, dict[str, Value]]:
    """What a key of `expect` means here. A key that is not in this table fails the test."""
    number = wanted if isinstance(wanted, int) else 0
    table: dict[str, tuple[dict[str, int | str], dict[str, Value]]] = {
        "heart_rate": ({"heart_rate": number}, {"heart_bpm": float(number)}),
        "breath_rate": ({"breath_rate": number}, {"breathing_rpm": float(number)}),
        "movement": ({"movement": number}, {"movement_percent": float(number)}),
        "presence": ({"presence": int(bool(wanted))}, {"present": bool(wanted)}),
        "motion": ({"motion": str(wanted)}, {"motion": wanted == "active", "still": wanted == "still"}),
        "distance_cm": ({"distance_cm": number}, {}),
        "x": ({"x": number}, {}),
        "y": ({"y": number}, {}),
        "z": ({"z": number}, {}),
    }
    return table[key]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["hex"])
def test_every_vector_frames_and_decodes_as_expected_or_is_refused_as_marked(vector: dict[str, object]) -> None:
    raw = bytes.fromhex(str(vector["hex"]))
    found, rest, counted = feed(b"", raw)
    if rest:  # noise at the end that may begin a frame
        late, more = expire(rest)
        found, counted = found + late, {**counted, **more}
    assert len(found) == (1 if vector["valid"] else 0)
    if not vector["valid"]:
        assert counted["sum_bad"] == 1
        return
    (frame,) = found
    assert frame.to_bytes() in raw
    expect = vector.get("expect", {})
    assert isinstance(expect, dict)
    said: dict[str, object] = {}
    meant: dict[str, Value] = {}
    for key, wanted in expect.items():
        if key == "frames":
            assert len(found) == wanted
        elif key == "dropped":
            assert counted["skipped"] == wanted
        else:
            some, more_values = _fields_and_values(key, wanted)
            said.update(some)
            meant.update(more_values)
    if said:
        assert fields(frame) == said
        found_values: dict[str, Value] = {}
        for name, value in fields(frame).items():
            found_values.update(values(name, value, BED))
        assert found_values == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5359010100010fbe5443", {"heartbeat": 1}),
        ("5359010200010fbf5443", {"reset": 1}),
        ("53590800000101b65443", {"raw_output": 1}),
        ("53590800000100b55443", {"raw_output": 0}),
        ("535902a10007523234445644311d5443", {"model": "R24DVD1"}),
        ("535902a4000f473234564431535956303031303036025443", {"firmware": "G24VD1SYV001006"}),
        ("5359830100010132" + "5443", {"fall": 1}),
    ],
)
def test_vectors_without_an_expectation_mean_what_their_text_says(text: str, said: Fields) -> None:
    assert any(vector["hex"] == text for vector in VECTORS) or said == {"fall": 1}
    assert fields(Frame.from_bytes(bytes.fromhex(text))) == said


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("535902a100010f5f5443", "model"),
        ("535902a200010f605443", "product_id"),
        ("535902a400010f625443", "firmware"),
        ("5359808100010fbd5443", "presence"),
        ("5359838100010fc05443", "fall"),
        ("5359010100010fbe5443", "heartbeat"),
    ],
)
def test_questions_are_those_of_the_documents(text: str, name: str) -> None:
    assert question(name).to_bytes().hex() == text
    assert is_question(question(name)) is (name != "heartbeat")


def test_a_question_is_never_taken_for_its_answer() -> None:
    for name in ASKABLE:
        assert is_question(question(name))
        layout = LAYOUTS[WORDS[name]]
        top = getattr(layout, "maximum", 0)
        assert isinstance(layout, Text | Word) or top < MARK[0] or getattr(layout, "size", 1) > 1


@pytest.mark.parametrize("answering", [False, True])
@pytest.mark.parametrize("name", WORDS)
def test_every_field_is_read_as_it_was_written_in_both_forms(name: str, answering: bool) -> None:
    found = LAYOUTS[WORDS[name]]
    if isinstance(found, Signed):
        said: tuple[int | str, ...] = (-31, 50, 0, 7)[: len(found.names)]
    elif isinstance(found, Word):
        said = (found.words[-1],)
    elif isinstance(found, Text):
        said = ("R60ABD1",)
    else:
        said = (1,)
    frame = statement(name, *said, answering=answering)
    assert fields(frame) == dict(zip(found.names, said, strict=True))
    assert Frame.from_bytes(frame.to_bytes()) == frame


@pytest.mark.parametrize(
    ("control", "command", "data"),
    [
        (0x80, 0x01, b"\x02"),
        (0x80, 0x01, b""),
        (0x80, 0x81, b"\0\0"),
        (0x80, 0x02, b"\x03"),
        (0x80, 0x03, b"\x65"),
        (0x80, 0x04, b"\x01"),
        (0x80, 0x05, b"\0\0\0\0\0"),
        (0x83, 0x01, b"\x02"),
        (0x83, 0x0D, b"\x04"),
        (0x84, 0x01, b"\x03"),
        (0x02, 0xA1, b"\0\xff"),
    ],
)
def test_a_sum_that_is_right_does_not_make_a_value_right(control: int, command: int, data: bytes) -> None:
    frame = Frame(control, command, data)
    with pytest.raises(FrameError) as caught:
        fields(frame)
    assert caught.value.raw == frame.to_bytes().hex()


@pytest.mark.parametrize(
    ("name", "value"), [("presence", 2), ("movement", 101), ("motion", "runs"), ("model", "æ"), ("x", "1"), ("?", 1)]
)
def test_what_cannot_be_said_is_refused(name: str, value: int | str) -> None:
    more = (0, 0) if name == "x" else ()
    with pytest.raises(RejectError):
        statement(name, value, *more)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5359",
        "545983010001013254" + "43",
        "53598301000101335443",
        "53598301000101325444",
        "5359830100020132" + "5443",
        "5359830100010132544300",
    ],
)
def test_from_bytes_refuses_with_the_hex(text: str) -> None:
    raw = bytes.fromhex(text)
    with pytest.raises(FrameError) as caught:
        Frame.from_bytes(raw)
    assert caught.value.raw == raw.hex()


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
        some, rest, counted = feed(rest, stream[start:end])
        found += some
        assert counted == {}
    assert found == sent
    assert rest == b""


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_random_bytes_never_raise_and_never_grow_the_buffer(chunks: list[bytes]) -> None:
    rest = b""
    for chunk in chunks:
        _, rest, _ = feed(rest, chunk)
        assert len(rest) < FRAME_BYTES_MAX
    if rest:
        expire(rest)


@given(
    st.lists(st.sampled_from([b"\x53", b"\x59", b"\x53\x59", b"\0\x40", b"\0\x01", b"\x54\x43", b"\xff"]), max_size=60)
)
def test_after_garbage_made_of_its_own_marks_and_a_silence_a_good_frame_is_found(parts: list[bytes]) -> None:
    found, rest, _ = feed(b"", b"".join(parts) + GOOD.to_bytes())
    late, _ = expire(rest) if rest else ((), {})
    assert GOOD in (*found, *late)


@given(frames, st.data())
def test_a_lost_byte_costs_at_most_its_own_frame(frame: Frame, data: st.DataObject) -> None:
    raw = frame.to_bytes()
    at = data.draw(st.integers(0, len(raw) - 1))
    found, rest, _ = feed(b"", raw[:at] + raw[at + 1 :] + GOOD.to_bytes())
    late, _ = expire(rest) if rest else ((), {})
    assert GOOD in (*found, *late)


@given(frames, st.data())
def test_a_replaced_byte_never_gives_another_frame(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(frame.to_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    found, rest, _ = feed(b"", bytes(raw))
    late, _ = expire(rest) if rest else ((), {})
    assert all(len(one.data) < len(frame.data) for one in (*found, *late))
