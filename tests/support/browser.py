"""A real browser: Debian's Chromium, driven through Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TABLET = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Browser]:
    """One headless Chromium for as long as the context lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS, headless=True)
        try:
            yield browser
        finally:
            browser.close()


def tablet_context(browser: Browser, width: int = TABLET["width"], height: int = TABLET["height"]) -> BrowserContext:
    """A context that looks like the night tablet: Norwegian, Oslo time, touch."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="nb-NO", timezone_id="Europe/Oslo", has_touch=True
    )
    context.grant_permissions(["screen-wake-lock"])
    return context
