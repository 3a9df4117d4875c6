// The start of a shift: sound unlocked and heard, screen kept on, notifications allowed. Owns the question
// #shift and the line about the sound. The question never covers an alarm. Must not know alarms.

import { element, say } from "./page.js";

export class Shift {
  /**
   * @param {import("./sound.js").Sounder} sounder
   * @param {() => void} onChange something the centre should know of has changed
   */
  constructor(sounder, onChange) {
    this.sounder = sounder;
    this.onChange = onChange;
    this.heard = false;
    this.started = false;
    /** @type {WakeLockSentinel | null} */
    this.lock = null;
    this.question = element("shift");
    element("start-shift").addEventListener("click", () => void this.start());
    element("shift-heard").addEventListener("click", () => this.confirm());
    element("shift-again").addEventListener("click", () => void this.sounder.play("test"));
    document.addEventListener("visibilitychange", () => void this.wake());
    this.draw();
  }

  async start() {
    this.started = true;
    await this.sounder.start();
    this.question.hidden = false;
    void this.sounder.play("test");
    void this.wake();
    if ("Notification" in window && Notification.permission === "default") {
      void Notification.requestPermission().then(() => this.onChange());
    }
  }

  confirm() {
    this.heard = this.sounder.running;
    this.question.hidden = true;
    this.draw();
    this.onChange();
  }

  async wake() {
    if (!this.started || document.visibilityState !== "visible") return;
    await this.sounder.recover();
    try {
      this.lock = await navigator.wakeLock.request("screen");
    } catch {
      this.lock = null;
    }
    this.onChange();
  }

  /** Show whether the tablet can be heard. */
  draw() {
    const line = element("sound-state");
    const on = this.sounder.running;
    if (!on) this.heard = false;
    const ok = on && this.heard;
    line.dataset["bad"] = String(!ok);
    const text = ok ? say("sound_on") : on ? say("sound_unheard") : say("sound_off");
    if (line.textContent !== text) line.textContent = text;
    element("start-shift").hidden = ok;
  }
}
