"""The watcher is watched: a frozen centre and a standing sweep are seen on the tablet."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.test_one_press import board
from tests.support.house import BUTTON, HEARTBEAT_S, House
from tests.support.wait import until

pytestmark = pytest.mark.acceptance


def test_a_frozen_centre_is_said_within_two_and_a_half_heartbeats(sqlite_house: House, browser: Browser) -> None:
    house = sqlite_house.start(broker=False)
    page = board(browser, house)
    house.presses(BUTTON)
    expect(page.locator("[data-alarm]")).to_have_count(1, timeout=30_000)
    banner = page.get_by_text("Ingen kontakt med sentralen")
    expect(banner).to_be_hidden()
    house.running["central"].signal(signal.SIGSTOP)
    began = time.monotonic()
    expect(banner).to_be_visible(timeout=30_000)
    # The last heartbeat may have come just before the freeze: 2.5 heartbeats, and one second for the browser.
    assert time.monotonic() - began < 2.5 * HEARTBEAT_S + 1
    expect(page.locator("[data-alarm]")).to_have_count(1)
    house.running["central"].signal(signal.SIGCONT)
    expect(banner).to_be_hidden(timeout=30_000)
    page.context.close()


def hold_canary(house: House, stack: ExitStack) -> Any:
    """Lock the sweep's canary row from outside, so that no sweep can take it."""
    if house.database.startswith("sqlite"):
        lock = stack.enter_context(closing(sqlite3.connect(house.folder / "central.sqlite", isolation_level=None)))
        lock.execute("BEGIN IMMEDIATE")
        return lock
    connection = stack.enter_context(psycopg.connect(house.admin.replace("postgresql+psycopg", "postgresql")))
    connection.execute("SELECT * FROM wake_rows WHERE rule = 'canary' FOR UPDATE")
    return connection


def test_a_standing_sweep_is_a_red_banner(house: House, browser: Browser) -> None:
    house.start(broker=False)
    page = board(browser, house)
    banner = page.get_by_text("Sentralen overvåker ikke")
    expect(banner).to_be_hidden()
    with ExitStack() as stack:
        lock = hold_canary(house, stack)
        expect(banner).to_be_visible(timeout=60_000)
        until(lambda: house.get("/readyz") == 503, "the centre says that it is not ready")
        lock.rollback()
    expect(banner).to_be_hidden(timeout=30_000)
    page.context.close()
