"""What is remembered of each device from one run of the agent to the next: messages, beds. Serves arrow 2.

Owns the rows of memory and the judgement whether a message was taken in before. Must not know topics or payloads.

The same message comes again when two gateways heard it, when it was sent again for want of an answer, and when the
broker delivers it again. It is known by the session, the frame counter and the payload, or by the network's name for
it. Nothing is a repeat because little time has passed; but what the network itself dates minutes later is none: a
device that starts its counter anew says the same things with the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from nattevakt.edge.drivers.chirpstack.uplink import Uplink
from nattevakt.edge.drivers.driver import Remember

SEEN, BED = "lora.seen:", "lora.bed:"
KEPT = 8
RESENT_MS = 120_000
"""A confirmed uplink is sent for the last time well within this of its first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One message taken in. name: session, counter and payload. network: its own name for it."""

    name: str
    network: str = ""
    sent_ms: int | None = None


def seen_of(uplink: Uplink) -> Seen | None:
    """What to remember of a message, None where it has neither a number nor a name."""
    if uplink.f_cnt is None and not uplink.deduplication:
        return None
    payload = sha256(repr((uplink.data, uplink.alarm)).encode()).hexdigest()[:8]
    count = "-" if uplink.f_cnt is None else str(uplink.f_cnt)
    return Seen(f"{uplink.session}.{count}.{payload}", uplink.deduplication, uplink.sent_ms)


def is_repeat(one: Seen, kept: tuple[Seen, ...]) -> bool:
    """Whether this message was taken in before."""
    for other in kept:
        if one.network and one.network == other.network:
            return True
        apart = abs(one.sent_ms - other.sent_ms) if one.sent_ms is not None and other.sent_ms is not None else 0
        if one.name == other.name and ".-." not in one.name and apart <= RESENT_MS:
            return True
    return False


def with_one(kept: tuple[Seen, ...], one: Seen) -> tuple[Seen, ...]:
    """The last messages with this one."""
    return (*kept, replace(one, network=one.network[:40]))[-KEPT:]


def row_of(eui: str, kept: tuple[Seen, ...]) -> Remember:
    """The row of a device's last messages."""
    text = json.dumps([[one.name, one.network, one.sent_ms] for one in kept], separators=(",", ":"))
    return Remember(SEEN + eui, text)


def bed_row(eui: str) -> Remember:
    """The row that says that a radar knows where a bed stands."""
    return Remember(BED + eui, "1")


def seen_in(memory: Mapping[str, str]) -> dict[str, tuple[Seen, ...]]:
    """Each device's last messages; a row that is not understood is as good as none."""
    found: dict[str, tuple[Seen, ...]] = {}
    for key, text in memory.items():
        if key.startswith(SEEN):
            try:
                rows = json.loads(text)
                found[key.removeprefix(SEEN)] = tuple(Seen(str(n), str(w), s) for n, w, s in rows[-KEPT:])
            except (ValueError, TypeError):
                continue
    return found


def beds_in(memory: Mapping[str, str]) -> frozenset[str]:
    """The radars that have spoken of a bed."""
    return frozenset(key.removeprefix(BED) for key in memory if key.startswith(BED))
