"""Who a gateway is: its key, shown as a bearer token. Serves arrow 6.

Owns the token's form, its check and the brake on guessing. Must not know what a gateway sends.

`nv1.<tenant key>.<gateway key>.<secret>`; the secret has 256 random bits and only the SHA-256 of the token is kept.
A known key is answered from memory; every transaction looks at the gateway's row again, so a withdrawn key is
refused from the next request on.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from nattevakt.central.clock import Clock
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.ingest import Revoked, Sender, StaleCredential
from nattevakt.central.tables import gateways
from nattevakt.edge.errors import RetryError

KEY = r"[a-z0-9][a-z0-9-]{0,39}"
_TOKEN = re.compile(rf"nv1\.({KEY})\.({KEY})\.([A-Za-z0-9_-]{{43}})\Z")
FAILURES_MAX = 10
FAILURES_S = 60.0
TRACKED_MAX = 10_000
_LOOK_UP = select(gateways.c.id, gateways.c.credential_sha256, gateways.c.revoked_ms).where(
    gateways.c.tenant_id == TENANT, gateways.c.key == bindparam("key")
)


class TooManyFailures(RetryError):  # noqa: N818 - named for what it says to the caller
    """Somebody guesses; come again in a minute."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A token taken apart; nothing in it is proved yet."""

    tenant_key: str
    gateway_key: str
    sha256: str


def new_token(tenant_key: str, gateway_key: str) -> str:
    """A new token for a gateway. It is shown once and kept only as its digest."""
    return f"nv1.{tenant_key}.{gateway_key}.{secrets.token_urlsafe(32)}"


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse(authorization: str) -> Credential | None:
    """The parts of an Authorization header, or None where it cannot be one of ours."""
    scheme, _, token = authorization.partition(" ")
    found = _TOKEN.match(token.strip()) if scheme.lower() == "bearer" else None
    return Credential(found[1], found[2], digest(found[0])) if found else None


class Gatekeeper:
    """Proves gateways' credentials. Thread-safe."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Sender] = {}
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def known(self, credential: Credential) -> Sender | None:
        """The sender if exactly this credential was proved before; costs no database."""
        sender = self._known.get((credential.tenant_key, credential.gateway_key))
        if sender is not None and secrets.compare_digest(sender.credential_sha256, credential.sha256):
            return sender
        return None

    def prove(self, credential: Credential, peer: str) -> Sender:
        """Look the credential up.

        The right one is let in however often somebody has guessed: behind a proxy all gateways are one peer, and
        no stranger may lock a gateway out. Raises StaleCredential (wrong), Revoked, TooManyFailures (wrong, and
        this peer guesses), or RetryError.
        """
        who = f"{peer} {credential.tenant_key}.{credential.gateway_key}"
        tenant = self._db.tenant(credential.tenant_key)
        if tenant is None:
            self._failed(who)
            raise StaleCredential("unknown gateway")
        with self._db.read(tenant.id) as s:
            row = s.execute(_LOOK_UP, {"key": credential.gateway_key}).one_or_none()
        stored = row.credential_sha256 if row is not None else "-"
        if row is None or not secrets.compare_digest(stored, credential.sha256):
            self._failed(who)
            raise StaleCredential("unknown gateway or wrong secret")
        if row.revoked_ms is not None:
            raise Revoked("the key has been withdrawn")
        sender = Sender(tenant, row.id, credential.sha256)
        self._known[credential.tenant_key, credential.gateway_key] = sender
        return sender

    def forget(self, credential: Credential) -> None:
        """The database has another opinion by now."""
        self._known.pop((credential.tenant_key, credential.gateway_key), None)

    def _failed(self, who: str) -> None:
        """Count a wrong one; raises TooManyFailures where there have been too many."""
        now_s = self._clock.monotonic()
        with self._lock:
            times = self._failures.setdefault(who, deque(maxlen=FAILURES_MAX))
            while times and times[0] < now_s - FAILURES_S:
                times.popleft()
            if len(times) >= FAILURES_MAX:
                raise TooManyFailures("too many wrong credentials")
            times.append(now_s)
            self._failures.move_to_end(who)
            while len(self._failures) > TRACKED_MAX:
                self._failures.popitem(last=False)
