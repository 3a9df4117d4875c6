"""Latency of one press: bytes on the pseudo-terminal → row in the DOM, and MQTT → live stream, beside the floor.

The floor is the chain stripped bare (bench/floor.py), taken in the same run, one round of it after each press, so
that a noisy machine slows both. Real processes throughout: mosquitto, gateway, centre, Chromium.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from bench.centre import databases
from bench.figures import Bar, Figure, quantile, report, say
from bench.floor import Floor
from tests.support.browser import chromium, tablet_context
from tests.support.house import House
from tests.support.people import HttpTablet
from tests.support.postgres import Postgres, available, running_cluster
from tests.support.wait import until

BARS = {"SQLite": Bar(6), "PostgreSQL": Bar(8)}
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


def line(database: str, name: str, samples: Sequence[float], floor: Sequence[float], bar: Bar | None) -> Figure:
    """p50 of the samples in ms beside the floor's p50; the p99 is a note."""
    p50, bare = statistics.median(samples), statistics.median(floor)
    worst = f"p99 {quantile(samples, 0.99):.1f} ms of {len(samples)}, the floor's {quantile(floor, 0.99):.1f} ms"
    note = f"{database}, {name}: {worst}"
    return Figure("latency", f"{database}, {name}, p50", p50, bare, "ms", p50 / bare, bar, note)


def mqtt_to_stream(house: House, floor: Floor, events: int, database: str) -> Figure:
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
    return line(database, "MQTT to live stream", samples, bare, BARS[database])


WATCH = """() => {
  window.changedAt = 0;
  // A row that has changed is put in anew; ages that tick inside a row are no news.
  new MutationObserver((records) => {
    if (records.some((r) => [...r.addedNodes].some((n) => n.nodeType === 1 && n.matches('[data-alarm]')))) {
      window.changedAt = performance.timeOrigin + performance.now();
    }
  }).observe(document.body, {childList: true, subtree: true});
}"""


def pty_to_dom(house: House, floor: Floor, events: int, database: str) -> Figure:
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
    return line(database, "pty to DOM", samples, bare, BARS[database])


def measure(database: str, server: Postgres | None, events: int) -> list[Figure]:
    """Both latencies on one database."""
    say(f"latency: {database}, {events} presses each")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        url, admin = server.fresh_database() if server is not None and database == "PostgreSQL" else ("", "")
        floor = Floor(folder)
        stack.callback(floor.close)
        house = stack.enter_context(House(folder, url or f"sqlite:///{folder / 'central.sqlite'}", admin))
        house.heartbeat_s = 15
        house.direct = True
        house.buttons = tuple(f"enocean:01CC{number:04X}" for number in range(DEVICES))
        house.start()
        until(lambda: house.unsent() == 0, "a quiet line")
        return [run(house, floor, events, database) for run in (mqtt_to_stream, pty_to_dom)]


def run(server: Postgres | None, events: int = 120) -> list[Figure]:
    """Both latencies on each database; without a server SQLite alone."""
    return [figure for database in databases(server) for figure in measure(database, server, events)]


def main() -> None:
    """Measure and show."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    if available():
        with running_cluster() as server:
            report(run(server, events))
    else:
        report(run(None, events))


if __name__ == "__main__":
    main()
