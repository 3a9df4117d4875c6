"""A gateway's plan on its way: nobody but the centre can have written it, and what is not whole is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from nattevakt.edge.errors import RejectError
from nattevakt.edge.rules.rule import Entry
from nattevakt.edge.rules.windows import Window
from nattevakt.edge.wire import HeartbeatReply, decode_heartbeat_reply, encode_message
from nattevakt.edge.wire_plan import (
    LocalPlan,
    PlanLine,
    PlanRoom,
    SignedPlan,
    credential_key,
    opened,
    signed,
    versioned_plan,
)

KEY, OTHER = credential_key("nv1.a.b.c"), credential_key("nv1.a.b.d")
LINE = PlanLine("out_of_bed", (Entry((Window(22 * 60, 7 * 60, 31),), {"settle_s": 5}),), 5, 9)
ROOM = PlanRoom(1, "201", shared=True, devices={"z2m:seng": "seng"}, lines=(LINE,))
PLAN = versioned_plan(LocalPlan("gw1", rooms=(ROOM, PlanRoom(2, "202"))), 1_795_306_500_000)


def forged(**changes: object) -> SignedPlan:
    """A plan with other content, signed by who knows the key."""
    text = json.dumps({**json.loads(signed(PLAN, KEY).text), **changes})
    return SignedPlan(text, _signature(text))


def _signature(text: str) -> str:
    return hmac.new(bytes.fromhex(KEY), b"nattevakt plan\n" + text.encode(), hashlib.sha256).hexdigest()


def test_what_was_signed_is_what_is_opened_also_over_the_wire() -> None:
    envelope = signed(PLAN, KEY)
    assert opened(envelope, KEY) == PLAN
    reply = HeartbeatReply({}, 1, plan_version=PLAN.version, plan=envelope)
    assert decode_heartbeat_reply(encode_message(reply)) == reply


def test_the_version_is_of_what_is_said_and_not_of_when() -> None:
    later = versioned_plan(replace(PLAN, version=""), 1_795_306_600_000)
    assert later.version == PLAN.version
    assert versioned_plan(replace(PLAN, rooms=(ROOM,)), 0).version != PLAN.version


@pytest.mark.parametrize(
    "envelope",
    [
        replace(signed(PLAN, KEY), text=signed(PLAN, KEY).text.replace("201", "202", 1)),
        replace(signed(PLAN, KEY), hmac="0" * 64),
        replace(signed(PLAN, KEY), hmac="æ"),
        SignedPlan("", ""),
        signed(PLAN, OTHER),
        forged(format=2),
        forged(
            rooms=[{"id": 1, "number": "201", "lines": [{"rule": "x", "entries": [{"windows": [{"from_minute": 1}]}]}]}]
        ),
        forged(
            rooms=[
                {
                    "id": 1,
                    "number": "1",
                    "lines": [{"rule": "x", "entries": [{"windows": [{"from_minute": 9000, "to_minute": 1}]}]}],
                }
            ]
        ),
        forged(rooms="none"),
    ],
)
def test_what_is_not_the_centres_whole_word_is_refused(envelope: SignedPlan) -> None:
    with pytest.raises(RejectError):
        opened(envelope, KEY)


def test_a_damaged_plan_costs_no_heartbeat() -> None:
    raw = encode_message(HeartbeatReply({}, 1)).replace(b'"now_ms":1', b'"now_ms":1,"plan":{"text":7}')
    assert decode_heartbeat_reply(raw) == HeartbeatReply({}, 1, plan=SignedPlan("", ""))
