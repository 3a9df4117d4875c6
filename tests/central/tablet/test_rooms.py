"""What a room's tile says: unknown with its reason, the word of an open alarm, and what cannot be supervised."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from nattevakt.central import sweep, wakes, watching
from nattevakt.central.columns import TENANT
from nattevakt.central.completeness import Outage
from nattevakt.central.db import Database
from nattevakt.central.people import tablets
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.places.sensors import Sensor
from nattevakt.central.tables import device_states, devices, gateways
from nattevakt.central.tablet import views
from nattevakt.central.tablet.i18n import LANGUAGES, words
from nattevakt.central.tablet.pages import rooms_html
from nattevakt.central.tablet.rooms import RoomAlarm, RoomView, view
from nattevakt.central.tablet.when import clock
from tests.central.tablet.ward import MINUTE, Ward, code, ring, seed

T0 = 1_795_000_000_000
DAY = 24 * 60 * MINUTE
OSLO = ZoneInfo("Europe/Oslo")
NB = words("nb")
BED = Sensor(mute=False, last_heard_ms=T0, readings={"bed": "occupied"})
CUT = Outage(T0 - 4 * MINUTE, "gateway_silent")


def tile(*sensors: Sensor, alarm: RoomAlarm | None = None, lang: str = "nb", at_ms: int = T0) -> RoomView:
    return view("201", "", sensors, words(lang), OSLO, at_ms, alarm)


@pytest.mark.parametrize(
    ("lang", "said", "why"),
    [
        ("nb", "Ukjent siden {at}", "ingen kontakt med mottakeren"),
        ("nn", "Ukjent sidan {at}", "ingen kontakt med mottakaren"),
        ("en", "Unknown since {at}", "no contact with the receiver"),
    ],
)
def test_a_room_behind_a_silent_gateway_is_unknown_whatever_its_sensors_said(lang: str, said: str, why: str) -> None:
    sensor = Sensor(mute=False, last_heard_ms=T0, readings={"bed": "occupied"}, outage=CUT)
    found = tile(BED, sensor, lang=lang)
    assert (found.seen, found.heard_ms) == ("unknown", None)
    assert (found.words, found.detail) == (said.format(at=clock(CUT.since_ms, OSLO)), why)


def test_the_gateway_explains_before_a_sensor_does() -> None:
    lost = Sensor(mute=False, last_heard_ms=1, unknown_since_ms=T0 - 9 * MINUTE, unknown_reason="silent", outage=CUT)
    assert tile(Sensor(mute=False), lost).detail == "ingen kontakt med mottakeren"
    silent = Sensor(mute=False, last_heard_ms=1, unknown_since_ms=T0 - 9 * MINUTE, unknown_reason="silent")
    assert tile(BED, silent).detail == "sensoren melder seg ikke"


def test_a_button_that_nobody_would_hear_is_no_quiet_room() -> None:
    found = tile(Sensor(mute=True, proved_ms=T0, outage=CUT))
    assert (found.seen, found.detail) == ("unknown", "ingen kontakt med mottakeren")


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("nb", ["aldri prøvd", "prøvd i dag", "prøvd for 3 d siden"]),
        ("nn", ["aldri prøvd", "prøvd i dag", "prøvd for 3 d sidan"]),
        ("en", ["never tried", "tried today", "tried 3 d ago"]),
    ],
)
def test_a_mute_device_says_when_it_was_tried(lang: str, expected: list[str]) -> None:
    said = [tile(Sensor(mute=True, proved_ms=at), lang=lang) for at in (None, T0 - DAY + 1, T0 - 3 * DAY)]
    assert [one.proof for one in said] == expected
    assert [one.due for one in said] == [True, False, False]
    assert {one.seen for one in said} == {"mute"}


def test_a_mute_device_is_due_after_thirty_days_and_the_least_tried_speaks() -> None:
    fresh, old = Sensor(mute=True, proved_ms=T0), Sensor(mute=True, proved_ms=T0 - 30 * DAY)
    assert (tile(fresh, old).proof, tile(fresh, old).due) == ("prøvd for 30 d siden", False)
    due = tile(fresh, old, at_ms=T0 + 1)
    assert (due.proof, due.due) == ("må prøves, sist for 30 d siden", True)
    beside = tile(BED, old, at_ms=T0 + 5 * DAY)
    assert (beside.seen, beside.note) == ("known", "1 sensor kan ikke overvåkes")
    assert (beside.proof, beside.due) == ("må prøves, sist for 35 d siden", True)


def test_an_open_alarm_speaks_instead_of_a_stale_state() -> None:
    alarm = RoomAlarm("high", "triangle-alert", "Fall", "02:12")
    found = tile(BED, alarm=alarm)
    assert (found.words, found.detail, found.icon, found.level) == ("Fall", "02:12", "triangle-alert", "high")
    assert (found.heard_ms, found.seen) == (None, "known")
    doubtful = tile(Sensor(mute=False, last_heard_ms=T0, outage=CUT), alarm=alarm)
    assert (doubtful.words, doubtful.seen) == ("Fall", "unknown")
    assert doubtful.doubt.startswith("Ukjent siden ")


def test_an_alarm_about_the_installation_leaves_the_state_and_gives_its_colour() -> None:
    found = tile(BED, alarm=RoomAlarm("low", "", "", ""))
    assert (found.words, found.level) == ("I seng", "low")


# --- from the database ---------------------------------------------------------------------------------------


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """Each kind of database."""
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture
def ward(db: Database) -> Ward:
    return seed(db, T0)


@pytest.fixture
def tablet(db: Database, ward: Ward) -> Tablet:
    cookie = tablets.redeem(db, code(db, ward, T0), T0)
    assert cookie
    found = tablets.authenticate(db, cookie.text())
    assert found
    return found


def board(db: Database, tablet: Tablet, at_ms: int) -> dict[str, RoomView]:
    with db.read(tablet.tenant.id) as s:
        return {room.number: room for room in views.board(s, tablet, None, NB, at_ms).rooms}


def second_gateway(db: Database, ward: Ward, *numbers: str) -> int:
    """Another gateway, complete to now, that these rooms' devices are given to."""
    with db.write(ward.tenant) as s:
        found = s.insert(gateways, key="gw2", name="Mottaker øst", ward_id=ward.ward, credential_sha256="y")
        all_of_them = update(gateways).where(gateways.c.tenant_id == TENANT)
        s.execute(all_of_them.values(last_heartbeat_ms=T0, complete_to_ms=T0))
        moved = [f"test:{number}" for number in numbers]
        for table in (devices, device_states):
            mine = (table.c.tenant_id == TENANT, table.c.address.in_(moved))
            s.execute(update(table).where(*mine).values(gateway_id=found))
        watching.expect_gateway(s, found, T0)
    return found


def beats(db: Database, ward: Ward, gateway_id: int, at_ms: int) -> None:
    with db.write(ward.tenant) as s:
        mine = (gateways.c.tenant_id == TENANT, gateways.c.id == gateway_id)
        s.execute(update(gateways).where(*mine).values(last_heartbeat_ms=at_ms, complete_to_ms=at_ms))
        wakes.release(s, gateway_id, at_ms)


def test_only_the_silent_gateways_rooms_are_unknown_and_they_come_back(
    db: Database, ward: Ward, tablet: Tablet
) -> None:
    gateway_id = second_gateway(db, ward, "207", "208", "213")
    later = T0
    for _ in range(30):
        later += 15_000
        beats(db, ward, 1, later)
        assert sweep.cycle(db, tablet.tenant, later)
    rooms = board(db, tablet, later)
    assert {number for number, room in rooms.items() if room.seen == "unknown"} == {"206", "207", "208", "213"}
    assert rooms["207"].words == f"Ukjent siden {clock(T0, OSLO)}"
    assert rooms["207"].detail == "ingen kontakt med mottakeren"
    with db.read(ward.tenant) as s:
        (card,) = views.board(s, tablet, None, NB, later).cards
    assert (card.kind, card.place, card.level) == ("Ingen kontakt med mottakeren", "Mottaker øst", "medium")
    assert card.why.startswith("Ukjente rom: 207, 208, 213. Beboere: 3.")
    later += 15_000
    beats(db, ward, gateway_id, later)
    assert sweep.cycle(db, tablet.tenant, later)
    assert board(db, tablet, later)["207"].words == "I seng"


def test_a_withdrawn_gateways_rooms_are_unknown(db: Database, ward: Ward, tablet: Tablet) -> None:
    gateway_id = second_gateway(db, ward, "207")
    with db.write(ward.tenant) as s:
        s.execute(
            update(gateways)
            .where(gateways.c.tenant_id == TENANT, gateways.c.id == gateway_id)
            .values(revoked_ms=T0 + MINUTE)
        )
    room = board(db, tablet, T0 + 2 * MINUTE)["207"]
    assert (room.seen, room.detail) == ("unknown", "mottakeren er tatt ut av bruk")


def test_the_worst_alarm_of_a_person_speaks_and_the_installations_do_not(
    db: Database, ward: Ward, tablet: Tablet
) -> None:
    ring(db, ward, T0, "leak", "201")
    ring(db, ward, T0 + MINUTE, "fall", "201")
    ring(db, ward, T0, "device_silent", "202")
    ring(db, ward, T0, "call", "213")
    rooms = board(db, tablet, T0 + MINUTE)
    assert (rooms["201"].words, rooms["201"].detail) == ("Fall", clock(T0 + MINUTE, OSLO))
    assert (rooms["201"].level, rooms["202"].level) == ("high", "low")
    assert rooms["202"].words == "I seng"
    assert (rooms["213"].words, rooms["213"].proof) == ("Ringer etter hjelp", "aldri prøvd")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_tile_is_drawn_with_what_is_due(db: Database, ward: Ward, tablet: Tablet, lang: str) -> None:
    with db.read(ward.tenant) as s:
        html = rooms_html(words(lang), views.board(s, tablet, None, words(lang), T0))
    assert html.count('data-due="true"') == 1
    assert 'data-seen="mute"' in html
