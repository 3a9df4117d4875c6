"""Real processes compare their lists of devices: a finding at both ends, gone when both know, and nothing rings."""

from __future__ import annotations

from contextlib import closing

import pytest

from nattevakt.central.clock import ServiceClock
from nattevakt.central.db import Database
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import load_seed
from nattevakt.gateway.device_list import ONLY_CENTRE, ONLY_GATEWAY
from tests.support.house import House, seed_text
from tests.support.wait import until

pytestmark = pytest.mark.acceptance
STRAY = "enocean:0000BEEF"
LATER = "lora:24e124535d387374"


def device(address: str) -> str:
    return f'\n[[device]]\naddress = "{address}"\ngateway = "gw1"\nroom = "204"\nspot = "bad"\n'


def register(house: House, *addresses: str) -> None:
    """More devices at the centre, as its command line brings them in."""
    path = house.folder / "more.toml"
    path.write_text(seed_text() + "".join(map(device, addresses)), encoding="utf-8")
    with closing(Database(house.database)) as db:
        apply_seed(db, load_seed(path), ServiceClock().now_ms())


def findings(house: House) -> set[str]:
    """What stands in the gateway's status about lists."""
    return {one for one in house.health().get("findings", []) if one.endswith((ONLY_CENTRE, ONLY_GATEWAY))}


def test_what_one_end_does_not_know_is_found_at_both_and_gone_when_it_does(house: House) -> None:
    house.buttons = (STRAY,)
    house.start()
    stray, later = f"{STRAY}: {ONLY_GATEWAY}", f"{LATER}: {ONLY_CENTRE}"
    until(lambda: findings(house) == {stray}, "the gateway tells that the centre does not know its button")
    register(house, LATER)
    until(lambda: findings(house) == {stray, later}, "and that the centre waits for another")
    # The centre has the gateway's list on disk: what it found does not change while it is away.
    house.running["central"].stop()
    house.start_central()
    register(house, LATER, STRAY)
    until(lambda: findings(house) == {later}, "the button is known at both ends")
    assert [row["address"] for row in house.rows("SELECT address FROM listed_devices") if row["address"] == STRAY]
    assert {alarm["kind"] for alarm in house.alarms()} <= {"gateway_silent"}
