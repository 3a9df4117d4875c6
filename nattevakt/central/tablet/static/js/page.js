// What the server wrote into the page: settings, sentences and the service's time. Owns no element of the board.
// Must not know the link or the alarms.

/**
 * @typedef {object} Settings
 * @property {number} hb_s seconds between heartbeats
 * @property {number} now_ms service time when the page was made
 * @property {number} speed how fast service time runs; 1 but in a demo
 * @property {number} seq live sequence when the page was made
 * @property {string} build build id of the files
 * @property {string} lang language tag
 * @property {string} time_zone
 */

/**
 * @typedef {object} AlarmRow
 * @property {number} id
 * @property {number} version
 * @property {1 | 2 | 3} priority
 * @property {string} state
 * @property {boolean} taken somebody has it
 * @property {number} sound_seq
 * @property {number | null} notice_id
 * @property {string} html
 */

/**
 * @typedef {object} Snapshot
 * @property {string} epoch
 * @property {number} seq
 * @property {number} now_ms
 * @property {number} speed
 * @property {{name: string}} ward
 * @property {{name: string, initials: string} | null} person
 * @property {number | null} sweep_age_s
 * @property {number} sweep_late_s
 * @property {AlarmRow[]} alarms
 * @property {string} rooms_html
 * @property {{due: number, overdue: number}} rounds whom to look to now, and how many of them are late
 * @property {{ids: number[], html: string, last: string}} tests of the whole way that wait for a tap, and the last one
 */

/** @param {string} id @returns {HTMLElement} */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id}`);
  return found;
}

/** @param {string} id @returns {any} */
function data(id) {
  return JSON.parse(element(id).textContent || "{}");
}

/** @type {Settings} */
export const settings = data("settings");
/** @type {Record<string, string>} */
const sentences = data("sentences");

/**
 * A sentence in the page's language, with {name} places filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  const sentence = sentences[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

let told_ms = settings.now_ms;
let told_at_ms = Date.now();
let speed = settings.speed;

/**
 * Take the service's time from a message that has just come. It runs on by itself until the next one.
 * @param {number} now_ms
 * @param {number} now_speed
 */
export function synchronise(now_ms, now_speed) {
  told_ms = now_ms;
  told_at_ms = Date.now();
  speed = now_speed;
}

/** Service time now, in Unix milliseconds. */
export function serviceNow() {
  return serviceAt(Date.now());
}

/** Service time when this machine's clock showed `at_ms`. @param {number} at_ms */
export function serviceAt(at_ms) {
  return told_ms + (at_ms - told_at_ms) * speed;
}

/** How fast service time runs. */
export function serviceSpeed() {
  return speed;
}

const minute = new Intl.DateTimeFormat("nb", { timeZone: settings.time_zone, hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat("nb", {
  timeZone: settings.time_zone,
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** @param {number} at_ms */
export const hourMinute = (at_ms) => minute.format(at_ms);
/** @param {number} at_ms */
export const hourMinuteSecond = (at_ms) => second.format(at_ms);

/**
 * An age as the server writes it: "45 s", "1 min 35 s", "16 min", "2 t 5 min".
 * @param {number} age_ms
 */
export function age(age_ms) {
  const s = Math.max(0, Math.floor(age_ms / 1000));
  const min = Math.floor(s / 60);
  if (min < 1) return say("age_s", { s });
  if (min < 10) return say("age_min_s", { min, s: s % 60 });
  if (min < 60) return say("age_min", { min });
  return say("age_h_min", { h: Math.floor(min / 60), min: min % 60 });
}

/**
 * How long something still is, as the server writes it: "4 min 10 s igjen".
 * @param {number} left_ms
 */
export function left(left_ms) {
  return left_ms <= 0 ? say("left_none") : say("left", { age: age(left_ms) });
}

/**
 * POST JSON with a bound on the wait. Rejects only where no answer came.
 * @param {string} path
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{status: number, body: any, retry_after_s: number}>}
 */
export async function post(path, body, headers = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5000),
  });
  const text = await answer.text();
  const json = answer.headers.get("Content-Type")?.includes("json") ?? false;
  return {
    status: answer.status,
    body: json && text ? JSON.parse(text) : {},
    retry_after_s: Number(answer.headers.get("Retry-After") ?? 0),
  };
}
