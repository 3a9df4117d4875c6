"""The board's view model on each database: order, names with their log, notices, and one tenant's rows only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from nattevakt.central import sweep
from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Database
from nattevakt.central.notify import outbox
from nattevakt.central.people import sessions, tablets
from nattevakt.central.people.sessions import Person
from nattevakt.central.people.tablets import Tablet
from nattevakt.central.places import plans
from nattevakt.central.tables import access_log, alarms
from nattevakt.central.tablet import pages, views
from nattevakt.central.tablet.i18n import words
from nattevakt.central.tablet.views import BoardView, log_reading
from nattevakt.central.tablet.vitals import vitals_of
from nattevakt.central.tablet.when import clock as clock_of
from tests.central.house import Clock
from tests.central.tablet.ward import MINUTE, NAME, Ward, code, ring, seed

T0 = 1_795_000_000_000
NB = words("nb")


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


def look(db: Database, tablet: Tablet, person: Person | None = None, at_ms: int = T0) -> BoardView:
    with db.read(tablet.tenant.id) as s:
        return views.board(s, tablet, person, NB, at_ms)


def kari(db: Database, tablet: Tablet) -> Person:
    with db.write(tablet.tenant.id) as s:
        token = sessions.start(s, tablet.id, 1, T0)
        found = sessions.find(s, tablet.id, tablet.ward_id, token, T0)
    assert found
    return found


def test_order_and_state(db: Database, ward: Ward, tablet: Tablet) -> None:
    low = ring(db, ward, T0, "rows_missing", None)
    taken = ring(db, ward, T0, "fall", "204", late_ms=41 * MINUTE)
    waiting = ring(db, ward, T0 + 1, "call", "205")
    act = Act(taken, State.TAKEN, 1, tablet.id, "key-00000001")
    db.transact(ward.tenant, lambda s: register.act(s, act, T0 + MINUTE))
    board = look(db, tablet, at_ms=T0 + 2 * MINUTE)
    assert [card.id for card in board.cards] == [waiting, taken, low]
    card = board.cards[1]
    assert (card.taken, card.holder, card.holder_does, card.act) == (True, "Kari N.", "har tatt alarmen", "on-way")
    assert card.when.endswith("meldt 41 min forsinket")
    assert {room.number: room.level for room in board.rooms if room.level} == {"204": "high", "205": "high"}
    assert [room.seen for room in board.rooms if room.number in ("201", "206", "213", "214")] == [
        "known",
        "unknown",
        "mute",
        "mute",
    ]


def test_names_are_logged_once_for_each_alarm_person_and_session(db: Database, ward: Ward, tablet: Tablet) -> None:
    ring(db, ward, T0, "fall", "204")
    ring(db, ward, T0, "rows_missing", None)
    assert [card.name for card in look(db, tablet).cards] == ["", ""]
    person = kari(db, tablet)
    board = look(db, tablet, person)
    assert [card.name for card in board.cards] == [NAME, ""]
    for at_ms in (T0, T0 + 5, T0 + 10):
        assert log_reading(db, tablet, person, board.cards, at_ms)
    assert log_reading(db, tablet, Person(1, "Kari N.", "KN", T0 + 20), board.cards, T0 + 20)
    with db.read(ward.tenant) as s:
        rows = s.execute(select(access_log).where(access_log.c.tenant_id == TENANT)).all()
    assert [row.at_ms for row in rows] == [T0, T0 + 20]
    assert {row.resident_id for row in rows} == {ward.residents["204"]}


def test_a_name_is_not_shown_where_its_reading_cannot_be_logged(db: Database, ward: Ward, tablet: Tablet) -> None:
    ring(db, ward, T0, "fall", "204")
    person = kari(db, tablet)
    board = look(db, tablet, person)
    away = Database("sqlite:////nonexistent/nowhere.sqlite")
    assert not log_reading(away, tablet, person, board.cards, T0)
    away.close()


def test_notice_is_named_until_it_has_sounded(db: Database, ward: Ward, tablet: Tablet) -> None:
    ring(db, ward, T0, "fall", "204")
    (card,) = look(db, tablet).cards
    assert card.notice_id is not None
    assert not card.notice_sent
    with db.write(ward.tenant) as s:
        outbox.mark_sent(s, tablet.id, [card.notice_id], T0)
    assert look(db, tablet).cards[0].notice_sent
    with db.write(ward.tenant) as s:
        outbox.mark_sounded(s, tablet.id, [card.notice_id], T0)
    assert look(db, tablet).cards[0].notice_id is None
    ring(db, ward, T0 + 1, "fall", "204")
    (again,) = look(db, tablet).cards
    assert (again.sound_seq, again.notice_sent) == (2, False)
    assert again.again.startswith("Meldt 2 ganger, sist kl. ")


def test_another_municipality_is_never_on_the_board(db: Database, ward: Ward, tablet: Tablet) -> None:
    other = seed(db, T0, "annen")
    ring(db, other, T0, "fall", "204")
    assert look(db, tablet).cards == ()
    assert len(look(db, tablet).rooms) == 14


def test_vital_signs(db: Database, ward: Ward, tablet: Tablet) -> None:
    read = vitals_of(db, Clock(T0 + 7_000))
    before = read(ward.tenant, frozenset({tablet.id, 999}))
    assert (before.sweep_age_s, before.tablets) == (7.0, frozenset({tablet.id}))
    ring(db, ward, T0, "fall", "204")
    assert read(ward.tenant, frozenset()).seq == before.seq + 1


def test_a_kind_that_says_where_does_not_say_it_twice(db: Database, ward: Ward, tablet: Tablet) -> None:
    ring(db, ward, T0, "bed_check", "203", spot="seng")
    ring(db, ward, T0, "call", "204", spot="seng")
    assert [card.kind for card in look(db, tablet).cards] == ["Ringer etter hjelp, seng", "Sjekk: tom seng"]


def test_what_the_plan_says_is_to_be_done_stands_on_the_card_without_the_name(
    db: Database, ward: Ward, tablet: Tablet
) -> None:
    resident = ward.residents["204"]
    first = NAME.split()[0]
    with db.write(ward.tenant) as s:
        plan = plans.current(s, resident)
        saved = plans.save(
            s,
            resident,
            (),
            handling=f"Følg {first} tilbake til sengen. {NAME} liker at lyset står på.",
            responsible="Berit B.",
            why="prøve",
            staff_id=None,
            by_name="prøve",
            now_ms=T0,
            expected_version=plan.version if plan is not None else 0,
        )
    alarm = ring(db, ward, T0, "fall", "204")
    with db.write(ward.tenant) as s:
        mine = (alarms.c.tenant_id == TENANT, alarms.c.id == alarm)
        s.execute(update(alarms).where(*mine).values(plan_version_id=saved.version_id, marks=["paused", "startup"]))
    (card,) = look(db, tablet).cards
    assert card.handling == "Følg beboeren tilbake til sengen. beboeren liker at lyset står på."
    assert (card.responsible, card.name) == ("", "")
    assert card.marks == ("Tilsynet er på pause", "Oppstart: vurderes daglig")
    (card,) = look(db, tablet, kari(db, tablet)).cards
    assert card.handling.startswith(f"Følg {first} tilbake")
    assert (card.responsible, card.name) == ("Berit B.", NAME)
    # A later version of the plan is not what it rang by.
    with db.write(ward.tenant) as s:
        plans.end(s, resident, "Slutt", None, T0)
    assert look(db, tablet, kari(db, tablet)).cards[0].handling.startswith("Følg")


def test_until_when_stands_there_for_everybody_and_who_did_not_come(db: Database, ward: Ward, tablet: Tablet) -> None:
    called, door = ring(db, ward, T0, "call", "204"), ring(db, ward, T0, "door_at_night", "205")
    battery = ring(db, ward, T0, "battery_low", "206")
    person = kari(db, tablet)
    for alarm, staff_id, promise_min in ((called, 1, 20), (door, 2, None), (battery, 1, None)):
        act = Act(alarm, State.TAKEN, staff_id, tablet.id, f"take-{alarm:08}", promise_min=promise_min)
        db.transact(ward.tenant, lambda s, act=act: register.act(s, act, T0))  # type: ignore[misc]
    at_ms = T0 + 4 * MINUTE + 50_000
    for who in (None, person):
        cards = {card.id: card for card in look(db, tablet, who, at_ms).cards}
        zone = ZoneInfo(tablet.tenant.time_zone)
        assert (cards[called].due, cards[called].left) == (
            f"Kommer innen kl. {clock_of(T0 + 20 * MINUTE, zone)}",
            "15 min igjen",
        )
        again = clock_of(T0 + 10 * MINUTE, zone)
        assert (cards[door].due, cards[door].left) == (
            f"Ringer igjen kl. {again} hvis ingen er framme",
            "5 min 10 s igjen",
        )
        assert cards[battery].due.endswith(":00 hvis den ikke er avsluttet")
        assert [cards[alarm].may_promise for alarm in (called, door, battery)] == [True, who is None, True]
    late = {card.id: card for card in look(db, tablet, person, T0 + 11 * MINUTE).cards}
    assert late[door].left == "tiden er ute"
    sweep.cycle(db, tablet.tenant, T0 + 11 * MINUTE)
    card = next(card for card in look(db, tablet, None, T0 + 12 * MINUTE).cards if card.id == door)
    assert card.lapse == f"Tatt av Per A. kl. {clock_of(T0, zone)}, ikke framme"
    assert (card.taken, card.act, card.due, card.may_promise, card.why) == (
        False,
        "take",
        "",
        True,
        "Døren ble åpnet i beboerens nattvindu.",
    )
    assert card.notice_id is not None


def test_a_card_is_drawn_once_for_all_tablets(db: Database, ward: Ward, tablet: Tablet) -> None:
    ring(db, ward, T0)
    (card,) = look(db, tablet).cards
    assert card.notice_id is not None
    drawn = pages.alarm_html(NB, card)
    assert pages.alarm_html(NB, replace(card, notice_id=card.notice_id + 1, notice_sent=True, age="3 s")) is drawn
    assert pages.alarm_html(NB, replace(card, version=card.version + 1)) is not drawn


def test_what_is_read_for_a_ward_names_no_tablets_notice(db: Database, ward: Ward, tablet: Tablet) -> None:
    ring(db, ward, T0)
    with db.read(ward.tenant) as s:
        shared = views.of_ward(s, tablet, None, NB, T0)
        assert [card.notice_id for card in shared.cards] == [None]
        assert views.addressed(s, tablet, None, shared) == views.board(s, tablet, None, NB, T0)
