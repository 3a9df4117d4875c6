"""The traps of EnOcean, each under its number in the list of traps, then those that only the field shows."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from nattevakt.edge.drivers import enocean
from nattevakt.edge.drivers.driver import Device, Finding, Line, Reading, Use
from nattevakt.edge.drivers.enocean.frame import Frame, feed
from nattevakt.edge.drivers.enocean.secure import Cipher, Lock, Slf, seal
from nattevakt.edge.drivers.enocean.telegram import NU, T21, Telegram
from nattevakt.edge.events import Call, Contact, Leak
from nattevakt.gateway.config import SerialConfig
from nattevakt.gateway.crypto import aes_128
from nattevakt.gateway.inputs import PortDown, PortUp, SerialBytes
from nattevakt.gateway.ports import SerialPort
from nattevakt.gateway.sources import Sources
from tests.edge.test_traps import Home
from tests.gateway.test_ports import Inbox, open_pty, threaded

OPENED = bytes.fromhex("55000707017ad50801825dab0001ffffffff360053")
CLOSED = bytes.fromhex("55000707017ad50901825dab0001ffffffff3600c7")
ASK = "5500010005700838"
DOOR = Device("enocean:01825DAB", "D5-00-01", Use.DOOR)
CORD = Device("enocean:002E79FB", "F6-02-01", Use.CALL)


def air(rorg: int, payload: str, sender: str = "01825DAB", status: int = 0) -> bytes:
    return Telegram(rorg, bytes.fromhex(payload), sender, status).to_frame().to_bytes()


@pytest.mark.parametrize("text", ["55005500010005700838", "55000100015500010005700838"])
def test_trap_01_esp3_resync_inside_the_header(text: str) -> None:
    """The 55 was data: the search goes on at byte 1 of the failed header, its checksum byte included."""
    found, rest, _ = feed(b"", bytes.fromhex(text))
    assert ([frame.to_bytes().hex() for frame in found], rest) == ([ASK], b"")


@pytest.mark.parametrize("optional", [b"", b"\x01", b"\x01\xff\xff\xff\xff", b"\x01\xff\xff\xff\xff\x36"])
def test_trap_02_esp3_frame_without_optional_data(optional: bytes) -> None:
    home = Home("", DOOR)
    raw = Frame(1, bytes.fromhex("d50801825dab00"), optional).to_bytes()
    assert home.air(0, raw) == [Contact(DOOR.address, open=True)]
    assert home.air(5000, CLOSED) == [Contact(DOOR.address, open=False)]


def test_trap_03_d5_learn_telegram_is_no_contact() -> None:
    home = Home("", DOOR)
    home.air(0, CLOSED)
    assert home.air(5000, air(0xD5, "00", status=0x80)) == []
    assert home.air(9000, air(0xD5, "01")) == []


def test_trap_04_a5_14_01_has_the_opposite_polarity_of_d5() -> None:
    plain = Home("", DOOR)
    window = Home("", Device(DOOR.address, "A5-14-01", Use.DOOR))
    assert plain.air(0, air(0xD5, "08")) == window.air(0, air(0xA5, "96000009")) == [Contact(DOOR.address, open=True)]
    assert (
        plain.air(5000, air(0xD5, "09"))
        == window.air(5000, air(0xA5, "96000008"))
        == [Contact(DOOR.address, open=False)]
    )


def test_trap_05_a5_07_01_voltage_only_if_valid() -> None:
    device = Device(DOOR.address, "A5-07-01", Use.MOTION)
    said = [
        enocean.step(air(0xA5, payload), 0, enocean.start((device,))).outputs[0]
        for payload in ("9600ff09", "9600ff08", "fb00ff09")
    ]
    assert [o.values.get("supply_v") for o in said if isinstance(o, Reading)] == [3.0, None, None]
    assert all(isinstance(o, Reading) and o.values["motion"] is True for o in said)


def test_trap_06_the_same_f6_byte_under_three_profiles() -> None:
    """10 is a button, a rocker's first button, and nothing that a leak sensor says."""
    raw = air(0xF6, "10", status=T21 | NU)

    def said(profile: str) -> object:
        (found,) = enocean.step(raw, 0, enocean.start((Device(DOOR.address, profile),))).outputs
        return dict(found.values) if isinstance(found, Reading) else type(found)

    assert said("F6-01-01") == {"pressed": True, "repeats": 0}
    assert said("F6-02-01") == {"pressed": True, "action": "AI", "repeats": 0}
    assert said("F6-05-01") is Finding
    assert said("F6-04-01") is Finding


def test_trap_06_the_same_a5_bytes_are_a_shake_or_a_tilted_window() -> None:
    raw = air(0xA5, "a500000a")
    (shaken,) = enocean.step(raw, 0, enocean.start((Device(DOOR.address, "A5-14-05"),))).outputs
    (tilted,) = enocean.step(raw, 0, enocean.start((Device(DOOR.address, "A5-14-09"),))).outputs
    assert isinstance(shaken, Reading)
    assert isinstance(tilted, Reading)
    assert (shaken.values["vibration"], "tilted" in shaken.values) == (True, False)
    assert (tilted.values["tilted"], "vibration" in tilted.values) == (True, False)


def test_trap_26_pty_unplug_in_the_middle_of_a_frame(tmp_path: Path) -> None:
    """The half frame of before and the whole one of after the plug must not become one, and nothing hangs."""
    inbox, link = Inbox(), tmp_path / "radio"
    port = SerialPort(SerialConfig("r0", str(link), "enocean"), inbox.queue.put, inbox.beat, lambda: 4_711)
    sources = Sources((DOOR,), {"r0": ("enocean", enocean)}, {})
    heard: list[object] = []

    def take(expected: int) -> None:
        while expected > 0:
            given = inbox.next(SerialBytes)
            expected -= len(given.data)
            heard.extend(
                o for o in sources.serial("r0", given.data, given.read_ms or 0).outputs if isinstance(o, Reading)
            )

    master, slave = open_pty(link)
    with threaded(port.run, port.stop):
        inbox.next(PortUp)
        sources.opened("r0", 4_711)
        os.write(master, OPENED + CLOSED[:12])
        take(len(OPENED) + 12)
        os.close(slave)
        os.close(master)
        inbox.next(PortDown)
        sources.closed("r0")
        master, slave = open_pty(link)
        inbox.next(PortUp)
        sources.opened("r0", 4_711)
        os.write(master, CLOSED[12:] + CLOSED)
        take(len(CLOSED) - 12 + len(CLOSED))
    os.close(slave)
    os.close(master)
    assert [o.values["closed"] for o in heard if isinstance(o, Reading)] == [False, True]


# --- what only the field shows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_trap_field_one_enocean_packet_in_nine_is_damaged(seed: int) -> None:
    """Bad header checksum, bad data checksum, cut short, trailing bytes: each costs itself alone."""
    print("seed", seed)
    rng = Random(seed)
    state, now_ms = enocean.start((DOOR,)), 0
    intact, heard = 0, 0
    for turn in range(900):
        raw = bytearray(CLOSED if turn % 2 else OPENED)
        now_ms += rng.randrange(600, 3000)  # two of the same state are never within the time of a copy
        if rng.randrange(9) == 0:
            kind = rng.choice(["header", "data", "cut", "trailing"])
            if kind == "header":
                raw[5] ^= rng.randrange(1, 256)
            elif kind == "data":
                raw[-1] ^= rng.randrange(1, 256)
            elif kind == "cut":
                del raw[rng.randrange(1, len(raw)) :]
            else:
                raw += bytes(rng.randrange(256) for _ in range(7))
                intact += 1
        else:
            intact += 1
        said = enocean.step(bytes(raw), now_ms, state)
        heard += len([o for o in said.outputs if isinstance(o, Reading)])
        late = enocean.step(None, now_ms + 150, said.state)
        heard += len([o for o in late.outputs if isinstance(o, Reading)])
        state = late.state
    assert heard == intact


def test_trap_field_a_repeater_s_copies_are_one_press() -> None:
    """[HA#100475] The count of repeaters stands in the status byte; it is no part of what was said."""
    home = Home("", CORD)
    said = [
        b for at, count in ((0, 0), (40, 1), (80, 2)) for b in home.air(at, air(0xF6, "70", "002E79FB", 0x30 | count))
    ]
    assert said == [Call(CORD.address, "BO")]


def test_trap_field_a_copy_that_overtakes_the_first_is_one_press_too() -> None:
    home = Home("", CORD)
    said = [
        b for at, count in ((0, 1), (30, 0), (70, 0xF)) for b in home.air(at, air(0xF6, "70", "002E79FB", 0x30 | count))
    ]
    assert said == [Call(CORD.address, "BO")]


@pytest.mark.parametrize("rorg", [0x30, 0x31, 0x35])
def test_trap_field_a_secured_contact_without_a_key_is_reported_and_never_read_as_payload(rorg: int) -> None:
    """It sends 30 or 35 where 05 or D5 was meant; its first byte is no contact."""
    home = Home("", DOOR)
    assert home.air(0, air(rorg, "09e4c1a200")) == []
    said = enocean.step(air(rorg, "09e4c1a200"), 0, enocean.start((DOOR,)))
    assert [type(o) for o in said.outputs] == [Finding]
    assert set(said.counted) & {"secured_unsupported", "learn"}


def test_trap_field_a_secured_contact_with_its_key_is_read() -> None:
    key = bytes(range(16))
    there, back = aes_128()
    telegram = Telegram(0xD5, b"\x08", "01825DAB")
    raw = seal(telegram, Lock(key, Slf.from_byte(0xAB)), 77, Cipher(there, back)).to_frame().to_bytes()
    state = enocean.start((DOOR,), Line("stue", there, back, {DOOR.address: key + b"\xab"}))
    said = [o for o in enocean.step(raw, 0, state).outputs if isinstance(o, Reading)]
    assert [o.values["closed"] for o in said] == [False]


def test_trap_field_a_device_that_sends_twice_at_boot_is_one_state_and_one_leak() -> None:
    home = Home("", DOOR)
    assert home.air(0, OPENED) == [Contact(DOOR.address, open=True)]
    assert home.air(120, OPENED) + home.air(1600, OPENED) == []
    leak = Device(DOOR.address, "F6-05-01", Use.LEAK)
    wet = Home("", leak)
    raw = air(0xF6, "11", status=T21 | NU)
    assert wet.air(0, raw) + wet.air(150, raw) == [Leak(leak.address)]
