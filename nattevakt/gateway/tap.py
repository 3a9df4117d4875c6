"""What drivers hear and say, for an installer who looks on. Serves arrows 1 and 2 beside their way, never in it.

Owns the socket `sensors.sock` in the state folder (0600), the lookers-on with their bounded queues, the learn window,
and what each device last said of itself. Must not know events, storage or the centre. A looker-on that does not read
loses lines, which are counted and told; the core never waits for one.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from nattevakt.edge.drivers.driver import Finding, Learned, MqttMessage, Reading, Said, SourceState
from nattevakt.gateway.logs import kv
from nattevakt.gateway.sources import Taken

LOG = logging.getLogger("nattevakt.tap")
SOCKET_NAME = "sensors.sock"
CLIENTS_MAX = 8
ASKED_MAX = 1_024
"""Most bytes of what a client may ask."""
QUEUE_MAX = 1_000
QUEUE_BYTES_MAX = 4_000_000
DATA_MAX = 1_000_000
"""Most bytes of one input that are shown; a bridge's list of its devices is below it."""
LEARN_DEFAULT_S = 300
LEARN_MAX_S = 1_800
SIREN_MAX_S = 60
"""So long a test of the sirens lasts at most."""
DEVICES_MAX = 1_000
LOOP_S = 1.0
OWN_VALUES = (
    "battery_percent",
    "battery_low",
    "tamper",
    "available",
    "linkquality",
    "signal_dbm",
    "supply_v",
    "repeats",
    "sensitivity",
)
"""What a device says of itself rather than of the resident."""

Data: TypeAlias = bytes | MqttMessage | None


@dataclass(frozen=True, slots=True)
class Heard:
    """One input as a driver met it. what: bytes, message, opened, closed or woken. ms: boottime."""

    ms: int
    source: str
    what: str
    data: Data
    taken: Taken


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the tap itself says to its clients."""

    content: Mapping[str, object]


@dataclass(slots=True)
class _Client:
    sock: socket.socket
    asked: bytes = b""
    wants: str = ""
    queue: deque[Heard | Told] = field(default_factory=deque)
    queued_bytes: int = 0
    dropped: int = 0
    dropped_told: int = 0
    out: bytes = b""
    leaving: bool = False


class Tap:
    """The socket and its clients: `run` in a thread of its own, `seen` from the core's."""

    def __init__(self, folder: Path, boottime_ms: Callable[[], int], version: str) -> None:
        self._folder = folder
        self._boottime_ms = boottime_ms
        self._version = version
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._watching: tuple[_Client, ...] = ()
        self._clients: dict[int, _Client] = {}
        self._wake: socket.socket | None = None
        self._told_closed = False
        self._asked: deque[int | None] = deque(maxlen=64)
        self._sirens: deque[int | None] = deque(maxlen=64)
        self.dropped = 0
        self.refused = 0

    # --- the core's side ---------------------------------------------------------------------------------------

    @property
    def watched(self) -> int:
        """How many look on."""
        return len(self._watching)

    def seen(self, heard: Heard | Told) -> None:
        """Hand this to everyone who looks on. Never waits: a full queue drops it, counted."""
        size = 200
        if isinstance(heard, Heard) and heard.data is not None:
            size += len(heard.data if isinstance(heard.data, bytes) else heard.data.payload)
        for client in self._watching:
            with self._lock:
                if len(client.queue) >= QUEUE_MAX or client.queued_bytes + size > QUEUE_BYTES_MAX:
                    client.dropped += 1
                    self.dropped += 1
                    continue
                client.queue.append(heard)
                client.queued_bytes += size
        if self._watching:
            self._rouse()

    def asked_to_learn(self) -> Iterator[int | None]:
        """What operators asked since the last call: a boottime until which to learn, or None to end it."""
        while self._asked:
            yield self._asked.popleft()

    def asked_for_sirens(self) -> Iterator[int | None]:
        """The same for a test of the sirens: a boottime until which they are to sound, or None to end it."""
        while self._sirens:
            yield self._sirens.popleft()

    def stop(self) -> None:
        """Let `run` return."""
        self._stop.set()
        self._rouse()

    def _rouse(self) -> None:
        wake = self._wake
        if wake is not None:
            with suppress(OSError):  # full: it is awake already; closed: it has left
                wake.send(b"x")

    # --- the socket's side -------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until `stop`. While there is no socket nobody is served, and the gateway goes on."""
        while not self._stop.is_set():
            try:
                with listen(self._folder) as listener:
                    self._serve(listener)
            except OSError as error:
                # The folder may not be there yet, or the disk full.
                if not self._told_closed:
                    self._told_closed = True
                    LOG.warning(kv("tap_not_open", error=f"{type(error).__name__} {error}"))
                self._stop.wait(LOOP_S)

    def _serve(self, listener: socket.socket) -> None:
        wake_read, wake = socket.socketpair()
        try:
            wake_read.settimeout(0)
            wake.settimeout(0)
            self._wake = wake
            with selectors.DefaultSelector() as selector:
                selector.register(listener, selectors.EVENT_READ)
                selector.register(wake_read, selectors.EVENT_READ, wake_read)
                while not self._stop.is_set():
                    self._turn(selector, listener)
        finally:
            self._wake, self._watching = None, ()
            for client in self._clients.values():
                client.sock.close()
            self._clients.clear()
            wake_read.close()
            wake.close()
            with suppress(OSError):
                (self._folder / SOCKET_NAME).unlink()

    def _turn(self, selector: selectors.BaseSelector, listener: socket.socket) -> None:
        for key, ready in selector.select(LOOP_S):
            if key.fileobj is listener:
                self._accept(selector, listener)
            elif isinstance(key.data, socket.socket):
                with suppress(OSError):
                    key.data.recv(4_096)
            elif (client := self._clients.get(key.fd)) is not None and ready & selectors.EVENT_READ:
                self._read(client)
        for number, client in list(self._clients.items()):
            self._write(client)
            if client.leaving and not client.out:
                self._leave(selector, number, client)
            else:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.out else 0)
                selector.modify(client.sock, wanted)

    def _accept(self, selector: selectors.BaseSelector, listener: socket.socket) -> None:
        try:
            sock, _address = listener.accept()
        except OSError:
            return
        if len(self._clients) >= CLIENTS_MAX:
            self.refused += 1
            sock.close()
            return
        sock.settimeout(0)
        self._clients[sock.fileno()] = _Client(sock)
        selector.register(sock, selectors.EVENT_READ)

    def _leave(self, selector: selectors.BaseSelector, number: int, client: _Client) -> None:
        selector.unregister(client.sock)
        client.sock.close()
        del self._clients[number]
        self._watching = tuple(one for one in self._watching if one is not client)
        if client.wants == "learn" and not any(one.wants == "learn" for one in self._clients.values()):
            self._asked.append(None)
        if client.wants == "siren" and not any(one.wants == "siren" for one in self._clients.values()):
            self._sirens.append(None)

    def _read(self, client: _Client) -> None:
        try:
            data = client.sock.recv(ASKED_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            client.leaving, client.out = True, b""
            return
        if client.wants:
            return  # it has asked; whatever it goes on to say means nothing
        client.asked += data
        if b"\n" in client.asked or len(client.asked) > ASKED_MAX:
            self._answer(client)

    def _answer(self, client: _Client) -> None:
        found = asked_of(client.asked.partition(b"\n")[0])
        client.asked = b""
        if found is None:
            client.leaving = True
            client.out = _json({"error": "not understood"})
            return
        wants, seconds = found
        client.wants = wants
        client.out = _json({"hello": 1, "version": self._version, "now_ms": self._boottime_ms()})
        self._watching = (*self._watching, client)
        if wants == "learn":
            self._asked.append(self._boottime_ms() + seconds * 1_000)
        elif wants == "siren":
            self._sirens.append(self._boottime_ms() + min(seconds, SIREN_MAX_S) * 1_000)

    def _write(self, client: _Client) -> None:
        while True:
            if not client.out and not client.leaving:
                client.out = self._next(client)
            if not client.out:
                return
            try:
                client.out = client.out[client.sock.send(client.out) :]
            except BlockingIOError:
                return
            except OSError:
                client.leaving, client.out = True, b""
                return

    def _next(self, client: _Client) -> bytes:
        with self._lock:
            dropped = client.dropped - client.dropped_told
            if dropped:
                client.dropped_told = client.dropped
            taken = list(client.queue)
            client.queue.clear()
            client.queued_bytes = 0
        lines = [_json(content(one, keys=client.wants == "learn")) for one in taken]
        if dropped:
            lines.append(_json({"dropped": dropped}))
        return b"".join(lines)


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode("ascii") + b"\n"


def asked_of(line: bytes) -> tuple[str, int] | None:
    """What a client asks: watch, learn or siren with its seconds; None when it makes no sense."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("ask") not in ("watch", "learn", "siren"):
        return None
    seconds = found.get("seconds", LEARN_DEFAULT_S)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= LEARN_MAX_S:
        return None
    return found["ask"], seconds


def content(heard: Heard | Told, *, keys: bool = False) -> dict[str, object]:
    """One thing heard as what a line on the socket and in a recording holds. keys: with a learned device's key."""
    if isinstance(heard, Told):
        return dict(heard.content)
    found: dict[str, object] = {"ms": heard.ms, "source": heard.source, "what": heard.what}
    data = heard.data
    if isinstance(data, bytes):
        found["hex"] = data[:DATA_MAX].hex()
    elif data is not None:
        found |= message_content(data)
    if heard.taken.outputs:
        found["said"] = [_said(one, keys=keys) for one in heard.taken.outputs]
    if heard.taken.counted:
        found["counted"] = dict(heard.taken.counted)
    if heard.taken.to_send:
        found["sent"] = [sent.hex() for sent in heard.taken.to_send]
    return found


def message_content(message: MqttMessage) -> dict[str, object]:
    """An MQTT message: its payload as text where it is some, else as hex; "cut" where it was too long to show."""
    found: dict[str, object] = {"topic": message.topic, "retained": message.retained}
    payload = message.payload[:DATA_MAX]
    try:
        found["text"] = payload.decode("utf-8")
    except UnicodeDecodeError:
        found["hex"] = payload.hex()
    if len(message.payload) > DATA_MAX:
        found["cut"] = True
    return found


def _said(output: Said, *, keys: bool) -> dict[str, Any]:
    if isinstance(output, Reading):
        more = {
            "replay": output.replay or None,
            "occurred_ms": output.occurred_ms,
            "model": output.model or None,
        }
        said = {"reading": output.address, "values": dict(output.values)}
        return said | {name: value for name, value in more.items() if value is not None}
    if isinstance(output, Finding):
        return {"finding": output.address, "sentence": output.sentence}
    if isinstance(output, SourceState):
        return {"state": output.source, "up": output.up, "reason": output.reason}
    if isinstance(output, Learned):
        said = {"learned": output.address, "profile": output.profile, "maker": output.maker}
        said["sentence"] = output.sentence
        return said | ({"key_line": output.key_line} if keys and output.key_line else {})
    return {"remember": output.key}


def listen(folder: Path) -> socket.socket:
    """The socket that clients connect to, this user's alone. Raises OSError."""
    with _short(folder) as place:
        with suppress(FileNotFoundError):
            (folder / SOCKET_NAME).unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.fchmod(listener.fileno(), 0o600)  # before it has a name: there is no moment when others may connect
            listener.bind(place)
            (folder / SOCKET_NAME).chmod(0o600)
            listener.listen(CLIENTS_MAX)
            listener.settimeout(0)
        except OSError:
            listener.close()
            raise
    return listener


def connect(folder: Path) -> socket.socket:
    """A connection to the running agent. Raises OSError where none runs."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(folder) as place:
            sock.connect(place)
    except OSError:
        sock.close()
        raise
    return sock


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """The socket's name through an open folder: the kernel takes no more than 107 characters."""
    number = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{number}/{SOCKET_NAME}"
    finally:
        os.close(number)
