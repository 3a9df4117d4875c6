"""What dense stories brought to light of the judge: what looks like a broken promise from outside, and is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from nattevakt.gateway.outbox import OutboxLimits
from nattevakt.sim.acts import Act
from nattevakt.sim.broken import ignore
from nattevakt.sim.centre import Stock, Workings
from nattevakt.sim.explore.befalls import BEFALLS
from nattevakt.sim.explore.story import Mishap
from nattevakt.sim.network import Road
from tests.sim.explore.looking import UP, looked

BUTTON = "enocean:0029E201"
TWICE_MIN = 1.3 / 60


def test_a_press_of_a_dead_button_is_not_what_a_later_repeat_tells_of(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        found.world.dies(BUTTON)
        found.happens("r201", (0.1, Act.PRESSES), (0.1 + TWICE_MIN, Act.PRESSES))
        found.run(0.5)
        found.world.lives(BUTTON)
        found.happens("r201", (0.1, Act.PRESSES), (0.1 + TWICE_MIN, Act.PRESSES))
        found.run(2)
        assert found.judge.violations == []
        assert [cry.settled for cry in found.judge.truth.said.cries] == [False, False, True, True]


def test_a_repeat_that_was_shed_as_it_was_stored_has_a_tombstone_instead(folder: Path, stock: Stock) -> None:
    with looked(folder, stock) as found:
        host = found.world.hosts[UP]
        host.limits = OutboxLimits(unsent_rows_max=4)
        found.world.gateway_off(UP, box=False)
        found.run(0.1)
        found.world.gateway_on(UP)
        found.world.road(UP, Road.CUT)
        presses = [(0.2 + number / 3, Act.PRESSES) for number in range(6)]
        found.happens("r201", *presses, (presses[-1][0] + TWICE_MIN, Act.PRESSES))
        found.run(4)
        assert found.judge.truth.boxes[UP].tombstones
        found.world.road(UP, Road.UP)
        found.run(1)
        assert [v for v in found.judge.violations if v.invariant == 4] == []


@pytest.mark.parametrize("broken", [False, True])
def test_a_key_that_is_given_back_begins_the_gateway_s_silence_anew(
    folder: Path, stock: Stock, *, broken: bool
) -> None:
    deaf = Workings(handlers={**Workings().handlers, "gateway_silent": ignore})
    with looked(folder, stock) as found:
        revoked = BEFALLS["key_revoked"]
        mishap = Mishap(found.world.line.now_ms, revoked.name, UP, 300_000)
        found.world.road(UP, Road.CUT)
        revoked.begin(found.world, mishap)
        found.run(5)
        if broken:
            found.world.centre.workings = deaf
        assert revoked.end is not None
        revoked.end(found.world, mishap)
        found.run(0.5)
        assert found.judge.violations == []
        found.run(2.5)
        assert found.broken == ([5] if broken else [])


@pytest.mark.parametrize("address", ["z2m:0xa4c1389960700203", "enocean:01A0C201"])
def test_a_stick_that_is_pulled_out_excuses_what_it_hears_and_nothing_else(
    folder: Path, stock: Stock, address: str
) -> None:
    """A device that is dead behind the broker of the same gateway is to be known all the same."""
    deaf = Workings(handlers={**Workings().handlers, "device_silent": ignore})
    with looked(folder, stock, workings=deaf) as found:
        found.world.dies(address)
        found.world.hosts[UP].plug(in_=False)
        found.run(80)
        accused = [one.about for one in found.judge.violations if one.invariant == 5]
        assert accused == ([address] if address.startswith("z2m:") else [])
        found.world.hosts[UP].plug(in_=True)
        found.run(61)
        assert len([one for one in found.judge.violations if one.about == "enocean:01A0C201"]) == 0
        found.run(6)
        assert len([one for one in found.judge.violations if one.about == address]) == 1
