"""The EnOcean driver with secured devices: verified, remembered, replayed, forged, plain, and noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import UNVERIFIED, Device, Finding, Line, Reading, Remember, Use
from nattevakt.edge.drivers.enocean import learning, recall, start, step
from nattevakt.edge.drivers.enocean.hearing import REFUSALS, RLC_KEY
from nattevakt.edge.drivers.enocean.secure import cmac, seal, vaes
from nattevakt.edge.drivers.enocean.state import FORGED_MS, State
from nattevakt.edge.drivers.enocean.telegram import Telegram
from nattevakt.edge.errors import RejectError
from tests.edge.test_enocean_secure import (
    ADDRESS,
    AES,
    CBC_SLFS,
    CIPHER,
    CLOSED,
    CORD,
    DOOR,
    KEY,
    OPENED,
    PRESS,
    RELEASE,
    SENDER,
    UNAES,
    VAES_SLFS,
    lock_of,
)


def began(device: Device, packed: bytes = KEY + b"\x8b\x00\x00\x64") -> State:
    return start((device,), Line("stue", AES, UNAES, {device.address: packed}))


def sent(telegram: Telegram, rlc: int, slf: int = 0x8B) -> bytes:
    return seal(telegram, lock_of(slf, 0), rlc, CIPHER).to_frame().to_bytes()


def test_a_secured_press_is_a_reading_and_its_code_is_remembered_with_it() -> None:
    said = step(sent(PRESS, 100), 1000, began(CORD))
    remember, reading = said.outputs
    assert isinstance(remember, Remember)
    assert isinstance(reading, Reading)
    assert remember.key == RLC_KEY + ADDRESS
    assert reading.values == {"pressed": True, "action": "AI", "signal_dbm": -60, "repeats": 0}
    assert said.counted["secured"] == 1


def test_a_replay_is_refused_counted_and_told_once_also_after_a_restart() -> None:
    first, second = sent(PRESS, 100), sent(RELEASE, 101)
    said = step(first, 1000, began(CORD))
    after = step(second, 1500, said.state)
    rows = {o.key: o.text for o in after.outputs if isinstance(o, Remember)}
    again = step(first + first, 60_000, recall(rows, began(CORD)))
    assert again.outputs == (Finding(ADDRESS, REFUSALS["secured_replayed"]),)
    assert (again.counted["secured_replayed"], again.counted["secured_refused"]) == (2, 2)
    newest = step(second, 61_000, again.state)
    assert (newest.outputs, newest.counted["secured_repeated"]) == ((), 1)
    assert len(step(sent(PRESS, 102), 62_000, newest.state).outputs) == 2


def test_a_repeater_s_copy_is_no_replay() -> None:
    said = step(sent(PRESS, 100), 1000, began(CORD))
    copy = replace(seal(PRESS, lock_of(0x8B, 0), 100, CIPHER), status=0x01)
    after = step(copy.to_frame().to_bytes(), 1050, said.state)
    assert (after.outputs, after.counted["repeated"]) == ((), 1)
    assert "secured_refused" not in after.counted


def test_a_wrong_key_or_a_far_jump_is_told_and_moves_nothing() -> None:
    state = began(CORD)
    said = step(sent(PRESS, 5000), 1000, state)
    assert said.outputs[0] == Finding(ADDRESS, REFUSALS["secured_unverified"])
    assert said.state.locks == state.locks
    assert len(step(sent(PRESS, 100), 2000, said.state).outputs) == 2


def test_without_a_rolling_code_an_unsent_one_cannot_be_followed_and_a_sent_one_can() -> None:
    said = step(sent(PRESS, 50_000), 1000, began(CORD, KEY))
    assert said.outputs[0] == Finding(ADDRESS, REFUSALS["secured_no_rlc"])
    (_, reading) = step(sent(PRESS, 50_000, 0xAB), 1000, began(CORD, KEY + b"\xab")).outputs
    assert isinstance(reading, Reading)


def test_data_without_a_rorg_is_read_by_the_profile_s_rorg() -> None:
    lock = lock_of(0xAB, 0)
    rlc = (100).to_bytes(3, "big")
    data = vaes(AES, KEY, rlc, b"\x09")
    mac = cmac(AES, KEY, b"\x30" + data + rlc)[:3]
    raw = Telegram(0x30, data + rlc + mac, SENDER).to_frame().to_bytes()
    (_, reading) = step(raw, 1000, began(DOOR, KEY + bytes((lock.slf.byte,)))).outputs
    assert isinstance(reading, Reading)
    assert reading.values["closed"] is True


def test_a_sealed_contact_and_a_sealed_learn_telegram() -> None:
    said = step(sent(OPENED, 100), 1000, began(DOOR))
    assert isinstance(said.outputs[1], Reading)
    learn = step(sent(replace(OPENED, payload=b"\x00"), 101), 5000, said.state)
    assert [type(o) for o in learn.outputs] == [Remember]
    assert learn.counted["learn"] == 1


def test_without_a_key_it_is_reported_as_such() -> None:
    for device in (CORD, Device("enocean:FFFFFFFE", "F6-02-01")):
        said = step(sent(PRESS, 100) * 2, 1000, start((device,)))
        assert said.counted["secured_unsupported"] == 2
        finding = said.outputs[0]
        assert isinstance(finding, Finding)
        assert "ingen nøkkel" in finding.sentence


FAR = {"action": UNVERIFIED}
CALLS = Device(ADDRESS, "F6-01-01", Use.CALL)


def rung(raw: bytes, at_ms: int, state: State) -> tuple[list[object], State]:
    """What readings say, and the state after it."""
    said = step(raw, at_ms, state)
    return [dict(o.values) for o in said.outputs if isinstance(o, Reading)], said.state


def test_a_call_that_cannot_be_verified_rings_as_such_and_an_old_one_does_not() -> None:
    """More than AHEAD_MAX presses were lost, or the key file is wrong: somebody may be calling all the same."""
    said, state = rung(sent(PRESS, 5000), 1_000, began(CALLS))
    assert said == [FAR]
    assert rung(sent(RELEASE, 5001), 1_200, state)[0] == [], "its release, or a repeater's copy"
    said, state = rung(sent(PRESS, 5002), 3_000, state)
    assert said == [FAR]
    said, state = rung(sent(PRESS, 105), 3_100, state)
    assert [value["pressed"] for value in said if isinstance(value, dict)] == [True]
    for at_ms in (3_500, 10_000, 10_100):
        for old in (100, 104, 105):
            again, state = rung(sent(PRESS, old), at_ms, state)
            assert again == [], (at_ms, old)


@pytest.mark.parametrize("packed", [KEY, b"\x01" * 16, KEY + b"\xf3", KEY + b"\xab"])
def test_a_key_file_that_does_not_fit_silences_no_call_button(packed: bytes) -> None:
    """No rolling code, another key, a format that makes the telegram too short, or another one."""
    assert rung(sent(PRESS, 5000), 1_000, began(CALLS, packed))[0] == [FAR]
    auto = Device(ADDRESS, "F6-02-01")
    assert rung(sent(PRESS, 5000), 1_000, began(auto, packed))[0] == [FAR]
    leak = Device(ADDRESS, "D5-00-01", Use.LEAK)
    assert rung(sent(CLOSED, 5000), 1_000, began(leak, packed))[0] == [FAR]
    bed = Device(ADDRESS, "F6-01-01", Use.BED)
    assert rung(sent(PRESS, 5000), 1_000, began(bed, packed))[0] == []


def test_a_call_button_in_secure_mode_without_a_key_rings_too_and_a_stranger_does_not() -> None:
    said, state = rung(sent(PRESS, 100) * 2, 1_000, start((CALLS,)))
    assert said == [FAR]
    assert rung(sent(RELEASE, 101), 1_100, state)[0] == []
    assert rung(sent(PRESS, 102), 4_000, state)[0] == [FAR]
    assert rung(sent(PRESS, 100), 1_000, start(()))[0] == []


def test_a_call_that_the_receiver_only_decrypted_rings_and_nothing_else_of_it_is_believed() -> None:
    for security in (None, 0, 2):
        press = Telegram(0x32, b"\x09", SENDER, security=security)
        said, state = rung(press.to_frame().to_bytes(), 1_000, start((Device(ADDRESS, "F6-02-01", Use.CALL),)))
        assert [value["pressed"] for value in said if isinstance(value, dict)] == [True]
        released = Telegram(0x32, b"\x0f", SENDER, security=security)
        assert rung(released.to_frame().to_bytes(), 5_000, state)[0] == []


def test_a_plain_impostor_may_ring_but_never_calm() -> None:
    """Anybody can send it: a call is taken in all the same, "closed" of a secured door is not."""
    said = step(PRESS.to_frame().to_bytes(), 1000, began(CORD))
    assert [type(o) for o in said.outputs] == [Finding, Reading]
    assert said.counted["secured_plain"] == 1
    assert step(RELEASE.to_frame().to_bytes(), 2000, said.state).outputs == ()
    assert [type(o) for o in step(CLOSED.to_frame().to_bytes(), 1000, began(DOOR)).outputs] == [Finding]
    bed = Device(ADDRESS, "F6-01-01", Use.BED)
    assert [type(o) for o in step(PRESS.to_frame().to_bytes(), 1000, began(bed)).outputs] == [Finding]
    leak = Device(ADDRESS, "F6-05-01", Use.LEAK)
    wet = Telegram(0xF6, b"\x11", SENDER, 0x30)
    assert [type(o) for o in step(wet.to_frame().to_bytes(), 1000, began(leak)).outputs] == [Finding, Reading]
    normally_closed = Device(ADDRESS, "D5-00-01", Use.CALL, invert=True)
    assert len(step(OPENED.to_frame().to_bytes(), 1000, began(normally_closed)).outputs) == 2
    assert len(step(CLOSED.to_frame().to_bytes(), 1000, began(normally_closed)).outputs) == 1
    auto = Device(ADDRESS, "F6-02-01")
    assert len(step(PRESS.to_frame().to_bytes(), 1000, began(auto)).outputs) == 2


def test_what_the_receiver_itself_verified_is_taken_and_what_it_only_decrypted_is_not() -> None:
    for security, kinds in ((4, [Reading]), (3, [Reading]), (2, [Finding]), (0, [Finding])):
        telegram = Telegram(0x32, b"\x09", SENDER, security=security)
        said = step(telegram.to_frame().to_bytes(), 1000, start((DOOR,)))
        assert [type(o) for o in said.outputs] == kinds, security
    plain_again = step(replace(CLOSED, security=4).to_frame().to_bytes(), 1000, began(DOOR))
    assert [type(o) for o in plain_again.outputs] == [Reading]
    empty = step(Telegram(0x32, b"", SENDER, security=4).to_frame().to_bytes(), 1000, start((DOOR,)))
    assert empty.counted["secured_meaningless"] == 1


def test_no_key_stands_in_what_a_traceback_would_show() -> None:
    line = Line("stue", AES, UNAES, {ADDRESS: KEY + b"\x8b\x00\x00\x64"})
    shown = repr(line) + repr(start((CORD,), line))
    assert "EnOcean GmbH" not in shown
    assert KEY.hex() not in shown.lower()


def test_a_key_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(RejectError, match="key_file of enocean:01825DAB"):
        began(CORD, b"short")


def test_who_forges_telegrams_does_not_get_all_the_time_of_the_gateway() -> None:
    """Right after a forged one only the nearest codes are tried: the device itself is still heard."""
    forged = Telegram(0x30, bytes.fromhex("01020304"), SENDER)
    tried = 0

    def counted(key: bytes, block: bytes) -> bytes:
        nonlocal tried
        tried += 1
        return AES(key, block)

    line = Line("stue", counted, UNAES, {ADDRESS: KEY + b"\x8b\x00\x00\x64"})
    said = step(forged.to_frame().to_bytes(), 1000, start((CORD,), line))
    first, tried = tried, 0
    for number in range(50):
        other = replace(forged, payload=number.to_bytes(4, "big"))
        said = step(other.to_frame().to_bytes(), 1001 + number, said.state)
    assert tried / 50 < first / 10
    assert said.counted["secured_unverified"] == 1
    assert any(isinstance(o, Reading) for o in step(sent(PRESS, 103), 1100, said.state).outputs)
    after_loss = step(sent(PRESS, 150), 1000 + FORGED_MS, said.state)
    assert any(isinstance(o, Reading) for o in after_loss.outputs)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0x30, 0x31, 0x32, 0x35, 0xD5, 0xF6]),
            st.binary(max_size=34),
            st.sampled_from([None, 0, 2, 3, 4, 255]),
            st.integers(0, 1500),
        ),
        max_size=12,
    ),
    st.sampled_from(VAES_SLFS + CBC_SLFS),
    st.sampled_from([CORD, DOOR, Device(ADDRESS, "D2-14-41"), Device(ADDRESS, "unknown")]),
    st.booleans(),
)
def test_nothing_secured_ever_raises_and_the_next_good_telegram_is_heard(
    heard: list[tuple[int, bytes, int | None, int]], slf: int, device: Device, learns: bool
) -> None:
    state = learning(10**9 if learns else None, began(device, KEY + bytes((slf,))))
    now_ms = 0
    for rorg, payload, security, wait_ms in heard:
        now_ms += wait_ms
        state = step(Telegram(rorg, payload, SENDER, security=security).to_frame().to_bytes(), now_ms, state).state
    whole = replace(OPENED, rorg=0xA5, payload=bytes.fromhex("00000008"))
    code = state.locks[ADDRESS].next_rlc or 0
    raw = seal(whole, state.locks[ADDRESS], code, CIPHER).to_frame().to_bytes()
    assert step(raw, now_ms + 2000, state).counted["secured"] == 1
