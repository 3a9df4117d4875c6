"""Deeds that are faults: of a device by its name in FAULTS, or of a bridge. Serves scenario files.

Owns how a story names a fault and which devices it may befall. Must not know how a fault misbehaves.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from nattevakt.edge.drivers.driver import Use
from nattevakt.sim.faults import FAULTS
from nattevakt.sim.script import of_gateway, of_person, sensors_of
from nattevakt.sim.stage import Deed, Scene, Stage
from nattevakt.sim.ward import Resident, Ward


def has_fault(name: str, fault: str, use: Use, spot: str = "") -> Deed:
    """A device of this resident has a fault from now on; see `nattevakt-sim list --faults` for their names."""
    return _fault(name, fault, use, spot, on=True)


def fault_ends(name: str, fault: str, use: Use, spot: str = "") -> Deed:
    """A device of this resident is rid of a fault."""
    return _fault(name, fault, use, spot, on=False)


def _fault(name: str, fault: str, use: Use, spot: str, *, on: bool) -> Deed:
    def play(stage: Stage, scene: Scene, _: Resident) -> None:
        for number, sensor in enumerate(sensors_of(stage.ward, name, use, spot)):
            stage.fault(fault, sensor.address, Random(scene.chance.getrandbits(64) + number), on=on)  # noqa: S311

    where = f" på {spot}" if spot else ""
    says = FAULTS[fault].says if fault in FAULTS else fault
    deed = of_person(
        name, f"{use.value}-sensoren{where} hos {name} {'' if on else 'har ikke lenger: '}{says}", play, use, spot
    )

    def check(ward: Ward) -> str | None:
        if (wrong := deed.check(ward)) is not None:
            return wrong
        if fault not in FAULTS:
            return f"ukjent feil «{fault}»; kjente er " + ", ".join(sorted(FAULTS))
        unfit = [s for s in sensors_of(ward, name, use, spot) if not FAULTS[fault].fits(s)]
        return f"{unfit[0].address} kan ikke ha feilen «{fault}»: den er for {FAULTS[fault].of}" if unfit else None

    return replace(deed, check=check)


def bridge_restarts(gateway: str, seconds: float = 20) -> Deed:
    """The gateway's Zigbee2MQTT is started anew, and says again all that it has cached."""

    def play(stage: Stage, _: Scene) -> None:
        stage.bridge_restarts(gateway, round(seconds * 1000))

    return of_gateway(gateway, f"Zigbee2MQTT på {gateway} starter på nytt", play)
