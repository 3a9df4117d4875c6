"""The settings of the roads by which people are told beyond the tablets: text messages, push, webhooks. Serves arrow 9.

Owns their names, defaults and bounds, and makes the roads of them; secrets stand in files of their own. Must not know
who is told of what.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from nattevakt.central.notify.channel import Road
from nattevakt.central.notify.push import HOSTS, Push
from nattevakt.central.notify.push_crypto import read_key
from nattevakt.central.notify.sms import FORMS, PROFILES, Provider, Sms
from nattevakt.central.notify.web import WebClient, checked_url
from nattevakt.central.notify.webhook import Webhook, read_secret
from nattevakt.edge.errors import RejectError
from nattevakt.edge.strict import Reader, list_of, map_of, record, text, whole

PER_MINUTE_MOST = 6_000
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_CONTACT = re.compile(r"(mailto:[^@\s]+@[^@\s]+|https://\S+)")
_SENDER_MOST = 15
_PROVIDED = tuple(one.name for one in fields(Provider))


@dataclass(frozen=True, slots=True)
class SmsConfig:
    """Text messages. profile: a provider that we have described ("gatewayapi"); what is set beside it takes its place.
    Without url and profile there are none. url: where to POST; https. token_file: a file with the account's token;
    scheme: the word before it in Authorization. sender: what the phone shows. recipient_field, text_field,
    sender_field, reference_field, id_field: what the provider calls the number, the text, the sender and our reference
    in its request, and the message's number in its answer; with dots where it lies deeper ("recipients.0.msisdn").
    recipient_form: plus (+47...), digits (47...) or number (the same as a JSON number). permanent: statuses after which
    a message is not tried again. also: more fields, the same in each request. per_minute: most messages a minute."""

    profile: str = ""
    url: str = ""
    token_file: str = ""
    scheme: str = ""
    sender: str = "Nattevakt"
    recipient_field: str = ""
    text_field: str = ""
    sender_field: str = ""
    reference_field: str = ""
    id_field: str = ""
    recipient_form: str = ""
    permanent: tuple[int, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)
    per_minute: int = 60


@dataclass(frozen=True, slots=True)
class PushConfig:
    """Web Push to the browsers of people on duty. key_file: a file with our own key (PEM, P-256); without it there is
    none. contact: whom a push service may ask about us, "mailto:..." or "https://...". hosts: the push services that
    may be called, "*." for all below. per_minute: most messages a minute."""

    key_file: str = ""
    contact: str = ""
    hosts: tuple[str, ...] = HOSTS
    per_minute: int = 120


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """One receiver of signed webhooks, for telephone calls, paging or an alarm centre. key: as routing names it
    ("webhook:<key>"). url: https. secret_file: a file with "whsec_" and base64 of 24 to 64 bytes. tenants: keys of the
    tenants whose alarms it is told; none: all. per_minute: most messages a minute."""

    key: str
    url: str
    secret_file: str
    tenants: tuple[str, ...] = ()
    per_minute: int = 60


CHANNEL_READERS: Mapping[str, Reader] = {
    "sms": record(SmsConfig, {"permanent": list_of(whole), "also": map_of(text)}, closed=True),
    "push": record(PushConfig, closed=True),
    "webhooks": list_of(record(WebhookConfig, closed=True)),
}
"""How each of these tables is read."""


@dataclass(frozen=True, slots=True)
class Roads:
    """All roads that are set up. push: the one of them that a page must know the key of."""

    all: tuple[Road, ...] = ()
    push: Push | None = None
    client: WebClient | None = None

    def close(self) -> None:
        """Close what they hold open."""
        if self.client is not None:
            self.client.close()


def make_roads(
    sms: SmsConfig,
    push: PushConfig,
    webhooks: tuple[WebhookConfig, ...],
    monotonic: Callable[[], float],
    entropy: Callable[[int], bytes],
) -> Roads:
    """The roads that these settings describe. Raises RejectError naming the setting that is wrong.

    monotonic: real seconds. entropy: n random bytes.
    """
    if (sms, push, webhooks) == (SmsConfig(), PushConfig(), ()):
        return Roads()
    client = WebClient(monotonic)
    pushed = _push(push, client, entropy)
    found: list[Road] = [one for one in (_sms(sms, client), pushed) if one is not None]
    for place, one in enumerate(webhooks):
        found.append(_webhook(f"config.webhooks[{place}]", one, client))
    names = [road.name for road in found]
    twice = next((place for place, one in enumerate(webhooks) if names.count(f"webhook:{one.key}") > 1), None)
    if twice is not None:
        raise RejectError(f"config.webhooks[{twice}].key", "is there twice")
    return Roads(tuple(found), pushed, client)


def _sms(config: SmsConfig, client: WebClient) -> Sms | None:
    if config.profile and config.profile not in PROFILES:
        raise RejectError("config.sms.profile", "must be one of " + ", ".join(sorted(PROFILES)))
    if not config.profile and not config.url:
        if config != SmsConfig():
            raise RejectError("config.sms.url", "is missing; give it, or a profile")
        return None
    base = PROFILES.get(config.profile, Provider("", "", ""))
    provider = replace(base, **{name: value for name in _PROVIDED if (value := getattr(config, name))})
    checked_url("config.sms.url", provider.url)
    for name in ("recipient_field", "text_field"):
        if not getattr(provider, name):
            raise RejectError(f"config.sms.{name}", "is missing")
    if provider.recipient_form not in FORMS:
        raise RejectError("config.sms.recipient_form", "must be one of " + ", ".join(FORMS))
    if any(not 400 <= status <= 599 for status in provider.permanent):
        raise RejectError("config.sms.permanent", "must be statuses from 400 to 599")
    if not 1 <= len(config.sender) <= _SENDER_MOST:
        raise RejectError("config.sms.sender", f"must be 1 to {_SENDER_MOST} characters")
    _within("config.sms.per_minute", config.per_minute)
    token = _token(config.token_file, "config.sms.token_file") if config.token_file else ""
    return Sms(provider, token, config.sender, client, config.per_minute)


def _push(config: PushConfig, client: WebClient, entropy: Callable[[int], bytes]) -> Push | None:
    if not config.key_file:
        if config != PushConfig():
            raise RejectError("config.push.key_file", "is missing")
        return None
    if not _CONTACT.fullmatch(config.contact):
        raise RejectError("config.push.contact", "must be mailto:... or https://...")
    _within("config.push.per_minute", config.per_minute)
    key = read_key("config.push.key_file", _secret(config.key_file, "config.push.key_file"))
    return Push(key, config.contact, client, entropy, config.hosts, config.per_minute)


def _webhook(where: str, config: WebhookConfig, client: WebClient) -> Webhook:
    if not _KEY.fullmatch(config.key):
        raise RejectError(f"{where}.key", "must be small letters, digits, - and _")
    checked_url(f"{where}.url", config.url)
    _within(f"{where}.per_minute", config.per_minute)
    secret = read_secret(f"{where}.secret_file", _secret(config.secret_file, f"{where}.secret_file"))
    return Webhook(config.key, config.url, secret, client, config.per_minute, config.tenants)


def _within(key: str, per_minute: int) -> None:
    if not 1 <= per_minute <= PER_MINUTE_MOST:
        raise RejectError(key, f"must be from 1 to {PER_MINUTE_MOST}")


def _secret(path: str, key: str) -> str:
    try:
        found = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise RejectError(key, f"cannot read {path}") from None
    if not found:
        raise RejectError(key, f"{path} is empty")
    return found


def _token(path: str, key: str) -> str:
    """A secret that travels in a header: one line, so that it cannot begin another."""
    found = _secret(path, key)
    if not found.isascii() or not found.isprintable():
        raise RejectError(key, f"{path} must hold one line of plain text")
    return found
