"""What Zigbee2MQTT says of its devices in `bridge/devices`, and how to read hostile JSON. Serves arrow 1.

Owns the parsing of text from the broker and the few facts about a device that decoding needs. Must not know
readings. Nothing here raises anything but RejectError.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nattevakt.edge.errors import RejectError

MESSAGE_BYTES_MAX = 64_000
"""A device message is some hundred bytes; more is not one."""
DEVICES_BYTES_MAX = 8_000_000
"""bridge/devices runs to some 20 kB a device."""
DEVICES_MAX = 1_000
EXPOSES_MAX = 200
EXPOSES_DEPTH_MAX = 4
NAME_MAX = 200


@dataclass(frozen=True, slots=True)
class OnOff:
    """What a binary expose calls its two values."""

    on: object
    off: object


@dataclass(frozen=True, slots=True)
class Definition:
    """One device of the bridge. binaries, enums: by property name, from its exposes."""

    name: str
    ieee: str
    model: str = ""
    description: str = ""
    binaries: Mapping[str, OnOff] = field(default_factory=dict)
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_decode = json.JSONDecoder(parse_constant=lambda _: None).decode


def load(raw: bytes, limit: int = MESSAGE_BYTES_MAX) -> object:
    """Any JSON value, or RejectError: too long, not UTF-8, not JSON, nested too deep."""
    if len(raw) > limit:
        raise RejectError("payload", f"longer than {limit} bytes")
    try:
        value: object = _decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RejectError("payload", f"not JSON: {type(error).__name__}") from None
    return value


def _text(value: object) -> str:
    return value[:NAME_MAX] if isinstance(value, str) else ""


def _collect(exposes: object, binaries: dict[str, OnOff], enums: dict[str, tuple[str, ...]], depth: int = 0) -> None:
    if not isinstance(exposes, list) or depth > EXPOSES_DEPTH_MAX:
        return
    for expose in exposes[:EXPOSES_MAX]:
        if not isinstance(expose, dict):
            continue
        _collect(expose.get("features"), binaries, enums, depth + 1)
        name = _text(expose.get("property")) or _text(expose.get("name"))
        if not name:
            continue
        if expose.get("type") == "binary" and "value_on" in expose and "value_off" in expose:
            binaries[name] = OnOff(expose["value_on"], expose["value_off"])
        values = expose.get("values")
        if expose.get("type") == "enum" and isinstance(values, list):
            enums[name] = tuple(_text(v) for v in values[:EXPOSES_MAX])


def _nobody(_ieee: str, _name: str) -> bool:
    return False


def read_devices(raw: bytes, wanted: Callable[[str, str], bool] = _nobody) -> tuple[Definition, ...]:
    """The devices of a `bridge/devices` message; entries that make no sense are passed over.

    wanted: whether a device (ieee address, friendly name) is one of the settings; those come first, and are kept
    when there are more than DEVICES_MAX. Raises RejectError when the whole is no list.
    """
    value = load(raw, DEVICES_BYTES_MAX)
    if not isinstance(value, list):
        raise RejectError("bridge/devices", "not a list")
    ours: list[tuple[str, str, dict[str, object]]] = []
    others: list[tuple[str, str, dict[str, object]]] = []
    for entry in value:
        if not isinstance(entry, dict) or entry.get("type") == "Coordinator":
            continue
        ieee, name = entry.get("ieee_address"), entry.get("friendly_name")
        if not isinstance(ieee, str) or not isinstance(name, str) or not ieee or not name:
            continue
        kept = ours if wanted(ieee, name) else others
        if len(kept) < DEVICES_MAX:
            kept.append((ieee, name, entry))
    found: list[Definition] = []
    for ieee, name, entry in [*ours, *others][:DEVICES_MAX]:
        about = entry.get("definition")
        about = about if isinstance(about, dict) else {}
        binaries: dict[str, OnOff] = {}
        enums: dict[str, tuple[str, ...]] = {}
        _collect(about.get("exposes"), binaries, enums)
        model = _text(about.get("model")) or _text(entry.get("model_id"))
        found.append(Definition(name, ieee, model, _text(about.get("description")), binaries, enums))
    return tuple(found)
