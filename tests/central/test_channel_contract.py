"""What holds for every road: what a status means, how often it may be used, whom it serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nattevakt.central.notify.channel import Later, Never, RateLimit, judged, serves
from nattevakt.central.notify.web import WebClient
from nattevakt.central.notify.webhook import Webhook

SECRET = bytes(32)


@pytest.fixture
def client() -> Iterator[WebClient]:
    made = WebClient(lambda: 0.0)
    yield made
    made.close()


def test_every_status_has_one_meaning() -> None:
    for status in range(100, 600):
        found = judged(status)
        assert (found is None) == (200 <= status < 300)
        if status >= 500:
            assert isinstance(found, Later)
        if 300 <= status < 400:
            assert isinstance(found, Never)


def test_a_road_is_used_so_often_a_minute_and_not_while_it_asks_to_wait() -> None:
    limit = RateLimit(3)
    assert [limit.take(0) for _ in range(4)] == [True, True, True, False]
    assert not limit.take(19_999)
    assert limit.take(20_000)
    assert not limit.take(20_001)
    limit.give_back()
    limit.pause(25_000)
    assert not limit.take(24_999)
    assert limit.take(25_000)
    limit.pause(10**12)
    assert limit.take(90_000), "a pause beyond all reason was reckoned by a clock that was wrong"


def test_a_road_serves_those_that_it_names_or_all(client: WebClient) -> None:
    assert serves(Webhook("a", "https://a", SECRET, client), "furutun")
    only = Webhook("a", "https://a", SECRET, client, tenants=("granly",))
    assert (serves(only, "granly"), serves(only, "furutun")) == (True, False)
