"""Strict reading of parsed JSON or TOML into frozen dataclasses. Serves arrows 5 and 6 and every settings file.

Owns the checks on types, ranges and lengths, with errors that name the field. Must not know any message.
Looked at before writing: msgspec and pydantic do this well but cost the gateway 5 and 12 MB of memory;
dacite does not check lengths, ranges or control characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

from nattevakt.edge.errors import RejectError

INT_MAX = 2**63 - 1
TEXT_MAX = 300
LIST_MAX = 200
_UNSEEN = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
EMPTY: Mapping[str, Callable[[object, str], Any]] = MappingProxyType({})

Reader = Callable[[object, str], Any]


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


# Made once: `json.loads` with a setting of its own would make a decoder for every line.
_decode = json.JSONDecoder(parse_constant=_no_constant).decode


def load_json(raw: bytes, where: str) -> dict[str, object]:
    """Parse one JSON object; anything else (also NaN, bad UTF-8, deep nesting) raises RejectError."""
    try:
        value = _decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RejectError(where, f"not JSON: {str(error)[:120]}") from None
    if not isinstance(value, dict):
        raise RejectError(where, "not a JSON object")
    return value


def text(value: object, where: str) -> str:
    """Text of at most TEXT_MAX characters without control characters or lone surrogates."""
    if not isinstance(value, str):
        raise RejectError(where, "must be text")
    if len(value) > TEXT_MAX:
        raise RejectError(where, f"longer than {TEXT_MAX} characters")
    if not value.isprintable() and _UNSEEN.search(value):
        raise RejectError(where, "holds a control character")
    return value


def whole(value: object, where: str) -> int:
    """A whole number that fits 64 bits; true and false are not numbers."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise RejectError(where, "must be a whole number")
    if not -INT_MAX <= value <= INT_MAX:
        raise RejectError(where, "out of range")
    return value


def number(value: object, where: str) -> float:
    """A finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise RejectError(where, "must be a number")
    if not -1e15 <= value <= 1e15:
        raise RejectError(where, "out of range")
    return float(value)


def boolean(value: object, where: str) -> bool:
    """true or false and nothing else."""
    if not isinstance(value, bool):
        raise RejectError(where, "must be true or false")
    return value


def count(value: object, where: str) -> int:
    """A whole number, zero or more."""
    found = whole(value, where)
    if found < 0:
        raise RejectError(where, "must not be negative")
    return found


Plainly = Callable[[Any], bool]
"""Whether a reader would give this very value back; may say no to what it would take."""


def _never(_value: object) -> bool:
    return False


_PLAINLY: dict[Reader, Plainly] = {
    text: lambda value: type(value) is str and len(value) <= TEXT_MAX and value.isprintable(),
    whole: lambda value: type(value) is int and -INT_MAX <= value <= INT_MAX,
    count: lambda value: type(value) is int and 0 <= value <= INT_MAX,
    boolean: lambda value: value is True or value is False,
    number: lambda value: type(value) is float and -1e15 <= value <= 1e15,
}


def list_of(item: Reader) -> Reader:
    """A reader for lists of at most LIST_MAX entries."""

    def read(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise RejectError(where, "must be a list")
        if len(value) > LIST_MAX:
            raise RejectError(where, f"more than {LIST_MAX} entries")
        return tuple(item(v, f"{where}[{i}]") for i, v in enumerate(value))

    return read


def map_of(item: Reader, key: Reader = text) -> Reader:
    """A reader for objects of at most 5 * LIST_MAX entries."""

    plain_key, plain_item = _PLAINLY.get(key, _never), _PLAINLY.get(item, _never)

    def read(value: object, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise RejectError(where, "must be an object")
        if len(value) > 5 * LIST_MAX:
            raise RejectError(where, f"more than {5 * LIST_MAX} entries")
        if all(map(plain_item, value.values())) and all(map(plain_key, value)):
            return dict(value)  # as nearly always
        return {
            k if plain_key(k) else key(k, where): v if plain_item(v) else item(v, f"{where}.{k}"[:120])
            for k, v in value.items()
        }

    return read


def record(kind: type[Any], special: Mapping[str, Reader] = EMPTY, *, closed: bool = False) -> Reader:
    """A reader for a frozen dataclass; missing keys take their default, `null` counts as missing.

    special: readers for fields whose type alone does not say enough. closed: refuse unknown keys (settings);
    otherwise they are passed over (a newer peer may say more than we know).
    """
    hints = get_type_hints(kind)
    readers: list[tuple[str, Reader, bool, Plainly]] = []
    nothing: dict[str, None] = {}
    known = {entry.name for entry in fields(kind)}
    for entry in fields(kind):
        required = entry.default is MISSING and entry.default_factory is MISSING
        reader = special[entry.name] if entry.name in special else _READERS[str(hints[entry.name])]
        if required and type(None) in get_args(hints[entry.name]):
            # The writer leaves out what is None, so a missing "X or None" is None.
            nothing[entry.name] = None
            required = False
        readers.append((entry.name, reader, required, _PLAINLY.get(reader, _never)))

    def read(value: object, where: str) -> Any:
        if not isinstance(value, dict):
            raise RejectError(where, "must be an object")
        if closed and (unknown := sorted(set(value) - known)):
            raise RejectError(f"{where}.{unknown[0]}", "unknown key; known are " + ", ".join(sorted(known)))
        found: dict[str, Any] = {**nothing}
        for name, reader, required, plainly in readers:
            one = value.get(name)
            if one is not None:
                # Nearly every value is as it should be; only for the others it matters how the place is called.
                found[name] = one if plainly(one) else reader(one, f"{where}.{name}")
            elif required:
                raise RejectError(f"{where}.{name}", "is missing")
        return kind(**found)

    return read


_READERS: dict[str, Reader] = {
    str(str): text,
    str(int): whole,
    str(bool): boolean,
    str(float): number,
    str(str | None): text,
    str(int | None): whole,
    str(float | None): number,
    str(bool | None): boolean,
    str(tuple[str, ...]): list_of(text),
}
