"""Our EnOcean decoder beside an independent one, the library enocean 0.60.1 (MIT), on random valid frames.

Where they disagree, the disagreement has a test that says who is right and why.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.edge.drivers.driver import Device, Reading, Value
from nattevakt.edge.drivers.enocean.decode import PROFILES, decode
from nattevakt.edge.drivers.enocean.frame import Frame, crc8, feed
from nattevakt.edge.drivers.enocean.learn import ACCEPTED, Query, answer, taught
from nattevakt.edge.drivers.enocean.telegram import LEARN_BIT, NU, T21, Telegram
from nattevakt.edge.errors import FrameError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it reads its XML tables with an HTML parser, which warns
    from enocean.protocol import crc8 as oracle_crc8
    from enocean.protocol.constants import PARSE_RESULT
    from enocean.protocol.packet import Packet

SENDER = "0181192D"
ADDRESS = f"enocean:{SENDER}"


def theirs(raw: bytes) -> Any:
    """What the library makes of one whole frame; None when it refuses it."""
    result, rest, packet = Packet.parse_msg(list(raw))
    assert rest == []
    return packet if result == PARSE_RESULT.OK else None


def their_values(telegram: Telegram, profile: str) -> Mapping[str, Mapping[str, Any]]:
    packet = theirs(telegram.to_frame().to_bytes())
    _, func, kind = (int(part, 16) for part in profile.split("-"))
    packet.parse_eep(func, kind)
    parsed: Mapping[str, Mapping[str, Any]] = packet.parsed
    return parsed


def our_values(telegram: Telegram, profile: str) -> Mapping[str, Value]:
    said = decode(telegram, Device(ADDRESS, profile))
    assert isinstance(said, Reading)
    return said.values


# --- framing ---------------------------------------------------------------------------------------------------------

payloads = st.one_of(
    st.builds(bytes, st.tuples(st.just(0xF6), st.integers(0, 255))),
    st.builds(bytes, st.tuples(st.just(0xD5), st.integers(0, 255))),
    st.builds(lambda body: b"\xa5" + body, st.binary(min_size=4, max_size=4)),
    st.builds(lambda body: b"\xd2" + body, st.binary(min_size=1, max_size=14)),
)
radio = st.builds(
    lambda payload, tail, optional: Frame(1, payload + tail, optional),
    payloads,
    st.binary(min_size=5, max_size=5),
    st.binary(min_size=7, max_size=7),
)


@given(st.binary(max_size=60))
def test_the_checksum_is_the_same(data: bytes) -> None:
    assert crc8(data) == oracle_crc8.calc(list(data))


@settings(max_examples=300)
@given(radio)
def test_frames_and_telegrams_are_the_same(frame: Frame) -> None:
    packet, telegram = theirs(frame.to_bytes()), Telegram.from_frame(frame)
    assert bytes(packet.data) == frame.data
    assert bytes(packet.optional) == frame.optional
    assert packet.rorg == telegram.rorg
    assert bytes(packet.sender).hex().upper() == telegram.sender
    assert bytes(packet.destination).hex().upper() == telegram.destination
    assert packet.dBm == (telegram.dbm if telegram.dbm is not None else -255)
    if telegram.rorg in (0xD5, 0xA5):
        assert packet.learn == telegram.learns
    if telegram.rorg != 0xD2:
        assert packet.status == telegram.status
        assert packet.repeater_count == telegram.status & 0x0F


@given(radio, st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_frame_is_refused_by_both(frame: Frame, place: int, change: int) -> None:
    raw = bytearray(frame.to_bytes())
    at = 4 + place % (len(raw) - 4)  # the lengths stay: with other lengths the library waits for more
    raw[at] ^= change
    result, _, _ = Packet.parse_msg(list(raw))
    assert (result == PARSE_RESULT.OK) == (bytes(raw) in [f.to_bytes() for f in feed(b"", bytes(raw))[0]])


# --- profiles --------------------------------------------------------------------------------------------------------

CONTACTS = {"open": False, "closed": True}
PRESSES = {"pressed": True, "released": False}


def number(name: str) -> Callable[[Mapping[str, Mapping[str, Any]]], float]:
    return lambda parsed: round(float(parsed[name]["value"]), 3)


def word(name: str, meaning: Mapping[str, Value]) -> Callable[[Mapping[str, Mapping[str, Any]]], Value]:
    return lambda parsed: meaning[parsed[name]["value"]]


SHARED: Mapping[str, Mapping[str, Callable[[Mapping[str, Mapping[str, Any]]], Value]]] = {
    "F6-01-01": {"pressed": word("PB", {"Pressed": True, "Released": False})},
    "F6-05-01": {"wet": word("WAS", {"Water detected": True})},
    "F6-10-00": {
        "closed": lambda p: p["WIN"]["raw_value"] == 3,
        "tilted": lambda p: p["WIN"]["raw_value"] == 1,
    },
    "D5-00-01": {"closed": word("CO", CONTACTS)},
    "A5-02-05": {"temperature_c": number("TMP")},
    "A5-04-01": {"humidity_percent": number("HUM"), "temperature_c": number("TMP")},
    "A5-04-03": {"humidity_percent": number("HUM"), "temperature_c": number("TMP")},
    "A5-07-01": {"motion": word("PIR", {"on": True, "off": False}), "supply_v": number("SVC")},
    "A5-08-01": {
        "motion": word("PIRS", {"PIR on": True, "PIR off": False}),
        "supply_v": number("SVC"),
        "light_lx": number("ILL"),
        "temperature_c": number("TMP"),
    },
    "A5-14-01": {"closed": word("CT", CONTACTS), "supply_v": number("SVC")},
}
"""The profiles that the library knows too, and how its words are ours. The rocker has a test of its own."""


@settings(max_examples=500)
@given(st.sampled_from(sorted(SHARED)), st.binary(min_size=4, max_size=4), st.data())
def test_what_both_read_they_read_alike(profile: str, noise: bytes, data: st.DataObject) -> None:
    rorg = PROFILES[profile].rorg
    payload = noise[:3] + bytes((noise[3] | LEARN_BIT,)) if rorg == 0xA5 else noise[:1]
    if profile == "F6-05-01":
        payload = b"\x11"
    elif profile == "F6-10-00":
        payload = bytes((0xC0 | noise[0],))
    telegram = Telegram(rorg, payload, SENDER, data.draw(st.sampled_from([0, T21, T21 | NU])), dbm=-60)
    ours, parsed = our_values(telegram, profile), their_values(telegram, profile)
    for name, read in SHARED[profile].items():
        if name in ours:  # what we leave out is in the disagreements
            assert ours[name] == pytest.approx(read(parsed), abs=0.0011), name


@given(st.sampled_from([0, 1, 2, 3]), st.sampled_from([0, 1, 2, 3]), st.booleans(), st.sampled_from(["01", "02"]))
def test_rockers_with_a_named_button_are_read_alike(first: int, second: int, both: bool, kind: str) -> None:
    profile = f"F6-02-{kind}"
    telegram = Telegram(0xF6, bytes((first << 5 | 0x10 | second << 1 | both,)), SENDER, T21 | NU)
    ours, parsed = our_values(telegram, profile), their_values(telegram, profile)
    assert ours["pressed"] is PRESSES[parsed["EB"]["value"]]
    names = [parsed["R1"]["value"], *([parsed["R2"]["value"]] if parsed["SA"]["raw_value"] else [])]
    assert ours["action"] == "+".join(name.removeprefix("Button ") for name in names)


# --- teach-in --------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=4, max_size=4))
def test_4bs_teach_ins_are_read_alike(noise: bytes) -> None:
    telegram = Telegram(0xA5, noise[:3] + bytes((noise[3] & ~LEARN_BIT | 0x80,)), SENDER)
    packet, said = theirs(telegram.to_frame().to_bytes()), taught(telegram)
    assert packet.learn
    assert said.profile == f"A5-{packet.rorg_func:02X}-{packet.rorg_type:02X}"
    if said.maker.startswith("0x"):
        assert int(said.maker, 16) == packet.rorg_manufacturer


@given(st.binary(min_size=7, max_size=7))
def test_ute_is_read_alike_and_answered_alike(noise: bytes) -> None:
    telegram = Telegram(0xD4, noise, SENDER)
    packet, said, query = theirs(telegram.to_frame().to_bytes()), taught(telegram), Query.of(telegram)
    assert said.profile == f"{packet.rorg_of_eep:02X}-{packet.rorg_func:02X}-{packet.rorg_type:02X}"
    assert query.wants_answer == packet.response_expected
    assert query.asks_out == packet.delete
    ours = answer(telegram, "FF87CA00", ACCEPTED)
    reply = packet.create_response_packet([0xFF, 0x87, 0xCA, 0x00])
    if noise[0] & 0x80:
        assert list(ours.data) == reply.data
        assert list(ours.optional) == reply.optional


# --- where they disagree ---------------------------------------------------------------------------------------------


def test_disagreement_the_way_of_a_one_way_ute_answer() -> None:
    """The library always answers "both ways"; EEP 2.6.7 has the answer repeat the query's bit 7, as ours does."""
    telegram = Telegram(0xD4, bytes.fromhex("20010b004114d2"), SENDER)
    reply = theirs(telegram.to_frame().to_bytes()).create_response_packet([0xFF, 0x87, 0xCA, 0x00])
    assert reply.data[1] == 0x91
    assert answer(telegram, "FF87CA00", ACCEPTED).data[1] == 0x11


def test_disagreement_a_release_names_no_button() -> None:
    """NU=0 tells the number of buttons, not which; the library reads a button's name out of it all the same."""
    release = Telegram(0xF6, b"\x00", SENDER, T21)
    assert their_values(release, "F6-02-01")["R1"]["value"] == "Button AI"
    assert "action" not in our_values(release, "F6-02-01")
    several = Telegram(0xF6, b"\x70", SENDER, T21)
    assert their_values(several, "F6-02-01")["R1"]["value"] == "Button BO"
    assert our_values(several, "F6-02-01")["action"] == "several"


def test_disagreement_a_voltage_is_no_voltage_when_the_telegram_says_so() -> None:
    """A5-07-01, DB0.0 = 0: the supply voltage is not supported. The library's table does not know the bit."""
    telegram = Telegram(0xA5, bytes.fromhex("9600ff08"), SENDER)
    assert their_values(telegram, "A5-07-01")["SVC"]["value"] == pytest.approx(3.0)
    assert "supply_v" not in our_values(telegram, "A5-07-01")


def test_disagreement_a_temperature_is_no_temperature_when_the_telegram_says_so() -> None:
    """A5-04-01, DB0.1 = 0: there is no temperature sensor. The library gives both the bit and a number."""
    telegram = Telegram(0xA5, bytes.fromhex("007d7d08"), SENDER)
    parsed = their_values(telegram, "A5-04-01")
    assert (parsed["TSN"]["value"], parsed["TMP"]["value"]) == ("not available", pytest.approx(20.0))
    assert "temperature_c" not in our_values(telegram, "A5-04-01")


@pytest.mark.parametrize(
    ("profile", "payload", "name", "raw"),
    [
        ("A5-14-01", "fb000008", "supply_v", "SVC"),
        ("A5-07-01", "ff000009", "supply_v", "SVC"),
        ("A5-04-01", "00fb7d0a", "humidity_percent", "HUM"),
    ],
)
def test_disagreement_251_to_255_are_error_codes_and_no_numbers(
    profile: str, payload: str, name: str, raw: str
) -> None:
    """EEP 2.6.7 gives the range 0 to 250; the library draws the line on beyond it: 5.02 V, 100.4 %."""
    telegram = Telegram(0xA5, bytes.fromhex(payload), SENDER)
    assert float(their_values(telegram, profile)[raw]["value"]) > {"SVC": 5.0, "HUM": 100.0}[raw]
    assert name not in our_values(telegram, profile)


def test_disagreement_a_byte_that_no_leak_sensor_sends() -> None:
    """The library calls it "not specified" and goes on; we tell the installer that the profile cannot be right."""
    telegram = Telegram(0xF6, b"\x10", SENDER, T21 | NU)
    assert their_values(telegram, "F6-05-01")["WAS"]["value"] == "not specified"
    with pytest.raises(FrameError):
        decode(telegram, Device(ADDRESS, "F6-05-01"))


def test_disagreement_a_rocker_s_byte_under_a_window_handle() -> None:
    """The library looks at two bits only, so a rocker's 70 is a closed handle; the upper two must be set."""
    telegram = Telegram(0xF6, b"\x70", SENDER, T21)
    assert their_values(telegram, "F6-10-00")["WIN"]["raw_value"] == 3
    with pytest.raises(FrameError):
        decode(telegram, Device(ADDRESS, "F6-10-00"))


@pytest.mark.parametrize(
    "frame",
    [
        Frame(1, bytes.fromhex("d5080181192d00")),
        Frame(1, bytes.fromhex("d5080181192d00"), b"\x01"),
        Frame(1, bytes.fromhex("d50181192d00"), bytes(7)),
        Frame(1, bytes.fromhex("d4ff0181192d00"), bytes(7)),
        Frame(4, b"", b"\x01"),
    ],
    ids=["no optional data", "short optional data", "no payload", "short UTE", "empty event"],
)
def test_disagreement_whole_frames_that_the_library_cannot_take(frame: Frame) -> None:
    """It raises before it has let go of the bytes, and reads them again for ever. We read or count them."""
    with pytest.raises(IndexError):
        theirs(frame.to_bytes())
    found, rest, _ = feed(b"", frame.to_bytes() + Frame(1, bytes.fromhex("d5090181192d00")).to_bytes())
    assert found[-1].data == bytes.fromhex("d5090181192d00")
    assert rest == b""


def test_disagreement_a_frame_behind_a_false_header() -> None:
    """The library throws away as many bytes as the false header claims; ESP3 says to look on behind its first byte."""
    raw = bytes.fromhex("55000100015500010005700838")
    result, _, _ = Packet.parse_msg(list(raw))
    assert result == PARSE_RESULT.CRC_MISMATCH
    assert [frame.to_bytes() for frame in feed(b"", raw)[0]] == [raw[5:]]
