"""What is heard: pulses of each priority, counted in rendered sound; the state of the sound; when it comes again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.central.tablet.conftest import WAIT_MS, Server, Tablets, card, choose
from tests.support.wait import until

RENDER = """async ({ url, tone }) => {
  const { duration, schedule } = await import(url);
  const rate = 8000;
  const context = new OfflineAudioContext(1, Math.ceil((duration(tone) + 0.2) * rate), rate);
  schedule(context, tone, 0);
  const sound = (await context.startRendering()).getChannelData(0);
  let pulses = 0, quiet = rate, peak = 0;
  for (const value of sound) {
    const loud = Math.abs(value) > 0.05;
    if (loud && quiet > 0.03 * rate) pulses += 1;
    quiet = loud ? 0 : quiet + 1;
    peak = Math.max(peak, Math.abs(value));
  }
  return { pulses, peak };
}"""

SPECTRUM = """async ({ url, tone }) => {
  const { pulses, schedule } = await import(url);
  const rate = 16000, size = 2048;
  const context = new OfflineAudioContext(1, rate, rate);
  schedule(context, tone, 0);
  const sound = (await context.startRendering()).getChannelData(0);
  const at = Math.floor((pulses(tone)[0].at + 0.02) * rate);
  const strength = (hz) => {
    let re = 0, im = 0;
    for (let i = 0; i < size; i++) {
      const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size);
      re += sound[at + i] * window * Math.cos((2 * Math.PI * hz * i) / rate);
      im += sound[at + i] * window * Math.sin((2 * Math.PI * hz * i) / rate);
    }
    return 20 * Math.log10(Math.hypot(re, im));
  };
  const base = strength(523.25);
  return [2, 3, 4, 5].map((n) => strength(523.25 * n) - base);
}"""

# Reading the state from the page would itself count as a gesture; so it is noted when the page makes it.
WATCH = """
  window.made = [];
  const Real = window.AudioContext;
  window.AudioContext = class extends Real { constructor(...args) { super(...args); window.made.push(this); } };
"""


def module(page: Page) -> str:
    """The address of the sound module in this build."""
    return str(page.locator("script[src$='/js/main.js']").get_attribute("src")).replace("main.js", "sound.js")


@pytest.mark.parametrize(("tone", "count"), [(1, 10), (2, 3), (3, 2), ("technical", 2), ("test", 3)])
def test_pulses_of_each_priority(tablets: Tablets, tone: object, count: int) -> None:
    page = tablets.enrolled()
    found: Any = page.evaluate(RENDER, {"url": module(page), "tone": tone})
    assert found["pulses"] == count
    assert 0.2 < found["peak"] <= 1.0
    listed = page.evaluate(
        "async ({ url, tone }) => (await import(url)).pulses(tone)", {"url": module(page), "tone": tone}
    )
    assert len(listed) == count
    assert all(0.075 <= pulse["length"] <= 0.25 for pulse in listed)


def test_harmonics_lie_within_15_db_of_the_fundamental(tablets: Tablets) -> None:
    page = tablets.enrolled()
    levels = page.evaluate(SPECTRUM, {"url": module(page), "tone": 1})
    assert all(abs(level) <= 15 for level in levels), levels


def test_sound_is_off_and_red_until_the_shift_is_started_and_heard(tablets: Tablets) -> None:
    page = tablets.enrolled()
    state = page.locator("#sound-state")
    expect(state).to_have_text("Lyd: av")
    assert state.evaluate("(node) => getComputedStyle(node).color") == "rgb(255, 125, 116)"
    page.get_by_role("button", name="Start vakt").click()
    expect(state).to_have_text("Lyd: ikke bekreftet")
    page.get_by_role("button", name="Ja, jeg hørte den").click()
    expect(state).to_have_text("Lyd på")
    expect(page.get_by_role("button", name="Start vakt")).to_be_hidden()


def test_a_sound_that_the_browser_stops_is_red_at_once(tablets: Tablets) -> None:
    context = tablets.context()
    context.add_init_script(WATCH)
    page = tablets.enrolled(context)
    page.get_by_role("button", name="Start vakt").click()
    page.get_by_role("button", name="Ja, jeg hørte den").click()
    expect(page.locator("#sound-state")).to_have_text("Lyd på")
    page.evaluate("made[0].suspend()")
    expect(page.locator("#sound-state")).to_have_text("Lyd: av", timeout=WAIT_MS)
    expect(page.get_by_role("button", name="Start vakt")).to_be_visible()


def test_new_joined_and_untaken_alarms_sound_and_taken_ones_are_silent(server: Server, tablets: Tablets) -> None:
    context = tablets.context()
    # Each pulse is one oscillator; counting them counts what was put into the loudspeaker.
    context.add_init_script(
        "window.pulses = 0; const start = OscillatorNode.prototype.start;"
        "OscillatorNode.prototype.start = function (...a) { window.pulses += 1; return start.apply(this, a); };"
    )
    page = tablets.enrolled(context)
    page.get_by_role("button", name="Start vakt").click()
    page.get_by_role("button", name="Ja, jeg hørte den").click()
    until(lambda: page.evaluate("pulses") == 3, "the test tone")
    server.ring(kind="fall", number="204")
    until(lambda: page.evaluate("pulses") == 13, "ten pulses for a new alarm")
    until(lambda: page.evaluate("pulses") == 23, "and again while nobody takes it")
    card(page, "204").get_by_role("button", name="Ta alarm").click()
    choose(page)
    expect(card(page, "204")).to_contain_text("har tatt alarmen", timeout=WAIT_MS)
    quiet = int(page.evaluate("pulses"))
    server.ring(kind="fall", number="204")
    expect(card(page, "204")).to_contain_text("Meldt 2 ganger", timeout=WAIT_MS)
    until(lambda: page.evaluate("pulses") == quiet + 10, "one more burst: the same alarm was reported again")
    assert page.evaluate("new Promise((done) => setTimeout(() => done(pulses), 8000))") == quiet + 10
