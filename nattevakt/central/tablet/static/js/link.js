// The link to the centre: hints and heartbeats in, snapshots out. Owns when the page must say that it has no contact.
// Must not know what is in a snapshot, how it is drawn or how it sounds.
//
// The browser's own reconnecting is not trusted: a half-open connection looks open to it for ever. So every event
// counts as a sign of life, and silence is judged by our own timer against real monotonic time.

import { settings, synchronise } from "./page.js";

const STALE_BEATS = 2.5;
const RENEW_BEATS = 4;
const RENEW_AGAIN_MS = 5000;
const SNAPSHOT_TIMEOUT_MS = 4000;

/**
 * @typedef {object} Hooks
 * @property {(snapshot: import("./page.js").Snapshot) => void} snapshot the newest state
 * @property {(lost: boolean, since_ms: number) => void} contact contact was lost or came back
 * @property {(age_s: number | null, late_s: number) => void} sweep the age of the centre's last sweep, and its limit
 */

export class Link {
  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    /** @type {EventSource | null} */
    this.source = null;
    this.hb_ms = settings.hb_s * 1000;
    this.seq = settings.seq;
    this.epoch = "";
    this.heard = performance.now();
    this.heard_ms = Date.now();
    this.renew_at = 0;
    /** @type {boolean | null} null until the first sign of life */
    this.lost = null;
    this.fetching = false;
    this.again = false;
    /** @type {number | null} when the page first knew that it was behind */
    this.behind = null;
    this.stopped = false;
    this.met = false;
  }

  start() {
    this.open();
    setInterval(() => this.judge(), 250);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.fetch());
    for (const name of ["pageshow", "online"]) addEventListener(name, () => this.fetch());
    document.addEventListener("resume", () => this.fetch());
    // A browser that believes to be offline may be right; one that believes to be online proves nothing.
    addEventListener("offline", () => this.judge());
  }

  open() {
    if (this.stopped) return;
    this.source?.close();
    this.renew_at = performance.now() + Math.max(RENEW_BEATS * this.hb_ms, RENEW_AGAIN_MS);
    const source = new EventSource("/tablet/events");
    this.source = source;
    source.addEventListener("hello", (event) => this.onHello(JSON.parse(event.data)));
    source.addEventListener("changed", (event) => this.onSeq(JSON.parse(event.data).seq));
    source.addEventListener("hb", (event) => this.onBeat(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (source !== this.source) return;
      source.close();
      this.renew_at = performance.now() + 1000 + 1000 * Math.random();
      // Whatever ended the stream, hints may be lost, or this tablet's enrolment has ended.
      void this.fetch();
    });
  }

  /** @param {{epoch: string, seq: number, hb_s: number, now_ms: number, speed: number}} hello */
  onHello(hello) {
    this.hb_ms = hello.hb_s * 1000;
    this.epoch = hello.epoch;
    synchronise(hello.now_ms, hello.speed);
    this.sign();
    this.fetch();
  }

  /** @param {{seq: number, now_ms: number, speed: number, sweep_age_s: number | null, sweep_late_s: number}} beat */
  onBeat(beat) {
    synchronise(beat.now_ms, beat.speed);
    this.hooks.sweep(beat.sweep_age_s, beat.sweep_late_s);
    this.onSeq(beat.seq);
    // Rooms change without a hint and are fetched twice a minute; a demo's minute may be a second.
    if (beat.speed > 1) void this.fetch();
  }

  /** @param {number} seq */
  onSeq(seq) {
    this.sign();
    // Also a lower one: the centre's database may have been restored.
    if (seq !== this.seq) this.fetch();
  }

  sign() {
    this.met = true;
    this.heard = performance.now();
    this.heard_ms = Date.now();
    this.renew_at = this.heard + RENEW_BEATS * this.hb_ms;
    this.judge();
  }

  judge() {
    const now = performance.now();
    const silent = now - this.heard > STALE_BEATS * this.hb_ms;
    const behind = this.behind !== null && now - this.behind > STALE_BEATS * this.hb_ms;
    const lost = silent || behind;
    if (lost !== this.lost && (lost || this.met)) {
      this.lost = lost;
      this.hooks.contact(lost, this.heard_ms);
    }
    if (now >= this.renew_at) {
      this.open();
      // While nothing answers a new try is made every few seconds; never slower.
      if (silent) this.renew_at = now + RENEW_AGAIN_MS;
    }
  }

  /** Get the whole state; asked again while one is under way, it is fetched once more after it. */
  async fetch() {
    if (this.fetching) {
      this.again = true;
      return;
    }
    this.fetching = true;
    this.again = false;
    this.behind ??= performance.now();
    let wait_ms = 0;
    try {
      const answer = await fetch("/tablet/snapshot", {
        cache: "no-store",
        priority: "high",
        signal: AbortSignal.timeout(SNAPSHOT_TIMEOUT_MS),
      });
      // Only the centre's own word ends this; a proxy or a guest network on the way may refuse for reasons of its own.
      if (answer.status === 401 && (await answer.json()).error === "tablet_needed") {
        this.leave();
        return;
      }
      if (!answer.ok) throw new Error(`snapshot ${answer.status}`);
      const snapshot = await answer.json();
      this.seq = snapshot.seq;
      synchronise(snapshot.now_ms, snapshot.speed);
      this.hooks.snapshot(snapshot);
      // Only now: a snapshot that could not be drawn leaves the page behind, and the page must say so.
      this.behind = null;
      this.judge();
    } catch (error) {
      console.warn("no snapshot", error);
      this.again = true;
      wait_ms = 1000 + 1000 * Math.random();
    } finally {
      this.fetching = false;
    }
    if (this.again) setTimeout(() => this.fetch(), wait_ms);
  }

  /** The enrolment of this tablet has ended; it must not go on showing what it had. */
  leave() {
    this.stopped = true;
    this.source?.close();
    location.assign("/tablet/enrol");
  }
}
