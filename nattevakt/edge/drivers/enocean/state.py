"""What the EnOcean driver knows from one step to the next. Serves arrows 1 and 2.

Owns the shape of that knowledge and its bounds. Must not know how it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nattevakt.edge.drivers.driver import Device, Finding
from nattevakt.edge.drivers.enocean.learn import Parts
from nattevakt.edge.drivers.enocean.secure import Cipher, Lock

REPEAT_MS = 1000
"""Repeaters deliver the same telegram up to three times within about a second."""
LEARN_REPEAT_MS = 300
"""A device that got no answer to its teach-in asks again, later than any repeater's copy comes."""
TOLD_MAX = 500
"""Most findings remembered as already said; further new ones are only counted."""
FORGED_MS = 1000
"""After a telegram that fitted no rolling code, the next one within this time is tried with the nearest codes only:
to try them all takes milliseconds, and whoever forges telegrams shall not have them all."""
NEAREST = 8
LEARNED_MAX = 100
PARTS_MAX = 8
"""Secure teach-ins under way at once."""


@dataclass(frozen=True, slots=True)
class Last:
    """The newest telegram of one sender, for telling repeats from news."""

    rorg: int
    payload: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class State:
    """All that the driver remembers; bounded by the number of configured devices, the numbers above and one frame.

    source: the line in events. base_id, version: what the transceiver says of itself, 8 hexadecimal digits and four
    numbers with dots; None until it answered. answered: it answered the last probe. Both are for `sensors list`.
    learn_until_ms: the boottime at which the learn window closes. since_ms: when the first byte of buffer came.
    unanswered_ms: since when it was asked and not one frame has come. heard, spoken: it has handed over a frame, an
    answer, since the line was opened. lost: it has been silent for LINK_LOST_MS though it was asked.
    """

    devices: Mapping[str, Device]
    buffer: bytes = b""
    byte_ms: int = 0
    since_ms: int = 0
    last: Mapping[str, Last] = field(default_factory=dict)
    told: frozenset[Finding] = frozenset()
    asked_ms: int | None = None
    base_id: str | None = None
    version: str | None = None
    answered: bool = False
    source: str = ""
    unanswered_ms: int | None = None
    heard: bool = False
    spoken: bool = False
    lost: bool = False
    cipher: Cipher | None = None
    locks: Mapping[str, Lock] = field(default_factory=dict)
    forged_ms: Mapping[str, int] = field(default_factory=dict)
    learn_until_ms: int | None = None
    learned: Mapping[str, Last] = field(default_factory=dict)
    parts: Mapping[str, Parts] = field(default_factory=dict)
