"""The quick way to read a line gives what the long way gives, or gives way to it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nattevakt.edge import wire_quick
from nattevakt.edge.events import (
    Bed,
    Body,
    Call,
    Contact,
    Event,
    EventId,
    Foreign,
    Health,
    Measurement,
    Moment,
    SourceLost,
    Started,
    Urgency,
)
from nattevakt.edge.wire import Batch, Received, decode_batch, decode_event, encode_batch, encode_event, event_line

STREAM = "0123456789abcdef" * 2
SENT = Moment("boot", 5_000, 1_790_000_000_000, synced=True)
BODIES: tuple[Body, ...] = (
    Call("z2m:0x1", "press"),
    Call("z2m:0x1", "press", repeat_of=3),
    Contact("enocean:01æø", open=True),
    Bed('z2m:"seng"', occupied=False),
    Health("z2m:0x1", battery_percent=80.0, tamper=False),
    Measurement("z2m:0x1", "temperature_c", 21.5),
    SourceLost("mqtt", "gone", ("a", "b")),
    Started("1", last_life=SENT),
    Foreign("smoke", "z2m:0x1", '{"device":"z2m:0x1"}', Urgency.A),
)
LINES = [
    event_line(EventId(STREAM, number + 1), encode_event(Event(body, SENT, declared=Urgency.C if odd else None)))
    for number, body in enumerate(BODIES)
    for odd in (False, True)
]


def read(line: bytes) -> Batch:
    """A batch of this one line."""
    return decode_batch(encode_batch(SENT, {STREAM: 1}, [line]))


@pytest.fixture(autouse=True)
def nothing_learnt() -> None:
    """Each test begins with a reader that has seen no line."""
    wire_quick.forget()


@pytest.mark.parametrize("line", LINES)
def test_the_second_reading_says_what_the_first_did(line: bytes) -> None:
    first, second = read(line), read(line)
    assert first == second
    (item,) = second.items
    assert isinstance(item, Received)
    assert item.event == decode_event(line)


def test_a_line_as_our_gateways_write_it_is_read_quickly() -> None:
    line = event_line(EventId(STREAM, 7), encode_event(Event(Contact("z2m:0x1", open=True), SENT)))
    assert wire_quick.read(line) is None
    read(line)
    assert wire_quick.read(line) == (EventId(STREAM, 7), decode_event(line))
    assert wire_quick.read(line.replace(b'"seq":7', b'"seq":8')) == (EventId(STREAM, 8), decode_event(line))
    assert wire_quick.read(line.replace(b'"kind":"contact"', b'"kind":"bed"')) is None


PIECES = (
    b"{",
    b"}",
    b'"',
    b"\\",
    b",",
    b":",
    b" ",
    b"0",
    b"1.0",
    b"-",
    b"null",
    b"true",
    b"\x00",
    b"\xff",
    b'"class":"B"',
)


@given(
    st.sampled_from(LINES),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 6), st.sampled_from(PIECES)), min_size=1, max_size=3),
)
@example(LINES[4], [(0, 0, b" ")])
def test_a_damaged_line_is_read_as_the_long_way_reads_it(line: bytes, cuts: list[tuple[int, int, bytes]]) -> None:
    damaged = line
    for place, length, piece in cuts:
        damaged = damaged[: place % len(damaged)] + piece + damaged[place % len(damaged) + length :]
    damaged = damaged.replace(b"\n", b"")
    wire_quick.forget()
    unlearnt = read(damaged)
    for known in LINES:
        read(known)
    assert read(damaged) == unlearnt


@given(st.text(max_size=20), st.integers(-(2**64), 2**64), st.integers(-5, 2**64), st.booleans())
def test_numbers_and_names_out_of_range_are_refused_alike(boot: str, boottime_ms: int, seq: int, synced: bool) -> None:
    at = {"boot": boot, "boottime_ms": boottime_ms, "wall_ms": 1, "synced": synced}
    line = json.dumps(
        {"stream": STREAM, "seq": seq, "kind": "motion", "class": "B", "at": at, "data": {"device": "z2m:0x1"}},
        separators=(",", ":"),
    ).encode()
    wire_quick.forget()
    unlearnt = read(line)
    well = line.replace(json.dumps(at, separators=(",", ":")).encode(), json.dumps(vars_of(SENT)).encode())
    read(well)
    assert read(line) == unlearnt


def vars_of(moment: Moment) -> dict[str, object]:
    """A moment as JSON has it."""
    return {"boot": moment.boot, "boottime_ms": moment.boottime_ms, "wall_ms": moment.wall_ms, "synced": moment.synced}


def test_what_is_remembered_is_bounded() -> None:
    for number in range(wire_quick.BODIES_MAX + 2):
        event = Event(Measurement("z2m:0x1", "heart_bpm", float(number)), SENT)
        wire_quick.learn(event_line(EventId(STREAM, 1), encode_event(event)), event)
    assert 0 < wire_quick.known() <= wire_quick.BODIES_MAX
