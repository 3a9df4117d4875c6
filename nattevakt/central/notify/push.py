"""Web Push to the browsers of a person on duty. Serves arrow 9.

Owns what a push holds (that there is an alarm, and nothing else), its headers, and when a subscription is no more.
Must not know who the person is, or storage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from nattevakt.central.notify import push_crypto
from nattevakt.central.notify.channel import Later, Message, Never, Result, Sent, Subscription, judged
from nattevakt.central.notify.web import Answer, WebClient, checked_url
from nattevakt.edge.errors import RejectError

PAYLOAD = b'{"what":"alarm"}'
"""All that is said. The page that is opened by it asks for a person before it shows a name."""
PADDED_BYTES = 64
TTL_S = 600
"""A push service keeps what a phone is off for so long; by then the alarm has been told anew or has somebody."""
ENDPOINT_MAX = 2_000
HOSTS = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "web.push.apple.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
"""The push services of the browsers. An endpoint comes from a browser, and nobody may make us call anything else."""
_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Push:
    """Our key with the push services. contact: whom they may ask about us. entropy: n random bytes."""

    key: ec.EllipticCurvePrivateKey
    contact: str
    client: WebClient
    entropy: Callable[[int], bytes]
    hosts: tuple[str, ...] = HOSTS
    per_minute: int = 120
    tenants: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its road."""
        return "push"

    def send(self, message: Message) -> Result:
        """Push to each of a person's browsers. Sent where one of them was taken: then the person has it."""
        if not message.subscriptions:
            return Never("no_subscription")
        results: list[tuple[int, Result]] = []
        away: set[str] = set()
        for one in message.subscriptions:
            service = urlsplit(one.endpoint).netloc
            if service in away:
                continue  # it would only take its time to say so again; another one may be there
            results.append((one.id, self._one(message, one)))
            if isinstance(results[-1][1], Later):
                away.add(service)
        gone = tuple(number for number, result in results if result == _ENDED)
        if any(isinstance(result, Sent) for _, result in results):
            return Sent(gone=gone)
        waits = [result for _, result in results if isinstance(result, Later)]
        if waits:
            # One service asks us to wait: the phones of others have another.
            return Later(waits[0].reason, waits[0].retry_after_s, gone, whole_road=waits[0].retry_after_s is None)
        told = [result for _, result in results if isinstance(result, Never)]
        return Never(told[0].reason, any(result.whole_road for result in told), gone)

    def _one(self, message: Message, to: Subscription) -> Result:
        try:
            checked_endpoint(to.endpoint, self.hosts)
        except RejectError:
            return Never("endpoint_not_allowed")  # and not ended: a slip in the settings must not end them all
        try:
            salt, ephemeral = self.entropy(push_crypto.SALT_BYTES), ec.generate_private_key(ec.SECP256R1())
            body = push_crypto.encrypted(PAYLOAD, to.p256dh, to.auth, salt, ephemeral, PADDED_BYTES)
        except RejectError:
            return _ENDED  # with such keys nobody can be told anything
        parts = urlsplit(to.endpoint)
        origin = f"{parts.scheme}://{parts.netloc}"
        headers = {
            "authorization": push_crypto.vapid(self.key, origin, self.contact, message.at_ms),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(TTL_S),
            "urgency": "high",
            # A push that waits at the service is replaced by a later try of the same.
            "topic": message.key[:32],
        }
        answer = self.client.post(to.endpoint, headers, body)
        if not isinstance(answer, Answer):
            return answer
        if answer.status in _GONE:
            return _ENDED
        bad = judged(answer.status, answer.headers.get("retry-after", ""))
        return bad or Sent()


_ENDED = Never("subscription_gone")


def checked_endpoint(endpoint: str, hosts: tuple[str, ...]) -> str:
    """The same endpoint where it is one of a push service. Raises RejectError."""
    if len(endpoint) > ENDPOINT_MAX or not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        raise RejectError("endpoint", "is not an address")
    host = urlsplit(checked_url("endpoint", endpoint)).hostname or ""
    if not any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in hosts):
        raise RejectError("endpoint", "is of no push service that we know")
    return endpoint
