"""The Zigbee models of the simulator as data. Serves the simulated bridge and its devices.

Owns what Zigbee2MQTT exposes of each model and by which words the model says the drivers' values. Facts from
zigbee-herdsman-converters 26.112.0. Must not know devices, topics or time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nattevakt.edge.drivers.driver import Value
from nattevakt.sim.sensors import binary, enum

Expose = dict[str, object]


@dataclass(frozen=True, slots=True)
class Model:
    """One model. tells: the drivers' name of a value -> (JSON name, words where they differ from the value itself).
    presses: the action of its button, "" where it is an input that is held (`sos`) or no button."""

    exposes: tuple[Expose, ...]
    tells: Mapping[str, tuple[str, Mapping[Value, object]]] = field(default_factory=dict)
    presses: str = ""


_FALL_STATUS: Mapping[Value, object] = {"no": "normal", "possible": "fall_warning", "sure": "fall_alarm"}
_FALL_DOWN: Mapping[Value, object] = {"no": "none", "possible": "maybe_fall", "sure": "fall"}
_OWON: Mapping[Value, object] = {"no": "occupied", "possible": "low_posture", "sure": "falling"}
_OPPOSITE: Mapping[Value, object] = {True: False, False: True}
_SEAT: Mapping[Value, object] = {True: "sit", False: "none"}

MODELS: Mapping[str, Model] = {
    "TS0215A_sos": Model((enum("action", "emergency"),), presses="emergency"),
    "HS1EB": Model((enum("action", "single", "double", "hold"),), presses="single"),
    "PB206": Model((binary("sos"),), {"pressed": ("sos", {})}),
    "HS2FD-EF1-3.0": Model(
        (enum("fall_status", "normal", "fall_warning", "fall_alarm"), binary("occupancy")),
        {"fall": ("fall_status", _FALL_STATUS), "motion": ("occupancy", {})},
    ),
    "MIR-HE200-TY": Model(
        (enum("fall_down_status", "none", "maybe_fall", "fall"), binary("presence")),
        {"fall": ("fall_down_status", _FALL_DOWN), "present": ("presence", {})},
    ),
    "FDS315": Model((enum("status", "unoccupied", "occupied", "falling"),), {"fall": ("status", _OWON)}),
    "TS0601_bed_presence_sensor": Model((binary("occupancy"),), {"occupied": ("occupancy", {})}),
    "SPM915": Model(
        (binary("contact", on=False, off=True),),
        {"occupied": ("contact", _OPPOSITE), "seated": ("contact", _OPPOSITE)},
    ),
    "ZG-210Z": Model((enum("pressure_state", "none", "sit", "sedentary"),), {"seated": ("pressure_state", _SEAT)}),
    "FP1E": Model((binary("presence"),), {"present": ("presence", {})}),
    "SNZB-03": Model((binary("occupancy"),), {"motion": ("occupancy", {})}),
    "SNZB-04": Model((binary("contact", on=False, off=True),), {"closed": ("contact", {})}),
    "E2013": Model((binary("contact", on=False, off=True),), {"closed": ("contact", {})}),
    "SJCGQ11LM": Model((binary("water_leak"),), {"wet": ("water_leak", {})}),
}
"""By the model name that Zigbee2MQTT gives."""
