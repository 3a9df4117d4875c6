"""Invariants 2 and 5 about people: a ward that nobody hears and a hole in the duty plan are known, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from nattevakt.central.alarms import register
from nattevakt.central.alarms.requests import RaiseRequest, Where
from nattevakt.central.db import TenantSession
from nattevakt.edge.rules.rule import Occurred, Priority, Reason
from nattevakt.sim.broken import ignore
from nattevakt.sim.centre import Stock, Workings
from nattevakt.sim.explore.pages import Page
from nattevakt.sim.ward import WARD, Ward
from tests.sim.explore.looking import Looked, looked

PHONED = tuple(replace(worker, phone="+4790000001") for worker in WARD.staff)


def on_duty(until: str, *, phones: bool = True) -> Ward:
    """A ward in which Kari is on duty until then, and Per from 23:50 on."""
    plan = f'[[duty]]\nstaff = "kari"\nward = "{WARD.key}"\nfrom = "23:00"\nto = "{until}"\n'
    plan += f'[[duty]]\nstaff = "per"\nward = "{WARD.key}"\nfrom = "23:50"\nto = "23:00"\n'
    return replace(WARD, staff=PHONED if phones else WARD.staff, more=plan)


def _deaf_to(rule: str, *, broken: bool) -> Workings | None:
    return Workings(handlers={**Workings().handlers, rule: ignore}) if broken else None


@contextmanager
def paged(
    folder: Path, stock: Stock, *, workings: Workings | None = None, ward: Ward = WARD
) -> Iterator[tuple[Looked, Page]]:
    """A ward with one tablet, at 23:32."""
    pages: list[Page] = []
    with looked(folder, stock, workings=workings, ward=ward, tablets=lambda: pages) as found:
        page = Page(found.world, "kari", Random(1), lambda _: None)
        page.enrol()
        pages.append(page)
        found.world.pages.append(page.hint)
        found.run(0.5)
        yield found, page


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("mute", [False, True])
def test_a_ward_that_nobody_hears_is_known(folder: Path, stock: Stock, *, mute: bool, broken: bool) -> None:
    with paged(folder, stock, workings=_deaf_to("ward_unheard", broken=broken)) as (found, page):
        page.on, page.sounds = mute, not mute
        found.run(5)
        assert found.broken == ([5] if broken else [])
        assert found.said("ingen nettbrett på avdelingen kan høres") is broken
        page.on = page.sounds = True
        found.run(3)
        assert not broken or len(found.judge.violations) == 1


def test_a_tablet_that_is_off_for_a_moment_is_no_alarm(folder: Path, stock: Stock) -> None:
    with paged(folder, stock) as (found, page):
        page.dies()
        found.run(1)
        page.lives()
        found.run(3)
        assert (found.broken, list(found.judge.truth.books.alarms)) == ([], [])


@pytest.mark.parametrize("kind", ["ward_unheard", "duty_gap"])
def test_a_ward_that_is_said_not_to_hear_and_does_is_accused(folder: Path, stock: Stock, kind: str) -> None:
    with paged(folder, stock) as (found, _):
        found.run(6)

        def raises(s: TenantSession, now_ms: int) -> None:
            at, reason = Occurred(now_ms, now_ms), Reason(f"{kind}.no_duty", {"ward": "A"})
            register.apply(s, RaiseRequest("ward:1", kind, kind, Priority.MEDIUM, reason, at, Where(1)), now_ms)

        found.world.centre.change(raises)
        found.run(0.1)
        assert found.broken == [2]
        assert found.said("ingenting er galt der")


@pytest.mark.parametrize("broken", [False, True])
def test_a_hole_in_the_plan_is_known_when_it_is_there(folder: Path, stock: Stock, *, broken: bool) -> None:
    """Kari goes home at 23:38."""
    workings = _deaf_to("duty_gap", broken=broken)
    with paged(folder, stock, ward=on_duty("23:38"), workings=workings) as (found, _):
        found.run(4)
        assert found.broken == []
        found.run(6)
        assert found.broken == ([5] if broken else [])
        assert found.said("ingen har hatt vakt siden") is broken


def test_a_plan_without_a_hole_rings_for_nothing(folder: Path, stock: Stock) -> None:
    with paged(folder, stock, ward=on_duty("23:50")) as (found, _):
        found.run(12)
        assert (found.broken, [one.kind for one in found.judge.truth.books.alarms.values()]) == ([], [])
