"""Text messages through any provider with a plain HTTP interface. Serves arrow 9.

Owns how a provider is described (what its fields are called, where its answer holds the message's number) and the
profiles of those we have described ourselves. Must not know who is written to, or storage.

Profile `gatewayapi`: GatewayAPI (OnlineCity, Denmark; servers in the EU), Mobile Messaging API, POST /mobile/single,
as its public documentation described it in 2026. It has not been tried with an account. The reference that we give
names a message in its reports; nothing says that a second one with the same reference is held back, so after a lost
answer a person may be written to twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from nattevakt.central.notify.channel import Later, Message, Never, Result, Sent, judged
from nattevakt.central.notify.web import Answer, WebClient

FORMS = ("plus", "digits", "number")
"""How a provider wants a phone number: "+4790000000", "4790000000", or that as a JSON number."""
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider's interface looks.

    A field's place is its name, or several with dots where it lies deeper; a number is a place in a list:
    "recipients.0.msisdn". scheme: the word before the token in Authorization. id_field: where the answer holds the
    message's number; "": it does not say, and a 2xx alone is its word. permanent: statuses that are for good.
    also: fields that are the same in each message.
    """

    url: str
    recipient_field: str
    text_field: str
    sender_field: str = ""
    reference_field: str = ""
    id_field: str = ""
    recipient_form: str = "plus"
    scheme: str = "Bearer"
    permanent: tuple[int, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)


PROFILES: Mapping[str, Provider] = MappingProxyType(
    {
        "gatewayapi": Provider(
            url="https://messaging.gatewayapi.eu/mobile/single",
            recipient_field="recipient",
            text_field="message",
            sender_field="sender",
            reference_field="reference",
            id_field="msg_id",
            recipient_form="number",
            scheme="Token",
            permanent=(400, 422),
            # A message that a phone was off for is worth nothing later: by then the alarm has been told anew.
            also=MappingProxyType({"expiration": "PT10M"}),
        )
    }
)
"""By the name that the settings use."""


@dataclass(frozen=True, slots=True)
class Sms:
    """A provider with an account. token: "" where it asks for none. sender: what the phone shows."""

    provider: Provider
    token: str
    sender: str
    client: WebClient
    per_minute: int = 60
    tenants: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its road."""
        return "sms"

    def send(self, message: Message) -> Result:
        """Write once."""
        if not _PHONE.fullmatch(message.phone):
            return Never("no_phone")
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self.token:
            headers["authorization"] = f"{self.provider.scheme} {self.token}"
        # For a provider that knows it; a standard one does not exist.
        headers["idempotency-key"] = message.key
        answer = self.client.post(self.provider.url, headers, self._body(message))
        if not isinstance(answer, Answer):
            return answer
        bad = judged(answer.status, answer.headers.get("retry-after", ""), frozenset(self.provider.permanent))
        return bad or self._taken(answer)

    def _body(self, message: Message) -> bytes:
        provider = self.provider
        digits = message.phone.removeprefix("+")
        recipient = {"plus": message.phone, "digits": digits, "number": int(digits)}[provider.recipient_form]
        told: dict[str, object] = {provider.recipient_field: recipient, provider.text_field: message.text}
        told |= {provider.sender_field: self.sender, provider.reference_field: message.key, **provider.also}
        return json.dumps(
            _nested({place: value for place, value in told.items() if place}), ensure_ascii=False
        ).encode()

    def _taken(self, answer: Answer) -> Result:
        """A 2xx counts where it names the message: whatever stands between us and the provider says 200 as well."""
        if not self.provider.id_field:
            return Sent()
        try:
            found: object = json.loads(answer.body)
        except (ValueError, RecursionError):
            return Later("answer_unreadable")
        for part in self.provider.id_field.split("."):
            if isinstance(found, list) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            elif isinstance(found, dict) and part in found:
                found = found[part]
            else:
                return Later("answer_without_id")
        if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
            return Later("answer_without_id")
        return Sent(str(found)[:100])


def _nested(flat: Mapping[str, object]) -> object:
    """{"a.0.b": 1} as {"a": [{"b": 1}]}. A list has one entry, whatever its number."""
    tree: dict[str, dict[str, object] | object] = {}
    for place, value in flat.items():
        *road, last = place.split(".")
        node: dict[str, object] = tree
        for part in road:
            inner = node.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = node[part] = {}
            node = inner
        node[last] = value
    return _lists(tree)


def _lists(node: object) -> object:
    if not isinstance(node, dict):
        return node
    if node and all(name.isdecimal() for name in node):
        return [_lists(inner) for inner in node.values()]
    return {name: _lists(inner) for name, inner in node.items()}
