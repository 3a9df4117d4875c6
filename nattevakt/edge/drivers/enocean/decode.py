"""ERP1 telegrams to readings and back, always by the configured profile. Serves arrow 2.

Owns the telegram layout and the equipment profiles (EEP 2.6.7). Must not know framing, state or time. The
same bytes mean different things under different profiles, so a profile is never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nattevakt.edge.drivers.driver import Device, Finding, Reading, Value
from nattevakt.edge.drivers.enocean.frame import Frame, PacketType
from nattevakt.edge.errors import FrameError, RejectError

RPS, ONE_BS, FOUR_BS, UTE = 0xF6, 0xD5, 0xA5, 0xD4
SECURED = (0x30, 0x31)
SECURED_TEACH_IN = 0x35
PAYLOAD_SIZES: Mapping[int, int] = {RPS: 1, ONE_BS: 1, FOUR_BS: 4, UTE: 7}
KNOWN_RORGS = frozenset((*PAYLOAD_SIZES, *SECURED, SECURED_TEACH_IN, 0x32, 0xD2, 0xD1, 0xC5, 0xA6))

NU = 0x10
T21 = 0x20
LEARN_BIT = 0x08
BROADCAST = "FFFFFFFF"
ROCKERS = ("AI", "AO", "BI", "BO")


@dataclass(frozen=True, slots=True)
class Telegram:
    """One ERP1 radio telegram. sender, destination: 8 hex digits. dbm: None where the receiver did not say."""

    rorg: int
    payload: bytes
    sender: str
    status: int = 0
    destination: str = BROADCAST
    dbm: int | None = None
    security: int | None = None

    @property
    def address(self) -> str:
        """The device address as events and settings know it."""
        return f"enocean:{self.sender}"

    @property
    def repeats(self) -> int:
        """How many repeaters it passed; 15 means "do not repeat", not fifteen repeaters."""
        count = self.status & 0x0F
        return 0 if count == 0x0F else count

    @property
    def learns(self) -> bool:
        """Whether this is a teach-in, which never says anything about the home."""
        if self.rorg in (UTE, SECURED_TEACH_IN):
            return True
        return self.rorg in (ONE_BS, FOUR_BS) and not self.payload[-1] & LEARN_BIT

    @classmethod
    def from_frame(cls, frame: Frame) -> Telegram:
        """The telegram in a RADIO_ERP1 frame. Raises FrameError. Optional data may be missing or short."""
        data, optional = frame.data, frame.optional
        if frame.packet_type != PacketType.RADIO_ERP1 or len(data) < 6:
            raise FrameError("erp1", "not a radio telegram or too short", frame.to_bytes().hex())
        payload = data[1:-5]
        size = PAYLOAD_SIZES.get(data[0])
        if size is not None and len(payload) != size:
            raise FrameError("erp1", f"{data[0]:02X} with {len(payload)} payload bytes", frame.to_bytes().hex())
        heard = optional[5] if len(optional) > 5 else 0xFF
        return cls(
            rorg=data[0],
            payload=payload,
            sender=data[-5:-1].hex().upper(),
            status=data[-1],
            destination=optional[1:5].hex().upper() if len(optional) > 4 else BROADCAST,
            dbm=-heard if heard != 0xFF else None,
            security=optional[6] if len(optional) > 6 else None,
        )

    def to_frame(self) -> Frame:
        """The frame that a receiver would hand over for this telegram."""
        data = bytes((self.rorg,)) + self.payload + bytes.fromhex(self.sender) + bytes((self.status,))
        heard = 0xFF if self.dbm is None else -self.dbm
        tail = bytes((heard, self.security or 0))
        return Frame(PacketType.RADIO_ERP1, data, b"\x01" + bytes.fromhex(self.destination) + tail)


Values = dict[str, Value]
_Decoder = Callable[[Telegram], Values]


def _push_button(telegram: Telegram) -> Values:
    return {"pressed": bool(telegram.payload[0] & 0x10)}


def _rocker(telegram: Telegram) -> Values:
    byte = telegram.payload[0]
    pressed = bool(byte & 0x10)
    first = byte >> 5
    if not telegram.status & NU:
        # Only the number of buttons is told: three or more at once is a hand that fumbles, still a press.
        return {"pressed": pressed, "action": "several"} if pressed and first else {"pressed": pressed}
    if not pressed:
        return {"pressed": False}
    names = [ROCKERS[first & 3]]
    if byte & 0x01:
        names.append(ROCKERS[byte >> 1 & 3])
    return {"pressed": True, "action": "+".join(names)}


def _leak(telegram: Telegram) -> Values:
    # The profile has no "dry again": every telegram is an act of its own, which the action says.
    if telegram.payload[0] != 0x11:
        raise RejectError("payload", "F6-05-01 knows only 11")
    return {"wet": True, "action": "wet"}


def _contact(telegram: Telegram) -> Values:
    return {"closed": bool(telegram.payload[0] & 0x01)}


def _supply(byte: int) -> Values:
    return {"supply_v": byte * 5 / 250} if byte <= 250 else {}


def _occupancy_1(telegram: Telegram) -> Values:
    db3, _, db1, db0 = telegram.payload
    return {"motion": db1 >= 128, **(_supply(db3) if db0 & 0x01 else {})}


def _occupancy_23(telegram: Telegram) -> Values:
    db3, _, _, db0 = telegram.payload
    return {"motion": bool(db0 & 0x80), **_supply(db3)}


def _input(telegram: Telegram) -> Values:
    _, db2, db1, _ = telegram.payload
    return {"battery_low": db2 <= 120, "closed": db1 <= 195}


@dataclass(frozen=True, slots=True)
class Profile:
    """One equipment profile. meaning: for the reference page and for messages about settings."""

    rorg: int
    meaning: str
    decode: _Decoder
    encode: Callable[[Mapping[str, Value]], tuple[bytes, int]]


def _encode_push(values: Mapping[str, Value]) -> tuple[bytes, int]:
    return (b"\x10", T21 | NU) if values.get("pressed") else (b"\x00", T21)


def _encode_rocker(values: Mapping[str, Value]) -> tuple[bytes, int]:
    action = values.get("action")
    if not values.get("pressed"):
        return b"\x00", T21
    if action == "several":
        return b"\x70", T21
    names = str(action or "AI").split("+")
    byte = ROCKERS.index(names[0]) << 5 | 0x10
    if len(names) > 1:
        byte |= ROCKERS.index(names[1]) << 1 | 0x01
    return bytes((byte,)), T21 | NU


def _encode_leak(values: Mapping[str, Value]) -> tuple[bytes, int]:
    if not values.get("wet"):
        raise RejectError("values.wet", "F6-05-01 can only say wet")
    return b"\x11", T21 | NU


def _encode_contact(values: Mapping[str, Value]) -> tuple[bytes, int]:
    return bytes((0x09 if values.get("closed") else 0x08,)), 0


def _volts(values: Mapping[str, Value]) -> int:
    volts = values.get("supply_v")
    return 255 if volts is None else max(0, min(250, round(float(volts) * 50)))


def _encode_occupancy_1(values: Mapping[str, Value]) -> tuple[bytes, int]:
    volts = _volts(values)
    return bytes((volts, 0, 255 if values.get("motion") else 0, 0x08 | (volts <= 250))), 0


def _encode_occupancy_23(values: Mapping[str, Value]) -> tuple[bytes, int]:
    return bytes((_volts(values), 0, 0, 0x88 if values.get("motion") else 0x08)), 0


def _encode_input(values: Mapping[str, Value]) -> tuple[bytes, int]:
    low = 0x00 if values.get("battery_low") else 0xFF
    return bytes((0, low, 0x00 if values.get("closed") else 0xFF, 0x08)), 0


PROFILES: Mapping[str, Profile] = {
    "F6-01-01": Profile(RPS, "trykknapp eller snortrekk med én knapp", _push_button, _encode_push),
    "F6-02-01": Profile(RPS, "vippebryter med inntil fire knapper (Europa)", _rocker, _encode_rocker),
    "F6-02-02": Profile(RPS, "vippebryter med inntil fire knapper (Amerika)", _rocker, _encode_rocker),
    "F6-05-01": Profile(RPS, "vannlekkasjesensor", _leak, _encode_leak),
    "D5-00-01": Profile(ONE_BS, "dør- eller vinduskontakt, matte med kontaktutgang", _contact, _encode_contact),
    "A5-07-01": Profile(FOUR_BS, "bevegelsessensor", _occupancy_1, _encode_occupancy_1),
    "A5-07-02": Profile(FOUR_BS, "bevegelsessensor", _occupancy_23, _encode_occupancy_23),
    "A5-07-03": Profile(FOUR_BS, "bevegelsessensor med lysmåling", _occupancy_23, _encode_occupancy_23),
    "A5-30-01": Profile(FOUR_BS, "digital inngang (matte, relé)", _input, _encode_input),
}
"""Profiles by name as written in settings. One that is not here cannot be configured."""


def decode(telegram: Telegram, device: Device) -> Reading | Finding:
    """What a telegram of a configured device says, by its profile.

    A Finding where the profile cannot be right for this telegram. Raises FrameError (with the telegram's hex)
    where the profile is right but the payload is not one of its values.
    """
    profile = PROFILES.get(device.profile)
    if profile is None:
        return Finding(device.address, f"profilen {device.profile or '(tom)'} er ukjent")
    if telegram.rorg != profile.rorg:
        return Finding(
            device.address,
            f"sender {telegram.rorg:02X}-telegrammer, men er satt opp med profilen {device.profile}",
        )
    raw = telegram.to_frame().data.hex()
    try:
        values = profile.decode(telegram)
    except RejectError as error:
        raise FrameError(f"erp1.{error.field}", error.reason, raw) from None
    if telegram.dbm is not None:
        values["signal_dbm"] = telegram.dbm
    values["repeats"] = telegram.repeats
    return Reading(device.address, values, raw=raw)


def encode(reading: Reading, profile: str) -> bytes:
    """A whole ESP3 frame that decodes to this reading under this profile. Raises RejectError."""
    if profile not in PROFILES:
        raise RejectError("profile", f"unknown profile {profile!r}")
    sender = reading.address.removeprefix("enocean:")
    if len(sender) != 8 or any(c not in "0123456789ABCDEF" for c in sender):
        raise RejectError("address", "must be enocean: and eight hexadecimal digits")
    payload, status = PROFILES[profile].encode(reading.values)
    dbm, repeats = reading.values.get("signal_dbm"), reading.values.get("repeats")
    telegram = Telegram(
        PROFILES[profile].rorg,
        payload,
        sender,
        status | (int(repeats) & 0x0F if repeats is not None else 0),
        dbm=None if dbm is None else max(-254, min(0, int(dbm))),
    )
    return telegram.to_frame().to_bytes()
