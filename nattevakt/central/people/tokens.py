"""Random secrets and what is kept of them. Serves arrow 9.

Owns how tokens and codes are made, written and hashed. Must not know what they open.
All carry at least 128 random bits, so a plain SHA-256 at rest is enough; PINs are another matter (staff.py).
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass

TOKEN_BYTES = 32
CODE_BYTES = 16
_CODE = re.compile(r"[A-Z2-7]{26}\Z")
_COOKIE = re.compile(r"([a-z0-9][a-z0-9-]{0,39})\.([0-9]{1,18})\.([A-Za-z0-9_-]{43})\Z")
# Typed by a person: signs that the alphabet lacks can only be meant as the letter they look like.
_LOOKALIKES = str.maketrans({"0": "O", "1": "I", "8": "B"})


def token() -> str:
    """A new secret of 256 bits for a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def code() -> str:
    """A new code of 128 bits for people to type, in groups of five: ABCDE-FGHIJ-…"""
    plain = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().rstrip("=")
    return "-".join(plain[start : start + 5] for start in range(0, len(plain), 5))


def normal_code(typed: str) -> str | None:
    """A typed code without groups, spaces and lookalikes, or None if it cannot be one."""
    plain = re.sub(r"[\s-]", "", typed).upper().translate(_LOOKALIKES)
    return plain if _CODE.match(plain) else None


def digest(secret: str) -> str:
    """What is stored of a token or code."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(stored: str, secret: str) -> bool:
    """Whether a secret is the one whose digest is stored, without telling by the time it takes."""
    return secrets.compare_digest(stored, digest(secret))


@dataclass(frozen=True, slots=True)
class TabletCookie:
    """A tablet's cookie taken apart; nothing in it is proved yet."""

    tenant_key: str
    tablet_id: int
    secret: str

    @classmethod
    def parse(cls, value: str) -> TabletCookie | None:
        """The parts of a cookie, or None where it cannot be one of ours."""
        found = _COOKIE.match(value)
        return cls(found[1], int(found[2]), found[3]) if found else None

    def text(self) -> str:
        """The cookie's value."""
        return f"{self.tenant_key}.{self.tablet_id}.{self.secret}"
