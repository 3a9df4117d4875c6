"""Invariants 3 and 5, technical causes of 2, and 8: known in time, never nowhere, never for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.central import technical
from nattevakt.central.db import TenantSession
from nattevakt.central.technical import Origin
from nattevakt.sim.acts import Act
from nattevakt.sim.broken import ignore
from nattevakt.sim.centre import Stock, Workings
from tests.sim.explore.looking import DOWN, FakeTablet, Looked, looked


def _deaf_to(rule: str) -> Workings:
    return Workings(handlers={**Workings().handlers, rule: ignore})


@pytest.mark.parametrize("broken", [False, True])
def test_a_gateway_that_is_gone_is_known(folder: Path, stock: Stock, *, broken: bool) -> None:
    with looked(folder, stock, workings=_deaf_to("gateway_silent") if broken else None) as found:
        found.world.gateway_off(DOWN)
        found.run(4)
        assert found.broken == ([5] if broken else [])


@pytest.mark.parametrize("broken", [False, True])
def test_a_device_that_is_dead_is_known(folder: Path, stock: Stock, *, broken: bool) -> None:
    with looked(folder, stock, workings=_deaf_to("device_silent") if broken else None) as found:
        found.world.dies("z2m:0xa4c1389960700203")
        found.run(38)
        assert found.broken == ([5] if broken else [])


def test_what_rings_must_be_on_a_tablet(folder: Path, stock: Stock) -> None:
    tablet = FakeTablet()
    with looked(folder, stock, tablets=lambda: (tablet,)) as found:
        found.happens("r206", (0.5, Act.PRESSES))
        found.run(0.8)
        tablet.shown[1] = 1
        found.run(3)
        assert found.judge.violations == []
        tablet.shown.clear()
        found.run(1)
        assert found.broken == [3]


def test_a_ward_without_a_tablet_that_sounds_is_only_counted(folder: Path, stock: Stock) -> None:
    """Escalation is not built: until it is, nobody is accused of what no tablet can show."""
    for tablet in (FakeTablet(on=False), FakeTablet(sounds=False)):
        name = str(tablet.on)
        with looked(folder / name, stock, tablets=lambda tablet=tablet: (tablet,)) as found:  # type: ignore[misc]
            found.happens("r206", (0.5, Act.PRESSES))
            found.run(3)
            assert found.judge.violations == []
            assert found.judge.counts["seconds nowhere"] > 60


def _sounds(found: Looked, kind: str) -> None:
    centre = found.world.centre
    origin = Origin(centre_gateway(found), 1, DOWN, "Kjelleren", "Europe/Oslo")

    def sound(s: TenantSession, now_ms: int) -> None:
        technical.sound(s, origin, kind, {"rule": "call", "count": 1, "why": "test"}, now_ms, rule=kind)

    centre.change(sound)


def centre_gateway(found: Looked) -> int:
    """The number of the lower gateway."""
    return found.judge.truth.books.gateways[DOWN]


@pytest.mark.parametrize(
    "kind", ["gateway_silent", "rows_lost", "rows_missing", "storage_lost", "gateway_cloned", "parked_event"]
)
def test_a_technical_alarm_without_a_cause_is_accused(folder: Path, stock: Stock, kind: str) -> None:
    with looked(folder, stock) as found:
        found.run(10)
        assert found.judge.violations == []
        _sounds(found, kind)
        found.run(0.2)
        assert found.broken == [2]
        assert found.said(f"{kind} om {DOWN}")


@pytest.mark.parametrize("kind", ["rule_failed", "id_conflict", "event_refused", "unhandled_event"])
def test_what_may_never_be_is_accused(folder: Path, stock: Stock, kind: str) -> None:
    with looked(folder, stock) as found:
        _sounds(found, kind)
        found.run(0.2)
        assert found.broken == [8]


@pytest.mark.parametrize(("kind", "most"), [("gateway_fault", 1), ("round_overdue", 7)])
def test_a_fault_that_comes_and_goes_is_one_fault(folder: Path, stock: Stock, kind: str, most: int) -> None:
    with looked(folder, stock) as found:
        origin = Origin(centre_gateway(found), 1, DOWN, "Kjelleren", "Europe/Oslo")
        rule = f"{kind}:other"

        def comes(s: TenantSession, now_ms: int) -> None:
            technical.sound(s, origin, kind, {"why": "test"}, now_ms, rule=rule)

        def goes(s: TenantSession, now_ms: int) -> None:
            technical.clear(s, origin, kind, now_ms, rule=rule)

        for number in range(9):
            found.world.centre.change(comes)
            found.run(0.5)
            assert found.broken == ([2] if number >= most else [])
            found.world.centre.change(goes)
            found.run(0.5)
        assert found.said("det er én feil")


def test_what_is_written_down_as_sent_has_come_to_its_tablet(folder: Path, stock: Stock) -> None:
    tablet = FakeTablet(number=1, given={1})
    with looked(folder, stock, tablets=lambda: (tablet,)) as found:
        found.happens("r206", (0.5, Act.PRESSES))
        found.run(0.8)
        tablet.shown[1] = 1
        sent = "INSERT INTO notices (tenant_id, id, alarm_id, tablet_id, sound_seq, state, made_ms, sent_ms)"
        now_ms = found.world.centre.now_ms()
        found.writes(f"{sent} VALUES (1, 1, 1, 1, 1, 'sent', {now_ms}, {now_ms})")
        found.run(0.5)
        assert found.judge.violations == []
        found.writes(f"{sent} VALUES (1, 2, 1, 1, 2, 'sent', {now_ms}, {now_ms})")
        found.run(0.5)
        assert found.said("varsel 2 om alarm 1 står som sendt")
        assert found.broken == [3]
