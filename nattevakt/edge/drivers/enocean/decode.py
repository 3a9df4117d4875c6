"""ERP1 telegrams to readings and back, always by the configured profile. Serves arrow 2.

Owns which profile is asked, and what is said when it cannot be right. Must not know framing, keys, state or time.
"""

from __future__ import annotations

from nattevakt.edge.drivers.driver import Device, Finding, Reading
from nattevakt.edge.drivers.enocean.profiles import PROFILES
from nattevakt.edge.drivers.enocean.telegram import PREFIX, Telegram
from nattevakt.edge.errors import FrameError, RejectError

__all__ = ["PROFILES", "Telegram", "decode", "encode"]


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
    try:
        values = profile.decode(telegram)
    except RejectError as error:
        raise FrameError(f"erp1.{error.field}", error.reason, telegram.raw) from None
    if telegram.dbm is not None:
        values["signal_dbm"] = telegram.dbm
    values["repeats"] = telegram.repeats
    return Reading(device.address, values, raw=telegram.raw)


def encode(reading: Reading, profile: str) -> bytes:
    """A whole ESP3 frame that decodes to this reading under this profile. Raises RejectError."""
    if profile not in PROFILES:
        raise RejectError("profile", f"unknown profile {profile!r}")
    sender = reading.address.removeprefix(PREFIX)
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
