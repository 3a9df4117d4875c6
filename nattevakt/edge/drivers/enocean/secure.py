"""Secured telegrams: verified, decrypted, and never accepted twice. Serves arrow 2.

Owns the security level format (SLF), VAES, AES-CBC, CMAC and the rolling code. Must not know where keys are kept, ports
or time; AES itself is passed in. Facts: Security of EnOcean Radio Networks 3.02, and for 16-bit rolling codes and
AES-CBC its versions before that; the vectors of its annex A.4 are in the tests.

A secured payload is: encrypted data | rolling code, if the SLF says that it is sent | CMAC. The CMAC is over the RORG,
the encrypted data and the whole rolling code, sent or not. RORG 31 hides the data's own RORG in front of the data; 30
has none: a rocker's four bits, or the data of the profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from nattevakt.edge.drivers.driver import Aes
from nattevakt.edge.drivers.enocean.telegram import NU, PAYLOAD_SIZES, RPS, SEC, SEC_ENCAPS, T21, Telegram
from nattevakt.edge.errors import RejectError

BLOCK = 16
AHEAD_MAX = 128
"""How many telegrams of a device may be lost in a row before an unsent rolling code cannot be followed any more."""
BEHIND_MAX = 128
"""How far back an unsent rolling code is looked for, only to call a replay a replay."""
SLF_DEFAULT = 0x8B
"""24-bit rolling code, not sent; CMAC of 3 bytes; VAES: what battery-free rockers use."""
_Right = Callable[[int], bool]
VAES_START = bytes.fromhex("3410DE8F1ABA3EFF9F5A117172EACABD")
PLAIN, VAES, CBC = 0, 3, 4

_RLC: Mapping[int, tuple[int, int]] = {
    0b010: (2, 0),
    0b011: (2, 2),
    0b100: (3, 0),
    0b101: (3, 3),
    0b110: (4, 3),
    0b111: (4, 4),
}
"""Upper three bits of the SLF: bytes of the rolling code, and how many of them (the last) are sent."""
_CMAC: Mapping[int, int] = {0b01: 3, 0b10: 4}

# What the four bits of a secured rocker (D2-03-00) mean as a plain one: payload and status.
_ROCKER: Mapping[int, tuple[int, int]] = {
    0x5: (0x17, T21 | NU),
    0x6: (0x70, T21),
    0x7: (0x37, T21 | NU),
    0x8: (0x10, T21),
    0x9: (0x15, T21 | NU),
    0xA: (0x35, T21 | NU),
    0xB: (0x50, T21 | NU),
    0xC: (0x70, T21 | NU),
    0xD: (0x10, T21 | NU),
    0xE: (0x30, T21 | NU),
    0xF: (0x00, T21),
}


@dataclass(frozen=True, slots=True)
class Cipher:
    """AES-128 of one block, there and back, as passed in by the gateway."""

    aes: Aes
    unaes: Aes | None = None


@dataclass(frozen=True, slots=True)
class Slf:
    """A security level format. rlc_size, sent_size, mac_size in bytes; encryption: PLAIN, VAES or CBC."""

    rlc_size: int
    sent_size: int
    mac_size: int
    encryption: int
    byte: int

    @classmethod
    def from_byte(cls, byte: int) -> Slf:
        """Raises RejectError for a format without rolling code or CMAC: nothing could be verified."""
        rlc, mac, encryption = _RLC.get(byte >> 5), _CMAC.get(byte >> 3 & 3), byte & 7
        if rlc is None:
            raise RejectError("slf", f"{byte:02X} has no rolling code")
        if mac is None:
            raise RejectError("slf", f"{byte:02X} has no CMAC of 3 or 4 bytes")
        if encryption not in (PLAIN, VAES, CBC):
            raise RejectError("slf", f"{byte:02X} encrypts in an unknown way")
        return cls(rlc[0], rlc[1], mac, encryption, byte)


@dataclass(frozen=True, slots=True)
class Lock:
    """What is known of one secured device.

    next_rlc: the lowest rolling code that is accepted; None: none is known yet.
    slf_given: the settings name the format, so that nothing heard or remembered changes it.
    """

    key: bytes = field(repr=False)
    slf: Slf
    next_rlc: int | None = None
    slf_given: bool = False

    @classmethod
    def from_settings(cls, packed: bytes) -> Lock:
        """From what a key file holds: key (16 bytes) [SLF (1) [rolling code (its size)]]. Raises RejectError."""
        if len(packed) < BLOCK:
            raise RejectError("key", "must be 32 hexadecimal digits")
        key, rest = packed[:BLOCK], packed[BLOCK:]
        slf = Slf.from_byte(rest[0] if rest else SLF_DEFAULT)
        if len(rest) > 1 and len(rest) - 1 != slf.rlc_size:
            raise RejectError("key", f"the rolling code must be {slf.rlc_size} bytes for SLF {slf.byte:02X}")
        return cls(key, slf, int.from_bytes(rest[1:], "big") if len(rest) > 1 else None, bool(rest))

    @property
    def _mark(self) -> str:
        return sha256(self.key).hexdigest()[:12]

    def text(self) -> str:
        """A row of memory: which key, which format, which rolling code comes next."""
        return f"{self._mark} {self.slf.byte:02X} {self.next_rlc}"

    def recalled(self, text: str) -> Lock:
        """This lock with what a row of memory adds; a row of another key, or none that we wrote, adds nothing."""
        parts = text.split(" ")
        if len(parts) != 3 or parts[0] != self._mark or not parts[2].isdecimal():
            return self
        try:
            slf = self.slf if self.slf_given else Slf.from_byte(int(parts[1], 16))
        except (ValueError, RejectError):
            return self
        whole = 1 << slf.rlc_size * 8
        row, own = int(parts[2]) % whole, self.next_rlc
        ahead = own is not None and (own - row) % whole < whole // 2
        return replace(self, slf=slf, next_rlc=own if ahead else row)


@dataclass(frozen=True, slots=True)
class Opened:
    """A verified telegram: the plain one, and the lock as it is from now on."""

    telegram: Telegram
    lock: Lock


@dataclass(frozen=True, slots=True)
class Refused:
    """why: "secured_cut", "secured_replayed", "secured_repeated", "secured_no_rlc", "secured_unverified" or
    "secured_meaningless"; the counter's name."""

    why: str


def cmac(aes: Aes, key: bytes, message: bytes) -> bytes:
    """AES-CMAC (RFC 4493) of a message, all 16 bytes."""
    return _Mac(aes, key).of(message)


class _Mac:
    """CMAC with the two subkeys worked out once."""

    def __init__(self, aes: Aes, key: bytes) -> None:
        self._aes, self._key = aes, key
        self._whole = _doubled(aes(key, bytes(BLOCK)))
        self._padded = _doubled(self._whole)

    def of(self, message: bytes) -> bytes:
        count = max(1, -(-len(message) // BLOCK))
        last = message[(count - 1) * BLOCK :]
        if len(last) == BLOCK:
            last = _xor(last, self._whole)
        else:
            last = _xor(last + b"\x80" + bytes(BLOCK - 1 - len(last)), self._padded)
        chain = bytes(BLOCK)
        for at in range(0, (count - 1) * BLOCK, BLOCK):
            chain = self._aes(self._key, _xor(chain, message[at : at + BLOCK]))
        return self._aes(self._key, _xor(chain, last))


def _doubled(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number ^= 1 << 128 | 0x87
    return number.to_bytes(BLOCK, "big")


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def vaes(aes: Aes, key: bytes, rlc: bytes, data: bytes) -> bytes:
    """Encrypt or decrypt (it is the same) data of any length."""
    start = _xor(VAES_START, rlc + bytes(BLOCK - len(rlc)))
    found, stream = b"", bytes(BLOCK)
    for at in range(0, len(data), BLOCK):
        part = data[at : at + BLOCK]
        stream = aes(key, _xor(stream, start))
        found += _xor(part, stream[: len(part)])
    return found


def _cbc_open(unaes: Aes, key: bytes, data: bytes) -> bytes:
    chain, found = bytes(BLOCK), b""
    for at in range(0, len(data), BLOCK):
        part = data[at : at + BLOCK]
        found += _xor(unaes(key, part), chain)
        chain = part
    return found


def _cbc_seal(aes: Aes, key: bytes, data: bytes) -> bytes:
    chain, found = bytes(BLOCK), b""
    for at in range(0, len(data), BLOCK):
        chain = aes(key, _xor(data[at : at + BLOCK].ljust(BLOCK, b"\0"), chain))
        found += chain
    return found


def unlock(telegram: Telegram, lock: Lock, cipher: Cipher, rorg: int, ahead_max: int = AHEAD_MAX) -> Opened | Refused:
    """Verify and decrypt a telegram of RORG 30 or 31. rorg: what the device's profile says, for RORG 30.

    ahead_max: how far ahead an unsent rolling code is looked for; below AHEAD_MAX none behind is looked for.
    The rolling code moves on only when the CMAC is right, so forged telegrams cannot push it ahead.
    """
    slf = lock.slf
    data = telegram.payload[: -slf.mac_size - slf.sent_size] if slf.sent_size else telegram.payload[: -slf.mac_size]
    sent = telegram.payload[len(data) : -slf.mac_size]
    if not data:
        return Refused("secured_cut")
    mac = _Mac(cipher.aes, lock.key)
    head, claimed = bytes((telegram.rorg,)) + data, telegram.payload[-slf.mac_size :]

    def right(rlc: int) -> bool:
        return mac.of(head + rlc.to_bytes(slf.rlc_size, "big"))[: slf.mac_size] == claimed

    found = _sent_code(sent, lock, right) if slf.sent_size else _unsent_code(lock, right, ahead_max)
    if isinstance(found, Refused):
        return found
    plain = _decrypted(data, lock.key, slf, found.to_bytes(slf.rlc_size, "big"), cipher)
    if slf.encryption == CBC:
        # It comes in whole blocks; what fills up the last one is no part of a payload whose size is known.
        encapsulated = telegram.rorg == SEC_ENCAPS
        size = PAYLOAD_SIZES.get(plain[0] if encapsulated and plain else rorg)
        plain = plain if size is None else plain[: size + encapsulated]
    inside = _plain(telegram, plain, rorg) if plain else None
    if inside is None:
        return Refused("secured_meaningless")
    return Opened(inside, replace(lock, next_rlc=(found + 1) % (1 << slf.rlc_size * 8)))


def _sent_code(sent: bytes, lock: Lock, right: _Right) -> int | Refused:
    """The rolling code as sent: half of all codes lie ahead of the last, the others are replays."""
    size = lock.slf.rlc_size
    whole = 1 << size * 8
    code = int.from_bytes(sent, "big")
    if lock.slf.sent_size < size:
        # The upper byte is not sent: of all codes that end so, the one nearest to ours is meant.
        step, due = 1 << lock.slf.sent_size * 8, lock.next_rlc or 0
        ahead = (code - due) % step
        code = code if lock.next_rlc is None else (due + ahead - (step if ahead >= step // 2 else 0)) % whole
    if not right(code):
        return Refused("secured_unverified")
    if lock.next_rlc is None or (code - lock.next_rlc) % whole < whole // 2:
        return code
    return Refused("secured_repeated" if (code + 1) % whole == lock.next_rlc else "secured_replayed")


def _unsent_code(lock: Lock, right: _Right, ahead_max: int) -> int | Refused:
    """The rolling code is not sent: it is tried out, from the one that is due."""
    whole = 1 << lock.slf.rlc_size * 8
    due = lock.next_rlc or 0
    for ahead in range(ahead_max + 1):
        if right((due + ahead) % whole):
            return (due + ahead) % whole
    if lock.next_rlc is None:
        return Refused("secured_no_rlc")
    for behind in range(1, BEHIND_MAX + 1 if ahead_max == AHEAD_MAX else 1):
        if right((due - behind) % whole):
            return Refused("secured_repeated" if behind == 1 else "secured_replayed")
    return Refused("secured_unverified")


def _decrypted(data: bytes, key: bytes, slf: Slf, rlc: bytes, cipher: Cipher) -> bytes:
    if slf.encryption == VAES:
        return vaes(cipher.aes, key, rlc, data)
    if slf.encryption == CBC:
        return _cbc_open(cipher.unaes, key, data) if cipher.unaes and len(data) % BLOCK == 0 else b""
    return data


def _plain(secured: Telegram, plain: bytes, rorg: int) -> Telegram | None:
    inside = replace(secured, rorg=plain[0], payload=plain[1:])
    if secured.rorg != SEC_ENCAPS:
        return unwrapped(secured, plain, rorg)
    return inside if len(inside.payload) == PAYLOAD_SIZES.get(inside.rorg, len(inside.payload)) else None


def unwrapped(secured: Telegram, plain: bytes, rorg: int) -> Telegram | None:
    """The telegram in data without a RORG of its own: a rocker's four bits, or the data of the profile's RORG."""
    if rorg != RPS:
        fits = len(plain) == PAYLOAD_SIZES.get(rorg, len(plain))
        return replace(secured, rorg=rorg, payload=plain) if fits else None
    known = _ROCKER.get(plain[0] & 0x0F)
    if known is None or len(plain) != 1:
        return None
    return replace(secured, rorg=RPS, payload=bytes((known[0],)), status=known[1] | secured.repeats)


def seal(telegram: Telegram, lock: Lock, rlc: int, cipher: Cipher) -> Telegram:
    """The secured telegram that a device would send for a plain one; a rocker's goes as RORG 30, all else as 31.

    Raises RejectError where the rocker has no such state.
    """
    slf = lock.slf
    code = rlc.to_bytes(slf.rlc_size, "big")
    rorg, plain = SEC_ENCAPS, bytes((telegram.rorg,)) + telegram.payload
    if telegram.rorg == RPS:
        said = (telegram.payload[0], telegram.status & (T21 | NU))
        bits = [four for four, (payload, status) in _ROCKER.items() if (payload, status) == said]
        if not bits:
            raise RejectError("payload", "a secured rocker cannot say this")
        rorg, plain = SEC, bytes(bits)
    data = plain
    if slf.encryption == VAES:
        data = vaes(cipher.aes, lock.key, code, plain)
    elif slf.encryption == CBC:
        data = _cbc_seal(cipher.aes, lock.key, plain)
    if rorg == SEC and slf.encryption == VAES:
        data = bytes((data[0] & 0x0F,))
    mac = cmac(cipher.aes, lock.key, bytes((rorg,)) + data + code)[: slf.mac_size]
    sent = code[slf.rlc_size - slf.sent_size :] if slf.sent_size else b""
    return replace(telegram, rorg=rorg, payload=data + sent + mac)
