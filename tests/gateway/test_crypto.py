"""AES for secured devices: right, and loaded only when there is one; and their rolling codes, kept on disk."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

from nattevakt.edge.drivers import enocean
from nattevakt.edge.drivers.driver import Device, Line, Use
from nattevakt.edge.drivers.enocean.hearing import RLC_KEY
from nattevakt.edge.drivers.enocean.secure import Cipher, Lock, Slf, seal
from nattevakt.edge.drivers.enocean.telegram import Telegram
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import Core
from nattevakt.gateway.crypto import aes_128, secured_line
from nattevakt.gateway.health import Machine
from nattevakt.gateway.inputs import PortDown, PortUp, SerialBytes
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.sources import Sources
from tests.gateway.support import Streams, calls, outbox, run

KEY = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
PLAIN = bytes.fromhex("00112233445566778899aabbccddeeff")
SEALED = bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a")
"""FIPS 197, appendix C.1."""


def test_aes_is_that_of_the_standard_there_and_back() -> None:
    there, back = aes_128()
    assert there(KEY, PLAIN) == SEALED
    assert back(KEY, SEALED) == PLAIN
    assert there(KEY, PLAIN) == SEALED


def test_a_second_key_does_not_disturb_the_first() -> None:
    there, _ = aes_128()
    other = there(PLAIN, KEY)
    assert there(KEY, PLAIN) == SEALED
    assert there(PLAIN, KEY) == other


def test_a_line_without_keys_knows_no_aes() -> None:
    assert secured_line({}) == Line()
    line = secured_line({"enocean:0181192D": KEY})
    assert line.keys == {"enocean:0181192D": KEY}
    assert line.aes is not None
    assert line.unaes is not None
    assert line.unaes(KEY, line.aes(KEY, PLAIN)) == PLAIN


def loaded(program: str) -> str:
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return found.stdout.strip()


def test_a_gateway_without_secured_devices_never_loads_the_library() -> None:
    show = "print('cryptography' in sys.modules)"
    start = "import sys, nattevakt.gateway.__main__; from nattevakt.gateway.crypto import secured_line;"
    assert loaded(f"{start} secured_line({{}}); {show}") == "False"
    assert loaded(f"{start} secured_line({{'enocean:0181192D': bytes(16)}}); {show}") == "True"


# --- the rolling code on disk ----------------------------------------------------------------------------------------

CORD = Device("enocean:01825DAB", "F6-02-01", Use.CALL)
PRESS = Telegram(0xF6, b"\x10", "01825DAB", 0x30)
SLF = Slf.from_byte(0x8B)


def gateway(path: Path, *ports: str) -> tuple[Core, Outbox]:
    """A gateway with one secured cord on EnOcean ports, and whatever an earlier one left on disk."""
    box = outbox(path, Streams(len(list(path.iterdir())) * 7))
    line = secured_line({CORD.address: KEY + b"\x8b\x00\x00\x64"})
    sources = Sources((CORD,), dict.fromkeys(ports or ("r0",), ("enocean", enocean)), {}, line=line)
    return Core(sources, box, Machine(path, thermal=path / "none"), guard, lambda: 0.5), box


def sealed(rlc: int, port: str = "r0") -> SerialBytes:
    there, back = aes_128()
    return SerialBytes(port, seal(PRESS, Lock(KEY, SLF), rlc, Cipher(there, back)).to_frame().to_bytes())


def test_the_rolling_code_is_on_disk_with_the_call_so_that_no_restart_lets_a_replay_in(tmp_path: Path) -> None:
    first, box = gateway(tmp_path)
    run(first, 0, PortUp("r0"))
    run(first, 5_000, sealed(103))
    assert len(calls(box)) == 1
    with sqlite3.connect(tmp_path / "outbox.sqlite") as con:
        (row,) = con.execute("SELECT value FROM memory WHERE key = ?", (RLC_KEY + CORD.address,)).fetchone()
    con.close()
    assert row.endswith(" 8B 104")
    box.close()
    second, box = gateway(tmp_path)
    run(second, 10_000, PortUp("r0"))
    run(second, 15_000, sealed(103))
    run(second, 20_000, sealed(101))
    assert len(calls(box)) == 1
    run(second, 25_000, sealed(104))
    assert len(calls(box)) == 2
    # The line goes and comes: its driver starts afresh, and knows no less.
    run(second, 30_000, PortDown("r0", "unplugged"))
    run(second, 31_000, PortUp("r0"))
    run(second, 35_000, sealed(104))
    assert len(calls(box)) == 2
    run(second, 40_000, sealed(105))
    assert len(calls(box)) == 3
    box.close()


def test_what_one_receiver_had_another_one_does_not_take_in_again(tmp_path: Path) -> None:
    """Else a recorded telegram could be played to the receiver that was too far away to hear it the first time."""
    machine, box = gateway(tmp_path, "r0", "r1")
    run(machine, 0, PortUp("r0"), PortUp("r1"))
    run(machine, 5_000, sealed(103), sealed(103, "r1"))
    assert len(calls(box)) == 1
    run(machine, 20_000, sealed(103, "r1"))
    run(machine, 30_000, sealed(102, "r1"))
    assert len(calls(box)) == 1
    run(machine, 40_000, sealed(104, "r1"))
    run(machine, 50_000, sealed(104))
    assert len(calls(box)) == 2
    box.close()
