"""Everything is killed, stopped, cut and filled under load, in an order drawn from a seed. Then everything is counted.

`KILL_SEED=7 KILL_S=60 pytest tests/acceptance/kill` replays a choice, for so many seconds a database.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from nattevakt.edge.events import EventId
from nattevakt.edge.wire import event_line
from tests.acceptance.kill.judge import Count, Ends, count
from tests.acceptance.kill.life import RATES, Life
from tests.acceptance.kill.plan import OF_ALL, OF_EACH, plan
from tests.acceptance.kill.scene import Scene, plain
from tests.acceptance.kill.wrecker import Wrecker
from tests.support.postgres import Postgres
from tests.support.wait import until

pytestmark = pytest.mark.acceptance

SHORT_S, LONG_S = 22.0, 300.0
DRAIN_S = 40.0
QUIET_S = 1.0
DATABASES = ["sqlite", "postgresql"]

_EVENTS = (
    "SELECT g.key AS gateway, s.stream, e.seq, e.variant, e.kind, e.urgency, e.device, e.raw, e.alarm_id, "
    "(SELECT count(*) FROM alarm_events h JOIN alarms a ON a.tenant_id = h.tenant_id AND a.id = h.alarm_id "
    "WHERE h.tenant_id = e.tenant_id AND h.gateway_id = e.gateway_id AND h.stream_id = e.stream_id "
    "AND h.seq = e.seq AND h.variant = e.variant AND a.rule IN ('call', 'fall', 'leak')) AS holders "
    "FROM events e JOIN gateways g ON g.tenant_id = e.tenant_id AND g.id = e.gateway_id "
    "JOIN streams s ON s.tenant_id = e.tenant_id AND s.id = e.stream_id"
)


def ends(scene: Scene) -> Ends:
    """What both ends hold now."""
    events = [{**row, "line": plain(row["raw"])} for row in scene.rows(_EVENTS)]
    outboxes, appended = {}, {}
    for key, gateway in scene.gateways.items():
        with closing(sqlite3.connect(f"file:{gateway.outbox}?mode=ro", uri=True, timeout=10)) as outbox:
            rows = outbox.execute("SELECT s.stream, r.seq, r.body FROM rows r JOIN streams s ON s.id = r.stream")
            outboxes[key] = {(stream, seq): event_line(EventId(stream, seq), body) for stream, seq, body in rows}
            appended[key] = outbox.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()[0]
    return Ends(events, scene.rows("SELECT * FROM alarms"), outboxes, appended)


def quiet(scene: Scene) -> bool:
    """Whether nothing more comes: two looks, some heartbeats apart, see the same."""
    before = (len(ends(scene).events), [gateway.unsent() for gateway in scene.gateways.values()])
    threading.Event().wait(QUIET_S)
    return before == (len(ends(scene).events), [0 for _ in scene.gateways])


@pytest.fixture(params=DATABASES)
def server(request: pytest.FixtureRequest) -> Postgres | None:
    """The cluster that is killed, or None for SQLite."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None


def run(folder: Path, server: Postgres | None, seed: int, lasts_s: float) -> Count:
    """Play the plan of a seed, let everything drain, and count. Prints what was done, and the figures."""
    faults = plan(seed, lasts_s)
    told = f"KILL_SEED={seed} KILL_S={lasts_s:g} {'postgresql' if server else 'sqlite'}"
    print(told, *faults, sep="\n  ")
    url = admin = f"sqlite:///{folder / 'central.sqlite'}"
    if server is not None:
        url, admin = server.fresh_database()
    once = round(max(RATES["leak"], RATES["fall"]) * lasts_s * 1.2) + 5
    # Both ways to fill a disk: a file system of its own beside SQLite, a limit of the process beside PostgreSQL.
    with Scene(folder, url, admin, once=once, mounted=server is None) as scene, Life(scene, seed) as life:
        until(scene.bridges_known, "the bridges are known")
        life.begin()
        wrecker = Wrecker(scene, server)
        wrecker.run(faults, lasts_s, scene.supervise)
        life.end()

        def drained() -> bool:
            scene.supervise()
            if any(gateway.unsent() != 0 for gateway in scene.gateways.values()):
                return False
            return count(life.said, wrecker.marks, ends(scene)).lost == 0

        try:
            until(drained, "everything has drained", DRAIN_S)
            until(lambda: quiet(scene), "nothing more comes")
        finally:
            found = count(life.said, wrecker.marks, ends(scene))
            full = "tmpfs" if scene.gateways["g1"].disk.mounted else "file size limit"
            text = f"{told}: {len(wrecker.done)} faults, {life.happened} happenings, full disk by {full}, "
            text += f"ended by themselves: {', '.join(scene.ended_itself) or 'none'}\n{found.table()}"
            (folder / "counts.txt").write_text(text + "\n", encoding="utf-8")
            print(text)
    return found


@pytest.mark.timeout(240)
def test_nothing_is_lost_and_nothing_rings_twice(server: Postgres | None, tmp_path: Path) -> None:
    """The short run: every sort of fault once."""
    seed, lasts_s = int(os.environ.get("KILL_SEED", "1")), float(os.environ.get("KILL_S", SHORT_S))
    found = run(tmp_path, server, seed, lasts_s)
    assert (found.lost, found.duplicated, found.faults) == (0, 0, []), found.table()
    assert found.sent > lasts_s
    assert found.stored == found.applied > found.sent / 2


@pytest.mark.judge
@pytest.mark.timeout(900)
def test_nothing_is_lost_in_a_long_night(server: Postgres | None, tmp_path: Path) -> None:
    """The long run: five minutes, with a seed of its own each time."""
    seed = int(os.environ.get("KILL_SEED", int.from_bytes(os.urandom(3), "big")))
    found = run(tmp_path, server, seed, float(os.environ.get("KILL_S", LONG_S)))
    assert (found.lost, found.duplicated, found.faults) == (0, 0, []), found.table()


def test_the_plan_is_the_same_for_a_seed_and_has_every_fault() -> None:
    assert plan(1, SHORT_S) == plan(1, SHORT_S) != plan(2, SHORT_S)
    assert {fault.what for fault in plan(3, 2 * SHORT_S)} == {*OF_EACH, *OF_ALL}
    held = [(fault.begins_s, fault.ends_s, fault.holds) for fault in plan(4, LONG_S)]
    for begins_s, ends_s, holds in held:
        others = [one for one in held if one[0] > begins_s and one[2] & holds]
        assert all(one[0] >= ends_s for one in others), "nothing is broken twice at once"
