"""Who this gateway is. Serves arrows 4 and 5: the credential of every request, the stream of every row.

Owns the form of the credential and the making of stream names. Must not know where either is stored.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from nattevakt.edge.errors import RejectError

_CREDENTIAL = re.compile(r"nv1\.([a-z0-9-]{1,40})\.([a-z0-9-]{1,40})\.([A-Za-z0-9_-]{22,100})\Z")


@dataclass(frozen=True, slots=True)
class Credential:
    """What the centre gave this gateway: `nv1.<tenant key>.<gateway key>.<secret>`."""

    tenant: str
    gateway: str
    text: str = field(repr=False)


def read_credential(text: str, where: str) -> Credential:
    """Take the credential apart; raises RejectError without showing any of it."""
    found = _CREDENTIAL.match(text.strip())
    if found is None:
        raise RejectError(where, "must hold nv1.<tenant key>.<gateway key>.<secret of at least 22 characters>")
    return Credential(found[1], found[2], text.strip())


def mint_stream(random_bytes: Callable[[int], bytes]) -> str:
    """The name of a new stream: 128 random bits as 32 hexadecimal digits."""
    return random_bytes(16).hex()


def default_client_id(credential: Credential) -> str:
    """The MQTT client id where none is set: the same at every start, another for every gateway."""
    name = f"{credential.tenant}.{credential.gateway}".encode()
    return f"nattevakt-{hashlib.sha256(name).hexdigest()[:12]}"
