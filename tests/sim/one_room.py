"""One simulated device behind a real gateway core in virtual time, and a centre stand-in that keeps what it is told."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from nattevakt.edge.drivers.driver import Use
from nattevakt.edge.events import (
    Bed,
    Body,
    Call,
    Chair,
    Contact,
    Event,
    Fall,
    FallOver,
    Foreign,
    Leak,
    LeakOver,
    Motion,
    Presence,
    Wet,
)
from nattevakt.edge.wire import decode_heartbeat
from nattevakt.gateway.inputs import HttpSend
from nattevakt.sim.acts import Act
from nattevakt.sim.clock import GatewayClock, Timeline
from nattevakt.sim.devices.device import MEANS, RadioBytes, Utterance
from nattevakt.sim.every_kind import EVERY_KIND
from nattevakt.sim.host import GatewayHost
from nattevakt.sim.network import Answer, Answered, Link
from nattevakt.sim.people import Happening
from nattevakt.sim.says import Voices
from nattevakt.sim.ward import Resident, Sensor
from tests.gateway.support import Centre

T0 = 1_795_000_000_000
SETTLE_MS = 61_237
ACT_MS = 41_373
"""Between two acts: long enough that two movements are two, and that nothing is a repeat of what was before."""
RINGS = (Call, Fall, Leak, Foreign)
HAPPENED = (Call, Fall, FallOver, Leak, LeakOver, Contact, Bed, Presence, Motion, Chair, Wet, Foreign)
SENSORS: dict[str, Sensor] = {sensor.address: replace(sensor, invert=False) for sensor in EVERY_KIND.sensors}
"""One of every kind, set up as it is mounted: a device that tells the opposite is a fault, and has tests of its own."""

ACTS: dict[Use, tuple[Act, Act | None]] = {
    Use.CALL: (Act.PRESSES, None),
    Use.FALL: (Act.FALLS, Act.GETS_UP_FROM_FLOOR),
    Use.LEAK: (Act.FLOODS, None),
    Use.DOOR: (Act.OPENS, Act.CLOSES),
    Use.BED: (Act.OUT_OF_BED, Act.IN_BED),
    Use.PRESENCE: (Act.LEAVES, Act.ENTERS),
    Use.CHAIR: (Act.RISES, Act.SITS),
    Use.WET: (Act.WETS, Act.CHANGED),
    Use.MOTION: (Act.MOVES, None),
}
"""What happens in the room of a device, and what ends it. Water is mopped up by `OneRoom.does` itself."""


def name(sensor: Sensor) -> str:
    """A device as a test's id."""
    return f"{sensor.use.value}-{sensor.model or sensor.profile}-{sensor.address}"


class Far:
    """The other end of the road: what the real centre's contract answers, and what it was told."""

    up = True

    def __init__(self) -> None:
        self.centre = Centre()
        self.findings: set[str] = set()
        self.heard: set[str] = set()

    def serve(self, credential: str, request: HttpSend, answered: Answered) -> None:  # noqa: ARG002
        if request.path != "/v1/batches":
            heartbeat = decode_heartbeat(request.body)
            self.findings.update(heartbeat.health.findings)
            self.heard.update(heartbeat.heard_age_ms)
        answered(Answer(*self.centre.answer(request.path, request.body)))


class OneRoom:
    """Use as a context manager: the gateway is up, the device has started and said how things are."""

    def __init__(self, sensor: Sensor, folder: Path, fault: str = "") -> None:
        """fault: one that the device has from the beginning."""
        resident = Resident("r1", "Anna Prøve", "301", (sensor,))
        ward = replace(EVERY_KIND, residents=(resident,))
        self.sensor = sensor
        self.line = Timeline(T0)
        self.voices = Voices(ward)
        if fault:
            self.voices.fault(fault, sensor.address, Random(4), T0)
        self.far = Far()
        self.device = self.voices.devices[sensor.address]
        link = Link(self.line, Random(1), self.far, "nv1.demo.loftet.x")
        (gateway,) = ward.gateways
        clock = GatewayClock(self.line, Random(2))
        self.host = GatewayHost(ward, gateway, folder, self.line, clock, link, Random(3), asks=self._asks)

    def __enter__(self) -> OneRoom:
        self._say(self.voices.bridge(self.sensor.gateway))
        self.host.start()
        self.line.after(2_000, lambda: self._say(self.voices.starts(self.sensor)))
        if self.sensor.speaks_every_s is not None:
            self.line.after(5_000, self._reports_on)
        self.wait(10_000)
        if (end := ACTS.get(self.sensor.use, (None, None))[1]) is not None and self.sensor.use is not Use.FALL:
            self.happens(end)
        self.wait(SETTLE_MS)
        return self

    def __exit__(self, *_error: object) -> None:
        self.host.kill()

    @property
    def events(self) -> list[Event]:
        """All that happened, as the centre has it, without the gateway's own life, health and measurements."""
        stored = sorted(self.far.centre.stored.items(), key=lambda one: one[0][1])
        return [one.event for _, one in stored if isinstance(one.event.body, HAPPENED)]

    @property
    def bodies(self) -> list[Body]:
        """The same without their times."""
        return [event.body for event in self.events]

    @property
    def rung(self) -> list[Body]:
        """What rings: class A, repeats are not."""
        return [body for body in self.bodies if isinstance(body, RINGS) and getattr(body, "repeat_of", None) is None]

    def wait(self, ms: int) -> None:
        """Let time go on."""
        self.line.run(self.line.now_ms + ms)

    def acts(self) -> None:
        """What can happen here happens once, and ends."""
        begins, ends = ACTS[self.sensor.use]
        self.happens(begins)
        self.wait(ACT_MS)
        if self.sensor.use is Use.LEAK:
            self._mopped()
        elif ends is not None:
            self.happens(ends)
        self.wait(SETTLE_MS)

    def reports(self) -> None:
        """A sign of life, beside those that come by themselves."""
        self._say(self.voices.report(self.sensor))
        self.wait(SETTLE_MS)

    def fault(self, fault: str, *, on: bool) -> None:
        """The device gets a fault, and what that alone makes it say is said; or it is rid of it."""
        chance = Random(f"{fault}:{self.sensor.address}")
        told = self.voices.fault(fault, self.sensor.address, chance, self.line.now_ms, on=on)
        self._say(told)
        self.wait(max((one.after_ms for one in told), default=0) + SETTLE_MS)

    def happens(self, act: Act) -> None:
        """This happens in the room now."""
        happening = Happening(self.line.now_ms, "r1", act, self.sensor.spot)
        assert MEANS[act][0] is self.sensor.use
        self._say(self.voices.of(happening))

    def line_says(self, data: bytes) -> None:
        """These bytes come on the device's own line."""
        self._say((Utterance(0, self.sensor.address, RadioBytes(self.sensor.gateway, data, self.sensor.port)),))

    def _mopped(self) -> None:
        if not self.voices.faults.frozen(self.sensor.address):
            self.device.before = dict(self.device.state)
            self.device.state["wet"] = False
            self._say(self.voices.faults.changed(self.device, self.device.say(self.device.state)))

    def _reports_on(self) -> None:
        self._say(self.voices.report(self.sensor))
        self.line.after((self.sensor.speaks_every_s or 0) * 1000, self._reports_on)

    def _asks(self, gateway: str, port: str, asked: bytes) -> None:
        self._say(self.voices.hears(gateway, port, asked))

    def _say(self, told: tuple[Utterance, ...]) -> None:
        for one in told:
            self.line.after(one.after_ms, partial(self.host.hears, one.said))
