"""MQTT nodes that publish under a topic of their own, as ESPHome's and Shelly's do. Serves arrow 1.

Owns how a node and what is on it make an address ("<prefix><node>/<part>") and topic filters, and hostile JSON and text
from a node. Must not know what a node says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from nattevakt.edge.drivers.driver import Device
from nattevakt.edge.errors import RejectError

NAME_MAX = 200
MESSAGE_BYTES_MAX = 64_000
RAW_MAX = 400


def canonical(prefix: str, name: str, part: str) -> str:
    """A device's name as it is: a node's topic, a slash, and what is on the node; raises RejectError."""
    node, slash, tail = name.rpartition("/")
    sound = node and slash and tail and len(name) <= NAME_MAX and name.isprintable() and not node.startswith("$")
    if not sound or node != node.strip("/") or name != name.strip() or any(c in name for c in "+#"):
        raise RejectError("address", f"must be {prefix}<the node's topic>/<{part}>")
    return name


def nodes_of(prefix: str, devices: Iterable[Device]) -> tuple[str, ...]:
    """The nodes that the configured devices are on, each once."""
    names = (d.address.removeprefix(prefix) for d in devices if d.address.startswith(prefix))
    return tuple(dict.fromkeys(name.rpartition("/")[0] for name in names))


def without(names: frozenset[str], node: str) -> frozenset[str]:
    """Names ("<node>/<part>") but those on a node."""
    return frozenset(name for name in names if name.rpartition("/")[0] != node)


def filters(root: str, nodes: Iterable[str], tails: Iterable[str]) -> tuple[str, ...]:
    """Topic filters: all nodes below a root, else the given ones; all first tails come before all second ones."""
    given = tuple(nodes)
    # Nodes whose topic has several levels are not found by the one "+".
    starts = (f"{root}/+", *(f"{root}/{node}" for node in given if "/" in node)) if root else given
    return tuple(f"{start}/{tail}" for tail in tails for start in starts)


def below(root: str, topic: str) -> str | None:
    """The topic without its root; None if it is not below it."""
    if not root:
        return topic
    return topic[len(root) + 1 :] if topic.startswith(root + "/") else None


_decode = json.JSONDecoder(parse_constant=lambda _: None).decode


def load(payload: bytes) -> dict[str, object]:
    """A JSON object; raises RejectError for whatever else it is."""
    if len(payload) > MESSAGE_BYTES_MAX:
        raise RejectError("payload", f"longer than {MESSAGE_BYTES_MAX} bytes")
    try:
        value = _decode(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RejectError("payload", f"not JSON: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise RejectError("payload", "not an object")
    return value


def word(payload: bytes) -> str:
    """A short text, in small letters and without what surrounds it."""
    return payload[:40].decode("utf-8", "replace").strip().lower()


def clean(text: str, most: int) -> str:
    """Text that any receiver accepts: no control characters, no lone surrogates, not too long."""
    kept = text[:most]
    if not kept.isprintable():
        kept = "".join("?" if c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff" else c for c in kept)
    return kept.strip()


def raw(payload: bytes) -> str:
    """What was received, for people."""
    return clean(payload[:RAW_MAX].decode("utf-8", "replace"), RAW_MAX)
