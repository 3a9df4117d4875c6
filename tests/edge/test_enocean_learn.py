"""EnOcean teach-in: heard only inside a window that an operator opened; UTE is answered from our base id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Device, Finding, Learned, Line, Reading, Remember, Stepped
from nattevakt.edge.drivers.enocean import learning, start, step
from nattevakt.edge.drivers.enocean.frame import Frame
from nattevakt.edge.drivers.enocean.learn import PARTS_BYTES_MAX, Parts, SecureTaught, collect, taught
from nattevakt.edge.drivers.enocean.secure import Cipher, Lock, Slf, seal
from nattevakt.edge.drivers.enocean.state import LEARNED_MAX, PARTS_MAX, State
from nattevakt.edge.drivers.enocean.telegram import Telegram
from nattevakt.edge.errors import RejectError
from nattevakt.gateway.crypto import aes_128

D5_LEARN = bytes.fromhex("55000707017ad5000181192d8001ffffffff3a0049")
A5_LEARN = bytes.fromhex("55000a0701eba508284680018a7b300001ffffffff490026")
UTE_QUERY = bytes.fromhex("55000d0701fdd4a0ff3e000101d20194e3b90001ffffffff4000ab")
BASE_ID_REPLY = bytes.fromhex("5500050002ce00ff87ca00a3")
BASE_ID = "FF87CA00"
UNTIL_MS = 60_000
KEY = bytes.fromhex("456E4F6365616E20476D62482E313300")
SENDER = "01825DAB"
ADDRESS = f"enocean:{SENDER}"


def opened(*devices: Device, base_id: bool = True) -> State:
    """A driver with an open learn window, and (or not) an answer to its question for the base id."""
    state = learning(UNTIL_MS, start(devices))
    return step(BASE_ID_REPLY if base_id else None, 0, state).state


def ute(first: int, profile: str = "010041d2", sender: str = SENDER) -> bytes:
    """A UTE telegram: profile as TYPE, FUNC, RORG would be read backwards: here manufacturer MSB, TYPE, FUNC, RORG."""
    return Telegram(0xD4, bytes((first, 0x01, 0x0B)) + bytes.fromhex(profile), sender).to_frame().to_bytes()


def learned(said: Stepped[State]) -> list[Learned]:
    return [o for o in said.outputs if isinstance(o, Learned)]


@pytest.mark.parametrize("raw", [D5_LEARN, A5_LEARN, UTE_QUERY])
def test_outside_the_window_a_teach_in_is_counted_and_told_once_and_never_answered(raw: bytes) -> None:
    state = step(BASE_ID_REPLY, 0, start(())).state
    said = step(raw, 10, state)
    assert [type(o) for o in said.outputs] == [Finding]
    assert (said.counted["learn"], said.to_send) == (1, ())
    again = step(raw, 5000, said.state)
    assert (again.outputs, again.counted["learn"], again.to_send) == ((), 1, ())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (D5_LEARN, ("enocean:0181192D", "D5-00-01", "")),
        (A5_LEARN, ("enocean:018A7B30", "A5-02-05", "ID-RF (NodOn)")),
        (UTE_QUERY, ("enocean:0194E3B9", "D2-01-01", "0x03E")),
        (
            bytes.fromhex("55000a0701eba540300287ffd9b7e50001ffffffff440016"),
            ("enocean:FFD9B7E5", "A5-10-06", "Thermokon"),
        ),
    ],
)
def test_inside_the_window_it_is_named(raw: bytes, expected: tuple[str, str, str]) -> None:
    (found,) = learned(step(raw, 10, opened()))
    assert (found.address, found.profile, found.maker) == expected
    assert found.profile in found.sentence
    assert expected[0] not in found.sentence


def test_a_4bs_teach_in_without_a_profile_says_so() -> None:
    raw = Telegram(0xA5, bytes(4), SENDER).to_frame().to_bytes()
    (found,) = learned(step(raw, 10, opened()))
    assert (found.profile, found.maker) == ("", "")
    assert "uten å navngi noen profil" in found.sentence


def test_the_window_closes_by_itself_and_by_hand() -> None:
    state = opened()
    assert learned(step(D5_LEARN, UNTIL_MS, state))
    assert not learned(step(D5_LEARN, UNTIL_MS + 1, state))
    assert not learned(step(D5_LEARN, 10, learning(None, state)))
    late = step(None, UNTIL_MS + 1, state).state
    assert late.learn_until_ms is None


def test_a_repeater_s_copy_is_learned_once_and_a_second_push_again() -> None:
    said = step(D5_LEARN, 10, opened())
    copy = step(D5_LEARN, 60, said.state)
    assert (copy.outputs, copy.counted["repeated"]) == ((), 1)
    assert learned(step(D5_LEARN, 900, copy.state))


def test_a_button_without_a_learn_telegram_is_named_by_its_press_inside_the_window() -> None:
    press = Telegram(0xF6, b"\x10", SENDER, 0x30).to_frame().to_bytes()
    said = step(press, 10, opened())
    (found,) = learned(said)
    assert (found.address, found.profile) == (ADDRESS, "")
    assert learned(step(press, 5000, said.state)) == []
    known = Device(ADDRESS, "F6-02-01")
    assert [type(o) for o in step(press, 10, opened(known)).outputs] == [Reading]


def test_ute_is_answered_from_our_base_id_to_the_device_alone() -> None:
    """The response of EEP 2.6.7: the query again, its first byte 91: both ways, teach-in accepted."""
    said = step(ute(0xA0, "004114d2"), 10, opened())
    (answer,) = said.to_send
    frame = Frame.from_bytes(answer)
    assert frame.data.hex() == f"d491010b004114d2{BASE_ID.lower()}00"
    assert frame.optional.hex() == f"03{SENDER.lower()}ff00"
    assert said.counted["ute_answers"] == 1
    (found,) = learned(said)
    assert (found.profile, found.maker) == ("D2-14-41", "EnOcean")


@pytest.mark.parametrize(
    ("first", "profile", "answer"),
    [
        (0xA0, "004114d2", 0x91),
        (0x80, "004114d2", 0x91),
        (0x00, "004114d2", 0x11),
        (0xA0, "000101d2", 0xB1),
        (0x90, "004114d2", 0x81),
        (0xE0, "004114d2", None),
        (0x40, "004114d2", None),
        (0x91, "004114d2", None),
    ],
)
def test_what_a_ute_query_is_answered(first: int, profile: str, answer: int | None) -> None:
    """Accepted; also one way; unknown profile; wants to be forgotten: refused; no answer wanted; no query at all."""
    sent = step(ute(first, profile), 10, opened()).to_send
    assert [Frame.from_bytes(raw).data[1] for raw in sent] == ([] if answer is None else [answer])


def test_a_device_that_wants_to_be_forgotten_is_not_learned() -> None:
    said = step(ute(0x90, "004114d2"), 10, opened())
    assert [type(o) for o in said.outputs] == [Finding]


def test_somebody_else_s_ute_response_teaches_nothing() -> None:
    said = step(ute(0x91, "004114d2"), 10, opened())
    assert (said.outputs, said.counted["ute_foreign"]) == ((), 1)


def test_without_a_base_id_ute_is_not_answered_and_that_is_said() -> None:
    said = step(ute(0xA0, "004114d2"), 10, opened(base_id=False))
    assert (said.to_send, said.counted["ute_no_base_id"]) == ((), 1)
    assert [type(o) for o in said.outputs] == [Learned, Finding]


def test_a_query_asked_again_is_answered_again() -> None:
    said = step(ute(0xA0, "004114d2"), 10, opened())
    copy = step(ute(0xA0, "004114d2"), 50, said.state)
    assert copy.to_send == ()
    assert len(step(ute(0xA0, "004114d2"), 700, copy.state).to_send) == 1


# --- secure teach-in -------------------------------------------------------------------------------------------------


def secure(rlc: int = 100, key: bytes = KEY, info: int = 0x24, slf: int = 0x8B, sender: str = SENDER) -> list[bytes]:
    """The two telegrams of a secure teach-in, split as in the specification's annex A.4.2."""
    whole = rlc.to_bytes(3, "big") + key
    parts = (bytes((info, slf)) + whole[:10], b"\x40" + whole[10:])
    return [Telegram(0x35, part, sender).to_frame().to_bytes() for part in parts]


def taught_in(state: State, parts: list[bytes]) -> Stepped[State]:
    first = step(parts[0], 10, state)
    assert learned(first) == []
    return step(parts[1], 40, first.state)


def locked(packed: bytes = KEY) -> State:
    there, back = aes_128()
    line = Line("stue", there, back, {ADDRESS: packed})
    return step(None, 0, learning(UNTIL_MS, start((Device(ADDRESS, "F6-02-01"),), line))).state


def test_a_device_that_sends_its_key_gives_the_line_for_its_key_file_and_hides_it() -> None:
    (found,) = learned(taught_in(opened(), secure()))
    assert (found.address, found.profile) == (ADDRESS, "F6-02-01")
    assert found.key_line == f"{KEY.hex().upper()} 8B 000064"
    assert Lock.from_settings(bytes.fromhex(found.key_line)) == Lock(KEY, Slf.from_byte(0x8B), 100, slf_given=True)
    assert KEY.hex().upper() not in repr(found)
    assert KEY.hex().upper() not in found.sentence.upper()


def test_outside_the_window_a_key_is_not_even_collected() -> None:
    state = start(())
    for part in secure():
        said = step(part, 10, state)
        state = said.state
        assert learned(said) == []
    assert state.parts == {}


def test_a_secure_teach_in_of_a_known_key_sets_the_rolling_code_and_it_is_remembered() -> None:
    said = taught_in(locked(), secure(rlc=70_000))
    assert [type(o) for o in said.outputs] == [Remember, Learned]
    there, back = aes_128()
    press = seal(Telegram(0xF6, b"\x10", SENDER, 0x30), Lock(KEY, Slf.from_byte(0x8B)), 70_000, Cipher(there, back))
    assert isinstance(step(press.to_frame().to_bytes(), 3000, said.state).outputs[1], Reading)


@pytest.mark.parametrize(
    ("packed", "parts"),
    [
        (KEY, secure(key=bytes(16))),
        (KEY + b"\xab", secure()),
        (KEY + b"\x8b\x01\x00\x00", secure()),
    ],
    ids=["another key", "another SLF", "an older rolling code"],
)
def test_a_secure_teach_in_that_does_not_fit_changes_nothing(packed: bytes, parts: list[bytes]) -> None:
    state = locked(packed)
    said = taught_in(state, parts)
    assert [type(o) for o in said.outputs] == [Finding]
    assert said.state.locks == state.locks


def test_a_key_hidden_by_a_pre_shared_key_is_told() -> None:
    said = taught_in(opened(), secure(info=0x2C))
    (finding,) = said.outputs
    assert isinstance(finding, Finding)
    assert "skjult nøkkel" in finding.sentence
    assert said.counted["learn_secure_bad"] == 1


@given(
    st.lists(st.tuples(st.binary(max_size=14), st.integers(0, 400), st.sampled_from([SENDER, "00000001"])), max_size=20)
)
def test_any_secure_teach_in_is_taken_or_refused(parts: list[tuple[bytes, int, str]]) -> None:
    state, now_ms = opened(), 0
    for payload, wait_ms, sender in parts:
        now_ms += wait_ms
        state = step(Telegram(0x35, payload, sender).to_frame().to_bytes(), now_ms, state).state
        assert len(state.parts) <= PARTS_MAX
        assert all(len(p.data) <= PARTS_BYTES_MAX for p in state.parts.values())


def test_many_half_teach_ins_and_many_learners_stay_bounded() -> None:
    state = opened()
    for number in range(LEARNED_MAX + 20):
        state = step(secure(sender=f"{number:08X}")[0], 10 + number, state).state
    assert (len(state.parts), len(state.learned)) == (PARTS_MAX, LEARNED_MAX)


def test_parts_out_of_order_are_refused() -> None:
    first, second = (Telegram.from_frame(Frame.from_bytes(raw)) for raw in secure())
    with pytest.raises(RejectError):
        collect(None, second)
    parts = collect(None, first)
    assert isinstance(parts, Parts)
    assert isinstance(collect(parts, second), SecureTaught)
    with pytest.raises(RejectError):
        collect(collect_again(parts), second)


def collect_again(parts: Parts) -> Parts:
    """The same parts, as if one more had come."""
    return Parts(parts.info, 1, parts.data)


def test_what_a_teach_in_says_is_read_without_a_window_too() -> None:
    assert taught(Telegram(0xD5, b"\x00", SENDER)).profile == "D5-00-01"
