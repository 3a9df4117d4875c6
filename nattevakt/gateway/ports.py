"""The threads that own the outside: serial ports, the broker, HTTP lanes. Serves arrows 1, 4 and 5.

Owns opening, reading, reopening and closing; everything read goes on the core's queue and nothing is decided here.
Must not know drivers, events or storage. Whatever goes wrong here is logged, counted and tried again.
"""

from __future__ import annotations

import logging
import queue
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
import serial  # type: ignore[import-untyped]
from paho.mqtt.enums import CallbackAPIVersion

from nattevakt.gateway import inputs as io
from nattevakt.gateway.config import MqttConfig, SerialConfig
from nattevakt.gateway.lanes import HttpLane
from nattevakt.gateway.logs import kv

LOG = logging.getLogger("nattevakt.ports")
READ_S = 0.5
LOOP_S = 1.0
BACKOFF_FIRST_S = 0.2
SERIAL_BACKOFF_MAX_S = 2.0
MQTT_BACKOFF_MAX_S = 4.0
SEND_MAX = 200
"""Messages that wait for the port's thread; the oldest go first."""

Put = Callable[[io.Input], None]
Beat = Callable[[], None]


class SerialPort:
    """One serial port: opened exclusively by its stable name, read, and reopened for ever.

    read_s: the longest wait for bytes, after which the thread shows that it lives and sees whether it should stop.
    """

    def __init__(
        self, config: SerialConfig, put: Put, beat: Beat, boottime_ms: Callable[[], int], *, read_s: float = READ_S
    ) -> None:
        self.name = config.name
        self._config = config
        self._put = put
        self._beat = beat
        self._boottime_ms = boottime_ms
        self._read_s = read_s
        self._stop = threading.Event()
        self._to_send: deque[bytes] = deque(maxlen=100)
        self._opened: Any = None
        self._opening = threading.Lock()
        self.errors = 0

    def send(self, data: bytes) -> None:
        """Have the port's thread write this now: a device that wants an answer does not wait for long."""
        self._to_send.append(data)
        self._rouse()

    def stop(self) -> None:
        """Let `run` return."""
        self._stop.set()
        self._rouse()

    def _rouse(self) -> None:
        with self._opening:  # never on a port that is being closed: its descriptor may be another file's by then
            if self._opened is not None:
                self._opened.cancel_read()

    def run(self) -> None:
        """Open, read, and open again, until `stop`."""
        pause_s = BACKOFF_FIRST_S
        told = False
        while not self._stop.is_set():
            self._beat()
            opened = False
            try:
                with self._open() as port:
                    opened = True
                    self._to_send.clear()
                    try:
                        self._opened = port
                        self._put(io.PortUp(self.name))
                        self._read(port)
                    finally:
                        with self._opening:
                            self._opened = None
                    return
            except Exception as error:  # noqa: BLE001 - a port must come back whatever its driver raised
                self.errors += 1
                if opened or not told:
                    LOG.warning(kv("port_down", port=self.name, error=f"{type(error).__name__} {error}"))
                    self._put(io.PortDown(self.name, _reason(error)))
                    told = True
                pause_s = BACKOFF_FIRST_S if opened else min(pause_s * 2, SERIAL_BACKOFF_MAX_S)
                self._stop.wait(pause_s)

    def _open(self) -> Any:
        return serial.Serial(
            self._config.port, self._config.speed, timeout=self._read_s, write_timeout=READ_S, exclusive=True
        )

    def _read(self, port: Any) -> None:
        while not self._stop.is_set():
            self._beat()
            # Asking for more than has arrived would wait for the whole timeout.
            data = port.read(max(1, port.in_waiting))
            try:
                if data:
                    data += port.read(port.in_waiting)  # the rest of what woke us, so that the core is woken once
            finally:
                if data:
                    self._put(io.SerialBytes(self.name, data, self._boottime_ms()))
            while self._to_send:
                port.write(self._to_send.popleft())


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return f"{type(error).__name__} {number}" if number is not None else type(error).__name__


class MqttPort:
    """The broker: a session that it keeps for us, messages acknowledged only when the core says so.

    The client's own network loop is not used: here one thread does all reading, writing and acknowledging, so that
    nothing can die unseen and progress can be reported.
    """

    def __init__(
        self,
        config: MqttConfig,
        client_id: str,
        password: str | None,
        topics: tuple[str, ...],
        put: Put,
        beat: Beat,
    ) -> None:
        self._config = config
        self._topics = topics
        self._put = put
        self._beat = beat
        self._stop = threading.Event()
        self._acks: deque[io.AckMqtt] = deque()
        self._to_send: deque[io.MqttSend] = deque(maxlen=SEND_MAX)
        self._epoch = 0
        self._reconnect = threading.Event()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_write.settimeout(0)
        self._wake_read.settimeout(0)
        self._told_down = False
        self._up: io.MqttUp | None = None
        self.errors = 0
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if config.username:
            self._client.username_pw_set(config.username, password)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe

    def ack(self, ack: io.AckMqtt) -> None:
        """Acknowledge a message; one from an earlier connection is left to be delivered again."""
        self._acks.append(ack)
        self._wake()

    def send(self, message: io.MqttSend) -> None:
        """Publish this at least once, not retained, if the broker is there now: who wanted it may want something else
        by the time that it is back."""
        self._to_send.append(message)
        self._wake()

    def reconnect(self) -> None:
        """Drop the connection so that what was not acknowledged comes again."""
        self._reconnect.set()
        self._wake()

    def stop(self) -> None:
        """Let `run` return."""
        self._stop.set()
        self._wake()

    def close(self) -> None:
        """Give back the wake-up sockets, after `run` has returned."""
        self._wake_read.close()
        self._wake_write.close()

    def _wake(self) -> None:
        try:
            self._wake_write.send(b"w")
        except OSError:
            return  # full of wake-ups already, or closed

    def run(self) -> None:
        """Connect, serve, and connect again, until `stop`."""
        pause_s = BACKOFF_FIRST_S
        while not self._stop.is_set():
            self._beat()
            before = self._epoch
            reason = "connection lost"
            try:
                self._reconnect.clear()
                self._client.connect(self._config.host, self._config.port, self._config.keepalive_s)
                self._serve()
            except Exception as error:  # noqa: BLE001 - the broker must come back whatever the client raised
                self.errors += 1
                reason = _reason(error)
                LOG.warning(kv("mqtt_failed", error=f"{type(error).__name__} {error}"))
            if self._stop.is_set():
                break
            self._down(reason)
            pause_s = BACKOFF_FIRST_S if self._epoch != before else min(pause_s * 2, MQTT_BACKOFF_MAX_S)
            self._stop.wait(pause_s)
        self._send_messages()
        # Without DISCONNECT the broker would publish our will, if there were one; the session is kept either way.
        self._client.disconnect()

    def _down(self, reason: str) -> None:
        if not self._told_down:
            self._told_down = True
            LOG.warning(kv("mqtt_down", reason=reason))
            self._put(io.MqttDown(reason))

    def _serve(self) -> None:
        client = self._client
        while not self._stop.is_set() and not self._reconnect.is_set():
            self._beat()
            sock: Any = client.socket()
            if sock is None:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wanting = [sock] if client.want_write() else []
            readable, writable, _ = select.select([sock, self._wake_read], wanting, [], LOOP_S)
            if self._wake_read in readable:
                self._wake_read.recv(4096)
            self._send_acks()
            self._send_messages()
            results = [client.loop_read()] if sock in readable else []
            if sock in writable or client.want_write():
                results.append(client.loop_write())
            results.append(client.loop_misc())
            if any(result != mqtt.MQTT_ERR_SUCCESS for result in results):
                return

    def _send_acks(self) -> None:
        while self._acks:
            ack = self._acks.popleft()
            if ack.epoch == self._epoch:
                self._client.ack(ack.mid, ack.qos)

    def _send_messages(self) -> None:
        while self._to_send:
            message = self._to_send.popleft()
            if self._client.is_connected():
                self._client.publish(message.topic, message.payload, qos=1)

    def _on_connect(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        try:
            if reason.is_failure:
                LOG.warning(kv("mqtt_refused", reason=reason))
                self._down(f"refused: {reason}")
                return
            self._epoch += 1
            self._told_down = False
            self._up = io.MqttUp(self._epoch, bool(flags.session_present))
            if self._up.session_present:
                self._announce()  # held messages follow at once
            self._client.subscribe([(topic, 1) for topic in self._topics])
            LOG.info(kv("mqtt_up", epoch=self._epoch, session_present=flags.session_present))
        except Exception as error:  # noqa: BLE001 - an exception here would end the client's work unseen
            self._callback_failed(error)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
        try:
            if any(reason.is_failure for reason in reasons):
                LOG.error(kv("mqtt_subscription_refused", topics=self._topics))
                self._down("subscription refused")
                self._reconnect.set()
            else:
                self._announce()
        except Exception as error:  # noqa: BLE001 - as above
            self._callback_failed(error)

    def _announce(self) -> None:
        """Tell once a connection that the broker is there: subscribed, or with a first message."""
        if self._up is not None:
            self._put(self._up)
            self._up = None

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        try:
            self._announce()
            payload = bytes(message.payload)
            retained, dup = bool(message.retain), bool(message.dup)
            self._put(io.MqttReceived(message.topic, payload, retained, message.qos, message.mid, dup, self._epoch))
        except Exception as error:  # noqa: BLE001 - as above
            self._callback_failed(error)

    def _callback_failed(self, error: Exception) -> None:
        self.errors += 1
        LOG.error(kv("mqtt_callback_failed", error=f"{type(error).__name__} {error}"))


class LanePort:
    """The thread of one HTTP lane."""

    def __init__(self, name: str, lane: HttpLane, put: Put, beat: Beat) -> None:
        self.name = name
        self._lane = lane
        self._put = put
        self._beat = beat
        self._stop = threading.Event()
        self._queue: queue.SimpleQueue[io.HttpSend | None] = queue.SimpleQueue()
        self.errors = 0

    def send(self, request: io.HttpSend) -> None:
        """Send this next."""
        self._queue.put(request)

    def stop(self) -> None:
        """Let `run` return after the request that is under way."""
        self._stop.set()
        self._queue.put(None)

    def run(self) -> None:
        """Exchange requests for answers until `stop`."""
        while not self._stop.is_set():
            self._beat()
            try:
                request = self._queue.get(timeout=LOOP_S)
            except queue.Empty:
                continue
            if request is None:
                break
            try:
                self._put(self._lane.exchange(request))
            except Exception as error:
                self.errors += 1
                LOG.exception(kv("lane_failed", lane=self.name))
                self._put(io.HttpFailed(request.lane, request.number, "connection", type(error).__name__))
        self._lane.close()
