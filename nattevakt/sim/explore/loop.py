"""An event loop whose time is the simulated one: nothing in it waits but for the timeline. Serves the explorer.

Owns the turns of whatever is written for asyncio: what is ready runs at once, a timer is a moment of the timeline, and
work that was handed to a thread is waited for before anything else happens, so that only one thing runs at a time and
always in the same order. What a thread has done may be known later, by simulated time. Must not know what runs in it.
"""

from __future__ import annotations

import asyncio
import math
import queue
from asyncio.events import _get_running_loop, _set_running_loop
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any, Protocol, TypeVarTuple, Unpack

from nattevakt.sim.clock import Timeline

_Args = TypeVarTuple("_Args")
STUCK_S = 60.0
"""Real seconds after which a thread's work is given up: it is one simulated request."""


class StuckError(Exception):
    """Work in a thread has not come to an end. A bug in this program or in what it plays."""


class Keeper(Protocol):
    """Whoever has work done in the loop."""

    def working(self) -> bool:
        """Whether a thread works at something now."""
        ...

    def lasts_ms(self, told: tuple[object, ...]) -> int:
        """How long after its beginning a thread's work counts as done. told: what the thread says of it."""
        ...

    def turned(self) -> None:
        """Everything of this moment has happened."""
        ...


class LineLoop(asyncio.BaseEventLoop):
    """An event loop on a timeline. It never runs by itself: `turn` lets happen what happens now."""

    def __init__(self, line: Timeline, keeper: Keeper) -> None:
        super().__init__()
        self.worked = False
        """Whether a thread has worked since this was last unset."""
        self._line = line
        self._keeper = keeper
        # Counted from here: fractions of seconds since 1970 would be rounded.
        self._begins_ms = line.now_ms
        self._next: deque[asyncio.Handle] = deque()
        self._held: list[asyncio.Handle] = []
        self._reported: queue.SimpleQueue[tuple[asyncio.Handle, tuple[object, ...]]] = queue.SimpleQueue()
        self._faults: list[BaseException] = []

    @property
    def held(self) -> int:
        """How many threads have done their work without anybody knowing yet."""
        return len(self._held)

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return (self._line.now_ms - self._begins_ms) / 1000

    def call_soon(
        self, callback: Callable[[Unpack[_Args]], object], *args: *_Args, context: Context | None = None
    ) -> asyncio.Handle:
        """At this very moment, after what is ready already."""
        handle = asyncio.Handle(callback, args, self, context)
        self._next.append(handle)
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[_Args]], object],
        *args: *_Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """At a moment of the timeline, which has whole milliseconds."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        at_ms = self._begins_ms + math.ceil(when * 1000 - 1e-6)
        if when > self.time():
            # Whoever waits for the rest of a millisecond would wait in this moment for ever.
            at_ms = max(at_ms, self._line.now_ms + 1)
        self._line.at(at_ms, partial(self._due, handle))
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[_Args]], object], *args: *_Args, context: Context | None = None
    ) -> asyncio.Handle:
        """What a thread says: known when its work counts as done."""
        if self.is_closed():
            raise RuntimeError("the loop is closed")
        if _get_running_loop() is self:
            return self.call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        self._reported.put((handle, args))
        return handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Something failed where nobody waits for it: nothing of that is passed over here."""
        self._faults.append(context.get("exception") or RuntimeError(str(context.get("message"))))

    def turn(self) -> None:
        """Let happen all that happens at this moment. Raises what failed in it where nobody waited for it."""
        outer = _get_running_loop()
        _set_running_loop(self)
        try:
            while True:
                while self._next:
                    self._next.popleft()._run()
                if self._faults:
                    raise self._faults.pop(0)
                if not self._keeper.working():
                    return
                self._comes_back()
        finally:
            _set_running_loop(outer)

    def _comes_back(self) -> None:
        try:
            handle, told = self._reported.get(timeout=STUCK_S)
        except queue.Empty:
            raise StuckError(f"a thread has worked for {STUCK_S:.0f} s") from None
        self.worked = True
        ms = self._keeper.lasts_ms(told)
        if ms:
            self._held.append(handle)
            self._line.after(ms, partial(self._known, handle))
        else:
            self._next.append(handle)

    def _known(self, handle: asyncio.Handle) -> None:
        if handle in self._held:
            self._held.remove(handle)
            self._due(handle)

    def hurry(self) -> None:
        """Whatever was held back is known at once."""
        self._next.extend(self._held)
        self._held.clear()

    def _due(self, handle: asyncio.Handle) -> None:
        if self.is_closed() or handle.cancelled():
            return
        self._next.append(handle)
        self.turn()
        self._keeper.turned()
