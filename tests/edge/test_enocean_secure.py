"""Secured EnOcean telegrams: the specification's vectors, an independent oracle, replay, loss, and plain impostors."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as Library
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.drivers.enocean.secure import (
    AHEAD_MAX,
    Cipher,
    Lock,
    Opened,
    Refused,
    Slf,
    cmac,
    seal,
    unlock,
    unwrapped,
    vaes,
)
from nattevakt.edge.drivers.enocean.telegram import Telegram
from nattevakt.edge.errors import RejectError
from nattevakt.gateway.crypto import aes_128

AES, UNAES = aes_128()
CIPHER = Cipher(AES, UNAES)
KEY = bytes.fromhex("456E4F6365616E20476D62482E313300")
KEY_A43 = bytes.fromhex("E50880CF67790D5D66AA7F3B7AD77A3F")
SENDER = "01825DAB"
ADDRESS = f"enocean:{SENDER}"
CORD = Device(ADDRESS, "F6-02-01", Use.CALL)
DOOR = Device(ADDRESS, "D5-00-01", Use.DOOR)
PRESS = Telegram(0xF6, b"\x10", SENDER, 0x30, dbm=-60)
RELEASE = Telegram(0xF6, b"\x00", SENDER, 0x20, dbm=-60)
OPENED = Telegram(0xD5, b"\x08", SENDER, dbm=-60)
CLOSED = Telegram(0xD5, b"\x09", SENDER, dbm=-60)
# 16-bit unsent and sent, 24-bit unsent and sent, 32-bit with 24 sent and sent; CMAC 3 and 4; VAES. Then AES-CBC.
VAES_SLFS = [rlc << 5 | mac << 3 | 3 for rlc in (0b010, 0b011, 0b100, 0b101, 0b110, 0b111) for mac in (1, 2)]
CBC_SLFS = [rlc << 5 | mac << 3 | 4 for rlc in (0b100, 0b101) for mac in (1, 2)]


def lock_of(slf: int, rlc: int | None, key: bytes = KEY) -> Lock:
    return Lock(key, Slf.from_byte(slf), rlc)


# --- the specification's own numbers: Security of EnOcean Radio Networks 3.02, annex A.4 -----------------------------


def test_vector_a41_vaes_and_cmac_with_the_rorg_inside() -> None:
    sealed = bytes.fromhex("3EEAC4A2DF")
    assert vaes(AES, KEY, bytes.fromhex("C0FFEE"), bytes.fromhex("A50827FF80")) == sealed
    assert cmac(AES, KEY, bytes.fromhex("313EEAC4A2DFC0FFEE"))[:3] == bytes.fromhex("EAF20E")
    secured = Telegram(0x31, sealed + bytes.fromhex("EAF20E"), SENDER)
    found = unlock(secured, lock_of(0x8B, 0xC0FFEE), CIPHER, 0)
    assert isinstance(found, Opened)
    assert (found.telegram.rorg, found.telegram.payload) == (0xA5, bytes.fromhex("0827FF80"))
    assert found.lock.next_rlc == 0xC0FFEF


def test_vector_a42_a_rocker_s_four_bits() -> None:
    assert vaes(AES, KEY, bytes.fromhex("3E2D00"), b"\x09") == b"\xce"
    assert cmac(AES, KEY, bytes.fromhex("300E3E2D00"))[:3] == bytes.fromhex("05E56D")
    secured = Telegram(0x30, bytes.fromhex("0E05E56D"), SENDER)
    found = unlock(secured, lock_of(0x8B, 0x3E2D00), CIPHER, 0xF6)
    assert isinstance(found, Opened)
    assert found.telegram == Telegram(0xF6, b"\x15", SENDER, 0x30)  # 9: A1 and B1, which are AI and BI
    assert seal(found.telegram, lock_of(0x8B, 0), 0x3E2D00, CIPHER) == replace(secured, status=0x30)


def test_vector_a43_two_blocks_and_a_cmac_of_four_bytes() -> None:
    rlc = bytes.fromhex("01020304")
    sealed = bytes.fromhex("BB17C17A05CAF5575DE208302FB572A0FD3A4434A41096F102E60DC20D777A")
    assert vaes(AES, KEY_A43, rlc, b"\xd1" + bytes(range(0x1E))) == sealed
    assert cmac(AES, KEY_A43, b"\x31" + sealed + rlc)[:4] == bytes.fromhex("3B4C380F")
    secured = Telegram(0x31, sealed + rlc + bytes.fromhex("3B4C380F"), SENDER)
    found = unlock(secured, lock_of(0xF3, None, KEY_A43), CIPHER, 0)
    assert isinstance(found, Opened)
    assert (found.telegram.rorg, found.telegram.payload) == (0xD1, bytes(range(0x1E)))


@pytest.mark.parametrize(
    ("slf", "expected"),
    [
        (0xF3, (4, 4, 4, 3)),
        (0xAB, (3, 3, 3, 3)),
        (0x8B, (3, 0, 3, 3)),
        (0xCB, (4, 3, 3, 3)),
        (0x53, (2, 0, 4, 3)),
        (0x6C, (2, 2, 3, 4)),
    ],
)
def test_security_level_formats(slf: int, expected: tuple[int, ...]) -> None:
    found = Slf.from_byte(slf)
    assert (found.rlc_size, found.sent_size, found.mac_size, found.encryption) == expected


@pytest.mark.parametrize("slf", [0x0B, 0x2B, 0x83, 0x9B, 0x8A, 0x8F])
def test_a_format_that_verifies_nothing_is_refused(slf: int) -> None:
    with pytest.raises(RejectError):
        Slf.from_byte(slf)


# --- an independent oracle: cryptography's own CMAC, and AES of many blocks ------------------------------------------


@given(st.binary(min_size=16, max_size=16), st.binary(max_size=70))
def test_cmac_agrees_with_cryptography(key: bytes, message: bytes) -> None:
    oracle = CMAC(algorithms.AES(key))
    oracle.update(message)
    assert cmac(AES, key, message) == oracle.finalize()


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=3, max_size=3), st.binary(min_size=1, max_size=16))
def test_one_block_of_vaes_agrees_with_cryptography(key: bytes, rlc: bytes, data: bytes) -> None:
    """VAES is AES of (start XOR rolling code), laid over the data: in one block that is counter mode from there."""
    start_value = int.from_bytes(bytes.fromhex("3410DE8F1ABA3EFF9F5A117172EACABD"), "big")
    counter = (start_value ^ int.from_bytes(rlc + bytes(13), "big")).to_bytes(16, "big")
    oracle = Library(algorithms.AES(key), modes.CTR(counter)).encryptor()
    assert vaes(AES, key, rlc, data) == oracle.update(data)


@pytest.mark.parametrize("slf", CBC_SLFS)
def test_cbc_agrees_with_cryptography(slf: int) -> None:
    lock = lock_of(slf, 7)
    long = Telegram(0xD1, bytes(range(31)), SENDER)
    secured = seal(long, lock, 7, CIPHER)
    oracle = Library(algorithms.AES(KEY), modes.CBC(bytes(16))).encryptor()
    assert secured.payload[:32] == oracle.update(b"\xd1" + bytes(range(31)))
    found = unlock(secured, lock, CIPHER, 0)
    assert isinstance(found, Opened)
    assert found.telegram == long
    assert unlock(secured, lock, Cipher(AES), 0) == Refused("secured_meaningless")


# --- one telegram ----------------------------------------------------------------------------------------------------

plain = st.one_of(
    st.builds(Telegram, st.just(0xA5), st.binary(min_size=4, max_size=4), st.just(SENDER)),
    st.builds(Telegram, st.just(0xD5), st.binary(min_size=1, max_size=1), st.just(SENDER)),
    st.builds(Telegram, st.just(0xD2), st.binary(min_size=1, max_size=20), st.just(SENDER)),
    st.sampled_from([PRESS, RELEASE, replace(PRESS, payload=b"\x35"), replace(PRESS, payload=b"\x70", status=0x20)]),
)


@given(plain, st.sampled_from(VAES_SLFS), st.integers(0, 0xFFFF), st.integers(0, AHEAD_MAX))
def test_what_is_sealed_is_opened_also_after_losses(telegram: Telegram, slf: int, rlc: int, lost: int) -> None:
    lock = lock_of(slf, rlc)
    whole = 1 << lock.slf.rlc_size * 8
    secured = seal(telegram, lock, (rlc + lost) % whole, CIPHER)
    found = unlock(secured, lock, CIPHER, 0xF6)
    assert isinstance(found, Opened)
    assert (found.telegram.rorg, found.telegram.payload) == (telegram.rorg, telegram.payload)
    assert found.lock.next_rlc == (rlc + lost + 1) % whole
    again = unlock(secured, found.lock, CIPHER, 0xF6)
    assert again == Refused("secured_repeated")


@given(plain, st.sampled_from(VAES_SLFS), st.integers(200, 0xFFFF), st.integers(2, 100))
def test_an_older_telegram_is_a_replay(telegram: Telegram, slf: int, rlc: int, age: int) -> None:
    lock = lock_of(slf, rlc)
    assert unlock(seal(telegram, lock, rlc - age, CIPHER), lock, CIPHER, 0xF6) == Refused("secured_replayed")


@given(plain, st.sampled_from(VAES_SLFS), st.data())
def test_a_changed_bit_is_never_accepted(telegram: Telegram, slf: int, data: st.DataObject) -> None:
    lock = lock_of(slf, 1000)
    payload = bytearray(seal(telegram, lock, 1000, CIPHER).payload)
    at = data.draw(st.integers(0, len(payload) * 8 - 1))
    payload[at // 8] ^= 1 << at % 8
    found = unlock(
        replace(telegram, rorg=0x30 if telegram.rorg == 0xF6 else 0x31, payload=bytes(payload)), lock, CIPHER, 0xF6
    )
    assert isinstance(found, Refused)


@given(st.binary(max_size=20), st.sampled_from([0x30, 0x31]), st.sampled_from(VAES_SLFS + CBC_SLFS))
def test_noise_is_refused_and_never_raises(noise: bytes, rorg: int, slf: int) -> None:
    assert isinstance(unlock(Telegram(rorg, noise, SENDER), lock_of(slf, 5), CIPHER, 0xF6), Refused)


def test_an_unsent_code_is_followed_over_128_lost_telegrams_and_no_more() -> None:
    lock = lock_of(0x8B, 100)
    assert isinstance(unlock(seal(PRESS, lock, 100 + AHEAD_MAX, CIPHER), lock, CIPHER, 0xF6), Opened)
    assert unlock(seal(PRESS, lock, 101 + AHEAD_MAX, CIPHER), lock, CIPHER, 0xF6) == Refused("secured_unverified")


def test_a_sent_code_may_jump_far_ahead_but_not_half_way_round() -> None:
    lock = lock_of(0xAB, 100)
    assert isinstance(unlock(seal(PRESS, lock, 1_000_000, CIPHER), lock, CIPHER, 0xF6), Opened)
    assert unlock(seal(PRESS, lock, 99 + 2**23 + 2, CIPHER), lock, CIPHER, 0xF6) == Refused("secured_replayed")


def test_the_unsent_upper_byte_follows_over_a_turn_of_the_lower_ones() -> None:
    lock = lock_of(0xCB, 0x01FFFFFE)
    found = unlock(seal(PRESS, lock, 0x02000001, CIPHER), lock, CIPHER, 0xF6)
    assert isinstance(found, Opened)
    assert found.lock.next_rlc == 0x02000002
    assert unlock(seal(PRESS, lock, 0x01FFFFFE, CIPHER), found.lock, CIPHER, 0xF6) == Refused("secured_replayed")


def test_a_rolling_code_of_16_bits_turns_over() -> None:
    lock = lock_of(0x4B, 0xFFFF)
    found = unlock(seal(PRESS, lock, 0xFFFF, CIPHER), lock, CIPHER, 0xF6)
    assert isinstance(found, Opened)
    assert found.lock.next_rlc == 0
    assert isinstance(unlock(seal(RELEASE, lock, 3, CIPHER), found.lock, CIPHER, 0xF6), Opened)


@pytest.mark.parametrize("bits", range(5))
def test_a_rocker_s_reserved_bits_say_nothing(bits: int) -> None:
    assert unwrapped(Telegram(0x30, b"", SENDER), bytes((bits,)), 0xF6) is None


def test_a_rocker_cannot_seal_what_it_cannot_say() -> None:
    with pytest.raises(RejectError):
        seal(replace(PRESS, payload=b"\x11"), lock_of(0x8B, 0), 0, CIPHER)


# --- settings and memory ---------------------------------------------------------------------------------------------


def test_a_key_file_may_hold_key_slf_and_rolling_code() -> None:
    assert Lock.from_settings(KEY) == Lock(KEY, Slf.from_byte(0x8B), None, slf_given=False)
    assert Lock.from_settings(KEY + b"\xab") == Lock(KEY, Slf.from_byte(0xAB), None, slf_given=True)
    assert Lock.from_settings(KEY + b"\xab\x00\x01\x02") == Lock(KEY, Slf.from_byte(0xAB), 0x102, slf_given=True)
    for bad in (KEY[:15], KEY + b"\x00", KEY + b"\xab\x01", KEY + b"\x4b\x01\x02\x03"):
        with pytest.raises(RejectError):
            Lock.from_settings(bad)


@given(st.text(max_size=30))
def test_any_row_of_memory_is_read_or_left(text: str) -> None:
    lock = Lock.from_settings(KEY)
    assert lock.recalled(text) == lock


def test_a_row_of_memory_moves_forward_only_and_belongs_to_its_key() -> None:
    lock = lock_of(0x8B, 500)
    row = replace(lock, next_rlc=700).text()
    assert KEY.hex() not in row.lower()
    assert lock.recalled(row).next_rlc == 700
    assert replace(lock, next_rlc=900).recalled(row).next_rlc == 900
    assert replace(lock, key=KEY_A43).recalled(row).next_rlc == 500
    assert lock.recalled(replace(lock, next_rlc=None).text()).next_rlc == 500
    assert replace(lock, next_rlc=None).recalled(row).next_rlc == 700
    turned = lock_of(0x4B, 0xFFF0)
    assert turned.recalled(replace(turned, next_rlc=5).text()).next_rlc == 5


def test_a_format_that_the_settings_leave_open_is_remembered_and_one_that_they_name_is_not_changed() -> None:
    row = lock_of(0xAB, 700).text()
    assert Lock.from_settings(KEY).recalled(row).slf.byte == 0xAB
    assert Lock.from_settings(KEY + b"\x8b").recalled(row).slf.byte == 0x8B
