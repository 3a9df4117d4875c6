"""The centre behind its real application: the same nights as by its functions, its own statuses, and its death."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select, update
from starlette.responses import Response

from nattevakt.central.alarms.lifecycle import State
from nattevakt.central.api import PERMIT_WAIT_S
from nattevakt.central.columns import TENANT
from nattevakt.central.credentials import FAILURES_MAX, FAILURES_S
from nattevakt.central.db import TenantSession
from nattevakt.central.tables import alarms, events, gateways, notices
from nattevakt.edge.wire import ACCEPT_BYTES_MAX, CONTENT_TYPE
from nattevakt.gateway.inputs import URGENT, HttpSend
from nattevakt.sim.acts import Act
from nattevakt.sim.centre import LOCKED_MS, Centre, Stock
from nattevakt.sim.explore.asgi import AsgiCentre, Request
from nattevakt.sim.explore.asgi_page import HttpPage, page_of
from nattevakt.sim.explore.pages import Page
from nattevakt.sim.network import Answer
from nattevakt.sim.people import Happening
from nattevakt.sim.play import play
from nattevakt.sim.scenario import Night
from nattevakt.sim.scenarios import calls_answered, centre_restart, half_open, storm
from nattevakt.sim.storage import MOMENTS
from nattevakt.sim.ward import WARD
from nattevakt.sim.world import Plan, World

NOON_MS = 1_795_262_400_000
MINUTE_MS = 60_000
BUSY = HttpSend("backlog", 1, "/v1/batches", CONTENT_TYPE, b"{")
Told = list[tuple[int, str]]


@pytest.fixture
def world(folder: Path, stock: Stock) -> Iterator[World]:
    """A ward at noon, two minutes old."""
    found = World(Plan(WARD, NOON_MS, 1, folder, stock, centre=AsgiCentre))
    found.start()
    found.run(NOON_MS + 2 * MINUTE_MS)
    yield found
    found.close()


def centre_of(found: World) -> AsgiCentre:
    assert isinstance(found.centre, AsgiCentre)
    return found.centre


def press(found: World, who: str) -> None:
    found.happens(Happening(found.line.now_ms, who, Act.PRESSES))


def calls(found: World) -> list[tuple[str, int]]:
    return [(seen.room, len(seen.soundings)) for seen in found.watch.seen if seen.kind == "call"]


def key(found: World, gateway: str = "loftet") -> str:
    return found.hosts[gateway].link.credential


@dataclass
class Asked:
    """Requests sent past the road, and when which answer came, ms after the first."""

    world: World
    came: list[tuple[int, Answer | None]] = field(default_factory=list)

    def send(self, request: HttpSend, credential: str | None = None) -> Asked:
        begins_ms = self.world.line.now_ms
        credential = key(self.world) if credential is None else credential
        self.world.centre.serve(
            credential, request, lambda answer: self.came.append((self.world.line.now_ms - begins_ms, answer))
        )
        return self

    def wait(self, ms: int = 500) -> Asked:
        self.world.run(self.world.line.now_ms + ms)
        return self

    def statuses(self) -> list[int]:
        return [answer.status if answer is not None else 0 for _, answer in self.came]


# --- the same night ------------------------------------------------------------------------------------------


def told(night: Night, kind: type[Centre], folder: Path, stock: Stock) -> tuple[Told, set[tuple[str, ...]]]:
    lines: Told = []
    played = play(night, 1, folder, stock, trace=lambda at_ms, says: lines.append((at_ms, says)), centre=kind)
    assert not played.verdict.failures
    return lines, {(seen.kind, seen.room, seen.about, seen.reason, seen.ended_as) for seen in played.seen}


@pytest.mark.parametrize("night", [half_open.NIGHT, calls_answered.NIGHT], ids=lambda night: night.name)
def test_a_night_is_the_same_to_the_millisecond(night: Night, folder: Path, stock: Stock) -> None:
    assert told(night, AsgiCentre, folder / "app", stock) == told(night, Centre, folder / "core", stock)


@pytest.mark.judge
@pytest.mark.parametrize("night", [storm.NIGHT, centre_restart.NIGHT], ids=lambda night: night.name)
def test_the_same_alarms_ring(night: Night, folder: Path, stock: Stock) -> None:
    """In a storm the application's permits are others than the imitation's, and alarms come a moment later."""
    app, rang = told(night, AsgiCentre, folder / "app", stock)
    core, ought = told(night, Centre, folder / "core", stock)
    assert rang == ought
    assert [says for _, says in app] == [says for _, says in core]
    assert max(abs(a - b) for (a, _), (b, _) in zip(app, core, strict=True)) <= 5_000


STORY = """
import logging, sys, tempfile
from pathlib import Path
import structlog
from nattevakt.sim.centre import Stock
from nattevakt.sim.explore.asgi import AsgiCentre
from nattevakt.sim.play import play
from nattevakt.sim.scenarios.short_outage import NIGHT

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
with tempfile.TemporaryDirectory(dir=sys.argv[1]) as made:
    folder = Path(made)
    play(NIGHT, 3, folder / "n", Stock(folder / "s"), trace=lambda at_ms, says: print(at_ms, says), centre=AsgiCentre)
"""


def test_the_same_seed_is_the_same_trace_in_another_process(memory: Path) -> None:
    def run(hashes: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": hashes}
        done = subprocess.run(
            [sys.executable, "-c", STORY, str(memory)], capture_output=True, text=True, env=env, timeout=100, check=True
        )
        return done.stdout

    first = run("1")
    assert "ringer" in first
    assert run("77") == first


# --- death ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["decoded", "stored", "committed", *MOMENTS])
def test_a_process_that_dies_in_a_request_gives_no_answer_and_rings_once(point: str, world: World) -> None:
    centre, link = centre_of(world), world.hosts["loftet"].link
    press(world, "r204")
    failed = link.failures
    centre.fuse.set(point)
    world.run(NOON_MS + 4 * MINUTE_MS)
    assert centre.lives == 2, "the fuse blew"
    assert link.failures > failed, "the connection was lost without an answer"
    assert calls(world) == [("204", 0)]


def test_what_was_asked_of_a_process_that_is_killed_stays_without_an_answer(world: World) -> None:
    world.centre.slow_ms = 2_000
    asked = Asked(world).send(BUSY).send(HttpSend(URGENT, 1, "/v1/batches", CONTENT_TYPE, b"{")).wait(100)
    assert asked.came == []
    world.centre_off()
    assert asked.statuses() == [0, 0]
    world.centre_on()
    world.centre.slow_ms = 0
    assert asked.wait(5_000).statuses() == [0, 0], "what the first life held back does not come out of the second"
    assert asked.send(BUSY).wait().statuses() == [0, 0, 422]


def test_a_fault_in_the_application_is_loud(world: World) -> None:
    def broken(_request: object) -> Response:
        raise LookupError("nobody has an answer for this")

    centre_of(world)._app.add_route("/broken", broken)
    with pytest.raises(BaseExceptionGroup) as found:
        centre_of(world).ask(Request("GET", "/broken"))
    assert found.group_contains(LookupError)
    with pytest.raises(BaseExceptionGroup):
        centre_of(world).ask(Request("GET", "/healthz"))
    with pytest.raises(BaseExceptionGroup):
        world.centre.kill()


# --- the application's own statuses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "credential", "status"),
    [
        (HttpSend(URGENT, 1, "/v1/batches", "application/json", b"{}"), None, 415),
        (HttpSend(URGENT, 1, "/v1/batches", CONTENT_TYPE, b"{"), None, 422),
        (HttpSend(URGENT, 1, "/v1/batches", CONTENT_TYPE, b" " * (ACCEPT_BYTES_MAX + 1)), None, 413),
        (HttpSend(URGENT, 1, "/v1/batches", CONTENT_TYPE, b"{}"), "nonsense", 401),
        (HttpSend(URGENT, 1, "/v2/batches", CONTENT_TYPE, b"{}"), None, 404),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else None,
)
def test_a_refusal_is_the_applications(request_: HttpSend, credential: str | None, status: int, world: World) -> None:
    assert Asked(world).send(request_, credential).wait().statuses() == [status]


def test_a_key_that_is_withdrawn_is_refused_from_the_next_request_on(world: World) -> None:
    def withdraw(s: TenantSession, now_ms: int) -> None:
        mine = update(gateways).where(gateways.c.tenant_id == TENANT, gateways.c.key == "loftet")
        s.execute(mine, {"revoked_ms": now_ms})

    world.centre.change(withdraw)
    world.run(world.line.now_ms + MINUTE_MS)
    assert world.centre.statuses.get(403, 0) >= 2


def test_whoever_guesses_waits_by_simulated_time(world: World) -> None:
    wrong = key(world)[:-4] + "aaaa"
    asked = Asked(world)
    for _ in range(FAILURES_MAX + 1):
        asked.send(BUSY, wrong).wait(10)
    assert asked.statuses() == [401] * FAILURES_MAX + [429]
    assert asked.came[-1][1] is not None
    assert asked.came[-1][1].retry_after_s == FAILURES_S
    asked.wait(round(FAILURES_S * 1000)).send(BUSY, wrong).wait()
    assert asked.statuses()[-1] == 401


def test_a_backlog_that_gets_no_permit_is_told_so_after_its_wait(world: World) -> None:
    world.centre.slow_ms = 3_000
    first, second = Asked(world).send(BUSY), Asked(world)
    assert first.wait(50).came == []
    second.send(BUSY).wait(round(PERMIT_WAIT_S * 1000) - 1)
    assert second.came == []
    ((at_ms, answer),) = second.wait(1).came
    assert (at_ms, answer and (answer.status, answer.retry_after_s)) == (PERMIT_WAIT_S * 1000, (429, 1.0))
    ((at_ms, answer),) = first.wait(3_000).came
    assert answer is not None
    assert (at_ms, answer.status) == (3_004, 422), "so long the database was busy with it"


def test_a_database_that_another_program_holds_is_said_after_its_wait(world: World) -> None:
    press(world, "r204")
    world.centre.locked = 1
    world.run(world.line.now_ms + LOCKED_MS + 1_000)
    assert calls(world) == []
    assert world.centre.statuses.get(503, 0) >= 1
    world.centre.locked = 0
    world.run(world.line.now_ms + MINUTE_MS)
    assert calls(world) == [("204", 0)]
    with world.centre.db.read(world.centre.tenant.id) as s:
        stored = s.execute(select(events.c.kind).where(events.c.tenant_id == TENANT)).scalars().all()
    assert stored.count("call") == 1


# --- a tablet ------------------------------------------------------------------------------------------------


def tablet(found: World, worker: str, seed: int) -> HttpPage:
    page = page_of(found)(found, worker, Random(seed), lambda _: None)
    assert isinstance(page, HttpPage)
    page.enrol()
    found.pages.append(page.hint)
    page.log_in()
    return page


def state(found: World) -> str:
    """Where the only call stands."""
    with found.centre.db.read(found.centre.tenant.id) as s:
        wanted = select(alarms.c.state).where(alarms.c.tenant_id == TENANT, alarms.c.kind == "call")
        return str(s.execute(wanted).scalar_one())


def call_of(page: HttpPage) -> int:
    """The call that is on a tablet's screen."""
    (alarm_id,) = (shown for shown in page.shown if page.kind(shown) == "call")
    return alarm_id


def test_an_alarm_is_taken_and_closed_through_the_routes(world: World) -> None:
    mia, jonas = (tablet(world, worker.key, seed) for seed, worker in enumerate(WARD.staff[:2]))
    press(world, "r204")
    world.run(world.line.now_ms + 10_000)
    alarm_id = call_of(mia)
    assert [one.key for one in mia.whose(alarm_id)] == ["r204"]
    take = mia.wish(alarm_id, State.TAKEN, "mia-00000001", "", "")
    assert (mia.act(take), state(world)) == ("done", "kvittert")
    assert mia.act(take) == "done", "the same tap again"
    assert jonas.act(jonas.wish(alarm_id, State.TAKEN, "jonas-00000001", "", "")) == "first"
    assert mia.act(mia.wish(alarm_id, State.ON_SITE, "mia-00000002", "", "")) == "done"
    assert jonas.act(jonas.wish(alarm_id, State.TAKEN, "short", "", "")) == "refused"
    mia.log_out()
    assert not mia.person
    close = mia.wish(alarm_id, State.CLOSED, "mia-00000003", "toalett", "hjelp_gitt")
    assert mia.act(close) == "person"
    mia.log_in()
    assert (mia.act(close), state(world)) == ("done", "avsluttet")
    world.run(world.line.now_ms + 10_000)
    assert alarm_id not in mia.shown
    assert alarm_id not in jonas.shown
    assert mia.statuses == {200: mia.statuses[200], 401: 1}


def test_what_a_tablet_shows_and_sounds_is_noted(world: World) -> None:
    page = tablet(world, WARD.staff[0].key, 1)
    press(world, "r204")
    world.run(world.line.now_ms + 10_000)
    with world.centre.db.read(world.centre.tenant.id) as s:
        wanted = select(notices).where(notices.c.tenant_id == TENANT, notices.c.alarm_id == call_of(page))
        (row,) = s.execute(wanted).all()
    assert row.sent_ms <= row.shown_ms <= row.sounded_ms


@pytest.mark.parametrize("point", MOMENTS)
def test_a_tap_over_which_the_process_dies_is_tried_again_and_counts_once(point: str, world: World) -> None:
    page = tablet(world, WARD.staff[0].key, 1)
    press(world, "r204")
    world.run(world.line.now_ms + 10_000)
    centre, wish = centre_of(world), page.wish(call_of(page), State.TAKEN, "mia-00000001", "", "")
    centre.fuse.set(point)
    assert page.act(wish) == "later"
    assert not centre.up
    assert page.act(wish) == "later", "nobody is there"
    world.run(world.line.now_ms + 5_000)
    assert (page.act(wish), state(world), centre.lives) == ("done", "kvittert", 2)


def test_a_tablet_whose_centre_does_not_answer_is_told_to_come_again(world: World) -> None:
    page = tablet(world, WARD.staff[0].key, 1)
    press(world, "r204")
    world.run(world.line.now_ms + 10_000)
    world.centre.locked = 1
    assert page.act(page.wish(call_of(page), State.TAKEN, "mia-00000001", "", "")) == "later"
    assert page.statuses.get(503) == 1


def test_a_centre_called_by_its_functions_has_another_kind_of_tablet(folder: Path, stock: Stock) -> None:
    found = World(Plan(WARD, NOON_MS, 1, folder, stock))
    assert page_of(found) is Page
    with pytest.raises(TypeError, match="behind its application"):
        HttpPage(found, WARD.staff[0].key, Random(1), lambda _: None)
