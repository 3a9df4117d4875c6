// Who is at the tablet: name tile, then PIN. Owns the dialog #person. Must not know alarms; the PIN is never kept.

import { element, post, say } from "./page.js";
import { PushButton } from "./push.js";

const PIN_MIN = 4;
const PIN_MAX = 8;

/** @typedef {{key: string, name: string, initials: string}} Colleague */

export class PersonDialog {
  /** @param {() => void} onChange a person came or left */
  constructor(onChange) {
    this.onChange = onChange;
    this.dialog = /** @type {HTMLDialogElement} */ (element("person"));
    this.message = element("person-message");
    this.typed = element("person-typed");
    this.chosen = "";
    this.pin = "";
    this.busy = false;
    this.push = new PushButton();
    /** @type {((known: boolean) => void) | null} */
    this.settle = null;
    element("person-keys").addEventListener("click", (event) => this.onKey(event));
    element("person-people").addEventListener("click", (event) => this.onPerson(event));
    element("person-end").addEventListener("click", () => void this.end({}));
    element("person-leave").addEventListener("click", () => void this.end({ leave: true }));
    this.dialog.addEventListener("keydown", (event) => this.onKeyboard(event));
    this.dialog.addEventListener("close", () => this.finish(false));
  }

  /**
   * Ask who it is. Resolves with whether somebody is known now.
   * @returns {Promise<boolean>}
   */
  async ask() {
    this.settle?.(false);
    this.leaving(false);
    this.clear();
    this.show("");
    const known = new Promise((/** @type {(known: boolean) => void} */ done) => (this.settle = done));
    if (!this.dialog.open) this.dialog.showModal();
    await this.load();
    return known;
  }

  async load() {
    try {
      const answer = await fetch("/tablet/staff", { cache: "no-store", signal: AbortSignal.timeout(4000) });
      if (!answer.ok) throw new Error(`staff ${answer.status}`);
      const found = await answer.json();
      this.tiles(found.staff);
      element("person-end").hidden = found.person === null;
      void this.push.show(found.person !== null);
    } catch (error) {
      console.warn("no staff", error);
      this.show(say("no_answer"));
    }
  }

  /** @param {Colleague[]} staff */
  tiles(staff) {
    const tiles = staff.map((colleague) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.dataset["key"] = colleague.key;
      button.setAttribute("aria-pressed", String(colleague.key === this.chosen));
      const initials = document.createElement("span");
      initials.className = "initials";
      initials.setAttribute("aria-hidden", "true");
      initials.textContent = colleague.initials;
      button.append(initials, colleague.name);
      item.append(button);
      return item;
    });
    element("person-people").replaceChildren(...tiles);
    if (staff.length === 0) this.show(say("no_staff"));
  }

  /** @param {Event} event */
  onPerson(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    this.chosen = button.dataset["key"] ?? "";
    for (const other of element("person-people").querySelectorAll("button")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    this.clear();
    this.show("");
  }

  /** @param {Event} event */
  onKey(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (button) this.press(button.dataset["digit"] ?? "");
  }

  /** @param {KeyboardEvent} event */
  onKeyboard(event) {
    if (/^[0-9]$/.test(event.key)) this.press(event.key);
    else if (event.key === "Backspace") this.press("erase");
    else if (event.key === "Enter" && this.pin.length >= PIN_MIN) {
      event.preventDefault();
      this.press("done");
    }
  }

  /** @param {string} key */
  press(key) {
    if (this.busy) return;
    if (key === "done") void this.submit();
    else if (key === "erase") this.pin = this.pin.slice(0, -1);
    else if (this.pin.length < PIN_MAX) this.pin += key;
    this.dots();
  }

  dots() {
    this.typed.textContent = "•".repeat(this.pin.length);
    element("person-count").textContent = this.pin ? say("digits", { n: this.pin.length }) : "";
  }

  clear() {
    this.pin = "";
    this.dots();
  }

  async submit() {
    if (!this.chosen) return this.show(say("choose_name"));
    if (this.pin.length < PIN_MIN) return this.show(say("pin_short"));
    this.busy = true;
    const pin = this.pin;
    this.clear();
    try {
      const answer = await post("/tablet/person", { staff: this.chosen, pin });
      if (answer.status === 200) {
        this.finish(true);
        this.dialog.close();
        this.onChange();
      } else if (answer.status === 429) this.show(say("pin_wait", { s: answer.retry_after_s }));
      else this.show(answer.body.message ?? say("no_answer"));
    } catch {
      this.show(say("no_answer"));
    } finally {
      this.busy = false;
    }
  }

  /** @param {{leave?: boolean}} body leave: what they have in hand goes on to the next */
  async end(body) {
    try {
      const answer = await post("/tablet/person/end", body);
      if (answer.status >= 300) {
        this.leaving(answer.status === 409);
        this.show(answer.body.message ?? say("no_answer"));
        return;
      }
      this.dialog.close();
      this.onChange();
    } catch {
      this.show(say("no_answer"));
    }
  }

  /**
   * Somebody with an alarm in hand logs off: only that is left to choose, and not where they have just tapped, so that
   * two quick taps never give an alarm away. @param {boolean} asked
   */
  leaving(asked) {
    this.dialog.dataset["leaving"] = String(asked);
    element("person-leave").hidden = !asked;
  }

  /** @param {string} text */
  show(text) {
    this.message.textContent = text;
  }

  /** @param {boolean} known */
  finish(known) {
    this.clear();
    this.settle?.(known);
    this.settle = null;
  }
}
