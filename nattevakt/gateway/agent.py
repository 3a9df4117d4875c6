"""The running gateway: threads, the core's loop, watchdog, status file, stopping. Serves arrows 1 to 5 as their shell.

Owns what runs where and when the core is called. Must not decide anything about events: that is core.py's.
"""

from __future__ import annotations

import logging
import os
import queue
import random
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from nattevakt.edge.drivers.registry import SERIAL_DRIVERS
from nattevakt.edge.errors import RetryError
from nattevakt.edge.wire_plan import credential_key
from nattevakt.gateway import config as settings
from nattevakt.gateway import health
from nattevakt.gateway import inputs as io
from nattevakt.gateway.clock import GatewayClock
from nattevakt.gateway.config import GatewayConfig
from nattevakt.gateway.core import Core
from nattevakt.gateway.crypto import secured_line
from nattevakt.gateway.health import Machine
from nattevakt.gateway.identity import Credential, mint_stream
from nattevakt.gateway.inputs import BACKLOG, URGENT, Now, Probe, no_probe
from nattevakt.gateway.lanes import HttpLane
from nattevakt.gateway.local_alarm import LocalAlarm
from nattevakt.gateway.local_mode import LocalMode
from nattevakt.gateway.local_page import LocalPage, PageConfig
from nattevakt.gateway.local_plan import PlanKept
from nattevakt.gateway.logs import kv
from nattevakt.gateway.outbox import Outbox
from nattevakt.gateway.ports import LanePort, MqttPort, SerialPort
from nattevakt.gateway.siren import TEST, Sirens
from nattevakt.gateway.systemd import Notifier, Progress, Watchdog
from nattevakt.gateway.tap import Tap
from nattevakt.gateway.tapped import Tapped

LOG = logging.getLogger("nattevakt.agent")
TAKE_MAX = 512
TICK_S = 0.5
STATUS_EVERY_S = 5.0
STOP_S = 8.0
READ_OUT_S = 2.0
"""So much of it is kept for what the ports have read."""
CROWDED_S = 0.2
"""A round that took longer than this leaves inputs in the queue of which nobody can tell how far apart they came."""
CORE_LIMIT_S = 20.0
PORT_LIMIT_S = 20.0
LANE_LIMIT_S = 60.0
"""A name service that is away can hold a lane for longer than any of our own deadlines."""


def guard(where: str, thunk: Callable[[], None]) -> str | None:
    """Run what may hold a bug; it is logged, and its text given back, so that everything else goes on."""
    try:
        thunk()
    except RetryError:
        raise
    except Exception as error:
        LOG.exception(kv("unhandled", where=where))
        return f"{type(error).__name__}: {error}"[:300]
    return None


class Agent:
    """One gateway process. `run` blocks until SIGTERM, SIGINT or `stop`."""

    def __init__(
        self,
        config: GatewayConfig,
        clock: GatewayClock,
        *,
        probe: Probe = no_probe,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._probe = probe
        self._queue: queue.SimpleQueue[io.Input | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._progress = Progress()
        self._notifier = Notifier(os.environ if environment is None else environment)
        self._watchdog = Watchdog(self._notifier, self._progress)
        self._alarm = LocalAlarm(config.local_alarm.command if config.local_alarm else None)
        self._status_at_s = 0.0
        self._round_s = clock.monotonic()
        self._stuck: list[str] = []
        who = settings.credential(config)
        dialects = config.mqtt.rooted() if config.mqtt is not None else {}
        serial = {port.name: (port.driver, SERIAL_DRIVERS[port.driver]) for port in config.serial}
        self._outbox = Outbox(config.outbox_file, config.outbox, partial(mint_stream, os.urandom))
        self._tap = Tap(config.state_dir, clock.boottime_ms, health.VERSION)
        line = secured_line(settings.keys(config))
        self._local = LocalMode(PlanKept(credential_key(who.text)), after_s=config.local.after_s, guard=guard)
        self._page = self._local_page()
        self._sources = Tapped(self._tap, guard, config.device, serial, dialects, line=line)
        self.core = Core(
            self._sources,
            self._outbox,
            Machine(config.state_dir),
            guard,
            random.SystemRandom().random,
            heartbeat_s=config.centre.heartbeat_s,
            acked_keep_h=config.outbox.acked_keep_h,
            probe=probe,
            local=self._local,
            sirens=Sirens(config.siren, config.mqtt.base_topic, frozenset(d.address for d in config.device))
            if config.mqtt is not None
            else None,
        )
        self._serial = {
            port.name: SerialPort(port, self._put, self._beater(f"serial:{port.name}"), clock.boottime_ms)
            for port in config.serial
        }
        self._lanes = {name: self._lane(name, who) for name in (URGENT, BACKLOG)}
        self._mqtt: MqttPort | None = None
        if config.mqtt is not None:
            password_file = config.mqtt.password_file
            self._mqtt = MqttPort(
                config.mqtt,
                settings.client_id(config.mqtt, who),
                settings.secret(password_file, "mqtt.password_file") if password_file else None,
                self._sources.topics,
                self._put,
                self._beater("mqtt"),
            )

    def _lane(self, name: str, who: Credential) -> LanePort:
        centre = self._config.centre
        lane = HttpLane(
            centre.url,
            who.text,
            self._clock.monotonic,
            connect_timeout_s=centre.connect_timeout_s,
            reply_timeout_s=centre.reply_timeout_s,
            probe=self._probe,
        )
        return LanePort(name, lane, self._put, self._beater(f"lane:{name}"))

    def _local_page(self) -> LocalPage | None:
        listens, code_file = self._config.local.listens, self._config.local.page_code_file
        if listens is None:
            return None
        code = settings.secret(code_file, "local.page_code_file") if code_file is not None else ""
        return LocalPage(PageConfig(*listens, code), lambda: self._local.view, self._local.see, self._clock.monotonic)

    def _now(self) -> Now:
        return Now(self._clock.now(), self._clock.monotonic(), self._clock.pace())

    def _put(self, given: io.Input) -> None:
        self._queue.put(given)

    def _beater(self, name: str) -> Callable[[], None]:
        return lambda: self._progress.beat(name, self._clock.monotonic())

    def stop(self) -> None:
        """Let `run` return; may be called from a signal handler or another thread."""
        self._stop.set()
        self._queue.put(None)

    # --- running ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start the threads and serve until stopped."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stop())
        LOG.info(kv("starting", version=health.VERSION, pid=os.getpid(), state_dir=self._config.state_dir))
        alarm = threading.Thread(target=self._alarm.run, name="local_alarm", daemon=True)
        alarm.start()
        threads = self._start_threads()
        # Not watched: who only looks on must not have the gateway restarted.
        tap = threading.Thread(target=partial(guard, "tap", self._tap.run), name="tap", daemon=True)
        page = None
        if self._page is not None:
            page = threading.Thread(target=partial(guard, "page", self._page.run), name="local_page", daemon=True)
            page.start()
        self._progress.expect("core", CORE_LIMIT_S, self._clock.monotonic())
        ready = False
        while not self._stop.is_set():
            self._turn()
            if not ready:
                ready = True
                tap.start()
                self._notifier.send("READY=1")
                LOG.info(kv("ready", outbox_open=self.core.ready))
        self._notifier.send("STOPPING=1")
        self._tap.stop()
        if self._page is not None:
            self._page.stop()
        self._halt(threads, alarm)
        if ready:
            tap.join(STOP_S)
        if page is not None:
            page.join(STOP_S)
        LOG.info(kv("stopped"))

    def _start_threads(self) -> list[threading.Thread]:
        now_s = self._clock.monotonic()
        runs: list[tuple[str, float, Callable[[], None]]] = []
        runs += [(f"serial:{name}", PORT_LIMIT_S, port.run) for name, port in self._serial.items()]
        runs += [(f"lane:{name}", LANE_LIMIT_S, lane.run) for name, lane in self._lanes.items()]
        if self._mqtt is not None:
            runs.append(("mqtt", PORT_LIMIT_S, self._mqtt.run))
        threads = []
        for name, limit_s, target in runs:
            self._progress.expect(name, limit_s, now_s)
            threads.append(threading.Thread(target=target, name=name, daemon=True))
            threads[-1].start()
        return threads

    def _turn(self) -> None:
        """One round: wait for something, take all that is queued, let the core decide, do what it says."""
        now = self._now()
        wait_s = min(TICK_S, max(0.01, self.core.wake_at_s(now) - now.mono_s))
        crowded = (now.mono_s - self._round_s) * now.pace > CROWDED_S and not self._queue.empty()
        given: list[io.Input] = []
        try:
            first = self._queue.get(timeout=wait_s)
            # The moment before the rest is drained: nothing that this round leaves behind occurred before it.
            now = self._now()
            while first is not None:
                given.append(first)
                if len(given) >= TAKE_MAX:
                    break
                first = self._queue.get_nowait()
        except queue.Empty:
            if not given:
                now = self._now()
        now, self._round_s = replace(now, crowded=crowded), now.mono_s
        for until_ms in self._tap.asked_for_sirens():
            self.core.sirens.ask(TEST, until_ms, now.moment.boottime_ms)
        for one in given:
            if isinstance(one, io.SerialBytes | io.MqttReceived):
                self._probe("read", {"input": type(one).__name__})
            elif isinstance(one, io.HttpReply) and one.status != 200:
                LOG.warning(kv("centre_answered", lane=one.lane, status=one.status, body=one.body[:200]))
            elif isinstance(one, io.PortUp | io.PortDown | io.MqttUp | io.MqttDown):
                LOG.info(kv("source", input=one))
        try:
            for output in self.core.handle(given, now):
                self._do(output)
        except Exception:
            # Never expected: everything that an input can cause is guarded inside. Go on with the next round.
            # The watchdog hears nothing from this one, so a core that fails for ever is restarted.
            LOG.exception(kv("core_failed", inputs=len(given)))
            if self._mqtt is not None and given:
                self._mqtt.reconnect()
        else:
            self._progress.beat("core", self._clock.monotonic())
        self._watch(now)

    def _do(self, output: io.Output) -> None:
        if isinstance(output, io.HttpSend):
            self._lanes[output.lane].send(output)
        elif isinstance(output, io.AckMqtt):
            if self._mqtt is not None and output.qos > 0:
                self._mqtt.ack(output)
                self._probe("acked_broker", {"mid": output.mid})
        elif isinstance(output, io.SerialSend):
            self._serial[output.port].send(output.data)
        elif self._mqtt is not None:
            if isinstance(output, io.MqttSend):
                self._mqtt.send(output)
            else:
                self._mqtt.reconnect()

    def _watch(self, now: Now) -> None:
        stuck = self._watchdog.tick(now.mono_s)
        if stuck != self._stuck:
            LOG.error(kv("threads_stuck", names=",".join(stuck) or "none"))
            self._stuck = stuck
        faults = self.core.faults(now)
        if stuck:
            faults["stuck"] = "agent: stuck threads " + ", ".join(stuck)
        self._alarm.update({**faults, **self._local.faults()}, now.mono_s)
        if now.mono_s >= self._status_at_s and self.core.ready:
            self._status_at_s = now.mono_s + STATUS_EVERY_S
            try:
                extra = {
                    "pid": os.getpid(),
                    "running": not self._stop.is_set(),
                    "sensors": self._sources.told(self._outbox.memory),
                }
                health.write_status(self._config.status_file, self.core.describe(now), extra)
            except (OSError, RetryError) as error:
                LOG.warning(kv("status_not_written", error=f"{type(error).__name__} {error}"))

    def _halt(self, threads: list[threading.Thread], alarm: threading.Thread) -> None:
        """Wait for the centre's answers while we still listen, then stop reading, store what is queued, and close.

        What stops reading first would go on giving signs of life, and name a gap that begins too late.
        """
        for lane in self._lanes.values():
            lane.stop()
        until_s = self._clock.monotonic() + STOP_S
        lanes = [thread for thread in threads if thread.name.startswith("lane:")]
        while any(thread.is_alive() for thread in lanes) and self._clock.monotonic() < until_s - READ_OUT_S:
            self._turn()
        for port in self._serial.values():
            port.stop()
        mqtt_thread = [thread for thread in threads if thread.name == "mqtt"]
        for thread in threads:
            if thread not in mqtt_thread:
                thread.join(max(0.1, until_s - self._clock.monotonic()))
        self._queue.put(None)
        while not self._queue.empty() and self._clock.monotonic() < until_s:
            self._turn()
        for output in self.core.stopping(self._now()):
            self._do(output)
        if self._mqtt is not None:
            self._mqtt.stop()
            for thread in mqtt_thread:
                thread.join(max(0.1, until_s - self._clock.monotonic()))
            self._mqtt.close()
        self._alarm.close()
        alarm.join(max(0.1, until_s - self._clock.monotonic()))
        self._status_at_s = 0.0
        self._watch(self._now())
        self._outbox.close()
