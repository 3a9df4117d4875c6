"""From alarm to help by roads out of the house: a provider that is down, a phone that is gone. With their stories."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nattevakt.central import duty_words
from nattevakt.central.config_channels import PushConfig, Roads, SmsConfig, make_roads
from nattevakt.central.notify import push_crypto
from tests.acceptance.help.centre import Person
from tests.acceptance.help.night import PHONE, THIRD_FLOOR, Night
from tests.support.provider import FAULT, OK, Provider, Says

BROWSER = ec.derive_private_key(11, ec.SECP256R1())
KEYS = {"p256dh": push_crypto.public_text(BROWSER), "auth": push_crypto.encode(b"a" * 16)}
TEXT = "Nattevakt: alarm, Furutun, 2. etasje rom 204, kl. 02:00. Åpne nettbrettet."
PER = f"Per Aas, {duty_words.ROLES['vakt'].lower()}"
GONE, TAKEN = Says(410), Says(201)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """The other side."""
    with Provider(OK) as found:
        yield found


def _night(url: str, roads: Roads) -> Iterator[Night]:
    found = Night(url, roads)
    yield found
    found.close()


@pytest.fixture
def texting(url: str, provider: Provider) -> Iterator[Night]:
    """A night in which text messages can be sent."""
    sms = SmsConfig(url=provider.url, recipient_field="to", text_field="text", reference_field="ref", id_field="msg_id")
    yield from _night(url, make_roads(sms, PushConfig(), (), lambda: 0.0, os.urandom))


@pytest.fixture
def pushing(url: str, provider: Provider, tmp_path: Path) -> Iterator[Night]:
    """A night in which phones can be pushed to."""
    pem = ec.derive_private_key(7, ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "push.pem").write_bytes(pem)
    push = PushConfig(str(tmp_path / "push.pem"), "mailto:drift@example.no", ("127.0.0.1",))
    yield from _night(url, make_roads(SmsConfig(), push, (), lambda: 0.0, os.urandom))


def test_a_provider_that_is_down_is_tried_until_it_is_back_and_told_of(texting: Night, provider: Provider) -> None:
    night = texting
    office = night.tablet("Vaktrom 2", "2etg")
    upstairs = night.tablet("Vaktrom 3", "3etg")
    per = Person.comes("per", upstairs)
    night.on_duty("per", phone=PHONE)
    night.on_duty("per", ahead=24)
    provider.says(FAULT)
    call = night.presses("204")
    night.passes(minutes=1, seconds=30)
    assert [(one.json["to"], one.json["text"]) for one in provider.asked] == [(PHONE, TEXT)]
    assert "channel_down" not in night.kinds()
    night.passes(minutes=6)
    assert night.kinds() == ["call", "channel_down"]
    down = night.one("channel_down")
    assert office.rings(down)
    tries = [one.json["ref"] for one in provider.asked]
    assert len(set(tries)) == 2, "one message for each step, the same at every try"
    provider.says(OK)
    night.passes(seconds=25)
    after = [one.json["ref"] for one in provider.asked[len(tries) :]]
    assert len(after) == 1, "back: one message, and no more of what had waited"
    per.takes(call)
    per.helps(call, night.hurries)
    assert len(provider.asked) == len(tries) + 1

    story = night.story(call)
    assert story.lines[:4] == [
        "02:00:05 | meldt | raise",
        f"02:01:35 | eskalert | escalate | untaken | step 1 | {THIRD_FLOOR}",
        "02:03:05 | eskalert | escalate | untaken | step 2",
        "02:08:00 | kvittert | Per Aas | take",
    ]
    assert [one for one in story.sendings if " sms " in one] == [
        "02:01:35 | step 1 | sms | Per Aas, vakt | withdrawn | superseded",
        "02:03:05 | step 2 | sms | Per Aas, vakt | sent | 02:07:55",
    ]
    again = [one for one in story.api["sendings"] if one["channel"] == "sms"][1]
    assert again["attempts"] == tries.count(after[0]) + 1
    story.says(f"Varslet utenom nettbrettene: {PER} (tekstmelding)")
    assert PHONE not in story.source, "whose it is, not what it is"
    assert PHONE not in str(story.api)
    about = night.story(down)
    assert (about.api["reason"]["code"], about.state) == ("channel_down.sms", "auto_avklart")


def test_a_phone_that_is_gone_lets_the_next_step_come_at_once(pushing: Night, provider: Provider) -> None:
    night = pushing
    night.loft.siren = True
    night.loft.beats()
    night.tablet("Vaktrom 2", "2etg")
    per = Person.comes("per", night.tablet("Vaktrom 3", "3etg"))
    night.on_duty("per")
    night.on_duty("per", ahead=24)
    subscription = {"endpoint": provider.url, "keys": KEYS}
    per.tablet.call("POST", "/tablet/push", subscription)
    provider.says(GONE)
    call = night.presses("204")
    night.passes(seconds=95)
    night.passes(seconds=15)
    per.takes(call)
    assert len(provider.asked) == 1, "it is not asked again"
    assert provider.asked[0].headers["content-encoding"] == "aes128gcm"
    story = night.story(call)
    assert story.lines == [
        "02:00:05 | meldt | raise",
        f"02:01:35 | eskalert | escalate | untaken | step 1 | {THIRD_FLOOR}",
        "02:01:40 | eskalert | escalate | failed | step 2",
        "02:01:55 | kvittert | Per Aas | take",
    ]
    assert story.sendings[0] == "02:01:35 | step 1 | push | Per Aas, vakt | failed | subscription_gone | 02:01:35"
    assert [one.split(" | ")[1:4] for one in story.sendings[1:]] == [["step 2", "siren", "Loftet"]]
    story.says(f"Kom ikke fram: {PER} (varsel til telefon).", "telefonen er ikke lenger meldt på")
    story.says("Ingen av meldingene i trinnet før kunne sendes.")
    assert provider.url not in story.source

    per.tablet.call("POST", "/tablet/push", subscription)
    provider.says(TAKEN)
    again = night.presses("205")
    night.passes(seconds=95)
    per.takes(again)
    (sent,) = night.story(again).sendings
    assert sent == "02:03:25 | step 1 | push | Per Aas, vakt | sent | 02:03:25"
