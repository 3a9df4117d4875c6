// Draws snapshots: the alarm cards, their order, the rooms, the ages. Owns #alarms, #rooms and the lines about them.
// Must not know the link, the sound or what an act does. Every card is drawn by the server; here it is only placed.

import { age, element, hourMinuteSecond, left, say, serviceAt, serviceNow } from "./page.js";

/** @typedef {import("./page.js").AlarmRow} AlarmRow */

export class Board {
  constructor() {
    this.list = element("alarms");
    this.rooms = element("rooms");
    /** @type {Map<number, string>} */
    this.drawn = new Map();
    this.rooms_html = "";
    /** @type {Set<string>} */
    this.announced = new Set();
    for (const card of this.cards()) this.drawn.set(Number(card.dataset["alarm"]), "");
    this.first = true;
  }

  /** @returns {HTMLElement[]} */
  cards() {
    return [...this.list.querySelectorAll(":scope > li")].filter((node) => node instanceof HTMLElement);
  }

  /** @param {import("./page.js").Snapshot} snapshot */
  draw(snapshot) {
    const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["focus"] : undefined;
    this.placeCards(snapshot.alarms);
    if (snapshot.rooms_html !== this.rooms_html) {
      this.rooms.innerHTML = snapshot.rooms_html;
      this.rooms_html = snapshot.rooms_html;
    }
    element("count").textContent = count(snapshot.alarms.length);
    element("quiet").hidden = snapshot.alarms.length > 0;
    this.announce(snapshot.alarms);
    this.tick();
    if (held && document.activeElement === document.body) {
      const again = document.querySelector(`[data-focus="${held}"]`);
      if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    }
    this.first = false;
  }

  /** @param {AlarmRow[]} alarms */
  placeCards(alarms) {
    /** @type {Map<number, HTMLElement>} */
    const there = new Map(this.cards().map((card) => [Number(card.dataset["alarm"]), card]));
    const wanted = new Set(alarms.map((alarm) => alarm.id));
    for (const [id, card] of there) {
      if (!wanted.has(id)) {
        card.remove();
        this.drawn.delete(id);
      }
    }
    alarms.forEach((alarm, place) => {
      let card = there.get(alarm.id);
      if (!card || this.drawn.get(alarm.id) !== alarm.html) {
        const fresh = parse(alarm.html);
        if (card) card.replaceWith(fresh);
        card = fresh;
        this.drawn.set(alarm.id, alarm.html);
      }
      const now = this.list.children[place];
      if (now !== card) this.list.insertBefore(card, now ?? null);
    });
  }

  /** Tell screen readers of alarms that are new since the page came. @param {AlarmRow[]} alarms */
  announce(alarms) {
    /** @type {string[]} */
    const fresh = [];
    for (const alarm of alarms) {
      const key = `${alarm.id}:${alarm.sound_seq}`;
      if (!alarm.taken && !this.announced.has(key)) {
        if (!this.first) fresh.push(this.title(alarm.id));
        this.announced.add(key);
      }
    }
    if (fresh.length) element("announce").textContent = say("new_alarm", { what: fresh.join(". ") });
  }

  /** @param {number} id */
  title(id) {
    return this.card(id)?.querySelector("h3")?.textContent?.replace(/\s+/g, " ").trim() ?? "";
  }

  /** @param {number} id @returns {HTMLElement | undefined} */
  card(id) {
    return this.cards().find((card) => Number(card.dataset["alarm"]) === id);
  }

  /** Bring all ages, and all that is left, up to now. */
  tick() {
    const now = serviceNow();
    for (const node of document.querySelectorAll("[data-age-from]")) {
      if (node instanceof HTMLElement) put(node, age(now - Number(node.dataset["ageFrom"])));
    }
    for (const node of document.querySelectorAll("[data-left-to]")) {
      if (node instanceof HTMLElement) put(node, left(Number(node.dataset["leftTo"]) - now));
    }
  }

  /** @param {number} at_ms when the centre was last heard, by this machine's clock */
  heartbeat(at_ms) {
    const now = hourMinuteSecond(serviceAt(at_ms));
    for (const node of document.querySelectorAll("[data-heartbeat]")) {
      if (node instanceof HTMLElement) put(node, now);
    }
  }
}

/** @param {HTMLElement} node @param {string} text */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {string} html @returns {HTMLElement} */
function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const card = template.content.firstElementChild;
  if (!(card instanceof HTMLElement)) throw new Error("not a card");
  return card;
}

/** @param {number} n */
function count(n) {
  if (n === 0) return say("alarms_none");
  return n === 1 ? say("alarms_one") : say("alarms_many", { n });
}
