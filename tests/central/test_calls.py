"""How a backlog batch keeps out of the way of one who calls again and again."""

from __future__ import annotations

import asyncio
import contextlib
import selectors

from nattevakt.central.api import BACKLOGS, CALM_S, Calls, Intake
from nattevakt.central.credentials import Gatekeeper
from nattevakt.central.db import Database
from nattevakt.central.probe import silent
from tests.central.house import Clock


class Hasty(asyncio.SelectorEventLoop):
    """An event loop whose waiting takes no time: its clock jumps to the next moment."""

    class Selector(selectors.DefaultSelector):
        def __init__(self) -> None:
            super().__init__()
            self.now_s = 0.0

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            self.now_s += timeout or 0.0
            return super().select(0)

    def __init__(self) -> None:
        self._hasty = Hasty.Selector()
        super().__init__(self._hasty)

    def time(self) -> float:
        return self._hasty.now_s


def test_a_backlog_is_not_begun_between_the_calls_of_one_who_is_behind() -> None:
    async def work() -> list[bool]:
        loop, calls, gaps_s = asyncio.get_running_loop(), Calls(), (0.0, CALM_S / 2, CALM_S / 4, CALM_S * 2)
        waiting = asyncio.create_task(calls.calm())
        began = []
        for gap_s in gaps_s:
            with calls.counted():
                await asyncio.sleep(0.01)
            began.append(waiting.done())
            await asyncio.sleep(gap_s)
        began.append(waiting.done())
        assert loop.time() < 1
        return began

    with contextlib.closing(Hasty()) as loop:
        assert loop.run_until_complete(work()) == [False, False, False, False, True]


def test_a_backlog_waits_for_nobody_where_nobody_has_called_of_late() -> None:
    async def work() -> list[float]:
        loop, calls = asyncio.get_running_loop(), Calls()
        await calls.calm()
        at_rest_s = loop.time()
        with calls.counted():
            await asyncio.sleep(0.01)
        await asyncio.sleep(CALM_S / 2)
        await calls.calm()
        soon_s = loop.time()
        await calls.calm()
        return [at_rest_s, soon_s, loop.time() - soon_s]

    with contextlib.closing(Hasty()) as loop:
        at_rest_s, soon_s, again_s = loop.run_until_complete(work())
    assert at_rest_s == 0
    assert 0.01 + CALM_S <= soon_s < 0.01 + 2 * CALM_S
    assert again_s == 0


def test_only_a_database_with_a_server_of_its_own_has_two_backlogs_under_way(db: Database, clock: Clock) -> None:
    async def work() -> int:
        intake, taken = Intake(db, clock, silent, (), Gatekeeper(db, clock)), 0
        while not intake.permit.locked():
            await intake.permit.acquire()
            taken += 1
        return taken

    assert asyncio.run(work()) == (1 if db.is_sqlite else BACKLOGS)
