"""Invariants 1, 2 and 4 for what always rings: silent on a healthy ward, loud where one thing is broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from nattevakt.central.alarms import register
from nattevakt.central.alarms.lifecycle import State
from nattevakt.edge.drivers.driver import Device, Reading
from nattevakt.edge.events import Call, Moment
from nattevakt.edge.interpret import Interpreted, interpret
from nattevakt.edge.rules.rule import Log, Reason, Rule, Step
from nattevakt.sim import changes
from nattevakt.sim.acts import Act
from nattevakt.sim.broken import repeating, without
from nattevakt.sim.centre import Stock, Workings
from nattevakt.sim.host import GatewayWorkings
from tests.sim.explore.looking import UP, looked


def _cries(found: Any) -> None:
    found.happens("r206", (1, Act.PRESSES))
    found.happens("r203", (2, Act.FALLS), (3, Act.FLOODS))
    found.happens("r201", (4, Act.PRESSES), (4.01, Act.PRESSES), (6, Act.PRESSES))
    found.run(10)


def test_what_rings_as_it_should_is_not_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        _cries(found)
        assert found.judge.violations == []
        assert found.judge.counts["urgent"] >= 5


def test_a_call_that_no_rule_knows_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock, workings=without("call")) as found:
        _cries(found)
        assert 1 in found.broken
        assert found.said("ble til en alarm av slaget unknown_event")


def _swallowing(rule: Rule) -> Rule:
    return replace(rule, step=lambda state, _fact, _armed, _now: Step(state, (Log(Reason("call.repeat", {})),)))


def test_a_call_that_is_only_written_down_is_accused(folder: Path, stock: Stock) -> None:
    rules = tuple(_swallowing(rule) if rule.name == "call" else rule for rule in Workings().rules)
    with looked(folder, stock, workings=Workings(rules=rules)) as found:
        _cries(found)
        assert found.said("bare «call.repeat»")


def _deaf(reading: Reading, device: Device | None, memory: Mapping[str, str], now: Moment, **how: Any) -> Interpreted:
    """An interpreter that drops calls."""
    made = interpret(reading, device, memory, now, **how)
    return replace(made, events=tuple(e for e in made.events if not isinstance(e.body, Call)))


def test_a_press_that_is_heard_and_never_written_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock, gateways=GatewayWorkings(interpret=_deaf)) as found:
        found.happens("r201", (1, Act.PRESSES))
        found.happens("r206", (1, Act.PRESSES))
        found.run(5)
        assert sorted(v.about for v in found.judge.violations if v.invariant == 4) == [
            "enocean:0029E201",
            "z2m:0xa4c1389960700206",
        ]


def test_a_press_that_nobody_heard_is_nobodys_fault(folder: Path, stock: Stock) -> None:
    with looked(folder, stock, gateways=GatewayWorkings(interpret=_deaf)) as found:
        found.world.gateway_off("loftet")
        found.happens("r201", (0.2, Act.PRESSES))
        found.run(0.5)
        found.world.gateway_on("loftet")
        found.run(2)
        assert found.judge.violations == []


def test_one_press_that_is_written_twice_is_accused(folder: Path, stock: Stock) -> None:
    address = "z2m:0xa4c1389960700206"
    for gateways, broken in ((GatewayWorkings(), False), (GatewayWorkings(interpret=repeating), True)):
        with looked(folder / str(broken), stock, gateways=gateways) as found:
            found.world.fault("quadruple", address, Random(1))
            found.happens("r206", (1, Act.PRESSES))
            found.run(4)
            assert found.said("men sensoren har ikke sagt det") is broken
            assert (2 in found.broken) is broken


def test_an_alarm_that_sounds_without_a_cause_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.happens("r206", (1, Act.PRESSES))
        found.run(3)
        assert found.judge.violations == []
        found.writes(
            "INSERT INTO transitions (tenant_id, id, alarm_id, from_state, to_state, at_ms, cause, detail)"
            " SELECT tenant_id, (SELECT max(id) + 1 FROM transitions), alarm_id, to_state, to_state, at_ms + 1,"
            " 'sound', detail FROM transitions WHERE cause = 'raise' ORDER BY id DESC LIMIT 1",
            "UPDATE live_seq SET seq = seq + 1",
        )
        found.run(1)
        assert found.said("en gang til for samme rad")


def test_a_new_call_after_the_visit_must_ring(folder: Path, stock: Stock) -> None:
    """The centre's clock says that somebody came later than they did, so that the next call joins the old one."""
    for moved_ms, broken in ((0, False), (4 * 60_000, True)):
        with looked(folder / str(broken), stock) as found:
            found.happens("r206", (1, Act.PRESSES), (5, Act.PRESSES))
            found.run(2)
            alarm = found.world.watch.open("call", "206")
            assert alarm is not None
            with found.world.centre.db.read(found.world.centre.tenant.id) as s:
                kari = changes.staff_id(s, "kari")
            for state in (State.TAKEN, State.ON_SITE):
                found.world.centre.act(register.Act(alarm.alarm_id, state, kari, None, f"{state}"))
            found.judge.look()
            if moved_ms:
                found.writes(f"UPDATE alarms SET on_site_ms = on_site_ms + {moved_ms} WHERE id = {alarm.alarm_id}")  # noqa: S608
            found.run(6)
            assert found.said("uten at noe ringte") is broken


def test_a_wrong_time_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.world.hosts["loftet"].clock.offset_ms = 0
        found.happens("r201", (1, Act.PRESSES))
        found.run(2)
        assert found.judge.violations == []
        # The row of the next press is dated an hour back as it arrives.
        found.world.plan.ward.resident("r201")
        found.writes(
            "CREATE TRIGGER late AFTER INSERT ON events WHEN new.urgency = 'A' BEGIN UPDATE events SET"
            " occurred_from_ms = occurred_from_ms - 3600000, occurred_to_ms = occurred_to_ms - 3600000"
            " WHERE rowid = new.rowid; END"
        )
        found.happens("r201", (1, Act.PRESSES))
        found.run(3)
        assert found.said("ble tidfestet til")


def test_a_press_that_nobody_heard_is_not_taken_for_the_next(folder: Path, stock: Stock) -> None:
    """The stick is pulled out for one of three: the other two have rows of their own."""
    with looked(folder, stock) as found:
        found.world.hosts[UP].plug(in_=False)
        found.happens("r201", (0.1, Act.PRESSES), (0.5, Act.PRESSES), (0.8, Act.PRESSES))
        found.run(0.3)
        found.world.hosts[UP].plug(in_=True)
        found.run(2)
        cries = found.judge.truth.said.cries
        assert [cry.row is not None for cry in cries] == [False, True, True]
        assert found.judge.violations == []
