// Whether the person is told by push on this browser while on duty. Owns the button #person-push. Must not know alarms.

import { element, post, say } from "./page.js";

const LIMIT_MS = 4000;

export class PushButton {
  constructor() {
    this.button = /** @type {HTMLButtonElement} */ (element("person-push"));
    this.key = "";
    this.button.addEventListener("click", () => void this.toggle());
  }

  /** Show the button where this browser and the centre can. @param {boolean} known somebody is logged in */
  async show(known) {
    this.button.hidden = true;
    if (!known || !("PushManager" in window) || !("serviceWorker" in navigator)) return;
    try {
      const answer = await fetch("/tablet/push/key", { cache: "no-store", signal: AbortSignal.timeout(LIMIT_MS) });
      this.key = answer.ok ? ((await answer.json()).key ?? "") : "";
      if (this.key) this.draw((await this.subscription()) !== null);
    } catch (error) {
      console.warn("no push", error);
    }
  }

  /** @param {boolean} on */
  draw(on) {
    this.button.textContent = on ? say("push_off") : say("push_on");
    this.button.setAttribute("aria-pressed", String(on));
    this.button.hidden = false;
  }

  async subscription() {
    const worker = await navigator.serviceWorker.getRegistration();
    return (await worker?.pushManager.getSubscription()) ?? null;
  }

  async toggle() {
    this.button.disabled = true;
    try {
      const there = await this.subscription();
      this.draw(there ? await this.end(there) : await this.begin());
    } catch (error) {
      console.warn("push", error);
      const denied = "Notification" in window && Notification.permission === "denied";
      this.button.textContent = denied ? say("push_denied") : say("push_failed");
    } finally {
      this.button.disabled = false;
    }
  }

  /** @returns {Promise<boolean>} */
  async begin() {
    const worker = await navigator.serviceWorker.ready;
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: this.key });
    const answer = await post("/tablet/push", made.toJSON());
    if (answer.status === 200) return true;
    await made.unsubscribe();
    throw new Error(`push ${answer.status}`);
  }

  /** @param {PushSubscription} there @returns {Promise<boolean>} */
  async end(there) {
    const answer = await fetch("/tablet/push", {
      method: "DELETE",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ endpoint: there.endpoint }),
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    if (!answer.ok) throw new Error(`push ${answer.status}`);
    await there.unsubscribe();
    return false;
  }
}
