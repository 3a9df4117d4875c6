"""MQTT → on disk → acknowledged, beside bare paho that acknowledges what it reads. `python -m bench.mqtt`.

A real broker holds so many QoS 1 messages for a stopped reader; then the reader goes on, and the time runs until it
has acknowledged the last. Every message is news: one of 400 contacts that open and close by turns. The gateway has no
centre to reach. The floor subscribes to the same topics with the same paho, and does nothing with a message.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bench.figures import Bar, Figure, interleaved, report, say
from nattevakt.sim.sensors import Bridge, binary, definition
from tests.support.processes import ROOT, free_port, mosquitto
from tests.support.wait import until

CONTACTS = 400
LIMIT_S = 60


def _bare(port: int) -> None:
    """The floor's process: a persistent session, automatic acknowledgement, a count."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-bare", clean_session=False)
    acked = 0

    def count(*_: object) -> None:
        nonlocal acked
        acked += 1
        if acked % 100 == 0:
            print(acked, time.monotonic(), flush=True)

    client.on_connect = lambda *_: client.subscribe("zigbee2mqtt/+", 1) and None
    client.on_subscribe = lambda *_: print(0, time.monotonic(), flush=True)
    client.on_message = count
    client.connect("127.0.0.1", port, 60)
    client.loop_forever()


class Reader:
    """A process that reads from the broker and tells how many messages it has acknowledged."""

    def __init__(self, log: Path, *words: str) -> None:
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.acked = 0
        self.last_s = 0.0
        self._news: queue.SimpleQueue[int] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            count, when = line.split()
            self.acked, self.last_s = int(count), float(when)
            self._news.put(self.acked)

    def reach(self, count: int) -> float:
        """Wait until so many are acknowledged; gives the reader's own time of that."""
        deadline = time.monotonic() + LIMIT_S
        while self.acked < count:
            self._news.get(timeout=max(0.1, deadline - time.monotonic()))
        return self.last_s

    def pause(self) -> None:
        """Stop it where it stands, still connected."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        os.kill(self.process.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it."""
        self.go_on()
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Contacts:
    """Publishes edges of contacts under the bridge's base topic, as fast as the broker takes them."""

    def __init__(self, port: int) -> None:
        self.bridge = Bridge("127.0.0.1", port)
        self.bridge.online(
            [definition(f"contact-{n}", f"0x{n:016x}", "MCCGQ11LM", binary("contact")) for n in range(CONTACTS)]
        )
        self._number = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-publisher")
        self._client.max_inflight_messages_set(1000)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, messages: int) -> None:
        """Returns when the broker has them all."""
        sent = []
        for _ in range(messages):
            contact, turn = self._number % CONTACTS, self._number // CONTACTS
            payload = json.dumps({"contact": turn % 2 == 0})
            sent.append(self._client.publish(f"zigbee2mqtt/contact-{contact}", payload, qos=1))
            self._number += 1
        for one in sent:
            one.wait_for_publish(LIMIT_S)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()
        self.bridge.stop()


def gateway_config(folder: Path, port: int) -> Path:
    """A gateway with contacts alone and no centre to reach."""
    (folder / "credential").write_text("nv1.bench.gw." + "a" * 43, encoding="utf-8")
    devices = "".join(f'[[device]]\naddress = "z2m:contact-{n}"\nuse = "door"\n' for n in range(CONTACTS))
    path = folder / "gateway.toml"
    path.write_text(
        f'state_dir = "{folder / "gateway"}"\n'
        f'[centre]\nurl = "http://127.0.0.1:{free_port()}"\ncredential_file = "{folder / "credential"}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\nclient_id = "bench-gateway"\n{devices}',
        encoding="utf-8",
    )
    (folder / "gateway").mkdir(exist_ok=True)
    return path


def drain(reader: Reader, messages: int) -> float:
    """Messages acknowledged a second. Both readers are stopped while the broker is filled; only this one goes on."""
    before = reader.acked
    began = time.monotonic()
    reader.go_on()
    ended = reader.reach(before + messages)
    reader.pause()
    return messages / (ended - began)


def run(messages: int = 3000, turns: int = 5) -> list[Figure]:
    """The figure; each turn publishes anew, and both readers get every message."""
    messages -= messages % 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        # Saving its own file at every message would make the filling of the queue the longest part.
        broker = mosquitto(folder, port, "max_queued_messages 100000\nautosave_on_changes false\n")
        contacts = Contacts(port)
        bare = Reader(folder / "bare.log", "-m", "bench.mqtt", "bare", str(port))
        gateway = Reader(folder / "gateway.log", "-m", "bench.gateway", str(gateway_config(folder, port)))
        try:
            # The first edges settle what was unknown, and show that both are there.
            contacts.publish(1)
            until(lambda: bare.last_s > 0, "the floor has subscribed")
            until(lambda: (folder / "gateway" / "outbox.sqlite").exists(), "the gateway has opened its outbox")
            until(lambda: _reached(contacts, gateway, bare), "both get messages")
            _level(gateway, bare)
            say("mqtt: draining the broker")
            gateway.pause()
            bare.pause()

            def one(reader: Reader) -> float:
                if not waiting[reader]:
                    contacts.publish(messages)
                    waiting[gateway] += 1
                    waiting[bare] += 1
                waiting[reader] -= 1
                return drain(reader, messages)

            waiting = {gateway: 0, bare: 0}
            found = interleaved(lambda: one(gateway), lambda: one(bare), turns)
        finally:
            bare.close()
            gateway.close()
            contacts.close()
            broker.stop()
    note = "messages of 20 to 30 bytes, drained from the broker's queue"
    bar = Bar(0.6, at_most=False)
    return [
        Figure("mqtt", "durable and acknowledged", found.measured, found.floor, "messages/s", found.ratio, bar, note)
    ]


def _reached(contacts: Contacts, *readers: Reader) -> bool:
    contacts.publish(100)
    return all(reader.acked >= 100 for reader in readers)


def _level(*readers: Reader) -> None:
    """Bring both counts to a whole hundred with nothing under way, so that a turn begins at zero."""
    quiet = -1
    while quiet != sum(reader.acked for reader in readers):
        quiet = sum(reader.acked for reader in readers)
        time.sleep(0.3)


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        _bare(int(sys.argv[2]))
    else:
        report(run())
