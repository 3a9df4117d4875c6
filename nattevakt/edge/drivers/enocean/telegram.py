"""One ERP1 radio telegram, as a receiver hands it over. Serves arrow 2.

Owns the telegram's layout. Must not know framing, profiles, keys, state or time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nattevakt.edge.drivers.enocean.frame import Frame, PacketType
from nattevakt.edge.errors import FrameError

PREFIX = "enocean:"
RPS, ONE_BS, FOUR_BS, VLD, UTE = 0xF6, 0xD5, 0xA5, 0xD2, 0xD4
SEC, SEC_ENCAPS, SEC_DECRYPTED, SEC_TEACH_IN = 0x30, 0x31, 0x32, 0x35
SECURED = (SEC, SEC_ENCAPS)
PAYLOAD_SIZES: Mapping[int, int] = {RPS: 1, ONE_BS: 1, FOUR_BS: 4, UTE: 7}
KNOWN_RORGS = frozenset((*PAYLOAD_SIZES, VLD, *SECURED, SEC_DECRYPTED, SEC_TEACH_IN, 0xD1, 0xC5, 0xA6))

NU = 0x10
T21 = 0x20
LEARN_BIT = 0x08
BROADCAST = "FFFFFFFF"
DO_NOT_REPEAT = 0x0F


@dataclass(frozen=True, slots=True)
class Telegram:
    """One ERP1 radio telegram. sender, destination: 8 hex digits. dbm: None where the receiver did not say.

    security: what the receiver itself did to a secured telegram: 2 decrypted, 3 authenticated, 4 both.
    """

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
        return PREFIX + self.sender

    @property
    def repeats(self) -> int:
        """How many repeaters it passed; 15 means "do not repeat", not fifteen repeaters."""
        count = self.status & 0x0F
        return 0 if count == DO_NOT_REPEAT else count

    @property
    def learns(self) -> bool:
        """Whether this is a teach-in, which never says anything about the home."""
        if self.rorg in (UTE, SEC_TEACH_IN):
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

    @property
    def raw(self) -> str:
        """The radio's own bytes as hex, for people."""
        return (bytes((self.rorg,)) + self.payload + bytes.fromhex(self.sender) + bytes((self.status,))).hex()

    def to_frame(self) -> Frame:
        """The frame that a receiver would hand over for this telegram."""
        heard = 0xFF if self.dbm is None else -self.dbm
        tail = bytes((heard, self.security or 0))
        return Frame(PacketType.RADIO_ERP1, bytes.fromhex(self.raw), b"\x01" + bytes.fromhex(self.destination) + tail)
