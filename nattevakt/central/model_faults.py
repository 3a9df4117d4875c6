"""Models that fail in a way whoever registers one must know of. Serves arrow 7, before it is needed.

Owns the sentences; those of the gateway's drivers are the same, and a test holds them together. Must not know how a
device is registered.
"""

from __future__ import annotations

from collections.abc import Mapping

_LOST_PRESS = (
    "HS1EB mister trykk når batteriet er lavt: Zigbee2MQTT sender da ingenting videre. Prøv knappen ofte, bytt batteri "
    "i god tid, eller bruk TS0215A_sos, SBTZB-110 eller PB206"
)
MODEL_FAULTS: Mapping[str, str] = {"HS1EB": _LOST_PRESS, "HS1EB-E": _LOST_PRESS}


def fault_of(model: str | None) -> str | None:
    """What to know of a model, None where nothing is known to go wrong. One name may hold several: "HS1EB/HS1EB-E"."""
    names = (one.strip().upper() for one in (model or "").replace("/", " ").split())
    return next((MODEL_FAULTS[name] for name in names if name in MODEL_FAULTS), None)
