"""The running service sends by the roads of its settings: from a row of the ledger to the provider and back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from nattevakt.central.app import create_app
from nattevakt.central.config import CentralConfig, load_config
from nattevakt.central.notify import dispatch, sendings
from nattevakt.central.notify.channel import Later, Sent
from nattevakt.central.notify.dispatch import Dispatcher
from tests.central.house import House, build
from tests.central.ledger import Ledger
from tests.central.office import Office, Road
from tests.support.provider import OK, Provider, Says
from tests.support.wait import until


def settings(folder: Path, database_url: str, words: str) -> CentralConfig:
    """The settings as the service reads them."""
    (folder / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", encoding="utf-8")
    path = folder / "central.toml"
    path.write_text(f'[database]\nurl = "{database_url}"\n{words}', encoding="utf-8")
    return load_config(path)


def run(config: CentralConfig, house: House, work: Callable[[], None]) -> None:
    """The service for as long as the work lasts."""
    app = create_app(config, house.clock)

    async def both() -> None:
        async with app.router.lifespan_context(app):
            await asyncio.to_thread(work)

    asyncio.run(both())


def test_what_is_asked_for_is_sent_by_each_road_that_is_set_up(house: House, database_url: str, tmp_path: Path) -> None:
    ledger = Ledger(house)
    with Provider(OK) as phones, Provider(Says(204, b"")) as hook:
        words = (
            f'[sms]\nurl = "{phones.url}"\nrecipient_field = "to"\ntext_field = "text"\nid_field = "msg_id"\n'
            f'[[webhooks]]\nkey = "vakt"\nurl = "{hook.url}"\nsecret_file = "{tmp_path / "secret"}"\n'
        )

        def work() -> None:
            ledger.ask(ledger.ring(), ("sms", "phone:+4790000001"), ("webhook", "webhook:vakt"))
            until(lambda: ledger.states() == ["sent", "sent"], "both have been told")

        run(settings(tmp_path, database_url, words), house, work)
    assert [asked.json["to"] for asked in phones.asked] == ["+4790000001"]
    assert [asked.headers["webhook-id"] for asked in hook.asked] == [ledger.row(2).idempotency_key]
    assert ledger.row(1).provider_ref == "m-1"


def test_without_any_road_what_is_asked_for_fails_and_says_why(house: House, database_url: str, tmp_path: Path) -> None:
    ledger = Ledger(house)

    def work() -> None:
        ledger.ask(ledger.ring(), ("sms", "phone:+4790000001"))
        until(lambda: ledger.states() == ["failed"], "it has failed")
        until(lambda: ledger.house.alarms("channel_down"), "somebody hears of it")

    run(settings(tmp_path, database_url, ""), house, work)
    assert ledger.row().reason == "not_set_up"


def test_what_one_tenant_has_to_tell_holds_up_no_other(house: House) -> None:
    """The road takes few a minute, and the first tenant alone would take them all."""
    first, second = Office(house), Office(build(house.db, house.clock, "granly"))
    road = Road("sms")
    road.per_minute = 2
    first.ask(first.ring(), *(("sms", f"phone:+479000001{number}") for number in range(5)))
    dispatcher = Dispatcher(house.db, house.clock, (road,), poll_s=0.01)
    dispatcher.start()
    try:
        until(lambda: len(road.given) == 2, "all that may go now")
        second.ask(second.ring(), ("sms", "phone:+4790000002"))
        house.clock.at_ms += 60_000
        until(lambda: len(road.given) == 4, "two more")
    finally:
        dispatcher.stop()
    assert sorted(message.phone == "+4790000002" for message in road.given[2:]) == [False, True], "one each"


def test_of_all_that_waits_each_tenant_is_told_one_at_a_time(house: House) -> None:
    first, second = Office(house), Office(build(house.db, house.clock, "granly"))
    road = Road("sms")
    first.ask(first.ring(), *(("sms", f"phone:+479000001{number}") for number in range(5)))
    second.ask(second.ring(), ("sms", "phone:+4790000002"))
    dispatcher = Dispatcher(house.db, house.clock, (road,), poll_s=0.01)
    dispatcher.start()
    try:
        until(lambda: len(road.given) == 6, "all have gone")
    finally:
        dispatcher.stop()
    assert "+4790000002" in [message.phone for message in road.given[:2]]


def test_what_asks_to_wait_for_one_message_holds_up_no_other(house: House) -> None:
    office, road = Office(house), Road("sms", Later("http_429", 300, whole_road=False), Sent())
    office.ask(office.ring(), ("sms", "phone:+4790000002"), ("sms", "phone:+4790000003"))
    office.cycle(road)
    office.cycle(road, after_s=1)
    assert [message.phone for message in road.given] == ["+4790000002", "+4790000003"]
    assert office.states() == ["pending", "sent"]
    assert office.row().due_ms == office.now_ms - 1_000 + 300_000, "that one waits as long as it was asked to"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_cannot_be_sent_waits_for_an_alarm_without_holding_its_sendings(house: House) -> None:
    """Whoever takes the alarm has it locked and withdraws them next: the two must not wait for each other."""
    office = Office(house)
    alarm = office.ring()
    office.ask(alarm, ("sms", "phone:+4790000002"))
    keeping = threading.Thread(target=dispatch.keep, args=(house.db, house.tenant, (), office.now_ms))

    def waits() -> bool:
        with house.db.read(house.tenant.id) as s:
            return s.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted AND :tenant > 0")).first() is not None

    with house.db.write(house.tenant.id) as s:
        s.execute(text("SELECT 1 FROM alarms WHERE tenant_id = :tenant FOR UPDATE"))
        keeping.start()
        until(waits, "it waits for the alarm")
        s.execute(text("SELECT set_config('lock_timeout', '300ms', true) WHERE :tenant > 0"))
        assert sendings.withdraw(s, alarm, office.now_ms, "taken") == 1
    keeping.join(10)
    assert office.states() == ["withdrawn"]
