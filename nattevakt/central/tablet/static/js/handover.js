// The change of shift: what stands, and one tap that takes it over. Owns the dialog #handover. Must not know the link.

import { element, post, say } from "./page.js";

export class Handover {
  /**
   * @param {() => Promise<boolean>} askPerson
   * @param {() => Promise<void>} refresh
   */
  constructor(askPerson, refresh) {
    this.askPerson = askPerson;
    this.refresh = refresh;
    this.dialog = /** @type {HTMLDialogElement} */ (element("handover"));
    this.form = /** @type {HTMLFormElement} */ (element("handover-form"));
    this.button = /** @type {HTMLButtonElement} */ (element("handover-take"));
    element("handover-open").addEventListener("click", () => void this.open());
    this.form.addEventListener("submit", (event) => void this.take(event));
  }

  async open() {
    this.show("");
    // Nobody takes over what they have not been shown.
    this.button.disabled = true;
    element("handover-list").replaceChildren();
    /** @type {HTMLDialogElement} */ (element("person")).close();
    if (!this.dialog.open) this.dialog.showModal();
    try {
      const answer = await fetch("/tablet/handover", { cache: "no-store", signal: AbortSignal.timeout(4000) });
      if (answer.status === 401) {
        this.dialog.close();
        if (await this.askPerson()) await this.open();
        return;
      }
      if (!answer.ok) throw new Error(`handover ${answer.status}`);
      const found = await answer.json();
      element("handover-list").innerHTML = found.html;
      this.button.disabled = false;
    } catch (error) {
      console.warn("no handover", error);
      this.show(say("no_answer"));
    }
  }

  /** @param {SubmitEvent} event */
  async take(event) {
    event.preventDefault();
    if (this.button.disabled) return;
    const fields = new FormData(this.form);
    this.button.disabled = true;
    try {
      const body = { from: String(fields.get("from") ?? ""), note: String(fields.get("note") ?? "") };
      const answer = await post("/tablet/handover", body);
      if (answer.status >= 300) return this.show(answer.body.message ?? say("no_answer"));
      this.dialog.close();
      await this.refresh();
    } catch {
      this.show(say("no_answer"));
    } finally {
      this.button.disabled = false;
    }
  }

  /** @param {string} text */
  show(text) {
    element("handover-message").textContent = text;
  }
}
