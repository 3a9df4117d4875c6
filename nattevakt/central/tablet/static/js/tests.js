// Tests of the whole way: their cards, what the centre must know of them, and the tap. Owns #tests, #last-test and the
// dialog #testing. Must not know the link or what an alarm does. Never in front of an alarm: below all of them, and
// silent while one of them rings.

import { element, post, say } from "./page.js";

/** @typedef {{ids: number[], html: string, last: string}} Tests */

const PATH = "/tablet/tests";
const SETTLE_MS = 400;

export class ChainTests {
  /**
   * @param {() => Promise<boolean>} askPerson
   * @param {() => boolean} personKnown
   * @param {() => Promise<void>} refresh
   * @param {() => Promise<boolean>} tone sounds once; whether it was played
   */
  constructor(askPerson, personKnown, refresh, tone) {
    this.askPerson = askPerson;
    this.personKnown = personKnown;
    this.refresh = refresh;
    this.tone = tone;
    this.list = element("tests");
    this.dialog = /** @type {HTMLDialogElement} */ (element("testing"));
    this.form = /** @type {HTMLFormElement} */ (element("testing-form"));
    this.html = "";
    this.settled_at = 0;
    this.busy = false;
    this.ringing = 0;
    /** @type {Set<number>} told to the centre as shown */
    this.shown = new Set();
    /** @type {Set<number>} sounded, and being sounded */
    this.sounded = new Set();
    this.list.addEventListener("submit", (event) => void this.onTap(event));
    this.form.addEventListener("submit", (event) => void this.onAsk(event));
    this.list.dataset["settled"] = "true";
    element("testing-open").addEventListener("click", () => {
      this.form.reset();
      element("testing-message").textContent = "";
      this.dialog.showModal();
    });
  }

  /** @param {Tests} tests @param {number} ringing how many alarms nobody has taken */
  draw(tests, ringing) {
    // Whoever left it open must not find an alarm behind it.
    if (ringing > this.ringing && this.dialog.open) this.dialog.close();
    this.ringing = ringing;
    element("last-test").textContent = tests.last;
    if (tests.html !== this.html && !this.busy) this.place(tests.html);
    void this.tell("shown", this.shown, tests.ids);
    if (ringing === 0) void this.sound(tests.ids);
  }

  /** @param {string} html */
  place(html) {
    const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["focus"] : undefined;
    this.html = html;
    this.list.innerHTML = html;
    // What was meant for one test must not land on the next.
    this.settled_at = performance.now() + SETTLE_MS;
    this.list.dataset["settled"] = "false";
    setTimeout(() => (this.list.dataset["settled"] = String(performance.now() >= this.settled_at)), SETTLE_MS + 10);
    if (held && document.activeElement === document.body) {
      const again = this.list.querySelector(`[data-focus="${held}"]`);
      if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    }
  }

  /** One tone for all that are new. @param {number[]} ids */
  async sound(ids) {
    const fresh = ids.filter((id) => !this.sounded.has(id));
    if (!fresh.length) return;
    for (const id of fresh) this.sounded.add(id);
    if (await this.tone()) await this.tell("sounded", new Set(), fresh);
    // Not heard: tried again with the next snapshot.
    else for (const id of fresh) this.sounded.delete(id);
  }

  /** Tell the centre once; what does not get through is told with the next snapshot.
   * @param {"shown" | "sounded"} what @param {Set<number>} told @param {number[]} ids */
  async tell(what, told, ids) {
    const fresh = ids.filter((id) => !told.has(id));
    if (!fresh.length) return;
    for (const id of fresh) told.add(id);
    let ok = false;
    try {
      ok = (await post(`${PATH}/shown`, { [what]: fresh })).status < 500;
    } catch {
      ok = false;
    }
    if (!ok) for (const id of fresh) told.delete(id);
    if (!ok && what === "sounded") for (const id of fresh) this.sounded.delete(id);
  }

  /** @param {SubmitEvent} event */
  async onTap(event) {
    event.preventDefault();
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || this.busy || performance.now() < this.settled_at) return;
    const line = form.querySelector("[data-failed]");
    const failure = await this.send(new URL(form.action).pathname, {}, form);
    if (line instanceof HTMLElement) {
      line.textContent = failure;
      line.hidden = !failure;
    }
    await this.refresh();
  }

  /** @param {SubmitEvent} event */
  async onAsk(event) {
    event.preventDefault();
    const room = String(new FormData(this.form).get("room") ?? "");
    const failure = await this.send(PATH, { room }, this.form);
    element("testing-message").textContent = failure;
    if (!failure) this.dialog.close();
  }

  /**
   * Gives what went wrong, "" where nothing did.
   * @param {string} path @param {Record<string, string>} body @param {HTMLFormElement} form
   * @returns {Promise<string>}
   */
  async send(path, body, form) {
    if (!this.personKnown() && !(await this.askPerson())) return "";
    this.wait(form, true);
    try {
      const answer = await post(path, body);
      this.wait(form, false);
      if (answer.status === 401 && answer.body.error === "person_needed") {
        return (await this.askPerson()) ? await this.send(path, body, form) : "";
      }
      return answer.status < 300 ? "" : (answer.body.message ?? say("act_failed"));
    } catch {
      this.wait(form, false);
      return say("act_no_answer");
    }
  }

  /** @param {HTMLFormElement} form @param {boolean} busy */
  wait(form, busy) {
    this.busy = busy;
    for (const button of form.querySelectorAll("button")) button.disabled = busy;
  }
}
