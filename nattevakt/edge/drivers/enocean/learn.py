"""Teach-in telegrams: what a device says of itself, and the answer to it. Serves arrow 2.

Owns the bits of 1BS, 4BS and UTE teach-ins and of the secure teach-in, and the names of makers. Must not know whether
anybody wants to learn, keys of configured devices, state or time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nattevakt.edge.drivers.enocean.frame import Frame, PacketType
from nattevakt.edge.drivers.enocean.secure import BLOCK, Slf
from nattevakt.edge.drivers.enocean.telegram import ONE_BS, UTE, Telegram
from nattevakt.edge.errors import RejectError

MAKERS: Mapping[int, str] = {
    0x001: "PEHA",
    0x002: "Thermokon",
    0x005: "Omnio",
    0x00A: "Kieback+Peter",
    0x00B: "EnOcean",
    0x00D: "Eltako",
    0x00F: "Honeywell",
    0x011: "Siemens",
    0x014: "Elsner Elektronik",
    0x01A: "Viessmann",
    0x01D: "Sauter",
    0x02D: "Afriso",
    0x033: "Permundo",
    0x034: "Eurotronic",
    0x037: "Weinzierl",
    0x03C: "Pressac",
    0x040: "Jäger Direkt",
    0x046: "ID-RF (NodOn)",
    0x05C: "Hoppe",
    0x05D: "Siegenia",
    0x05F: "EiMSIG",
    0x060: "Vimar",
    0x06D: "Nexelec",
    0x069: "Winkhaus",
    0x071: "Roto",
}
"""Makers by the number in a teach-in (EnOcean Alliance); others are shown by number."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What a teach-in says. profile, maker: "" where it says nothing."""

    profile: str = ""
    maker: str = ""


def _maker(number: int) -> str:
    return MAKERS.get(number, f"0x{number:03X}")


def taught(telegram: Telegram) -> Taught:
    """What a 1BS, 4BS or UTE teach-in says."""
    data = telegram.payload
    if telegram.rorg == ONE_BS:
        return Taught("D5-00-01")  # the only profile of its RORG; the telegram itself names none
    if telegram.rorg == UTE:
        return Taught(f"{data[6]:02X}-{data[5]:02X}-{data[4]:02X}", _maker((data[3] & 0x07) << 8 | data[2]))
    if not data[3] & 0x80:
        return Taught()
    func, kind = data[0] >> 2, (data[0] & 0x03) << 5 | data[1] >> 3
    return Taught(f"A5-{func:02X}-{kind:02X}", _maker((data[1] & 0x07) << 8 | data[2]))


# --- UTE ---------------------------------------------------------------------------------------------------

REFUSED, ACCEPTED, UNKNOWN_PROFILE = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Query:
    """The first byte of a UTE telegram. asks_out: it wants to be forgotten, and nothing else."""

    is_query: bool
    wants_answer: bool
    asks_out: bool

    @classmethod
    def of(cls, telegram: Telegram) -> Query:
        """From a UTE telegram."""
        first = telegram.payload[0]
        return cls(first & 0x0F == 0, not first & 0x40, first >> 4 & 0x03 == 0x01)


def answer(telegram: Telegram, base_id: str, verdict: int) -> Frame:
    """The UTE response to send: the query with another first byte, from our base id to the device alone."""
    first = telegram.payload[0] & 0x80 | verdict << 4 | 0x01
    data = bytes((UTE, first)) + telegram.payload[1:] + bytes.fromhex(base_id) + b"\x00"
    return Frame(PacketType.RADIO_ERP1, data, b"\x03" + bytes.fromhex(telegram.sender) + b"\xff\x00")


# --- secure teach-in ---------------------------------------------------------------------------------------

PARTS_BYTES_MAX = 40


@dataclass(frozen=True, slots=True)
class Parts:
    """What has come of a secure teach-in that is sent in several telegrams."""

    info: int
    index: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecureTaught:
    """A whole secure teach-in. rlc: the rolling code that comes next. rocker: it is a rocker (PTM)."""

    slf: Slf
    rlc: int
    key: bytes = field(repr=False)
    rocker: bool

    @property
    def key_line(self) -> str:
        """The line that a key file holds for this device."""
        return f"{self.key.hex().upper()} {self.slf.byte:02X} {self.rlc:0{self.slf.rlc_size * 2}X}"


def collect(before: Parts | None, telegram: Telegram) -> Parts | SecureTaught:
    """Add one telegram of a secure teach-in to the parts before it. Raises RejectError when they make no sense."""
    if len(telegram.payload) < 2:
        raise RejectError("teach_in", "too short")
    info, data = telegram.payload[0], telegram.payload[1:]
    index = info >> 6
    if index == 0:
        parts = Parts(info, 0, data)
    elif before is not None and index == before.index + 1 and len(before.data) + len(data) <= PARTS_BYTES_MAX:
        parts = Parts(before.info, index, before.data + data)
    else:
        raise RejectError("teach_in", "a part is missing")
    return _whole(parts) if parts.index + 1 >= (parts.info >> 4 & 0x03) else parts


def _whole(parts: Parts) -> SecureTaught:
    if parts.info & 0x08:
        raise RejectError("psk", "the key is hidden by a pre-shared key")
    slf = Slf.from_byte(parts.data[0])
    rest = parts.data[1:]
    if len(rest) < slf.rlc_size + BLOCK:
        raise RejectError("teach_in", "too short for a rolling code and a key")
    key = rest[slf.rlc_size : slf.rlc_size + BLOCK]
    return SecureTaught(slf, int.from_bytes(rest[: slf.rlc_size], "big"), key, bool(parts.info & 0x04))
