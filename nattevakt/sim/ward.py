"""The simulated ward as data: who lives where, with which devices, behind which gateway. Serves the simulator.

Owns the invented people, rooms, devices and staff, and their words as a seed file and as gateway settings. Must not
know time, behaviour or how anything is delivered. All names are invented.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from nattevakt.edge.drivers.driver import Device, Use
from nattevakt.edge.drivers.registry import MQTT_DIALECTS, RADIOS, SERIAL_DRIVERS
from nattevakt.edge.rules.windows import NORWAY
from nattevakt.gateway.siren import Siren
from nattevakt.sim.devices.models import MODELS
from nattevakt.sim.sensors import definition

PORT = "enocean"
"""The name of the one serial port that each gateway has."""
ENOCEAN_EVERY_S = 1_200
ZIGBEE_EVERY_S = 1_800
RADAR_EVERY_S = 600
RADAR_BEAT_S = 50


@cache
def _radio_of(address: str) -> str:
    return next(name for name, radio in reversed(tuple(RADIOS.items())) if address.startswith(radio.PREFIX))


@dataclass(frozen=True, slots=True)
class Sensor:
    """One device. address: as in events. interval_s: seconds between its signs of life, None where it gives none
    (mute). profile: where the radio does not describe itself; name, model: of a Zigbee one. gateway: the gateway that
    hears it. invert: its plain input is read the other way round."""

    address: str
    use: Use
    spot: str
    gateway: str
    interval_s: int | None
    profile: str = ""
    name: str = ""
    model: str = ""
    invert: bool = False

    @property
    def mute(self) -> bool:
        """Whether it says nothing until something happens, so that its silence tells nothing."""
        return self.interval_s is None

    @property
    def speaks_every_s(self) -> int | None:
        """How often it says something unasked: a radar far oftener than anybody counts on."""
        return RADAR_BEAT_S if self.interval_s is not None and self.is_serial and self.port != PORT else self.interval_s

    @property
    def radio(self) -> str:
        """The driver or dialect that reads it, by its name in settings; of two that hear the same, the last named."""
        return _radio_of(self.address)

    @property
    def own_name(self) -> str:
        """The address without its radio."""
        return self.address.removeprefix(RADIOS[self.radio].PREFIX)

    @property
    def is_zigbee(self) -> bool:
        """Whether it speaks through Zigbee2MQTT."""
        return self.address.startswith("z2m:")

    @property
    def is_serial(self) -> bool:
        """Whether it is heard on a serial line; else at the broker."""
        return self.radio in SERIAL_DRIVERS

    @property
    def port(self) -> str:
        """The serial line that it is heard on: the one stick, or its own where the line is the device."""
        return PORT if self.radio in ("enocean", "") else self.own_name


@dataclass(frozen=True, slots=True)
class Resident:
    """One resident and their room. Windows are local times of day ("22:00", "07:00"); None: not supervised.
    limit_min: how long they may be out of bed inside the bed window."""

    key: str
    name: str
    room: str
    sensors: tuple[Sensor, ...]
    bed_window: tuple[str, str] | None = None
    door_window: tuple[str, str] | None = None
    limit_min: int = 15

    @property
    def first_name(self) -> str:
        """What scenarios call them."""
        return self.name.split()[0]

    def sensor(self, use: Use, spot: str = "") -> Sensor | None:
        """The resident's first device for this use (at this spot), None where there is none."""
        return next((s for s in self.sensors if s.use is use and spot in ("", s.spot)), None)


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway. base_topic: where its Zigbee2MQTT publishes; each has its own, so that they may share a broker."""

    key: str
    name: str
    base_topic: str
    sirens: tuple[Siren, ...] = ()


@dataclass(frozen=True, slots=True)
class Worker:
    """One member of the night staff. phone: for text messages, "" where there is none."""

    key: str
    name: str
    initials: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Ward:
    """Everything that stands still during a night. more: what else its seed file says (TOML): plans, bases, rounds."""

    key: str
    name: str
    tenant: str
    residents: tuple[Resident, ...]
    gateways: tuple[Gateway, ...]
    staff: tuple[Worker, ...]
    time_zone: str = NORWAY
    more: str = ""

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """All devices."""
        return tuple(sensor for resident in self.residents for sensor in resident.sensors)

    def resident(self, name: str) -> Resident | None:
        """The resident with this first name, key or room, None where nobody has it."""
        found = (r for r in self.residents if name in (r.first_name, r.key, r.room))
        return next(found, None)

    def sensor(self, address: str) -> Sensor | None:
        """The device with this address."""
        return next((sensor for sensor in self.sensors if sensor.address == address), None)

    def gateway(self, key: str) -> Gateway | None:
        """The gateway with this key."""
        return next((gateway for gateway in self.gateways if gateway.key == key), None)

    def of_gateway(self, key: str) -> tuple[Sensor, ...]:
        """The devices that a gateway hears."""
        return tuple(sensor for sensor in self.sensors if sensor.gateway == key)

    def changed(self, resident: Resident) -> Ward:
        """The same ward, with this resident as given instead of the one with the same key."""
        return replace(self, residents=tuple(resident if r.key == resident.key else r for r in self.residents))

    def devices(self, gateway: str) -> tuple[Device, ...]:
        """A gateway's devices as its core wants them."""
        return tuple(Device(s.address, s.profile, s.use, s.invert) for s in self.of_gateway(gateway))

    def ports(self, gateway: str) -> dict[str, str]:
        """A gateway's serial lines: name -> driver. The stick is there, whether any device needs it or not."""
        return {PORT: "enocean"} | {s.port: s.radio for s in self.of_gateway(gateway) if s.is_serial}

    def dialects(self, gateway: str) -> dict[str, str]:
        """What is spoken at a gateway's broker: name -> the topic under which it is published."""
        found = self.gateway(gateway)
        roots = {"zigbee2mqtt": found.base_topic if found is not None else ""}
        spoken = {s.radio for s in self.of_gateway(gateway) if not s.is_serial}
        return roots | {name: MQTT_DIALECTS[name].ROOT for name in sorted(spoken - set(roots))}

    def devices_toml(self, gateway: str) -> str:
        """A gateway's devices and sirens as that part of its settings file."""
        found = self.gateway(gateway)
        sirens = "".join(
            f'[[siren]]\naddress = "{siren.address}"\ncommand = "{siren.command}"\n'
            + (f'report = "{siren.report}"\n' if siren.report else "")
            for siren in (found.sirens if found is not None else ())
        )
        return sirens + "".join(
            f'[[device]]\naddress = "{device.address}"\nuse = "{device.use.value}"\n'
            + (f'profile = "{device.profile}"\n' if device.profile else "")
            + ("invert = true\n" if device.invert else "")
            for device in self.devices(gateway)
        )

    def bridge_devices(self, gateway: str) -> list[dict[str, object]]:
        """What a gateway's simulated Zigbee2MQTT publishes as bridge/devices."""
        return [
            definition(s.name, s.address.removeprefix("z2m:"), s.model, *MODELS[s.model].exposes)
            for s in self.of_gateway(gateway)
            if s.is_zigbee
        ]

    def seed_toml(self, pin: str = "") -> str:
        """The ward as the centre's seed file. pin: the staff's; without one nobody can log in at a tablet."""
        parts = [f'[tenant]\nkey = "{self.tenant}"\nname = "{self.name}"\ntime_zone = "{self.time_zone}"\n']
        parts.append(f'[[ward]]\nkey = "{self.key}"\nname = "{self.name}"\n')
        parts += [f'[[gateway]]\nkey = "{g.key}"\nname = "{g.name}"\nward = "{self.key}"\n' for g in self.gateways]
        # Two who share a room share its key.
        for room in dict.fromkeys(resident.room for resident in self.residents):
            parts.append(f'[[room]]\nkey = "{room}"\nward = "{self.key}"\nnumber = "{room}"\n')
        for resident in self.residents:
            parts.append(f'[[resident]]\nkey = "{resident.key}"\nname = "{resident.name}"\nroom = "{resident.room}"\n')
            parts += _windows(resident)
            parts += [_device(sensor, resident.room) for sensor in resident.sensors]
        for worker in self.staff:
            secret = f'pin = "{pin}"\n' if pin else ""
            secret += f'phone = "{worker.phone}"\n' if worker.phone else ""
            parts.append(
                f'[[staff]]\nkey = "{worker.key}"\nname = "{worker.name}"\ninitials = "{worker.initials}"\n'
                f'{secret}wards = ["{self.key}"]\n'
            )
        return "\n".join((*parts, self.more))


def _windows(resident: Resident) -> Iterable[str]:
    for table, window in (("door_window", resident.door_window), ("bed_window", resident.bed_window)):
        if window is not None:
            limit = f"limit_min = {resident.limit_min}\n" if table == "bed_window" else ""
            yield f'[[{table}]]\nresident = "{resident.key}"\nfrom = "{window[0]}"\nto = "{window[1]}"\n{limit}'


def _device(sensor: Sensor, room: str) -> str:
    told = "mute = true" if sensor.interval_s is None else f"interval_s = {sensor.interval_s}"
    name = f'name = "{sensor.name}"\n' if sensor.name else ""
    return (
        f'[[device]]\naddress = "{sensor.address}"\n{name}gateway = "{sensor.gateway}"\n'
        f'room = "{room}"\nspot = "{sensor.spot}"\n{told}\n'
    )


def radio(sender: str, profile: str, use: Use, spot: str, gateway: str) -> Sensor:
    """An EnOcean device. sender: eight hexadecimal digits. Rockers and leak sensors speak only when needed."""
    interval_s = None if profile.startswith("F6-") else ENOCEAN_EVERY_S
    return Sensor(f"enocean:{sender}", use, spot, gateway, interval_s, profile=profile)


def zigbee(ieee: str, name: str, model: str, use: Use, spot: str, gateway: str) -> Sensor:
    """A Zigbee2MQTT device by its friendly name. A call button is taken for mute: its battery report is too rare."""
    interval_s = {Use.CALL: None, Use.FALL: RADAR_EVERY_S}.get(use, ZIGBEE_EVERY_S)
    return Sensor(f"z2m:{ieee}", use, spot, gateway, interval_s, name=name, model=model)


_UP, _DOWN = "loftet", "kjelleren"
_BED, _MOTION, _DOOR, _CALL, _FALL, _LEAK = Use.BED, Use.MOTION, Use.DOOR, Use.CALL, Use.FALL, Use.LEAK
_BED_MODEL = "TS0601_bed_presence_sensor"

WARD = Ward(
    "2etg",
    "Furutun, 2. etasje",
    "demo",
    (
        Resident(
            "r201",
            "Astrid Solbakken",
            "201",
            (
                radio("01A0C201", "A5-30-01", _BED, "seng", _UP),
                radio("01A4B201", "A5-07-01", _MOTION, "bad", _UP),
                radio("01B2D201", "D5-00-01", _DOOR, "inngangsdør", _UP),
                radio("0029E201", "F6-01-01", _CALL, "bad", _UP),
            ),
            bed_window=("22:00", "07:00"),
            door_window=("23:00", "07:00"),
        ),
        Resident(
            "r202",
            "Bjarne Lunde",
            "202",
            (
                radio("01A0C202", "A5-30-01", _BED, "seng", _UP),
                radio("01A4B202", "A5-07-01", _MOTION, "bad", _UP),
                radio("0029E202", "F6-02-01", _CALL, "seng", _UP),
            ),
            bed_window=("20:00", "08:00"),
        ),
        Resident(
            "r203",
            "Dagny Moen",
            "203",
            (
                zigbee("0xa4c1389960700213", "seng-203", _BED_MODEL, _BED, "seng", _UP),
                zigbee("0xa4c1389960700203", "fall-203", "HS2FD-EF1-3.0", _FALL, "stue", _UP),
                zigbee("0xa4c1389960700223", "bad-203", "SNZB-03", _MOTION, "bad", _UP),
                radio("0194F203", "F6-05-01", _LEAK, "kjøkken", _UP),
            ),
            bed_window=("23:00", "07:00"),
        ),
        Resident(
            "r204",
            "Einar Haugen",
            "204",
            (
                radio("01A0C204", "A5-30-01", _BED, "seng", _UP),
                radio("01A4B204", "A5-07-01", _MOTION, "bad", _UP),
                radio("0029E204", "F6-02-01", _CALL, "bad", _UP),
            ),
            bed_window=("22:00", "07:00"),
        ),
        Resident(
            "r205",
            "Frida Aasen",
            "205",
            (
                radio("01A0C205", "A5-30-01", _BED, "seng", _DOWN),
                radio("01A4B205", "A5-07-01", _MOTION, "stue", _DOWN),
                # The door hangs nearer to the other gateway: what is known of this room needs both.
                radio("01B2D205", "D5-00-01", _DOOR, "inngangsdør", _UP),
                radio("0194F205", "F6-05-01", _LEAK, "bad", _DOWN),
            ),
            bed_window=("20:00", "08:00"),
            door_window=("23:00", "07:00"),
        ),
        Resident(
            "r206",
            "Gerd Nygård",
            "206",
            (
                zigbee("0xa4c1389960700216", "seng-206", _BED_MODEL, _BED, "seng", _DOWN),
                zigbee("0xa4c1389960700206", "sos-206", "TS0215A_sos", _CALL, "seng", _DOWN),
                zigbee("0xa4c1389960700226", "bad-206", "SNZB-03", _MOTION, "bad", _DOWN),
            ),
            bed_window=("23:00", "07:00"),
        ),
        Resident(
            "r207",
            "Harald Vik",
            "207",
            (
                radio("01B2D207", "D5-00-01", _DOOR, "inngangsdør", _DOWN),
                radio("01A4B207", "A5-07-01", _MOTION, "stue", _DOWN),
            ),
            door_window=("22:00", "07:00"),
        ),
        Resident(
            "r208",
            "Ingrid Dahl",
            "208",
            (
                radio("01A0C208", "A5-30-01", _BED, "seng", _DOWN),
                radio("01A4B208", "A5-07-01", _MOTION, "bad", _DOWN),
                radio("0029E208", "F6-02-01", _CALL, "bad", _DOWN),
            ),
            bed_window=("01:00", "09:00"),
        ),
    ),
    (Gateway(_UP, "Loftet", "zigbee2mqtt"), Gateway(_DOWN, "Kjelleren", "zigbee2mqtt-kjeller")),
    (Worker("kari", "Kari N.", "KN"), Worker("per", "Per A.", "PA")),
)
"""The ward of the demo and of most scenarios: 8 residents, 2 gateways."""


def limited(ward: Ward, limit_min: int) -> Ward:
    """The same ward, with everybody's time out of bed bounded by so many minutes."""
    return replace(ward, residents=tuple(replace(r, limit_min=limit_min) for r in ward.residents))


def corridor(residents: int, gateways: tuple[Gateway, ...] = WARD.gateways) -> Ward:
    """A long corridor for what needs many residents at once: each room has a bed mat, a motion sensor and a button."""
    rooms = [
        Resident(
            f"r{number}",
            f"Beboer{number} Prøve",
            str(number),
            (
                radio(f"01A1{number:04X}", "A5-30-01", _BED, "seng", gateways[number % len(gateways)].key),
                radio(f"01A5{number:04X}", "A5-07-01", _MOTION, "bad", gateways[number % len(gateways)].key),
                radio(f"0029{number:04X}", "F6-02-01", _CALL, "bad", gateways[number % len(gateways)].key),
            ),
            bed_window=("22:00", "07:00"),
        )
        for number in range(1001, 1001 + residents)
    ]
    return replace(WARD, residents=tuple(rooms), gateways=gateways)
