"""A person's wish for push on this browser: offered only where it can be had, and said truly.

No push service is reached from here: the browser's half is played, and what the page sends to the centre is looked at.
The centre's half has tests of its own, over HTTP.
"""

from __future__ import annotations

import json

from playwright.sync_api import Page, Route, expect

from tests.central.tablet.conftest import WAIT_MS, Tablets, log_in

ENDPOINT = "https://fcm.googleapis.com/fcm/send/one"
PLAYED = """(endpoint) => {
  let held = null;
  const made = {
    endpoint,
    toJSON() { return { endpoint, keys: { p256dh: "P", auth: "A" } }; },
    async unsubscribe() { held = null; return true; },
  };
  PushManager.prototype.subscribe = async () => (held = made);
  PushManager.prototype.getSubscription = async () => held;
}"""


def offered(page: Page, key: str | None) -> list[tuple[str, dict[str, object]]]:
    """The centre gives this key; gives what the page sends, as it comes."""
    sent: list[tuple[str, dict[str, object]]] = []

    def take(route: Route) -> None:
        sent.append((route.request.method, json.loads(route.request.post_data or "{}")))
        route.fulfill(json={})

    page.route("**/tablet/push/key", lambda route: route.fulfill(json={"key": key}))
    page.route("**/tablet/push", take)
    page.evaluate(PLAYED, ENDPOINT)
    return sent


def test_a_person_asks_for_push_and_ends_it(tablets: Tablets) -> None:
    page = tablets.enrolled()
    sent = offered(page, "KEY")
    page.locator("#person-open").click()
    expect(page.locator("#person-people button").first).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#person-push")).to_be_hidden()
    page.keyboard.press("Escape")
    log_in(page)
    page.locator("#person-open").click()
    page.get_by_role("button", name="Varsle meg på denne enheten", exact=True).click(timeout=WAIT_MS)
    off = page.get_by_role("button", name="Ikke varsle meg på denne enheten", exact=True)
    expect(off).to_be_visible(timeout=WAIT_MS)
    off.click()
    expect(page.get_by_role("button", name="Varsle meg på denne enheten", exact=True)).to_be_visible(timeout=WAIT_MS)
    asked = {"endpoint": ENDPOINT, "keys": {"p256dh": "P", "auth": "A"}}
    assert sent == [("POST", asked), ("DELETE", {"endpoint": ENDPOINT})]


def test_what_the_centre_refuses_is_not_said_to_be_on(tablets: Tablets) -> None:
    page = tablets.enrolled()
    page.context.grant_permissions(["notifications"])
    offered(page, "KEY")
    page.route("**/tablet/push", lambda route: route.fulfill(status=422, json={"error": "bad_request"}))
    log_in(page)
    page.locator("#person-open").click()
    page.locator("#person-push").click(timeout=WAIT_MS)
    expect(page.locator("#person-push")).to_have_text("Det gikk ikke. Prøv igjen.", timeout=WAIT_MS)
    expect(page.locator("#person-push")).to_have_attribute("aria-pressed", "false")


def test_a_browser_that_allows_no_notifications_says_where_to_switch_them_on(tablets: Tablets) -> None:
    page = tablets.enrolled()
    offered(page, "KEY")
    page.evaluate("() => { PushManager.prototype.subscribe = () => Promise.reject(new Error('denied')); }")
    page.evaluate("() => Object.defineProperty(Notification, 'permission', { value: 'denied' })")
    log_in(page)
    page.locator("#person-open").click()
    page.locator("#person-push").click(timeout=WAIT_MS)
    expect(page.locator("#person-push")).to_contain_text("Varsler er slått av i nettleseren.", timeout=WAIT_MS)


def test_a_centre_without_push_offers_none(tablets: Tablets) -> None:
    page = tablets.enrolled()
    log_in(page)
    with page.expect_response("**/tablet/push/key") as answer:
        page.locator("#person-open").click()
    assert answer.value.json() == {"key": None}
    expect(page.locator("#person-end")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#person-push")).to_be_hidden()
