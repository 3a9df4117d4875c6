"""Fixtures of the tablet's tests: a real server process, a real browser, enrolled pages."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from nattevakt.sim.centre import Stock
from tests.central.tablet.launch import log_of, serve
from tests.central.tablet.ward import PIN
from tests.support.browser import TABLET, chromium, tablet_context

ROOT = Path(__file__).parents[3]
WAIT_MS = 30_000


# A server is a process of its own, forked from one that has imported everything and done nothing else: to import
# takes ten times as long as to serve what most tests ask.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.central.tablet.launch"])


class Server:
    """One server process. Its orders stand in for ingest and sweep."""

    def __init__(self, folder: Path, port: int = 0, *pace: str) -> None:
        self.log = log_of(folder)
        told, tell = FORKS.Pipe(duplex=False)
        with told:
            self.process = FORKS.Process(target=serve, args=(folder, port, pace, tell), daemon=True)
            self.process.start()
            tell.close()
            self.port = int(told.recv())
        self.url = f"http://127.0.0.1:{self.port}"

    def order(self, path: str, **wish: object) -> Any:
        """Give the process an order."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}/test/{path}", json.dumps(wish).encode(), headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
            return json.loads(reply.read() or b"null")

    def ring(self, **wish: object) -> int:
        """Raise an alarm; gives its id."""
        return int(self.order("ring", **wish))

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        assert self.process.pid
        os.kill(self.process.pid, number)

    def ended(self, limit_s: float) -> int:
        """Wait until it has ended by itself; gives its exit code."""
        self.process.join(limit_s)
        assert self.process.exitcode is not None, f"the server still runs after {limit_s} s"
        return self.process.exitcode

    def stop(self) -> int:
        """Tell it to stop; gives its exit code. Kills it if it does not."""
        if self.process.is_alive():
            self.signal(signal.SIGCONT)
            self.process.terminate()
        self.process.join(20)
        if self.process.is_alive():
            self.process.kill()
        sys.stderr.write(self.log.read_text(encoding="utf-8", errors="replace"))
        return self.ended(20)


@contextmanager
def running(folder: Path, port: int = 0, *pace: str) -> Iterator[Server]:
    """A server for as long as the context lasts. pace: a demo's pace file, in a folder marked as one."""
    server = Server(folder, port, *pace)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: while it lives its own event loop holds this thread, so it must not outlive its need."""
    with chromium() as found:
        yield found


@pytest.fixture
def server(tmp_path: Path, stock: Stock) -> Iterator[Server]:
    stock.fresh(tmp_path / "central.sqlite")
    with running(tmp_path) as found:
        yield found


class Tablets:
    """Makes enrolled pages and remembers what their browsers complained of."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self.browser = browser
        self.server = server
        self.complaints: list[str] = []
        self.contexts: list[BrowserContext] = []

    def context(self, width: int = TABLET["width"], height: int = TABLET["height"]) -> BrowserContext:
        """A context whose complaints are kept."""
        context = tablet_context(self.browser, width, height)
        self.contexts.append(context)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", self._said)
        return context

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def enrolled(self, context: BrowserContext | None = None, **where: str) -> Page:
        """A page at the board, connected; nobody is logged in. where: `ward`, its key, where it is another."""
        page = (context or self.context()).new_page()
        page.goto(self.server.url)
        page.get_by_label("Engangskode").fill(str(self.server.order("code", **where)))
        page.get_by_role("button", name="Koble til").click()
        expect(page.get_by_text("Tilkoblet")).to_be_visible(timeout=WAIT_MS)
        return page


@pytest.fixture
def tablets(browser: Browser, server: Server) -> Iterator[Tablets]:
    found = Tablets(browser, server)
    yield found
    for context in found.contexts:
        context.close()


def choose(page: Page, name: str = "Kari N.", pin: str = PIN) -> None:
    """Choose a name and enter a PIN in the open dialog."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=name).click()
    for digit in pin:
        dialog.get_by_role("button", name=digit, exact=True).click()
    dialog.get_by_role("button", name="Logg inn").click()


def log_in(page: Page, name: str = "Kari N.", pin: str = PIN) -> None:
    """Log a person in from the top line."""
    page.locator("#person-open").click()
    choose(page, name, pin)
    expect(page.locator("#person-name")).to_have_text(name, timeout=WAIT_MS)


def card(page: Page, number: str) -> Any:
    """The alarm card of a room."""
    return page.locator("[data-alarm]", has_text=number)
