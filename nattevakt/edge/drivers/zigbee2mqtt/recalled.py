"""What the bridge last told of its devices, as one row of the gateway's memory. Serves arrow 1.

Owns the row's shape, its version and its bounds. Must not know topics, readings or where the row is stored. After a
restart a broker delivers what it held before it repeats `bridge/devices`: without this row nobody would know who spoke.
A row that cannot be read whole is no row: then the bridge is waited for, as at the very first start.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from nattevakt.edge.drivers.zigbee2mqtt.decode import READERS
from nattevakt.edge.drivers.zigbee2mqtt.definitions import DEVICES_MAX, NAME_MAX, Definition, OnOff
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import load_json

KEY = "z2m.devices"
VERSION = 1
ROW_CHARS_MAX = 400_000
"""Some 150 characters a device; what does not fit is unknown after a restart until the bridge tells it again."""
NUMBER_MAX = 1e15
_encode = json.JSONEncoder(separators=(",", ":")).encode


def row_of(base_topic: str, definitions: Iterable[Definition]) -> str:
    """The row to store; the first definitions are the ones kept when there is not room for all."""
    lines: list[str] = []
    size = 0
    for one in definitions:
        line = _encode(
            [
                one.name,
                one.ieee,
                one.model,
                one.description,
                {
                    name: [binary.on, binary.off]
                    for name, binary in one.binaries.items()
                    if name in READERS and _plain(binary.on) and _plain(binary.off)
                },
            ]
        )
        size += len(line) + 1
        if size > ROW_CHARS_MAX or len(lines) >= DEVICES_MAX:
            break
        if 0 < len(one.name) <= NAME_MAX and 0 < len(one.ieee) <= NAME_MAX:
            lines.append(line)
    return f'{{"v":{VERSION},"base":{_encode(base_topic)},"devices":[{",".join(lines)}]}}'


def definitions_of(text: str | None, base_topic: str) -> dict[str, Definition]:
    """By friendly name what a row holds; nothing at all if it is of another bridge, damaged or of another version."""
    try:
        return _read(text or "", base_topic)
    except RejectError:
        return {}


def _read(text: str, base_topic: str) -> dict[str, Definition]:
    row = load_json(text.encode("utf-8", "replace"), KEY)
    devices = row.get("devices")
    if row.get("v") != VERSION or row.get("base") != base_topic or not isinstance(devices, list):
        raise RejectError(KEY, "of another version or bridge")
    if len(devices) > DEVICES_MAX:
        raise RejectError(KEY, "too long")
    found = [_definition(one) for one in devices]
    return {one.name: one for one in found}


def _definition(value: object) -> Definition:
    if not isinstance(value, list) or len(value) != 5:
        raise RejectError(KEY, "not a device")
    name, ieee, model, description, binaries = value
    texts = (name, ieee, model, description)
    if not all(isinstance(text, str) and len(text) <= NAME_MAX for text in texts) or not (name and ieee):
        raise RejectError(KEY, "not a device's names")
    if not isinstance(binaries, dict):
        raise RejectError(KEY, "not a device's binaries")
    return Definition(name, ieee, model, description, _binaries(binaries))


def _binaries(values: Mapping[str, object]) -> dict[str, OnOff]:
    found: dict[str, OnOff] = {}
    for name, pair in values.items():
        if name not in READERS or not isinstance(pair, list) or len(pair) != 2 or not all(map(_plain, pair)):
            raise RejectError(KEY, "not a binary")
        found[name] = OnOff(*pair)
    return found


def _plain(value: object) -> bool:
    """A value that JSON gives back as it was, and a short one."""
    if isinstance(value, str):
        return len(value) <= NAME_MAX
    return isinstance(value, int | float) and abs(value) <= NUMBER_MAX
