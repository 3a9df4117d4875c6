// The rounds in place of the rooms: shown and hidden, fetched, and what a person says of one resident. Owns #round and
// #rounds-open. Must not know the link or the alarms. The list is drawn by the server; without this file the link and
// the forms work as they are.
//
// A list that has just changed takes no taps for a moment: what was meant for one resident must not land on the next.

import { element, post, say } from "./page.js";

const PATH = "/tablet/rounds";
const SETTLE_MS = 400;
const TIMEOUT_MS = 4000;

export class Rounds {
  /**
   * @param {() => Promise<boolean>} askPerson
   * @param {() => boolean} personKnown
   * @param {() => Promise<void>} refresh fetch a new snapshot; it brings the list too
   * @param {() => void} drawn after each drawing
   */
  constructor(askPerson, personKnown, refresh, drawn) {
    this.askPerson = askPerson;
    this.personKnown = personKnown;
    this.refresh = refresh;
    this.drawn = drawn;
    this.panel = element("round");
    this.list = element("round-list");
    this.link = element("rounds-open");
    this.html = "";
    this.settled_at = 0;
    this.busy = false;
    this.link.addEventListener("click", (event) => {
      event.preventDefault();
      void this.show(this.panel.hidden !== false);
    });
    this.list.addEventListener("submit", (event) => void this.onSubmit(event));
    this.list.dataset["settled"] = "true";
  }

  /** @param {boolean} open */
  async show(open) {
    this.panel.hidden = !open;
    element("rooms-part").hidden = open;
    this.link.setAttribute("aria-current", String(open));
    this.link.setAttribute("href", open ? "/" : PATH);
    history.replaceState(null, "", open ? PATH : "/");
    if (open) await this.fetch();
  }

  /** @param {{due: number, overdue: number}} rounds @param {number} ringing how many alarms nobody has taken */
  async draw(rounds, ringing) {
    const back = element("to-alarms");
    back.hidden = ringing === 0;
    back.textContent = ringing === 1 ? say("alarms_one") : say("alarms_many", { n: ringing });
    const badge = element("rounds-due");
    badge.hidden = rounds.due === 0;
    badge.dataset["late"] = String(rounds.overdue > 0);
    element("rounds-n").textContent = String(rounds.due);
    if (!this.panel.hidden && !this.busy) await this.fetch();
  }

  async fetch() {
    try {
      const answer = await fetch(`${PATH}/list`, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
      // Where it does not come the banner of the board says that there is no contact; the list stays as it was.
      if (answer.ok) this.place(await answer.text());
    } catch (error) {
      console.warn("no rounds", error);
    }
  }

  /** @param {string} html */
  place(html) {
    if (html === this.html) return;
    const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["focus"] : undefined;
    this.html = html;
    this.list.innerHTML = html;
    this.settled_at = performance.now() + SETTLE_MS;
    this.list.dataset["settled"] = "false";
    setTimeout(() => (this.list.dataset["settled"] = String(performance.now() >= this.settled_at)), SETTLE_MS + 10);
    if (held && document.activeElement === document.body) {
      const again = this.list.querySelector(`[data-focus="${held}"]`);
      if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    }
    this.drawn();
  }

  /** @param {SubmitEvent} event */
  async onSubmit(event) {
    event.preventDefault();
    const form = event.target;
    const said = event.submitter instanceof HTMLButtonElement ? event.submitter.value : "";
    if (!(form instanceof HTMLFormElement) || !said || this.busy || performance.now() < this.settled_at) return;
    await this.send(form, said, crypto.randomUUID());
  }

  /** @param {HTMLFormElement} form @param {string} said @param {string} key */
  async send(form, said, key) {
    if (!this.personKnown() && !(await this.askPerson())) return;
    this.wait(form, true);
    let failure = "";
    let told = "";
    try {
      const answer = await post(new URL(form.action).pathname, { said }, { "Idempotency-Key": key });
      if (answer.status === 401 && answer.body.error === "person_needed") {
        this.wait(form, false);
        if (await this.askPerson()) await this.send(form, said, key);
        return;
      }
      if (answer.status >= 500 || answer.status === 429) failure = answer.body.message ?? say("act_failed");
      else if (answer.status >= 300) told = answer.body.message ?? say("act_failed");
    } catch {
      failure = say("act_no_answer");
    }
    this.wait(form, false);
    const line = form.querySelector("[data-failed]");
    if (line instanceof HTMLElement) {
      line.textContent = failure;
      line.hidden = !failure;
    }
    if (told) {
      element("told-text").textContent = told;
      element("told").hidden = false;
    }
    if (!failure) {
      await this.fetch();
      await this.refresh();
    }
  }

  /** @param {HTMLFormElement} form @param {boolean} busy */
  wait(form, busy) {
    this.busy = busy;
    for (const button of form.querySelectorAll("button")) button.disabled = busy;
  }
}
