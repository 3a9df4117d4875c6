"""What devices truly said, and what residents truly did. Serves the judge.

Owns the list of what must ring by itself (a press, a fall, water): each time that a device said so and somebody could
hear it, or a faulty one says so of itself. A witness of the world; nothing here is decoded. Must not know rows or the
centre.
"""

from __future__ import annotations

from dataclasses import dataclass

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.acts import Act
from nattevakt.sim.devices.device import Published, Utterance
from nattevakt.sim.devices.models import MODELS
from nattevakt.sim.explore.truth_rows import Written
from nattevakt.sim.faults import FAULTS
from nattevakt.sim.people import Happening
from nattevakt.sim.ward import Sensor, Ward
from nattevakt.sim.world import World

KIND_OF = {Use.CALL: "call", Use.FALL: "fall", Use.LEAK: "leak"}
"""What a device of this use rings as."""
_RINGS = {Act.PRESSES: Use.CALL, Act.FALLS: Use.FALL, Act.FALLS_PERHAPS: Use.FALL, Act.FLOODS: Use.LEAK}
SAME_MS = 2_500
"""The same said so soon after is a repeat at most; an input that is held meanwhile does not even say it."""
_SAYS = ("false_press", "false_fall", "history_again", "history_late")
"""Faults that by themselves say what rings."""


@dataclass(slots=True, eq=False)
class Cry:
    """One time that something which rings was said. at_ms: when it happened. heard_ms: when somebody was first there to
    hear it, None as long as nobody was. lives: of the agent at that moment. news: it says what
    the device had not said before; else a gateway may rightly take it for the same. made_up: no resident did it."""

    address: str
    gateway: str
    kind: str
    at_ms: int
    news: bool
    made_up: bool = False
    again: bool = False
    """It is no news, but pressed a second time all the same: a row of its own."""
    kept: bool = False
    """A broker keeps it until it is taken; a radio does not."""
    heard_ms: int | None = None
    lives: int = 0
    row: Written | None = None
    """What was written of it."""
    settled: bool = False
    """There is nothing more to say of it."""
    left: int = 0


class Said:
    """A witness that remembers what rings, and when each device was last heard."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ward: Ward = world.ward
        self.cries: list[Cry] = []
        self.by_device: dict[str, list[Cry]] = {}
        self.heard_ms: dict[str, int] = {}
        """When each device last said something that somebody was there to hear."""
        self.faults: dict[str, dict[str, int]] = {}
        """The faults that a device has or has had, and when each last began or ended."""
        self._mine: dict[int, tuple[Cry, Utterance]] = {}

    def happened(self, happening: Happening, told: tuple[Utterance, ...]) -> None:
        """Somebody pressed, fell, or let the water run."""
        use = _RINGS.get(happening.act)
        resident = self._ward.resident(happening.resident)
        if use is None or resident is None or not told:
            return
        sensor = resident.sensor(use, happening.spot)
        if sensor is None:
            return
        device = self._world.voices.devices[sensor.address]
        lossy = any(FAULTS[name].loses for name in self.faults_now(sensor.address))
        if not lossy:
            worse = not (happening.act is Act.FALLS_PERHAPS and device.before.get("fall") == "sure")
            news = happening.act is Act.PRESSES or (device.before != device.state and worse)
            self._cry(sensor.address, told, news=news, pressed=happening.act is Act.PRESSES)

    def faulted(self, name: str, address: str, told: tuple[Utterance, ...], *, on: bool) -> None:
        """A device got a fault, or is rid of one."""
        found = self.faults.setdefault(address, {})
        now_ms = self._world.line.now_ms
        found[name] = now_ms if on else -now_ms
        if on and name in _SAYS and told:
            self._cry(address, told, news=name != "history_again", made_up=True)

    def carried(self, utterance: Utterance, *, reached: bool) -> None:
        """Something was said."""
        now_ms = self._world.line.now_ms
        if reached and utterance.address:
            self.heard_ms[utterance.address] = now_ms
        cry, _ = self._mine.pop(id(utterance), (None, None))
        if cry is None:
            return
        cry.left -= 1
        if reached and cry.heard_ms is None:
            host = self._world.hosts[cry.gateway]
            cry.heard_ms, cry.lives = now_ms, host.lives

    def faults_now(self, address: str) -> list[str]:
        """The names of the faults that a device has."""
        return [name for name, at_ms in self.faults.get(address, {}).items() if at_ms > 0]

    def _cry(
        self, address: str, told: tuple[Utterance, ...], *, news: bool, made_up: bool = False, pressed: bool = False
    ) -> None:
        sensor = self._ward.sensor(address)
        if sensor is None or sensor.use not in KIND_OF:
            return
        now_ms = self._world.line.now_ms
        kept = isinstance(told[0].said, Published)
        before = self.by_device.get(address)
        again = False
        if before and now_ms - before[-1].at_ms <= SAME_MS:
            news = False
            again = pressed and _says_each(sensor) and "flood" not in self.faults.get(address, {})
        cry = Cry(address, sensor.gateway, KIND_OF[sensor.use], now_ms, news, made_up, again, kept)
        # Whoever is heard with the first of them is heard; what comes later says the same, or that it is over.
        first_ms = min(one.after_ms for one in told)
        for one in told:
            if one.after_ms <= first_ms + 100:
                cry.left += 1
                self._mine[id(one)] = (cry, one)
        self.cries.append(cry)
        self.by_device.setdefault(address, []).append(cry)


def _says_each(sensor: Sensor) -> bool:
    """Whether it says each press as one: of an input that is held meanwhile the second is not even said."""
    return sensor.address.startswith("enocean:") or (sensor.is_zigbee and bool(MODELS[sensor.model].presses))
