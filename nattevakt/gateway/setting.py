"""Readers of single settings: what a value must look like, with errors that name the key. Serves arrows 1 to 5.

Owns the forms that several settings share. Must not know any section of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import Reader, number, text


def between(low: float, high: float, reader: Reader = number) -> Reader:
    """A reader that also demands a value from low to high."""

    def read(value: object, where: str) -> Any:
        found = reader(value, where)
        if not low <= found <= high:
            raise RejectError(where, f"must be between {low:g} and {high:g}")
        return found

    return read


def path(value: object, where: str) -> Path:
    """An absolute path."""
    found = Path(filled(value, where))
    if not found.is_absolute():
        raise RejectError(where, "must be an absolute path")
    return found


def filled(value: object, where: str) -> str:
    """Text that is not empty."""
    found = text(value, where)
    if not found.strip():
        raise RejectError(where, "must not be empty")
    return found


def url(value: object, where: str) -> str:
    """http:// or https:// with a host and nothing that would be passed over."""
    found = filled(value, where)
    try:
        parts = urlsplit(found)
        port = parts.port
    except ValueError:
        raise RejectError(where, "is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise RejectError(where, "must be http://host[:port] or https://host[:port]")
    if parts.username is not None or port == 0:
        raise RejectError(where, "must hold no user name and no port 0")
    return found.rstrip("/")


def one_of(known: Any, what: str) -> Reader:
    """A reader for one of the known words; the error lists them."""

    def read(value: object, where: str) -> str:
        found = text(value, where)
        if found not in known:
            raise RejectError(where, f"unknown {what}; known are " + ", ".join(sorted(filter(None, known))))
        return found

    return read


def name(value: object, where: str) -> str:
    """A short name that is fit for file names and addresses."""
    found = filled(value, where)
    if len(found) > 40 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in found):
        raise RejectError(where, "must be at most 40 of letters, digits, - and _")
    return found


def topic(value: object, where: str) -> str:
    """An MQTT topic without wildcards and without a slash at its end."""
    found = filled(value, where).rstrip("/")
    if not found or "#" in found or "+" in found or found.startswith("$") or not found.isprintable():
        raise RejectError(where, "must be a plain topic without #, + and a $ in front")
    if found != found.strip():
        raise RejectError(where, "must not begin or end with a space")
    return found


def listed(item: Reader, most: int) -> Reader:
    """A reader for a list of at most so many."""

    def read(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise RejectError(where, "must be a list")
        if len(value) > most:
            raise RejectError(where, f"more than {most} entries")
        return tuple(item(entry, f"{where}[{index}]") for index, entry in enumerate(value))

    return read
