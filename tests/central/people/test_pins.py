"""PINs, waiting, sessions and enrolment as rules, with time as an argument."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nattevakt.central.db import Database
from nattevakt.central.people import ratelimit, sessions, staff, tablets, tokens
from nattevakt.central.people.tokens import TabletCookie
from nattevakt.edge.errors import RejectError
from tests.central.tablet.ward import PIN, Ward, code, seed

T0 = 1_795_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """Each kind of database."""
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture
def ward(db: Database) -> Ward:
    return seed(db, T0)


def enrol(db: Database, ward: Ward) -> int:
    cookie = tablets.redeem(db, code(db, ward, T0), T0)
    assert cookie
    return cookie.tablet_id


@pytest.mark.parametrize(
    "pin", ["", "123", "123456789", "12a4", "١٢٣٤٥", "1234", "4321", "0000", "890123", "1212", "274274", "2580"]
)
def test_poor_pins_are_refused(pin: str) -> None:
    with pytest.raises(RejectError) as refused:
        staff.check_pin(pin)
    assert refused.value.field == "pin"
    assert pin not in refused.value.reason or not pin


@pytest.mark.parametrize("pin", ["2741", "27419", "274193", "90210845"])
def test_other_pins_are_taken(pin: str) -> None:
    staff.check_pin(pin)


def test_a_pin_is_kept_as_argon2id_and_verified() -> None:
    kept = staff.hash_pin(PIN)
    assert kept.startswith("$argon2id$")
    assert kept != staff.hash_pin(PIN)
    assert staff.verify_pin(kept, PIN)
    assert not staff.verify_pin(kept, "274194")
    assert not staff.verify_pin(None, PIN)
    assert not staff.verify_pin("rubbish", PIN)


def test_set_pin(db: Database, ward: Ward) -> None:
    with db.write(ward.tenant) as s:
        staff.set_pin(s, "per", "90210845")
        with pytest.raises(RejectError):
            staff.set_pin(s, "ola", "90210845")
        with pytest.raises(RejectError):
            staff.set_pin(s, "per", "1234")
    with db.read(ward.tenant) as s:
        per = next(one for one in staff.of_ward(s, ward.ward) if one.key == "per")
        assert staff.verify_pin(staff.pin_of(s, per.id), "90210845")


@given(st.integers(0, 200), st.integers(1, 20))
def test_waits_grow_and_end(failures: int, free: int) -> None:
    wait = ratelimit.wait_after(failures, free)
    assert wait <= ratelimit.wait_after(failures + 1, free) <= ratelimit.WAIT_MAX_MS
    assert (wait == 0) == (failures < free)


def test_a_pair_waits_longer_with_each_failure_and_is_free_after_success(db: Database, ward: Ward) -> None:
    tablet, other = enrol(db, ward), enrol(db, ward)
    with db.write(ward.tenant) as s:
        for n in range(5):
            assert ratelimit.wait_ms(s, tablet, 1, T0 + n) == 0
            ratelimit.begin(s, tablet, 1, T0 + n)
        assert ratelimit.wait_ms(s, tablet, 1, T0 + 4) == 30_000
        assert ratelimit.wait_ms(s, tablet, 2, T0 + 4) == 0
        assert ratelimit.wait_ms(s, other, 1, T0 + 4) == 0
        assert ratelimit.wait_ms(s, tablet, 1, T0 + 30_004) == 0
        ratelimit.begin(s, tablet, 1, T0 + 30_004)
        assert ratelimit.wait_ms(s, tablet, 1, T0 + 30_004) == 60_000
        ratelimit.succeed(s, ratelimit.begin(s, tablet, 1, T0 + 100_000))
        assert ratelimit.wait_ms(s, tablet, 1, T0 + 100_001) == 0
        # The clock was set back by a day: nobody waits longer than the longest wait.
        assert ratelimit.wait_ms(s, tablet, 1, T0 - 24 * HOUR) <= ratelimit.WAIT_MAX_MS


def test_one_tablet_cannot_try_everybody_and_many_tablets_not_one_person(db: Database, ward: Ward) -> None:
    tablet = enrol(db, ward)
    with db.write(ward.tenant) as s:
        for n in range(15):
            ratelimit.begin(s, tablet, 1 + n % 2, T0 + n)
        assert ratelimit.wait_ms(s, tablet, 1, T0 + 20) > 0
    fleet = [enrol(db, ward) for _ in range(6)]
    with db.write(ward.tenant) as s:
        for n in range(24):
            ratelimit.begin(s, fleet[n % 6], 2, T0 + 2 * HOUR + n)
        fresh = 2 * HOUR + 30
        assert ratelimit.wait_ms(s, fleet[0], 2, T0 + fresh) > 0
        assert ratelimit.wait_ms(s, fleet[0], 1, T0 + fresh) == 0
        assert ratelimit.wait_ms(s, fleet[0], 2, T0 + fresh + 2 * HOUR) == 0


def test_old_attempts_are_cleared_away(db: Database, ward: Ward) -> None:
    tablet = enrol(db, ward)
    with db.write(ward.tenant) as s:
        first = ratelimit.begin(s, tablet, 1, T0)
        ratelimit.begin(s, tablet, 1, T0 + 25 * HOUR)
        assert ratelimit.begin(s, tablet, 1, T0 + 25 * HOUR) == first + 2 or first == 1


def test_code_tries_are_counted_by_caller_and_bounded() -> None:
    tries = ratelimit.CodeTries()
    for n in range(ratelimit.CODE_TRIES):
        assert tries.wait_s("a", float(n)) == 0
        tries.failed("a", float(n))
    assert tries.wait_s("a", 10.0) == 51
    assert tries.wait_s("b", 10.0) == 0
    assert tries.wait_s("a", 61.0) == 0
    for n in range(ratelimit.CALLERS_MAX + 10):
        tries.failed(f"caller {n}", 70.0)
    assert len(tries._failures) == ratelimit.CALLERS_MAX


def test_a_session_lasts_a_shift_and_sleeps_without_use(db: Database, ward: Ward) -> None:
    tablet = enrol(db, ward)
    with db.write(ward.tenant) as s:
        token = sessions.start(s, tablet, 1, T0)

        def known(at_ms: int, where: int = tablet, at_ward: int = ward.ward) -> bool:
            return sessions.find(s, where, at_ward, token, at_ms) is not None

        assert known(T0 + 29 * MINUTE)
        assert not known(T0 + 30 * MINUTE)
        assert not known(T0 + 1, where=tablet + 1)
        assert not known(T0 + 1, at_ward=ward.ward + 1)
        now = T0
        while now < T0 + 13 * HOUR:
            now += 20 * MINUTE
            sessions.use(s, tablet, token, now)
            assert known(now) == (now < T0 + sessions.LIFE_MS)
        # One that sleeps is not woken by a touch: only the PIN does that.
        token = sessions.start(s, tablet, 1, T0)
        sessions.use(s, tablet, token, T0 + 31 * MINUTE)
        assert not known(T0 + 31 * MINUTE)


def test_the_next_person_ends_the_one_before(db: Database, ward: Ward) -> None:
    tablet = enrol(db, ward)
    with db.write(ward.tenant) as s:
        first = sessions.start(s, tablet, 1, T0)
        second = sessions.start(s, tablet, 2, T0 + 1)
        assert sessions.find(s, tablet, ward.ward, first, T0 + 2) is None
        found = sessions.find(s, tablet, ward.ward, second, T0 + 2)
        assert found is not None
        assert found.initials == "PA"
        sessions.end(s, tablet)
        assert sessions.find(s, tablet, ward.ward, second, T0 + 2) is None


def test_codes_are_good_for_fifteen_minutes_once_and_only_their_hash_is_kept(db: Database, ward: Ward) -> None:
    old, used = code(db, ward, T0), code(db, ward, T0)
    assert tablets.redeem(db, old, T0 + tablets.CODE_LIFE_MS) is None
    assert tablets.redeem(db, used, T0 + 1) is not None
    assert tablets.redeem(db, used, T0 + 2) is None
    assert tablets.redeem(db, "AAAAA", T0) is None
    with db.engine.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM tablet_codes").all())
    assert used.replace("-", "") not in kept
    with db.write(ward.tenant) as s, pytest.raises(RejectError):
        tablets.new_code(s, "9etg", "Nettbrett", T0)


def test_a_code_enrols_in_its_own_municipality(db: Database, ward: Ward) -> None:
    other = seed(db, T0, "annen")
    cookie = tablets.redeem(db, code(db, other, T0), T0)
    assert cookie is not None
    assert cookie.tenant_key == "annen"
    found = tablets.authenticate(db, cookie.text())
    assert found is not None
    assert found.tenant.id == other.tenant
    forged = TabletCookie("furutun", cookie.tablet_id, cookie.secret).text()
    assert tablets.authenticate(db, forged) is None
    assert cookie.secret not in str(found)


@given(st.text(max_size=80))
def test_any_typed_code_or_cookie_is_read_without_a_fault(typed: str) -> None:
    found = tokens.normal_code(typed)
    assert found is None or len(found) == 26
    cookie = TabletCookie.parse(typed)
    assert cookie is None or cookie.text() == typed


def test_codes_and_tokens_carry_enough_chance() -> None:
    codes = {tokens.code() for _ in range(100)}
    assert len(codes) == 100
    assert all(tokens.normal_code(one.lower()) == one.replace("-", "") for one in codes)
    secret = tokens.token()
    assert len(secret) == 43
    assert tokens.same(tokens.digest(secret), secret)
    assert not tokens.same(tokens.digest(secret), tokens.token())
