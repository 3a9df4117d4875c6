"""The named faults of devices: what each is, which devices can have it, and who has which now. Serves stories.

Owns the table FAULTS and the switching. How each misbehaves is in devices/faulty.py. A fault is the same for the same
seed. It says of itself what an honest supervision can make of it: a fault that loses what happens cannot ring, and one
that looks exactly like the real thing must. Must not know gateways, time, or what is expected of a night.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.devices import faulty, wifi
from nattevakt.sim.devices import milesight as lora
from nattevakt.sim.devices.device import SimDevice, Utterance
from nattevakt.sim.devices.models import MODELS
from nattevakt.sim.ward import Sensor

STATES = (Use.DOOR, Use.BED, Use.CHAIR, Use.PRESENCE, Use.MOTION, Use.FALL)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. says: in Norwegian, one line. of: which devices, for people; fits: the same for programs.

    changes: what becomes of what the device says of something that happens. garbles: what becomes of all that it says.
    begins: what the fault alone makes it say when it begins. freezes: nothing that happens reaches the device. inverts:
    its input tells the opposite. loses: what happens is lost before it reaches a gateway, so that no alarm can come.
    rings: by itself it looks exactly like the real thing, so an alarm must come.
    """

    name: str
    says: str
    of: str
    fits: Callable[[Sensor], bool]
    changes: faulty.Way | None = None
    garbles: faulty.Way | None = None
    begins: faulty.Begins | None = None
    freezes: bool = False
    inverts: bool = False
    loses: bool = False
    rings: bool = False


def _radio(*radios: str) -> Callable[[Sensor], bool]:
    return lambda sensor: sensor.radio in radios


def _any(_sensor: Sensor) -> bool:
    return True


def _serial(sensor: Sensor) -> bool:
    return sensor.is_serial


def _published(sensor: Sensor) -> bool:
    return not sensor.is_serial


def _used(*uses: Use, radios: tuple[str, ...] = ()) -> Callable[[Sensor], bool]:
    return lambda sensor: sensor.use in uses and (not radios or sensor.radio in radios)


def _eep(*families: str) -> Callable[[Sensor], bool]:
    return lambda sensor: sensor.radio == "enocean" and sensor.profile.startswith(families)


def _named_press(sensor: Sensor) -> bool:
    return sensor.is_zigbee and bool(MODELS[sensor.model].presses)


_ALL = (
    # Messages of bridges and brokers.
    Fault("phantom_open", "den gamle tilstanden kommer først, så den nye, i samme sekund", "Zigbee med tilstand",
          _used(*STATES, radios=("zigbee2mqtt",)), changes=faulty.old_first),
    Fault("cached_replay", "broen sender på nytt det den husker, som om det var nytt", "Zigbee",
          _radio("zigbee2mqtt"), begins=faulty.cached),
    Fault("quadruple", "samme melding fire ganger på to sekunder", "alle på MQTT", _published,
          garbles=faulty.quadruple),
    Fault("empty_action", "bare det tomme ordet av et trykk kommer fram: trykket er tapt før Nattevakt",
          "Zigbee-knapper med handling", _named_press, changes=faulty.no_action, loses=True),
    Fault("low_battery_press", "med lavt batteri sender omformeren ingenting når knappen trykkes: trykket er tapt",
          "HS1EB", lambda s: s.model == "HS1EB", changes=faulty.nothing, loses=True),
    Fault("retained_press", "megleren lagrer trykket og deler det ut på nytt til den som kobler seg til",
          "Zigbee-knapper med handling", _named_press, garbles=faulty.press_stays),
    Fault("availability_lost", "broen tror et øyeblikk at enheten er borte", "Zigbee", _radio("zigbee2mqtt"),
          begins=faulty.unavailable),
    Fault("light_repeats", "hver lysmåling gjentar at noen beveger seg", "Zigbee-bevegelsessensorer",
          _used(Use.MOTION, radios=("zigbee2mqtt",)), begins=faulty.light_repeats),
    Fault("dim_motion", "bevegelse meldes som ingen bevegelse, med linkquality 0", "Zigbee-bevegelsessensorer",
          _used(Use.MOTION, radios=("zigbee2mqtt",)), changes=faulty.dim_motion, loses=True),
    Fault("flood", f"{faulty.FLOOD} meldinger på 19 minutter", "Zigbee med kontakt",
          _used(Use.DOOR, radios=("zigbee2mqtt",)), begins=faulty.flood),
    Fault("retained_stale", "megleren deler ut den lagrede tilstanden på nytt (bare i virtuell tid)", "ESPHome",
          _radio("esphome"), begins=faulty.kept),
    Fault("config_changed", "melder at oppsettet er endret, midt blant hendelsene", "Shelly", _radio("shelly"),
          begins=wifi.config_changed),
    Fault("two_gateways", "to LoRaWAN-gatewayer hører det samme, og det meldes to ganger", "LoRaWAN",
          _radio("chirpstack"), garbles=faulty.two_gateways),
    Fault("history_again", "forteller det siste fallet om igjen fra minnet sitt, med tiden det hendte", "VS373",
          lambda s: s.profile == "VS373" and s.use is Use.FALL, begins=lora.history_again),
    Fault("history_late", "forteller fra minnet om et fall for 70 minutter siden, som aldri kom fram", "VS373",
          lambda s: s.profile == "VS373" and s.use is Use.FALL, begins=lora.history_late, rings=True),
    # Bytes on serial lines.
    Fault("noise", "tilfeldige byte før og etter hver ramme", "alle på serielinje", _serial, garbles=faulty.noise),
    Fault("half_frame", "starten av en ramme kommer først, og en gang til alene", "alle på serielinje", _serial,
          garbles=faulty.half_frame),
    Fault("damaged", "en kopi med en feil bit kommer først", "alle på serielinje", _serial, garbles=faulty.damaged),
    Fault("long_length", "starten på en ramme som aldri tar slutt, like før hver ramme", "alle på serielinje", _serial,
          garbles=faulty.long_length),
    Fault("stray_bytes", "løse 00, 27 og 6A mellom rammene", "radarer på serielinje",
          _radio("micradar", "tinyframe", "ld2410"), garbles=faulty.stray_bytes),
    Fault("zero_length", "en ramme uten data, og uten den andre sjekksummen, like før hver ramme", "TinyFrame-radarer",
          _radio("tinyframe"), garbles=faulty.zero_length),
    Fault("nan_float", "måleverdier som ikke er tall, riktig rammet inn", "TinyFrame-radarer og ESPHome-vekter",
          lambda s: s.radio == "tinyframe" or (s.radio == "esphome" and s.use is Use.BED), begins=faulty.no_numbers),
    Fault("ghost_distance", "ingen er der, men avstanden er 47 cm", "MicRadar og LD2410",
          _radio("micradar", "ld2410"), begins=faulty.ghost_distance),
    Fault("restarts", "starter på nytt midt på natten", "radarer på serielinje", _radio("micradar", "tinyframe"),
          begins=faulty.starts),
    Fault("repeater_copies", "to forsterkere sender hvert telegram om igjen", "EnOcean", _radio("enocean"),
          garbles=faulty.copies),
    Fault("twice_at_boot", "sier tilstanden to ganger når den starter", "EnOcean med livstegn",
          lambda s: s.radio == "enocean" and not s.mute, begins=faulty.twice),
    Fault("learn_telegram", "noen trykker på innlæringsknappen", "EnOcean D5 og A5", _eep("D5", "A5"),
          begins=faulty.learn_telegram),
    Fault("secured", "sender kryptert, uten at noen har nøkkelen: det som hender er tapt", "EnOcean D5 og A5",
          _eep("D5", "A5"), garbles=faulty.secured, loses=True),
    # The devices themselves.
    Fault("flicker", "matta slipper og tar igjen mens noen ligger stille", "senger", _used(Use.BED),
          begins=faulty.flicker),
    Fault("bounce", "kontakten spretter i noen millisekunder", "dører og vinduer", _used(Use.DOOR),
          changes=faulty.bounce),
    Fault("stuck", "står fast: ingenting av det som hender kommer fram, men livstegnene går", "alle", _any,
          freezes=True, loses=True),
    Fault("inverted", "melder det motsatte (feil vei montert, normalt lukket matte)", "dører, senger, stoler",
          _used(Use.DOOR, Use.BED, Use.CHAIR), inverts=True),
    Fault("dead", "sier ingenting mer", "alle", _any, garbles=faulty.nothing, loses=True),
    Fault("false_press", "knappen melder et trykk som ingen gjorde: det ringer, for ingen kan se forskjell", "knapper",
          _used(Use.CALL), begins=faulty.presses, rings=True),
    Fault("false_fall", "radaren melder et fall som ingen hadde: det ringer, for ingen kan se forskjell",
          "fallsensorer", _used(Use.FALL), begins=faulty.false_fall, rings=True),
)  # fmt: skip

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ALL}
"""By name, as stories and the command line use it."""


SURROUND = ("damaged", "half_frame", "zero_length", "long_length", "stray_bytes", "noise")
"""In the order in which they are put around a frame."""


class Faults:
    """Who has which fault now."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, tuple[Fault, Random]]] = {}

    def begin(self, fault: Fault, device: SimDevice, chance: Random, now_ms: int) -> tuple[Utterance, ...]:
        """The device has the fault from now on; gives what the fault alone makes it say."""
        self._of.setdefault(device.sensor.address, {})[fault.name] = (fault, chance)
        if fault.inverts:
            device.inverted = True
        return () if fault.begins is None else self.said(device, fault.begins(device, chance, now_ms))

    def end(self, fault: Fault, device: SimDevice) -> None:
        """The device is rid of it."""
        self._of.get(device.sensor.address, {}).pop(fault.name, None)
        if fault.inverts:
            device.inverted = False

    @property
    def lasting(self) -> tuple[tuple[str, str], ...]:
        """Who has what now: (address, fault)."""
        return tuple((address, name) for address, has in self._of.items() for name in has)

    def frozen(self, address: str) -> bool:
        """Whether nothing that happens reaches the device."""
        return any(fault.freezes for fault, _ in self._of.get(address, {}).values())

    def changed(self, device: SimDevice, told: tuple[Utterance, ...]) -> tuple[Utterance, ...]:
        """What it says of something that happened, with all its faults."""
        if told:
            for fault, chance in self._of.get(device.sensor.address, {}).values():
                if fault.changes is not None:
                    told = fault.changes(device, told, chance)
        return self.said(device, told)

    def said(self, device: SimDevice, told: tuple[Utterance, ...]) -> tuple[Utterance, ...]:
        """Whatever it says, with the faults of its mouth and its line."""
        found = self._of.get(device.sensor.address)
        if not told or not found:
            return told
        # What changes whole frames comes before what surrounds them: half of a frame and noise is no whole frame.
        for fault, chance in sorted(
            found.values(), key=lambda one: SURROUND.index(one[0].name) if one[0].name in SURROUND else -1
        ):
            if fault.garbles is not None and told:
                told = fault.garbles(device, told, chance)
        return told
