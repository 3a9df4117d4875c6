"""What a gateway may judge by itself while the centre is away, as it comes down to it. Serves arrow 6 downwards.

Owns the form of that plan, its version and its signature. Must not know where either end keeps it, or who lives
anywhere: a plan holds room numbers, device addresses, rules with their numbers and hours, and no name.

A plan is JSON text in an envelope with its signature: HMAC-SHA256 over the text, by what both ends know of the
gateway's credential, its SHA-256. The version is a digest of what the plan says, without when it was said.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Entry
from nattevakt.edge.rules.windows import NORWAY, Window, local_minute
from nattevakt.edge.strict import Reader, boolean, count, load_json, map_of, record, text, whole
from nattevakt.edge.wire_json import dump, plain

FORMAT = 1
ENTRIES_MAX = 2_000
TEXT_MAX = 1_000_000
"""Most characters of a plan; a hundred rooms with every rule take a third of it."""
_CONTEXT = b"nattevakt plan\n"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One rule as it is armed for those of a room. from_ms: it rings for what comes due from then on (a pause ends);
    to_ms: before then (its legal ground runs out). None: at once, for as long as the plan holds."""

    rule: str
    entries: tuple[Entry, ...]
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PlanRoom:
    """One room. number: as on its door. shared: several people live there. devices: addresses that hang there, with
    the words for their spots; also those that another gateway hears."""

    id: int
    number: str
    shared: bool = False
    devices: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[PlanLine, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalPlan:
    """All that one gateway may judge. valid_from_ms: central time at which the centre said so."""

    gateway: str
    time_zone: str = NORWAY
    rooms: tuple[PlanRoom, ...] = ()
    version: str = ""
    valid_from_ms: int = 0
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class SignedPlan:
    """A plan on its way. hmac: 64 hexadecimal digits."""

    text: str
    hmac: str


def credential_key(credential: str) -> str:
    """What the centre keeps of a credential: 64 hexadecimal digits."""
    return hashlib.sha256(credential.encode()).hexdigest()


def versioned_plan(plan: LocalPlan, valid_from_ms: int) -> LocalPlan:
    """The plan with its version, and since when it is said."""
    said = dump(plain(replace(plan, version="", valid_from_ms=0)))
    return replace(plan, version=hashlib.sha256(said).hexdigest()[:16], valid_from_ms=valid_from_ms)


def signed(plan: LocalPlan, key: str) -> SignedPlan:
    """A plan for its way down. key: as `credential_key` gives it."""
    said = dump(plain(plan)).decode()
    return SignedPlan(said, _sum(said, key))


def _sum(said: str, key: str) -> str:
    return hmac.new(bytes.fromhex(key), _CONTEXT + said.encode(), hashlib.sha256).hexdigest()


def opened(envelope: SignedPlan, key: str) -> LocalPlan:
    """What an envelope holds, if its signature is right. Raises RejectError."""
    try:
        expected = _sum(envelope.text, key)
    except UnicodeEncodeError:
        raise RejectError("plan.text", "holds half a character") from None
    if not hmac.compare_digest(expected.encode(), envelope.hmac.encode("utf-8", "replace")):
        raise RejectError("plan.hmac", "not signed by who knows this gateway's credential")
    value = load_json(envelope.text.encode(), "plan")
    if value.get("format") != FORMAT:
        raise RejectError("plan.format", f"must be {FORMAT}")
    try:
        plan: LocalPlan = _plan(value, "plan")
        local_minute(0, plan.time_zone)
    except ValueError as error:
        raise RejectError("plan", str(error)[:100]) from None
    except (KeyError, OSError):
        raise RejectError("plan.time_zone", "not known on this machine") from None
    return plan


def _many(item: Reader) -> Reader:
    def read(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > ENTRIES_MAX:
            raise RejectError(where, f"must be a list of at most {ENTRIES_MAX}")
        return tuple(item(one, f"{where}[{index}]") for index, one in enumerate(value))

    return read


def _long(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        raise RejectError(where, f"must be text of at most {TEXT_MAX} characters")
    return value


_window = record(Window)
_entry = record(Entry, {"windows": _many(_window), "values": map_of(whole)})
_line = record(PlanLine, {"entries": _many(_entry), "from_ms": count, "to_ms": count})
_room = record(PlanRoom, {"shared": boolean, "devices": map_of(text), "lines": _many(_line)})
_plan = record(LocalPlan, {"rooms": _many(_room), "valid_from_ms": count})
_signed = record(SignedPlan, {"text": _long})


def read_signed(value: object, where: str) -> SignedPlan:
    """An envelope in an answer of the centre. What cannot be read becomes one that `opened` refuses: the rest of the
    answer is none the worse for it."""
    try:
        envelope: SignedPlan = _signed(value, where)
    except RejectError:
        return SignedPlan("", "")
    return envelope
