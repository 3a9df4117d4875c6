// What a person does with an alarm: one button, one POST, one answer. Owns the act buttons and the dialogs #closing,
// #coming and #passing. Must not know the link. Never optimistic: a card changes only when the centre has said so, and a failed act is
// not kept for later, because an acknowledgement that comes late is dangerous.

import { element, post, say } from "./page.js";

/**
 * @typedef {object} Doing
 * @property {number} id the alarm
 * @property {string} to take, on-way, on-site, close, decline or transfer
 * @property {string} version of the card it was pressed on
 * @property {string} key the same for every try of this act
 * @property {Record<string, string | number>} body
 * @property {boolean} pending
 * @property {string} failure what to show, "" while there is none
 */

const BUTTONS = "button[data-act], button[data-promise], button[data-pass]";

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
    this.coming = /** @type {HTMLDialogElement} */ (element("coming"));
    this.passing = /** @type {HTMLDialogElement} */ (element("passing"));
    this.passingForm = /** @type {HTMLFormElement} */ (element("passing-form"));
    element("alarms").addEventListener("click", (event) => this.onClick(event));
    this.passingForm.addEventListener("submit", (event) => this.onDecline(event));
    element("passing-wards").addEventListener("click", (event) => this.onTransfer(event));
    this.form.addEventListener("submit", (event) => this.onClose(event));
    this.coming.addEventListener("click", (event) => this.onPromise(event));
  }

  /** @param {Event} event */
  onClick(event) {
    const button = event.target instanceof Element ? event.target.closest(BUTTONS) : null;
    const card = button?.closest("li");
    if (!(button instanceof HTMLButtonElement) || !card) return;
    event.preventDefault();
    const id = Number(card.dataset["alarm"]);
    const to = button.dataset["act"] ?? "";
    const failed = this.doings.get(id);
    if (failed?.pending) return;
    if (failed?.failure && isOf(button, failed)) void this.send(failed);
    else if (button.dataset["promise"] !== undefined) this.openComing(id, card);
    else if (button.dataset["pass"] !== undefined) void this.openPassing(id, card);
    else if (to === "close") this.openClosing(id, card);
    else void this.send(doing(id, to, card.dataset["version"] ?? "", {}));
  }

  /** @param {number} id @param {HTMLElement} card */
  openClosing(id, card) {
    this.form.reset();
    this.form.dataset["of"] = String(id);
    this.form.dataset["version"] = card.dataset["version"] ?? "";
    element("closing-what").textContent = title(card);
    this.closing.showModal();
  }

  /** @param {number} id @param {HTMLElement} card */
  openComing(id, card) {
    this.coming.dataset["of"] = String(id);
    this.coming.dataset["version"] = card.dataset["version"] ?? "";
    element("coming-what").textContent = title(card);
    this.coming.showModal();
  }

  /** @param {number} id @param {HTMLElement} card */
  async openPassing(id, card) {
    this.passingForm.reset();
    this.passing.dataset["of"] = String(id);
    this.passing.dataset["version"] = card.dataset["version"] ?? "";
    element("passing-what").textContent = title(card);
    element("passing-others").hidden = true;
    this.passing.showModal();
    try {
      const answer = await fetch("/tablet/wards", { cache: "no-store", signal: AbortSignal.timeout(4000) });
      if (!answer.ok) throw new Error(`wards ${answer.status}`);
      /** @type {{wards: {key: string, name: string}[]}} */
      const found = await answer.json();
      // It is in the ward that it comes from already.
      const own = card.querySelector("h3 .ward")?.textContent;
      const wards = found.wards.filter((ward) => ward.name !== own);
      element("passing-wards").replaceChildren(...wards.map(wardButton));
      element("passing-others").hidden = wards.length === 0;
    } catch (error) {
      // Without them it can still be passed on to whoever is next.
      console.warn("no wards", error);
    }
  }

  /** @param {SubmitEvent} event */
  onDecline(event) {
    event.preventDefault();
    this.pass("decline", { reason: String(new FormData(this.passingForm).get("reason") ?? "") });
  }

  /** @param {Event} event */
  onTransfer(event) {
    const button = event.target instanceof Element ? event.target.closest("button[data-ward]") : null;
    if (button instanceof HTMLButtonElement) this.pass("transfer", { ward: button.dataset["ward"] ?? "" });
  }

  /** @param {string} to @param {Record<string, string>} body */
  pass(to, body) {
    this.passing.close();
    void this.send(doing(Number(this.passing.dataset["of"]), to, this.passing.dataset["version"] ?? "", body));
  }

  /** @param {Event} event */
  onPromise(event) {
    const button = event.target instanceof Element ? event.target.closest("button[data-minutes]") : null;
    if (!(button instanceof HTMLButtonElement)) return;
    this.coming.close();
    const { of, version } = this.coming.dataset;
    // To take it, also for who has it already: then only the clock changes.
    void this.send(doing(Number(of), "take", version ?? "", { promise_min: Number(button.dataset["minutes"]) }));
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
      const failed = card.querySelector("[data-failed]");
      if (!(failed instanceof HTMLElement)) continue;
      const id = Number(card.dataset["alarm"]);
      const act = this.doings.get(id);
      if (act?.failure && act.version !== card.dataset["version"]) this.doings.delete(id);
      const mine = this.doings.get(id);
      for (const button of card.querySelectorAll(BUTTONS)) {
        if (!(button instanceof HTMLButtonElement)) continue;
        button.disabled = mine?.pending ?? false;
        button.textContent = mine?.failure && isOf(button, mine) ? say("again") : (button.dataset["label"] ?? "");
      }
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
 * @param {Record<string, string | number>} body
 * @returns {Doing}
 */
function doing(id, to, version, body) {
  return { id, to, version, key: crypto.randomUUID(), body, pending: false, failure: "" };
}

/** Whether this is the button that such an act began with. @param {HTMLButtonElement} button @param {Doing} act */
function isOf(button, act) {
  const promised = act.body["promise_min"] !== undefined;
  if (act.to === "decline" || act.to === "transfer") return button.dataset["pass"] !== undefined;
  if (button.dataset["pass"] !== undefined) return false;
  return button.dataset["promise"] !== undefined ? promised : !promised && button.dataset["act"] === act.to;
}

/** @param {{key: string, name: string}} ward */
function wardButton(ward) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ds-button button";
  button.dataset["ward"] = ward.key;
  button.textContent = ward.name;
  return button;
}

/** @param {HTMLElement} card */
function title(card) {
  return card.querySelector("h3")?.textContent?.replace(/\s+/g, " ").trim() ?? "";
}
