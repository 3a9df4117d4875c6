"""Invariants 2 and 3 about time: what nobody takes goes on, in time and no sooner, and asks each person once a step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import delete

from nattevakt.central import wakes
from nattevakt.central.alarms import escalating, register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.alarms.requests import Act as Wish
from nattevakt.central.columns import TENANT
from nattevakt.central.db import Tenant, TenantSession
from nattevakt.central.tables_duty import sendings
from nattevakt.sim import changes
from nattevakt.sim.acts import Act
from nattevakt.sim.broken import ignore
from nattevakt.sim.centre import Stock, Workings
from nattevakt.sim.explore.pages import Page
from nattevakt.sim.ward import WARD, Ward
from tests.sim.explore.looking import Looked, looked

EARLIER = (
    "UPDATE alarms SET step_ms = step_ms - 60000",
    "UPDATE wake_rows SET wake_at_ms = wake_at_ms - 60000 WHERE rule = 'escalation'",
)
DEAF = Workings(handlers={**Workings().handlers, "escalation": ignore})
REACHED = replace(
    WARD,
    staff=tuple(replace(worker, phone="+4790000001") if worker.key == "kari" else worker for worker in WARD.staff),
    more="".join(
        f'[[duty]]\nstaff = "kari"\nward = "{WARD.key}"\nfrom = "{begin}"\nto = "{end}"\n'
        for begin, end in (("07:00", "19:00"), ("19:00", "07:00"))
    ),
)
"""Kari is always on duty, and has a telephone."""


@contextmanager
def ringing(folder: Path, stock: Stock, *, workings: Workings | None = None, ward: Ward = WARD) -> Iterator[Looked]:
    """Somebody has pressed, one tablet of the ward shows it, and nobody does anything."""
    pages: list[Page] = []
    with looked(folder, stock, workings=workings, ward=ward, tablets=lambda: pages) as found:
        page = Page(found.world, "kari", Random(1), lambda _: None)
        page.enrol()
        pages.append(page)
        found.world.pages.append(page.hint)
        found.happens("r204", (0.1, Act.PRESSES))
        found.run(0.2)
        yield found


def steps(found: Looked) -> list[int]:
    """The steps of the call's way that its history names."""
    return [move.detail["step"] for move in found.judge.truth.books.alarms[1].moves if move.cause == "escalate"]


def asked(found: Looked) -> int:
    """How often somebody was asked about the call by text message."""
    texts = "SELECT count(*) FROM sendings WHERE alarm_id = 1 AND channel = 'sms'"
    return int(found.judge.truth.books.ask(texts)[0][0])


@pytest.mark.parametrize("broken", [False, True])
def test_what_nobody_takes_goes_on_again_and_again(folder: Path, stock: Stock, *, broken: bool) -> None:
    with ringing(folder, stock, workings=DEAF if broken else None) as found:
        found.run(2)
        assert found.broken == [], "it has its time"
        found.run(10)
        assert found.broken == ([3] if broken else [])
        assert found.said("ikke gått videre") is broken
        assert steps(found) == ([] if broken else [1, 2, 3])


def test_repeats_that_reach_nobody_new_are_seen_too(folder: Path, stock: Stock) -> None:
    with ringing(folder, stock) as found:
        found.run(9)
        assert found.broken == []
        found.world.centre.workings = DEAF
        found.run(6)
        assert found.broken == [3]


@pytest.mark.parametrize("broken", [False, True])
def test_what_no_tablet_shows_goes_on_sooner(folder: Path, stock: Stock, *, broken: bool) -> None:
    with looked(folder, stock, workings=DEAF if broken else None) as found:
        found.happens("r204", (0.1, Act.PRESSES))
        found.run(1.4)
        assert found.broken == ([3] if broken else [])
        assert steps(found) == ([] if broken else [1, 2])


def test_before_its_time_it_goes_to_nobody(folder: Path, stock: Stock) -> None:
    with ringing(folder, stock) as found:
        found.run(0.3)
        found.writes(*EARLIER)
        found.run(0.6)
        assert found.broken == [2]
        assert found.said("gikk videre før tiden")


def test_what_is_on_a_tablet_does_not_go_on_as_if_it_were_not(folder: Path, stock: Stock) -> None:
    with ringing(folder, stock) as found:
        found.run(1)
        found.writes("UPDATE notices SET shown_ms = NULL", EARLIER[1])
        found.run(0.2)
        assert found.broken == [2]
        assert found.said("som ikke vist")


def test_a_centre_that_was_off_and_a_clock_that_was_wrong_are_given_their_time(folder: Path, stock: Stock) -> None:
    with ringing(folder, stock) as found:
        found.world.centre.off()
        found.run(30)
        found.world.centre.on()
        found.run(2)
        found.world.centre.clock.offset_ms = 2_500_000
        found.run(3)
        found.world.centre.clock.offset_ms = 0
        found.run(10)
        assert [one for one in found.judge.violations if one.about == "alarm 1"] == []
        assert steps(found)[:2] == [1, 2]


def gives_away(found: Looked) -> None:
    """Kari will not take it."""

    def declines(s: TenantSession, now_ms: int) -> None:
        who = changes.staff_id(s, "kari")
        register.act(s, Wish(1, State.REJECTED, who, None, "tap-00000001", reason="annet"), now_ms)

    found.world.centre.change(declines)
    found.run(0.2)


def test_who_declines_gives_it_to_the_next(folder: Path, stock: Stock) -> None:
    with ringing(folder, stock, ward=REACHED) as found:
        gives_away(found)
        assert (found.broken, steps(found), asked(found)) == ([], [1], 1)


def _loses(s: TenantSession, tenant: Tenant, wake: wakes.Wake, now_ms: int, pace: float) -> None:
    escalating.look(s, tenant, wake, now_ms, pace)
    s.execute(delete(sendings).where(sendings.c.tenant_id == TENANT))


@pytest.mark.parametrize("broken", [False, True])
def test_who_is_on_duty_is_asked_at_every_step(folder: Path, stock: Stock, *, broken: bool) -> None:
    losing = Workings(handlers={**Workings().handlers, "escalation": _loses})
    with ringing(folder, stock, ward=REACHED, workings=losing if broken else None) as found:
        found.run(9)
        assert found.broken == ([3] if broken else [])
        assert found.said("uten at kari, som har vakt, ble spurt") is broken
        assert broken or asked(found) == 3


@pytest.mark.parametrize("same_step", [False, True])
def test_nobody_is_asked_twice_for_one_step(folder: Path, stock: Stock, *, same_step: bool) -> None:
    into = (
        "INSERT INTO sendings (tenant_id, id, alarm_id, sound_seq, step, channel, target, state, attempts, made_ms,"
        " due_ms, idempotency_key) SELECT tenant_id, id + 10, alarm_id, sound_seq, step + 10, channel, target, state,"
    )
    made = "made_ms" if same_step else "made_ms + 7000"
    with ringing(folder, stock, ward=REACHED) as found:
        found.run(1.7)
        assert found.broken == []
        found.writes(f"{into} attempts, {made}, due_ms, 'another' FROM sendings")
        found.run(0.3)
        assert found.broken == [2]
        assert found.said("er bestilt en gang til")


@pytest.mark.parametrize("broken", [False, True])
def test_who_has_it_is_not_asked_about_any_more(folder: Path, stock: Stock, *, broken: bool) -> None:
    with ringing(folder, stock, ward=REACHED) as found:
        found.run(1.7)
        found.world.moves("kari", "call", "204", State.TAKEN)
        if broken:
            found.writes("UPDATE sendings SET state = 'pending'")
        found.run(0.3)
        assert found.broken == ([2] if broken else [])
