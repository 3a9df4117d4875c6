// Joins the parts of the board. Owns the banners, the clock and the top line. Must not hold a rule of its own about
// what an alarm means.

import { Acts } from "./act.js";
import { Board } from "./board.js";
import { Handover } from "./handover.js";
import { Link } from "./link.js";
import { element, hourMinute, hourMinuteSecond, say, serviceAt, serviceNow, serviceSpeed, settings } from "./page.js";
import { PersonDialog } from "./person.js";
import { Presence, Receipts } from "./presence.js";
import { preferences } from "./preferences.js";
import { Rounds } from "./rounds.js";
import { Shift } from "./shift.js";
import { Sounder } from "./sound.js";
import { ChainTests } from "./tests.js";

const REFRESH_MS = 30_000;

/** @type {import("./page.js").Snapshot | null} */
let last = null;
/** @type {Set<number>} */
const confirmed = new Set();
/** @type {Map<number, number>} alarm → the sound sequence that was heard of it */
const sounded = new Map();

/** @type {{level: number, charging: boolean} | undefined} unknown where the browser does not tell */
let battery;
/** @type {any} */ (navigator).getBattery?.().then((/** @type {any} */ found) => (battery = found));

const board = new Board();
const receipts = new Receipts();
const sounder = new Sounder(() => {
  shift.draw();
  if (last) ring(last.alarms);
  void presence.tell();
});
const shift = new Shift(sounder, () => void presence.tell());
const person = new PersonDialog(() => void link.fetch());
const link = new Link({ snapshot: onSnapshot, contact: onContact, sweep: onSweep });
const acts = new Acts(
  () => person.ask(),
  () => last?.person != null,
  () => link.fetch(),
);
new Handover(
  () => person.ask(),
  () => link.fetch(),
);
const rounds = new Rounds(
  () => person.ask(),
  () => last?.person != null,
  () => link.fetch(),
  () => board.tick(),
);
const tests = new ChainTests(
  () => person.ask(),
  () => last?.person != null,
  () => link.fetch(),
  () => sounder.soft(),
);
const presence = new Presence(() => ({
  audio: sounder.state,
  heard: shift.heard,
  visible: document.visibilityState === "visible",
  wake_lock: shift.lock !== null && !shift.lock.released,
  notifications: "Notification" in window ? Notification.permission : "absent",
  battery: battery?.charging ? 1 : battery?.level,
  build: settings.build,
  seq: link.seq,
}));

/** @param {import("./page.js").Snapshot} snapshot */
function onSnapshot(snapshot) {
  last = snapshot;
  // First the sound: it must not depend on anything that is drawn.
  ring(snapshot.alarms);
  board.draw(snapshot);
  // Said before anything else is drawn: what goes wrong there must not make the ledger think that nobody saw it.
  for (const alarm of snapshot.alarms) {
    if (alarm.notice_id !== null && !confirmed.has(alarm.notice_id)) {
      confirmed.add(alarm.notice_id);
      receipts.shown(alarm.notice_id);
    }
  }
  acts.decorate();
  onSweep(snapshot.sweep_age_s, snapshot.sweep_late_s);
  drawPerson(snapshot.person);
  const ringing = snapshot.alarms.filter((alarm) => !alarm.taken).length;
  void rounds.draw(snapshot.rounds, ringing);
  tests.draw(snapshot.tests, ringing);
}

/**
 * Sound what is new at once, and what nobody has taken again and again. Something reported anew sounds once more,
 * also where somebody has it.
 * @param {import("./page.js").AlarmRow[]} alarms
 */
function ring(alarms) {
  const open = alarms.filter((alarm) => !alarm.taken);
  const loudest = open.length ? Math.min(...open.map((alarm) => alarm.priority)) : null;
  sounder.repeat(loudest === null ? (link.lost ? "technical" : null) : /** @type {1 | 2 | 3} */ (loudest));
  for (const alarm of [...alarms].sort((one, other) => one.priority - other.priority)) {
    const heard = sounded.get(alarm.id) ?? (alarm.taken ? alarm.sound_seq : 0);
    if (heard >= alarm.sound_seq) sounded.set(alarm.id, heard);
    else if (sounder.running) sound(alarm, heard);
  }
}

/** @param {import("./page.js").AlarmRow} alarm @param {number} heard what was heard of it before */
function sound(alarm, heard) {
  sounded.set(alarm.id, alarm.sound_seq);
  void sounder.play(alarm.priority).then((played) => {
    if (!played) sounded.set(alarm.id, Math.min(heard, sounded.get(alarm.id) ?? 0));
    else if (alarm.notice_id !== null) receipts.sounded(alarm.notice_id);
  });
  if (document.visibilityState !== "visible") void notify();
}

/** A second way to be seen; without a word about whom. */
async function notify() {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const worker = await navigator.serviceWorker?.getRegistration();
  await worker?.showNotification(say("notify_title"), { tag: "alarm", requireInteraction: true });
}

/** @param {boolean} lost @param {number} since_ms by this machine's clock */
function onContact(lost, since_ms) {
  const since = hourMinuteSecond(serviceAt(since_ms));
  element("stale").hidden = !lost;
  element("stale-text").textContent = lost ? say("stale", { since }) : "";
  const line = element("link-state");
  line.dataset["bad"] = String(lost);
  line.textContent = lost ? say("link_lost") : say("link_up");
  if (last) ring(last.alarms);
  else sounder.repeat(lost ? "technical" : null);
  if (lost) void sounder.play("technical");
}

/** @param {number | null} age_s @param {number} late_s */
function onSweep(age_s, late_s) {
  element("sweep").hidden = age_s !== null && age_s <= late_s;
}

/** @param {{name: string, initials: string} | null} who */
function drawPerson(who) {
  element("person-initials").textContent = who?.initials ?? "";
  element("person-initials").hidden = who === null;
  element("person-name").textContent = who?.name ?? say("no_person");
}

function tick() {
  const at = hourMinute(serviceNow());
  element("clock").textContent = at;
  const demo = document.getElementById("demo");
  if (demo) demo.textContent = say("demo", { speed: serviceSpeed(), at });
  board.tick();
  if (!link.lost) board.heartbeat(link.heard_ms);
}

element("person-open").addEventListener("click", () => void person.ask());
element("told-shut").addEventListener("click", () => (element("told").hidden = true));
for (const button of document.querySelectorAll("[data-shut]")) {
  button.addEventListener("click", () => button.closest("dialog")?.close());
}
element("dead").hidden = true;
preferences();
link.start();
void presence.tell();
setInterval(tick, 1000);
setInterval(() => void link.fetch(), REFRESH_MS);
tick();
document.addEventListener("visibilitychange", () => void presence.tell());

if ("serviceWorker" in navigator) {
  navigator.serviceWorker
    .register("/sw.js", { updateViaCache: "none" })
    .catch((error) => console.warn("no service worker", error));
}
