"""The small readers that every table of a seed file is read with. Serves every arrow of the centre.

Owns what a key, a time of day and a list of tables look like in a seed file. Must not know any table.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nattevakt.central.credentials import KEY
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import Reader, text

ENTRIES_MAX = 20_000
_KEY = re.compile(rf"{KEY}\Z")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


def key(value: object, where: str) -> str:
    """How an entry is called by others."""
    found = text(value, where)
    if not _KEY.match(found):
        raise RejectError(where, "must be 1 to 40 of a-z, 0-9 and -")
    return found


def filled(value: object, where: str) -> str:
    """Text that says something."""
    found = text(value, where).strip()
    if not found:
        raise RejectError(where, "must not be empty")
    return found


def minute(value: object, where: str) -> int:
    """A time of day like "22:30", as minutes since midnight."""
    found = _TIME.match(text(value, where))
    if not found:
        raise RejectError(where, 'must be a time of day like "22:30"')
    return int(found[1]) * 60 + int(found[2])


def zone(value: object, where: str) -> str:
    """The name of a time zone."""
    name = text(value, where)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RejectError(where, "is not a known time zone") from None
    return name


def count(least: int, most: int) -> Callable[[object, str], int]:
    """A reader for whole numbers within these bounds."""

    def read(value: object, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise RejectError(where, f"must be a whole number from {least} to {most}")
        return value

    return read


def entries(item: Reader) -> Reader:
    """A reader for the tables of one name."""

    def read(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > ENTRIES_MAX:
            raise RejectError(where, f"must be at most {ENTRIES_MAX} tables [[{where.rpartition('.')[2]}]]")
        return tuple(item(entry, f"{where}[{index}]") for index, entry in enumerate(value))

    return read


def load_toml(path: Path) -> dict[str, Any]:
    """A TOML file as it is. Raises RejectError where it is none."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise RejectError(str(path), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RejectError(str(path), f"not TOML: {error}") from None


def unique(table: str, keys: Iterable[str], name: str = "key") -> set[str]:
    """The keys of a table's entries. Raises RejectError where one stands twice."""
    seen: set[str] = set()
    for index, one in enumerate(keys):
        if one in seen:
            raise RejectError(f"seed.{table}[{index}].{name}", f"stands twice: {one}")
        seen.add(one)
    return seen


def known(table: str, name: str, keys: Iterable[str | None], there: Collection[str]) -> None:
    """Raise RejectError where an entry names what is not there; None names nothing."""
    for index, one in enumerate(keys):
        if one is not None and one not in there:
            raise RejectError(f"seed.{table}[{index}].{name}", f"unknown: {one}")
