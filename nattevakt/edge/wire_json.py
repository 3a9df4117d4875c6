"""What both halves of the contract are written with: JSON, moments, stream names, marks. Serves arrows 5 and 6.

Owns how a value becomes bytes and how the smallest parts are read. Must not know any message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields

from nattevakt.edge.errors import RejectError
from nattevakt.edge.events import Moment
from nattevakt.edge.strict import count, load_json, map_of, record

VERSION = 1
_STREAM = re.compile(r"[0-9a-f]{32}\Z")

# Made once: `json.dumps` with settings of its own would make an encoder for every row.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_AS_IS = frozenset({str, int, bool, float})
_names: dict[type, tuple[str, ...]] = {}


def dump(value: object) -> bytes:
    """JSON as it goes over the wire."""
    return _encode(value).encode()


def plain(value: object) -> object:
    """A dataclass as JSON's own values; what is None is left out."""
    kind = type(value)
    if kind in _AS_IS:
        return value
    if (names := _names.get(kind)) is not None:
        found = {}
        for name in names:
            if (one := getattr(value, name)) is not None:
                found[name] = one if type(one) in _AS_IS else plain(one)
        return found
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if kind is dict or isinstance(value, Mapping):
        # Every heartbeat has some of these, and nearly all of what is in them is as it is to be.
        return {str(k): v if type(v) in _AS_IS else plain(v) for k, v in value.items()}  # type: ignore[attr-defined]
    if hasattr(value, "__dataclass_fields__"):
        _names[kind] = tuple(f.name for f in fields(value))  # type: ignore[arg-type]
        return plain(value)
    return value


def stream(value: object, where: str) -> str:
    """A stream's name."""
    if not isinstance(value, str) or not _STREAM.match(value):
        raise RejectError(where, "must be 32 hexadecimal digits")
    return value


moment = record(Moment, {"boottime_ms": count, "wall_ms": count})
marks = map_of(count, stream)


def versioned(raw: bytes, what: str) -> dict[str, object]:
    """One JSON object of this version; raises RejectError."""
    value = load_json(raw, what)
    if value.get("v") != VERSION or value.get("v") is True:
        raise RejectError(f"{what}.v", f"must be {VERSION}")
    return value
