"""The contract of each road, against a server of our own: what is sent, and what each way of answering means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from nattevakt.central.notify import push_crypto
from nattevakt.central.notify.channel import (
    Later,
    Message,
    Never,
    Result,
    Road,
    Sent,
    Subscription,
)
from nattevakt.central.notify.push import PAYLOAD, Push, checked_endpoint
from nattevakt.central.notify.routing import PHONE
from nattevakt.central.notify.sms import PROFILES, Sms
from nattevakt.central.notify.sms import Provider as Described
from nattevakt.central.notify.web import BODY_MAX, Answer, WebClient, checked_url
from nattevakt.central.notify.webhook import Webhook, read_secret
from nattevakt.edge.errors import RejectError
from tests.support.provider import BAD, BUSY, DENIED, ELSEWHERE, FAULT, OK, Provider, Says, refused

AT_MS = 1_795_212_000_000
KEY = "0123456789abcdef0123456789abcdef"
TEXT = "Nattevakt: alarm, Avdeling A rom 201, kl. 02:14. Åpne nettbrettet."
SECRET = bytes(range(32))
OURS = ec.derive_private_key(7, ec.SECP256R1())
THEIRS = ec.derive_private_key(11, ec.SECP256R1())
AUTH = b"a" * 16


def subscription(url: str, number: int = 1) -> Subscription:
    """A browser at this push service."""
    return Subscription(number, url, push_crypto.public_text(THEIRS), push_crypto.encode(AUTH))


def message(*urls: str) -> Message:
    """What each road is given."""
    browsers = tuple(subscription(url, number) for number, url in enumerate(urls, start=1))
    return Message(7, "sms", KEY, TEXT, AT_MS, phone="+4790000001", subscriptions=browsers)


@pytest.fixture
def client() -> Iterator[WebClient]:
    made = WebClient(time.perf_counter, connect_s=1, read_s=1, context=ssl.create_default_context())
    yield made
    made.close()


Make = Callable[[str, WebClient], tuple[Road, Message]]


def sms(url: str, client: WebClient) -> tuple[Road, Message]:
    described = Described(url, "to", "text", id_field="msg_id", permanent=(400,))
    return Sms(described, "token-1", "Nattevakt", client), message()


def webhook(url: str, client: WebClient) -> tuple[Road, Message]:
    return Webhook("vakt", url, SECRET, client), message()


def push(url: str, client: WebClient) -> tuple[Road, Message]:
    return Push(OURS, "mailto:drift@example.no", client, os.urandom, hosts=("127.0.0.1",)), message(url)


ALL = pytest.mark.parametrize("make", [sms, webhook, push])


@ALL
@pytest.mark.parametrize(
    ("says", "result"),
    [
        (OK, Sent),
        (BUSY, Later("http_429", 7.0)),
        (FAULT, Later("http_500")),
        (Says(503, b"", {"retry-after": "86400"}), Later("http_503", 300.0)),
        (Says(503, b"", {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}), Later("http_503")),
        (BAD, Never("http_400")),
        (DENIED, Never("http_401", whole_road=True)),
        (ELSEWHERE, Never("http_302", whole_road=True)),
        (Says(how="hang"), Later("timeout")),
        (Says(how="close"), Later("connection_lost")),
        (Says(how="garbage"), Later("connection_lost")),
        (Says(200, b'{"msg_id": "m-1"}', how="cut"), Later("connection_lost")),
        (Says(200, b"", how="drip"), Later("answer_too_long")),
    ],
    ids=lambda value: value.how + str(value.status) if isinstance(value, Says) else "",
)
def test_what_each_answer_means(make: Make, says: Says, result: Result | type[Sent], client: WebClient) -> None:
    with Provider(says) as provider:
        road, told = make(provider.url, client)
        found = road.send(told)
    if isinstance(found, Later) and found.retry_after_s is not None:
        # Who asks us to wait is one of several push services, and else the road itself.
        assert found.whole_road == (make is not push)
        found = replace(found, whole_road=True)
    assert isinstance(found, Sent) if result is Sent else found == result
    assert len(provider.asked) == 1, "one try is one request"


@ALL
def test_whoever_is_not_there_may_be_there_later(make: Make, client: WebClient) -> None:
    road, told = make(refused(), client)
    assert road.send(told) == Later("connect")


@ALL
def test_a_connection_is_kept_and_one_that_the_other_side_has_closed_is_made_anew(
    make: Make, client: WebClient
) -> None:
    with Provider(OK) as provider:
        road, told = make(provider.url, client)
        for _ in range(3):
            assert isinstance(road.send(told), Sent)
        assert provider.connections == 1
        provider.says(Says(200, OK.body, {"connection": "close"}), OK)
        assert isinstance(road.send(told), Sent)
        assert isinstance(road.send(told), Sent)
        assert provider.connections == 2


@ALL
def test_the_same_key_at_every_try(make: Make, client: WebClient) -> None:
    with Provider(FAULT, OK) as provider:
        road, told = make(provider.url, client)
        assert isinstance(road.send(told), Later)
        assert isinstance(road.send(told), Sent)
    names = ("idempotency-key", "webhook-id", "topic")
    keys = [[asked.headers[name] for name in names if name in asked.headers] for asked in provider.asked]
    assert keys == [[KEY], [KEY]]


def test_failures_of_the_net_have_names(client: WebClient) -> None:
    assert client.post("http://nowhere.invalid/", {}, b"") == Later("dns")
    with Provider(OK) as provider:
        assert client.post(provider.url.replace("http:", "https:"), {}, b"") == Later("tls")


def test_a_long_answer_is_not_read_and_its_connection_not_used_again(client: WebClient) -> None:
    with Provider(Says(200, b"x" * (4 * BODY_MAX)), Says(200, b"short")) as provider:
        assert client.post(provider.url, {}, b"") == Later("answer_too_long")
        found = client.post(provider.url, {}, b"")
    assert isinstance(found, Answer)
    assert found.body == b"short"
    assert provider.connections == 2


def test_an_answer_that_drips_is_left_when_its_time_is_over() -> None:
    ticks = count()
    slow = WebClient(lambda: float(next(ticks)), connect_s=1, read_s=0.5)
    with Provider(Says(200, b"x", {})) as provider:
        assert slow.post(provider.url, {}, b"") == Later("timeout")
    slow.close()


@pytest.mark.parametrize("url", ["ftp://a/", "http://example.no/", "https://", "https://u:p@a/", "x", "https://a:0/"])
def test_only_https_but_to_this_machine(url: str) -> None:
    with pytest.raises(RejectError):
        checked_url("x", url)
    assert checked_url("x", "https://a.example/b") == "https://a.example/b"
    assert checked_url("x", "http://127.0.0.1:9/b") == "http://127.0.0.1:9/b"


def test_a_text_message_as_the_described_provider_wants_it(client: WebClient) -> None:
    with Provider(Says(202, b'{"data": [{"id": 42}]}')) as provider:
        described = Described(
            provider.url,
            "recipients.0.msisdn",
            "body.text",
            sender_field="body.from",
            reference_field="ref",
            id_field="data.0.id",
            recipient_form="digits",
            scheme="Token",
            also={"class": "premium"},
        )
        assert Sms(described, "hush", "Vakt", client).send(message()) == Sent("42")
    (asked,) = provider.asked
    assert asked.headers["authorization"] == "Token hush"
    assert asked.json == {
        "recipients": [{"msisdn": "4790000001"}],
        "body": {"text": TEXT, "from": "Vakt"},
        "ref": KEY,
        "class": "premium",
    }


def test_the_profile_asks_as_its_documentation_says(client: WebClient) -> None:
    profile = PROFILES["gatewayapi"]
    assert profile.url == "https://messaging.gatewayapi.eu/mobile/single"
    answer = Says(202, b'{"msg_id": "01JNN696A9E0WS89FPYGT15NBX", "recipient": 4790000001, "reference": "r"}')
    with Provider(answer) as provider:
        there = Described(**{name: getattr(profile, name) for name in profile.__slots__} | {"url": provider.url})
        assert Sms(there, "hush", "Nattevakt", client).send(message()) == Sent("01JNN696A9E0WS89FPYGT15NBX")
    (asked,) = provider.asked
    assert asked.headers["authorization"] == "Token hush"
    assert asked.json == {
        "sender": "Nattevakt",
        "message": TEXT,
        "recipient": 4790000001,
        "reference": KEY,
        "expiration": "PT10M",
    }


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"msg_id": null}', b'{"msg_id": {"a": 1}}', b'{"msg_id": ""}', b"\xff"]
)
def test_a_200_that_does_not_name_the_message_is_nobodys_word(body: bytes, client: WebClient) -> None:
    with Provider(Says(200, body)) as provider:
        road, told = sms(provider.url, client)
        assert isinstance(road.send(told), Later)


def test_what_is_no_number_is_never_asked_for(client: WebClient) -> None:
    with Provider(OK) as provider:
        road, _ = sms(provider.url, client)
        for phone in ("", "90000001", "+47 900", "+4790000001\r\nx: y"):
            assert road.send(Message(7, "sms", KEY, TEXT, AT_MS, phone=phone)) == Never("no_phone")
        assert provider.asked == []
        # A short one, as companies have; the routing document takes it too.
        assert PHONE.fullmatch("+4704800")
        assert isinstance(road.send(Message(7, "sms", KEY, TEXT, AT_MS, phone="+4704800")), Sent)


def test_a_webhook_is_signed_as_the_convention_says(client: WebClient) -> None:
    with Provider(Says(204, b"")) as provider:
        road, told = webhook(provider.url, client)
        assert road.send(told) == Sent()
    (asked,) = provider.asked
    assert (asked.headers["webhook-id"], asked.headers["webhook-timestamp"]) == (KEY, str(AT_MS // 1000))
    over = f"{KEY}.{AT_MS // 1000}.".encode() + asked.body
    expected = base64.b64encode(hmac.new(SECRET, over, hashlib.sha256).digest()).decode()
    assert asked.headers["webhook-signature"] == f"v1,{expected}"
    assert asked.json == {"type": "alarm.untaken", "timestamp_ms": AT_MS, "data": {"alarm": 7, "text": TEXT}}


def test_a_signature_as_others_make_it() -> None:
    """The example of the convention's own documentation."""
    secret = read_secret("x", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = hmac.new(secret, b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}', hashlib.sha256)
    assert base64.b64encode(made.digest()) == b"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_å", "whsec_" + base64.b64encode(b"short").decode()])
def test_a_poor_secret_is_refused(text: str) -> None:
    with pytest.raises(RejectError):
        read_secret("config.webhooks[0].secret_file", text)


def opened(body: bytes, private: ec.EllipticCurvePrivateKey = THEIRS, auth: bytes = AUTH) -> bytes:
    """What the browser reads: RFC 8188 and 8291 from the other end, with HMAC alone where ours takes HKDF."""
    salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    point, sealed = body[21 : 21 + length], body[21 + length :]
    assert len(sealed) <= size
    sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    mine = private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)

    def mac(key: bytes, what: bytes) -> bytes:
        return hmac.new(key, what, hashlib.sha256).digest()

    secret = mac(mac(auth, private.exchange(ec.ECDH(), sender)), b"WebPush: info\0" + mine + point + b"\1")
    base = mac(salt, secret)
    key = mac(base, b"Content-Encoding: aes128gcm\0\1")[:16]
    nonce = mac(base, b"Content-Encoding: nonce\0\1")[:12]
    plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
    assert plain[-1:] == b"\2"
    return plain[:-1]


def test_a_push_says_that_there_is_an_alarm_and_nothing_else(client: WebClient) -> None:
    with Provider(Says(201, b"")) as provider:
        road, told = push(provider.url, client)
        assert road.send(told) == Sent()
        assert road.send(told) == Sent()
    one, two = provider.asked
    assert json.loads(opened(one.body)) == {"what": "alarm"}
    assert opened(one.body) == opened(two.body) == PAYLOAD
    assert one.body[:16] != two.body[:16], "each with a salt of its own"
    expected = {"urgency": "high", "ttl": "600", "topic": KEY, "content-encoding": "aes128gcm"}
    assert {name: one.headers[name] for name in expected} == expected
    everything = one.body + repr(one.headers).encode()
    for word in ("Avdeling", "201", "02:14", "+47"):
        assert word.encode() not in everything.replace(one.headers["authorization"].encode(), b"")


def test_we_say_who_we_are_to_the_push_service(client: WebClient) -> None:
    with Provider(Says(201, b"")) as provider:
        road, told = push(provider.url, client)
        road.send(told)
    scheme, _, rest = provider.asked[0].headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    head, claims, signature = parts["t"].split(".")
    assert (scheme, parts["k"]) == ("vapid", push_crypto.public_text(OURS))
    assert json.loads(push_crypto.decode("", head, 30)) == {"typ": "JWT", "alg": "ES256"}
    told_claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert told_claims == {
        "aud": provider.url.removesuffix("/send"),
        "exp": AT_MS // 1000 + 12 * 3600,
        "sub": "mailto:drift@example.no",
    }
    raw = push_crypto.decode("", signature, 64)
    made = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    OURS.public_key().verify(made, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))


def test_the_example_of_the_rfc() -> None:
    """RFC 8291, appendix A."""
    private = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
    number = int.from_bytes(push_crypto.decode("", private, 32), "big")
    body = push_crypto.encrypted(
        b"When I grow up, I want to be a watermelon",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
        push_crypto.decode("", "DGv6ra1nlYgDCS1FRnbzlw", 16),
        ec.derive_private_key(number, ec.SECP256R1()),
    )
    assert push_crypto.encode(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_push_service_that_is_away_keeps_no_other_from_being_asked(client: WebClient) -> None:
    with Provider(Says(503, b"", {"Retry-After": "300"})) as away, Provider(OK) as there:
        road, _ = push(away.url, client)
        assert road.send(message(away.url, away.url, there.url)) == Sent()
        assert (len(away.asked), len(there.asked)) == (1, 1), "and the one that is away is asked once"
        assert road.send(message(away.url)) == Later("http_503", 300, whole_road=False)


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_no_more_is_named_and_the_others_are_told(status: int, client: WebClient) -> None:
    with Provider(Says(status, b""), Says(201, b"")) as provider:
        road, _ = push(provider.url, client)
        assert road.send(message(provider.url, provider.url)) == Sent(gone=(1,))
        provider.says(Says(status, b""))
        assert road.send(message(provider.url, provider.url)) == Never("subscription_gone", gone=(1, 2))
        provider.says(Says(status, b""), FAULT)
        assert road.send(message(provider.url, provider.url)) == Later("http_500", gone=(1,))
        assert road.send(message()) == Never("no_subscription")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://10.0.0.1/x",
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://notify.windows.com/x",
        "https://fcm.googleapis.com/" + "x" * 2_000,
        "https://fcm.googleapis.com/\n",
    ],
)
def test_an_endpoint_that_is_no_push_service_is_never_called(endpoint: str, client: WebClient) -> None:
    made = Push(OURS, "mailto:a@b", client, os.urandom)
    with pytest.raises(RejectError):
        checked_endpoint(endpoint, made.hosts)
    assert made.send(message(endpoint)) == Never("endpoint_not_allowed")
    assert checked_endpoint("https://db5.notify.windows.com/x", made.hosts)


@pytest.mark.parametrize(
    ("p256dh", "auth"), [("", ""), ("AAAA", "AAAA"), ("å", "x"), (push_crypto.encode(b"\4" * 65), "x")]
)
def test_keys_that_are_none_end_the_subscription(p256dh: str, auth: str, client: WebClient) -> None:
    with Provider(OK) as provider:
        road, _ = push(provider.url, client)
        bad = Message(7, "push", KEY, TEXT, AT_MS, subscriptions=(Subscription(3, provider.url, p256dh, auth),))
        assert road.send(bad) == Never("subscription_gone", gone=(3,))
    assert provider.asked == []
