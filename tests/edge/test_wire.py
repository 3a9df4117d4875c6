"""The contract on the wire: golden bytes that may never change, round trips, and hostile input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge import wire
from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import (
    KINDS,
    Body,
    Call,
    Event,
    EventId,
    Foreign,
    Health,
    Moment,
    SourceBack,
    Started,
    Tombstone,
    Urgency,
)
from nattevakt.edge.wire_heartbeat import SirenAsked, SirenSaid

GOLDEN = sorted((Path(__file__).parents[1] / "wire" / "v1").glob("*.json"))
STREAM = "0123456789abcdef0123456789abcdef"
AT = Moment("0b6a3d7e-1111-4222-8333-444455556666", 86_400_000, 1_790_000_000_000, synced=True)
DECODERS = {
    "batch": wire.decode_batch,
    "batch_reply": wire.decode_batch_reply,
    "event": wire.decode_event,
    "heartbeat": wire.decode_heartbeat,
    "heartbeat_reply": wire.decode_heartbeat_reply,
}


def plain(value: object) -> Any:
    """A decoded message as plain JSON values, with each dataclass's name."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        if isinstance(value, wire.Refused):
            # What follows the colon is the JSON library's own wording.
            named["reason"] = value.reason.partition(":")[0]
        return {"is": type(value).__name__, **named}
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    return value


def known_then(value: Any, means: Any) -> Any:
    """Without the fields that came after the golden file, which old bytes must leave as nothing."""
    if isinstance(value, dict) and isinstance(means, dict):
        return {k: known_then(v, means.get(k)) for k, v in value.items() if v is not None or k in means}
    if isinstance(value, list) and isinstance(means, list) and len(value) == len(means):
        return [known_then(one, other) for one, other in zip(value, means, strict=True)]
    return value


def line(body: Body, seq: int = 1, **more: Any) -> bytes:
    return wire.event_line(EventId(STREAM, seq), wire.encode_event(Event(body, AT, **more)))


def batch(*lines: bytes) -> bytes:
    return wire.encode_batch(AT, {STREAM: 1}, lines)


def only(raw: bytes) -> wire.Received | wire.Refused:
    (item,) = wire.decode_batch(batch(raw)).items
    return item


# --- golden files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.stem)
def test_golden_bytes_are_read_as_ever(path: Path) -> None:
    golden = json.loads(path.read_text(encoding="utf-8"))
    assert known_then(plain(DECODERS[golden["message"]](golden["bytes"].encode())), golden["means"]) == golden["means"]


@pytest.mark.parametrize("path", [p for p in GOLDEN if p.stem.startswith("event_")], ids=lambda p: p.stem)
def test_golden_events_are_written_as_ever(path: Path) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))["bytes"].encode()
    assert wire.encode_event(wire.decode_event(raw)) == raw


def test_every_kind_has_its_golden_file() -> None:
    held = {path.stem.removeprefix("event_") for path in GOLDEN if path.stem.startswith("event_")}
    assert set(KINDS) <= held


# --- round trips ---------------------------------------------------------------------------------------

texts = st.text(
    st.characters(blacklist_categories=("Cs", "Cc")),  # what the contract allows: no control characters
    max_size=40,
)
moments = st.builds(Moment, texts.filter(bool), st.integers(0, 10**12), st.integers(0, 10**13), st.booleans())
wholes = st.integers(0, 2**62)
devices = texts.filter(bool)
streams = st.just(STREAM)
BY_FIELD: dict[str, st.SearchStrategy[Any]] = {
    "device": devices,
    "devices": st.lists(texts, max_size=4).map(tuple),
    "events": st.lists(texts, max_size=4).map(tuple),
    "stream": streams,
    "previous_stream": st.none() | streams,
    "last_life": st.none() | moments,
    "lost": st.none() | moments,
    "began": moments,
    "ended": moments,
    "repeat_of": st.none() | wholes,
    "previous_last_seq": st.none() | wholes,
    "battery_percent": st.none() | st.floats(0, 100),
    "supply_v": st.none() | st.floats(0, 5),
    "value": st.floats(-1e9, 1e9),
}
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "str": texts,
    "bool": st.booleans(),
    "int": wholes,
    "bool | None": st.none() | st.booleans(),
    "int | None": st.none() | st.integers(-200, 255),
}


def bodies(kind: type[Body]) -> st.SearchStrategy[Body]:
    given_fields = {
        f.name: BY_FIELD[f.name] if f.name in BY_FIELD else BY_TYPE[str(f.type)]
        for f in fields(kind)  # type: ignore[arg-type]
    }
    return st.builds(kind, **given_fields)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda k: k.__name__)
@given(st.data())
def test_every_kind_round_trips(kind: type[Body], data: st.DataObject) -> None:
    event = Event(data.draw(bodies(kind)), data.draw(moments), data.draw(st.none() | moments))
    stored = wire.encode_event(event)
    assert wire.decode_event(stored) == replace(event, declared=event.urgency)
    item = only(wire.event_line(EventId(STREAM, 7), stored))
    assert isinstance(item, wire.Received)
    assert (item.id, item.event) == (EventId(STREAM, 7), replace(event, declared=event.urgency))
    assert item.raw == wire.event_line(EventId(STREAM, 7), stored)


counts = st.integers(0, 10**9)
marks = st.dictionaries(st.integers(0, 2**128 - 1).map(lambda n: f"{n:032x}"), counts, max_size=4)
healths = st.builds(
    wire.GatewayHealth,
    texts,
    counts,
    counts,
    counts,
    counts,
    counts,
    counts,
    st.booleans(),
    st.none() | st.floats(-40, 120),
    st.dictionaries(texts, texts, max_size=3),
    st.dictionaries(texts, st.integers(-9, 9), max_size=3),
    st.lists(texts, max_size=3).map(tuple),
    st.lists(texts, max_size=3).map(tuple),
)
heartbeats = st.builds(
    wire.Heartbeat,
    moments,
    streams,
    st.lists(st.builds(wire.HeldStream, streams, counts, counts, counts), max_size=3).map(tuple),
    st.none() | st.builds(wire.CompleteTo, moments, marks),
    healths,
    st.dictionaries(texts, counts, max_size=3),
    st.none() | texts,
    st.none() | st.dictionaries(texts, texts, max_size=3),
    st.none() | st.dictionaries(texts, st.builds(SirenSaid, texts, st.booleans(), st.none() | counts), max_size=3),
)


@given(heartbeats)
def test_heartbeats_round_trip(heartbeat: wire.Heartbeat) -> None:
    assert wire.decode_heartbeat(wire.encode_message(heartbeat)) == heartbeat


@given(marks, counts, st.lists(st.builds(wire.ItemReply, st.sampled_from(wire.Outcome), texts), max_size=5))
def test_replies_round_trip(marks: dict[str, int], now_ms: int, outcomes: list[wire.ItemReply]) -> None:
    reply = wire.BatchReply(tuple(outcomes), marks)
    assert wire.decode_batch_reply(wire.encode_message(reply)) == reply
    for wanted, lists in ((None, None), (True, None), (False, wire.DeviceLists(("a:1", "b:2"), ("c:3",), now_ms))):
        siren = None if wanted is None else SirenAsked(wanted, now_ms, ("alarm 7", "alarm 8"))
        beat = wire.HeartbeatReply(marks, now_ms, wanted, lists, siren=siren)
        assert wire.decode_heartbeat_reply(wire.encode_message(beat)) == beat


def test_a_list_has_one_digest_however_it_is_sorted() -> None:
    digest = wire.list_digest({"a:1": "call", "b:2": "bed"})
    assert digest == wire.list_digest({"b:2": "bed", "a:1": "call"})
    assert digest != wire.list_digest({"a:1": "bed", "b:2": "call"}) != wire.list_digest({})


# --- one bad line --------------------------------------------------------------------------------------

GOOD = line(Call("z2m:a", "press"), 2)


@pytest.mark.parametrize(
    ("bad", "field", "urgent"),
    [
        (b"{not json", "events[1]", True),
        (b"\xff\xfe", "events[1]", True),
        (b"", "events[1]", True),
        (b"[]", "events[1]", True),
        (b'{"a":' * 5000, "events[1]", True),
        (b'{"class":"C","x":NaN}', "events[1]", True),
        (GOOD.replace(b'"seq":2', b'"seq":0'), "events[1].seq", True),
        (GOOD.replace(b'"seq":2', b'"seq":true'), "events[1].seq", True),
        (GOOD.replace(b'"seq":2', b'"seq":1e3'), "events[1].seq", True),
        (GOOD.replace(b'"seq":2', b'"seq":99999999999999999999'), "events[1].seq", True),
        (GOOD.replace(STREAM.encode(), b"x"), "events[1].stream", True),
        (GOOD.replace(b'"class":"A"', b'"class":"Z"'), "events[1].class", True),
        (GOOD.replace(b'"call"', b'"Call!"'), "events[1].kind", True),
        (GOOD.replace(b'"device":"z2m:a"', b'"device":""'), "events[1].data.device", True),
        (GOOD.replace(b'"device":"z2m:a"', b'"device":7'), "events[1].data.device", True),
        (GOOD.replace(b'"device":"z2m:a",', b""), "events[1].data.device", True),
        (GOOD.replace(b"press", b"x" * 301), "events[1].data.control", True),
        (GOOD.replace(b"press", b"\\u0000"), "events[1].data.control", True),
        (GOOD.replace(b"press", b"\\ud800"), "events[1].data.control", True),
        (GOOD.replace(b"86400000", b"-1"), "events[1].at.boottime_ms", True),
        (GOOD.replace(b'"at"', b'"et"'), "events[1].at", True),
        (line(Health("z2m:a"), 3).replace(b"z2m:a", b""), "events[1].data.device", False),
        (
            b'{"stream":"' + STREAM.encode() + b'","seq":3,"class":"C","pad":"' + b"x" * 17_000 + b'"}',
            "events[1]",
            True,
        ),
    ],
)
def test_a_malformed_line_is_refused_alone(bad: bytes, field: str, *, urgent: bool) -> None:
    before, item, after = wire.decode_batch(batch(GOOD, bad, GOOD)).items
    assert isinstance(before, wire.Received)
    assert isinstance(after, wire.Received)
    assert isinstance(item, wire.Refused)
    assert (item.index, item.field, item.urgent, item.raw) == (1, field, urgent, bad)
    assert item.reason


def test_a_refused_line_keeps_its_id_where_that_could_be_read() -> None:
    item = only(GOOD.replace(b"press", b"\\u0007"))
    assert isinstance(item, wire.Refused)
    assert item.id == EventId(STREAM, 2)


def test_an_unknown_kind_is_kept_whole_with_the_class_it_came_with() -> None:
    raw = line(Foreign("smoke", "z2m:s", '{"device":"z2m:s","level":3}', Urgency.A), 4)
    item = only(raw)
    assert isinstance(item, wire.Received)
    assert isinstance(item.event.body, Foreign)
    assert item.event.urgency is Urgency.A
    assert item.event.body.data_json == '{"device":"z2m:s","level":3}'
    assert wire.event_line(item.id, wire.encode_event(item.event)) == raw


def test_no_sender_can_talk_a_call_down() -> None:
    item = only(GOOD.replace(b'"class":"A"', b'"class":"C"'))
    assert isinstance(item, wire.Received)
    assert item.event.urgency is Urgency.A
    health = only(line(Health("z2m:a")).replace(b'"class":"C"', b'"class":"A"'))
    assert isinstance(health, wire.Received)
    assert health.event.urgency is Urgency.A


def test_what_a_newer_peer_adds_is_passed_over() -> None:
    item = only(GOOD.replace(b'"data":{', b'"colour":1,"data":{"colour":2,'))
    assert isinstance(item, wire.Received)
    assert item.event.body == Call("z2m:a", "press")


# --- hostile batches -----------------------------------------------------------------------------------

HEADER = batch(GOOD).split(b"\n")[0]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"\n\n\n",
        HEADER,
        HEADER + b"\n",
        b"[]\n" + GOOD,
        b"{}\n" + GOOD,
        HEADER.replace(b'"v":1', b'"v":2') + b"\n" + GOOD,
        HEADER.replace(b'"v":1', b'"v":true') + b"\n" + GOOD,
        HEADER.replace(b'"synced":true', b'"synced":1') + b"\n" + GOOD,
        HEADER.replace(STREAM.encode(), b"short") + b"\n" + GOOD,
        b"\n".join((HEADER, *[GOOD] * (wire.ACCEPT_EVENTS_MAX + 1))),
        b'{"v":1,"sent":' + b"[" * 50_000 + b"\n" + GOOD,
    ],
    ids=range(13),
)
def test_a_batch_whose_header_makes_no_sense_is_refused_whole(raw: bytes) -> None:
    with pytest.raises(RejectError):
        wire.decode_batch(raw)


SOUP = st.lists(
    st.one_of(
        st.sampled_from([HEADER, GOOD, b"{", b"}", b"\n", b'"', b"\\u", b"null", b"9" * 30]), st.binary(max_size=20)
    ),
    max_size=12,
).map(b"".join)


@given(SOUP, st.sampled_from(sorted(DECODERS)))
def test_nothing_but_reject_error_is_ever_raised(raw: bytes, decoder: str) -> None:
    try:
        DECODERS[decoder](raw)
    except RejectError as error:
        assert error.reason  # noqa: PT017 - either outcome is right, another exception is not


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3))
def test_a_damaged_line_never_disturbs_its_neighbours(at: int, noise: bytes) -> None:
    damaged = (GOOD[:at] + noise + GOOD[at + 1 :]).replace(b"\n", b" ")
    items = wire.decode_batch(batch(GOOD, damaged, GOOD)).items
    assert [type(item) for item in (items[0], items[2])] == [wire.Received, wire.Received]


SAMPLES = [
    Started("0.1.0", STREAM, 41, AT),
    SourceBack("z2m", AT, ("z2m:a",)),
    Tombstone(STREAM, 1, 3, "B", "shed", 3, AT, AT, ("z2m:a",)),
]


@pytest.mark.parametrize("body", SAMPLES, ids=lambda b: type(b).__name__)
def test_moments_inside_bodies_are_checked(body: Body) -> None:
    assert isinstance(only(line(body)), wire.Received)
    bad = only(line(body).replace(b'"boottime_ms":86400000', b'"boottime_ms":-1', 2))
    assert isinstance(bad, wire.Refused)
