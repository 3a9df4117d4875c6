"""Latency of one press: bytes on the pseudo-terminal → row in the DOM, and MQTT → live stream, beside the floor.

The floor is the chain stripped bare (bench/floor.py), taken in the same run, one round of it after each press, so
that a noisy machine slows both. Real processes throughout: mosquitto, gateway, centre, Chromium.
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.floor import Floor
from tests.support.browser import chromium, tablet_context
from tests.support.house import House
from tests.support.people import HttpTablet
from tests.support.wait import until

DEVICES = 5
GAP_S = 0.45
"""Time between presses: one device is pressed every 2.2 s, so that each press is news and not a repeat (2 s)."""


class Stream:
    """A tablet's live stream on a bare socket: notes when each `changed` came."""

    def __init__(self, tablet: HttpTablet) -> None:
        self._socket = socket.create_connection(("127.0.0.1", tablet.port))
        cookies = "; ".join(f"{key}={value}" for key, value in tablet.cookies.items())
        request = f"GET /tablet/events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n\r\n"
        self._socket.sendall(request.encode())
        self.changes = 0
        self.last = 0.0
        self.news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while data := self._socket.recv(65536):
            now = time.perf_counter()
            with self.news:
                for _line in range(data.count(b"event: changed")):
                    self.changes += 1
                    self.last = now
                self.news.notify_all()

    def next_after(self, seen: int) -> float:
        """When the change after the first `seen` came."""
        with self.news:
            assert self.news.wait_for(lambda: self.changes > seen, 30), "no change within 30 s"
            return self.last


def line(name: str, samples: Sequence[float], floor: Sequence[float]) -> dict[str, float | str | int]:
    """p50 and p99 of the samples in ms and the p50 as a ratio to the floor's p50."""
    ordered = sorted(samples)
    return {
        "what": name,
        "events": len(ordered),
        "p50_ms": round(statistics.median(ordered), 2),
        "p99_ms": round(ordered[int(len(ordered) * 0.99) - 1], 2),
        "floor_p50_ms": round(statistics.median(floor), 2),
        "times_floor": round(statistics.median(ordered) / statistics.median(floor), 1),
    }


def mqtt_to_stream(house: House, floor: Floor, events: int) -> dict[str, float | str | int]:
    """From handing a press to the broker until `changed` is read from the live stream."""
    stream = Stream(house.tablet())
    bridge = house.bridge()
    for number in range(DEVICES):  # every device's first press raises its alarm; the measured ones join
        before = stream.changes
        bridge.publish(f"bench-{number}", {"action": "emergency"})
        stream.next_after(before)
    samples, bare = [], []
    pause = threading.Event()
    pause.wait(DEVICES * GAP_S)
    for number in range(events):
        bare.append(floor.round_ms())
        pause.wait(GAP_S)
        before = stream.changes
        began = time.perf_counter()
        bridge.publish(f"bench-{number % DEVICES}", {"action": "emergency"}, wait=False)
        samples.append((stream.next_after(before) - began) * 1000)
    return line("MQTT to live stream", samples, bare)


WATCH = """() => {
  window.changedAt = 0;
  // A row that has changed is put in anew; ages that tick inside a row are no news.
  new MutationObserver((records) => {
    if (records.some((r) => [...r.addedNodes].some((n) => n.nodeType === 1 && n.matches('[data-alarm]')))) {
      window.changedAt = performance.timeOrigin + performance.now();
    }
  }).observe(document.body, {childList: true, subtree: true});
}"""


def pty_to_dom(house: House, floor: Floor, events: int) -> dict[str, float | str | int]:
    """From writing the telegram to the terminal until the alarm's row has changed in the page."""
    samples, bare = [], []
    pause = threading.Event()
    with chromium() as browser:
        page = tablet_context(browser).new_page()
        page.goto(f"http://127.0.0.1:{house.central_port}/")
        page.get_by_label("Kode").fill(house.enrol_code())
        page.get_by_role("button", name="Koble til").click()
        page.get_by_text("Tilkoblet").wait_for()
        page.evaluate(WATCH)
        for number in range(events):
            bare.append(floor.round_ms())
            page.evaluate("window.changedAt = 0")
            began = time.time() * 1000
            house.stick.say(house.buttons[number % DEVICES], "F6-02-01", {"action": "BI", "pressed": True})
            pause.wait(GAP_S)  # asking the page meanwhile would take the processor from it
            changed_ms = until(lambda: float(page.evaluate("window.changedAt")), "the row has changed")
            samples.append(changed_ms - began)
    return line("pty to DOM", samples, bare)


@dataclass(frozen=True)
class Figures:
    """What one run found. gateway_mb: the gateway's resident memory afterwards."""

    rows: list[dict[str, float | str | int]]
    gateway_mb: float


def run(events: int = 200, database: str = "", admin: str = "") -> Figures:
    """Both latencies on one database; SQLite in a fresh folder unless a URL is given."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        floor = Floor(folder)
        with House(folder, database or f"sqlite:///{folder / 'central.sqlite'}", admin) as house:
            house.heartbeat_s = 15
            house.direct = True
            house.buttons = tuple(f"enocean:01CC{number:04X}" for number in range(DEVICES))
            house.start()
            until(lambda: house.unsent() == 0, "a quiet line")
            rows = [mqtt_to_stream(house, floor, events), pty_to_dom(house, floor, events)]
            status = Path(f"/proc/{house.running['gateway'].process.pid}/status").read_text(encoding="utf-8")
            memory = next(int(entry.split()[1]) for entry in status.splitlines() if entry.startswith("VmRSS")) / 1024
        floor.close()
    return Figures(rows, memory)


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]) if len(sys.argv) > 1 else 200).rows, indent=1))
