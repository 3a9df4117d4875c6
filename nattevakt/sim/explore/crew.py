"""Many jobs on several processes, each with a limit of real time. Serves the explorer.

Owns processes: a job that hangs is ended with its process, one that crashes takes its process along; both are answers
about that job, and another process takes its place. Must not know what a job is. Spawned, not forked: every worker
begins alike.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

J = TypeVar("J")
R = TypeVar("R")
LOOK_S = 0.25
START_S = 180.0
"""So long a worker may take to begin: on a busy machine the imports alone are many seconds, which are no job's."""
READY = "ready"
TAIL = 2_000
"""So much of what a worker said before its end is kept, in characters."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A job without an answer. hung: it took longer than allowed; else its process died. says: its last words."""

    hung: bool
    says: str


Answered = Callable[[J, R | Lost], Iterable[J]]
"""Told of each answer as it comes; gives more jobs, which come after those there are."""


@dataclass(slots=True)
class _Worker(Generic[J]):
    process: BaseProcess
    line: Connection
    words: Path
    job: J | None = None
    until_s: float = 0.0
    ready: bool = False


def _serve(line: Connection, words: str, work: Callable[[Any], Any]) -> None:
    """What a worker does all its life. What it says goes to a file, so that its last words are known."""
    told = os.open(words, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(told, 2)
    line.send(READY)
    while True:
        try:
            job = line.recv()
        except EOFError:
            return
        line.send(work(job))


class Crew(Generic[J, R]):
    """So many workers. work: a function of a module, called in a worker. folder: for their last words."""

    def __init__(
        self, work: Callable[[J], R], jobs: int, limit_s: float, folder: Path, monotonic: Callable[[], float]
    ) -> None:
        self._work = work
        self._jobs = jobs
        self._limit_s = limit_s
        self._folder = folder
        self._monotonic = monotonic
        self._spawn = multiprocessing.get_context("spawn")
        self._workers: list[_Worker[J]] = []
        self._made = 0

    def run(self, jobs: Iterable[J], answered: Answered[J, R], idle: Callable[[], None] = lambda: None) -> None:
        """Do all jobs. idle: called at least four times a second."""
        waiting = deque(jobs)
        try:
            while waiting or any(worker.job is not None for worker in self._workers):
                self._hand_out(waiting)
                busy = [worker for worker in self._workers if worker.job is not None]
                wait([worker.line for worker in busy], LOOK_S)
                for worker in busy:
                    job, found = worker.job, self._answer(worker)
                    if job is not None and found is not None:
                        waiting.extend(answered(job, found))
                idle()
        finally:
            for worker in self._workers:
                self._end(worker)
            self._workers.clear()

    def _hand_out(self, waiting: deque[J]) -> None:
        idle = [worker for worker in self._workers if worker.job is None]
        while waiting and (idle or len(self._workers) < self._jobs):
            worker = idle.pop() if idle else self._hire()
            worker.job = waiting.popleft()
            worker.until_s = self._monotonic() + (self._limit_s if worker.ready else START_S)
            worker.line.send(worker.job)

    def _hire(self) -> _Worker[J]:
        self._made += 1
        here, there = self._spawn.Pipe()
        words = self._folder / f"worker-{self._made}.err"
        process = self._spawn.Process(target=_serve, args=(there, str(words), self._work), daemon=True)
        process.start()
        there.close()
        self._workers.append(_Worker(process, here, words))
        return self._workers[-1]

    def _answer(self, worker: _Worker[J]) -> R | Lost | None:
        """What a worker says now; None where it still works."""
        try:
            if worker.line.poll():
                found = worker.line.recv()
                if not worker.ready and found == READY:
                    worker.ready, worker.until_s = True, self._monotonic() + self._limit_s
                    return None
                worker.job = None
                return found  # type: ignore[no-any-return]  # what `work` gave
        except (EOFError, ConnectionError):
            self._end(worker)
            self._workers.remove(worker)
            return Lost(hung=False, says=f"prosessen døde med {worker.process.exitcode}\n{_last_words(worker.words)}")
        if self._monotonic() < worker.until_s:
            return None
        self._end(worker)
        self._workers.remove(worker)
        return Lost(hung=True, says=f"ikke ferdig etter {self._limit_s:g} s\n{_last_words(worker.words)}")

    def _end(self, worker: _Worker[J]) -> None:
        worker.line.close()
        if worker.job is not None:
            worker.process.kill()
        worker.process.join(5)


def _last_words(path: Path) -> str:
    return path.read_text("utf-8", "replace")[-TAIL:].strip() if path.exists() else ""
