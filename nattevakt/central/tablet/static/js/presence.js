// What the centre must know of this tablet: is somebody able to see and hear it, and which notices it has shown.
// Owns /tablet/presence and /tablet/shown. Must not know how anything is drawn or sounds.

import { post, serviceNow } from "./page.js";

const EVERY_MS = 30_000;
const RETRY_MS = 2000;
const WAITING_MAX = 500;

export class Presence {
  /** @param {() => Record<string, unknown>} describe what to say of this tablet */
  constructor(describe) {
    this.describe = describe;
    this.used = false;
    for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => (this.used = true), { passive: true });
    setInterval(() => void this.tell(), EVERY_MS);
  }

  /** Tell now; also called when sound or visibility change. */
  async tell() {
    const used = this.used;
    this.used = false;
    try {
      const answer = await post("/tablet/presence", { ...this.describe(), used });
      if (answer.status >= 400) this.used ||= used;
    } catch {
      this.used ||= used;
    }
  }
}

export class Receipts {
  constructor() {
    /** @type {Map<number, {id: number, shown_ms?: number, sounded?: boolean}>} */
    this.waiting = new Map();
    this.sending = false;
  }

  /** The row is on the screen. @param {number} notice_id */
  shown(notice_id) {
    this.add(notice_id, { shown_ms: serviceNow() });
  }

  /** The burst for it was played to its end. @param {number} notice_id */
  sounded(notice_id) {
    this.add(notice_id, { sounded: true });
  }

  /** @param {number} id @param {{shown_ms?: number, sounded?: boolean}} what */
  add(id, what) {
    if (!this.waiting.has(id) && this.waiting.size >= WAITING_MAX) return;
    this.waiting.set(id, { ...(this.waiting.get(id) ?? { id }), ...what });
    void this.send();
  }

  async send() {
    if (this.sending || this.waiting.size === 0) return;
    this.sending = true;
    await Promise.resolve(); // whatever is added in this turn goes in one message
    const notices = [...this.waiting.values()].slice(0, 100);
    this.waiting = new Map([...this.waiting].filter(([id]) => !notices.some((notice) => notice.id === id)));
    let ok = false;
    try {
      const answer = await post("/tablet/shown", { notices });
      ok = answer.status < 500;
    } catch {
      ok = false;
    }
    if (!ok) {
      for (const notice of notices) this.waiting.set(notice.id, { ...notice, ...this.waiting.get(notice.id) });
    }
    this.sending = false;
    if (this.waiting.size) setTimeout(() => void this.send(), ok ? 0 : RETRY_MS);
  }
}
