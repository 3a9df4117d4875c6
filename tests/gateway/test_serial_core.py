"""Real radars and call buttons through the whole core: pulled plugs, restarts, dead radars, forged and lost presses."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.edge.drivers.driver import Device, Line, Reading, Use, Value
from nattevakt.edge.drivers.enocean.secure import Cipher, Lock, Slf, seal
from nattevakt.edge.drivers.enocean.telegram import Telegram
from nattevakt.edge.drivers.micradar.decode import answer
from nattevakt.edge.drivers.registry import SERIAL_DRIVERS
from nattevakt.edge.events import Body, Call, Fall, FallOver, Presence, SourceBack, SourceLost
from nattevakt.gateway.agent import guard
from nattevakt.gateway.core import Core
from nattevakt.gateway.crypto import aes_128
from nattevakt.gateway.health import Machine
from nattevakt.gateway.inputs import Input, PortDown, PortUp, SerialBytes, SerialSend
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.sources import Sources
from tests.gateway.support import Streams, bodies, calls, events, now, outbox

BAD, STUE = "micradar:bad", "micradar:stue"
RADARS = (Device(BAD, "MR60FDA1", Use.FALL), Device(STUE, "MR60FDA1", Use.FALL))
FALLEN: dict[str, Value] = {"fall": "sure", "present": True, "still": True}
FINE: dict[str, Value] = {"fall": "no", "present": True, "still": False}
KEY = bytes(range(16))
BUTTON = Device("enocean:01825DAB", "F6-01-01", Use.CALL)
AES, UNAES = aes_128()


class Home:
    """A gateway with real drivers; radars answer what they are asked while they are plugged in and alive."""

    def __init__(self, path: Path, *devices: Device) -> None:
        self.path, self.devices, self.mint = path, devices, Streams()
        self.radars: dict[str, dict[str, Value]] = {}
        self.now_ms = 0
        self.box: Outbox
        self.core: Core
        self.start()

    def start(self) -> None:
        """The agent's (next) life."""
        self.box = outbox(self.path, self.mint)
        ports = {
            d.address.partition(":")[2] if d.address.startswith("micradar:") else "radio": d.address.partition(":")[0]
            for d in self.devices
        }
        serial = {name: (kind, SERIAL_DRIVERS[kind]) for name, kind in ports.items()}
        line = Line(aes=AES, unaes=UNAES, keys={BUTTON.address: KEY + b"\x8b\x00\x00\x64"})
        sources = Sources(self.devices, serial, {}, line=line)
        self.core = Core(sources, self.box, Machine(self.path, thermal=self.path / "none"), guard, lambda: 0.5)

    def take(self, *inputs: Input) -> None:
        """One round of the core, and what radars answer to it."""
        given: tuple[Input, ...] = inputs
        while True:
            sent = [one for one in self.core.handle(given, now(self.now_ms)) if isinstance(one, SerialSend)]
            replies: list[Input] = []
            for one in sent:
                if one.port in self.radars:
                    reading = Reading(f"micradar:{one.port}", self.radars[one.port])
                    raw = b"".join(answer(one.data, reading, "MR60FDA1"))
                    replies += [SerialBytes(one.port, raw)] if raw else []
            if not replies:
                return
            given = tuple(replies)

    def until(self, at_ms: int, step_ms: int = 500) -> None:
        """Time passes."""
        while self.now_ms < at_ms:
            self.now_ms = min(at_ms, self.now_ms + step_ms)
            self.take()

    def said(self, *kinds: type[Body]) -> list[Body]:
        """What is stored, of these kinds."""
        return [body for body in bodies(self.box) if isinstance(body, kinds)]


def test_a_plug_pulled_during_a_fall_loses_no_fall_and_rings_no_second_time(tmp_path: Path) -> None:
    home = Home(tmp_path, *RADARS)
    home.radars = {"bad": dict(FINE), "stue": dict(FINE)}
    home.take(PortUp("bad"), PortUp("stue"))
    home.until(5_000)
    home.take(PortDown("bad", "gone"))
    home.radars["bad"] = dict(FALLEN)
    home.until(20_000)
    home.take(PortUp("bad"))
    home.until(25_000)
    assert home.said(Fall) == [Fall(BAD, "sure")]
    (fall,) = [one for one in events(home.box) if isinstance(one.body, Fall)]
    assert fall.since is not None, "when it happened is not known"
    home.take(PortDown("bad", "gone"))
    home.take(PortUp("bad"))
    home.until(30_000)
    home.box.close()
    home.start()
    home.take(PortUp("bad"), PortUp("stue"))
    home.until(40_000)
    assert home.said(Fall) == [Fall(BAD, "sure")]
    home.radars["bad"] = dict(FINE)
    home.take(PortDown("bad", "gone"), PortUp("bad"))
    home.until(45_000)
    home.radars["bad"] = dict(FALLEN)
    home.take(PortDown("bad", "gone"), PortUp("bad"))
    home.until(50_000)
    assert home.said(Fall, FallOver) == [Fall(BAD, "sure"), FallOver(BAD), Fall(BAD, "sure")]
    home.box.close()


def test_a_fall_that_is_active_when_the_gateway_first_starts_rings(tmp_path: Path) -> None:
    home = Home(tmp_path, *RADARS)
    home.radars = {"stue": dict(FALLEN)}
    home.take(PortUp("bad"), PortUp("stue"))
    home.until(1_000)
    assert home.said(Fall) == [Fall(STUE, "sure")]
    home.box.close()


@pytest.mark.parametrize("restarted", [True, False])
def test_a_dead_radar_is_not_back_because_its_port_was_opened(tmp_path: Path, restarted: bool) -> None:
    """Neither a new start nor a plug pulled and put in says that the room is looked at again."""
    home = Home(tmp_path, *RADARS)
    home.radars = {"bad": dict(FINE), "stue": dict(FINE)}
    home.take(PortUp("bad"), PortUp("stue"))
    home.until(5_000)
    del home.radars["bad"]
    home.until(80_000)
    assert [body.source for body in home.said(SourceLost) if isinstance(body, SourceLost)] == ["serial:bad"]
    if restarted:
        home.box.close()
        home.start()
        home.take(PortUp("bad"), PortUp("stue"))
    else:
        home.take(PortDown("bad", "gone"))
        home.until(90_000)
        home.take(PortUp("bad"))
    home.until(300_000)
    assert home.said(SourceBack) == []
    assert len(home.said(SourceLost)) == 1
    assert home.core.describe(now(home.now_ms)).health.sources["serial:bad"].startswith("down")
    home.radars["bad"] = dict(FINE)
    home.until(340_000)
    (back,) = home.said(SourceBack)
    assert isinstance(back, SourceBack)
    assert (back.source, back.devices) == ("serial:bad", (BAD,))
    assert home.core.describe(now(home.now_ms)).health.sources["serial:bad"] == "up"
    assert Presence(BAD, present=False) not in home.said(Presence)
    home.box.close()


# --- a secured call button -----------------------------------------------------------------------------------


def press(rlc: int) -> SerialBytes:
    """A press with this rolling code."""
    lock = Lock(KEY, Slf.from_byte(0x8B), 0)
    telegram = seal(Telegram(0xF6, b"\x10", "01825DAB", 0x30), lock, rlc, Cipher(AES, UNAES))
    return SerialBytes("radio", telegram.to_frame().to_bytes())


def test_a_press_is_stored_with_its_rolling_code_or_not_at_all(tmp_path: Path) -> None:
    home = Home(tmp_path, BUTTON)
    home.take(PortUp("radio"))
    before = dict(home.box.memory)
    home.core._sources.serial("radio", press(100).data, 1)  # read, and killed before it was stored
    assert dict(home.box.memory) == before
    home.box.close()
    home.start()
    home.take(PortUp("radio"), press(100))
    assert len(calls(home.box)) == 1
    home.box.close()
    home.start()
    home.until(60_000)
    home.take(PortUp("radio"), press(100), press(99))
    assert len(calls(home.box)) == 1, "a replay after a restart"
    home.take(press(101))
    assert len(calls(home.box)) == 2
    home.box.close()


def test_a_call_after_more_lost_presses_than_can_be_followed_rings_as_unverified(tmp_path: Path) -> None:
    home = Home(tmp_path, BUTTON)
    home.take(PortUp("radio"), press(100))
    home.until(10_000)
    home.take(press(100 + 200))
    assert [body.control for body in home.said(Call) if isinstance(body, Call)] == ["press", "unverified"]
    home.box.close()
