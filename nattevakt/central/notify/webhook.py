"""Signed webhooks: for voice calls, paging, a municipality's own alarm centre. Serves arrow 9.

Owns the body and its signature, in the form of Standard Webhooks 1.0 (webhook-id, webhook-timestamp,
webhook-signature), for which receivers have libraries in most languages. Must not know whom it reaches, or storage.

The id is the idempotency key: the same at every try, so that a receiver who has it already answers 2xx and does no
more. The timestamp is of this try, so that a receiver may refuse what is old.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass

from nattevakt.central.notify.channel import Message, Result, Sent, judged
from nattevakt.central.notify.web import Answer, WebClient
from nattevakt.edge.errors import RejectError

PREFIX = "whsec_"
SECRET_LEAST, SECRET_MOST = 24, 64
"""Bytes of a secret, as the convention asks."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One receiver. secret: as bytes. tenants: keys of those whose alarms it is told; none: all."""

    key: str
    url: str
    secret: bytes
    client: WebClient
    per_minute: int = 60
    tenants: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its road."""
        return f"webhook:{self.key}"

    def send(self, message: Message) -> Result:
        """Tell it once."""
        body = body_of(message)
        headers = {"content-type": "application/json", **signed(self.secret, message.key, message.at_ms, body)}
        answer = self.client.post(self.url, headers, body)
        if not isinstance(answer, Answer):
            return answer
        return judged(answer.status, answer.headers.get("retry-after", "")) or Sent()


def body_of(message: Message) -> bytes:
    """What the receiver is told: that there is an alarm, and the sentence that a text message has."""
    data = {"alarm": message.alarm_id, "text": message.text}
    told = {"type": "alarm.untaken", "timestamp_ms": message.at_ms, "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def signed(secret: bytes, key: str, at_ms: int, body: bytes) -> dict[str, str]:
    """The three headers."""
    at_s = str(at_ms // 1000)
    what = b".".join((key.encode(), at_s.encode(), body))
    made = base64.b64encode(hmac.new(secret, what, hashlib.sha256).digest()).decode()
    return {"webhook-id": key, "webhook-timestamp": at_s, "webhook-signature": f"v1,{made}"}


def read_secret(key: str, text: str) -> bytes:
    """A secret as it stands in its file: "whsec_" and base64. Raises RejectError naming the setting."""
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise RejectError(key, "the file must hold whsec_ and base64") from None
    if not SECRET_LEAST <= len(found) <= SECRET_MOST:
        raise RejectError(key, f"must be {SECRET_LEAST} to {SECRET_MOST} bytes")
    return found
