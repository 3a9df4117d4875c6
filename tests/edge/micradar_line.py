"""A MicRadar's line as the gateway serves it: bytes in, readings out, questions sent, and time that passes."""

from __future__ import annotations

from nattevakt.edge.drivers import micradar
from nattevakt.edge.drivers.driver import Device, Finding, Line, Reading, Said, SourceState, Use, Value
from nattevakt.edge.drivers.micradar.decode import answer
from nattevakt.edge.drivers.micradar.words import FieldValue, question, statement

BED = Device("micradar:bad", "R60ABD1", Use.BED)
FLOOR = Device("micradar:bad", "MR60FDA1", Use.FALL)
HEARTBEAT = question("heartbeat").to_bytes()
EMPTY_BED: dict[str, Value] = {"present": False, "occupied": False}
ABOUT: dict[str, int | str] = {
    "model": "new",
    "firmware": "v1",
    "hardware": "v2",
    "product_id": "1x",
    "presence_switch": 1,
}
QUIET_FLOOR: dict[str, Value] = {"fall": "no", "present": True, "still": False}


def says(name: str, *values: FieldValue, answering: bool = False) -> bytes:
    """A whole frame."""
    return statement(name, *values, answering=answering).to_bytes()


class Served:
    """The driver of one port with its state. sent: (boottime, question). A radar may be there to answer."""

    def __init__(
        self,
        *devices: Device,
        opened_ms: int = 0,
        radar: dict[str, Value] | None = None,
        facts: dict[str, FieldValue] | None = None,
    ) -> None:
        self.devices = devices
        self.radar = radar
        self.facts = facts
        self.state = micradar.start(devices, Line("bad"))
        self.wake_at_ms: int | None = None
        self.now_ms = opened_ms
        self.sent: list[tuple[int, str]] = []
        self.counted: dict[str, int] = {}
        self.opening = self._step(None)

    def _step(self, given: bytes | None) -> list[Said]:
        stepped = micradar.step(given, self.now_ms, self.state)
        self.state, self.wake_at_ms = stepped.state, stepped.wake_at_ms
        assert self.wake_at_ms is None or self.wake_at_ms > self.now_ms
        for name, number in stepped.counted.items():
            self.counted[name] = self.counted.get(name, 0) + number
        self.sent += [(self.now_ms, question.hex()) for question in stepped.to_send]
        said = list(stepped.outputs)
        if self.radar is not None and stepped.to_send:
            reading = Reading("micradar:bad", self.radar)
            said += self._step(
                b"".join(answer(b"".join(stepped.to_send), reading, self.devices[0].profile, self.facts))
            )
        return said

    def until(self, at_ms: int) -> list[Said]:
        """What the driver says on its own until then."""
        said: list[Said] = []
        while self.wake_at_ms is not None and self.wake_at_ms <= at_ms:
            self.now_ms = self.wake_at_ms
            said += self._step(None)
        self.now_ms = at_ms
        return said

    def hear(self, at_ms: int, raw: bytes) -> list[Said]:
        """Bytes, after whatever was due before them."""
        return [*self.until(at_ms), *self._step(raw)]

    def asked(self, since_ms: int = 0) -> list[str]:
        """The questions sent since then, as control and command."""
        return [question[4:8] for at_ms, question in self.sent if at_ms >= since_ms]


def values(said: list[Said]) -> list[dict[str, Value]]:
    """What the readings say."""
    return [dict(one.values) for one in said if isinstance(one, Reading)]


def sentences(said: list[Said]) -> list[str]:
    """What the installer is told."""
    return [one.sentence for one in said if isinstance(one, Finding)]


def sources(said: list[Said]) -> list[bool]:
    """The line's ups and downs."""
    return [one.up for one in said if isinstance(one, SourceState)]


def settled(device: Device = BED) -> Served:
    """A line whose radar has answered everything, and no longer answers by itself."""
    facts = {**ABOUT, "fall_switch": 1, "sensitivity": 1, "install_height_cm": 250}
    served = Served(device, radar=dict(EMPTY_BED if device.profile == "R60ABD1" else QUIET_FLOOR), facts=facts)
    served.until(10)
    served.radar = None
    return served
