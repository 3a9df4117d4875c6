"""The demo's devices and what happens to them, second by second. Serves the demo; must not know any process.

Everything a device says goes through the real encoders: bytes on a pseudo-terminal or JSON on the broker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nattevakt.edge.drivers.driver import Value
from nattevakt.sim.sensors import Bridge, Stick, binary, definition, enum


@dataclass(frozen=True, slots=True)
class Radio:
    """One EnOcean device of the demo ward. spot: where in the room, as staff say it."""

    address: str
    profile: str
    use: str
    room: str
    spot: str


@dataclass(frozen=True, slots=True)
class Zigbee:
    """One Zigbee device of the demo ward, by its friendly name."""

    name: str
    ieee: str
    model: str
    use: str
    room: str
    spot: str
    exposes: tuple[dict[str, object], ...]


RADIOS = (
    Radio("enocean:01A0C201", "A5-30-01", "bed", "201", "seng"),
    Radio("enocean:01A0C202", "A5-30-01", "bed", "202", "seng"),
    Radio("enocean:0029E204", "F6-02-01", "call", "204", "bad"),
    Radio("enocean:01A0C204", "A5-30-01", "bed", "204", "seng"),
    Radio("enocean:01B2D207", "D5-00-01", "door", "207", "inngangsdør"),
    Radio("enocean:01A0C207", "A5-07-01", "motion", "207", "stue"),
    Radio("enocean:0194F203", "F6-05-01", "leak", "203", "kjøkken"),
)
ZIGBEES = (
    Zigbee("sos-206", "0xa4c1389960700206", "TS0215A_sos", "call", "206", "seng", (enum("action", "emergency"),)),
    Zigbee(
        "fall-203",
        "0xa4c1389960700203",
        "HS2FD-EF1-3.0",
        "fall",
        "203",
        "stue",
        (enum("fall_status", "normal", "fall_warning", "fall_alarm"), binary("occupancy")),
    ),
    Zigbee(
        "seng-203", "0xa4c1389960700213", "TS0601_bed_presence_sensor", "bed", "203", "seng", (binary("occupancy"),)
    ),
)
RESIDENTS = {
    "201": "Astrid Solbakken",
    "202": "Bjarne Lunde",
    "203": "Dagny Moen",
    "204": "Einar Haugen",
    "206": "Gerd Nygård",
    "207": "Harald Vik",
}
"""Invented people."""


PIN = "274193"
"""The invented staff's PIN."""


def ward() -> str:
    """The demo's ward as a seed file. The door is watched all day, so that it rings whenever the demo is shown."""
    parts = [
        '[tenant]\nkey = "demo"\nname = "Demo kommune"\n',
        '[[ward]]\nkey = "2etg"\nname = "Furutun, 2. etasje"\n',
        '[[gateway]]\nkey = "loftet"\nname = "Loftet"\nward = "2etg"\n',
        '[[door_window]]\nresident = "r207"\nfrom = "00:00"\nto = "00:00"\n',
    ]
    for number, name in RESIDENTS.items():
        parts.append(f'[[room]]\nkey = "{number}"\nward = "2etg"\nnumber = "{number}"\n')
        parts.append(f'[[resident]]\nkey = "r{number}"\nname = "{name}"\nroom = "{number}"\n')
    places = [(radio.address, radio.use, radio.room, radio.spot) for radio in RADIOS]
    places += [(f"z2m:{device.ieee}", device.use, device.room, device.spot) for device in ZIGBEES]
    for address, use, room, spot in places:
        # Buttons and leak sensors say nothing until something happens.
        mute = "true" if use in ("call", "leak") else "false"
        where = f'room = "{room}"\nspot = "{spot}"\nmute = {mute}'
        parts.append(f'[[device]]\naddress = "{address}"\ngateway = "loftet"\n{where}\n')
    for key, name, initials in (("kari", "Kari N.", "KN"), ("per", "Per A.", "PA")):
        who = f'key = "{key}"\nname = "{name}"\ninitials = "{initials}"'
        parts.append(f'[[staff]]\n{who}\npin = "{PIN}"\nwards = ["2etg"]\n')
    return "\n".join(parts)


def gateway_devices() -> str:
    """The demo's devices as the gateway's settings."""
    radios = (f'address = "{r.address}"\nprofile = "{r.profile}"\nuse = "{r.use}"\n' for r in RADIOS)
    zigbees = (f'address = "z2m:{device.ieee}"\nuse = "{device.use}"\n' for device in ZIGBEES)
    return "".join(f"[[device]]\n{entry}" for entry in (*radios, *zigbees))


def bridge_devices() -> list[dict[str, object]]:
    """What the simulated Zigbee2MQTT says of its devices."""
    return [definition(device.name, device.ieee, device.model, *device.exposes) for device in ZIGBEES]


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that happens. at_s: seconds after the start of a round. says: what the terminal prints."""

    at_s: int
    says: str
    happens: Callable[[Stick, Bridge], None]


def _radio(address: str, **values: Value) -> Callable[[Stick, Bridge], None]:
    profile = next(radio.profile for radio in RADIOS if radio.address == address)
    return lambda stick, _bridge: _send(stick, address, profile, values)


def _send(stick: Stick, address: str, profile: str, values: Mapping[str, Value]) -> None:
    stick.say(address, profile, values)


def _zigbee(name: str, **values: object) -> Callable[[Stick, Bridge], None]:
    return lambda _stick, bridge: bridge.publish(name, values)


def _press(stick: Stick, _bridge: Bridge) -> None:
    stick.say("enocean:0029E204", "F6-02-01", {"action": "AI", "pressed": True})
    stick.say("enocean:0029E204", "F6-02-01", {"pressed": False})


ROUND_S = 300
SCENES = (
    Scene(1, "201, 202, 204: ligger i seng", lambda stick, _bridge: _to_bed(stick)),
    Scene(2, "203: ligger i seng", _zigbee("seng-203", occupancy=True, battery=81, linkquality=140)),
    Scene(15, "204: trykker på knappen på badet → anrop", _press),
    Scene(45, "207: går gjennom stua", _radio("enocean:01A0C207", motion=True, supply_v=3.0)),
    Scene(55, "207: åpner inngangsdøra → dør åpnet om natten", _radio("enocean:01B2D207", closed=False)),
    Scene(
        70,
        "207: lukker døra igjen (alarmen står: lukket dør sier ikke hvem som er inne)",
        _radio("enocean:01B2D207", closed=True),
    ),
    Scene(90, "203: står opp", _zigbee("seng-203", occupancy=False, battery=81, linkquality=140)),
    Scene(
        100,
        "203: radaren ser et mulig fall → fallalarm",
        _zigbee("fall-203", occupancy=True, fall_status="fall_warning"),
    ),
    Scene(
        106,
        "203: radaren er sikker → samme alarm ringer igjen",
        _zigbee("fall-203", occupancy=True, fall_status="fall_alarm"),
    ),
    Scene(
        140, "206: trykker på SOS ved senga → anrop", _zigbee("sos-206", action="emergency", battery=88, linkquality=97)
    ),
    Scene(180, "203: vann på kjøkkengulvet → vannalarm", _radio("enocean:0194F203", wet=True)),
    Scene(210, "203: radaren ser ingen på gulvet lenger", _zigbee("fall-203", occupancy=True, fall_status="normal")),
    Scene(230, "203: tilbake i seng", _zigbee("seng-203", occupancy=True, battery=81, linkquality=141)),
    Scene(250, "201: står opp og legger seg igjen etter 20 sekunder", _radio("enocean:01A0C201", closed=False)),
    Scene(270, "201: i seng", _radio("enocean:01A0C201", closed=True)),
)


def _to_bed(stick: Stick) -> None:
    for room in ("201", "202", "204"):
        stick.say(f"enocean:01A0C{room}", "A5-30-01", {"closed": True})
