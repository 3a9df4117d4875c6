"""Many seeds on several processes: who hangs or dies is a failure of that seed alone, and is named."""

from __future__ import annotations

import time
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

from nattevakt.sim.explore.command import Progress, failure_said, summary
from nattevakt.sim.explore.dense import tell_dense
from nattevakt.sim.explore.exploring import CRASH, HANG, Explored, Wishes, explore
from nattevakt.sim.explore.playing import SORTS
from nattevakt.sim.explore.reporting import junit
from tests.sim.explore.stories import BROKEN, DEAD, HUNG, work

WISHES = Wishes((1, HUNG, DEAD, BROKEN, 5), jobs=2, limit_s=4.0)


def run(wishes: Wishes = WISHES) -> tuple[Explored, list[int]]:
    told: list[int] = []
    return explore(wishes, lambda found: told.append(found.done), time.monotonic, work), told


def test_a_run_goes_on_past_workers_that_hang_or_die() -> None:
    found, told = run()
    assert found.done == 5
    assert told[-1] == 5
    assert found.failed == [HUNG, DEAD, BROKEN]
    by_seed = {failure.seed: failure for failure in found.failures}
    assert by_seed[HUNG].fault.invariant == HANG
    assert "henger" in by_seed[HUNG].fault.says
    assert by_seed[DEAD].fault.invariant == CRASH
    assert "siste ord" in by_seed[DEAD].fault.says
    assert "døde med 9" in by_seed[DEAD].fault.says
    broken = by_seed[BROKEN]
    assert (broken.fault.invariant, broken.plays, len(broken.story.happenings)) == (3, 5, 1)
    assert found.counts == {"alarms": 6}
    assert found.gateway_nights == 6
    assert found.speed == 80.0


def test_a_run_may_stop_at_the_first_seed_that_fails() -> None:
    found, _ = run(Wishes((1, BROKEN, 5, 6), jobs=1, limit_s=60.0, stops=True, hours=1.5))
    assert (found.done, found.failed) == (2, [BROKEN])
    failure = found.failures[0]
    assert failure.story == tell_dense(BROKEN, 1.5, "hard", SORTS), "the whole story: nobody looks for a shorter one"
    assert "--seed 4 --hours 1.5 --faults hard" in failure_said(failure, "abc1234", Path("x.json"), found.wishes)


def test_what_a_run_came_to_is_said_in_one_line_and_each_failure_in_full() -> None:
    found, _ = run(Wishes((BROKEN, 5), jobs=1, limit_s=60.0))
    line = summary(found, "abc1234", 3.0)
    assert line.startswith("2 frø × 1 netter, hard, abc1234: 1 feilet (4); alarms 4; 4 gatewaynetter på 3 s, 80")
    said = failure_said(found.failures[0], "abc1234", Path("x.json"), found.wishes)
    assert "FEIL frø 4, abc1234" in said
    assert "invariant 3: ingen skjerm viste den" in said
    assert "--seed 4 --nights 1 --faults hard --trace" in said
    assert "korteste historie etter 5 forsøk" in said
    root = ElementTree.fromstring(junit(found))  # noqa: S314 - our own text
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert [case.find("failure") is not None for case in root.iter("testcase")] == [True, False]


def test_the_progress_line_says_how_far_how_many_and_how_fast() -> None:
    now = [0.0]
    out = StringIO()
    progress = Progress(out, lambda: now[0])
    found = Explored(Wishes((1, 2, 3, 4)), done=1, gateway_nights=2, cpu_s=3.0)
    now[0] = 10.0
    progress(found)
    assert "1 av 4 frø, 0 feilet, 40 gatewaynetter/kjerneminutt, 30 s igjen" in out.getvalue()
    progress.done()
    assert out.getvalue().endswith(" \r")
