"""The event loop whose time is the timeline's."""

from __future__ import annotations

import asyncio

import anyio.to_thread
import pytest

from nattevakt.sim.clock import Timeline
from nattevakt.sim.explore.loop import LineLoop

NOON_MS = 1_795_262_400_000


class Slow:
    """A keeper whose threads' work counts as done so many ms later."""

    def __init__(self, ms: int) -> None:
        self.ms = ms
        self.turns = 0
        self.loop: LineLoop | None = None

    def working(self) -> bool:
        return bool(self.loop and anyio_threads(self.loop) > self.loop.held)

    def lasts_ms(self, told: tuple[object, ...]) -> int:
        assert told
        return self.ms

    def turned(self) -> None:
        self.turns += 1


def anyio_threads(loop: LineLoop) -> int:
    """How many of its threads are lent out; asked from within a turn."""
    return anyio.to_thread.current_default_thread_limiter().borrowed_tokens if asyncio.all_tasks(loop) else 0


def test_time_in_the_loop_is_the_timelines() -> None:
    line, keeper = Timeline(NOON_MS), Slow(40)
    loop = keeper.loop = LineLoop(line, keeper)
    seen: list[tuple[int, str]] = []

    def note(what: str) -> None:
        seen.append((line.now_ms - NOON_MS, what))

    async def work() -> None:
        note("begins")
        await asyncio.sleep(0.0000001)
        note("no wait is nothing")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await asyncio.Event().wait()
        note("gave up")
        assert await anyio.to_thread.run_sync(lambda: line.now_ms - NOON_MS) == 3_001
        note("the thread is done")

    task = loop.create_task(work())
    loop.call_at(2.0, note, "was called off").cancel()
    loop.turn()
    line.run(NOON_MS + 60_000)
    assert seen == [(0, "begins"), (1, "no wait is nothing"), (3_001, "gave up"), (3_041, "the thread is done")]
    assert task.done()
    assert keeper.turns == 3
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon_threadsafe(note, "too late")


def test_what_fails_where_nobody_waits_is_raised() -> None:
    loop = LineLoop(Timeline(NOON_MS), Slow(0))

    def fails() -> None:
        raise LookupError("nobody waits for this")

    loop.call_soon(fails)
    with pytest.raises(LookupError):
        loop.turn()
    loop.call_exception_handler({"message": "something"})
    with pytest.raises(RuntimeError, match="something"):
        loop.turn()
    loop.close()
