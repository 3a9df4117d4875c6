"""LD2410 and LD2450 framing and fields: published vectors, the oracle aio-ld2410, and a bad cable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aio_ld2410.protocol import Report as OracleReport
from aio_ld2410.protocol import ReportFrame as OracleFrame
from aio_ld2410.stream import FrameStream
from construct import ConstructError
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.ld2410.decode import Report, Status, Target, signed, targets_frame, unsigned
from nattevakt.edge.drivers.ld2410.frame import FRAME_BYTES_MAX, Frame, Kind, feed
from nattevakt.edge.errors import FrameError

FRAMES = Path(__file__).parents[1] / "frames" / "ld2410.jsonl"
VECTORS = [json.loads(line) for line in FRAMES.read_text(encoding="utf-8").splitlines()]
STILL = bytes.fromhex(VECTORS[0]["hex"])
ENGINEERING = bytes.fromhex(VECTORS[1]["hex"])

REPORTED: dict[str, Callable[[Report], int]] = {
    "status": lambda report: report.status,
    "mov_cm": lambda report: report.moving_cm,
    "mov_e": lambda report: report.moving_energy,
    "stat_cm": lambda report: report.still_cm,
    "stat_e": lambda report: report.still_energy,
    "det_cm": lambda report: report.detection_cm,
}
TRACKED: dict[str, Callable[[Target], int]] = {
    "x": lambda target: target.x_mm,
    "y": lambda target: target.y_mm,
    "speed": lambda target: target.speed_cm_s,
}
"""How each key of `expect` is read; a key that is in neither table fails the test."""


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["hex"])
def test_every_vector_frames_and_decodes(vector: dict[str, object]) -> None:
    raw = bytes.fromhex(str(vector["hex"]))
    (frame,), rest, counted = feed(b"", raw)
    assert (frame.to_bytes(), rest, counted) == (raw, b"", {})
    assert Frame.from_bytes(raw) == frame
    expect = vector["expect"]
    assert isinstance(expect, dict)
    if vector["protocol"] == "ld2410":
        report = Report.from_frame(frame)
        assert {key: REPORTED[key](report) for key in expect} == expect
        assert report.to_frame() == frame
        return
    (target,) = Target.all_from_frame(frame)
    assert {key: TRACKED[key](target) for key in expect} == expect
    assert target.resolution_mm == 320
    assert targets_frame((target,)) == frame


def test_there_are_as_many_vectors_as_were_shared() -> None:
    assert [vector["protocol"] for vector in VECTORS] == ["ld2410", "ld2410", "ld2450"]


words, percents = st.integers(0, 0xFFFF), st.integers(0, 100)
gates = st.builds(
    lambda moving, still, energies, light, out: (
        bytes((moving, still)) + energies[: moving + still + 2] + bytes((light, out))
    ),
    st.integers(0, 8),
    st.integers(0, 8),
    st.binary(min_size=18, max_size=18),
    st.integers(0, 255),
    st.integers(0, 1),
)
reports = st.builds(
    Report, st.sampled_from(Status), words, percents, words, percents, words, st.one_of(st.just(b""), gates)
)
coordinates = st.integers(-32_767, 32_767)
targets = st.builds(Target, coordinates, coordinates, coordinates, st.integers(1, 0xFFFF))
frames = st.one_of(
    reports.map(Report.to_frame), st.lists(targets, max_size=3).map(lambda some: targets_frame(tuple(some)))
)


def header_inside(frame: Frame) -> bool:
    raw = frame.to_bytes()
    return b"\xf4\xf3\xf2\xf1" in raw[4:] or b"\xaa\xff\x03\x00" in raw[4:]


@given(reports)
def test_every_report_means_to_the_oracle_what_it_means_to_us(report: Report) -> None:
    frame = report.to_frame()
    framed = OracleFrame.parse(frame.to_bytes())
    told = OracleReport.parse(framed.data)
    basic = told.data.basic
    assert int(told.type) == frame.kind
    assert int(basic.target_status) == report.status
    assert (basic.moving_distance, basic.moving_energy) == (report.moving_cm, report.moving_energy)
    assert (basic.static_distance, basic.static_energy) == (report.still_cm, report.still_energy)
    assert basic.detection_distance == report.detection_cm
    if report.gates:
        gates = told.data.engineering
        energies = [*gates.moving_gate_energy, *gates.static_gate_energy]
        assert (
            bytes((gates.moving_max_distance_gate, gates.static_max_distance_gate, *energies))
            + bytes((gates.photosensitive_value, int(gates.out_pin_status)))
            == report.gates
        )
    if not header_inside(frame):
        assert [Report.from_frame(one) for one in feed(b"", frame.to_bytes())[0]] == [report]


@given(st.lists(reports, max_size=10))
def test_a_clean_stream_holds_for_us_what_it_holds_for_the_oracle(sent: list[Report]) -> None:
    stream = b"".join(report.to_frame().to_bytes() for report in sent if not header_inside(report.to_frame()))
    oracle = [bytes(one.data) for one in FrameStream(stream)]
    ours = [frame.to_bytes()[6:-4] for frame in feed(b"", stream)[0]]
    assert ours == oracle


def test_disagreement_the_oracle_takes_a_length_on_trust_and_loses_the_report_behind_it() -> None:
    """A damaged length that swallows the next report exactly: the footers fit, the type does not fit the length."""
    swallowing = STILL[:4] + bytes((13 + len(STILL),)) + STILL[5:]
    assert [len(one.data) for one in FrameStream(swallowing + STILL)] == [13 + len(STILL)]
    assert [frame.to_bytes() for frame in feed(b"", swallowing + STILL)[0]] == [STILL]


def test_disagreement_the_oracle_reads_a_status_that_is_none() -> None:
    """Its enumeration passes numbers that it does not know; we refuse them, the room is unknown."""
    odd = STILL[:8] + b"\x07" + STILL[9:]
    assert int(OracleReport.parse(OracleFrame.parse(odd).data).data.basic.target_status) == 7
    with pytest.raises(FrameError):
        Report.from_frame(Frame.from_bytes(odd))


def test_disagreement_the_oracle_refuses_gates_that_do_not_add_up() -> None:
    """We use nothing of the gates: firmware that says more or less of them still tells of presence."""
    fewer = ENGINEERING[:4] + bytes((ENGINEERING[4] - 1,)) + ENGINEERING[5:19] + ENGINEERING[20:]
    with pytest.raises(ConstructError):
        OracleReport.parse(OracleFrame.parse(fewer).data)
    assert Report.from_frame(Frame.from_bytes(fewer)).present is True


def test_disagreement_the_oracle_also_reads_answers_to_commands() -> None:
    """We never ask anything, so an answer is noise."""
    answer = bytes.fromhex("fdfcfbfa0400fe01000004030201")
    assert len(list(FrameStream(answer))) == 1
    assert feed(b"", answer) == ((), b"", {"skipped": len(answer)})


@given(frames)
def test_a_frame_round_trips(frame: Frame) -> None:
    if header_inside(frame):
        with pytest.raises(FrameError):
            Frame.from_bytes(frame.to_bytes())
        return
    assert Frame.from_bytes(frame.to_bytes()) == frame


@given(st.lists(targets, max_size=3))
def test_targets_round_trip(some: list[Target]) -> None:
    assert Target.all_from_frame(targets_frame(tuple(some))) == tuple(some)


@given(coordinates)
def test_the_sign_stands_apart_from_the_size(value: int) -> None:
    assert signed(unsigned(value)) == value


@given(st.lists(st.one_of(frames.map(Frame.to_bytes), st.binary(max_size=20)), max_size=10).map(b"".join), st.data())
def test_the_chunks_do_not_matter_and_the_rest_is_bounded(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    rest = b""
    found: list[Frame] = []
    skipped = 0
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        more, rest, counted = feed(rest, stream[start:end])
        found += more
        skipped += counted.get("skipped", 0)
        assert len(rest) < FRAME_BYTES_MAX
    whole, whole_rest, _ = feed(b"", stream)
    assert (found, rest) == (list(whole), whole_rest)
    assert sum(len(frame.to_bytes()) for frame in found) + skipped + len(rest) == len(stream)


@given(st.binary(max_size=300), st.sampled_from([STILL, ENGINEERING, targets_frame(()).to_bytes()]))
def test_after_any_bytes_the_next_good_report_is_read(noise: bytes, good: bytes) -> None:
    found, rest, _ = feed(b"", noise + good + STILL)
    while rest:
        more, rest, _ = feed(b"", rest[1:])
        found += more
    assert Frame.from_bytes(good) in found


@pytest.mark.parametrize("cut", range(1, len(ENGINEERING)))
def test_half_a_report_ends_where_the_next_one_begins(cut: int) -> None:
    found, rest, _ = feed(b"", ENGINEERING[:cut] + STILL)
    assert ([frame.to_bytes() for frame in found], rest) == ([STILL], b"")


@pytest.mark.parametrize("at", [*range(4), 4, 5, 6, 7, *range(17, 23)])
def test_every_fixed_byte_is_looked_at(at: int) -> None:
    bad = STILL[:at] + bytes((STILL[at] ^ 0x10,)) + STILL[at + 1 :]
    with pytest.raises(FrameError):
        Frame.from_bytes(bad)
    assert [frame.to_bytes() for frame in feed(b"", bad + STILL)[0]] == [STILL]


def test_a_basic_report_has_one_length() -> None:
    longer = STILL[:4] + bytes((STILL[4] + 2,)) + STILL[5:17] + b"\0\0" + STILL[17:]
    assert feed(b"", longer + STILL)[0] == (Frame.from_bytes(STILL),)


def test_a_report_is_not_taken_for_the_other_radar() -> None:
    with pytest.raises(FrameError):
        Report.from_frame(targets_frame(()))
    with pytest.raises(FrameError):
        Target.all_from_frame(Frame.from_bytes(STILL))
    assert [one.kind for one in feed(b"", STILL + ENGINEERING)[0]] == [Kind.BASIC, Kind.ENGINEERING]
