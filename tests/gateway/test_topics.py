"""MQTT filters: what they match, and which of them could be delivered twice."""

from __future__ import annotations

import itertools

import paho.mqtt.client as mqtt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nattevakt.gateway.topics import Routes, clash, matches, overlap

LEVELS = st.sampled_from(["a", "b", "", "$SYS", "é"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join).filter(bool)


@st.composite
def filters(draw: st.DrawFn) -> str:
    levels = draw(st.lists(st.sampled_from(["a", "b", "", "+", "$SYS"]), min_size=1, max_size=4))
    return "/".join([*levels, *(["#"] if draw(st.booleans()) else [])]) or "+"


@settings(deadline=None, derandomize=True)
@given(filters(), TOPICS)
def test_a_filter_matches_as_the_client_library_says(pattern: str, topic: str) -> None:
    assert matches(pattern, topic) == mqtt.topic_matches_sub(pattern, topic)


@settings(deadline=None, derandomize=True)
@given(filters(), filters())
def test_filters_that_do_not_overlap_share_no_topic(one: str, other: str) -> None:
    shared = [
        topic
        for length in range(1, 6)
        for topic in map("/".join, itertools.product(("a", "b", ""), repeat=length))
        if topic and matches(one, topic) and matches(other, topic)
    ]
    assert not shared or overlap(one, other)
    assert overlap(one, other) == overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("zigbee2mqtt/#", "+/online", True),
        ("zigbee2mqtt/#", "shelly/+/online", False),
        ("zigbee2mqtt/#", "zigbee2mqtt", True),
        ("rom3/status", "rom3/status/+", False),
        ("+/status", "rom3/+", True),
        ("esphome/+/sensor/+/state", "esphome/+/binary_sensor/+/state", False),
        ("#", "a/b", True),
    ],
)
def test_overlaps_by_hand(one: str, other: str, both: bool) -> None:
    assert overlap(one, other) is both


def test_a_message_goes_to_one_owner_or_to_nobody() -> None:
    routes = Routes([("zigbee2mqtt/#", "bridge"), ("rom3/status", "node"), ("+/online", "shelly")])
    assert routes.owner("zigbee2mqtt/online") == "bridge", "who was named first comes first"
    assert routes.owner("rom3/status") == "node"
    assert routes.owner("plugg/online") == "shelly"
    assert routes.owner("rom3/other") is None


@settings(deadline=None, derandomize=True)
@given(st.lists(filters(), max_size=6))
def test_a_clash_is_found_wherever_it_is(patterns: list[str]) -> None:
    entries = [(pattern, number) for number, pattern in enumerate(patterns)]
    pairs = [(b, a) for b, a in itertools.product(entries, entries) if a[1] < b[1] and overlap(a[0], b[0])]
    found = clash(entries)
    assert (found is None) == (not pairs)
    assert found is None or found in pairs
