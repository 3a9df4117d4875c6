"""Invariants 1 and 2 for doors and beds, 6 for histories, 7 for the calm after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nattevakt.central.alarms import register
from nattevakt.central.alarms.requests import EventKey, RaiseRequest, Where
from nattevakt.central.db import TenantSession
from nattevakt.edge.rules.rule import Occurred, Priority, Reason, Rule
from nattevakt.sim.acts import Act
from nattevakt.sim.broken import without
from nattevakt.sim.centre import Stock, Workings
from tests.sim.explore.looking import DAY_MS, MIN_MS, NIGHT_MS, looked


@pytest.mark.parametrize("broken", [False, True])
def test_a_door_in_its_window_rings(folder: Path, stock: Stock, *, broken: bool) -> None:
    with looked(folder, stock, workings=without("door_at_night") if broken else None) as found:
        found.happens("r207", (1, Act.OPENS), (1.2, Act.CLOSES))
        found.run(3)
        assert found.broken == ([1] if broken else [])
        assert found.said("innenfor vinduet sitt") is broken


def _always(rule: Rule) -> Rule:
    """A rule of doors that has lost its windows."""

    def step(state: object, fact: object, armed: object, now_ms: int) -> object:
        entries = tuple(replace(entry, windows=()) for entry in armed.entries)  # type: ignore[attr-defined]
        return rule.step(state, fact, replace(armed, entries=entries), now_ms)  # type: ignore[arg-type,type-var]

    return replace(rule, step=step)  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", [False, True])
def test_a_door_by_day_rings_nobody(folder: Path, stock: Stock, *, broken: bool) -> None:
    rules = tuple(_always(rule) if broken and rule.name == "door_at_night" else rule for rule in Workings().rules)
    with looked(folder, stock, workings=Workings(rules=rules), begins_ms=DAY_MS) as found:
        found.happens("r207", (1, Act.OPENS), (1.2, Act.CLOSES))
        found.run(3)
        assert found.broken == ([2] if broken else [])


@pytest.mark.parametrize("broken", [False, True])
def test_who_is_not_back_is_asked_about(folder: Path, stock: Stock, *, broken: bool) -> None:
    with looked(folder, stock, workings=without("not_back_in_bed") if broken else None) as found:
        found.happens("r202", (5, Act.OUT_OF_BED))
        found.run(24)
        assert found.broken == ([1] if broken else [])
        assert found.judge.counts["absences"] == 1


def test_an_alarm_for_a_bed_that_is_in_use_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.run(20)
        books = found.judge.truth.books
        row = books.ask(
            "SELECT gateway_id, stream_id, seq FROM events WHERE kind = 'bed' AND device = 'enocean:01A0C202'"
        )[0]

        def rings(s: TenantSession, now_ms: int) -> None:
            reason = Reason("bed.empty", {"place": "seng", "left_ms": now_ms})
            at, where = Occurred(now_ms, now_ms), Where(1, 2, 2)
            held = (EventKey(*row),)
            rule = "not_back_in_bed"
            register.apply(
                s, RaiseRequest("resident:2", rule, rule, Priority.MEDIUM, reason, at, where, holds=held), now_ms
            )

        found.world.centre.change(rings)
        found.run(0.5)
        assert found.broken == [2]
        assert found.said("for en tom seng, men den var i bruk")


MOVES = {
    "er ikke lov": ("'meldt', 'avsluttet'", "'close'", "1"),
    "uten at noen gjorde det": ("'meldt', 'kvittert'", "'take'", "NULL"),
    "som ikke finnes": ("'meldt', 'kvittert'", "'magic'", "NULL"),
    "sto i meldt, men gikk fra kvittert": ("'kvittert', 'til_utrykning'", "'on_way'", "1"),
}


@pytest.mark.parametrize("words", sorted(MOVES))
def test_an_illegal_step_is_accused(folder: Path, stock: Stock, words: str) -> None:
    states, cause, who = MOVES[words]
    with looked(folder, stock) as found:
        found.happens("r206", (0.9, Act.PRESSES))
        found.run(1)
        assert found.judge.violations == []
        found.writes(
            "INSERT INTO transitions (tenant_id, id, alarm_id, from_state, to_state, at_ms, staff_id, cause, detail)"  # noqa: S608
            f" SELECT tenant_id, id + 1, alarm_id, {states}, at_ms, {who}, {cause}, '{{}}' FROM transitions LIMIT 1",
            "UPDATE live_seq SET seq = seq + 1",
        )
        found.run(0.2)
        assert 6 in found.broken
        assert found.said(words)


def test_time_that_runs_backwards_is_accused(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.happens("r206", (0.9, Act.PRESSES))
        found.run(1)
        found.writes(
            "INSERT INTO transitions (tenant_id, id, alarm_id, from_state, to_state, at_ms, cause, detail)"
            " SELECT tenant_id, id + 1, alarm_id, to_state, to_state, at_ms - 5, 'join', '{}' FROM transitions LIMIT 1",
            "UPDATE live_seq SET seq = seq + 1",
        )
        found.run(0.2)
        assert found.said("baklengs")


UNKNOWN = (
    "UPDATE device_states SET unknown_since_ms = 1, unknown_reason = 'restart', known_after_ms = 9000000000000,"
    " needs_event = 1 WHERE address = 'enocean:01A0C202'"
)


@pytest.mark.parametrize(
    ("hand", "words"),
    [
        ("", ""),
        (
            UNKNOWN,
            "vises fortsatt som ukjent",
        ),
        ("UPDATE events SET alarm_id = NULL, outcome_reason = NULL WHERE kind = 'call'", "verken alarm eller grunn"),
    ],
)
def test_the_calm_is_judged_once(folder: Path, stock: Stock, hand: str, words: str) -> None:
    with looked(folder, stock, faults_end_ms=NIGHT_MS + 3 * MIN_MS) as found:
        found.happens("r206", (1, Act.PRESSES))
        found.run(2)
        found.run(48)
        if hand:
            found.writes(hand)
        found.judge.end()
        assert found.broken == ([7] if words else [])
        assert not words or found.said(words)


def test_a_technical_alarm_that_nobody_ends_is_accused_in_the_calm(folder: Path, stock: Stock) -> None:
    with looked(folder, stock, faults_end_ms=NIGHT_MS + 3 * MIN_MS) as found:
        found.run(2)
        found.writes(
            "INSERT INTO alarms (tenant_id, id, subject, rule, kind, priority, ward_id, place, state, version,"
            " sound_seq, raised_ms, occurred_from_ms, occurred_to_ms, reason_code, reason_params, marks) SELECT 1, 99,"
            " 'gateway:1', 'gateway_silent', 'gateway_silent', 2, 1, '', 'meldt', 1, 1, 1, 1, 1,"
            " 'gateway_silent', '{}', '[]'",
            "INSERT INTO transitions (tenant_id, id, alarm_id, to_state, at_ms, cause, detail)"
            " VALUES (1, 99, 99, 'meldt', 1, 'raise', '{}')",
            "UPDATE live_seq SET seq = seq + 1",
        )
        found.run(48)
        found.judge.end()
        assert 7 in found.broken
        assert found.said("står fortsatt åpen")
