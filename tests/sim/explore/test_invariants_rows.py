"""Invariant 4: rows that vanish, change, double or are passed over are accused; ordinary trouble is not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from nattevakt.edge.events import Tombstone
from nattevakt.edge.interpret import Interpreted, interpret
from nattevakt.gateway.outbox import OutboxLimits
from nattevakt.sim.acts import Act
from nattevakt.sim.centre import Stock
from nattevakt.sim.host import GatewayWorkings
from nattevakt.sim.network import Road
from tests.sim.explore.looking import DOWN, UP, looked


def _on_disk(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as con, con:
        con.execute(statement)


def test_cuts_of_link_agent_and_centre_cost_no_row(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.world.road(UP, Road.CUT)
        found.happens("r201", (1, Act.PRESSES))
        found.run(2)
        found.world.gateway_off(UP, box=False)
        found.run(0.2)
        found.world.gateway_on(UP)
        found.world.centre_off()
        found.run(0.2)
        found.world.centre_on()
        found.world.road(UP, Road.UP)
        found.run(4)
        found.judge.end()
        assert found.judge.violations == []
        assert found.judge.counts["appended"] == found.judge.counts["applied"]


def test_a_row_that_a_power_cut_took_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.world.road(UP, Road.CUT)
        found.happens("r201", (1, Act.PRESSES))
        found.run(2)
        found.world.gateway_off(UP)
        _on_disk(found.world.hosts[UP].disk_path, "DELETE FROM rows WHERE kind = 'call'")
        found.judge.look()
        assert found.said("og er borte, enda kortet er det samme")
        assert found.broken == [4]


def test_a_row_that_died_with_its_card_is_told_of(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.world.road(UP, Road.CUT)
        found.happens("r201", (0.1, Act.PRESSES))
        found.run(0.3)
        found.world.gateway_off(UP)
        found.world.hosts[UP].replace_card(None)
        found.judge.look()
        assert found.judge.counts["died with a card"] > 0
        assert found.judge.violations == []


def test_what_the_centre_has_answered_for_and_lost_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.happens("r206", (1, Act.PRESSES))
        found.run(2)
        found.world.centre_off()
        _on_disk(found.world.centre.path, "DELETE FROM events WHERE kind = 'call'")
        found.world.centre_on()
        found.run(0.2)
        assert found.said("som den hadde svart for")


def test_a_row_that_no_disk_ever_held_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.happens("r206", (1, Act.PRESSES))
        found.run(2)
        columns = (
            "tenant_id, gateway_id, stream_id, {} AS seq, {} AS variant, kind, urgency, device, occurred_from_ms,"
            " occurred_to_ms, received_ms, raw, sha256, alarm_id, outcome_reason, twin_of"
        )
        names = columns.replace("{} AS ", "")
        for seq, variant in (("seq + 9000", "0"), ("seq", "1")):
            some = columns.format(seq, variant)
            found.writes(f"INSERT INTO events ({names}) SELECT {some} FROM events WHERE kind = 'call' LIMIT 1")  # noqa: S608
            found.world.centre.statuses[200] += 1
            found.run(0.2)
        assert found.said("som ingen disk har hatt")
        assert found.said("to rader som begge sier")


def test_a_mark_that_passes_a_hole_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.world.road(DOWN, Road.CUT)
        found.happens("r206", (0.2, Act.PRESSES))
        found.run(0.5)
        assert found.judge.violations == []
        found.writes("UPDATE streams SET mark = mark + 1")
        found.run(6)
        assert found.said("og ingen gravstein for den")


def test_a_row_that_is_never_sent_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.world.road(UP, Road.CUT)
        found.happens("r201", (1, Act.PRESSES), (1.2, Act.OUT_OF_BED))
        found.run(2)
        # The gateway has set them aside, and says so to nobody.
        outbox = sqlite3.connect(found.world.hosts[UP].disk_path)
        with closing(outbox), outbox:
            outbox.execute("UPDATE rows SET state = 2 WHERE state = 0")
        found.world.road(UP, Road.UP)
        found.run(3)
        assert found.broken == [1, 4]
        outbox = sqlite3.connect(found.world.hosts[UP].disk_path)
        with closing(outbox), outbox:
            outbox.execute("UPDATE rows SET state = 1")
        found.judge.end()
        assert found.said("tror at rad")


def test_a_copy_of_a_card_that_runs_elsewhere_is_a_cause(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        world = found.world
        world.clone(UP, world.hosts[UP].copy_card(), Random(3))
        found.run(2)
        assert world.watch.seen
        # The copy runs on a box that has no radio stick, and says so.
        assert {seen.kind for seen in world.watch.seen} == {"gateway_cloned", "gateway_fault"}
        assert found.judge.violations == []
        world.clones.pop(UP).kill()


@pytest.mark.parametrize(("away_min", "alarms"), [(0.1, ["storage_lost"]), (2.0, ["gateway_silent", "storage_lost"])])
def test_a_call_that_died_with_its_card_is_named_as_a_gap(
    folder: Path, stock: Stock, away_min: float, alarms: list[str]
) -> None:
    """Also where the gateway was away for less than a minute: with from and to."""
    with looked(folder, stock) as found:
        found.world.road(UP, Road.CUT)
        found.run(away_min)
        pressed_ms = found.world.line.now_ms + 6_000
        found.happens("r201", (0.1, Act.PRESSES))
        found.run(0.2)
        found.world.gateway_off(UP)
        found.world.hosts[UP].replace_card(None)
        found.run(0.1)
        found.world.road(UP, Road.UP)
        found.world.gateway_on(UP)
        found.run(4)
        assert found.broken == []
        assert [seen.kind for seen in found.world.watch.seen] == alarms
        gap = found.world.watch.seen[-1]
        assert int(str(gap.params["from_ms"])) < pressed_ms < int(str(gap.params["to_ms"]))


def test_a_gap_that_nobody_names_is_accused(folder: Path, stock: Stock) -> None:
    """A centre that does not know which streams there were takes the new card for the first."""
    with looked(folder, stock) as found:
        found.world.road(UP, Road.CUT)
        found.happens("r201", (0.1, Act.PRESSES))
        found.run(0.3)
        found.world.gateway_off(UP)
        found.world.hosts[UP].replace_card(None)
        found.writes("UPDATE streams SET first_heartbeat_ms = NULL, started_seq = NULL")
        found.world.road(UP, Road.UP)
        found.world.gateway_on(UP)
        found.run(4)
        assert found.broken == [4]
        assert found.said("ingen har fått vite om hullet")


@pytest.mark.parametrize("lies", [False, True])
def test_what_the_centre_calls_complete_is(folder: Path, stock: Stock, *, lies: bool) -> None:
    """A row waits behind a broken road while the centre believes that it has everything until now."""
    with looked(folder, stock) as found:
        found.world.road(UP, Road.CUT)
        found.happens("r201", (0.1, Act.PRESSES))
        found.run(0.5)
        assert found.judge.violations == []
        if lies:
            now_ms = found.world.centre.now_ms()
            found.writes(f"UPDATE gateways SET complete_to_ms = {now_ms}")  # noqa: S608 - our own number
        found.run(0.1)
        assert found.broken == ([4] if lies else [])
        assert found.said("komplett til") is lies


def _swallows(*given: Any, **how: Any) -> Interpreted:
    """An interpreter that leaves no row of what only says again."""
    found = interpret(*given, **how)
    return replace(found, events=tuple(e for e in found.events if getattr(e.body, "repeat_of", None) is None))


@pytest.mark.parametrize("swallowed", [False, True])
def test_the_second_press_of_two_must_leave_a_row(folder: Path, stock: Stock, *, swallowed: bool) -> None:
    gateways = GatewayWorkings(interpret=_swallows) if swallowed else None
    with looked(folder, stock, gateways=gateways) as found:
        found.happens("r201", (0.1, Act.PRESSES), (0.1 + 1.2 / 60, Act.PRESSES))
        found.run(2)
        assert [(cry.news, cry.again) for cry in found.judge.truth.said.cries] == [(True, False), (False, True)]
        assert found.broken == ([4] if swallowed else [])
        assert found.said("ble aldri skrevet") is swallowed


def test_a_tombstone_that_reaches_over_rows_with_one_of_their_own_counts_its_own(folder: Path, stock: Stock) -> None:
    """Dense seed 13: what is least goes first; the rows on both sides of it are one range when they go after it."""
    with looked(folder, stock) as found:
        world = found.world
        world.hosts[DOWN].limits = OutboxLimits(unsent_rows_max=10)
        world.gateway_off(DOWN, box=False)
        world.gateway_on(DOWN)
        found.run(0.5)
        world.hosts[DOWN].link.road = Road.CUT
        found.happens("r206", (0.3, Act.PRESSES), (0.31, Act.OUT_OF_BED), (0.32, Act.PRESSES), (0.5, Act.IN_BED))
        found.happens("r206", *((2.5 + number / 4, Act.PRESSES) for number in range(12)))
        found.run(6)
        tombs = [tomb.event.body for tomb in found.judge.truth.boxes[DOWN].tombstones]
        over = [tomb for tomb in tombs if isinstance(tomb, Tombstone) and tomb.lost_class == "B" and tomb.count == 2]
        assert [tomb.last_seq - tomb.first_seq > 1 for tomb in over] == [True], tombs
        assert found.judge.violations == []
