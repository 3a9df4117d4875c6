"""Breaks what the plan says, and mends it again. Owns how each fault is made, and when it was; must not know truth.

Every fault is a context: entered when it begins, left when it ends. The name of a method is the name of its fault.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from nattevakt.edge.errors import RetryError
from tests.acceptance.kill.plan import Fault
from tests.acceptance.kill.scene import Gateway, Scene, boottime_ms
from tests.support.postgres import Postgres

STORES_AGAIN_MS = 6_000
"""A gateway tries a disk that was full again at most so much later (five seconds), and has stored soon after."""
ENDS_S = 5.0
UP_MS = 6_000
"""A gateway that is started listens to its ports and to the broker within so long."""
AGAIN_MS = 5_000
"""A gateway that has lost its broker comes again at most so late (four seconds)."""
NOTICED_MS = 16_000
"""A connection that swallows is noticed by the keepalive of ten seconds, half as much again, and one second."""


@dataclass(slots=True)
class Marks:
    """What was done to whom, in milliseconds of the machine's boot time."""

    deaths: dict[str, list[int]] = field(default_factory=dict)
    """When a gateway's process died, or its stick was pulled."""
    slow: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """From when to when a gateway could not store what it had read, or read at all."""
    deaf: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """From when to when, at the latest, a gateway did not listen to the broker, or there was none."""
    broker_deaths: list[int] = field(default_factory=list)
    wiped: list[int] = field(default_factory=list)


class Wrecker:
    """Not for several threads."""

    def __init__(self, scene: Scene, server: Postgres | None) -> None:
        self.marks = Marks()
        self.done: list[str] = []
        self._scene = scene
        self._server = server
        self._pause = threading.Event()

    def run(self, faults: list[Fault], lasts_s: float, alive: Callable[[], None]) -> None:
        """Carry the plan out over so long a time. alive: called all the while."""
        moments = [(one.begins_s, 1, one) for one in faults] + [(one.ends_s, 0, one) for one in faults]
        began_s = time.monotonic()
        going_on: dict[Fault, contextlib.ExitStack] = {}
        try:
            for at_s, begins, fault in sorted(moments, key=lambda one: one[:2]):
                while (left_s := began_s + at_s - time.monotonic()) > 0:
                    alive()
                    self._pause.wait(min(left_s, 0.1))
                if begins:
                    stack = going_on[fault] = contextlib.ExitStack()
                    make = getattr(self, fault.what)
                    stack.enter_context(make(self._scene.gateways[fault.of]) if fault.of else make())
                    self.done.append(fault.what)
                else:
                    going_on.pop(fault).close()
            self._pause.wait(max(0.0, began_s + lasts_s - time.monotonic()))
        finally:
            with contextlib.ExitStack() as rest:
                for stack in going_on.values():
                    rest.push(stack)

    # --- gateways ----------------------------------------------------------------------------------------------

    def _dies(self, gateway: Gateway, number: signal.Signals) -> None:
        assert gateway.process is not None
        self.marks.deaths.setdefault(gateway.key, []).append(boottime_ms())
        gateway.stick.probed.clear()
        gateway.process.signal(number)
        try:
            gateway.process.died(ENDS_S)
        except subprocess.TimeoutExpired:
            gateway.process.kill()
        # Whoever ends in order stores until it has ended.
        self.marks.deaths[gateway.key].append(boottime_ms())

    @contextlib.contextmanager
    def gateway_killed(self, gateway: Gateway) -> Iterator[None]:
        """SIGKILL, and started again."""
        with self._deaf(UP_MS, gateway):
            self._dies(gateway, signal.SIGKILL)
            yield
            self._scene.start_gateway(gateway)

    @contextlib.contextmanager
    def gateway_ended(self, gateway: Gateway) -> Iterator[None]:
        """SIGTERM, and started again."""
        with self._deaf(UP_MS, gateway):
            self._dies(gateway, signal.SIGTERM)
            yield
            self._scene.start_gateway(gateway)

    @contextlib.contextmanager
    def _slow(self, gateway: Gateway, more_ms: int = 0) -> Iterator[None]:
        began_ms = boottime_ms()
        try:
            yield
        finally:
            self.marks.slow.setdefault(gateway.key, []).append((began_ms, boottime_ms() + more_ms))

    @contextlib.contextmanager
    def _deaf(self, more_ms: int, *of: Gateway) -> Iterator[None]:
        began_ms = boottime_ms()
        try:
            yield
        finally:
            for gateway in of or self._scene.gateways.values():
                self.marks.deaf.setdefault(gateway.key, []).append((began_ms, boottime_ms() + more_ms))

    @contextlib.contextmanager
    def gateway_stopped(self, gateway: Gateway) -> Iterator[None]:
        """SIGSTOP, and SIGCONT."""
        assert gateway.process is not None
        with self._slow(gateway), self._deaf(0, gateway):
            gateway.process.signal(signal.SIGSTOP)
            yield
            gateway.process.signal(signal.SIGCONT)

    @contextlib.contextmanager
    def disk_full(self, gateway: Gateway) -> Iterator[None]:
        """Nothing more can be written where the outbox is."""
        assert gateway.process is not None
        pid = gateway.process.process.pid
        with self._slow(gateway, STORES_AGAIN_MS), self._deaf(STORES_AGAIN_MS, gateway):
            gateway.disk.fill(pid)
            yield
            gateway.disk.empty(pid)

    @contextlib.contextmanager
    def credential(self, gateway: Gateway) -> Iterator[None]:
        """The key is withdrawn; after a while there is a new one, and the agent is started with it."""
        _patiently(lambda: self._scene.revoke(gateway.key))
        yield
        _patiently(lambda: self._scene.renew(gateway.key))
        with self._deaf(UP_MS, gateway):
            self._dies(gateway, signal.SIGTERM)
            self._scene.start_gateway(gateway)

    @contextlib.contextmanager
    def stick_pulled(self, gateway: Gateway) -> Iterator[None]:
        """The stick is pulled out, and put in again."""
        self.marks.deaths.setdefault(gateway.key, []).append(boottime_ms())
        with gateway.radio:
            gateway.plugged = False
            gateway.stick.pull()
        yield
        with gateway.radio:
            gateway.stick.plug()
            gateway.plugged = True

    # --- lines -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def line_cut(self, gateway: Gateway, mode: str = "cut") -> Iterator[None]:
        """The line to the centre is refused and reset."""
        gateway.line.set(mode)
        yield
        gateway.line.set("open")

    def line_half_open(self, gateway: Gateway) -> contextlib.AbstractContextManager[None]:
        """The line to the centre swallows."""
        return self.line_cut(gateway, "half_open")

    def line_delay(self, gateway: Gateway) -> contextlib.AbstractContextManager[None]:
        """The line to the centre takes its time."""
        return self.line_cut(gateway, "delay")

    @contextlib.contextmanager
    def mqtt_cut(self, gateway: Gateway, mode: str = "cut") -> Iterator[None]:
        """The line to the broker is refused and reset."""
        with self._deaf(AGAIN_MS if mode == "cut" else NOTICED_MS, gateway):
            gateway.mqtt.set(mode)
            yield
            gateway.mqtt.set("open")

    def mqtt_half_open(self, gateway: Gateway) -> contextlib.AbstractContextManager[None]:
        """The line to the broker swallows."""
        return self.mqtt_cut(gateway, "half_open")

    # --- what all share ----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def centre_killed(self) -> Iterator[None]:
        """SIGKILL, and started again."""
        assert self._scene.central is not None
        self._scene.central.kill()
        yield
        self._scene.start_central()

    @contextlib.contextmanager
    def centre_stopped(self) -> Iterator[None]:
        """SIGSTOP, and SIGCONT."""
        assert self._scene.central is not None
        self._scene.central.signal(signal.SIGSTOP)
        yield
        self._scene.central.signal(signal.SIGCONT)

    @contextlib.contextmanager
    def broker_stopped(self) -> Iterator[None]:
        """SIGSTOP, and SIGCONT."""
        assert self._scene.broker is not None
        with self._deaf(AGAIN_MS):
            self._scene.broker.signal(signal.SIGSTOP)
            yield
            self._scene.broker.signal(signal.SIGCONT)

    @contextlib.contextmanager
    def broker_restarted(self) -> Iterator[None]:
        """It ends in order, with all that it holds, and is started again."""
        assert self._scene.broker is not None
        with self._deaf(AGAIN_MS):
            self._scene.broker.stop()
            yield
            self._scene.start_broker()

    @contextlib.contextmanager
    def broker_killed(self, *, wiped: bool = False) -> Iterator[None]:
        """SIGKILL, and started again on the data that it had written."""
        assert self._scene.broker is not None
        self.marks.broker_deaths.append(boottime_ms())
        self._scene.broker.kill()
        if wiped:
            self.marks.wiped.append(boottime_ms())
            shutil.rmtree(self._scene.folder / "mosquitto-data")
        with self._deaf(AGAIN_MS):
            yield
            self._scene.start_broker()

    def broker_wiped(self) -> contextlib.AbstractContextManager[None]:
        """SIGKILL, and started again without any data."""
        return self.broker_killed(wiped=True)

    @contextlib.contextmanager
    def database_away(self) -> Iterator[None]:
        """PostgreSQL: an immediate shutdown, and a start. SQLite: somebody else holds the file."""
        if self._server is not None:
            self._server.crash()
            try:
                yield
            finally:
                self._server.start_again()
            return
        file = self._scene.database.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")


def _patiently(work: Callable[[], None]) -> None:
    """Do it; the database may be busy."""
    for left in reversed(range(4)):
        try:
            work()
            return
        except RetryError:
            if not left:
                raise
