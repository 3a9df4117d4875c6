"""Settings of the roads beyond the tablets: strict, secrets from files, and every error names its key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nattevakt.central.config import CentralConfig, load_config
from nattevakt.central.config_channels import make_roads
from nattevakt.central.notify.sms import Sms
from nattevakt.central.notify.webhook import Webhook
from nattevakt.edge.errors import RejectError

GOOD = '[database]\nurl = "sqlite:////x.sqlite"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with secrets of each kind."""
    pem = ec.derive_private_key(7, ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "other.pem").write_bytes(other)
    (tmp_path / "token").write_text("hush\n", encoding="utf-8")
    (tmp_path / "broken").write_text("hush\r\nx-evil: 1", encoding="utf-8")
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", encoding="utf-8")
    return tmp_path


def load(folder: Path, words: str) -> CentralConfig:
    path = folder / "central.toml"
    path.write_text(GOOD + words.replace("$", str(folder)), encoding="utf-8")
    return load_config(path)


HOOK = '[[webhooks]]\nkey = "vakt"\nurl = "https://vakt.example/a"\nsecret_file = "$/secret"\n'
PUSH = '[push]\nkey_file = "$/key.pem"\ncontact = "mailto:drift@example.no"\n'
SMS = '[sms]\nprofile = "gatewayapi"\ntoken_file = "$/token"\n'


def test_nothing_is_set_up_by_default(folder: Path) -> None:
    config = load(folder, "")
    roads = make_roads(config.sms, config.push, config.webhooks, lambda: 0.0, os.urandom)
    assert (roads.all, roads.push) == ((), None)
    roads.close()


def test_all_of_them(folder: Path) -> None:
    config = load(folder, SMS + 'sender = "Vakta"\n[sms.also]\nlabel = "natt"\n' + PUSH + HOOK)
    roads = make_roads(config.sms, config.push, config.webhooks, lambda: 0.0, os.urandom)
    sms, push, hook = roads.all
    assert [road.name for road in roads.all] == ["sms", "push", "webhook:vakt"]
    assert isinstance(sms, Sms)
    assert (sms.token, sms.sender, sms.provider.scheme) == ("hush", "Vakta", "Token")
    assert (sms.provider.url, sms.provider.also) == ("https://messaging.gatewayapi.eu/mobile/single", {"label": "natt"})
    assert push is roads.push
    assert isinstance(hook, Webhook)
    assert len(hook.secret) == 24
    roads.close()


def test_a_provider_of_ones_own(folder: Path) -> None:
    words = '[sms]\nurl = "https://a.example/"\nrecipient_field = "to"\ntext_field = "text"\npermanent = [422]\n'
    config = load(folder, words)
    (sms,) = make_roads(config.sms, config.push, config.webhooks, lambda: 0.0, os.urandom).all
    assert isinstance(sms, Sms)
    assert (sms.provider.recipient_form, sms.provider.scheme, sms.provider.permanent) == ("plus", "Bearer", (422,))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("[sms]\nprofil = 'x'", "config.sms.profil"),
        ("[sms]\nprofile = 'x'", "config.sms.profile"),
        ("[sms]\nsender = 'x'", "config.sms.url"),
        ("[sms]\nurl = 'http://a.example/'\nrecipient_field = 'a'\ntext_field = 'b'", "config.sms.url"),
        ("[sms]\nurl = 'https://a.example/'\ntext_field = 'b'", "config.sms.recipient_field"),
        ("[sms]\nurl = 'https://a.example/'\nrecipient_field = 'b'", "config.sms.text_field"),
        (SMS + "recipient_form = 'x'", "config.sms.recipient_form"),
        (SMS + "sender = 'Sykehjemmet i dalen'", "config.sms.sender"),
        (SMS + "per_minute = 0", "config.sms.per_minute"),
        (SMS + "permanent = [200]", "config.sms.permanent"),
        (SMS + "permanent = ['400']", "config.sms.permanent[0]"),
        ("[sms]\nprofile = 'gatewayapi'\ntoken_file = '$/nowhere'", "config.sms.token_file"),
        ("[sms]\nprofile = 'gatewayapi'\ntoken_file = '$/broken'", "config.sms.token_file"),
        ("[push]\ncontact = 'mailto:a@b'", "config.push.key_file"),
        ("[push]\nkey_file = '$/key.pem'", "config.push.contact"),
        ("[push]\nkey_file = '$/token'\ncontact = 'mailto:a@b'", "config.push.key_file"),
        ("[push]\nkey_file = '$/other.pem'\ncontact = 'mailto:a@b'", "config.push.key_file"),
        (PUSH + "per_minute = 100000", "config.push.per_minute"),
        (HOOK.replace("vakt", "Å", 1), "config.webhooks[0].key"),
        (HOOK.replace("https", "http"), "config.webhooks[0].url"),
        (HOOK.replace("$/secret", "$/token"), "config.webhooks[0].secret_file"),
        (HOOK.replace('key = "vakt"\n', ""), "config.webhooks[0].key"),
        (HOOK + HOOK, "config.webhooks[0].key"),
        (HOOK + "x = 1", "config.webhooks[0].x"),
    ],
)
def test_an_error_names_the_key(folder: Path, words: str, named: str) -> None:
    with pytest.raises(RejectError) as caught:
        load(folder, words)
    assert caught.value.field == named
