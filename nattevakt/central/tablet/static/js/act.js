// What a person does with an alarm: one button, one POST, one answer. Owns the act buttons and the dialog #closing.
// Must not know the link. Never optimistic: a card changes only when the centre has said so, and a failed act is
// not kept for later, because an acknowledgement that comes late is dangerous.

import { element, post, say } from "./page.js";

/**
 * @typedef {object} Doing
 * @property {number} id the alarm
 * @property {string} to take, on-way, on-site or close
 * @property {string} version of the card it was pressed on
 * @property {string} key the same for every try of this act
 * @property {Record<string, string>} body
 * @property {boolean} pending
 * @property {string} failure what to show, "" while there is none
 */

export class Acts {
  /**
   * @param {() => Promise<boolean>} askPerson
   * @param {() => boolean} personKnown
   * @param {() => Promise<void>} refresh
   */
  constructor(askPerson, personKnown, refresh) {
    this.askPerson = askPerson;
    this.personKnown = personKnown;
    this.refresh = refresh;
    /** @type {Map<number, Doing>} */
    this.doings = new Map();
    this.closing = /** @type {HTMLDialogElement} */ (element("closing"));
    this.form = /** @type {HTMLFormElement} */ (element("closing-form"));
    element("alarms").addEventListener("click", (event) => this.onClick(event));
    this.form.addEventListener("submit", (event) => this.onClose(event));
  }

  /** @param {Event} event */
  onClick(event) {
    const button = event.target instanceof Element ? event.target.closest("button[data-act]") : null;
    const card = button?.closest("li");
    if (!(button instanceof HTMLButtonElement) || !card) return;
    event.preventDefault();
    const id = Number(card.dataset["alarm"]);
    const to = button.dataset["act"] ?? "";
    const failed = this.doings.get(id);
    if (failed?.pending) return;
    if (failed?.failure && failed.to === to) void this.send(failed);
    else if (to === "close") this.openClosing(id, card);
    else void this.send(doing(id, to, card.dataset["version"] ?? "", {}));
  }

  /** @param {number} id @param {HTMLElement} card */
  openClosing(id, card) {
    this.form.reset();
    this.form.dataset["of"] = String(id);
    this.form.dataset["version"] = card.dataset["version"] ?? "";
    element("closing-what").textContent = card.querySelector("h3")?.textContent?.replace(/\s+/g, " ").trim() ?? "";
    this.closing.showModal();
  }

  /** @param {SubmitEvent} event */
  onClose(event) {
    event.preventDefault();
    const fields = new FormData(this.form);
    const body = Object.fromEntries(["cause", "action", "note"].map((name) => [name, String(fields.get(name) ?? "")]));
    this.closing.close();
    void this.send(doing(Number(this.form.dataset["of"]), "close", this.form.dataset["version"] ?? "", body));
  }

  /** @param {Doing} act */
  async send(act) {
    act.failure = "";
    if (!this.personKnown() && !(await this.askPerson())) return;
    this.doings.set(act.id, act);
    act.pending = true;
    this.decorate();
    try {
      const answer = await post(`/tablet/alarms/${act.id}/${act.to}`, act.body, { "Idempotency-Key": act.key });
      act.pending = false;
      if (answer.status === 401 && answer.body.error === "person_needed") {
        this.doings.delete(act.id);
        this.decorate();
        if (await this.askPerson()) await this.send(act);
        return;
      }
      if (answer.status < 300) this.doings.delete(act.id);
      else if (answer.status < 500 && answer.status !== 429) {
        this.doings.delete(act.id);
        this.tell(answer.body.message ?? say("act_failed"));
      } else act.failure = answer.body.message ?? say("act_failed");
    } catch {
      act.pending = false;
      act.failure = say("act_no_answer");
    }
    this.decorate();
    if (!act.failure) await this.refresh();
  }

  /** Put what is under way or failed onto the cards; called after each drawing. */
  decorate() {
    for (const card of element("alarms").querySelectorAll("li")) {
      const button = card.querySelector("button[data-act]");
      const failed = card.querySelector("[data-failed]");
      if (!(button instanceof HTMLButtonElement) || !(failed instanceof HTMLElement)) continue;
      const id = Number(card.dataset["alarm"]);
      const act = this.doings.get(id);
      if (act?.failure && act.version !== card.dataset["version"]) this.doings.delete(id);
      const mine = this.doings.get(id);
      button.disabled = mine?.pending ?? false;
      button.textContent = mine?.failure ? say("again") : (button.dataset["label"] ?? "");
      failed.textContent = mine?.failure ?? "";
      failed.hidden = !mine?.failure;
    }
  }

  /** @param {string} text */
  tell(text) {
    element("told-text").textContent = text;
    element("told").hidden = false;
  }
}

/**
 * @param {number} id
 * @param {string} to
 * @param {string} version
 * @param {Record<string, string>} body
 * @returns {Doing}
 */
function doing(id, to, version, body) {
  return { id, to, version, key: crypto.randomUUID(), body, pending: false, failure: "" };
}
