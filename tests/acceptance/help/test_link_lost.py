"""The link is lost, the gateway rings by itself, and afterwards there is one alarm with one story. A real gateway core,
the real application between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from nattevakt.central.columns import TENANT
from nattevakt.central.seed import apply_seed
from nattevakt.central.seed_file import Seed
from nattevakt.central.tables import alarms, staff
from nattevakt.edge.wire import CONTENT_TYPE
from nattevakt.gateway import inputs as io
from tests.acceptance.help.centre import Centre, Person, Wish
from tests.acceptance.help.night import PIN_HASH, STAFF
from tests.acceptance.help.told import read
from tests.central.house import Clock
from tests.central.local_house import BUTTON, SEED, LocalHouse
from tests.central.taken_night import oslo

TWO_MS = oslo("2026-11-23T02:00")


class FarHouse(LocalHouse):
    """The same, whose gateway speaks HTTP with the whole application."""

    def __init__(self, centre: Centre, folder: Path) -> None:
        self.centre = centre
        super().__init__(centre.db, folder, TWO_MS, centre.clock)

    def _exchange(self, out: io.HttpSend) -> io.Input:
        if not self.up:
            return io.HttpFailed(out.lane, out.number, "connection")
        kind = CONTENT_TYPE if out.path == "/v1/batches" else "application/json"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        (answer,) = self.centre.ask(Wish("POST", out.path, out.body, headers))
        assert answer.status_code == 200, answer.text
        return io.HttpReply(out.lane, out.number, answer.status_code, answer.content)

    def calls(self) -> list[int]:
        """The calls that the centre knows of."""
        return [int(row.id) for row in self.rows(alarms) if row.kind == "call"]


@pytest.fixture
def centre(url: str) -> Iterator[Centre]:
    found = Centre(url, Clock(TWO_MS))
    yield found
    found.close()


def test_what_rang_while_the_link_was_lost_is_one_alarm_with_both_histories(centre: Centre, tmp_path: Path) -> None:
    house = FarHouse(centre, tmp_path)
    people = tuple(type(one)(one.key, one.name, one.initials, wards=("a",), lead=one.lead) for one in STAFF)
    apply_seed(centre.db, Seed(SEED.tenant, SEED.ward, staff=people), TWO_MS)
    with centre.db.write(centre.tenant.id) as s:
        s.execute(update(staff).where(staff.c.tenant_id == TENANT), {"pin_argon2": PIN_HASH})
    office = centre.tablet("Vaktrom", "a")
    kari = Person.comes("kari", office)

    def passes(minutes: float) -> None:
        for _ in range(round(minutes * 6)):
            house.passes(1 / 6)
            centre.beat()
            centre.settle()

    passes(2)
    house.up = False
    passes(1.5)
    house.hears(BUTTON, action="press")
    passes(0.5)
    (rung,) = [one for one in house.local.view.alarms if one.sounding]
    assert (rung.kind, rung.room) == ("call", "201")
    assert house.calls() == [], "the centre knows nothing of it"
    house.local.see(rung.name)
    passes(0.5)
    house.up = True
    passes(1)
    (call,) = house.calls()
    kari.takes(call)
    kari.helps(call, passes)
    passes(2)
    assert house.calls() == [call], "no double"

    story = read(centre, office, call)
    moments = [line.split(" | ") for line in story.lines]
    assert [one[1:] for one in moments] == [
        ["meldt", "raise"],
        ["meldt", "note", "local.rung"],
        ["meldt", "note", "local.seen"],
        ["kvittert", "Kari Nes", "take"],
        ["hos_bruker", "Kari Nes", "on_site"],
        ["avsluttet", "Kari Nes", "close"],
    ]
    (said,) = [one for one in story.api["events"] if one["kind"] == "call"]
    assert said["late_ms"] > 60_000
    assert [one["kind"] for one in story.api["events"]].count("local_alarm") == 2
    assert len(story.api["soundings"]) == 1
    story.says("Varslet lokalt på mottakeren kl. 02:03", "Sett lokalt på mottakeren kl. 02:04")
