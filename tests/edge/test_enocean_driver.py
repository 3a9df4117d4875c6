"""EnOcean telegrams by profile, and the driver around them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Device, Finding, Line, Reading, Said, SourceState, Value
from nattevakt.edge.drivers.enocean.decode import PROFILES, Telegram
from nattevakt.edge.drivers.enocean.driver import (
    FRAME_MS,
    LINK_LOST_MS,
    PROBE_ANSWERED_MS,
    PROBE_UNANSWERED_MS,
    READ_BASE_ID,
    READ_VERSION,
    State,
    encode,
    start,
    step,
)
from nattevakt.edge.drivers.enocean.frame import FRAME_BYTES_MAX, Frame, crc8
from nattevakt.edge.errors import FrameError, RejectError

FRAMES = Path(__file__).parents[1] / "frames" / "enocean-esp3.jsonl"
VECTORS = {v["hex"]: v for v in map(json.loads, FRAMES.read_text(encoding="utf-8").splitlines())}
OPEN = "55000707017ad50801825dab0001ffffffff360053"
CLOSED = "55000707017ad50901825dab0001ffffffff3600c7"
SENDER = "01825DAB"
DOOR = Device(f"enocean:{SENDER}", "D5-00-01")


def telegram(rorg: int, payload: str, *, status: int = 0, sender: str = SENDER) -> bytes:
    return Telegram(rorg, bytes.fromhex(payload), sender, status, dbm=-60).to_frame().to_bytes()


def hear(raw: bytes, profile: str, sender: str = SENDER) -> tuple[Reading | Finding, ...]:
    said = step(raw, 1000, start((Device(f"enocean:{sender}", profile),)))
    return tuple(o for o in said.outputs if isinstance(o, Reading | Finding))


def values(raw: bytes, profile: str, sender: str = SENDER) -> dict[str, Value]:
    said = [o for o in hear(raw, profile, sender) if isinstance(o, Reading)]
    assert len(said) == 1
    return {k: v for k, v in said[0].values.items() if k not in ("signal_dbm", "repeats")}


@pytest.mark.parametrize(
    "text",
    [
        "55000707017ad5000181192d8001ffffffff3a0049",
        "55000a0701eba508284680018a7b300001ffffffff490026",
        "55000d0701fdd4a0ff3e000101d20194e3b90001ffffffff4000ab",
        "55000a0701eba540300287ffd9b7e50001ffffffff440016",
    ],
)
def test_a_learn_telegram_is_a_finding_and_never_an_event(text: str) -> None:
    raw = bytes.fromhex(text)
    sender = raw[6:][: int.from_bytes(raw[1:3], "big")][-5:-1].hex().upper()
    said = step(raw, 0, start((Device(f"enocean:{sender}", "D5-00-01"),)))
    assert [type(o) for o in said.outputs] == [Finding]
    assert said.counted["learn"] == 1


def test_optional_data_may_be_missing_or_short() -> None:
    data = bytes.fromhex("d50801825dab00")
    for optional in (b"", b"\x01", b"\x01\xff\xff", b"\x01\xff\xff\xff\xff\x36"):
        assert values(Frame(1, data, optional).to_bytes(), "D5-00-01") == {"closed": False}
    with_signal = hear(Frame(1, data, b"\x01\xff\xff\xff\xff\x36").to_bytes(), "D5-00-01")[0]
    assert isinstance(with_signal, Reading)
    assert with_signal.values["signal_dbm"] == -54


def test_secured_and_unknown_telegrams_are_counted() -> None:
    secured = Telegram(0x30, b"\x08\x01\x02", SENDER).to_frame().to_bytes()
    said = step(secured * 2, 0, start((DOOR,)))
    assert said.counted["secured_unsupported"] == 2
    assert [type(o) for o in said.outputs] == [Finding]
    odd = Telegram(0x77, b"\x08", SENDER).to_frame().to_bytes()
    said = step(odd, 0, start((DOOR,)))
    assert (said.outputs, said.counted["unknown_rorg"]) == ((), 1)


def test_an_address_without_profile_is_a_finding_once() -> None:
    first = step(bytes.fromhex(OPEN), 0, start(()))
    assert [type(o) for o in first.outputs] == [Finding]
    assert first.counted["no_profile"] == 1
    again = step(bytes.fromhex(CLOSED), 10_000, first.state)
    assert again.outputs == ()
    assert again.counted["no_profile"] == 1


def test_a_profile_for_another_kind_of_telegram_is_a_finding() -> None:
    (finding,) = hear(bytes.fromhex(OPEN), "F6-02-01")
    assert isinstance(finding, Finding)
    assert "D5" in finding.sentence


@pytest.mark.parametrize(
    "frame",
    [
        Frame(1, b"\xd5"),
        Frame(1, bytes.fromhex("d501825dab00")),
        Frame(1, bytes.fromhex("a508 01825dab00")),
        Frame(1, bytes.fromhex("d4ff 01825dab00")),
    ],
)
def test_a_cut_telegram_is_counted_not_raised(frame: Frame) -> None:
    with pytest.raises(FrameError):
        Telegram.from_frame(frame)
    said = step(frame.to_bytes() + bytes.fromhex(OPEN), 0, start((DOOR,)))
    assert said.counted["undecodable"] == 1
    assert len(said.outputs) == 1


def test_repeaters_deliver_one_reading() -> None:
    state = start((Device(DOOR.address, "F6-02-01"),))
    heard: list[object] = []
    for at, count in ((0, 0), (30, 1), (55, 2)):
        said = step(telegram(0xF6, "50", status=0x30 | count), at, state)
        state = said.state
        heard += said.outputs
    assert len(heard) == 1
    assert said.counted["repeated"] == 1


def test_press_release_press_within_a_second_is_three_readings() -> None:
    state = start((Device(DOOR.address, "F6-02-01"),))
    heard: list[object] = []
    for at, payload, status in ((0, "50", 0x30), (200, "00", 0x20), (400, "50", 0x30)):
        said = step(telegram(0xF6, payload, status=status), at, state)
        state = said.state
        heard += said.outputs
    assert len(heard) == 3


def test_the_same_payload_later_is_news() -> None:
    first = step(bytes.fromhex(OPEN), 0, start((DOOR,)))
    assert len(step(bytes.fromhex(OPEN), 1500, first.state).outputs) == 1


def test_a_partial_frame_is_given_up_after_a_silence() -> None:
    raw = bytes.fromhex(OPEN)
    half = step(raw[:9], 1000, start((DOOR,)))
    assert half.wake_at_ms == 1101
    whole = step(raw[9:], 1090, half.state)
    assert len(whole.outputs) == 1
    late = step(None, 1101, half.state)
    assert late.counted["timeout"] == 1
    assert late.state.buffer == b""
    assert step(raw, 1102, late.state).outputs
    assert step(raw[9:] + raw, 1200, half.state).outputs


def test_a_false_header_on_a_busy_line_holds_nothing_up_for_long() -> None:
    """It claims 900 bytes, and the line never falls silent: what is behind it comes out after FRAME_MS all the same."""
    header = (900).to_bytes(2, "big") + b"\x00\x01"
    state = step(b"\x55" + header + bytes((crc8(header),)), 1000, start((DOOR,))).state
    door, other = bytes.fromhex(OPEN), telegram(0xF6, "10", sender="00000001")
    heard_ms = []
    for now_ms in range(1050, 1600, 50):
        said = step(door if now_ms == 1050 else other, now_ms, state)
        state = said.state
        heard_ms += [now_ms for o in said.outputs if isinstance(o, Reading)]
    assert heard_ms
    assert heard_ms[0] <= 1000 + FRAME_MS + 50


def test_the_link_is_probed_until_answered() -> None:
    said = step(None, 5, start(()))
    assert said.to_send == (READ_BASE_ID, READ_VERSION)
    assert said.wake_at_ms == 5 + PROBE_UNANSWERED_MS
    silent = step(None, 5 + PROBE_UNANSWERED_MS, said.state)
    assert silent.to_send == (READ_BASE_ID, READ_VERSION)
    answered = step(bytes.fromhex("5500050002ce00ff87ca00a3"), 100, said.state)
    assert answered.state.base_id == "FF87CA00"
    assert answered.wake_at_ms == 5 + PROBE_ANSWERED_MS
    assert step(None, 5 + PROBE_UNANSWERED_MS, answered.state).to_send == ()
    assert step(None, 5 + PROBE_ANSWERED_MS, answered.state).to_send == (READ_BASE_ID, READ_VERSION)


BASE_ID = bytes.fromhex("5500050002ce00ff87ca00a3")
DEAD = SourceState("serial:stue", up=False, reason="transceiver does not answer")
BACK = SourceState("serial:stue", up=True)


def woken(state: State, until_ms: int) -> tuple[list[tuple[int, Said]], State]:
    """Nothing is heard until then; what is said, and the state."""
    said: list[tuple[int, Said]] = []
    wake_ms = step(None, 0 if state.asked_ms is None else state.asked_ms, state).wake_at_ms
    while wake_ms is not None and wake_ms <= until_ms:
        stepped = step(None, wake_ms, state)
        said += [(wake_ms, one) for one in stepped.outputs]
        state, wake_ms = stepped.state, stepped.wake_at_ms
    return said, state


@pytest.mark.parametrize("first", [None, BASE_ID, BASE_ID + bytes.fromhex(OPEN)])
def test_a_transceiver_that_no_longer_answers_is_lost_though_its_port_is_open(first: bytes | None) -> None:
    """Its rockers are silent by nature: nobody else would notice that no call can come any more."""
    opened = step(None, 0, start((DOOR,), Line("stue")))
    said, state = woken(step(first, 10, opened.state).state, 3_600_000)
    ((at_ms, down),) = said
    assert down == DEAD
    assert at_ms <= PROBE_ANSWERED_MS + LINK_LOST_MS + PROBE_UNANSWERED_MS
    back = step(bytes.fromhex(CLOSED), 3_700_000, state)
    assert back.outputs[0] == BACK
    assert isinstance(back.outputs[1], Reading)
    again, _ = woken(back.state, 7_200_000)
    assert [one for _, one in again if isinstance(one, SourceState)] == ([DEAD] if first else [])


def test_a_transceiver_that_answers_is_never_lost_in_a_silent_house() -> None:
    state = start((DOOR,), Line("stue"))
    at_ms: int | None = 0
    while at_ms is not None and at_ms < 3_600_000:
        said = step(None, at_ms, state)
        assert said.outputs == ()
        state, at_ms = said.state, said.wake_at_ms
        if said.to_send and at_ms is not None:
            answered = step(BASE_ID, at_ms - 1, state)
            assert answered.outputs == ()
            state, at_ms = answered.state, answered.wake_at_ms


def test_a_receiver_that_cannot_be_asked_is_a_finding_and_not_lost_in_every_quiet_hour() -> None:
    opened = step(bytes.fromhex(OPEN), 0, start((DOOR,), Line("stue")))
    said, _ = woken(opened.state, 3_600_000)
    ((_, finding),) = said
    assert isinstance(finding, Finding)
    assert "svarer ikke" in finding.sentence


def test_a_version_answer_is_kept() -> None:
    body = b"\x00" + bytes((2, 11, 1, 0)) + bytes((2, 6, 1, 0)) + bytes(24)
    assert step(Frame(2, body).to_bytes(), 0, start(())).state.version == "2.11.1.0"


def test_encode_refuses_what_it_cannot_say() -> None:
    with pytest.raises(RejectError):
        encode(Reading(DOOR.address, {"closed": True}), "D9-99-99")
    with pytest.raises(RejectError):
        encode(Reading("enocean:XYZ", {"closed": True}), "D5-00-01")
    with pytest.raises(RejectError):
        encode(Reading(DOOR.address, {"wet": False}), "F6-05-01")


ANYTHING: dict[str, Value] = {
    "pressed": True,
    "closed": True,
    "wet": True,
    "temperature_c": 20.0,
    "humidity_percent": 50.0,
    "light_lx": 100.0,
    "supply_v": 3.0,
}

telegrams = st.builds(
    lambda rorg, payload, sender, status, optional: Frame(
        1, bytes((rorg,)) + payload + bytes.fromhex(sender) + bytes((status,)), optional
    ).to_bytes(),
    st.sampled_from([0xF6, 0xD5, 0xA5, 0xD2, 0xD4, 0x30, 0x31, 0x35, 0x77]),
    st.binary(max_size=9),
    st.sampled_from([SENDER, "FFFFFFFF"]),
    st.integers(0, 255),
    st.binary(max_size=9),
)
anything = st.one_of(
    st.binary(max_size=40),
    telegrams,
    st.builds(lambda t, d: Frame(t, d).to_bytes(), st.integers(0, 9), st.binary(min_size=1, max_size=9)),
)


@given(st.lists(st.tuples(anything, st.integers(0, 300)), max_size=25), st.sampled_from(sorted(PROFILES)))
def test_nothing_on_the_line_ever_raises_or_grows(chunks: list[tuple[bytes, int]], profile: str) -> None:
    state: State = start((Device(DOOR.address, profile),))
    now = 0
    for chunk, wait in chunks:
        now += wait
        said = step(chunk, now, state)
        state = said.state
        assert len(state.buffer) < FRAME_BYTES_MAX
        assert len(state.last) <= 1
    after = step(encode(Reading(DOOR.address, ANYTHING), profile), now + 2000, state)
    assert any(isinstance(o, Reading) for o in after.outputs)
